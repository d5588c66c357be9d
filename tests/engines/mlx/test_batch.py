"""How requests share the batch: joining, leaving, failing and starting again, on tiny models."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingle.engines.base import Engine
from ingle.errors import Cancelled, GenerationFailed, InvalidRequest, OutOfMemory
from ingle.generation import FinishReason, Generation, SamplingParams
from tests.engines.mlx.asking import GREEDY, HANG, Answer, Torn, ask, begin, chat
from tests.engines.mlx.conftest import OPTIONS
from tests.engines.mlx.tiny import write_alphabet, write_random
from tests.engines.mlx.troubled import Gate, Watched, troubled

pytestmark = pytest.mark.slow

ALPHABET = "abcdefghijklmnopqrstuvwxyz"
ENDLESS = SamplingParams(temperature=0.0, logit_bias={256: -100.0})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_alphabet(tmp_path_factory.mktemp("batch") / "model")


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def gated(folder: Path, gate: Gate) -> Iterator[Engine]:
    engine = troubled(folder, gate)
    yield engine
    gate.release()
    engine.close()


def begun(engine: Engine, gate: Gate, name: str, answer: Answer) -> Answer:
    """An answer that is told and does not end by itself, held before its next forward pass."""
    gate.close()
    engine.start(name, chat(sampling=ENDLESS, max_tokens=900), answer)
    gate.go_on_until(answer.begun.is_set)
    return answer


def test_a_cancelled_answer_ends_within_a_step(gated: Engine, gate: Gate) -> None:
    answer = begun(gated, gate, "one", Answer())
    before = gate.passes
    gated.cancel("one")
    gate.release()
    assert answer.wait().reasons == [FinishReason.CANCELLED]
    assert gate.passes <= before + 1
    assert answer.usage.completion_tokens < 900


def test_a_cancelled_prefill_stops_at_the_next_piece(gated: Engine, gate: Gate) -> None:
    gate.close()
    answer = begin(gated, "long", Generation(prompt="a" * 1000, sampling=GREEDY))
    assert gate.reached.wait(HANG)
    gated.cancel("long")
    gate.release()
    assert answer.wait().reasons == [FinishReason.CANCELLED]
    assert gate.passes <= 2
    assert answer.usage.completion_tokens == 0


def test_a_request_cancelled_while_it_waits_never_runs(gated: Engine, gate: Gate) -> None:
    gate.close()
    running = [begin(gated, f"r{i}", chat(max_tokens=3)) for i in range(OPTIONS.slots)]
    waiting = begin(gated, "waiting", chat())
    assert gate.reached.wait(HANG)
    gated.cancel("waiting")
    gate.release()
    assert waiting.wait().reasons == [FinishReason.CANCELLED]
    assert [answer.wait().text for answer in running] == ["abc"] * OPTIONS.slots


def test_cancelling_what_is_not_there_does_nothing(alphabet: Engine) -> None:
    alphabet.cancel("nobody")
    assert ask(alphabet, chat(max_tokens=2)).text == "ab"


def test_more_requests_than_slots_all_get_their_answer(alphabet: Engine) -> None:
    answers = [begin(alphabet, f"q{i}", chat(f"question {i}", max_tokens=4)) for i in range(11)]
    assert [answer.wait().text for answer in answers] == ["abcd"] * 11


def test_a_bias_on_a_token_that_does_not_exist_is_refused(alphabet: Engine) -> None:
    for token in (260, 261, 10**12):
        outside = SamplingParams(temperature=0.0, logit_bias={token: 1.0})
        assert isinstance(ask(alphabet, chat(sampling=outside)).error, InvalidRequest)


def test_a_failing_step_is_tried_again_and_nobody_notices(folder: Path) -> None:
    passes = [0]

    def once(tokens: Any) -> None:
        passes[0] += 1
        if passes[0] == 9:
            raise RuntimeError("[METAL] Command buffer execution failed: Insufficient Memory")

    engine = troubled(folder, once)
    try:
        answers = [begin(engine, f"q{i}", chat(f"{i}")) for i in range(3)]
        assert [answer.wait().text for answer in answers] == [ALPHABET] * 3
        assert engine.health().ok
    finally:
        engine.close()


def test_the_request_that_breaks_the_batch_is_the_one_that_fails(folder: Path) -> None:
    def poisoned(tokens: Any) -> None:
        # byte 0 stands for what no model should be shown; only the poisoned prompt has it
        if any(188 in row for row in tokens.tolist()):
            raise RuntimeError("this prompt breaks the model")

    engine = troubled(folder, poisoned)
    try:
        good = [begin(engine, f"q{i}", chat(f"{i}")) for i in range(2)]
        bad = begin(engine, "bad", Generation(prompt="\x00\x00", sampling=GREEDY, max_tokens=5))
        assert isinstance(bad.wait().error, GenerationFailed)
        assert [answer.wait().text for answer in good] == [ALPHABET] * 2
        assert ask(engine, chat("after"), "after").text == ALPHABET
    finally:
        engine.close()


def test_a_model_that_cannot_batch_answers_one_at_a_time(folder: Path) -> None:
    def alone_only(tokens: Any) -> None:
        if tokens.shape[0] > 1:
            raise ValueError("Shapes (2,1,1,9) and (1,4,2,1,9) cannot be broadcast.")

    engine = troubled(folder, alone_only)
    try:
        answers = [begin(engine, f"q{i}", chat(f"{i}")) for i in range(5)]
        assert [answer.wait().text for answer in answers] == [ALPHABET] * 5
    finally:
        engine.close()


def test_a_request_too_big_for_the_memory_fails_typed_after_one_retry(folder: Path) -> None:
    long_passes = [0]

    def full(tokens: Any) -> None:
        if tokens.size >= 100:
            long_passes[0] += 1
            raise RuntimeError("[malloc_or_wait] Unable to allocate 123456789 bytes.")

    engine = troubled(folder, full)
    try:
        big = begin(engine, "big", Generation(prompt="a" * 500, sampling=GREEDY, max_tokens=5))
        assert isinstance(big.wait().error, OutOfMemory)
        assert long_passes[0] == 2
        assert ask(engine, chat(), "small").text == ALPHABET
    finally:
        engine.close()


def test_a_restarted_request_keeps_its_random_choices(tmp_path: Path) -> None:
    model = write_random(tmp_path / "model")
    hot = chat(sampling=SamplingParams(temperature=1.3, seed=5, repetition_penalty=1.2), max_tokens=20)
    failing = [False]
    passes = [0]

    def once(tokens: Any) -> None:
        passes[0] += 1
        if failing[0] and passes[0] == 8:
            raise RuntimeError("once")

    engine = troubled(model, once)
    try:
        undisturbed = ask(engine, hot)
        failing[0], passes[0] = True, 0
        disturbed = ask(engine, hot)
        assert passes[0] > 8
        assert disturbed.text == undisturbed.text
    finally:
        engine.close()


def test_a_cancel_that_fails_ends_its_own_request_and_the_loop_lives_on(gated: Engine, gate: Gate) -> None:
    torn = begun(gated, gate, "torn", Torn())
    gated.cancel("torn")
    gate.release()
    assert isinstance(torn.wait().error, GenerationFailed)
    assert ask(gated, chat(), "after").text == ALPHABET
    assert gated.health().ok


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_when_the_loop_itself_ends_requests_fail_typed_and_health_says_why(folder: Path) -> None:
    def end(tokens: Any) -> None:
        raise KeyboardInterrupt  # nothing that a request could raise: the thread itself goes

    engine = troubled(folder, end)
    answers = [begin(engine, f"q{i}", chat()) for i in range(2)]
    assert [type(answer.wait().error) for answer in answers] == [GenerationFailed] * 2
    assert engine.health().ended and "has ended" in engine.health().reason
    assert isinstance(ask(engine, chat(), "late").error, GenerationFailed)
    engine.close()


def test_closing_ends_what_runs_and_refuses_what_comes(folder: Path) -> None:
    gate = Gate()
    watched = Watched(folder, gate)
    engine = watched.engine
    closing = threading.Thread(target=engine.close)
    try:
        answer = begun(engine, gate, "one", Answer())
        closing.start()
        assert watched.stopping.wait(HANG)
        gate.release()
        closing.join(HANG)
    finally:
        gate.release()
        engine.close()
    assert isinstance(answer.wait().error, Cancelled)
    assert isinstance(ask(engine, chat(), "late").error, Cancelled)
    assert not engine.health().ok


def test_health_counts_requests_and_steps(gated: Engine, gate: Gate) -> None:
    gate.close()
    answer = begin(gated, "one", chat(max_tokens=3))
    assert gate.reached.wait(HANG)
    health = gated.health()
    assert (health.ok, health.active) == (True, 1)
    gate.release()
    answer.wait()
    assert gated.health().steps > health.steps


def test_info_tells_what_is_loaded(alphabet: Engine) -> None:
    info = alphabet.info
    assert (info.name, info.context, info.slots, info.constraints) == ("mlx", 1024, 4, True)
    assert msgspec.json.decode(msgspec.json.encode(info), type=type(info)) == info
