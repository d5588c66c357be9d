"""Hands the runtime its real neighbours; each is imported when it is first needed, to start quickly."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from ingle.catalog.curated import Catalog
from ingle.catalog.model import ModelRef
from ingle.config import Config
from ingle.engines.choose import platform_facts
from ingle.hub.progress import Progress
from ingle.runtime.check import check_blobs
from ingle.runtime.memory import free_memory, under_pressure
from ingle.runtime.seams import Seams, Worker
from ingle.worker.memory import process_memory


def default_seams(config: Config, catalog: Catalog) -> Seams:
    """The real store, hub, workers and system."""
    from ingle.hub.cache import Store

    def worker(name: str) -> Worker:
        from ingle.worker.process import WorkerProcess

        return WorkerProcess(name, logs=config.logs, load_timeout=config.load_timeout)

    def pull(ref: ModelRef, cancel: threading.Event) -> Iterator[Progress]:
        from ingle.hub import pull as hub

        return hub.pull(ref, config, cancel=cancel)

    return Seams(
        store=Store(config, catalog),
        pull=pull,
        verify=check_blobs,
        repair=pull,
        worker=worker,
        free=free_memory,
        memory_of=process_memory,
        pressure=under_pressure,
        facts=platform_facts(),
        clock=time.monotonic,
    )
