"""`ps`, `load`, `stop`, `status` and `version` against a scripted daemon."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingle.errors import OutOfMemory
from ingle.version import __version__
from tests.cli.conftest import Place
from tests.cli.fake_daemon import STATUS, FakeDaemon, Refusal

MODEL = "/models/some.gguf"
ENGINE = {"name": "llamacpp", "device": "cpu", "context": 4096, "model": "some"}
MEMORY = {"state": "ready", "pid": 5, "engine": ENGINE, "why": "GGUF files.", "bytes": 541_000_000}
IDLE = {"model": "idle", "state": "ready", "memory": {**MEMORY, "unload_in": 287.0}}
BUSY = {"model": "busy", "state": "ready", "memory": {**MEMORY, "active": 2, "waiting": 1}}
PAUSED = {"model": "half", "state": "not_downloaded", "partial": True, "paused": True, "progress": 0.25}


@pytest.fixture(autouse=True)
def holding(daemon: FakeDaemon) -> None:
    daemon.answers["GET /ingle/ps"] = {"models": [IDLE, BUSY, PAUSED]}


def unloaded(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "unloaded": True, "memory_returned": 541_000_000, **more}


def test_ps_says_what_each_model_takes_and_when_it_leaves(place: Place) -> None:
    rows = place.ingle("ps").stdout.splitlines()[1:]
    assert [row.split()[0] for row in rows] == ["idle", "busy", "half"]
    assert "541 MB" in rows[0]
    assert "in 4m 47s" in rows[0]
    assert "2 +1 waiting" in rows[1]
    assert "pull paused 25%" in rows[2]
    assert len(json.loads(place.ingle("ps", "--json").stdout)) == 3


def test_load_says_engine_device_and_memory(place: Place, daemon: FakeDaemon) -> None:
    daemon.answers["POST /ingle/load"] = {"model": "some", "state": "ready", "memory": MEMORY}
    found = place.ingle("load", MODEL, "--keep-alive", "-1", "--context", "512", "--engine", "llamacpp")
    assert (found.exit_code, found.stdout) == (0, "")
    assert "some is loaded with llamacpp on cpu, 541 MB." in found.stderr
    asked = {"model": MODEL, "keep_alive": -1.0, "engine": "llamacpp", "context": 512}
    assert daemon.bodies("/ingle/load") == [asked]


def test_a_context_shorter_than_asked_for_is_said_with_its_reason(place: Place, daemon: FakeDaemon) -> None:
    note = "Context 4096: the model was trained for no more."
    memory = {**MEMORY, "engine": {**ENGINE, "notes": ["BLAS: one.", note]}}
    daemon.answers["POST /ingle/load"] = {"model": "some", "state": "ready", "memory": memory}
    assert (
        f"(Not the 100000 tokens of --context. {note})"
        in place.ingle("load", MODEL, "--context", "100000").stderr
    )
    assert "Context" not in place.ingle("load", MODEL, "--context", "4096").stderr


def test_a_load_that_does_not_fit_is_told(place: Place, daemon: FakeDaemon) -> None:
    error = OutOfMemory("some needs 9 GB and 4 GB are free.", hint="Stop another model: ingle ps")
    daemon.answers["POST /ingle/load"] = Refusal(507, error.to_dict())
    found = place.ingle("load", MODEL)
    assert found.exit_code == 1
    assert "ingle ps" in found.stderr


def test_stop_says_how_much_came_back(place: Place, daemon: FakeDaemon) -> None:
    daemon.answers["POST /ingle/unload"] = unloaded("some")
    assert "some has left the memory; 541 MB came back." in place.ingle("stop", MODEL).stderr
    daemon.answers["POST /ingle/unload"] = {"model": "some", "unloaded": False, "memory_returned": 0}
    assert "some was not in memory." in place.ingle("stop", MODEL).stderr


def test_stop_of_a_model_that_is_being_pulled_names_what_ends_that(place: Place, daemon: FakeDaemon) -> None:
    view = {"model": "some", "state": "downloading", "actions": ["cancel"]}
    daemon.answers["POST /ingle/unload"] = {"model": "some", "unloaded": False, "view": view}
    said = place.ingle("stop", MODEL).stderr
    assert "some was not in memory. It is being worked on: `ingle cancel some` ends that." in said


def test_stop_all_stops_what_is_in_memory(place: Place, daemon: FakeDaemon) -> None:
    daemon.answers["POST /ingle/unload"] = unloaded("x")
    assert len(json.loads(place.ingle("stop", "--all", "--json").stdout)) == 2
    assert daemon.bodies("/ingle/unload") == [{"model": "idle"}, {"model": "busy"}]


def test_stop_needs_to_know_what(place: Place) -> None:
    assert place.ingle("stop").exit_code == 2
    assert place.ingle("stop", MODEL, "--all").exit_code == 2


def test_status_tells_engine_device_and_why(place: Place, daemon: FakeDaemon) -> None:
    loaded = {"model": "idle", "memory": MEMORY}
    ill = {
        "model": "ill",
        "memory": {**MEMORY, "health": {"ok": False, "reason": "no token for 300 seconds"}},
    }
    pulls = [{"model": "half", "phase": "fetching", "fraction": 0.25}]
    daemon.answers["GET /ingle/status"] = {
        **STATUS,
        "models": [loaded, ill],
        "pulls": pulls,
        "memory": {"ours": 600_000_000},
    }
    said = place.ingle("status").stdout
    assert f"running at 127.0.0.1:{daemon.port}, pid 1, up 1m 05s" in said
    assert "idle ready on llamacpp (cpu), 541 MB. GGUF files." in said
    assert said.count("makes no tokens: no token for 300 seconds") == 1
    assert "half fetching 25%" in said
    assert "600 MB taken by Ingle" in said
    assert "llama.cpp reads GGUF files" in said
    found = json.loads(place.ingle("status", "--json").stdout)
    assert (found["daemon"]["running"], found["memory"]["ours"]) == (True, 600_000_000)
    assert {one["files"] for one in found["engines"]} == {"MLX", "GGUF"}


def test_version_names_what_computes(place: Place) -> None:
    found = json.loads(place.ingle("version", "--json").stdout)
    assert found["ingle"] == __version__
    assert found["xllamacpp"]
    assert "mlx-lm" in place.ingle("version").stdout
