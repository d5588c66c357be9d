from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.errors import (
    Cancelled,
    GenerationFailed,
    InvalidRequest,
    ModelNotFound,
    WorkerCrashed,
    WorkerError,
    WorkerGone,
)
from ingle.generation import FinishReason, Role
from ingle.text import spans
from ingle.text.guards import Reason
from ingle.text.improve import TextResult, improve, token_limit
from tests.text.scripted import ScriptedModel, built_in, echo
from tests.text.test_document import MARKDOWN


async def run(tool: str, text: str, model: ScriptedModel, **options: str) -> TextResult:
    events = [event async for event in improve(built_in(tool), text, model, options=options)]
    result = events[-1].result
    assert result is not None
    assert "".join(event.text for event in events) == result.text
    progress = [event.progress for event in events]
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    return result


@pytest.mark.slow
@given(MARKDOWN | st.text(max_size=200))
@settings(max_examples=30)
async def test_a_model_that_changes_nothing_changes_nothing(text: str) -> None:
    result = await run("proofread", text, ScriptedModel(echo))
    assert result.text == text
    assert not result.changed


@pytest.mark.slow
@given(
    MARKDOWN, st.lists(st.sampled_from(["", "x", "Sure!", "[a](b)", "{n}", "a\n\n```\n", "the the the the"]))
)
@settings(max_examples=30)
async def test_whatever_a_model_says_code_and_white_space_and_markup_survive(
    text: str, says: list[str]
) -> None:
    result = await run("proofread", text, ScriptedModel(lambda _p, n: says[n % len(says)] if says else ""))
    assert spans.protected(result.text) == spans.protected(text)
    assert result.text.count("\n") == text.count("\n")
    assert [line for line in result.text.splitlines() if line.startswith("    ")] == [
        line for line in text.splitlines() if line.startswith("    ")
    ]
    assert result.text[len(result.text.rstrip()) :] == text[len(text.rstrip()) :]


async def test_a_fence_that_the_text_did_not_have_is_not_taken() -> None:
    text = "1. first\n    indented\n"
    result = await run("proofread", text, ScriptedModel(lambda _p, _n: "a\n\n```\n"))
    assert result.text == text


async def test_a_line_break_never_lands_inside_a_link_or_a_placeholder() -> None:
    text = 'teh\n\nteh teh teh teh\n[um](b.html "a title")\n'
    answer = 'teh teh tehteh[um](b.html "a title")'
    result = await run("concise", text, ScriptedModel(lambda _p, n: answer if n else "teh"))
    assert '[um](b.html "a title")' in result.text
    assert (result.text, result.reason) == (text, Reason.LOST_MARKUP)


async def test_a_good_answer_is_taken_with_the_white_space_of_the_source() -> None:
    answer = "The corrected version is: He went to school yesterday and didn't come back."
    result = await run(
        "proofread",
        "  he go to school yesterday\n  and dont came back\n\n",
        ScriptedModel(lambda p, n: answer),
    )
    assert result.text == "  He went to school yesterday\n  and didn't come back.\n\n"
    assert result.kept == ()


RAMBLING = {
    "he go to school yesterday and dont came back": "He goes to school yesterday and doesn't come back.\n\nThe corrected version is:\n\nHe goes to school yesterday and "
    "doesn't come back.\n\nThe apostrophe is used to indicate the contraction of \"don't\" in English.",
    "Their are many reason why people likes to travel.": 'The correct grammar is: People like to travel.\n\nThe original sentence was: "People like to travel."\n\nThe original '
    'sentence is incorrect because it uses the incorrect verb "to like" instead of the correct verb "to like" to describe '
    "the action of liking.",
}
"""What SmolLM2-135M-Instruct (Q4_1) answered to `proofread`: a first sentence and talk behind it, each sentence wrong."""


@pytest.mark.parametrize("source", RAMBLING)
async def test_an_answer_that_goes_on_to_explain_itself_is_not_taken_whatever_it_begins_with(
    source: str,
) -> None:
    result = await run("proofread", source, ScriptedModel(lambda _p, _n: RAMBLING[source]))
    assert (result.text, result.reason) == (source, Reason.CHATTER)


async def test_a_bad_answer_is_asked_for_once_more_with_a_reminder() -> None:
    model = ScriptedModel(lambda _p, n: ["I cannot help with that.", "He goes home."][n])
    result = await run("proofread", "he go home", model)
    assert result.text == "He goes home."
    assert len(model.asked) == 2
    assert model.asked[1].sampling.temperature > 0


