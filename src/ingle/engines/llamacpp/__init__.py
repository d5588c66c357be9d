"""The llama.cpp engine: GGUF models through xllamacpp, which is imported only when one is opened."""

from __future__ import annotations

from ingle.catalog.model import Snapshot
from ingle.engines.base import Engine, EngineOptions


def open_engine(snapshot: Snapshot, options: EngineOptions) -> Engine:
    """Load a GGUF model. Raises `MalformedModel`, `LoadFailed`, `OutOfMemory`."""
    from ingle.engines.llamacpp.engine import LlamaEngine

    return LlamaEngine(snapshot, options)
