"""The page at /docs: every route and field, made here, and nothing of it from another host."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Route

from ingle.server.reference import reference_page

pytestmark = pytest.mark.slow
LOADS = {"src", "href", "srcset", "action", "data", "poster"}


class Seen(HTMLParser):
    """What a page would load or lead to, its elements, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in LOADS]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_data(self, data: str) -> None:
        self.words += data


async def test_every_route_and_every_field_of_its_body_is_told(client: httpx.AsyncClient) -> None:
    told = (await client.get("/openapi.json")).json()
    page = Seen((await client.get("/docs")).text)
    for path, methods in told["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in page.words
    for name, schema in told["components"]["schemas"].items():
        assert name in page.words
        for field in schema.get("properties", {}):
            assert field in page.words, (name, field)


async def test_every_answer_is_told_with_its_kind_and_its_status(client: httpx.AsyncClient) -> None:
    page = Seen((await client.get("/docs")).text).words
    pull = page[page.index("POST /ingle/pull") : page.index("POST /ingle/retry")]
    assert "200: WorkLine (application/x-ndjson)" in pull and "202: ModelView (application/json)" in pull
    assert "4XX: ErrorAnswer (application/json)" in pull
    assert "200: EventData or ErrorAnswer (text/event-stream)" in page
    assert "header Ingle-Warning" in page


async def test_no_mark_of_code_stays_raw(client: httpx.AsyncClient) -> None:
    assert "`" not in Seen((await client.get("/docs")).text).words


@pytest.mark.parametrize(
    ("said", "words", "codes"),
    [("`a` and `b`", "a and b", 2), ("it`s", "it`s", 0), ("`a", "`a", 0), ("", "", 0), ("``<b>``", "<b>", 2)],
)
def test_what_stands_between_backticks_is_code(said: str, words: str, codes: int) -> None:
    described = {
        "info": {"title": "T", "version": "1"},
        "paths": {"/a": {"get": {"tags": ["x"], "description": said, "responses": {}}}},
    }
    page = Seen(reference_page(described, "127.0.0.1:1"))
    assert f"GET /a{words}" in page.words
    assert page.tags.count("code") == codes + 1
    assert "b" not in page.tags


async def test_the_example_is_for_the_host_that_was_asked(client: httpx.AsyncClient) -> None:
    answer = await client.get("/docs", headers={"host": "localhost:4711"})
    assert "curl http://localhost:4711/v1/chat/completions" in Seen(answer.text).words


async def test_every_route_says_what_it_does(client: httpx.AsyncClient) -> None:
    told = (await client.get("/openapi.json")).json()["paths"]
    silent = [
        path for path, methods in told.items() for route in methods.values() if not route.get("description")
    ]
    assert silent == []


async def test_no_answer_is_described_that_never_comes(client: httpx.AsyncClient) -> None:
    told = (await client.get("/openapi.json")).json()
    for methods in told["paths"].values():
        for route in methods.values():
            assert "422" not in route["responses"]
            assert '"error"' in route["responses"]["4XX"]["description"]
    assert "HTTPValidationError" not in told["components"]["schemas"]
    wrong = await client.post("/load", json={})
    assert wrong.status_code == 400


async def test_every_link_of_the_page_leads_to_a_place_on_it(client: httpx.AsyncClient) -> None:
    page = Seen((await client.get("/docs")).text)
    assert len(page.ids) == len(set(page.ids))
    places = [address for address in page.addresses if address != "openapi.json"]
    assert places
    assert {address.removeprefix("#") for address in places} <= set(page.ids)


async def test_no_page_that_is_served_loads_anything_from_another_host(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    paths = {route.path for route in app.routes if isinstance(route, Route)} | {"/", "/docs", "/redoc"}
    pages = 0
    for path in sorted(path for path in paths if path not in {"/events", "/ingle/doctor", "/ingle/search"}):
        answer = await client.get(path)
        if "html" in answer.headers.get("content-type", ""):
            pages += 1
            page = Seen(answer.text)
            assert not [one for one in page.addresses if "//" in one], path
            assert "@import" not in answer.text and "url(" not in answer.text
            assert "script" not in page.tags
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert pages == 1


def test_what_a_description_says_is_text_and_no_markup() -> None:
    described = {
        "info": {"title": "T<b>", "version": "1", "summary": "<img src=x>"},
        "paths": {"/a": {"post": {"tags": ["<i>"], "description": "<script>x</script>", "responses": {}}}},
        "components": {"schemas": {}},
    }
    page = Seen(reference_page(described, "127.0.0.1:1"))
    assert not {"b", "i", "img"} & set(page.tags)
    assert "<script>x</script>" in page.words


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "maxLength": 9, "minLength": 1}, "text, 1 to 9 characters"),
        ({"type": "string", "minLength": 1}, "text, not empty"),
        ({"type": "integer", "minimum": 1}, "whole number, at least 1"),
        ({"type": "integer", "maximum": 2147483647.0}, "whole number, at most 2147483647"),
        ({"type": "number", "maximum": 2.0, "exclusiveMinimum": 0.0}, "number, more than 0, at most 2"),
        ({"type": "boolean"}, "true or false"),
        ({"enum": ["a", "b"], "type": "string"}, '"a" or "b"'),
        ({"const": False, "type": "boolean"}, "false"),
        ({"type": "array", "items": {"type": "string"}}, "list of text"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text or null"),
        ({"$ref": "#/components/schemas/Tool"}, "Tool"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Tool"}}, "list of Tool"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "object of text"),
        ({"type": "object", "patternProperties": {"^[0-9]+$": {"type": "number"}}}, "object of number"),
        ({"type": "object", "additionalProperties": True}, "object"),
        ({"title": "Value"}, "anything"),
    ],
)
def test_a_type_is_told_in_words(schema: dict[str, Any], words: str) -> None:
    described = {
        "info": {"title": "T", "version": "1"},
        "paths": {},
        "components": {"schemas": {"One": {"type": "object", "properties": {"field": schema}}, "Tool": {}}},
    }
    assert f"field{words}" in Seen(reference_page(described, "127.0.0.1:1")).words
