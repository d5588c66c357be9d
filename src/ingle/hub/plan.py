"""Decides which files of a listing make a model, and what fetching them takes; touches nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from ingle.catalog.fits import Fit, Memory, fit, gigabytes, memory_needed
from ingle.catalog.formats import (
    first_part,
    gguf_files,
    gguf_parts,
    is_misnamed_part,
    is_quantisation,
    missing_shards,
    safetensors_files,
)
from ingle.catalog.inspect import has_tokenizer
from ingle.catalog.listing import ListedFile, Listing
from ingle.catalog.model import Format, ModelRef
from ingle.catalog.safetensors import INDEX
from ingle.errors import Incomplete, MalformedModel, ModelNotFound, Unsupported
from ingle.hub.health.finding import several

NEEDED = (".json", ".jsonl", ".model", ".jinja", ".tiktoken", ".txt", ".py")
"""Endings of what loaders open beside the weights (mlx-lm's and transformers' patterns). `*.py` is data here."""

MARGIN_SHARE = 0.01
MARGIN_LEAST = 256 << 20
"""Bytes of disk that stay free at least: journals, links, and everything else that runs here."""

_PREFERRED = ("Q4_K_M", "Q4_K_S", "Q5_K_M", "Q4_1", "Q4_0", "IQ4_NL", "IQ4_XS", "Q5_K_S", "Q6_K", "Q8_0")
"""Quantisations by what they give for their size, best first (llama.cpp's own perplexity tables)."""

_NOT_MODELS = ("mmproj", "imatrix")


class PullPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What one pull will do. Sizes in bytes.

    `files` make the model; `fetch` are those whose blob is not in the store; `to_fetch` counts their
    bytes less what earlier pulls left. `disk_needed` includes `margin`, and leaves out what earlier pulls
    reserved. `fit` judges the machine's memory. `endpoint` is the hub that answered, where one was asked.
    """

    ref: ModelRef
    listing: Listing
    format: Format
    files: tuple[ListedFile, ...]
    fetch: tuple[ListedFile, ...]
    to_fetch: int
    disk_needed: int
    margin: int
    fit: Fit | None = None
    endpoint: str = ""

    @property
    def total(self) -> int:
        """Bytes of the whole model."""
        return sum(file.size for file in self.files)

    @property
    def done(self) -> int:
        """Bytes that need not be fetched."""
        return self.total - self.to_fetch

    def with_held(self, held: Mapping[str, int], reserved: Mapping[str, int] | None = None) -> PullPlan:
        """This plan where so many bytes are here by digest (a digest with its full size is in the store).

        `reserved`: bytes of disk that unfinished files take already, which is more where it was preallocated.
        """
        took = reserved or {}
        by_digest = {file.digest: file for file in self.files}
        fetch = tuple(file for file in by_digest.values() if held.get(file.digest, -1) != file.size)
        to_fetch = sum(file.size - min(file.size, held.get(file.digest, 0)) for file in fetch)
        to_take = sum(
            max(0, file.size - max(held.get(file.digest, 0), took.get(file.digest, 0))) for file in fetch
        )
        margin = max(MARGIN_LEAST, int(to_fetch * MARGIN_SHARE)) if to_fetch else 0
        return msgspec.structs.replace(
            self, fetch=fetch, to_fetch=to_fetch, disk_needed=to_take + margin, margin=margin
        )

    @property
    def sentence(self) -> str:
        """The plan in one line, for people."""
        licence = f", licence {self.listing.licence}" if self.listing.licence else ""
        gated = ", gated" if self.listing.gated else ""
        return (
            f"{self.listing.repo_id} at {self.listing.commit[:12]}: {several(len(self.files), 'file')}, "
            f"{_bytes(self.total)}, {self._needs}{licence}{gated}."
        )

    @property
    def _needs(self) -> str:
        if not self.to_fetch:
            return "all of it is here"
        return (
            f"{_bytes(self.to_fetch)} to fetch, {gigabytes(self.disk_needed)} of disk needed "
            f"({gigabytes(self.margin)} of it a margin)"
        )


def _bytes(count: int) -> str:
    return gigabytes(count) if count >= 1_000_000 else several(count, "byte")


def plan_pull(
    ref: ModelRef,
    listing: Listing,
    format: Format,
    *,
    indexed: Iterable[str] = (),
    held: Mapping[str, int] | None = None,
    memory: Memory | None = None,
) -> PullPlan:
    """The plan for `ref` from what the hub listed.

    `indexed` are the weight files that the repo's index names (empty: there is none). `held` are bytes
    already here by digest; a digest with its full size is in the store. Raises `ModelNotFound` when no
    file is meant by the name, `Incomplete` when the listing lacks a part that the index or a name announces.
    """
    if format is Format.GGUF:
        files, fitting = _gguf(ref, listing, memory)
    else:
        files, fitting = _folder(ref, listing, tuple(indexed), memory)
    plan = PullPlan(
        ref=ref,
        listing=listing,
        format=format,
        files=files,
        fetch=(),
        to_fetch=0,
        disk_needed=0,
        margin=0,
        fit=fitting,
    )
    return plan.with_held(held or {})


def _folder(
    ref: ModelRef, listing: Listing, indexed: tuple[str, ...], memory: Memory | None
) -> tuple[tuple[ListedFile, ...], Fit | None]:
    by_path = {file.path: file for file in listing.files}
    weights = indexed or tuple(safetensors_files(by_path))
    missing = tuple(sorted(path for path in weights if path not in by_path))
    if missing:
        raise unfinished(listing, missing)
    wanted = {*weights, *(path for path in by_path if path.lower().endswith(NEEDED))}
    files = tuple(file for file in listing.files if file.path in wanted)
    return files, _fit(sum(by_path[path].size for path in weights), memory)


def unfinished(listing: Listing, missing: tuple[str, ...]) -> Incomplete:
    """The error of a repo whose publisher left out what its model needs: no pull brings that."""
    error = Incomplete(f"{listing.repo_id} as its hub lists it", missing)
    error.hint = "Its publisher has to add what is missing; another revision or repo may be whole."
    return error


def refuse_unloadable(listing: Listing, weights: Iterable[str], indexed: bool) -> None:
    """Returns when a folder of these `weights` can be a model once all of it is here.

    Raises `Unsupported` for one that has no words, `Incomplete` for what every loader opens and nobody published.
    """
    paths = {file.path for file in listing.files}
    if not has_tokenizer(paths):
        raise Unsupported(
            f"{listing.repo_id} holds no tokenizer, so it is no model that writes.",
            hint="Ingle runs models that write text; `ingle search` finds some.",
        )
    shards = () if indexed else missing_shards(weights)
    missing = ([] if "config.json" in paths else ["config.json"]) + ([INDEX, *shards] if shards else [])
    if missing:
        raise unfinished(listing, tuple(missing))


def _fit(weights: int, memory: Memory | None) -> Fit | None:
    return fit(memory_needed(weights), memory) if memory is not None else None


class _Quant(msgspec.Struct, frozen=True):
    """One GGUF model of a repo: its first file and all of them."""

    head: str
    files: tuple[ListedFile, ...]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def _gguf(
    ref: ModelRef, listing: Listing, memory: Memory | None
) -> tuple[tuple[ListedFile, ...], Fit | None]:
    chosen = _choose(ref, listing, memory)
    return chosen.files, _fit(chosen.size, memory)


def _choose(ref: ModelRef, listing: Listing, memory: Memory | None) -> _Quant:
    """By file, by quantisation, or the one that fits the memory; never all."""
    if ref.file is not None:
        return _quant(listing, first_part(ref.file), ref.name)
    heads = sorted({first_part(path) for path in gguf_files(file.path for file in listing.files)})
    heads = [head for head in heads if not any(word in head.lower() for word in _NOT_MODELS)]
    named = [head for head in heads if not is_misnamed_part(head)]
    if ref.quant is not None:
        for head in sorted(heads, key=is_misnamed_part):
            if is_quantisation(head, ref.quant):
                return _quant(listing, head, ref.name)
        offered = ", ".join(head.rpartition("/")[2] for head in heads[:12])
        has = f"it has: {offered}." if heads else f"it has no GGUF files. `ingle pull {listing.repo_id}`"
        raise ModelNotFound(ref.name, where=f"in {listing.repo_id}", hint=f"It has no {ref.quant}; {has}")
    return _fitting(_whole(ref, listing, named or heads), memory, listing)


def _whole(ref: ModelRef, listing: Listing, heads: Iterable[str]) -> list[_Quant]:
    """The quantisations of which every part is listed. Raises `Incomplete` where that is none of them."""
    found: list[_Quant] = []
    error: Incomplete | None = None
    for head in heads:
        try:
            found.append(_quant(listing, head, ref.name))
        except Incomplete as exc:
            error = error or exc
    if error is not None and not found:
        raise error
    return found


def _fitting(quants: list[_Quant], memory: Memory | None, listing: Listing) -> _Quant:
    if not quants:
        raise Unsupported(f"{listing.repo_id} holds no model file that Ingle can load.")
    runnable = [one for one in quants if memory is None or fit(memory_needed(one.size), memory).ok]
    for wanted in _PREFERRED:
        for one in runnable:
            if is_quantisation(one.head, wanted):
                return one
    if runnable:
        return max(runnable, key=lambda one: one.size)
    return min(quants, key=lambda one: one.size)


def _quant(listing: Listing, head: str, name: str) -> _Quant:
    by_path = {file.path: file for file in listing.files}
    if head in by_path and is_misnamed_part(head):
        raise Unsupported(
            f"{head} is one part of a model, and llama.cpp finds the others only where their names end in .gguf.",
            hint="Another repo or quantisation may have it whole; `ingle search` finds some.",
        )
    if "-of-" in head and first_part(head) == head:
        try:
            parts = gguf_parts(head, int(head.removesuffix(".gguf").rpartition("-of-")[2]))
        except (MalformedModel, ValueError):
            parts = (head,)
    else:
        parts = (head,)
    if head not in by_path and len(parts) == 1:
        raise ModelNotFound(name, where=f"in {listing.repo_id}", hint=f"It lists no file {head}.")
    missing = tuple(part for part in parts if part not in by_path)
    if missing:
        raise unfinished(listing, missing)
    return _Quant(head, tuple(by_path[part] for part in parts))
