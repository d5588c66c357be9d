"""Answers of a weak model that say another number, or yes for no."""

from __future__ import annotations

import pytest

from tests.text.scripted import answered

pytestmark = pytest.mark.slow

NUMBERS = [
    ("proofread", "the rent is 1.5 million euros", "The rent is 15 million euros."),
    ("proofread", "it weigh 10.5 kg", "It weighs 105 kg."),
    ("proofread", "we pay two hundred euros for it", "We pay two thousand euros for it."),
    ("dictation", "it costs about two hundred euros", "It costs about 2000 euros."),
    ("dictation", "it costs about two hundred euros", "It costs about 20 euros."),
    ("dictation", "we sold three million cars", "We sold 3 billion cars."),
    ("dictation", "the code is four zero five", "The code is 45."),
    ("dictation", "we meet at half past three", "We meet at quarter past three."),
    ("dictation", "we meet at half past three", "We meet at 3:45."),
    ("proofread", "lets meet at noon by the gate", "Let's meet at midnight by the gate."),
    ("proofread", "the temperature is -5 degrees today", "The temperature is 5 degrees today."),
    ("proofread", "we lost 5% of it", "We lost 5 of it."),
    ("proofread", "it cost €20 for a ticket", "It costs $20 for a ticket."),
    ("proofread", "J'ai vingt ans et je vit ici", "J'ai trente ans et je vis ici."),
    ("proofread", "Er ist einundzwanzig jahre alt", "Er ist zweiundzwanzig Jahre alt."),
    ("proofread", "wir haben dreihundert stühle", "Wir haben zweihundert Stühle."),
    ("proofread", "tengo treinta y dos años", "Tengo cuarenta y dos años."),
    ("proofread", "ik heb drie katten en een hond", "Ik heb vijf katten en een hond."),
    ("proofread", "eu tem dois gatos em casa", "Eu tenho sete gatos em casa."),
    ("proofread", "我有三只猫和一条狗", "我有五只猫和一条狗。"),
    ("proofread", "add ½ cup of sugar and mix it good", "Add cup of sugar and mix it well."),
    ("proofread", "the area is 10 m² big", "The area is 10 m big."),
    ("proofread", "use version 2.10.3 for it", "Use version 2.1.03 for it."),
    ("proofread", "x > 5 is allways true", "x < 5 is always true."),
    ("summary", "We sold one car to Anna.", "We sold 15 cars to Anna."),
    (
        "summary",
        "In the first half of the year sales went up by 12 percent and we hired 3 people for the office in "
        "the city.",
        "In the first half sales went up by 30 percent.",
    ),
    (
        "keypoints",
        "There is one dog in the house and it sleeps all day.",
        "- 7 dogs in the house\n- They sleep all day",
    ),
    ("rewrite", "We need two hundred chairs for the hall.", "For the hall, we need two thousand chairs."),
    (
        "translate",
        "We need two hundred chairs for the hall.",
        "Wir brauchen zweitausend Stühle für den Saal.",
    ),
    ("proofread", "call me between 10-12 oclock", "Call me between 1012 o'clock."),
]


@pytest.mark.parametrize(("tool", "source", "answer"), NUMBERS)
async def test_a_number_said_otherwise_is_not_taken(tool: str, source: str, answer: str) -> None:
    result = await answered(tool, source, answer)
    assert result.text == source
    assert result.reason is not None


NEGATIONS = [
    ("proofread", "I do not like it and I will not come", "I do like it and I will not come."),
    ("proofread", "He is not tall but he is fast", "He is tall but he is not fast."),
    ("proofread", "it is posible to do it", "It is impossible to do it."),
    ("proofread", "He is happy with the result of the test", "He is unhappy with the result of the test."),
    ("proofread", "we go without Anna to the beach", "We go with Anna to the beach."),
    ("proofread", "there is no water in the pool", "There is water in the pool."),
    ("proofread", "I have no idea why he come", "I have an idea why he came."),
    ("proofread", "ich habe keine zeit und er kommt nicht", "Ich habe Zeit und er kommt nicht."),
    ("rewrite", "I do not agree with the plan of the board.", "I agree with the plan of the board."),
    ("professional", "we dont want to buy the house", "We would like to buy the house."),
    ("proofread", "no, we are coming tomorrow", "Yes, we are coming tomorrow."),
    ("proofread", "He passed the exam yestrday", "He failed the exam yesterday."),
    ("proofread", "the door are open", "The door is closed."),
    ("proofread", "nn so xke nn risponde", "So perché risponde."),
    ("proofread", "das hab ich nix gewust", "Das habe ich gewusst."),
]


@pytest.mark.parametrize(("tool", "source", "answer"), NEGATIONS)
async def test_a_yes_for_a_no_is_not_taken(tool: str, source: str, answer: str) -> None:
    result = await answered(tool, source, answer)
    assert result.text == source
    assert result.reason is not None


ORDER = [
    ("dictation", "call anna then bob then anna then carl", "Call Bob then Anna then Anna then Carl."),
    (
        "dictation",
        "the red car and the blue car and the green bike",
        "The blue car and the red car and the green bike.",
    ),
    (
        "proofread",
        "Anna met Bob and Bob met Carl and Carl met Anna",
        "Bob met Anna and Bob met Carl and Anna met Carl.",
    ),
    (
        "dictation",
        "put the milk before the bread and the milk after the eggs",
        "Put the bread before the milk and the milk after the eggs.",
    ),
    (
        "proofread",
        "We paid 5 euros to Anna, 5 euros to Bob and 7 euros to Carl",
        "We paid 5 euros to Anna, 7 euros to Bob and 5 euros to Carl.",
    ),
]


@pytest.mark.parametrize(("tool", "source", "answer"), ORDER)
async def test_what_is_said_twice_keeps_its_place_too(tool: str, source: str, answer: str) -> None:
    result = await answered(tool, source, answer)
    assert result.text == source
    assert result.reason is not None


@pytest.mark.parametrize(
    ("tool", "source", "answer"),
    [
        ("proofread", "we will meet at 5 pm", "We will meet at 5 am."),
        ("rewrite", "It weighs 20 kg without the box.", "Without the box, it weighs 20 lb."),
        ("translate", "Do not open the door.", "Öffnen Sie die Tür."),
    ],
)
async def test_another_unit_or_a_translation_without_its_no_is_not_taken(
    tool: str, source: str, answer: str
) -> None:
    result = await answered(tool, source, answer)
    assert (result.text, result.reason is None) == (source, False)
