"""The starter's own weights on both real engines: they begin alike, and a batch of MLX says what one says."""

from __future__ import annotations

import asyncio

import pytest

from ingle.engines.base import EngineOptions
from ingle.generation import Generation, Message, Role
from ingle.worker.process import WorkerProcess
from tests.engines.mlx.asking import GREEDY
from tests.models import mlx_snapshot, starter_mlx, starter_snapshot

pytestmark = [pytest.mark.model, pytest.mark.slow]

FIXER = "You fix grammar and spelling. Reply with the corrected text only."
QUESTIONS = (
    (FIXER, "Fix the grammar: he go to school yesterday and dont came back"),
    (FIXER, "Fix the grammar: she dont like apples"),
    (None, "What color is the sky?"),
)
OPTIONS = EngineOptions(context=512, slots=4)


def asked(system: str | None, question: str) -> Generation:
    told = (Message(role=Role.SYSTEM, content=system),) if system else ()
    messages = (*told, Message(role=Role.USER, content=question))
    return Generation(messages=messages, sampling=GREEDY, max_tokens=16)


async def said(worker: WorkerProcess, request: Generation) -> str:
    return "".join([chunk.text async for chunk in worker.generate(request)])


def sentence(text: str) -> str:
    """The first sentence; engines round differently, so later words may part."""
    return text.split(".")[0]


async def test_both_engines_begin_with_the_same_sentence_and_batches_say_the_same() -> None:
    opened = {"llamacpp": starter_snapshot(), "mlx": mlx_snapshot(starter_mlx())}
    found: dict[str, list[str]] = {}
    for name, snapshot in opened.items():
        worker = WorkerProcess(name)
        await worker.start(snapshot, name, OPTIONS)
        await worker.ready()
        try:
            found[name] = [await said(worker, asked(*question)) for question in QUESTIONS]
            together = await asyncio.gather(*(said(worker, asked(*question)) for question in QUESTIONS))
            assert list(together) == found[name]
        finally:
            await worker.stop()
    assert found["mlx"][0].startswith(
        "The corrected version is: He went to school yesterday and didn't return."
    )
    assert [sentence(text) for text in found["mlx"]] == [sentence(text) for text in found["llamacpp"]]
