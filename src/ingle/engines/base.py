"""The contract every engine keeps; what a worker's child drives and the contract suite checks.

An engine lives in a worker's child process, holds one loaded snapshot, and turns generations into
chunks. It never blocks its caller: `start` queues the work and returns, chunks come on the engine's
own threads through the sink. It never opens a port and never reads the environment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from ingle.catalog.model import Snapshot
from ingle.errors import IngleError
from ingle.generation import Chunk, Generation, Message, Tool

SMALLEST_CONTEXT = 512
"""Tokens a slot; where memory leaves less, a load is refused rather than made useless."""


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a load is asked for. `context` is in tokens per request, `slots` in requests at once.

    `template` is the text of a chat template that replaces the model's own. `speculate` turns n-gram
    lookup on where the engine has it. `cpu_mode` is "auto", "on" or "off" (float32 weights, see mlx).
    `prompt_cache_folder` (a path; None: off) keeps the caches of prompt prefixes that return, over loads,
    in at most `prompt_cache_folder_bytes`. `memory` is how many bytes the load may take (None: what is free).
    """

    context: int = 4096
    slots: int = 4
    template: str | None = None
    speculate: bool = False
    cpu_mode: str = "auto"
    prompt_cache_bytes: int = 256 * 1024 * 1024
    prompt_cache_folder: str | None = None
    prompt_cache_folder_bytes: int = 1024 * 1024 * 1024
    wired_limit: bool = True
    memory: int | None = None


class EngineInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is really loaded. `name` is the engine ("mlx", "llamacpp", "scripted"), `device` what
    computes ("metal", "cuda", "cpu"), `notes` facts worth showing (CPU mode, BLAS, context cut)."""

    name: str
    version: str
    device: str
    model: str
    context: int
    slots: int
    chat_template: bool
    constraints: bool
    tools: bool
    notes: tuple[str, ...] = ()


class EngineHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Generation health: `ok` is False when the loop that makes tokens is gone (`ended`) or stuck.

    `active` counts requests with a slot, `queued` those that are prepared or wait for one; `steps` counts
    decode steps and pieces of prompt since the load, so that two pings show whether a busy engine moves.
    """

    ok: bool
    active: int = 0
    queued: int = 0
    steps: int = 0
    reason: str = ""
    ended: bool = False


class Sink(Protocol):
    """Where one request's chunks go. Exactly one of: a chunk with `usage` (the end), or `fail`."""

    def chunk(self, chunk: Chunk) -> None: ...
    def fail(self, error: IngleError) -> None: ...


class Engine(Protocol):
    @property
    def info(self) -> EngineInfo: ...

    def start(self, request_id: str, generation: Generation, sink: Sink) -> None:
        """Begin a generation. Errors of the request go to `sink.fail`, typed; none is raised here."""

    def cancel(self, request_id: str) -> None:
        """Stop within one decode step or one prefill batch; the sink ends with CANCELLED.

        Unknown ids have no effect.
        """

    def count_tokens(self, generation: Generation) -> int:
        """Tokens of the rendered prompt (messages through the template, or the plain prompt)."""

    def render(self, messages: tuple[Message, ...], tools: tuple[Tool, ...] = ()) -> str:
        """The prompt text after the chat template. Raises `NoChatTemplate`."""

    def health(self) -> EngineHealth: ...

    def close(self) -> None:
        """Stop every request and free what was loaded. Idempotent."""


EngineFactory = Callable[[Snapshot, EngineOptions], Engine]
"""`open_engine` of each engine module; raises `LoadFailed`, `MalformedModel`, `OutOfMemory`."""
