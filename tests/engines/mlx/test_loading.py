"""Opening folders: lean, and with an error that says what is wrong with the folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingle.engines.mlx.engine import open_engine
from ingle.errors import FileMissing, IngleError, MalformedModel, Unsupported
from ingle.generation import FinishReason, Generation, SamplingParams
from tests.engines.mlx.asking import ask, begin, chat
from tests.engines.mlx.conftest import OPTIONS
from tests.engines.mlx.tiny import tokenizer, write_alphabet, write_random
from tests.engines.mlx.troubled import Gate, troubled
from tests.models import mlx_snapshot

pytestmark = pytest.mark.slow

OPEN = """
import json, sys
from pathlib import Path
from ingle.engines.base import EngineOptions
from ingle.engines.mlx.engine import open_engine
from tests.models import mlx_snapshot
engine = open_engine(mlx_snapshot(Path(sys.argv[1])), EngineOptions(context=512))
heavy = [name for name in ("torch", "transformers", "huggingface_hub", "tensorflow") if name in sys.modules]
print(json.dumps({"heavy": heavy, "notes": engine.info.notes}))
engine.close()
"""


def test_a_model_loads_without_torch_or_transformers_and_the_process_ends_cleanly(tmp_path: Path) -> None:
    folder = write_alphabet(tmp_path / "model")
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(folder)], capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["heavy"] == []


def test_the_cpu_mode_that_was_chosen_is_said(tmp_path: Path) -> None:
    snapshot = mlx_snapshot(write_alphabet(tmp_path / "model"))
    for mode, said in (("on", "float32 weights"), ("off", "off")):
        engine = open_engine(snapshot, msgspec.structs.replace(OPTIONS, cpu_mode=mode))
        try:
            assert any(said in note for note in engine.info.notes)
            assert ask(engine, chat(max_tokens=3)).text == "abc"
        finally:
            engine.close()


def refused(folder: Path) -> IngleError:
    with pytest.raises(IngleError) as refusal:
        open_engine(mlx_snapshot(folder), OPTIONS)
    return refusal.value


def test_a_truncated_weight_file_is_malformed(tmp_path: Path) -> None:
    folder = write_random(tmp_path / "model")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    assert isinstance(refused(folder), MalformedModel)


def test_weights_that_are_no_weights_are_malformed(tmp_path: Path) -> None:
    folder = write_random(tmp_path / "model")
    (folder / "model.safetensors").write_bytes(b"not a safetensors file at all")
    assert isinstance(refused(folder), MalformedModel)


def test_a_folder_without_weights_or_config_says_what_is_missing(tmp_path: Path) -> None:
    folder = write_random(tmp_path / "model")
    snapshot = mlx_snapshot(folder)
    (folder / "model.safetensors").unlink()
    assert isinstance(refused(folder), FileMissing)
    (folder / "config.json").unlink()
    with pytest.raises(FileMissing):
        open_engine(snapshot, OPTIONS)


def test_an_unknown_architecture_is_unsupported(tmp_path: Path) -> None:
    folder = write_random(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "nobody_knows"}))
    assert isinstance(refused(folder), Unsupported)


def chunked(folder: Path) -> Path:
    """A small llama4: attention in chunks, in caches that mlx-lm cannot join."""
    text = {
        "model_type": "llama4_text",
        "attention_bias": False,
        "attention_chunk_size": 8,
        "head_dim": 8,
        "hidden_size": 32,
        "interleave_moe_layer_step": 2,
        "intermediate_size": 64,
        "intermediate_size_mlp": 64,
        "max_position_embeddings": 4096,
        "num_attention_heads": 4,
        "num_experts_per_tok": 1,
        "num_hidden_layers": 4,
        "num_key_value_heads": 2,
        "num_local_experts": 2,
        "rms_norm_eps": 1e-5,
        "rope_scaling": None,
        "rope_theta": 1e4,
        "use_qk_norm": False,
        "vocab_size": 261,
    }
    return write_random(folder, kind="llama4", text_config=text)


def own_text(folder: Path, prompt: str, count: int) -> str:
    """What mlx-lm alone makes of a prompt, greedily, without the token that ends."""
    import mlx.core as mx
    from mlx_lm.generate import generate_step
    from mlx_lm.utils import load_model

    def never_end(_tokens: Any, logits: Any) -> Any:
        return logits.at[:, 256].add(-100.0)

    model, _ = load_model(folder)
    bytes_of = tokenizer()
    tokens = mx.array(bytes_of.encode(prompt).ids)
    made = generate_step(tokens, model, max_tokens=count, logits_processors=[never_end])
    text = str(bytes_of.decode([int(token) for token, _ in made], skip_special_tokens=False))
    return text.rstrip("\ufffd")  # half a character at the end is not told


def test_a_model_whose_caches_hold_one_sequence_answers_one_request_at_a_time(tmp_path: Path) -> None:
    folder = chunked(tmp_path / "model")
    gate = Gate()
    engine = troubled(folder, gate)
    try:
        assert engine.info.slots == 1
        assert any("ChunkedKVCache" in note for note in engine.info.notes)
        free = SamplingParams(temperature=0.0, logit_bias={256: -100.0})
        prompts = [letter * 50 for letter in "abc"]
        asked = [Generation(prompt=prompt, sampling=free, max_tokens=20) for prompt in prompts]
        alone = [ask(engine, one).text for one in asked]
        assert alone == [own_text(folder, prompt, 20) for prompt in prompts]
        together = [begin(engine, f"q{i}", one) for i, one in enumerate(asked)]
        assert [answer.wait().text for answer in together] == alone
        assert together[0].usage.cached_tokens > 0
        gate.close()
        begun = begin(engine, "leaving", msgspec.structs.replace(asked[0], max_tokens=900))
        gate.go_on_until(begun.begun.is_set)
        engine.cancel("leaving")
        gate.release()
        assert begun.wait().reasons == [FinishReason.CANCELLED]
        assert ask(engine, asked[1]).text == alone[1]
    finally:
        gate.release()
        engine.close()


def test_code_that_comes_with_a_model_is_never_run(tmp_path: Path) -> None:
    folder = write_random(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_file": "evil.py"}))
    (folder / "evil.py").write_text("import pathlib; pathlib.Path(__file__).with_name('ran').touch()")
    assert isinstance(refused(folder), Unsupported)
    assert not (folder / "ran").exists()


def test_a_context_far_beyond_the_memory_is_cut_and_said(tmp_path: Path) -> None:
    folder = write_random(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 10**13}))
    options = msgspec.structs.replace(OPTIONS, context=10**12, slots=64)
    engine = open_engine(mlx_snapshot(folder), options)
    try:
        assert engine.info.context < 10**12
        assert any("cut from" in note for note in engine.info.notes)
    finally:
        engine.close()


def test_a_template_that_is_none_leaves_no_thread_behind(tmp_path: Path) -> None:
    import threading

    snapshot = mlx_snapshot(write_random(tmp_path / "model"))
    before = set(threading.enumerate())
    with pytest.raises(IngleError):
        open_engine(snapshot, msgspec.structs.replace(OPTIONS, template="{% if %}"))
    assert set(threading.enumerate()) <= before


def test_a_tokenizer_with_more_tokens_than_the_weights_is_refused(tmp_path: Path) -> None:
    engine = open_engine(mlx_snapshot(write_random(tmp_path / "model", vocab_size=200)), OPTIONS)
    try:
        assert isinstance(ask(engine, chat()).error, MalformedModel)
    finally:
        engine.close()
