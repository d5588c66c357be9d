"""Finds what must come back unchanged inside prose: code, links, addresses, placeholders, names; and its words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from ingle.text.letters import MARKS, SPACELESS

PROTECTED = re.compile(
    r"""
      (?P<path>(?<![\w/\\.+-])(?:[A-Za-z]:\\(?:[\w.$~-]++\\?)*+|(?:~|\.{1,2})?/(?:[\w.+@~-]*[\w@~-]/?)++|\.{0,2}\w[\w.+-]*+(?:/[\w+-]++)*+/[\w.+-]*\.\w{1,8}\b|[\w.-]++(?:\\[\w.-]++)++))
    | (?P<command>\\[A-Za-z]{2,}+(?:\{[^{}\n]{0,80}\})*+)
    | (?P<escape>\\[\\`*_{}\[\]()\#+.!~|<>nrt-]|\\(?=\s|\Z))
    | (?P<comment><!--[^\n]{0,400}?-->)
    | (?P<code>(?<!`)(?P<ticks>`++)[^\n]+?(?<!`)(?P=ticks)(?!`))
    | (?P<mathematics>\$(?=[^\s$\d])[^$\n]{0,80}(?<=[^\s\\])\$(?!\w))
    | (?P<variable>\$[A-Za-z_]\w*+|(?<!\d)%[A-Za-z_]\w{0,40}%)
    | (?P<autolink><(?:(?:https?|ftp|mailto):[^<>\s]*+|[^<>\s@]{1,64}@[^<>\s]++)>)
    | (?P<url>(?:(?:https?|ftp|mailto):|\bwww\.)(?:[^\s<>()\[\]"']|\([^\s<>()\[\]"']*\))*(?:[^\s<>()\[\]"'.,;:!?*_]|\([^\s<>()\[\]"']*\)))
    | (?P<email>(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++)
    | (?P<target>\](?:\([^()\s]*+(?:\([^()\s]*+\)[^()\s]*+)*+(?:[ \t]++(?:"[^"\n]*+"|'[^'\n]*+'))?\)|\[[^\[\]\n]{0,80}\]))
    | (?P<footnote>\[\^[^\]\s]+\])
    | (?P<named>\[\[[^\[\]\n]{1,200}\]\]|\[[A-Z][A-Z0-9_ -]{0,40}\](?![(\[]))
    | (?P<link>!?\[(?=(?:[^\[\]\n]++|\[[^\[\]\n]*+\](?:\([^()\n]*+\))?)*+\][(\[]))
    | (?P<placeholder>[$\#%]?\{(?:[^{}\n]{0,100}|(?:[^{}\n]{0,60}\{[^{}\n]{0,60}\}){1,8}[^{}\n]{0,60})\}|<%[^%\n]{1,100}%>|\[\[?%[^\]\n]{1,40}%\]?\]
        |%\([A-Za-z_]\w*\)[sdfr]|(?<!%)%(?:\d+\$)?[-+0\#]?\d*(?:\.\d+)?(?:l{0,2}[du]|[sfgix])\b|(?<![%\d])%[@1-9](?![\d%]))
    | (?P<short>(?<![\w:]):(?:[a-z][a-z0-9_+-]{0,40}|[+-]1|100):(?!\w))
    | (?P<mention>(?<![\w.@/])[@\#][A-Za-z_][\w-]*+(?!@)|(?<![\w\#&])\#\d++\b)
    | (?P<flag>(?<![\w-])--[A-Za-z][\w-]*+(?:=[\w./-]*\w)?)
    | (?P<site>(?<![\w@.-])(?:[a-z0-9-]++\.)+(?:com|org|net|edu|gov|dev|app|info|eu|uk|de|fr|es|ch|nl|pl|cz|jp|cn|ru|br|ca)\b(?:/[\w./?=&%\#-]*[\w/])?(?!\.?\w))
    | (?P<file>(?<![\w.-])[\w-]++(?:\.[\w-]++)*\.(?:txt|md|pdf|docx?|xlsx?|pptx?|csv|json|ya?ml|toml|ini|cfg|conf|log|py|js|ts|tsx|jsx|rs|rb|java|cpp|html?|css|xml|svg|png|jpe?g|gif|zip|tar|gz|exe|sh|bat|ps1|sql|mp[34]|wav|gguf)\b)
    | (?P<language>\b(?:[Cc]\+\+|[CcFf]\#|\.NET\b)|(?<!\w)\.NET\b|\bAT&T\b|\bR&D\b)
    | (?P<tag></?[A-Za-z][\w-]*(?:\s[^<>\n]{0,200})?/?>)
    | (?P<entity>&(?:\#\d{1,7}|\#x[\da-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});)
    | (?P<identifier>(?<!\w)[^\W_]++_\w++)
    | (?P<highlight>(?<![\w=])==(?=\w)|(?<=\w)==(?![\w=]))
    | (?P<emphasis>\*{1,3}(?=\S)|(?<=\S)\*{1,3}|~~|(?<!\w)_{1,2}(?=\w)|(?<=\w)_{1,2}(?!\w))
    """,
    re.VERBOSE,
)
"""What must come back as it was; of a link its brackets and target, of emphasis and tags the marks: the words are prose."""
POSITIONAL = re.compile(r"\{\}|(?<!%)%[-+0#]?\d*(?:\.\d+)?[sdfgix]\b")
"""Placeholders that are filled in the order in which they stand."""
VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
"""Elements of HTML that hold nothing and have no end."""
WORD = re.compile(
    rf"[{SPACELESS}]|(?:(?![{SPACELESS}])[^\W\d_][{MARKS}]*)+(?:['’-](?:(?![{SPACELESS}])[^\W\d_][{MARKS}]*)+)*"
)
LETTER_WEIGHT = 0.5
SPOKEN_AS = {
    "@": r"(?:@|\bat\b|\bät\b|\bklammeraffe\b|\barobase\b|\barroba\b|\bchiocciola\b)",
    ".": r"(?:\.|\bdot\b|\bpoint\b|\bperiod\b|\bpunkt\b|\bpunto\b|\bponto\b|\bpunt\b)",
    "/": r"(?:/|(?:\b(?:forward|barra|barre)\W+)?\b(?:slash|schrägstrich|oblique|barra|inclinada)\b)",
    "\\": r"(?:\\|\bback\W?slash\b)",
    ":": r"(?:\bcolon\b|\bdoppelpunkt\b|\bdeux points\b|\bdos puntos\b|:)",
    "-": r"(?:-|\bdash\b|\bhyphen\b|\bminus\b|\bbindestrich\b|\btiret\b|\bgui[oó]n\b)",
    "_": r"(?:_|\bunderscore\b|\bunterstrich\b|\bguion bajo\b)",
    "#": r"(?:#|\bhash\W?(?:tag)?\b|\bnumber\b|\braute\b)",
    "+": r"(?:\+|\bplus\b)",
    "*": r"(?:\*|\basterisk\b|\bstar\b)",
}
"""How the signs of addresses are dictated."""
WINDOW = 8000
"""Letters read at once."""
RECENT = 8
"""Texts whose plain form is remembered: each rule asks for those of a source and an answer."""
MOST_SPOKEN = 100
"""Letters of an address that can have been dictated."""


def protected(text: str) -> Counter[str]:
    """Spans that an improved text must hold as often as the original."""
    return Counter(match[0] for match in PROTECTED.finditer(text))


def is_kept(source: str, answer: str, *, spoken: bool = False) -> bool:
    """Whether `answer` has the protected spans of `source`: as often, links whole, tags as well nested, positions in order.

    Where the source was `spoken`, addresses may be new whose every sign was said (`bob at example dot com`).
    """
    mine, theirs = protected(source), protected(answer)
    if spoken and mine != theirs:
        theirs -= Counter({span: count for span, count in (theirs - mine).items() if _was_said(span, source)})
    return (
        mine == theirs
        and POSITIONAL.findall(source) == POSITIONAL.findall(answer)
        and (_nests(answer) or not _nests(source))
        and _links(source) == _links(answer)
    )


def _was_said(span: str, source: str) -> bool:
    """Whether an address, path, tag or mention stands in `source` as it is spoken."""
    pattern = "".join(
        SPOKEN_AS.get(letter, re.escape(letter) if letter.isalnum() else r"\W*") + r"\W*"
        for letter in span.lower()
    )
    letters = unicodedata.normalize("NFC", source).lower()
    return (
        len(span) <= MOST_SPOKEN
        and any(letter in SPOKEN_AS for letter in span)
        and re.search(rf"(?<!\w){pattern}(?!\w)", letters) is not None
    )


def unbreakable(text: str) -> list[tuple[int, int]]:
    """Where a text must not be cut, in order: protected spans, and links from their first bracket to their target.

    A long text is read in windows, so that no run of odd marks takes more than bounded time.
    """
    held: list[tuple[int, int]] = []
    start = 0
    while start < len(text):
        end = start + WINDOW
        if end < len(text):
            end = max(text.rfind(" ", start, end), text.rfind("\n", start, end)) + 1 or end
        held += [(start + opens, start + ends) for opens, ends in _held(text[start:end])]
        start = max(end, start + 1)
    return held


def _held(text: str) -> list[tuple[int, int]]:
    held: list[tuple[int, int]] = []
    opened: list[int] = []
    for match in PROTECTED.finditer(text):
        start = match.start()
        if match["link"]:
            opened.append(start)
        elif match["target"] and opened:
            start = opened.pop()
        while held and held[-1][0] >= start:
            held.pop()
        held.append((start, match.end()))
    return held


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


@lru_cache(maxsize=RECENT)
def without_protected(text: str) -> str:
    """`text` with a space in the place of each protected span."""
    return PROTECTED.sub(" ", text)


def words(text: str) -> list[str]:
    """The words in lower case, composed; letter by letter where a script has no spaces."""
    return WORD.findall(unicodedata.normalize("NFC", text).lower())


def weight(word: str) -> float:
    """1.0 for a word, less for one letter of a script without spaces (about two to a word)."""
    return LETTER_WEIGHT if word >= "\u0e00" and is_spaceless(word) else 1.0


def length(text: str) -> float:
    """How long a text is, in words, whatever its script."""
    return sum(weight(word) for word in words(text))


def is_spaceless(word: str) -> bool:
    return re.match(f"[{SPACELESS}]", word) is not None


def names(text: str) -> set[str]:
    """Capitalised words that do not open a sentence: people, places, products.

    In languages that capitalise all nouns these are simply the nouns, which must survive too.
    """
    return {word for word, opens in capitalised(text) if not opens}


def openers(text: str) -> set[str]:
    """Capitalised words that open a sentence: a name perhaps, perhaps only the first word."""
    return {word for word, opens in capitalised(text) if opens and len(word) > 2}


def capitalised(text: str) -> list[tuple[str, bool]]:
    """Each capitalised word and whether it opens a sentence."""
    plain = unicodedata.normalize("NFC", without_protected(text))
    found = []
    for match in WORD.finditer(plain):
        word = match[0]
        if len(word) < 2 or not word[0].isupper() or word in {"I'm", "I'll", "I've", "I'd", "OK"}:
            continue
        before = plain[: match.start()].rstrip(" \t\"'“”‘’«»([*_")
        found.append((word, not before or before[-1] in ".!?¿¡:…\n-–—•#>|"))
    return found
