"""Makes one answer of the answers about the parts of a text, and says what a part is shown of the one before; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ingle.text.document import sentences, size
from ingle.text.spans import words
from ingle.text.tool import Output

ECHOED = 3
"""Words of an answer from which on it does not come again by chance."""
ITEM = re.compile(r"(?P<mark>[-*+]|\d+[.)])(?P<gap>\s+)(?P<said>.*)")


def turn_before(output: Output, part: str, answer: str, limit: int) -> tuple[str, str] | None:
    """The end of `part` and of its `answer`, at most `limit` bytes together, each from a sentence or line on.

    Of a table the header is shown too, so that the next part keeps its columns. None where too little fits.
    """
    half = limit // 2
    if output is Output.TABLE:
        shown = _table_end(answer.strip().splitlines(), half)
    elif output is Output.LIST:
        shown = _last(answer.strip().splitlines(keepends=True), half)
    else:
        shown = _last(sentences(answer.strip()), half)
    before = _last(sentences(part.strip()), limit - size(shown))
    return (before, shown) if before and shown else None


def repeats_turn(previous: tuple[str, str], shown: str, answer: str, attempt: int) -> bool:
    """Whether an answer says that of the turn before once more, and this piece does not; in a second attempt no turn was shown."""
    before, said, mine, theirs = (f" {' '.join(words(text))} " for text in (*previous, shown, answer))
    if attempt == 0 and answer.endswith(previous[1]) and shown not in (previous[0], answer):
        return True
    again = said.count(" ") > ECHOED and said in theirs and said not in mine
    return again and before not in mine


def join_parts(output: Output, answers: list[str]) -> str:
    """One digest, list or table. A list is numbered through and says nothing twice; tables of the same columns
    are one, and keep every row."""
    if output is Output.LIST:
        return _join_lists(answers)
    if output is Output.TABLE:
        return _join_tables(answers)
    return "\n\n".join(dict.fromkeys(answer.strip() for answer in answers))


def _last(pieces: list[str], limit: int) -> str:
    """As many of the last pieces as fit."""
    kept: list[str] = []
    room = limit
    for piece in reversed(pieces):
        room -= size(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(reversed(kept)).strip()


def _table_end(lines: list[str], limit: int) -> str:
    head = "\n".join(lines[:2])
    rows = _last([f"\n{line}" for line in lines[2:]], limit - size(head) - 1)
    whole = f"{head}\n{rows}" if rows else head
    return whole if size(whole) <= limit else ""


def _join_lists(answers: list[str]) -> str:
    lines = [line.rstrip() for answer in answers for line in answer.strip().splitlines() if line.strip()]
    marks = [item["mark"] for item in map(ITEM.match, lines) if item]
    numbered = bool(marks) and marks[0][0].isdigit()
    said: set[str] = set()
    joined: list[str] = []
    count = 0
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        item = ITEM.match(line)
        if item is None:
            joined.append(line)
            continue
        point = item["said"].casefold().rstrip(" .;")
        if point in said and not following[:1].isspace():
            continue
        said.add(point)
        count += 1
        mark = f"{count}{marks[0][-1]}" if numbered else marks[0]
        joined.append(f"{mark}{item['gap']}{item['said']}")
    return "\n".join(joined)


def _join_tables(answers: list[str]) -> str:
    tables = [answer.strip().splitlines() for answer in answers]
    if len({_cells(table[:1]) for table in tables}) > 1:
        return "\n\n".join("\n".join(table) for table in tables)
    return "\n".join([*tables[0], *(row for table in tables[1:] for row in table[2:])])


def _cells(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(cell.strip().casefold() for line in lines for cell in line.strip().strip("|").split("|"))
