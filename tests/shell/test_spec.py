"""The effect data can be read, every rule is used, and first match wins."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from ingle.shell import spec
from ingle.shell.arguments import Arguments
from ingle.shell.commands import ALL
from ingle.shell.unwrap import unwrap, wrappers
from ingle.shell.words import Taint, Value


def words(text: str) -> list[Value]:
    return [Value(part) for part in text.split()]


def test_more_than_four_hundred_commands_are_known() -> None:
    assert len(spec.known() | set(ALL)) > 400


def test_every_specification_can_be_read() -> None:
    for name in spec.known():
        found = spec.find(name)
        assert found is not None
        assert all(rule.level is not None or rule.where for rule in found.rules)


def test_options_that_write_or_run_are_named_in_known_columns() -> None:
    file = Path(spec.__file__).parent / "effects" / "options.toml"
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    columns = {"same", "takes", "writes", "makes", "runs", "each", "scripts", "operand", "missing"}
    assert tables
    assert [name for name, table in tables.items() if not table.keys() <= columns] == []


def test_unknown_command_has_no_specification() -> None:
    assert spec.find("no-such-command") is None


def test_clusters_long_options_and_values_are_told_apart() -> None:
    found = Arguments(words("-rf --name=x -n 5 a -- -b"), {"-n"})
    assert {"-r", "-f", "-rf", "--name", "-n"} <= found.flags
    assert [value.text for value in found.rest] == ["a", "-b"]
    assert found.value("--name") == Value("x")
    assert found.value("-n") == Value("5")


@pytest.mark.parametrize(
    ("pattern", "text", "held"),
    [
        ("system prune -a", "system prune -af", True),
        ("system prune -a", "system prune", False),
        ("s3 rb", "s3 rb s3://x", True),
        ("delete !--dry-run", "delete x --dry-run", False),
        ("get|list", "list x", True),
        ("rm @*.git", "rm a.git", True),
        ("push + @+*", "push origin +main", True),
        ("stash $", "stash", True),
        ("stash $", "stash pop", False),
        ("cp --acl=public*", "cp a b --acl=public-read", True),
    ],
)
def test_pattern_fits_these_arguments(pattern: str, text: str, held: bool) -> None:
    rule = spec.Rule(None, "", "*", tuple(pattern.split()), "")
    assert spec.matches(rule, Arguments(words(text)), piped=False) is held


def test_listing_of_everything_is_a_pattern_of_its_own() -> None:
    rule = spec.Rule(None, "", "*", ("rm", "%all"), "")
    assert spec.matches(rule, Arguments([Value("rm"), Value("x", Taint.EVERYTHING)]), piped=False)
    assert not spec.matches(rule, Arguments(words("rm x")), piped=False)


@pytest.mark.parametrize(
    ("name", "text", "inner"),
    [
        ("timeout", "-s KILL 5 ls -l", "ls -l"),
        ("nice", "-n 10 ls", "ls"),
        ("nohup", "ls", "ls"),
        ("stdbuf", "-oL ls", "ls"),
        ("flock", "/tmp/l ls", "ls"),
        ("taskset", "3 ls", "ls"),
    ],
)
def test_wrapper_is_taken_off_with_the_arity_of_its_options(name: str, text: str, inner: str) -> None:
    found = unwrap(words(text), wrappers()[name])
    assert " ".join(value.text for value in found.inner) == inner
