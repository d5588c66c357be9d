"""A conversation at a terminal: what was said is kept here, in memory, and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ingle.cli.answer import Answer, Waiting, cut_context, explain_end, fill
from ingle.cli.terminal import BOLD, DIM
from ingle.client import api
from ingle.client.api import Stream
from ingle.config import parse_seconds
from ingle.errors import DaemonUnreachable, IngleError, PromptTooLong
from ingle.generation import Generation, Message, Role, SamplingParams, Thinking

if TYPE_CHECKING:
    from ingle.cli.session import Session
    from ingle.cli.terminal import Terminal
    from ingle.client.sync import Client

FENCE = '"""'
HELP = """\
/help             this
/clear            forget the conversation, keep the instructions
/system TEXT      new instructions for the model (without TEXT: show them)
/exit             leave (Ctrl-D too)
\"\"\"               begins and ends a text of several lines; a line that ends in \\ goes on
Ctrl-C            stops an answer; at the prompt it drops the line"""


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How a model is to be loaded and asked: what stays the same from one turn to the next."""

    system: str | None = None
    thinking: bool = False
    engine: str | None = None
    context: int | None = None
    keep_alive: float | None = None
    template: str | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    sampling: SamplingParams | None = None

    @classmethod
    def of(cls, *, sampling: dict[str, Any], engine: Any, keep_alive: str | None, **rest: Any) -> Manner:
        """From the words of a command line. Raises `InvalidConfig` for a duration that does not parse."""
        return cls(
            sampling=SamplingParams(**sampling) if sampling else None,
            engine=str(engine) if engine else None,
            keep_alive=parse_seconds(keep_alive) if keep_alive is not None else None,
            **rest,
        )

    def request(self, model: str, messages: Sequence[Message] | None, *, prompt: str | None = None) -> Stream:
        """One generation in this manner; the system message goes in front."""
        if messages is not None and self.system:
            messages = [Message(role=Role.SYSTEM, content=self.system), *messages]
        generation = Generation(
            messages=tuple(messages) if messages is not None else None,
            prompt=prompt,
            sampling=self.sampling or SamplingParams(),
            max_tokens=self.max_tokens,
            stop=self.stop,
            thinking=Thinking(enabled=self.thinking),
            template=self.template,
        )
        return api.generate(
            generation,
            model=model,
            engine=self.engine,
            context=self.context,
            keep_alive=self.keep_alive,
        )


class Conversation:
    """The turns so far. A turn that failed leaves no trace; one that was stopped keeps what was said."""

    def __init__(self, client: Client, model: str, manner: Manner) -> None:
        self.client = client
        self.model = model
        self.manner = manner
        self.messages: list[Message] = []

    def clear(self) -> None:
        self.messages.clear()

    def instruct(self, text: str) -> None:
        self.manner = msgspec.structs.replace(self.manner, system=text or None)

    def say(self, words: str, terminal: Terminal) -> Answer:
        """One turn. KeyboardInterrupt stops the answer; the `Answer` then holds what had come."""
        turn = [*self.messages, api.user(words)]
        answer = Answer()
        try:
            fill(answer, self.client, self.manner.request(self.model, turn), terminal, show=True)
        except KeyboardInterrupt:
            terminal.tell(terminal.style("(stopped)", DIM, stream=terminal.stderr))
        if answer.done is not None or answer.text:
            self.messages = [*turn, Message(role=Role.ASSISTANT, content=answer.text)]
        return answer


def converse(session: Session, model: str, manner: Manner, *, verbose: bool) -> None:
    """Load the model, then read and answer until the person leaves."""
    terminal = session.terminal
    client = session.daemon()
    name = session.daemon_name(model)
    conversation = Conversation(client, name, manner)
    _warm(conversation, terminal)
    _use_line_editing()
    while True:
        try:
            words = read_turn(terminal)
        except KeyboardInterrupt:
            terminal.tell("\n(/exit or Ctrl-D leaves)")
            continue
        if words is None:
            return
        if not words.strip():
            continue
        if words.startswith("/") and "\n" not in words:
            if not _command(conversation, words, terminal):
                return
            continue
        try:
            answer = conversation.say(words, terminal)
        except DaemonUnreachable:
            raise
        except IngleError as error:
            terminal.complain(error)
            if isinstance(error, PromptTooLong):
                terminal.tell("/clear forgets the conversation so far.")
            continue
        explain_end(answer, terminal, verbose=verbose)


def read_turn(terminal: Terminal) -> str | None:
    """What a person says next, over as many lines as they take; None when they leave."""
    line = _read_line(terminal, ">>> ")
    if line is None:
        return None
    if line.lstrip().startswith(FENCE):
        return _fenced(terminal, line.lstrip()[len(FENCE) :])
    lines = [line]
    while lines[-1].endswith("\\"):
        lines[-1] = lines[-1][:-1]
        more = _read_line(terminal, "... ")
        if more is None:
            break
        lines.append(more)
    return "\n".join(lines)


def _fenced(terminal: Terminal, first: str) -> str:
    lines, line = [], first
    while not line.rstrip().endswith(FENCE):
        lines.append(line)
        more = _read_line(terminal, "... ")
        if more is None:
            return "\n".join(lines).strip("\n")
        line = more
    lines.append(line.rstrip()[: -len(FENCE)])
    return "\n".join(lines).strip("\n")


def _read_line(terminal: Terminal, prompt: str) -> str | None:
    try:
        if terminal.stdin is sys.stdin and terminal.stdin.isatty():
            return input(prompt)
    except EOFError:
        terminal.tell("")
        return None
    line = terminal.stdin.readline()
    return line.rstrip("\n") if line else None


def _command(conversation: Conversation, words: str, terminal: Terminal) -> bool:
    """Do what a line with a slash asks for; False when it asks to leave."""
    name, _, rest = words.strip().partition(" ")
    if name in {"/exit", "/quit", "/bye"}:
        return False
    if name == "/clear":
        conversation.clear()
        terminal.tell("Forgotten.")
    elif name == "/system":
        if rest.strip():
            conversation.instruct(rest.strip())
            terminal.tell("From now on.")
        else:
            terminal.tell(conversation.manner.system or "There are no instructions; /system TEXT gives some.")
    else:
        if name not in {"/help", "/?"}:
            terminal.tell(f"There is no {name} here.")
        terminal.tell(HELP)
    return True


def _warm(conversation: Conversation, terminal: Terminal) -> None:
    """Load before the first question is typed: a person is coming."""
    manner = conversation.manner
    waiting = Waiting(terminal)
    waiting.say(f"Loading {conversation.model} ...")
    try:
        view = conversation.client.ask(
            api.load(
                conversation.model,
                keep_alive=manner.keep_alive,
                engine=manner.engine,
                context=manner.context,
                template=manner.template,
            )
        )
    finally:
        waiting.clear()
    engine = view.memory.engine if view.memory else None
    how = f" with {engine.name} on {engine.device}, {engine.context} tokens of context" if engine else ""
    name = terminal.style(view.model, BOLD, stream=terminal.stderr)
    terminal.tell(f"{name}{how}. /help shows the commands, Ctrl-D leaves.")
    if cut := cut_context(manner.context, engine):
        terminal.tell(cut)


def _use_line_editing() -> None:
    """Arrow keys and history at the prompt; importing readline is what turns them on."""
    try:
        import readline
    except ImportError:
        return
    readline.set_auto_history(True)
