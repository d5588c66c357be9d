"""The small words of grammar of the languages known best: what a correction may drop or add.

Wider than the function words by which a language is told: prepositions, auxiliaries, particles and words of degree
stand here too. In a language without a list the short words are taken for grammar.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ingle.text.language import FUNCTION_WORDS, language_of
from ingle.text.spans import words

RECENT = 8
"""Texts whose language is remembered: a judgement asks for those of a source and an answer many times."""
SHORT = 3
"""Letters up to which a word of an unknown language counts as grammar."""
_MORE = {
    "en": "a about above across after again against ago ahead all almost along already also although always am among an "
    "and another any anybody anymore anyone anything around as at away back be became because been before behind being "
    "below beside between beyond both but by can cannot could did do does doing done down during each either else enough "
    "fewer even ever every everybody everyone everything except few for from further get gets getting go goes going gone went gonna got gotta had has "
    "have having he her here hers herself him himself his how however i if in indeed instead into is it its itself just "
    "least less let lets like likely little lot lots many may maybe me might mine more most much must my myself near "
    "nearly neither no nobody none nor not nothing now of off often oh ok okay on once one ones only onto or other others "
    "ought our ours ourselves out over own per perhaps please quite rather really same shall she should since so some "
    "somebody somehow someone something still such than that the their theirs them themselves then there these they this "
    "those though through throughout till to together too toward towards under unless until up upon us used very via was "
    "way we were what whatever when whenever where wherever whether which whichever while who whoever whom whose why "
    "will with within without would yet you your yours yourself im ive id ill dont doesnt didnt isnt arent wasnt werent "
    "cant couldnt wont wouldnt shouldnt hasnt havent hadnt aint theyre youre thats whats its theres",
    "de": "aber alle allem allen aller alles als also am an andere anderen auch auf aus außer außerdem bald bei beide beiden bevor bin "
    "bis bist da dabei dadurch dafür dagegen daher damit danach daneben dann daran darauf daraus darf darin darüber darum "
    "das dass davon davor dazu dein deine dem den denen denn der deren des deshalb dessen deswegen dich die dies diese "
    "diesem diesen dieser dieses dir doch dort du durch dürfen ein eine einem einen einer eines einige einmal er es etwa etwas euch euer "
    "eure für ganz gar gegen gegenüber geworden gewesen hab habe haben hast hat hatte hatten hätte hätten her hier hin hinter ich ihm ihn ihnen ihr "
    "ihre ihrem ihren ihrer im immer in ins irgendwie ist ja je jede jedem jeden jeder jedes jene jetzt kann kannst kein keine können könnte könnten "
    "machen man manche mehr mein meine meinem meinen meiner mich mir mit möchte mögen muss müssen musste nach nachdem neben nicht "
    "nichts noch nun nur ob obwohl oder ohne per schon sehr sein seine seinem seinen seiner seit selber selbst sich sie sind so "
    "solche soll sollen sollte sollten sonst sowie über um und uns unser unsere unter viel viele vielen vom von vor wann war "
    "waren wäre warum was weg wegen weil weiter welche welchem welchen welcher welches wem wen wenn wer werde werden wie wieder will "
    "wir wird wo wollen wollte worden wurde wurden würde würden zu zum zur zwar zwischen",
    "fr": "à afin ai aie aies ainsi alors après as assez au aucun aucune aujourd aura aurait auraient aussi autre autres aux "
    "avaient avais avait avant avec avez avoir avons ayant bien car ce ceci cela celle celles celui cependant ces cet cette ceux chaque chez "
    "comme comment contre dans de dedans dehors déjà depuis derrière des dès desquels dessous dessus deux devant doit "
    "donc dont du durant elle elles en encore entre es est et étaient étais était étant été être eu eux fait faire "
    "faut hors ici il ils je jusque juste la là laquelle le lequel les lesquels leur leurs lors lorsque lui ma mais malgré "
    "me même mêmes mes mieux moi moins mon ne ni non nos notre nous on ont ou où par parce parmi pas pendant peu peut "
    "peuvent plus plusieurs pour pourquoi pourrait près puis puisque qu quand que quel quelle quelles quels quelque quelques "
    "qui quoi rien sa sans sauf se selon sera serai seras serons seront serais serait ses seulement si sien soit sommes son sont sous soyez suis sur ta tant "
    "te tel tels tes toi ton tous tout toute toutes très trop tu un une va vais vers veut veux voici voilà vont allons allez vos votre vous "
    "vu y ça cest jai lon soient",
    "es": "a acá además ahí ahora al algo alguien algún alguna algunas alguno algunos allá allí ambos ante antes aquel aquella "
    "aquellos aquí aquello así aun aún aunque bajo bastante bien cada casi como cómo con conmigo contigo contra cosas cual "
    "cuál cuales cualquier cuando cuándo cuanto cuánto de debe deben debajo del demasiado dentro desde después detrás donde "
    "dónde durante e él el ella ellas ello ellos en encima entonces entre era eran eres es esa esas ese eso esos esta está "
    "están estaba estado estamos estar estas este esto estos estoy fue fueron fuera ha haber había habían habían han has hasta hay haya he "
    "hemos hizo incluso junto la las le les lo los luego más mas me menos mi mí mía mientras mío mis mismo mucha muchas mucho "
    "muchos muy nada ni no nos nosotros nuestra nuestras nuestro nuestros o os otra otras otro otros para pero poco por porque "
    "pues puede pueden que qué quien quién quienes se sé sea según ser será si sí sido siempre sin sino sobre sois son soy su "
    "sus suya suyo tal también tampoco tan tanto te tengo ti tiene tienen toda todas todavía todo todos tras tu tú tus un una "
    "unas uno unos usted ustedes va vamos van vez vosotros voy y ya yo",
    "it": "a abbia abbiamo ad agli ai al alla alle allo allora altra altre altri altro anche ancora avere aveva ben bene c che chi ci "
    "cioè col come con contro cosa così cui d da dagli dai dal dalla dalle dallo dei del della delle dello dentro di dopo dove "
    "due e è ebbe ed era erano essere fa fino fra fu già gli ha hai hanno ho i il in io l la là le lei li lo loro lui ma "
    "me meno mentre mi mia mie miei mio molta molti molto ne né negli nei nel nella nelle nello no noi non nostra nostri "
    "nostro o ogni oltre ora per perché però più po poco poi prima proprio può qua quale quali quando quanto quasi quella quelle "
    "quelli quello questa queste questi questo qui se sei sempre senza si sia siamo siete solo sono sopra sotto stata stato "
    "su sua sue sugli sui sul sulla suo suoi te tra tu tua tue tuo tutta tutte tutti tutto un una uno va vai vi voi",
    "pt": "a à acima ainda além algo alguém algum alguma alguns ao aos apenas após aquela aquele aqui aquilo as às assim até bem "
    "cada com como contra contudo da das de dela dele deles depois desde dessa desse desta deste do dos durante e é ela elas "
    "ele eles em embora enquanto então entre era eram essa essas esse esses esta está estão estar estas estava este estes "
    "estou eu foi for foram fosse há isso isto já lá lhe lhes logo mais mas me mesma mesmo meu meus mim minha minhas muita "
    "muitas muito muitos na não nas nem nessa nesse nesta neste no nos nós nossa nosso num numa nunca o onde os ou outra outras "
    "outro outros para pela pelas pelo pelos pode podem pois por porque pouco qual quando quanto que quem se sem sempre ser "
    "será seu seus si sido sob sobre sua suas são só também tão te tem têm ter teu ti tinha toda todas todo todos tu tua tudo um "
    "uma umas uns vai você vocês vos",
    "nl": "aan al alle alleen alles als altijd ander andere anders ben bent bij binnen boven buiten daar daarna daarom dan dat "
    "de deze die dit doe doen door dus een eens elk elke en enkele er erg even gaan gaat geen geweest ging graag had hadden "
    "heb hebben hebt heeft heel hem hen het hier hij hoe hun ieder iedereen iemand iets ik in is ja je jij jou jouw jullie "
    "kan kon kunnen maar me meer meest men met mij mijn moet moeten mogen na naar naast niet niets nog nu of om omdat onder "
    "ons onze ook op over per samen sinds soms steeds te tegen terwijl tijdens toch toen tot tussen u uit uw van vaak veel via "
    "vol volgens voor waar waarom wanneer want waren was wat we weer wel welk welke werd werden wie wij wil willen word worden wordt "
    "zal ze zeer zich zij zijn zo zoals zonder zou zouden",
}
GRAMMAR = {
    language: FUNCTION_WORDS.get(language, frozenset()) | frozenset(more.split())
    for language, more in _MORE.items()
}


def is_grammar(word: str, language: str | None) -> bool:
    """Whether `word` says nothing of its own in `language`; of no language known here, whether it is short.

    Of words run together (`they're`, `qu'il`) each must be one.
    """
    parts = re.split("['’]", word)
    known = GRAMMAR.get(language or "")
    if "".join(parts) in (GRAMMAR["en"] if known is None else known):
        return True
    least = 2 if known is not None else SHORT
    return all(len(part) <= least or (known is not None and part in known) for part in parts)


@lru_cache(maxsize=RECENT)
def spoken_language(text: str) -> str | None:
    """The language of a text, told from few words too; None where two are as likely."""
    told = language_of(text)
    if told is not None:
        return told
    found = words(text)
    ranking = sorted(
        ((sum(word in known for word in found), language) for language, known in GRAMMAR.items()),
        reverse=True,
    )
    (best, language), (second, _) = ranking[:2]
    return language if best > second else None
