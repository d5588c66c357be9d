"""A named fake: an engine that says what its script says, for tests. It computes nothing.

The script is the JSON in `snapshot.path` when that is a file with a `Script` in it; else the default.
Words are its tokens. A constraint is checked, and kept only if the script keeps it. A prompt that
contains a key of `on` gets that behaviour instead of the answer.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Iterator
from typing import Literal

import msgspec

from ingle.catalog.model import Snapshot
from ingle.engines.assemble import AnswerShape, Assembler
from ingle.engines.base import EngineHealth, EngineInfo, EngineOptions, Sink
from ingle.engines.checks import check_fits, check_generation
from ingle.engines.reasoning import THINK
from ingle.engines.schema import constraint_grammar
from ingle.engines.toolformats import TAGGED
from ingle.engines.tools import must_call
from ingle.errors import GenerationFailed, IngleError, LoadFailed, NoChatTemplate
from ingle.generation import Chunk, FinishReason, Generation, Message, Tool, Usage

Behaviour = Literal["crash", "exit", "fail", "hang", "forever", "stuck"]


class Script(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`answer` None echoes the last message. Times in seconds.

    `load_seconds` holds the interpreter, as real loads do; `fail_load` is the message of a `LoadFailed`;
    `crash_load` ends the process with that signal during the load. Behaviours: "crash" (SIGKILL),
    "exit" (status 7), "fail" (a typed error), "hang" (no token until cancelled), "forever" (no end), "stuck"
    (no token, and its health says so).
    """

    answer: str | None = None
    token_seconds: float = 0.0
    load_seconds: float = 0.0
    fail_load: str | None = None
    crash_load: int | None = None
    on: dict[str, Behaviour] = {}
    chat_template: bool = True


def open_engine(snapshot: Snapshot, options: EngineOptions) -> ScriptedEngine:
    """Read the script, take as long as it says, and be ready. Raises `LoadFailed` when it says so."""
    script = Script()
    if snapshot.path.is_file():
        try:
            script = msgspec.json.decode(snapshot.path.read_bytes(), type=Script)
        except (msgspec.DecodeError, UnicodeDecodeError):
            script = Script()  # weights, not a script: the fake stands in for a real engine
    if script.load_seconds:
        _hold_interpreter(script.load_seconds)
    if script.crash_load is not None:
        os.kill(os.getpid(), script.crash_load)
    if script.fail_load is not None:
        raise LoadFailed(script.fail_load, hint="The script says so.")
    return ScriptedEngine(snapshot, options, script)


