"""Writes the page at /docs from the OpenAPI description: plain HTML, no script, nothing from anywhere else. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy to send along: even a description that lied could load nothing."""
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
code, pre, h3 { font-family: ui-monospace, monospace } h3 { margin-top: 2rem } pre { overflow-x: auto }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0 }
tr { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent) } nav a { margin-right: 1rem }
"""
EXAMPLE = """\
curl http://HOST/v1/chat/completions -H 'Content-Type: application/json' \\
  -d '{"model": "starter", "messages": [{"role": "user", "content": "Hello"}]}'"""
BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
}
PLAIN = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}

Schema = Mapping[str, Any]


def reference_page(described: Schema, host: str) -> str:
    """The whole page for an OpenAPI 3.1 description of what answers at `host` (name and port)."""
    info = described["info"]
    groups: dict[str, list[str]] = {}
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            (tag, *_) = route.get("tags") or ["more"]
            groups.setdefault(tag, []).append("".join(_route(method.upper(), path, route)))
    objects = [
        f'<h3 id="{escape(name)}">{escape(name)}</h3>{_about(schema)}{_fields(schema)}'
        for name, schema in described.get("components", {}).get("schemas", {}).items()
    ]
    links = "".join(
        f'<a href="#-{number}">{escape(tag)}</a>' for number, tag in enumerate([*groups, "objects"])
    )
    sections = "".join(
        f'<h2 id="-{number}">{escape(tag)}</h2>{"".join(parts)}'
        for number, (tag, parts) in enumerate([*groups.items(), ("objects", objects)])
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info.get('summary', ''))}</p>"
        "<p>Bodies are JSON; fields that are not listed are refused by name. A server with a token wants "
        "<code>Authorization: Bearer TOKEN</code> with every request. For machines the same is in "
        f'<a href="openapi.json">openapi.json</a>.</p><pre>{escape(EXAMPLE.replace("HOST", host))}</pre>'
        f"<nav>{links}</nav>{sections}</html>"
    )


def _route(method: str, path: str, route: Schema) -> Iterator[str]:
    yield f'<h3 id="{method}{escape(path)}">{method} {escape(path)}</h3>{_about(route)}'
    rows = [
        _row(one["name"], one["schema"] | _sentence(one), required=one.get("required", False))
        for one in route.get("parameters", ())
    ]
    if rows:
        yield f"<p>In the address:</p>{_table(rows)}"
    for media, content in route.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body ({escape(media)}): {_type(content['schema'])}</p>"
    for status, answer in route.get("responses", {}).items():
        forms = ", or ".join(
            f"{_type(content['schema'])} ({escape(media)})"
            for media, content in answer.get("content", {}).items()
        )
        yield f"<p>{escape(status)}: {forms}{'. ' if forms else ''}{_said(answer)}</p>"
        for header, told in answer.get("headers", {}).items():
            yield f"<p>{escape(status)}, header <code>{escape(header)}</code>: {_said(told)}</p>"


def _sentence(described: Schema) -> dict[str, str]:
    return {"description": described["description"]} if "description" in described else {}


def _about(described: Schema) -> str:
    said = _said(described)
    return f"<p>{said}</p>" if said else ""


def _said(described: Schema) -> str:
    """The description as HTML: what stands between backticks is code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(described.get("description", "")))


def _fields(schema: Schema) -> str:
    required = schema.get("required", ())
    rows = [
        _row(name, field, required=name in required) for name, field in schema.get("properties", {}).items()
    ]
    return _table(rows) if rows else f"<p>{_type(schema)}</p>"


def _table(rows: list[str]) -> str:
    return f"<table>{''.join(rows)}</table>"


def _row(name: str, schema: Schema, *, required: bool) -> str:
    """Name, type, what holds when it is left out, description."""
    default = "required" if required else f"default {_json(schema['default'])}" if "default" in schema else ""
    return (
        f"<tr><td><code>{escape(name)}</code></td><td>{_type(schema)}</td>"
        f"<td>{escape(default)}</td><td>{_said(schema)}</td></tr>"
    )


def _type(schema: Schema) -> str:
    """The type in words, as HTML; the name of an object is a link to it."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "const" in schema:
        return escape(_json(schema["const"]), quote=False)
    if "enum" in schema:
        return escape(" or ".join(map(_json, schema["enum"])), quote=False)
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(_type(one) for one in schema[several])
    match schema.get("type"):
        case "array" if "prefixItems" in schema:
            return f"pair of {' and '.join(_type(one) for one in schema['prefixItems'])}"
        case "array":
            return f"list of {_type(schema.get('items', {}))}"
        case "object":
            return _object(schema)
        case "null":
            return "null"
        case None:
            return "anything"
        case kind:
            return ", ".join([PLAIN.get(kind, escape(str(kind))), *_bounds(schema)])


def _object(schema: Schema) -> str:
    values = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
    return f"object of {_type(values[0])}" if isinstance(values[0], Mapping) else "object"


def _bounds(schema: Schema) -> Iterator[str]:
    for name, words in BOUNDS.items():
        if name in schema:
            yield words.format(f"{schema[name]:.15g}")
    match schema.get("minLength"), schema.get("maxLength"):
        case int(least), int(most):
            yield f"{least} to {most} characters"
        case None, int(most):
            yield f"at most {most} characters"
        case 1, None:
            yield "not empty"
        case int(least), None:
            yield f"at least {least} characters"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
