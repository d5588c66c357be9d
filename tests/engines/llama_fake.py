"""A llama.cpp that recites the alphabet, with trouble in front of each step, for tests of the engine around it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ingle.catalog.model import DiskState, Format, ModelRef, Origin, Snapshot
from ingle.engines.base import EngineOptions
from ingle.engines.llamacpp.engine import LlamaEngine
from tests.catalog.gguf_writer import llama

Trouble = Callable[[list[int], int], None]
"""Called before each token with the prompt and how many came before; it may raise or wait."""


class Reciter:
    """Keeps `Server`: text is one token a byte, an answer is the alphabet from `a`. `inside` counts the
    completions that run now, `most` how many ran at once, `submitted` the fields of each, `encoded` the texts."""

    version = "1"
    devices: tuple[str, ...] = ("CPU",)

    def __init__(self, trouble: Trouble) -> None:
        self.trouble = trouble
        self.submitted: list[dict[str, Any]] = []
        self.encoded: list[str] = []
        self.inside = self.most = 0
        self._lock = threading.Lock()

    def open(self, model: Path, context: int, options: EngineOptions) -> Reciter:
        return self

    def complete(self, fields: dict[str, Any], on_chunk: Callable[[dict[str, Any]], bool]) -> None:
        with self._lock:
            self.submitted.append(fields)
            self.inside += 1
            self.most = max(self.most, self.inside)
        try:
            for made in range(fields["n_predict"]):
                self.trouble(fields["prompt"], made)
                if on_chunk(_chunk(chr(ord("a") + made % 26), made + 1)):
                    return
            on_chunk(_chunk("", fields["n_predict"], "length"))
        finally:
            with self._lock:
                self.inside -= 1

    def tokenize(self, text: str, *, special: bool = True) -> list[int]:
        self.encoded.append(text)
        return list(text.encode())

    def token_of(self, text: str) -> int | None:
        return None

    def properties(self) -> dict[str, Any]:
        return {"bos_token": "", "eos_token": "\0"}

    def close(self) -> None: ...


def reciting(
    folder: Path,
    trouble: Trouble,
    slots: int = 4,
    clock: Callable[[], float] = time.monotonic,
    free: int = 10**10,
    options: EngineOptions | None = None,
) -> tuple[LlamaEngine, Reciter]:
    """An engine over a reciter; the file is only a header."""
    path = folder / "tiny.gguf"
    path.write_bytes(llama(tokens=300))
    snapshot = Snapshot(
        ref=ModelRef(name="tiny", path=path),
        state=DiskState.COMPLETE,
        format=Format.GGUF,
        origin=Origin.FOLDER,
        root=folder,
        path=path,
        files=(path.name,),
        size=path.stat().st_size,
    )
    server = Reciter(trouble)
    options = options or EngineOptions(context=512, slots=slots)
    return LlamaEngine(snapshot, options, server.open, clock, lambda: free), server


def _chunk(text: str, predicted: int, finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"text": text, "finish_reason": finish}], "timings": {"predicted_n": predicted}}
