"""Runs one tool over one text: cut, ask, judge, ask once more, else keep the original; join.

Pure but for the `generate` it is handed. Whatever a model does, every piece that is not prose comes
back byte for byte, and a piece whose answer is not taken comes back as it was, with the reason.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing

import msgspec

from ingle.errors import Cancelled, IngleError, InvalidRequest, NotFound, PromptTooLong, UsageError
from ingle.generation import Chunk, FinishReason, Generation, Message, Role, SamplingParams
from ingle.text import guards, spans
from ingle.text.chatter import unwrap
from ingle.text.document import Piece, cut, size, split_prose
from ingle.text.guards import Reason
from ingle.text.language_names import LANGUAGE_CODES, LANGUAGE_NAMES, asks_for_another
from ingle.text.parts import join_parts, repeats_turn, turn_before
from ingle.text.speech import clean_speech
from ingle.text.tool import Output, Tool
from ingle.text.whitespace import flatten, restore, runs

Generate = Callable[[Generation], AsyncIterator[Chunk]]

REMINDER = "Your last answer was not usable. Reply with the resulting text and nothing before or after it."
SURROGATE = re.compile("[\ud800-\udfff]")
CONTEXT_LIMIT = 600
"""Bytes of the piece before and its answer together, which are shown as a turn of context."""


class Kept(msgspec.Struct, frozen=True):
    """A piece whose original was kept: its place in the source (characters) and why."""

    start: int
    end: int
    reason: Reason
    detail: str = ""


class TextResult(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is whole in every case. `kept` is empty when every answer was taken.

    `reason` is the first of `kept`, for machines that want one word. Tokens are those the model made.
    """

    tool: str
    text: str
    changed: bool
    kept: tuple[Kept, ...] = ()
    reason: Reason | None = None
    units: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class TextEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the work: the next piece of the result, and how far we are (0.0 to 1.0).

    The pieces joined are the result's text. `refused` says of the piece why answers were not taken, in order: after the
    first the model was asked once more. The last event has the `result`.
    """

    text: str = ""
    progress: float = 0.0
    refused: tuple[Reason, ...] = ()
    result: TextResult | None = None


class _Answer(msgspec.Struct, frozen=True):
    text: str
    finish: FinishReason | None
    prompt_tokens: int
    completion_tokens: int


class _Unit(msgspec.Struct, frozen=True):
    """What one piece became."""

    text: str
    reason: Reason | None
    detail: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    refused: tuple[Reason, ...] = ()


def estimate_tokens(text: str) -> int:
    """An upper bound on tokens of ordinary text: byte-pair vocabularies rarely exceed one token per
    three UTF-8 bytes of a Latin or CJK text."""
    return math.ceil(size(text) / 3) + 1


def token_limit(text: str) -> int:
    """1.3 times the input and a margin, in tokens; more is a runaway."""
    return math.ceil(1.3 * estimate_tokens(text)) + 48


def unit_limit(tool: Tool, context: int) -> int:
    """Bytes of one piece, so that prompts, a little context, input and answer fit `context` tokens."""
    overhead = estimate_tokens(tool.system + tool.user) + 2 * CONTEXT_LIMIT // 3 + 160
    return max(200, min(2400, int((context - overhead) / 2.4 * 3)))


async def improve(
    tool: Tool,
    text: str,
    generate: Generate,
    *,
    options: Mapping[str, str] | None = None,
    context: int = 2048,
    clean: bool = True,
) -> AsyncGenerator[TextEvent, None]:
    """Events of one run; the last has the result. `context` is the model's, in tokens.

    Raises `InvalidRequest` for a missing option or an oversized text before any model is asked, and
    passes on what ends the whole work (`Cancelled`, a model that cannot be used); a failure inside one
    piece keeps that piece.
    """
    given = _options(tool, options or {})
    if len(text) > tool.max_input:
        raise InvalidRequest(
            f"The text has {len(text)} characters; {tool.name} takes {tool.max_input}.",
            hint="Split it, or raise max_input in a tool file of your own.",
            characters=len(text),
            limit=tool.max_input,
        )
    if broken := SURROGATE.search(text):
        raise InvalidRequest(
            f"Character {broken.start() + 1} of the text is half of a pair that makes one letter.",
            hint="Send the text as UTF-8; in JSON write both halves (\\ud83d\\ude00).",
            character=broken.start() + 1,
        )
    tool.fill("", given)
    run = _Run(tool, generate, given, unit_limit(tool, context))
    is_itself = tool.output is Output.SAME or not text.strip()  # of no text there is nothing to say
    events = run.same(text, clean) if is_itself else run.about(text)
    async with aclosing(events):
        async for event in events:
            yield event


def _options(tool: Tool, options: Mapping[str, str]) -> dict[str, str]:
    found = {name: value for name, value in options.items() if value}
    if tool.needs == "to" and "to" in found:
        found["to"] = LANGUAGE_NAMES.get(found["to"].lower(), found["to"])
    return found


class _Run:
    def __init__(self, tool: Tool, generate: Generate, options: dict[str, str], limit: int) -> None:
        self.tool = tool
        self.generate = generate
        self.options = options
        self.limit = limit
        self.told = tool.fill("", options)
        self.any_language = tool.output is not Output.SAME and asks_for_another(" ".join(self.told))
        self.target = LANGUAGE_CODES.get(options.get("to", "").lower()) if tool.translates else None

    async def same(self, text: str, clean: bool) -> AsyncGenerator[TextEvent, None]:
        """Prose pieces one after the other; everything else as it is."""
        pieces = await asyncio.to_thread(self._pieces, text)
        total = sum(len(piece.text) for piece in pieces if piece.prose) or 1
        done, position, units = 0, 0, 0
        kept: list[Kept] = []
        out: list[str] = []
        spent = [0, 0]
        previous: tuple[str, str] | None = None
        for piece in pieces:
            new = piece.text
            refused: tuple[Reason, ...] = ()
            if piece.prose:
                unit = await self._piece(piece.text, previous, clean)
                units += 1
                done += len(piece.text)
                new, refused = unit.text, unit.refused
                spent = [spent[0] + unit.prompt_tokens, spent[1] + unit.completion_tokens]
                if unit.reason:
                    kept.append(Kept(position, position + len(piece.text), unit.reason, unit.detail))
                    previous = None
                elif size(piece.text) + size(new) <= CONTEXT_LIMIT:
                    previous = (flatten(piece.text), flatten(new))
            position += len(piece.text)
            out.append(new)
            yield TextEvent(text=new, progress=done / total, refused=refused)
        yield self._finish(text, "".join(out), tuple(kept), units, spent)

    async def about(self, text: str) -> AsyncGenerator[TextEvent, None]:
        """Texts about the text: part by part, each after a turn of the one before; digests once more over them.

        What an instruction made of a text has the white space around its parts that the text had.
        """
        pieces = await asyncio.to_thread(split_prose, text, self.limit)
        total = sum(piece.prose for piece in pieces)
        spent = [0, 0]
        answers: list[str] = []
        out: list[str] = []
        previous: tuple[str, str] | None = None
        for piece in pieces:
            out.append(piece.text)
            if not piece.prose:
                continue
            unit = await self._ask_twice(piece.text, piece.text, previous)
            spent = [spent[0] + unit.prompt_tokens, spent[1] + unit.completion_tokens]
            answers.append(unit.text)
            if unit.reason:
                kept = (Kept(0, len(text), unit.reason, unit.detail),)
                yield TextEvent(text=text, progress=1.0, refused=unit.refused)
                yield self._finish(text, text, kept, len(answers), spent)
                return
            out[-1] = unit.text
            previous = turn_before(self.tool.output, piece.text, unit.text, CONTEXT_LIMIT)
            yield TextEvent(progress=len(answers) / (total + 1), refused=unit.refused)
        joined = join_parts(self.tool.output, answers)
        refused: tuple[Reason, ...] = ()
        units = len(answers)
        if self.tool.output is Output.DIGEST and units > 1 and size(joined) <= self.limit:
            unit = await self._ask_twice(joined, joined, None)
            units, refused = units + 1, unit.refused
            spent = [spent[0] + unit.prompt_tokens, spent[1] + unit.completion_tokens]
            joined = joined if unit.reason else unit.text
        free = self.tool.output is Output.FREE
        ended = "".join(out) if free else joined + ("\n" if text.endswith("\n") else "")
        yield TextEvent(text=ended, progress=1.0, refused=refused)
        yield self._finish(text, ended, (), units, spent)

    def _pieces(self, text: str) -> list[Piece]:
        return [part for piece in cut(text) for part in self._fit(piece)]

    def _fit(self, piece: Piece) -> list[Piece]:
        if not piece.prose or size(piece.text) <= self.limit:
            return [piece]
        return split_prose(piece.text, self.limit)

    def _finish(
        self, source: str, text: str, kept: tuple[Kept, ...], units: int, spent: list[int]
    ) -> TextEvent:
        result = TextResult(
            tool=self.tool.name,
            text=text,
            changed=text != source,
            kept=kept,
            reason=kept[0].reason if kept else None,
            units=units,
            prompt_tokens=spent[0],
            completion_tokens=spent[1],
        )
        return TextEvent(progress=1.0, result=result)

    async def _piece(self, source: str, previous: tuple[str, str] | None, clean: bool) -> _Unit:
        """One prose piece: shown on one line, its white space put back into the answer."""
        cleaned = clean_speech(source) if clean and self.tool.clean_speech else source
        if not cleaned.strip():
            return _Unit(source, Reason.EMPTY, "only fillers")
        unit = await self._ask_twice(flatten(cleaned), cleaned, previous)
        if unit.reason:
            return msgspec.structs.replace(unit, text=source)
        flat = flatten(unit.text)
        restored = restore(cleaned, flat)
        lines_gone = self.tool.keep_names and runs(restored) != runs(cleaned)
        broken = not spans.is_kept(cleaned, restored, spoken=self.tool.clean_speech)
        if lines_gone or broken:  # a break inside of a link is one lost
            return msgspec.structs.replace(unit, text=source, reason=Reason.LOST_MARKUP)
        return msgspec.structs.replace(unit, text=restored)

    async def _ask_twice(self, shown: str, source: str, previous: tuple[str, str] | None) -> _Unit:
        """At most two answers; the second without the turn before, with a reminder, not greedy.

        An engine that fails once costs no answer: where it failed on the second, that is asked for again.
        """
        spent = [0, 0]
        refused: list[Reason] = []
        reason, detail = Reason.EMPTY, ""
        room = token_limit(shown)
        attempt, failed = 0, False
        while attempt < 2:
            try:
                answer = await self._ask(shown, previous if attempt == 0 else None, attempt, room)
            except PromptTooLong as exc:
                return _Unit(source, Reason.CUT, exc.message, spent[0], spent[1], (*refused, Reason.CUT))
            except (Cancelled, UsageError, NotFound):
                raise
            except IngleError as exc:
                if exc.code not in ("generation_failed", "worker_crashed", "worker_gone", "out_of_memory"):
                    raise
                reason, detail = Reason.ENGINE, exc.message
                refused.append(reason)
                attempt += attempt == 0 or failed
                failed = True
                continue
            spent = [spent[0] + answer.prompt_tokens, spent[1] + answer.completion_tokens]
            text = unwrap(shown, answer.text)
            # in a thread: comparing letter by letter takes long on odd texts, and others wait for this loop
            found = await asyncio.to_thread(self._judge, shown, text, answer.finish)
            if found is None and previous and repeats_turn(previous, shown, text, attempt):
                found = Reason.REPETITION
            if found is None:
                return _Unit(text, None, "", spent[0], spent[1], tuple(refused))
            reason, detail = found, ""
            refused.append(found)
            attempt += 1
            if (
                found is Reason.CUT
            ):  # a tokenizer that knows this script badly: its own count is the input now
                room = max(room, math.ceil(1.3 * answer.prompt_tokens) + 48)
        return _Unit(source, reason, detail, spent[0], spent[1], tuple(refused))

    def _judge(self, shown: str, text: str, finish: FinishReason | None) -> Reason | None:
        return guards.judge(
            self.tool, shown, text, finish, self.target, any_language=self.any_language, told=self.told
        )

    async def _ask(self, shown: str, previous: tuple[str, str] | None, attempt: int, room: int) -> _Answer:
        system, user = self.tool.fill(shown, self.options)
        messages = [Message(role=Role.SYSTEM, content=system + (f"\n\n{REMINDER}" if attempt else ""))]
        if previous is not None:
            messages.append(Message(role=Role.USER, content=self.tool.fill(previous[0], self.options)[1]))
            messages.append(Message(role=Role.ASSISTANT, content=previous[1]))
        messages.append(Message(role=Role.USER, content=user))
        request = Generation(
            messages=tuple(messages),
            max_tokens=room if self.tool.output is Output.SAME else room + 200,
            sampling=SamplingParams(
                temperature=max(0.3, self.tool.temperature) if attempt else self.tool.temperature,
                seed=attempt,
            ),
            stop_on_loop=True,
        )
        parts: list[str] = []
        finish: FinishReason | None = None
        tokens = (0, 0)
        async for chunk in self.generate(request):
            parts.append(chunk.text)
            finish = chunk.finish_reason or finish
            if chunk.usage:
                tokens = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        return _Answer("".join(parts), finish, *tokens)
