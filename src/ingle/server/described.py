"""Adds to the OpenAPI description what it cannot know: the answer of every route, and what every field means.

Loaded when somebody asks for the description, so that the daemon's start and its memory do without it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ingle.runtime.status import ModelView, RuntimeStatus
from ingle.server import answers as native
from ingle.server import openai_answers as openai
from ingle.server.faults import OPENAI_PREFIX
from ingle.server.metrics import CONTENT_TYPE
from ingle.server.stream import LINES, SSE, WARNING

JSON = "application/json"
PLACE = "#/components/schemas/{name}"


class Told(NamedTuple):
    """One way in which a route answers: `kind` is the type of the body, of a line, or of an event's data."""

    kind: type
    media: str = JSON
    status: int = 200


CHAT, PLAIN = openai.ChatCompletion, openai.Completion
ROUTES: dict[str, tuple[Told, ...]] = {
    "POST /load": (Told(native.LoadAnswer),),
    "POST /generate": (Told(native.PromptAnswer),),
    "POST /unload": (Told(native.SidecarUnloadAnswer),),
    "GET /status": (Told(native.SidecarStatus),),
    "POST /warm": (Told(native.WarmAnswer),),
    "GET /ingle/models": (Told(native.Models),),
    "GET /ingle/ps": (Told(native.Models),),
    "GET /ingle/show": (Told(ModelView),),
    "GET /ingle/status": (Told(RuntimeStatus),),
    "POST /ingle/pull": (Told(native.WorkLine, LINES), Told(ModelView, status=202)),
    "POST /ingle/retry": (Told(native.WorkLine, LINES), Told(ModelView, status=202)),
    "POST /ingle/cancel": (Told(ModelView),),
    "POST /ingle/verify": (Told(native.WorkLine, LINES),),
    "POST /ingle/repair": (Told(native.WorkLine, LINES),),
    "POST /ingle/delete": (Told(native.DeleteAnswer),),
    "POST /ingle/load": (Told(ModelView),),
    "POST /ingle/unload": (Told(native.UnloadAnswer),),
    "POST /ingle/generate": (Told(native.GenerateLine, LINES),),
    "GET /ingle/search": (Told(native.HubRepos),),
    "GET /ingle/outdated": (Told(native.OutdatedModels),),
    "GET /ingle/doctor": (Told(native.Health),),
    "GET /events": (Told(native.EventData, SSE),),
    "POST /v1/chat/completions": (Told(CHAT), Told(openai.ChatChunk, SSE)),
    "POST /v1/completions": (Told(PLAIN), Told(PLAIN, SSE)),
    "GET /v1/models": (Told(openai.ModelCards),),
    "GET /v1/models/{model}": (Told(openai.ModelCard),),
    "GET /metrics": (Told(str, CONTENT_TYPE.partition(";")[0]),),
    "GET /text/tools": (Told(native.TextTools),),
    "POST /text": (Told(native.ImprovedText), Told(native.TextLine, LINES)),
    "POST /process": (Told(native.ImprovedText),),
    "POST /shell/check": (Told(native.RiskVerdict),),
}
"""What each route answers when all went well; more than one where the request chooses."""
WARNS = {"/load", "/warm", "/generate", "/v1/chat/completions", "/v1/completions"}
"""Whose bodies have no place to tell of a damaged model."""
SAYS = {
    JSON: "The answer.",
    LINES: "One such object a line; `done` or `error` is the last.",
    SSE: "Server-sent events; this is the `data` of each.",
    "text/plain": "Prometheus' text form.",
}
STREAMED = "As `stream` asks: the whole answer, or piece by piece."
BEGUN = "With `stream` off: the work has begun, and this is how the model stands."
REFUSED = 'Refused: `{"error": {"code", "message", "hint"?, "details"?}}`; under /v1 in OpenAI\'s shape.'
FAILED = "The same shape, where the hub, the disk, the engine or Ingle itself failed."


def with_answers(described: dict[str, Any]) -> dict[str, Any]:
    """`described`, an OpenAPI 3.1 object, with the answers of its routes and a sentence for each field; changed in place."""
    kinds = [told.kind for ways in ROUTES.values() for told in ways] + [
        native.ErrorAnswer,
        openai.OpenAIError,
    ]
    shapes, found = msgspec.json.schema_components(kinds, schema_hook=_as_text, ref_template=PLACE)
    schema_of = dict(zip(kinds, shapes, strict=True))
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            ways = ROUTES.get(f"{method.upper()} {path}", ())
            wrong = schema_of[openai.OpenAIError if path.startswith(OPENAI_PREFIX) else native.ErrorAnswer]
            route["responses"] = {
                **_answers(path, ways, schema_of, wrong),
                "4XX": {"description": REFUSED, "content": {JSON: {"schema": wrong}}},
                "5XX": {"description": FAILED, "content": {JSON: {"schema": wrong}}},
            }
    components = described.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in found.items():
        if name.endswith("Line"):
            schema |= {"minProperties": 1, "maxProperties": 1}
        components[name] = schema
    _say(described)
    return described


def _as_text(kind: type) -> dict[str, Any]:
    if issubclass(kind, Path):
        return {"type": "string"}
    raise TypeError(f"an answer holds {kind.__name__}, which JSON does not have")


def _answers(
    path: str, ways: tuple[Told, ...], schema_of: dict[type, dict[str, Any]], wrong: dict[str, Any]
) -> dict[str, Any]:
    """By status; `wrong` is the shape of an error."""
    found: dict[str, Any] = {}
    for told in ways:
        answer = found.setdefault(str(told.status), {"description": SAYS[told.media], "content": {}})
        if answer["content"]:
            answer["description"] = STREAMED
        if told.status == 202:
            answer["description"] = BEGUN
        if path in WARNS:
            says = "There where the model's files are damaged: what is wrong, and what mends it."
            answer["headers"] = {WARNING: {"description": says, "schema": {"type": "string"}}}
        shape = schema_of[told.kind]
        if told.media == SSE:  # what fails after the first event is told in one more
            shape = {"anyOf": [shape, wrong]}
        answer["content"][told.media] = {"schema": shape}
    return found


def _say(described: dict[str, Any]) -> None:
    """Gives every field and parameter its sentence, and takes away what was written for who reads the source."""
    words = tomllib.loads((files("ingle.server") / "words.toml").read_text(encoding="utf-8"))
    fields, objects = words["fields"], words["objects"]
    for name, schema in described["components"]["schemas"].items():
        if "enum" in schema:
            schema.pop("description", None)
        if name in objects:
            schema["description"] = objects[name]
        own = words.get(name, {})
        for field, kind in schema.get("properties", {}).items():
            if said := own.get(field) or fields.get(field):
                kind["description"] = said
    for path, parameter in _parameters(described):
        if said := words.get(path, {}).get(parameter["name"]) or fields.get(parameter["name"]):
            parameter["description"] = said


def _parameters(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for route in methods.values():
            for parameter in route.get("parameters", ()):
                yield path, parameter
