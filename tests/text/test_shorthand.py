"""Short forms of chats, and words written together or as they sound, may be written out in a correction."""

from __future__ import annotations

import pytest

from ingle.text.shorthand import written_out
from tests.text.scripted import answered

pytestmark = pytest.mark.slow

GOOD = [
    ("pls lmk asap", "Please let me know as soon as possible."),
    ("pls lmk asap if u can come", "Please let me know as soon as possible if you can come."),
    ("idk if hes coming tbh", "I don't know if he's coming, to be honest."),
    ("brb, gtg", "Be right back, got to go."),
    ("thx 4 ur help", "Thanks for your help."),
    ("thx 4 coming", "Thanks for coming."),
    ("happy bday 2 u", "Happy birthday to you."),
    ("r u coming 2nite", "Are you coming tonight?"),
    ("c u l8r m8", "See you later, mate."),
    ("me 2", "Me too."),
    ("u r gr8", "You are great."),
    ("je c pas koi faire", "Je ne sais pas quoi faire."),
    ("omw home btw", "On my way home, by the way."),
    ("haber si nos vemos mañana", "A ver si nos vemos mañana."),
    ("haber si", "A ver si."),
    ("vamos haber que pasa", "Vamos a ver qué pasa."),
    ("asique me fui", "Así que me fui."),
    ("se fué sin desir nada", "Se fue sin decir nada."),
    ("das ist garnicht so einfach", "Das ist gar nicht so einfach."),
    ("They seen eachother everyday", "They saw each other every day."),
    ("il a du partir plutot que prevu", "Il a dû partir plus tôt que prévu."),
]
WRONG = [
    ("the cat sat", "The cares about things sat."),
    ("idc what he says", "I do care what he says."),
    ("pls buy 2 eggs", "Please buy eggs."),
    ("pls buy 4 eggs", "Please buy eggs for."),
    ("c u at 4 4 dinner", "See you for dinner."),
    ("i need 2 go, get 2 eggs", "I need to go, get eggs."),
    ("thx 4 ur help", "You're welcome! How can I help?"),
    ("das ist einfach", "Das ist gar nicht einfach."),
    ("pls lmk asap", "Please let me know as soon as possible whether Anna comes."),
]


@pytest.mark.parametrize(("source", "answer"), GOOD)
async def test_what_was_written_short_may_be_written_out(source: str, answer: str) -> None:
    result = await answered("proofread", source, answer)
    assert (result.text.rstrip("."), result.reason) == (answer.rstrip("."), None)


@pytest.mark.parametrize(("source", "answer"), WRONG)
async def test_and_nothing_else_comes_with_it(source: str, answer: str) -> None:
    result = await answered("proofread", source, answer)
    assert (result.text, result.reason is None) == (source, False)


def test_code_and_links_and_what_stays_short_are_not_written_out() -> None:
    source = "btw see `btw` and https://a.example/btw asap"
    answer = "By the way, see `btw` and https://a.example/btw asap."
    assert written_out(source, answer) == source.replace("btw", "by the way", 1)
