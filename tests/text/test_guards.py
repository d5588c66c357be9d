from __future__ import annotations

import pytest

from ingle.generation import FinishReason
from ingle.text.chatter import unwrap
from ingle.text.guards import Reason, judge
from tests.text.scripted import built_in

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
        ("**Corrected text:** He went.", "He went."),
        ("**Corrected text**: He went.", "He went."),
        ("**Corrected text: He went.**", "He went.**"),
        ("The text is:\n\nHe went.", "He went."),
        ("The summary is: He went.", "He went."),
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
        (
            "proofread",
            SOURCE,
            "Sure, he went to school yesterday and didn't come back to the house.",
            Reason.CHATTER,
        ),
        ("proofread", SOURCE, GOOD + "\n\nLet me know if you need more.", Reason.CHATTER),
        ("proofread", SOURCE, GOOD + "\nExplanation: past tense.", Reason.CHATTER),
        ("proofread", SOURCE, "<think>so he goes", Reason.THINKING),
        ("proofread", SOURCE, "He went to school. " * 6, Reason.REPETITION),
        ("proofread", SOURCE, "went went went went to school yesterday and came to house", Reason.REPETITION),
        (
            "proofread",
            SOURCE,
            "Er ging gestern in die Schule und kam nicht mehr zurück, das ist es.",
            Reason.WRONG_LANGUAGE,
        ),
        ("proofread", "i has 3 cats", "I have cats.", Reason.LOST_NUMBER),
        ("proofread", "i has cats", "I have 4 cats.", Reason.INVENTED_NUMBER),
        ("proofread", "i has 3 cats", "I have three cats.", None),
        ("proofread", "yesterday i seen Maria at home", "Yesterday I saw her at home.", Reason.LOST_NAME),
        ("proofread", "yesterday i seen Micheal at home", "Yesterday I saw Michael at home.", None),
        (
            "proofread",
            "see `teh_code` in http://a.b/c",
            "See `the_code` in http://a.b/c.",
            Reason.LOST_MARKUP,
        ),
        ("proofread", "dear {name} thank you", "Dear John, thank you.", Reason.LOST_MARKUP),
        ("dictation", "what time is it in tokyo?", "It is now nine in the evening.", Reason.ANSWERED),
        ("proofread", "one two three four five six seven", "One two.", Reason.LOST_TEXT),
        (
            "proofread",
            "he go",
            "He goes to the school every day and likes it a lot there.",
            Reason.INVENTED_TEXT,
        ),
        (
            "custom",
            "the cat sleeps",
            "The cat sleeps.\n\nThe sentence is grammatically correct.",
            Reason.CHATTER,
        ),
        (
            "dictation",
            "what is the capital of australia",
            "The capital of Australia is Canberra.",
            Reason.ANSWERED,
        ),
        ("dictation", "waht is the capital of australia", "What is the capital of Australia?", None),
        (
            "dictation",
            "how many people live in tokyo and why",
            "How many people live in Tokyo?",
            Reason.LOST_TEXT,
        ),
        ("dictation", "it is late you know", "It is late.", None),
        (
            "custom",
            "we was at home",
            "We were at home.\n\nThe corrected version is: We were at home.",
            Reason.CHATTER,
        ),
        ("custom", "we was at home", 'We were at home.\nThe original sentence was "we was".', Reason.CHATTER),
        (
            "custom",
            "we was at home",
            'We were at home.\n\nTo fix the grammar, I changed "was" to "were".',
            Reason.CHATTER,
        ),
        (
            "custom",
            "we was at home",
            "We were at home.\n\nHere's the corrected version: We were at home.",
            Reason.CHATTER,
        ),
        (
            "custom",
            "we was at home yesterday",
            'We were at home yesterday.\n\nThe comma after "yesterday" was added to improve the clarity.',
            Reason.CHATTER,
        ),
        ("custom", "the comma was added by me", "The comma was added by me.", None),
        ("proofread", "yesterday i fixed the bike", "Yesterday I fixed the bike.", None),
        ("proofread", "the text is allready correct", "The text is already correct.", None),
        ("keypoints", "a long text about cats and dogs", "- cats\n- dogs", None),
        ("keypoints", "a long text about cats and dogs", "Cats and dogs.", Reason.NOT_A_LIST),
        ("table", "cats 3 dogs 4", "| animal | n |\n|---|---|\n| cats | 3 |", None),
        ("table", "cats 3 dogs 4", "animal n", Reason.NOT_A_TABLE),
        (
            "concise",
            "it is what it is and so on",
            "it is what it is and so on, which is what it always was for all of us",
            Reason.INVENTED_TEXT,
        ),
    ],
)
def test_each_rule(tool: str, source: str, answer: str, reason: Reason | None) -> None:
    found = judge(built_in(tool), source, answer, FinishReason.STOP)
    assert found == reason


