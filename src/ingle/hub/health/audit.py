"""Reads every byte of a model and compares it with what is known of it, without the hub; changes nothing.

Known is, in this order: the listing stored by our pull, huggingface_hub's `trees/` listing, and the name of
the blob behind a link, which is its digest. Where nothing is known the headers and the JSON still tell.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from enum import StrEnum
from pathlib import Path

import msgspec

from ingle.catalog.formats import gguf_files
from ingle.catalog.listing import DigestKind, ListedFile
from ingle.catalog.model import ModelRef, Origin, Snapshot
from ingle.config import Config
from ingle.errors import Cancelled, DigestMismatch, Incomplete, MalformedModel, SizeMismatch, StoreError
from ingle.hub.health.content import complaint
from ingle.hub.health.finding import several
from ingle.hub.layout import RepoPlace
from ingle.hub.progress import Phase, Progress
from ingle.hub.stored import named_by_digest, stored_receipt, tree_files
from ingle.hub.verify import BLOCK, Hash, new_hash


class FileState(StrEnum):
    """`GOOD` was compared with a digest; `READABLE` has none to compare with and is sound as far as it tells."""

    GOOD = "good"
    READABLE = "readable"
    MISSING = "missing"
    WRONG_SIZE = "wrong-size"
    WRONG_DIGEST = "wrong-digest"
    MALFORMED = "malformed"
    UNREADABLE = "unreadable"

    @property
    def damaged(self) -> bool:
        """Whether the model cannot be trusted with a file in this state."""
        return self not in {FileState.GOOD, FileState.READABLE}


class FileReport(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the model. `expected` and `actual` are digests, or sizes in bytes, where they differ.

    `original`: the bytes are the listed ones, so whatever is wrong with them was published so.
    """

    path: str
    state: FileState
    size: int = 0
    why: str = ""
    expected: str | int | None = None
    actual: str | int | None = None
    original: bool = False


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What became of checking one model. `read` is the bytes that were read."""

    ref: ModelRef
    root: Path
    files: tuple[FileReport, ...]
    read: int

    @property
    def damaged(self) -> tuple[FileReport, ...]:
        return tuple(file for file in self.files if file.state.damaged)

    @property
    def unknown(self) -> tuple[FileReport, ...]:
        """Files that no digest vouches for."""
        return tuple(file for file in self.files if file.state is FileState.READABLE)

    @property
    def ok(self) -> bool:
        """Whether every file is whole, as far as anything is known of it."""
        return not self.damaged

    @property
    def repairable(self) -> bool:
        """Whether other bytes than those that lie here would be fetched by a repair."""
        return any(not file.original for file in self.damaged)

    @property
    def sentence(self) -> str:
        """The verdict for a person."""
        count, bad, unknown = len(self.files), len(self.damaged), len(self.unknown)
        if bad:
            first = self.damaged[0]
            return f"Of {several(count, 'file')} {bad} cannot be trusted: {first.path} {first.why}."
        if not unknown:
            return f"{several(count, 'file')} checked, right byte for byte."
        if unknown == count:
            return f"{several(count, 'file')} read without fault; no digest is known to compare with."
        return f"{several(count - unknown, 'file')} right byte for byte; for {unknown} no digest is known."

    def error(self) -> StoreError | None:
        """The first damage as an error, None when there is none."""
        if self.ok:
            return None
        first = self.damaged[0]
        path = self.root / first.path
        if first.state is FileState.WRONG_DIGEST:
            return DigestMismatch(path, str(first.expected), str(first.actual))
        if first.state is FileState.WRONG_SIZE and first.expected is not None:
            return SizeMismatch(path, int(first.expected), int(first.actual or 0))
        if first.state is FileState.MISSING:
            missing = (file.path for file in self.damaged if file.state is FileState.MISSING)
            return Incomplete(self.ref.name, tuple(missing))
        error = MalformedModel(path, first.why)
        if first.original:
            error.hint = "A repair would bring the same bytes: its publisher has to mend it, or another revision is right."
        return error


def audit(config: Config, snapshot: Snapshot, cancel: threading.Event | None = None) -> Audit:
    """Checks one model to the end. Raises `Cancelled` only; all damage is in the result."""
    steps = audit_steps(config, snapshot, cancel)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: Audit = done.value
            return result


def audit_steps(
    config: Config, snapshot: Snapshot, cancel: threading.Event | None = None
) -> Generator[Progress, None, Audit]:
    """`audit`, yielding after every few megabytes; its return value is the audit."""
    wanted = known_files(config, snapshot)
    sizes = {path: _size(snapshot.root / path) or 0 for path in wanted}
    total, done = sum(sizes.values()), 0
    reports = []
    for path, listed in wanted.items():
        report, done = yield from check_one(snapshot.root, path, listed, done, total, cancel)
        reports.append(report)
    found = {report.path for report in reports}
    reports += [one for one in _lacking(snapshot) if one.path not in found]
    return Audit(ref=snapshot.ref, root=snapshot.root, files=tuple(reports), read=done)


def check_snapshot(
    config: Config, snapshot: Snapshot, cancel: threading.Event | None = None
) -> Iterator[Progress]:
    """`audit_steps` for callers that want an error: raises the first damage when everything was read."""
    found = yield from audit_steps(config, snapshot, cancel)
    error = found.error()
    if error is not None:
        raise error
    yield Progress(phase=Phase.DONE, bytes_done=found.read, bytes_total=found.read, snapshot=snapshot)


def known_files(config: Config, snapshot: Snapshot) -> dict[str, ListedFile | None]:
    """The files to check, each with what is known of it."""
    known = _known(config, snapshot)
    paths = set(snapshot.files)
    if snapshot.origin is Origin.HUB_CACHE and snapshot.commit and snapshot.ref.repo_id:
        receipt = stored_receipt(RepoPlace(config.cache, snapshot.ref.repo_id), snapshot.commit)
        for asked in receipt.asked if receipt else ():
            same = snapshot.ref.file in asked.files if snapshot.ref.file else not gguf_files(asked.files)
            if same:
                paths.update(asked.files)
    return {path: known.get(path) or _by_link(snapshot.root / path, path) for path in sorted(paths)}


def _known(config: Config, snapshot: Snapshot) -> dict[str, ListedFile]:
    if snapshot.origin is not Origin.HUB_CACHE or not snapshot.commit or not snapshot.ref.repo_id:
        return {}
    place = RepoPlace(config.cache, snapshot.ref.repo_id)
    receipt = stored_receipt(place, snapshot.commit)
    if receipt is not None:
        return {file.path: file for file in receipt.listing.files}
    tree = tree_files(place, snapshot.commit)
    return {path: listed for path, file in tree.items() if (listed := file.listed(path)) is not None}


def _by_link(path: Path, name: str) -> ListedFile | None:
    """What the name of the blob behind a link says."""
    try:
        blob = path.readlink().name
    except OSError:
        return None
    return named_by_digest(name, _size(path) or 0, blob)


def check_one(
    root: Path,
    path: str,
    listed: ListedFile | None,
    done: int,
    total: int,
    cancel: threading.Event | None,
) -> Generator[Progress, None, tuple[FileReport, int]]:
    """Reads one file below `root`, yielding as it goes from `done` of `total` bytes; gives its report and
    the bytes done then. Raises `Cancelled`."""
    yield Progress(phase=Phase.VERIFYING, bytes_done=min(done, total), bytes_total=total, message=path)
    steps = _read_one(root / path, path, listed)
    while True:
        try:
            done += next(steps)
        except StopIteration as ended:
            report: FileReport = ended.value
            return report, done
        if cancel is not None and cancel.is_set():
            raise Cancelled("Cancelled while checking files.")
        yield Progress(phase=Phase.VERIFYING, bytes_done=min(done, total), bytes_total=total, message=path)


def _read_one(path: Path, name: str, listed: ListedFile | None) -> Generator[int, None, FileReport]:
    """Reads one file once; yields the bytes read since the last time."""
    size = _size(path)
    if size is None:
        return FileReport(path=name, state=FileState.MISSING, why="is not there")
    if listed is not None and size != listed.size:
        why = f"has {size} bytes and should have {listed.size}"
        state = FileState.WRONG_SIZE
        return FileReport(path=name, state=state, size=size, why=why, expected=listed.size, actual=size)
    found = new_hash(listed.kind if listed else DigestKind.SHA256, size)
    try:
        yield from _feed(path, found)
        why_not = complaint(path, name)
    except (OSError, StoreError) as exc:
        return FileReport(path=name, state=FileState.UNREADABLE, size=size, why=f"cannot be read ({exc})")
    actual = found.hexdigest()
    if listed is not None and actual != listed.digest:
        why = "does not have the digest it should have"
        state = FileState.WRONG_DIGEST
        return FileReport(path=name, state=state, size=size, why=why, expected=listed.digest, actual=actual)
    if why_not is not None:
        why = f"is malformed{', just as it was published' if listed else ''}: {why_not}"
        known = listed is not None
        return FileReport(path=name, state=FileState.MALFORMED, size=size, why=why, original=known)
    return FileReport(path=name, state=FileState.GOOD if listed else FileState.READABLE, size=size)


def _feed(path: Path, found: Hash) -> Iterator[int]:
    """Reads a file into a hash by blocks that stay in the processor's cache; yields bytes now and then."""
    buffer = memoryview(bytearray(BLOCK))
    with path.open("rb", buffering=0) as file:
        since = 0
        while count := file.readinto(buffer):
            found.update(buffer[:count])
            since += count
            if since >= 16 * BLOCK:
                yield since
                since = 0
        yield since


def _lacking(snapshot: Snapshot) -> Iterator[FileReport]:
    """What the store says is missing, for what no file of the list tells."""
    for line in snapshot.missing:
        path, _, reason = line.partition(" (")
        if not reason:
            yield FileReport(path=path, state=FileState.MISSING, why="is not there")
        else:
            yield FileReport(path=path, state=FileState.MALFORMED, why=reason.removesuffix(")"))


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
