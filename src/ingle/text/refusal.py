"""Tells an answer that refuses from a text whose own writer apologises, or cannot do a thing."""

from __future__ import annotations

import re

from ingle.text.alignment import SENTENCE, alike
from ingle.text.language import is_function_word
from ingle.text.polarity import DENYING, OPPOSITE, says_no
from ingle.text.spans import words

OWN = 0.7
"""The share of a fragment's words that must stand in the source for the fragment to be the writer's."""
REFUSALS = re.compile(
    r"(?:\bi(?:['’]m| am) (?:sorry|unable|not able)|\bi (?:can(?:no|['’])t|cannot|won['’]t) (?:help|assist|do|comply|"
    r"provide|fulfil|process|correct)|\bas an ai\b|\bas a language model\b|\bi don['’]t have (?:access|the ability)|"
    r"\b(?:please )?provide (?:me with )?the (?:text|sentence)|es tut mir leid|je suis désolée?|lo siento, no)",
    re.IGNORECASE,
)
UNABLE = re.compile(
    r"\bi(?:['’]m| am) (?:unable|not able)|\bi (?:can(?:['’]?t|not)|couldn['’]?t|won['’]?t)\b|"
    r"(?:\A|[,;.!?\n]|\b(?:sorry|but|and|so)\b)\s*(?:can(?:['’]?t|not)|couldn['’]?t|won['’]?t|unable|not able)\b|"
    r"\bkann (?:ich )?\w* ?(?:\w+ )?nicht\b|\bje ne (?:peux|pourrai)\b|\bno (?:puedo|podré)\b",
    re.IGNORECASE,
)
"""What somebody says who cannot do a thing, in a text too, where `I` may be left out."""
APOLOGY = re.compile(r"i(?:['’]m| am) sorry|es tut mir leid|je suis désolée?|lo siento", re.IGNORECASE)
REGRET = re.compile(
    r"\b(?:so+r+y|sry|apolog\w+|my (?:bad|mistake|fault)|forgive|regret\w*|unfortunately|pardon|tut mir lei[dt]|leider|entschuldig\w+|verzeih\w*|d[ée]sol[ée]+s?|navrée?|"
    r"excuse[zr]?-?moi|malheureusement|lo siento|perd[oó]n\w*|disculp\w+|lamento|lamentablemente|mi dispiace|scus\w+|purtroppo|desculp\w+|"
    r"sinto muito|infelizmente|spijt me|helaas|excuses)\b",
    re.IGNORECASE,
)
"""How people apologise."""
POLICY = re.compile(
    r"\b(?:guideline|polic(?:y|ies)|inappropriate|harmful|dangerous|hateful|(?:un)?ethical|illegal|offensive|programm|comfortable|declin|request|richtlinie|unangemessen|"
    r"gefährlich|illégal|inapproprié|dangereu|consigne|inapropiad|peligros|ilegal|directri)\w*",
    re.IGNORECASE,
)
"""Why models refuse."""
HELPING = frozenset("help helping assist assisting helfen aider ayudar".split())
"""What a model says that it cannot do, whatever it was asked."""


def refuses(source: str, answer: str, *, reworded: bool) -> bool:
    """Whether `answer` refuses. Who apologises in the source may do so in the answer, and of what the source says cannot
    be done that may be said; where a text is `reworded` an apology may come before what it tells."""
    for sentence in SENTENCE.split(answer.replace("\n", ". ")):
        for found in REFUSALS.finditer(sentence):
            if is_own(found[0], source) and not _excuses_itself(source, sentence):
                continue
            if APOLOGY.match(found[0]):
                if _apologises(source, sentence, reworded=reworded):
                    continue
            elif UNABLE.match(found[0]) and UNABLE.search(source) and _tells(source, sentence):
                continue
            return True
    return False


def _apologises(source: str, sentence: str, *, reworded: bool) -> bool:
    """Whether an apology is the writer's: for what the text tells, and not for not doing what was asked."""
    if _excuses_itself(source, sentence):
        return False
    if REGRET.search(source):
        return not meaningful(_plain(sentence)) or _tells(source, sentence)
    if not reworded or "?" in source or (says_no(sentence) and not _is_denying(source)):
        return False
    said = meaningful(_plain(sentence))
    least = 0.5 if _is_denying(source) or OPPOSITE.search(source) else 1.0
    parts = [meaningful(_plain(part)) for part in SENTENCE.split(source.replace("\n", ". "))]
    if not any(parts):
        return not said and UNABLE.search(source) is not None
    return any(part and sum(alike(word, said) for word in part) >= least * len(part) for part in parts)


def _excuses_itself(source: str, sentence: str) -> bool:
    """Whether a sentence gives a model's reason, or says that it cannot, and the source nothing of the kind."""
    return _adds(POLICY, sentence, source) or (
        UNABLE.search(sentence) is not None and not _is_denying(source)
    )


def _tells(source: str, sentence: str) -> bool:
    """Whether a sentence says something of the source beside its apology, where that says anything else."""
    there, said = meaningful(_plain(source)), meaningful(_plain(sentence))
    return not there or any(alike(word, there) for word in said)


def _is_denying(text: str) -> bool:
    return says_no(text) or UNABLE.search(text) is not None or DENYING.search(text) is not None


def _plain(text: str) -> str:
    """The text without apologies and refusals."""
    rest = REGRET.sub(" ", UNABLE.sub(" ", REFUSALS.sub(" ", text)))
    return " ".join(word for word in words(rest) if word not in HELPING)


def _adds(rule: re.Pattern[str], sentence: str, source: str) -> bool:
    there = frozenset(words(source))
    return any(not alike(found[0].lower(), there) for found in rule.finditer(sentence))


def is_own(fragment: str, source: str) -> bool:
    """Whether `fragment` is made of the words of `source`."""
    said = words(fragment)
    there = set(words(source))
    return bool(said) and sum(alike(word, there) for word in said) >= OWN * len(said)


def meaningful(text: str) -> set[str]:
    """The words that say what a text is about: those of grammar left out."""
    return {word for word in words(text) if len(word) > 2 and not is_function_word(word)}