def test_an_answer_cut_by_the_token_limit_is_never_taken() -> None:
    assert judge(built_in("proofread"), SOURCE, GOOD, FinishReason.LENGTH) is Reason.CUT


def test_an_answer_in_another_language_is_not_taken() -> None:
    source = "the cat is on the table and it was there for the whole day"
    german = "die Katze ist auf dem Tisch und sie war den ganzen Tag nicht von der Stelle"
    assert judge(built_in("rewrite"), source, german, FinishReason.STOP) is Reason.WRONG_LANGUAGE
    assert judge(built_in("translate"), source, german, FinishReason.STOP, "de") is None
    assert judge(built_in("translate"), source, source, FinishReason.STOP, "de") is Reason.WRONG_LANGUAGE


@pytest.mark.parametrize(
    ("tool", "source", "answer"),
    [
        ("dictation", "here is what we need milk and eggs", "Here is what we need: milk and eggs."),
        ("dictation", "summary we won the match", "Summary: we won the match."),
        ("dictation", "quote we are done unquote", '"We are done"'),
        ("dictation", "sure i will come", "Sure, I will come."),
        ("dictation", "of course we can come tomorrow", "Of course, we can come tomorrow."),
        ("proofread", "im sorry i am late", "I'm sorry I am late."),
        ("proofread", "i am sory for the delay", "I am sorry for the delay."),
        ("proofread", "i cant help with that", "I can't help with that."),
        ("dictation", "let me no if it works", "Let me know if it works."),
    ],
)
def test_what_the_writer_said_is_neither_chatter_nor_a_refusal(tool: str, source: str, answer: str) -> None:
    assert unwrap(source, answer) == answer
    assert judge(built_in(tool), source, answer, FinishReason.STOP) is None


LETTER = (
    "The meeting starts early. We talk about the plan for next year. Please bring your notes and a pen. "
    "There will be coffee for everyone. Call me. I look forward to it. We end before lunch so that nobody is late."
)


