"""The application as a whole: every route is described, and nothing heavy comes with it."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest
from fastapi import FastAPI

pytestmark = pytest.mark.slow

ROUTES = {
    "/load",
    "/generate",
    "/unload",
    "/status",
    "/warm",
    "/events",
    "/ingle/models",
    "/ingle/show",
    "/ingle/ps",
    "/ingle/status",
    "/ingle/pull",
    "/ingle/retry",
    "/ingle/cancel",
    "/ingle/load",
    "/ingle/unload",
    "/ingle/delete",
    "/ingle/generate",
    "/ingle/verify",
    "/ingle/repair",
    "/ingle/search",
    "/ingle/outdated",
    "/ingle/doctor",
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/models",
    "/text",
    "/text/tools",
    "/process",
    "/shell/check",
    "/metrics",
}
HEAVY = {"mlx", "mlx_lm", "xllamacpp", "transformers", "torch", "numpy", "llguidance", "tree_sitter"}


async def test_the_openapi_page_describes_every_route(client: httpx.AsyncClient) -> None:
    told = (await client.get("/openapi.json")).json()
    assert set(told["paths"]) >= ROUTES
    assert told["info"]["title"] == "Ingle"


async def test_metrics_tell_what_is_loaded(client: httpx.AsyncClient) -> None:
    await client.post("/load", json={"model_path": "org/tiny"})
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert "ingle_models_loaded 1.0" in lines
    assert 'ingle_model_bytes{model="org/tiny"} 1e+06' in lines


@pytest.mark.slow
def test_the_daemon_imports_no_engine_and_nothing_heavy() -> None:
    program = "import sys, ingle.server.app, ingle.server.serve, ingle.runtime.runtime; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    found = {name.partition(".")[0] for name in done.stdout.split()}
    assert not found & HEAVY


async def test_the_address_itself_names_the_documentation_and_routes_that_are_there(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    answer = await client.get("/")
    told = answer.json()
    assert answer.status_code == 200 and told["docs"] == "/docs"
    known = {*app.openapi()["paths"], "/docs", "/openapi.json"}
    named = {
        told["docs"],
        told["openapi"],
        told["status"],
        *(path for one in told["apis"].values() for path in one),
    }
    assert named <= known
