"""Every error a person can meet, in one tree; one table maps it to HTTP, one to exit codes.

IngleError
├── UsageError                  the request itself is wrong
│   ├── InvalidRequest          JSON, field or value that no route accepts
│   ├── InvalidConfig           a setting that does not parse
│   ├── PromptTooLong           tokens against limit, with both numbers
│   ├── NoChatTemplate          chat asked of a model that has no template
│   ├── TokenRequired           the daemon was started with a token, and this request lacks it
│   ├── AccessRefused           a foreign web page or host name knocks at the daemon
│   ├── BodyTooLarge            more bytes than any request may have
│   └── Unsupported             a parameter or format this engine cannot honour
├── NotFound
│   ├── ModelNotFound           no such model, here or at the hub
│   └── FileMissing             a path that is not there
├── Conflict                    right request, wrong state; carries the possible actions
│   ├── NotDownloaded
│   ├── NothingLoaded           /generate before /load
│   ├── InUse                   delete while loaded or being pulled
│   ├── IllegalTransition       a state machine was asked for an edge it lacks
│   ├── AlreadyRunning          another daemon owns this home, or the port is taken
│   └── RetryRefused            three failures in a row: ask again by hand
├── StoreError                  the disk
│   ├── DigestMismatch
│   ├── SizeMismatch
│   ├── Incomplete              parts that the index names are not there
│   ├── MalformedModel          a header, index or JSON that cannot be what it says it is
│   ├── DiskFull
│   ├── NoPermission
│   └── LockHeld                another process writes the same model
├── HubError                    the network and what the hub said
│   ├── HubUnreachable
│   ├── Offline                 a download was needed and HF_HUB_OFFLINE is set
│   ├── Unauthorized
│   ├── Gated                   a licence to accept first, with the page
│   ├── RateLimited
│   ├── LinkExpired             a signed address that ran out: resolve again
│   ├── HubRefused              any other status that will not change by asking again
│   └── HubLied                 what came does not fit the plan
├── WorkerError                 the child process
│   ├── LoadFailed
│   ├── WorkerCrashed           signal or exit code, and the last log lines
│   ├── WorkerGone          it left before the request's turn came: ask again
│   ├── WorkerTimeout
│   ├── OutOfMemory
│   └── GenerationFailed        one request failed inside a healthy engine
├── DaemonUnreachable           no runtime answers
└── Cancelled                   somebody asked for it to stop
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self


class IngleError(Exception):
    """Says what happened, where, and what to do next.

    `message` is one sentence (what and where), `hint` what a person can do next, `details`
    are JSON-ready facts for machines. `code` is stable and part of the API. `next_step` is the hint
    of an error that was raised without one of its own.
    """

    code: ClassVar[str] = "error"
    next_step: ClassVar[str] = "`ingle doctor` looks at everything that could be the cause."
    message: str
    hint: str
    details: dict[str, Any]

    def __init__(self, message: str, *, hint: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.next_step
        self.details = details

    def __str__(self) -> str:
        return self.message

    def to_dict(self) -> dict[str, Any]:
        """The form that travels: over frames, over HTTP, in `--json`."""
        found: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.hint:
            found["hint"] = self.hint
        if self.details:
            found["details"] = self.details
        return found

    @staticmethod
    def from_dict(wire: dict[str, Any]) -> IngleError:
        """The inverse of `to_dict`; an unknown code becomes a plain `IngleError`."""
        kind = BY_CODE.get(str(wire.get("code")), IngleError)
        error = kind._blank()
        Exception.__init__(error, str(wire.get("message", "")))
        error.message = str(wire.get("message", ""))
        error.hint = str(wire.get("hint", ""))
        error.details = dict(wire.get("details") or {})
        return error

    @classmethod
    def _blank(cls) -> Self:
        return cls.__new__(cls)


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
            hint=hint or "Shorten the prompt, or load the model with a larger --context.",
            tokens=tokens,
            limit=limit,
        )


class NoChatTemplate(UsageError):
    code = "no_chat_template"

    def __init__(self, model: str) -> None:
        super().__init__(
            f"{model} has no chat template, so there is no right way to show it a conversation.",
            hint="Use /v1/completions for plain text, or give a template with --template FILE.",
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


class RetryRefused(Conflict):
    code = "retry_refused"


class StoreError(IngleError):
    code = "store"


class DigestMismatch(StoreError):
    code = "digest_mismatch"

    def __init__(self, path: Path | str, expected: str, actual: str) -> None:
        super().__init__(
            f"{path} is damaged: its digest is {actual}, it should be {expected}.",
            hint="`ingle repair MODEL` fetches only the bad parts again.",
            path=str(path),
            expected=expected,
            actual=actual,
        )


class SizeMismatch(StoreError):
    code = "size_mismatch"

    def __init__(self, path: Path | str, expected: int, actual: int) -> None:
        super().__init__(
            f"{path} has {actual} bytes, it should have {expected}.",
            hint="`ingle repair MODEL` fetches what is missing.",
            path=str(path),
            expected=expected,
            actual=actual,
        )


class Incomplete(StoreError):
    code = "incomplete"

    def __init__(self, model: str, missing: tuple[str, ...]) -> None:
        shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        super().__init__(
            f"{model} is not whole: {shown} missing.",
            hint=f"`ingle pull {model}` fetches the rest.",
            model=model,
            missing=list(missing),
        )


class MalformedModel(StoreError):
    code = "malformed_model"

    def __init__(self, path: Path | str, why: str) -> None:
        super().__init__(
            f"{path} cannot be read as a model file: {why}.",
            hint="`ingle verify` tells whether it is damaged; `ingle repair` mends it.",
            path=str(path),
            why=why,
        )


class DiskFull(StoreError):
    code = "disk_full"

    def __init__(self, path: Path | str, needed: int, free: int) -> None:
        super().__init__(
            f"{path} has {free} bytes free and {needed} are needed.",
            hint="Free some space (`ingle list` shows sizes, `ingle rm MODEL` deletes one), then pull again.",
            path=str(path),
            needed=needed,
            free=free,
        )


class NoPermission(StoreError):
    code = "no_permission"

    def __init__(self, path: Path | str, doing: str, *, hint: str = "") -> None:
        super().__init__(
            f"No permission to {doing} {path}.",
            hint=hint
            or "Change its owner or mode, or name another place: HF_HUB_CACHE is for models, INGLE_HOME for the rest.",
            path=str(path),
        )


class LockHeld(StoreError):
    code = "lock_held"


class HubError(IngleError):
    code = "hub"
    next_step = "Pull again: what is here is kept. `ingle doctor` tells whether the hub can be reached."


class HubUnreachable(HubError):
    code = "hub_unreachable"


class Offline(HubError):
    code = "offline"


class Unauthorized(HubError):
    code = "unauthorized"


class Gated(HubError):
    code = "gated"


class RateLimited(HubError):
    code = "rate_limited"


class LinkExpired(HubError):
    code = "link_expired"


class HubRefused(HubError):
    code = "hub_refused"


class HubLied(HubError):
    code = "hub_lied"


class WorkerError(IngleError):
    code = "worker"
    next_step = "Ask again; `ingle logs` shows what the engine said."


class LoadFailed(WorkerError):
    code = "load_failed"
    next_step = "`ingle verify MODEL` tells whether it is damaged; `ingle logs` shows what the engine said."


class WorkerCrashed(WorkerError):
    code = "worker_crashed"


class WorkerGone(WorkerError):
    """Nothing of the request was computed: it may be asked again."""

    code = "worker_gone"

    def __init__(self, model: str) -> None:
        super().__init__(
            f"The worker of {model} left before this request's turn came.", hint="Ask again.", model=model
        )


class WorkerTimeout(WorkerError):
    code = "worker_timeout"


class OutOfMemory(WorkerError):
    code = "out_of_memory"
    next_step = "`ingle stop --all` gives memory back; a smaller model or --context takes less."


class GenerationFailed(WorkerError):
    code = "generation_failed"


class DaemonUnreachable(IngleError):
    code = "daemon_unreachable"


class Cancelled(IngleError):
    code = "cancelled"
    next_step = ""

    def __init__(self, message: str = "Cancelled.", *, hint: str = "") -> None:
        super().__init__(message, hint=hint)


def _walk(kind: type[IngleError]) -> list[type[IngleError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in _walk(child))]


BY_CODE: dict[str, type[IngleError]] = {kind.code: kind for kind in _walk(IngleError)}

HTTP_STATUS: dict[type[IngleError], int] = {
    IngleError: 500,
    UsageError: 400,
    TokenRequired: 401,
    AccessRefused: 403,
    BodyTooLarge: 413,
    NotFound: 404,
    Conflict: 409,
    StoreError: 500,
    Incomplete: 409,
    MalformedModel: 422,
    DiskFull: 507,
    NoPermission: 403,
    LockHeld: 423,
    HubError: 502,
    HubUnreachable: 503,
    Offline: 503,
    Unauthorized: 401,
    Gated: 403,
    RateLimited: 429,
    WorkerError: 500,
    OutOfMemory: 507,
    WorkerTimeout: 504,
    WorkerGone: 503,
    DaemonUnreachable: 503,
    Cancelled: 499,
}

EXIT_CODE: dict[type[IngleError], int] = {IngleError: 1, UsageError: 2, Cancelled: 130}


def _nearest(table: dict[type[IngleError], int], error: IngleError) -> int:
    return next(table[kind] for kind in type(error).__mro__ if kind in table)


def http_status(error: IngleError) -> int:
    """The HTTP status of an error: its own row of `HTTP_STATUS`, else its nearest ancestor's."""
    return _nearest(HTTP_STATUS, error)


def exit_code(error: IngleError) -> int:
    """The process exit code of an error: 1 failed, 2 wrong use, 130 interrupted."""
    return _nearest(EXIT_CODE, error)
