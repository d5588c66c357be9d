"""Tells the format of a repo or folder from its listing and the first bytes of its files.

A name only says which file to open; what is inside decides. Nothing here opens anything: `read(path,
limit)` is handed in and gives at most the first `limit` bytes of a file, from a disk or over a network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from ingle.catalog import safetensors
from ingle.catalog.gguf import MAGIC
from ingle.catalog.model import Format
from ingle.errors import MalformedModel

MAX_CONFIG = 8 * 1024 * 1024  # bytes of a config.json or tokenizer_config.json

Read = Callable[[str, int], bytes]

_GGUF_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")
_SHARD = re.compile(r"model-(?P<number>\d{5})-of-(?P<count>\d{5})\.safetensors")
_OTHER_WEIGHTS = re.compile(r"(adapters?|adapter_model|optimizer|training_args|mtp)\b.*\.safetensors")


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """What `config.json` says that matters here; every field is None where it says nothing usable."""

    architecture: str | None = None
    context: int | None = None
    quantization: str | None = None
    group_size: int | None = None
    mlx: bool = False
    kv_bytes_per_token: int | None = None


def classify(paths: Iterable[str], read: Read) -> Format | None:
    """The format of a repo or folder with these files; None when it holds no weights Ingle can load.

    `mlx` where `config.json` has MLX's `quantization` or the weights say that MLX wrote them,
    `safetensors-sharded` where an index names several files, `gguf` where files begin with its magic.
    Safetensors come first where both lie there. Raises `MalformedModel` and what `read` raises.
    """
    known = set(paths)
    weights = safetensors_files(known)
    if weights or safetensors.INDEX in known:
        config = read_config(read("config.json", MAX_CONFIG)) if "config.json" in known else Config()
        if config.mlx or any(_says_mlx(read(path, 1 << 20)) for path in weights[:1]):
            return Format.MLX
        if safetensors.INDEX in known:
            content = read(safetensors.INDEX, safetensors.MAX_INDEX + 1)
            if len(safetensors.read_index(content, path=safetensors.INDEX)) > 1:
                return Format.SAFETENSORS_SHARDED
        return Format.SAFETENSORS if len(weights) <= 1 else Format.SAFETENSORS_SHARDED
    if any(read(path, 4) == MAGIC for path in gguf_files(known)):
        return Format.GGUF
    return None


def safetensors_files(paths: Iterable[str]) -> list[str]:
    """The weight files at the top of a listing, sorted: what MLX and transformers open.

    Mistral's `consolidated*` doubles and adapters are left out beside real weights.
    """
    top = sorted(path for path in paths if "/" not in path and path.endswith(".safetensors"))
    named = [path for path in top if path.startswith(("model", "weights"))]
    return named or [path for path in top if not _OTHER_WEIGHTS.fullmatch(path)]


def gguf_files(paths: Iterable[str]) -> list[str]:
    """The files of a listing that may be GGUF, sorted; their headers decide."""
    return sorted(path for path in paths if path.lower().endswith(".gguf"))


def gguf_parts(path: str, count: int) -> tuple[str, ...]:
    """The names of all parts of a split GGUF, from the name of any of them.

    llama.cpp finds the parts by this pattern only, so a part under another name is not there for it.
    Raises `MalformedModel` when the name does not follow the pattern or says another count.
    """
    match = _GGUF_PART.fullmatch(path)
    if match is None or int(match["count"]) != count:
        raise MalformedModel(path, f"it says that it is one of {count} parts, its name does not")
    return tuple(f"{match['stem']}-{number:05d}-of-{count:05d}.gguf" for number in range(1, count + 1))


def first_part(path: str) -> str:
    """The name of the first part of a GGUF that may be split; the name itself when it is not."""
    match = _GGUF_PART.fullmatch(path)
    return f"{match['stem']}-00001-of-{match['count']}.gguf" if match else path


def is_misnamed_part(path: str) -> bool:
    """Whether it is a part of a split GGUF whose name ends otherwise than `gguf_parts` says, as in `.GGUF`."""
    return _GGUF_PART.fullmatch(path) is None and _GGUF_PART.fullmatch(path.lower()) is not None


def is_quantisation(path: str, quant: str) -> bool:
    """Whether the name of a GGUF, or its folder's, says this quantisation; any part of a split one will do."""
    part = _GGUF_PART.fullmatch(path.lower())
    folder, _, name = (part["stem"] if part else path).upper().rpartition("/")
    stem, wanted = name.removesuffix(".GGUF"), quant.upper()
    return stem == wanted or stem.endswith((f"-{wanted}", f".{wanted}", f"_{wanted}")) or folder == wanted


