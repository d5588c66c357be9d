"""Tells whether a rewording or translation says yes where its source says no, or the other way round.

A negation is followed by what it denies. Where that word still stands on the other side, it has to be denied there
too, or by a word such as `unable`; where it is gone, its opposite may have taken its place (`not open`, `closed`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set

import msgspec

from ingle.text.alignment import SENTENCE, alike
from ingle.text.antonyms import ANTONYMS, are_antonyms, share_antonym
from ingle.text.grammar import GRAMMAR, is_grammar, spoken_language
from ingle.text.negation import BREAK, INDEFINITE, became_opposite, is_marked, is_opposite, negates
from ingle.text.spans import words
from ingle.text.wording import LIGHT

DENYING = re.compile(
    r"""\b(?:
      (?:un(?!der|til|it|i[oqv]|cle)|in(?!to|side|form|deed|stead|clu|t|cre|du|st|sur|v[eio]|div|put|come|dex|n)
        |im(?!port|pre|pro|pl|age|agin|mediat|pact)|ill(?=eg|og|it)|ir(?=r)|dis(?!c[ou]|t|pl|h|k|p[aeu])|mis(?!s|te))\w{4,}
    | (?!\w*close)\w{3,}(?:less|los(?:e[nrms]?)?) | nope | nein
    | fail\w* | refus\w+ | refrain\w* | abstain\w* | declin\w+ | lack\w* | avoid\w* | stop\w* | hardly | barely | scarcely | rarely
    | only | nur | erst | seulement | sólo | solo | soltanto | somente | apenas | slechts | at\ (?:most|least) | up\ to | höchstens | maximal
    | prevent\w* | forbid\w* | forbidden | prohibit\w* | absent | \w+-free | free\ of | (?:sold|run|ran|is|are)\ out\ of | sold\ out
    | kaum | selten | fehl(?:t|en|te|ten) | mangelt | evit\w+ | évit\w+ | vermeid\w+ | unterlass\w* | falta\w* | manque\w* | verbot\w* | untersag\w* | interdi\w* | défense
    | abst[eé]n\w* | prohib\w* | prohíb\w* | vietat\w* | proibid\w* | verboden | (?:somewhere|anywhere)\ else | elsewhere | woanders | ailleurs | altrove
    | outside | draußen | dehors | fuera | fuori | fora | buiten | leave\ (?:\w+\ ){1,4}at\ home | verzicht\w* | off\ limits | exhausted | depleted | used\ up
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)
"""What says no of the word beside it, as a negation does: `unable to attend`, `smoking is prohibited`."""
OPPOSITE = re.compile(
    r"""\b(?:
      few\w* | little | miss\w* | remember | wrong\w* | instead | rather | too | away | late\w* | on\ time | closed? | shut | difficult\w* | hard
    | leaves? | left | gone | deny | denied | reject\w* | cancel\w* | free | false | zero | lost | empty | against | secret\w* | broken | malfunction\w*
    | expensive | hates? | hated | differ\w* | reservations? | concerns? | concerned | take\ your\ time
    | out\ of\ order | defective | faulty | outstanding | overdue | pending | await\w*
    | quiet\w* | silen\w* | calm\w* | seated | stay\w* | remain\w* | keep\w*
    | sans | peu | poco | wenig\w* | geschlossen | verhindert | pünktlich | durchgefallen | schwer | schwierig | spät | teuer | hasse[nt]? | hasst | anders | leise | ruhig | still\w* | ruhe | bleib\w* | kaputt | defekt
    | tarde? | tardi | retard | ritardo | laat | cher | chère | caro | cara | duur | détest\w* | odi[oa]\w* | différe\w* | diferente\w*
    | deviat\w* | last\ time
    | fermée?s? | échou\w* | difficile\w* | reste[rz]? | garde[rz]? | calme\w* | en\ panne | cerrad\w* | suspend\w* | difícil\w* | callad\w* | guard\w* | averiad\w* | roto
    | chius\w* | zitt\w* | rest[ai]\w* | guasto | fechad\w* | quiet[oa] | gesloten | stil | rustig | blijf\w* | kapot
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)
"""What may stand in the place of a denied word: `not make noise`, `be quiet`."""
POLITE = re.compile(
    r"\b(?:worr\w+|hesitate|mind|forget|wait|why|sorge\w*|zögern|vergiss|vergessen|hésite\w*|oublie\w*|dude|olvide\w*|matter|problem|doubt|"
    r"(?:not|nicht|pas|no) (?:so |too |that |si |tan )?(?:bad|schlecht|mal|mauvaise?|grave)|dérange\w*|de rien|"
    r"(?:not|nicht|pas|non?|não|niet) (?:un(?!der|til|it)|imp(?!ort)|il+eg|irr|incom|inconv|infreq|onm)\w{3,}|pasa nada|macht nichts)\b|\?",
    re.IGNORECASE,
)
"""Where `not` is a manner of speaking: `don't hesitate`, `can't wait`, `not bad`."""
BEYOND = re.compile(
    r"\b(?:(?P<before>before|until|till|vor|bis|avant|jusqu\w*|antes|hasta|prima|fino|até|voor|tot)|"
    r"(?:after|from|nach|ab|à partir|a partir|après|dès|después|desde|dopo|dal\w*|depois|na|vanaf))\b",
    re.IGNORECASE,
)
"""Both sides of a moment: `not before nine` is `after nine`."""
PLACES = frozenset("in on at of from with im auf am dans sur en de sobre nel nella sul no na em op".split())
"""What follows `nothing` where it denies no word: `nothing in the fridge`."""
BEHIND = frozenset("pas jamais".split())
"""What stands behind the verb that it denies."""
RAISED = frozenset(
    "think thinks thought believe believes believed want wants wanted expect expects suppose seem seems glaube glaubt denke denkt finde "
    "crois croit pense pensons veux creo cree pienso quiero credo penso voglio acho creio quero denk geloof vind".split()
)
"""What is denied in the place of what follows: `I don't think he is right`."""
NOT_ONLY = re.compile(
    r"\b(?:not (?:only|just)|nicht nur|pas seulement|no s[oó]lo|non solo|não só|niet alleen|(?:couldn['’]?t|could not) \w+ (?:more|less))\b",
    re.IGNORECASE,
)
"""No denial at all."""
REFUSED = re.compile(
    r"\b(?:(?:refus\w+|declin\w+|fail\w*|unable|unwilling) to (?P<to>\w{3,})|(?:avoid\w*|refrain\w* from|stop\w*) (?P<doing>\w+ing))\b"
)
"""Verbs that say no of the next one."""
REACH = 40
"""Words from a negation within which stands what it denies."""
COMPARED = 50_000
"""Pairs of words compared letter by letter at most, which takes half a second; beyond it spelling is not forgiven."""
SENTENCES = re.compile(rf"{SENTENCE.pattern}|\n")


def turned(source: str, answer: str) -> bool:
    """Whether a rewording says no of what its source does not say no of, or the other way round."""
    source, answer = NOT_ONLY.sub(" ", source), NOT_ONLY.sub(" ", answer)
    if not says_no(source) and not says_no(answer) and became_opposite(source, answer):
        return True
    return _is_unsaid(source, answer) or _is_unsaid(answer, source)


def is_dropped(source: str, answer: str) -> bool:
    """Whether a translation between languages known here says no nowhere although its source does."""
    said = says_no(source) and not POLITE.search(source)
    return said and not says_no(answer) and not DENYING.search(answer) and not OPPOSITE.search(answer)


def says_no(text: str) -> bool:
    """Whether there is a negation in it."""
    return any(map(negates, words(text)))


class _Denial(msgspec.Struct, frozen=True):
    """The word that is denied, empty where none is known, and in its scope what says how: `not sleep well`."""

    word: str
    scope: tuple[str, ...]


def _is_unsaid(text: str, other: str) -> bool:
    """Whether something that `text` denies is not denied in `other`; what a question denies is not looked at."""
    denials = list(dict.fromkeys([*_denied(text), *_refused(text)]))
    if not denials or _is_beyond(text, other):
        return False
    there, mine = frozenset(words(other)), frozenset(words(text))
    denied, came = _denied_words(other, mine), there - mine
    open_ones = [one for one in denials if not _is_reversed(one.scope, came)]
    forgiving = len(open_ones) * len(there) <= COMPARED
    if any(
        _stands(one.word, there, forgiving) and not _stands(one.word, denied, forgiving)
        for one in open_ones
        if one.word
    ):
        return True
    if not open_ones or says_no(other) or not says_no(text):
        return False
    if POLITE.search(text) or POLITE.search(other) or _comes(DENYING, other, text):
        return False
    if any(share_antonym(one.word, new) for one in open_ones for new in came):
        return True
    return not _comes(OPPOSITE, other, text)


def _denied(text: str) -> Iterator[_Denial]:
    """For each negation outside of questions what it denies."""
    language = spoken_language(text)
    for sentence in SENTENCES.split(text):
        if sentence.rstrip(" \"'”’»)").endswith(("?", "？", "؟")):
            continue
        for clause in BREAK.split(sentence):
            said = words(clause)
            for at, word in enumerate(said):
                if negates(word):
                    yield _denied_by(said, at, language)


def _denied_by(said: list[str], at: int, language: str | None) -> _Denial:
    """What the negation at `at` of a clause denies; in English something behind it."""
    before, after = said[max(0, at - REACH) : at][::-1], said[at + 1 : at + 1 + REACH]
    if said[at] in BEHIND:
        near = [*before, *after]
    elif said[at] in INDEFINITE and after[:1] and after[0] in PLACES:
        near = []
    else:
        near = after if language == "en" else [*after, *before]
    meant = [one for one in near if _is_meant(one, language)]
    return _Denial(meant[0] if meant else "", tuple(meant if len(meant) <= 2 else meant[:1]))


def _refused(text: str) -> Iterator[_Denial]:
    """What somebody refuses to do, fails to do or avoids."""
    return (_Denial(match["to"] or match["doing"], ()) for match in REFUSED.finditer(text.lower()))


def _is_meant(word: str, language: str | None) -> bool:
    small = is_grammar(word, language) if language else any(word in known for known in GRAMMAR.values())
    return (word in ANTONYMS or not small) and word not in RAISED and word not in LIGHT and not negates(word)


def _denied_words(text: str, before: Set[str]) -> Set[str]:
    """All words of the sentences that say no; not those that do so themselves and stood there `before`."""
    found: set[str] = set()
    for sentence in SENTENCES.split(text):
        said = frozenset(words(sentence))
        denying = {match[0].lower() for match in DENYING.finditer(sentence)}
        if any(map(negates, said)):
            found |= said
        elif denying:
            found |= said - (denying & before)
    return found


def _stands(word: str, there: Set[str], forgiving: bool) -> bool:
    return alike(word, there) if forgiving else word in there


def _is_reversed(denied: tuple[str, ...], came: Set[str]) -> bool:
    """Whether the opposite of something denied came: `not sleep well`, `sleep badly`."""
    marked = frozenset(new for new in came if is_marked(new))
    return any(are_antonyms(word, new) for word in denied for new in came) or any(
        is_opposite(word, new) for word in denied for new in marked
    )


def _comes(rule: re.Pattern[str], text: str, other: str) -> bool:
    """Whether `rule` finds something in `text` that does not stand in `other`."""
    there = frozenset(words(other))
    found = {word for match in rule.finditer(text) for word in words(match[0])}
    forgiving = len(found) * len(there) <= COMPARED
    return any(not _stands(word, there, forgiving) for word in found)


def _is_beyond(text: str, other: str) -> bool:
    """Whether a moment before which something is not came to be one after which it is."""
    said = any(found["before"] for found in BEYOND.finditer(text))
    kept = any(found["before"] for found in BEYOND.finditer(other))
    return said and not kept and BEYOND.search(other) is not None
