"""Says which language a text is in, or that it cannot tell: scripts and function words, nothing learned.

Only good enough to notice that an answer left the language of its input
(docs/decisions/004-language-by-function-words.md).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Set

from ingle.text.spans import without_protected, words

MIN_WORDS = 6
FUNCTION_WORDS: dict[str, frozenset[str]] = {
    language: frozenset(text.split())
    for language, text in {
        "en": "the and of to in is that it was for on are with as his they be at this have from or had by but "
        "not what we can were all your you when there use an each which she do how their if will i he my "
        "me am has been would could should don't it's",
        "de": "der die das und ist nicht ich wir sie er es ein eine einen dem den des mit für auf von zu im am "
        "auch dass wie bei oder aber nach wenn noch nur werden wird habe haben hat hatte bin sind war "
        "sich mein dein zum zur",
        "fr": "le la les des de en un à une est et dans que qui pour pas sur avec au aux ce cette il elle nous vous je ne se "
        "du mais plus par sont été être fait ont mon ton son leur où très comme",
        "es": "el los las una es y en que de por con para no se lo su al del como más pero sus le ya está muy "
        "también fue han son mi sin sobre este cuando hay",
        "it": "il lo gli una è e di che in per con non si da del della sono come anche ma più nel alla ha questo "
        "molto ho mio suo dei delle abbiamo quando perché",
        "pt": "o os as uma é e em que de por com para não se do da no na mais mas como ao dos das foi são ele "
        "seu sua você muito também está isso quando",
        "nl": "de het een en van is dat in niet op te zijn met voor aan er maar om ook als dan ik je hij ze we "
        "wij naar bij nog wel uit deze heeft was worden",
        "sv": "och att det som en på är av för med den till inte om ett har de jag var från vi kan man men så",
        "da": "og at det som en på er af for med den til ikke om et har de jeg var fra vi kan man men så der",
        "pl": "i w na z do nie się że jest to o jak ale po co tak za od przez są był dla ma czy już tylko być",
        "tr": "bir ve bu da de için ile çok ne gibi daha var ben sen o ama olarak kadar sonra mi en değil her",
        "fi": "ja on ei se että oli mutta en hän ovat myös kun joka tai niin minä sen vain ole mitä kuin",
        "cs": "a je se na to v že s z do o ale jak za i po by jsem si od jako které už tak nebo byl jsou",
    }.items()
}
SCRIPTS = {
    "CYRILLIC": "cyrillic",
    "GREEK": "greek",
    "ARABIC": "arabic",
    "HEBREW": "hebrew",
    "DEVANAGARI": "devanagari",
    "CJK": "han",
    "HIRAGANA": "kana",
    "KATAKANA": "kana",
    "HANGUL": "hangul",
    "THAI": "thai",
    "LATIN": "latin",
}
WRITTEN_IN: dict[str, set[str]] = {
    "ja": {"kana", "han"},
    "zh": {"han"},
    "ko": {"hangul", "han"},
    "ru": {"cyrillic"},
    "uk": {"cyrillic"},
    "bg": {"cyrillic"},
    "el": {"greek"},
    "ar": {"arabic"},
    "fa": {"arabic"},
    "he": {"hebrew"},
    "hi": {"devanagari"},
    "th": {"thai"},
}
"""The scripts of languages that are not written in Latin letters."""


def script_of(text: str) -> str | None:
    """The script of most letters, or None when there are none."""
    counts: Counter[str] = Counter()
    for character in text[:2000]:
        if character.isalpha():
            name = unicodedata.name(character, "").split(" ")[0].split("-")[0]
            counts[SCRIPTS.get(name, "other")] += 1
    if counts["kana"]:
        return "kana"
    return counts.most_common(1)[0][0] if counts else None


def language_of(text: str) -> str | None:
    """A language code, `script:NAME` for a script other than Latin, or None when the evidence is thin."""
    plain = without_protected(text)
    script = script_of(plain)
    if script not in (None, "latin"):
        return f"script:{script}"
    found = words(plain)
    if len(found) < MIN_WORDS:
        return None
    (best, language), (second, _) = _ranking(found)[:2]
    return language if best >= 2 and best >= 1.5 * second and best >= 0.12 * len(found) else None


def _ranking(found: list[str]) -> list[tuple[int, str]]:
    """How many of the words are function words of each language, most first."""
    return sorted(
        ((sum(word in known for word in found), name) for name, known in FUNCTION_WORDS.items()), reverse=True
    )


def is_function_word(word: str) -> bool:
    """Whether it is a small word of grammar in any language known here."""
    return any(word in known for known in FUNCTION_WORDS.values())


def likeliest(text: str, among: Set[str]) -> str | None:
    """Which of the languages `among` has most function words in a text that may be short; None on a tie."""
    ranking = [entry for entry in _ranking(words(text)) if entry[1] in among]
    (best, language), (second, _) = ranking[:2]
    return language if best > second else None


def is_other(text: str, code: str) -> bool:
    """Whether `text` is certainly not in the language `code`: another script, or another Latin language."""
    script, found = script_of(without_protected(text)), language_of(text)
    if script is not None and script not in WRITTEN_IN.get(code, {"latin"}):
        return True
    return code in FUNCTION_WORDS and found in FUNCTION_WORDS and found != code


def differs(source: str, answer: str) -> bool:
    """True only when both languages are told with certainty and are not the same."""
    mine, theirs = language_of(source), language_of(answer)
    if script_of(source) and script_of(answer) and script_of(source) != script_of(answer):
        return not {script_of(source), script_of(answer)} <= {"han", "kana"}
    return mine is not None and theirs is not None and mine != theirs
