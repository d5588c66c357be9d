"""Says what is wrong with a body: one sentence of our own for each field, named as the request named it; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ingle.errors import InvalidRequest
from ingle.server.schema import Body

WHOLE = "the body"
"""The name of what is wrong where no field of a body is."""
OBJECTS = frozenset({"model_type", "model_attributes_type", "dict_type"})
MUST = {
    **dict.fromkeys(OBJECTS, "be an object"),
    **dict.fromkeys(("int_type", "int_from_float", "int_parsing"), "be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "be a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "be true or false"),
    **dict.fromkeys(("literal_error", "enum"), "be {expected}"),
    "string_type": "be text",
    "list_type": "be a list",
    "none_required": "be null",
    "finite_number": "be a finite number",
    "int_parsing_size": "be a smaller number",
    "greater_than": "be more than {gt}",
    "greater_than_equal": "be at least {ge}",
    "less_than": "be less than {lt}",
    "less_than_equal": "be at most {le}",
    "string_pattern_mismatch": "match {pattern}",
    "string_too_short": "have at least {min_length} characters",
    "string_too_long": "have at most {max_length} characters",
    "too_short": "have at least {min_length} entries",
    "too_long": "have at most {max_length} entries",
}
"""What a value must do, by pydantic's name for what it does not."""


def invalid(problems: Sequence[Mapping[str, Any]]) -> InvalidRequest:
    """One sentence for everything that is wrong with a body, the first field named for machines."""
    unknown = [field_of(problem) for problem in problems if problem["type"] == "extra_forbidden"]
    details: dict[str, Any] = {"field": field_of(problems[0]) if problems else None}
    if problems and problems[0]["type"] == "json_invalid":
        details["character"] = problems[0]["loc"][-1]
    if unknown:
        details["unknown"] = unknown
    return InvalidRequest(
        "The request is wrong: " + "; ".join(_sentences(problems)) + ".",
        hint="/docs lists every field of this route.",
        **details,
    )


def field_of(problem: Mapping[str, Any]) -> str:
    """The path of a field through the body; of a field with two forms, the form is no part of it."""
    if problem["type"] == "json_invalid":
        return WHOLE
    forms = {"str", *(kind.__name__ for kind in _below(Body))}
    named = [str(part) for part in problem["loc"] if part not in ("body", "query", "path")]
    own = named[-1:] if problem["type"] in ("extra_forbidden", "missing") else []  # whatever it is called
    around = named[: len(named) - len(own)]
    return ".".join([*(part for part in around if "[" not in part and part not in forms), *own]) or WHOLE


def _sentences(problems: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One for each field: where it has two forms, what either must be."""
    musts: dict[str, list[str]] = {}
    for problem in problems:
        if (must := _must(problem)) is not None:
            musts.setdefault(field_of(problem), []).append(must)
    for problem in problems:
        field = field_of(problem)
        if _must(problem) is None:
            yield _other(field, problem)
        elif field in musts:
            first, *rest = dict.fromkeys(musts.pop(field))
            more = "".join(
                f" or {one.removeprefix('be ') if first.startswith('be ') else one}" for one in rest
            )
            yield f"{field} must {first}{more}"


def _must(problem: Mapping[str, Any]) -> str | None:
    kind, bounds = problem["type"], problem.get("ctx", {})
    if kind not in MUST or (field_of(problem) == WHOLE and kind in OBJECTS):
        return None
    if bounds.get("min_length") == 1:
        return "not be empty"
    if bounds.get("max_length") == 0:
        return "be empty"
    said = MUST[kind].format_map({name: _shown(value) for name, value in bounds.items()})
    return "be false" if said == "be False" else said


def _shown(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _other(field: str, problem: Mapping[str, Any]) -> str:
    if problem["type"] == "json_invalid":
        return f"the body is not JSON ({problem.get('ctx', {}).get('error', 'it does not parse')})"
    if problem["type"] in OBJECTS:
        return f"{WHOLE} is no JSON object"
    if problem["type"] == "extra_forbidden":
        return f"there is no field {field}"
    if problem["type"] == "missing":
        return f"{field} is missing"
    return f"{field}: {problem['msg'].removeprefix('Value error, ')}"


def _below(kind: type[Body]) -> Iterable[type[Body]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)
