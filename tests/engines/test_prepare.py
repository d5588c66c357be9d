"""A request becomes prompt, grammar and shape; thinking, tools and templates in all their pairings."""

from __future__ import annotations

import msgspec
import pytest

from ingle.engines.prepare import calls_note, closed, prepare
from ingle.engines.reasoning import THINK
from ingle.engines.schema import satisfies
from ingle.engines.templates import ChatTemplate
from ingle.engines.toolformats import BARE, TAGGED, Writing
from ingle.errors import InvalidRequest, NoChatTemplate, Unsupported
from ingle.generation import Constraint, Generation, Message, Role, Thinking, Tool

PLAIN = ChatTemplate("{% for m in messages %}{{ m.content }}{% endfor %}|")
SWITCHED = ChatTemplate(
    "{% for m in messages %}{{ m.content }}{% endfor %}|{% if enable_thinking %}<think>{% endif %}"
)
ALWAYS = ChatTemplate("{% for m in messages %}{{ m.content }}{% endfor %}|<think>\n")
HI = (Message(role=Role.USER, content="Hi"),)
CLOCK = Tool(name="clock")
CHOICE = Constraint(kind="choice", value=["a", "b"])


def test_plain_text_is_left_as_it_is() -> None:
    prepared = prepare(Generation(prompt="Hi", stop=("x",)), None, "m")
    assert (prepared.prompt, prepared.grammar, prepared.thinks) == ("Hi", None, False)
    assert prepared.shape.reasoning is None
    assert prepared.shape.stop == ("x",)


def test_only_plain_text_that_has_no_first_token_gets_what_the_tokenizer_adds() -> None:
    marks = {"bos": "<s>", "eos": "</s>"}
    asked = [Generation(prompt="Hi"), Generation(prompt="<s>Hi"), Generation(messages=HI)]
    assert [prepare(one, PLAIN, "m", marks=marks).special for one in asked] == [True, False, False]


def test_chat_without_a_template_is_refused_and_the_requests_own_wins() -> None:
    with pytest.raises(NoChatTemplate):
        prepare(Generation(messages=HI), None, "m")
    own = Generation(messages=HI, template="[{{ messages[0].content }}]")
    assert prepare(own, None, "m").prompt == "[Hi]"
    assert prepare(own, PLAIN, "m").prompt == "[Hi]"


def test_a_requests_own_template_has_the_models_marks_also_where_the_model_has_no_template() -> None:
    own = Generation(messages=HI, template="{{ bos_token }}{{ messages[0].content }}{{ eos_token }}")
    assert prepare(own, None, "m", marks={"bos": "<s>", "eos": "</s>"}).prompt == "<s>Hi</s>"


@pytest.mark.parametrize(
    ("template", "thinking", "prompt", "inside", "thinks"),
    [
        (PLAIN, Thinking(), "Hi|", False, False),
        (SWITCHED, Thinking(), "Hi|", False, False),
        (SWITCHED, Thinking(enabled=True), "Hi|<think>", True, True),
        (SWITCHED, Thinking(enabled=True, budget=0), "Hi|<think>" + closed(THINK), False, False),
        (ALWAYS, Thinking(), "Hi|<think>" + closed(THINK), False, False),
        (ALWAYS, Thinking(enabled=True, budget=9), "Hi|<think>", True, True),
    ],
)
def test_thinking_is_opened_left_or_closed(
    template: ChatTemplate, thinking: Thinking, prompt: str, inside: bool, thinks: bool
) -> None:
    prepared = prepare(Generation(messages=HI, thinking=thinking), template, "m")
    assert (prepared.prompt, prepared.shape.inside, prepared.thinks) == (prompt, inside, thinks)
    assert prepared.shape.budget == (thinking.budget if thinks else 0)


