"""Tells whether a correction says no where its source says yes, or the other way round."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set
from difflib import SequenceMatcher

from ingle.text.alignment import alike, regions, steps
from ingle.text.antonyms import ANTONYMS, are_antonyms
from ingle.text.grammar import is_grammar, spoken_language
from ingle.text.language import is_function_word
from ingle.text.spans import WORD, words

VERBAL = frozenset(
    "not cannot dont doesnt didnt isnt arent wasnt werent cant couldnt wont wouldnt shouldnt hasnt havent hadnt aint "
    "mustnt neednt dosent doesent didint idk idc dunno jsp nn nope nah without no nicht ohne pas sans sin non senza não nao sem niet zonder inte ej utan ikke uden není nejsou nemám nemáme değil yok не нет нельзя без 不 没 沒 別 别".split()
)
"""Each of these turns its own verb around."""
INDEFINITE = frozenset(
    "never none nobody nothing neither nowhere noone nie niemals niemand niemanden niemandem nichts nix nirgends weder kein keine keinen keinem "
    "keiner keines jamais rien aucun aucune personne nunca jamás nadie ningún ninguno ninguna tampoco mai niente nulla "
    "aldrig ingen inget inga ingenting intet nigdy nikt żaden żadna żadne nikdy nikdo žádný žádná žádné nessuno nessuna ninguém nenhum nenhuma geen nooit niemand niets никогда никто ничего".split()
)
"""These may stand beside one of the others and say no only once: `dont know nothing`."""
NEAR = 4
"""Words within which two of them are one negation."""
BREAK = re.compile(
    r"[,;:.!?…\n]|\b(?:and|but|because|while|although|though|und|aber|weil|sondern|obwohl|et|mais|parce|y|pero|porque|sino|e|ma|mas|"
    r"perché|en|maar|omdat|а|но)\b",
    re.IGNORECASE,
)
"""Where another clause begins."""
PREFIXES = ("un", "non", "dis", "in", "im", "il", "ir")
ADJECTIVE = re.compile(r"(?:ble|bles|bly|ent|ant|al|ar|ate|ive|ous|ect|ete|ic|ure|ite|act|ly|lich|bar|ig)\Z")
"""How words end that take the short prefixes: `direct`, `possible`; not `side` or `put`."""
SLIPS = re.compile(r"\b(?:dont|wont|cant)\b", re.IGNORECASE)
"""Misspelt English, and words of other languages."""
NO_SLIPS = frozenset("ever someone somebody something somewhere ein eine want went".split())
"""Words of their own that look like a negation."""
JOINED = 0.9
"""How alike words written together are to the one they became."""
KNOW = frozenset("know knows knew now none not nor on so na".split())
"""What a misspelt `no` may have been."""


def changed(source: str, answer: str) -> bool:
    """Whether a correction dropped, added or moved a negation; one said twice may be said once."""
    if spoken_language(source) not in ("en", None):  # `dont` is French too
        source, answer = (SLIPS.sub(" ", text) for text in (source, answer))
    mine, theirs = _counted(source, answer), _counted(answer, source)
    return mine != theirs or _moved(source, answer) or became_opposite(source, answer)


def negates(word: str) -> bool:
    """Whether the word says no."""
    return word in VERBAL or word in INDEFINITE or word.endswith(("n't", "n’t"))


def _counted(text: str, other: str) -> int:
    """How many negations there are, those of one clause that mean one counted once, misspelt ones not told apart."""
    excused = _misspelt(text, other)
    groups, last, indefinite = 0, -NEAR - 1, True
    for at, word in enumerate(words(text)):
        if not negates(word):
            continue
        if word in excused:
            excused.remove(word)
            continue
        loose = word in INDEFINITE or word == "no"
        if at - last > NEAR or not (loose or indefinite):
            groups += 1
        last, indefinite = at, loose
    return groups


def _misspelt(text: str, other: str) -> list[str]:
    """The negations of `text` that stand in `other` as a word spelled wrong: `dint`, `nich`; or a `no` that was `know`."""
    found = []
    for region in regions(text, other):
        new = set(region.added)
        if any(map(negates, new)):
            continue
        slips = {
            word
            for word in filter(negates, set(region.removed))
            if (word == "no" and KNOW & new)
            or any(_is_joined(one, word, region.removed) for one in new)
            or any(_is_slip(one, word) for one in (*new, "".join(region.added)))
        }
        found += [word for word in region.removed if word in slips]
    return found


def _is_joined(slip: str, negation: str, beside: tuple[str, ...]) -> bool:
    """Whether `slip` is the negation and those beside it written as one: `garnicht`, `aufkeinenfall`."""
    runs = {beside[at : at + count] for count in (2, 3) for at in range(len(beside) - count + 1)}
    return any(negation in run and _ratio(slip, "".join(run)) >= JOINED for run in runs)


def _is_slip(slip: str, negation: str) -> bool:
    """Whether `slip` is `negation` spelled wrong, and no word of its own."""
    if negates(slip) or is_function_word(slip) or slip in NO_SLIPS:
        return False
    return len(slip) > 2 and alike(
        slip.replace("’", "").replace("'", ""), {negation.replace("’", "").replace("'", "")}
    )


def _moved(source: str, answer: str) -> bool:
    """Whether a negation went from one clause to another: gone here, come there, and a new clause between."""
    mine, theirs = words(source), words(answer)
    gone, came = [], []
    for tag, a, b, c, d in steps(source, answer):
        if tag == "equal":
            continue
        lost = sum(map(negates, mine[a:b])) - sum(map(negates, theirs[c:d]))
        gone += [a] * (lost > 0)
        came += [a] * (lost < 0)
    if not gone or not came:
        return False
    starts = [match.start() for match in WORD.finditer(unicodedata.normalize("NFC", source).lower())]
    ends = [*starts, len(source)]
    for place in gone:
        other = min(came, key=lambda at: abs(at - place))
        low, high = sorted((place, other))
        if BREAK.search(source, ends[low], ends[high]):
            return True
    return False


def became_opposite(source: str, answer: str) -> bool:
    """Whether a word became its opposite: `possible`, `impossible`; `careful`, `careless`; alone, `open`, `closed`."""
    language = spoken_language(source)
    for region in regions(source, answer):
        removed, added = set(region.removed), set(region.added)
        mine, theirs = (
            [word for word in side if word in ANTONYMS or not is_grammar(word, language)]
            for side in (removed, added)
        )
        if len(mine) == len(theirs) == 1 and are_antonyms(*mine, *theirs):
            return True
        if _has_opposite(removed, added) or _has_opposite(added, removed):
            return True
    return False


def _has_opposite(said: Set[str], others: Set[str]) -> bool:
    return any(is_opposite(word, opposite) for opposite in filter(is_marked, others) for word in said)


def is_marked(word: str) -> bool:
    """Whether a word may be another one with something that says no before or behind it."""
    return word.startswith(PREFIXES) or word.endswith("less")


def is_opposite(word: str, opposite: str) -> bool:
    """Whether `opposite` is `word` with something that says no before or behind it."""
    if word.endswith("ful") and opposite.endswith("less"):
        return word[:4] == opposite[:4]
    for prefix in PREFIXES:
        stem = opposite.removeprefix(prefix)
        if stem == opposite or len(stem) < 4 or word.startswith(prefix):
            continue
        if (prefix in ("un", "non", "dis") or ADJECTIVE.search(stem)) and _ratio(word, stem) >= 0.8:
            return _ratio(word, stem) > _ratio(word, opposite)
    return False


def _ratio(word: str, other: str) -> float:
    return SequenceMatcher(None, word, other).ratio()
