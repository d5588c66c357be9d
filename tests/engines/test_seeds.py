"""The seeds of a request's choices."""

from __future__ import annotations

from ingle.engines.seeds import choice_seed


def test_choices_of_a_seed_are_fixed_and_differ_and_no_seed_is_random() -> None:
    assert choice_seed(5, 0) == choice_seed(5, 0) != choice_seed(5, 1)
    assert choice_seed(-1, 0) != choice_seed(2**70, 0)
    assert len({choice_seed(None, 0) for _ in range(8)}) > 1


def test_the_choices_of_neighbouring_seeds_are_not_the_same() -> None:
    assert len({choice_seed(seed, index) for seed in range(50) for index in range(16)}) == 800


def test_a_seed_never_says_random_to_llama_cpp() -> None:
    assert all(0 <= choice_seed(seed, 0) < 2**32 - 1 for seed in (None, 0, -1, 2**32 - 1, 2**70))
