"""Judges whether an answer is the text and nothing else; never repairs what it is not sure of.

Losing or inventing text silently is the worst a text tool can do, so every rule here errs towards
the original: a caller that gets a `Reason` twice returns the words it was given.
"""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher
from enum import StrEnum

from ingle.generation import FinishReason
from ingle.text import language, spans
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
    INVENTED_TEXT = "invented_text"
    INVENTED_NUMBER = "invented_number"
    ANSWERED = "answered_instead"
    NOT_A_LIST = "not_a_list"
    NOT_A_TABLE = "not_a_table"
    ENGINE = "engine_error"


LEAD_IN = re.compile(
    r"""^\s*(?:(?:sure|certainly|of\ course|absolutely|okay|ok)\b[^\n:]{0,60}?[!.,]\s*)?
    (?:
      here(?:\ is|\ are|['’]s)\b[^\n:]{0,80}:
    | (?:the|your|a)\ (?:corrected|revised|rewritten|improved|proofread|fixed|edited|cleaned|translated|shortened|polished)
        \b[^\n:]{0,60}?(?:\ is|\ reads|\ would\ be)?\ ?:
    | (?:corrected|revised|rewritten|improved|proofread|fixed|edited|cleaned(?:[- ]up)?|translated)
        (?:\ (?:version|text|sentence|paragraph|transcript|dictation))?\ ?:
    | (?:translation|summary|output|answer|result)\ ?:
    | hier\ ist\b[^\n:]{0,80}: | voici\b[^\n:]{0,80}: | aquí\ (?:está|tienes)\b[^\n:]{0,80}: | ecco\b[^\n:]{0,80}:
    )\s*""",
    re.VERBOSE | re.IGNORECASE,
)
OPENERS = re.compile(
    r"^\s*(?:sure[,!.]|certainly[,!.]|of course[,!.]|absolutely[,!.]|here(?: is|['’]s| are)\b.{0,60}(?:text|version|"
    r"sentence|translation|summary|correction|list|table)|(?:i|we)(?: have|['’]ve) (?:corrected|fixed|rewritten|"
    r"revised|proofread|made)|the (?:corrected|revised|rewritten|text you|sentence you|given text|provided text)|"
    r"hier ist (?:der|die|das)|voici (?:le|la|votre)|aquí (?:está|tienes))",
    re.IGNORECASE,
)
CLOSERS = re.compile(
    r"(?:let me know if|i hope (?:this|that) helps|feel free to|is there anything else|would you like me to|"
    r"(?:^|\n)\s*(?:note|explanation|changes(?: made)?|corrections?):)",
    re.IGNORECASE,
)
REFUSALS = re.compile(
    r"(?:\bi(?:['’]m| am) (?:sorry|unable|not able)|\bi (?:can(?:no|['’])t|cannot|won['’]t) (?:help|assist|do|comply|"
    r"provide|fulfil|process|correct)|\bas an ai\b|\bas a language model\b|\bi don['’]t have (?:access|the ability)|"
    r"\b(?:please )?provide (?:me with )?the (?:text|sentence)|es tut mir leid|je suis désolé|lo siento, no)",
    re.IGNORECASE,
)
THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
FENCED = re.compile(r"\A```[\w-]*\n(.*?)\n?```\s*\Z", re.DOTALL)
QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "„": "“"}
LISTED = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+\S")
SEPARATOR = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*$")


def unwrap(source: str, answer: str) -> str:
    """`answer` without the wrapping a model adds around it and the source does not have.

    Only wrappings that cannot be part of the text are taken off: a thinking block, one fence or pair
    of quotes around everything, a lead-in that ends in a colon.
    """
    text = answer
    if not THINKING.search(source):
        text = re.sub(r"<think(?:ing)?>.*?</think(?:ing)?>", "", text, flags=re.DOTALL | re.IGNORECASE)
    text = text.strip()
    fenced = FENCED.match(text)
    if fenced and "```" not in source:
        text = fenced[1].strip()
    if not LEAD_IN.match(source):
        text = LEAD_IN.sub("", text, count=1)
    if source.strip()[:1] not in QUOTES and _quoted_whole(text):
        text = text[1:-1].strip()
    return text


