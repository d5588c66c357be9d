"""Texts about a long text: what each part is told of the one before, and how the answers become one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.generation import Message, Role
from ingle.text.improve import CONTEXT_LIMIT, TextResult, improve
from ingle.text.parts import join_parts, turn_before
from ingle.text.tool import Output, Tool
from tests.text.scripted import ScriptedModel, built_in

LONG = " ".join(f"This is sentence number {n} of a long text." for n in range(200)) + "\n"
TABLE = "| name | what |\n|---|---|\n| Anna | tea |"


async def run(tool: Tool, text: str, model: ScriptedModel, **options: str) -> TextResult:
    events = [event async for event in improve(tool, text, model, options=options)]
    result = events[-1].result
    assert result is not None
    assert "".join(event.text for event in events) == result.text
    return result


def asked(model: ScriptedModel, index: int) -> tuple[Message, ...]:
    return model.asked[index].messages or ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tool", "answer"),
    [
        ("summary", "It is a long text."),
        ("keypoints", "- it is a long text"),
        ("table", TABLE),
        ("custom", "It is a long text."),
    ],
)
async def test_each_part_is_told_the_end_of_the_part_before_and_what_was_made_of_it(
    tool: str, answer: str
) -> None:
    model = ScriptedModel(lambda _p, _n: answer)
    await run(built_in(tool), LONG, model, instruction="Say it again")
    assert [message.role for message in asked(model, 0)] == [Role.SYSTEM, Role.USER]
    _, before, made, now = asked(model, 1)
    assert (before.role, made.role, now.role) == (Role.USER, Role.ASSISTANT, Role.USER)
    assert made.content == answer
    tail = before.content.split("\n\n")[-1]
    assert tail.startswith("This is sentence") and asked(model, 0)[-1].content.endswith(tail)
    assert len(tail.encode()) + len(answer.encode()) <= CONTEXT_LIMIT


@pytest.mark.slow
async def test_the_digest_of_the_digests_stands_alone() -> None:
    model = ScriptedModel(lambda p, n: "All of it." if "Part" in p else f"Part {'abcdefgh'[n]}.")
    assert (await run(built_in("summary"), LONG, model)).text == "All of it.\n"
    assert [message.role for message in asked(model, -1)] == [Role.SYSTEM, Role.USER]


def test_a_table_goes_on_under_the_header_it_was_shown() -> None:
    turn = turn_before(Output.TABLE, "Anna drinks tea. Bob drinks milk.", TABLE + "\n| Bob | milk |", 600)
    assert turn == ("Anna drinks tea. Bob drinks milk.", TABLE + "\n| Bob | milk |")
    long = TABLE + "".join(f"\n| guest {n} | water |" for n in range(50)) + "\n| Zoe | juice |"
    turn = turn_before(Output.TABLE, "Zoe drinks juice.", long, 200)
    assert turn is not None
    assert turn[1].splitlines()[:2] == TABLE.splitlines()[:2]
    assert turn[1].splitlines()[-1] == "| Zoe | juice |"


def test_what_does_not_fit_is_not_shown() -> None:
    wide = "| " + "x" * 400 + " |\n|---|\n| y |"
    assert turn_before(Output.TABLE, "Some words.", wide, 300) is None
    assert turn_before(Output.DIGEST, "Some words.", "x" * 400, 300) is None
    assert turn_before(Output.DIGEST, "w" * 400, "Fine.", 300) is None


@pytest.mark.slow
@given(st.sampled_from(list(Output)), st.text(max_size=400), st.text(max_size=400), st.integers(20, 300))
def test_a_turn_of_context_never_grows_over_its_limit(
    output: Output, part: str, answer: str, limit: int
) -> None:
    turn = turn_before(output, part, answer, limit)
    assert turn is None or len((turn[0] + turn[1]).encode()) <= limit
    assert turn is None or (turn[0] in part and turn[0])


@pytest.mark.parametrize(
    ("output", "answers", "joined"),
    [
        (Output.LIST, ["- a\n- b", "- c"], "- a\n- b\n- c"),
        (Output.LIST, ["- a\n- b", "- B.\n- c"], "- a\n- b\n- c"),
        (Output.LIST, ["1. a\n2. b", "1. c\n2. d"], "1. a\n2. b\n3. c\n4. d"),
        (Output.LIST, ["- a\n  - inner", "- b\n  - inner"], "- a\n  - inner\n- b\n  - inner"),
        (Output.LIST, ["- a", "1. b"], "- a\n- b"),
        (
            Output.TABLE,
            ["| a | b |\n|---|---|\n| x | y |", "|A|B|\n|-|-|\n| v | w |"],
            "| a | b |\n|---|---|\n| x | y |\n| v | w |",
        ),
        (
            Output.TABLE,
            ["| a |\n|---|\n| x |", "| a |\n|---|\n| x |\n| y |"],
            "| a |\n|---|\n| x |\n| x |\n| y |",
        ),
        (
            Output.TABLE,
            ["| a |\n|---|\n| x |", "| b |\n|---|\n| y |"],
            "| a |\n|---|\n| x |\n\n| b |\n|---|\n| y |",
        ),
        (Output.DIGEST, ["One. ", "Two."], "One.\n\nTwo."),
    ],
)
def test_the_answers_of_the_parts_become_one(output: Output, answers: list[str], joined: str) -> None:
    assert join_parts(output, answers) == joined


async def test_an_answer_that_only_repeats_the_turn_before_is_asked_for_again_without_it() -> None:
    answers = ["One part.", "One part.", "Two parts.", "All."]
    model = ScriptedModel(lambda _p, n: answers[min(n, 3)])
    text = "x" * 30 + " and words of all kinds. " + "More words of other kinds. " * 85
    events = [
        event async for event in improve(built_in("custom"), text, model, options={"instruction": "Go"})
    ]
    assert [len(asked(model, index)) for index in range(3)] == [2, 4, 2]
    assert events[-1].result is not None and "Two parts." in events[-1].result.text


async def test_a_custom_answer_has_the_white_space_of_its_text() -> None:
    def again(prompt: str, _asked: int) -> str:
        return prompt.split("\n\n", 1)[1]

    text = "\n  " + "One sentence of words here. " * 90 + "\n\n\nAnd another paragraph.\n\n"
    result = await run(built_in("custom"), text, ScriptedModel(again), instruction="Say it again")
    assert result.text == text
