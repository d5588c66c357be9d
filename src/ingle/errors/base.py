"""The form that every error has: what happened, what to do next, facts for machines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Self


class IngleError(Exception):
    """Says what happened, where, and what to do next.

    `message` is one sentence (what and where), `hint` what a person can do next, `details`
    are JSON-ready facts for machines. `code` is stable and part of the API. `next_step` is the hint
    of an error that was raised without one of its own. A traceback shows the hint below the message, as a note.
    Copies and pickles are whole, with the cause where that can be pickled.
    """

    code: ClassVar[str] = "error"
    next_step: ClassVar[str] = "`ingle doctor` looks at everything that could be the cause."
    _hint: str = ""
    message: str
    details: dict[str, Any]

    def __init__(self, message: str, *, hint: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.next_step
        self.details = details

    @property
    def hint(self) -> str:
        return self._hint

    @hint.setter
    def hint(self, text: str) -> None:
        shown = [note for note in getattr(self, "__notes__", ()) if note != _note(self._hint)]
        self._hint = text
        self.__notes__ = [*shown, _note(text)] if text else shown

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """Made again from what it holds: the rule for exceptions, `kind(*args)`, fits no class with words of its own."""
        return _again, (type(self), self.args, _portable(self.__cause__)), self.__dict__

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
        code = wire.get("code")
        kind = next((kind for kind in IngleError.kinds() if kind.code == code), IngleError)
        error = kind._blank()
        Exception.__init__(error, str(wire.get("message", "")))
        error.message = str(wire.get("message", ""))
        error.hint = str(wire.get("hint", ""))
        error.details = dict(wire.get("details") or {})
        return error

    @classmethod
    def kinds(cls) -> Iterator[type[IngleError]]:
        """This class and every one below it."""
        yield cls
        for child in cls.__subclasses__():
            yield from child.kinds()

    @classmethod
    def _blank(cls) -> Self:
        return cls.__new__(cls)


def _note(hint: str) -> str:
    return f"Next: {hint}"


def _again(kind: type[IngleError], args: tuple[Any, ...], cause: BaseException | None) -> IngleError:
    """An error without its attributes, which `copy` and `pickle` put back."""
    error = kind.__new__(kind, *args)
    error.__cause__ = cause
    return error


def _portable(cause: BaseException | None) -> BaseException | None:
    """The cause, unless it cannot be pickled and made again: an error is worth more than where it came from."""
    if isinstance(cause, IngleError):
        return cause  # it asks for its own: a chain is tried once, not once for each link
    import pickle  # only here: a command that ends well need not read it

    try:
        pickle.loads(pickle.dumps(cause))
    except Exception:  # noqa: BLE001 - a foreign class may raise anything here
        return None
    return cause


class DaemonUnreachable(IngleError):
    code = "daemon_unreachable"


class Cancelled(IngleError):
    code = "cancelled"
    next_step = ""

    def __init__(self, message: str = "Cancelled.", *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
