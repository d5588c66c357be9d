"""Answers of a weak model that hold what nobody wrote."""

from __future__ import annotations

import pytest

from tests.text.scripted import answered

pytestmark = pytest.mark.slow

INVENTED = [
    ("proofread", "send the report today", "Send the final report today."),
    ("proofread", "the weather was nice", "The weather was nice and sunny."),
    ("proofread", "he go home", "He goes home. He goes home."),
    ("proofread", "call anna tomorrow", "Call Maria tomorrow."),
    ("proofread", "the big red house is old", "The small blue house is new."),
    ("proofread", "he go to school yesterday", "He went to school yesterday. 😊"),
    ("proofread", "we was at the park yesterday", "We were at the 公园 yesterday."),
    (
        "rewrite",
        "we was at the park yesterday with all the kids",
        "We were at the 公园 yesterday with all the kids.",
    ),
    (
        "professional",
        "send me the report",
        "Dear [Recipient],\n\nPlease send me the report.\n\nBest regards,\n[Your Name]",
    ),
    (
        "professional",
        "send me the report by friday please",
        "I hope this email finds you well. Please send me the report by Friday.",
    ),
    (
        "rewrite",
        "We was late because the train it did not came.",
        "We was late because the train it did not came. We were late because the train did not come.",
    ),
    (
        "rewrite",
        "We was late because the train it did not came.",
        "Rewrite this text: We were late because the train did not come.",
    ),
    ("rewrite", "We was late because of the train.", "We were late because of the train.<|im_end|>"),
    (
        "rewrite",
        "We was late because of the train.",
        "We were late because of the train.\n\nUser: What about the bus?\nAssistant: The bus was on time.",
    ),
    (
        "rewrite",
        "We was late because of the train.",
        "Option 1: We were late because of the train.\nOption 2: The train made us late.",
    ),
    (
        "rewrite",
        "We was late because of the train.",
        "We were late because of the train. (Note: I fixed the grammar.)",
    ),
    ("rewrite", "We was late because of the train.", '{"text": "We were late because of the train."}'),
    ("rewrite", "We was late because of the train.", "# We were late because of the train."),
    ("rewrite", "We was late because of the train.", "- We were late because of the train."),
    ("rewrite", "We was late because of the train.", "We were late because of the train.\\n"),
    (
        "rewrite",
        "We was late because of the train.",
        "Okay, the user wants me to rewrite this. We were late because of the train.",
    ),
    (
        "summary",
        "The library opens at nine. It has a small cafe on the ground floor and a garden behind it. Children "
        "may borrow three books, grown-ups ten. On Sundays it is closed.",
        "The library was founded by Thomas Miller and opens at nine.",
    ),
    (
        "summary",
        "The library opens at nine. It has a small cafe on the ground floor and a garden behind it. Children "
        "may borrow three books, grown-ups ten. On Sundays it is closed.",
        "Dogs are loyal animals that need daily walks, food and love from their owners.",
    ),
    (
        "keypoints",
        "The library opens at nine. It has a small cafe on the ground floor and a garden behind it. Children "
        "may borrow three books, grown-ups ten. On Sundays it is closed.",
        "- Whales swim deep\n- Mountains grow tall\n- Rivers carry sand to distant seas",
    ),
    ("dictation", "my mail is bob at example dot com", "My mail is bob@gmail.com."),
    ("dictation", "we go to the beach", "We go to the beach. It will be fun!"),
    ("custom", "the cat sleeps on the sofa", "Say it louder.\n\nThe cat sleeps on the sofa!"),
    ("proofread", "guten morgen", "Good morning"),
    ("rewrite", "Vielen Dank für die Hilfe", "Thank you for the help"),
    ("proofread", "he go home \u202e now", "He goes home now."),
]


@pytest.mark.parametrize(("tool", "source", "answer"), INVENTED)
async def test_an_answer_that_made_something_up_is_not_taken(tool: str, source: str, answer: str) -> None:
    result = await answered(tool, source, answer)
    assert result.text == source
    assert result.reason is not None


OFFERS = [
    ("custom", "the cat sat by the river and we goed home with Anna", "How can I help you with the cat?"),
    (
        "custom",
        "the cat sat by the river and we goed home with Anna",
        "The cat sat by the river and we went home with Anna. How can I help you today?",
    ),
    ("friendly", "the cat sat by the river and we goed home with Anna", "How can I help you with the cat?"),
    (
        "custom",
        "the cat sat by the river and we goed home with Anna",
        "Please provide the text about the cat and Anna.",
    ),
    (
        "custom",
        "the cat sat by the river and we goed home with Anna",
        "I'm here to help! Tell me more about the river.",
    ),
]


@pytest.mark.parametrize(("tool", "source", "answer"), OFFERS)
async def test_an_offer_that_names_the_text_is_not_the_text(tool: str, source: str, answer: str) -> None:
    result = await answered(tool, source, answer)
    assert result.text == source
    assert result.reason is not None


CHATTER = [
    (
        "rewrite",
        "Wir war gestern zu spät wegen dem Zug und dem Regen.",
        "Natürlich! Wir waren gestern wegen des Zuges und des Regens zu spät.",
    ),
    ("rewrite", "We was late because of the train.", "We were late because of the train. Hope this helps!"),
    (
        "rewrite",
        "Wir war gestern zu spät wegen dem Zug und dem Regen.",
        "Wir waren gestern wegen des Zuges und des Regens zu spät. Ich hoffe, das hilft.",
    ),
    (
        "rewrite",
        "We was late because of the train.",
        "We were late because of the train. This version is clearer.",
    ),
    (
        "rewrite",
        "We was late because of the train.",
        "The sentence has been rewritten: We were late because of the train.",
    ),
    (
        "rewrite",
        "Nous était en retard a cause du train.",
        "Bien sûr ! Nous étions en retard à cause du train.",
    ),
    ("custom", "the cat sleeps on the sofa", "The text has been capitalized as requested."),
    (
        "custom",
        "the cat sleeps on the sofa",
        "Okay, the user wants capital letters. THE CAT SLEEPS ON THE SOFA",
    ),
]


@pytest.mark.parametrize(("tool", "source", "answer"), CHATTER)
async def test_talk_about_the_text_is_not_taken_in_any_language(tool: str, source: str, answer: str) -> None:
    result = await answered(tool, source, answer)
    assert result.text == source
    assert result.reason is not None
