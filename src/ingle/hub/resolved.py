"""Where the bytes of one file can be had now, as a value; and what a hub says of it on the way, checked."""

from __future__ import annotations

import re

import msgspec

from ingle.catalog.listing import DigestKind, ListedFile
from ingle.errors import HubLied
from ingle.hub import fields as said
from ingle.hub.address import Address, file_path, under

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """`address` may be signed: its query is a secret of minutes, `expires` (Unix time) says until when.

    `home` is the origin of the hub, the only one that sees the token. `size` in bytes.
    """

    repo_id: str
    path: str
    address: Address
    home: tuple[str, str, int]
    size: int
    expires: float | None = None
    etag: str | None = None

    @property
    def url(self) -> str:
        """Never to be logged: see `Address.shown`."""
        return self.address.url

    @property
    def own(self) -> bool:
        """Whether the hub itself answers there, rather than a host it sends people to."""
        return self.address.origin == self.home

    def __repr__(self) -> str:
        return f"Resolved({self.address.shown}, size={self.size})"


def file_address(endpoint: str, repo_id: str, commit: str, path: str) -> Address:
    """The hub's own address of a file at a commit."""
    return under(endpoint, file_path(repo_id), "resolve", commit, file_path(path))


def resolved_at(
    headers: said.Fields, address: Address, home: Address, repo_id: str, file: ListedFile
) -> Resolved:
    """What the head of an answer about a file amounts to, the bytes being at `address`."""
    tag = said.etag(headers.get("x-linked-etag") or headers.get("etag", ""))
    return Resolved(
        repo_id=repo_id,
        path=file.path,
        address=address,
        home=home.origin,
        size=file.size,
        expires=said.signed_until(address.url),
        etag=tag or None,
    )


def check_head(headers: said.Fields, commit: str, file: ListedFile) -> None:
    """What the hub says of a file must be what it listed. A field that is absent says nothing.

    Raises `HubLied`.
    """
    told = headers.get("x-repo-commit", commit)
    if told != commit:
        raise _other(f"{file.path} was asked for at {commit}; the hub answers from {told[:80]}.", "commit")
    size = headers.get("x-linked-size", str(file.size))
    if size != str(file.size):
        raise _other(f"{file.path} was listed with {file.size} bytes and now has {size[:30]}.", "size")
    tag = said.etag(headers.get("x-linked-etag", ""))
    if file.kind is DigestKind.SHA256 and _SHA256.fullmatch(tag) and tag != file.digest:
        raise _other(f"{file.path} was listed with digest {file.digest} and now has {tag}.", "digest")


def _other(message: str, kind: str) -> HubLied:
    return HubLied(
        message,
        hint="The hub or a mirror mixes versions; pull again later, or choose another hub with HF_ENDPOINT.",
        kind=kind,
    )
