"""`pull`, and the question before a download, against a scripted daemon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench.startup import fill_cache

from ingle.errors import Gated
from tests.cli.conftest import DONE, READY, Place, chunk
from tests.cli.fake_daemon import HOLD, STATUS, FakeDaemon, Lines
from tests.cli.terminal import WAIT_S, OnTerminal

ABSENT = {"model": "starter", "state": "not_downloaded"}
HERE = {"model": "starter", "state": "downloaded", "snapshot": {"format": "gguf", "size": 98_362_432}}


def progress(phase: str, done: int = 0, **more: Any) -> dict[str, Any]:
    return {"progress": {"phase": phase, "bytes_done": done, "bytes_total": 1000, **more}}


FETCHING = [progress("listing"), progress("fetching", 500, rate=250.0, seconds_left=2.0)]


@pytest.fixture(autouse=True)
def pulling(daemon: FakeDaemon) -> None:
    daemon.answers["GET /ingle/show"] = ABSENT
    daemon.answers["POST /ingle/cancel"] = ABSENT
    daemon.answers["POST /ingle/pull"] = Lines([*FETCHING, progress("done"), {"done": {"view": HERE}}])
    daemon.answers["POST /ingle/generate"] = Lines([READY, chunk("Hello."), DONE])


def test_a_pull_without_a_terminal_tells_its_steps_on_standard_error(
    place: Place, daemon: FakeDaemon
) -> None:
    found = place.ingle("pull", "starter", "--limit-rate", "2M")
    assert (found.exit_code, found.stdout) == (0, "")
    assert "starter: fetching" in found.stderr
    assert "complete and verified" in found.stderr
    assert daemon.bodies("/ingle/pull") == [{"model": "starter", "limit_rate": 2_000_000}]


def test_a_pull_for_machines_is_the_view_alone(place: Place) -> None:
    found = place.ingle("pull", "starter", "--json")
    assert json.loads(found.stdout)["state"] == "downloaded"
    assert found.stderr == ""


def unreachable(seconds: int) -> dict[str, Any]:
    """As the daemon tells of a hub whose name nobody knows."""
    return progress("listing", message=f"hub.example cannot be reached. Trying again in {seconds} s.")


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_hub_that_cannot_be_reached_is_told_with_a_way_out_also_beside_json(
    place: Place, daemon: FakeDaemon, words: tuple[str, ...]
) -> None:
    asking = progress("listing", message="Asking what org/x holds.")
    lines = [asking, unreachable(1), unreachable(1), unreachable(2), {"done": {"view": HERE}}]
    daemon.answers["POST /ingle/pull"] = Lines(lines)
    found = place.ingle("pull", "starter", *words)
    assert found.stderr.count("cannot be reached") == 2
    assert found.stderr.count("Ctrl-C stops the wait") == 1
    assert "hub.example" in next(line for line in found.stderr.splitlines() if "Ctrl-C" in line)
    if words:
        assert "Asking" not in found.stderr
        assert json.loads(found.stdout)["state"] == "downloaded"


def test_a_pull_with_an_output_ends_with_a_plain_folder(place: Place) -> None:
    fill_cache(place.cache, 1)
    folder = place.root / "plain"
    found = place.ingle("pull", "bench/model-000", "--output", str(folder))
    assert found.exit_code == 0, found.stderr
    assert (folder / "model.safetensors").is_file()
    assert str(folder) in found.stderr


def test_a_gated_model_says_where_to_accept(place: Place, daemon: FakeDaemon) -> None:
    gated = Gated("org/model asks for a licence.", hint="Accept it on its page, then pull again.")
    daemon.answers["POST /ingle/pull"] = Lines([progress("listing"), {"error": gated.to_dict()}])
    found = place.ingle("pull", "org/model")
    assert found.exit_code == 1
    assert "Accept it on its page" in found.stderr


def test_a_token_of_this_shell_alone_is_said_to_be_unknown_to_a_daemon_that_was_there_before(
    place: Place, daemon: FakeDaemon
) -> None:
    gated = Gated("org/model asks for a licence.", hint="Accept it, set a token (HF_TOKEN) and pull again.")
    daemon.answers["POST /ingle/pull"] = Lines([progress("listing"), {"error": gated.to_dict()}])
    assert "serve --stop" not in place.ingle("pull", "org/model").stderr
    found = place.ingle("pull", "org/model", HF_TOKEN="hf_mine")
    assert found.exit_code == 1
    assert "ingle serve --stop" in found.stderr and "hf_mine" not in found.stderr


def test_a_path_is_not_pulled_and_one_that_is_not_there_is_not_said_to_be(place: Place) -> None:
    missing = place.ingle("pull", str(place.root / "nofolder"))
    assert missing.exit_code == 1 and "There is no file or folder" in missing.stderr
    (place.root / "folder").mkdir()
    found = place.ingle("pull", str(place.root / "folder"))
    assert found.exit_code == 2 and "nothing to pull" in found.stderr and "ingle import" in found.stderr


def test_a_rate_that_does_not_parse_is_wrong_use(place: Place) -> None:
    assert place.ingle("pull", "starter", "--limit-rate", "quick").exit_code == 2
    slow = place.ingle("pull", "starter", "--limit-rate", "0")
    assert slow.exit_code == 2 and "1 kB a second" in slow.stderr


def test_a_model_that_is_not_here_is_not_downloaded_unasked(place: Place, daemon: FakeDaemon) -> None:
    found = place.ingle("run", "starter", "Hi")
    assert found.exit_code == 1
    assert "ingle pull starter" in found.stderr
    assert daemon.bodies("/ingle/pull") == []
    assert place.ingle("load", "starter").exit_code == 1


def test_without_a_model_and_a_terminal_it_says_what_to_type(place: Place) -> None:
    found = place.ingle("run")
    assert found.exit_code == 2
    assert "ingle run starter PROMPT" in found.stderr


def test_the_only_model_that_is_here_is_taken_where_nobody_can_be_asked(
    place: Place, daemon: FakeDaemon
) -> None:
    fill_cache(place.cache, 1)
    assert place.ingle("run", stdin="Hi").stdout == "Hello.\n"
    assert daemon.bodies("/ingle/generate")[0]["model"] == "bench/model-000"


def test_of_two_models_one_must_be_named(place: Place) -> None:
    fill_cache(place.cache, 2)
    found = place.ingle("run", stdin="Hi")
    assert found.exit_code == 2
    assert "ingle run bench/model-001 PROMPT" in found.stderr


@pytest.mark.slow
def test_a_yes_at_the_terminal_pulls_with_a_bar_and_answers(place: Place, daemon: FakeDaemon) -> None:
    with OnTerminal(["run", "starter", "Hi"], place.environ()) as screen:
        screen.wait_for("starter is not on this machine (92.9 MB).")
        screen.wait_for("[Y/n]")
        screen.key_in("y\n")
        screen.wait_for("complete and verified")
        screen.wait_for("Hello.")
        assert screen.wait() == 0
    assert "of 1.0 KB" in screen.seen


@pytest.mark.slow
def test_the_bar_tells_the_rate_and_the_time_left(place: Place, daemon: FakeDaemon) -> None:
    daemon.answers["POST /ingle/pull"] = Lines([*FETCHING, {"done": {"view": HERE}}])
    with OnTerminal(["pull", "starter"], place.environ(COLUMNS="100")) as screen:
        screen.wait_for("complete and verified")
        assert screen.wait() == 0
    for word in ("500 B of 1.0 KB", "250 B/s", " left"):
        assert word in screen.seen, word


@pytest.mark.slow
def test_a_no_at_the_terminal_downloads_nothing(place: Place, daemon: FakeDaemon) -> None:
    with OnTerminal(["run", "starter", "Hi"], place.environ()) as screen:
        screen.wait_for("[Y/n]")
        screen.key_in("n\n")
        assert screen.wait() == 1
    assert daemon.bodies("/ingle/pull") == []


@pytest.mark.slow
def test_without_a_model_a_person_chooses_one(place: Place, daemon: FakeDaemon) -> None:
    with OnTerminal(["run"], place.environ()) as screen:
        screen.wait_for("There is no model on this machine yet.")
        screen.wait_for("starter")
        screen.wait_for("q to leave")
        screen.key_in("q\n")
        assert screen.wait() == 2
    assert daemon.bodies("/ingle/pull") == []


@pytest.mark.slow
@pytest.mark.parametrize("state", ["not_downloaded", "downloading"])
def test_ctrl_c_ends_only_the_pull_that_was_begun_here(place: Place, daemon: FakeDaemon, state: str) -> None:
    daemon.answers["GET /ingle/show"] = {"model": "starter", "state": state}
    daemon.answers["POST /ingle/pull"] = Lines([*FETCHING, HOLD])
    with OnTerminal(["pull", "starter"], place.environ()) as screen:
        assert daemon.held.wait(WAIT_S)
        screen.wait_for("left")
        assert screen.interrupt() == 130
    begun_here = state == "not_downloaded"
    assert daemon.bodies("/ingle/cancel") == ([{"model": "starter"}] if begun_here else [])
    assert ("goes on from there" if begun_here else "goes on there") in screen.seen
    assert ("ingle cancel starter" in screen.seen) is not begun_here


def test_cancel_ends_a_pull_that_was_begun_elsewhere_and_says_what_is_kept(
    place: Place, daemon: FakeDaemon
) -> None:
    running = {"model": "starter", "state": "downloading", "actions": ["cancel"]}
    kept = progress("fetching", 500)["progress"]
    daemon.answers["GET /ingle/show"] = running
    daemon.answers["POST /ingle/cancel"] = {**ABSENT, "partial": True, "paused": True, "pull": kept}
    found = place.ingle("cancel", "starter")
    assert (found.exit_code, found.stdout) == (0, "")
    assert "The pull of starter was stopped; 500 B are kept: `ingle pull starter` goes on" in found.stderr
    assert daemon.bodies("/ingle/cancel") == [{"model": "starter"}]
    (told,) = json.loads(place.ingle("cancel", "starter", "--json").stdout)
    assert (told["cancelled"], told["bytes_kept"]) == (True, 500)


def test_cancel_of_a_pull_that_was_just_done_says_so(place: Place, daemon: FakeDaemon) -> None:
    daemon.answers["GET /ingle/show"] = {**ABSENT, "state": "downloading", "actions": ["cancel"]}
    daemon.answers["POST /ingle/cancel"] = HERE
    found = place.ingle("cancel", "starter", "--json")
    assert json.loads(found.stdout)[0]["cancelled"] is False
    assert "was downloaded before it could be stopped" in place.ingle("cancel", "starter").stderr


def test_cancel_of_what_is_not_pulled_asks_for_nothing_and_is_no_error(
    place: Place, daemon: FakeDaemon
) -> None:
    found = place.ingle("cancel", "starter")
    assert (found.exit_code, "starter is not being pulled." in found.stderr) == (0, True)
    assert json.loads(place.ingle("cancel", "starter", "--json").stdout)[0]["cancelled"] is False
    assert daemon.bodies("/ingle/cancel") == []
    assert place.ingle("cancel", "no-such-model").exit_code == 1


def test_cancel_starts_no_daemon(tmp_path: Path) -> None:
    nobody = Place(tmp_path / "other")
    found = nobody.ingle("cancel", "starter")
    assert (found.exit_code, "Ingle is not running" in found.stderr) == (0, True)
    found = nobody.ingle("cancel", "--all")
    assert (found.exit_code, "Nothing is being pulled." in found.stderr) == (0, True)


def test_cancel_all_ends_every_pull_and_needs_no_name(place: Place, daemon: FakeDaemon) -> None:
    daemon.answers["GET /ingle/status"] = {
        **STATUS,
        "pulls": [{"model": name, "phase": "fetching", "fraction": 0.5} for name in ("starter", "org/x")],
    }
    daemon.answers["GET /ingle/show"] = {**ABSENT, "state": "downloading", "actions": ["cancel"]}
    assert place.ingle("cancel", "--all").stderr.count("was stopped") == 2
    assert daemon.bodies("/ingle/cancel") == [{"model": "starter"}, {"model": "org/x"}]
    assert place.ingle("cancel").exit_code == 2
    assert place.ingle("cancel", "starter", "--all").exit_code == 2


def test_cancel_ends_a_load_too_and_calls_it_one(place: Place, daemon: FakeDaemon) -> None:
    daemon.answers["GET /ingle/show"] = {**HERE, "state": "loading", "actions": ["cancel"]}
    daemon.answers["POST /ingle/cancel"] = HERE
    assert "The load of starter was stopped." in place.ingle("cancel", "starter").stderr


def test_cancel_of_the_pull_of_a_newer_version_says_that_it_was_stopped(
    place: Place, daemon: FakeDaemon
) -> None:
    """The older version is whole all the while."""
    daemon.answers["GET /ingle/show"] = {**HERE, "actions": ["cancel"]}
    daemon.answers["POST /ingle/cancel"] = {**HERE, "pull": progress("fetching", 500)["progress"]}
    assert "The pull of starter was stopped; 500 B are kept" in place.ingle("cancel", "starter").stderr
    (told,) = json.loads(place.ingle("cancel", "starter", "--json").stdout)
    assert (told["cancelled"], told["bytes_kept"]) == (True, 500)


def test_cancel_of_a_check_says_nothing_of_a_pull_that_could_not_be_stopped(
    place: Place, daemon: FakeDaemon
) -> None:
    daemon.answers["GET /ingle/show"] = {**HERE, "actions": ["cancel"]}
    daemon.answers["POST /ingle/cancel"] = HERE
    found = place.ingle("cancel", "starter")
    assert "before it could be stopped" not in found.stderr
    assert "The work on starter is over" in found.stderr
