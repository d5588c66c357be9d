"""Reads stored listings, our receipts and huggingface_hub's, for those who only look: a damaged one is none."""

from __future__ import annotations

import re

import msgspec

from ingle.catalog.listing import DigestKind, ListedFile
from ingle.errors import HubLied
from ingle.hub.layout import RepoPlace, is_commit
from ingle.hub.receipt import Receipt, read_receipt
from ingle.hub.tree import check_path

_GIT_SHA1 = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(rf"{_GIT_SHA1.pattern}|{_SHA256.pattern}")


class TreeFile(msgspec.Struct, frozen=True):
    """A file of huggingface_hub's `trees/` listing: large files have a SHA-256, small ones git's digest."""

    size: int
    blob_id: str = ""
    lfs_sha256: str | None = None

    def listed(self, path: str) -> ListedFile | None:
        """The same as a hub lists it; None where what stands for the digest is none."""
        if self.lfs_sha256 is not None:
            sound = _SHA256.fullmatch(self.lfs_sha256)
            return ListedFile(path, self.size, self.lfs_sha256, DigestKind.SHA256) if sound else None
        sound = _GIT_SHA1.fullmatch(self.blob_id)
        return ListedFile(path, self.size, self.blob_id, DigestKind.GIT_SHA1) if sound else None


class _Tree(msgspec.Struct):
    files: dict[str, TreeFile]


def named_by_digest(path: str, size: int, blob: str) -> ListedFile | None:
    """What the name of a blob in the shared cache says of the file at `path`: it is its digest."""
    kind = DigestKind.SHA256 if _SHA256.fullmatch(blob) else DigestKind.GIT_SHA1
    return ListedFile(path, size, blob, kind) if _DIGEST.fullmatch(blob) else None


def tree_files(place: RepoPlace, commit: str) -> dict[str, TreeFile]:
    """huggingface_hub's listing of a commit by path; empty where there is none that parses."""
    try:
        return msgspec.json.decode(place.tree(commit).read_bytes(), type=_Tree).files
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def may_be_listed(path: str) -> bool:
    """Whether a hub's listing with this path in it would be taken: what a pull accepts has to be known afterwards."""
    try:
        check_path(path)
    except HubLied:
        return False
    return True


def stored_receipt(place: RepoPlace, commit: str | None) -> Receipt | None:
    """The receipt of a commit, when it parses and everything in it could be true; else None."""
    if commit is None or not is_commit(commit):
        return None
    found = read_receipt(place, commit)
    if found is None:
        return None
    sound = all(
        _DIGEST.fullmatch(file.digest) and file.size >= 0 and may_be_listed(file.path)
        for file in found.listing.files
    ) and all(may_be_listed(path) for asked in found.asked for path in asked.files)
    return found if sound else None


def stored_receipts(place: RepoPlace) -> list[Receipt]:
    """Every sound receipt of a repo, the newest first."""
    try:
        paths = sorted(place.receipts.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return []
    found = (stored_receipt(place, path.stem) for path in paths)
    return [receipt for receipt in found if receipt is not None]
