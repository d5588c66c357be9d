"""Every wish of a load is kept, or the engine says that it is not, or refuses: none is dropped in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingle.engines.base import Engine, EngineOptions
from ingle.engines.llamacpp.server import _params
from ingle.engines.mlx.engine import open_engine
from ingle.engines.wishes import unmet_on_mlx
from ingle.errors import OutOfMemory
from ingle.generation import Message, Role
from tests.engines.llama_fake import reciting
from tests.engines.mlx.asking import ask, chat
from tests.engines.mlx.test_prefix_disk import returning
from tests.engines.mlx.tiny import write_random
from tests.models import mlx_snapshot

ENGINES = ("mlx", "llamacpp")
OPTIONS = EngineOptions(context=1024, slots=3, cpu_mode="off")


@contextmanager
def opened(engine: str, folder: Path, **wishes: Any) -> Iterator[Engine]:
    """The engine over a tiny model; llama.cpp's own core is a stand-in."""
    options = msgspec.structs.replace(OPTIONS, **wishes)
    if engine == "mlx":
        found: Engine = open_engine(mlx_snapshot(write_random(folder / "model")), options)
    else:
        found = reciting(folder, lambda prompt, made: None, options=options)[0]
    with closing(found):
        yield found


def told_to_llamacpp(**wishes: Any) -> Any:
    """What a load asks of llama.cpp itself."""
    import xllamacpp

    options = msgspec.structs.replace(OPTIONS, **wishes)
    return _params(xllamacpp, Path("model.gguf"), options.context, options)


def _context(engine: str, folder: Path) -> None:
    with opened(engine, folder, context=768) as found:
        assert found.info.context == 768


def _slots(engine: str, folder: Path) -> None:
    with opened(engine, folder, slots=2) as found:
        assert found.info.slots == 2
    assert told_to_llamacpp(slots=2).n_parallel == 2


def _template(engine: str, folder: Path) -> None:
    template = "{% for m in messages %}<{{ m.content }}>{% endfor %}"
    with opened(engine, folder, template=template) as found:
        assert found.render((Message(role=Role.USER, content="hi"),)) == "<hi>"


def _speculate(engine: str, folder: Path) -> None:
    noted(engine, folder, "speculat", speculate=True)
    assert list(told_to_llamacpp(speculate=True).speculative.types)


def _cpu_mode(engine: str, folder: Path) -> None:
    noted(engine, folder, "CPU mode" if engine == "mlx" else "cpu_mode", cpu_mode="on")


def _prompt_cache_bytes(engine: str, folder: Path) -> None:
    assert told_to_llamacpp(prompt_cache_bytes=3 << 20).cache_ram_mib == 3
    if engine == "mlx":
        with opened(engine, folder, prompt_cache_bytes=0) as found:
            assert [ask(found, chat(max_tokens=2)).usage.cached_tokens for _ in range(2)] == [0, 0]


def _prompt_cache_folder(engine: str, folder: Path) -> None:
    kept = folder / "kept"
    if engine == "llamacpp":
        noted(engine, folder, "disk", prompt_cache_folder=str(kept))
        return
    options = msgspec.structs.replace(OPTIONS, prompt_cache_folder=str(kept))
    returning(write_random(folder / "model"), options)
    assert list(kept.iterdir())


def _prompt_cache_folder_bytes(engine: str, folder: Path) -> None:
    kept = folder / "kept"
    if engine == "llamacpp":  # a cap on what is never written
        with opened(engine, folder, prompt_cache_folder=str(kept), prompt_cache_folder_bytes=1000):
            assert not kept.exists()
        return
    options = msgspec.structs.replace(OPTIONS, prompt_cache_folder=str(kept), prompt_cache_folder_bytes=1000)
    returning(write_random(folder / "model"), options)
    assert not list(kept.iterdir())


def _wired_limit(engine: str, folder: Path) -> None:
    """Metal's own; that it is set and restored is told in `mlx/test_wired_limit.py`."""
    if engine == "llamacpp":
        noted(engine, folder, "wired", wired_limit=False)


def _memory(engine: str, folder: Path) -> None:
    with pytest.raises(OutOfMemory), opened(engine, folder, memory=100):
        raise AssertionError("it was opened")


def noted(engine: str, folder: Path, word: str, **wishes: Any) -> None:
    """A note says the word, and says it only because of the wish."""
    with opened(engine, folder / "a") as plain, opened(engine, folder / "b", **wishes) as wished:
        new = set(wished.info.notes) - set(plain.info.notes)
    assert any(word in note for note in new), wished.info.notes


CHECKS: dict[str, Callable[[str, Path], None]] = {
    name.removeprefix("_"): check
    for name, check in dict(globals()).items()
    if name.removeprefix("_") in EngineOptions.__struct_fields__
}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("option", EngineOptions.__struct_fields__)
def test_a_wish_of_a_load_is_kept_or_said_or_refused(tmp_path: Path, engine: str, option: str) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    CHECKS[option](engine, tmp_path)


def test_what_only_a_cpu_can_do_is_said_where_something_else_computes() -> None:
    asked = EngineOptions(cpu_mode="on")
    assert any("cpu_mode" in note for note in unmet_on_mlx(asked, device="metal", alone=False))
    assert unmet_on_mlx(asked, device="cpu", alone=False) == ()
    assert unmet_on_mlx(EngineOptions(), device="metal", alone=False) == ()


def test_a_disk_tier_that_a_models_caches_rule_out_is_said() -> None:
    asked = EngineOptions(prompt_cache_folder="somewhere")
    assert any("memory only" in note for note in unmet_on_mlx(asked, device="cpu", alone=True))
    assert unmet_on_mlx(asked, device="cpu", alone=False) == ()
