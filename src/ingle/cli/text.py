"""`text`: hands a text to a tool and prints the result, nothing else on standard output."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ingle.cli.options import TALK_PANEL, AsJson, OtherModel
from ingle.cli.session import Session, open_session
from ingle.cli.tab import complete_tool
from ingle.errors import InvalidRequest, UsageError, WorkerError

if TYPE_CHECKING:
    from ingle.client.views import Improved

EXAMPLES = """Examples:

ingle text proofread 'Teh cat sat.'

ingle text proofread letter.txt --diff

ingle text proofread letter.txt --in-place    keeps letter.txt.bak

ingle text translate --to French < note.md

ingle text custom 'make it rhyme' poem.txt

ingle text dictation --clipboard"""


ToolName = Annotated[
    str,
    typer.Argument(
        metavar="TOOL",
        help="proofread, rewrite, concise, ... (`ingle tools` lists them)",
        autocompletion=complete_tool,
    ),
]
Source = Annotated[
    list[str] | None,
    typer.Argument(metavar="TEXT|FILE|-", help="Words, one file, or `-` for standard input."),
]
To = Annotated[str | None, typer.Option("--to", metavar="LANGUAGE", help="For `translate`.")]
Instruction = Annotated[
    str | None,
    typer.Option("--instruction", metavar="TEXT", help="For `custom`; else its first word or quoted words."),
]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", "-o", metavar="NAME=VALUE", help="For a tool of your own; may be given again."),
]
ShowDiff = Annotated[bool, typer.Option("--diff", help="Show what changed, word by word.")]
InPlace = Annotated[
    bool, typer.Option("--in-place", "-i", help="Write the result into the file; the old one stays as .bak.")
]
Clipboard = Annotated[
    bool, typer.Option("--clipboard", help="Take the text from the clipboard and put it back.")
]
Clean = Annotated[
    bool, typer.Option("--clean/--no-clean", help="`dictation`: drop fillers and stutters before the model.")
]


ENGINE = "engine_error"
"""The reason of a part that stayed because the engine failed, and not for what the model said."""
TEXT_SUFFIXES = frozenset({".txt", ".md", ".markdown", ".rst", ".tex", ".org", ".adoc", ".html"})
"""A single word that ends so and is no file is a mistyped name, not a text."""


class Given(msgspec.Struct, frozen=True):
    """The text of one call and where it came from; `file` only when it is exactly one file."""

    text: str
    file: Path | None = None


def register(app: typer.Typer) -> None:
    app.command("text", rich_help_panel=TALK_PANEL, epilog=EXAMPLES)(improve_text)
    app.command("tools", rich_help_panel=TALK_PANEL)(list_tools)


def list_tools(as_json: AsJson = False) -> None:
    """List the text tools: the built-in ones and your own."""
    from ingle.text.tool import open_toolbox

    session = open_session()
    box = open_toolbox(session.config.tools)
    tools = box.tools.values()
    if as_json:
        listed = [
            {"name": tool.name, "intent": tool.intent, "needs": tool.needs, "broken": None} for tool in tools
        ]
        wrong = [
            {"name": stem, "intent": None, "needs": None, "broken": error.message}
            for stem, error in box.broken.items()
        ]
        session.terminal.answer_json(listed + wrong)
        return
    width = max(len(tool.name) for tool in tools)
    session.terminal.answer("\n".join(f"{tool.name:<{width}}  {tool.intent}" for tool in tools))
    session.terminal.tell(f"Your own go into {session.config.tools}.")
    for error in box.broken.values():
        session.terminal.tell(f"Left out: {error.message} {error.hint}".rstrip())


def improve_text(
    tool: ToolName,
    source: Source = None,
    model: OtherModel = None,
    to: To = None,
    instruction: Instruction = None,
    option: Options = None,
    diff: ShowDiff = False,
    in_place: InPlace = False,
    clipboard: Clipboard = False,
    clean: Clean = True,
    as_json: AsJson = False,
) -> None:
    """Correct or rewrite a text; where an answer is not usable, your own words stay."""
    from ingle.text.tool import find_tool

    session = open_session()
    words = list(source or [])
    found = find_tool(tool, session.config.tools)
    if found.needs == "instruction" and instruction is None and words:
        instruction = words.pop(0)
    given = _take(session, words, in_place=in_place, clipboard=clipboard)
    options = collect_options(to, instruction, option)
    found.fill("", options)
    plain = not (diff or as_json or in_place or clipboard)
    done = run_tool(session, tool, given.text, model, options, clean=clean, show=plain)
    _give(session, given, done, diff=diff, as_json=as_json, in_place=in_place, clipboard=clipboard)
    tell_end(session, done, quiet=as_json)


def tell_end(session: Session, done: Improved, *, quiet: bool) -> None:
    """What the text itself does not show: why parts stayed (not said where `quiet`). Raises exit code 1 where the engine failed."""
    if done.kept and not quiet:
        _tell_kept(session, done)
    if any(part.reason == ENGINE for part in done.kept):
        raise typer.Exit(1)


def _tell_kept(session: Session, done: Improved) -> None:
    """Why parts stayed: the answers' faults together, then the engine's, once each in its own words."""
    places = "it" if done.units <= 1 else f"{len(done.kept)} of {done.units} parts"
    faults = list(dict.fromkeys(part.reason for part in done.kept if part.reason != ENGINE))
    if faults:
        session.terminal.tell(
            f"The answer was not usable ({', '.join(faults)}), so {places} stayed as written."
        )
    else:
        session.terminal.tell(f"The engine failed, so {places} stayed as written.")
    for said in dict.fromkeys(part.detail for part in done.kept if part.reason == ENGINE):
        failed = WorkerError(
            said or "The engine failed.", hint="Ask again; `ingle logs` shows what the engine said."
        )
        session.terminal.complain(failed)


def collect_options(to: str | None, instruction: str | None, pairs: list[str] | None) -> dict[str, str]:
    """What the tool's prompt is filled with. Raises `UsageError` for a pair that is none."""
    named: dict[str, str | None] = {"to": to, "instruction": instruction}
    for pair in pairs or ():
        name, mark, value = pair.partition("=")
        if not mark or not name:
            raise UsageError(f"{pair} is no NAME=VALUE.", hint="--option audience=children")
        named[name] = value
    return {name: value for name, value in named.items() if value}


