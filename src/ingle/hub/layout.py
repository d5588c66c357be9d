"""Names every path of one repo: in the cache all tools share, and in our own work tree beside it.

Shared: `<cache>/models--org--name/{blobs,snapshots,refs,trees}` and `<cache>/.locks/models--org--name/`.
Ours: `<cache>/.locks/.ingle/models--org--name/{receipts,partial,pieces,written,manual,stage}`, on the same file system, so
that a finished file is moved and never copied. Source of the shared part: huggingface_hub's cache guide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ingle.errors import InvalidRequest

_REPO_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PREFIX = "models--"
WORK = ".locks/.ingle"


def is_commit(text: str) -> bool:
    """Whether `text` is a full commit: 40 lower-case hex digits."""
    return _COMMIT.fullmatch(text) is not None


def repo_id_of(folder_name: str) -> str | None:
    """`models--org--name` -> `org/name`; None for a folder that is not a model repo's."""
    if not folder_name.startswith(_PREFIX):
        return None
    repo_id = "/".join(folder_name.removeprefix(_PREFIX).split("--", 1))
    return repo_id if _REPO_ID.fullmatch(repo_id) else None


@dataclass(frozen=True)
class RepoPlace:
    """Where one repo lies. Builds paths, touches nothing; a name that could climb out is refused."""

    cache: Path
    repo_id: str

    def __post_init__(self) -> None:
        if not _REPO_ID.fullmatch(self.repo_id) or ".." in self.repo_id or "--" in self.repo_id:
            raise InvalidRequest(
                f"{self.repo_id!r} cannot be the name of a repo.",
                hint="Write it as org/name.",
                name=self.repo_id,
            )

    @property
    def name(self) -> str:
        """The folder name, `models--org--name`."""
        return _PREFIX + self.repo_id.replace("/", "--")

    @property
    def folder(self) -> Path:
        return self.cache / self.name

    @property
    def blobs(self) -> Path:
        return self.folder / "blobs"

    @property
    def snapshots(self) -> Path:
        return self.folder / "snapshots"

    @property
    def refs(self) -> Path:
        return self.folder / "refs"

    def blob(self, digest: str) -> Path:
        """The blob of one digest; the digest comes from a hub, so its shape is checked here."""
        return self.blobs / checked_digest(digest)

    def snapshot(self, commit: str) -> Path:
        return self.snapshots / checked_commit(commit)

    def tree(self, commit: str) -> Path:
        return self.folder / "trees" / f"{checked_commit(commit)}.json"

    @property
    def locks(self) -> Path:
        """The locks of this repo's blobs, which every tool takes."""
        return self.cache / ".locks" / self.name

    def blob_lock(self, digest: str) -> Path:
        """The lock that huggingface_hub takes too while it writes this blob."""
        return self.locks / f"{checked_digest(digest)}.lock"

    @property
    def work(self) -> Path:
        return self.cache / WORK / self.name

    @property
    def pull_lock(self) -> Path:
        """Held by the one Ingle process that pulls or repairs this repo."""
        return self.work / "pull.lock"

    @property
    def progress(self) -> Path:
        """What the running pull says of itself, for the processes that follow it."""
        return self.work / "progress.json"

    @property
    def receipts(self) -> Path:
        return self.work / "receipts"

    def receipt(self, commit: str) -> Path:
        """The stored listing of one commit and what was asked of it (see receipt.py)."""
        return self.receipts / f"{checked_commit(commit)}.json"

    def partial(self, digest: str) -> Path:
        return self.work / "partial" / checked_digest(digest)

    def journal(self, digest: str) -> Path:
        return self.work / "partial" / f"{checked_digest(digest)}.journal"

    def pieces(self, digest: str) -> Path:
        """The piece digests of a published blob, kept so that a repair fetches only bad pieces."""
        return self.work / "pieces" / f"{checked_digest(digest)}.journal"

    @property
    def written(self) -> Path:
        """Which blobs Ingle itself wrote (see written.py)."""
        return self.work / "written"

    @property
    def manual(self) -> Path:
        """What the script of `--manual` has fetched and not yet put into `blobs/`."""
        return self.work / "manual"

    @property
    def stage(self) -> Path:
        return self.work / "stage"


def place_of_lock(lock: Path) -> tuple[RepoPlace, str] | None:
    """The repo and the digest of the blob that a lock file belongs to; None for any other lock."""
    repo_id = repo_id_of(lock.parent.name)
    digest = lock.name.removesuffix(".lock")
    if lock.parent.parent.name != ".locks" or not repo_id or not _DIGEST.fullmatch(digest):
        return None
    try:
        return RepoPlace(lock.parent.parent.parent, repo_id), digest
    except InvalidRequest:
        return None


def checked_commit(commit: str) -> str:
    """`commit` itself. Raises `InvalidRequest` for anything but 40 hex digits."""
    if not _COMMIT.fullmatch(commit):
        raise InvalidRequest(f"{commit!r} is not a commit (40 hex digits).")
    return commit


def checked_digest(digest: str) -> str:
    """`digest` itself. Raises `InvalidRequest` for anything but 40 or 64 hex digits."""
    if not _DIGEST.fullmatch(digest):
        raise InvalidRequest(f"{digest!r} is not a digest (40 or 64 hex digits).")
    return digest
