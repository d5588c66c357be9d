"""Tells whether a unit that is written as a word gave way to another of its family: `50 euros`, `50 dollars`."""

from __future__ import annotations

from collections.abc import Set

from ingle.text.grammar import is_grammar, spoken_language
from ingle.text.spans import words

_FAMILIES = (
    {
        "euro": "euro euros eur",
        "dollar": "dollar dollars usd bucks dólar dólares dollaro dollari",
        "pound": "pound pounds gbp quid pfund libra libras livre livres sterlina sterline",
        "franc": "franc francs franken chf franco franchi francos",
        "yen": "yen",
        "cent": "cent cents centimes centavos centesimi",
    },
    {
        "minute": "minute minutes min mins minuten minuto minutos minuti minuut",
        "hour": "hour hours hr hrs stunde stunden heure heures hora horas ora ore uur uren",
        "day": "day days tag tage tagen jour jours día días dia dias giorno giorni dag dagen",
        "week": "week weeks woche wochen semaine semaines semana semanas settimana settimane weken",
        "month": "month months monat monate monaten mois mes meses mese mesi mês maand maanden",
        "year": "year years jahr jahre jahren ans année années año años anno anni ano anos jaar jaren",
    },
    {
        "gram": "gram grams gramm gramme grammes gramo gramos grammo grammi grama gramas",
        "kilogram": "kilo kilos kg kilogram kilograms kilogramm kilogramme kilogrammes kilogramo kilogramos chilo chili quilo quilos",
        "pound": "pound pounds lb lbs pfund libra libras livre livres pond",
        "ounce": "ounce ounces oz",
        "ton": "ton tons tonne tonnes tonnen tonelada toneladas tonnellate",
    },
    {
        "millimetre": "mm millimetre millimetres millimeter millimeters",
        "centimetre": "cm centimetre centimetres centimeter centimeters zentimeter centimètre centimètres centímetro centímetros centimetri",
        "metre": "metre metres meter meters mètre mètres metro metros metri",
        "kilometre": "km kilometre kilometres kilometer kilometers kilomètre kilomètres kilómetro kilómetros chilometro chilometri quilómetros quilômetros",
        "mile": "mile miles meile meilen milla millas miglio miglia milha milhas mijl mijlen",
        "foot": "foot feet",
        "inch": "inch inches zoll pulgadas pollici",
        "yard": "yard yards",
    },
)
FAMILIES = tuple(
    {word: kind for kind, said in family.items() for word in said.split()} for family in _FAMILIES
)
"""For each family its words, and which unit each is, in English, German, French, Spanish, Italian, Portuguese and Dutch."""


def swapped(source: str, answer: str) -> bool:
    """Whether a unit of `source` is gone and one of its family came that is not there; also from language to language."""
    mine, theirs = _meant(source), _meant(answer)
    return any(_gave_way(mine, theirs, family) for family in FAMILIES)


def _meant(text: str) -> list[str]:
    """The words without those of grammar, which may look like a unit: French `mes` and `ton`."""
    language = spoken_language(text)
    return [word for word in words(text) if not is_grammar(word, language)] if language else words(text)


def is_same(word: str, other: str) -> bool:
    """Whether two words are one unit: `kilos`, `kg`."""
    return any(word in family and family[word] == family.get(other) for family in FAMILIES)


def _gave_way(mine: list[str], theirs: list[str], family: dict[str, str]) -> bool:
    before, after = _kinds(mine, family), _kinds(theirs, family)
    return bool(before - after) and bool(after - before)


def _kinds(said: list[str], family: dict[str, str]) -> Set[str]:
    return {family[word] for word in said if word in family}
