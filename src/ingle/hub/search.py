"""Asks hubs for models by words, and reads what they answer; the answer is untrusted."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import msgspec

from ingle.catalog.model import Format
from ingle.catalog.names import is_repo_id
from ingle.errors import HubLied
from ingle.hub.fields import MAX_SIZE

_TAGS = {Format.MLX: "mlx", Format.GGUF: "gguf", Format.SAFETENSORS: "safetensors"}
_EXPAND = ("downloads", "likes", "gated", "tags", "safetensors", "gguf", "usedStorage", "lastModified")
_BITS = {"F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16}
"""Bits a number takes in a safetensors file, by its type there; all others take 8."""
_USUAL_BITS = 4.9
"""Bits a parameter takes in Q4_K_M: 4.58 GiB of 8.03e9 parameters, as llama.cpp's `quantize` lists it."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One repo of a search. `size` in bytes: of the weights where the hub says that, of a GGUF repo about what a pull
    takes by default (it never takes all), else of all it stores."""

    repo_id: str
    downloads: int = 0
    likes: int = 0
    gated: bool = False
    size: int | None = None
    parameters: int | None = None
    formats: tuple[Format, ...] = ()
    licence: str | None = None


class _Weights(msgspec.Struct):
    parameters: dict[str, int] = {}
    total: int | None = None


class _Gguf(msgspec.Struct):
    total: int | None = None


class _Item(msgspec.Struct, rename={"used_storage": "usedStorage"}):
    id: str
    downloads: int = 0
    likes: int = 0
    gated: bool | str | None = False
    tags: list[str] = []
    safetensors: _Weights | None = None
    gguf: _Gguf | None = None
    used_storage: int | None = None


def search_query(words: str, format: Format | None, limit: int) -> str:
    """The query of `/api/models`."""
    pairs = [("search", words), ("sort", "downloads"), ("limit", str(limit))]
    if format is not None:
        pairs.append(("filter", _TAGS.get(format, "safetensors")))
    return urlencode([*pairs, *(("expand", name) for name in _EXPAND)])


def parse_found(body: bytes, limit: int) -> list[Found]:
    """At most `limit` repos. Rows that cannot be are left out; raises `HubLied` when it is no list at all."""
    try:
        rows = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise HubLied(
            "What the hub found cannot be read.",
            hint="A network that wants you to sign in, or a mirror, may stand in between.",
            kind="json",
        ) from exc
    found: list[Found] = []
    for row in rows:
        item = _item(row)
        if item is not None:
            found.append(item)
        if len(found) == limit:
            break
    return found


def _item(row: msgspec.Raw) -> Found | None:
    try:
        item = msgspec.json.decode(row, type=_Item)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not is_repo_id(item.id) or "/" not in item.id:  # a bare name is an alias to whoever types it
        return None
    tags = {tag.lower() for tag in item.tags}
    licence = next(
        (tag[8:] for tag in item.tags if re.fullmatch(r"license:[\w.+-]{1,60}", tag, re.ASCII)), None
    )
    return Found(
        repo_id=item.id,
        downloads=_sane(item.downloads) or 0,
        likes=_sane(item.likes) or 0,
        gated=bool(item.gated),
        size=_weights(item) or _usual_quantisation(item) or _sane(item.used_storage),
        parameters=_sane(
            item.gguf.total if item.gguf else item.safetensors.total if item.safetensors else None
        ),
        formats=tuple(kind for kind, tag in _TAGS.items() if tag in tags),
        licence=licence,
    )


def _weights(item: _Item) -> int | None:
    counts = item.safetensors.parameters if item.safetensors else {}
    total = sum(count * _BITS.get(kind, 8) // 8 for kind, count in counts.items() if count > 0)
    return _sane(total) or None


def _usual_quantisation(item: _Item) -> int | None:
    """Bytes of the Q4_K_M of a model with so many parameters, which is what a pull prefers."""
    return _sane(int(item.gguf.total * _USUAL_BITS / 8)) if item.gguf and item.gguf.total else None


def _sane(number: int | None) -> int | None:
    return number if number is not None and 0 <= number <= MAX_SIZE else None
