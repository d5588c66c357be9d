from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.errors import GenerationFailed, IngleError, Unsupported
from ingle.generation import Chunk, FinishReason, Generation, Usage
from ingle.shell.suggest import (
    Reading,
    Suggestion,
    prompt_for,
    read_answer,
    suggest,
    syntax_complaint,
    unnamed_loss,
)
from ingle.shell.surroundings import SHELLS, Surroundings, observe, shell_named

HERE = Surroundings(
    shell="bash", system="Linux", tools="GNU", directory="/home/user/src/project", installed=("git",)
)


def answer(command: str = "ls -S", question: str = "", **more: object) -> str:
    fields = {"command": command, "explanation": "Lists.", "question": question, "needs_confirmation": False}
    return json.dumps(fields | more)


class ScriptedModel:
    def __init__(self, *answers: str | IngleError, enforces: bool = True) -> None:
        self.answers = list(answers)
        self.enforces = enforces
        self.asked: list[Generation] = []

    async def __call__(self, generation: Generation) -> AsyncIterator[Chunk]:
        if generation.constraint is not None and not self.enforces:
            raise Unsupported("no schemas here")
        self.asked.append(generation)
        found = self.answers.pop(0)
        if isinstance(found, IngleError):
            raise found
        yield Chunk(
            text=found, finish_reason=FinishReason.STOP, usage=Usage(prompt_tokens=1, completion_tokens=1)
        )


async def ask(
    model: ScriptedModel, complaint: Callable[[str], str | None] = lambda _command: None
) -> Suggestion:
    return await suggest("list files by size", HERE, model, complaint=complaint)


async def test_a_constrained_answer_is_read_as_it_is() -> None:
    found = await ask(ScriptedModel(answer("ls -lS")))
    assert (found.command, found.reading, found.repaired) == ("ls -lS", Reading.CONSTRAINED, False)


async def test_an_engine_without_schemas_is_asked_without_one_and_read_strictly() -> None:
    model = ScriptedModel(f"Here you are:\n{answer('ls')}\nBye {{}}", enforces=False)
    found = await ask(model)
    assert (found.command, found.reading) == ("ls", Reading.BALANCED_OBJECT)
    assert model.asked[0].constraint is None


@pytest.mark.parametrize(
    ("text", "command", "reading"),
    [
        (answer("awk '{print $1}' f"), "awk '{print $1}' f", Reading.WHOLE_JSON),
        ("{x} then " + answer('echo "}{"') + " and " + answer("ls"), 'echo "}{"', Reading.BALANCED_OBJECT),
        ("```json\n" + answer("ls") + "\n```", "ls", Reading.BALANCED_OBJECT),
        ('{"result": [' + answer("ls") + "]}", "ls", Reading.BALANCED_OBJECT),
        (answer("x" * 2001) + answer("ls"), "ls", Reading.BALANCED_OBJECT),
        ("Run this:\n```bash\nls -la\n```\n", "ls -la", Reading.FENCED_BLOCK),
        ("```\nfind . -name '*.py'\n```", "find . -name '*.py'", Reading.FENCED_BLOCK),
    ],
)
def test_the_three_named_readings(text: str, command: str, reading: Reading) -> None:
    found = read_answer(text)
    assert found is not None
    assert (found.command, found.reading) == (command, reading)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ls -la",
        "{",
        '{"command": "ls"}',
        answer("ls", extra=1),
        answer("x" * 2001),
        '["ls"]',
        "{'command': 'ls'}",
        "```bash\n\n```",
        '{"command": "rm -rf /", "explanation": "cut at {',
        '```json\n{"command": "ls"\n```',
    ],
)
def test_what_no_step_can_read_is_nothing(text: str) -> None:
    assert read_answer(text) is None


@pytest.mark.slow
@given(
    st.text(max_size=300)
    | st.lists(st.sampled_from(["{", "}", '"', "\\", "```\n", answer(), ":"])).map("".join)
)
def test_reading_never_fails_and_never_makes_a_command_up(text: str) -> None:
    found = read_answer(text)
    if found is not None and found.command:
        assert found.command in text or json.dumps(found.command)[1:-1] in text


async def test_a_complaint_is_shown_to_the_model_once() -> None:
    model = ScriptedModel(answer("ls |"), answer("ls"))
    found = await ask(model, lambda command: "the pipe ends nowhere." if command.endswith("|") else None)
    assert (found.command, found.repaired) == ("ls", True)
    assert "the pipe ends nowhere." in (model.asked[1].messages or ())[-1].content


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("broken", ["ls |", "echo 'x", "(ls", "ls &&", "if ($x) {"])
def test_every_shells_parser_complains_of_what_stays_open(shell: str, broken: str) -> None:
    said = syntax_complaint(broken, shell)
    assert said is not None
    assert shell in said and said.endswith(".")


