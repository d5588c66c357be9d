"""What a load takes: which engine in which form, and about how many bytes of memory. Pure."""

from __future__ import annotations

import msgspec

from ingle.catalog.fits import snapshot_memory
from ingle.catalog.model import Snapshot
from ingle.config import Config
from ingle.engines.base import SMALLEST_CONTEXT, EngineOptions
from ingle.runtime.stamp import Stamp


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """The form of a loaded model: the engine's name and what it was opened with."""

    engine: str
    options: EngineOptions


class Wants(msgspec.Struct, frozen=True, kw_only=True):
    """How a model is wanted. None: as it is loaded, else the configured value. `keep_alive` in seconds
    (negative: for ever), `context` in tokens, `template` the text of a chat template for the load;
    `pull`: fetch the model first when it is not here. `speculate` is a wish for the load: a model that is
    in memory in another form answers as it is."""

    engine: str | None = None
    context: int | None = None
    template: str | None = None
    keep_alive: float | None = None
    pull: bool = False
    speculate: bool | None = None

    @property
    def explicit(self) -> bool:
        """Whether only one form of the model will do."""
        return any(part is not None for part in (self.engine, self.context, self.template))


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What the load of one model takes, `bytes` by estimate. `explicit`: no other form will do.

    `least`: what it takes with the shortest context, where the engine cuts it to what fits (None: it does not).
    `stamp` tells its files from others that lie at the same place later.
    """

    model: str
    bytes: int
    spec: Spec
    explicit: bool = False
    least: int | None = None
    stamp: Stamp = ()

    def hinders(self, asked: Need) -> str:
        """Why a worker that runs as this one may not answer a request for `asked`; "" where it may."""
        if asked.stamp != self.stamp:
            return "its files on disk are others by now"
        if asked.explicit and asked.spec != self.spec:
            return "another engine or context was asked for"
        return ""

    def within(self, most: int) -> Need:
        """The same load in no more than `most` bytes, as far as a shorter context can do that."""
        if self.least is None or self.bytes <= most:
            return self
        return msgspec.structs.replace(self, bytes=min(self.bytes, max(self.least, most)))


def configured_options(config: Config) -> EngineOptions:
    """How a model is opened when nobody asks for anything."""
    disk = config.prompt_cache_disk
    options = EngineOptions(
        context=config.context,
        slots=config.parallel,
        cpu_mode=config.cpu_mode,
        prompt_cache_bytes=config.prompt_cache,
    )
    if disk is None:
        return options
    return msgspec.structs.replace(
        options, prompt_cache_folder=str(config.home / "prompts"), prompt_cache_folder_bytes=disk
    )


_CUT_THE_CONTEXT = ("mlx", "llamacpp")


def need_of(
    snapshot: Snapshot, engine: str, wants: Wants, config: Config, running: Need | None, stamp: Stamp = ()
) -> Need:
    """The need of a load as `wants` asks; what it leaves open is as in `running`, else as configured."""
    base = running.spec.options if running is not None else configured_options(config)
    options = msgspec.structs.replace(
        base,
        context=wants.context if wants.context is not None else base.context,
        template=wants.template if wants.template is not None else base.template,
        speculate=wants.speculate if wants.speculate is not None and running is None else base.speculate,
    )
    # Neither engine opens a model with a longer context than it was trained for.
    longest = min(options.context, snapshot.context or options.context)
    shortest = min(longest, SMALLEST_CONTEXT)
    return Need(
        model=snapshot.ref.name,
        bytes=snapshot_memory(snapshot, longest * options.slots),
        spec=Spec(engine=engine, options=options),
        explicit=wants.explicit,
        least=snapshot_memory(snapshot, shortest * options.slots) if engine in _CUT_THE_CONTEXT else None,
        stamp=stamp,
    )
