"""What the llama.cpp engine does when a completion fails: once more, alone, and then typed."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import pytest

from ingle.engines.llamacpp.fields import translate
from ingle.engines.llamacpp.server import bounded_free
from ingle.errors import GenerationFailed, OutOfMemory
from ingle.generation import Constraint, FinishReason, Generation, SamplingParams
from tests.engines.llama_fake import reciting
from tests.engines.mlx.asking import GREEDY, HANG, Held, ask, begin


def plain(prompt: str = "x", tokens: int = 6, n: int = 1) -> Generation:
    return Generation(prompt=prompt, sampling=GREEDY, max_tokens=tokens, n=n)


def test_a_request_that_runs_out_of_memory_is_tried_once_more_and_nobody_notices(tmp_path: Path) -> None:
    failures = [translate("failed to allocate compute buffers")]

    def once(prompt: list[int], made: int) -> None:
        if failures:
            raise failures.pop()

    engine, server = reciting(tmp_path, once)
    assert ask(engine, plain()).text == "abcdef"
    assert len(server.submitted) == 2 and server.submitted[0] == server.submitted[1]


def test_an_answer_that_breaks_in_the_middle_goes_on_without_saying_anything_twice(tmp_path: Path) -> None:
    failures = [GenerationFailed("llama.cpp failed: Compute error.")]

    def in_the_middle(prompt: list[int], made: int) -> None:
        if made == 3 and failures:
            raise failures.pop()

    engine, _ = reciting(tmp_path, in_the_middle)
    answer = ask(engine, plain())
    assert answer.text == "abcdef"
    assert answer.usage.completion_tokens == sum(chunk.tokens for chunk in answer.chunks) == 6
    assert answer.reasons == [FinishReason.LENGTH]


def test_memory_that_is_not_there_the_second_time_either_fails_the_request_typed(tmp_path: Path) -> None:
    def full(prompt: list[int], made: int) -> None:
        if len(prompt) > 5:
            raise translate("out of memory")

    engine, server = reciting(tmp_path, full)
    assert isinstance(ask(engine, plain("a long prompt")).error, OutOfMemory)
    assert len(server.submitted) == 2
    assert ask(engine, plain()).text == "abcdef"
    assert engine.health().ok and engine.health().active == 0


def test_the_second_try_runs_alone(tmp_path: Path) -> None:
    others_run, failed = threading.Event(), threading.Event()
    alone: list[int] = []

    def trouble(prompt: list[int], made: int) -> None:
        if prompt != list(b"big"):
            others_run.set()
            assert failed.wait(HANG)
        elif not failed.is_set():
            assert others_run.wait(HANG)
            failed.set()
            raise OutOfMemory("There was not enough memory.")
        else:
            alone.append(server.inside)

    engine, server = reciting(tmp_path, trouble)
    others = [begin(engine, f"o{i}", plain()) for i in range(2)]
    big = begin(engine, "big", plain("big"))
    assert big.wait().text == "abcdef"
    assert [other.wait().text for other in others] == ["abcdef"] * 2
    assert set(alone) == {1}


def test_a_request_that_waits_to_be_alone_can_be_cancelled(tmp_path: Path) -> None:
    others_run, go_on = threading.Event(), threading.Event()
    failed = threading.Event()

    def trouble(prompt: list[int], made: int) -> None:
        if prompt == list(b"big"):
            assert others_run.wait(HANG)
            failed.set()
            raise OutOfMemory("There was not enough memory.")
        others_run.set()
        assert go_on.wait(HANG)

    engine, server = reciting(tmp_path, trouble)
    other = begin(engine, "other", plain())
    big = begin(engine, "big", plain("big"))
    assert failed.wait(HANG)
    engine.cancel("big")
    assert big.wait().reasons == [FinishReason.CANCELLED]
    assert len([fields for fields in server.submitted if fields["prompt"] == list(b"big")]) == 1
    go_on.set()
    assert other.wait().text == "abcdef"
    assert ask(engine, plain()).text == "abcdef"


def test_who_waits_for_another_that_runs_alone_can_be_cancelled(tmp_path: Path) -> None:
    tried_again, go_on = threading.Event(), threading.Event()
    failures = [OutOfMemory("There was not enough memory.")]

    def trouble(prompt: list[int], made: int) -> None:
        if prompt == list(b"big"):
            if failures:
                raise failures.pop()
            tried_again.set()
            assert go_on.wait(HANG)

    engine, server = reciting(tmp_path, trouble)
    big = begin(engine, "big", plain("big"))
    assert tried_again.wait(HANG)
    waiting = [begin(engine, "one", plain()), begin(engine, "three", plain(n=3))]
    for name in ("one", "three"):
        engine.cancel(name)
    try:
        assert waiting[0].done.wait(HANG / 2) and waiting[1].done.wait(HANG / 2)
    finally:
        go_on.set()
    assert [set(answer.reasons) for answer in waiting] == [{FinishReason.CANCELLED}] * 2
    assert big.wait().text == "abcdef"
    assert all(fields["prompt"] == list(b"big") for fields in server.submitted)
    assert ask(engine, plain(n=4)).of(3) == "abcdef" and server.most <= 4


def test_a_bug_in_one_request_fails_it_typed_and_the_others_go_on(tmp_path: Path) -> None:
    def trouble(prompt: list[int], made: int) -> None:
        if prompt == list(b"bad"):
            raise ZeroDivisionError("a defect")

    engine, _ = reciting(tmp_path, trouble)
    good = [begin(engine, f"g{i}", plain()) for i in range(2)]
    bad = begin(engine, "bad", plain("bad"))
    assert isinstance(bad.wait().error, GenerationFailed)
    assert [answer.wait().text for answer in good] == ["abcdef"] * 2
    assert engine.health().ok


def test_one_failing_choice_fails_its_request_and_leaves_no_slot_taken(tmp_path: Path) -> None:
    def trouble(prompt: list[int], made: int) -> None:
        if prompt == list(b"bad") and made == 2:
            raise RuntimeError("a defect")

    engine, server = reciting(tmp_path, trouble)
    assert isinstance(ask(engine, plain("bad", n=3)).error, GenerationFailed)
    assert ask(engine, plain(n=4)).of(3) == "abcdef"
    assert server.inside == 0 and server.most <= 4


def test_never_more_are_inside_than_there_are_slots(tmp_path: Path) -> None:
    engine, server = reciting(tmp_path, lambda prompt, made: None, slots=2)
    answers = [begin(engine, f"q{i}", plain()) for i in range(7)]
    assert [answer.wait().text for answer in answers] == ["abcdef"] * 7
    assert server.most <= 2


def test_a_cancel_is_kept_at_the_next_token(tmp_path: Path) -> None:
    reached, go_on = threading.Event(), threading.Event()
    steps: list[int] = []

    def trouble(prompt: list[int], made: int) -> None:
        steps.append(made)
        if made == 3:
            reached.set()
            assert go_on.wait(HANG)

    engine, _ = reciting(tmp_path, trouble)
    answer = begin(engine, "one", Generation(prompt="x", sampling=SamplingParams(temperature=0.0)))
    assert reached.wait(HANG)
    engine.cancel("one")
    go_on.set()
    assert answer.wait().reasons == [FinishReason.CANCELLED]
    assert steps == [0, 1, 2, 3]


@pytest.mark.parametrize("n", [1, 2])
def test_a_request_cancelled_while_it_is_prepared_ends_without_its_prompt_being_encoded(
    tmp_path: Path, n: int
) -> None:
    held = Held()
    choice = Constraint(kind="choice", value=held)
    engine, server = reciting(tmp_path, lambda prompt, made: None)
    answer = begin(engine, "one", msgspec.structs.replace(plain("a prompt", n=n), constraint=choice))
    assert held.read.wait(HANG)
    engine.cancel("one")
    held.go_on.set()
    assert answer.wait().reasons == [FinishReason.CANCELLED] * n
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (0, 0)
    assert "a prompt" not in server.encoded and server.submitted == []
    assert (engine.health().active, engine.health().queued) == (0, 0)


def test_health_says_when_no_token_comes_any_more(tmp_path: Path) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def trouble(prompt: list[int], made: int) -> None:
        reached.set()
        assert go_on.wait(HANG)

    now = [100.0]
    engine, _ = reciting(tmp_path, trouble, clock=lambda: now[0])
    answer = begin(engine, "one", plain())
    assert reached.wait(HANG)
    assert engine.health().ok and engine.health().active == 1
    now[0] += 10_000
    assert not engine.health().ok and "no token" in engine.health().reason
    go_on.set()
    answer.wait()
    assert (engine.health().ok, engine.health().active) == (True, 0)
    now[0] += 10_000
    reached.clear()
    go_on.clear()
    late = begin(engine, "late", plain())
    assert reached.wait(HANG)
    assert engine.health().ok  # a long silence without requests says nothing
    go_on.set()
    late.wait()


def test_health_tells_requests_that_wait_from_those_that_are_answered(tmp_path: Path) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def trouble(prompt: list[int], made: int) -> None:
        reached.set()
        assert go_on.wait(HANG)

    engine, _ = reciting(tmp_path, trouble, slots=1)
    answers = [begin(engine, f"q{i}", plain()) for i in range(3)]
    assert reached.wait(HANG)
    health = engine.health()
    assert (health.active, health.queued) == (1, 2)
    go_on.set()
    assert [answer.wait().text for answer in answers] == ["abcdef"] * 3
    health = engine.health()
    assert (health.active, health.queued) == (0, 0)


def test_what_is_free_bounds_the_context_and_a_file_that_cannot_fit_is_refused(tmp_path: Path) -> None:
    roomy, _ = reciting(tmp_path, lambda prompt, made: None)
    assert (roomy.info.context, roomy.info.notes) == (512, ())
    with pytest.raises(OutOfMemory):
        reciting(tmp_path, lambda prompt, made: None, free=10**6)


def test_the_gpu_bounds_what_is_free_where_there_is_one() -> None:
    cpu = {"name": "CPU", "memory_free": 5}
    assert bounded_free(100, [cpu, {"name": "BLAS", "memory_free": 0}]) == 100
    assert bounded_free(100, [cpu, {"name": "MTL0", "memory_free": 60}]) == 60
    assert bounded_free(50, [cpu, {"name": "MTL0", "memory_free": 60}]) == 50
