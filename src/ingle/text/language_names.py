"""Knows languages by their names: what to translate into, and whether an instruction asks for another language."""

from __future__ import annotations

import re

LANGUAGE_NAMES = {
    "en": "English",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "it": "Italian",
    "pt": "Portuguese",
    "nl": "Dutch",
    "sv": "Swedish",
    "da": "Danish",
    "pl": "Polish",
    "tr": "Turkish",
    "fi": "Finnish",
    "cs": "Czech",
    "ja": "Japanese",
    "zh": "Chinese",
    "ko": "Korean",
    "ru": "Russian",
    "uk": "Ukrainian",
    "bg": "Bulgarian",
    "el": "Greek",
    "ar": "Arabic",
    "fa": "Persian",
    "he": "Hebrew",
    "hi": "Hindi",
    "th": "Thai",
}
LANGUAGE_CODES = {name.lower(): code for code, name in LANGUAGE_NAMES.items()} | {
    "deutsch": "de",
    "français": "fr",
    "español": "es",
    "italiano": "it",
    "日本語": "ja",
    "中文": "zh",
    "русский": "ru",
}
OTHER_NAMES = (
    "english german french spanish italian portuguese dutch swedish danish polish turkish finnish czech japanese chinese "
    "korean russian ukrainian bulgarian greek arabic persian hebrew hindi thai norwegian icelandic hungarian romanian "
    "croatian serbian bosnian slovak slovene slovenian lithuanian latvian estonian albanian macedonian armenian georgian "
    "catalan basque galician irish welsh gaelic breton afrikaans yiddish esperanto latin bengali urdu tamil telugu marathi "
    "punjabi vietnamese indonesian malay tagalog filipino swahili mandarin cantonese farsi brazilian flemish "
    "englisch englische französisch spanisch italienisch portugiesisch niederländisch holländisch schwedisch dänisch "
    "polnisch türkisch finnisch tschechisch japanisch chinesisch koreanisch russisch ukrainisch griechisch arabisch "
    "hebräisch ungarisch rumänisch norwegisch latein lateinisch "
    "anglais allemand espagnol italien portugais néerlandais suédois danois polonais turc finnois tchèque japonais "
    "chinois coréen russe ukrainien grec arabe hébreu "
    "inglés ingles alemán aleman francés frances portugués sueco polaco turco checo japonés chino coreano ruso griego árabe "
    "inglese tedesco francese spagnolo portoghese olandese giapponese cinese russo greco "
    "inglês alemão francês espanhol italiano engels duits frans spaans engelska tyska franska tysk fransk "
    "polski angielski türkçe ingilizce suomi englanti česky anglicky svenska dansk nederlands português"
).split()
"""What languages are called in English and, for the commonest, in German, French, Spanish, Italian and others."""
TRANSLATION = re.compile(
    r"\btranslat|\btranslit|\bromani[sz]e|\bübersetz|\buebersetz|\btradui|\btraduc|\btraduz|\btradur|\bvertaal|\bvertal|"
    r"\böversätt|\boversæt|\boversett|\btłumacz|przetłumacz|\bçevir|\bkäännä|přelož|翻译|翻譯|翻訳|訳し|번역|перев[её]д|перевод|"
    r"переклад|превед|μετάφρα|μεταφρ|ترجم|תרגם|अनुवाद|แปล|"
    r"\b(?:cyrillic|kanji|hiragana|katakana|hangul|pinyin|romaji|devanagari)\b|"
    r"\b(?:an)?other language|\bdifferent language|\bandere[nr]? sprache|\bautre langue|\botr[oa] (?:idioma|lengua)|"
    r"\baltra lingua|\boutra língua",
    re.IGNORECASE,
)
"""Words for translating or for another script, in the languages that a text can be told to be in."""
NAMED = re.compile(
    rf"\b(?:{'|'.join(map(re.escape, sorted({*LANGUAGE_CODES, *OTHER_NAMES} - {'polish'}, key=len, reverse=True)))})\b|"
    r"\b(?:in|into|to) polish\b|(?<=\w )(?-i:Polish)\b|日本語|日语|中文|"
    r"英語|英语|英文|德语|法语|한국어|영어|русск|английск|немецк|французск|українськ|англійськ",
    re.IGNORECASE,
)
"""The name of a language; `polish` only where it is not what one does to a text."""


def asks_for_another(instruction: str) -> bool:
    """Whether an answer to `instruction` may be in another language than the text it is about.

    It names a language or speaks of translating. One that names the text's own language says so too, and is
    believed: an answer let through can be seen, one held back for a wish that was not understood cannot.
    """
    return TRANSLATION.search(instruction) is not None or NAMED.search(instruction) is not None
