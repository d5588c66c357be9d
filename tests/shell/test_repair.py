"""What a shell accepts and its grammar does not is read as it is meant, and nothing that runs is rewritten."""

from __future__ import annotations

import pytest

from ingle.shell.verdict import Level, analyse

OPERANDS = ["/", "~", "*", "?", "-", "+", "%", "^", "[ab]"]


@pytest.mark.parametrize("operand", OPERANDS)
@pytest.mark.parametrize(
    "test", ["[ -e {} ]", "[[ -e {} ]]", "[ ! -d {} ]", "[ -e /x -a -e {} ]", "[[ -e /x && -e {} ]]"]
)
def test_a_test_may_look_at_any_name(test: str, operand: str) -> None:
    condition = test.format(operand)
    assert analyse(f"{condition} && ls").level is Level.SAFE
    assert analyse(f"if {condition}; then rm -rf /; fi").level is Level.CRITICAL
    assert analyse(f"{condition} || rm -rf ~").level is Level.CRITICAL


@pytest.mark.parametrize(
    "command",
    ["rm -rf [ -d / ]", "[ -n $(rm -rf / ) ]", "[ -d / ]; rm [ -r / ]", "[ -n `rm -rf / ` -a -e ~ ]"],
)
def test_what_only_looks_like_a_test_is_not_rewritten(command: str) -> None:
    assert analyse(command).level is Level.CRITICAL


@pytest.mark.parametrize("sign", ["", "|", "||", "|-", "||-", "| "])
def test_the_signs_before_a_preprocessor_of_less_are_no_part_of_it(sign: str) -> None:
    found = analyse(f"LESSOPEN='{sign}rm -rf ~' less f")
    assert found.level is Level.CRITICAL
    assert not any("valid" in finding.consequence for finding in found.findings)
