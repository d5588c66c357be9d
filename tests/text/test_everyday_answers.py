"""Everyday answers of a capable model that must be taken: misspelt small words, opposites, hours, translations."""

from __future__ import annotations

import pytest

from ingle.text.improve import improve
from tests.text.scripted import ScriptedModel, answered, built_in

pytestmark = pytest.mark.slow

GOOD = [
    (
        "proofread",
        "Its important to except that you can not win every times",
        "It's important to accept that you cannot win every time.",
    ),
    ("proofread", "i dont no what to do", "I don't know what to do."),
    ("proofread", "less people came then expected", "Fewer people came than expected."),
    ("proofread", "Malgré qu'il pleut on va sortir", "Bien qu'il pleuve, nous allons sortir."),
    ("proofread", "Ayer fuistes al cine con tus amigo?", "¿Fuiste ayer al cine con tus amigos?"),
    (
        "rewrite",
        "I can't come to the party because I'm sick.",
        "I'm unable to attend the party as I'm ill.",
    ),
    ("rewrite", "The shop is not open on Sundays.", "The shop is closed on Sundays."),
    ("rewrite", "Das Geschäft ist am Sonntag nicht offen.", "Sonntags bleibt das Geschäft geschlossen."),
    ("rewrite", "Ich kann morgen nicht kommen.", "Morgen bin ich leider verhindert."),
    ("rewrite", "Elle n'a pas réussi son examen.", "Elle a échoué à son examen."),
    (
        "friendly",
        "The meeting is at 3 pm in room 12. Do not be late.",
        "We're looking forward to seeing you at 3 pm in room 12! Please try to be on time.",
    ),
    ("friendly", "Don't touch this.", "Please leave this as it is. Thank you!"),
    (
        "friendly",
        "Your request was denied.",
        "Thanks so much for reaching out! Unfortunately, we weren't able to approve your request this time.",
    ),
    (
        "professional",
        "your code is a mess and nobody gets it",
        "The code is currently difficult to follow and would benefit from restructuring.",
    ),
    (
        "professional",
        "i dunno if anna's gonna make it tmrw",
        "I am not certain whether Anna will be able to attend tomorrow.",
    ),
    (
        "professional",
        "lets talk tmrw about the $5k deal w/ acme",
        "Let us discuss the $5,000 agreement with Acme tomorrow.",
    ),
    ("professional", "oye me pasas el archivo porfa", "¿Podría enviarme el archivo, por favor?"),
]

TRANSLATED = [
    ("de", "No smoking in the building.", "Rauchen im Gebäude verboten."),
    ("de", "The shop isn't open on Sundays.", "Das Geschäft ist sonntags geschlossen."),
    ("fr", "Do not enter.", "Défense d'entrer."),
    ("es", "No parking.", "Prohibido aparcar."),
    ("es", "We close at noon on Saturdays.", "Cerramos a mediodía los sábados."),
    ("de", "Two thirds of the people voted no.", "Zwei Drittel der Menschen stimmten mit Nein."),
    ("es", "Only twenty-one people came.", "Sólo vinieron veintiuna personas."),
    (
        "de",
        "The store opens at 9 a.m. and closes at 6 p.m.",
        "Das Geschäft öffnet um 9 Uhr und schließt um 18 Uhr.",
    ),
    (
        "es",
        "The store opens at 9 a.m. and closes at 6 p.m.",
        "La tienda abre a las 9:00 y cierra a las 18:00.",
    ),
    ("en", "Wir treffen uns um 20 Uhr.", "We are meeting at 8 pm."),
    ("en", "Das Wetter ist heute nicht schlecht.", "The weather is pretty good today."),
    ("en", "Er ist nicht mehr hier.", "He has left."),
    ("en", "Cela ne me dérange pas.", "That's fine with me."),
    ("en", "Ce n'est pas grave.", "It's fine."),
    ("en", "No pasa nada.", "It's all right."),
    ("en", "Es macht nichts.", "It's okay."),
    ("en", "De rien.", "You're welcome."),
]

WRONG_HOURS = [
    ("The store closes at 6 p.m.", "Das Geschäft schließt um 19 Uhr."),
    ("The store opens at 6 a.m.", "Das Geschäft öffnet um 18 Uhr."),
    ("Wir haben 20 Stühle.", "We have 8 chairs."),
]


@pytest.mark.parametrize(("tool", "source", "answer"), GOOD)
async def test_an_everyday_answer_is_taken(tool: str, source: str, answer: str) -> None:
    result = await answered(tool, source, answer)
    assert (result.text, result.reason) == (answer, None)


@pytest.mark.parametrize(("to", "source", "answer"), TRANSLATED)
async def test_an_everyday_translation_is_taken(to: str, source: str, answer: str) -> None:
    assert await _translated(to, source, answer) == answer


@pytest.mark.parametrize(("source", "answer"), WRONG_HOURS)
async def test_an_hour_that_is_another_one_is_not_taken(source: str, answer: str) -> None:
    assert await _translated("en" if source.startswith("Wir") else "de", source, answer) == source


async def test_a_refusal_is_not_taken_for_what_the_text_says_of_its_writer() -> None:
    result = await answered(
        "rewrite", "I can't come to the party because I'm sick.", "I'm unable to help with that."
    )
    assert str(result.reason) == "refusal"


async def _translated(to: str, source: str, answer: str) -> str:
    model = ScriptedModel(lambda _prompt, _asked: answer)
    events = [event async for event in improve(built_in("translate"), source, model, options={"to": to})]
    assert events[-1].result is not None
    return events[-1].result.text
