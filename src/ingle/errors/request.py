"""What is wrong with a request: itself, what it names, or the moment at which it comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ingle.errors.base import IngleError


class UsageError(IngleError):
    code = "usage"
    next_step = "`ingle COMMAND --help` lists what is accepted; for requests, /docs on the daemon does."


class InvalidRequest(UsageError):
    code = "invalid_request"


class InvalidConfig(UsageError):
    code = "invalid_config"


class PromptTooLong(UsageError):
    code = "prompt_too_long"

    def __init__(self, tokens: int, limit: int, *, hint: str = "") -> None:
        super().__init__(
            f"The prompt has {tokens} tokens and the context holds {limit}.",
            hint=hint or "Shorten the prompt, or load the model with a larger context.",
            tokens=tokens,
            limit=limit,
        )


class NoChatTemplate(UsageError):
    code = "no_chat_template"

    def __init__(self, model: str) -> None:
        super().__init__(
            f"{model} has no chat template, so there is no right way to show it a conversation.",
            hint="Use /v1/completions for plain text, or give a chat template (`template` in a request, `--template` in a command).",
            model=model,
        )


class Unsupported(UsageError):
    code = "unsupported"


class TokenRequired(UsageError):
    code = "token_required"


class AccessRefused(UsageError):
    code = "access_refused"


class BodyTooLarge(UsageError):
    code = "body_too_large"

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"The request has {size} bytes and at most {limit} are taken.",
            hint="Send less at once.",
            size=size,
            limit=limit,
        )


class NotFound(IngleError):
    code = "not_found"


class ModelNotFound(NotFound):
    code = "model_not_found"

    def __init__(self, model: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(
            f"There is no model called {model}" + (f" {where}." if where else "."),
            hint=hint or "`ingle list` shows what is here, `ingle search` what the hub has.",
            model=model,
        )


class FileMissing(NotFound):
    code = "file_missing"

    def __init__(self, path: Path | str) -> None:
        super().__init__(
            f"There is no file or folder {path}.",
            hint="Check the path; `ingle list` shows the models that are here.",
            path=str(path),
        )


class Conflict(IngleError):
    """`actions` names what is possible now (see runtime/status.py)."""

    code = "conflict"
    next_step = "`ingle ps` shows what is loaded and what is being pulled."

    def __init__(
        self, message: str, *, hint: str = "", actions: tuple[str, ...] = (), **details: Any
    ) -> None:
        super().__init__(message, hint=hint, actions=list(actions), **details)

    @property
    def actions(self) -> tuple[str, ...]:
        return tuple(self.details.get("actions", ()))


class NotDownloaded(Conflict):
    code = "not_downloaded"

    def __init__(self, model: str, actions: tuple[str, ...] = ("pull",)) -> None:
        super().__init__(
            f"{model} is not on this machine.", hint=f"ingle pull {model}", actions=actions, model=model
        )


class NothingLoaded(Conflict):
    code = "nothing_loaded"


class InUse(Conflict):
    code = "in_use"


class IllegalTransition(Conflict):
    code = "illegal_transition"
    next_step = "This is a defect of Ingle: `ingle logs` shows what led to it. Ask again."

    def __init__(self, machine: str, state: str, event: str) -> None:
        super().__init__(
            f"The {machine} is {state}; it cannot take the event {event}.",
            machine=machine,
            state=state,
            event=event,
        )


class AlreadyRunning(Conflict):
    code = "already_running"


class StillRunning(Conflict):
    """A daemon was asked to leave and has not; `pid` is None where the system does not tell who has its lock."""

    code = "still_running"

    def __init__(self, pid: int | None, *, hint: str = "") -> None:
        who = f"The daemon (pid {pid})" if pid is not None else "The daemon, whose pid nothing tells,"
        super().__init__(f"{who} was asked to end and is still there.", hint=hint, pid=pid)


class OtherSettings(Conflict):
    code = "other_settings"


class RetryRefused(Conflict):
    code = "retry_refused"


class CommandRefused(Conflict):
    """A critical command without `--allow-critical`, or an answer that was no yes."""

    code = "command_refused"
