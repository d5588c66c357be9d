from __future__ import annotations

import pytest

from ingle.generation import FinishReason
from ingle.text.guards import Reason, judge, unwrap
from ingle.text.tool import find_tool

SOURCE = "he go to school yesterday and dont came back to the house"
GOOD = "He went to school yesterday and didn't come back to the house."


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("The corrected version is: He went.", "He went."),
        ("Sure! Here is the corrected text:\n\nHe went.", "He went."),
        ('"He went."', "He went."),
        ("“He went.”", "He went."),
        ("```\nHe went.\n```", "He went."),
        ("<think>hm, he goes</think>\nHe went.", "He went."),
        ("Corrected text: He went.", "He went."),
        ("Voici le texte corrigé : Il est allé.", "Il est allé."),
        ("He went.", "He went."),
        ('"He" and "she" went.', '"He" and "she" went.'),
    ],
)
def test_wrappings_are_taken_off(answer: str, expected: str) -> None:
    assert unwrap("he go", answer) == expected


def test_wrappings_that_the_source_has_are_kept() -> None:
    assert unwrap('"he go"', '"He goes."') == '"He goes."'
    assert unwrap("```\nx\n```", "```\nx\n```") == "```\nx\n```"
    assert unwrap("Here is the plan: we go", "Here is the plan: we go.") == "Here is the plan: we go."


@pytest.mark.parametrize(
    ("tool", "source", "answer", "reason"),
    [
        ("proofread", SOURCE, GOOD, None),
        ("proofread", SOURCE, "", Reason.EMPTY),
        ("proofread", SOURCE, "I'm sorry, but I can't help with that.", Reason.REFUSAL),
        ("proofread", SOURCE, "As an AI I have no school.", Reason.REFUSAL),
        ("proofread", SOURCE, "Sure, he went to school yesterday and didn't come back to the house.", Reason.CHATTER),
        ("proofread", SOURCE, GOOD + "\n\nLet me know if you need more.", Reason.CHATTER),
        ("proofread", SOURCE, GOOD + "\nExplanation: past tense.", Reason.CHATTER),
        ("proofread", SOURCE, "<think>so he goes", Reason.THINKING),
        ("proofread", SOURCE, "He went to school. " * 6, Reason.REPETITION),
        ("proofread", SOURCE, "went went went went to school yesterday and came to house", Reason.REPETITION),
        ("proofread", SOURCE, "Er ging gestern in die Schule und kam nicht mehr zurück, das ist es.", Reason.WRONG_LANGUAGE),
        ("proofread", "i has 3 cats", "I have cats.", Reason.LOST_NUMBER),
        ("proofread", "i has cats", "I have 4 cats.", Reason.INVENTED_NUMBER),
        ("proofread", "i has 3 cats", "I have three cats.", None),
        ("proofread", "yesterday i seen Maria at home", "Yesterday I saw her at home.", Reason.LOST_NAME),
        ("proofread", "yesterday i seen Micheal at home", "Yesterday I saw Michael at home.", None),
        ("proofread", "see `teh_code` in http://a.b/c", "See `the_code` in http://a.b/c.", Reason.LOST_MARKUP),
        ("proofread", "dear {name} thank you", "Dear John, thank you.", Reason.LOST_MARKUP),
        ("dictation", "what time is it in tokyo?", "It is now nine in the evening.", Reason.ANSWERED),
        ("proofread", "one two three four five six seven", "One two.", Reason.LOST_TEXT),
        ("proofread", "he go", "He goes to the school every day and likes it a lot there.", Reason.INVENTED_TEXT),
        ("keypoints", "a long text about cats and dogs", "- cats\n- dogs", None),
        ("keypoints", "a long text about cats and dogs", "Cats and dogs.", Reason.NOT_A_LIST),
        ("table", "cats 3 dogs 4", "| animal | n |\n|---|---|\n| cats | 3 |", None),
        ("table", "cats 3 dogs 4", "animal n", Reason.NOT_A_TABLE),
        ("concise", "it is what it is and so on", "it is what it is and so on, which is what it always was for all of us", Reason.INVENTED_TEXT),
    ],
)  # fmt: skip
def test_each_rule(tool: str, source: str, answer: str, reason: Reason | None) -> None:
    found = judge(find_tool(tool), source, answer, FinishReason.STOP)
    assert found == reason


def test_an_answer_cut_by_the_token_limit_is_never_taken() -> None:
    assert judge(find_tool("proofread"), SOURCE, GOOD, FinishReason.LENGTH) is Reason.CUT


def test_an_answer_in_another_language_is_not_taken() -> None:
    source = "the cat is on the table and it was there for the whole day"
    german = "die Katze ist auf dem Tisch und sie war den ganzen Tag nicht von der Stelle"
    assert judge(find_tool("rewrite"), source, german, FinishReason.STOP) is Reason.WRONG_LANGUAGE
    assert judge(find_tool("translate"), source, german, FinishReason.STOP, "de") is None
    assert judge(find_tool("translate"), source, source, FinishReason.STOP, "de") is Reason.WRONG_LANGUAGE
