"""What is beyond a limit, or deep inside an expansion, is never left out of the verdict."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ingle.shell.scan import substitutions
from ingle.shell.verdict import Level, analyse
from tests.bounded import within

NAMES = " ".join(f"a{number}" for number in range(100))


@pytest.mark.parametrize(
    "command",
    [
        "echo $((1+$(rm -rf $(echo ~))))",
        "echo $((1" + "+1" * 120 + "+a[$(rm -rf ~)]))",
        "let 'x=1" + "+1" * 120 + "+a[$(rm -rf ~)]'",
        "let 'a[$(rm -rf $(echo ~))]=1'",
        "echo ${x:$(rm -rf $(echo ~))}",
        "echo ${a[$(rm -rf $(echo ~))]}",
        "PS4='" + "$(true)" * 9 + "$(rm -rf ~)'; set -x; ls",
        "printf -v 'a[$(rm -rf ~)]' x",
        "unset 'a[$(rm -rf ~)]'",
        "read 'a[$(rm -rf ~)]' <<< 1",
    ],
)
def test_a_substitution_inside_arithmetic_a_subscript_or_a_prompt_is_code(command: str) -> None:
    assert analyse(command).level is Level.CRITICAL


@pytest.mark.parametrize(
    "command",
    [
        f'x=({NAMES} /); rm -rf "${{x[@]}}"',
        f'x="{NAMES} /"; rm -rf $x',
        f"printf '%s\\n' {NAMES} / | while read f; do rm -rf $f; done",
        f"parallel rm -rf ::: {NAMES} /",
        "case $1 in "
        + " ".join(f"a{n}) x=a{n};;" for n in range(8))
        + ' h) x=~;; i) x=i;; j) x=j;; esac; rm -rf "$x"',
        "x='" + "a" * 600 + ';rm -rf ~\'; eval "${x//q/r}"',
        "echo '" + "a" * 2_000 + ";rm -rf ~' | sed s/q/r/ | sh",
    ],
    ids=["array", "fields", "lines", "parallel", "alternatives", "replaced", "edited"],
)
def test_more_values_or_text_than_are_followed_are_at_least_high(command: str) -> None:
    assert analyse(command).level >= Level.HIGH


@pytest.mark.parametrize(
    "command",
    [
        "find . -exec rm -rf ~ \\;",
        "find . -name a -exec rm -rf ~ \\;",
        "find . -name a -exec rm -rf {} ~ \\;",
        'python3 -c \'import shutil\nfor p in ["a", "/"]: shutil.rmtree(p)\'',
        "python3 -m timeit -s 'import os' 'os.system(\"rm -rf ~\")'",
        "make SHELL='rm -rf ~'",
    ],
)
def test_what_the_line_itself_names_counts_however_it_is_reached(command: str) -> None:
    assert analyse(command).level is Level.CRITICAL


@pytest.mark.parametrize(
    "command", ["awk -f report.awk data.txt", "sed -f edit.sed notes.txt", "python3 -m cProfile app.py"]
)
def test_a_script_that_was_not_read_is_not_safe(command: str) -> None:
    assert analyse(command).level is Level.MODERATE


@pytest.mark.parametrize(
    "command",
    [
        "echo $((1+2))",
        "echo $(( (1+2)*3 ))",
        "x=5; echo $((x*(2+3)))",
        "find . -name a -exec ls \\;",
        "make SHELL=/bin/bash",
        "python3 -m timeit 'sum(range(100))'",
        f"for f in {NAMES}; do echo $f; done",
        "find . -exec ls -l {} \\;",
    ],
)
def test_what_only_looks_alike_stays_safe(command: str) -> None:
    assert analyse(command).level is Level.SAFE


@pytest.mark.parametrize(
    "command",
    [
        "x" + "1" * 16_000 + "a b",
        "chmod " + "uo" * 8_000 + " f",
        "while true >" + ">" * 8_000 + "a" + " " * 8_000,
    ],
)
def test_names_modes_and_redirections_without_end_take_bounded_time(command: str) -> None:
    with within(2.5):
        assert analyse(command).level > Level.SAFE


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "rm " + " ".join(f"a{number}" for number in range(2_700)),
        "rm -rf " + " ".join(f"/etc/{number}" for number in range(1_500)),
        "kill " + "{1..1000} " * 300,
    ],
    ids=["named", "system", "numbers"],
)
def test_a_command_of_thousands_of_words_takes_bounded_time(command: str) -> None:
    with within(6):
        assert analyse(command).level > Level.SAFE


def test_substitutions_are_found_in_order_and_whole() -> None:
    assert substitutions("1+$(a $(b)) `c` $((2+$(d)))") == ["a $(b)", "c", "d"]
    assert substitutions("$((x); y) 1+2 $(open") == ["(x); y", "open"]


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["{}", "{a}", "(a)", "[1]"])
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_brackets_side_by_side_are_bounded_too(unit: str, shell: str) -> None:
    with within(5):
        assert analyse(unit * 5_000, shell).level >= Level.HIGH
        analyse(unit * 1_000, shell)


@pytest.mark.slow
def test_code_that_does_not_parse_opens_no_file_that_lies_here(tmp_path: Path) -> None:
    os.mkfifo(
        tmp_path / "<unknown>"
    )  # Python's parser looks for the line in the file it is told, and would wait here
    code = "from ingle.shell.verdict import analyse; print(analyse(\"python3 -c 'x ='\").level.label)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "high\n"
