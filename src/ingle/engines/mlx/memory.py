"""How much memory a model needs and how long a context fits in what is free. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from ingle.engines.base import SMALLEST_CONTEXT
from ingle.errors import OutOfMemory

KEEP_FREE = 0.1
"""Share of the free memory that stays free: other programs, and what an estimate cannot see."""

_STEP = 256  # tokens: MLX's caches grow in blocks of this size


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What the memory of a transformer depends on. Sizes in elements; `kv_bytes` is one element's size.

    `caches` counts the layers that keep a cache; `window` is the longest a layer keeps, None: all of it.
    """

    layers: int
    kv_heads: int
    heads: int
    head_dim: int
    hidden: int
    intermediate: int
    vocabulary: int
    trained_context: int | None = None
    kv_bytes: int = 2

    @property
    def bytes_per_token(self) -> int:
        """Of key and value cache, all layers, one sequence."""
        return 2 * self.layers * self.kv_heads * self.head_dim * self.kv_bytes


class MemoryPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes, and the context (tokens a slot) that fits. `note` says when it is less than was asked."""

    weights: int
    kept: int = 0
    cache: int
    prefill: int
    context: int
    note: str = ""

    @property
    def total(self) -> int:
        return self.weights + self.kept + self.cache + self.prefill


def shape_of(config: dict[str, Any], kv_bytes: int = 2) -> Shape | None:
    """The shape a `config.json` describes; None when it names other things (then nothing is bounded)."""
    text = config.get("text_config") if isinstance(config.get("text_config"), dict) else config
    assert isinstance(text, dict)
    try:
        hidden, heads = int(text["hidden_size"]), int(text["num_attention_heads"])
        return Shape(
            layers=int(text["num_hidden_layers"]),
            kv_heads=int(text.get("num_key_value_heads") or heads),
            heads=heads,
            head_dim=int(text.get("head_dim") or hidden // heads),
            hidden=hidden,
            intermediate=int(text.get("intermediate_size") or 4 * hidden),
            vocabulary=int(text.get("vocab_size") or config.get("vocab_size") or 0),
            trained_context=_positive(text.get("max_position_embeddings")),
            kv_bytes=kv_bytes,
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def plan_memory(
    model: str,
    weights: int,
    shape: Shape | None,
    *,
    asked: int,
    slots: int,
    prefill_rows: int,
    kept: int,
    free: int,
) -> MemoryPlan:
    """The largest context up to `asked` whose caches fit beside the weights in `free` bytes.

    Counts the weights, `kept` bytes of prompt cache, `slots` caches of that context (in blocks), the peak of one prefill of
    `prefill_rows` tokens: activations in float32, the scores of one layer against the whole context, and
    one row of logits a slot. Raises `OutOfMemory` with the numbers when not even a short context fits.
    """
    if shape is None:
        if weights > free:
            raise _too_big(model, weights, free)
        return MemoryPlan(weights=weights, cache=0, prefill=0, context=asked)
    wanted = min(asked, shape.trained_context or asked)
    note = "" if wanted == asked else f"Context {wanted}: the model was trained for no more."
    room = int(free * (1 - KEEP_FREE)) - weights - kept
    context = wanted
    if _needs(shape, context, slots, prefill_rows) > room:
        fixed = _prefill(shape, 0, slots, prefill_rows)
        per_token = slots * shape.bytes_per_token + 4 * prefill_rows * shape.heads
        context = max(0, (room - fixed) // per_token) // _STEP * _STEP
        note = (
            f"Context cut from {wanted} to {context}: {free / 1e9:.1f} GB are free, "
            f"the weights need {weights / 1e9:.1f} GB."
        )
    if context < min(SMALLEST_CONTEXT, wanted):
        raise _too_big(
            model, weights + kept + _needs(shape, min(SMALLEST_CONTEXT, wanted), slots, prefill_rows), free
        )
    return MemoryPlan(
        weights=weights,
        kept=kept,
        cache=_cache(shape, context, slots),
        prefill=_prefill(shape, context, slots, prefill_rows),
        context=context,
        note=note,
    )


def _needs(shape: Shape, context: int, slots: int, rows: int) -> int:
    return _cache(shape, context, slots) + _prefill(shape, context, slots, rows)


def _cache(shape: Shape, context: int, slots: int) -> int:
    return slots * -(-context // _STEP) * _STEP * shape.bytes_per_token


def _prefill(shape: Shape, context: int, slots: int, rows: int) -> int:
    activations = 4 * rows * (4 * shape.hidden + 3 * shape.intermediate)
    scores = 4 * rows * shape.heads * context
    return activations + scores + 4 * slots * shape.vocabulary


def _too_big(model: str, needed: int, free: int) -> OutOfMemory:
    return OutOfMemory(
        f"{model} needs about {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free.",
        hint="Unload another model (`ingle ps`, `ingle stop`), ask for fewer slots, or take a smaller model.",
        needed=needed,
        free=free,
    )


def _positive(value: Any) -> int | None:
    return int(value) if isinstance(value, int) and value > 0 else None
