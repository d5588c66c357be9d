"""Writes out the short forms of chats (`lmk asap`) that an answer wrote out, so that it is compared with what was meant."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from ingle.text.spans import PROTECTED, words

_MEANINGS = {
    "en": "2=to,too|4=for|2day=today|2moro=tomorrow|2mrw=tomorrow|2nite=tonight|4ever=forever|any1=anyone|b=be|b4=before|c=see|"
    "every1=everyone|gr8=great|h8=hate|l8=late|l8r=later|m8=mate|n=and|some1=someone|str8=straight|w8=wait|y=why|afaik=as far as i know|afk=away from keyboard|asap=as soon as possible|atm=at the moment|bbl=be back later|"
    "bc=because|bf=boyfriend|brb=be right back|btw=by the way|convo=conversation|cu=see you|cuz=because|cya=see you|def=definitely|"
    "dm=direct message|dnd=do not disturb|eod=end of day,end of the day|eta=estimated time of arrival|"
    "eow=end of week,end of the week|ftw=for the win|fwiw=for what it's worth|fyi=for your information|fomo=fear of missing out|"
    "gf=girlfriend|gg=good game|gl=good luck|gm=good morning|gn=good night|gtg=got to go,have to go|hbd=happy birthday|hmu=hit me up|hru=how are you|"
    "icymi=in case you missed it|idc=i don't care,i do not care|idk=i don't know,i do not know|iirc=if i recall correctly,if i remember correctly|ik=i know|ikr=i know right|"
    "ily=i love you|imho=in my humble opinion,in my honest opinion|imo=in my opinion|irl=in real life|jk=just kidding|"
    "kk=okay|lmk=let me know|mgmt=management|msg=message|mtg=meeting|nbd=no big deal|ngl=not going to lie|"
    "np=no problem|nvm=never mind|nw=no worries|obv=obviously|ofc=of course|omg=oh my god|omw=on my way|ooo=out of office,out of the office|otoh=on the other hand|"
    "pic=picture|pics=pictures|pls=please|plz=please|pov=point of view|ppl=people|prob=probably|qq=quick question|r=are|rly=really|rn=right now|"
    "sry=sorry|smth=something|sth=something|sb=somebody|tba=to be announced|tbc=to be confirmed,to be continued|tbd=to be decided,to be determined|"
    "tbh=to be honest|tgif=thank god it's friday|thru=through|tho=though|thx=thanks,thank you|tia=thanks in advance|"
    "tmr=tomorrow|tmrw=tomorrow|tnx=thanks,thank you|ttyl=talk to you later|tx=thanks,thank you|ty=thank you|tyia=thank you in advance|tysm=thank you so much|"
    "u=you|ur=your,you are,you're|wbu=what about you|wfh=work from home,working from home|wip=work in progress|wk=week|wo=without|wtg=way to go|wth=what the hell|"
    "wyd=what are you doing|yr=year,your|yrs=years|yw=you're welcome,you are welcome",
    "de": "bzgl=bezüglich|bzw=beziehungsweise|ca=circa|evtl=eventuell|ggf=gegebenenfalls|hdl=hab dich lieb|inkl=inklusive|kp=keine ahnung,kein plan|lg=liebe grüße|"
    "mfg=mit freundlichen grüßen|mmn=meiner meinung nach|usw=und so weiter|vg=viele grüße|vllt=vielleicht|vlt=vielleicht|wg=wegen|zb=zum beispiel",
    "fr": "bcp=beaucoup|bjr=bonjour|bsr=bonsoir|c=c'est,sais|cad=c'est-à-dire|dc=donc|dsl=désolé,désolée|jsp=je ne sais pas,je sais pas|g=j'ai|koi=quoi|mdr=mort de rire|msg=message|"
    "pb=problème|pcq=parce que|pk=pourquoi|pr=pour|qd=quand|qqn=quelqu'un|rdv=rendez-vous|slt=salut|stp=s'il te plaît|svp=s'il vous plaît|tjs=toujours|"
    "tlm=tout le monde|tt=tout|vs=vous",
    "es": "bn=bien|dnd=donde,dónde|finde=fin de semana|grax=gracias|msj=mensaje|pq=porque,por qué|q=que,qué|tb=también|tmb=también|tqm=te quiero mucho|"
    "xfa=por favor|porfa=por favor|xfavor=por favor|xk=porque,por qué|xq=porque,por qué",
    "it": "cmq=comunque|grz=grazie|msg=messaggio|nn=non|qcs=qualcosa|qnd=quando|tvb=ti voglio bene|xche=perché|xché=perché|xke=perché|xké=perché",
    "pt": "abs=abraços|bjs=beijos|blz=beleza|hj=hoje|msg=mensagem|obg=obrigado,obrigada|pq=porque,por que|qdo=quando|tb=também|tbm=também|td=tudo|vc=você|vcs=vocês",
    "nl": "ajb=alsjeblieft,alstublieft|aub=alstublieft|bv=bijvoorbeeld|gr=groeten|gwn=gewoon|idd=inderdaad|iig=in ieder geval|mss=misschien|mvg=met vriendelijke groet|"
    "svp=alstublieft|wss=waarschijnlijk",
}


def _read() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for entries in _MEANINGS.values():
        for entry in entries.split("|"):
            short, _, meant = entry.partition("=")
            found[short] = (*found.get(short, ()), *meant.split(","))
    return found


FORM = re.compile(r"(?<![\w'’-])[^\W_]+(?![\w'’-]|[.,:/]\d)")
"""What may be a short form: letters and digits (`gr8`) that are no part of a longer word or number."""
MEANINGS = _read()
"""What a short form may stand for, in small letters; the same letters mean several things in several languages."""


def written_out(source: str, answer: str) -> str:
    """`source` with each short form of a chat in the words that `answer` has for it; others, and code and links, as they are.

    A short form that still stands in the answer, or whose words `source` says as often, was not written out.
    """
    mine, theirs = Counter(_forms(source)), Counter(_forms(answer))
    shorts = [word for word in mine if word in MEANINGS and theirs[word] < mine[word]]
    meant = {short: found for short in shorts if (found := _meaning(short, source, answer))}
    if not meant:
        return source
    kept = [match.span() for match in PROTECTED.finditer(source)]

    def write(match: re.Match[str]) -> str:
        inside = any(start <= match.start() < end for start, end in kept)
        return match[0] if inside else meant.get(match[0].lower(), match[0])

    return FORM.sub(write, source)


def _forms(text: str) -> list[str]:
    return FORM.findall(unicodedata.normalize("NFC", text).lower())


def _meaning(short: str, source: str, answer: str) -> str | None:
    """What stands for a short form in the answer; for a digit, which may be a number, before the same words."""
    for meant in MEANINGS[short]:
        run = f" {' '.join(words(meant))} "
        if short.isdecimal() and not _precedes(short, run, source, answer):
            continue
        if _times(run, answer) > _times(run, source):
            return meant
    return None


def _precedes(short: str, run: str, source: str, answer: str) -> bool:
    """Whether `run` stands before each word that follows the digit in the source, written out as that may be."""
    forms, theirs = _forms(source), f" {' '.join(words(answer))} "
    for at, form in enumerate(forms):
        if form != short:
            continue
        if at + 1 == len(forms):
            return theirs.endswith(run)
        said = [words(one) for one in (forms[at + 1], *MEANINGS.get(forms[at + 1], ()))]
        if not any(one and f"{run}{' '.join(one)} " in theirs for one in said):
            return False
    return True


def _times(run: str, text: str) -> int:
    return f" {' '.join(words(text))} ".replace(" ", "  ").count(run.replace(" ", "  "))
