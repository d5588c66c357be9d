"""What a newcomer to a busy batch waits for, counted in forward passes from the moment it is prepared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingle.engines.mlx.pace import PREFILL_ROWS
from ingle.errors import GenerationFailed
from ingle.generation import FinishReason, Generation, SamplingParams
from tests.engines.mlx.asking import GREEDY, Answer, begin, chat
from tests.engines.mlx.tiny import write_alphabet, write_random
from tests.engines.mlx.troubled import Gate, Watched, troubled

pytestmark = pytest.mark.slow

ROTATING: dict[str, Any] = {"sliding_window": 16, "sliding_window_pattern": 2, "head_dim": 8}
ALPHABET = "abcdefghijklmnopqrstuvwxyz"
NULL = 188  # the byte 0 among the tiny tokenizer's bytes
ENDLESS = SamplingParams(temperature=0.0, logit_bias={256: -100.0})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_alphabet(tmp_path_factory.mktemp("newcomers") / "model")


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def watched(folder: Path, gate: Gate) -> Iterator[Watched]:
    found = Watched(folder, gate)
    yield found
    gate.release()
    found.engine.close()


def streams(watched: Watched, gate: Gate, count: int) -> list[Answer]:
    """So many answers that are being read and do not end by themselves; their next step waits for the gate."""
    asked = Generation(prompt="y", sampling=ENDLESS, max_tokens=900)
    gate.close()
    answers = [begin(watched.engine, f"s{i}", asked) for i in range(count)]
    for i in range(count):
        watched.wait_for(f"s{i}")
    gate.go_on_until(lambda: all(answer.begun.is_set() for answer in answers))
    return answers


def prompt(text: str) -> Generation:
    """Of one token a letter; a single one is asked for."""
    return Generation(prompt=text, sampling=GREEDY, max_tokens=1)


def passes_of(watched: Watched, gate: Gate, asked: list[Generation]) -> list[tuple[int, ...]]:
    """The forward passes begun after the one that waits for the gate now, until the newcomers have been answered."""
    before = gate.passes
    answers = [begin(watched.engine, f"new{i}", one) for i, one in enumerate(asked)]
    for i in range(len(asked)):
        watched.wait_for(f"new{i}")
    gate.go_on_until(lambda: all(answer.done.is_set() for answer in answers))
    for answer in answers:
        assert answer.wait().reasons == [FinishReason.LENGTH]
    return gate.shapes[before:]


def test_no_step_of_the_others_begins_before_a_newcomer_is_read(watched: Watched, gate: Gate) -> None:
    streaming = streams(watched, gate, 3)
    # its prompt, the prompt's last token, and the next step of all: there its first token is told
    assert passes_of(watched, gate, [prompt("a" * 30)])[:3] == [(1, 29), (1, 1), (4, 1)]
    assert not any(answer.done.is_set() for answer in streaming)


def test_newcomers_that_come_together_are_read_together(watched: Watched, gate: Gate) -> None:
    streams(watched, gate, 2)
    asked = [prompt("a" * 30), prompt("b" * 30)]
    assert passes_of(watched, gate, asked)[:3] == [(2, 29), (2, 1), (4, 1)]


def test_a_short_newcomer_beside_a_long_one_does_not_wait_for_all_of_it(watched: Watched, gate: Gate) -> None:
    streams(watched, gate, 2)
    shapes = passes_of(watched, gate, [prompt("a" * 900), prompt("b" * 9)])
    first_step = next(at for at, (rows, tokens) in enumerate(shapes) if tokens == 1 and rows > 1)
    assert shapes[first_step] == (3, 1)  # the others and the short one, whose first token it tells
    assert sum(tokens for _, tokens in shapes[:first_step]) <= PREFILL_ROWS


def test_a_model_whose_caches_cannot_be_cut_reads_a_newcomer_without_a_step_of_the_others(
    tmp_path: Path, gate: Gate
) -> None:
    folder = write_random(tmp_path / "model", kind="gemma3_text", **ROTATING)
    watched = Watched(folder, gate)
    try:
        streams(watched, gate, 2)
        asked = chat("a newcomer", max_tokens=1)  # a chat has a tail that only opens the answer
        length = watched.engine.count_tokens(asked)
        shapes = passes_of(watched, gate, [asked])
        first_step = shapes.index((3, 1))
        assert all(rows == 1 for rows, _ in shapes[:first_step])
        assert sum(tokens for _, tokens in shapes[:first_step]) == length
        assert first_step == 3  # up to the generation tail, the tail, the last token
    finally:
        gate.release()
        watched.engine.close()


def test_a_long_prompt_is_read_in_pieces_with_one_step_of_the_others_between_two(
    watched: Watched, gate: Gate
) -> None:
    streams(watched, gate, 2)
    shapes = passes_of(watched, gate, [prompt("a" * 1000)])
    end = shapes.index((3, 1))
    pieces, between, last = shapes[:end:2], shapes[1:end:2], shapes[end - 1]
    assert last == (1, 1)
    assert set(between[:-1]) == {(2, 1)}
    assert len(pieces) >= 4 and all(rows == 1 and tokens <= PREFILL_ROWS for rows, tokens in pieces)
    assert sum(tokens for _, tokens in pieces) == 999


def test_long_prompts_that_come_together_share_one_piece(folder: Path) -> None:
    sizes: list[int] = []
    engine = troubled(folder, lambda tokens: sizes.append(int(tokens.size)))
    try:
        prompts = [Generation(prompt=letter * 900, sampling=GREEDY, max_tokens=1) for letter in "abcd"]
        answers = [begin(engine, f"p{i}", prompt) for i, prompt in enumerate(prompts)]
        assert [answer.wait().text for answer in answers] == list("bcde")
    finally:
        engine.close()
    assert max(sizes) <= PREFILL_ROWS


def test_a_newcomer_whose_prompt_cannot_be_read_costs_the_others_no_token(folder: Path, gate: Gate) -> None:
    pieces: list[int] = []

    def trouble(tokens: Any) -> None:
        gate(tokens)
        # in pieces of whatever size: how fast this machine has read the others' prompts decides that
        if tokens.shape[1] > 1 and any(NULL in row for row in tokens.tolist()):
            pieces.append(1)
            raise RuntimeError("this one only")

    watched = Watched(folder, trouble)
    try:
        gate.close()
        others = [begin(watched.engine, f"o{i}", chat(max_tokens=26)) for i in range(2)]
        for i in range(2):
            watched.wait_for(f"o{i}")
        gate.go_on_until(lambda: all(other.begun.is_set() for other in others))
        assert not any(other.done.is_set() for other in others)
        newcomer = begin(watched.engine, "new", prompt("\x00" * 41))
        watched.wait_for("new")
        gate.release()
        assert isinstance(newcomer.wait().error, GenerationFailed)
        assert [other.wait().text for other in others] == [ALPHABET] * 2
        assert len(pieces) > 1  # it was tried again, alone at last
        health = watched.engine.health()
        assert (health.ok, health.active, health.queued) == (True, 0, 0)
    finally:
        gate.release()
        watched.engine.close()


def test_a_cancel_between_two_pieces_ends_a_long_prompt(watched: Watched, gate: Gate) -> None:
    streaming = streams(watched, gate, 2)
    long = begin(watched.engine, "long", Generation(prompt="a" * 1000, sampling=GREEDY))
    watched.wait_for("long")
    before = gate.passes
    while gate.shapes[-1][1] == 1:  # pass by pass, until the first piece is about to be computed
        gate.let_one()
    watched.engine.cancel("long")
    gate.go_on_until(long.done.is_set)
    assert long.wait().reasons == [FinishReason.CANCELLED]
    assert sum(tokens for _, tokens in gate.shapes[before:] if tokens > 1) <= PREFILL_ROWS
    assert not any(answer.done.is_set() for answer in streaming)
