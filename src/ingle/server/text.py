"""Text tools over HTTP: `/text` by name, `/process` for apps that bring their own prompt, `/shell/check`.

    GET  /text/tools                         -> {"tools": [{"name", "intent", "output", "needs"}]}
    POST /text {tool, text, options?, model?, clean?, stream?: false}
                                             -> {"text", "changed", "reason", "kept", "units", ..., "model", "damage"}
    POST /process {prompt, text, model?}     -> the same; `${output}` in `prompt` stands for `text`
    POST /shell/check {command, shell?}      -> the verdict; no model, nothing is ever run

Without `model` the default answers where it is on this machine, else the only model that is; where several could
be meant, 400 names them. `text` is whole in every answer: where a model's answer could not be taken, the original stayed and
`reason` says why; `damage` is the error that the last check of the model's files found, null where it found none. With `stream`, lines as on Ingle's own routes: `{"loading"}`, `{"ready"}`,
`{"piece": {"text", "progress"}}`, and the result as `{"done": {"improved"}}`. None of these ever downloads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from ingle.config import Config
from ingle.errors import InvalidRequest, StoreError
from ingle.generation import Chunk, Generation
from ingle.runtime.needs import Wants
from ingle.runtime.runtime import Runtime
from ingle.server.faults import JsonResponse, native_body
from ingle.server.native import damage_fields
from ingle.server.schema import Body, ModelName
from ingle.server.stream import LINES, Stream, json_line, unless_gone
from ingle.text.tool import Output, Tool, ToolFiles

if TYPE_CHECKING:
    from ingle.text.improve import TextEvent, TextResult

log = logging.getLogger(__name__)
Improve = Callable[..., "AsyncGenerator[TextEvent, None]"]
PLACE = "${output}"
WRITTEN = "{text, as the app wrote it}"
"""Stands for a literal `{text}` in an app's prompt, which is no field there."""
HEARTBEAT = 15.0


class TextBody(Body):
    tool: str = Field(min_length=1)
    text: str
    options: dict[str, str] = Field(default={})
    model: ModelName | None = None
    clean: bool = True
    stream: bool = False


class ProcessBody(Body):
    prompt: str = Field(min_length=1)
    text: str
    model: ModelName | None = None

    def as_tool(self) -> Tool:
        if PLACE not in self.prompt:
            raise InvalidRequest(
                f"The prompt has no {PLACE}.", hint="It stands for the transcript.", field="prompt"
            )
        return Tool(
            name="process",
            intent="An app's own prompt.",
            output=Output.FREE,
            temperature=0.0,
            system="You edit text as asked. Reply with the resulting text only. "
            "Keep its language unless asked for another.",
            user=self.prompt.replace("{text}", WRITTEN).replace(PLACE, "{text}"),
        )


class CheckBody(Body):
    any_text = True  # what a shell would read is judged, whatever it is

    command: str
    shell: str = "bash"


def text_routes(runtime: Runtime, config: Config) -> APIRouter:
    """The router; the work is the text room's, the model the runtime's."""
    router = APIRouter(tags=["text"])
    desk = Desk(runtime, config)
    files = ToolFiles(config.tools)

    @router.get("/text/tools")
    async def tools() -> Response:
        """The text tools there are, your own too."""
        found = (await asyncio.to_thread(files.open)).tools
        shown = [
            {"name": tool.name, "intent": tool.intent, "output": tool.output, "needs": tool.needs}
            for tool in found.values()
        ]
        return JsonResponse({"tools": shown})

    @router.post("/text")
    async def text(request: Request, body: TextBody) -> Response:
        """A text after one of the tools, whole or piece by piece; or your own words and the reason."""
        tool = (await asyncio.to_thread(files.open)).find(body.tool)
        work = desk.work(tool, body.text, body.model, body.options, clean=body.clean)
        if not body.stream:
            return JsonResponse(await unless_gone(request, _last(work)))
        return Stream(
            work,
            lambda error: json_line(native_body(error)),
            media_type=LINES,
            quiet=HEARTBEAT,
            filler=b"\n",
        )

    @router.post("/process")
    async def process(request: Request, body: ProcessBody) -> Response:
        """A transcript put into an app's own prompt, in the place of `${output}`; otherwise as `/text`."""
        work = desk.work(body.as_tool(), body.text, body.model, {WRITTEN[1:-1]: "{text}"}, clean=False)
        return JsonResponse(await unless_gone(request, _last(work)))

    @router.post("/shell/check")
    async def check(body: CheckBody) -> Response:
        """The risk of a shell command, without any model; runs nothing."""
        return JsonResponse(await asyncio.to_thread(_verdict, body.command, body.shell))

    return router


