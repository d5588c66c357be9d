"""Requests that are not in the batch yet hold up no other, are counted and can be cancelled."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import pytest

from ingle.engines.base import Engine
from ingle.engines.mlx.engine import open_engine
from ingle.errors import Cancelled
from ingle.generation import Constraint, FinishReason, SamplingParams
from tests.engines.mlx.asking import HANG, Held, begin, chat
from tests.engines.mlx.conftest import OPTIONS
from tests.engines.mlx.tiny import write_alphabet
from tests.engines.mlx.troubled import Gate, Watched, troubled
from tests.models import mlx_snapshot

pytestmark = pytest.mark.slow

ENDLESS = SamplingParams(temperature=0.0, logit_bias={256: -100.0})


def test_a_request_that_takes_long_to_prepare_holds_up_no_other(alphabet: Engine) -> None:
    held = Held()
    slow = begin(alphabet, "slow", chat(constraint=Constraint(kind="choice", value=held)))
    assert held.read.wait(HANG)
    try:
        assert begin(alphabet, "quick", chat(max_tokens=2)).done.wait(HANG / 2)
    finally:
        held.go_on.set()
    assert slow.wait().text == "abc"


def test_a_request_that_is_being_prepared_is_counted_as_one_that_waits(alphabet: Engine) -> None:
    held = Held()
    slow = begin(alphabet, "slow", chat(constraint=Constraint(kind="choice", value=held)))
    assert held.read.wait(HANG)
    try:
        health = alphabet.health()
        assert (health.active, health.queued) == (0, 1)
    finally:
        held.go_on.set()
    assert slow.wait().text == "abc"


def test_health_tells_requests_that_wait_from_those_that_are_answered(tmp_path: Path) -> None:
    options, gate = msgspec.structs.replace(OPTIONS, slots=1), Gate()
    engine = troubled(write_alphabet(tmp_path / "model"), gate, options)
    try:
        gate.close()
        first = begin(engine, "first", chat(sampling=ENDLESS, max_tokens=900))
        gate.go_on_until(first.begun.is_set)
        answers = [begin(engine, f"q{i}", chat(max_tokens=2)) for i in range(2)]
        health = engine.health()
        assert (health.active, health.queued) == (1, 2)
        engine.cancel("first")
        gate.release()
        assert [answer.wait().text for answer in (*answers, first)][:2] == ["ab", "ab"]
        health = engine.health()
        assert (health.active, health.queued) == (0, 0)
    finally:
        gate.release()
        engine.close()


def test_a_name_that_is_used_again_at_once_stands_for_the_new_request(tmp_path: Path) -> None:
    watched = Watched(write_alphabet(tmp_path / "model"), lambda tokens: None)
    begun_again, held = threading.Event(), Held()

    def hand_over_slowly(request_id: str) -> None:
        assert begun_again.wait(HANG)

    watched.handed_over = hand_over_slowly
    engine = watched.engine
    try:
        assert begin(engine, "one", chat(max_tokens=2)).wait().text == "ab"
        again = begin(engine, "one", chat(constraint=Constraint(kind="choice", value=held)))
        begun_again.set()
        assert held.read.wait(HANG)
        health = engine.health()
        assert (health.active, health.queued) == (0, 1)
        engine.cancel("one")
        held.go_on.set()
        assert again.wait().reasons == [FinishReason.CANCELLED]
        assert (again.text, again.usage.prompt_tokens) == ("", 0)
    finally:
        begun_again.set()
        held.go_on.set()
        engine.close()


def test_a_request_cancelled_before_it_is_prepared_ends_at_once_and_is_never_prepared(
    alphabet: Engine,
) -> None:
    held = [Held() for _ in range(5)]
    answers = [
        begin(alphabet, f"q{i}", chat(constraint=Constraint(kind="choice", value=one), n=2 if i == 4 else 1))
        for i, one in enumerate(held)
    ]
    try:
        for one in held[:4]:  # as many as are prepared at once
            assert one.read.wait(HANG)
        alphabet.cancel("q4")
        last = answers[4].wait()
        assert last.reasons == [FinishReason.CANCELLED] * 2
        assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (0, 0)
        assert alphabet.health().queued == 4
    finally:
        for one in held:
            one.go_on.set()
    assert [answer.wait().text for answer in answers[:4]] == ["abc"] * 4
    assert not held[4].read.is_set()


def test_a_request_cancelled_while_it_is_prepared_ends_as_cancelled(alphabet: Engine) -> None:
    held = Held()
    answer = begin(alphabet, "slow", chat(constraint=Constraint(kind="choice", value=held)))
    assert held.read.wait(HANG)
    alphabet.cancel("slow")
    held.go_on.set()
    assert answer.wait().reasons == [FinishReason.CANCELLED]
    assert (answer.text, answer.usage.prompt_tokens) == ("", 0)


def test_closing_refuses_what_was_not_prepared_yet(tmp_path: Path) -> None:
    engine = open_engine(mlx_snapshot(write_alphabet(tmp_path / "model")), OPTIONS)
    held = [Held() for _ in range(5)]
    answers = [
        begin(engine, f"q{i}", chat(constraint=Constraint(kind="choice", value=one)))
        for i, one in enumerate(held)
    ]
    for one in held[:4]:
        assert one.read.wait(HANG)
    closing = threading.Thread(target=engine.close)
    closing.start()
    assert isinstance(answers[4].wait().error, Cancelled)
    for one in held:
        one.go_on.set()
    closing.join(HANG)
    assert all(answer.wait() for answer in answers)
    assert not held[4].read.is_set()
