"""Makes verified files visible to every tool, in an order that never shows half a model.

Blobs first, then the snapshot folder (staged whole and renamed into place), the `trees/` file only when
every listed file is there, the ref last. A pinned commit gets `refs/ingle/<sha>`, or `hf cache prune`
would take it. Deletion goes the other way round and is the store's.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ingle.catalog.listing import ListedFile, Listing
from ingle.errors import HubLied, StoreError
from ingle.hub.disk import default_mode, disk_errors, sync_files, sync_path, write_whole
from ingle.hub.kept import keep, release
from ingle.hub.layout import RepoPlace, is_commit

_LAST = (".index.json", "config.json")  # what loaders open first is linked last


def refuse_other_disk(place: RepoPlace) -> None:
    """Returns when what is made in the work tree can be renamed into the repo's folder.

    Raises `StoreError` where a link leads that folder, or a part of it, to another disk: said before the first byte.
    """
    with disk_errors(place.cache, "write to"):
        place.work.mkdir(parents=True, exist_ok=True)
        ours = place.work.stat().st_dev
        parts = (place.folder, place.blobs, place.snapshots, place.refs)
        elsewhere = next((part for part in parts if part.is_dir() and part.stat().st_dev != ours), None)
    if elsewhere is not None:
        real = elsewhere.resolve()
        error = StoreError(
            f"{elsewhere} leads to another disk ({real}), so no finished file can be moved there."
        )
        error.hint = (
            f"Move it into {elsewhere.parent}, or name a cache on that disk: HF_HUB_CACHE={real.parent}/hub"
        )
        raise error


def publish_blob(place: RepoPlace, file: ListedFile, source: Path) -> None:
    """`publish_blobs` for one file."""
    publish_blobs(place, [(file, source)])


def publish_blobs(
    place: RepoPlace,
    checked: Sequence[tuple[ListedFile, Path]],
    *,
    flush: Callable[[Sequence[Path]], None] = sync_files,
) -> None:
    """Moves verified files into `blobs/`, replacing whatever lay under their digests.

    `flush` returns when the bytes of all of them are on disk; only then the first one gets its name. A blob that was a link into a
    store shared by several repos is replaced as a link: nothing is written through it. The caller holds the
    blobs' locks and has checked the sources, which lie in one folder.
    The names become durable with the next `publish_snapshot`: until then a file is only fetched again.
    Raises `DiskFull`, `NoPermission`, `StoreError`; then a source that has no name yet is still where it was.
    """
    with disk_errors(place.blobs, "write to", sum(file.size for file, _ in checked)):
        for folder in (place.snapshots, place.blobs):
            folder.mkdir(parents=True, exist_ok=True)
        mode = default_mode(checked[0][1].parent)
        for _, source in checked:
            source.chmod(mode)
        flush([source for _, source in checked])
        for file, source in checked:
            source.replace(place.blob(file.digest))


def publish_snapshot(
    place: RepoPlace,
    listing: Listing,
    files: tuple[ListedFile, ...],
    revision: str | None = None,
    *,
    point: bool = True,
    flush: Callable[[Path], None] = sync_path,
) -> Path:
    """Shows `files`, whose blobs are all in place and verified, as the snapshot of the listing's commit.

    `revision` (default: the listing's) is the branch or tag that points there afterwards; a commit is
    protected by `refs/ingle/<sha>` instead. Without `point` no name is touched. `flush` makes a folder's names durable, those of
    the blobs before the snapshot is shown and that of the snapshot before anything points there.
    Gives the snapshot folder. Raises `StoreError` kinds.
    """
    with disk_errors(place.folder, "publish in"):
        flush(place.blobs)
        digests = {file.path: file.digest for file in files}
        folder = _place_snapshot(place, listing.commit, digests, flush)
        if all(os.path.lexists(folder / file.path) for file in listing.files):
            write_whole(place.tree(listing.commit), tree_json(listing.files), place.stage)
        if point:
            name = revision or listing.revision
            if not is_commit(name):
                keep(place, name, listing.commit)
            _point_ref(place, name, listing.commit)
            if not is_commit(name):
                release(place)
    return folder


def _place_snapshot(
    place: RepoPlace, commit: str, digests: Mapping[str, str], flush: Callable[[Path], None]
) -> Path:
    final = place.snapshot(commit)
    if all(_points(final / path, digest) for path, digest in digests.items()):
        return final
    staged = place.stage / f"{commit}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        for path, digest in digests.items():
            _link(staged, path, digest)
        for folder, _, _ in os.walk(staged):
            flush(Path(folder))
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            staged.rename(final)
        except OSError:
            if not final.is_dir():
                raise
            _add_links(staged, final, digests)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    flush(place.snapshots)
    return final


def _points(link: Path, digest: str) -> bool:
    """Whether this is a link of ours to that blob already."""
    try:
        return link.readlink().name == digest
    except OSError:
        return False


def _link(root: Path, path: str, digest: str) -> Path:
    link = root / path
    link.parent.mkdir(parents=True, exist_ok=True)
    # From snapshots/<commit>/a/b.json to blobs/<digest>: one step up for each folder of the path,
    # two more for <commit> and snapshots.
    up = len(PurePosixPath(path).parts) + 1
    link.symlink_to(Path(*[".."] * up, "blobs", digest))
    return link


def _add_links(staged: Path, final: Path, digests: Mapping[str, str]) -> None:
    """Adds to a snapshot that is there already (another quantisation, or another tool's partial one).

    Every link is renamed into place after its blob, and the files that loaders open first come last,
    so a reader finds each file whole or not at all.
    """
    changed = set()
    for path in sorted(digests, key=lambda path: (path.endswith(_LAST), path)):
        target = final / path
        if target.is_symlink() and target.readlink() == (staged / path).readlink():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        (staged / path).replace(target)
        changed.add(target.parent)
    for folder in changed:
        sync_path(folder)


def _point_ref(place: RepoPlace, revision: str, commit: str) -> None:
    name = f"ingle/{revision}" if is_commit(revision) else revision
    parts = name.split("/")
    if not name or any(part in {"", ".", ".."} or "\\" in part or "\0" in part for part in parts):
        raise HubLied(
            f"{revision!r} cannot be the name of a branch.", hint="Ask for a branch, tag or commit."
        )
    ref = place.refs.joinpath(*parts)
    try:
        if ref.read_text() == commit:
            return
    except OSError:
        pass
    _refuse_taken(place, ref)
    write_whole(ref, commit.encode(), place.stage)


def _refuse_taken(place: RepoPlace, ref: Path) -> None:
    """A hub may have had `a` once and `a/b` now; on a disk a name is a file or a folder."""
    below = next(iter(sorted(ref.rglob("*"))), None) if ref.is_dir() else None
    taken = below or next((one for one in ref.parents if one.is_file()), None)
    if taken is not None:
        old, new = (one.relative_to(place.refs).as_posix() for one in (taken, ref))
        error = StoreError(f"The branch {new} cannot be named beside {old}, of which a version is here.")
        error.hint = (
            f"`ingle rm {place.repo_id}@{old}` deletes that one; then pull again: all of the other is here."
        )
        raise error


def tree_json(files: tuple[ListedFile, ...]) -> bytes:
    """The `trees/<commit>.json` that huggingface_hub reads: every file of the commit with its digest.

    For a large file it wants the git digest of the pointer too, which follows from size and SHA-256
    (git-lfs specification, version 1: three lines in this order).
    """
    entries: dict[str, dict[str, object]] = {}
    for file in sorted(files, key=lambda file: file.path):
        if file.lfs:
            pointer = _lfs_pointer(file)
            blob_id = hashlib.sha1(b"blob %d\0" % len(pointer) + pointer, usedforsecurity=False).hexdigest()
            entries[file.path] = {
                "size": file.size,
                "blob_id": blob_id,
                "lfs_sha256": file.digest,
                "lfs_size": file.size,
            }
        else:
            entries[file.path] = {"size": file.size, "blob_id": file.digest}
    return json.dumps({"format_version": 1, "files": entries}, indent=1).encode()


def _lfs_pointer(file: ListedFile) -> bytes:
    version = "version https://git-lfs.github.com/spec/v1"
    return f"{version}\noid sha256:{file.digest}\nsize {file.size}\n".encode()
