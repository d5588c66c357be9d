"""Makes every model class of mlx-lm work in a batch: mends what mixes sequences up, and lets those whose caches
hold one sequence only run with one."""

from __future__ import annotations

import copy
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


def runs_alone(model: Any) -> tuple[str, ...]:
    """The kinds of the model's caches that cannot hold several sequences; from now on all its caches hold one,
    in a batch of one. Empty: it batches, and stays as it is."""
    from mlx_lm.models.cache import make_prompt_cache

    kinds = {type(cache) for cache in make_prompt_cache(model)}
    unjoinable = sorted(kind.__name__ for kind in kinds if not hasattr(kind, "merge"))
    if not unjoinable:
        return ()
    lonely = {kind: type(kind.__name__, (_OneSequence, kind), {}) for kind in kinds}
    make = model.make_cache

    def make_cache() -> list[Any]:
        caches = make()
        for cache in caches:
            cache.__class__ = lonely[type(cache)]
        return list(caches)

    model.make_cache = make_cache
    return tuple(unjoinable)


class _OneSequence:
    """What a batch asks of a cache, for a batch of one. It is never cut: such caches forget their beginning."""

    @classmethod
    def merge(cls, caches: list[Any]) -> Any:
        (only,) = caches
        return only

    def extract(self, index: int) -> Any:
        return copy.deepcopy(self)

    def filter(self, keep: list[int]) -> None:
        """A batch of one keeps it, or lets go of the whole list of caches."""

    def is_trimmable(self) -> bool:
        return False
