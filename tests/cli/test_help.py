"""The help of every command says what each word and option is, in a person's words and not in Python's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from ingle.cli.main import build_app
from tests.cli.conftest import Place

PYTHON = ("FileText", "...}", "NoneType", "None]", "<bool>", "<str>", "<list")


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    below = getattr(command, "commands", {})
    if not below:
        yield path, command
    for name, one in below.items():
        yield from commands(one, (*path, name))


ALL = [path for path, _ in commands(get_command(build_app()))]


def test_every_argument_and_option_says_what_it_is() -> None:
    silent = [
        f"{' '.join(path)}: {one.name}"
        for path, command in commands(get_command(build_app()))
        for one in command.params
        if not one.help and not getattr(one, "hidden", False)
    ]
    assert silent == []


def test_every_command_that_answers_answers_machines_too() -> None:
    without = [
        " ".join(path)
        for path, command in commands(get_command(build_app()))
        if not any("--json" in one.opts for one in command.params)
    ]
    assert without == ["chat", "init"]  # a conversation, and code for a shell


def test_no_help_sends_the_reader_to_another_one() -> None:
    elsewhere = [
        f"{' '.join(path)}: {one.name}"
        for path, command in commands(get_command(build_app()))
        for one in command.params
        if "As in" in (one.help or "")
    ]
    assert elsewhere == []


def test_the_help_of_all_names_the_word_for_help(place: Place) -> None:
    assert "ingle help COMMAND" in " ".join(place.ingle("--help", COLUMNS="200").stdout.split())


@pytest.mark.slow
@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_no_help_speaks_python(place: Place, path: tuple[str, ...]) -> None:
    found = place.ingle(*path, "--help", COLUMNS="120", NO_COLOR="1")
    assert found.exit_code == 0
    assert not [word for word in PYTHON if word in found.stdout]
