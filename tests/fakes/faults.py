"""The misbehaviours a fake hub can be asked for, as one value."""

from __future__ import annotations

from dataclasses import dataclass

ALWAYS = 1 << 62
"""A `times` that never runs out."""


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Sizes in bytes. A field ending in `_times` says how many replies misbehave that way; 0 is never.

    Faults of bodies and of ranges touch replies that carry the bytes of files, in `only` (a file's path;
    None is every file) of at least `from_size` bytes. Those of statuses touch the requests named in `on`:
    "api" (info, tree pages, search), "resolve" (the hub's own answer for a file), "bytes" (file content).
    """

    seed: int = 0
    only: str | None = None
    from_size: int = 0

    # bodies
    cut_at: int = 0
    cut_times: int = 0
    """Closes the connection after `cut_at` bytes of the body."""
    cut_between: tuple[int, int] | None = None
    """Closes every connection after some number of bytes between these two."""
    stall_at: int = 0
    stall_times: int = 0
    """Sends `stall_at` bytes, then nothing, and stays connected."""
    trickle_times: int = 0
    """One byte a second."""
    rate: float | None = None
    """Bytes a second on each connection."""
    gzip_times: int = 0
    wrong_bytes_times: int = 0
    """Right length, one byte of the range flipped."""
    lie_by: int = 1000
    lie_times: int = 0
    """`Content-Length` differs by `lie_by` from what is sent."""
    html_times: int = 0
    """A page with status 200 instead of the file."""

    # ranges
    ignore_range_times: int = 0
    """200 and the whole file."""
    wrong_total_times: int = 0
    wrong_start_times: int = 0
    no_content_range_times: int = 0
    refuse_range_times: int = 0
    """416 at an offset that is there."""

    # signed addresses and redirects
    signed_uses: int | None = None
    """A signed address answers 403 after this many replies."""
    loop_times: int = 0
    """Redirects that lead back to themselves."""
    relative_redirects: bool = False
    """The hub sends small files, and the CDN large ones, through one more relative redirect."""
    redirect_to: str | None = None
    """The hub redirects every file there."""

    # statuses
    on: frozenset[str] = frozenset({"api", "resolve", "bytes"})
    statuses: tuple[int, ...] = ()
    """The first requests get these, one each."""
    limited_times: int = 0
    retry_after: int = 1
    """429 with `Retry-After` and `RateLimit` headers."""
    echo_times: int = 0
    """Refusals whose words repeat the token that came, and a signed address."""
    vanish_after: int | None = None
    """The commit is gone after this many requests for files or pages."""
    revoke_after: int | None = None
    """Tokens stop working after this many requests."""

    # headers
    clock_ahead: float = 0.0
    """Seconds by which `Date` is ahead of this machine's clock."""
    no_commit: bool = False
    no_linked: bool = False
    """Neither `X-Linked-Etag` nor `X-Linked-Size`."""
    etag: str | None = None
    """What every ETag says instead of the digest."""
    endless_pages: bool = False
    """Every page of a tree names itself as the next."""
