"""Words are evaluated to what the command receives, and what is not known is a hole."""

from __future__ import annotations

import pytest

from ingle.shell.evaluate import evaluate, one
from ingle.shell.finding import Level
from ingle.shell.limits import MAX_FIELDS
from ingle.shell.machine import Machine
from ingle.shell.words import HOLE, Value, show


def fields(text: str, shell: str = "bash", **names: str) -> list[str]:
    machine = Machine(shell)
    for name, value in names.items():
        machine.assign(name, Value(value))
    return [show(value.text) for value in evaluate(text, machine)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", ["plain"]),
        ("'a b'", ["a b"]),
        ('"a b"', ["a b"]),
        (r"a\ b", ["a b"]),
        (r"r\m", ["rm"]),
        ("''", [""]),
        ("r''m", ["rm"]),
        (r"$'\x72\155'", ["rm"]),
        (r"$'\u0072m\n'", ["rm\n"]),
        ("{a,b}c", ["ac", "bc"]),
        ("{1..3}", ["1", "2", "3"]),
        ("{08..10}", ["08", "09", "10"]),
        ("{c..a}", ["c", "b", "a"]),
        ("a{b,{c,d}}", ["ab", "ac", "ad"]),
        ("'{a,b}'", ["{a,b}"]),
        ("~", ["/home/user"]),
        ("~/x", ["/home/user/x"]),
        ("~root", ["/root"]),
        ("'~'", ["~"]),
        ("$HOME/x", ["/home/user/x"]),
        ("${HOME:0:1}", ["/"]),
        ("${PATH%%:*}", ["/usr/local/bin"]),
        ("$((2 + 3 * 4))", ["14"]),
        ("$((2**63))", ["-9223372036854775808"]),
        ("$((1 << 65))", ["2"]),
        ("$((16#ff))", ["255"]),
        ("$((0777 & ~022))", ["493"]),
        ("${x:-a b}", ["…"]),
        ("*.txt", ["*.txt"]),
        ("'*'", ["*"]),
        ("$(echo rm)", ["rm"]),
        ("`echo rm`", ["rm"]),
        ('"$(printf %s/%s a b)"', ["a/b"]),
    ],
)
def test_word_becomes_these_fields(text: str, expected: list[str]) -> None:
    if expected == ["…"]:
        assert fields(text) in (["a", "b"], ["a b"])
    else:
        assert fields(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$x", ["one", "two"]),
        ('"$x"', ["one two"]),
        ("${x% *}", ["one"]),
        ("${x#one }", ["two"]),
        ("${x^^}", ["ONE", "TWO"]),
        ("${#x}", ["7"]),
        ("${x/two/three}", ["one", "three"]),
        ("${x:4}", ["two"]),
        ("${x:+set}", ["set"]),
        ("${y:-rm}", ["rm"]),
        ("pre${x}post", ["preone", "twopost"]),
    ],
)
def test_parameter_operators_follow_the_variable(text: str, expected: list[str]) -> None:
    assert fields(text, x="one two", y="") == expected


def test_zsh_does_not_split_variables() -> None:
    assert fields("$x", "zsh", x="one two") == ["one two"]


def test_other_separators_split_when_ifs_says_so() -> None:
    assert fields("$c", IFS=",", c="rm,-rf,/") == ["rm", "-rf", "/"]


def test_unknown_variable_is_a_hole_with_a_known_prefix() -> None:
    value = one('"/etc/$x/y"', Machine("bash"))
    assert value.text == f"/etc/{HOLE}/y"
    assert value.prefix == "/etc/"
    assert not value.known


def test_quoted_wildcard_is_not_live() -> None:
    live, quoted = evaluate("*", Machine("bash"))[0], evaluate("'*'", Machine("bash"))[0]
    assert live.wild
    assert not quoted.wild


def test_braces_that_explode_are_cut_and_said_to_be() -> None:
    machine = Machine("bash")
    found = evaluate("{1..9}{1..9}{1..9}{1..9}", machine)
    assert len(found) <= MAX_FIELDS + 1
    assert not found[-1].known
    assert machine.worst() is Level.HIGH


def test_a_long_row_of_numbers_is_whole_without_being_written_out() -> None:
    machine = Machine("bash")
    found = [show(value.text) for value in evaluate("a{1..99999}b", machine)]
    assert found[0] == "a1b" and found[-2:] == ["a…b", "a99999b"]
    assert machine.worst() is Level.SAFE
    assert len(evaluate("{1..1000}", machine)) == 1000
