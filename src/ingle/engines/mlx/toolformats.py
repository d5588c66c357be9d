"""Finds how a model writes its calls among the parsers that mlx-lm has, one for each family."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from functools import cached_property
from typing import Any

from ingle.engines.tools import CallParser, ToolFormat, tool_schema
from ingle.generation import Generation

_OURS = ("json_tools", None)
"""Plain JSON between tags: `engines/tools.py` knows it, and can force it by schema."""


class ToolFormats:
    """The family of one model, told by its template or vocabulary (mlx-lm's own rules).

    `vocabulary` is asked for once, at the first request with tools: it takes a while to copy.
    """

    def __init__(self, template: str | None, vocabulary: Callable[[], dict[str, int]]) -> None:
        self._facts = _Facts(template, vocabulary)

    @cached_property
    def _family(self) -> str | None:
        from mlx_lm.tokenizer_utils import _infer_tool_parser

        found: str | None = _infer_tool_parser(self._facts)
        return found

    def of(self, generation: Generation) -> ToolFormat | None:
        """The format for one request; None leaves it to the shared ones.

        A demanded call is always JSON: only that can be forced by a grammar.
        """
        if not generation.tools or generation.tool_choice != "auto" or self._family in _OURS:
            return None
        module = importlib.import_module(f"mlx_lm.tool_parsers.{self._family}")
        tools = [tool_schema(tool) for tool in generation.tools]
        return ToolFormat(
            start=module.tool_call_start,
            end=module.tool_call_end,
            parse=_parser(module.parse_tool_call, tools),
            arguments=None,
        )


class _Facts:
    """The two things about a tokenizer that mlx-lm's rules look at."""

    def __init__(self, template: str | None, vocabulary: Callable[[], dict[str, int]]) -> None:
        self.chat_template = template
        self.get_vocab = vocabulary


def _parser(parse: Any, tools: list[dict[str, Any]]) -> CallParser:
    def calls(text: str) -> list[tuple[str, str]]:
        try:
            found = parse(text, tools)
        except Exception as exc:  # each parser fails in its own way on text that is no call
            raise ValueError(f"no call: {exc}") from exc
        many = found if isinstance(found, list) else [found]
        made = [(str(call["name"]), _json(call.get("arguments", {}))) for call in many]
        if not made:
            raise ValueError("no call")
        return made

    return calls


def _json(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
