"""Ingle's own routes: every model with its state and the actions possible now, and streams of them.

The contract (what `ingle.client` and the CLI build on). All bodies are JSON; unknown fields are refused by
name; every error is `{"error": {"code", "message", "hint"?, "details"?}}` with `errors.http_status`.
`model` is any name `ingle` understands (alias, `org/name[@rev][:file|:quant]`, a path).

    GET  /ingle/models                          {"models": [ModelView...]}     everything in the store
    GET  /ingle/show?model=NAME                 ModelView                      404 when no such model is known
    GET  /ingle/ps                              {"models": [ModelView...]}     in memory, or being pulled
    GET  /ingle/status                          RuntimeStatus                  never touches the disk
    POST /ingle/pull    {model, stream?: true, dry_run?: false, limit_rate?: int}   lines, or the ModelView (202)
    POST /ingle/retry   {model, stream?: true}                  lines, or the ModelView; 409 retry_refused
    POST /ingle/cancel  {model}                                 ModelView, after the pull or the load stopped
    POST /ingle/load    {model, keep_alive?, engine?, context?, template?, pull?: false}   ModelView, when ready
    POST /ingle/unload  {model}                                 {"model", "unloaded", "memory_returned", "view"}
    POST /ingle/delete  {model}                                 {"model", "freed", "removed": [...], "view"}
    POST /ingle/generate  a GenerateRequest                     lines
    POST /ingle/verify  {model}  lines        POST /ingle/repair {model}  lines

**Lines** are `application/x-ndjson`, one JSON object a line. Closing the connection cancels the work,
down to the engine (a pull that was joined goes on; `cancel` ends it). What may come:

    {"progress": {"phase", "bytes_done", "bytes_total", "rate", "seconds_left", "message", "fraction"}}
    {"loading": {"model"}}                      the model is not in memory yet, the load has begun or is waited for
    {"ready": {"model", "engine": EngineInfo, "why", "load_seconds"}}      once, before the first chunk
    {"chunk": {"index", "text", "reasoning", "tool_calls", "logprobs", "tokens", "finish_reason"}}   no defaults
    {"done": {...}}      the last line of a success: pull, verify, repair: {"view": ModelView};
                         generate: {"usage": Usage, "finish_reasons": [...], "timings": Timings}
    {"error": {...}}     the last line of a failure, also after chunks

GenerateRequest: `model` (default: the configured one), exactly one of `messages` [{role, content, name?,
tool_calls?, tool_call_id?}] and `prompt`, `sampling` {temperature, top_p, top_k, min_p, repetition_penalty,
presence_penalty, frequency_penalty, logit_bias, seed, logprobs, top_logprobs}, `max_tokens`, `stop` [..], `n`,
`constraint` {kind, value}, `tools` [{name, description, parameters}], `tool_choice`, `thinking` {enabled,
budget}, `stop_on_loop`, `template`: the names and defaults of generation.py; and for the load `keep_alive`
(seconds; 0 at once, negative for ever), `engine`, `context`, and `pull` (true: fetch it first when it is absent).

Timings, in seconds: `load`, `first_token` (from the request's arrival, loads included), `first_token_warm`
(from the moment the model was ready), `total`, `tokens_per_second` (decode only).

ModelView: `model`, `state` (not_downloaded | downloading | downloaded | loading | ready), `partial`, `paused`,
`damaged`, `progress` (0..1), `actions` (of pull, cancel, retry, load, unload, delete, verify, repair),
`last_error` (error object or null), `pull` (progress object or null), `snapshot` ({format, origin, path, root,
size, commit, files, missing, architecture, parameters, quantization, context, modified} or null), `memory`
({state, pid, engine: EngineInfo, why, bytes, active, waiting, keep_alive, unload_in} or null).

RuntimeStatus: `version`, `pid`, `home`, `uptime`, `platform`, `engines` ([{format, engine, device, why}]),
`models` (loaded ones: {model, state, engine, why, bytes, active, waiting, unload_in}), `pulls` ([{model, fraction,
phase}]), `memory` ({ours, free, total, pressure}), `subscribers`.
"""
