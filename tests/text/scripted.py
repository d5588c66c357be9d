"""A model that says what the test wants, for tests of what is done with its answers."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable

from ingle.errors import IngleError
from ingle.generation import Chunk, FinishReason, Generation, Usage
from ingle.text.improve import TextResult, improve
from ingle.text.tool import Tool, find_tool

Script = Callable[[str, int], str | IngleError]


@functools.cache
def built_in(name: str) -> Tool:
    """A tool that comes with Ingle, its file parsed once."""
    return find_tool(name)


class ScriptedModel:
    """Answers with `script(last user message, how many times it was asked before)`."""

    def __init__(self, script: Script, finish: FinishReason = FinishReason.STOP) -> None:
        self.script = script
        self.finish = finish
        self.prompt_tokens = 7
        self.asked: list[Generation] = []

    async def __call__(self, generation: Generation) -> AsyncIterator[Chunk]:
        assert generation.messages is not None
        self.asked.append(generation)
        answer = self.script(generation.messages[-1].content, len(self.asked) - 1)
        if isinstance(answer, IngleError):
            raise answer
        middle = len(answer) // 2
        yield Chunk(text=answer[:middle])
        yield Chunk(
            text=answer[middle:],
            finish_reason=self.finish,
            usage=Usage(prompt_tokens=self.prompt_tokens, completion_tokens=3),
        )


def echo(prompt: str, _asked: int) -> str:
    """The text of a proofread prompt, unchanged."""
    return prompt.split(": ", 1)[1] if prompt.startswith("Fix the grammar: ") else prompt


async def answered(tool: str, text: str, answer: str) -> TextResult:
    """What becomes of `text` when a model gives `answer` however often it is asked."""
    options = {"translate": {"to": "de"}, "custom": {"instruction": "Say it louder."}}.get(tool, {})
    model = ScriptedModel(lambda _prompt, _asked: answer)
    events = [event async for event in improve(built_in(tool), text, model, options=options)]
    result = events[-1].result
    assert result is not None
    return result
