"""Loads one model folder into this process in the form that computes fastest here, if it fits.

Runs on the engine's thread, which owns all MLX work from the first array on.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec

from ingle.catalog.model import Snapshot
from ingle.engines.base import EngineOptions
from ingle.engines.free import free_memory
from ingle.engines.memory import Load, MemoryPlan, plan_memory, shape_of, windowed
from ingle.engines.mlx.blocks import blocks_are_faster, use_blocks
from ingle.engines.mlx.cpu import FAST_GFLOPS, CpuWeights, measure_gflops, plan_cpu
from ingle.engines.mlx.failures import load_error
from ingle.engines.mlx.families import mend_for_batches, runs_alone
from ingle.engines.mlx.pace import PREFILL_ROWS
from ingle.engines.mlx.tokenizer import ModelTokenizer, read_json
from ingle.engines.wishes import unmet_on_mlx
from ingle.errors import FileMissing, MalformedModel, Unsupported

_MOST_STREAMS = 8


@dataclass(frozen=True)
class Loaded:
    """A model in memory. `context` is in tokens a request, `slots` in requests at once (1 where the caches hold one
    sequence only: `alone`), `kept` in bytes of prompts that may return; `trims`: its caches can be cut anywhere; `identity` differs whenever the same prompt would be computed differently."""

    model: Any
    tokenizer: ModelTokenizer
    device: str
    vocabulary: int
    context: int
    slots: int
    alone: bool
    kept: int
    trims: bool
    identity: str
    notes: tuple[str, ...]


def load(snapshot: Snapshot, options: EngineOptions, openblas: Path | None) -> Loaded:
    """Build, fit and read one model. `openblas` is the library in front of MLX's BLAS, if any.

    Raises `FileMissing`, `MalformedModel`, `Unsupported`, `OutOfMemory` and `LoadFailed`.
    """
    folder = snapshot.path
    if not (folder / "config.json").is_file():
        raise FileMissing(folder / "config.json")
    config = _read_config(folder)
    model, config = _build(folder, config)
    alone = runs_alone(model)
    if alone:
        options = msgspec.structs.replace(options, slots=1)
    notes, plan, device = _fit(snapshot, options, model, config)
    if alone:
        notes = (*notes, f"One request at a time: mlx-lm's {' and '.join(alone)} holds one sequence.")
    try:
        _begin_reading(model)
        # the weights are read and unpacked on MLX's own threads while this one does the rest
        importlib.import_module("ingle.engines.mlx.serving")
        tokenizer = ModelTokenizer(folder, config)
        mx.eval(model.parameters())
        mx.clear_cache()
    except (RuntimeError, MemoryError) as exc:
        raise load_error(snapshot, exc) from exc
    if openblas is not None and device == "cpu":
        notes = (*notes, f"BLAS: {openblas}.")
    notes = (*notes, *unmet_on_mlx(options, device=device, alone=bool(alone)), plan.note)
    return Loaded(
        model=model,
        tokenizer=tokenizer,
        device=device,
        vocabulary=_vocabulary(model, config, tokenizer),
        context=plan.context,
        slots=options.slots,
        alone=bool(alone),
        kept=plan.kept,
        identity=_identity(snapshot, model),
        trims=_trims(model),
        notes=tuple(note for note in notes if note),
    )


def end_streams() -> None:
    """A thread that ends with a CPU stream of MLX open aborts the process when that exits (MLX 0.32)."""
    mx.synchronize()
    mx.clear_streams()


def _begin_reading(model: Any) -> None:
    begin: Any = mx.async_eval  # its stub has no types
    begin(model.parameters())


def _read_config(folder: Path) -> dict[str, Any]:
    config = read_json(folder / "config.json") or {}
    generation = read_json(folder / "generation_config.json") or {}
    if generation.get("eos_token_id") is not None:
        config["eos_token_id"] = generation["eos_token_id"]
    return config


def _build(folder: Path, config: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The model with its weights still on disk: arrays know their shapes and nothing is read yet."""
    from mlx_lm.utils import load_model

    try:
        model, read = load_model(folder, lazy=True)
        mend_for_batches(model)
        return model, {**config, **read}
    except FileNotFoundError as exc:
        raise FileMissing(str(exc)) from exc
    except (ValueError, KeyError, TypeError) as exc:
        if "not supported" in str(exc) or "model_file" in str(exc) or "trust_remote_code" in str(exc):
            raise Unsupported(
                f"{folder.name} cannot run on MLX: {exc}",
                hint="Another build of this model, or its GGUF on llama.cpp, may run.",
            ) from exc
        raise MalformedModel(folder, str(exc)) from exc
    except RuntimeError as exc:  # MLX's readers: truncated or strange safetensors
        raise MalformedModel(folder, str(exc)) from exc


