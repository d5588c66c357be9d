"""Keeps a version named after its branch has moved, as long as it is some model's only one here.

Of a repo with many quantisations one may have been pulled before the branch moved and another after it. What no
ref points to `hf cache prune` takes, so the older version gets `refs/ingle/still-<sha>` until nothing in it is missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
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
    receipt = stored_receipt(place, old)
    if receipt is not None and _missed(place, receipt, {branch: commit}):
        write_whole(_still(place, old), old.encode(), place.stage)


def release(place: RepoPlace) -> None:
    """Called when a branch was pointed elsewhere, or a model removed: drops the names that nothing needs any more.

    One whose receipt cannot be read stays: what would be missed is not known. Raises `OSError`.
    """
    for path in sorted((place.refs / "ingle").glob(f"{_STILL}*")):
        old = path.name.removeprefix(_STILL)
        if not is_commit(old):
            continue
        receipt = stored_receipt(place, old)
        here = place.snapshot(old).is_dir() and place.receipt(old).exists()
        if not here or (receipt is not None and not _missed(place, receipt)):
            path.unlink(missing_ok=True)


def followed(place: RepoPlace, commit: str, file: str | None) -> str | None:
    """The branch that a model of a version kept in this way follows; None for any other version, and for a model
    that is here in the branch's present one. `file` is its GGUF."""
    receipt = stored_receipt(place, commit) if _still(place, commit).is_file() else None
    for asked in receipt.asked if receipt is not None else ():
        branch = _branch(asked)
        if branch is not None and _head(asked) == (file or ""):
            return branch if not _is_in(place, asked, _present(place, branch)) else None
    return None


def _present(place: RepoPlace, branch: str) -> str | None:
    try:
        commit = (place.refs / branch).read_text(encoding="ascii").strip()
    except (OSError, ValueError):  # not there, no text, or a name that no file can have
        return None
    return commit if is_commit(commit) else None


def _still(place: RepoPlace, commit: str) -> Path:
    return place.refs / "ingle" / f"{_STILL}{commit}"


def _missed(place: RepoPlace, old: Receipt, pointed: Mapping[str, str] | None = None) -> bool:
    """Whether a model is whole in the old version, follows a branch, and is not whole in what that means now.

    `pointed` are branches that are about to mean another commit.
    """
    before = old.listing.commit
    for asked in old.asked:
        branch = _branch(asked)
        if branch is None or not _is_in(place, asked, before):
            continue
        now = (pointed or {}).get(branch) or _present(place, branch)
        if now != before and not _is_in(place, asked, now):
            return True
    return False


def _branch(asked: Asked) -> str | None:
    branch = asked.ref.revision or "main"
    return None if is_commit(branch) else branch


def _is_in(place: RepoPlace, model: Asked, commit: str | None) -> bool:
    """Whether this model was asked for in a version, too, and every file of it is there."""
    receipt = stored_receipt(place, commit)
    if receipt is None or commit is None:
        return False
    folder = place.snapshot(commit)
    with suppress(OSError):
        return any(
            _head(asked) == _head(model) and all((folder / path).exists() for path in asked.files)
            for asked in receipt.asked
        )
    return False


def _head(asked: Asked) -> str:
    """What tells the models of one repo apart: the first GGUF file; nothing for the folder's own."""
    return next(iter(gguf_files(asked.files)), "")
