"""Turns a constraint into one checked grammar that both engines enforce; what cannot be kept is refused.

The grammar is llguidance's Lark dialect. llama.cpp drops a bad grammar without a word, so nothing
reaches an engine that llguidance itself has not accepted here first.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from ingle.errors import GenerationFailed, InvalidRequest, Unsupported
from ingle.generation import Constraint

MAX_GRAMMAR = 256 * 1024
"""Bytes of grammar text. Real schemas have a few kilobytes; building a grammar costs time per byte."""

MAX_DEPTH = 64
"""Levels of a schema. The grammar engine recurses, and native recursion ends the process."""

_NAMES = {"tools": "schema of the tools"}
"""What a person calls a parameter that is bound by a grammar, where the name does not say it."""

_LITERAL = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|#[^\n]*|/(?:\\.|[^/\\\n])+/')
"""What of a grammar is text, a pattern or a comment, and no rule."""
_OF_TOKENS = re.compile(r"<|\[[^\]]*\b(max_tokens|temperature|capture|stop_capture)\b")
"""What llguidance takes in rules and an answer's text cannot show, or nothing here acts on."""

_NAMED_SCHEMAS = frozenset({"properties", "patternProperties", "$defs", "definitions"})
_VALUES = frozenset({"const", "enum", "default", "examples"})
"""Keywords whose values are no schemas."""
_DIALECT = re.compile(r"https?://json-schema\.org/")

_COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""One way to write a value, with the spaces that models write most; free white space lets small ones
write blanks for ever."""


def constraint_grammar(constraint: Constraint) -> str:
    """The checked Lark grammar (its start rule is `start`) of a constraint.

    Raises `InvalidRequest` when it is malformed and `Unsupported` when the grammar engine knows a
    keyword and cannot keep it.
    """
    term = constraint_term(constraint)
    grammar = checked(constraint.value if term is None else f"start: {term}\n")
    trouble = _begun(grammar)[1]
    if trouble:
        raise InvalidRequest(
            "The constraint cannot be kept: no answer begins as it asks.",
            hint="Ask for something that can be written, and for less of it.",
            param="constraint",
            reason=trouble.splitlines()[0],
        )
    return grammar


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
            _check_text_only(value)
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
    _check_tuples(schema, param)
    wishes = schema.get("x-guidance", {})
    if not isinstance(wishes, dict):
        raise _malformed("json_schema", "an object as its x-guidance")
    return "%json " + json.dumps({**_as_read(schema), "x-guidance": {**_COMPACT, **wishes}})


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


def dead_end(reason: str) -> GenerationFailed:
    """The error of an answer whose constraint allows nothing further, or was not kept; `reason` is the engine's own word."""
    return GenerationFailed(
        "The answer cannot go on within its constraint.",
        hint="Ask for less of it, or for something that can be written to its end.",
        reason=reason,
    )


def satisfies(grammar: str, text: str, *, whole: bool = True) -> bool:
    """Whether `text` is in the language of a checked `grammar`, or not `whole`, begins something that is."""
    matcher, trouble = _begun(grammar)
    if trouble or not matcher.consume_tokens(list(text.encode())):
        return False
    return bool(matcher.is_accepting()) or not whole


def _begun(grammar: str) -> tuple[Any, str]:
    """A matcher of bytes that has looked for a first one, and what went wrong; it finds more than a validation."""
    from llguidance import LLMatcher

    matcher = LLMatcher(_bytes(), LLMatcher.grammar_from_lark(grammar), log_level=0)
    matcher.compute_bitmask()
    return matcher, str(matcher.get_error()) if matcher.is_error() else ""


@cache
def _bytes() -> Any:
    """The tokenizer whose tokens are the bytes."""
    from llguidance import LLTokenizer

    return LLTokenizer("byte")


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


def _check_text_only(grammar: str) -> None:
    """Raises `Unsupported` for rules about tokens: a text does not show whether they were kept."""
    found = _OF_TOKENS.search(_LITERAL.sub("", grammar))
    if found is not None:
        raise Unsupported(
            f"The constraint cannot be kept: {found.group(1) or 'a token by its name or number'} is no matter of text.",
            hint="Write what the answer says as strings and patterns.",
            param="constraint",
        )


def _as_read(schema: Any, *, named: bool = False) -> Any:
    """The same schema as the grammar engine reads it right: in the newest draft, which forgets no keyword of a later
    one than was named, and without a `multipleOf` of which it would leave some multiples out. `named`: its keys are
    names of schemas, and no keywords."""
    if isinstance(schema, list):
        return [_as_read(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if named:
        return {key: _as_read(part) for key, part in schema.items()}
    dated = {"$schema"} if _DIALECT.match(str(schema.get("$schema"))) else set()
    found = {
        key: part if key in _VALUES else _as_read(part, named=key in _NAMED_SCHEMAS)
        for key, part in schema.items()
        if key not in dated
    }
    steps = _steps(found.get("multipleOf"))
    beside = found.get("allOf", [])
    if len(steps) > 1 and isinstance(beside, list):
        del found["multipleOf"]
        found["allOf"] = [*beside, {"anyOf": [{"multipleOf": step} for step in steps]}]
    return found


def _steps(step: Any) -> list[float]:
    """What a number may be a multiple of, to be one of `step`: a step for each count of decimals.

    Of 0.25 the grammar engine takes only multiples with two decimals or none; with one they are those of 0.5.
    """
    if not isinstance(step, float) or not 0 < step < math.inf:
        return [step]
    _, digits, exponent = Decimal(repr(step)).normalize().as_tuple()
    places = -int(exponent)
    if places < 2 or len(digits) == 1:
        return [step]
    least = int("".join(map(str, digits)))
    coarser = {math.lcm(least, 10**fewer) for fewer in range(places + 1)}
    return [float(Decimal(one).scaleb(-places)) for one in sorted(coarser)]


def _check_tuples(schema: Any, param: str, *, named: bool = False) -> None:
    """Raises `Unsupported` where the grammar engine drops `prefixItems`: beside the keyword of older drafts."""
    if isinstance(schema, list):
        for part in schema:
            _check_tuples(part, param)
    if not isinstance(schema, dict):
        return
    if not named and "prefixItems" in schema and "additionalItems" in schema:
        raise Unsupported(
            f"The {_NAMES.get(param, param)} cannot be kept: prefixItems is of a newer draft than additionalItems.",
            hint="Beside prefixItems the rest of an array is called items.",
            param=param,
        )
    for key, part in schema.items():
        if named or key not in _VALUES:
            _check_tuples(part, param, named=not named and key in _NAMED_SCHEMAS)


def _malformed(kind: str, wanted: str) -> InvalidRequest:
    return InvalidRequest(f"A {kind} constraint needs {wanted}.", param="constraint")
