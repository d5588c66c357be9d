from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ingle.errors import CommandRefused, IngleError, InvalidRequest, Unsupported
from ingle.shell.confirm import Ask, ConfirmedCommand, asks, confirm, is_yes
from ingle.shell.execute import command_line, remember, run
from ingle.shell.finding import Level
from ingle.shell.verdict import analyse


@pytest.mark.parametrize(
    ("level", "allow", "expected"),
    [
        (Level.SAFE, False, Ask.YES),
        (Level.MODERATE, True, Ask.YES),
        (Level.HIGH, False, Ask.TYPED),
        (Level.CRITICAL, False, Ask.REFUSED),
        (Level.CRITICAL, True, Ask.TYPED),
    ],
)
def test_what_each_level_asks(level: Level, allow: bool, expected: Ask) -> None:
    assert asks(level, allow_critical=allow) is expected


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("answer", ["", " ", "n", "no", "ye", "run lo", "maybe"])
def test_nothing_but_a_yes_is_a_yes(level: Level, answer: str) -> None:
    assert not is_yes(level, answer)


def test_from_high_on_the_yes_is_typed_out() -> None:
    assert not is_yes(Level.HIGH, "y")
    assert is_yes(Level.HIGH, " Run  HIGH ")
    assert not is_yes(Level.CRITICAL, "run high")


def test_a_critical_command_is_not_confirmed_by_its_words_alone() -> None:
    with pytest.raises(CommandRefused):
        confirm("rm -rf ~", "bash", "run critical", shown=Level.CRITICAL)
    assert confirm("rm -rf ~", "bash", "run critical", shown=Level.CRITICAL, allow_critical=True)


def test_a_text_that_is_not_the_one_shown_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="not the one"):
        confirm("rm -rf ~", "bash", "y", shown=Level.SAFE)


def test_a_command_with_a_nul_is_refused_and_not_tried() -> None:
    with pytest.raises(InvalidRequest, match="NUL"):
        confirm("ls\0", "bash", "run high", shown=Level.HIGH)


def test_a_command_that_a_shell_would_take_for_an_option_is_refused() -> None:
    level = analyse("-c 'touch made'", "bash").level
    with pytest.raises(InvalidRequest, match="begins with -"):
        confirm("-c 'touch made'", "bash", "run high", shown=level)


def test_a_command_longer_than_an_argument_is_a_typed_error() -> None:
    with pytest.raises(Unsupported, match="could not be started"):
        run(ConfirmedCommand("#" + "x" * 3_000_000, "sh", Level.SAFE))


def test_a_history_that_cannot_be_written_is_no_reason_not_to_run(tmp_path: Path) -> None:
    (tmp_path / ".bash_history").symlink_to("/proc/version")
    assert remember(ConfirmedCommand("ls", "bash", Level.SAFE), tmp_path) is None


def test_zsh_reads_back_letters_whose_bytes_it_uses_itself(tmp_path: Path) -> None:
    (tmp_path / ".zsh_history").write_bytes(b": 1:0;ls\n")
    remember(ConfirmedCommand("echo à la ă", "zsh", Level.SAFE), tmp_path)
    written = (tmp_path / ".zsh_history").read_bytes().splitlines()[1].partition(b";")[2]
    assert written == b"echo \xc3\x83\x80 la \xc4\x83\xa3"


def test_powershell_is_pwsh_and_nothing_else() -> None:
    confirmed = ConfirmedCommand("Get-Date", "powershell", Level.SAFE)
    assert command_line(confirmed, which=lambda name: f"/bin/{name}")[0] == "/bin/pwsh"
    with pytest.raises(Unsupported, match="pwsh is not installed"):
        command_line(confirmed, which=lambda name: None if name == "pwsh" else f"/bin/{name}")


def test_exactly_the_confirmed_bytes_are_run_and_the_exit_code_is_theirs(tmp_path: Path) -> None:
    text = f"printf '%s' 'a  b\t$(x)' > {tmp_path}/out; exit 3"
    confirmed = confirm(text, "bash", "y", shown=Level.MODERATE)
    assert command_line(confirmed)[1:] == ["-c", text]
    assert run(confirmed) == 3
    assert (tmp_path / "out").read_text() == "a  b\t$(x)"


def test_a_command_ended_by_a_signal_has_the_code_shells_give_it() -> None:
    assert run(ConfirmedCommand("kill -TERM $$", "sh", Level.MODERATE)) == 128 + 15


