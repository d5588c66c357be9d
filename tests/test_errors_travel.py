"""Every error of the tree survives copy, deepcopy and pickle as itself: process pools and test runners send them so."""

from __future__ import annotations

import copy
import inspect
import pickle
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from ingle.errors import IngleError, InvalidRequest, LoadFailed, PromptTooLong, exit_code, http_status

GIVEN: dict[str, Any] = {
    "str": "words",
    "int": 7,
    "int | None": 7,
    "Path | str": "/x",
    "tuple[str, ...]": ("a", "b"),
    "Any": 1,
}
"""What each kind of parameter is given."""


def pickled(protocol: int, error: IngleError) -> IngleError:
    back = pickle.loads(pickle.dumps(error, protocol))
    assert isinstance(back, IngleError)
    return back


WAYS: dict[str, Callable[[IngleError], IngleError]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {protocol}": partial(pickled, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)},
}


def made(kind: type[IngleError]) -> IngleError:
    """One of this class, with a hint of its own and a fact where it takes them."""
    wanted = [
        one
        for one in inspect.signature(kind).parameters.values()
        if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
    ]
    error = kind(**{one.name: GIVEN[one.annotation] for one in wanted})
    error.details["log"] = ["last words"]
    error.add_note("Seen by somebody.")
    return error


def same(one: IngleError, other: IngleError) -> bool:
    return (
        type(one) is type(other)
        and one is not other
        and one.args == other.args
        and vars(one) == vars(other)
        and one.to_dict() == other.to_dict()
        and (str(one), repr(one)) == (str(other), repr(other))
        and (exit_code(one), http_status(one)) == (exit_code(other), http_status(other))
    )


@pytest.mark.parametrize("way", WAYS)
def test_every_error_of_the_tree_comes_back_as_itself(way: str) -> None:
    kinds = list(IngleError.kinds())
    assert len(kinds) > 40
    for kind in kinds:
        error = made(kind)
        assert same(WAYS[way](error), error), kind


@pytest.mark.parametrize("way", WAYS)
def test_one_that_came_over_the_wire_comes_back_too(way: str) -> None:
    error = IngleError.from_dict(PromptTooLong(5000, 4096).to_dict())
    assert same(WAYS[way](error), error)


@pytest.mark.parametrize("way", WAYS)
def test_the_cause_comes_along(way: str) -> None:
    with pytest.raises(LoadFailed) as caught:
        try:
            raise PromptTooLong(5000, 4096) from OSError(28, "No space left on device")
        except PromptTooLong as exc:
            raise LoadFailed("It could not be loaded.") from exc
    back = WAYS[way](caught.value)
    cause = back.__cause__
    assert isinstance(cause, PromptTooLong) and cause.details == {"tokens": 5000, "limit": 4096}
    assert isinstance(cause.__cause__, OSError) and cause.__cause__.errno == 28
    assert back.__suppress_context__


class Stubborn(Exception):
    """What some libraries raise: it cannot be made again from its `args`."""

    def __init__(self, *, why: str) -> None:
        super().__init__(why)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cause", [Stubborn(why="x"), ValueError(threading.Lock())])
def test_a_cause_that_cannot_travel_keeps_no_error_from_it(way: str, cause: Exception) -> None:
    error = InvalidRequest("It is wrong.")
    error.__cause__ = cause
    assert WAYS[way](error).message == "It is wrong."


def test_a_deep_copy_shares_no_facts() -> None:
    error = InvalidRequest("It is wrong.", names=["a"])
    copy.deepcopy(error).details["names"].append("b")
    assert error.details == {"names": ["a"]}


def test_a_long_chain_of_causes_costs_no_more_than_its_length() -> None:
    """Were each link tried by itself and again by the one above it, forty would never end."""
    error: IngleError = InvalidRequest("The first.")
    for number in range(40):
        above = LoadFailed(f"Number {number}.")
        above.__cause__ = error
        error = above
    back: BaseException = pickle.loads(pickle.dumps(error))
    for _ in range(40):
        assert back.__cause__ is not None
        back = back.__cause__
    assert str(back) == "The first."
