"""Takes the calls out of an answer's text while it comes, each in parts as OpenAI's clients expect them. Pure."""

from __future__ import annotations

from ingle.engines.callreader import CallReader
from ingle.engines.stops import held_suffix
from ingle.engines.toolformats import ToolFormat, Writing
from ingle.generation import CallPart


class CallFinder:
    """One choice's calls. `push` and `flush` give (text to show, parts of calls).

    Calls written with JSON come in fragments: the name as soon as it is known, then the arguments as the
    model writes them. Other ways are read whole at their end. What does not turn out to be a call is text,
    marks included: nothing is lost. `made` counts the calls that have begun. With `only_one`, `full` tells
    that the first one is whole, and whatever follows it is not looked at.
    """

    def __init__(self, format: ToolFormat, seed: str, *, only_one: bool = False) -> None:
        self._format = format
        self._only_one = only_one
        self._seed = seed
        self._held = ""
        self._reader: CallReader | None = None
        self._inside = False
        self._blank = True
        self._shown: list[str] = []
        self._parts: list[CallPart] = []
        self._ended = 0
        self.made = 0

    @property
    def full(self) -> bool:
        return self._only_one and self._ended > 0

    @property
    def cut(self) -> bool:
        """Whether the last call has begun and is not whole."""
        return self.made > self._ended

    def push(self, text: str) -> tuple[str, tuple[CallPart, ...]]:
        if self.full:
            return "", ()
        self._held += text
        while self._step():
            pass
        return self._told()

    def flush(self) -> tuple[str, tuple[CallPart, ...]]:
        """The rest, when nothing more comes: a JSON call without its end counts as far as it came, others
        stay text, because half of a call read whole would lose the other half."""
        held, self._held = self._held, ""
        if self.full:
            return "", ()
        if not self._inside:
            self._show(held)
        elif self._reader is not None:
            self._reader.finish()
            self._collect(self._reader)
            self._show(self._reader.text + self._reader.rest)
        else:
            self._show(self._format.start + held)
        self._inside, self._reader = False, None
        return self._told()

    def _told(self) -> tuple[str, tuple[CallPart, ...]]:
        text, parts = "".join(self._shown), tuple(self._parts)
        self._shown, self._parts = [], []
        if self._only_one:
            parts = tuple(part for part in parts if part.index == 0)
        return text, parts

    def _step(self) -> bool:
        """One mark further; False when more text is needed."""
        if self.full:
            return False
        if not self._inside:
            return self._open()
        if self._reader is None:
            return self._close()
        reader, fed, self._held = self._reader, self._held, ""
        reader.push(fed)
        self._collect(reader)
        if not reader.over or self.full:
            return False
        self._inside, self._reader = False, None
        self._show(reader.text)
        self._held = reader.rest
        return bool(self._held)

    def _open(self) -> bool:
        start = self._format.start
        at = self._held.find(start)
        allowed = not self._format.at_start or (self._blank and not self._held[: max(at, 0)].strip())
        if at >= 0 and allowed:
            self._show(self._held[:at])
            self._held = self._held[at + (0 if self._format.keeps_start else len(start)) :]
            self._inside = True
            self._reader = CallReader(self._format) if self._format.writing is not Writing.OWN else None
            return True
        keep = held_suffix(self._held, (start,)) if allowed else 0
        self._show(self._held[: len(self._held) - keep])
        self._held = self._held[len(self._held) - keep :]
        return False

    def _close(self) -> bool:
        at = self._held.find(self._format.end)
        if at < 0:
            return False
        body, self._held = self._held[:at], self._held[at + len(self._format.end) :]
        self._inside = False
        if not self._whole(body):
            self._show(self._format.start + body + self._format.end)
        return True

    def _whole(self, body: str) -> bool:
        """Whether `body` is a call or several, read at once."""
        try:
            found = self._format.parse(body.strip())
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return False
        for name, arguments in found:
            self._begin(name, arguments)
            self._ended += 1
        return bool(found)

    def _collect(self, reader: CallReader) -> None:
        """A call that the model cut short has ended with its body all the same."""
        for name, arguments, over in reader.take():
            if name is not None:
                self._begin(name, arguments)
            elif arguments:
                self._parts.append(CallPart(index=self.made - 1, arguments=arguments))
            self._ended += over
        if reader.over:
            self._ended = self.made

    def _begin(self, name: str, arguments: str) -> None:
        call_id = f"{self._seed}_{self.made}"
        self._parts.append(CallPart(index=self.made, id=call_id, name=name, arguments=arguments))
        self.made += 1
        self._blank = True

    def _show(self, text: str) -> None:
        if self._blank and self.made:
            text = text.lstrip()  # white space between calls says nothing
        if text.strip():
            self._blank = False
        if text:
            self._shown.append(text)
