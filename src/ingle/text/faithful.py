"""Judges whether an answer is a correction of its source: the same words in the same order, only better written."""

from __future__ import annotations

from collections.abc import Set
from difflib import SequenceMatcher

from ingle.text import alignment, language, marks, names, negation, numerals, order, questions, spans, wording
from ingle.text.number_words import HOURS
from ingle.text.numerals import BY_NUMBERS
from ingle.text.reason import Reason
from ingle.text.speech import SPOKEN_WORDS
from ingle.text.tool import Tool

RUN = 4.0
"""Words in a row that a correction may not drop or add: idioms and grammar move up to three."""
ASIDES = frozenset(
    "you know i mean like sort kind of basically actually so yeah right okay ok well anyway".split()
)
"""What speech has between its words and at its end, and writing does not."""
LONG_WORDS = 200
"""Letters in one or two words beyond which their order is not looked at: it would take seconds."""
NEAR, NEAR_SHORT, FEW_LETTERS = 0.55, 0.4, 6
"""How alike one or two words must stay, and those of few letters, which may be an abbreviation (`thx`)."""


def lost_facts(tool: Tool, source: str, answer: str) -> Reason | None:
    """The first thing a correction must keep that is plain to see: figures, names, a no."""
    if tool.keep_numbers:
        changed = numerals.change(source, answer, spoken=False)
        if changed is not None:
            return BY_NUMBERS[changed]
    if tool.keep_names:
        if names.is_lost(source, answer):
            return Reason.LOST_NAME
        if negation.changed(source, answer):
            return Reason.CHANGED_NEGATION
    return None


BY_WORDING = {
    wording.Change.LOST: Reason.LOST_TEXT,
    wording.Change.INVENTED: Reason.INVENTED_TEXT,
    wording.Change.REPLACED: Reason.LOST_TEXT,
}


def judge_correction(tool: Tool, source: str, answer: str) -> Reason | None:
    """What a correction may not do: answer the text, drop or add words, or turn it around."""
    free = numerals.number_words(source) | marks.said_as_signs(source, answer)
    if tool.clean_speech:
        free |= SPOKEN_WORDS | ASIDES | HOURS
    return (
        _answers(source, answer, free)
        or _drops(source, answer, free, free | ASIDES)
        or _numbers(tool, source, answer)
        or _signs(source, answer)
        or _order(tool, source, answer, free - numerals.number_words(source))
    )


def _answers(source: str, answer: str, free: Set[str]) -> Reason | None:
    count, spoken = len(spans.words(source)), numerals.has_number_words(source)
    if count >= 3 and _kept(source, answer, free) < 0.5:
        return Reason.ANSWERED
    if count < 3 and not spoken and not _near(source, answer):
        return Reason.ANSWERED
    return Reason.ANSWERED if questions.answered(source, answer) else None


def _drops(source: str, answer: str, free: Set[str], trailing: Set[str]) -> Reason | None:
    if alignment.lost(source, answer, free, RUN) or alignment.lost_end(source, answer, trailing):
        return Reason.LOST_TEXT
    if alignment.invented(source, answer, RUN):
        return Reason.INVENTED_TEXT
    if names.opener_is_lost(source, answer):
        return Reason.LOST_NAME
    changed = wording.change(source, answer, free)
    if changed is not None:
        return BY_WORDING[changed]
    return Reason.INVENTED_TEXT if names.is_invented(source, answer) else None


def _numbers(tool: Tool, source: str, answer: str) -> Reason | None:
    changed = numerals.change(source, answer) if tool.keep_numbers else None
    return None if changed is None else BY_NUMBERS[changed]


def _signs(source: str, answer: str) -> Reason | None:
    if marks.lost_sign(source, answer):
        return Reason.LOST_TEXT
    return Reason.INVENTED_TEXT if marks.invented_sign(source, answer) else None


def _order(tool: Tool, source: str, answer: str, free: Set[str]) -> Reason | None:
    return Reason.REORDERED if order.reordered(source, answer, strictly=tool.keep_order, free=free) else None


def _kept(source: str, answer: str, free: Set[str]) -> float:
    """The share of the source's letters that the answer holds in the same order; `free` words are not missed."""
    said = [word for word in spans.words(source) if word not in free]
    if numerals.has_number_words(source):  # `the third of April` is `April 3`
        said = [word for word in said if not language.is_function_word(word)]
    mine = " ".join(said)
    theirs = " ".join(spans.words(answer))
    if mine == theirs:
        return 1.0
    matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
    return (
        sum(block.size for block in matcher.get_matching_blocks() if block.size > 1) / len(mine)
        if mine
        else 1.0
    )


def _near(source: str, answer: str) -> bool:
    """Whether a word or two are still those that were given, misspelt as they may have been."""
    matcher = SequenceMatcher(None, source.lower(), answer.lower(), autojunk=False)
    least = NEAR_SHORT if len(source) <= FEW_LETTERS else NEAR
    return (matcher.ratio() if len(source) <= LONG_WORDS else matcher.quick_ratio()) >= least
