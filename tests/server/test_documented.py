"""What the documents say of HTTP is what the daemon does: its routes, and the fields of its answers."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import msgspec
import pytest

from ingle.runtime import status
from ingle.server import native

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
CONTRACT = re.sub(r"\s+", " ", native.__doc__ or "")


@pytest.mark.slow
async def test_every_route_stands_in_the_page_or_in_the_contract_it_leads_to(
    client: httpx.AsyncClient,
) -> None:
    routes = (await client.get("/openapi.json")).json()["paths"]
    silent = {path for path in routes if not re.search(rf"{re.escape(path)}(?![\w/])", PAGE + CONTRACT)}
    assert silent == set()


@pytest.mark.parametrize(
    "kind", [status.EngineRow, status.LoadedRow, status.PullRow, status.MemoryView, status.SystemMemory]
)
def test_the_contract_lists_the_fields_of_the_status_as_they_nest(kind: type[msgspec.Struct]) -> None:
    rows = [re.sub(r": \w+", "", row).split(", ") for row in re.findall(r"\{([^{}]*)\}", CONTRACT)]
    assert sorted(kind.__struct_fields__) in [sorted(row) for row in rows]


@pytest.mark.parametrize("kind", [status.RuntimeStatus, status.ModelView, status.SnapshotView])
def test_the_contract_names_every_field_of_its_answers(kind: type[msgspec.Struct]) -> None:
    told = CONTRACT[CONTRACT.index("ModelView: `model`") :]
    assert {name for name in kind.__struct_fields__ if not re.search(rf"\b{name}\b", told)} == set()


async def test_the_sidecars_status_is_of_its_own_model_as_the_page_says(client: httpx.AsyncClient) -> None:
    await client.post("/ingle/load", json={"model": "org/tiny"})
    assert (await client.get("/status")).json()["model_loaded"] is False
    assert len((await client.get("/ingle/ps")).json()["models"]) == 1
    assert "`model_loaded` is about the model of this sidecar's last `/load` alone" in PAGE
