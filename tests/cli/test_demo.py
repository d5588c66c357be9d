"""The demo says what its model did, in the words of the reasons themselves."""

from __future__ import annotations

import re
from pathlib import Path

from ingle.cli.demo import asked_again, speed
from ingle.client.views import Done, Timings
from ingle.generation import Usage
from ingle.text.guards import Reason


def test_answers_not_taken_are_told_with_their_own_reasons() -> None:
    assert asked_again([Reason.CUT]) == "1 answer not taken: cut_by_token_limit (1)"
    told = asked_again([Reason.CUT, Reason.CHATTER, Reason.CUT])
    assert told == "3 answers not taken: cut_by_token_limit (2), chatter (1)"


def test_the_tokens_are_those_of_all_the_answers_that_were_shown() -> None:
    made = [
        Done(usage=Usage(prompt_tokens=9, completion_tokens=count), timings=Timings(tokens_per_second=rate))
        for count, rate in ((60, 30.0), (30, 30.0), (10, 10.0))
    ]
    assert speed(made) == "25.0 tokens/s (100 tokens in 3 answers)"
    assert speed([Done()]) == ""


def test_a_long_silence_of_pip_is_announced() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text(encoding="utf-8")
    recipes = re.findall(r"^\$\(VENV\)/\.(\w+):.*\n\t(.*)\n\t.*pip install", makefile, re.MULTILINE)
    assert [name for name, first in recipes if "@echo" in first and "about a minute" in first] == [
        "runtime",
        "dev",
    ]
