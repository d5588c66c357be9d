"""What is too large, broken or deceptive is never called safe, and is answered at once."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.shell import limits
from ingle.shell.deception import escaped, find_tricks
from ingle.shell.parse import SHELLS, folded, parse
from ingle.shell.reading import read_code
from ingle.shell.verdict import Level, analyse, explain, verdict_to_dict
from tests.bounded import within

from .corpus import labelled

PIECES = [
    "rm",
    "-rf",
    "/",
    "~",
    "$(",
    ")",
    "`",
    "'",
    '"',
    "|",
    "&&",
    ";",
    "{",
    "}",
    "$x",
    "${x",
    "<<E",
    "\n",
    "E",
    ">",
    "<(",
    "[[",
    "]]",
    "if",
    "then",
    "fi",
    "do",
    "done",
    "case",
    "esac",
    "eval",
    "sh -c",
    "\\",
    "*",
    "\x00",
    "\u202e",
    "é",
    "echo",
    "=",
    "((",
    "))",
    "function",
    "alias",
    "@",
    "$'",
    "for x in",
    "while",
    "python3 -c",
    "base64 -d",
    "xargs",
    "find .",
    "-exec",
    "{}",
    "\\;",
]


@pytest.mark.parametrize(
    "command",
    [
        "a|" * 16_000,
        "cat <<a " * 12_000,
        "(" * 5_000,
        "$(" * 5_000,
        "x" * 100_000,
        "a;" * 30_000,
        "[" * 9_000,
        "`" * 9_001,
    ],
    ids=["pipes", "heredocs", "brackets", "substitutions", "bytes", "separators", "tests", "backticks"],
)
def test_command_beyond_a_limit_is_high_at_once(command: str) -> None:
    with within(0.5):
        verdict = analyse(command)
        assert verdict.level >= Level.HIGH
        assert "too large to read" in verdict.findings[0].consequence


@pytest.mark.slow
@pytest.mark.parametrize("text", ["${x/)", "echo ${x/a/b)}; rm -rf ~", "${/)", '"${x/${y}/)}"'])
def test_pattern_that_the_zsh_grammar_cannot_hold_is_never_handed_to_it(text: str) -> None:
    assert analyse(text, "zsh").level >= Level.HIGH


@pytest.mark.slow
@pytest.mark.parametrize("text", ["ls " + "a," * 7_998 + "a", "ls & " * 900, "rm " + "a " * 7_000])
def test_long_powershell_is_read_in_bounded_time(text: str) -> None:
    with within(2.5):
        analyse(text, "powershell")


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "ls" + " " * 16_000,
        "echo " + "a" * 40 + " | sed -E 's/(a+)+$b/x/'",
        "rsync " + "a" * 60 + "! " + "b" * 60 + "!",
        "x=a;" + "x=$x$x;" * 40 + "echo $x",
        'x="eval \\"\\$x\\""; eval "$x"',
        "f(){ g;g;g;g; }; g(){ h;h;h;h; }; h(){ i;i;i;i; }; i(){ f; }; f",
        "echo " + "{a,b}" * 30,
        'psql -c "' + "copy " * 2_000 + '"',
        "node -e '" + "while(1)" * 980 + " fork'",
        "echo " + "$(echo " * 20 + "x" + ")" * 20,
        "<<< ( > " + "a" * 5_000,
    ],
    ids=[
        "blanks",
        "sed",
        "remote",
        "doubling",
        "eval",
        "calls",
        "braces",
        "sql",
        "forks",
        "nesting",
        "redirects",
    ],
)
def test_hostile_command_within_the_limits_takes_no_long_time(command: str) -> None:
    with within(2.5):
        analyse(command)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("command", ["echo 'unclosed", "if true; then", "echo $(", "{ ls"])
def test_broken_syntax_is_never_safe(command: str, shell: str) -> None:
    assert parse(command, "bash").doubt is not None
    if shell != "fish" or command != "if true; then":
        assert analyse(command, shell).level >= Level.HIGH


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("ls \u202e/ fr- mr", "bidirectional"),
        ("r\u200bm x", "zero-width"),
        ("r\u043c -rf x", "look like ASCII"),
        ("rm -rf ./build\xa0/tmp/x", "no separator"),
        ("ls\x1b[8m; rm x", "control character"),
        ("ls" + " " * 120 + "; rm x", "padding"),
        ("ls \u2215etc", "look like ASCII"),
        ("cat some/long/path/to/the/inner/f\u043elder/x", "look like ASCII"),
        ("curl https://\u0440\u0430ypal.example/a/very/long/path", "look like ASCII"),
        ("rm \u2013rf x", "no option"),
        ("echo x\xady", "invisible"),
        ("ls \ufe0fx", "zero-width"),
    ],
)
def test_deception_is_high_and_shown_escaped(command: str, kind: str) -> None:
    verdict = analyse(command)
    assert verdict.level >= Level.HIGH
    assert any(kind in found.consequence for found in verdict.findings)


def test_escaped_text_names_the_code_points() -> None:
    assert escaped("r\u043c\u202e\xa0x") == r"r\u043c\u202e\xa0x"


@pytest.mark.parametrize(
    "command",
    [
        "echo 'Привет, мир'",
        "echo '日本語'",
        "git commit -m 'naïve café'",
        "echo '👩\u200d💻'",
        "ls Документы",
        "echo Привет-hello-this-is-a-long-word-мир",
        "cp отчёт-за-2024-год-final-version.pdf old",
        "echo 'Строка-с-дефисами-и-словом-JSON-внутри'",
    ],
)
def test_other_languages_are_no_deception(command: str) -> None:
    assert not find_tricks(command)


def test_limits_name_what_was_exceeded() -> None:
    assert limits.exceeded("ls") == ""
    assert "pipes" in limits.exceeded("a|" * 200)


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "${x/while]]\n",
        "rm -rf /; echo ${x/while]]\nls",
        "E${xE/echo${x>iffind .sh -c((Efind .sh -cfind .]]E$(${x((find .>find .ifif",
        "echo ${name/a)b}",
    ],
)
def test_text_on_which_the_grammar_finds_no_end_is_high_and_takes_bounded_work(command: str) -> None:
    assert not parse(command, "zsh").ended
    _holds_together(command, "zsh")
    assert analyse(command, "zsh").level >= Level.HIGH


@given(st.text())
@pytest.mark.slow
def test_grammars_are_given_no_character_that_their_scanners_read_past_a_table_for(text: str) -> None:
    data = text.encode("utf-8", "replace")
    given_to_it = folded(data)
    assert len(given_to_it) == len(data)
    assert all(ord(char) < 256 for char in given_to_it.decode())
    assert all(old == new for old, new in zip(data, given_to_it, strict=True) if old < 128)


def test_words_of_any_script_are_words() -> None:
    for shell in ("bash", "zsh"):
        assert parse("echo 日本 𝒳{a,é} > Ω.txt", shell).doubt is None


def test_what_such_text_plainly_does_is_still_told() -> None:
    assert analyse("rm -rf /; echo ${x/while]]\nls", "zsh").level is Level.CRITICAL


def test_a_long_line_of_ordinary_commands_is_within_that_work() -> None:
    for shell in ("bash", "zsh", "powershell"):
        assert parse('x=$(ls -la) && echo "${x:-a}" | grep b\n' * 300, shell).ended


def _holds_together(command: str, shell: str) -> None:
    with within(2.5):
        verdict = analyse(command, shell)
    assert verdict.level == max((found.level for found in verdict.findings), default=Level.SAFE)
    assert all(0 <= found.span[0] <= found.span[1] <= len(command) for found in verdict.findings)
    assert all(found.effect != "fault" for found in verdict.findings)
    assert explain(verdict)
    assert verdict_to_dict(verdict)["level"] == verdict.level.label
    if limits.exceeded(command) == "":
        reading = read_code(command.replace("\r\n", "\n"), shell)
        assert not (verdict.allowed and (reading.doubt is not None or not reading.whole))


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14), st.sampled_from(SHELLS))
def test_any_row_of_shell_pieces_is_analysed_without_a_crash(pieces: list[str], shell: str) -> None:
    _holds_together(" ".join(pieces), shell)


@settings(max_examples=60, deadline=None)
@given(
    st.text(alphabet=st.sampled_from(string.printable + "\u202e\u200b\xa0\U000f0000"), max_size=60),
    st.sampled_from(SHELLS),
)
def test_any_text_is_analysed_without_a_crash(text: str, shell: str) -> None:
    _holds_together(text, shell)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(labelled()),
    st.integers(0, 80),
    st.sampled_from(["'", '"', "(", ")", "`", "$", "{", "\\", "\n", "|", "\0"]),
)
def test_any_broken_command_is_analysed_without_a_crash(
    row: tuple[Level, str, str], at: int, piece: str
) -> None:
    _, shell, command = row
    _holds_together(command[:at] + piece + command[at:], shell)


@pytest.mark.slow
@settings(max_examples=1_500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40), st.sampled_from(SHELLS), st.sampled_from(["", " "]))
def test_long_rows_of_shell_pieces_hold_together(pieces: list[str], shell: str, between: str) -> None:
    _holds_together(between.join(pieces), shell)


# What leaves a line open in each shell, whatever stands before it.
OPEN = {
    **dict.fromkeys(
        ("bash", "sh", "zsh"),
        (
            "echo 'a",
            'echo "a',
            "echo $(ls",
            "if true; then ls",
            "{ ls",
            "for x in a; do",
            "case a in",
            "echo ${a",
            "ls &&",
        ),
    ),
    "fish": ("echo 'a", 'echo "a', "echo (ls", "if true", "begin", "for x in a", "switch a", "while true"),
    "powershell": (
        "echo 'a",
        'echo "a',
        "echo (ls",
        "if ($true) {",
        "& {",
        "foreach ($x in 1) {",
        "@{a=1",
        "@('a'",
    ),
}


@pytest.mark.parametrize(("shell", "end"), [(shell, end) for shell, ends in OPEN.items() for end in ends])
def test_an_open_end_is_never_safe_in_any_shell(shell: str, end: str) -> None:
    assert analyse(end, shell).level >= Level.HIGH


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.sampled_from(labelled()), st.data())
def test_a_harmless_command_with_an_open_end_behind_it_is_never_safe(
    row: tuple[Level, str, str], data: st.DataObject
) -> None:
    _, shell, command = row
    end = data.draw(st.sampled_from(OPEN[shell]))
    assert analyse(f"{command}\n{end}", shell).level >= Level.HIGH
