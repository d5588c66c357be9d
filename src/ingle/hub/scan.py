"""Turns one repo of the shared cache into snapshots, whole or partial, whoever put the files there."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator

import msgspec

from ingle.catalog.curated import Catalog
from ingle.catalog.formats import gguf_files
from ingle.catalog.gguf import MAGIC
from ingle.catalog.inspect import Found, inspect
from ingle.catalog.listing import ListedFile
from ingle.catalog.model import DiskState, Format, ModelRef, Origin, Snapshot
from ingle.catalog.names import entry_ref
from ingle.catalog.safetensors import INDEX
from ingle.hub.headers import Headers
from ingle.hub.inventory import Inventory, Revision, linked_blobs, promised_sizes
from ingle.hub.journal import read_journal
from ingle.hub.layout import RepoPlace
from ingle.hub.receipt import Asked, Receipt
from ingle.hub.shelf import DiskShelf
from ingle.hub.stored import stored_receipts


class RepoScan:
    """Reads the snapshots of one repo; `catalog` gives them their short names."""

    def __init__(self, inventory: Inventory, catalog: Catalog, headers: Headers) -> None:
        self.inventory = inventory
        self.place: RepoPlace = inventory.place
        self._catalog = catalog
        self._headers = headers
        self._seen: dict[str, tuple[DiskShelf, list[Found]]] = {}

    @functools.cached_property
    def default(self) -> Revision | None:
        """What the bare repo name means: the snapshot of `main`, unless it is not whole and an older one is.

        Other tools move `main` when they fetch no more than a config of the newest commit.
        """
        main = self.inventory.default
        if main is None or len(self.inventory.revisions) == 1:
            return main
        order = [main, *(one for one in self.inventory.revisions if one is not main)]
        return next((one for one in order if any(not model.missing for model in self._models(one)[1])), main)

    def find(self, revision: str | None) -> list[Revision]:
        """The snapshots a revision can mean, the likeliest first; without one all, the default first."""
        if revision is not None:
            named = self.inventory.find(revision)
            return [named] if named is not None else []
        default = self.default
        rest = [one for one in self.inventory.revisions if one is not default]
        return [default, *rest] if default is not None else []

    def all(self) -> list[Snapshot]:
        """Every model of every snapshot; and what was begun and is in no snapshot yet."""
        found = [snapshot for one in self.inventory.revisions for snapshot in self.of(one)]
        return found + list(self._begun(found)) or list(self._foreign_partials())

    def of(self, revision: Revision) -> list[Snapshot]:
        """The models of one snapshot folder, the folder's own first, then its GGUF files."""
        shelf, models = self._models(revision)
        several = sum(model.format is Format.GGUF for model in models) > 1
        snapshots = []
        for model in models:
            file = model.path or None
            ref = self._ref(revision, file, say_file=several or (file is not None and len(models) > 1))
            snapshots.append(
                Snapshot(
                    ref=ref,
                    state=DiskState.PARTIAL if model.missing else DiskState.COMPLETE,
                    format=model.format,
                    origin=Origin.HUB_CACHE,
                    root=revision.path,
                    path=revision.path / model.path if model.path else revision.path,
                    files=model.files,
                    size=model.size,
                    commit=revision.commit,
                    missing=model.missing,
                    architecture=model.architecture,
                    parameters=model.parameters,
                    quantization=model.quantization,
                    context=model.context,
                    kv_bytes_per_token=model.kv_bytes_per_token,
                    modified=shelf.modified or revision.modified,
                )
            )
        return snapshots

    def _models(self, revision: Revision) -> tuple[DiskShelf, list[Found]]:
        if revision.name not in self._seen:
            shelf = DiskShelf(revision.path, self._headers)
            sizes, receipt = promised_sizes(self.place, revision.commit)
            models = [_with_receipt(model, receipt, shelf) for model in inspect(shelf, sizes)]
            self._seen[revision.name] = (shelf, models)
        return self._seen[revision.name]

    def _begun(self, shown: list[Snapshot]) -> Iterator[Snapshot]:
        taken = {one.ref.name for one in shown}
        for receipt in stored_receipts(self.place):
            here = [one for one in shown if one.commit == receipt.listing.commit]
            for asked in receipt.asked:
                if any(asks_for(asked, one.ref.file) for one in here):
                    continue
                # A pull that never got a byte, or whose snapshot another tool deleted, left nothing to show.
                if any(self._has(file.digest) for file in receipt.listing.files if file.path in asked.files):
                    partial = self._partial(receipt, asked, taken)
                    taken.add(partial.ref.name)
                    yield partial

    def _has(self, digest: str) -> bool:
        """Whether anything of a file lies here for this model; what another snapshot uses is that one's."""
        if os.path.exists(self.place.partial(digest)):  # noqa: PTH110  # a listing asks thousands
            return True
        return digest not in self._linked and os.path.exists(self.place.blob(digest))  # noqa: PTH110  # as above

    @functools.cached_property
    def _linked(self) -> frozenset[str]:
        return linked_blobs(self.place)

    def _partial(self, receipt: Receipt, asked: Asked, taken: set[str]) -> Snapshot:
        wanted = [file for file in receipt.listing.files if file.path in set(asked.files)]
        here = [file for file in wanted if os.path.exists(self.place.blob(file.digest))]  # noqa: PTH110  # as above
        commit = receipt.listing.commit
        weights = gguf_files(asked.files)
        entry = self._catalog.find_repo(self.place.repo_id, weights[0] if weights else None)
        root = self.place.snapshot(commit)
        missing = tuple(file.path for file in wanted if file not in here)
        return Snapshot(
            ref=asked.ref if asked.ref.name not in taken else self._at(asked.ref, commit),
            state=DiskState.PARTIAL,
            format=entry.format if entry else _format_of(asked),
            origin=Origin.HUB_CACHE,
            root=root,
            path=root / weights[0] if weights else root,
            files=tuple(file.path for file in here),
            size=sum(file.size if file in here else self._recorded(file) for file in wanted),
            commit=commit,
            missing=missing or tuple(f"{file.path} (fetched, not yet published)" for file in wanted),
            modified=_changed(self.place.receipt(commit)),
        )

    def _recorded(self, file: ListedFile) -> int:
        """Bytes of a file on its way that are on disk: its length says nothing, for room is made beforehand."""
        written = read_journal(self.place.journal(file.digest), file)
        return sum(one.length for one in written.values())

    def _foreign_partials(self) -> Iterator[Snapshot]:
        """A download that another tool began and that shows only as `*.incomplete` blobs."""
        try:
            with os.scandir(self.place.blobs) as entries:
                found = [entry for entry in entries if entry.name.endswith(".incomplete") and entry.is_file()]
                sizes = {entry.name: entry.stat().st_size for entry in found}
        except OSError:
            return
        if not sizes:
            return
        largest = max(sizes, key=lambda name: sizes[name])
        yield Snapshot(
            ref=ModelRef(name=self.shown_repo, repo_id=self.place.repo_id),
            state=DiskState.PARTIAL,
            format=Format.GGUF if _magic(self.place.blobs / largest) == MAGIC else Format.SAFETENSORS,
            origin=Origin.HUB_CACHE,
            root=self.place.folder,
            path=self.place.folder,
            files=tuple(f"blobs/{name}" for name in sorted(sizes)),
            size=sum(sizes.values()),
            missing=tuple(f"{name} (another program's unfinished download)" for name in sorted(sizes)),
            modified=_changed(self.place.blobs / largest),
        )

    def _at(self, ref: ModelRef, commit: str) -> ModelRef:
        """The same model named with its commit: an update was begun and the old version keeps the name."""
        part = ref.file or ref.quant
        name = f"{self.shown_repo}@{commit}" + (f":{part}" if part else "")
        return msgspec.structs.replace(ref, name=name, revision=commit, alias=None)

    @property
    def shown_repo(self) -> str:
        """The repo as a name that can be typed: a repo without an organisation needs `hf:`."""
        return self.place.repo_id if "/" in self.place.repo_id else f"hf:{self.place.repo_id}"

    def _ref(self, revision: Revision, file: str | None, *, say_file: bool) -> ModelRef:
        default = revision is self.default
        entry = self._catalog.find_repo(self.place.repo_id, file)
        if entry is not None and (entry.revision == revision.name or (entry.revision == "main" and default)):
            return msgspec.structs.replace(entry_ref(entry), file=file)
        name = self.shown_repo if default else f"{self.shown_repo}@{revision.shown}"
        return ModelRef(
            name=f"{name}:{file}" if say_file and file else name,
            repo_id=self.place.repo_id,
            revision=None if default else revision.shown,
            file=file,
        )


