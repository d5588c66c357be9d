"""Cuts a text into what a model may change and what it never sees, so that it can be joined again exactly.

`"".join(piece.text for piece in cut(text)) == text` holds for every string (a property test).
Markdown constructs are those of CommonMark 0.31 that matter for prose: fenced and indented code,
lists, headings, quotes, thematic breaks, tables (GitHub's extension), link reference definitions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import msgspec

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
RULE = re.compile(r"^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,}|=+)[ \t]*$")
TABLE_ROW = re.compile(r"^\s*\|.*\|\s*$")
LINK_DEFINITION = re.compile(r"^ {0,3}\[[^\]]+\]:\s")
HTML_LINE = re.compile(r"^\s*</?[A-Za-z][^>]*>\s*$|^\s*<!--")
MARKER = re.compile(
    r"^(?:[ \t]*>[ \t]?)*[ \t]*"
    r"(?:(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?|#{1,6}[ \t]+)?"
)
LIST_ITEM = re.compile(r"^\s*(?:[-*+]|\d{1,9}[.)])\s")
SENTENCE_END = re.compile(r"(?<=[.!?…。！？])[\"'”’»)\]]*\s+|(?<=[。！？])")


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


def _lines(text: str) -> Iterator[tuple[str, bool, str]]:
    """Each line with its end, whether it is kept as it is, and the marker that opens it."""
    fence = ""
    in_list = False
    after_blank = True  # or after what is no paragraph: there an indented line is code
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        body = line.rstrip("\r\n")
        found = FENCE.match(body)
        if fence:
            if found and found[1][0] == fence[0] and len(found[1]) >= len(fence):
                fence, after_blank = "", True
            yield line, True, ""
            continue
        if found:
            fence = found[1]
            yield line, True, ""
            continue
        if not body.strip():
            after_blank = True
            yield line, True, ""
            continue
        indented_code = after_blank and not in_list and re.match(r"^(?: {4}|\t)", body) is not None
        kept = any(rule.match(body) for rule in (RULE, TABLE_ROW, LINK_DEFINITION, HTML_LINE))
        if LIST_ITEM.match(body):
            in_list = True
        elif after_blank and not body[0].isspace():
            in_list = False
        found_marker = MARKER.match(body)
        marker = found_marker[0] if found_marker else ""
        after_blank = kept or indented_code or "#" in marker
        yield line, kept or indented_code, "" if kept or indented_code else _opening(marker)


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


def split_prose(text: str, limit: int) -> list[Piece]:
    """Sentences of `text` grouped up to `limit` characters, the white space between them kept.

    A sentence longer than `limit` is cut at white space, a word longer than it at `limit`.
    """
    groups: list[Piece] = []
    current = ""
    for sentence in _sentences(text):
        if current and len(current) + len(sentence) > limit:
            groups.extend(_bare(current))
            current = ""
        while len(current) + len(sentence) > limit:
            room = limit - len(current)
            at = sentence.rfind(" ", 1, room) + 1 or room
            groups.extend(_bare(current + sentence[:at]))
            current, sentence = "", sentence[at:]
        current += sentence
    groups.extend(_bare(current) if current else [])
    return _merge(groups)


def _sentences(text: str) -> list[str]:
    ends = [match.end() for match in SENTENCE_END.finditer(text)]
    edges = [0, *ends, len(text)]
    return [text[a:b] for a, b in pairwise(edges) if b > a]
