"""Finds the models in one folder of files and says of each what it is and what it lacks.

Works on a `Shelf`, which is handed in: a snapshot of the hub cache, a plain folder, a test's dict. Only
what is needed is read: `config.json`, an index, the headers of weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from ingle.catalog import formats, safetensors
from ingle.catalog.facts import GgufFacts, SafetensorsFacts, Shelf
from ingle.catalog.model import Format
from ingle.errors import MalformedModel

NEEDED = (".json", ".jsonl", ".model", ".jinja", ".tiktoken", ".txt", ".safetensors")
"""Endings of what loaders open beside GGUF (mlx-lm's and transformers' own patterns)."""

_TOKENIZER = re.compile(
    r"tokenizer\.json|tekken\.json|vocab\.json|[^/]*vocab[^/]*\.txt|[^/]+\.model|.+\.tiktoken"
)
"""Files that hold a vocabulary, by the names that the tokenizers of transformers and mistral-common look for."""

_OTHER_FRAMEWORKS = (
    ".bin",
    ".pt",
    ".pth",
    ".h5",
    ".msgpack",
    ".onnx",
    ".ckpt",
    ".tflite",
    ".npz",
    ".mlmodel",
)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One model of a folder. `path` is what an engine opens (empty: the folder itself); sizes in bytes.

    `missing` names files that are not there or cannot be whole, with the reason in brackets; the model
    is complete exactly when it is empty.
    """

    format: Format
    path: str
    files: tuple[str, ...]
    size: int
    missing: tuple[str, ...] = ()
    architecture: str | None = None
    parameters: int | None = None
    quantization: str | None = None
    context: int | None = None
    kv_bytes_per_token: int | None = None


def inspect(shelf: Shelf, sizes: Mapping[str, int] | None = None) -> list[Found]:
    """Every model of a folder: at most one of safetensors files, and one for each GGUF that runs alone.

    `sizes` are what a listing promised, where one is known: a file of another size is not whole.
    """
    present = shelf.sizes()
    promised = sizes or {}
    names = set(present) | shelf.dangling()
    folder = _folder_model(shelf, present, promised)
    found = [folder] if folder is not None else []
    heads = sorted({formats.first_part(path) for path in formats.gguf_files(names)})
    for head in heads:
        model = _gguf_model(shelf, head, present, promised)
        if model is not None:
            found.append(model)
    return found


def _folder_model(shelf: Shelf, present: Mapping[str, int], promised: Mapping[str, int]) -> Found | None:
    weights = formats.safetensors_files(present)
    indexed = safetensors.INDEX in present
    names = set(present) | shelf.dangling()
    if not weights and not indexed and not _awaits_weights(names):
        return None
    config, lacks = _config(shelf, present)
    if not weights and not indexed and not config.mlx and config.architecture is None:
        return None
    wanted, index_lacks = _wanted_weights(shelf, weights, indexed)
    facts, damage = _weight_facts(shelf, [path for path in wanted if path in present], present)
    lacks += index_lacks + [path for path in wanted if path not in present] + damage
    if not has_tokenizer(names):
        if (promised and not has_tokenizer(promised)) or "preprocessor_config.json" in names:
            return None  # its repo has none: a model for pictures or sounds, not one that writes
        lacks.append("tokenizer.json")
    files = tuple(sorted(path for path in present if not path.lower().endswith(".gguf")))
    lacks += [path for path in shelf.dangling() if path.endswith(NEEDED)]
    lacks += _short(files, present, promised)
    whole = len(facts) == len(wanted) > 0
    mlx = config.mlx or any(fact.mlx for fact in facts)
    sharded = Format.SAFETENSORS_SHARDED if len(wanted) > 1 else Format.SAFETENSORS
    return Found(
        format=Format.MLX if mlx else sharded,
        path="",
        files=files,
        size=sum(present[path] for path in files),
        missing=_tidy(lacks),
        architecture=config.architecture,
        parameters=sum(fact.parameters(config.group_size) for fact in facts) if whole else None,
        quantization=config.quantization,
        context=config.context,
        kv_bytes_per_token=config.kv_bytes_per_token,
    )


def _awaits_weights(names: set[str]) -> bool:
    """Whether this is a model's folder whose safetensors have not come yet, not some other kind of repo."""
    others = any(name.lower().endswith((".gguf", *_OTHER_FRAMEWORKS)) for name in names)
    return "config.json" in names and not others


def has_tokenizer(names: Iterable[str]) -> bool:
    """Whether any of these paths is a tokenizer that a loader opens."""
    return any(_TOKENIZER.fullmatch(name) for name in names)


def _config(shelf: Shelf, present: Mapping[str, int]) -> tuple[formats.Config, list[str]]:
    if "config.json" not in present:
        return formats.Config(), ["config.json"]
    try:
        return formats.read_config(shelf.read("config.json", formats.MAX_CONFIG)), []
    except MalformedModel as exc:
        return formats.Config(), [_damaged("config.json", exc)]
    except OSError as exc:
        return formats.Config(), [_unreadable("config.json", exc)]


