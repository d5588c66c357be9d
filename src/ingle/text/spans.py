"""Finds what must come back unchanged inside prose: code, links, addresses, placeholders, names; and its words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

PROTECTED = re.compile(
    r"""
      (?P<escape>\\[\\`*_{}\[\]()\#+.!~|<>-])
    | (?P<code>(?<!`)(?P<ticks>`++)[^\n]+?(?<!`)(?P=ticks)(?!`))
    | (?P<mathematics>\$(?=[^\s$\d])[^$\n]{0,80}(?<=[^\s\\])\$(?!\w))
    | (?P<variable>\$[A-Za-z_]\w*+|(?<!\d)%[A-Za-z_]\w{0,40}%)
    | (?P<autolink><(?:(?:https?|ftp|mailto):[^<>\s]*+|[^<>\s@]{1,64}@[^<>\s]++)>)
    | (?P<url>(?:(?:https?|ftp|mailto):|\bwww\.)[^\s<>()\[\]"']*[^\s<>()\[\]"'.,;:!?*_])
    | (?P<email>(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++)
    | (?P<target>\](?:\([^()\s]*+(?:\([^()\s]*+\)[^()\s]*+)*+(?:[ \t]++(?:"[^"\n]*+"|'[^'\n]*+'))?\)|\[[^\[\]\n]{0,80}\]))
    | (?P<footnote>\[\^[^\]\s]+\])
    | (?P<named>\[\[[^\[\]\n]{1,200}\]\]|\[[A-Z][A-Z0-9_ -]{0,40}\](?![(\[]))
    | (?P<link>!?\[(?=(?:[^\[\]\n]++|\[[^\[\]\n]*+\](?:\([^()\n]*+\))?)*+\][(\[]))
    | (?P<placeholder>\$\{[^{}\n]{1,60}\}|\{\{[^{}\n]{1,60}\}\}|\{%[^{}\n]{1,100}%\}|\{(?:[A-Za-z_][\w.]{0,40}|\d{0,3})\}
        |%\([A-Za-z_]\w*\)[sdfr]|(?<!%)%(?:\d+\$)?[-+0\#]?\d*(?:\.\d+)?[sdfgix]\b)
    | (?P<tag></?[A-Za-z][\w-]*(?:\s[^<>\n]{0,200})?/?>)
    | (?P<entity>&(?:\#\d{1,7}|\#x[\da-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});)
    | (?P<identifier>(?<!\w)[^\W_]++_\w++)
    | (?P<emphasis>\*{1,3}(?=\S)|(?<=\S)\*{1,3}|~~|(?<!\w)_{1,2}(?=\w)|(?<=\w)_{1,2}(?!\w))
    """,
    re.VERBOSE,
)
"""What must come back as it was; of a link its brackets and target, of emphasis and tags the marks: the words are prose."""
POSITIONAL = re.compile(r"\{\}|(?<!%)%[-+0#]?\d*(?:\.\d+)?[sdfgix]\b")
"""Placeholders that are filled in the order in which they stand."""
VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
"""Elements of HTML that hold nothing and have no end."""
MARKS = (
    "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u0900-\u0903\u093a-\u094f\u0951-\u0957"
    "\u0962\u0963\u0981-\u0983\u09bc-\u09cd\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
)
"""Combining marks of Latin, Hebrew, Arabic, Devanagari, Bengali and Thai (Unicode 15.1): parts of their words."""
SPACELESS = (
    "\u0e00-\u0e7f\u0e80-\u0eff\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
"""Thai, Lao, Khmer, kana and Han: written without spaces, so each letter counts for a part of a word."""
WORD = re.compile(
    rf"[{SPACELESS}]|(?:(?![{SPACELESS}])[^\W\d_][{MARKS}]*)+(?:['’-](?:(?![{SPACELESS}])[^\W\d_][{MARKS}]*)+)*"
)
LETTER_WEIGHT = 0.5


def protected(text: str) -> Counter[str]:
    """Spans that an improved text must hold as often as the original."""
    return Counter(match[0] for match in PROTECTED.finditer(text))


def is_kept(source: str, answer: str) -> bool:
    """Whether `answer` has the protected spans of `source`: as often, links whole, tags as well nested, positions in order."""
    return (
        protected(source) == protected(answer)
        and POSITIONAL.findall(source) == POSITIONAL.findall(answer)
        and (_nests(answer) or not _nests(source))
        and _links(source) == _links(answer)
    )


def _links(text: str) -> Counter[tuple[str, str, int]]:
    """Each link: how it opens, its target, how many others are open around it."""
    opened: list[str] = []
    found: Counter[tuple[str, str, int]] = Counter()
    for match in PROTECTED.finditer(text):
        if match["link"]:
            opened.append(match[0])
        elif match["target"]:
            found[opened.pop() if opened else "", match[0], len(opened)] += 1
    return found


def _nests(text: str) -> bool:
    """Whether every tag that opens is closed, the last one first."""
    opened: list[str] = []
    for match in PROTECTED.finditer(text):
        tag = match["tag"]
        name = re.sub(r"[^\w-].*", "", tag.lstrip("</")).lower() if tag else ""
        if not tag or tag.endswith("/>") or name in VOID:
            continue
        if not tag.startswith("</"):
            opened.append(name)
        elif not opened or opened.pop() != name:
            return False
    return not opened


def without_protected(text: str) -> str:
    return PROTECTED.sub(" ", text)


def words(text: str) -> list[str]:
    """The words in lower case, composed; letter by letter where a script has no spaces."""
    return WORD.findall(unicodedata.normalize("NFC", text).lower())


def weight(word: str) -> float:
    """1.0 for a word, less for one letter of a script without spaces (about two to a word)."""
    return LETTER_WEIGHT if word >= "\u0e00" and _is_spaceless(word) else 1.0


def length(text: str) -> float:
    """How long a text is, in words, whatever its script."""
    return sum(weight(word) for word in words(text))


def _is_spaceless(word: str) -> bool:
    return re.match(f"[{SPACELESS}]", word) is not None


def names(text: str) -> set[str]:
    """Capitalised words that do not open a sentence: people, places, products.

    In languages that capitalise all nouns these are simply the nouns, which must survive too.
    """
    return {word for word, opens in _capitalised(text) if not opens}


def openers(text: str) -> set[str]:
    """Capitalised words that open a sentence: a name perhaps, perhaps only the first word."""
    return {word for word, opens in _capitalised(text) if opens and len(word) > 2}


def _capitalised(text: str) -> list[tuple[str, bool]]:
    """Each capitalised word and whether it opens a sentence."""
    plain = unicodedata.normalize("NFC", without_protected(text))
    found = []
    for match in WORD.finditer(plain):
        word = match[0]
        if len(word) < 2 or not word[0].isupper() or word in {"I'm", "I'll", "I've", "I'd", "OK"}:
            continue
        before = plain[: match.start()].rstrip(" \t\"'“”‘’«»([*_")
        found.append((word, not before or before[-1] in ".!?:…\n-–—•#>|"))
    return found