def missing_shards(weights: Iterable[str]) -> tuple[str, ...]:
    """The shards that the names of the others announce, for a folder whose index is not there."""
    known = set(weights)
    counts = {int(match["count"]) for path in known if (match := _SHARD.fullmatch(path))}
    wanted = {
        f"model-{number:05d}-of-{count:05d}.safetensors"
        for count in counts
        for number in range(1, min(count, 10_000) + 1)
    }
    return tuple(sorted(wanted - known))


def parse_json(content: bytes) -> Any:
    """JSON as the loaders' own reader takes it, which is Python's: configurations in use hold `Infinity` and `NaN`.

    Raises `ValueError` kinds and `RecursionError`.
    """
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError:
        return json.loads(content.decode("utf-8"))


def read_config(content: bytes) -> Config:
    """What a `config.json` says. Raises `MalformedModel` when it is no JSON object."""
    if len(content) >= MAX_CONFIG:
        raise MalformedModel("config.json", f"it is longer than {MAX_CONFIG} bytes")
    try:
        found = parse_json(content)
    except (ValueError, RecursionError) as exc:
        raise MalformedModel("config.json", f"it is no JSON ({exc})") from exc
    if not isinstance(found, dict):
        raise MalformedModel("config.json", "it is no JSON object")
    inner = found.get("text_config")
    text = {**found, **inner} if isinstance(inner, dict) else found
    given = found.get("quantization")
    quantization: dict[str, Any] = given if isinstance(given, dict) else {}
    mlx = _number(quantization, "bits") is not None
    return Config(
        architecture=_text(found, "model_type"),
        context=_number(text, "max_position_embeddings"),
        quantization=_quantization(found, quantization if mlx else None),
        group_size=_number(quantization, "group_size"),
        mlx=mlx,
        kv_bytes_per_token=_kv_bytes_per_token(text),
    )


def _quantization(config: Mapping[str, Any], mlx: Any) -> str | None:
    if mlx is not None:
        mode = _text(mlx, "mode")
        return f"{mlx['bits']}-bit" + (f" {mode}" if mode and mode != "affine" else "")
    other = config.get("quantization_config")
    if isinstance(other, dict) and _text(other, "quant_method"):
        bits = _number(other, "bits")
        return f"{other['quant_method']}" + (f" {bits}-bit" if bits else "")
    return _text(config, "torch_dtype") or _text(config, "dtype")


def _kv_bytes_per_token(config: Mapping[str, Any]) -> int | None:
    layers, heads = _number(config, "num_hidden_layers"), _number(config, "num_attention_heads")
    width = _number(config, "hidden_size")
    if not layers or not heads or not width:
        return None
    kv_heads = _number(config, "num_key_value_heads") or heads
    return 2 * layers * kv_heads * (_number(config, "head_dim") or width // heads) * 2


def _says_mlx(head: bytes) -> bool:
    length = int.from_bytes(head[:8], "little")
    # Writers put the notes first or last; a header longer than what was read is judged by config.json alone.
    if len(head) < 8 + length:
        return b'"format":"mlx"' in head
    try:
        found: Any = msgspec.json.decode(head[8 : 8 + length])
        return isinstance(found, dict) and found.get("__metadata__", {}).get("format") == "mlx"
    except (msgspec.DecodeError, AttributeError, RecursionError, UnicodeDecodeError):
        return False


def _text(config: Mapping[str, Any], key: str) -> str | None:
    found = config.get(key)
    return found if isinstance(found, str) and found else None


def _number(config: Mapping[str, Any], key: str) -> int | None:
    found = config.get(key)
    usable = isinstance(found, int) and not isinstance(found, bool) and 0 < found < 1 << 48
    return found if usable else None
