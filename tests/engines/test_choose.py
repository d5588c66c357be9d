"""The engine follows from format, machine and wish; the reason is a sentence."""

from __future__ import annotations

import pytest

from ingle.catalog.model import Format
from ingle.engines.choose import EngineChoice, PlatformFacts, choose_engine, platform_facts
from ingle.errors import Unsupported

MAC = PlatformFacts(system="Darwin", machine="arm64", metal=True)
LINUX = PlatformFacts(system="Linux", machine="x86_64")
CUDA = PlatformFacts(system="Linux", machine="x86_64", nvidia=True, mlx_cuda=True)
WRONG_BUILD = PlatformFacts(system="Linux", machine="x86_64", nvidia=True)


@pytest.mark.parametrize(
    ("format", "facts", "engine", "device", "words"),
    [
        (Format.MLX, MAC, "mlx", "metal", "Metal"),
        (Format.GGUF, MAC, "llamacpp", "metal", "Metal"),
        (Format.MLX, CUDA, "mlx", "cuda", "CUDA build of MLX"),
        (Format.GGUF, CUDA, "llamacpp", "cpu", "cannot use it"),
        (Format.MLX, WRONG_BUILD, "mlx", "cpu", "cannot use it"),
        (Format.MLX, LINUX, "mlx", "cpu", "MLX folders"),
        (Format.SAFETENSORS, LINUX, "mlx", "cpu", "safetensors"),
        (Format.SAFETENSORS_SHARDED, LINUX, "mlx", "cpu", "sharded"),
        (Format.GGUF, LINUX, "llamacpp", "cpu", "GGUF"),
    ],
)
def test_the_choice_and_its_reason(
    format: Format, facts: PlatformFacts, engine: str, device: str, words: str
) -> None:
    choice = choose_engine(format, facts)
    assert (choice.engine, choice.device) == (engine, device)
    assert words in choice.why
    assert choice.why.endswith(".")


def test_a_choice_by_hand_is_told_as_one() -> None:
    assert "by hand" in choose_engine(Format.GGUF, LINUX, "llamacpp").why


def test_the_fake_is_never_chosen_by_itself_and_says_what_it_is() -> None:
    choice: EngineChoice = choose_engine(Format.MLX, LINUX, "scripted")
    assert "fake" in choice.why


@pytest.mark.parametrize(
    ("format", "facts", "asked"),
    [
        (Format.GGUF, LINUX, "mlx"),
        (Format.MLX, LINUX, "llamacpp"),
        (Format.GGUF, LINUX, "magic"),
        (Format.GGUF, PlatformFacts(system="Linux", machine="x86_64", llamacpp=False), None),
        (Format.MLX, PlatformFacts(system="Linux", machine="x86_64", mlx=False), None),
    ],
)
def test_what_cannot_be_opened_is_refused_with_a_way_out(
    format: Format, facts: PlatformFacts, asked: str | None
) -> None:
    with pytest.raises(Unsupported) as raised:
        choose_engine(format, facts, asked)
    assert raised.value.hint


def test_the_facts_of_this_machine_name_it() -> None:
    facts = platform_facts()
    assert facts.system and facts.machine
    assert facts.mlx and facts.llamacpp
