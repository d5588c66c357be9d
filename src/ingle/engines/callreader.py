"""Reads the calls behind one start mark, in parts as they come, and knows where they end. Pure."""

from __future__ import annotations

import re
from enum import Enum

from ingle.engines.callobject import CallObject, Piece
from ingle.engines.toolformats import ToolFormat, Writing

_HEAD = re.compile(r"([\w.:/-]+)\s*(?:\[CALL_ID\]\s*[\w-]+\s*)?")
_PART_OF_HEAD = re.compile(r"[\w.:/-]+\s*(?:\[[A-Z_]*(?:\]\s*[\w-]*\s*(?:\[[A-Z_]*)?)?)?")
_LONGEST_HEAD = 512
"""Characters of a name and an id; names have at most 256, and most have fewer than 64."""


class _At(Enum):
    HEAD = "in the name of a headed call"
    BETWEEN = "before, between or behind the objects"
    INSIDE = "inside an object"
    JUNK = "behind the last call, before the end mark"


class CallReader:
    """Feed it text; `take` gives the pieces of calls. Once `over`, `text` is to be shown, and `rest` follows."""

    def __init__(self, format: ToolFormat) -> None:
        self._format = format
        self._headed = format.writing is Writing.HEADED
        self._at = _At.BETWEEN
        self._object = CallObject()
        self._raw = [] if format.keeps_start else [format.start]  # shown if no call comes of it
        self._listed = False
        self._calls = 0
        self._pieces: list[Piece] = []
        self._waiting = ""
        self.over = False
        self.text = ""
        self.rest = ""

    def push(self, text: str) -> None:
        text, self._waiting = self._waiting + text, ""
        at = 0
        while at < len(text) and not self.over:
            mark = self._mark_at(text, at)
            if mark is None:
                self._waiting = text[at:]
                break
            if mark:
                self._take_mark(mark)
            elif self._read(text[at]) is False:
                break  # the character belongs to what follows
            at += len(mark) or 1
        if self.over:
            self.rest = text[at:]
        elif self._at is _At.INSIDE:
            self._pieces += self._object.take()

    def take(self) -> list[Piece]:
        pieces, self._pieces = self._pieces, []
        return pieces

    def finish(self) -> None:
        """Nothing more comes: what was no call is `text`."""
        waiting, self._waiting = self._waiting, ""
        if self._at is _At.BETWEEN and self._calls:
            waiting = ""  # the beginning of an end mark, behind a whole call
        for number, character in enumerate(waiting):
            if self.over or self._read(character) is False:
                self.rest = waiting[number:]
                break
        if self.over:
            return
        self.over = True
        if self._at is _At.INSIDE and self._object.is_call:
            self._pieces += self._object.take()
        elif self._at is _At.INSIDE:
            self.text = "".join(self._raw) + self._object.raw
        elif self._at is not _At.BETWEEN or not self._calls:
            self.text = "".join(self._raw)

    def _mark_at(self, text: str, at: int) -> str | None:
        """The mark that begins at `at`; "" for none, None when more text must tell."""
        if self._at is _At.INSIDE and self._object.quoted:
            return ""
        again = self._headed and self._at is _At.BETWEEN and self._calls > 0
        for mark in (self._format.end, self._format.start if again else ""):
            if mark and text.startswith(mark, at):
                return mark
            if mark and len(text) - at < len(mark) and mark.startswith(text[at:]):
                return None
        return ""

    def _take_mark(self, mark: str) -> None:
        if mark != self._format.end:
            return  # the start mark of a further headed call
        self.over = True
        if self._at is _At.INSIDE and self._object.is_call:
            self._pieces += self._object.take()  # cut short by the model: handed over as it is
        elif self._at is _At.JUNK:
            self.text = "".join(self._raw).strip()
        elif self._at is _At.INSIDE:
            self.text = "".join(self._raw) + self._object.raw + mark
        elif not self._calls:
            self.text = "".join(self._raw) + mark

    def _read(self, character: str) -> bool:
        """False when the calls have ended before `character`."""
        if self._at is not _At.INSIDE:
            self._raw.append(character)
        match self._at:
            case _At.BETWEEN:
                return self._between(character)
            case _At.INSIDE:
                self._inside(character)
            case _At.HEAD:
                self._head(character)
            case _At.JUNK:
                pass
        return True

    def _between(self, character: str) -> bool:
        if character.isspace():
            return True
        if character == "{":
            self._enter(CallObject(needs_arguments=self._format.keeps_start))
            self._raw.pop()
            self._inside(character)
        elif character == "[" and not self._listed and not self._calls:
            self._listed = True
        elif character == "," and self._listed and self._calls:
            self._raw = []
        elif character == "]" and self._listed and self._calls:
            self._raw, self._listed = [], False
            self.over = not self._format.end
        elif self._headed and not self._listed:
            self._at = _At.HEAD
        elif self._calls and self._format.end:
            self._at = _At.JUNK
        else:
            return self._give_up(character)
        return True

    def _give_up(self, character: str) -> bool:
        """No call from here on: what was held is text."""
        self.over = True
        if self._calls:
            self._raw.pop()
            self.text = "".join(self._raw)
            return False
        self.text = "".join(self._raw)
        return True

    def _head(self, character: str) -> None:
        mark = self._format.head
        held = "".join(self._raw).removeprefix(self._format.start).lstrip()
        if held.endswith(mark):
            named = _HEAD.fullmatch(held.removesuffix(mark))
            if named is not None:
                self._enter(CallObject(named[1]))
                return
        if len(held) > _LONGEST_HEAD or not _PART_OF_HEAD.fullmatch(held):
            self.over, self.text = True, "".join(self._raw)

    def _enter(self, call: CallObject) -> None:
        self._object = call
        self._at = _At.INSIDE

    def _inside(self, character: str) -> None:
        self._object.push(character)
        if not self._object.over:
            return
        self._pieces += self._object.take() if self._object.is_call else []
        if not self._object.is_call:
            self.over = True
            self.text = "".join(self._raw) + self._object.raw
            return
        self._at, self._raw = _At.BETWEEN, []
        self._calls += 1
        self.over = not (self._format.end or self._listed or self._headed)
