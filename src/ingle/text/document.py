"""Cuts a text into what a model may change and what it never sees, so that it can be joined again exactly.

`"".join(piece.text for piece in cut(text)) == text` holds for every string (a property test).
Markdown constructs are those of CommonMark 0.31 that matter for prose: fenced and indented code,
lists, headings, quotes, thematic breaks, tables (GitHub's extension), link reference definitions,
comments; and a block of front matter at the top, display mathematics, a byte order mark.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise

import msgspec

from ingle.text.letters import MARKS
from ingle.text.spans import unbreakable

LEAD = r"(?P<lead>(?:[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)])[ \t]))*[ \t]*)"
FENCE = re.compile(rf"^{LEAD}(?P<mark>(?P<one>[`~])(?P=one){{2,}})(?P<info>.*)$")
FRONT_MATTER = re.compile(
    r"\A(---|\+\+\+)[ \t]*\r?\n(?=[\w-]+[ \t]*[:=])(?:[^\n]*\n)*?(?:\1|\.\.\.)[ \t]*(?:\r?\n|\Z)"
)
DELIMITER_ROW = re.compile(r"^\s*+\|?\s*+:?-++:?\s*+(?:\|\s*+:?-++:?\s*+)++\|?\s*$")
RULE = re.compile(r"^ {0,3}(?:(?:\*[ \t]*+){3,}+|(?:-[ \t]*+){3,}+|(?:_[ \t]*+){3,}+|=++)[ \t]*$")
TABLE_ROW = re.compile(r"^\s*\|.*\|\s*$")
LINK_DEFINITION = re.compile(r"^ {0,3}\[[^\]]+\]:\s")
HTML_LINE = re.compile(r"^\s*</?[A-Za-z][^>]*>\s*$|^\s*<!--")
MARKER = re.compile(
    r"^(?:[ \t]*>[ \t]?)*[ \t]*"
    r"(?:(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?|#{1,6}[ \t]+)?"
)
ODD = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
"""What no prose has: a colour of a terminal, a byte of something else. Its line is kept as it is."""
LIST_ITEM = re.compile(r"^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]")
CONTAINER = re.compile(r"^\s*:{3,}")
QUOTED = re.compile(r"^(?:[ ]{0,3}>[ \t]?)+")
INDENTED = re.compile(r"^(?: {4}|\t)")
PREFIX = re.compile(LEAD)
OPENING = re.compile(
    r"\s*(?:<!--|\$\$|\\\[|<\?|<!\[CDATA\[|\\begin\{(?P<environment>[\w*]{1,40})\}|<(?P<tag>pre|script|style|textarea|svg|math)\b)",
    re.IGNORECASE,
)
"""What begins lines that are no prose: a comment, mathematics, a program, code of HTML."""
CLOSING = {"<!--": "-->", "$$": "$$", "\\[": "\\]", "<?": "?>", "<![cdata[": "]]>"}
SPACE = re.compile(r"\s")
PAUSE = re.compile("[、，；：,;]")
JOINER = re.compile(f"[{MARKS}\u200d\ufe0f\U0001f3fb-\U0001f3ff\u0e31\u0e33-\u0e3a\u0e47-\u0e4e]")
"""What is seen as one with the letter before it."""
SENTENCE_END = re.compile(r"(?<=[.!?…。！？])[\"'”’»)\]]*\s+|(?<=[。！？])")


LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
"""A line with its end: of Unix, Windows or old Macs."""
BOM = "\ufeff"


class Piece(msgspec.Struct, frozen=True):
    """`prose` pieces go to the model; all others are kept byte for byte."""

    text: str
    prose: bool


def cut(text: str) -> list[Piece]:
    """The pieces of `text` in order; joined they are `text`."""
    pieces: list[Piece] = []
    paragraph: list[str] = []

    def flush() -> None:
        if paragraph:
            pieces.extend(_bare("".join(paragraph)))
            paragraph.clear()

    for line, literal, marker in _lines(text):
        if literal:
            flush()
            pieces.append(Piece(line, False))
        elif marker:
            flush()
            pieces.append(Piece(marker, False))
            paragraph.append(line[len(marker) :])
            if "#" in marker:
                flush()  # a heading ends with its line
        else:
            paragraph.append(line)
    flush()
    return _merge(pieces)


class _Reader:
    """Reads lines in order, and remembers which construct that spans several of them is open."""

    def __init__(self) -> None:
        self.fence = ""
        self.fence_is_quoted = False
        self.until = ""  # what ends a comment or display mathematics
        self.in_table = False
        self.content = 0  # the column where the words of the list item begin
        self.in_quote = False
        self.after_blank = True  # or after what is no paragraph: there an indented line is code

    def read(self, body: str, following: str) -> tuple[bool, str]:
        """Whether the line is kept as it is, and the marker that opens it; `following` is the next line."""
        inside = _within(body)
        if self._spans(body, inside, _within(following)):
            self.after_blank = True
            return True, ""
        if not inside.strip():
            self.after_blank = True
            self.in_quote = ">" in body
            return True, ""
        code = self._is_indented_code(body)
        kept = any(rule.match(inside) for rule in (TABLE_ROW, HTML_LINE, CONTAINER))
        kept = (
            kept or any(rule.match(body) for rule in (RULE, LINK_DEFINITION)) or ODD.search(body) is not None
        )
        item = LIST_ITEM.match(body)
        if item:
            self.content = len(item[0].expandtabs(4))
        elif self.after_blank and not body[0].isspace():
            self.content = 0
        found_marker = MARKER.match(body)
        marker = found_marker[0] if found_marker else ""
        self.after_blank = kept or code or "#" in marker
        self.in_quote = ">" in marker
        return kept or code, "" if kept or code else _opening(marker)

    def _is_indented_code(self, body: str) -> bool:
        """Whether a line is four columns in from where the words of its list or quotation begin."""
        quote = QUOTED.match(body)
        if quote:
            return (self.after_blank or not self.in_quote) and INDENTED.match(body[quote.end() :]) is not None
        columns = len(body[: len(body) - len(body.lstrip(" \t"))].expandtabs(4))
        return self.after_blank and columns >= self.content + 4

    def _spans(self, body: str, inside: str, following: str) -> bool:
        """Whether the line belongs to a fence, a comment, code of HTML, mathematics or a table."""
        if self.fence:
            return self._in_fence(body)
        if self.until:
            if self.until in body.lower():
                self.until = ""
            return True
        if self.in_table and "|" in body:
            return True
        self.in_table = "|" in inside and DELIMITER_ROW.match(following) is not None
        if self.in_table:
            return True
        fence = FENCE.match(body)
        if fence and not (fence["one"] == "`" and "`" in fence["info"]):
            self.fence, self.fence_is_quoted = fence["mark"], ">" in fence["lead"]
            return True
        opening = OPENING.match(inside)
        if opening is None:
            return False
        closing = CLOSING.get(opening[0].strip().lower(), f"</{opening['tag'] or ''}>".lower())
        closing = f"\\end{{{opening['environment']}}}".lower() if opening["environment"] else closing
        self.until = "" if closing in inside[opening.end() :].lower() else closing
        return True

    def _in_fence(self, body: str) -> bool:
        """Whether the open fence holds this line; a line that closes it belongs to it."""
        found = FENCE.match(body)
        if self.fence_is_quoted and ">" not in body:  # the quotation ended, and its fence with it
            self.fence = ""
            return self._spans(body, _within(body), "")
        if found and found["mark"].startswith(self.fence) and not found["info"].strip():
            self.fence = ""
        return True


def _lines(text: str) -> Iterator[tuple[str, bool, str]]:
    """Each line with its end, whether it is kept as it is, and the marker that opens it."""
    front = FRONT_MATTER.match(text.removeprefix(BOM))
    opening = text[: len(text) - len(text.removeprefix(BOM)) + (front.end() if front else 0)]
    if opening:
        yield opening, True, ""
    reader = _Reader()
    lines = LINE.findall(text, len(opening))
    for line, following in zip(lines, [*lines[1:], ""], strict=False):
        kept, marker = reader.read(line.rstrip("\r\n"), following.rstrip("\r\n"))
        yield line, kept, marker


def _within(body: str) -> str:
    """A line without the marks of quotations and lists before it."""
    lead = PREFIX.match(body)
    return body[lead.end() :] if lead else body


def _opening(marker: str) -> str:
    """Plain indentation inside a paragraph is white space of the paragraph, not a new piece."""
    return marker if marker.strip() else ""


def _bare(paragraph: str) -> list[Piece]:
    """A paragraph without its outer white space, which is kept."""
    stripped = paragraph.strip()
    if not any(character.isalpha() for character in stripped):
        return [Piece(paragraph, False)]
    start = paragraph.index(stripped)
    ends = paragraph[:start], paragraph[start + len(stripped) :]
    return [Piece(ends[0], False), Piece(stripped, True), Piece(ends[1], False)]


def _merge(pieces: list[Piece]) -> list[Piece]:
    merged: list[Piece] = []
    for piece in pieces:
        if not piece.text:
            continue
        if merged and not piece.prose and not merged[-1].prose:
            merged[-1] = Piece(merged[-1].text + piece.text, False)
        else:
            merged.append(piece)
    return merged


def size(text: str) -> int:
    """Bytes in UTF-8: nearer to what a model pays than letters, which cost one token each in some scripts."""
    return len(text.encode())


def split_prose(text: str, limit: int) -> list[Piece]:
    """Sentences of `text` grouped up to `limit` bytes, the white space between them kept.

    A sentence longer than `limit` is cut at white space, a word longer than it between two letters. What must not be
    broken (a link, code, a placeholder) and is longer than half of it is no prose.
    """
    pieces: list[Piece] = []
    start = 0
    for opens, ends in unbreakable(text):
        if size(text[opens:ends]) > max(limit // 2, 1):
            pieces += [*_groups(text[start:opens], limit), Piece(text[opens:ends], False)]
            start = ends
    return _merge([*pieces, *_groups(text[start:], limit)])


def _groups(text: str, limit: int) -> list[Piece]:
    groups: list[Piece] = []
    current = ""
    for sentence in sentences(text):
        if current and size(current) + size(sentence) > limit:
            groups.extend(_bare(current))
            current = ""
        held = unbreakable(sentence) if size(current) + size(sentence) > limit else []
        start = 0
        while size(current) + size(sentence[start:]) > limit and len(sentence) - start > 1:
            room = start + _letters_within(sentence[start : start + limit], limit - size(current))
            at = _place(sentence, start, room, held)
            groups.extend(_bare(current + sentence[start:at]))
            current, start = "", at
        current += sentence[start:]
    groups.extend(_bare(current) if current else [])
    return groups


def _place(text: str, start: int, end: int, held: list[tuple[int, int]]) -> int:
    """Where to cut at or before `end`: at white space, else behind a comma, else between two letters that are seen as two."""
    free = [(opens, ends) for opens, ends in held if opens < end and ends > start]
    for rule in (SPACE, PAUSE):
        for match in reversed(list(rule.finditer(text, start + 1, end))):
            if not any(opens < match.end() < ends for opens, ends in free):
                return match.end()
    around = next((opens for opens, ends in free if start < opens < end < ends), end)
    while around > start + 1 and (JOINER.match(text, around) or text[around - 1] == "\u200d"):
        around -= 1
    return around


def _letters_within(text: str, limit: int) -> int:
    """How many of the first letters fit `limit` bytes, at least one."""
    return max(1, len(text.encode()[:limit].decode(errors="ignore")))


def sentences(text: str) -> list[str]:
    """Each with the white space behind it; joined they are `text`. None ends within what must not be broken."""
    held = unbreakable(text)
    starts = [opens for opens, _ in held]
    ends = []
    for match in SENTENCE_END.finditer(text):
        at = bisect_left(starts, match.end()) - 1
        if at < 0 or held[at][1] <= match.start():
            ends.append(match.end())
    edges = [0, *ends, len(text)]
    return [text[a:b] for a, b in pairwise(edges) if b > a]
