"""The demo says what its model did, in the words of the reasons themselves."""

from __future__ import annotations

from ingle.cli.demo import asked_again
from ingle.text.guards import Reason


def test_answers_not_taken_are_told_with_their_own_reasons() -> None:
    assert asked_again([Reason.CUT]) == "1 answer not taken: cut_by_token_limit (1)"
    told = asked_again([Reason.CUT, Reason.CHATTER, Reason.CUT])
    assert told == "3 answers not taken: cut_by_token_limit (2), chatter (1)"
