"""How much memory a model needs and how long a context fits in what is free, on every engine. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from ingle.catalog.fits import gigabytes
from ingle.catalog.gguf import GgufHeader
from ingle.engines.base import SMALLEST_CONTEXT
from ingle.errors import OutOfMemory

KEEP_FREE = 0.1
"""Share of the free memory that stays free: other programs, and what an estimate cannot see."""

KEPT_SHARE = 0.25
"""Of what is left beside the weights, the most that goes to prompts that may return: answering comes first."""

_STEP = 256  # tokens: the caches of both engines grow in blocks of this size

_WINDOW_PATTERN = {"gemma2": 2, "gemma3": 6, "gemma3n": 5, "cohere2": 4, "gpt-oss": 2}
"""One layer in so many sees the whole context, where the header does not say it (llama.cpp,
`src/llama-model.cpp`, `set_swa_pattern`)."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What the memory of a transformer depends on. Sizes in elements; `kv_bytes` is one element's size.

    `cache_width` counts the keys and values of one token in the layers that keep all of them,
    `window_width` in those that keep the last `window` tokens only.
    """

    cache_width: int
    window_width: int = 0
    window: int = 0
    heads: int
    hidden: int
    intermediate: int
    vocabulary: int
    trained_context: int | None = None
    kv_bytes: int = 2

    def cache_bytes(self, context: int, rows: int) -> int:
        """Of keys and values of one sequence of `context` tokens, read `rows` at a time."""
        whole = -(-context // _STEP) * _STEP
        windowed = min(whole, -(-(self.window + rows) // _STEP) * _STEP)
        return self.kv_bytes * (whole * self.cache_width + windowed * self.window_width)


class MemoryPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes, and the context (tokens a slot) that fits. `kept` bounds the prompts that may return. `note` says
    when either is less than was asked."""

    weights: int
    kept: int = 0
    cache: int
    prefill: int
    context: int
    note: str = ""

    @property
    def total(self) -> int:
        return self.weights + self.kept + self.cache + self.prefill


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a load: `context` tokens for each of `slots`, prompts read `rows` tokens at a time,
    `outputs` rows of logits at once, and `kept` bytes of prompts that may return."""

    context: int
    slots: int
    rows: int
    outputs: int
    kept: int


def shape_of(config: dict[str, Any], kv_bytes: int = 2) -> Shape | None:
    """The shape a `config.json` describes; None when it names other things (then nothing is bounded).

    All layers are taken to keep everything: which of them do not, only the model itself knows.
    """
    text = config.get("text_config") if isinstance(config.get("text_config"), dict) else config
    assert isinstance(text, dict)
    try:
        hidden, heads = int(text["hidden_size"]), int(text["num_attention_heads"])
        head_dim = int(text.get("head_dim") or hidden // heads)
        return Shape(
            cache_width=2
            * int(text["num_hidden_layers"])
            * int(text.get("num_key_value_heads") or heads)
            * head_dim,
            heads=heads,
            hidden=hidden,
            intermediate=int(text.get("intermediate_size") or 4 * hidden),
            vocabulary=int(text.get("vocab_size") or config.get("vocab_size") or 0),
            trained_context=_positive(text.get("max_position_embeddings")),
            kv_bytes=kv_bytes,
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def windowed(shape: Shape, layers: int, windows: list[int]) -> Shape:
    """`shape` when, of its `layers` equal ones, those with a length in `windows` keep no more than that."""
    if not windows or not 0 < len(windows) <= layers:
        return shape
    of_one = shape.cache_width // layers
    return msgspec.structs.replace(
        shape,
        cache_width=shape.cache_width - of_one * len(windows),
        window_width=of_one * len(windows),
        window=max(windows),
    )


def gguf_shape(header: GgufHeader) -> Shape | None:
    """The shape a GGUF header describes, its cache in 16 bits; None when the header does not say."""
    layers, width = header.own("block_count"), header.own("embedding_length")
    heads = _each(header, "attention.head_count", layers)
    if not layers or not width or not heads or not max(heads):
        return None
    widths = [
        count * (_length(header, "key", width, max(heads)) + _length(header, "value", width, max(heads)))
        for count in _each(header, "attention.head_count_kv", layers) or heads
    ]
    window = header.own("attention.sliding_window") or 0
    inside = _windowed_layers(header, layers) if window else [False] * layers
    return Shape(
        cache_width=sum(w for w, short in zip(widths, inside, strict=True) if not short),
        window_width=sum(w for w, short in zip(widths, inside, strict=True) if short),
        window=window,
        heads=max(heads),
        hidden=width,
        intermediate=max(_each(header, "feed_forward_length", layers) or [4 * width]),
        vocabulary=header.vocabulary or 0,
        trained_context=header.context,
    )


def plan_memory(model: str, weights: int, shape: Shape | None, load: Load, *, free: int) -> MemoryPlan:
    """The largest context up to what is asked whose caches fit beside the weights in `free` bytes.

    Counts the weights, the kept prompts (fewer than asked where that takes more than its share), a cache of that context for every slot (in blocks), the peak of
    one step of a prefill: activations in float32, the scores of one layer against the whole context, and
    the logits. Raises `OutOfMemory` with the numbers when not even a short context fits.
    """
    if shape is None:
        if weights > free:
            raise _too_big(model, weights, free)
        kept = min(load.kept, int((free - weights) * KEPT_SHARE))
        note = _note("Context not bounded: the model does not say how large its caches get.", kept, load)
        return MemoryPlan(weights=weights, kept=kept, cache=0, prefill=0, context=load.context, note=note)
    wanted = min(load.context, shape.trained_context or load.context)
    context = wanted
    note = "" if wanted == load.context else f"Context {wanted}: the model was trained for no more."
    left = int(free * (1 - KEEP_FREE)) - weights
    kept = max(0, min(load.kept, int(left * KEPT_SHARE)))
    room = left - kept
    if _needs(shape, context, load) > room:
        context = _longest(shape, wanted, load, room)
        note = (
            f"Context cut from {wanted} to {context}: {gigabytes(free)} are free, "
            f"the weights need {gigabytes(weights)}."
        )
    least = min(SMALLEST_CONTEXT, wanted)
    if context < least:
        raise _too_big(model, weights + kept + _needs(shape, least, load), free)
    return MemoryPlan(
        weights=weights,
        kept=kept,
        cache=_cache(shape, context, load),
        prefill=_prefill(shape, context, load),
        context=context,
        note=_note(note, kept, load),
    )


def _note(context: str, kept: int, load: Load) -> str:
    """`context`, and that fewer prompts are kept than was asked."""
    if kept == load.kept:
        return context
    cut = f"Kept prompts cut from {gigabytes(load.kept)} to {gigabytes(kept)}."
    return f"{context} {cut}" if context else cut


def _longest(shape: Shape, wanted: int, load: Load, room: int) -> int:
    """By halving: the longest context in whole blocks that needs no more than `room`; 0 when none does."""
    low, high = 0, wanted // _STEP
    while low < high:
        middle = (low + high + 1) // 2
        if _needs(shape, middle * _STEP, load) <= room:
            low = middle
        else:
            high = middle - 1
    return low * _STEP


def _needs(shape: Shape, context: int, load: Load) -> int:
    return _cache(shape, context, load) + _prefill(shape, context, load)


def _cache(shape: Shape, context: int, load: Load) -> int:
    return load.slots * shape.cache_bytes(context, load.rows)


def _prefill(shape: Shape, context: int, load: Load) -> int:
    activations = 4 * load.rows * (4 * shape.hidden + 3 * shape.intermediate)
    scores = 4 * load.rows * shape.heads * context
    return activations + scores + 4 * load.outputs * shape.vocabulary


def _too_big(model: str, needed: int, free: int) -> OutOfMemory:
    return OutOfMemory(
        f"{model} needs about {gigabytes(needed)} and {gigabytes(free)} are free.",
        hint="Unload another model (`ingle ps`, `ingle stop`), ask for fewer slots, or take a smaller model.",
        needed=needed,
        free=free,
    )


def _each(header: GgufHeader, name: str, layers: int | None) -> list[int]:
    """A number for each layer, whether the header has one for all or one for each; empty: it has none."""
    found = header.metadata.get(f"{header.architecture}.{name}")
    if isinstance(found, tuple) and len(found) == layers:
        return [int(count) if isinstance(count, int) and count > 0 else 0 for count in found]
    one = header.own(name)
    return [one] * layers if one and layers and layers <= _MOST_LAYERS else []


_MOST_LAYERS = 65_536  # no model has as many, and a header may claim anything


def _length(header: GgufHeader, name: str, width: int, heads: int) -> int:
    return header.own(f"attention.{name}_length") or width // heads


def _windowed_layers(header: GgufHeader, layers: int) -> list[bool]:
    given = header.metadata.get(f"{header.architecture}.attention.sliding_window_pattern")
    if isinstance(given, tuple) and len(given) == layers:
        return [bool(short) for short in given]
    period = given if isinstance(given, int) else _WINDOW_PATTERN.get(header.architecture or "", 1)
    return [period > 1 and layer % period < period - 1 for layer in range(layers)]


def _positive(value: Any) -> int | None:
    return int(value) if isinstance(value, int) and value > 0 else None
