"""Judges whether an answer is the text and nothing else; never repairs what it is not sure of.

Losing or inventing text silently is the worst a text tool can do, so every rule here errs towards
the original: a caller that gets a `Reason` twice returns the words it was given.
"""

from __future__ import annotations

import re
from collections import Counter

from ingle.generation import FinishReason
from ingle.text import chatter, language, marks, numerals, spans, units
from ingle.text.faithful import judge_correction, lost_facts
from ingle.text.numerals import BY_NUMBERS
from ingle.text.reason import Reason as Reason
from ingle.text.refusal import refuses
from ingle.text.rewording import judge_digest, judge_rewording, judge_translation
from ingle.text.shorthand import written_out
from ingle.text.tool import Output, Tool

MARKED = re.compile(r"(?m)^\s*(?:#{1,6}|[-*+•>]|\d{1,3}[.)])\s+\S")
COURTESY = 8
"""Words that politeness may add to a text however short."""
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
    told: tuple[str, str] = ("", ""),
) -> Reason | None:
    """None when `answer` may replace `source`; else the first rule it breaks.

    `target` is a language code when the tool translates, `any_language` says that the instruction asked for
    a language of its own; `told` are the prompts without the text, which it may not say again. All arguments are the whole unit the model saw.
    """
    if (
        finish is FinishReason.STOP
        and answer == source
        and tool.output is Output.SAME
        and not tool.translates
    ):
        return None
    if tool.output is Output.SAME and not tool.translates:
        source = written_out(source, answer)
    return (
        _form(source, answer, finish)
        or _talk(tool, source, answer, told)
        or _fenced(tool, source, answer)
        or _repeats(source, answer)
        or _shape(tool, answer)
        or _facts(tool, source, answer, target)
        or (None if any_language else _language(tool, source, answer, target))
        or _extent(tool, source, answer, target, any_language)
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


def _talk(tool: Tool, source: str, answer: str, told: tuple[str, str]) -> Reason | None:
    reworded = tool.output is Output.FREE or (tool.output is Output.SAME and not tool.keep_names)
    if refuses(source, answer, reworded=reworded and not tool.translates):
        return Reason.REFUSAL
    if chatter.says(chatter.OPENERS, source, answer) or chatter.says(chatter.CLOSERS, source, answer):
        return Reason.CHATTER
    if tool.output is Output.SAME and chatter.quotes(source, answer):
        return Reason.CHATTER
    if chatter.offers(source, answer, told[1] if tool.output is Output.FREE else None):
        return Reason.CHATTER
    free = tool.output is Output.FREE  # an instruction may give words to be written
    if chatter.says(chatter.LEAKS, source, answer):
        return Reason.CHATTER
    if chatter.repeats_prompt(source, answer, "\n".join(told), anywhere=not free):
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


def _facts(tool: Tool, source: str, answer: str, target: str | None) -> Reason | None:
    if marks.is_broken(source, answer):
        return Reason.LOST_TEXT
    if tool.output in (Output.DIGEST, Output.LIST, Output.TABLE):
        rows = answer.count("\n") if tool.output is Output.TABLE else 0
        return Reason.INVENTED_NUMBER if numerals.unfounded_number(source, answer, rows) else None
    if tool.output is not Output.SAME:
        return None
    if not spans.is_kept(source, answer, spoken=tool.clean_speech) or _adds_marker(tool, source, answer):
        return Reason.LOST_MARKUP
    if tool.keep_numbers and not tool.translates and marks.swapped_unit(source, answer):
        return Reason.LOST_NUMBER
    if tool.keep_numbers and units.swapped(source, answer):
        return Reason.LOST_NUMBER
    if tool.keep_names:
        return lost_facts(tool, source, answer)
    if tool.keep_numbers:
        changed = numerals.fact_lost(source, answer, (target or "?") if tool.translates else None)
        if changed is not None:
            return BY_NUMBERS[changed]
        if marks.changed_unit(source, answer):
            return Reason.LOST_NUMBER
    return None


def _adds_marker(tool: Tool, source: str, answer: str) -> bool:
    """Whether a line of the answer is a heading, a quotation or an item of a list, and none of the source is."""
    found = MARKED.search(answer)
    if found is None or MARKED.search(source):
        return False
    spoken = tool.clean_speech and not found[0].strip().startswith(("#", ">"))
    return not spoken and not (found[0].strip()[0].isdigit() and numerals.states_numbers(source))


def _extent(tool: Tool, source: str, answer: str, target: str | None, any_language: bool) -> Reason | None:
    """Bounds on the length, and for corrections on how much of the wording may go."""
    mine, theirs = spans.length(source), spans.length(answer)
    if tool.output in (Output.DIGEST, Output.LIST) and theirs > 1.2 * mine + 20:
        return Reason.INVENTED_TEXT
    if tool.output is Output.FREE:
        return None
    if tool.output is not Output.SAME:
        is_prose = tool.output is Output.DIGEST
        return None if any_language else judge_digest(source, answer, is_prose=is_prose)
    faithful = tool.keep_names
    low, high = (0.7, 1.4) if faithful else (0.1 if tool.shorter else 0.4, 2.5)
    if tool.shorter:
        high = 1.15
    if tool.clean_speech:
        low = 0.4
    if tool.translates and language.script_of(source) != language.script_of(answer):
        low, high = 0.25, 4.0
    reworded = not (faithful or tool.shorter or tool.translates)
    if theirs < low * (mine - (_in_digits(source, answer) if faithful else 0)) - (1 if reworded else 2):
        return Reason.LOST_TEXT
    if theirs > high * mine + (COURTESY if reworded else 4):
        return Reason.INVENTED_TEXT
    if faithful:
        return judge_correction(tool, source, answer)
    return judge_translation(source, answer, target) if tool.translates else judge_rewording(source, answer)


def _in_digits(source: str, answer: str) -> int:
    """How many words of the source may be digits now: `one thousand two hundred and four` is `1,204`."""
    written = numerals.NUMBER.search(answer) is not None
    return sum(written and word in numerals.SPOKEN_NUMBERS for word in spans.words(source))


def _language(tool: Tool, source: str, answer: str, target: str | None) -> Reason | None:
    if tool.translates:
        stayed = target is not None and (
            language.is_other(answer, target)
            or (len(spans.words(source)) > 3 and spans.words(answer) == spans.words(source))
            or marks.foreign_letters(source, answer, frozenset(language.WRITTEN_IN.get(target, {"latin"})))
        )
        return Reason.WRONG_LANGUAGE if stayed else None
    if language.differs(source, answer) or marks.foreign_letters(source, answer):
        return Reason.WRONG_LANGUAGE
    return None
