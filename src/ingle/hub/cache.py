"""Answers what is on this machine, whole or partial, whoever put it there; and removes what is named.

Offline only. The shared cache is written to by `remove` alone (see remove.py); LM Studio's folder,
`~/.mlx/models` and any path a person names are only read.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ingle.catalog.curated import Catalog, load_catalog
from ingle.catalog.formats import is_quantisation
from ingle.catalog.model import DiskState, Format, ModelRef, Origin, Snapshot
from ingle.catalog.names import is_repo_id, ref_key
from ingle.config import Config
from ingle.errors import (
    FileMissing,
    Incomplete,
    MalformedModel,
    NoPermission,
    NotDownloaded,
    StoreError,
)
from ingle.hub.foreign import ForeignScan
from ingle.hub.headers import Headers
from ingle.hub.inventory import take_inventory
from ingle.hub.layout import RepoPlace, repo_id_of
from ingle.hub.scan import RepoScan
from ingle.hub.stored import stored_receipt

if TYPE_CHECKING:
    from ingle.hub.remove import Removal


class Store:
    """The models on disk. Holds no facts of its own: every answer is read anew.

    `headers` facts of unchanged weight files are remembered in `INGLE_HOME/headers.msgpack`.
    """

    def __init__(self, config: Config, catalog: Catalog | None = None) -> None:
        self._config = config
        self._catalog = catalog if catalog is not None else load_catalog()
        self._headers = Headers(config.home / "headers.msgpack")
        self._foreign = ForeignScan(config, self._headers)

    @property
    def catalog(self) -> Catalog:
        return self._catalog

    def scan(self) -> list[Snapshot]:
        """Every model of every origin, sorted by name: complete ones and partial ones.

        Repos that cannot be read are left out, links to nothing are partial. Raises `NoPermission` only
        where the cache itself may not be looked into: an empty answer would be a lie then.
        """
        found = [snapshot for place in self._places() for snapshot in self._repo(place).all()]
        found += self._foreign.all()
        self._headers.save()
        return sorted(found, key=lambda one: (one.ref.name.lower(), one.ref.name))

    def find(self, ref: ModelRef) -> Snapshot | None:
        """The model that `ref` means, complete or partial; None when nothing of it is here.

        Its own `ref` has the name under which `scan` lists it. Of several GGUF files in one repo the
        bare repo name means the complete one that `Q4_K_M` names, else the largest complete one.
        Raises `NoPermission` where the place may not be looked into.
        """
        if ref.path is not None:
            chosen = choose(self._foreign.of_path(ref.path), ref)
        else:
            chosen = self._find_repo(ref)
        self._headers.save()
        return chosen

    def require(self, ref: ModelRef) -> Snapshot:
        """The complete model that `ref` means, ready to be opened.

        Raises `FileMissing` for a path that is not there, `NotDownloaded`, `MalformedModel` for a
        damaged file and `Incomplete` where parts are missing.
        """
        found = self.find(ref)
        if found is None:
            if ref.path is None:
                raise NotDownloaded(ref.name)
            if os.path.lexists(ref.path):
                empty = MalformedModel(ref.path, "it holds no model that Ingle knows")
                empty.hint = "Name the .gguf file, or the folder with config.json and the weights beside it."
                raise empty
            raise FileMissing(ref.path)
        if found.state is DiskState.COMPLETE:
            return found
        damaged = next((line for line in found.missing if "(damaged: " in line), None)
        if damaged is not None:
            path, _, why = damaged.partition(" (damaged: ")
            raise _advised(MalformedModel(found.root / path, why.removesuffix(")")), found, ref)
        raise _advised(Incomplete(found.ref.name, found.missing), found, ref)

    def siblings(self, ref: ModelRef) -> list[Snapshot]:
        """Every model of the same repo or path: other quantisations, other revisions."""
        if ref.path is not None:
            return self._foreign.of_path(ref.path)
        return self._repo(RepoPlace(self._config.cache, str(ref.repo_id))).all()

    def superseded(self, ref: ModelRef) -> list[Snapshot]:
        """Earlier versions of this model that we pulled and that no branch, tag or pin names any more."""
        if ref.repo_id is None:
            return []
        scan = self._repo(RepoPlace(self._config.cache, ref.repo_id))
        now = self.find(ref)
        return [
            one
            for revision in scan.inventory.revisions
            if not revision.refs and stored_receipt(scan.place, revision.commit) is not None
            for one in scan.of(revision)
            if now is not None and one.commit != now.commit and one.ref.file == now.ref.file
        ]

    def remove(self, ref: ModelRef) -> Removal:
        """Deletes the model that `ref` means from the shared cache: ref, links, then unshared blobs.

        Raises `NotDownloaded`; `InvalidRequest` where the name means several models; `Unsupported` for
        an origin that is only read; `InUse` while it is being pulled; `NoPermission`. What it raises,
        it raises before anything is deleted, as far as that can be known.
        """
        from ingle.hub.remove import remove_snapshot  # locks are not needed for a listing

        found = self.find(ref)
        if found is None:
            raise NotDownloaded(ref.name, actions=())
        if ref.repo_id is None:
            return remove_snapshot(self._config, found, [], asked=ref)
        return remove_snapshot(self._config, found, self.siblings(ref), asked=ref)

    def _find_repo(self, ref: ModelRef) -> Snapshot | None:
        place = RepoPlace(self._config.cache, str(ref.repo_id))
        for folder in (place.cache, place.folder, place.snapshots):
            _names(folder)  # "not here" may only be said of what can be looked into
        scan = self._repo(place)
        models = scan.all()
        # A name as `scan` lists it means that one; every other way of naming is a choice.
        here = [one for one in models if one.ref.name == ref.name and _same_model(one.ref, ref)] or [
            chosen for one in scan.find(ref.revision) if (chosen := choose(scan.of(one), ref))
        ]
        whole = [one for one in here if one.state is DiskState.COMPLETE]
        if whole:
            return whole[0]
        partial = here or [
            one for one in models if one.state is DiskState.PARTIAL and _same_model(one.ref, ref)
        ]
        if ref.revision is None:
            # What LM Studio has whole need not be pulled again.
            theirs = choose(self._foreign.of_repo(place.repo_id), ref)
            if theirs is not None and (theirs.state is DiskState.COMPLETE or not partial):
                return theirs
        return partial[0] if partial else None

    def _repo(self, place: RepoPlace) -> RepoScan:
        return RepoScan(take_inventory(place), self._catalog, self._headers)

    def _places(self) -> list[RepoPlace]:
        """The model repos of the cache, and those of which only our own partial exists."""
        names = {*_names(self._config.cache), *_names(self._config.work)}
        ids = {repo_id for name in names if (repo_id := repo_id_of(name)) is not None}
        return [RepoPlace(self._config.cache, repo_id) for repo_id in sorted(ids) if is_repo_id(repo_id)]


def _names(folder: Path) -> list[str]:
    """What lies in a folder; nothing where there is none. Raises `NoPermission`."""
    try:
        return os.listdir(folder)  # noqa: PTH208  # names only: a listing of a large cache
    except PermissionError as exc:
        raise NoPermission(folder, "read") from exc
    except OSError:
        return []


def _advised(error: StoreError, found: Snapshot, ref: ModelRef) -> StoreError:
    """The error with a next step that helps: what lies outside the cache is neither pulled nor mended in place."""
    if found.origin is not Origin.HUB_CACHE:
        error.hint = (
            f"`ingle pull hf:{ref.repo_id}` gets a whole one into the cache."
            if ref.repo_id is not None
            else "Ingle only reads there: get the files again from where they came."
        )
    return error


def choose(models: Sequence[Snapshot], ref: ModelRef) -> Snapshot | None:
    """The one of several models in the same folder that `ref` means; None when none fits."""
    if ref.file is not None:
        return next((one for one in models if one.ref.file == ref.file or ref.file in one.files), None)
    if ref.quant is not None:
        return _best(_of_quant(models, ref.quant))
    folders = [one for one in models if one.format is not Format.GGUF]
    return folders[0] if folders else _best(models)


def _best(models: Sequence[Snapshot]) -> Snapshot | None:
    complete = [one for one in models if one.state is DiskState.COMPLETE]
    middle = [one for one in complete if one.quantization == "Q4_K_M"]
    for group in (middle, complete, models):
        if group:
            return max(group, key=lambda one: (one.size, one.ref.name))
    return None


def _of_quant(models: Sequence[Snapshot], quant: str) -> list[Snapshot]:
    """By the name, as a pull chooses; by the header where no name says it: makers use labels that no header has
    (`UD-Q4_K_XL`), and one that stands in several headers."""
    named = [one for one in models if is_quantisation(one.path.relative_to(one.root).as_posix(), quant)]
    return named or [one for one in models if (one.quantization or "").upper() == quant]


def _same_model(one: ModelRef, other: ModelRef) -> bool:
    if other.revision is not None and one.revision != other.revision:
        return False
    bare = other.file is None and other.quant is None
    return bare or (one.file, one.quant) == (other.file, other.quant) or ref_key(one) == ref_key(other)
