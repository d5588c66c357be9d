"""`ingle check`, as it is typed: from standard input, and without the quotes that a command of several words needs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ingle.shell.verdict import analyse
from tests.cli.conftest import Place


def test_a_hyphen_is_the_command_on_standard_input(place: Place) -> None:
    found = place.ingle("check", "-", "--json", stdin="rm -rf /\n")
    assert (found.exit_code, json.loads(found.stdout)["level"]) == (30, "critical")
    assert place.ingle("check", "-", stdin="ls\n").exit_code == 0


@pytest.mark.parametrize("typed", ["", "\n", "  \n"])
def test_nothing_on_standard_input_is_no_safe_command(place: Place, typed: str) -> None:
    found = place.ingle("check", "-", stdin=typed)
    assert found.exit_code == 2
    assert "There is no command on standard input." in found.stderr


@pytest.mark.parametrize(
    ("words", "quoted"),
    [
        (["rm", "-rf", "/"], "'rm -rf /'"),
        (["--shell", "zsh", "ls", "/tmp"], "'ls /tmp'"),
        (["--json", "rm", "-i", "two words"], "'rm -i '\"'\"'two words'\"'\"''"),
    ],
)
def test_a_command_without_its_quotes_is_told_to_take_them(
    place: Place, words: list[str], quoted: str
) -> None:
    found = place.ingle("check", *words)
    assert found.exit_code == 2
    said = json.loads(found.stdout)["error"]["hint"] if "--json" in words else found.stderr
    assert f"ingle check {quoted}" in said


@pytest.mark.parametrize("words", [["--no-such", "ls"], ["--no-such"], ["--shell", "tcl", "ls"]])
def test_what_quotes_would_not_mend_is_not_told_to_take_them(place: Place, words: list[str]) -> None:
    found = place.ingle("check", *words)
    assert found.exit_code == 2 and "quotes" not in found.stderr


def test_the_guide_says_how_python_gets_the_word_for_a_level() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "shell.md").read_text(encoding="utf-8")
    (expression,) = re.findall(r"`from ingle\.shell\.verdict import analyse; (analyse\([^`]*)`", guide)
    assert expression == 'analyse("rm -rf /").level.label'
    assert analyse("rm -rf /").level.label == "critical"