@pytest.mark.parametrize(
    ("shell", "whole"),
    [
        ("bash", 'for f in *; do echo "$f"; done'),
        ("sh", 'for f in *; do echo "$f"; done'),
        ("zsh", "print -l *(.)"),
        ("fish", "if test -f x; ls; end"),
        ("powershell", "Get-ChildItem | Sort-Object Length"),
        ("bash", "rm -rf /"),
        ("bash", "some-tool-nobody-knows --now"),
    ],
)
def test_a_command_that_parses_is_no_cause_for_complaint_however_dangerous(shell: str, whole: str) -> None:
    assert syntax_complaint(whole, shell) is None


@pytest.mark.parametrize(
    ("command", "shell"),
    [("print -l *(.)", "powershell"), ("if test -f x; ls; end", "bash"), ("if true; then ls; fi", "fish")],
)
def test_another_shells_syntax_is_complained_of(command: str, shell: str) -> None:
    assert syntax_complaint(command, shell) is not None


def test_a_complaint_quotes_the_part_that_does_not_parse() -> None:
    said = syntax_complaint("ls -lS; echo 'x", "zsh")
    assert said is not None and said.startswith("`'x`: ")
    assert "`" not in (syntax_complaint("ls |", "bash") or "")
    long = syntax_complaint("if true; then " + "echo abc; " * 30, "bash")
    assert long is not None and len(long) < 200


async def test_the_parsers_complaint_reaches_the_model_in_its_one_repair_round() -> None:
    model = ScriptedModel(answer("echo 'x"), answer("echo x"))
    found = await ask(model, lambda command: syntax_complaint(command, "zsh"))
    assert (found.command, found.repaired) == ("echo x", True)
    assert "`'x`: this part is not valid zsh" in (model.asked[1].messages or ())[-1].content


async def test_after_one_repair_round_the_best_answer_stands() -> None:
    found = await ask(ScriptedModel(answer("ls |"), answer("ls ||")), lambda _command: "wrong.")
    assert (found.command, found.repaired) == ("ls ||", True)


async def test_two_answers_that_cannot_be_read_are_a_clear_error() -> None:
    with pytest.raises(GenerationFailed, match="holds no command"):
        await ask(ScriptedModel("no", "never"))


async def test_a_question_is_passed_on_and_its_answer_becomes_a_turn() -> None:
    assert (await ask(ScriptedModel(answer("", "Which folder?")))).question == "Which folder?"
    model = ScriptedModel(answer("ls /tmp"))
    await suggest("list files", HERE, model, turns=(("Which folder?", "/tmp"),))
    assert [m.content for m in (model.asked[0].messages or ())[2:]] == ["Which folder?", "/tmp"]


def test_the_prompt_knows_where_it_is() -> None:
    place = Path("/Users/ada/notes")
    here = observe(
        "zsh", platform="darwin", directory=place, which=lambda name: name if name == "rg" else None
    )
    text = prompt_for(here)
    assert all(
        word in text for word in ("zsh", "macOS", "BSD", "Installed: rg.", "directory is /Users/ada/notes.")
    )
    assert f"directory is {Path.cwd()}." in prompt_for(observe("bash"))


@pytest.mark.parametrize(
    ("path", "shell"),
    [
        ("/bin/zsh", "zsh"),
        ("/usr/bin/pwsh", "powershell"),
        ("/bin/dash", "sh"),
        ("/bin/tcsh", "bash"),
        (None, "bash"),
    ],
)
def test_a_shell_is_named_after_its_path(path: str | None, shell: str) -> None:
    assert shell_named(path) == shell


@pytest.mark.parametrize(
    ("words", "command", "asks"),
    [
        ("free some disk space", "rm notes.txt", True),
        ("remove the file n2.md", "rm -rf /tmp/notes.md", True),
        ("list the files", "git clean -fd", True),
        ("free a lot of space", "rm -r lo", True),
        ("show the biggest file", "rm profile.txt", True),
        ("remove lo", "rm -r lo", False),
        ("remove the file notes.md", "rm -rf /tmp/notes.md", False),
        ("remove node modules", "rm -rf node_modules", False),
        ("remove python caches", "find . -name __pycache__ -exec rm -r {} +", False),
        ("throw away the build", "rm -rf build dist", False),
        ("remove the old backup", "rm backup-2020.tar.gz", False),
        ("lösche die Datei a.txt", "rm a.txt", False),
        ("delete temp files", "rm *.tmp", False),
        ("delete all empty folders below here", "find . -type d -empty -delete", False),
        ("save the list", "ls > out.txt", False),
    ],
)
def test_what_would_go_has_to_be_named(words: str, command: str, asks: bool) -> None:
    assert (unnamed_loss(words, command, "bash") is not None) is asks
