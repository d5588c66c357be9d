"""Cuts a text into what a model may change and what it never sees, so that it can be joined again exactly.

`"".join(piece.text for piece in cut(text)) == text` holds for every string (a property test).
Markdown constructs are those of CommonMark 0.31 that matter for prose: fenced and indented code,
lists, headings, quotes, thematic breaks, tables (GitHub's extension), link reference definitions,
comments; and a block of front matter at the top, display mathematics, a byte order mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import msgspec

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
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
"""What no prose has: a colour of a terminal, a byte of something else. Its line is kept as it is."""
LIST_ITEM = re.compile(r"^\s*(?:[-*+]|\d{1,9}[.)])\s")
SENTENCE_END = re.compile(r"(?<=[.!?…。！？])[\"'”’»)\]]*\s+|(?<=[。！？])")


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
        self.in_list = False
        self.after_blank = True  # or after what is no paragraph: there an indented line is code

    def read(self, body: str, following: str) -> tuple[bool, str]:
        """Whether the line is kept as it is, and the marker that opens it; `following` is the next line."""
        if self._spans(body, following):
            self.after_blank = True
            return True, ""
        if not body.strip():
            self.after_blank = True
            return True, ""
        indented_code = self.after_blank and not self.in_list and re.match(r"^(?: {4}|\t)", body) is not None
        kept = any(rule.match(body) for rule in (RULE, TABLE_ROW, LINK_DEFINITION, HTML_LINE))
        kept = kept or CONTROL.search(body) is not None
        if LIST_ITEM.match(body):
            self.in_list = True
        elif self.after_blank and not body[0].isspace():
            self.in_list = False
        found_marker = MARKER.match(body)
        marker = found_marker[0] if found_marker else ""
        self.after_blank = kept or indented_code or "#" in marker
        return kept or indented_code, "" if kept or indented_code else _opening(marker)

    def _spans(self, body: str, following: str) -> bool:
        """Whether the line belongs to a fence, a comment, mathematics or a table."""
        if self.fence:
            return self._in_fence(body)
        if self.until:
            if self.until in body:
                self.until = ""
            return True
        if self.in_table and "|" in body:
            return True
        self.in_table = "|" in body and DELIMITER_ROW.match(following) is not None
        if self.in_table:
            return True
        fence = FENCE.match(body)
        if fence and not (fence["one"] == "`" and "`" in fence["info"]):
            self.fence, self.fence_is_quoted = fence["mark"], ">" in fence["lead"]
            return True
        for opening, closing in (("<!--", "-->"), ("$$", "$$")):
            if body.lstrip().startswith(opening):
                self.until = "" if closing in body.lstrip()[len(opening) :] else closing
                return True
        return False

    def _in_fence(self, body: str) -> bool:
        """Whether the open fence holds this line; a line that closes it belongs to it."""
        found = FENCE.match(body)
        if self.fence_is_quoted and ">" not in body:  # the quotation ended, and its fence with it
            self.fence = ""
            return self._spans(body, "")
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
    lines = re.findall(r"[^\n]*\n|[^\n]+", text[len(opening) :])
    for line, following in zip(lines, [*lines[1:], ""], strict=False):
        kept, marker = reader.read(line.rstrip("\r\n"), following.rstrip("\r\n"))
        yield line, kept, marker


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

    A sentence longer than `limit` is cut at white space, a word longer than it at `limit`.
    """
    groups: list[Piece] = []
    current = ""
    for sentence in sentences(text):
        if current and size(current) + size(sentence) > limit:
            groups.extend(_bare(current))
            current = ""
        while size(current) + size(sentence) > limit and len(sentence) > 1:
            room = _letters_within(sentence, limit - size(current))
            at = sentence.rfind(" ", 1, room) + 1 or room
            groups.extend(_bare(current + sentence[:at]))
            current, sentence = "", sentence[at:]
        current += sentence
    groups.extend(_bare(current) if current else [])
    return _merge(groups)


def _letters_within(text: str, limit: int) -> int:
    """How many of the first letters fit `limit` bytes, at least one."""
    return max(1, len(text.encode()[:limit].decode(errors="ignore")))


def sentences(text: str) -> list[str]:
    """Each with the white space behind it; joined they are `text`."""
    ends = [match.end() for match in SENTENCE_END.finditer(text)]
    edges = [0, *ends, len(text)]
    return [text[a:b] for a, b in pairwise(edges) if b > a]
