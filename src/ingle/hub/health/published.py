"""Tells of a model that is not whole whether its publisher left it so: then no pull and no repair makes it whole."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ingle.catalog.listing import ListedFile
from ingle.catalog.model import Origin, Snapshot
from ingle.config import Config
from ingle.hub.fetch import is_known
from ingle.hub.health.audit import known_files
from ingle.hub.health.content import complaint
from ingle.hub.inventory import promised_sizes
from ingle.hub.journal import read_journal
from ingle.hub.layout import RepoPlace
from ingle.hub.pieces import PIECE
from ingle.hub.verify import checked_bytes, recorded_beginning


def published_broken(config: Config, model: Snapshot) -> str | None:
    """What is wrong with it as it was published; None where nothing is, or nothing tells.

    Asks no hub: a file that the stored listing does not name, or one whose bytes are the listed ones and that no
    loader could open.
    """
    if model.origin is not Origin.HUB_CACHE or model.ref.repo_id is None or model.commit is None:
        return None
    place = RepoPlace(config.cache, model.ref.repo_id)
    listed, _ = promised_sizes(place, model.commit)
    lacking = [path for line in model.missing if (path := line.partition(" (")[0]) not in listed]
    if not listed:
        return None
    if lacking:
        return f"{lacking[0]} was never published"
    for path, file in known_files(config, model).items():
        why = _broken(place, path, file) if file is not None else None
        if why is not None:
            return f"{path} is malformed, just as it was published: {why}"
    return None


def _broken(place: RepoPlace, path: str, file: ListedFile) -> str | None:
    for here in (place.blob(file.digest), place.partial(file.digest)):
        with suppress(OSError):
            why = complaint(here, path)
            if why is not None and _is_original(place, here, file):
                return why
    return None


def _is_original(place: RepoPlace, here: Path, file: ListedFile) -> bool:
    """Whether these are the listed bytes. Of large ones only the first piece is read: a pull recorded all of them."""
    if file.size <= PIECE:
        return checked_bytes(here, file) is not None
    if here == place.blob(file.digest):
        return is_known(place, file)
    records = read_journal(place.journal(file.digest), file)
    came = sum(record.length for record in records.values()) == file.size
    return came and recorded_beginning(here, records, 1) != b""
