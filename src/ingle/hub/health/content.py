"""Tells whether a file's content is what its name promises: JSON that parses, headers that hold."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ingle.catalog.facts import GgufFacts, read_facts
from ingle.catalog.formats import parse_json, read_config
from ingle.errors import MalformedModel

MAX_JSON = 256 * 1024 * 1024  # bytes; the largest tokenizer.json seen is 35 MB
_WEIGHTS = (".gguf", ".safetensors")
_TEXTS = (".jinja", ".tiktoken")
_LOADED = ("config.json", ".index.json", ".jsonl", *_TEXTS)
_TOKENS = ("added_tokens.json", "special_tokens_map.json", "vocab.json")


def complaint(path: Path, name: str) -> str | None:
    """Why the file at `path` cannot be what `name` (its path in the repo) says; None when it can.

    Looks into what a loader opens: the headers of weights and, at the top of the repo, configs and tokenizers
    (which are objects), indexes, `*.jsonl` and templates. Other files may hold what they like. Raises `OSError`.
    """
    lower = name.lower()
    try:
        if lower.endswith(_WEIGHTS):
            return _weights(path, name)
        if not _is_loaded(lower):
            return None
        if lower.endswith(".json"):
            return _json(path, lower)
        if lower.endswith(".jsonl"):
            return _lines(path)
        if lower.endswith(_TEXTS):
            path.read_bytes().decode("utf-8")
        if lower.endswith("tokenizer.model") and path.stat().st_size == 0:
            return "it is empty"
    except MalformedModel as exc:
        return str(exc.details.get("why", exc.message))
    except UnicodeDecodeError as exc:
        return f"it is no UTF-8 text ({exc.reason} at byte {exc.start})"
    except (ValueError, RecursionError) as exc:
        return f"it does not parse: {exc}"
    return None


def refuse_unsound(path: Path, name: str) -> None:
    """Returns when the file at `path`, whose bytes are the listed ones, may be shown under `name`.

    A file that no loader could open makes a broken model, however right its digest is. Raises
    `MalformedModel`, `OSError`.
    """
    why = complaint(path, name)
    if why is not None:
        raise published_so(MalformedModel(name, why))


def _is_loaded(name: str) -> bool:
    return "/" not in name and (name.startswith("tokenizer") or name.endswith(_LOADED) or name in _TOKENS)


def published_so(error: MalformedModel) -> MalformedModel:
    """The error of a file that came so from the hub: no repair helps."""
    error.hint = "It came so from the hub: its publisher has to mend it, or another revision is right."
    return error


def _weights(path: Path, name: str) -> str | None:
    size = path.stat().st_size
    with path.open("rb", buffering=0) as file:
        facts = read_facts(file, path=name, size=size)
    if size < facts.needed or (size > facts.needed and not isinstance(facts, GgufFacts)):
        return f"it has {size} bytes and its header promises {facts.needed}"
    return None


def _json(path: Path, name: str) -> str | None:
    if path.stat().st_size > MAX_JSON:
        return f"it is longer than {MAX_JSON} bytes"
    content = path.read_bytes()
    if name == "config.json":
        read_config(content)
        return None
    base = name.rpartition("/")[2]
    # What reads this one is no Python: it takes the letter of the standard and no `NaN`.
    found = msgspec.json.decode(content) if base == "tokenizer.json" else parse_json(content)
    if base.startswith("tokenizer") and not isinstance(found, dict):
        return "it is no JSON object"
    return None


def _lines(path: Path) -> str | None:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    parse_json(line)
                except (ValueError, RecursionError) as exc:
                    return f"line {number} does not parse: {exc}"
    return None
