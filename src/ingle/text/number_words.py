"""The words for numbers, by language: what each is worth, alone or as a factor."""

from __future__ import annotations

import msgspec


class Lexicon(msgspec.Struct, frozen=True):
    """`values` are numbers below a thousand, `factors` what multiplies (hundred and up), `joints` the words between parts."""

    values: dict[str, int]
    factors: dict[str, int]
    joints: frozenset[str]


_PLAIN = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn "
    "siebzehn achtzehn neunzehn",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept "
    "dix-huit dix-neuf",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis "
    "diecisiete dieciocho diecinueve",
    "it": "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici "
    "diciassette diciotto diciannove",
    "pt": "zero um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis dezessete "
    "dezoito dezenove",
    "nl": "nul één twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien "
    "achttien negentien",
    "ru": "ноль один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать "
    "четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать",
}
_TENS = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety",
    "de": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
    "fr": "vingt trente quarante cinquante soixante septante huitante nonante",
    "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "it": "venti trenta quaranta cinquanta sessanta settanta ottanta novanta",
    "pt": "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
    "nl": "twintig dertig veertig vijftig zestig zeventig tachtig negentig",
    "ru": "двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто",
}
_OTHERS = {
    "en": "first=1 second=2 third=3 fourth=4 fifth=5 sixth=6 seventh=7 eighth=8 ninth=9 tenth=10 eleventh=11 twelfth=12 "
    "thirteenth=13 fourteenth=14 fifteenth=15 sixteenth=16 seventeenth=17 eighteenth=18 nineteenth=19 twentieth=20 "
    "thirtieth=30 fortieth=40 fiftieth=50 sixtieth=60 seventieth=70 eightieth=80 ninetieth=90 nought=0 nil=0",
    "de": "ein=1 eine=1 einen=1 einem=1 einer=1 eines=1 zwo=2 dreissig=30 erste=1 zweite=2 dritte=3 vierte=4 fünfte=5 "
    "sechste=6 siebte=7 achte=8 neunte=9 zehnte=10 elfte=11 zwölfte=12",
    "fr": "une=1 quatre-vingts=80 vingts=20 premier=1 première=1 deuxième=2 troisième=3 quatrième=4 cinquième=5 "
    "sixième=6 septième=7 huitième=8 neuvième=9 dixième=10",
    "es": "un=1 una=1 veintiún=21 veintiuna=21 dieciseis=16 veintidos=22 veintitres=23 veintiseis=26 doscientos=200 doscientas=200 trescientos=300 "
    "trescientas=300 cuatrocientos=400 cuatrocientas=400 quinientos=500 quinientas=500 seiscientos=600 "
    "seiscientas=600 setecientos=700 setecientas=700 ochocientos=800 ochocientas=800 novecientos=900 "
    "novecientas=900",
    "it": "un=1 una=1 primo=1 secondo=2 terzo=3 quarto=4 quinto=5",
    "pt": "uma=1 duas=2 tres=3 quatorze=14 duzentos=200 duzentas=200 trezentos=300 trezentas=300 quatrocentos=400 "
    "quinhentos=500 seiscentos=600 setecentos=700 oitocentos=800 novecentos=900",
    "nl": "een=1 eerste=1 tweede=2 derde=3 vierde=4 vijfde=5 zesde=6 zevende=7 achtste=8 negende=9 tiende=10",
    "ru": "одна=1 одно=1 две=2 двух=2 трёх=3 трех=3 четырёх=4 пяти=5 шести=6 семи=7 десяти=10 сто=100 двести=200 "
    "триста=300 четыреста=400 пятьсот=500 шестьсот=600 семьсот=700 восемьсот=800 девятьсот=900",
}
_FACTORS = {
    "en": "hundred=2 thousand=3 million=6 billion=9 trillion=12",
    "de": "hundert=2 tausend=3 million=6 millionen=6 milliarde=9 milliarden=9 billion=12 billionen=12",
    "fr": "cent=2 cents=2 mille=3 million=6 millions=6 milliard=9 milliards=9",
    "es": "cien=2 ciento=2 mil=3 millón=6 millones=6",
    "it": "cento=2 mille=3 mila=3 milione=6 milioni=6 miliardo=9 miliardi=9",
    "pt": "cem=2 cento=2 mil=3 milhão=6 milhões=6 bilhão=9 bilhões=9",
    "nl": "honderd=2 duizend=3 miljoen=6 miljard=9",
    "ru": "тысяча=3 тысячи=3 тысяч=3 миллион=6 миллиона=6 миллионов=6",
}
_JOINTS = {"en": "and", "de": "und", "fr": "et", "es": "y", "it": "e", "pt": "e", "nl": "en", "ru": "и"}
LANGUAGES = tuple(_PLAIN)
UNCLEAR = frozenset(
    "due sei tre elf once dix sept neuf tres mil cent cents mille acht vier zes un una uno une um uma een ein eine "
    "einen einem einer eines secondo quarto quinto primo premier première terzo mila nul null".split()
)
"""Words that mean something else in a neighbouring language: missed only in a text whose language is told."""