@pytest.mark.parametrize(
    ("first", "finish", "reason"),
    [
        ("I cannot help with that.", FinishReason.STOP, Reason.REFUSAL),
        ("He goes", FinishReason.LENGTH, Reason.CUT),
    ],
)
async def test_an_event_tells_why_the_answers_of_its_piece_were_not_taken(
    first: str, finish: FinishReason, reason: Reason
) -> None:
    model = ScriptedModel(lambda _p, _n: first, finish)
    events = [event async for event in improve(built_in("proofread"), "he go home", model)]
    assert [event.refused for event in events if event.text] == [(reason, reason)]


async def test_two_bad_answers_return_the_original_and_the_reason() -> None:
    result = await run("proofread", "he go home\n", ScriptedModel(lambda _p, _n: "I cannot help with that."))
    assert (result.text, result.changed, result.reason) == ("he go home\n", False, Reason.REFUSAL)
    assert result.kept[0].start == 0
    assert result.kept[0].end == len("he go home")


async def test_an_answer_that_hits_the_token_limit_is_never_a_silent_cut() -> None:
    model = ScriptedModel(lambda _p, _n: "He goes", FinishReason.LENGTH)
    result = await run("proofread", "he go home", model)
    assert (result.text, result.reason) == ("he go home", Reason.CUT)


@pytest.mark.parametrize("failure", [WorkerCrashed("It died."), WorkerGone("tiny")])
async def test_a_worker_that_dies_under_the_second_answer_costs_no_answer(failure: WorkerError) -> None:
    said: list[str | WorkerError] = ["I cannot help with that.", failure, "He goes home."]
    model = ScriptedModel(lambda _p, asked: said[asked])
    result = await run("proofread", "he go home", model)
    assert (result.text, result.kept) == ("He goes home.", ())


async def test_a_failure_inside_one_piece_keeps_that_piece_only() -> None:
    def script(prompt: str, _asked: int) -> str | GenerationFailed:
        return GenerationFailed("boom") if "two" in prompt else echo(prompt, 0).replace("teh", "the")

    result = await run("proofread", "teh one\n\nteh two\n\nteh three\n", ScriptedModel(script))
    assert result.text == "the one\n\nteh two\n\nthe three\n"
    assert [kept.reason for kept in result.kept] == [Reason.ENGINE]


@pytest.mark.parametrize("error", [Cancelled(), ModelNotFound("x")])
async def test_what_ends_the_whole_work_is_passed_on(error: Cancelled | ModelNotFound) -> None:
    with pytest.raises(type(error)):
        await run("proofread", "he go home", ScriptedModel(lambda _p, _n: error))


async def test_line_breaks_that_an_answer_has_no_words_for_keep_the_original() -> None:
    result = await run(
        "proofread", "alpha\nbeta\ngamma\ndelta\n", ScriptedModel(lambda _p, _n: "alpha beta-gamma delta")
    )
    assert (result.text, result.reason) == ("alpha\nbeta\ngamma\ndelta\n", Reason.LOST_MARKUP)


@pytest.mark.parametrize(
    ("wrong", "said", "reason"),
    [
        ("teh cat", "the cat", None),
        ("helo", "Hello.", None),
        ("helo", "x", Reason.ANSWERED),
        ("teh cat", "42", Reason.INVENTED_NUMBER),
    ],
)
async def test_a_word_or_two_may_be_corrected_and_not_replaced(
    wrong: str, said: str, reason: Reason | None
) -> None:
    result = await run("proofread", wrong, ScriptedModel(lambda _p, _n: said))
    assert (result.text, result.reason) == (said if reason is None else wrong, reason)


async def test_the_piece_before_is_given_as_a_turn_of_context() -> None:
    model = ScriptedModel(echo)
    await run("proofread", "First words.\n\nSecond words.\n", model)
    messages = model.asked[1].messages
    assert messages is not None
    assert [message.role for message in messages] == [Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.USER]
    assert "First words." in messages[1].content


async def test_the_token_limit_follows_the_input() -> None:
    model = ScriptedModel(echo)
    await run("proofread", "he go home", model)
    assert model.asked[0].max_tokens == token_limit("he go home")


@pytest.mark.slow
async def test_a_long_text_is_cut_at_sentences_within_the_context_and_joined_again() -> None:
    text = " ".join(f"This is sentence number {n} of a long text." for n in range(300)) + "\n"
    model = ScriptedModel(echo)
    assert (await run("proofread", text, model)).text == text
    assert len(model.asked) > 3
    assert all(
        message.content.rstrip().endswith(".")
        for request in model.asked
        for message in request.messages or ()
        if message.role is Role.USER
    )