def _with_receipt(model: Found, receipt: Receipt | None, shelf: DiskShelf) -> Found:
    """The model, with what our own pull wanted for it and the snapshot lacks."""
    if receipt is None:
        return model
    present = shelf.sizes()
    for asked in receipt.asked:
        if asks_for(asked, model.path or None):
            lacks = [path for path in asked.files if path not in present]
            told = {line.partition(" (")[0] for line in model.missing}
            missing = (*model.missing, *(path for path in lacks if path not in told))
            return msgspec.structs.replace(model, missing=missing)
    return model


def asks_for(asked: Asked, file: str | None) -> bool:
    """Whether this was the wish for the GGUF that begins with `file`; without one, for the folder's model."""
    return file in asked.files if file else not gguf_files(asked.files)


def _format_of(asked: Asked) -> Format:
    if gguf_files(asked.files):
        return Format.GGUF
    return Format.SAFETENSORS_SHARDED if INDEX in asked.files else Format.SAFETENSORS


def _magic(path: os.PathLike[str]) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # four bytes of a path that may be any PathLike
            return file.read(4)
    except OSError:
        return b""


def _changed(path: os.PathLike[str]) -> float:
    try:
        return os.stat(path).st_mtime  # noqa: PTH116  # as above
    except OSError:
        return 0.0