def _verdict(command: str, shell: str) -> dict[str, Any]:
    """For a thread: the first call loads the parsers, and the loop must go on meanwhile."""
    from ingle.shell.surroundings import SHELLS
    from ingle.shell.verdict import analyse, verdict_to_dict

    if shell not in SHELLS:
        raise InvalidRequest(
            f"{shell} is no shell Ingle knows.", hint=f"It knows {', '.join(SHELLS)}.", field="shell"
        )
    return verdict_to_dict(analyse(command, shell))


def _improve() -> Improve:
    """For a thread: the rules take 0.1 s to compile, which the daemon's start cannot afford, nor its loop."""
    from ingle.text.improve import improve

    return improve


class Desk:
    """Runs one tool over one text with the runtime's model, and remembers it where that is on."""

    def __init__(self, runtime: Runtime, config: Config) -> None:
        self._runtime = runtime
        self._config = config

    async def work(
        self, tool: Tool, text: str, model: str | None, options: dict[str, str], *, clean: bool
    ) -> AsyncGenerator[bytes, None]:
        """Lines, the last one `done`. Options are checked before anything is loaded."""
        improve = await asyncio.to_thread(_improve)
        tool.fill("", options)
        wants = Wants(speculate=tool.speculate or None)
        meant = await self._runtime.meant(model)
        async with self._runtime.use(meant, wants) as use:
            if use.waits:
                yield json_line({"loading": {"model": use.model}})
            berth = await use.ready()
            info = berth.worker.info
            damage = damage_fields(use)
            yield json_line({"ready": {"model": use.model, "engine": info, "why": berth.why, **damage}})
            context = info.context if info is not None else self._config.context

            def generate(generation: Generation) -> AsyncGenerator[Chunk, None]:
                """Of the worker that is held: a request of its own could wait behind one that waits for this text's end.
                Should that worker die, the second try of a piece loads the model again."""
                if use.stands:
                    return use.generate(generation)
                return self._runtime.generate(meant, generation, wants)

            events = improve(tool, text, generate, options=options, context=context, clean=clean)
            result: TextResult | None = None
            async with aclosing(events):
                async for event in events:
                    result = event.result or result
                    if event.result is None:
                        yield json_line({"piece": {"text": event.text, "progress": event.progress}})
            assert result is not None
            await self._remember(text, result, use.model)
        found = use.damage.to_dict() if use.damage is not None else None
        improved = {**msgspec.to_builtins(result), "model": use.model, "damage": found}
        yield json_line({"done": {"improved": improved}})

    async def _remember(self, raw: str, result: TextResult, model: str) -> None:
        if not self._config.history:
            return
        from ingle.text.history import History

        history = History(self._config.history_file)
        try:
            await asyncio.to_thread(
                history.add, tool=result.tool, model=model, raw=raw, result=result.text, reason=result.reason
            )
        except StoreError as error:  # the text is made, and is worth more than its remembrance
            log.warning("a text was not remembered: %s", error.message)


async def _last(work: AsyncGenerator[bytes, None]) -> Any:
    """The result in the `done` line."""
    last = b"{}"
    async with aclosing(work):
        async for line in work:
            last = line
    return msgspec.json.decode(last)["done"]["improved"]
