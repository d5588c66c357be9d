"""`run` and `chat`: one answer, or a conversation."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ingle.cli.options import (
    MODEL_FORMS,
    TALK_PANEL,
    AsJson,
    Context,
    Engine,
    KeepAlive,
    MaxTokens,
    MinP,
    RepetitionPenalty,
    Seed,
    Stop,
    System,
    Temperature,
    Template,
    TopK,
    TopP,
    read_template,
    spread,
)
from ingle.cli.session import Session, open_session
from ingle.cli.tab import complete_model
from ingle.errors import InvalidRequest, ModelNotFound, NoChatTemplate, UsageError

if TYPE_CHECKING:
    from ingle.cli.chat import Manner

SAMPLING = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "seed")
NO_STREAM = typer.Option(help="Print words as they come, or the whole answer at the end.")
Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="PROMPT", help="What to ask; standard input goes behind it.", show_default=False),
]
AnyModel = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        help=MODEL_FORMS,
        show_default=False,
        autocompletion=complete_model,
    ),
]
Think = Annotated[bool, typer.Option("--think", help="Let the model reason first, where it can.")]
Raw = Annotated[bool, typer.Option("--raw", help="Send the words as they are, without a chat template.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Tokens, speed and engine on standard error.")]
RUN_EXAMPLES = """Examples:

ingle run default Why is the sky blue?

ingle run 'Why is the sky blue?'     (the default, or the only model that is here)

ingle run starter Summarise: < notes.txt

ingle run starter --json Hello | jq -r .response

ingle run qwen3:1.7b     (without a prompt: a chat)"""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a command line asks of a model and of its answers, option by option; see `spread`."""

    system: System = None
    think: Think = False
    engine: Engine = None
    context: Context = None
    keep_alive: KeepAlive = None
    template: Template = None
    max_tokens: MaxTokens = None
    stop: Stop = None
    temperature: Temperature = None
    top_p: TopP = None
    top_k: TopK = None
    min_p: MinP = None
    repetition_penalty: RepetitionPenalty = None
    seed: Seed = None

    def manner(self) -> Manner:
        """The same as the conversation takes it; a template is read here."""
        from ingle.cli.chat import Manner

        sampling = {name: value for name in SAMPLING if (value := getattr(self, name)) is not None}
        return Manner.of(
            system=self.system,
            thinking=self.think,
            engine=self.engine,
            context=self.context,
            keep_alive=self.keep_alive,
            template=read_template(self.template),
            max_tokens=self.max_tokens,
            stop=tuple(self.stop or ()),
            sampling=sampling,
        )


def register(app: typer.Typer) -> None:
    app.command("run", rich_help_panel=TALK_PANEL, epilog=RUN_EXAMPLES)(spread(run_model))
    app.command(
        "chat", rich_help_panel=TALK_PANEL, epilog="Example: `ingle chat starter --system 'Be brief.'`"
    )(spread(chat_with))


def run_model(
    wishes: Wishes,
    model: AnyModel = None,
    prompt: Words = None,
    stream: Annotated[bool, NO_STREAM] = True,
    as_json: AsJson = False,
    verbose: Verbose = False,
    raw: Raw = False,
) -> None:
    """Answer a prompt from the arguments and standard input; without one, at a terminal, a chat."""
    from ingle.cli.chat import converse
    from ingle.cli.offer import ensure_here, pick_model

    session = open_session()
    manner = wishes.manner()
    typed = list(prompt or ())
    if model is not None and not model.strip() and not typed:
        raise UsageError(
            "The prompt is empty.", hint="ingle run MODEL PROMPT, or the prompt alone in quotes."
        )
    if model is not None and is_prompt(session, model):
        typed, model = [model, *typed], None
    words = join_prompt(typed, session.terminal.read_input())
    if model is None:
        model = pick_model(session, offer=not words, example="ingle run {} PROMPT")
    try:
        session.resolve(model)
        if not words and (as_json or not session.terminal.can_talk):
            raise UsageError(
                "There is no prompt, and no terminal for a chat.",
                hint=f"ingle run {model} PROMPT, or pipe the prompt in.",
            )
        ensure_here(session, model)
    except ModelNotFound as error:
        error.hint = f"{error.hint} {_as_prompt(model, typed)}".strip()
        raise
    if not words:
        converse(session, model, manner, verbose=verbose)
        return
    _answer_once(session, model, words, manner, raw=raw, stream=stream, as_json=as_json, verbose=verbose)


def _as_prompt(model: str, typed: list[str]) -> str:
    """How the words are given that may have been a prompt, of which the first was taken for a model's name."""
    if "/" in model or model.lower() == "default":
        return ""
    if not typed:
        return f"As a prompt it goes behind a model's name: `ingle run MODEL {shlex.quote(model)}`."
    alone = shlex.quote(" ".join([model, *typed]))
    return f"A prompt alone goes in quotes, `ingle run {alone}`; else `ingle run MODEL PROMPT`."


def chat_with(wishes: Wishes, model: AnyModel = None, verbose: Verbose = False) -> None:
    """A conversation that remembers itself; /help inside shows what it understands."""
    from ingle.cli.chat import converse
    from ingle.cli.offer import ensure_here, pick_model

    session = open_session()
    manner = wishes.manner()
    model = model or pick_model(session, offer=True, example="ingle chat {}")
    ensure_here(session, model)
    converse(session, model, manner, verbose=verbose)


def is_prompt(session: Session, words: str) -> bool:
    """Whether the first argument is a prompt in quotes: it holds a space, and no model can be called that."""
    if not any(character.isspace() for character in words):
        return False
    try:
        session.resolve(words)
    except (InvalidRequest, ModelNotFound):
        return True
    return False


def join_prompt(words: list[str], piped: str) -> str:
    """The arguments first (they say what to do), then what was piped in (what to do it with).

    Raises `InvalidRequest` for arguments whose bytes are no text.
    """
    typed = " ".join(words).strip()
    try:
        typed.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise InvalidRequest("The prompt is not UTF-8 text.", hint="Convert it first.") from exc
    return "\n\n".join(part for part in (typed, piped.strip("\n")) if part)


def _answer_once(
    session: Session,
    model: str,
    words: str,
    manner: Manner,
    *,
    raw: bool,
    stream: bool,
    as_json: bool,
    verbose: bool,
) -> None:
    from ingle.cli.answer import cut_context, explain_end, gather, visible
    from ingle.client import api

    if raw and manner.system:
        raise InvalidRequest(
            "--raw sends plain text, which has no place for --system.", hint="Leave one out."
        )
    name = session.daemon_name(model)
    request = manner.request(name, None if raw else [api.user(words)], prompt=words if raw else None)
    shown = stream and not as_json
    try:
        answer = gather(session.daemon(), request, session.terminal, show=shown)
    except NoChatTemplate as error:
        error.hint = "--raw sends the words as plain text; --template FILE gives the model a chat template."
        raise
    if as_json:
        session.terminal.answer_json(answer.to_json(name))
    elif not shown:
        text = visible(answer.text) if session.terminal.stdout.isatty() else answer.text
        session.terminal.answer(text, end="" if text.endswith("\n") else "\n")
    if not as_json:
        if answer.ready is not None and (cut := cut_context(manner.context, answer.ready.engine)):
            session.terminal.tell(cut)
        explain_end(answer, session.terminal, verbose=verbose)
