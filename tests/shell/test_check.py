"""`ingle check`: words or JSON, one command or lines, and an exit code by level."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ingle.cli.check import answer_line, check_line, read_script
from ingle.errors import InvalidRequest


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ingle.cli.entry", "check", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def test_one_line_in_gives_one_answer_with_the_same_id() -> None:
    answer, level = check_line('{"id": "a", "command": "rm -rf /", "shell": "zsh"}', "bash", None)
    assert (answer["id"], answer["level"], level) == ("a", "critical", 3)
    assert answer["findings"][0]["span"] == [0, 8]
    assert json.dumps(answer)


@pytest.mark.parametrize(
    "line", ["nonsense", "[]", "{}", '{"command": 3}', '{"command": "ls", "shell": "tcl"}']
)
def test_line_that_is_no_question_is_refused(line: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_line(line, "bash", None)
    assert refused.value.hint.startswith(("For example: {", "One of: "))


@pytest.mark.parametrize(
    ("line", "known"),
    [
        ("nonsense", None),
        ("[]", None),
        ('{"id": "x", "command": 3}', "x"),
        ('{"id": 7, "command": "ls", "shell": "tcl"}', 7),
        ('{"id": 8, "command": "ls", "shell": ["bash"]}', 8),
        ("[" * 100_000, None),
        ('{"command": "ls \udcff"}', None),
    ],
)
def test_line_that_is_no_question_is_answered_with_its_error_and_counts_as_high(
    line: str, known: object
) -> None:
    answer, level = answer_line(line, "bash", None)
    assert (answer["id"], level) == (known, 2)
    assert answer["error"]
    assert "level" not in answer


def test_scripts_are_read_below_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.sh").write_text("rm -rf /")
    monkeypatch.chdir(tmp_path)
    assert read_script("/home/user/src/project/x.sh") == "rm -rf /"
    assert read_script("/home/user/src/project/none.sh") is None
    assert read_script(str(tmp_path)) is None


@pytest.mark.slow
@pytest.mark.parametrize(("command", "code"), [("ls", 0), ("rm x", 10), ("rm -rf .", 20), ("rm -rf /", 30)])
def test_exit_code_is_that_of_the_level(command: str, code: int) -> None:
    assert run(command).returncode == code


@pytest.mark.slow
def test_lines_are_answered_one_by_one_and_the_worst_decides() -> None:
    questions = [{"id": 1, "command": "ls"}, {"id": 2, "command": "rm -rf .", "shell": "fish"}]
    found = run("--jsonl", stdin="".join(json.dumps(question) + "\n" for question in questions))
    answers = [json.loads(line) for line in io.StringIO(found.stdout)]
    assert [(answer["id"], answer["level"]) for answer in answers] == [(1, "safe"), (2, "high")]
    assert found.returncode == 20


@pytest.mark.slow
def test_bad_line_does_not_end_the_batch() -> None:
    found = run("--jsonl", stdin='{"id": 1, "command": "ls"}\nnonsense\n{"id": 3, "command": "rm x"}\n')
    answers = [json.loads(line) for line in io.StringIO(found.stdout)]
    assert [answer["id"] for answer in answers] == [1, None, 3]
    assert [answer.get("level") for answer in answers] == ["safe", None, "moderate"]
    assert found.returncode == 20


@pytest.mark.slow
def test_wrong_use_ends_in_two() -> None:
    assert run().returncode == 2
    assert run("--shell", "tcl", "ls").returncode == 2
