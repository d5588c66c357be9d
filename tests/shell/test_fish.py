"""fish is written as bash would say it, and each piece knows where it came from."""

from __future__ import annotations

import pytest

from ingle.shell import fish
from ingle.shell.parse import parse


@pytest.mark.parametrize(
    "source",
    [
        "set x a b; echo $x",
        "set -e x",
        "if test -f a; echo y; else if true; echo z; else; echo n; end",
        "for f in *.txt; echo $f; end",
        "while true; echo x; sleep 1; end",
        "function f; echo $argv; end; f a",
        "switch $x; case a b; echo 1; case '*'; echo 2; end",
        "begin; echo a; end | cat",
        "true; and echo a; or echo b",
        "not test -f a",
        'echo (ls | count) "$(ls)"',
        "echo 'it\\'s'",
        "cat a | while read l; echo $l; end",
        "ls 2>&1 &| cat; sleep 1 &",
        "echo a # comment\necho b",
    ],
)
def test_translation_is_valid_for_the_bash_grammar(source: str) -> None:
    assert parse(fish.translate(source)).doubt is None


def test_offsets_lead_back_to_the_source() -> None:
    source = "if true; rm x; end"
    found = fish.translated(source)
    assert found.original(found.text.index("rm x")) == source.index("rm x")
