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
    old = _present(place, branch)
    if old is None or old == commit or not place.snapshot(old).is_dir():
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


def followed(place: RepoPlace, commit: str, file: str | None) -> str | None:
    """The branch that a model of a version kept in this way follows; None for any other version, and for a model
    that is here in the branch's present one. `file` is its GGUF."""
    receipt = stored_receipt(place, commit) if _still(place, commit).is_file() else None
    if receipt is None:
        return None
    branch = receipt.listing.revision
    now = stored_receipt(place, _present(place, branch))
    there = {_head(asked) for asked in (now.asked if now is not None else ())}
    return branch if (file or "") not in there else None


def _present(place: RepoPlace, branch: str) -> str | None:
    try:
        commit = (place.refs / branch).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return commit if is_commit(commit) else None


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
