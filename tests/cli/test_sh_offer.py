"""The model that writes better commands: offered to a person once, and never in the way of the request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from bench.startup import fill_cache

from ingle.cli.sh import SHELL_MODEL
from ingle.errors import DiskFull
from tests.cli.conftest import DONE, READY, Place, chunk
from tests.cli.fake_daemon import HOLD, FakeDaemon, Lines
from tests.cli.terminal import WAIT_S, OnTerminal
from tests.fakes.hub import FakeHub

pytestmark = pytest.mark.slow

SUGGESTED = {"command": "ls -S", "explanation": "By size.", "question": "", "needs_confirmation": False}
FETCHING = {"progress": {"phase": "fetching", "bytes_done": 500, "bytes_total": 1000, "rate": 250.0}}
HERE = {
    "model": SHELL_MODEL,
    "state": "downloaded",
    "snapshot": {"format": "gguf", "size": 1_120_000_000},
}
WORDS = ["sh", "--shell", "bash", "list", "files", "by", "size"]


@pytest.fixture(autouse=True)
def answering(daemon: FakeDaemon) -> None:
    daemon.answers["GET /ingle/show"] = {"model": SHELL_MODEL, "state": "not_downloaded"}
    daemon.answers["POST /ingle/cancel"] = daemon.answers["GET /ingle/show"]
    daemon.answers["POST /ingle/pull"] = Lines([FETCHING, {"done": {"view": HERE}}])
    daemon.answers["POST /ingle/generate"] = Lines([READY, chunk(json.dumps(SUGGESTED)), DONE])


@pytest.fixture
def online(place: Place) -> Iterator[Place]:
    """A machine with one model, a hub that answers, and not the coder."""
    fill_cache(place.cache, 1)
    with FakeHub() as hub:
        place.env |= {"HF_HUB_OFFLINE": None, "HF_ENDPOINT": hub.url}
        yield place


def asked(daemon: FakeDaemon) -> list[Any]:
    return [body["model"] for body in daemon.bodies("/ingle/generate")]


def test_a_yes_gets_the_coder_with_progress_and_goes_on_with_it(online: Place, daemon: FakeDaemon) -> None:
    with OnTerminal(WORDS, online.environ()) as screen:
        screen.wait_for(f"{SHELL_MODEL} is not on this machine (1.1 GB).")
        screen.wait_for("[y/N]")
        screen.key_in("y\n")
        screen.wait_for("complete and verified")
        screen.wait_for("ls -S")
        screen.wait_for("no: ")
        screen.key_in("n\n")
        assert screen.wait() == 0
    assert "of 1.0 KB" in screen.seen
    assert asked(daemon) == [SHELL_MODEL]


@pytest.mark.parametrize("typed", ["n\n", "\n"])
def test_a_no_is_remembered_and_the_model_that_is_here_answers(
    online: Place, daemon: FakeDaemon, typed: str
) -> None:
    with OnTerminal(WORDS, online.environ()) as screen:
        screen.wait_for("[y/N]")
        screen.key_in(typed)
        screen.wait_for(f"`ingle pull {SHELL_MODEL}`")
        screen.wait_for("no: ")
        screen.key_in("n\n")
        assert screen.wait() == 0
    with OnTerminal(WORDS, online.environ()) as screen:
        screen.wait_for("no: ")
        screen.key_in("n\n")
        assert screen.wait() == 0
    assert SHELL_MODEL not in screen.seen
    assert asked(daemon) == ["bench/model-000"] * 2
    assert daemon.bodies("/ingle/pull") == []


def test_without_any_model_the_empty_answer_is_yes(online: Place, daemon: FakeDaemon) -> None:
    online.env["HF_HUB_CACHE"] = str(online.root / "empty")
    with OnTerminal(WORDS, online.environ()) as screen:
        screen.wait_for("[Y/n]")
        screen.key_in("\n")
        screen.wait_for("ls -S")
        screen.wait_for("no: ")
        screen.key_in("n\n")
        assert screen.wait() == 0
    assert asked(daemon) == [SHELL_MODEL]


def test_a_hub_that_does_not_answer_is_told_and_the_request_goes_on(
    online: Place, daemon: FakeDaemon
) -> None:
    online.env["HF_ENDPOINT"] = "http://127.0.0.1:9"
    with OnTerminal(WORDS, online.environ()) as screen:
        screen.wait_for("[y/N]")
        screen.key_in("y\n")
        screen.wait_for("The hub does not answer")
        screen.wait_for("no: ")
        screen.key_in("n\n")
        assert screen.wait() == 0
    assert asked(daemon) == ["bench/model-000"]
    assert daemon.bodies("/ingle/pull") == []


def test_a_pull_that_fails_is_told_and_the_request_goes_on(online: Place, daemon: FakeDaemon) -> None:
    full = DiskFull("/cache", 1_120_000_000, 5)
    daemon.answers["POST /ingle/pull"] = Lines([FETCHING, {"error": full.to_dict()}])
    with OnTerminal(WORDS, online.environ()) as screen:
        screen.wait_for("[y/N]")
        screen.key_in("y\n")
        screen.wait_for("5 bytes free")
        screen.wait_for(f"Going on without {SHELL_MODEL}.")
        screen.wait_for("no: ")
        screen.key_in("n\n")
        assert screen.wait() == 0
    assert asked(daemon) == ["bench/model-000"]


def test_ctrl_c_during_its_pull_ends_the_command(online: Place, daemon: FakeDaemon) -> None:
    daemon.answers["POST /ingle/pull"] = Lines([FETCHING, HOLD])
    with OnTerminal(WORDS, online.environ()) as screen:
        screen.wait_for("[y/N]")
        screen.key_in("y\n")
        assert daemon.held.wait(WAIT_S)
        assert screen.interrupt() == 130
    assert daemon.bodies("/ingle/cancel") == [{"model": SHELL_MODEL}]
    assert asked(daemon) == []


@pytest.mark.parametrize("option", ["--json", "--print", "--dry-run"])
def test_where_nothing_may_be_asked_it_is_not_offered(online: Place, daemon: FakeDaemon, option: str) -> None:
    with OnTerminal([*WORDS[:1], option, *WORDS[1:]], online.environ()) as screen:
        assert screen.wait() == 0
    assert SHELL_MODEL not in screen.seen
    assert asked(daemon) == ["bench/model-000"]


def test_without_a_terminal_or_a_network_it_is_not_offered(online: Place, daemon: FakeDaemon) -> None:
    assert SHELL_MODEL not in online.ingle(*WORDS, HF_HUB_OFFLINE="0").output
    with OnTerminal(WORDS, online.environ(HF_HUB_OFFLINE="1")) as screen:
        screen.wait_for("no: ")
        screen.key_in("n\n")
        assert screen.wait() == 0
    assert SHELL_MODEL not in screen.seen
    assert asked(daemon) == ["bench/model-000"] * 2


def test_a_model_that_was_named_or_configured_is_taken_without_an_offer(
    online: Place, daemon: FakeDaemon
) -> None:
    for words, more in [
        ([*WORDS[:1], "--model", "/models/mine.gguf", *WORDS[1:]], {}),
        (WORDS, {"INGLE_SHELL_MODEL": "/models/mine.gguf"}),
    ]:
        with OnTerminal(words, online.environ(**more)) as screen:
            screen.wait_for("no: ")
            screen.key_in("n\n")
            assert screen.wait() == 0
        assert SHELL_MODEL not in screen.seen
    assert asked(daemon) == ["/models/mine.gguf"] * 2
