"""Tells a text from talk about it: takes wrappings off an answer, and finds chatter and refusals in what is left.

What the source itself says is never chatter: a lead-in, an opener or an apology whose words the writer
used, misspelt as they may have been, is the writer's own.
"""

from __future__ import annotations

import re

from ingle.text.alignment import alike
from ingle.text.spans import words

OWN = 0.7
"""The share of a fragment's words that must stand in the source for the fragment to be the writer's."""
ABOUT = (
    r"(?:text|version|sentence|paragraph|translation|summary|correction|corrections|list|table|rewrite|revision|"
    r"transcript|dictation|points|message|e-?mail|letter|note|output|result|answer|it)"
)
LEAD_IN = re.compile(
    rf"""^\s*(?:\*\*)?(?:(?:sure|certainly|of\ course|absolutely|okay|ok)\b[^\n:]{{0,60}}?[!.,]\s*)?
    (?:
      here(?:\ is|\ are|['’]s)\b[^\n:]{{0,60}}\b{ABOUT}\b[^\n:]{{0,30}}:
    | (?:the|your|a)\ (?:corrected|revised|rewritten|improved|proofread|fixed|edited|cleaned|translated|shortened|polished)
        \b[^\n:]{{0,60}}?(?:\ is|\ reads|\ would\ be)?\ ?:
    | (?:corrected|revised|rewritten|improved|proofread|fixed|edited|cleaned(?:[- ]up)?|translated)
        (?:\ (?:version|text|sentence|paragraph|transcript|dictation))?(?:\*\*)?\ ?:
    | (?:the\ )?(?:translation|summary|output|answer|result)(?:\ (?:is|reads))?\ ?:
    | (?:the|your)\ (?:text|transcript|dictation|sentence|paragraph)\ (?:is|reads|says)\ ?:
    | hier\ ist\b[^\n:]{{0,80}}: | voici\b[^\n:]{{0,80}}: | aquí\ (?:está|tienes)\b[^\n:]{{0,80}}: | ecco\b[^\n:]{{0,80}}:
    )(?:\*\*)?\s*""",
    re.VERBOSE | re.IGNORECASE,
)
OPENERS = re.compile(
    rf"^\s*(?:sure[,!.]|certainly[,!.]|of course[,!.]|absolutely[,!.]|here(?: is|['’]s| are)\b[^\n:]{{0,80}}:|"
    rf"here(?: is|['’]s| are)\b.{{0,60}}\b{ABOUT}\b|(?:i|we)(?: have|['’]ve) (?:corrected|fixed|rewritten|"
    r"revised|proofread|made)|the (?:corrected|revised|rewritten|text you|sentence you|given text|provided text)|"
    r"hier ist (?:der|die|das)|voici (?:le|la|votre)|aquí (?:está|tienes))",
    re.IGNORECASE,
)
CLOSERS = re.compile(
    r"(?:\b(?:the|this|your) (?:given |original )?(?:sentence|text|paragraph) (?:is|was) (?:grammatically|already|correct)|"
    r"(?:^|\n)\s*(?:here(?: is|['’]s) )?the (?:corrected|original|revised|rewritten) (?:sentence|version|text)\b|"
    r"\bi (?:have |['’]ve |also )?(?:changed|corrected|fixed|replaced|rephrased) (?:the|a|an|your|[\"“'])|to fix the grammar\b|"
    r"(?:^|\n|[.!?]\s)\s*(?:the|a|an) (?:comma|apostrophe|period|semicolon|colon|hyphen|question mark|verb|word|tense|phrase|pronoun|"
    r"punctuation|capitalization)\b[^\n]{0,60}?\b(?:was|is|were|are|has been|have been) (?:added|changed|replaced|removed|used|corrected|"
    r"fixed|inserted|capitalized)\b|"
    r"let me know if|i hope (?:this|that) helps|feel free to|is there anything else|would you like me to|"
    r"(?:^|\n)\s*(?:note|explanation|changes(?: made)?|corrections?):)",
    re.IGNORECASE,
)
REFUSALS = re.compile(
    r"(?:\bi(?:['’]m| am) (?:sorry|unable|not able)|\bi (?:can(?:no|['’])t|cannot|won['’]t) (?:help|assist|do|comply|"
    r"provide|fulfil|process|correct)|\bas an ai\b|\bas a language model\b|\bi don['’]t have (?:access|the ability)|"
    r"\b(?:please )?provide (?:me with )?the (?:text|sentence)|es tut mir leid|je suis désolé|lo siento, no)",
    re.IGNORECASE,
)
THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
FENCED = re.compile(r"\A```[\w-]*\n(.*?)\n?```\s*\Z", re.DOTALL)
QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "„": "“"}
SPOKEN_QUOTES = re.compile(r"\b(?:un)?quotes?\b|\banführungs\w+|\bguillemets?\b|\bcomillas\b", re.IGNORECASE)


def unwrap(source: str, answer: str) -> str:
    """`answer` without the wrapping a model adds around it and the source does not have.

    Only wrappings that cannot be part of the text are taken off: a thinking block, one fence or pair
    of quotes around everything, a lead-in that ends in a colon and names what follows.
    """
    text = answer
    if not THINKING.search(source):
        text = re.sub(r"<think(?:ing)?>.*?</think(?:ing)?>", "", text, flags=re.DOTALL | re.IGNORECASE)
    text = text.strip()
    fenced = FENCED.match(text)
    if fenced and "```" not in source:
        text = fenced[1].strip()
    lead_in = LEAD_IN.match(text)
    if lead_in and not is_own(lead_in[0], source):
        text = text[lead_in.end() :]
    if source.strip()[:1] not in QUOTES and not SPOKEN_QUOTES.search(source) and _quoted_whole(text):
        text = text[1:-1].strip()
    return text


def is_own(fragment: str, source: str) -> bool:
    """Whether `fragment` is made of the words of `source`."""
    said = words(fragment)
    there = set(words(source))
    return bool(said) and sum(alike(word, there) for word in said) >= OWN * len(said)


def says(rule: re.Pattern[str], source: str, answer: str) -> bool:
    """Whether `rule` finds something in `answer` that is not the source's own."""
    return any(not is_own(found[0], source) for found in rule.finditer(answer))


def _quoted_whole(text: str) -> bool:
    closing = QUOTES.get(text[:1])
    if closing is None or len(text) < 3 or text[-1] != closing:
        return False
    return text[0] not in text[1:-1] and closing not in text[1:-1]
