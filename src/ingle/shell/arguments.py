"""Splits the words of a command into options, their values and the rest, as getopt would; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from .words import HOLE, Value

_NONE: frozenset[str] = frozenset()


class Arguments:
    """`flags` holds every option seen (clusters both whole and letter by letter, unless `cluster` is false), `rest` the operands."""

    __slots__ = ("cluster", "flags", "rest", "values", "words")

    def __init__(
        self, words: list[Value], takes: Collection[str] = _NONE, *, stop: bool = False, cluster: bool = True
    ) -> None:
        self.words = words
        self.cluster = cluster
        self.flags: set[str] = set()
        self.values: dict[str, list[Value]] = {}
        self.rest: list[Value] = []
        at = 0
        while at < len(words):
            word = words[at]
            text = word.text
            at += 1
            if text == "--":
                self.rest.extend(words[at:])
                return
            if len(text) < 2 or text[0] not in "-+" or (text[0] == "+" and text not in takes):
                self.rest.append(word)
                if stop:
                    self.rest.extend(words[at:])
                    return
                continue
            at = self._option(word, words, at, takes)

    def _option(self, word: Value, words: list[Value], at: int, takes: Collection[str]) -> int:
        text = word.text
        name, equals, value = text.partition("=")
        self.flags.add(name)
        if equals:
            # `cut -d=`: a short option takes the sign itself
            self.values.setdefault(name, []).append(Value(value or "=" * (len(name) == 2), word.taint))
        if text.startswith("--") or name in takes or not self.cluster:
            if name in takes and not equals and at < len(words):
                self.values.setdefault(name, []).append(words[at])
                return at + 1
            return at
        for index, char in enumerate(text[1:], 1):
            letter = text[0] + char
            self.flags.add(letter)
            if letter in takes:
                if index + 1 < len(text):
                    self.values.setdefault(letter, []).append(
                        Value(text[index + 1 :].removeprefix("="), word.taint)
                    )
                    return at
                if at < len(words):
                    self.values.setdefault(letter, []).append(words[at])
                    return at + 1
        return at

    def any(self, *names: str) -> bool:
        return not self.flags.isdisjoint(names)

    def value(self, *names: str) -> Value | None:
        for name in names:
            if name in self.values:
                return self.values[name][-1]
        return None

    def each(self, *names: str) -> list[Value]:
        return [value for name in names for value in self.values.get(name, [])]

    @property
    def uncertain(self) -> bool:
        return any(word.text == HOLE for word in self.words)


def texts(words: Iterable[Value]) -> list[str]:
    return [word.text for word in words]
