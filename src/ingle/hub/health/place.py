"""Examines the disk where the cache and the home are: whether they can be written, have room, and hold links."""

from __future__ import annotations

import errno
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from ingle.catalog.fits import gigabytes
from ingle.config import Config
from ingle.hub.disk import free_bytes
from ingle.hub.health.finding import Finding, Fix, note, ok, problem, warning
from ingle.hub.shelf import may_change

LITTLE = 5_000_000_000  # bytes: room for one model of the middle size
NONE = 500_000_000  # bytes: not even room for a small one
ELSEWHERE = 'export HF_HUB_CACHE="$HOME/models"'
"""Keeps models on the home's disk from now on."""

_FULL = {errno.ENOSPC, errno.EDQUOT}
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}


def try_disk(folder: Path, *, links: bool = True) -> OSError | None:
    """What the disk says to a file (and a link) in `folder`; removes both, and the folders it needed."""
    made = [one for one in (folder, folder.parent) if not one.is_dir()]
    name = f"probe.{os.getpid()}.{os.urandom(4).hex()}"
    file, link = folder / f"{name}.file", folder / f"{name}.link"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
        if links:
            link.symlink_to(file.name)
    except OSError as exc:
        return exc
    finally:
        for path in (link, file):
            with suppress(OSError):
                path.unlink()
        for one in made:
            with suppress(OSError):
                one.rmdir()
    return None


def examine_place(
    config: Config, relief: str, tried: Callable[[Path], OSError | None] = try_disk
) -> Iterator[Finding]:
    """The cache folder itself. `relief` is the command that gives most room; `tried(folder)` tries the disk."""
    cache = config.cache
    if not cache.is_dir():
        error = None if os.path.lexists(cache) else tried(_nearest(cache))
        if error is None:
            yield _no_cache(cache)
        elif error.errno in _FULL | _NO_LINKS:
            yield judge_disk(cache, error, relief)
        else:
            means = "Models are kept in a folder there, so nothing can be pulled."
            yield _unwritable(config, "cache", cache, error, means, "HF_HUB_CACHE={}/models")
        return
    yield ok("cache", f"Models are kept in {cache}.", path=str(cache))
    closed = [folder for folder in (cache, cache / ".locks", config.work) if _is_closed(folder)]
    if closed and os.statvfs(closed[0]).f_flag & os.ST_RDONLY:
        yield read_only(cache)
    elif closed:
        yield _permissions(closed)
    else:
        yield ok("permissions", "The cache can be read and written.")
        yield judge_disk(cache, tried(config.work), relief)
    yield examine_space(free_bytes(cache), relief)


def examine_home(config: Config, relief: str) -> Iterator[Finding]:
    """Ingle's own folder, or what it would be made in."""
    home = config.home
    error = try_disk(home if home.is_dir() else _nearest(home), links=False)
    if error is None:
        yield ok("home", f"Ingle keeps its own files in {home}.", path=str(home))
    elif error.errno in _FULL:
        yield judge_disk(home, error, relief)
    else:
        means = "The daemon keeps its files there, so no model can be loaded."
        yield _unwritable(config, "home", home, error, means, "INGLE_HOME={}/ingle")


def _nearest(path: Path) -> Path:
    """The nearest of the folders above `path` that is there."""
    return next(one for one in path.absolute().parents if os.path.lexists(one))


def _unwritable(
    config: Config, check: str, folder: Path, error: OSError, means: str, setting: str
) -> Finding:
    """A folder that cannot be made or written; `setting` has `{}` for a place that can be."""
    places = (config.user_home, Path("/var/tmp"))  # named to a person, who decides
    elsewhere = next(
        (one for one in places if one.is_dir() and try_disk(one, links=False) is None), places[0]
    )
    return problem(
        check,
        says=f"Nothing can be written to {folder} ({error.strerror or error}).",
        means=means,
        command=f"export {setting.format(shlex.quote(str(elsewhere)))}",
    )


def judge_disk(cache: Path, error: OSError | None, relief: str) -> Finding:
    """What the answer of `try_disk` means."""
    if error is None:
        return ok("links", "The disk takes symbolic links.")
    if error.errno in _FULL:
        return problem(
            "full",
            says=f"The disk of {cache} takes no new file ({error.strerror}).",
            means="It is full, has no room for more names (`df -i` tells), or your share of it is used up.",
            command=relief,
        )
    if error.errno == errno.EROFS:
        return read_only(cache)
    if error.errno == errno.EACCES:
        return _permissions([Path(error.filename or cache).parent])
    if error.errno in _NO_LINKS:
        return problem(
            "links",
            says=f"The disk of {cache} does not take symbolic links ({error.strerror}).",
            means="The shared cache is made of links; this disk cannot hold it as every tool writes it.",
            command=ELSEWHERE,
        )
    return problem(
        "disk",
        says=f"The disk of {cache} cannot be written to ({error.strerror}).",
        means="It may be failing: a copy of what is on it is worth having.",
        command=ELSEWHERE,
    )


def read_only(cache: Path) -> Finding:
    """The whole file system is mounted so that nothing can be written."""
    top = cache.resolve()
    while not top.is_mount():
        top = top.parent
    return problem(
        "read-only",
        says=f"The disk of {cache} is mounted read-only.",
        means="What is there can be used; nothing can be pulled or removed.",
        command=f"sudo mount {'-uw' if sys.platform == 'darwin' else '-o remount,rw'} {shlex.quote(str(top))}",
    )


def examine_space(free: int, relief: str) -> Finding:
    """Whether so many bytes of disk are enough to pull into."""
    if free >= LITTLE:
        return ok("space", f"{gigabytes(free)} of disk are free.", free=free)
    return (problem if free < NONE else warning)(
        "space",
        says=f"Only {gigabytes(free)} of disk are free where the models are kept.",
        means="A pull refuses to begin when the model does not fit.",
        command=relief,
        free=free,
    )


def _no_cache(cache: Path) -> Finding:
    in_the_way, quoted = os.path.lexists(cache), shlex.quote(str(cache))
    return (problem if in_the_way else note)(
        "cache",
        says=f"The model cache {cache} is {'no folder' if in_the_way else 'not there yet'}.",
        means="Models are kept in a folder there; the first pull makes it.",
        command=f"mv -- {quoted} {quoted}.old" if in_the_way else f"mkdir -p {quoted}",
        fix=None if in_the_way else Fix.MAKE_CACHE,
    )


def _permissions(closed: list[Path]) -> Finding:
    mine = all(folder.stat().st_uid == os.geteuid() for folder in closed)
    change = "chmod -R u+rwX" if mine else 'sudo chown -R "$(id -un)"'
    return problem(
        "permissions",
        says=f"{', '.join(map(str, closed))} cannot be written.",
        means="What is there can be used; nothing can be pulled or removed.",
        command=f"{change} {' '.join(shlex.quote(str(one)) for one in closed)}",
    )


def _is_closed(folder: Path) -> bool:
    return folder.is_dir() and not may_change(folder)
