"""A worker that lives and makes no tokens is ended, and the model answers again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from ingle.engines.base import EngineHealth
from ingle.engines.scripted import Script
from ingle.errors import WorkerCrashed, WorkerGone, WorkerTimeout
from ingle.worker.process import WorkerProcess
from ingle.worker.pulse import MOST_ILL, watch_pulse
from ingle.worker.state import WorkerState
from tests.worker.conftest import HANG, ask, script_snapshot, text_of


async def given_up(answers: Sequence[EngineHealth | Exception]) -> list[str]:
    """The reasons for which a child with these answers was given up."""
    coming, reasons = iter(answers), list[str]()

    async def ping() -> EngineHealth:
        answer = next(coming)
        if isinstance(answer, Exception):
            raise answer
        return answer

    await asyncio.wait_for(watch_pulse(ping, reasons.append, 0.0), HANG)
    assert next(coming, None) is None
    return reasons


async def test_a_child_that_says_it_makes_no_tokens_is_given_up() -> None:
    well, ill = EngineHealth(ok=True), EngineHealth(ok=False, ended=True, reason="the loop has ended")
    assert await given_up([well, well, ill]) == ["the loop has ended"]


async def test_a_step_that_takes_long_is_waited_for_and_an_endless_one_is_not() -> None:
    well, slow = EngineHealth(ok=True), EngineHealth(ok=False, reason="no token for 300 seconds")
    long = [slow] * (MOST_ILL - 1)
    assert await given_up([*long, well, *long, WorkerGone("x")]) == []
    assert await given_up([*long, slow]) == ["no token for 300 seconds"]


async def test_silence_is_waited_for_and_a_child_that_is_gone_is_asked_no_more() -> None:
    assert await given_up([WorkerTimeout("silent"), WorkerTimeout("silent"), WorkerGone("x")]) == []


async def test_endless_silence_is_waited_for_no_longer_than_an_endless_step() -> None:
    silent, slow = WorkerTimeout("It is silent."), EngineHealth(ok=False, reason="no token")
    long: list[EngineHealth | Exception] = [silent, slow] * (MOST_ILL // 2 - 1)
    assert await given_up([*long, EngineHealth(ok=True), *long, WorkerGone("x")]) == []
    assert await given_up([*long, slow, silent]) == ["It is silent."]


@pytest.mark.slow
async def test_a_stuck_worker_fails_its_requests_typed_and_answers_after_a_new_start(tmp_path: Path) -> None:
    snapshot = script_snapshot(tmp_path, Script(on={"stuck": "stuck"}))
    worker = WorkerProcess("fake", pulse=0.01, patience=HANG)
    try:
        await worker.start(snapshot, "scripted")
        await worker.ready()
        assert await text_of(worker, ask("well")) == "well"
        said = await worker.ping(HANG)
        shown = worker.health
        assert said == shown
        with pytest.raises(WorkerCrashed, match="the script says that it is stuck"):
            await asyncio.wait_for(text_of(worker, ask("stuck")), HANG)
        await worker.wait_gone()
        assert worker.health is None
        assert worker.state is WorkerState.FAILED and isinstance(worker.error, WorkerCrashed)
        await worker.start(snapshot, "scripted")
        await worker.ready()
        assert await text_of(worker, ask("well again")) == "well again"
        assert (await worker.stop()).exit_code == 0
    finally:
        await worker.stop()
