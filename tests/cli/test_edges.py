"""Every way a command line can end: exit codes, and errors for people and for machines."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ingle.cli import entry
from ingle.cli.main import run
from ingle.cli.serve import token_for
from ingle.cli.terminal import Terminal
from tests.cli.conftest import Place


@pytest.mark.parametrize(
    "words", [["nonsense"], ["list", "--no-such-option"], ["run", "m", "--top-p", "7", "x"], ["show"]]
)
def test_wrong_use_ends_in_2(place: Place, words: list[str]) -> None:
    assert place.ingle(*words).exit_code == 2


def test_help_before_a_command_is_its_help(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["help", "version"]) == 0
    assert "ingle version" in capfd.readouterr().out
    assert run(["help"]) == 0
    assert "proofread" in capfd.readouterr().out
    assert run(["help", "nonsense"]) == 2


def test_an_empty_prompt_is_told_as_one(place: Place) -> None:
    found = place.ingle("run", "")
    assert found.exit_code == 2 and "The prompt is empty." in found.stderr and "run  " not in found.stderr


@pytest.mark.slow
def test_the_tab_key_finds_the_tools(place: Place) -> None:
    asked = {"_INGLE_COMPLETE": "complete_bash", "COMP_WORDS": "ingle text pro", "COMP_CWORD": "2"}
    code = "from ingle.cli.main import build_app; build_app()(prog_name='ingle')"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=place.environ(**asked)
    )
    assert {"proofread", "professional"} <= set(found.stdout.split()) and "concise" not in found.stdout


def test_wrong_use_with_json_is_json(place: Place) -> None:
    found = place.ingle("show", "--json")
    assert found.exit_code == 2
    assert json.loads(found.stdout)["error"]["code"] == "invalid_request"


def test_an_error_says_what_and_what_next_on_standard_error(place: Place) -> None:
    found = place.ingle("show", "no-such-model")
    assert found.exit_code == 1
    assert found.stdout == ""
    assert "no-such-model" in found.stderr
    assert "Next:" in found.stderr


@pytest.mark.parametrize("name", [300 * "x", "./" + 300 * "x", "/" + 300 * "x/"])
def test_a_name_longer_than_any_file_is_refused_like_any_other(place: Place, name: str) -> None:
    found = place.ingle("show", name, "--json")
    assert found.exit_code == 1
    assert json.loads(found.stdout)["error"]["code"] in {"model_not_found", "file_missing"}


def test_an_error_with_json_is_json_on_standard_output(place: Place) -> None:
    found = place.ingle("show", "no-such-model", "--json")
    assert found.exit_code == 1
    assert json.loads(found.stdout)["error"]["code"] == "model_not_found"


def test_a_json_word_after_two_dashes_is_only_a_word(place: Place) -> None:
    found = place.ingle("run", "--", "no-such-model", "--json")
    assert found.exit_code == 1
    assert "Error:" in found.stderr


def test_a_setting_that_does_not_parse_is_wrong_use(place: Place) -> None:
    found = place.ingle("status", INGLE_PORT="many")
    assert found.exit_code == 2
    assert "INGLE_PORT" in found.stderr


def test_the_help_shows_every_form_of_a_name(place: Place) -> None:
    assert "org/name[@revision][:file|:quantisation]" in place.ingle("show", "--help", COLUMNS="160").output


def test_without_a_command_the_help_is_shown(place: Place) -> None:
    found = place.ingle()
    assert "Usage" in found.output


@pytest.mark.slow
def test_every_command_has_help_with_a_sentence(place: Place) -> None:
    from typer.core import TyperGroup
    from typer.main import get_command

    from ingle.cli.main import build_app

    group = get_command(build_app())
    assert isinstance(group, TyperGroup)
    for name in group.commands:
        found = place.ingle(name, "--help")
        assert found.exit_code == 0, name
        assert group.commands[name].help, name


@pytest.mark.parametrize("words", [["--version"], ["-V"], ["version", "--short"]])
def test_the_version_is_one_line(place: Place, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from ingle.version import __version__

    assert place.ingle(*words).stdout.strip().endswith(__version__)


def test_beyond_the_loopback_a_token_is_always_asked_for() -> None:
    assert [token_for(host, None) for host in ("127.0.0.1", "::1", "localhost")] == [None, None, None]
    assert token_for("0.0.0.0", "mine") == "mine"
    assert len(token_for("0.0.0.0", None) or "") > 20
    assert len(token_for("my-machine.lan", None) or "") > 20


def test_completion_can_be_installed(place: Place) -> None:
    found = place.ingle("--help")
    assert "--install-completion" in found.output


def test_the_door_imports_nothing_for_the_version(place: Place) -> None:
    code = (
        "import sys; sys.argv = ['ingle', '--version']; before = set(sys.modules);"
        "from ingle.cli.entry import main; main();"
        "print(sorted(name for name in set(sys.modules) - before if not name.startswith('ingle')))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[1] == "['__future__']"
    assert Path(entry.__file__).name == "entry.py"


class Tty(io.StringIO):
    """Text streams that say they are a terminal."""

    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_that_want_them() -> None:
    assert Terminal(stdout=Tty()).style("x", "1") == "\x1b[1mx\x1b[0m"
    assert Terminal(stdout=Tty(), plain=True).style("x", "1") == "x"
    assert Terminal(stdout=io.StringIO()).style("x", "1") == "x"


@pytest.mark.parametrize(
    ("typed", "default", "meant"), [("\n", True, True), ("\n", False, False), ("y\n", False, True)]
)
def test_a_question_takes_its_default_for_an_empty_line(typed: str, default: bool, meant: bool) -> None:
    terminal = Terminal(stdin=Tty(typed), stderr=io.StringIO())
    assert terminal.confirm("Go?", default=default) is meant


def test_the_end_of_input_is_a_no() -> None:
    assert Terminal(stdin=Tty(""), stderr=io.StringIO()).confirm("Go?") is False


@pytest.mark.parametrize(
    ("typed", "picked"), [("\n", 0), ("2\n", 1), ("9\n2\n", 1), ("q\n", None), ("", None)]
)
def test_a_choice_is_a_number_and_the_first_by_default(typed: str, picked: int | None) -> None:
    terminal = Terminal(stdin=Tty(typed), stderr=io.StringIO())
    assert terminal.choose("Which?", ["one", "two"]) == picked


def test_a_wrong_entry_is_told_before_the_question_comes_again() -> None:
    said = io.StringIO()
    Terminal(stdin=Tty("9\n2\n"), stderr=said).choose("Which?", ["one", "two"])
    assert "9 is none of them.\nWhich? [1-2, q to leave] (1) " in said.getvalue()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="a disk that is always full is at hand on Linux only")
@pytest.mark.parametrize("words", [["list", "--catalog"], ["list", "--catalog", "--json"], ["version"]])
def test_an_answer_that_finds_no_space_is_an_error_in_words(place: Place, words: list[str]) -> None:
    command = [sys.executable, "-m", "ingle.cli.entry", *words]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, env=place.environ(), stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert "standard output: No space left" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_closed_standard_output_is_no_defect(place: Place) -> None:
    command = ["/bin/sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "ingle.cli.entry", "version"]
    done = subprocess.run(command, env=place.environ(), stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")
