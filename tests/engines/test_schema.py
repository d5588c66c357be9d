"""Constraints become checked grammars; what cannot be kept is refused by name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ingle.engines.schema import MAX_GRAMMAR, checked, constraint_grammar, ending_grammar, satisfies
from ingle.errors import InvalidRequest, UsageError
from ingle.generation import Constraint

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        (Constraint(kind="json_object"), '{"a": [1, true]}', "[1]"),
        (Constraint(kind="json_schema", value=PERSON), '{"name": "Ann", "age": 3}', '{"name": "Ann"}'),
        (Constraint(kind="json_schema", value={"type": "string", "pattern": "^a+$"}), '"aaa"', '"b"'),
        (Constraint(kind="json_schema", value={"type": "integer", "multipleOf": 3}), "9", "10"),
        (Constraint(kind="json_schema", value={"enum": ["x", 1]}), '"x"', '"y"'),
        (Constraint(kind="regex", value=r"\d{3}/[a-z]"), "123/x", "12/x"),
        (Constraint(kind="regex", value="a\nb"), "a\nb", "ab"),
        (Constraint(kind="regex", value='"q"'), '"q"', "q"),
        (Constraint(kind="choice", value=["yes", 'n"o\n', "päö"]), 'n"o\n', "maybe"),
        (Constraint(kind="grammar", value='start: "a" b\nb: "b"+'), "abb", "a"),
        (
            Constraint(kind="grammar", value='start: "<a>" /<b>\\/[max_tokens=3]?/ // <c>\n# <d>'),
            "<a><b>/m",
            "a",
        ),
        (
            Constraint(kind="json_schema", value={"const": {"prefixItems": 1, "additionalItems": 2}}),
            '{"prefixItems": 1, "additionalItems": 2}',
            "{}",
        ),
        (
            Constraint(
                kind="json_schema",
                value={
                    "type": "object",
                    "properties": {"prefixItems": {"const": 1}, "additionalItems": {"const": 2}},
                    "required": ["prefixItems"],
                },
            ),
            '{"prefixItems": 1}',
            "{}",
        ),
    ],
)
def test_a_grammar_takes_what_it_should_and_nothing_else(constraint: Constraint, good: str, bad: str) -> None:
    grammar = constraint_grammar(constraint)
    assert satisfies(grammar, good)
    assert not satisfies(grammar, bad)
    assert not satisfies(grammar, good + "!")


@pytest.mark.parametrize(
    ("grammar", "good"),
    [
        ('start: "}" /[}{]{2,3}/ "\\"}" // }\n', '}{{"}'),
        ('%llguidance {}\nstart: X /y*/\nX: "x"\n%ignore / +/', "x yy"),
        ('start: %json {"type": "object"} "}"', "{}}"),
    ],
)
def test_any_grammar_can_be_given_a_token_that_ends_it(grammar: str, good: str) -> None:
    ended = checked(ending_grammar(grammar, 7))
    assert satisfies(grammar, good) and satisfies(ended, good)
    assert not satisfies(ended, good + "!")


@pytest.mark.parametrize(
    ("constraint", "code"),
    [
        (Constraint(kind="json_schema", value={"not": {"type": "string"}}), "unsupported"),
        (Constraint(kind="json_schema", value={"type": "array", "uniqueItems": True}), "unsupported"),
        (Constraint(kind="json_schema", value={"type": "string", "format": "nope"}), "unsupported"),
        (Constraint(kind="json_schema", value={"type": "nope"}), "invalid_request"),
        (Constraint(kind="json_schema", value={"$ref": "#/missing"}), "invalid_request"),
        (Constraint(kind="json_schema", value=False), "invalid_request"),
        (Constraint(kind="json_schema", value="text"), "invalid_request"),
        (Constraint(kind="json_schema", value={"x-guidance": 3}), "invalid_request"),
        (
            Constraint(kind="json_schema", value={"anyOf": [{"prefixItems": [{}], "additionalItems": {}}]}),
            "unsupported",
        ),
        (
            Constraint(
                kind="json_schema",
                value={
                    "$schema": "http://json-schema.org/draft-07/schema#",
                    "dependentRequired": {"a": ["b"]},
                },
            ),
            "unsupported",
        ),
        (Constraint(kind="json_schema", value={"$ref": "#"}), "invalid_request"),
        (Constraint(kind="grammar", value='start: "a" <[7]>'), "unsupported"),
        (Constraint(kind="grammar", value="start: a\na[capture, temperature=0.5]: /x/"), "unsupported"),
        (Constraint(kind="regex", value="("), "invalid_request"),
        (Constraint(kind="regex", value=""), "invalid_request"),
        (Constraint(kind="regex"), "invalid_request"),
        (Constraint(kind="choice", value=[]), "invalid_request"),
        (Constraint(kind="choice", value=["a", 3]), "invalid_request"),
        (Constraint(kind="choice", value="yes"), "invalid_request"),
        (Constraint(kind="grammar", value="no start rule"), "invalid_request"),
        (Constraint(kind="grammar", value=None), "invalid_request"),
        (Constraint(kind="choice", value=["x" * MAX_GRAMMAR]), "invalid_request"),
    ],
)
def test_what_cannot_be_kept_is_refused(constraint: Constraint, code: str) -> None:
    with pytest.raises(UsageError) as raised:
        constraint_grammar(constraint)
    assert raised.value.code == code
    assert raised.value.message


@pytest.mark.parametrize("draft", ["draft-04/schema#", "draft-07/schema#", "draft/2020-12/schema"])
def test_a_keyword_newer_than_the_draft_that_is_named_is_kept_too(draft: str) -> None:
    about = {"$schema": f"http://json-schema.org/{draft}"}
    grammar = constraint_grammar(Constraint(kind="json_schema", value={**about, "const": 1}))
    assert satisfies(grammar, "1") and not satisfies(grammar, "2")
    inner = {"allOf": [{**about, "dependentRequired": {"a": ["b"]}}]}
    with pytest.raises(UsageError, match="dependentRequired"):
        constraint_grammar(Constraint(kind="json_schema", value=inner))
    pair = {**about, "prefixItems": [{"type": "integer"}], "items": False}
    assert not satisfies(constraint_grammar(Constraint(kind="json_schema", value=pair)), '["a"]')


def test_what_begins_well_is_told_from_what_does_not() -> None:
    grammar = constraint_grammar(Constraint(kind="json_schema", value=PERSON))
    assert satisfies(grammar, '{"name": "A', whole=False) and satisfies(grammar, "", whole=False)
    assert not satisfies(grammar, '{"name": A', whole=False)


def test_a_schema_deeper_than_any_real_one_is_refused_and_not_a_crash() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(5000):
        schema = {"type": "array", "items": schema}
    with pytest.raises(InvalidRequest):
        constraint_grammar(Constraint(kind="json_schema", value=schema))


@pytest.mark.slow
@pytest.mark.parametrize(
    "step", ["0.25", "0.125", "0.15", "3.14", "1.25", "0.12", "0.05", "0.01", "2.5", "3"]
)
def test_every_multiple_can_be_written_and_nothing_else(step: str) -> None:
    schema = {"type": "number", "multipleOf": float(step), "minimum": -2}
    grammar = constraint_grammar(Constraint(kind="json_schema", value=schema))
    for tenth in range(-10, 30):
        for number in (Decimal(tenth) / 10, Decimal(step) * tenth, Decimal(tenth) / 8):
            kept = number >= -2 and number % Decimal(step) == 0
            assert satisfies(grammar, f"{number.normalize():f}") is kept, number


def test_a_multiple_of_a_fraction_stands_beside_other_choices() -> None:
    other = [{"type": "string"}, {"type": "number", "maximum": 1}]
    schema = {"anyOf": other, "multipleOf": 0.25, "allOf": [{"minimum": 0}]}
    grammar = constraint_grammar(Constraint(kind="json_schema", value=schema))
    said = ['"a"', "0.5", "0.75", "0.3", "1.5", "-0.5"]
    assert [text for text in said if satisfies(grammar, text)] == ['"a"', "0.5", "0.75"]
    named = {"type": "object", "properties": {"multipleOf": {"multipleOf": 0.25}}, "required": ["multipleOf"]}
    assert satisfies(constraint_grammar(Constraint(kind="json_schema", value=named)), '{"multipleOf": 0.5}')


@pytest.mark.parametrize("name", ["default", "const", "enum", "examples", "x"])
def test_a_property_may_be_called_like_a_keyword(name: str) -> None:
    schema = {
        "type": "object",
        "properties": {name: {"type": "number", "multipleOf": 0.25}},
        "required": [name],
    }
    grammar = constraint_grammar(Constraint(kind="json_schema", value=schema))
    assert satisfies(grammar, f'{{"{name}": 0.5}}') and not satisfies(grammar, f'{{"{name}": 0.3}}')