async def test_translate_needs_a_language_and_is_told_its_name() -> None:
    with pytest.raises(InvalidRequest, match="translate needs a language to translate into"):
        await run("translate", "hello", ScriptedModel(echo))
    model = ScriptedModel(lambda _p, _n: "Hallo Welt")
    result = await run("translate", "hello world", model, to="de")
    assert result.text == "Hallo Welt"
    assert "into German" in (model.asked[0].messages or ())[0].content


async def test_orders_in_the_text_are_not_template_fields() -> None:
    model = ScriptedModel(lambda _p, _n: "{instruction} {text}")
    result = await run("custom", "{instruction} {text}", model, instruction="Keep {text} as it is")
    assert (model.asked[0].messages or ())[1].content == "Keep {text} as it is\n\n{instruction} {text}"
    assert result.text == "{instruction} {text}"


async def test_a_dictation_is_cleaned_before_the_model_sees_it() -> None:
    model = ScriptedModel(lambda _p, _n: "I want to go home.")
    await run("dictation", "um I I want to, uh, go home", model)
    assert "um" not in (model.asked[0].messages or ())[-1].content.split()


async def test_a_dictation_goes_to_the_model_as_it_was_said_where_cleaning_is_off() -> None:
    said = "um I I want to, uh, go home full stop"
    model = ScriptedModel(lambda _p, _n: "I want to go home.")
    events = [event async for event in improve(built_in("dictation"), said, model, clean=False)]
    assert (model.asked[0].messages or ())[-1].content.endswith(said)
    assert events[-1].result is not None and events[-1].result.text == "I want to go home."


async def test_a_dictation_that_fails_returns_the_words_as_they_were_said() -> None:
    result = await run("dictation", "um I want to go home", ScriptedModel(lambda _p, _n: ""))
    assert result.text == "um I want to go home"


@pytest.mark.slow
async def test_long_lists_are_joined_and_long_digests_digested_again() -> None:
    text = " ".join(f"This is sentence number {n} of a long text." for n in range(200))
    points = await run("keypoints", text, ScriptedModel(lambda _p, n: f"- point {'ab'[n % 2]}"))
    assert points.text.startswith("- point a\n- point b")
    digest = await run(
        "summary", text, ScriptedModel(lambda p, n: "All of it." if "Part" in p else f"Part {'abc'[n % 3]}.")
    )
    assert digest.text == "All of it."


async def test_a_text_over_the_limit_of_a_tool_is_refused_with_the_numbers() -> None:
    with pytest.raises(InvalidRequest) as caught:
        await run("table", "x" * 13_000, ScriptedModel(echo))
    assert caught.value.details == {"characters": 13_000, "limit": 12_000}


@pytest.mark.parametrize("tool", ["summary", "keypoints", "table", "custom", "proofread"])
@pytest.mark.parametrize("text", ["", " \n\t\n", "\r\n"])
async def test_of_no_text_nothing_is_made_and_no_model_is_asked(tool: str, text: str) -> None:
    model = ScriptedModel(lambda _p, _n: "A text about nothing.")
    result = await run(tool, text, model, instruction="Go")
    assert (result.text, result.changed, model.asked) == (text, False, [])


async def test_tables_of_other_columns_are_not_put_under_one_header() -> None:
    text = " ".join(f"Sentence {'x' * n} of a text that is long enough." for n in range(70))
    tables = ["| a | b |\n|---|---|\n| x | y |", "| c |\n|---|\n| z |", "| a | b |\n|---|---|\n| v | w |"]
    result = await run("table", text, ScriptedModel(lambda _p, n: tables[n % 3]))
    assert result.text.startswith(tables[0] + "\n\n" + tables[1])


async def test_a_second_try_after_a_cut_has_room_for_what_the_tokenizer_counted() -> None:
    model = ScriptedModel(lambda _p, _n: "He goes", FinishReason.LENGTH)
    model.prompt_tokens = 400
    await run("proofread", "he go home", model)
    assert [asked.max_tokens for asked in model.asked] == [token_limit("he go home"), 568]


async def test_a_long_text_in_a_dense_script_is_cut_within_the_context() -> None:
    text = "今日は天気が良かったので、みんなで川沿いを歩きました。" * 60
    model = ScriptedModel(echo)
    assert (await run("proofread", text, model)).text == text
    assert all(2 * token_limit((asked.messages or ())[-1].content) < 2048 + 600 for asked in model.asked)
