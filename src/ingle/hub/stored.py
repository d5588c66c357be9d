"""Reads receipts for those who only look: one that was damaged on disk is as good as none."""

from __future__ import annotations

import re

from ingle.catalog.names import is_safe_path
from ingle.hub.layout import RepoPlace, is_commit
from ingle.hub.receipt import Receipt, read_receipt

_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def stored_receipt(place: RepoPlace, commit: str | None) -> Receipt | None:
    """The receipt of a commit, when it parses and everything in it could be true; else None."""
    if commit is None or not is_commit(commit):
        return None
    found = read_receipt(place, commit)
    if found is None:
        return None
    sound = all(
        _DIGEST.fullmatch(file.digest) and file.size >= 0 and is_safe_path(file.path)
        for file in found.listing.files
    ) and all(is_safe_path(path) for asked in found.asked for path in asked.files)
    return found if sound else None


def stored_receipts(place: RepoPlace) -> list[Receipt]:
    """Every sound receipt of a repo, the newest first."""
    try:
        paths = sorted(place.receipts.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return []
    found = (stored_receipt(place, path.stem) for path in paths)
    return [receipt for receipt in found if receipt is not None]
