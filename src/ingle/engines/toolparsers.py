"""Reads calls that stand whole in a text: JSON here, the families' own ways with mlx-lm's parsers, without MLX.

mlx-lm's parsers are plain Python, but their package pulls in MLX when it is imported by name; llama.cpp's
worker holds one engine only. So the folder of parsers is opened as a package of its own.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ingle.engines.tools import tool_schema
from ingle.errors import Unsupported
from ingle.generation import Tool

CallParser = Callable[[str], list[tuple[str, str]]]
"""The text between the marks -> (name, arguments as JSON text) of each call; raises `ValueError`."""

_PACKAGE = "ingle_tool_parsers"
"""The name under which the folder `mlx_lm/tool_parsers` is imported."""

_NAME = re.compile(r"[\w.:/-]{1,256}")


def parse_json_calls(text: str) -> list[tuple[str, str]]:
    """Calls written as JSON: an object or a list of them, with `arguments` or `parameters`."""
    found = json.loads(text)
    calls = found if isinstance(found, list) else [found]
    parsed = []
    for call in calls:
        inner = call.get("function", call) if isinstance(call, dict) else None
        if isinstance(inner, str) or not isinstance(inner, dict):
            inner = call
        if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
            raise ValueError("a call has no name")
        arguments = inner.get("arguments", inner.get("parameters", {}))
        parsed.append((inner["name"], _json(arguments)))
    if not parsed:
        raise ValueError("an empty list of calls")
    return parsed


def family_parser(family: str, tools: Sequence[Tool]) -> CallParser:
    """mlx-lm's parser of `family`, which reads values by the types that `tools` declare.

    Raises `Unsupported` where mlx-lm is not installed or does not have it.
    """
    try:
        parse = _module(family).parse_tool_call
    except (ImportError, AttributeError) as exc:
        raise Unsupported(
            f"This model writes calls in the way of {family}, which the installed mlx-lm cannot read.",
            hint="Update mlx-lm, or ask without tools.",
            param="tools",
        ) from exc
    told = [tool_schema(tool) for tool in tools]

    def calls(text: str) -> list[tuple[str, str]]:
        try:
            found = parse(text, told)
        except Exception as exc:  # each parser fails in its own way on text that is no call
            raise ValueError(f"no call: {exc}") from exc
        many = found if isinstance(found, list) else [found]
        made = [(str(call["name"]), _json(call.get("arguments", {}))) for call in many]
        if not made or not all(_NAME.fullmatch(name) for name, _ in made):
            raise ValueError("no call")  # the parsers take any text for a name
        return made

    return calls


def _module(family: str) -> Any:
    if _PACKAGE not in sys.modules:
        found = importlib.util.find_spec("mlx_lm")  # a top package is found without being imported
        if found is None or not found.submodule_search_locations:
            raise ImportError("mlx_lm")
        folder = Path(found.submodule_search_locations[0]) / "tool_parsers"
        spec = importlib.util.spec_from_file_location(
            _PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise ImportError("mlx_lm.tool_parsers")
        package = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(package)
        sys.modules[_PACKAGE] = package
    return importlib.import_module(f"{_PACKAGE}.{family}")


def _json(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
