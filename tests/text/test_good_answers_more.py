"""More good answers that must be taken: grammar, dictated numbers, rewordings."""

from __future__ import annotations

import pytest

from tests.text.scripted import answered

pytestmark = pytest.mark.slow

GOOD = [
    ("proofread", "i think its to late too go their now", "I think it's too late to go there now."),
    (
        "proofread",
        "she have three childrens, two boy and one girls",
        "She has three children, two boys and one girl.",
    ),
    (
        "proofread",
        "the price rised from 10 to 20 dollar last years",
        "The price rose from 10 to 20 dollars last year.",
    ),
    (
        "proofread",
        "We has been waiting since 2 hours for the bus.",
        "We have been waiting for 2 hours for the bus.",
    ),
    (
        "proofread",
        "Er geht jeden tag in die schule weil er lernen will",
        "Er geht jeden Tag in die Schule, weil er lernen will.",
    ),
    (
        "proofread",
        "Elle as mangé une pomme et elle est content",
        "Elle a mangé une pomme et elle est contente.",
    ),
    (
        "proofread",
        "El niño come manzana todo los dia en la escuela",
        "El niño come manzanas todos los días en la escuela.",
    ),
    (
        "proofread",
        "please dont forget too bring you're passport",
        "Please don't forget to bring your passport.",
    ),
    ("proofread", "I'm used to wake up early", "I'm used to waking up early."),
    ("proofread", "He asked me where do I live", "He asked me where I live."),
    ("proofread", "Could you tell me how much costs this", "Could you tell me how much this costs?"),
    ("proofread", "i didnt knew that she was there", "I didn't know that she was there."),
    ("dictation", "send it to anna and um copy bob please", "Send it to Anna and copy Bob, please."),
    ("dictation", "we need to uh buy milk eggs and bread", "We need to buy milk, eggs and bread."),
    ("dictation", "hey can you pick up the kids at five thirty", "Hey, can you pick up the kids at 5:30?"),
    ("dictation", "i will be there in like ten minutes", "I will be there in 10 minutes."),
    (
        "dictation",
        "the total is one thousand two hundred thirty four dollars and fifty cents",
        "The total is $1,234.50.",
    ),
    (
        "dictation",
        "wir brauchen äh noch fünfundzwanzig stühle und zwei tische",
        "Wir brauchen noch 25 Stühle und 2 Tische.",
    ),
    ("dictation", "mi número es seis uno dos tres cuatro cinco", "Mi número es 612345."),
    ("dictation", "il y a vingt et une personnes dans la salle", "Il y a 21 personnes dans la salle."),
    (
        "rewrite",
        "The meeting was postponed by Anna because the report is not ready.",
        "Anna postponed the meeting because the report isn't ready.",
    ),
    (
        "concise",
        "I am writing this in order to inform you that the shipment will be delayed until Monday.",
        "The shipment will be delayed until Monday.",
    ),
    (
        "translate",
        "The meeting starts at half past three on Friday.",
        "Das Treffen beginnt am Freitag um halb vier.",
    ),
    (
        "summary",
        "The library opens at nine. It has a small cafe. On Sundays it is closed.",
        "It is a library with a cafe that opens at nine and closes on Sundays.",
    ),
]


@pytest.mark.parametrize(("tool", "source", "answer"), GOOD)
async def test_a_good_answer_is_taken(tool: str, source: str, answer: str) -> None:
    result = await answered(tool, source, answer)
    assert (" ".join(result.text.split()), result.reason) == (" ".join(answer.split()), None)
