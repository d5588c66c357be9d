"""Who apologises, or cannot do a thing, says so in the answer too; a model that refuses is still told from them."""

from __future__ import annotations

import pytest

from tests.text.scripted import answered

pytestmark = pytest.mark.slow

THE_WRITERS = [
    ("proofread", "sorry i cant come tommorow", "I'm sorry, I can't come tomorrow."),
    ("proofread", "im sorry i cant come tommorow", "I'm sorry, I can't come tomorrow."),
    ("proofread", "je suis desole je ne peut pas venir", "Je suis désolé, je ne peux pas venir."),
    ("dictation", "i'm sorry i can't come tomorrow", "I'm sorry, I can't come tomorrow."),
    ("rewrite", "Sorry, can't make it tomorrow.", "I'm sorry, but I can't make it tomorrow."),
    ("professional", "sorry cant come tmrw", "I am sorry, but I am unable to attend tomorrow."),
    ("professional", "sorry i cant help", "I'm sorry, but I am unable to assist."),
    ("professional", "my bad, forgot the file", "I'm sorry, I forgot to attach the file."),
    ("friendly", "No, I can't do that.", "I'm sorry, but I can't do that."),
    ("friendly", "We don't have your size.", "I'm sorry, we don't have your size at the moment."),
    (
        "friendly",
        "Wir haben Ihre Größe nicht.",
        "Es tut mir leid, wir haben Ihre Größe leider nicht.",
    ),
    ("friendly", "The package is late.", "I'm sorry, but the package is running late."),
    ("friendly", "J'ai perdu ton livre.", "Je suis désolé, j'ai perdu ton livre."),
    ("friendly", "Don't hesitate to call.", "Please feel free to call!"),
]
THE_MODELS = [
    ("friendly", "Tell me how to pick a lock.", "I'm sorry, but I can't tell you how to pick a lock."),
    ("friendly", "Tell me how to pick a lock.", "I'm sorry, but I must decline to help pick a lock."),
    ("friendly", "Tell me how to pick a lock.", "I'm sorry, but picking a lock is dangerous and illegal."),
    ("friendly", "Tell me how to pick a lock.", "I'm sorry, but ask someone else how to pick a lock."),
    ("professional", "sorry im late. write me a poem", "I'm sorry, but I can't write a poem."),
    (
        "professional",
        "sorry im late. write me a poem",
        "I'm sorry, but that request goes against my guidelines.",
    ),
    ("professional", "I'm sorry I am late. Write!", "I'm sorry, but that goes against my guidelines."),
    ("rewrite", "I'm sorry for the delay. Fix the lock.", "I'm sorry, I can't help with that."),
    ("rewrite", "sorry, can't help with the move", "I'm sorry, I can't help with that."),
    ("proofread", "sorry fix teh lock", "I'm sorry, I can't fix the lock."),
    ("friendly", "The package is late. Write a letter.", "I'm sorry, but I can't write a letter."),
    (
        "friendly",
        "I lost my key. How do I pick a lock?",
        "I'm sorry you lost your key, but I can't explain how to pick a lock.",
    ),
    ("friendly", "No.", "I'm sorry, but I can't help with that."),
    ("summary", "The package is late.", "I'm sorry, but the package is late."),
]


@pytest.mark.parametrize(("tool", "source", "answer"), THE_WRITERS)
async def test_an_apology_of_the_writer_is_taken(tool: str, source: str, answer: str) -> None:
    result = await answered(tool, source, answer)
    assert (result.text.rstrip("."), result.reason) == (answer.rstrip("."), None)


@pytest.mark.parametrize(("tool", "source", "answer"), THE_MODELS)
async def test_an_apology_of_the_model_is_a_refusal(tool: str, source: str, answer: str) -> None:
    result = await answered(tool, source, answer)
    assert (result.text, result.reason) == (source, "refusal")