def _fit(
    snapshot: Snapshot, options: EngineOptions, model: Any, config: dict[str, Any]
) -> tuple[tuple[str, ...], MemoryPlan, str]:
    """Choose the form of the weights and check that all fits; nothing is read yet."""
    device = _device()
    free = _free_bytes(device)
    if options.memory is not None:
        free = min(free, options.memory)
    notes: tuple[str, ...] = ()
    if device == "cpu":
        fast_blas = measure_gflops() >= FAST_GFLOPS
        plan = plan_cpu(
            options.cpu_mode,
            fast_blas=fast_blas,
            packed=_packed(model),
            float32_bytes=_float32_bytes(model),
            free_bytes=free,
        )
        notes = (plan.why,)
        _convert(model, plan.weights)
        if plan.weights is CpuWeights.FLOAT32 and fast_blas and blocks_are_faster():
            use_blocks(model)
    weights = sum(int(array.nbytes) for _, array in _flat(model))
    shape = shape_of(config, kv_bytes=_widest(model))
    if shape is not None:
        shape = windowed(shape, *_cache_windows(model))
    asked = Load(
        context=options.context,
        slots=options.slots,
        rows=PREFILL_ROWS,
        outputs=options.slots,
        kept=options.prompt_cache_bytes,
    )
    memory = plan_memory(snapshot.ref.name, weights, shape, asked, free=free)
    return notes, memory, device


def _device() -> str:
    if mx.default_device().type == mx.DeviceType.cpu:
        return "cpu"
    return "metal" if mx.metal.is_available() else "cuda"


def _free_bytes(device: str) -> int:
    free = free_memory()
    if device == "cpu":
        return free
    facts = mx.device_info()
    if device == "metal":
        # unified memory: what the GPU may use at most, and what the system can give now
        return min(int(facts["max_recommended_working_set_size"]), free)
    known = facts.get("free_memory") or facts.get("memory_size") or facts.get("total_memory")
    return int(known) if known else free


def _flat(model: Any) -> list[tuple[str, Any]]:
    from mlx.utils import tree_flatten

    return list(tree_flatten(model.parameters()))


def _packed(model: Any) -> bool:
    return any(name.endswith(".scales") for name, _ in _flat(model))


def _float32_bytes(model: Any) -> int:
    """What the weights take when every one is a float32 (packed words hold 32/bits of them)."""
    total = 0
    for _, module in model.named_modules():
        bits = getattr(module, "bits", None)
        for name, array in module.items():
            if not hasattr(array, "nbytes"):
                continue
            if bits and name == "weight" and "scales" in module:
                total += 4 * array.size * 32 // int(bits)
            elif not (bits and name in ("scales", "biases")):
                total += 4 * array.size
    return total


def _widest(model: Any) -> int:
    """Bytes of the activations: MLX computes in the widest type that meets them (often the norms')."""
    return max((a.itemsize for _, a in _flat(model) if mx.issubdtype(a.dtype, mx.floating)), default=2)


def _convert(model: Any, form: CpuWeights) -> None:
    """Widen, and unpack, layer by layer on one stream a core: MLX's CPU streams are threads."""
    if form is CpuWeights.AS_SHIPPED:
        return
    streams = [mx.new_stream(mx.cpu) for _ in range(min(os.cpu_count() or 1, _MOST_STREAMS))]
    due = [0] * len(streams)
    for part in (*getattr(model, "layers", ()), model):
        at = due.index(min(due))
        with mx.stream(streams[at]):
            due[at] += _widen(part, form)
    model.eval()


def _widen(part: Any, form: CpuWeights) -> int:
    """The bytes that `part` still had to change; nothing when it has been widened before."""
    from mlx_lm.utils import dequantize_model

    before = sum(int(a.nbytes) for _, a in _flat(part) if a.dtype != mx.float32)
    part.set_dtype(mx.float32)  # scales first, so that unpacking them rounds nothing
    if form is CpuWeights.FLOAT32:
        dequantize_model(part)
    return before


def _identity(snapshot: Snapshot, model: Any) -> str:
    weights = [snapshot.path / name for name in sorted(snapshot.files) if name.endswith(".safetensors")]
    facts = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in weights if file.is_file()]
    kinds = sorted({str(array.dtype) for _, array in _flat(model)})
    return repr((snapshot.commit, str(snapshot.path), facts, kinds, version("mlx"), version("mlx-lm")))


def _cache_windows(model: Any) -> tuple[int, list[int]]:
    """How many layers keep something, and the lengths of those that keep only the end (state-space: nothing)."""
    from mlx_lm.models.cache import ArraysCache, RotatingKVCache, make_prompt_cache

    caches = make_prompt_cache(model)
    short = [cache for cache in caches if isinstance(cache, RotatingKVCache | ArraysCache)]
    return len(caches), [getattr(cache, "max_size", 0) for cache in short]


def _vocabulary(model: Any, config: dict[str, Any], tokenizer: ModelTokenizer) -> int:
    """How many tokens the weights know, whatever the files beside them say."""
    rows = [int(a.shape[0]) for name, a in _flat(model) if name.endswith("embed_tokens.weight")]
    text = config.get("text_config")
    found = config.get("vocab_size") or (text.get("vocab_size") if isinstance(text, dict) else None)
    return rows[0] if rows else int(found or tokenizer.size)


def _trims(model: Any) -> bool:
    """Whether its caches can be cut anywhere."""
    from mlx_lm.models.cache import KVCache, make_prompt_cache

    return all(type(cache) is KVCache for cache in make_prompt_cache(model))
