"""The conversation around one suggested command: show, ask, edit, explain, copy, run."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from ingle.cli.terminal import BOLD, DIM, GREEN, RED, YELLOW
from ingle.errors import IngleError, UsageError
from ingle.shell.confirm import TYPED_YES, Ask, asks, confirm, is_yes
from ingle.shell.finding import Level
from ingle.shell.suggest import Suggestion, unnamed_loss
from ingle.shell.verdict import Verdict, analyse, explain, verdict_to_dict

if TYPE_CHECKING:
    from ingle.cli.session import Session
    from ingle.shell.surroundings import Surroundings

COLOURS = {Level.SAFE: GREEN, Level.MODERATE: YELLOW, Level.HIGH: RED, Level.CRITICAL: RED}
MAX_QUESTIONS = 3


class Model(Protocol):
    """What a dialogue needs from whoever suggests."""

    request: str
    surroundings: Surroundings

    @property
    def spoken(self) -> str:
        """The request and every answer given since."""

    def suggestion(self) -> Suggestion: ...
    def answer(self, question: str, said: str) -> None: ...
    def explanation(self, command: str) -> str: ...


class Choice(StrEnum):
    RUN = "run"
    NO = "no"
    EDIT = "edit"
    EXPLAIN = "explain"
    COPY = "copy"


KEYS = {
    "": Choice.NO,
    "n": Choice.NO,
    "no": Choice.NO,
    "q": Choice.NO,
    "y": Choice.RUN,
    "yes": Choice.RUN,
    "r": Choice.RUN,
    "run": Choice.RUN,
    "d": Choice.EDIT,
    "edit": Choice.EDIT,
    "e": Choice.EXPLAIN,
    "explain": Choice.EXPLAIN,
    "?": Choice.EXPLAIN,
    "c": Choice.COPY,
    "copy": Choice.COPY,
}


class Dialog:
    """One request from its first suggestion to an exit code."""

    def __init__(
        self, session: Session, model: Model, *, dry_run: bool, explain: bool, allow_critical: bool
    ) -> None:
        self.session = session
        self.terminal = session.terminal
        self.model = model
        self.shell = model.surroundings.shell
        self.dry_run = dry_run
        self.in_depth = explain
        self.allow_critical = allow_critical

    def print_json(self) -> int:
        """Everything as JSON (`in_depth`: what the model says of each part); runs nothing. 1 when there is only a question."""
        found = self._asked_back()
        verdict = analyse(found.command, self.shell)
        wire = self._wire(found, verdict)
        if self.in_depth and not found.question:
            wire["in_depth"] = self._in_words(found.command)
        self.terminal.answer_json(wire)
        return 1 if found.question else 0

    def print_command(self) -> int:
        """The command alone on standard output; 1 (and nothing there) for a question or a refusal."""
        found = self._asked_back()
        if found.question:
            self.terminal.tell(escaped(found.question))
            return 1
        verdict = analyse(found.command, self.shell)
        if verdict.level > Level.SAFE:
            self._show_verdict(verdict)
        if self.in_depth:
            self._explain(found.command, verdict)
        if asks(verdict.level, allow_critical=self.allow_critical) is Ask.REFUSED:
            self.terminal.tell("Refused: --allow-critical prints it.")
            return 1
        self.terminal.answer(found.command)
        return 0

    def talk(self) -> int:
        """Ask until a person has decided; the exit code of what was run, 0 when nothing was, 1 when refused."""
        found = self._asked_back() if self.dry_run else self._suggestion()
        if found is None:
            return 1
        if found.question:
            self.terminal.tell(escaped(found.question))
            return 1
        command = found.command
        while True:
            verdict = analyse(command, self.shell)
            self._show(command, found if command == found.command else None, verdict)
            if self.dry_run:
                return 0
            if asks(verdict.level, allow_critical=self.allow_critical) is Ask.REFUSED:
                self.terminal.tell("Refused. --allow-critical lets you confirm it for this one call.")
                return 1
            choice, said = self._choose(verdict.level)
            if choice is Choice.NO:
                self.terminal.tell("Nothing was run.")
                return 0
            if choice is Choice.RUN:
                return self._run(command, said, verdict)
            if choice is Choice.EDIT:
                command = self._edit(command)
            elif choice is Choice.EXPLAIN:
                self._explain(command, verdict)
            elif choice is Choice.COPY:
                self._copy(command)

    def _suggestion(self) -> Suggestion | None:
        """The first suggestion that is a command; questions are put to the person.

        None where a person gives no answer, or the same question comes again after one.
        """
        put: set[str] = set()
        for _ in range(MAX_QUESTIONS):
            found = self._asked_back()
            if not found.question:
                return found
            if found.question.casefold() in put:
                self.terminal.tell(f"The same question came again: {escaped(found.question)}")
                self.terminal.tell(
                    "So there is no command. Say the request in other words, with names and places."
                )
                return None
            put.add(found.question.casefold())
            self.terminal.forget_typed_ahead()
            self.terminal.tell(f"{escaped(found.question)} ", end="")
            said = self.terminal.stdin.readline().strip()
            if not said:
                self.terminal.tell("No answer, so there is no command.")
                return None
            self.model.answer(found.question, said)
        raise UsageError(
            "The request is still unclear.", hint="Say it in other words, with names and places."
        )

    def _asked_back(self) -> Suggestion:
        """The model's suggestion; a question instead where it would destroy what nobody named."""
        found = self.model.suggestion()
        if found.question:
            return found
        question = unnamed_loss(self.model.spoken, found.command, self.shell)
        return msgspec.structs.replace(found, question=question) if question else found

    def _choose(self, level: Level) -> tuple[Choice, str]:
        typed = TYPED_YES.get(level)
        question = f'Type "{typed}" to run it' if typed else "Run it? y"
        while True:
            self.terminal.forget_typed_ahead()
            self.terminal.tell(f"{question}, [d] edit, [e] explain, [c] copy, [N] no: ", end="")
            line = self.terminal.stdin.readline()
            if not line:
                self.terminal.tell("")
                return Choice.NO, ""
            said = line.strip()
            if is_yes(level, said):
                return Choice.RUN, said
            choice = KEYS.get(said.lower())
            if choice is Choice.RUN:
                self.terminal.tell(f'This one takes the words "{typed}".')
            elif choice is not None:
                return choice, said
            else:
                self.terminal.tell("That is none of them.")

    def _run(self, command: str, said: str, verdict: Verdict) -> int:
        from ingle.shell.execute import command_line, remember, run

        confirmed = confirm(
            command, self.shell, said, shown=verdict.level, allow_critical=self.allow_critical
        )
        command_line(confirmed)  # without its shell it is not run, and there is nothing to remember
        remember(confirmed, self.session.config.user_home)
        return run(confirmed)

    def _edit(self, command: str) -> str:
        """The command on an edit line; what comes back is analysed like any other text."""
        import readline

        readline.set_startup_hook(lambda: readline.insert_text(command))
        try:
            edited = input("$ ").strip()
        except EOFError:
            return command
        finally:
            readline.set_startup_hook(None)
        return edited or command

    def _explain(self, command: str, verdict: Verdict) -> None:
        self.terminal.tell(explain(verdict))
        said = self._in_words(command)
        if said is not None:
            self.terminal.tell(self._style("The model's words on what it does:", DIM))
            self.terminal.tell(escaped(said))

    def _in_words(self, command: str) -> str | None:
        """What the model says of the command, part by part; None, and told, where that fails: the command is still there."""
        try:
            return self.model.explanation(command)
        except IngleError as error:
            self.terminal.complain(error)
            return None

    def _copy(self, command: str) -> None:
        from ingle.text.clipboard import write_clipboard

        try:
            write_clipboard(command)
        except IngleError as error:
            self.terminal.complain(error)
        else:
            self.terminal.tell("Copied.")

    def _show(self, command: str, found: Suggestion | None, verdict: Verdict) -> None:
        self.terminal.tell("")
        self.terminal.tell("  " + self._style(escaped(command), BOLD))
        if found is not None and found.explanation:
            self.terminal.tell("  " + escaped(found.explanation))
        self._show_verdict(verdict)
        if self.in_depth:
            self._explain(command, verdict)

    def _show_verdict(self, verdict: Verdict) -> None:
        label = self._style(verdict.level.label.upper(), COLOURS[verdict.level])
        self.terminal.tell(f"  {label}")
        for finding in verdict.findings:
            resolved = f" ({escaped(finding.resolved)})" if finding.resolved else ""
            self.terminal.tell(f"  - {escaped(finding.consequence)}{resolved}")
            if finding.safer:
                self.terminal.tell(f"    safer: {escaped(finding.safer)}")

    def _wire(self, found: Suggestion, verdict: Verdict) -> dict[str, Any]:
        return {
            "request": self.model.request,
            "shell": self.shell,
            "command": found.command,
            "explanation": found.explanation,
            "question": found.question,
            "needs_confirmation": found.needs_confirmation or verdict.level > Level.SAFE,
            "reading": found.reading.value,
            "repaired": found.repaired,
            "asks": asks(verdict.level, allow_critical=self.allow_critical).value,
            "verdict": verdict_to_dict(verdict),
        }

    def _style(self, text: str, code: str) -> str:
        return self.terminal.style(text, code, stream=self.terminal.stderr)


def escaped(text: str) -> str:
    """`text` with every character that a terminal would act on, or not show, written out."""
    return "".join(
        character
        if character.isprintable() or character == "\n"
        else character.encode("unicode_escape").decode()
        for character in text
    )
