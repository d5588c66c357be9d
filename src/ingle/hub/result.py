"""Finds what a pull made, as the store sees it: the last event of every pull is not believed, it is looked up."""

from __future__ import annotations

from ingle.catalog.model import ModelRef
from ingle.config import Config
from ingle.errors import MalformedModel, NotDownloaded, Unsupported
from ingle.hub.cache import Store
from ingle.hub.health.content import published_so
from ingle.hub.progress import Phase, Progress


def done(ref: ModelRef, config: Config, last: Progress) -> Progress:
    """The last event. Raises `Incomplete` should the snapshot not be whole, `Unsupported` should it be no model,
    `MalformedModel` should its files not go together, as they were published."""
    try:
        snapshot = Store(config).require(ref)
    except NotDownloaded as exc:
        raise Unsupported(
            f"Every file of {ref.name} is here and right, and they make no model that Ingle can load.",
            hint="It may be an adapter, or a part of another model; `ingle search` finds models.",
        ) from exc
    except MalformedModel as exc:
        raise published_so(exc) from None
    total = last.bytes_total or snapshot.size
    return Progress(phase=Phase.DONE, bytes_done=total, bytes_total=total, snapshot=snapshot)
