"""`text`: hands a text to a tool and prints the result, nothing else on standard output."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ingle.cli.options import TALK_PANEL, AsJson
from ingle.cli.session import Session, open_session
from ingle.errors import InvalidRequest, UsageError
from ingle.generation import Chunk

if TYPE_CHECKING:
    from ingle.client.aio import AsyncClient
    from ingle.generation import Generation
    from ingle.text.improve import TextResult
    from ingle.text.tool import Tool

EXAMPLES = """Examples:

ingle text proofread 'Teh cat sat.'

ingle text proofread letter.txt > better.txt

ingle text translate --to French < note.md"""
ToolName = Annotated[str, typer.Argument(metavar="TOOL", help="proofread, rewrite, concise, ...")]
Source = Annotated[
    list[str] | None,
    typer.Argument(metavar="TEXT|FILE|-", help="Words, one file, or `-` for standard input."),
]
Model = Annotated[str | None, typer.Option("--model", "-m", help="Another model than the default.")]
To = Annotated[str | None, typer.Option("--to", metavar="LANGUAGE", help="For `translate`.")]
Instruction = Annotated[str | None, typer.Option("--instruction", help="For `custom`: what to do.")]


def register(app: typer.Typer) -> None:
    app.command("text", rich_help_panel=TALK_PANEL, epilog=EXAMPLES)(improve_text)


def improve_text(
    tool: ToolName,
    source: Source = None,
    model: Model = None,
    to: To = None,
    instruction: Instruction = None,
    as_json: AsJson = False,
) -> None:
    """Correct or rewrite a text; where an answer is not usable, your own words stay."""
    import asyncio

    from ingle.cli.offer import ensure_here, pick_model
    from ingle.text.tool import find_tool

    session = open_session()
    found = find_tool(tool, session.config.tools)
    text = read_source(source or [], session)
    name = model or pick_model(session)
    ensure_here(session, name)
    options = {"to": to or "", "instruction": instruction or ""}
    session.daemon()
    result = asyncio.run(_improve(session, session.daemon_name(name), found, text, options, show=not as_json))
    if as_json:
        session.terminal.answer_json(result)
        return
    if not text.endswith("\n") and session.terminal.stdout.isatty():
        session.terminal.answer("")
    if result.kept:
        places = "it" if result.units <= 1 else f"{len(result.kept)} of {result.units} parts"
        session.terminal.tell(f"The answer was not usable ({result.reason}), so {places} stayed as written.")


def read_source(words: list[str], session: Session) -> str:
    """The text a person means: one existing file, standard input for `-` or nothing, else the words."""
    if not words or words == ["-"]:
        text = session.terminal.read_input()
        if not text and session.terminal.stdin.isatty():
            raise UsageError("There is no text.", hint="Give it as words, as a file, or on standard input.")
        return text
    if len(words) == 1 and len(words[0]) < 4096 and "\n" not in words[0] and Path(words[0]).is_file():
        try:
            return Path(words[0]).read_text(encoding="utf-8")
        except UnicodeDecodeError as exc:
            raise InvalidRequest(f"{words[0]} is not UTF-8 text.", hint="Convert it first.") from exc
    return " ".join(words)


async def _improve(
    session: Session, model: str, tool: Tool, text: str, options: dict[str, str], *, show: bool
) -> TextResult:
    from ingle.client.aio import AsyncClient
    from ingle.text.improve import TextResult, improve

    result = TextResult(tool=tool.name, text=text, changed=False)
    async with AsyncClient(session.config) as client:

        def ask(generation: Generation) -> AsyncIterator[Chunk]:
            return _generate(client, model, generation)

        async for event in improve(tool, text, ask, options=options):
            if show and event.text:
                session.terminal.answer(event.text, end="")
            result = event.result or result
    return result


async def _generate(client: AsyncClient, model: str, generation: Generation) -> AsyncIterator[Chunk]:
    from ingle.client import api

    async with aclosing(client.stream(api.generate(generation, model=model))) as lines:
        async for line in lines:
            if line.chunk is not None:
                yield line.chunk
            elif line.done is not None and line.done.usage is not None:
                yield Chunk(usage=line.done.usage)