def read_source(words: list[str], session: Session) -> Given:
    """The text a person means: one existing file, standard input for `-` or nothing, else the words."""
    if not words or words == ["-"]:
        text = session.terminal.read_input()
        if not text and session.terminal.stdin.isatty():
            raise UsageError("There is no text.", hint="Give it as words, as a file, or on standard input.")
        return Given(text)
    files = [_file(word) for word in words]
    if len(words) > 1 and all(files):
        raise UsageError("One file at a time.", hint="for f in *.md; do ingle text proofread -i $f; done")
    path = files[0] if len(words) == 1 else None
    if len(words) == 1 and "/" in words[0] and _is_folder(words[0]):
        raise UsageError(
            f"{words[0]} is a folder.", hint=f"for f in {words[0].rstrip('/')}/*.md; do ... $f; done"
        )
    if path is None and len(words) == 1 and _is_mistyped(words[0]):
        raise UsageError(f"There is no file {words[0]}.", hint="As a text it goes in on standard input.")
    if path is not None:
        try:
            with path.open(encoding="utf-8", newline="") as opened:
                return Given(opened.read(), path)
        except UnicodeDecodeError as exc:
            raise InvalidRequest(f"{path} is not UTF-8 text.", hint="Convert it first.") from exc
        except OSError as exc:
            raise InvalidRequest(
                f"{path} cannot be read: {exc.strerror or exc}.", hint="Check its owner and mode."
            ) from exc
    return Given(" ".join(words))


def _file(word: str) -> Path | None:
    """The file or pipe of this name; None where there is none, as for a text that no file can be called."""
    try:
        path = Path(word)
        return path if path.is_file() or path.is_fifo() or path.is_char_device() else None
    except OSError:
        return None


def _is_folder(word: str) -> bool:
    try:
        return Path(word).is_dir()
    except OSError:
        return False


