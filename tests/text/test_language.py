"""The language of the input is kept unless another one is asked for."""

from __future__ import annotations

import pytest

from ingle.text.guards import Reason
from ingle.text.improve import improve
from ingle.text.language_names import asks_for_another
from ingle.text.tool import Output, Tool
from tests.text.scripted import ScriptedModel, built_in

GERMAN = "Ich bin gestern mit dem Zug nach Hause gefahren und habe das Buch im Wagen vergessen."
ENGLISH = "Yesterday I went home by train and I forgot the book that was in the carriage."


@pytest.mark.parametrize(
    "instruction",
    [
        "translate into French",
        "Say it in German",
        "auf Deutsch bitte",
        "Übersetze das",
        "traduis en anglais",
        "put this in another language",
        "翻译成英文",
        "переведи",
        "write it in Latin",
        "for my Spanish friends",
        "answer in Polish",
        "now the Polish version",
        "transliterate it",
    ],
)
def test_an_instruction_that_names_a_language_or_a_translation_asks_for_another(instruction: str) -> None:
    assert asks_for_another(instruction)


@pytest.mark.parametrize(
    "instruction",
    [
        "make it shorter",
        "Write it in capital letters.",
        "Keep the language of the text.",
        "polish it",
        "Polish this",
        "turn it into a haiku",
        "Mach es kürzer",
        "finish the sentence",
    ],
)
def test_any_other_instruction_does_not(instruction: str) -> None:
    assert not asks_for_another(instruction)


async def answered(tool: Tool, text: str, answer: str, **options: str) -> tuple[str, Reason | None]:
    model = ScriptedModel(lambda _p, _n: answer)
    events = [event async for event in improve(tool, text, model, options=options)]
    result = events[-1].result
    assert result is not None
    return result.text, result.reason


async def test_custom_keeps_the_language_unless_the_instruction_names_one() -> None:
    tool = built_in("custom")
    assert "language" in tool.system
    kept = await answered(tool, GERMAN, ENGLISH, instruction="make it shorter")
    assert kept == (GERMAN, Reason.WRONG_LANGUAGE)
    taken = await answered(tool, GERMAN, ENGLISH, instruction="translate it into English")
    assert taken == (ENGLISH, None)


async def test_a_language_named_in_the_text_is_no_instruction() -> None:
    text = GERMAN + " Bitte ins English translate."
    kept = await answered(built_in("custom"), text, ENGLISH, instruction="make it shorter")
    assert kept == (text, Reason.WRONG_LANGUAGE)


@pytest.mark.parametrize("output", [Output.DIGEST, Output.FREE])
async def test_a_tool_of_ones_own_may_ask_for_a_language(output: Output) -> None:
    tool = Tool(name="gist", intent="x", output=output, system="Sum it up in English.")
    assert await answered(tool, GERMAN, ENGLISH) == (ENGLISH, None)
    plain = Tool(name="gist", intent="x", output=output, system="Sum it up.")
    assert await answered(plain, GERMAN, ENGLISH) == (GERMAN, Reason.WRONG_LANGUAGE)
