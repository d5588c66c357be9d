"""Tells whether an answer replied to a question that was only to be corrected, reworded or translated."""

from __future__ import annotations

import re

from ingle.text.alignment import alike
from ingle.text.spans import without_protected, words

MARK = re.compile(r"[?？؟]+")
INTERROGATIVES = frozenset(
    "what who whom whose when where why how which was wer wen wem wann wo warum wieso wie welche welcher welches "
    "que qui quand où pourquoi comment quel quelle combien qué quién cuándo dónde cómo cuánto che chi perché".split()
)
"""A text that begins with one is a question also where the question mark was never said."""
ASKING = frozenset(
    "whether if know tell confirm advise wonder wondering ask asking inform explain share clarify update please ob wissen sagen bitte si savoir "
    "dire saber decir se sapere".split()
)
"""What a question that is put as a wish has instead of its mark."""
REPLIES = re.compile(
    r"\s*(?:yes|no|yeah|nope|ja|nein|doch|oui|non|sí|si|sì|sim|não|да|нет)\b\s*[,.!;:]", re.IGNORECASE
)
VERBS = frozenset(
    "can could will would shall should may is are am was were do does did has have had kann kannst können könnt könnte könntest könnten "
    "ist sind bist seid hat hast haben habt wird wirst werden willst wollen soll sollen darf dürfen".split()
)
PRONOUNS = frozenset("i you he she it we they this that there ich du er sie es wir ihr man".split())
"""A verb before one of these begins a question that is not asked with a word."""
PLAIN = frozenset("is are am was were do does did has have ist sind hat".split())
"""Verbs whose question is no request: `can you` may be put as one."""
REQUEST = re.compile(r"\s*(?:please|bitte)\b", re.IGNORECASE)
ASIDES = frozenset(
    "so well and um uh but okay ok hey hi hello please also und aber also et mais y pero".split()
)


def answered(source: str, answer: str) -> bool:
    """Whether a correction lost a question: its mark, its first word, or the order of its first two."""
    if _replied(source, answer):
        return True
    mine, theirs = _marks(source), _marks(answer)
    if theirs < mine:
        return True
    asked, said = _opening(source), _opening(answer)
    if asked and asked[0] in INTERROGATIVES and not alike(asked[0], set(words(answer))):
        return True
    if len(asked) < 2 or len(said) < 2 or theirs > mine > 0:
        return False
    if asked[0] in VERBS and asked[1] in PRONOUNS and not theirs:
        kept = alike(asked[0], {said[0]}) and alike(asked[1], {said[1]})
        return not kept and not REQUEST.match(answer)
    if mine and asked[0] not in VERBS | INTERROGATIVES:  # the mark says that it is still asked
        return False
    turned = alike(asked[0], {said[1]}) and alike(asked[1], {said[0]}) and asked[0] != asked[1]
    return turned and asked[0] not in ASIDES


def replied(source: str, answer: str, *, translated: bool) -> bool:
    """Whether a rewording or translation answers the question it was given; it may put it as a wish."""
    if _replied(source, answer):
        return True
    if not _marks(source) or _marks(answer):
        return False
    if translated:
        return source.rstrip(" \"'”’»)").endswith(("?", "？", "؟"))
    asks = ASKING | INTERROGATIVES
    first = next(iter(_opening(source)), "")
    plain = first in INTERROGATIVES | PLAIN
    return plain and asks.isdisjoint(words(answer))


def _replied(source: str, answer: str) -> bool:
    found = REPLIES.match(answer)
    return found is not None and not alike(words(found[0])[0], set(words(source)))


def _marks(text: str) -> int:
    return len(MARK.findall(without_protected(text)))


def _opening(text: str) -> list[str]:
    """The first two words, asides left out."""
    said = words(text)[:6]
    while len(said) > 2 and said[0] in ASIDES:
        said.pop(0)
    return said[:2]