def _is_mistyped(word: str) -> bool:
    return len(word.split()) == 1 and Path(word).suffix.lower() in TEXT_SUFFIXES and "://" not in word


def _take(session: Session, words: list[str], *, in_place: bool, clipboard: bool) -> Given:
    if clipboard:
        from ingle.text.clipboard import read_clipboard

        if words or in_place:
            raise UsageError("--clipboard takes the text from the clipboard, and nothing else.")
        return Given(read_clipboard())
    given = read_source(words, session)
    if in_place and (given.file is None or not given.file.is_file()):
        raise UsageError("--in-place needs one file.", hint="ingle text proofread FILE --in-place")
    if in_place and given.file is not None:
        from ingle.text.files import require_writable

        require_writable(given.file)
    return given


def run_tool(
    session: Session,
    tool: str,
    text: str,
    model: str | None,
    options: dict[str, str],
    *,
    clean: bool = True,
    show: bool,
) -> Improved:
    """Runs the tool in the daemon, printing pieces as they come when `show` is on."""
    from ingle.cli.answer import Waiting, visible
    from ingle.cli.offer import ensure_here, pick_model
    from ingle.client import api

    name = model or pick_model(session)
    ensure_here(session, name)
    request = api.text(tool, text, model=session.daemon_name(name), clean=clean, options=options)
    waiting = Waiting(session.terminal)
    on_screen = session.terminal.stdout.isatty()
    shown = ""
    with closing(session.daemon().stream(request)) as lines:
        try:
            for line in lines:
                if line.loading is not None:
                    waiting.say(f"Loading {line.loading.get('model', 'the model')} ...")
                elif line.piece is not None:
                    waiting.clear()
                    if show:
                        shown = visible(line.piece.text) if on_screen else line.piece.text
                        session.terminal.answer(shown, end="")
                    elif line.piece.progress < 1:
                        waiting.say(f"{line.piece.progress:.0%}")
                elif line.done is not None and line.done.improved is not None:
                    return line.done.improved
        finally:
            waiting.clear()
            if on_screen and shown and not shown.endswith("\n"):  # what is told next stands on its own line
                session.terminal.answer("")
    raise InvalidRequest("The daemon sent no result.", hint="A daemon of another version may be running.")


def _give(
    session: Session,
    given: Given,
    done: Improved,
    *,
    diff: bool,
    as_json: bool,
    in_place: bool,
    clipboard: bool,
) -> None:
    terminal = session.terminal
    unchanged = "stays as it was" if done.kept else "needed no change"
    if in_place and given.file is not None and done.changed:
        from ingle.text.files import replace_with_backup

        backup = replace_with_backup(given.file, done.text, was=given.text)
        terminal.tell(f"{given.file} is changed; {backup.name} is how it was.")
    elif in_place:
        terminal.tell(f"{given.file} {unchanged}.")
    if clipboard:
        from ingle.text.clipboard import write_clipboard

        write_clipboard(done.text)
        terminal.tell("The clipboard has the result." if done.changed else f"The clipboard {unchanged}.")
    if as_json:
        terminal.answer_json(done)
    elif diff:
        terminal.answer(
            _coloured(session, given.text, done.text), end="" if done.text.endswith("\n") else "\n"
        )


def _coloured(session: Session, before: str, after: str) -> str:
    """The word diff: colours at a terminal, `[-removed-]{+added+}` (the form of `git diff --word-diff`) elsewhere."""
    from ingle.cli.answer import visible
    from ingle.cli.terminal import GREEN, RED
    from ingle.text.diff import Change, word_diff

    terminal = session.terminal
    colours = terminal.stdout.isatty() and not terminal.plain
    marks = {Change.REMOVED: ("[-", "-]", RED), Change.ADDED: ("{+", "+}", GREEN)}
    parts: list[str] = []
    for span in word_diff(before, after):
        if span.change is Change.SAME:
            parts.append(visible(span.text))
            continue
        opening, closing_mark, colour = marks[span.change]
        shown = visible(span.text)
        parts.append(terminal.style(shown, colour) if colours else f"{opening}{shown}{closing_mark}")
    return "".join(parts)
