"""Mends what mlx-lm's model classes get wrong only when several sequences are computed together."""

from __future__ import annotations

from typing import Any


def mend_for_batches(model: Any) -> None:
    """Change, in place, the layers of families known to mix sequences up; all others stay as they are."""
    for layer in getattr(model, "layers", ()):
        attention = getattr(layer, "self_attn", None)
        if type(attention).__module__ == "mlx_lm.models.gemma2":
            attention.__class__ = _gemma2_attention(type(attention))


def _gemma2_attention(known: type[Any]) -> type[Any]:
    """gemma2 splits heads into (key heads, repeats) and then applies a mask of (sequences, 1, queries, keys)
    to scores of (sequences, key heads, repeats, queries, keys): the mask's sequences meet the key heads."""

    class BatchedAttention(known):  # type: ignore[misc]  # a class of an untyped package
        def __call__(self, x: Any, mask: Any = None, cache: Any = None) -> Any:
            if self.repeats > 1 and getattr(mask, "ndim", 0) == 4:
                mask = mask[:, :, None]
            return super().__call__(x, mask, cache)

    return BatchedAttention