@pytest.mark.parametrize(
    ("tool", "source", "answer", "reason"),
    [
        ("proofread", LETTER, LETTER, None),
        ("proofread", LETTER, LETTER.replace("There will be coffee for everyone. ", ""), Reason.LOST_TEXT),
        ("proofread", LETTER, LETTER.replace("Call me. ", ""), Reason.LOST_TEXT),
        (
            "proofread",
            LETTER,
            LETTER.replace("Call me.", "Call me. I hope you are all well."),
            Reason.INVENTED_TEXT,
        ),
        (
            "proofread",
            "If I would have known, I would of called.",
            "If I had known, I would have called.",
            None,
        ),
        ("proofread", "i do not agree with you", "I do agree with you.", Reason.CHANGED_NEGATION),
        ("proofread", "i agree with you", "I don't agree with you.", Reason.CHANGED_NEGATION),
        ("proofread", "we have 3 cats and 3 dogs", "We have 3 cats and dogs.", Reason.LOST_NUMBER),
        ("dictation", "we meet at three", "We meet at 5.", Reason.LOST_NUMBER),
        ("dictation", "we meet at half past three", "We meet at 3:30.", None),
        ("dictation", "it costs a hundred euros", "It costs 100 euros.", None),
        ("dictation", "there are three apples", "There are 3 apples and 7 pears.", Reason.INVENTED_NUMBER),
        ("dictation", "we have apples", "We have five apples.", Reason.INVENTED_NUMBER),
        ("dictation", "call me comma new line bye full stop", "Call me,\nbye.", None),
        (
            "proofread",
            "Anna called me yesterday and said hello",
            "She called me yesterday and said hello.",
            Reason.LOST_NAME,
        ),
        ("proofread", "Anna, call me back soon", "Call me back soon.", Reason.LOST_NAME),
        ("proofread", "Teh cat sat on the mat", "The cat sat on the mat.", None),
        ("proofread", "Pls send me the file", "Please send me the file.", None),
        ("proofread", "this is **very** good you know", "This is very good, you know.", Reason.LOST_MARKUP),
        ("proofread", "press {0} or %.2f now", "Press 0 or 2 now.", Reason.LOST_MARKUP),
        ("proofread", "see www.example.org for it", "See www.example.com for it.", Reason.LOST_MARKUP),
        ("proofread", "שלום לכולם אני שמח להיות כאן", "שלום לכולם, אני שמח להיות כאן.", None),
        ("proofread", "我昨天去学校了我很高兴", "我昨天去学校了。我很高兴。", None),
        ("proofread", "我昨天去学校了。我很高兴见到你们大家。", "我昨天去学校了。", Reason.LOST_TEXT),
        ("proofread", "नमस्ते मै घर जा रहा हूं", "नमस्ते, मैं घर जा रहा हूँ।", None),
        ("summary", "we sold 12 cars in May", "We sold 15 cars in May.", Reason.INVENTED_NUMBER),
        ("summary", "on 2026-05-01 we sold 12 cars", "We sold 12 cars on May 1, 2026.", None),
        ("keypoints", "we sold 12 cars in May", "1. sold 12 cars\n2. in May", None),
        (
            "table",
            "anna has cats and bob has dogs",
            "| n | who |\n|---|---|\n| 1 | anna |\n| 2 | bob |",
            None,
        ),
    ],
)
def test_what_a_correction_may_and_may_not_do(
    tool: str, source: str, answer: str, reason: Reason | None
) -> None:
    assert judge(built_in(tool), source, unwrap(source, answer), FinishReason.STOP) == reason


ENGLISH = "The weather was fine today, so we all walked along the river until it was dark."
OTHERS = {
    "ja": "今日は天気が良かったので、暗くなるまでみんなで川沿いを歩きました。",
    "zh": "今天天气很好，所以我们大家沿着河边一直走到天黑。",
    "ru": "Сегодня была хорошая погода, поэтому мы все гуляли вдоль реки дотемна.",
    "ar": "كان الطقس جميلا اليوم، لذلك مشينا جميعا على طول النهر حتى حل الظلام.",
}


@pytest.mark.parametrize("code", list(OTHERS))
def test_a_translation_may_be_in_any_script_and_not_half_of_the_text(code: str) -> None:
    tool = built_in("translate")
    assert judge(tool, ENGLISH, OTHERS[code], FinishReason.STOP, code) is None
    assert judge(tool, OTHERS[code], ENGLISH, FinishReason.STOP, "en") is None
    assert judge(tool, ENGLISH * 3, OTHERS[code][:12], FinishReason.STOP, code) is Reason.LOST_TEXT


def test_a_translation_that_stayed_in_another_script_is_not_taken() -> None:
    tool = built_in("translate")
    assert judge(tool, ENGLISH, ENGLISH, FinishReason.STOP, "ja") is Reason.WRONG_LANGUAGE
    assert judge(tool, OTHERS["ru"], OTHERS["ru"], FinishReason.STOP, "en") is Reason.WRONG_LANGUAGE
