"""Finds what other tools left behind and nobody can use; lists it, and deletes nothing of it ever.

Recognised: unfinished downloads, links and refs to nothing, blobs that no snapshot uses, `snapshots/main`
folders, lock files of models that are gone, `.manual_download_lock`, and `~/Library/Caches/MLXCache`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from ingle.config import Config
from ingle.hub.health.leftover import Kind, Leftover, disk_size, entries, files_below, is_held
from ingle.hub.health.sweep import find_orphans, wanted_digests
from ingle.hub.inventory import take_inventory
from ingle.hub.layout import RepoPlace, is_commit, repo_id_of

MANUAL_LOCK = ".manual_download_lock"


def find_leftovers(config: Config) -> list[Leftover]:
    """Everything of others that is of no use, sorted by path. Changes nothing.

    A file that another program is writing now (its lock is held) is no leftover.
    """
    ours = {one.path for one in find_orphans(config)}
    found = [one for place in _places(config) for one in _repo(place) if one.path not in ours]
    found += _locks_of_nothing(config)
    found += _elsewhere(config)
    return sorted(found, key=lambda one: one.path)


def deletion_command(leftover: Leftover) -> str:
    """The shell command with which a person deletes it, if they want to."""
    return f"rm -r{'f' if leftover.kind is Kind.CACHE else ''} -- {shlex.quote(str(leftover.path))}"


def _repo(place: RepoPlace) -> Iterator[Leftover]:
    inventory = take_inventory(place)
    names = {one.name for one in inventory.revisions}
    for ref, commit in sorted(inventory.refs.items()):
        if commit not in names:
            why = f"It points to the snapshot {commit[:12]}, which is not there; other tools skip the whole repo."
            yield _one(place.refs / ref, Kind.LOST_REF, why, place)
    used: set[str] = set()
    for revision in inventory.revisions:
        if not is_commit(revision.name):
            why = "A snapshot folder that is named like no commit; no tool updates it."
            yield _one(revision.path, Kind.NO_COMMIT, why, place)
        for link in files_below(revision.path):
            if link.is_symlink():
                used.add(link.readlink().name)
                if not link.exists():
                    why = "A link with nothing behind it; other tools skip the whole repo."
                    yield _one(link, Kind.DANGLING, why, place)
    wanted = wanted_digests(place)
    if inventory.revisions or wanted:
        yield from _blobs(place, used | wanted)
    elif place.folder.is_dir() and not any(is_held(path) for path in entries(place.locks)):
        yield _one(place.folder, Kind.EMPTY, "A repo's folder without any snapshot.", place)


def _blobs(place: RepoPlace, used: set[str]) -> Iterator[Leftover]:
    for path in entries(place.blobs):
        if is_held(place.locks / f"{path.name.partition('.')[0]}.lock"):
            continue
        if path.name.endswith(".incomplete"):
            why = "A download that another program did not finish."
            yield _one(path, Kind.INCOMPLETE, why, place)
        elif path.name not in used:
            yield _one(path, Kind.FOREIGN_BLOB, "A blob that no snapshot uses.", place)


def _locks_of_nothing(config: Config) -> Iterator[Leftover]:
    """Lock files of models that are gone. An empty folder is what every writer leaves, Ingle too: it costs nothing,
    and a writer that has just come for its lock must find it. Where our work folder is, the locks may be ours."""
    for folder in entries(config.cache / ".locks"):
        if not folder.is_dir() or not repo_id_of(folder.name) or (config.cache / folder.name).exists():
            continue
        if not any(entries(folder)) or (config.work / folder.name).exists():
            continue
        if not any(is_held(path) for path in entries(folder)):
            yield _one(folder, Kind.LOCK, "Lock files of a model that is gone.", None)


def _elsewhere(config: Config) -> Iterator[Leftover]:
    cache = config.user_home / "Library" / "Caches" / "MLXCache"
    if cache.is_dir():
        why = "Models another program keeps in a place of its own; look inside before deleting."
        yield _one(cache, Kind.CACHE, why, None)
    folders = [config.cache, config.mlx_models.parent, config.mlx_models, cache]
    folders += [
        path
        for top in (config.cache, config.mlx_models, cache)
        for path in entries(top)
        if path.is_dir() and path.name != config.work.name
    ]
    for folder in folders:
        if (folder / MANUAL_LOCK).exists():
            why = "The mark of a download by hand; the program that set it may wait for it for ever."
            yield _one(folder / MANUAL_LOCK, Kind.LOCK, why, None)
    for folder in entries(config.mlx_models):
        for path in entries(folder / ".cache" / "huggingface" / "download"):
            if path.name.endswith(".incomplete"):
                yield _one(path, Kind.INCOMPLETE, "A download that another program did not finish.", None)


def _one(path: Path, kind: Kind, why: str, place: RepoPlace | None) -> Leftover:
    repo_id = place.repo_id if place is not None else None
    return Leftover(path=path, size=disk_size(path), kind=kind, why=why, ours=False, repo_id=repo_id)


def _places(config: Config) -> list[RepoPlace]:
    ids = (repo_id_of(path.name) for path in entries(config.cache))
    return [RepoPlace(config.cache, repo_id) for repo_id in ids if repo_id and "--" not in repo_id]
