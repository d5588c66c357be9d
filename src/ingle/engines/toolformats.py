"""Tells how a model writes its calls, by what its chat template and its vocabulary name; the same for every engine. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

import msgspec

from ingle.engines.flatcalls import GLM, QWEN_CODER, FlatMarks
from ingle.engines.toolparsers import CallParser, family_parser, parse_json_calls
from ingle.generation import Tool

TokenOf = Callable[[str], int | None]
"""The id of a text that is one token of the model, None when it is several."""


class Writing(Enum):
    """How the text of a call is put together, which decides what can be streamed and what be forced."""

    JSON = "a JSON object with name and arguments, or a list of them"
    HEADED = "the name, a mark, then the arguments as JSON"
    OWN = "the family's own way, read whole when it has ended"


class ToolFormat(msgspec.Struct, frozen=True, kw_only=True):
    """How a model writes calls: between `start` and `end`.

    An empty `end` means: where the calls themselves end. `at_start`: only at the very start of the answer
    counts. `keeps_start`: `start` is itself part of the call (a brace). `arguments` is the key that holds
    them in JSON calls. `many`: the calls stand in a JSON list. `head` stands between name and arguments of
    headed calls. `marks` are further marks inside a call, `flat` how its arguments stand one by one where a
    grammar can write that. `known` is False when neither template nor
    vocabulary tells, and the most common format is only a guess; `read` is False when it is known that nothing here reads
    the model's own way.
    """

    start: str
    end: str
    parse: CallParser = parse_json_calls
    writing: Writing = Writing.JSON
    at_start: bool = False
    keeps_start: bool = False
    arguments: str = "arguments"
    many: bool = False
    head: str = ""
    marks: tuple[str, ...] = ()
    flat: FlatMarks | None = None
    known: bool = True
    read: bool = True

    @property
    def visible(self) -> tuple[str, ...]:
        """Marks that must come out of an engine as text, also where they are control tokens."""
        return tuple(mark for mark in (self.start, self.end, self.head, *self.marks) if mark)


TAGGED = ToolFormat(start="<tool_call>", end="</tool_call>")
"""Hermes, Qwen, SmolLM3 and the generic prompt."""
LISTED = ToolFormat(start="[TOOL_CALLS]", end="", many=True)
"""Mistral until 2024."""
HEADED = ToolFormat(start="[TOOL_CALLS]", end="", writing=Writing.HEADED, head="[ARGS]", marks=("[CALL_ID]",))
"""Mistral since: each call behind a mark of its own."""
BARE = ToolFormat(start="{", end="", at_start=True, keeps_start=True, arguments="parameters")
"""Llama 3: the whole answer is one JSON object."""


class Family(msgspec.Struct, frozen=True):
    """A family of models that writes calls in its own way. `names`: a template that has all of one of
    these sets of marks teaches it; `name` is also the one of mlx-lm's parser."""

    name: str
    start: str
    end: str
    names: tuple[tuple[str, ...], ...]
    marks: tuple[str, ...] = ()
    flat: FlatMarks | None = None


FAMILIES: tuple[Family, ...] = (
    Family("minimax_m2", "<minimax:tool_call>", "</minimax:tool_call>", (("<minimax:tool_call>",),)),
    Family("gemma4", "<|tool_call>", "<tool_call|>", (("<|tool_call>", "<tool_call|>"),), ('<|"|>',)),
    Family(
        "function_gemma",
        "<start_function_call>",
        "<end_function_call>",
        (("<start_function_call>",),),
        ("<escape>",),
    ),
    Family("longcat", "<longcat_tool_call>", "</longcat_tool_call>", (("<longcat_tool_call>",),)),
    Family("glm47", "<tool_call>", "</tool_call>", (("<arg_key>",),), flat=GLM),
    Family(
        "pythonic",
        "<|tool_call_start|>",
        "<|tool_call_end|>",
        (("<|tool_list_start|>",), ("<|tool_call_start|>",)),
    ),
    Family(
        "qwen3_coder",
        "<tool_call>",
        "</tool_call>",
        (("<tool_call>\\n<function=",), ("<tool_call>\n<function=",)),
        flat=QWEN_CODER,
    ),
    Family(
        "kimi_k2",
        "<|tool_calls_section_begin|>",
        "<|tool_calls_section_end|>",
        (("<|tool_calls_section_begin|>",),),
        ("<|tool_call_begin|>", "<|tool_call_argument_begin|>", "<|tool_call_end|>"),
    ),
    Family("minicpm5", "<function name=", "</function>", (('<function name="', '<param name="'),)),
    Family("muse_spark", "<atem:function_calls>", "</atem:function_calls>", (("<atem:function_calls>",),)),
)
"""In the order in which mlx-lm's own rules ask, so that both engines and mlx-lm agree."""

_UNREAD = ("<｜tool▁calls▁begin｜>", "<｜DSML｜", "<|channel|>", "<|START_ACTION|>")
"""Marks of DeepSeek, gpt-oss and Command R, whose calls neither mlx-lm's parsers nor ours read."""

_XTML = Family(
    "kimi_k3", "<|open|>tools<|sep|>", "<|close|>tools<|sep|>", (), ("<|open|>", "<|close|>", "<|sep|>")
)
_XTML_TOKENS = ("<|open|>", "<|close|>", "<|sep|>", "<|end_of_msg|>")
_PYTHONIC = next(family for family in FAMILIES if family.name == "pythonic")


def tool_format(template: str, tools: Sequence[Tool] = (), token_of: TokenOf | None = None) -> ToolFormat:
    """The format that a chat template which shows tools teaches its model.

    `token_of` is asked where the template is silent: some vocabularies have marks that no template names.
    Raises `Unsupported` when the family's parser is not installed.
    """
    found = way_of(template, token_of)
    return _of(found, tools) if isinstance(found, Family) else found


def way_of(template: str, token_of: TokenOf | None = None) -> Family | ToolFormat:
    """The same, before any parser is imported."""
    for family in FAMILIES:
        if any(all(mark in template for mark in marks) for marks in family.names):
            return family
    if "[TOOL_CALLS]" in template:
        return HEADED if "[ARGS]" in template else LISTED
    if "<tool_call>" in template:
        return TAGGED
    if '"parameters"' in template and "python_tag" in template:
        return BARE
    if token_of is not None:
        if all(token_of(token) is not None for token in _XTML_TOKENS):
            return _XTML
        if token_of(_PYTHONIC.start) is not None and token_of(_PYTHONIC.end) is not None:
            return _PYTHONIC
    read = not any(mark in template for mark in _UNREAD)
    return msgspec.structs.replace(TAGGED, known=False, read=read)


def visible_marks() -> frozenset[str]:
    """Every mark of every format: what an engine must never hide, control token or not."""
    formats = (TAGGED, LISTED, HEADED)
    own = ((family.start, family.end, *family.marks) for family in (*FAMILIES, _XTML))
    return frozenset(mark for marks in (*(one.visible for one in formats), *own) for mark in marks)


def _of(family: Family, tools: Sequence[Tool]) -> ToolFormat:
    return ToolFormat(
        start=family.start,
        end=family.end,
        parse=family_parser(family.name, tools),
        writing=Writing.OWN,
        marks=family.marks,
        flat=family.flat,
    )
