"""`ingle history`: what the text tools remember, found again, redone and forgotten."""

from __future__ import annotations

import json

from ingle.config import load_config
from ingle.text.history import History
from tests.cli.conftest import Place
from tests.cli.fake_daemon import FakeDaemon
from tests.cli.test_text_around import MODEL, improving


def fill(place: Place) -> History:
    environ = {name: value for name, value in place.env.items() if value is not None}
    history = History(load_config(environ).history_file)
    history.add(tool="proofread", model="starter", raw="Teh cat.", result="The cat.")
    history.add(tool="concise", model="starter", raw="A dog, you know.", result="A dog.", reason=None)
    return history


def test_an_empty_history_says_that_it_is_off(place: Place) -> None:
    done = place.ingle("history", "list")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "history = true" in done.stderr


def test_entries_are_listed_searched_and_shown(place: Place) -> None:
    fill(place)
    assert [entry["tool"] for entry in json.loads(place.ingle("history", "list", "--json").stdout)] == [
        "concise",
        "proofread",
    ]
    assert "Teh cat." in place.ingle("history", "search", "THE", "cat").stdout
    assert place.ingle("history", "show", "1").stdout == "Teh cat.\n---\nThe cat.\n"
    assert place.ingle("history", "show", "9").exit_code != 0


def test_redo_hands_the_raw_text_to_another_tool_with_its_options(place: Place, daemon: FakeDaemon) -> None:
    fill(place)
    daemon.answers["POST /text"] = improving("Le chat.")
    done = place.ingle("history", "redo", "1", "translate", "--to", "fr", "--model", MODEL)
    assert done.stdout == "Le chat."
    (body,) = daemon.bodies("/text")
    assert (body["tool"], body["text"], body["options"]) == ("translate", "Teh cat.", {"to": "fr"})
    assert place.ingle("history", "redo", "1", "translate", "--model", MODEL).exit_code == 2


def test_delete_forgets_one_and_all_only_after_a_yes(place: Place) -> None:
    history = fill(place)
    assert place.ingle("history", "delete").exit_code == 2
    assert place.ingle("history", "delete", "1").exit_code == 0
    assert [entry.id for entry in history.recent()] == [2]
    assert place.ingle("history", "delete", "--all").exit_code == 2
    assert place.ingle("history", "delete", "--all", "--yes").exit_code == 0
    assert history.recent() == []
