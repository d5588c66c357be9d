"""Engines over tiny models, one of each kind for a file of tests: none is left at work beside those of the next,
which may measure the memory or the threads of this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ingle.engines.base import Engine, EngineOptions
from ingle.engines.mlx.engine import open_engine
from tests.engines.mlx.tiny import THINKING, write_alphabet, write_random
from tests.models import mlx_snapshot

OPTIONS = EngineOptions(context=1024, slots=4, cpu_mode="off")


@pytest.fixture(scope="module")
def alphabet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Answers `abcdefghijklmnopqrstuvwxyz` to everything."""
    folder = write_alphabet(tmp_path_factory.mktemp("alphabet") / "model")
    engine = open_engine(mlx_snapshot(folder), OPTIONS)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def thinker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The alphabet again, with a template that opens reasoning when asked to think."""
    folder = write_alphabet(tmp_path_factory.mktemp("thinker") / "model", template=THINKING)
    engine = open_engine(mlx_snapshot(folder), OPTIONS)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def random_llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Talks at random, so that its answers depend on everything before them."""
    folder = write_random(tmp_path_factory.mktemp("random") / "model")
    engine = open_engine(mlx_snapshot(folder), OPTIONS)
    yield engine
    engine.close()
