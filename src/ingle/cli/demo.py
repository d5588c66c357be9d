"""`make demo`: a real model corrects a real text on this machine, from nothing, and says what it did.

Works like a person would, with the usual home and cache; what it started, it ends.
"""

from __future__ import annotations

import asyncio
import platform
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ingle.cli import render
from ingle.cli.ending import end_daemon
from ingle.cli.fetch import fetch
from ingle.cli.main import report
from ingle.cli.session import Session, open_session
from ingle.cli.terminal import BOLD, DIM, GREEN
from ingle.client import api
from ingle.client.views import Done, Ready
from ingle.errors import GenerationFailed, IngleError, exit_code
from ingle.generation import Chunk, Generation
from ingle.text.guards import Reason
from ingle.text.improve import TextResult, improve
from ingle.text.tool import find_tool
from ingle.version import __version__

if TYPE_CHECKING:
    from ingle.client.aio import AsyncClient
    from ingle.client.sync import Client

MODEL = "starter"
TEXT = """\
Their are many reason why people likes to travel.

the meeting is on tuesday , please bring you're notes with you. we will talk about the budget"""

PIECES = (
    "(The text goes to the model in pieces, one numbered answer each. An answer that is not usable is asked for "
    "once more; a piece without a usable one stays as it was written.)"
)


class Seen(msgspec.Struct, kw_only=True):
    """What the daemon told of the answers it made."""

    ready: Ready | None = None
    done: list[Done] = []
    refused: list[Reason] = []
    """Why a first answer was not taken, for each piece that the model was asked for again."""


def main() -> int:
    """Run the demo; 0 when the model answered and the text is better for it."""
    session = open_session()
    found = session.running() is not None
    try:
        _demonstrate(session)
    except IngleError as error:
        report(error, as_json=False)
        return exit_code(error)
    except KeyboardInterrupt:
        session.terminal.tell("Stopped.")
        return 130
    finally:
        if not found:
            end_daemon(session.config)
    return 0


def _demonstrate(session: Session) -> None:
    begun = time.monotonic()
    _head(
        session,
        f"Ingle {__version__} on {platform.system()} {platform.machine()}, Python {platform.python_version()}",
    )
    client = session.daemon()
    _say(session, "runtime", f"listens on {client.address.host}:{client.address.port} (pid {_pid(client)})")
    _get(session, client)
    before = _memory(client)
    _head(session, "The text")
    session.terminal.answer(TEXT)
    _head(session, "What the model says, token by token")
    session.terminal.answer(session.terminal.style(PIECES, DIM))
    seen = Seen()
    result = asyncio.run(_correct(session, TEXT, seen))
    during = _memory(client)
    _head(session, "The corrected text")
    session.terminal.answer(session.terminal.style(result.text, GREEN))
    unloaded = client.ask(api.unload(MODEL))
    after = _memory(client)
    _head(session, "What happened")
    _numbers(session, seen)
    _say(session, "memory before", render.size(before))
    _say(session, "memory loaded", render.size(during))
    _say(session, "memory after", f"{render.size(after)} ({render.size(unloaded.memory_returned)} came back)")
    _say(session, "all in all", render.duration(time.monotonic() - begun))
    if seen.refused:
        _say(session, "asked again", asked_again(seen.refused))
    for kept in result.kept:
        _say(session, "left as it was", f"{result.text[kept.start : kept.end]!r}: {kept.reason}")
    if not result.changed:
        raise GenerationFailed(
            f"The model left the text as it was ({result.reason}).",
            hint="`ingle text proofread` takes any other.",
        )


def _get(session: Session, client: Client) -> None:
    view = fetch(session, client, MODEL)
    assert view.snapshot is not None
    _say(
        session,
        "model",
        f"{MODEL}, {render.size(view.snapshot.size)} on disk, in {Path(view.snapshot.path).parent}",
    )


async def _correct(session: Session, text: str, seen: Seen) -> TextResult:
    from ingle.client.address import read_address
    from ingle.client.aio import AsyncClient

    result = TextResult(tool="proofread", text=text, changed=False)
    async with AsyncClient(address=read_address(session.config)) as client:

        def ask(generation: Generation) -> AsyncIterator[Chunk]:
            return _stream(session, client, generation, seen)

        async for event in improve(find_tool("proofread"), text, ask):
            result = event.result or result
            seen.refused += event.refused[:1]
    return result


async def _stream(
    session: Session, client: AsyncClient, generation: Generation, seen: Seen
) -> AsyncIterator[Chunk]:
    session.terminal.answer(f"[{len(seen.done) + 1}] ", end="")
    async with aclosing(client.stream(api.generate(generation, model=MODEL))) as lines:
        async for line in lines:
            if line.ready is not None:
                seen.ready = seen.ready or line.ready
            elif line.chunk is not None:
                session.terminal.answer(session.terminal.style(line.chunk.text, DIM), end="")
                yield line.chunk
            elif line.done is not None:
                seen.done.append(line.done)
                session.terminal.answer("")


def _numbers(session: Session, seen: Seen) -> None:
    if seen.ready is None or not seen.done:
        raise GenerationFailed("The model gave no answer.", hint="`ingle logs` shows what it said.")
    engine = seen.ready.engine
    _say(session, "model", f"{seen.ready.model}, context {engine.context} tokens")
    _say(session, "engine", f"{engine.name} {engine.version} on {engine.device}: {seen.ready.why}")
    _say(session, "load", f"{seen.ready.load_seconds:.2f} s")
    times = seen.done[0].timings
    if times is None:
        raise GenerationFailed("The runtime counted nothing.")
    if times.first_token_warm is not None:
        _say(session, "first token", f"after {times.first_token_warm * 1000:.0f} ms once loaded")
    if said := speed(seen.done):
        _say(session, "speed", said)


def speed(answers: Sequence[Done]) -> str:
    """Tokens a second while answers were made, all of them together; empty where nothing was counted."""
    counted = [
        (one.usage.completion_tokens, one.timings.tokens_per_second)
        for one in answers
        if one.usage is not None and one.timings is not None and one.timings.tokens_per_second
    ]
    if not counted:
        return ""
    tokens = sum(count for count, _ in counted)
    seconds = sum(count / rate for count, rate in counted)
    return f"{tokens / seconds:.1f} tokens/s ({tokens} tokens in {render.count(len(counted), 'answer')})"


def asked_again(refused: Sequence[Reason]) -> str:
    """How many first answers were not taken, and why, the most frequent reason first."""
    reasons = ", ".join(f"{reason} ({count})" for reason, count in Counter(refused).most_common())
    return f"{render.count(len(refused), 'answer')} not taken: {reasons}"


def _memory(client: Client) -> int:
    memory = client.ask(api.status()).memory
    return memory.ours or 0 if memory else 0


def _pid(client: Client) -> int:
    return client.ask(api.status()).pid


def _head(session: Session, text: str) -> None:
    session.terminal.answer(f"\n{session.terminal.style(text, BOLD)}")


def _say(session: Session, name: str, value: str) -> None:
    session.terminal.answer(f"{name:14} {value}")


if __name__ == "__main__":
    sys.exit(main())
