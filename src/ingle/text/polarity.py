"""Tells whether a rewording or translation says yes where its source says no, or the other way round.

A negation is followed by what it denies. Where that word still stands on the other side, it has to be denied there
too, or by a word such as `unable`; where it is gone, its opposite may have taken its place (`not open`, `closed`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set

from ingle.text.alignment import SENTENCE, alike
from ingle.text.grammar import is_grammar, spoken_language
from ingle.text.negation import BREAK, became_opposite, negates
from ingle.text.spans import words

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
    | fermée?s? | échou\w* | difficile\w* | reste[rz]? | garde[rz]? | calme\w* | en\ panne | cerrad\w* | suspend\w* | difícil\w* | callad\w* | guard\w* | averiad\w* | roto
    | chius\w* | zitt\w* | rest[ai]\w* | guasto | fechad\w* | quiet[oa] | gesloten | stil | rustig | blijf\w* | kapot
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)
"""What may stand in the place of a denied word: `not make noise`, `be quiet`."""
POLITE = re.compile(
    r"\b(?:worr\w+|hesitate|mind|forget|wait|why|sorge\w*|zögern|vergiss|vergessen|hésite\w*|oublie\w*|dude|olvide\w*|matter|problem|doubt|"
    r"(?:not|nicht|pas|no) (?:so |too |that |si |tan )?(?:bad|schlecht|mal|mauvaise?|grave)|dérange\w*|de rien|pasa nada|macht nichts)\b|\?",
    re.IGNORECASE,
)
"""Where `not` is a manner of speaking: `don't hesitate`, `can't wait`, `not bad`."""
BEYOND = re.compile(
    r"\b(?:(?P<before>before|until|till|vor|bis|avant|jusqu\w*|antes|hasta|prima|fino|até|voor|tot)|"
    r"(?:after|from|nach|ab|après|dès|después|desde|dopo|dal\w*|depois|na|vanaf))\b",
    re.IGNORECASE,
)
"""Both sides of a moment: `not before nine` is `after nine`."""
BEHIND = frozenset("pas jamais".split())
"""What stands behind the verb that it denies."""
RAISED = frozenset(
    "think thinks thought believe believes believed want wants wanted expect expects suppose seem seems glaube glaubt denke denkt finde "
    "crois croit pense pensons veux creo cree pienso quiero credo penso voglio acho creio quero denk geloof vind".split()
)
"""What is denied in the place of what follows: `I don't think he is right`."""
NOT_ONLY = re.compile(
    r"\b(?:not (?:only|just)|nicht nur|pas seulement|no s[oó]lo|non solo|não só|niet alleen)\b", re.IGNORECASE
)
"""No denial at all."""
REFUSED = re.compile(
    r"\b(?:(?:refus\w+|declin\w+|fail\w*|unable|unwilling) to (?P<to>\w{3,})|(?:avoid\w*|refrain\w* from|stop\w*) (?P<doing>\w+ing))\b"
)
"""Verbs that say no of the next one."""
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


def _is_unsaid(text: str, other: str) -> bool:
    """Whether something that `text` denies is not denied in `other`; what a question denies is not looked at."""
    denied = [*_denied(text), *_refused(text)]
    if not denied or _comes(DENYING, other, text) or became_opposite(text, other) or _is_beyond(text, other):
        return False
    if any(_stands(word, other) and not _is_denied(word, other) for word in denied if word):
        return True
    if says_no(other) or not says_no(text):
        return False
    return not (_comes(OPPOSITE, other, text) or POLITE.search(text) or POLITE.search(other))


def _denied(text: str) -> Iterator[str]:
    """For each negation outside of questions the word that it denies, empty where its clause has none."""
    language = spoken_language(text)
    for sentence in SENTENCES.split(text):
        if sentence.rstrip(" \"'”’»)").endswith(("?", "？", "؟")):
            continue
        for clause in BREAK.split(sentence):
            said = words(clause)
            for at, word in enumerate(said):
                if negates(word):
                    before, after = said[at - 1 :: -1] if at else [], said[at + 1 :]
                    near = [*before, *after] if word in BEHIND else [*after, *before]
                    yield next((one for one in near if _is_meant(one, language)), "")


def _refused(text: str) -> Iterator[str]:
    """What somebody refuses to do, fails to do or avoids."""
    return (match["to"] or match["doing"] for match in REFUSED.finditer(text.lower()))


def _is_meant(word: str, language: str | None) -> bool:
    return word not in RAISED and not negates(word) and not is_grammar(word, language)


def _is_denied(word: str, text: str) -> bool:
    """Whether a sentence of `text` that has the word says no."""
    return any(
        _stands(word, sentence) and (says_no(sentence) or DENYING.search(sentence) is not None)
        for sentence in SENTENCES.split(text)
    )


def _stands(word: str, text: str) -> bool:
    return alike(word, frozenset(words(text)))


def _comes(rule: re.Pattern[str], text: str, other: str) -> bool:
    """Whether `rule` finds something in `text` that does not stand in `other`."""
    there: Set[str] = frozenset(words(other))
    return any(not all(alike(word, there) for word in words(found[0])) for found in rule.finditer(text))


def _is_beyond(text: str, other: str) -> bool:
    """Whether a moment before which something is not came to be one after which it is."""
    said = any(found["before"] for found in BEYOND.finditer(text))
    kept = any(found["before"] for found in BEYOND.finditer(other))
    return said and not kept and BEYOND.search(other) is not None
