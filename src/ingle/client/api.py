"""Every native route as a value: what to send and what comes back. Sends nothing itself.

Both clients take these values, so each route is written once. The contract is `server/native.py`.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

import msgspec

from ingle.client.views import Deleted, Improved, Line, Models, ModelView, RuntimeStatus, Unloaded
from ingle.errors import IngleError, InvalidRequest
from ingle.generation import Generation, Message, Role

T = TypeVar("T")
QUICK_S = 30.0  # routes that touch no disk longer than a scan and no worker
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What bytes do to a decoder that are no JSON, or none of ours."""
PATIENT_S = None  # a load, an unload: the daemon has its own deadlines and says when they pass


class Ask(msgspec.Struct, Generic[T], frozen=True):
    """One request with one JSON answer of type `answer`; `timeout` in seconds."""

    method: str
    path: str
    answer: type[T]
    body: dict[str, Any] | None = None
    timeout: float | None = QUICK_S


class Stream(msgspec.Struct, frozen=True):
    """One request whose answer is lines until `done` or `error`."""

    path: str
    body: dict[str, Any]


def expect(kind: type[Any], given: object) -> None:
    """Raises `InvalidRequest` where something else was given than one of the values made here."""
    if not isinstance(given, kind):
        raise InvalidRequest(
            f"This takes a request made by ingle.client.api, not {type(given).__name__}.",
            hint='To ask a model: client.chat("Hello", model="starter").',
        )


def models() -> Ask[Models]:
    return Ask("GET", "/ingle/models", Models)


def show(model: str) -> Ask[ModelView]:
    return Ask("GET", "/ingle/show?" + urlencode({"model": model}), ModelView)


def ps() -> Ask[Models]:
    return Ask("GET", "/ingle/ps", Models)


def status() -> Ask[RuntimeStatus]:
    return Ask("GET", "/ingle/status", RuntimeStatus)


def cancel(model: str) -> Ask[ModelView]:
    return Ask("POST", "/ingle/cancel", ModelView, {"model": model})


def load(
    model: str,
    *,
    keep_alive: float | None = None,
    engine: str | None = None,
    context: int | None = None,
    template: str | None = None,
    pull: bool = False,
) -> Ask[ModelView]:
    """`keep_alive` in seconds (0 at once, negative for ever), `context` in tokens."""
    body = _given(model=model, keep_alive=keep_alive, engine=engine, context=context, template=template)
    return Ask("POST", "/ingle/load", ModelView, body | ({"pull": True} if pull else {}), PATIENT_S)


def unload(model: str) -> Ask[Unloaded]:
    return Ask("POST", "/ingle/unload", Unloaded, {"model": model}, PATIENT_S)


def delete(model: str) -> Ask[Deleted]:
    return Ask("POST", "/ingle/delete", Deleted, {"model": model}, PATIENT_S)


def pull(model: str, *, limit_rate: int | None = None) -> Stream:
    """`limit_rate` in bytes a second."""
    return Stream("/ingle/pull", _given(model=model, limit_rate=limit_rate))


def retry(model: str) -> Stream:
    return Stream("/ingle/retry", {"model": model})


def verify(model: str) -> Stream:
    return Stream("/ingle/verify", {"model": model})


def repair(model: str) -> Stream:
    return Stream("/ingle/repair", {"model": model})


def user(text: str) -> Message:
    return Message(role=Role.USER, content=text)


def generate(
    generation: Generation,
    *,
    model: str | None = None,
    engine: str | None = None,
    context: int | None = None,
    keep_alive: float | None = None,
    pull: bool = False,
) -> Stream:
    """One generation by `model` (None: as `Runtime.meant` says), and how to load it when it is not in memory:
    `context` in tokens, `keep_alive` in seconds, `pull` to fetch it first."""
    body = _given(model=model, engine=engine, context=context, keep_alive=keep_alive, pull=pull or None)
    return Stream("/ingle/generate", body | _sparse(generation))


def text(
    tool: str,
    text: str,
    *,
    model: str | None = None,
    clean: bool = True,
    options: dict[str, str] | None = None,
) -> Stream:
    """One text tool over one text, piece by piece; the last line's `done.improved` is the whole."""
    body = _given(tool=tool, text=text, model=model, options=options or None)
    return Stream("/text", body | {"stream": True} | ({} if clean else {"clean": False}))


def improved(
    tool: str, text: str, *, model: str | None = None, clean: bool = True, options: dict[str, str]
) -> Ask[Improved]:
    """The same in one answer."""
    return Ask(
        "POST",
        "/text",
        Improved,
        _given(tool=tool, text=text, model=model, clean=None if clean else False, options=options or None),
        PATIENT_S,
    )


def read_answer(ask: Ask[T], status: int, body: bytes) -> T:
    """The typed answer. Raises what the daemon reported, or `IngleError` for what is no answer of ours."""
    if status >= 400:
        raise read_error(status, body)
    try:
        return msgspec.json.decode(body, type=ask.answer)
    except UNREADABLE as exc:
        raise _foreign(ask.path, str(exc)) from exc


def read_line(path: str, text: bytes) -> Line:
    """One line of a stream; an `error` line is raised."""
    try:
        line = msgspec.json.decode(text, type=Line)
    except UNREADABLE as exc:
        raise _foreign(path, str(exc)) from exc
    if line.error is not None:
        raise _error(line.error)
    return line


def read_error(status: int, body: bytes) -> IngleError:
    """The error of a refused request, typed as it was in the daemon."""
    try:
        wire = msgspec.json.decode(body, type=dict[str, dict[str, Any]])["error"]
    except (*UNREADABLE, KeyError):
        return IngleError(
            f"The daemon answered {status} without saying why.",
            hint="Is another program listening on that port? `ingle status` shows which one answers.",
            status=status,
        )
    return _error(wire)


def _error(wire: dict[str, Any]) -> IngleError:
    """The error on the wire; details that are no object are left out."""
    details = wire.get("details")
    return IngleError.from_dict(wire if isinstance(details, dict) else wire | {"details": {}})


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _sparse(value: msgspec.Struct) -> dict[str, Any]:
    """The fields that say something: what equals its default is left out, in nested values too."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(value):
        item = getattr(value, field.name)
        made = field.default_factory
        if item == (made() if made is not msgspec.NODEFAULT else field.default):
            continue
        if isinstance(item, msgspec.Struct):
            found[field.name] = _sparse(item)
        elif isinstance(item, tuple) and item and isinstance(item[0], msgspec.Struct):
            found[field.name] = [_sparse(one) for one in item]
        else:
            found[field.name] = msgspec.to_builtins(item, str_keys=True)
    return found


def _foreign(path: str, why: str) -> IngleError:
    return IngleError(
        f"The answer of the daemon to {path.partition('?')[0]} cannot be read: {why}.",
        hint="A daemon of another version may be running: `ingle serve --stop` ends it.",
    )
