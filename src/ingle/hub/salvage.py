"""Saves the good pieces of a damaged blob into the work tree, so that only the bad ones are fetched again."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable

from ingle.catalog.listing import ListedFile
from ingle.errors import Cancelled, DiskFull
from ingle.hub.disk import free_bytes
from ingle.hub.journal import Written, read_journal
from ingle.hub.layout import RepoPlace
from ingle.hub.locks import try_lock
from ingle.hub.partial import LargePartial
from ingle.hub.pieces import PIECE
from ingle.hub.verify import read_pieces

_MARGIN = 64 << 20  # bytes left free beside the copy


def salvage(
    place: RepoPlace,
    file: ListedFile,
    cancel: threading.Event,
    log: Callable[[str], None] = lambda _line: None,
) -> int:
    """Copies every piece of the blob that has its recorded digest; gives how many bytes that saves.

    The blob stays where it is until the mended file takes its place: a link to nothing would hide the whole
    repo from other tools. Without records of its pieces (another tool fetched it), or while somebody
    else writes the file, nothing is saved. Raises `DiskFull`, `StoreError`, `Cancelled`.
    """
    known = read_journal(place.pieces(file.digest), file)
    if not known or read_journal(place.journal(file.digest), file):
        return 0
    free = free_bytes(place.cache)
    if free < file.size + _MARGIN:
        raise DiskFull(place.cache, file.size + _MARGIN, free)
    lock = try_lock(place.blob_lock(file.digest))
    if lock is None:
        return 0
    saved = bad = 0
    try:
        partial = LargePartial(place, file)
        try:
            for index, data in enumerate(read_pieces(place.blob(file.digest))):
                if cancel.is_set():
                    raise Cancelled("Cancelled while saving the good pieces of a damaged file.")
                if known.get(index) != Written(index, len(data), zlib.crc32(data)):
                    bad += 1
                    continue
                partial.write(index * PIECE, data)
                partial.done(index, known[index].crc)
                saved += len(data)
            partial.sync()
        finally:
            partial.close()
    finally:
        lock.release()
    log(f"{file.path}: {bad} bad pieces, {saved} bytes of good ones kept")
    return saved
