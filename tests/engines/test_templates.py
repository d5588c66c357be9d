"""Chat templates render in a sandbox; what they refuse or lack is a typed error."""

from __future__ import annotations

import json

import pytest

from ingle.engines.templates import ChatTemplate, chat_template
from ingle.errors import InvalidRequest, NoChatTemplate
from ingle.generation import Message, Role, Tool, ToolCall

PLAIN = (
    "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}{% if enable_thinking %}<think>{% endif %}"
)
TOOLED = "{% for t in tools or [] %}{{ t | tojson }}{% endfor %}" + PLAIN
USER = Message(role=Role.USER, content="Hé <b>")
CLOCK = Tool(name="clock", description="Tells the <time>")


def test_the_conversation_is_rendered_with_its_marks() -> None:
    template = ChatTemplate(PLAIN, bos="<s>")
    assert template.render((USER,)) == "<s><user>Hé <b><assistant>"
    assert template.render((USER,), thinking=True).endswith("<assistant><think>")
    assert template.render((USER,), opening=False) == "<s><user>Hé <b>"


def test_a_template_that_shows_tools_gets_them_and_one_that_drops_them_gets_the_generic_prompt() -> None:
    tooled, plain = ChatTemplate(TOOLED), ChatTemplate(PLAIN)
    assert (tooled.shows_tools, plain.shows_tools) == (True, False)
    shown = tooled.render((USER,), (CLOCK,))
    assert json.loads(shown[: shown.index("<user>")])["function"]["name"] == "clock"
    assert "Tells the <time>" in shown
    generic = plain.render((USER,), (CLOCK,))
    assert "clock" in generic and "<tool_call>" in generic


def test_arguments_of_earlier_calls_are_values_for_the_template() -> None:
    text = "{% for m in messages %}{% for c in m.tool_calls or [] %}{{ c.function.arguments.a }}{% endfor %}{% endfor %}"
    call = Message(
        role=Role.ASSISTANT, content="", tool_calls=(ToolCall(id="1", name="f", arguments='{"a": 7}'),)
    )
    assert ChatTemplate(text).render((call,)) == "7"


@pytest.mark.parametrize(
    "text",
    [
        "{% if %}",
        "{{ raise_exception('Roles must alternate') }}",
        "{{ messages[9].content.x.y }}",
        "{{ 1 / 0 }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{{ 'x' * 1000 }}{% endfor %}{% endfor %}",
    ],
)
def test_a_template_that_fails_or_reaches_out_is_a_typed_error(text: str) -> None:
    with pytest.raises(InvalidRequest):
        ChatTemplate(text).render((USER,))


def test_the_words_of_a_refusing_template_are_told() -> None:
    with pytest.raises(InvalidRequest, match="Roles must alternate"):
        ChatTemplate("{{ raise_exception('Roles must alternate') }}").render((USER,))


def test_no_template_is_never_guessed() -> None:
    with pytest.raises(NoChatTemplate, match="gemma"):
        chat_template(None, "gemma")


def test_training_marks_and_loop_controls_are_understood() -> None:
    text = "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% break %}{% endfor %}"
    assert ChatTemplate(text).render((USER, USER)) == USER.content


def test_reasoning_is_known_from_the_text() -> None:
    assert ChatTemplate(PLAIN).knows_thinking
    assert not ChatTemplate("{{ messages[0].content }}").knows_thinking