SOFT = frozenset(
    "one first second once ein eine einen einem einer eines eins erste un une una uno um uma een één premier première "
    "primo один одна одно".split()
)
"""Words for one that are articles and pronouns too: never missed."""
POINTS = frozenset("point dot comma punkt komma virgule coma punto vírgula ponto virgola".split())
MINUS = frozenset("minus moins menos meno negative".split())
ARTICLES = frozenset("a an the le la un une una ein eine".split())
MULTIPLE = {"double": 2, "triple": 3}
VAGUE: dict[str, tuple[str, ...]] = {
    "half": ("1|2", "0|5", "50", "30", "5"),
    "quarter": ("1|4", "0|25", "25", "15", "4"),
    "quarters": ("4", "75"),
    "halves": ("2",),
    "thirds": ("3",),
    "fifths": ("5",),
    "noon": ("12", "12|00"),
    "midday": ("12", "12|00"),
    "midnight": ("0|00", "00|00", "24|00"),
    "couple": ("2",),
}
"""What these may be in digits; in another language they are other words."""
DOZENS = frozenset("dozen dutzend douzaine docena dozzina dúzia dozijn".split())
AFTER = frozenset("past after nach over".split())
BEFORE = frozenset("to till before vor voor".split())
QUARTERS = {"quarter": 15, "viertel": 15, "kwart": 15, "dreiviertel": 45, "half": 30}
THEN = {
    "media": 30,
    "demie": 30,
    "demi": 30,
    "mezza": 30,
    "mezzo": 30,
    "meia": 30,
    "cuarto": 15,
    "quart": 15,
    "quarto": 15,
}
HOURS = frozenset("heures heure uhr horas hora ore uur".split())
HAN = {
    "〇": 0,
    "零": 0,
    "两": 2,
    "兩": 2,
    **{digit: at for at, digit in enumerate("一二三四五六七八九", start=1)},
}


def _union(of_all: dict[str, Lexicon]) -> Lexicon:
    """The words of all languages; those of English win."""
    values: dict[str, int] = {}
    factors: dict[str, int] = {}
    for found in reversed(of_all.values()):
        values |= found.values
        factors |= found.factors
    return Lexicon(values, factors, frozenset(_JOINTS.values()) - {"e"})


def _read(language: str) -> Lexicon:
    plain, tens = _PLAIN[language].split(), _TENS[language].split()
    values = {word: at for at, word in enumerate(plain)}
    values |= {word: 10 * at for at, word in enumerate(tens, start=2)}
    for at, ten in enumerate(tens, start=2):
        for unit, word in enumerate(plain[1:10], start=1):
            values |= dict.fromkeys(_compounds(language, ten, word), 10 * at + unit)
    values |= _pairs(_OTHERS[language])
    factors = {word: 10**power for word, power in _pairs(_FACTORS[language]).items()}
    return Lexicon(values, factors, frozenset(_JOINTS[language].split()))


def _compounds(language: str, ten: str, unit: str) -> list[str]:
    """How tens and units are written as one word: `einundzwanzig`, `ventuno`, `veintiuno`, `eenentwintig`."""
    if language == "de":
        unit = "ein" if unit == "eins" else unit
        return [f"{unit}und{ten}", f"{unit}und{ten.replace('ß', 'ss')}"]
    if language == "nl":
        unit = "een" if unit == "één" else unit
        return [f"{unit}{'ën' if unit.endswith('e') else 'en'}{ten}", f"{unit}en{ten}"]
    if language == "it":
        accented = f"{ten}tré" if unit == "tre" else f"{ten}{unit}"
        return [accented, f"{ten[:-1] if unit[0] in 'uo' else ten}{unit}"]
    if language == "es" and ten == "veinte":
        accented = {"dos": "dós", "tres": "trés", "seis": "séis"}.get(unit, unit)
        return [f"veinti{accented}"]
    return []


def _pairs(listed: str) -> dict[str, int]:
    return {word: int(value) for word, value in (entry.rsplit("=", 1) for entry in listed.split())}


OF_LANGUAGE = {language: _read(language) for language in LANGUAGES}
OF_ALL = _union(OF_LANGUAGE)


def lexicon(language: str | None) -> Lexicon:
    """The words of one language; for any other, or None, those of all."""
    return OF_LANGUAGE.get(language or "", OF_ALL)


def value_of(word: str, known: Lexicon, language: str | None) -> int | None:
    """What one written word is worth, compounds and ordinals of German included; None where it is no number."""
    if word in known.values:
        return known.values[word]
    return _german(word) if language in ("de", None) and len(word) > 4 else None


def _german(word: str) -> int | None:
    """`dreihundertfünf`, `zweitausend`, `einundzwanzigsten`: a compound of German, or None."""
    values = OF_LANGUAGE["de"].values
    if word in values:
        return values[word]
    for ending in ("sten", "ster", "stes", "ste", "ten", "ter", "tes", "te"):
        stem = word.removesuffix(ending)
        if stem != word and stem.endswith(("zig", "zehn", "ßig", "hundert", "tausend", "zwölf", "elf")):
            return _german(stem)
    for factor, power in (("tausend", 1000), ("hundert", 100)):
        before, found, after = word.partition(factor)
        if found:
            left = _german(before) if before else 1
            right = _german(after.removeprefix("und")) if after else 0
            return None if left is None or right is None or left >= power else left * power + right
    if word[-1:] in "nrsm" and word[:-1] in values:
        return values[word[:-1]]
    return None