def _quoted_whole(text: str) -> bool:
    closing = QUOTES.get(text[:1])
    if closing is None or len(text) < 3 or text[-1] != closing:
        return False
    return text[0] not in text[1:-1] and closing not in text[1:-1]


def judge(
    tool: Tool, source: str, answer: str, finish: FinishReason | None, target: str | None = None
) -> Reason | None:
    """None when `answer` may replace `source`; else the first rule it breaks.

    `target` is a language code when the tool translates. All arguments are the whole unit the model saw.
    """
    return (
        _form(source, answer, finish)
        or _talk(source, answer)
        or _repeats(source, answer)
        or _shape(tool, answer)
        or _facts(tool, source, answer)
        or _language(tool, source, answer, target)
        or _extent(tool, source, answer)
    )


def _form(source: str, answer: str, finish: FinishReason | None) -> Reason | None:
    if finish is FinishReason.LENGTH:
        return Reason.CUT
    if not answer.strip():
        return Reason.EMPTY
    if finish is FinishReason.LOOP:
        return Reason.REPETITION
    if THINKING.search(answer) and not THINKING.search(source):
        return Reason.THINKING
    return None


def _talk(source: str, answer: str) -> Reason | None:
    if REFUSALS.search(answer) and not REFUSALS.search(source):
        return Reason.REFUSAL
    for rule in (OPENERS, CLOSERS):
        if rule.search(answer) and not rule.search(source):
            return Reason.CHATTER
    return None


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
    if tool.output is not Output.SAME:
        return None
    if spans.protected(source) != spans.protected(answer):
        return Reason.LOST_MARKUP
    if tool.keep_numbers:
        mine, theirs = spans.numbers(source), spans.numbers(answer)
        spoken = set(spans.words(answer))
        if any(number not in theirs and spans.spelled(number) not in spoken for number in mine):
            return Reason.LOST_NUMBER
        if not spans.has_number_words(source) and any(number not in mine for number in theirs):
            return Reason.INVENTED_NUMBER
    if tool.keep_names:
        there = set(spans.words(answer))
        if any(not _alike(name.lower(), there) for name in spans.names(source)):
            return Reason.LOST_NAME
    return None


def _alike(word: str, there: set[str]) -> bool:
    """A name may be corrected by a letter or two; it may not vanish."""
    if word in there or word.removesuffix("'s") in there:
        return True
    return any(
        abs(len(word) - len(other)) <= 2 and SequenceMatcher(None, word, other).ratio() >= 0.75
        for other in there
    )


def _extent(tool: Tool, source: str, answer: str) -> Reason | None:
    """Bounds on the length, and for corrections on how much of the wording may go."""
    mine, theirs = len(spans.words(source)), len(spans.words(answer))
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
    if theirs < low * mine - 2:
        return Reason.LOST_TEXT
    if theirs > high * mine + 4:
        return Reason.INVENTED_TEXT
    if faithful and mine >= 3 and _kept(source, answer) < 0.5:
        return Reason.ANSWERED
    if faithful and mine < 3 and not spans.has_number_words(source) and not _near(source, answer):
        return Reason.ANSWERED
    if faithful and source.rstrip().endswith("?") and "?" not in answer:
        return Reason.ANSWERED
    return None


def _kept(source: str, answer: str) -> float:
    """The share of the source's letters that the answer holds in the same order."""
    mine, theirs = " ".join(spans.words(source)), " ".join(spans.words(answer))
    matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks() if block.size > 1) / max(1, len(mine))


def _near(source: str, answer: str) -> bool:
    """Whether a word or two are still those that were given, misspelt as they may have been."""
    return SequenceMatcher(None, source.lower(), answer.lower(), autojunk=False).ratio() >= 0.4


def _language(tool: Tool, source: str, answer: str, target: str | None) -> Reason | None:
    if tool.translates:
        found = language.language_of(answer)
        wrong = target is not None and found in language.FUNCTION_WORDS and found != target
        return Reason.WRONG_LANGUAGE if wrong else None
    if tool.output is Output.FREE:
        return None
    return Reason.WRONG_LANGUAGE if language.differs(source, answer) else None
