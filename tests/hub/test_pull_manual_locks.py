"""The script of `--manual` and the real huggingface_hub: one of them fetches a file, the other one waits."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import pytest

from ingle.config import Config
from ingle.hub.manual import manual_script
from ingle.hub.pull import plan
from tests.fakes.hub import FakeHub
from tests.fakes.wire import Asked
from tests.hub.pulling import NAME, REF, assert_whole, model_files, pull_all, settings, snapshot_of

pytestmark = pytest.mark.slow

FILES = model_files(9_000_000)
WEIGHTS = "model.safetensors"
TOOLS = (
    "cat",
    "curl",
    "cut",
    "dirname",
    "mkdir",
    "mv",
    "rm",
    "rmdir",
    "sha1sum",
    "sha256sum",
    "sh",
    "tr",
    "wc",
)
DOWNLOAD = """
import sys
from huggingface_hub import constants, hf_hub_download
from huggingface_hub.utils import logging
constants.FILELOCK_LOG_EVERY_SECONDS = 0.2
logging.set_verbosity_info()
print(hf_hub_download(sys.argv[1], sys.argv[2]))
"""


@contextmanager
def _held(hub: FakeHub, client: str) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Holds this client's download of the weights; gives (it has begun, let it go on)."""
    begun, go = threading.Event(), threading.Event()

    def wait(asked: Asked) -> None:
        wanted = asked.method == "GET" and WEIGHTS in asked.path
        if wanted and client in asked.headers.get("user-agent", ""):
            begun.set()
            assert go.wait(240)

    hub.before = wait
    try:
        yield begun, go
    finally:
        go.set()


def _script(folder: Path, hub: FakeHub, config: Config, locker: str) -> subprocess.Popen[str]:
    """Runs the script with `flock`, or without it, as on a Mac, where perl takes the locks."""
    config.cache.mkdir(exist_ok=True)
    path = folder / "get.sh"
    path.write_text(manual_script(plan(REF, config), hub.url, config.cache))
    hub.forget_requests()
    tools = folder / "bin"
    tools.mkdir()
    for name in (*TOOLS, locker):
        found = which(name)
        assert found is not None, name
        (tools / name).symlink_to(found)
    environ = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    return subprocess.Popen(
        ["sh", str(path)],
        env={**environ, "PATH": str(tools)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _download(hub: FakeHub, config: Config) -> subprocess.Popen[str]:
    environ = {**os.environ, "HF_HUB_CACHE": str(config.cache), "HF_ENDPOINT": hub.url}
    environ |= {
        "HF_HUB_DOWNLOAD_TIMEOUT": "240"
    }  # it is held until a script has come as far as the same file
    return subprocess.Popen(
        [sys.executable, "-c", DOWNLOAD, NAME, WEIGHTS],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _read_until(child: subprocess.Popen[str], said: Callable[[str], bool]) -> list[str]:
    assert child.stdout is not None
    lines = []
    for line in child.stdout:
        lines.append(line)
        if said(line):
            return lines
    raise AssertionError("".join(lines))


@pytest.mark.parametrize("locker", ["flock", "perl"])
def test_an_hf_download_waits_while_the_script_fetches_the_same_file(tmp_path: Path, locker: str) -> None:
    with FakeHub() as hub, _held(hub, "curl") as (begun, go):
        hub.add_repo(NAME, FILES)
        config = settings(tmp_path, hub.url)
        script = _script(tmp_path, hub, config, locker)
        assert begun.wait(60)
        download = _download(hub, config)
        _read_until(download, lambda line: "Still waiting to acquire lock" in line)
        go.set()
        assert script.communicate(timeout=240)[0].count("whole: ") == len(FILES)
        assert Path(download.communicate(timeout=240)[0].split()[-1]).read_bytes() == FILES[WEIGHTS]
        assert (script.returncode, download.returncode) == (0, 0)
        assert hub.bytes_sent(WEIGHTS) == len(FILES[WEIGHTS])
        assert_whole(config, snapshot_of(pull_all(config)), FILES)


@pytest.mark.parametrize("locker", ["flock", "perl"])
def test_the_script_waits_while_an_hf_download_fetches_the_same_file(tmp_path: Path, locker: str) -> None:
    with FakeHub() as hub, _held(hub, "hf_hub") as (begun, go):
        hub.add_repo(NAME, FILES)
        config = settings(tmp_path, hub.url)
        config.cache.mkdir()
        download = _download(hub, config)
        assert begun.wait(60)
        script = _script(tmp_path, hub, config, locker)
        _read_until(script, lambda line: line == f"waiting for another program: {WEIGHTS}\n")
        go.set()
        assert f"there already: {WEIGHTS}\n" in script.communicate(timeout=240)[0]
        download.communicate(timeout=240)
        assert (script.returncode, download.returncode) == (0, 0)
        assert hub.bytes_sent(WEIGHTS) == len(FILES[WEIGHTS])
        assert_whole(config, snapshot_of(pull_all(config)), FILES)


@pytest.mark.parametrize("locker", ["flock", "perl"])
def test_a_lock_file_that_was_deleted_while_the_script_waited_is_taken_anew(
    tmp_path: Path, locker: str
) -> None:
    with FakeHub() as hub, _held(hub, "hf_hub") as (begun, go):
        hub.add_repo(NAME, FILES)
        config = settings(tmp_path, hub.url)
        config.cache.mkdir()
        download = _download(hub, config)
        assert begun.wait(60)
        script = _script(tmp_path, hub, config, locker)
        _read_until(script, lambda line: line == f"waiting for another program: {WEIGHTS}\n")
        (lock,) = (config.cache / ".locks").glob(f"models--*/{'[0-9a-f]' * 64}.lock")
        lock.unlink()
        go.set()
        assert script.communicate(timeout=240)[0]
        download.communicate(timeout=240)
        assert script.returncode == 0
        assert lock.exists()
