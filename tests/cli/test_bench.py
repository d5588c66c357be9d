"""`ingle bench`: a model is scored through the same code that people use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import DONE, READY, Place, chunk
from tests.cli.fake_daemon import FakeDaemon, Lines

pytestmark = pytest.mark.slow

MODEL = "/models/some.gguf"


def answering(text: str) -> Lines:
    return Lines([READY, chunk(text), chunk("", finish_reason="stop"), DONE])


def test_only_an_acceptable_answer_passes_and_a_kept_text_does_not(
    place: Place, daemon: FakeDaemon, tmp_path: Path
) -> None:
    daemon.answers["POST /ingle/generate"] = answering("The cat sat.")
    items = [
        {
            "id": "1",
            "kind": "errors",
            "tool": "proofread",
            "input": "Teh cat sat.",
            "acceptable": ["The cat sat."],
        },
        {
            "id": "2",
            "kind": "errors",
            "tool": "proofread",
            "input": "Room 42 is.",
            "acceptable": ["Room 42 is."],
        },
    ]
    data = tmp_path / "items.jsonl"
    data.write_text("".join(json.dumps(item) + "\n" for item in items))
    done = place.ingle("bench", "text", MODEL, "--data", str(data), "--json")
    told = json.loads(done.stdout)
    assert [(mark["id"], mark["passed"]) for mark in told["marks"]] == [("1", True), ("2", False)]
    assert told["marks"][1]["reason"] == "lost_number"
    assert place.ingle("bench", "text", MODEL, "--data", str(data)).stdout.startswith("KIND")


def test_the_sets_that_come_with_ingle_are_whole(place: Place, daemon: FakeDaemon) -> None:
    daemon.answers["POST /ingle/generate"] = answering("no")
    found = place.ingle("bench", "text", MODEL, "--json")
    assert found.stderr.splitlines() == [f"{count} of 60" for count in range(10, 61, 10)]
    text = json.loads(found.stdout)
    assert len(text["marks"]) == 60
    assert not any(mark["result"] == "no" for mark in text["marks"])
    shell = json.loads(place.ingle("bench", "sh", MODEL, "--json").stdout)
    assert shell["outcomes"] == {"unreadable": 20}


def test_suggestions_are_counted_and_never_run(place: Place, daemon: FakeDaemon) -> None:
    made = place.root / "made"
    fields = {"command": f"touch {made}", "explanation": "x", "question": "", "needs_confirmation": True}
    daemon.answers["POST /ingle/generate"] = answering(json.dumps(fields))
    done = place.ingle("bench", "sh", MODEL, "--limit", "2", "--json")
    assert done.stderr == "2 of 2\n"
    assert sum(json.loads(done.stdout)["outcomes"].values()) == 2
    assert not made.exists()
