"""Requests of the contract suite, and what came back in one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ingle.engines.base import EngineHealth
from ingle.generation import (
    Chunk,
    FinishReason,
    Generation,
    Message,
    Role,
    SamplingParams,
    TokenLogprob,
    ToolCall,
    Usage,
    whole_calls,
)
from ingle.worker.process import WorkerProcess

HANG = 60.0  # seconds after which a worker that says nothing hangs
GREEDY = SamplingParams(temperature=0.0)
SYSTEM = "You fix grammar and spelling. Reply with the corrected text only."
GRAMMAR = "Fix the grammar: he go to school yesterday and dont came back"
EXPECTED = "The corrected version is: He went to school yesterday and didn't return."


@dataclass(frozen=True)
class Reply:
    """All chunks of one request."""

    chunks: tuple[Chunk, ...]

    def text_of(self, index: int) -> str:
        return "".join(chunk.text for chunk in self.chunks if chunk.index == index)

    @property
    def text(self) -> str:
        return self.text_of(0)

    @property
    def reasoning(self) -> str:
        return "".join(chunk.reasoning for chunk in self.chunks)

    @property
    def calls(self) -> list[ToolCall]:
        return list(whole_calls(part for chunk in self.chunks for part in chunk.tool_calls))

    @property
    def logprobs(self) -> list[TokenLogprob]:
        return [entry for chunk in self.chunks for entry in chunk.logprobs]

    @property
    def reasons(self) -> list[FinishReason]:
        found = sorted((c.index, c.finish_reason) for c in self.chunks if c.finish_reason is not None)
        return [reason for _, reason in found]

    @property
    def usage(self) -> Usage:
        found = self.chunks[-1].usage
        assert found is not None, "the last chunk has the usage"
        return found


def chat(question: str, *, system: str | None = None, **fields: Any) -> Generation:
    """A greedy chat request."""
    told = [Message(role=Role.SYSTEM, content=system)] if system else []
    fields.setdefault("sampling", GREEDY)
    return Generation(messages=(*told, Message(role=Role.USER, content=question)), **fields)


def plain(prompt: str, **fields: Any) -> Generation:
    """A greedy request without a template."""
    fields.setdefault("sampling", GREEDY)
    return Generation(prompt=prompt, **fields)


def grammar_question(**fields: Any) -> Generation:
    """The starter's own question."""
    return chat(GRAMMAR, system=SYSTEM, **fields)


async def ask(worker: WorkerProcess, generation: Generation) -> Reply:
    """The whole reply. Raises what the worker raises."""
    return Reply(tuple([chunk async for chunk in worker.generate(generation)]))


async def health(worker: WorkerProcess) -> EngineHealth:
    """What the worker says of itself, however busy the machine is."""
    return await worker.ping(HANG)


def sampled(seed: int | None, **fields: Any) -> SamplingParams:
    return SamplingParams(temperature=1.0, seed=seed, **fields)


def words(texts: Sequence[str]) -> set[str]:
    return {word for text in texts for word in text.split()}