class ScriptedEngine:
    """One thread a request; each looks at its own cancel event between words."""

    def __init__(self, snapshot: Snapshot, options: EngineOptions, script: Script) -> None:
        self._script = script
        self._cancels: dict[str, threading.Event] = {}
        self._steps = 0
        self._stuck = False
        self._info = EngineInfo(
            name="scripted",
            version="1",
            device="cpu",
            model=snapshot.ref.name,
            context=options.context,
            slots=options.slots,
            chat_template=script.chat_template,
            constraints=False,
            tools=True,
            notes=("a fake that says what its script says",),
        )

    @property
    def info(self) -> EngineInfo:
        return self._info

    def start(self, request_id: str, generation: Generation, sink: Sink) -> None:
        self._cancels[request_id] = threading.Event()
        threading.Thread(target=self._run, args=(request_id, generation, sink), daemon=True).start()

    def cancel(self, request_id: str) -> None:
        event = self._cancels.get(request_id)
        if event is not None:
            event.set()

    def count_tokens(self, generation: Generation) -> int:
        return len(self._prompt(generation).split())

    def render(self, messages: tuple[Message, ...], tools: tuple[Tool, ...] = ()) -> str:
        if not self._script.chat_template:
            raise NoChatTemplate(self._info.model)
        told = [f"tool: {tool.name}" for tool in tools]
        return "\n".join([*told, *(f"{message.role.value}: {message.content}" for message in messages)])

    def health(self) -> EngineHealth:
        reason = "the script says that it is stuck" if self._stuck else ""
        return EngineHealth(
            ok=not self._stuck, ended=self._stuck, active=len(self._cancels), steps=self._steps, reason=reason
        )

    def close(self) -> None:
        for event in list(self._cancels.values()):
            event.set()

    def _prompt(self, generation: Generation) -> str:
        if generation.messages is None:
            return generation.prompt or ""
        return self.render(generation.messages, generation.tools)

    def _run(self, request_id: str, generation: Generation, sink: Sink) -> None:
        try:
            usage = self._answer(generation, sink, self._cancels[request_id], request_id)
        except IngleError as error:
            self._cancels.pop(request_id, None)
            sink.fail(error)
        else:
            self._cancels.pop(request_id, None)
            sink.chunk(Chunk(usage=usage))

    def _answer(self, generation: Generation, sink: Sink, cancel: threading.Event, request: str) -> Usage:
        check_generation(generation)
        must_call(generation.tool_choice, generation.tools)
        if generation.constraint is not None:
            constraint_grammar(generation.constraint)
        prompt = self._prompt(generation)
        asked = len(prompt.split())
        room = check_fits(asked, self._info.context)
        behaviour = next((kind for mark, kind in self._script.on.items() if mark in prompt), None)
        self._misbehave(behaviour, cancel)
        forever = behaviour == "forever" and generation.max_tokens is None
        limit = None if forever else min(generation.max_tokens or room, room)
        told = 0
        for index in range(generation.n):
            told += self._choice(generation, sink, cancel, index, limit, request, behaviour == "forever")
        return Usage(prompt_tokens=asked, completion_tokens=told)

    def _misbehave(self, behaviour: Behaviour | None, cancel: threading.Event) -> None:
        if behaviour == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        if behaviour == "exit":
            os.write(2, b"the script says: leave with status 7\n")
            os._exit(7)
        if behaviour == "fail":
            raise GenerationFailed("The script says that this request fails.")
        if behaviour in ("hang", "stuck"):
            self._stuck = behaviour == "stuck"
            cancel.wait()

    def _choice(
        self,
        generation: Generation,
        sink: Sink,
        cancel: threading.Event,
        index: int,
        limit: int | None,
        request: str,
        forever: bool,
    ) -> int:
        chat = generation.messages is not None
        assembler = Assembler(
            AnswerShape(
                index=index,
                stop=generation.stop,
                stop_on_loop=generation.stop_on_loop,
                reasoning=THINK if chat else None,
                tools=TAGGED if generation.tools and generation.tool_choice != "none" else None,
                one_call=not generation.parallel_calls,
                call_seed=request,
            )
        )
        words = self._words(generation)
        reason = FinishReason.STOP
        while not cancel.is_set():
            word = next(words, "again " if forever else None)
            if word is None:
                break
            if assembler.tokens == limit:
                reason = FinishReason.LENGTH
                break
            if self._script.token_seconds:
                cancel.wait(self._script.token_seconds)
            chunk = assembler.push(word)
            self._steps += 1
            if chunk is not None:
                sink.chunk(chunk)
            if assembler.finished:
                break
        sink.chunk(assembler.finish(FinishReason.CANCELLED if cancel.is_set() else reason))
        return assembler.tokens

    def _words(self, generation: Generation) -> Iterator[str]:
        answer = self._script.answer
        if answer is None:
            answer = generation.messages[-1].content if generation.messages else generation.prompt or ""
        parts = answer.split(" ")
        return iter([word + " " for word in parts[:-1]] + parts[-1:])


def _hold_interpreter(seconds: float) -> None:
    """Keep every other Python thread from running, as a native load does (a PyDLL call keeps the GIL)."""
    libc = ctypes.PyDLL(None)
    for _ in range(max(1, round(seconds * 10))):
        libc.usleep(100_000)
