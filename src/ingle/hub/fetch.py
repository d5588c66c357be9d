"""Brings every missing file of a plan into `blobs/`: lock, fetch, check, publish; small files many at a time."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from filelock import BaseFileLock

from ingle.catalog.listing import ListedFile
from ingle.errors import FileMissing, StoreError
from ingle.hub.disk import disk_errors
from ingle.hub.health.content import refuse_unsound
from ingle.hub.journal import Written, read_journal, write_pieces
from ingle.hub.layout import RepoPlace
from ingle.hub.locks import holder_pid, try_lock
from ingle.hub.partial import LargePartial, Partial
from ingle.hub.pieces import PIECE
from ingle.hub.publish import publish_blob, publish_blobs
from ingle.hub.small import SmallPartial
from ingle.hub.transfer import Transfer
from ingle.hub.verify import check_file, survey

_OPEN_FILES = 48  # at once: each large one takes three descriptors
_AHEAD = 128 << 20  # bytes queued before another file is opened
_BATCH = 64  # small files that are published together: they share the flushes of the disk
_TICK = 0.1


def held_bytes(place: RepoPlace, files: Iterable[ListedFile]) -> dict[str, int]:
    """Bytes by digest that earlier pulls left in the work tree, as journals and sizes say; never all of a file."""
    found = {}
    left = _sizes(place.work / "partial")
    for file in files:
        if file.size > PIECE:
            written = read_journal(place.journal(file.digest), file).values()
            found[file.digest] = min(file.size - 1, sum(one.length for one in written))
        elif file.size and left.get(file.digest) == file.size:
            found[file.digest] = file.size - 1
    return found


def blob_sizes(place: RepoPlace) -> dict[str, int]:
    """The size of every blob by its name, links followed; what leads nowhere is left out. One reading."""
    return _sizes(place.blobs)


def _sizes(folder: Path) -> dict[str, int]:
    found = {}
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                found[entry.name] = entry.stat().st_size
    return found


def keep_pieces(
    place: RepoPlace, file: ListedFile, pieces: dict[int, Written], source: Path | None = None
) -> None:
    """Stores the piece digests of a checked blob. Its time then vouches for the blob's (see `is_known`).

    `source` is the checked file where it is not a blob yet: it takes its time along when it becomes one.
    """
    path = place.pieces(file.digest)
    with disk_errors(path, "write"):
        write_pieces(path, file, pieces, place.stage)
        stamp = (source or place.blob(file.digest)).stat().st_mtime_ns
        os.utime(path, ns=(stamp, stamp))


def is_known(place: RepoPlace, file: ListedFile) -> bool:
    """Whether this large blob was checked by us and has not been touched since (size and time)."""
    try:
        blob = place.blob(file.digest).stat()
        return blob.st_size == file.size and blob.st_mtime_ns == place.pieces(file.digest).stat().st_mtime_ns
    except OSError:
        return False


def drop_spare(place: RepoPlace, file: ListedFile) -> None:
    """Deletes what an earlier pull left of a file that somebody made whole since: nobody will go on with it.

    What is newer than the blob is kept: an interrupted repair saved it.
    """
    partial = place.partial(file.digest)
    with suppress(OSError):
        if partial.stat().st_mtime_ns < place.blob(file.digest).stat().st_mtime_ns:
            partial.unlink()
            place.journal(file.digest).unlink(missing_ok=True)


def _refuse_unsound(path: Path, file: ListedFile) -> None:
    with disk_errors(path, "read"):
        refuse_unsound(path, file.path)


class Fetch:
    """The fetching of one plan; `run` yields about ten times a second until every blob is in place.

    `heads` are first bytes of files, by path, that came while the plan was made.
    """

    def __init__(
        self,
        place: RepoPlace,
        files: Iterable[ListedFile],
        transfer: Transfer,
        cancel: threading.Event,
        *,
        heads: Mapping[str, bytes] | None = None,
        verify: bool = True,
        log: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._place = place
        # Small files first: config and tokenizer tell soon whether this is the right model.
        self._waiting = deque(sorted(files, key=lambda file: file.size > PIECE))
        self._blocked: deque[ListedFile] = deque()
        self._locks: dict[str, BaseFileLock] = {}
        self._ready: list[Partial] = []
        self.held = held_bytes(place, self._waiting)
        self._held = dict(self.held)
        self._transfer = transfer
        self._cancel = cancel
        self._heads = heads or {}
        self._verify = verify
        self._log = log
        self._known = 0
        self.waiting_for = ""

    @property
    def busy(self) -> bool:
        """Whether bytes are still to come; if not, only checking and publishing is left."""
        return bool(self._waiting) or self._transfer.busy

    @property
    def gained(self) -> int:
        """Bytes that came since the start; what a journal promised and the disk lacked counts against it."""
        return self._known + self._transfer.fetched

    def run(self) -> Generator[None, None, None]:
        """Raises what `Transfer.tick` raises, and `StoreError` kinds. What was fetched stays."""
        try:
            with self._transfer:
                yield from self._rounds()
        finally:
            for lock in self._locks.values():
                lock.release()
            self._locks.clear()

    def _rounds(self) -> Iterator[None]:
        while self._waiting or self._blocked or self._transfer.open_files:
            self._open_more()
            finished = deque(self._transfer.tick(_TICK))
            quiet = not finished
            try:
                while finished:
                    self._publish(finished.popleft())
            finally:
                for partial in finished:
                    partial.close()
            if self._ready and (quiet or len(self._ready) >= _BATCH or not self._transfer.open_files):
                self._publish_ready()
            yield

    def _open_more(self) -> None:
        self._waiting.extend(self._blocked)
        self._blocked.clear()
        self.waiting_for = ""
        while self._waiting and self._transfer.open_files < _OPEN_FILES and self._transfer.queued < _AHEAD:
            self._begin(self._waiting.popleft())

    def _begin(self, file: ListedFile) -> None:
        path = self._place.blob_lock(file.digest)
        lock = try_lock(path)
        if lock is None:
            self._blocked.append(file)
            pid = holder_pid(path)
            by = f"another program (process {pid})" if pid else "another program"
            self.waiting_for = f"{file.path} is being fetched by {by}; waiting for it."
            return
        self._locks[file.digest] = lock
        if self._adopt(file):
            self._known += file.size - self._held.pop(file.digest, 0)
            self._release(file)
            return
        partial: Partial
        if file.size > PIECE:
            partial = LargePartial(self._place, file, verify=self._verify)
        else:
            partial = SmallPartial(self._place, file)
        try:
            partial.begin(self._heads.get(file.path, b""))
        except StoreError:
            partial.close()
            raise
        self._known += partial.recorded_bytes - self._held.pop(file.digest, 0)
        self._transfer.add(partial)

    def _adopt(self, file: ListedFile) -> bool:
        """Whether the blob is there after all, put by somebody else meanwhile, and right."""
        blob = self._place.blob(file.digest)
        try:
            if file.size > PIECE:
                keep_pieces(self._place, file, survey(blob, file, self._cancel))
            else:
                check_file(blob, file, cancel=self._cancel)
        except FileMissing:
            return False
        except StoreError as exc:
            self._log(f"not trusted, fetching it again: {exc.message}")
            return False
        drop_spare(self._place, file)
        self._log(f"{file.path}: already there, checked")
        return True

    def _publish(self, partial: Partial) -> None:
        if not isinstance(partial, LargePartial):
            self._ready.append(partial)
            return
        file = partial.file
        try:
            source = partial.finish()
            records = partial.records()
            _refuse_unsound(source, file)
        finally:
            partial.close()
        if records and self._verify:
            # First, so that there is no moment in which the blob is there and not known to be right.
            keep_pieces(self._place, file, records, source)
        publish_blob(self._place, file, source)
        with suppress(OSError):
            self._place.journal(file.digest).unlink(missing_ok=True)
        self._in_place(file)

    def _publish_ready(self) -> None:
        """Publishes the small files that are whole. Should it fail they stay in the work tree, checked."""
        ready, self._ready = self._ready, []
        for partial in ready:
            _refuse_unsound(partial.finish(), partial.file)
        publish_blobs(self._place, [(partial.file, partial.finish()) for partial in ready])
        for partial in ready:
            self._in_place(partial.file)

    def _in_place(self, file: ListedFile) -> None:
        self._log(f"{file.path}: {file.size} bytes, {file.kind} {file.digest}, checked and in place")
        self._release(file)

    def _release(self, file: ListedFile) -> None:
        self._locks.pop(file.digest).release()
