"""The wired limit is set while a model is loaded and put back whatever ends it, and not set where a load says no.

The CPU has no such limit: these batches carry one that behaves as Metal's, set and put back where mlx-lm does it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.engines.mlx.asking import ask, chat
from tests.engines.mlx.conftest import OPTIONS
from tests.engines.mlx.tiny import write_alphabet
from tests.engines.mlx.troubled import Watched

pytestmark = pytest.mark.slow

BEFORE, RECOMMENDED = 7, 1_000_000


class Metal:
    """The limit of a process; `history` are all values it had."""

    def __init__(self) -> None:
        self.history = [BEFORE]

    @property
    def limit(self) -> int:
        return self.history[-1]

    def make_batch(self, loaded: Any) -> Any:
        from ingle.engines.mlx.batch import Batch

        metal = self

        class OnMetal(Batch):
            def __init__(self) -> None:
                super().__init__(loaded)
                self._before: int | None = metal.limit
                metal.history.append(RECOMMENDED)

            def close(self) -> None:
                super().close()
                before = getattr(self, "_before", None)
                if before is not None:
                    metal.history.append(before)
                    self._before = None

        return OnMetal()


def test_the_limit_is_set_while_a_model_is_loaded_and_put_back_when_it_leaves(tmp_path: Path) -> None:
    metal = Metal()
    engine = Watched(write_alphabet(tmp_path / "m"), lambda tokens: None, make_batch=metal.make_batch).engine
    assert ask(engine, chat(max_tokens=2)).text == "ab"
    assert metal.limit == RECOMMENDED
    engine.close()
    assert metal.history == [BEFORE, RECOMMENDED, BEFORE]


def test_a_failed_step_puts_it_back_and_the_batch_that_follows_sets_it_again(tmp_path: Path) -> None:
    metal, passes = Metal(), [0]

    def once(tokens: Any) -> None:
        passes[0] += 1
        if passes[0] == 3:
            raise RuntimeError("[METAL] Command buffer execution failed: Insufficient Memory")

    engine = Watched(write_alphabet(tmp_path / "m"), once, make_batch=metal.make_batch).engine
    assert ask(engine, chat(max_tokens=5)).text == "abcde"
    assert metal.history == [BEFORE, RECOMMENDED, BEFORE, RECOMMENDED]
    engine.close()
    assert metal.limit == BEFORE


def test_a_load_that_wants_no_limit_leaves_it_as_it_was(tmp_path: Path) -> None:
    metal = Metal()
    options = msgspec.structs.replace(OPTIONS, wired_limit=False)
    folder = write_alphabet(tmp_path / "m")
    engine = Watched(folder, lambda tokens: None, options, make_batch=metal.make_batch).engine
    assert ask(engine, chat(max_tokens=2)).text == "ab"
    assert metal.limit == BEFORE
    engine.close()
    assert metal.limit == BEFORE
