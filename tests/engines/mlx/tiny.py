"""Tiny MLX folders, written in milliseconds: one that recites the alphabet, one that talks at random."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from ingle.engines.mlx.lean import import_mlx_lm

SPECIAL = ("<|im_end|>", "<|im_start|>", "<think>", "</think>")
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
THINKING = CHATML.replace(
    "assistant\n{% endif %}", "assistant\n{% if enable_thinking %}<think>\n{% endif %}{% endif %}"
)


def tokenizer() -> Any:
    """One token a byte, and the marks of ChatML and of reasoning (`<|im_end|>` is 256)."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={text: i for i, text in enumerate(alphabet)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL[:2]])
    made.add_tokens([AddedToken(text, special=False, normalized=False) for text in SPECIAL[2:]])
    return made


def write_random(folder: Path, *, kind: str = "llama", template: str | None = CHATML, **config: Any) -> Path:
    """Random weights from a fixed seed, two layers of 32 dimensions; `kind` is an mlx-lm model type."""
    import_mlx_lm()
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_lm.utils import _get_classes

    settings = _settings(kind, **config)
    model_class, arguments = _get_classes(settings)
    mx.random.seed(7)
    weights = {
        name: mx.random.normal(array.shape) * 0.5 if array.ndim > 1 else array
        for name, array in tree_flatten(model_class(arguments.from_dict(settings)).parameters())
    }
    return _write(folder, settings, weights, template)


def write_alphabet(folder: Path, *, template: str | None = CHATML) -> Path:
    """A llama that, whatever came before, says the letter after the last one; `z` ends, the rest begins at
    `a`. Its attention adds nothing, its caches are real."""
    import_mlx_lm()
    import mlx.core as mx
    import numpy as np
    from mlx.utils import tree_flatten
    from mlx_lm.utils import _get_classes

    bytes_of = tokenizer()
    size = bytes_of.get_vocab_size(with_added_tokens=True)
    settings = _settings(
        "llama", hidden_size=size + size % 2, vocab_size=size, num_attention_heads=2, num_key_value_heads=2
    )
    width = settings["hidden_size"]
    after = np.zeros((size, width), dtype=np.float32)
    for token in range(size):
        after[_next_letter(bytes_of, token), token] = 1.0
    model_class, arguments = _get_classes(settings)
    weights = {}
    for name, array in tree_flatten(model_class(arguments.from_dict(settings)).parameters()):
        made = mx.ones(array.shape) if array.ndim == 1 else mx.zeros(array.shape)
        if name == "model.embed_tokens.weight":
            made = mx.eye(size, width)
        if name == "lm_head.weight":
            made = mx.array(after)
        weights[name] = made
    return _write(folder, settings, weights, template)


def _next_letter(bytes_of: Any, token: int) -> int:
    text = bytes_of.id_to_token(token)
    if text == "z":
        return int(bytes_of.token_to_id("<|im_end|>"))
    is_letter = len(text) == 1 and "a" <= text < "z"
    return int(bytes_of.token_to_id(chr(ord(text) + 1) if is_letter else "a"))


def _settings(kind: str, **config: Any) -> dict[str, Any]:
    return {
        "model_type": kind,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-5,
        "vocab_size": tokenizer().get_vocab_size(with_added_tokens=True),
        "max_position_embeddings": 4096,
        "tie_word_embeddings": False,
        "eos_token_id": 256,
        **config,
    }


def _write(folder: Path, settings: dict[str, Any], weights: dict[str, Any], template: str | None) -> Path:
    import mlx.core as mx

    folder.mkdir(parents=True)
    mx.save_safetensors(str(folder / "model.safetensors"), weights, metadata={"format": "mlx"})
    (folder / "config.json").write_text(json.dumps(settings))
    tokenizer().save(str(folder / "tokenizer.json"))
    about = {"eos_token": "<|im_end|>", **({"chat_template": template} if template else {})}
    (folder / "tokenizer_config.json").write_text(json.dumps(about))
    return folder
