"""Names why an answer of a model was not taken."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why an answer was not taken; part of the API."""

    EMPTY = "empty"
    REFUSAL = "refusal"
    CHATTER = "chatter"
    THINKING = "thinking"
    REPETITION = "repetition"
    CUT = "cut_by_token_limit"
    WRONG_LANGUAGE = "wrong_language"
    LOST_NUMBER = "lost_number"
    LOST_NAME = "lost_name"
    LOST_MARKUP = "lost_markup"
    LOST_TEXT = "lost_text"
    CHANGED_NEGATION = "changed_negation"
    INVENTED_TEXT = "invented_text"
    INVENTED_NUMBER = "invented_number"
    REORDERED = "reordered"
    ANSWERED = "answered_instead"
    NOT_A_LIST = "not_a_list"
    NOT_A_TABLE = "not_a_table"
    ENGINE = "engine_error"
