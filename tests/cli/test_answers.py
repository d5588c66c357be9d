"""What the commands about logs and the history answer to people and to machines."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import READY, Place
from tests.cli.fake_daemon import FakeDaemon, Lines
from tests.cli.test_history import fill
from tests.cli.test_text_around import MODEL

pytestmark = pytest.mark.slow
SAID = {"time": 1.0, "level": "info", "text": "listening"}


def log(place: Place) -> None:
    logs = place.home / "logs"
    logs.mkdir(parents=True)
    odd = ["no JSON", "[1]", json.dumps({"time": 1e300, "level": "info", "text": "far"}), "[" * 5000]
    (logs / "daemon.jsonl").write_text("\n".join([json.dumps(SAID), *odd]) + "\n")


def test_a_log_is_json_where_that_is_wanted(place: Place) -> None:
    log(place)
    told = json.loads(place.ingle("logs", "--json").stdout)
    assert told[:3] == [SAID, {"text": "no JSON"}, {"text": "[1]"}]
    assert len(told) == 5
    assert json.loads(place.ingle("logs", "--path", "--json").stdout) == [
        str(place.home / "logs" / "daemon.jsonl")
    ]
    assert json.loads(place.ingle("logs", "worker", "--json").stdout)["error"]["code"] == "not_found"


def test_a_line_that_is_no_line_of_ours_is_shown_as_it_is(place: Place) -> None:
    log(place)
    shown = place.ingle("logs").stdout
    assert "info    listening" in shown and "no JSON\n[1]\n" in shown


def test_forgetting_answers_machines_and_tells_of_what_is_not_there(place: Place) -> None:
    fill(place)
    assert json.loads(place.ingle("history", "delete", "1", "--json").stdout) == {"forgotten": 1}
    again = place.ingle("history", "delete", "1")
    assert again.exit_code == 1 and "There is no history entry 1." in again.stderr
    assert json.loads(place.ingle("history", "delete", "--all", "--yes", "--json").stdout) == {"forgotten": 1}


@pytest.mark.parametrize(
    ("reason", "code", "told"), [("refusal", 0, "stayed as written"), ("engine_error", 1, "out of luck")]
)
def test_a_text_that_is_redone_ends_as_any_text(
    place: Place, daemon: FakeDaemon, reason: str, code: int, told: str
) -> None:
    fill(place)
    kept = [{"start": 0, "end": 8, "reason": reason, "detail": "It is out of luck."}]
    improved = {"tool": "concise", "text": "Teh cat.", "changed": False, "units": 1, "kept": kept}
    daemon.answers["POST /text"] = Lines([READY, {"done": {"improved": improved}}])
    found = place.ingle("history", "redo", "1", "concise", "--model", MODEL)
    assert found.exit_code == code and told in found.stderr


def test_what_a_text_holds_does_not_steer_the_terminal_that_lists_it(place: Place) -> None:
    fill(place).add(tool="concise", model="starter", raw="\x1b[2JGone", result="Gone")
    assert "\x1b" not in place.ingle("history", "list").stdout


@pytest.mark.parametrize(("kind", "maker"), [("worker", "engine"), ("pull", "pull"), ("daemon", "daemon")])
def test_a_log_that_is_not_written_yet_is_no_missing_model(place: Place, kind: str, maker: str) -> None:
    found = place.ingle("logs", kind)
    assert found.exit_code == 1
    assert f"no {kind} log" in found.stderr and maker in found.stderr.partition("Next:")[2]
    assert "ingle list" not in found.stderr and "*" not in found.stderr


def test_the_log_of_the_newest_worker_can_be_read(place: Place) -> None:
    (place.home / "logs").mkdir(parents=True)
    (place.home / "logs" / "worker-starter.log").write_text("load: done\n")
    assert place.ingle("logs", "worker").stdout == "load: done\n"


def test_the_log_of_the_daemon_is_told_in_plain_lines(place: Place) -> None:
    (place.home / "logs").mkdir(parents=True)
    line = {"time": 0, "level": "info", "name": "x", "text": "listening", "seconds": 0.5}
    (place.home / "logs" / "daemon.jsonl").write_text(json.dumps(line) + "\nnot json\n")
    said = place.ingle("logs").stdout
    assert "info    listening (500 ms)" in said
    assert "not json" in said
