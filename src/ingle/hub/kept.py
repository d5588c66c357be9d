"""Keeps a version named after its branch has moved, as long as it is some model's only one here.

Of a repo with many quantisations one may have been pulled before the branch moved and another after it. What no
ref points to `hf cache prune` takes, so the older version gets `refs/ingle/still-<sha>` until nothing in it is missed.
"""

from __future__ import annotations

from pathlib import Path

from ingle.catalog.formats import gguf_files
from ingle.hub.disk import write_whole
from ingle.hub.layout import RepoPlace, is_commit
from ingle.hub.receipt import Asked, Receipt
from ingle.hub.stored import stored_receipt

_STILL = "still-"


def keep(place: RepoPlace, branch: str, commit: str) -> None:
    """Called before `branch` is pointed to `commit`. The caller holds the pull lock. Raises `OSError`."""
    try:
        old = (place.refs / branch).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return
    if old == commit or not is_commit(old) or not place.snapshot(old).is_dir():
        return
    if _missed(stored_receipt(place, old), stored_receipt(place, commit)):
        write_whole(_still(place, old), old.encode(), place.stage)


def release(place: RepoPlace, commit: str) -> None:
    """Called when a branch points to `commit`: what is here in that version needs no older one. Raises `OSError`."""
    now = stored_receipt(place, commit)
    for path in sorted((place.refs / "ingle").glob(f"{_STILL}*")):
        old = path.name.removeprefix(_STILL)
        if old == commit or not _missed(stored_receipt(place, old), now):
            path.unlink(missing_ok=True)


def followed(place: RepoPlace, commit: str) -> str | None:
    """The branch that the models of a version kept in this way follow; None for any other version."""
    receipt = stored_receipt(place, commit) if _still(place, commit).is_file() else None
    return receipt.listing.revision if receipt is not None else None


def _still(place: RepoPlace, commit: str) -> Path:
    return place.refs / "ingle" / f"{_STILL}{commit}"


def _missed(old: Receipt | None, new: Receipt | None) -> bool:
    """Whether a model was pulled of the old version, followed a branch, and is not in the new one."""
    if old is None:
        return False
    there = {_head(asked) for asked in (new.asked if new is not None else ())}
    return any(_head(asked) not in there for asked in old.asked if not is_commit(asked.ref.revision or ""))


def _head(asked: Asked) -> str:
    """What tells the models of one repo apart: the first GGUF file; nothing for the folder's own."""
    return next(iter(gguf_files(asked.files)), "")
