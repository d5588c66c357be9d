"""Splits what a model thinks from what it answers, in text that comes in pieces. Pure."""

from __future__ import annotations

import msgspec

from ingle.engines.stops import held_suffix


class ReasoningFormat(msgspec.Struct, frozen=True):
    """The marks around reasoning, as the model's template writes them."""

    open: str
    close: str


THINK = ReasoningFormat("<think>", "</think>")
FORMATS = (THINK, ReasoningFormat("[THINK]", "[/THINK]"), ReasoningFormat("<seed:think>", "</seed:think>"))


def reasoning_format(template: str | None) -> ReasoningFormat:
    """The marks that a chat template speaks of; `<think>` when it speaks of none."""
    for found in FORMATS:
        if template and found.close in template:
            return found
    return THINK


def prompt_opens_reasoning(prompt: str, format: ReasoningFormat = THINK) -> bool:
    """Whether the rendered prompt already ends inside reasoning, as some templates make it."""
    return prompt.rstrip().endswith(format.open)


class ReasoningSplitter:
    """Feed it pieces; each gives (reasoning, answer).

    Reasoning is recognised only at the start of the text (after white space), or from the first
    character when `inside`. The marks, and the white space that follows the closing one, belong to
    neither part.
    """

    def __init__(self, format: ReasoningFormat = THINK, *, inside: bool = False) -> None:
        self._format = format
        self._held = ""
        self._undecided = not inside
        self._trim = inside
        self.inside = inside

    @property
    def trims(self) -> bool:
        """Whether all that came since the closing mark was white space, and is no part of the answer."""
        return self._trim and not self.inside

    def push(self, text: str) -> tuple[str, str]:
        self._held += text
        if self._undecided:
            start = self._held.lstrip()
            if start.startswith(self._format.open):
                self._held = start[len(self._format.open) :]
                self._undecided, self.inside, self._trim = False, True, True
            elif self._format.open.startswith(start):
                return "", ""
            else:
                self._undecided = False
        if self.inside:
            return self._reason()
        return "", self._answer()

    def flush(self) -> tuple[str, str]:
        """What was held back, once it is known that nothing more comes."""
        held, self._held = self._held, ""
        return (held, "") if self.inside else ("", held)

    def _reason(self) -> tuple[str, str]:
        if self._trim:
            self._held = self._held.lstrip("\n")
            self._trim = not self._held
        at = self._held.find(self._format.close)
        if at >= 0:
            thought, self._held = self._held[:at], self._held[at + len(self._format.close) :]
            self.inside, self._trim = False, True
            return thought.rstrip("\n"), self._answer()
        keep = held_suffix(self._held, (self._format.close, "\n" + self._format.close))
        keep = max(keep, len(self._held) - len(self._held.rstrip("\n")))
        safe = self._held[: len(self._held) - keep]
        self._held = self._held[len(self._held) - keep :]
        return safe, ""

    def _answer(self) -> str:
        text, self._held = self._held, ""
        if self._trim:
            text = text.lstrip()
            self._trim = not text
        return text