def _wanted_weights(shelf: Shelf, weights: list[str], indexed: bool) -> tuple[list[str], list[str]]:
    """The weight files the model consists of, and what is wrong with the index."""
    if not indexed:
        shards = list(formats.missing_shards(weights))
        wanted = sorted({*weights, *shards}) or ["model.safetensors"]
        return wanted, [safetensors.INDEX] if shards else []
    try:
        content = shelf.read(safetensors.INDEX, safetensors.MAX_INDEX + 1)
        return list(safetensors.read_index(content, path=safetensors.INDEX)), []
    except MalformedModel as exc:
        return weights, [_damaged(safetensors.INDEX, exc)]
    except OSError as exc:
        return weights, [_unreadable(safetensors.INDEX, exc)]


def _weight_facts(
    shelf: Shelf, paths: list[str], present: Mapping[str, int]
) -> tuple[list[SafetensorsFacts], list[str]]:
    good, damage = [], []
    for path in paths:
        try:
            facts = shelf.facts(path)
        except MalformedModel as exc:
            damage.append(_damaged(path, exc))
            continue
        except OSError as exc:
            damage.append(_unreadable(path, exc))
            continue
        if not isinstance(facts, SafetensorsFacts):
            damage.append(f"{path} (damaged: it is no safetensors file)")
        elif present[path] != facts.needed:
            damage.append(f"{path} ({present[path]} of {facts.needed} bytes)")
        else:
            good.append(facts)
    return good, damage


def _gguf_model(
    shelf: Shelf, head: str, present: Mapping[str, int], promised: Mapping[str, int]
) -> Found | None:
    """The model that begins with the file `head`; None for a file that cannot run alone."""
    lacks: list[str] = []
    first = _gguf_facts(shelf, head, lacks) if head in present else None
    if first is not None and first.kind != "model":
        return None
    parts: tuple[str, ...] = (head,)
    known = first or _any_part(shelf, head, present)
    if known is not None and known.split is not None:
        try:
            parts = formats.gguf_parts(head, known.split[1])
        except MalformedModel as exc:
            lacks.append(_damaged(head, exc))
    parameters, whole = 0, True
    for number, part in enumerate(parts):
        facts = first if part == head else _gguf_facts(shelf, part, lacks) if part in present else None
        if part not in present:
            lacks.append(part)
        elif facts is not None and present[part] < facts.needed:
            lacks.append(f"{part} ({present[part]} of {facts.needed} bytes)")
        elif facts is not None and len(parts) > 1 and facts.split != (number, len(parts)):
            lacks.append(f"{part} (damaged: it says that it is another part)")
        whole = whole and facts is not None
        parameters += facts.parameters if facts is not None else 0
    files = tuple(part for part in parts if part in present)
    lacks += _short(files, present, promised)
    return Found(
        format=Format.GGUF,
        path=parts[0],
        files=files,
        size=sum(present[path] for path in files),
        missing=_tidy(lacks),
        architecture=known.architecture if known else None,
        parameters=parameters if whole else None,
        quantization=known.quantization if known else None,
        context=known.context if known else None,
        kv_bytes_per_token=known.kv_bytes_per_token if known else None,
    )


def _gguf_facts(shelf: Shelf, path: str, lacks: list[str]) -> GgufFacts | None:
    try:
        facts = shelf.facts(path)
    except MalformedModel as exc:
        lacks.append(_damaged(path, exc))
        return None
    except OSError as exc:
        lacks.append(_unreadable(path, exc))
        return None
    if not isinstance(facts, GgufFacts):
        lacks.append(f"{path} (damaged: it is no GGUF file)")
        return None
    return facts


def _any_part(shelf: Shelf, head: str, present: Mapping[str, int]) -> GgufFacts | None:
    """The facts of a later part, where the first is not there: they still tell how many there are."""
    for path in sorted(present):
        if path != head and formats.first_part(path) == head:
            found = _gguf_facts(shelf, path, [])
            if found is not None:
                return found
    return None


def _short(paths: Iterable[str], present: Mapping[str, int], promised: Mapping[str, int]) -> list[str]:
    return [
        f"{path} ({present[path]} of {promised[path]} bytes)"
        for path in paths
        if path in promised and present[path] != promised[path]
    ]


def _tidy(lacks: Iterable[str]) -> tuple[str, ...]:
    """One line for each file, the first reason wins."""
    found: dict[str, str] = {}
    for line in lacks:
        found.setdefault(line.partition(" (")[0], line)
    return tuple(sorted(found.values()))


def _damaged(path: str, error: MalformedModel) -> str:
    return f"{path} (damaged: {error.details.get('why', error.message)})"


def _unreadable(path: str, error: OSError) -> str:
    return f"{path} (cannot be read: {error.strerror or error})"
