"""Carries one answer from the daemon to the person: text to standard output, the rest to standard error."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import msgspec

from ingle.cli.terminal import DIM, Terminal
from ingle.client.api import Stream
from ingle.client.sync import Client
from ingle.client.views import Done, Line, LoadedEngine, Ready
from ingle.generation import FinishReason

_CONTROLS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}


class Answer(msgspec.Struct, kw_only=True):
    """What came of one generation; `done` is None when it was stopped before its end."""

    text: str = ""
    reasoning: str = ""
    ready: Ready | None = None
    done: Done | None = None

    @property
    def finish_reason(self) -> str:
        if self.done is None:
            return FinishReason.CANCELLED.value
        return self.done.finish_reasons[0] if self.done.finish_reasons else FinishReason.STOP.value

    def to_json(self, model: str) -> dict[str, Any]:
        """For `--json`: the answer and how it was made."""
        return {
            "model": self.ready.model if self.ready else model,
            "engine": self.ready.engine if self.ready else None,
            "response": self.text,
            "reasoning": self.reasoning or None,
            "finish_reason": self.finish_reason,
            "usage": self.done.usage if self.done else None,
            "timings": self.done.timings if self.done else None,
            "damage": self.ready.damage if self.ready else None,
        }


def gather(client: Client, request: Stream, terminal: Terminal, *, show: bool) -> Answer:
    """Read one generation to its end, printing text as it comes when `show` is on.

    KeyboardInterrupt leaves through here with the connection closed, which stops the engine.
    """
    answer = Answer()
    fill(answer, client, request, terminal, show=show)
    return answer


def fill(answer: Answer, client: Client, request: Stream, terminal: Terminal, *, show: bool) -> None:
    """As `gather`, into an `Answer` that keeps what had come when this is interrupted."""
    waiting = Waiting(terminal)
    with closing(client.stream(request)) as lines:
        try:
            for line in lines:
                if line.loading is not None:
                    waiting.say(f"Loading {line.loading.get('model', 'the model')} ...")
                elif line.progress is not None:
                    waiting.say(f"{line.progress.phase} {line.progress.fraction:.0%} {line.progress.message}")
                elif line.ready is not None:
                    answer.ready = line.ready
                    waiting.clear()
                elif line.chunk is not None:
                    waiting.clear()
                    _take(answer, line, terminal, show=show)
                elif line.done is not None:
                    answer.done = line.done
        finally:
            waiting.clear()
            if show and answer.text and not answer.text.endswith("\n"):
                terminal.answer("")


def explain_end(answer: Answer, terminal: Terminal, *, verbose: bool) -> None:
    """Say on standard error what the text itself does not show: a cut, and the numbers when asked for."""
    if answer.finish_reason == FinishReason.LENGTH.value:
        terminal.tell(_dim(terminal, "(Stopped at the token limit; --max-tokens or --context allows more.)"))
    elif answer.finish_reason == FinishReason.LOOP.value:
        terminal.tell(_dim(terminal, "(Stopped: the answer repeated itself.)"))
    if verbose and answer.done is not None:
        terminal.tell(_dim(terminal, numbers(answer)))


def cut_context(wanted: int | None, engine: LoadedEngine | None) -> str:
    """That the context is shorter than `wanted` (tokens), and why; empty where it is not."""
    if wanted is None or engine is None or not engine.context or engine.context >= wanted:
        return ""
    why = next((note for note in engine.notes if note.startswith("Context ")), f"Context {engine.context}.")
    return f"(Not the {wanted} tokens of --context. {why})"


def numbers(answer: Answer) -> str:
    """Tokens, speed, time to the first token, and what computed them."""
    said = []
    done, ready = answer.done, answer.ready
    if done is not None and done.usage is not None:
        cached = f", {done.usage.cached_tokens} from cache" if done.usage.cached_tokens else ""
        said.append(f"{done.usage.prompt_tokens} tokens in{cached}, {done.usage.completion_tokens} out")
    if done is not None and done.timings is not None:
        times = done.timings
        if times.tokens_per_second:
            said.append(f"{times.tokens_per_second:.1f} tokens/s")
        if times.first_token is not None:
            loaded = f" (load {times.load:.2f} s)" if times.load else ""
            said.append(f"first token after {times.first_token:.2f} s{loaded}")
    if ready is not None:
        said.append(f"{ready.model} on {ready.engine.name} ({ready.engine.device})")
    return "; ".join(said)


def visible(text: str) -> str:
    """`text` without control characters: what a model writes must not steer a terminal."""
    return text.translate(_CONTROLS)


class Waiting:
    """One line on an interactive standard error that says what is waited for, and goes again."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.shown = ""

    def say(self, text: str) -> None:
        if self.terminal.stderr.isatty() and text != self.shown:
            self.shown = text
            self.terminal.tell(f"\r\x1b[K{_dim(self.terminal, text)}", end="")

    def clear(self) -> None:
        if self.shown:
            self.shown = ""
            self.terminal.tell("\r\x1b[K", end="")


def _take(answer: Answer, line: Line, terminal: Terminal, *, show: bool) -> None:
    chunk = line.chunk
    assert chunk is not None
    answer.reasoning += chunk.reasoning
    answer.text += chunk.text
    if not show:
        return
    if chunk.reasoning:
        terminal.tell(_dim(terminal, visible(chunk.reasoning)), end="")
    if chunk.text:
        on_screen = terminal.stdout.isatty()
        terminal.answer(visible(chunk.text) if on_screen else chunk.text, end="")


def _dim(terminal: Terminal, text: str) -> str:
    return terminal.style(text, DIM, stream=terminal.stderr)
