"""Whether an answer is what our own description says of it, and nothing more.

Reads only the words of JSON Schema that the description uses, and complains of any other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

KINDS: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}
SAYS_NOTHING = {"title", "description", "default", "format"}
KNOWN = SAYS_NOTHING | {
    *("$ref", "anyOf", "enum", "const", "type", "properties", "required", "additionalProperties"),
    *("minProperties", "maxProperties", "items", "prefixItems", "minItems", "maxItems"),
}


def faults(value: Any, schema: Mapping[str, Any], components: Mapping[str, Any], at: str = "") -> list[str]:
    """What is wrong with `value`, each with its place; also a field that the schema does not name."""
    if "$ref" in schema:
        return faults(value, components[schema["$ref"].rpartition("/")[2]], components, at)
    if "anyOf" in schema:
        tried = [faults(value, one, components, at) for one in schema["anyOf"]]
        return [] if [] in tried else [problem for found in tried for problem in found]
    return list(_faults(value, schema, components, at))


def _faults(value: Any, schema: Mapping[str, Any], components: Mapping[str, Any], at: str) -> Iterator[str]:
    if strange := set(schema) - KNOWN:
        yield f"{at}: the schema says {strange}, which is not read here"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    kind = schema.get("type")
    if kind is not None and not _is(value, kind):
        yield f"{at}: {value!r} is no {kind}"
    elif isinstance(value, dict):
        yield from _object_faults(value, schema, components, at)
    elif isinstance(value, list):
        first = schema.get("prefixItems", [])
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield f"{at}: {len(value)} items"
        for number, one in enumerate(value):
            shape = first[number] if number < len(first) else schema.get("items", {})
            yield from faults(one, shape, components, f"{at}[{number}]")


def _object_faults(
    value: Mapping[str, Any], schema: Mapping[str, Any], components: Mapping[str, Any], at: str
) -> Iterator[str]:
    fields, others = schema.get("properties", {}), schema.get("additionalProperties")
    if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", len(value)):
        yield f"{at}: {len(value)} fields"
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at}.{name} is missing"
    for name, one in value.items():
        if name in fields:
            yield from faults(one, fields[name], components, f"{at}.{name}")
        elif isinstance(others, Mapping):
            yield from faults(one, others, components, f"{at}.{name}")
        elif fields or others is False:
            yield f"{at}.{name} is not described"


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool) and kind != "boolean":
        return False
    return isinstance(value, KINDS[kind])


class Description:
    """The OpenAPI object of an app, and whether an answer is one that it states."""

    def __init__(self, described: Mapping[str, Any]) -> None:
        self.components: Mapping[str, Any] = described["components"]["schemas"]
        self.paths: Mapping[str, Any] = described["paths"]
        self.seen: set[tuple[str, str, str, str]] = set()

    def stated(self) -> set[tuple[str, str, str, str]]:
        """Method, path, status and media type of each way in which a route may answer well."""
        return {
            (method.upper(), path, status, media)
            for path, methods in self.paths.items()
            for method, route in methods.items()
            for status, answer in route["responses"].items()
            for media in answer["content"]
            if status.startswith("2")
        }

    def faults(self, answer: httpx.Response) -> list[str]:
        """What the answer says that the description does not; nothing of a path that is no route."""
        method, path = answer.request.method, self._route(answer.request.url.path)
        route = self.paths.get(path, {}).get(method.lower())
        if route is None:
            return []
        status = str(answer.status_code)
        told = route["responses"].get(status) or route["responses"].get(f"{status[0]}XX")
        media = answer.headers["content-type"].partition(";")[0]
        if told is None or media not in told["content"]:
            return [f"{method} {path} answers {status} {media}"]
        self.seen.add((method, path, status, media))
        schema = told["content"][media]["schema"]
        return [
            f"{method} {path} {status}: {fault}"
            for value in _values(answer.text, media)
            for fault in faults(value, schema, self.components)
        ]

    def _route(self, path: str) -> str:
        if path in self.paths:
            return path
        shapes = {re.sub(r"\{\w+\}", ".+", route): route for route in self.paths}
        return next((route for shape, route in shapes.items() if re.fullmatch(shape, path)), path)


def _values(text: str, media: str) -> list[Any]:
    """The JSON values of an answer: one, one a line, or the data of each event."""
    if media == "application/json":
        return [json.loads(text)]
    if media == "application/x-ndjson":
        return [json.loads(line) for line in text.splitlines() if line]
    if media == "text/event-stream":
        data = re.findall(r"^data: (.*)$", text, re.M)
        return [json.loads(one) for one in data if one != "[DONE]"]
    return [text]
