"""Judges whether an answer is the text and nothing else; never repairs what it is not sure of.

Losing or inventing text silently is the worst a text tool can do, so every rule here errs towards
the original: a caller that gets a `Reason` twice returns the words it was given.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Set
from difflib import SequenceMatcher
from enum import StrEnum

from ingle.generation import FinishReason
from ingle.text import alignment, chatter, language, numerals, order, spans
from ingle.text.speech import SPOKEN_WORDS
from ingle.text.tool import Output, Tool


class Reason(StrEnum):
    """Why an answer was not taken; part of the API."""

    EMPTY = "empty"
    REFUSAL = "refusal"
    CHATTER = "chatter"
    THINKING = "thinking"
    REPETITION = "repetition"
    CUT = "cut_by_token_limit"
    WRONG_LANGUAGE = "wrong_language"
    LOST_NUMBER = "lost_number"
    LOST_NAME = "lost_name"
    LOST_MARKUP = "lost_markup"
    LOST_TEXT = "lost_text"
    CHANGED_NEGATION = "changed_negation"
    INVENTED_TEXT = "invented_text"
    INVENTED_NUMBER = "invented_number"
    REORDERED = "reordered"
    ANSWERED = "answered_instead"
    NOT_A_LIST = "not_a_list"
    NOT_A_TABLE = "not_a_table"
    ENGINE = "engine_error"


RUN = 4.0
"""Words in a row that a correction may not drop or add: idioms and grammar move up to three."""
TRAILING = frozenset("you know i mean like sort kind of basically actually so yeah right okay ok".split())
"""What speech ends with and writing does not."""
INTERROGATIVES = frozenset(
    "what who whom whose when where why how which was wer wen wem wann wo warum wieso wie welche welcher welches "
    "que qui quand où pourquoi comment quel quelle combien qué quién cuándo dónde cómo cuánto che chi perché".split()
)
"""A text that begins with one is a question also where the question mark was never said."""
LONG_WORDS = 200
"""Letters in one or two words beyond which their order is not looked at: it would take seconds."""
PRONOUNS = frozenset(
    "he she it they him her them his hers its their er sie es ihn ihm ihr il elle lui ils elles el ella ellos".split()
)
NEGATIONS = frozenset(
    "not never none nobody nothing neither nor cannot dont doesnt didnt isnt arent wasnt werent cant couldnt wont "
    "wouldnt shouldnt hasnt havent hadnt aint nicht kein keine keinen keiner keinem nie niemals pas jamais nunca "
    "jamás mai niet geen".split()
)
"""Words whose loss or arrival turns a sentence around. Not `no`, which is a misspelt `know` too often."""
LISTED = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+\S")
SEPARATOR = re.compile(r"^\s*+\|?\s*+:?-{2,}+:?\s*+(?:\|\s*+:?-{2,}+:?\s*+)*+\|?\s*$")


def judge(
    tool: Tool,
    source: str,
    answer: str,
    finish: FinishReason | None,
    target: str | None = None,
    *,
    any_language: bool = False,
) -> Reason | None:
    """None when `answer` may replace `source`; else the first rule it breaks.

    `target` is a language code when the tool translates, `any_language` says that the instruction asked for
    a language of its own. All arguments are the whole unit the model saw.
    """
    if (
        finish is FinishReason.STOP
        and answer == source
        and tool.output is Output.SAME
        and not tool.translates
    ):
        return None
    return (
        _form(source, answer, finish)
        or _talk(tool, source, answer)
        or _fenced(tool, source, answer)
        or _repeats(source, answer)
        or _shape(tool, answer)
        or _facts(tool, source, answer)
        or (None if any_language else _language(tool, source, answer, target))
        or _extent(tool, source, answer)
    )


def _form(source: str, answer: str, finish: FinishReason | None) -> Reason | None:
    if finish is FinishReason.LENGTH:
        return Reason.CUT
    if not answer.strip():
        return Reason.EMPTY
    if finish is FinishReason.LOOP:
        return Reason.REPETITION
    if chatter.THINKING.search(answer) and not chatter.THINKING.search(source):
        return Reason.THINKING
    return None


def _talk(tool: Tool, source: str, answer: str) -> Reason | None:
    if chatter.says(chatter.REFUSALS, source, answer):
        return Reason.REFUSAL
    if chatter.says(chatter.OPENERS, source, answer) or chatter.says(chatter.CLOSERS, source, answer):
        return Reason.CHATTER
    if chatter.offers(source, answer, anywhere=tool.output is Output.FREE):
        return Reason.CHATTER
    return None


def _fenced(tool: Tool, source: str, answer: str) -> Reason | None:
    """A fence in the middle of an answer to text without one: what is code then is a guess."""
    added = any(mark in answer and mark not in source for mark in ("```", "~~~"))
    return Reason.CHATTER if added and tool.output is Output.SAME else None


def _repeats(source: str, answer: str) -> Reason | None:
    """The same run of words three times in a row, or one long sentence three times anywhere."""
    found = spans.words(answer)
    original = " ".join(spans.words(source))
    for size in range(1, 9):
        run = 1
        for start in range(size, len(found) - size + 1):
            run = run + 1 if found[start : start + size] == found[start - size : start] else 1
            if run > 2 * size and " ".join(found[start : start + size] * 3) not in original:
                return Reason.REPETITION
    sentences = Counter(part.strip() for part in re.split(r"(?<=[.!?])\s+|\n", answer) if len(part) > 25)
    if any(count > 2 and source.count(text) < count for text, count in sentences.items()):
        return Reason.REPETITION
    return None


def _shape(tool: Tool, answer: str) -> Reason | None:
    lines = [line for line in answer.splitlines() if line.strip()]
    if tool.output is Output.LIST and not all(LISTED.match(line) or line[0].isspace() for line in lines):
        return Reason.NOT_A_LIST
    if tool.output is Output.TABLE and not (
        len(lines) >= 2 and all("|" in line for line in lines) and SEPARATOR.match(lines[1])
    ):
        return Reason.NOT_A_TABLE
    return None


def _facts(tool: Tool, source: str, answer: str) -> Reason | None:
    if tool.output in (Output.DIGEST, Output.LIST, Output.TABLE):
        rows = answer.count("\n") if tool.output is Output.TABLE else 0
        return Reason.INVENTED_NUMBER if numerals.unfounded_number(source, answer, rows) else None
    if tool.output is not Output.SAME:
        return None
    if not spans.is_kept(source, answer):
        return Reason.LOST_MARKUP
    if tool.keep_numbers:
        if numerals.lost_number(source, answer, spelled_too=False):
            return Reason.LOST_NUMBER
        if numerals.invented_number(source, answer, spelled_too=False):
            return Reason.INVENTED_NUMBER
    if tool.keep_names:
        if _lost_name(source, answer):
            return Reason.LOST_NAME
        if _negates(source) != _negates(answer):
            return Reason.CHANGED_NEGATION
    return None


def _lost_name(source: str, answer: str) -> bool:
    """A name may be corrected by a letter or two; it may not vanish."""
    there = set(spans.words(answer))
    return any(not alignment.alike(name.lower(), there) for name in spans.names(source))


def _lost_opener(source: str, answer: str) -> bool:
    """Whether a first word of a sentence that may be a name went, or became a pronoun.

    It may be an ordinary word all the same: one of grammar is not missed, nor one whose place is taken
    by a new word with the same first letter (`Pls`, `Please`).
    """
    said = Counter(spans.words(answer))
    there = said.keys()
    new = {word[0] for word in said - Counter(spans.words(source)) if word not in PRONOUNS}
    return any(
        not alignment.alike(word, there) and word[0] not in new
        for word in map(str.lower, spans.openers(source))
        if not language.is_function_word(word)
    )


def _negates(text: str) -> bool:
    return any(word in NEGATIONS or word.endswith(("n't", "n’t")) for word in spans.words(text))


def _extent(tool: Tool, source: str, answer: str) -> Reason | None:
    """Bounds on the length, and for corrections on how much of the wording may go."""
    mine, theirs = spans.length(source), spans.length(answer)
    if tool.output in (Output.DIGEST, Output.LIST):
        return Reason.INVENTED_TEXT if theirs > 1.2 * mine + 20 else None
    if tool.output is not Output.SAME:
        return None
    faithful = tool.keep_names
    low, high = (0.7, 1.4) if faithful else (0.1 if tool.shorter else 0.4, 2.5)
    if tool.shorter:
        high = 1.15
    if tool.clean_speech:
        low = 0.4
    if tool.translates and language.script_of(source) != language.script_of(answer):
        low, high = 0.25, 4.0
    if theirs < low * (mine - (_in_digits(source, answer) if faithful else 0)) - 2:
        return Reason.LOST_TEXT
    if theirs > high * mine + 4:
        return Reason.INVENTED_TEXT
    return _faithful(tool, source, answer) if faithful else None


def _in_digits(source: str, answer: str) -> int:
    """How many words of the source may be digits now: `one thousand two hundred and four` is `1,204`."""
    written = numerals.NUMBER.search(answer) is not None
    return sum(written and word in numerals.SPOKEN_NUMBERS for word in spans.words(source))


def _faithful(tool: Tool, source: str, answer: str) -> Reason | None:
    """What a correction may not do: answer the text, drop or add a run of words or a sentence, or turn it around."""
    count, spoken = len(spans.words(source)), numerals.has_number_words(source)
    free = numerals.SPOKEN_NUMBERS | (SPOKEN_WORDS if tool.clean_speech else frozenset())
    if count >= 3 and _kept(source, answer, free) < 0.5:
        return Reason.ANSWERED
    if count < 3 and not spoken and not _near(source, answer):
        return Reason.ANSWERED
    if source.rstrip().endswith("?") and "?" not in answer:
        return Reason.ANSWERED
    asked = next(iter(spans.words(source)), "")
    if asked in INTERROGATIVES and not alignment.alike(asked, set(spans.words(answer))):
        return Reason.ANSWERED
    if alignment.lost(source, answer, free, RUN) or alignment.lost_end(source, answer, free | TRAILING):
        return Reason.LOST_TEXT
    if alignment.invented(source, answer, RUN):
        return Reason.INVENTED_TEXT
    if _lost_opener(source, answer):
        return Reason.LOST_NAME
    if tool.keep_numbers and numerals.lost_number(source, answer):
        return Reason.LOST_NUMBER
    if tool.keep_numbers and numerals.invented_number(source, answer):
        return Reason.INVENTED_NUMBER
    if order.reordered(source, answer, strictly=tool.keep_order, free=free - numerals.SPOKEN_NUMBERS):
        return Reason.REORDERED
    return None


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
    return (matcher.ratio() if len(source) <= LONG_WORDS else matcher.quick_ratio()) >= 0.4


def _language(tool: Tool, source: str, answer: str, target: str | None) -> Reason | None:
    if tool.translates:
        stayed = target is not None and (
            language.is_other(answer, target)
            or (len(spans.words(source)) > 3 and spans.words(answer) == spans.words(source))
        )
        return Reason.WRONG_LANGUAGE if stayed else None
    return Reason.WRONG_LANGUAGE if language.differs(source, answer) else None
