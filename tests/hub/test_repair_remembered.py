"""A repair has read every byte: whoever wants to know whether a model is sound hears of it."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import msgspec
import pytest

from ingle.catalog.model import Snapshot
from ingle.config import Config
from ingle.errors import Cancelled, IngleError, SizeMismatch
from ingle.hub.health.checks import damaged, sound
from ingle.hub.pieces import PIECE
from ingle.hub.repair import repair
from ingle.runtime.wiring import Hub
from tests.fakes.hub import FakeHub
from tests.hub.pulling import NAME, REF, assert_whole, model_files, settings, snapshot_of

pytestmark = pytest.mark.slow


def spoil(snapshot: Snapshot) -> None:
    (snapshot.root / "tokenizer.json").resolve().write_bytes(b"{}")


def check(config: Config, snapshot: Snapshot) -> IngleError | None:
    try:
        list(Hub(config).verify(snapshot.ref, snapshot, threading.Event()))
    except IngleError as error:
        return error
    return None


def test_a_repair_counts_as_a_check_until_a_file_changes(tmp_path: Path) -> None:
    begun = time.time()
    with FakeHub() as server:
        server.add_repo(NAME, model_files(1000))
        config = settings(tmp_path, server.url)
        snapshot = snapshot_of(list(Hub(config).pull(REF, threading.Event())))
        assert not sound(config, snapshot, begun)
        spoil(snapshot)
        assert check(config, snapshot) is not None
        (fault,) = (one.fault for one in damaged(config, [snapshot]).values())
        assert isinstance(fault, SizeMismatch) and NAME in fault.hint
        mended = snapshot_of(list(repair(REF, config)))
    assert sound(config, mended, begun) and not damaged(config, [mended])
    assert not sound(config, mended, time.time() + 1)
    late = msgspec.structs.replace(mended, modified=time.time() + 1)
    assert not sound(config, late, begun)


def test_a_repair_that_is_stopped_is_no_check(tmp_path: Path) -> None:
    begun = time.time()
    with FakeHub() as server:
        server.add_repo(NAME, model_files(1000))
        config = settings(tmp_path, server.url)
        snapshot = snapshot_of(list(Hub(config).pull(REF, threading.Event())))
        spoil(snapshot)
        stop = threading.Event()
        stop.set()
        with pytest.raises(Cancelled):
            list(repair(REF, config, cancel=stop))
    assert not sound(config, snapshot, begun)


def test_a_pull_does_not_trust_what_a_check_found_rotten(tmp_path: Path) -> None:
    with FakeHub() as server:
        files = model_files()
        server.add_repo(NAME, files)
        config = settings(tmp_path, server.url)
        snapshot = snapshot_of(list(Hub(config).pull(REF, threading.Event())))
        blob = (snapshot.root / "model.safetensors").resolve()
        before, data = blob.stat(), bytearray(files["model.safetensors"])
        data[5_000_000] ^= 1
        blob.write_bytes(data)
        os.utime(blob, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a disk loses a bit: no time changes
        assert check(config, snapshot) is not None
        server.forget_requests()
        pulled = snapshot_of(list(Hub(config).pull(REF, threading.Event())))
        assert 0 < server.bytes_sent() <= PIECE
    assert_whole(config, pulled, files)
    assert not damaged(config, [pulled])
