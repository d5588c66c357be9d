"""Values that no engine accepts are refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from ingle.engines.checks import check_fits, check_generation
from ingle.errors import InvalidRequest, PromptTooLong
from ingle.generation import Constraint, Generation, Message, Role, SamplingParams, Thinking, Tool

USER = (Message(role=Role.USER, content="Hi"),)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "messages"),
        ({"messages": USER, "prompt": "x"}, "messages"),
        ({"messages": ()}, "messages"),
        ({"prompt": "x", "max_tokens": 0}, "max_tokens"),
        ({"prompt": "x", "n": 0}, "n"),
        ({"prompt": "x", "n": 17}, "n"),
        ({"prompt": "x", "stop": ("a", "")}, "stop"),
        ({"prompt": "x", "tools": (Tool(name="f"),)}, "tools"),
        ({"messages": USER, "tools": (Tool(name="f", parameters={"type": "string"}),)}, "tools"),
        ({"prompt": "x", "thinking": Thinking(enabled=True)}, "thinking"),
        ({"messages": USER, "thinking": Thinking(enabled=True, budget=-1)}, "thinking.budget"),
        ({"messages": USER, "thinking": Thinking(budget=5)}, "thinking.budget"),
        ({"prompt": "x", "template": "{{ messages }}"}, "template"),
        ({"prompt": "x", "tool_choice": "required"}, "tool_choice"),
        (
            {"messages": USER, "constraint": Constraint(kind="json_object", value={"type": "object"})},
            "constraint",
        ),
        ({"messages": USER, "tools": (Tool(name="f"), Tool(name="f"))}, "tools"),
        ({"messages": USER, "tools": (Tool(name="my tool"),)}, "tools"),
        ({"messages": USER, "tools": (Tool(name="f" * 300),)}, "tools"),
        (
            {
                "messages": USER,
                "tools": (Tool(name="f"),),
                "tool_choice": "required",
                "constraint": Constraint(kind="json_object"),
            },
            "tool_choice",
        ),
    ],
)
def test_a_request_that_cannot_be_is_refused_by_field(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        check_generation(Generation(**fields))
    assert raised.value.details["param"] == param


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("top_k", -1),
        ("min_p", 2.0),
        ("repetition_penalty", 0.0),
        ("presence_penalty", 1000.0),
        ("frequency_penalty", float("nan")),
        ("top_logprobs", 3),
        ("logit_bias", {-1: 1.0}),
        ("logit_bias", {1: float("nan")}),
    ],
)
def test_a_sampling_value_out_of_range_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as raised:
        check_generation(Generation(prompt="x", sampling=SamplingParams(**{name: value})))
    assert raised.value.details["param"] == name


def test_a_plain_request_passes() -> None:
    check_generation(Generation(prompt="x"))
    check_generation(Generation(messages=USER, sampling=SamplingParams(logprobs=True, top_logprobs=20)))


def test_a_prompt_must_leave_room_for_one_token() -> None:
    assert check_fits(9, 10) == 1
    with pytest.raises(PromptTooLong) as raised:
        check_fits(10, 10)
    assert raised.value.details == {"tokens": 10, "limit": 10}
