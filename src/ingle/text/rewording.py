"""Judges a text that was said in other words or made of another one: what must still be there, and what has no ground."""

from __future__ import annotations

import re

from ingle.text import chatter, language, names, polarity, questions, spans, wording
from ingle.text.grammar import GRAMMAR, spoken_language
from ingle.text.reason import Reason

FRAMES = re.compile(
    r"\[(?:your|my|recipient|sender|insert|company|name|date|position|contact|client|manager|title|ihr|dein|votre|su)\b[^\]\n]{0,40}\]|"
    r"(?:^|[.!?\n])\s*(?:(?:best|kind|warm|warmest) regards|best wishes|sincerely|yours (?:truly|faithfully|sincerely)|"
    r"mit freundlichen grüßen|cordialement|bien à vous|saludos cordiales|atentamente|distinti saluti)\b|"
    r"^\s*(?:dear|sehr geehrte\w*|estimad[oa]s?|cher|chère|gentile)\b|(?:^|\n)\s*(?:subject|betreff|objet|asunto|oggetto):|"
    r"\bhope (?:this|the|my) (?:e-?mail|message|letter|note) finds you\b|\bfinds you well\b",
    re.IGNORECASE,
)
"""The parts of a letter that a model puts around a sentence."""
MOST = 5
"""Words of meaning in a sentence from which on one of them must stand on the other side."""
ALONE = 7
"""The same for the only sentence there is, which may be said in quite other words."""
GROUNDED = 0.2
"""The share of the words of meaning of a digest or list that must come from its text."""
TWICE = 0.65
"""The share of a text that each half of an answer holds when it says it twice."""
SENTENCE_END = re.compile(r"[.!?…。！？؟]+[\"'”’»)\]]*(?:\s|\Z)|[。！？]")


def judge_rewording(source: str, answer: str) -> Reason | None:
    """What `rewrite`, `friendly`, `professional` and `concise` may not do; silent on whether the meaning is the same."""
    if questions.replied(source, answer, translated=False):
        return Reason.ANSWERED
    if polarity.turned(source, answer):
        return Reason.CHANGED_NEGATION
    if chatter.says(FRAMES, source, answer):
        return Reason.INVENTED_TEXT
    if names.is_gone(source, answer):
        return Reason.LOST_NAME
    if names.tells_by_capitals(source) and names.is_invented(source, answer):
        return Reason.INVENTED_TEXT
    if says_twice(source, answer):
        return Reason.REPETITION
    return _coverage(source, answer)


def judge_translation(source: str, answer: str, target: str | None) -> Reason | None:
    """What can be told of a translation: a question stays one, sentences are as many, none stays as it was."""
    if questions.replied(source, answer, translated=True):
        return Reason.ANSWERED
    if target in GRAMMAR and spoken_language(source) in GRAMMAR and polarity.is_dropped(source, answer):
        return Reason.CHANGED_NEGATION
    mine, theirs = (len(SENTENCE_END.findall(text)) for text in (source, answer))
    if mine >= 3 and theirs < 0.6 * mine:
        return Reason.LOST_TEXT
    if theirs > 2 * mine + 2:
        return Reason.INVENTED_TEXT
    if language.language_of(source) != target and _stayed(source, answer):
        return Reason.WRONG_LANGUAGE
    return None


def judge_digest(source: str, answer: str, *, is_prose: bool) -> Reason | None:
    """Whether what is told about a text comes from it: its words, and in prose the names."""
    if not _is_told_by_words(source):
        return None
    there = set(wording.content(source))
    said = wording.content(answer, spoken_language(source))
    if len(said) >= MOST and wording.related(said, there) < GROUNDED * len(said):
        return Reason.INVENTED_TEXT
    if is_prose and names.tells_by_capitals(source) and names.is_invented(source, answer):
        return Reason.INVENTED_TEXT
    return None


def says_twice(source: str, answer: str) -> bool:
    """Whether two stretches of the answer each say nearly all of the source."""
    mine = [word for word in wording.content(source) if len(word) > 2]
    if len(mine) < 3 or spans.length(answer) < 1.5 * spans.length(source):
        return False
    said = list(wording.sentences(answer))
    for at in range(1, len(said)):
        halves = set(spans.words(" ".join(said[:at]))), set(spans.words(" ".join(said[at:])))
        if all(wording.related(mine, half) >= TWICE * len(mine) for half in halves):
            return True
    return False


def _is_told_by_words(text: str) -> bool:
    """Whether words of meaning can be told from others: a known language."""
    return language.script_of(text) == "latin" and spoken_language(text) is not None


def _coverage(source: str, answer: str) -> Reason | None:
    """Whether a whole sentence stands for nothing on the other side."""
    if not _is_told_by_words(source):
        return None
    spoken = spoken_language(source)
    mine, theirs = set(wording.content(source, spoken)), set(wording.content(answer, spoken))
    sentences = list(wording.sentences(source))
    least = MOST - 1 if len(sentences) > 1 else ALONE
    if not all(wording.is_told(sentence, theirs, spoken, least) for sentence in sentences):
        return Reason.LOST_TEXT
    if not all(wording.is_told(sentence, mine, spoken, MOST) for sentence in wording.sentences(answer)):
        return Reason.INVENTED_TEXT
    return None


def _stayed(source: str, answer: str) -> bool:
    """Whether a stretch of six words, two of them of grammar, stands in the answer as it was."""
    mine, theirs = spans.words(source), f" {' '.join(spans.words(answer))} "
    for at in range(len(mine) - 5):
        run = mine[at : at + 6]
        if sum(map(language.is_function_word, run)) >= 2 and f" {' '.join(run)} " in theirs:
            return True
    return False
