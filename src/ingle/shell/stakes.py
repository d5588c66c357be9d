"""What each kind of place is worth: the level at which it is deleted or written, and what it is to a person; pure tables."""

from __future__ import annotations

from .finding import Level
from .paths import Place

_SAFE, _MODERATE, _HIGH, _CRITICAL = Level

DELETE: dict[Place, Level] = {
    Place.ROOT: _CRITICAL,
    Place.SYSTEM: _CRITICAL,
    Place.SYSTEM_KEY: _CRITICAL,
    Place.DEVICE: _CRITICAL,
    Place.HOME: _CRITICAL,
    Place.HOMES: _CRITICAL,
    Place.SYSTEM_FILE: _HIGH,
    Place.OTHER_HOME: _HIGH,
    Place.WHOLE_OTHER_HOME: _CRITICAL,
    Place.SHARE: _HIGH,
    Place.HOME_CONFIG: _HIGH,
    Place.WORKING: _HIGH,
    Place.PARENT: _HIGH,
    Place.OPEN: _HIGH,
    Place.REPOSITORY: _HIGH,
    Place.MOUNT: _HIGH,
    Place.BACKUP: _CRITICAL,
    Place.LOG: _HIGH,
    Place.TEMPORARY_TOP: _HIGH,
    Place.KERNEL: _HIGH,
    Place.SINK: _HIGH,
    Place.SOCKET: _SAFE,
}
TREE: dict[Place, Level] = {Place.HOME_TOP: _HIGH, Place.HOME_STARTUP: _HIGH, Place.UNKNOWN: _HIGH}
WRITE: dict[Place, Level] = {
    Place.ROOT: _CRITICAL,
    Place.SYSTEM: _CRITICAL,
    Place.SYSTEM_KEY: _CRITICAL,
    Place.DEVICE: _CRITICAL,
    Place.HOMES: _HIGH,
    Place.SYSTEM_FILE: _HIGH,
    Place.OTHER_HOME: _HIGH,
    Place.WHOLE_OTHER_HOME: _HIGH,
    Place.HOME_STARTUP: _HIGH,
    Place.OPEN: _HIGH,
    Place.REPOSITORY: _HIGH,
    Place.HOOK: _HIGH,
    Place.LOG: _HIGH,
    Place.KERNEL: _HIGH,
    Place.SINK: _SAFE,
    Place.SOCKET: _SAFE,
}
# One file or folder among many of its kind: it is told by its name too.
ONE = frozenset(
    (
        Place.SYSTEM_KEY,
        Place.SYSTEM_FILE,
        Place.OTHER_HOME,
        Place.WHOLE_OTHER_HOME,
        Place.SHARE,
        Place.HOME_TOP,
        Place.HOME_CONFIG,
        Place.HOME_STARTUP,
        Place.HOOK,
        Place.MOUNT,
        Place.BACKUP,
        Place.LOG,
        Place.KERNEL,
    )
)
WHAT: dict[Place, str] = {
    Place.ROOT: "the root of the file system",
    Place.SYSTEM: "a whole system folder",
    Place.SYSTEM_KEY: "a file that the system needs to start or to let you log in",
    Place.SYSTEM_FILE: "a system file",
    Place.DEVICE: "a whole disk or partition",
    Place.HOME: "your whole home folder",
    Place.HOMES: "the home folders of every user",
    Place.OTHER_HOME: "another user's files",
    Place.WHOLE_OTHER_HOME: "the whole home folder of another user",
    Place.SHARE: "files of another host",
    Place.HOME_TOP: "a top-level folder of your home",
    Place.HOME_CONFIG: "settings, keys or application data in your home",
    Place.HOME_STARTUP: "a file that your login or your tools run",
    Place.WORKING: "the whole working directory",
    Place.PARENT: "a folder that contains the working directory",
    Place.OPEN: "every file here",
    Place.REPOSITORY: "the repository itself, with its history",
    Place.HOOK: "a hook that git runs",
    Place.MOUNT: "a mounted volume",
    Place.BACKUP: "backups",
    Place.LOG: "system logs",
    Place.TEMPORARY_TOP: "everything in the temporary folder, other programs' files too",
    Place.KERNEL: "a setting of the running kernel",
    Place.UNKNOWN: "a place that is not known before it runs",
}
