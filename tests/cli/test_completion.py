"""The Tab key, in real shells: names with a colon, and for each word what may stand there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest
from bench.startup import fill_cache

from ingle.cli.completion import shell_code
from ingle.cli.main import run
from tests.cli.conftest import Place
from tests.cli.fake_daemon import STATUS, FakeDaemon
from tests.cli.terminal import OnTerminal

BREAKS = " \t\n\"'@><=;|&(:"
Offered = Callable[..., list[str]]


def programs(place: Place) -> str:
    """A folder with an `ingle` in it, for the path."""
    folder = place.root / "programs"
    folder.mkdir(exist_ok=True)
    (folder / "ingle").write_text(f'#!/bin/sh\nexec {sys.executable} -m ingle.cli.entry "$@"\n')
    (folder / "ingle").chmod(0o755)
    return str(folder)


@pytest.fixture
def offered(place: Place) -> Offered:
    """What bash would put behind the last break of a line, as its own Tab key asks the function for it."""

    def ask(line: str, *, breaks: str = BREAKS) -> list[str]:
        word = line.rpartition(" ")[2]
        broken = word[max(word.rfind(one) for one in breaks) + 1 :] if not word.startswith('"') else word[1:]
        script = shell_code("bash") + (
            'COMP_LINE=$1 COMP_POINT=${#1}\n_ingle_completion "$2" "$3" x\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
        )
        ingle = f"{programs(place)}/ingle"
        done = subprocess.run(
            ["/bin/bash", "-c", script, "bash", line, ingle, broken],
            env=place.environ(PATH="/usr/bin:/bin"),
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return done.stdout.split()

    return ask


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("ingle show qwen3:", {"1.7b", "4b", "8b"}),
        ("ingle show qwen3:1", {"1.7b"}),
        ('ingle show "qwen3:1', {"qwen3:1.7b"}),
        ("ingle show star", {"starter"}),
        ("ingle check --shell=z", {"zsh"}),
        ("ingle run 'two words' --top-", {"--top-p", "--top-k"}),
        ("ingle text proofread -m star", {"starter"}),
        ("ingle sh -m star", {"starter"}),
        ("ingle sh --shell p", {"powershell"}),
        ("ingle init ", {"bash", "zsh", "fish"}),
        ("ingle history redo 1 conc", {"concise"}),
        ("ingle rm q", set()),
    ],
)
def test_in_bash_each_word_is_offered_behind_what_bash_takes_for_a_break(
    offered: Offered, line: str, rest: set[str]
) -> None:
    assert set(offered(line)) == rest


@pytest.mark.slow
def test_in_a_bash_that_breaks_at_no_colon_the_name_is_offered_whole(offered: Offered) -> None:
    assert offered("ingle show qwen3:1", breaks=" \t\n\"'") == ["qwen3:1.7b"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "words", "before"),
    [
        ("bash", ("--norc", "--noprofile", "-i"), "PS1=READY; "),
        ("zsh", ("-f", "-i"), "PS1=READY; autoload -Uz compinit; compinit -u -D; "),
        ("fish", ("--no-config", "-i"), "function fish_prompt; echo READY; end; "),
    ],
)
def test_the_tab_key_ends_a_name_behind_its_colon(
    place: Place, shell: str, words: tuple[str, ...], before: str
) -> None:
    program = shutil.which(shell)
    if program is None:
        assert shell != "bash"  # the others are not everywhere
        return
    code = place.root / "code"
    code.write_text(shell_code(shell))
    env = place.environ(XDG_DATA_HOME=str(place.root), XDG_CONFIG_HOME=str(place.root))
    with OnTerminal(list(words), env, path=programs(place), program=(program,)) as screen:
        screen.key_in(f"{before}source {code}; echo beg''un\n")
        screen.wait_for("begun")
        screen.wait_for("READY")
        screen.key_in("ingle show qwen3:1\t")
        screen.wait_for(".7b")
        screen.key_in("\n")
        screen.wait_for("mlx-community/Qwen3-1.7B-4bit")
        screen.wait_for("READY")
        screen.key_in("exit\n")
        screen.wait()


@pytest.mark.slow
def test_what_is_deleted_stopped_or_cancelled_is_what_is_here_loaded_or_pulled(
    place: Place, daemon: FakeDaemon, offered: Offered
) -> None:
    fill_cache(place.cache, 1)
    loaded = {"model": "loaded", "state": "ready", "memory": {"state": "ready", "pid": 5}}
    pulled = {"model": "pulled", "state": "downloading"}
    daemon.answers["GET /ingle/ps"] = {"models": [loaded, pulled]}
    daemon.answers["GET /ingle/status"] = STATUS | {"pulls": [pulled]}
    assert offered("ingle rm ") == ["bench/model-000"]
    assert offered("ingle stop ") == ["loaded"]
    assert offered("ingle cancel ") == ["pulled"]


@pytest.mark.slow
def test_a_variable_that_sets_nothing_is_not_told_in_the_middle_of_a_line(place: Place) -> None:
    asked = {"_INGLE_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    env = place.environ(_TYPER_COMPLETE_ARGS="ingle show star", INGLE_HISTRY="1", **asked)
    done = subprocess.run([sys.executable, "-m", "ingle.cli.entry"], env=env, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("starter\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_code_of_the_shell_that_is_named_is_printed(
    shell: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["--show-completion", shell]) == 0
    assert capfd.readouterr().out == shell_code(shell)
    assert {"bash": "COMP_LINE", "zsh": "#compdef", "fish": "complete --command"}[shell] in shell_code(shell)


def test_a_shell_without_a_completion_is_refused_by_name(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["--show-completion", "tcsh"]) == 2
    said = capfd.readouterr()
    assert said.out == "" and "There is no completion for tcsh." in said.err and "zsh" in said.err


@pytest.mark.slow
def test_bash_is_given_our_own_code_to_keep(place: Place) -> None:
    home = place.root / "person"
    home.mkdir()
    command = [sys.executable, "-m", "ingle.cli.entry", "--install-completion", "bash"]
    done = subprocess.run(command, env=place.environ(HOME=str(home)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kept = home / ".bash_completions" / "ingle.sh"
    assert kept.read_text() == shell_code("bash") and str(kept) in done.stdout
    assert str(kept) in (home / ".bashrc").read_text()


@pytest.mark.parametrize(
    "word", ["show-completion", "--show_completion", "---install-completion", "install_completion"]
)
def test_only_the_very_options_teach_a_shell(place: Place, word: str) -> None:
    assert place.ingle(word, "bash").exit_code == 2
    assert not [path for path in place.root.rglob("*") if path.name.startswith((".bash", "ingle.sh"))]
