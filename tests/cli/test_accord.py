"""A command and a daemon that was begun with other settings: told, or refused where the place differs."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from bench.startup import fill_cache

from ingle.config import InForce, load_config
from tests.cli.conftest import DONE, READY, Place, chunk
from tests.cli.fake_daemon import FakeDaemon, Lines

MODEL = "bench/model-000"
HERE = {"model": "org/x", "state": "downloaded"}


@pytest.fixture(autouse=True)
def answering(place: Place, daemon: FakeDaemon) -> None:
    daemon.answers["GET /ingle/show"] = HERE
    daemon.answers["POST /ingle/pull"] = Lines([{"done": {"view": HERE}}])
    daemon.answers["POST /ingle/generate"] = Lines([READY, chunk("Hello."), DONE])
    begun_with(place, daemon)


def begun_with(place: Place, daemon: FakeDaemon, **env: str) -> None:
    """The note of a daemon that was begun with the place's settings, but for `env`."""
    daemon.in_force = InForce.of(load_config(place.environ(**env)))
    daemon.write_address(place.home)


def test_a_daemon_of_the_same_settings_is_used_without_a_word(place: Place) -> None:
    found = place.ingle("pull", "org/x", "--json")
    assert (found.exit_code, found.stderr) == (0, "")


def test_a_pull_into_another_cache_than_the_daemons_is_refused_and_names_both(
    place: Place, daemon: FakeDaemon
) -> None:
    other = place.root / "other"
    found = place.ingle("pull", "org/x", "--json", HF_HUB_CACHE=str(other))
    error = json.loads(found.stdout)["error"]
    assert (found.exit_code, error["code"]) == (1, "other_settings")
    assert str(place.cache) in error["message"] and str(other) in error["message"]
    assert "ingle serve --stop" in error["hint"] and "HF_HOME" in error["hint"]
    assert daemon.bodies("/ingle/pull") == []


@pytest.mark.parametrize(
    "words", [("run", MODEL, "Hi"), ("load", MODEL), ("text", "proofread", "--model", MODEL)]
)
def test_so_is_all_that_would_be_answered_out_of_another_cache(place: Place, words: tuple[str, ...]) -> None:
    fill_cache(place.root / "other", 1)
    found = place.ingle(*words, stdin="Helo.", HF_HUB_CACHE=str(place.root / "other"))
    assert found.exit_code == 1
    assert "ingle serve --stop" in found.stderr


def test_the_same_cache_by_another_way_is_the_same(place: Place) -> None:
    place.cache.mkdir()
    link = place.root / "link"
    link.symlink_to(place.cache)
    assert place.ingle("pull", "org/x", HF_HUB_CACHE=str(link)).exit_code == 0


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("HF_ENDPOINT", "https://hub.example", "HF_ENDPOINT is https://huggingface.co"),
        ("HF_HUB_OFFLINE", "0", "HF_HUB_OFFLINE is 1"),
        ("INGLE_HISTORY", "true", "history is false"),
        ("INGLE_CONTEXT", "512", "context is 4096"),
    ],
)
def test_another_setting_is_told_on_one_line_and_the_work_is_done(
    place: Place, daemon: FakeDaemon, name: str, value: str, told: str
) -> None:
    found = place.ingle("pull", "org/x", "--json", **{name: value})
    assert found.exit_code == 0
    (line,) = found.stderr.splitlines()
    assert told in line and value in line and "ingle serve --stop" in line
    assert len(daemon.bodies("/ingle/pull")) == 1


def test_a_pull_that_must_stay_offline_is_left_to_no_daemon_that_would_not(
    place: Place, daemon: FakeDaemon
) -> None:
    begun_with(place, daemon, HF_HUB_OFFLINE="0")
    found = place.ingle("pull", "org/x", HF_HUB_OFFLINE="1")
    assert found.exit_code == 1 and "stay offline" in found.stderr
    assert daemon.bodies("/ingle/pull") == []
    assert place.ingle("pull", "org/x", HF_HUB_OFFLINE="0").exit_code == 0


def test_status_and_history_tell_what_the_daemon_does_otherwise(place: Place) -> None:
    assert "history is false" in place.ingle("history", "list", INGLE_HISTORY="true").stderr
    assert "history is false" in place.ingle("status", INGLE_HISTORY="true").stderr
    assert "history is" not in place.ingle("history", "list").stderr
    status = place.ingle("status", HF_HUB_CACHE=str(place.root / "other"))
    assert status.exit_code == 0 and str(place.cache) in status.stderr


def test_a_model_is_deleted_by_no_daemon_of_another_cache(place: Place, daemon: FakeDaemon) -> None:
    fill_cache(place.root / "other", 1)
    found = place.ingle("rm", MODEL, "--yes", HF_HUB_CACHE=str(place.root / "other"))
    assert found.exit_code == 1 and "ingle serve --stop" in found.stderr
    assert daemon.bodies("/ingle/delete") == []


def test_a_password_in_an_endpoint_is_in_no_note(place: Place) -> None:
    kept = InForce.of(load_config(place.environ(HF_ENDPOINT="https://me:secret@hub.example/x")))
    assert kept.settings["HF_ENDPOINT"] == "https://hub.example/x"


def test_a_cache_of_any_name_can_be_noted(place: Place) -> None:
    odd = load_config({"HOME": str(place.root)}, cache=Path("/\udcff\n"))
    assert msgspec.json.encode(InForce.of(odd))
