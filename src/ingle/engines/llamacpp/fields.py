"""Says a request in llama.cpp's words, and llama.cpp's answers in ours. Pure.

Every sampling field is always sent: llama.cpp's own defaults (top_k 40, min_p 0.05) are not neutral.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from ingle.engines.checks import PENALTY_WINDOW, biases, is_greedy
from ingle.errors import GenerationFailed, IngleError, InvalidRequest, OutOfMemory, PromptTooLong
from ingle.generation import SamplingParams, TokenLogprob


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One callback of llama.cpp. `predicted` counts the tokens decoded so far in this submission."""

    text: str = ""
    predicted: int | None = None
    prefilled: int | None = None
    cached: int | None = None
    logprobs: tuple[TokenLogprob, ...] = ()
    finish: str | None = None


def completion_fields(
    tokens: list[int],
    sampling: SamplingParams,
    *,
    limit: int,
    seed: int,
    grammar: str | None = None,
    visible: tuple[str, ...] = (),
    goes_on: bool = False,
) -> dict[str, Any]:
    """The body of one completion of at most `limit` tokens after the prompt `tokens`.

    `visible` are marks (of reasoning, of calls) that must be told also where they are control tokens.
    `goes_on`: the model may not end the text.
    """
    fields: dict[str, Any] = {
        "prompt": tokens,
        "n_predict": limit,
        "stream": True,
        "return_progress": True,  # without it a prefill cannot be cancelled
        "timings_per_token": True,  # the only count of tokens where several make one character
        "cache_prompt": True,
        "temperature": 0.0 if is_greedy(sampling) else sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "min_p": sampling.min_p,
        "typical_p": 1.0,
        "top_n_sigma": -1.0,
        "xtc_probability": 0.0,
        "dry_multiplier": 0.0,
        "dynatemp_range": 0.0,
        "mirostat": 0,
        "repeat_penalty": sampling.repetition_penalty,
        "repeat_last_n": PENALTY_WINDOW,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "seed": seed,
    }
    if sampling.logit_bias:
        fields["logit_bias"] = [[token, bias] for token, bias in biases(sampling).items()]
    if sampling.logprobs:
        fields["n_probs"] = max(1, sampling.top_logprobs)
    if goes_on:
        fields["ignore_eos"] = True
    if visible:
        fields["preserved_tokens"] = list(visible)
    if grammar is not None:
        fields["grammar"] = grammar if grammar.startswith("%llguidance") else f"%llguidance {{}}\n{grammar}"
    return fields


def read_step(chunk: dict[str, Any], top: int) -> Step:
    """What one callback says. Raises what an error chunk means."""
    if "error" in chunk:
        raise translate(chunk["error"])
    choice = (chunk.get("choices") or [{}])[0]
    progress = chunk.get("prompt_progress")
    timings = chunk.get("timings") or {}
    return Step(
        text=choice.get("text") or "",
        predicted=timings.get("predicted_n"),
        prefilled=progress["processed"] if progress else None,
        cached=progress["cache"] if progress else timings.get("cache_n"),
        logprobs=tuple(_logprob(entry, top) for entry in (choice.get("logprobs") or {}).get("content") or ()),
        finish=choice.get("finish_reason"),
    )


def translate(trouble: object) -> IngleError:
    """An error of llama.cpp, in whichever of its three ways it came, as one of ours."""
    found = _as_dict(trouble)
    message = str(found.get("message", trouble))
    kind = str(found.get("type", ""))
    if kind == "exceed_context_size_error":
        return PromptTooLong(int(found.get("n_prompt_tokens", 0)), int(found.get("n_ctx", 0)))
    if "out of memory" in message.lower() or "failed to allocate" in message.lower():
        return OutOfMemory(f"llama.cpp ran out of memory: {message}.", hint="Load it with a smaller context.")
    if kind == "invalid_request_error" or found.get("code") == 400:
        return InvalidRequest(f"llama.cpp refuses the request: {message}.")
    return GenerationFailed(f"llama.cpp failed: {message}.", hint="The worker's log may say more.")


def _as_dict(trouble: object) -> dict[str, Any]:
    if isinstance(trouble, dict):
        inner = trouble.get("error")
        return inner if isinstance(inner, dict) else trouble
    try:
        found = json.loads(str(trouble))
    except ValueError:
        return {}
    return _as_dict(found) if isinstance(found, dict) else {}


def _logprob(entry: dict[str, Any], top: int) -> TokenLogprob:
    others = tuple((_text(other), float(other["logprob"])) for other in entry.get("top_logprobs", ())[:top])
    return TokenLogprob(token=_text(entry), logprob=float(entry["logprob"]), top=others)


def _text(entry: dict[str, Any]) -> str:
    return str(entry.get("token", ""))
