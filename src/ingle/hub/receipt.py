"""Keeps what a hub listed at a commit and what was asked of it, so that damage is known without the hub.

Written before the first byte of a pull and kept after it: a wanted file that the snapshot lacks makes
the model partial; the digests are what `verify` checks against.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ingle.catalog.listing import ListedFile, Listing
from ingle.catalog.model import ModelRef
from ingle.hub.disk import disk_errors, write_whole
from ingle.hub.layout import RepoPlace, is_commit

_VERSION = 1


class Asked(msgspec.Struct, frozen=True):
    """One model somebody asked for at this commit: its name and the paths of its plan."""

    ref: ModelRef
    files: tuple[str, ...]


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A listing and every `Asked` of it (several quantisations of one GGUF repo are several)."""

    listing: Listing
    asked: tuple[Asked, ...] = ()
    version: int = _VERSION

    @property
    def wanted(self) -> tuple[ListedFile, ...]:
        """The listed files that any of `asked` wants, in the listing's order."""
        paths = {path for asked in self.asked for path in asked.files}
        return tuple(file for file in self.listing.files if file.path in paths)

    def plus(self, asked: Asked) -> Receipt:
        """This receipt with `asked` in the place of an earlier one for the same file or quantisation."""
        kept = tuple(old for old in self.asked if _same_model(old.ref, asked.ref) is False)
        return msgspec.structs.replace(self, asked=(*kept, asked))

    def minus(self, paths: frozenset[str]) -> Receipt:
        """This receipt without the models that want any of `paths` (they were removed by name)."""
        kept = tuple(old for old in self.asked if not paths.intersection(old.files))
        return msgspec.structs.replace(self, asked=kept)


def _same_model(one: ModelRef, other: ModelRef) -> bool:
    return (one.file, one.quant) == (other.file, other.quant)


def _path_out(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(type(value).__name__)


def _path_in(kind: type, value: object) -> object:
    return Path(str(value)) if kind is Path else value


def read_receipt(place: RepoPlace, commit: str) -> Receipt | None:
    """The receipt of a commit; None when there is none, or none that parses (it is then made anew)."""
    try:
        found = msgspec.json.decode(place.receipt(commit).read_bytes(), type=Receipt, dec_hook=_path_in)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    fits = found.version == _VERSION and found.listing.commit == commit
    return found if fits and found.listing.repo_id == place.repo_id else None


def write_receipt(place: RepoPlace, receipt: Receipt) -> None:
    """Stores the receipt in one step. Raises `DiskFull`, `NoPermission`, `StoreError`."""
    path = place.receipt(receipt.listing.commit)
    with disk_errors(path, "write"):
        write_whole(path, msgspec.json.encode(receipt, enc_hook=_path_out), place.stage)


def receipts(place: RepoPlace) -> list[Receipt]:
    """Every receipt of a repo that parses, the newest first."""
    try:
        paths = sorted(place.receipts.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    except OSError:
        return []
    found = (read_receipt(place, path.stem) for path in paths if is_commit(path.stem))
    return [receipt for receipt in found if receipt is not None]
