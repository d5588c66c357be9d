"""A model that takes the text for a chat and offers its help has not worked on the text."""

from __future__ import annotations

import pytest

from ingle.generation import FinishReason
from ingle.text.guards import Reason, judge
from tests.text.scripted import built_in

NOTE = "the cat sat by the river and we goed home with Anna"
OFFERED = (
    "I'm ready to assist. What's your next question?",
    "How can I help you today?",
    "Hello! What would you like me to do?",
    "Sounds good! Please share the text.",
    "As an AI, there is no river here.",
    "Wie kann ich Ihnen helfen?",
    "Als KI kann dazu nichts gesagt werden.",
    "Comment puis-je vous aider ?",
    "¿En qué puedo ayudarte?",
    "Come posso aiutarti?",
    "Como posso ajudar?",
    "Hoe kan ik je helpen?",
    "Hur kan jag hjälpa dig?",
    "Hvordan kan jeg hjælpe dig?",
    "W czym mogę pomóc?",
    "Size nasıl yardımcı olabilirim?",
    "Miten voin auttaa?",
    "Jak vám mohu pomoci?",
)


@pytest.mark.slow
@pytest.mark.parametrize("answer", OFFERED)
@pytest.mark.parametrize("tool", ["custom", "friendly", "proofread", "rewrite"])
def test_an_offer_of_help_is_not_the_text(tool: str, answer: str) -> None:
    assert judge(built_in(tool), NOTE, answer, FinishReason.STOP) is not None


@pytest.mark.parametrize(
    "before", ["We were at home. ", "We were at home, ", '"We were at home." ', "We were at home…"]
)
def test_what_explains_a_correction_is_chatter_whatever_stands_before_it(before: str) -> None:
    answer = f'{before}The comma after "yesterday" was added to improve the clarity.'
    assert judge(built_in("custom"), "we was at home yesterday", answer, FinishReason.STOP) is Reason.CHATTER


@pytest.mark.parametrize("tool", ["custom", "friendly"])
def test_an_offer_of_help_is_told_as_chatter(tool: str) -> None:
    assert judge(built_in(tool), NOTE, OFFERED[0], FinishReason.STOP) is Reason.CHATTER


def test_an_offer_after_the_text_is_chatter_too() -> None:
    answer = "The cat sat by the river, and we went home with Anna. How can I help you today?"
    assert judge(built_in("rewrite"), NOTE, answer, FinishReason.STOP) is Reason.CHATTER


@pytest.mark.parametrize(
    ("tool", "source", "answer"),
    [
        (
            "proofread",
            "hello Anna, how can i hepl you? i am ready to assist with the boxs",
            "Hello Anna, how can I help you? I am ready to assist with the boxes.",
        ),
        ("proofread", "how can I help you?", "How can I help you?"),
        (
            "rewrite",
            "what do you wanna do on tuesday after lunch",
            "What would you like to do on Tuesday after lunch?",
        ),
        (
            "friendly",
            "ask me when you get stuck with the printer",
            "I'm happy to help when you get stuck with the printer!",
        ),
        ("friendly", "send the text until noon", "Could you send me the text until noon?"),
        (
            "custom",
            "Dear shop, my kettle leaks.",
            "Dear Sir, how can I help you? Does the kettle leak often?",
        ),
        ("translate", "Guten Tag, wie kann ich Ihnen helfen?", "Good day, how can I help you?"),
        ("translate", "Чем я могу вам помочь?", "How can I help you?"),
    ],
)
def test_an_offer_that_is_the_writers_stays(tool: str, source: str, answer: str) -> None:
    assert judge(built_in(tool), source, answer, FinishReason.STOP, "en") is None
