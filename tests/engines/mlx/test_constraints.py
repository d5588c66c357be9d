"""Grammars, forced calls and reasoning budgets hold inside the batch, with ordinary array operations."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ingle.engines.base import Engine
from ingle.engines.mlx.engine import open_engine
from ingle.errors import InvalidRequest, Unsupported
from ingle.generation import Constraint, FinishReason, SamplingParams, Thinking, Tool, whole_calls
from tests.engines.mlx.asking import ask, begin, chat
from tests.engines.mlx.conftest import OPTIONS
from tests.engines.mlx.tiny import THINKING, write_random
from tests.models import mlx_snapshot

pytestmark = pytest.mark.slow

HOT = SamplingParams(temperature=1.0, seed=3)
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"type": "integer", "maximum": 99}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
WEATHER = Tool(
    name="weather",
    description="The weather of a city.",
    parameters={
        "type": "object",
        "properties": {"city": {"enum": ["Bern", "Rome"]}},
        "required": ["city"],
        "additionalProperties": False,
    },
)


def test_every_kind_of_constraint_is_kept(random_llama: Engine) -> None:
    answers = {
        "choice": begin(
            random_llama, "choice", chat(constraint=Constraint(kind="choice", value=["red", "green"]))
        ),
        "regex": begin(
            random_llama,
            "regex",
            chat(constraint=Constraint(kind="regex", value="[0-9]{3}-[a-f]{2}"), sampling=HOT),
        ),
        "schema": begin(
            random_llama,
            "schema",
            chat(constraint=Constraint(kind="json_schema", value=SCHEMA), sampling=HOT, max_tokens=200),
        ),
        "grammar": begin(
            random_llama,
            "grammar",
            chat(constraint=Constraint(kind="grammar", value='start: "x" ("y" | "z")~3')),
        ),
        "free": begin(random_llama, "free", chat(max_tokens=10)),
    }
    said = {name: answer.wait().text for name, answer in answers.items()}
    assert said["choice"] in ("red", "green")
    assert re.fullmatch("[0-9]{3}-[a-f]{2}", said["regex"])
    assert set(json.loads(said["schema"])) == {"name", "age"}
    assert re.fullmatch("x[yz]{3}", said["grammar"])
    assert answers["choice"].reasons == [FinishReason.STOP]
    assert ask(random_llama, chat(max_tokens=10)).text == said["free"]


def test_a_json_object_opens_with_a_brace_whatever_the_model_wants(alphabet: Engine) -> None:
    answer = ask(alphabet, chat(constraint=Constraint(kind="json_object"), max_tokens=30))
    assert answer.text.startswith("{")


def test_a_seeded_answer_in_a_grammar_is_the_same_in_a_batch(random_llama: Engine) -> None:
    asked = chat(constraint=Constraint(kind="regex", value="[a-z]{12}"), sampling=HOT)
    alone = ask(random_llama, asked).text
    others = [begin(random_llama, f"o{i}", chat(f"{i}", max_tokens=20)) for i in range(3)]
    assert ask(random_llama, asked, "again").text == alone
    for other in others:
        other.wait()


def test_what_cannot_be_kept_is_refused_before_a_token_is_spent(alphabet: Engine) -> None:
    for constraint in (
        Constraint(kind="regex", value="(unclosed"),
        Constraint(kind="grammar", value="start: nowhere"),
        Constraint(kind="json_schema", value={"type": "array", "uniqueItems": True}),
    ):
        answer = ask(alphabet, chat(constraint=constraint))
        assert isinstance(answer.error, (InvalidRequest, Unsupported))
        assert not answer.chunks


@pytest.mark.parametrize("choice", ["required", "weather"])
def test_a_demanded_call_is_made_with_arguments_that_fit(alphabet: Engine, choice: str) -> None:
    answer = ask(alphabet, chat(tools=(WEATHER,), tool_choice=choice, max_tokens=120))
    (call,) = whole_calls(part for chunk in answer.chunks for part in chunk.tool_calls)
    assert (call.name, json.loads(call.arguments)["city"] in ("Bern", "Rome")) == ("weather", True)
    assert answer.text.strip() == ""
    assert answer.reasons == [FinishReason.TOOL_CALLS]


def test_tools_that_may_be_left_alone_are(alphabet: Engine) -> None:
    answer = ask(alphabet, chat(tools=(WEATHER,)))
    assert answer.text == "abcdefghijklmnopqrstuvwxyz"
    assert "weather" in alphabet.render(chat("x").messages or (), (WEATHER,))


def test_reasoning_is_split_from_the_answer(thinker: Engine) -> None:
    answer = ask(thinker, chat(thinking=Thinking(enabled=True, budget=5), max_tokens=60))
    assert answer.reasoning.rstrip("\n") == "abcde"
    assert answer.text == "abcdefghijklmnopqrstuvwxyz"
    assert answer.usage.reasoning_tokens == 5


def test_without_a_budget_reasoning_goes_on_until_it_is_closed(thinker: Engine) -> None:
    answer = ask(thinker, chat(thinking=Thinking(enabled=True), max_tokens=20))
    assert (answer.reasoning, answer.text) == ("abcdefghijklmnopqrst", "")
    assert answer.usage.reasoning_tokens == 20 and answer.reasons == [FinishReason.LENGTH]


def test_a_budget_of_nothing_goes_straight_to_the_answer(thinker: Engine) -> None:
    answer = ask(thinker, chat(thinking=Thinking(enabled=True, budget=0), max_tokens=60))
    assert (answer.reasoning.strip(), answer.text) == ("", "abcdefghijklmnopqrstuvwxyz")


def test_without_thinking_there_is_no_reasoning(thinker: Engine) -> None:
    answer = ask(thinker, chat())
    assert (answer.reasoning, answer.text) == ("", "abcdefghijklmnopqrstuvwxyz")


def test_a_grammar_begins_after_the_reasoning(thinker: Engine) -> None:
    asked = chat(
        thinking=Thinking(enabled=True, budget=4),
        constraint=Constraint(kind="choice", value=["yes", "no"]),
        max_tokens=60,
    )
    answer = ask(thinker, asked)
    assert answer.reasoning.startswith("abcd")
    assert answer.text in ("yes", "no")


def test_reasoning_cannot_end_an_answer_that_owes_a_grammar(thinker: Engine) -> None:
    asked = chat(
        thinking=Thinking(enabled=True, budget=30),
        constraint=Constraint(kind="choice", value=["yes", "no"]),
        max_tokens=80,
    )
    answer = ask(thinker, asked)
    assert answer.reasoning.startswith("abcdefghijklmnopqrstuvwxyz")
    assert answer.text in ("yes", "no")


def test_thinking_is_refused_where_the_template_has_none(alphabet: Engine) -> None:
    assert isinstance(ask(alphabet, chat(thinking=Thinking(enabled=True))).error, Unsupported)


def test_a_mask_allows_exactly_its_bits_and_nothing_beyond_them() -> None:
    import mlx.core as mx
    import numpy as np

    from ingle.engines.mlx.constrain import apply_mask

    words = np.zeros((1, 2), dtype=np.int32)
    words[0, 0] = -(1 << 31) | 1  # tokens 0 and 31
    words[0, 1] = 2  # token 33
    for vocabulary in (40, 64, 70):
        kept = apply_mask(mx.zeros((1, vocabulary)), words)
        assert np.flatnonzero(np.isfinite(np.array(kept))).tolist() == [0, 31, 33]


def test_an_end_that_the_weights_do_not_know_is_no_reason_to_write_beside_the_scores(tmp_path: Path) -> None:
    strange = [256, 1 << 24]  # a folder may name any number as its end
    model = write_random(tmp_path / "strange", template=THINKING, eos_token_id=strange)
    engine = open_engine(mlx_snapshot(model), OPTIONS)
    asked = chat(
        constraint=Constraint(kind="choice", value=["red", "green"]),
        thinking=Thinking(enabled=True, budget=6),
        max_tokens=60,
    )
    try:
        assert ask(engine, asked).text in ("red", "green")
        assert engine.health().ok
    finally:
        engine.close()
