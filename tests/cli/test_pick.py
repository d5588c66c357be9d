"""Which model is meant where none was named, and whether that is worth a question."""

from __future__ import annotations

import io

from bench.startup import fill_cache

from ingle.catalog.curated import load_catalog
from ingle.cli.offer import pick_model
from ingle.cli.session import Session
from ingle.cli.terminal import Terminal
from ingle.config import load_config
from tests.catalog.gguf_writer import llama
from tests.cli.conftest import Place
from tests.cli.test_edges import Tty


def sitting(place: Place, typed: str = "") -> Session:
    """A person at a terminal of this place, which is offline and so offers nothing but the starter."""
    terminal = Terminal(stdin=Tty(typed), stdout=Tty(), stderr=Tty())
    return Session(load_config(place.environ()), terminal)


def put_starter(place: Place) -> None:
    entry = load_catalog().find("starter")
    assert entry is not None and entry.file is not None
    snapshot = place.cache / "models--ingle--starter" / "snapshots" / entry.revision
    snapshot.mkdir(parents=True)
    (snapshot / entry.file).write_bytes(llama())


def told(session: Session) -> str:
    assert isinstance(session.terminal.stderr, io.StringIO)
    return session.terminal.stderr.getvalue()


def test_a_choice_of_one_is_no_question(place: Place) -> None:
    put_starter(place)
    session = sitting(place, "q\n")
    assert session.resolve(pick_model(session, offer=True)).repo_id == "ingle/starter"
    assert told(session) == ""


def test_the_only_one_that_can_be_got_is_asked_for_without_a_range_of_numbers(place: Place) -> None:
    session = sitting(place, "\n")
    assert pick_model(session, offer=True) == "starter"
    assert "There is no model on this machine yet." in told(session)
    assert "Take which one? [1, q to leave] (1) " in told(session)


def test_a_choice_of_two_is_a_question(place: Place) -> None:
    fill_cache(place.cache, 1)
    session = sitting(place, "1\n")
    assert pick_model(session, offer=True) == "bench/model-000"
    assert "[1-2, q to leave]" in told(session)


def test_a_prompt_goes_to_the_only_model_without_a_question(place: Place) -> None:
    fill_cache(place.cache, 1)
    session = sitting(place, "q\n")
    assert pick_model(session) == "bench/model-000"
    assert told(session) == ""
