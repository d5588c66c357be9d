"""Turns whatever went wrong into the one error body of a route family; the last place an error is seen.

Ingle's own routes say `{"error": {"code", "message", "hint"?, "details"?}}`; those under `/v1` say it as
OpenAI does. A defect of our own becomes a plain 500 that tells nothing of the inside; the log has it.
"""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ingle.errors import (
    Cancelled,
    Conflict,
    HubError,
    IngleError,
    InvalidRequest,
    NotFound,
    StoreError,
    TokenRequired,
    UsageError,
    http_status,
)
from ingle.server.wrong import invalid

log = logging.getLogger(__name__)
OPENAI_PREFIX = "/v1/"
COMMANDS = ("/ingle/", "/text", "/process", "/shell/")
"""Beginnings of the routes that the command line asks too, which shows their hints to who typed a command."""


class JsonResponse(Response):
    """JSON of plain values and msgspec structs."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return msgspec.json.encode(content, enc_hook=str)


def typed(exc: BaseException) -> IngleError:
    """The error as people may see it."""
    if isinstance(exc, IngleError):
        return exc
    log.error("an error nobody expected", exc_info=exc)
    return IngleError("Something inside Ingle failed.", hint="The log in INGLE_HOME/logs says what.")


def native_body(error: IngleError) -> dict[str, Any]:
    return {"error": error.to_dict()}


def openai_body(error: IngleError) -> dict[str, Any]:
    """OpenAI's shape; the hint goes along with the message, details keep their place beside it."""
    message = f"{error.message} {_for_programs(error.hint)}".strip()
    body: dict[str, Any] = {
        "message": message,
        "type": _openai_type(error),
        "param": error.details.get("field", error.details.get("param")),
        "code": error.code,
    }
    if error.details:
        body["details"] = error.details
    return {"error": body}


def body_for(path: str, error: IngleError) -> dict[str, Any]:
    if not path.startswith(COMMANDS):
        error.hint = _for_programs(error.hint)
    return openai_body(error) if path.startswith(OPENAI_PREFIX) else native_body(error)


def fault_response(path: str, exc: BaseException) -> JsonResponse:
    """The response for an error on this path, with the status of its kind."""
    error = typed(exc)
    headers = {"www-authenticate": "Bearer"} if isinstance(error, TokenRequired) else {}
    if "retry_after" in error.details:
        headers["retry-after"] = str(error.details["retry_after"])
    return JsonResponse(body_for(path, error), status_code=http_status(error), headers=headers)


def install_faults(app: FastAPI) -> None:
    """Every way out of a route that is not its answer."""

    async def fault(request: Request, exc: Exception) -> Response:
        return fault_response(request.url.path, exc)

    async def wrong_body(request: Request, exc: Exception) -> Response:
        assert isinstance(exc, RequestValidationError)
        kind = request.headers.get("content-type", "")
        return fault_response(request.url.path, _no_json(exc.errors(), kind) or invalid(exc.errors()))

    async def refused(request: Request, exc: Exception) -> Response:
        assert isinstance(exc, HTTPException)
        path = request.url.path
        if isinstance(exc.__cause__, IngleError):  # met while the body was read
            return fault_response(path, exc.__cause__)
        if exc.status_code == 404:
            error: IngleError = NotFound(f"There is no route {request.method} {path}.", hint="See /docs.")
        else:
            error = InvalidRequest(f"{request.method} {path}: {exc.detail}.", hint="See /docs.")
        headers = dict(exc.headers or {})
        if headers.get("Allow") == "GET":
            headers["Allow"] = "GET, HEAD"
        if exc.status_code == 405 and "Allow" in headers:
            right = " and ".join(headers["Allow"].split(", "))
            error = InvalidRequest(f"{path} takes no {request.method}, only {right}.", hint="See /docs.")
        return JsonResponse(body_for(path, error), status_code=exc.status_code, headers=headers)

    app.add_exception_handler(RequestValidationError, wrong_body)
    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(IngleError, fault)
    app.add_exception_handler(Exception, fault)


def _no_json(problems: Any, kind: str) -> InvalidRequest | None:
    """The error of a body that is not read because its Content-Type does not say JSON, as `curl -d` sends it."""
    whole = [problem for problem in problems if problem["loc"] == ("body",) and problem["type"] != "missing"]
    media = kind.partition(";")[0].strip().lower()
    said_json = media.startswith("application/") and media.endswith(("/json", "+json"))
    if not whole or said_json:
        return None
    return InvalidRequest(
        f"The body came {f'as {media}' if media else 'without a Content-Type'}, and only JSON is read.",
        hint="Send the header `Content-Type: application/json`.",
        field="Content-Type",
    )


def _for_programs(hint: str) -> str:
    """Without the words for who typed a command."""
    return "/docs lists what is accepted." if hint == UsageError.next_step else hint


def _openai_type(error: IngleError) -> str:
    if isinstance(error, UsageError | NotFound | Conflict):
        return "invalid_request_error"
    if isinstance(error, Cancelled):
        return "cancelled"
    if isinstance(error, StoreError | HubError):
        return "model_error"
    return "server_error"
