"""Reads one JSON object that is a call, character by character, and tells its arguments before it is whole. Pure.

Arguments are handed over exactly as the model wrote them, from their first bracket to the one that closes it.
The reader follows strings and brackets, not the whole grammar of JSON: what a model writes wrongly inside is
the caller's to see, as OpenAI's interface has it, and is never dropped.
"""

from __future__ import annotations

import json

from ingle.engines.toolparsers import parse_json_calls

Piece = tuple[str | None, str, bool]
"""(name when a call begins, its arguments or a part of them, whether the call is whole now)."""

ARGUMENTS = ("arguments", "parameters")


class CallObject:
    """Feed it characters from the first brace on; `take` gives what is certain so far.

    A call begins when its name is known and its arguments have begun. With a `name` given, the object is the
    arguments alone. `needs_arguments`: without arguments it is no call. After `over`, `is_call` has decided.
    """

    def __init__(self, name: str | None = None, *, needs_arguments: bool = False) -> None:
        self._alone = name is not None
        self._needs = needs_arguments
        self._depth = 1 if self._alone else 0
        self._key: str | None = ARGUMENTS[0] if self._alone else None
        self._name = name
        self._token: list[str] = []
        self._raw: list[str] = []
        self._arguments: list[str] | None = None
        self._flowing = False
        self._escaped = False
        self._others: list[Piece] = []
        self._begun = False
        self._told_whole = False
        self.quoted = False
        self.over = False

    @property
    def is_call(self) -> bool:
        return bool(self._others) or (self._name is not None and self._arguments is not None)

    @property
    def raw(self) -> str:
        """Everything that was fed."""
        return "".join(self._raw)

    def push(self, character: str) -> None:
        self._raw.append(character)
        if self._flowing and self._arguments is not None:
            self._arguments.append(character)
        if self.quoted:
            self._in_string(character)
        elif character == '"':
            self.quoted = True
            self._token.append(character)
        elif character in "{[":
            self._deeper(character)
        elif character in "}]":
            self._higher(character)
        elif self._depth == 1 and character == ":" and self._key is None:
            self._key, self._token = str(_value("".join(self._token).strip())), []
        elif self._depth == 1 and character == ",":
            self._field()
        else:
            self._token.append(character)
            # a headed call's arguments begin with a bracket, or there are none
            self.over = self._alone and not self._flowing and not character.isspace()

    def take(self) -> list[Piece]:
        """The pieces that are new since the last time."""
        found, self._others = self._others, []
        if found or self._name is None or self._arguments is None or self._told_whole:
            return found
        new, self._arguments = "".join(self._arguments), []
        self._told_whole = not self._flowing
        if new or not self._begun or self._told_whole:
            found = [(None if self._begun else self._name, new, self._told_whole)]
            self._begun = True
        return found

    def _in_string(self, character: str) -> None:
        self._token.append(character)
        if self._escaped:
            self._escaped = False
        elif character == "\\":
            self._escaped = True
        elif character == '"':
            self.quoted = False

    def _deeper(self, character: str) -> None:
        self._depth += 1
        if self._depth == 1:
            return
        if self._depth == 2 and self._key in ARGUMENTS and self._arguments is None and self._empty():
            self._arguments, self._flowing = [character], True
        self._token.append(character)

    def _higher(self, character: str) -> None:
        self._depth -= 1
        if self._depth > 0:
            self._token.append(character)
        if self._depth == 1 and self._flowing:
            self._flowing = False
            self.over = self._alone
        if self._depth == 0:
            self._field()
            self.over = True
            self._decide()

    def _empty(self) -> bool:
        return not "".join(self._token).strip()

    def _field(self) -> None:
        """A key and its value have ended."""
        key, value = self._key, "".join(self._token).strip()
        self._key, self._token = None, []
        if key == "name" and self._name is None:
            name = _value(value)
            self._name = name if isinstance(name, str) else None
        elif key in ARGUMENTS and self._arguments is None:
            found = _value(value)
            self._arguments = [found if isinstance(found, str) else "{}" if found is None else value]

    def _decide(self) -> None:
        """The object is whole: a call without arguments, or one written in a rarer shape."""
        if self._name is not None and self._arguments is None and not self._needs:
            self._arguments = ["{}"]
        if self._name is None:
            try:
                self._others = [(name, found, True) for name, found in parse_json_calls(self.raw)]
            except (ValueError, RecursionError):
                return


def _value(text: str) -> object:
    """The value of a scalar as JSON has it; the text itself when it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
