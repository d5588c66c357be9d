"""Lays files into a hub cache the way huggingface_hub does, and reads it back with huggingface_hub itself."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock
from huggingface_hub import HFCacheInfo, scan_cache_dir

from ingle.catalog.listing import DigestKind, ListedFile, Listing
from ingle.catalog.model import ModelRef, Snapshot
from ingle.catalog.names import parse_name
from ingle.config import Config, load_config
from ingle.hub.cache import Store
from ingle.hub.layout import RepoPlace
from ingle.hub.receipt import Asked, Receipt, write_receipt
from tests.catalog.gguf_writer import split

COMMIT = "a" * 40
OTHER = "b" * 40


def make_config(root: Path) -> Config:
    """Settings whose every folder lies below `root`."""
    return load_config({"HOME": str(root / "home"), "INGLE_HOME": str(root / "ingle")})


def put(
    config: Config,
    repo_id: str,
    files: dict[str, bytes],
    *,
    commit: str = COMMIT,
    ref: str | None = "main",
    tree: bool = False,
) -> RepoPlace:
    """One snapshot: blobs, relative links, a ref, and huggingface_hub's listing where `tree` asks for it."""
    place = RepoPlace(config.cache, repo_id)
    for path, content in files.items():
        blob = place.blob(hashlib.sha256(content).hexdigest())
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(content)
        link = place.snapshot(commit) / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    place.snapshot(commit).mkdir(parents=True, exist_ok=True)
    if ref is not None:
        named = place.refs / ref
        named.parent.mkdir(parents=True, exist_ok=True)
        named.write_text(commit)
    if tree:
        entries = {
            path: {
                "size": len(content),
                "blob_id": "0" * 40,
                "lfs_sha256": hashlib.sha256(content).hexdigest(),
                "lfs_size": len(content),
            }
            for path, content in files.items()
        }
        place.tree(commit).parent.mkdir(parents=True, exist_ok=True)
        place.tree(commit).write_text(json.dumps({"format_version": 1, "files": entries}))
    return place


def share(place: RepoPlace, path: str, *, commit: str = COMMIT) -> Path:
    """Moves the blob behind `path` into the store shared by several repos, as huggingface_hub does."""
    blob = (place.snapshot(commit) / path).parent / (place.snapshot(commit) / path).readlink()
    blob = Path(os.path.normpath(blob))
    store = place.cache / "blobs"
    shared = store / "ab" / ("ab" * 32)
    shared.parent.mkdir(parents=True, exist_ok=True)
    (store / ".huggingface-shared-blobs").write_text("1\n")
    blob.rename(shared)
    blob.symlink_to(os.path.relpath(shared, blob.parent))
    return shared


def lay(path: Path, content: bytes = b"x" * 5000) -> Path:
    """One file with everything above it; gives its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def receive(place: RepoPlace, files: dict[str, bytes], commit: str = COMMIT) -> None:
    """The receipt of a pull of our own that wanted these files."""
    listed = tuple(
        ListedFile(path, len(content), hashlib.sha256(content).hexdigest(), DigestKind.SHA256)
        for path, content in files.items()
    )
    listing = Listing(place.repo_id, "main", commit, listed)
    asked = Asked(ModelRef(name=place.repo_id, repo_id=place.repo_id), tuple(files))
    write_receipt(place, Receipt(listing=listing, asked=(asked,)))


def ref(text: str, config: Config) -> ModelRef:
    """What a person's words mean here."""
    return parse_name(text, Store(config).catalog, home=config.user_home)


def find(text: str, config: Config) -> Snapshot | None:
    """What the store has of it."""
    return Store(config).find(ref(text, config))


def found(text: str, config: Config) -> Snapshot:
    """What the store has of it; it has to have something."""
    snapshot = find(text, config)
    assert snapshot is not None
    return snapshot


def names(config: Config) -> list[str]:
    """The names of everything listed, in order."""
    return [snapshot.ref.name for snapshot in Store(config).scan()]


def parts(count: int) -> dict[str, bytes]:
    """The files of a split model that is whole."""
    return {f"m-{number:05d}-of-{count:05d}.gguf": part for number, part in enumerate(split(count), start=1)}


def lay_all(folder: Path, files: dict[str, bytes]) -> Path:
    """Plain files in a folder; gives the folder."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


@contextmanager
def ordinary_user(config: Config, *, closed: bool = False) -> Iterator[None]:
    """The rights of nobody in particular, where the tests run as root, who may read everything.

    The way to the cache is opened for them, the cache itself too unless it is to stay `closed`; one process at
    a time does so: the tests' common folder lies on the way of all of them.
    """
    if os.geteuid() != 0:
        yield
        return
    with FileLock(Path(tempfile.gettempdir(), "ingle-tests-of-an-ordinary-user.lock")):
        opened = []
        way = list(config.cache.parents)[:-1]
        for folder in way if closed else [config.cache, *way]:
            mode = folder.stat().st_mode & 0o777
            if mode & 0o055 != 0o055:
                folder.chmod(mode | 0o055)
                opened.append((folder, mode))
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)
            for folder, mode in opened:
                folder.chmod(mode)


def theirs(config: Config) -> HFCacheInfo:
    """What huggingface_hub sees."""
    return scan_cache_dir(config.cache)


def damage(config: Config) -> list[str]:
    """What huggingface_hub calls corrupted. Our own work tree is no repo, and it says so; that is no damage."""
    return [str(one) for one in theirs(config).warnings if str(config.work) not in str(one)]


def their_files(config: Config) -> dict[str, set[str]]:
    """The snapshot files huggingface_hub sees, by repo; a repo it refuses is not in it."""
    return {
        repo.repo_id: {
            f"{revision.commit_hash}/{file.file_path.relative_to(revision.snapshot_path)}"
            for revision in repo.revisions
            for file in revision.files
        }
        for repo in theirs(config).repos
    }


def everything(root: Path) -> dict[str, bytes | str]:
    """Every file and link below `root` with its content, except our own work tree and the locks."""
    found: dict[str, bytes | str] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if name.startswith((".ingle", ".locks")):
            continue
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def hf(cache: Path, *arguments: str, endpoint: str | None = None) -> subprocess.CompletedProcess[str]:
    """The real `hf` command on this cache; offline unless an endpoint is given."""
    script = "import sys; from huggingface_hub.cli.hf import main; sys.argv[0] = 'hf'; main()"
    environ = {**os.environ, "HF_HUB_CACHE": str(cache), "HF_HUB_DISABLE_TELEMETRY": "1", "NO_COLOR": "1"}
    environ |= {"HF_ENDPOINT": endpoint} if endpoint else {"HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], env=environ, capture_output=True, text=True, timeout=240
    )
