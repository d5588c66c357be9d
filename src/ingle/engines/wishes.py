"""Says which wishes of a load an engine cannot keep, so that none is dropped in silence. Pure."""

from __future__ import annotations

from ingle.engines.base import EngineOptions


def unmet_on_mlx(options: EngineOptions, *, device: str, alone: bool) -> tuple[str, ...]:
    """Notes for a load that computes on `device`; `alone`: its caches hold one sequence only."""
    notes = []
    if options.speculate:
        notes.append("No n-gram speculation: it is llama.cpp's.")
    if options.cpu_mode != "auto" and device != "cpu":
        notes.append(f"cpu_mode {options.cpu_mode} changes nothing: {device} computes, not the CPU.")
    if options.prompt_cache_folder is not None and alone:
        notes.append("Prompts that return are kept in memory only: these caches hold one sequence.")
    return tuple(notes)


def unmet_on_llamacpp(options: EngineOptions) -> tuple[str, ...]:
    """Notes for a load of a GGUF file."""
    notes = []
    if options.cpu_mode != "auto":
        notes.append(f"cpu_mode {options.cpu_mode} changes nothing: it is MLX's.")
    if options.prompt_cache_folder is not None:
        notes.append("Prompts that return are kept in memory only: the disk tier is MLX's.")
    if not options.wired_limit:
        notes.append("wired_limit changes nothing: it is MLX's, llama.cpp has its own ways on Metal.")
    return tuple(notes)
