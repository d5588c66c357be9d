"""Remembers when each model was last checked and what came of it, so that checks can be scheduled and told."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

import msgspec

from ingle.catalog.model import DiskState, Snapshot
from ingle.catalog.names import ref_key
from ingle.config import Config
from ingle.hub.health.audit import Audit

_FILE = "checks.json"
_MOST = 1000


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The last check of one model: `time` in seconds since the epoch, `root` the snapshot that was read.

    `repairable` is as in `Audit`.
    """

    name: str
    root: str
    time: float
    ok: bool
    sentence: str
    repairable: bool = True


def recall(config: Config) -> dict[str, Checked]:
    """The last check of each model, by its key; nothing where none is remembered or it does not parse."""
    try:
        return msgspec.json.decode((config.home / _FILE).read_bytes(), type=dict[str, Checked])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def remember(config: Config, audit: Audit, now: float) -> None:
    """Adds one check; without a word where the home cannot be written."""
    found = recall(config)
    found[ref_key(audit.ref)] = Checked(
        name=audit.ref.name,
        root=str(audit.root),
        time=now,
        ok=audit.ok,
        sentence=audit.sentence,
        repairable=audit.ok or audit.repairable,
    )
    newest = sorted(found.items(), key=lambda item: item[1].time, reverse=True)[:_MOST]
    path = config.home / _FILE
    draft = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(msgspec.json.encode(dict(newest)))
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()


def due(
    snapshots: Iterable[Snapshot], checked: dict[str, Checked], every: float, now: float
) -> list[Snapshot]:
    """The complete models whose last check is `every` seconds ago or more, the longest unchecked first.

    A model that was pulled or repaired counts as checked when it came: both verify every byte.
    """
    waiting = []
    for snapshot in snapshots:
        last = checked.get(ref_key(snapshot.ref))
        same = last is not None and last.root == str(snapshot.root)
        seen = max(last.time if last is not None and same else 0.0, snapshot.modified)
        if snapshot.state is DiskState.COMPLETE and now - seen >= every:
            waiting.append((seen, snapshot.ref.name, snapshot))
    return [snapshot for _, _, snapshot in sorted(waiting, key=lambda item: item[:2])]