def test_an_interrupt_at_any_moment_leaves_the_exit_code_to_the_command() -> None:
    confirmed = ConfirmedCommand("kill -INT $PPID; exit 7", "sh", Level.HIGH)
    assert [run(confirmed) for _ in range(20)] == [7] * 20


def test_a_history_of_bash_with_times_gets_one_too_and_keeps_its_last_line(tmp_path: Path) -> None:
    path = tmp_path / ".bash_history"
    path.write_text("#1700000000\nls")
    remember(ConfirmedCommand("echo a\necho b", "bash", Level.SAFE), tmp_path)
    found = path.read_text().splitlines()
    assert found[:2] == ["#1700000000", "ls"]
    assert found[2].startswith("#")
    assert found[2][1:].isdigit()
    assert found[3:] == ["echo a", "echo b"]


def test_bytes_that_are_no_text_are_remembered_as_they_were_run(tmp_path: Path) -> None:
    path = tmp_path / ".bash_history"
    path.write_bytes(b"ls\n")
    remember(ConfirmedCommand("echo \udce9", "bash", Level.HIGH), tmp_path)
    assert path.read_bytes() == b"ls\necho \xe9\n"


def test_a_shell_that_is_not_there_is_said() -> None:
    with pytest.raises(Unsupported, match="zsh is not installed"):
        command_line(ConfirmedCommand("ls", "zsh", Level.SAFE), which=lambda _name: None)


@pytest.mark.parametrize(
    ("shell", "file", "before", "entry"),
    [
        ("bash", ".bash_history", "ls\n", "echo a\\nb\n"),
        ("zsh", ".zsh_history", ": 1:0;ls\n", r": \d+:0;echo a\\nb\n"),
        ("zsh", ".zsh_history", "ls\n", "echo a\\nb\n"),
        (
            "fish",
            ".local/share/fish/fish_history",
            "- cmd: ls\n  when: 1\n",
            r"- cmd: echo a\\\\nb\n  when: \d+\n",
        ),
    ],
)
def test_it_goes_into_the_history_in_the_shells_own_form(
    tmp_path: Path, shell: str, file: str, before: str, entry: str
) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(before)
    assert remember(ConfirmedCommand("echo a\\nb", shell, Level.SAFE), tmp_path) == path
    added = path.read_text().removeprefix(before)
    assert added.endswith("\n")
    assert "echo a" in added
    assert ("when:" in added) is (shell == "fish")
    assert added.startswith(": ") is (entry.startswith(": "))


def test_powershell_remembers_where_its_line_editor_does_and_not_what_that_leaves_out(tmp_path: Path) -> None:
    path = tmp_path / ".local/share/powershell/PSReadLine/ConsoleHost_history.txt"
    path.parent.mkdir(parents=True)
    path.write_text("Get-Date\n")
    assert remember(ConfirmedCommand("Get-Item a;\nGet-Item b", "powershell", Level.SAFE), tmp_path) == path
    secret = ConfirmedCommand("Set-Variable ApiKey 1", "powershell", Level.SAFE)
    assert remember(secret, tmp_path) is None
    assert path.read_text() == "Get-Date\nGet-Item a;`\nGet-Item b\n"


@pytest.mark.parametrize(("before", "kept"), [(b"ls\n", True), (b"", True), (b"\x81\x01ls\n\0", False)])
def test_sh_remembers_in_a_file_of_lines_and_leaves_korn_shells_own_form_alone(
    tmp_path: Path, before: bytes, kept: bool
) -> None:
    path = tmp_path / ".sh_history"
    path.write_bytes(before)
    found = remember(ConfirmedCommand("ls -S", "sh", Level.SAFE), tmp_path)
    assert (found == path) is kept
    assert path.read_bytes() == (before + b"ls -S\n" if kept else before)


def test_a_history_that_is_not_kept_is_not_made(tmp_path: Path) -> None:
    assert remember(ConfirmedCommand("ls", "bash", Level.SAFE), tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_the_widgets_are_valid_shell() -> None:
    from ingle.shell.widgets import WIDGETS, widget

    subprocess.run(["bash", "-n", "-c", widget("bash")], check=True)
    assert all("--print" in text for text in WIDGETS.values())
    with pytest.raises(IngleError):
        widget("tcsh")
