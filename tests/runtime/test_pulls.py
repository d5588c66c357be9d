"""Pulls in threads: joined, cancelled, failed, retried, refused, remembered."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from ingle.catalog.model import ModelRef
from ingle.errors import Cancelled, HubUnreachable, IngleError, InUse, RetryRefused
from ingle.hub.progress import Phase, Progress
from ingle.runtime.events import EventKind
from ingle.runtime.job import Work
from ingle.runtime.pulls import PullDesk
from ingle.runtime.runtime import Runtime
from ingle.runtime.status import ModelState, PullState
from tests.runtime.fakes import HANG, World, until

MODEL = "org/new"


def lonely_desk(memo: Path) -> PullDesk:
    """A desk that nobody listens to, on an empty disk."""
    return PullDesk(
        memo,
        time.monotonic,
        lambda _event: None,
        lambda _job, _error: None,
        lambda _ref: None,
        lambda _ref: None,
        lambda _snapshot, _since: False,
    )


async def drain(runtime: Runtime, *, retry: bool = False) -> list[Progress]:
    return [progress async for progress in runtime.pull(MODEL, retry=retry)]


async def fail(runtime: Runtime, world: World, *, retry: bool = False) -> None:
    world.pull.errors.append(HubUnreachable("The hub does not answer."))
    with pytest.raises(HubUnreachable):
        await drain(runtime, retry=retry)


async def test_a_pull_tells_its_progress_and_ends_with_the_model_here(world: World) -> None:
    async with world.runtime() as runtime, runtime.events() as events:
        seen = await drain(runtime)
        assert seen[-1].phase is Phase.DONE
        assert (await runtime.view(MODEL)).state is ModelState.DOWNLOADED
        heard = [await anext(events) for _ in range(3)]
        assert [event.event for event in heard] == [
            EventKind.DOWNLOAD_STARTED,
            EventKind.DOWNLOAD_PROGRESS,
            EventKind.DOWNLOAD_COMPLETED,
        ]
        assert heard[1].progress == 0.5


async def test_a_second_pull_of_the_same_model_follows_the_first(world: World) -> None:
    world.pull.go_on.clear()
    async with world.runtime() as runtime:
        first = asyncio.create_task(drain(runtime))
        await asyncio.to_thread(world.pull.begun.wait)
        second = asyncio.create_task(drain(runtime))
        await asyncio.sleep(0)
        world.pull.go_on.set()
        await asyncio.gather(first, second)
        assert world.pull.times == 1


async def test_a_limit_ends_with_the_last_of_the_pulls_it_was_given_for(world: World) -> None:
    world.pull.go_on.clear()
    async with world.runtime() as runtime:
        runtime.start_pull(MODEL, limit_rate=5000)
        other = runtime.start_pull("org/other")
        await asyncio.to_thread(world.pull.begun.wait)
        assert world.rates == [5000]
        await runtime.cancel(MODEL)
        assert world.rates == [5000]
        world.pull.go_on.set()
        await other.over.wait()
        assert world.rates == [5000, None]
        await drain(runtime)
        assert world.rates == [5000, None]


async def test_leaving_a_pull_lets_it_go_on(world: World) -> None:
    world.pull.go_on.clear()
    async with world.runtime() as runtime, runtime.events() as events:
        leaving = asyncio.create_task(drain(runtime))
        await asyncio.to_thread(world.pull.begun.wait)
        leaving.cancel()
        world.pull.go_on.set()
        async for event in events:
            if event.event is EventKind.DOWNLOAD_COMPLETED:
                break
        assert (await runtime.view(MODEL)).state is ModelState.DOWNLOADED


async def test_a_cancelled_pull_is_paused_and_goes_on_when_asked(world: World) -> None:
    world.pull.go_on.clear()
    async with world.runtime() as runtime, runtime.events() as events:
        pulling = asyncio.create_task(drain(runtime))
        await asyncio.to_thread(world.pull.begun.wait)
        view = await runtime.cancel(MODEL)
        told = [await anext(events) for _ in range(3)]
        assert (told[2].event, told[2].reason, told[2].progress) == (
            EventKind.DOWNLOAD_PROGRESS,
            "paused",
            0.5,
        )
        assert view.paused and view.progress == 0.5 and "pull" in view.actions
        assert view.last_error is None
        with pytest.raises(Cancelled):
            await pulling
        world.pull.go_on.set()
        await drain(runtime)
        assert (await runtime.view(MODEL)).state is ModelState.DOWNLOADED


async def test_a_new_pull_begins_with_the_bytes_of_the_failed_one_and_not_with_its_last_words(
    tmp_path: Path,
) -> None:
    desk, ref, go_on = (
        lonely_desk(tmp_path / "pulls.json"),
        ModelRef(name=MODEL, repo_id=MODEL),
        threading.Event(),
    )

    def failing(_cancel: threading.Event) -> Iterator[Progress]:
        yield Progress(
            phase=Phase.VERIFYING,
            bytes_done=3,
            bytes_total=9,
            rate=5.0,
            seconds_left=2.0,
            message="Trying again.",
        )
        raise HubUnreachable("The hub does not answer.")

    def waiting(_cancel: threading.Event) -> Iterator[Progress]:
        go_on.wait(HANG)
        yield from ()

    await desk.begin(ref, Work.PULL, failing).over.wait()
    job = desk.begin(ref, Work.PULL, waiting)
    begun = job.progress
    go_on.set()
    await job.over.wait()
    assert begun == Progress(phase=Phase.WAITING, bytes_done=3, bytes_total=9)


async def test_retry_is_refused_after_three_failures_until_the_pull_is_asked_for(world: World) -> None:
    async with world.runtime() as runtime:
        await fail(runtime, world)
        assert "retry" in (await runtime.view(MODEL)).actions
        await fail(runtime, world, retry=True)
        await fail(runtime, world, retry=True)
        view = await runtime.view(MODEL)
        assert "retry" not in view.actions and "pull" in view.actions
        assert view.last_error is not None and view.last_error["code"] == "hub_unreachable"
        with pytest.raises(RetryRefused) as raised:
            await drain(runtime, retry=True)
        assert raised.value.details["failures"] == 3 and raised.value.actions == ("pull",)
        await drain(runtime)
        assert (await runtime.view(MODEL)).last_error is None


async def test_a_success_ends_the_row_of_failures(world: World) -> None:
    async with world.runtime() as runtime:
        await fail(runtime, world)
        await drain(runtime, retry=True)
        await fail(runtime, world)
        assert "retry" in (await runtime.view(MODEL)).actions


async def test_unfinished_pulls_are_paused_after_a_restart_and_resume_on_request(world: World) -> None:
    world.pull.go_on.clear()
    async with world.runtime() as runtime:
        runtime.start_pull(MODEL)
        await asyncio.to_thread(world.pull.begun.wait)
    world.pull.go_on.set()
    async with world.runtime() as runtime:
        assert world.pull.times == 1
        (view,) = [view for view in await runtime.models() if view.model == MODEL]
        assert view.paused and "pull" in view.actions
        await drain(runtime)
    async with world.runtime() as runtime:
        (view,) = [view for view in await runtime.models() if view.model == MODEL]
        assert not view.paused and view.state is ModelState.DOWNLOADED


async def test_who_follows_a_pull_hears_that_the_daemon_was_ended_and_what_goes_on(world: World) -> None:
    """While its connection still stands, which is before everything else is put away."""
    world.pull.go_on.clear()
    async with world.runtime() as runtime:
        pulling = asyncio.create_task(drain(runtime))
        await asyncio.to_thread(world.pull.begun.wait)
        runtime.end_streams()
        with pytest.raises(Cancelled) as told:
            await pulling
        assert told.value.message == f"Ingle was ended during the pull of {MODEL}; what was fetched is kept."
        assert told.value.hint == f"`ingle pull {MODEL}` goes on from there."
    async with world.runtime() as runtime:
        assert (await runtime.view(MODEL)).paused


async def test_a_daemon_that_dies_suddenly_has_already_written_down_what_it_pulls(world: World) -> None:
    world.pull.go_on.clear()
    async with world.runtime() as runtime:
        runtime.start_pull(MODEL)
        await asyncio.to_thread(world.pull.begun.wait)
        memo = world.config.home / "pulls.json"
        heir = lonely_desk(memo)
        heir.restore()
        assert [(job.ref.name, job.state) for job in heir.jobs.values()] == [(MODEL, PullState.PAUSED)]
        world.pull.go_on.set()


async def test_failures_are_remembered_over_a_restart(world: World) -> None:
    async with world.runtime() as runtime:
        for retry in (False, True, True):
            await fail(runtime, world, retry=retry)
    async with world.runtime() as runtime:
        with pytest.raises(RetryRefused):
            await drain(runtime, retry=True)


@pytest.mark.parametrize(
    "memo",
    [b"{", b'[{"ref": {"name": "\xff"}}]', b'[{"ref": {"name": "a"}, "error": {"x": ' + b"[" * 50_000],
    ids=["cut", "no UTF-8", "too deep"],
)
async def test_an_unreadable_memo_is_an_empty_one(world: World, memo: bytes) -> None:
    world.config.home.mkdir(parents=True)
    (world.config.home / "pulls.json").write_bytes(memo)
    async with world.runtime() as runtime:
        assert len(await runtime.models()) == 1


async def test_a_home_that_cannot_be_written_does_not_stop_a_pull(world: World) -> None:
    world.config.home.parent.mkdir(parents=True, exist_ok=True)
    world.config.home.write_text("a file where the folder should be")
    async with world.runtime() as runtime:
        assert (await drain(runtime))[-1].phase is Phase.DONE


async def test_a_model_that_is_pulled_is_neither_deleted_nor_repaired(world: World) -> None:
    world.pull.go_on.clear()
    async with world.runtime() as runtime:
        await runtime.load("org/tiny")
        await runtime.unload("org/tiny")
        runtime.start_pull("org/tiny")
        await asyncio.to_thread(world.pull.begun.wait)
        with pytest.raises(InUse) as raised:
            await runtime.delete("org/tiny")
        assert raised.value.actions == ("cancel",)
        with pytest.raises(InUse):
            async for _ in runtime.repair("org/tiny"):
                pass


async def test_a_defect_in_a_pull_ends_it_with_an_error(tmp_path: Path) -> None:
    world = World(tmp_path)

    def broken(ref: object, cancel: object) -> object:
        raise ValueError("a defect")

    async with world.runtime(pull=broken) as runtime:
        with pytest.raises(IngleError, match="a defect"):
            await drain(runtime)
        view = await runtime.view(MODEL)
        assert view.last_error is not None and "retry" in view.actions


async def test_a_check_leaves_what_a_pull_left_as_it_was(world: World) -> None:
    world.pull.errors.append(HubUnreachable("The hub does not answer."))
    async with world.runtime() as runtime:
        with pytest.raises(HubUnreachable):
            _ = [progress async for progress in runtime.pull("org/tiny")]
        _ = [progress async for progress in runtime.verify("org/tiny")]
        assert (await runtime.view("org/tiny")).last_error is not None
    async with world.runtime() as runtime:
        assert (await runtime.view("org/tiny")).last_error is not None


async def test_verify_tells_what_it_finds(world: World) -> None:
    async with world.runtime() as runtime:
        steps = [progress async for progress in runtime.verify("org/tiny")]
        assert steps[-1].phase is Phase.DONE
        await until(lambda: not runtime.busy)
        assert world.check.checked == ["org/tiny"]


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has a priority of its own on Linux alone")
@pytest.mark.parametrize("ours", [0, 15])
def test_a_scheduled_check_steps_behind_everything_else_and_never_forward(tmp_path: Path, ours: int) -> None:
    seen: dict[str, int] = {}

    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def check(name: str) -> Callable[[threading.Event], Iterator[Progress]]:
        def steps(_cancel: threading.Event) -> Iterator[Progress]:
            seen[name] = priority()
            yield Progress(phase=Phase.DONE)

        return steps

    async def check_both() -> None:
        desk = lonely_desk(tmp_path / "pulls.json")
        for name in ("asked", "scheduled"):
            ref = ModelRef(name=name, repo_id=f"org/{name}")
            job = desk.begin(ref, Work.VERIFY, check(name), gently=name == "scheduled")
            await job.over.wait()

    def run() -> None:
        """In a thread of its own, whose priority those that it starts inherit."""
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), max(ours, priority()))
        asyncio.run(check_both())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(HANG)
    assert seen["asked"] >= ours
    assert seen["scheduled"] == max(10, seen["asked"])


async def test_a_repair_that_a_restart_cut_short_goes_on_as_a_repair(world: World) -> None:
    async with world.runtime() as runtime:
        ref = runtime.name(MODEL)
    memo = world.config.home / "pulls.json"
    memo.parent.mkdir(exist_ok=True)
    memo.write_bytes(msgspec.json.encode([{"ref": ref, "work": "repair"}], enc_hook=str))
    async with world.runtime() as runtime:
        assert runtime.start_pull(MODEL).work is Work.REPAIR
