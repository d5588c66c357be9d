"""Writes the weights of a llama GGUF file again as an MLX-format folder, bit for bit where MLX has the grid.

A test tool, not a converter for people: Q4_0, Q4_1 and Q8_0 tensors (whatever `mx.load` reads from GGUF as
packed groups of 32) keep their grid exactly; the others keep their values. One architecture (llama) and one
tokenizer kind (byte-level BPE) are known, everything else is refused.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import mlx.core as mx
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

GROUP, BITS = 32, 4
_CONTROL, _USER_DEFINED = 3, 4  # llama.cpp's token types that become added tokens

_LAYER_NAMES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
_TOP_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def convert(gguf: Path, folder: Path) -> None:
    """Write `folder` from `gguf`, whole or not at all. Raises `ValueError` for what it does not know."""
    read: Any = mx.load(str(gguf), return_metadata=True)
    weights, metadata = read
    if metadata.get("general.architecture") != "llama" or metadata.get("tokenizer.ggml.model") != "gpt2":
        raise ValueError(f"{gguf} is not a llama with a byte-level BPE tokenizer")
    staged = folder.with_name(f"{folder.name}.{os.getpid()}")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    tensors = _rename(weights, _number(metadata, "llama.attention.head_count"), _kv_heads(metadata))
    mx.save_safetensors(str(staged / "model.safetensors"), tensors, metadata={"format": "mlx"})
    _write_json(staged / "config.json", _config(metadata, tied="output.weight" not in weights))
    _write_json(staged / "generation_config.json", {"eos_token_id": _eos(metadata)})
    build_tokenizer(metadata).save(str(staged / "tokenizer.json"))
    _write_json(staged / "tokenizer_config.json", _tokenizer_config(metadata))
    try:
        staged.rename(folder)
    except OSError:  # another process was first; its folder is the same
        shutil.rmtree(staged)


def _number(metadata: dict[str, Any], key: str) -> int:
    return int(metadata[key].item())


def _kv_heads(metadata: dict[str, Any]) -> int:
    return _number(metadata, "llama.attention.head_count_kv")


def _eos(metadata: dict[str, Any]) -> int:
    return _number(metadata, "tokenizer.ggml.eos_token_id")


def _rename(weights: dict[str, Any], heads: int, kv_heads: int) -> dict[str, Any]:
    tensors = {}
    for name, array in weights.items():
        stem, suffix = name.rsplit(".", 1)
        if stem.startswith("blk."):
            _, layer, part = stem.split(".", 2)
            known = f"model.layers.{layer}.{_LAYER_NAMES[part]}"
        else:
            part, known = stem, _TOP_NAMES[stem]
        if part in ("attn_q", "attn_k"):
            array = _unpermute(array, heads if part == "attn_q" else kv_heads)
        tensors[f"{known}.{suffix}"] = array
    return tensors


def _unpermute(rows: Any, heads: int) -> Any:
    """Undo the row order that llama.cpp's converter gives Q and K (its `LlamaModel.permute`).

    Only whole rows move, so packed words, scales and biases take the same step.
    """
    half = rows.shape[0] // heads // 2
    return mx.contiguous(rows.reshape(heads, half, 2, -1).swapaxes(1, 2).reshape(rows.shape))


def _config(metadata: dict[str, Any], tied: bool) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": _number(metadata, "llama.embedding_length"),
        "intermediate_size": _number(metadata, "llama.feed_forward_length"),
        "num_hidden_layers": _number(metadata, "llama.block_count"),
        "num_attention_heads": _number(metadata, "llama.attention.head_count"),
        "num_key_value_heads": _kv_heads(metadata),
        "rms_norm_eps": float(metadata["llama.attention.layer_norm_rms_epsilon"].item()),
        "rope_theta": float(metadata["llama.rope.freq_base"].item()),
        "max_position_embeddings": _number(metadata, "llama.context_length"),
        "vocab_size": _number(metadata, "llama.vocab_size"),
        "tie_word_embeddings": tied,
        "torch_dtype": "float16",
        "bos_token_id": _number(metadata, "tokenizer.ggml.bos_token_id"),
        "eos_token_id": _eos(metadata),
        "quantization": {"group_size": GROUP, "bits": BITS},
    }


def build_tokenizer(metadata: dict[str, Any]) -> Any:
    """The file's vocabulary and merges as a `tokenizers` BPE with the digits-apart pre-tokenizer of SmolLM."""
    tokens: list[str] = metadata["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ", 1)) for merge in metadata["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab={text: i for i, text in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    kinds = metadata["tokenizer.ggml.token_type"].tolist()
    for text, kind in zip(tokens, kinds, strict=True):
        if kind == _CONTROL:
            tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False)])
        elif kind == _USER_DEFINED:
            tokenizer.add_tokens([AddedToken(text, special=False, normalized=False)])
    return tokenizer


def _tokenizer_config(metadata: dict[str, Any]) -> dict[str, Any]:
    tokens: list[str] = metadata["tokenizer.ggml.tokens"]
    return {
        "tokenizer_class": "GPT2TokenizerFast",
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": _number(metadata, "llama.context_length"),
        "bos_token": tokens[_number(metadata, "tokenizer.ggml.bos_token_id")],
        "eos_token": tokens[_eos(metadata)],
        "unk_token": tokens[_number(metadata, "tokenizer.ggml.unknown_token_id")],
        "chat_template": metadata["tokenizer.chat_template"],
    }


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
