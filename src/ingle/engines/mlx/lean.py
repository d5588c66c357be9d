"""Imports mlx-lm without transformers, and transformers without torch: each costs more than all the rest.

mlx-lm names a few classes of transformers and one function of huggingface_hub while it is imported, for
its own tokenizer loading and downloads. The engine uses neither: it reads `tokenizer.json` with the
`tokenizers` package, and the store has the files. So those names are stood in for during the import
only; afterwards the real packages can still be imported by whoever needs them.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_NAMES: dict[str, tuple[str, ...]] = {
    "transformers": ("AutoTokenizer", "PreTrainedTokenizer", "PreTrainedTokenizerFast"),
    "transformers.tokenization_utils_base": ("PreTrainedTokenizerBase",),
    "huggingface_hub": ("snapshot_download",),
}
"""What mlx-lm 0.32 takes from each package at import time."""


class _StandIn:
    """A class that can be named, subclassed and registered; used in earnest it says why it cannot."""

    @classmethod
    def register(cls, *args: Any, **kwargs: Any) -> None:
        """mlx-lm registers a tokenizer of its own at import time; nobody asks for it here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise ImportError("mlx-lm was imported without transformers in this process")


def import_mlx_lm() -> ModuleType:
    """`mlx_lm`, imported lean where that works, else as it is. About 0.1 s instead of 1.5 s."""
    if "mlx_lm" not in sys.modules:
        try:
            with _standing_in():
                return importlib.import_module("mlx_lm")
        except (ImportError, AttributeError):
            # another version of mlx-lm names something else: pay the price rather than fail
            for name in [name for name in sys.modules if name.partition(".")[0] == "mlx_lm"]:
                del sys.modules[name]
    with without_torch():
        return importlib.import_module("mlx_lm")


@contextmanager
def without_torch() -> Iterator[None]:
    """While it lasts torch is not to be found, so that transformers, imported here, does without it: what it finds
    installed it imports, for tokenizers too. It remembers what it found as long as the process lives."""
    hidden = "torch" not in sys.modules
    if hidden:
        sys.modules["torch"] = None  # type: ignore[assignment]  # the import system's own mark for "not there"
    try:
        yield
    finally:
        if hidden:
            del sys.modules["torch"]


@contextmanager
def _standing_in() -> Iterator[None]:
    placed = []
    for name, classes in _NAMES.items():
        if name.partition(".")[0] in sys.modules and name.partition(".")[0] not in placed:
            continue  # the real package is here already: nothing to save
        module = ModuleType(name)
        for known in classes:
            setattr(module, known, type(known, (_StandIn,), {}))
        sys.modules[name] = module
        placed.append(name)
    try:
        yield
    finally:
        for name in placed:
            del sys.modules[name]
