"""Tells a text from talk about it: takes wrappings off an answer, and finds chatter in what is left.

What the source itself says is never chatter: a lead-in, an opener or an apology whose words the writer
used, misspelt as they may have been, is the writer's own.
"""

from __future__ import annotations

import re

from ingle.text.alignment import SENTENCE
from ingle.text.refusal import is_own, meaningful
from ingle.text.spans import words

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
    | (?:(?:more|less)\ )?(?:friendly|friendlier|concise|professional|formal|warm|warmer|polite|short|shorter|shortened|clear|clearer|final|
        rewritten|revised|dictated|cleaned)(?:\ (?:version|text|sentence|paragraph|message|transcript))?(?:\*\*)?\ ?:
    | (?:in\ |auf\ |en\ )?(?:english|german|french|spanish|italian|portuguese|dutch|deutsch|français|español)(?:\ translation)?(?:\*\*)?\ ?:
    | hier\ ist\b[^\n:]{{0,80}}: | voici\b[^\n:]{{0,80}}: | aquí\ (?:está|tienes)\b[^\n:]{{0,80}}: | ecco\b[^\n:]{{0,80}}:
    )(?:\*\*)?\s*""",
    re.VERBOSE | re.IGNORECASE,
)
OPENERS = re.compile(
    rf"^\s*(?:sure[,!.]|natürlich ?[!.]|gerne? ?[!.]|selbstverständlich ?[!.]|bien sûr ?[!.]|claro ?(?:que sí ?)?[!.]|"
    rf"por supuesto ?[!.]|d['’]accord ?[!.]|certo ?[!.]|certamente ?[!.]|"
    rf"(?:okay|ok|alright|all right|hm+|well|great|got it|understood)[,!.] (?:so |i |let|here|the user)|"
    rf"certainly[,!.]|of course[,!.]|absolutely[,!.]|here(?: is|['’]s| are)\b[^\n:]{{0,80}}:|"
    rf"here(?: is|['’]s| are)\b.{{0,60}}\b{ABOUT}\b|(?:i|we)(?: have|['’]ve) (?:corrected|fixed|rewritten|"
    r"revised|proofread|made)|the (?:corrected|revised|rewritten|text you|sentence you|given text|provided text)|"
    r"hier ist (?:der|die|das)|voici (?:le|la|votre)|aquí (?:está|tienes))",
    re.IGNORECASE,
)
CLOSERS = re.compile(
    r"(?:\b(?:the|this|your) (?:given |original )?(?:sentence|text|paragraph) (?:is|was) (?:grammatically|already|correct)|"
    r"(?:^|\n)\s*(?:here(?: is|['’]s) )?the (?:corrected|original|revised|rewritten) (?:sentence|version|text)\b|"
    r"\bi (?:have |['’]ve |also )?(?:changed|corrected|fixed|replaced|rephrased) (?:the|a|an|your|[\"“'])|to fix the grammar\b|"
    r"\bthe (?:comma|apostrophe|period|semicolon|colon|hyphen|verb|word|phrase|pronoun) (?:after|before|in) [\"“'‘]|"
    r"(?:^|\n|[.!?…][\"'”’)]*\s)\s*(?:the|a|an) (?:comma|apostrophe|period|semicolon|colon|hyphen|question mark|verb|word|tense|phrase|pronoun|"
    r"punctuation|capitalization)\b[^\n]{0,60}?\b(?:was|is|were|are|has been|have been) (?:added|changed|replaced|removed|used|corrected|"
    r"fixed|inserted|capitalized)\b|"
    r"let me know if|i hope (?:this|that) helps|feel free to|is there anything else|would you like me to|"
    r"(?:^|\n)\s*(?:note|explanation|changes(?: made)?|corrections?):)",
    re.IGNORECASE,
)
OFFERS = re.compile(
    r"""
      \bi(?:['’]m|\ am)\ (?:ready|here|happy|glad|available)\ to\ (?:help|assist)
    | \bi\ can\ (?:help|assist)\ you\ with
    | \bhow\ (?:can|may|could)\ i\ (?:help|assist|be\ of)
    | \bwhat\ (?:can|may)\ i\ (?:help|assist|do\ for)
    | \bwhat(?:['’]s|\ is)\ your\ (?:next\ )?(?:question|request|instruction|task)
    | \bwhat\ would\ you\ like\ (?:me|help|to\ (?:do|know|talk|discuss|ask|work))
    | \b(?:provide|share|paste|enter|send|give)\ (?:me\ )?(?:with\ )?(?:the|your|a)\ (?:text|sentence|paragraph|instruction|prompt)
    | \b(?:wie|womit|wobei)\ kann\ ich\ (?:dir|ihnen|euch|behilflich|helfen)
    | \bich\ bin\ (?:bereit|hier)[^\n.!?]{0,20}\bzu\ helfen | \bals\ (?:eine?\ )?ki(?:-(?:sprach)?modell|\ (?:kann|bin|habe))\b
    | \b(?:comment|en\ quoi)\ (?:puis-je|je\ peux|est-ce\ que\ je\ peux)\ (?:vous|t['’]|te\ )
    | \bje\ suis\ (?:prête?|là)\ (?:à|pour)\ vous\ aider | \ben\ tant\ qu['’](?:ia\b|intelligence\ artificielle)
    | \b(?:cómo|en\ qué)\ (?:puedo|te\ puedo|le\ puedo)\ (?:ayudar|servir)
    | \bestoy\ (?:list[oa]|aquí)\ para\ ayudar | \bcomo\ (?:una\ |uma\ )?(?:ia|inteligencia\ artificial|inteligência\ artificial)\b
    | \bcome\ (?:posso|ti\ posso|vi\ posso|la\ posso)\ aiutar | \bsono\ (?:pront[oa]|qui)\ (?:ad|per)\ aiutar
    | \b(?:como|em\ que)\ posso\ (?:te\ |o\ |a\ )?ajud | \bestou\ (?:pront[oa]|aqui)\ para\ (?:te\ )?ajud
    | \b(?:hoe|waarmee)\ kan\ ik\ (?:je|u|jullie)?\ ?(?:\w+\ )?helpen | \bhur\ kan\ jag\ hjälpa | \bhvordan\ kan\ jeg\ hjælpe
    | \b(?:jak|w\ czym)\ (?:mogę|mogę\ ci|mogę\ panu)\ pomóc | \bnasıl\ yardımcı\ olabilirim | \bmiten\ voin\ auttaa
    | \b(?:jak|s\ čím)\ (?:vám|ti)\ (?:mohu|můžu)\ pomoci
    | (?:чем|как)\ (?:я\ )?(?:могу|можу)\ (?:вам\ |тебе\ )?(?:помочь|допомогти) | πώς\ μπορώ\ να\ (?:σας\ )?βοηθήσω
    | 有什么可以帮 | 我(?:能|可以)帮您 | お手伝いできることは | 何かお手伝い | 무엇을\ 도와 | كيف\ يمكنني\ مساعدت
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Help that is offered to whoever asks, and what they are asked for: what a model says when it takes the text for a chat."""
REPLY = re.compile(
    r"\b(?:repl|answer|respon|offer|help|support|chat|antwort|répon|respond|contest|rispo)", re.IGNORECASE
)
"""What an instruction says that asks for an answer to the text."""
INVITING = re.compile(
    r"feel free to|let me know if|(?:do not|don['’]?t) (?:hesitate|be afraid|be shy)|(?:zögern|scheuen) sie (?:sich )?nicht|n['’]hésite|no dude",
    re.IGNORECASE,
)
"""How people invite each other, and models too."""
LEAKS = re.compile(
    r"<\|[\w /]{1,40}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>|(?:^|\n)\s*#{2,}\s*(?:response|instruction|input|output)\b|"
    r"(?:^|\n)\s*(?:\*\*)?(?:user|human|assistant|system|ai|bot)(?:\*\*)?\s*:|"
    r"(?:^|\n)\s*(?:\*\*)?(?:option|version|alternative|variant)e?(?:\ ?\d)?(?:\*\*)?\s*:|"
    r"\bthe user (?:wants|asks|is asking|asked|provided|gave|has|said)\b|\blet me (?:think|rewrite|correct|fix|check|rephrase)\b|"
    r"\bas (?:you )?requested\b|\b(?:the|your|this) (?:\w+ )?(?:text|sentence|paragraph|message|dictation) (?:has been|have been|was|is now) "
    r"(?:\w+ )?(?:capitali[sz]ed|rewritten|corrected|revised|edited|shortened|translated|improved|proofread|changed|rephrased|polished)|"
    r"\bthis (?:\w+ )?(?:version|revision|rewrite|correction|translation) (?:is|keeps|uses|has|maintains|sounds|makes)\b|\bhope (?:this|that|it) helps\b|"
    r"\b(?:ich )?hoffe,? (?:das|dies) hilft\b|\blass(?:en sie)? (?:es )?mich wissen\b|\bj['’]espère que (?:cela|ça) (?:vous )?aide|"
    r"\bn['’]hésitez pas\b|\bespero que (?:esto|te|le) ayude|\(note:|[*_]note:",
    re.IGNORECASE,
)
"""What belongs to the conversation and not to the text: turns of a chat, plans, choices, reports of work done."""
ECHO = 3
"""Words of a line of the prompt that nobody says again by chance."""
THINKING = re.compile(
    r"<(?P<tag>think(?:ing)?|thought|reasoning|reflection|analysis|scratchpad)>.*?(?:</(?P=tag)>|\Z)|\[THINK\]|◁think▷|<\|channel",
    re.DOTALL | re.IGNORECASE,
)
FENCED = re.compile(r"\A```[\w-]*\n(.*?)\n?```\s*\Z", re.DOTALL)
QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "„": "“"}
QUOTED = re.compile(r"[\"“„«][^\"“”„«»]+[\"”“»]")
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


def says(rule: re.Pattern[str], source: str, answer: str) -> bool:
    """Whether `rule` finds something in `answer` that is not the source's own; who invites may invite in other words."""
    invites = INVITING.search(source) is not None
    return any(
        not is_own(found[0], source) and not (invites and INVITING.match(found[0]))
        for found in rule.finditer(answer)
    )


def quotes(source: str, answer: str) -> bool:
    """Whether `answer` has the whole source between quotes of its own, and words of its own around it."""
    mine = words(source)
    if len(mine) < 3:
        return False
    for found in QUOTED.finditer(answer):
        said, around = words(found[0]), words(answer[: found.start()] + " " + answer[found.end() :])
        if said == mine and len(around) > 1:
            return True
    return False


def offers(source: str, answer: str, instruction: str | None = None) -> bool:
    """Whether `answer` offers its help instead of being about the text.

    A source that does so in any language known here may be answered so, and so may a sentence that says half of what a
    sentence of the source says. With an `instruction` the answer may be anything that tells of the text, a reply too:
    then only an offer beside which nothing does so counts, and one that begins or ends it without a word of the text.
    """
    if OFFERS.search(source) or (instruction and REPLY.search(instruction)):
        return False
    said = [sentence for sentence in SENTENCE.split(answer.replace("\n", ". ")) if words(sentence)]
    offering = [bool(OFFERS.search(sentence)) and not _is_found_in(sentence, source) for sentence in said]
    if not any(offering):
        return False
    there = meaningful(source)
    if instruction is None:
        parts = [meaningful(part) for part in SENTENCE.split(source.replace("\n", ". "))]
        return any(
            offer and not any(2 * len(part & meaningful(sentence)) >= len(part) > 0 for part in parts)
            for sentence, offer in zip(said, offering, strict=True)
        )
    rest = [sentence for sentence, offer in zip(said, offering, strict=True) if not offer]
    if there.isdisjoint(meaningful(" ".join(rest))):
        return True
    ends = ((said[0], offering[0]), (said[-1], offering[-1]))
    return any(offer and there.isdisjoint(meaningful(sentence)) for sentence, offer in ends)


def _is_found_in(sentence: str, source: str) -> bool:
    """Whether every offer in the sentence is made of the words of the source."""
    return all(is_own(found[0], source) for found in OFFERS.finditer(sentence))


def repeats_prompt(source: str, answer: str, prompt: str, *, anywhere: bool) -> bool:
    """Whether the answer begins with a line or sentence that the model was told beside the text, or has one `anywhere`."""
    told = [words(part) for line in prompt.splitlines() for part in SENTENCE.split(line)]
    mine, theirs = f" {' '.join(words(source))} ", f" {' '.join(words(answer))} "
    lines = [f" {' '.join(part)} " for part in told if len(part) >= ECHO]
    return any(
        (line in theirs if anywhere else theirs.startswith(line)) and line not in mine for line in lines
    )


def _quoted_whole(text: str) -> bool:
    closing = QUOTES.get(text[:1])
    if closing is None or len(text) < 3 or text[-1] != closing:
        return False
    return text[0] not in text[1:-1] and closing not in text[1:-1]
