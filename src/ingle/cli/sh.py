"""`sh`: words become one command; it is judged, shown, and run only after a yes. `init`: a key for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from ingle.cli.options import TALK_PANEL, AsJson
from ingle.cli.session import Session, open_session
from ingle.cli.tab import complete_model, complete_shell, complete_widget
from ingle.errors import UsageError

if TYPE_CHECKING:
    from ingle.client.aio import AsyncClient
    from ingle.generation import Chunk, Generation
    from ingle.shell.suggest import Suggestion
    from ingle.shell.surroundings import Surroundings

EXAMPLES = """Examples:

ingle sh find the ten biggest files here

ingle sh --dry-run 'delete all empty folders below here'

eval "$(ingle init zsh)"    puts a suggestion on the edit line with Alt-I"""
SHELL_MODEL = "qwen2.5-coder:1.5b"

Words = Annotated[list[str], typer.Argument(metavar="WORDS", help="What you want done.")]
Shell = Annotated[
    str | None,
    typer.Option(
        "--shell",
        metavar="SHELL",
        help="bash, zsh, fish, sh or powershell; else the one you use.",
        autocompletion=complete_shell,
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="Another model than the configured one.",
        autocompletion=complete_model,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show everything, run nothing.")]
Explain = Annotated[bool, typer.Option("--explain", help="Explain in depth before asking.")]
Print = Annotated[bool, typer.Option("--print", help="Only print the command (for edit-line keys).")]
AllowCritical = Annotated[
    bool, typer.Option("--allow-critical", help="Let a critical command be confirmed, this once.")
]


def register(app: typer.Typer) -> None:
    app.command("sh", rich_help_panel=TALK_PANEL, epilog=EXAMPLES)(suggest_command)
    app.command("init", rich_help_panel=TALK_PANEL)(print_widget)


def print_widget(
    shell: Annotated[
        str, typer.Argument(metavar="SHELL", help="zsh, bash or fish.", autocompletion=complete_widget)
    ],
) -> None:
    """Print the shell code that puts a suggested command on the edit line with Alt-I."""
    from ingle.shell.widgets import widget

    open_session().terminal.answer(widget(shell), end="")


def suggest_command(
    words: Words,
    shell: Shell = None,
    model: Model = None,
    dry_run: DryRun = False,
    explain: Explain = False,
    print_only: Print = False,
    allow_critical: AllowCritical = False,
    as_json: AsJson = False,
) -> None:
    """Turn words into one shell command, say how risky it is, and run it when you say so."""
    from ingle.cli.offer import ensure_here
    from ingle.cli.sh_dialog import Dialog
    from ingle.config import login_shell
    from ingle.shell.surroundings import SHELLS, observe, shell_named

    session = open_session()
    if shell is not None and shell not in SHELLS:
        raise UsageError(f"{shell} is no shell Ingle knows.", hint=f"It knows {', '.join(SHELLS)}.")
    request = " ".join(words).strip()
    if not request:
        raise UsageError("There is no request.", hint="ingle sh find the ten biggest files here")
    surroundings = observe(shell or shell_named(login_shell()))
    sees = session.terminal.can_talk and session.terminal.can_ask  # what is said goes to standard error
    talks = sees and not (print_only or as_json)
    if model is None and talks and not dry_run and offer_coder(session):
        model = SHELL_MODEL
    else:
        model = model or pick_shell_model(session)
        ensure_here(session, model)
    session.daemon()
    asking = Asking(session, model, surroundings, request)
    dialog = Dialog(session, asking, dry_run=dry_run, explain=explain, allow_critical=allow_critical)
    if print_only:
        code = dialog.print_command()
    elif talks:
        code = dialog.talk()
    else:
        code = dialog.print_json()
    raise typer.Exit(code)


def offer_coder(session: Session) -> bool:
    """Whether the coder, which is not here and which no setting replaces, came because a person wanted it."""
    from ingle.cli.offer import offer

    if session.config.shell_model or _coder_is_here(session):
        return False
    return offer(session, SHELL_MODEL, "There is a model that is better at commands:")


def pick_shell_model(session: Session) -> str:
    """The configured model, else the coder when it is here, else what the default offers."""
    from ingle.cli.offer import pick_model

    if session.config.shell_model:
        return session.config.shell_model
    return SHELL_MODEL if _coder_is_here(session) else pick_model(session)


def _coder_is_here(session: Session) -> bool:
    from ingle.catalog.model import DiskState

    snapshot = session.store.find(session.resolve(SHELL_MODEL))
    return snapshot is not None and snapshot.state is DiskState.COMPLETE


class Asking:
    """One request and the questions and answers that belong to it; asks the daemon's model."""

    def __init__(self, session: Session, model: str, surroundings: Surroundings, request: str) -> None:
        self.session = session
        self.model = session.daemon_name(model)
        self.surroundings = surroundings
        self.request = request
        self.turns: tuple[tuple[str, str], ...] = ()

    @property
    def spoken(self) -> str:
        """The request and every answer given since."""
        return " ".join([self.request, *(said for _, said in self.turns)])

    def suggestion(self) -> Suggestion:
        """The next suggestion, or question, for all that was said."""
        return asyncio.run(self._suggest())

    def answer(self, question: str, said: str) -> None:
        self.turns = (*self.turns, (question, said))

    def explanation(self, command: str) -> str:
        """What the model says the command does, part by part; never a judgement of risk."""
        return asyncio.run(self._explain(command))

    async def _suggest(self) -> Suggestion:
        from ingle.client.address import read_address
        from ingle.client.aio import AsyncClient
        from ingle.shell.suggest import suggest, syntax_complaint

        async with AsyncClient(address=read_address(self.session.config)) as client:
            return await suggest(
                self.request,
                self.surroundings,
                lambda generation: self._generate(client, generation),
                complaint=lambda command: syntax_complaint(command, self.surroundings.shell),
                turns=self.turns,
            )

    async def _explain(self, command: str) -> str:
        from ingle.client.address import read_address
        from ingle.client.aio import AsyncClient
        from ingle.shell.suggest import explanation_request

        async with AsyncClient(address=read_address(self.session.config)) as client:
            request = explanation_request(command, self.surroundings)
            return "".join([chunk.text async for chunk in self._generate(client, request)]).strip()

    async def _generate(self, client: AsyncClient, generation: Generation) -> AsyncIterator[Chunk]:
        from ingle.client import api

        async with aclosing(client.stream(api.generate(generation, model=self.model))) as lines:
            async for line in lines:
                if line.chunk is not None:
                    yield line.chunk
