"""Turns a constraint into one checked grammar that both engines enforce; what cannot be kept is refused.

The grammar is llguidance's Lark dialect. llama.cpp drops a bad grammar without a word, so nothing
reaches an engine that llguidance itself has not accepted here first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ingle.errors import InvalidRequest, Unsupported
from ingle.generation import Constraint

MAX_GRAMMAR = 256 * 1024
"""Bytes of grammar text. Real schemas have a few kilobytes; building a grammar costs time per byte."""

MAX_DEPTH = 64
"""Levels of a schema. The grammar engine recurses, and native recursion ends the process."""

_NAMES = {"tools": "schema of the tools"}
"""What a person calls a parameter that is bound by a grammar, where the name does not say it."""

_COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""One way to write a value, with the spaces that models write most; free white space lets small ones
write blanks for ever."""


def constraint_grammar(constraint: Constraint) -> str:
    """The checked Lark grammar (its start rule is `start`) of a constraint.

    Raises `InvalidRequest` when it is malformed and `Unsupported` when the grammar engine knows a
    keyword and cannot keep it.
    """
    term = constraint_term(constraint)
    return checked(constraint.value if term is None else f"start: {term}\n")


def constraint_term(constraint: Constraint) -> str | None:
    """The Lark term of a constraint, not checked yet; None for a grammar, which is rules of its own.

    Raises `InvalidRequest` when it is malformed.
    """
    value = constraint.value
    match constraint.kind:
        case "json_object":
            return json_term({"type": "object"})
        case "json_schema":
            if not isinstance(value, (dict, bool)):
                raise _malformed("json_schema", "a JSON schema (an object)")
            return json_term(value)
        case "regex":
            if not isinstance(value, str) or not value:
                raise _malformed("regex", "a regular expression")
            return _regex(value)
        case "grammar":
            if not isinstance(value, str) or not value:
                raise _malformed("grammar", "a Lark grammar with a rule called start")
            return None
        case "choice":
            return " | ".join(_quoted(choice) for choice in _choices(value))


def ending_grammar(grammar: str, end: int) -> str:
    """The language of a checked `grammar`, after which the token `end` may come.

    For engines whose integration of llguidance knows only one of the tokens that end an answer: where a
    grammar could go on, the model must still be able to stop.
    """
    return f"start: body <[{end}]>?\nbody: %lark {{\n{grammar}\n}}\n"


def json_term(schema: dict[str, Any] | bool, param: str = "constraint") -> str:
    """The Lark term for a JSON value that satisfies `schema`; errors name `param`."""
    if isinstance(schema, bool):
        return f"%json {json.dumps(schema)}"
    _check_depth(schema, param)
    wishes = schema.get("x-guidance", {})
    if not isinstance(wishes, dict):
        raise _malformed("json_schema", "an object as its x-guidance")
    return "%json " + json.dumps({**schema, "x-guidance": {**_COMPACT, **wishes}})


def checked(grammar: str, param: str = "constraint") -> str:
    """`grammar`, accepted by llguidance. Raises `InvalidRequest` or `Unsupported`, naming `param`."""
    from llguidance import LLMatcher

    if len(grammar.encode()) > MAX_GRAMMAR:
        raise InvalidRequest(
            f"The {_NAMES.get(param, param)} has {len(grammar.encode())} bytes and {MAX_GRAMMAR} are the most.",
            hint="Ask for a smaller schema or a shorter list.",
            param=param,
        )
    trouble = LLMatcher.validate_grammar(LLMatcher.grammar_from_lark(grammar))
    if not trouble:
        return grammar
    reason = trouble.splitlines()[0]
    kind = Unsupported if "nimplemented" in trouble or "Unknown format" in trouble else InvalidRequest
    raise kind(
        f"The {_NAMES.get(param, param)} cannot be kept: {reason}.",
        hint="Take that part out of the schema or grammar; Ingle ignores none of it.",
        param=param,
        reason=trouble[:2000],
    )


def satisfies(grammar: str, text: str) -> bool:
    """Whether `text`, whole, is in the language of a checked `grammar`."""
    from llguidance import LLMatcher, LLTokenizer

    matcher = LLMatcher(LLTokenizer("byte"), LLMatcher.grammar_from_lark(grammar), log_level=0)
    return bool(matcher.consume_tokens(list(text.encode())) and matcher.is_accepting())


def _choices(value: Any) -> Sequence[str]:
    if not isinstance(value, (list, tuple)) or not value:
        raise _malformed("choice", "a list of at least one string")
    if not all(isinstance(choice, str) and choice for choice in value):
        raise _malformed("choice", "a list of strings that are not empty")
    return value


def _regex(pattern: str) -> str:
    from llguidance import regex_to_lark

    term: str = regex_to_lark(pattern, use_ascii="").replace("\n", "\\n")
    return f"/{term}/"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _check_depth(schema: Any, param: str) -> None:
    level = [schema]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for part in level
            for inner in (part.values() if isinstance(part, dict) else part)
            if isinstance(inner, (dict, list, tuple))
        ]
        if not level:
            return
    raise InvalidRequest(
        f"The schema is nested deeper than {MAX_DEPTH} levels.",
        hint="Give parts of it names under $defs and refer to them.",
        param=param,
    )


def _malformed(kind: str, wanted: str) -> InvalidRequest:
    return InvalidRequest(f"A {kind} constraint needs {wanted}.", param="constraint")