def test_reasoning_before_a_constraint_is_opened_in_the_prompt_where_the_template_leaves_it_to_the_model() -> (
    None
):
    leaves = ChatTemplate("{{ messages[0].content }}|{# <think> </think> #}")
    on = Thinking(enabled=True)
    bound = prepare(Generation(messages=HI, thinking=on, constraint=CHOICE), leaves, "m")
    assert (bound.prompt, bound.shape.inside, bound.thinks) == ("Hi|<think>", True, True)
    forced = prepare(Generation(messages=HI, thinking=on, tools=(CLOCK,), tool_choice="clock"), leaves, "m")
    assert forced.prompt.endswith("|<think>") and forced.shape.inside
    free = prepare(Generation(messages=HI, thinking=on), leaves, "m")
    assert (free.prompt, free.shape.inside, free.thinks) == ("Hi|", False, True)
    quick = prepare(
        Generation(messages=HI, thinking=Thinking(enabled=True, budget=0), constraint=CHOICE), leaves, "m"
    )
    assert (quick.prompt, quick.shape.inside, quick.thinks) == ("Hi|", False, False)


def test_thinking_without_marks_is_refused() -> None:
    with pytest.raises(Unsupported):
        prepare(Generation(messages=HI, thinking=Thinking(enabled=True)), PLAIN, "m")


def test_a_constraint_is_checked_and_carried() -> None:
    prepared = prepare(Generation(messages=HI, constraint=CHOICE), PLAIN, "m")
    assert prepared.grammar is not None and satisfies(prepared.grammar, "a")
    with pytest.raises(InvalidRequest):
        prepare(Generation(prompt="x", constraint=Constraint(kind="regex", value="(")), PLAIN, "m")


def test_tools_are_told_and_looked_for_unless_forbidden() -> None:
    auto = prepare(Generation(messages=HI, tools=(CLOCK,)), PLAIN, "m")
    assert "clock" in auto.prompt
    assert (auto.shape.tools, auto.grammar) == (TAGGED, None)
    none = prepare(Generation(messages=HI, tools=(CLOCK,), tool_choice="none"), PLAIN, "m")
    assert (none.prompt, none.shape.tools) == ("Hi|", None)


def test_a_demanded_call_is_forced_also_where_the_models_own_format_is_no_json() -> None:
    shown = ChatTemplate("{% for t in tools or [] %}{{ t.function.name }}{% endfor %}{# <arg_key> #}")
    request = Generation(messages=HI, tools=(CLOCK,), tool_choice="clock")
    prepared = prepare(request, shown, "m")
    assert prepared.shape.tools is BARE
    assert prepared.grammar is not None
    assert satisfies(prepared.grammar, '{"name": "clock", "parameters": {}}')
    free = prepare(Generation(messages=HI, tools=(CLOCK,)), shown, "m")
    assert free.shape.tools is not None and free.shape.tools.writing is Writing.OWN


@pytest.mark.parametrize("mark", ["<｜tool▁calls▁begin｜>", "<|channel|>", "<|START_ACTION|>"])
def test_where_nobody_reads_the_models_own_calls_they_must_be_demanded(mark: str) -> None:
    own = "{% for t in tools or [] %}{{ t.function.name }}{% endfor %}" + mark
    tools = Generation(messages=HI, tools=(CLOCK,))
    with pytest.raises(Unsupported) as raised:
        prepare(tools, ChatTemplate(own), "m")
    assert raised.value.details["param"] == "tools"
    for choice in ("required", "clock"):
        forced = prepare(msgspec.structs.replace(tools, tool_choice=choice), ChatTemplate(own), "m")
        assert forced.grammar is not None and forced.shape.tools is not None
    prepare(msgspec.structs.replace(tools, tool_choice="none"), ChatTemplate(own), "m")
    # a template that drops tools is told of the generic way, whatever it names
    assert prepare(tools, ChatTemplate("{{ messages[0].content }}" + mark), "m").shape.tools == TAGGED


def test_a_guess_how_calls_are_written_is_said() -> None:
    shown = "{% for t in tools or [] %}{{ t.function.name }}{% endfor %}"
    assert "guess" in calls_note(ChatTemplate(shown), None)
    assert "tool_choice" in calls_note(ChatTemplate(shown + "<|channel|>"), None)
    assert calls_note(ChatTemplate(shown + "<tool_call>"), None) == ""
    assert calls_note(PLAIN, None) == calls_note(None, None) == ""


def test_calls_of_different_requests_have_different_ids() -> None:
    seeds = {prepare(Generation(messages=HI), PLAIN, "m", request=r).shape.call_seed for r in ("1", "2")}
    assert seeds == {"1", "2"}
