"""Remembers when each model was last checked and what came of it: the one owner of "this model is damaged".

Damage is remembered with the identity of the very files that were read, so that it never outlives them.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from ingle.catalog.model import DiskState, Snapshot
from ingle.catalog.names import ref_key
from ingle.config import Config
from ingle.errors import IngleError, StoreError
from ingle.hub.health.audit import Audit

_FILE = "checks.json"
_MOST = 1000


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was when it was read: `size` in bytes (-1: it was not there), `changed` in nanoseconds."""

    path: str
    size: int = -1
    changed: int = 0
    inode: int = 0

    @staticmethod
    def now(root: Path, path: str) -> Seen:
        """The file behind every link, as the disk has it now."""
        try:
            found = (root / path).stat()
        except OSError:
            return Seen(path=path)
        return Seen(path=path, size=found.st_size, changed=found.st_mtime_ns, inode=found.st_ino)


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The last check of one model: `time` in seconds since the epoch, `root` the snapshot that was read.

    `repairable` is as in `Audit`; `path`: it was named by its path, so no hub is
    known for it; `bad` are the files that cannot be trusted, `error` is the first of them as an error travels.
    """

    name: str
    root: str
    time: float
    ok: bool
    sentence: str
    repairable: bool = True
    path: bool = False
    bad: tuple[Seen, ...] = ()
    error: dict[str, Any] | None = None

    @property
    def fault(self) -> IngleError:
        """The damage as an error, with what mends this very model."""
        found = IngleError.from_dict(self.error) if self.error else StoreError(self.sentence)
        found.hint = self.mends
        return found

    @property
    def mends(self) -> str:
        """What to do about the damage."""
        if self.path:
            return "Get it again from where it came."
        if self.repairable:
            return f"`ingle repair {self.name}` mends it."
        return f"Its publisher has to mend it; `ingle rm {self.name}` deletes it."

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether it speaks of what lies there now: a file that changed since is another one."""
        if self.root != str(snapshot.root):
            return False
        if self.bad:
            return any(Seen.now(snapshot.root, one.path) == one for one in self.bad)
        return snapshot.modified <= self.time


def recall(config: Config) -> dict[str, Checked]:
    """The last check of each model, by its key; nothing where none is remembered or it does not parse."""
    try:
        return msgspec.json.decode((config.home / _FILE).read_bytes(), type=dict[str, Checked])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def remember(config: Config, audit: Audit, now: float) -> None:
    """Adds one check; without a word where the home cannot be written."""
    error = audit.error()
    checked = Checked(
        name=audit.ref.name,
        root=str(audit.root),
        time=now,
        ok=audit.ok,
        sentence=audit.sentence,
        repairable=audit.ok or audit.repairable,
        path=audit.ref.path is not None,
        bad=tuple(Seen.now(audit.root, file.path) for file in audit.damaged),
        error=error.to_dict() if error is not None else None,
    )
    _add(config, ref_key(audit.ref), checked)


def remember_repair(config: Config, snapshot: Snapshot, now: float) -> None:
    """Adds a repair that came to its end: it has read every byte, so it is a check as well."""
    sentence = "Every file is as it is listed since a repair."
    checked = Checked(name=snapshot.ref.name, root=str(snapshot.root), time=now, ok=True, sentence=sentence)
    _add(config, ref_key(snapshot.ref), checked)


def sound(config: Config, snapshot: Snapshot, since: float) -> bool:
    """Whether the last check of this model found every byte right after `since`, and nothing changed since then."""
    last = recall(config).get(ref_key(snapshot.ref))
    return last is not None and last.ok and last.time >= since and last.holds(snapshot)


def _add(config: Config, key: str, checked: Checked) -> None:
    """One writer at a time: the command line and the daemon's threads read the record and write it whole again."""
    path = config.home / _FILE
    draft = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # let go with the file, also by a process that dies
            found = recall(config) | {key: checked}
            newest = sorted(found.items(), key=lambda item: item[1].time, reverse=True)[:_MOST]
            draft.write_bytes(msgspec.json.encode(dict(newest)))
            draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink()


def damaged(config: Config, snapshots: Iterable[Snapshot]) -> dict[str, Checked]:
    """The last check of every model in which it found damage that still lies there; keys are `Snapshot.path`.

    A bad file counts for each model that has it: other quantisations share a folder, and may share its files.
    """
    bad = [(key, one) for key, one in recall(config).items() if not one.ok]
    return {
        str(snapshot.path): one
        for snapshot in (snapshots if bad else ())
        for key, one in bad
        if (key == ref_key(snapshot.ref) or any(seen.path in snapshot.files for seen in one.bad))
        and one.holds(snapshot)
    }


def found_bad(config: Config, path: Path) -> bool:
    """Whether the last check of any model found this very file bad: rot leaves a file's size and time as they were."""
    bad = [one for checked in recall(config).values() for one in checked.bad]
    now = Seen.now(path.parent, path.name)
    return any((one.size, one.changed, one.inode) == (now.size, now.changed, now.inode) for one in bad)


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
