"""The real hub behind the seams: one limit for all pulls, and checks that are remembered."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest

from ingle.catalog.model import Snapshot
from ingle.errors import Gated, NoPermission, StoreError
from ingle.hub.health.checks import recall
from ingle.hub.progress import Phase
from ingle.runtime.events import EventKind
from ingle.runtime.wiring import Hub, alive
from tests.fakes.hub import FakeHub
from tests.hub.pulling import NAME, REF, assert_whole, model_files, settings, snapshot_of
from tests.runtime.fakes import HANG, World, make_config, make_snapshot

pytestmark = pytest.mark.slow


def test_all_pulls_share_one_limit_and_a_new_rate_reaches_those_that_run(tmp_path: Path) -> None:
    hub = Hub(make_config(tmp_path, limit_rate=1000))
    first = hub.options().limit
    assert first is not None and first.rate == 1000
    hub.limit(5000)
    assert first.rate == 5000 and hub.options().limit is first
    hub.limit(None)
    assert first.rate == 1000


def test_a_limit_that_is_set_where_there_was_none_reaches_the_pulls_that_run(tmp_path: Path) -> None:
    hub = Hub(make_config(tmp_path))
    running = hub.options().limit
    assert running is not None and running.rate > 1e12
    hub.limit(5000)
    assert running.rate == 5000 and hub.options().limit is running
    hub.limit(None)
    assert running.rate > 1e12


def test_a_repair_fetches_the_damaged_file_alone(tmp_path: Path) -> None:
    files = model_files(1000)
    with FakeHub() as server:
        server.add_repo(NAME, files)
        config = settings(tmp_path, server.url)
        hub = Hub(config)
        snapshot = snapshot_of(list(hub.pull(REF, threading.Event())))
        (snapshot.root / "tokenizer.json").resolve().write_bytes(b"{}")
        server.forget_requests()
        mended = snapshot_of(list(hub.repair(REF, threading.Event())))
        assert {seen.asked.target.rpartition("/")[2] for seen in server.requests()} == {"tokenizer.json"}
    assert_whole(config, mended, files)


def test_a_token_that_was_stored_after_the_daemon_began_opens_a_gated_model(tmp_path: Path) -> None:
    files = model_files(1000)
    with FakeHub() as server:
        server.tokens = {"hf_letmein"}
        server.add_repo(NAME, files, gated=True, granted={"hf_letmein"})
        config = settings(tmp_path, server.url, token_file=tmp_path / "token")
        hub = Hub(config)
        with pytest.raises(Gated):
            list(hub.pull(REF, threading.Event()))
        (tmp_path / "token").write_text("hf_letmein\n")
        assert_whole(config, snapshot_of(list(hub.pull(REF, threading.Event()))), files)


def test_a_check_is_remembered_and_damage_is_raised(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    snapshot = make_snapshot("org/tiny", tmp_path)
    snapshot.root.mkdir(parents=True)
    snapshot.path.write_bytes(b"not a model")
    with pytest.raises(StoreError):
        list(Hub(config).verify(snapshot.ref, snapshot, threading.Event()))
    (checked,) = recall(config).values()
    assert not checked.ok


async def test_damage_that_another_process_found_is_shown_and_a_new_daemon_knows_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    (snapshot,) = world.store.scan()
    snapshot.root.mkdir(parents=True)
    snapshot.path.write_bytes(b"not a model")
    hub = Hub(world.config)
    async with world.runtime(damaged=hub.damaged) as runtime:
        with pytest.raises(StoreError):  # as `ingle verify` does it, without the daemon
            list(hub.verify(snapshot.ref, snapshot, threading.Event()))
        assert [seen.damaged for seen in await runtime.models()] == [True]
    async with world.runtime(damaged=hub.damaged) as runtime:
        seen = await runtime.load(snapshot.ref.name)  # a person may insist
        assert seen.damaged and "unload" in seen.actions
        assert [one.damaged for one in await runtime.in_memory()] == [True]
        snapshot.path.write_bytes(b"another file")
        assert not (await runtime.view(snapshot.ref.name)).damaged


def test_a_folder_that_is_whole_ends_with_the_snapshot(tmp_path: Path) -> None:
    snapshot = make_snapshot("org/tiny", tmp_path, files=("notes.txt",))
    snapshot.root.mkdir(parents=True)
    (snapshot.root / "notes.txt").write_text("hello")
    steps = list(Hub(make_config(tmp_path)).verify(snapshot.ref, snapshot, threading.Event()))
    assert steps[-1].phase is Phase.DONE and steps[-1].snapshot == snapshot


def test_nothing_is_due_while_scheduled_checks_are_off(tmp_path: Path) -> None:
    snapshot = make_snapshot("org/tiny", tmp_path, modified=1.0)
    assert Hub(make_config(tmp_path)).due([snapshot]) == []
    config = msgspec.structs.replace(make_config(tmp_path), verify_every=86400.0)
    assert Hub(config).due([snapshot]) == [snapshot]


async def test_a_scheduled_check_that_finds_every_byte_right_is_news_too(tmp_path: Path) -> None:
    world = World(tmp_path, verify_every=86400.0)
    world.due = world.store.scan()
    async with world.runtime() as runtime, runtime.events() as events:
        event = await anext(events)
        world.due = []
        assert (event.event, event.model, event.error) == (EventKind.VERIFIED, "org/tiny", None)


async def test_scheduled_checks_run_by_themselves_and_tell_of_damage(tmp_path: Path) -> None:
    world = World(tmp_path, verify_every=86400.0)
    (snapshot,) = world.store.scan()
    world.due = [snapshot]
    world.check.errors["org/tiny"] = StoreError("A byte is wrong.")
    async with world.runtime() as runtime, runtime.events() as events:
        event = await anext(events)
        world.due = []
        assert (event.event, event.model, event.error) == (EventKind.ERROR, "org/tiny", "A byte is wrong.")
        assert (await runtime.view("org/tiny")).damaged


async def test_a_disk_that_cannot_be_read_once_does_not_end_the_scheduled_checks(tmp_path: Path) -> None:
    world = World(tmp_path, verify_every=86400.0)
    (snapshot,) = world.store.scan()
    world.check.errors["org/tiny"] = StoreError("A byte is wrong.")
    looks = 0

    def due(_snapshots: list[Snapshot]) -> list[Snapshot]:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise NoPermission(tmp_path, "look into")
        return [snapshot] if looks == 2 else []

    async with world.runtime(due=due) as runtime, runtime.events() as events:
        assert (await anext(events)).error == "A byte is wrong."


def test_a_process_that_ended_and_was_not_reaped_is_not_alive() -> None:
    assert alive(os.getpid()) and alive(None)
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()  # the end of the pipe: it is ending
    deadline = time.monotonic() + HANG
    while alive(child.pid) and time.monotonic() < deadline:
        pass
    assert not alive(child.pid)
    child.wait()
    assert not alive(child.pid)
