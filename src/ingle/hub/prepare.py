"""Asks the hub and the disk what a plan needs to know: the format from headers, what is here already."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

import psutil

from ingle.catalog.fits import Memory
from ingle.catalog.formats import classify, gguf_files, safetensors_files
from ingle.catalog.gguf import MAGIC
from ingle.catalog.inspect import has_tokenizer
from ingle.catalog.listing import ListedFile, Listing
from ingle.catalog.model import Format, ModelRef
from ingle.catalog.safetensors import INDEX, MAX_INDEX, read_index
from ingle.errors import MalformedModel, Unsupported
from ingle.hub.fetch import blob_sizes, held_bytes
from ingle.hub.health.content import published_so
from ingle.hub.journal import read_journal
from ingle.hub.layout import RepoPlace
from ingle.hub.pieces import PIECE
from ingle.hub.plan import PullPlan, plan_pull, refuse_unloadable
from ingle.hub.ranges import Ranges
from ingle.hub.verify import checked_bytes, recorded_beginning

_BLOCK = 512  # bytes; the unit of st_blocks (stat(2)), whatever the file system's own


def machine_memory() -> Memory:
    """What this machine has now."""
    found = psutil.virtual_memory()
    return Memory(total=found.total, available=found.available)


def prepare(ref: ModelRef, listing: Listing, ranges: Ranges, place: RepoPlace) -> PullPlan:
    """The plan for a listing. Reads heads of a few files, over the network what is not here, never one of each.

    What lies in `blobs/` with the right size counts as held; whether it is right is checked later.
    Raises what `Ranges.open`, `classify` and `plan_pull` raise.
    """
    by_path = {file.path: file for file in listing.files}

    def read(path: str, limit: int) -> bytes:
        file = by_path[path]
        here = _checked_head(place, file, limit)
        whole = len(here) >= min(limit, file.size)
        return here if whole else ranges.head(file, limit, here)

    indexed: tuple[str, ...] = ()
    try:
        kind = _format(ref, listing, by_path, read)
        if kind is not Format.GGUF and INDEX in by_path:
            indexed = tuple(read_index(read(INDEX, MAX_INDEX + 1), path=INDEX))
    except MalformedModel as exc:
        raise published_so(exc) from None
    plan = plan_pull(ref, listing, kind, indexed=indexed, memory=machine_memory())
    if kind is not Format.GGUF:
        refuse_unloadable(listing, safetensors_files(by_path), bool(indexed))
    return plan.with_held(held(place, plan.files), reserved(place, plan.files))


def _checked_head(place: RepoPlace, file: ListedFile, limit: int) -> bytes:
    """As much of a file's first `limit` bytes as is here and known to be what was written."""
    blob, partial = place.blob(file.digest), place.partial(file.digest)
    if file.size <= PIECE:
        data = checked_bytes(blob, file) or checked_bytes(partial, file) or bytearray()
        return bytes(data[:limit])
    whole = recorded_beginning(blob, read_journal(place.pieces(file.digest), file), limit)
    return whole or recorded_beginning(partial, read_journal(place.journal(file.digest), file), limit)


def held(place: RepoPlace, files: tuple[ListedFile, ...]) -> dict[str, int]:
    """Bytes by digest that seem to be here: whole blobs by their size, partial files by their journals."""
    found = held_bytes(place, files)
    sizes = blob_sizes(place)
    return found | {file.digest: file.size for file in files if sizes.get(file.digest) == file.size}


def reserved(place: RepoPlace, files: tuple[ListedFile, ...]) -> dict[str, int]:
    """Bytes of disk by digest that unfinished files of earlier pulls take, written or only reserved."""
    wanted = {file.digest for file in files}
    found = {}
    with suppress(OSError), os.scandir(place.work / "partial") as entries:
        for entry in entries:
            if entry.name in wanted:
                with suppress(OSError):
                    found[entry.name] = entry.stat(follow_symlinks=False).st_blocks * _BLOCK
    return found


def _format(
    ref: ModelRef, listing: Listing, by_path: dict[str, ListedFile], read: Callable[[str, int], bytes]
) -> Format:
    if ref.file is not None or ref.quant is not None:
        if ref.file in by_path and read(ref.file, 4) != MAGIC:
            raise MalformedModel(ref.file, "it does not begin like a GGUF file")
        return Format.GGUF
    found = classify(by_path, read)
    gguf = gguf_files(by_path)
    if (
        found not in (None, Format.GGUF)
        and gguf
        and not (has_tokenizer(by_path) and "config.json" in by_path)
    ):
        found = (
            classify(gguf, read) or found
        )  # the other weights are a part of something: no model of their own
    if found is None:
        raise Unsupported(
            f"{listing.repo_id} holds no weights that Ingle can load.",
            hint="Ingle loads MLX and safetensors folders and GGUF files; `ingle search` finds some.",
        )
    return found
