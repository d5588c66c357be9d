"""Makes the examples of property tests the same in each run, whatever was imported before."""

from __future__ import annotations

from typing import Any

from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.internal.constants_ast import Constants


def draw_the_same_in_each_run() -> None:
    """From now on no example is a number or a word that stands in a module of the project.

    Which modules are looked through for them depends on those imported so far, and so on the tests that ran
    before in this process. Hypothesis has no setting for it.
    """
    provider: Any = HypothesisProvider
    provider._local_constants = Constants()
