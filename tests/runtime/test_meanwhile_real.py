"""A real store and hub: what a daemon shows once another process has mended what it found."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingle.catalog.curated import load_catalog
from ingle.catalog.model import ModelRef
from ingle.errors import HubUnreachable, StoreError
from ingle.hub.progress import Phase, Progress
from ingle.hub.repair import repair
from ingle.runtime.runtime import Runtime
from ingle.runtime.wiring import default_seams
from tests.fakes.hub import FakeHub
from tests.hub.pulling import NAME, REF, model_files, settings

pytestmark = pytest.mark.slow


def unlucky(_ref: ModelRef, _cancel: threading.Event) -> Iterator[Progress]:
    """A repair of the daemon's own that does not come through."""
    yield Progress(phase=Phase.FETCHING)
    raise HubUnreachable("The hub does not answer.")


async def test_a_repair_by_another_process_ends_what_a_check_and_a_failed_repair_left(tmp_path: Path) -> None:
    with FakeHub() as server:
        server.add_repo(NAME, model_files(1000))
        config = settings(tmp_path, server.url)
        seams = replace(default_seams(config, load_catalog()), repair=unlucky)
        async with Runtime(config, seams) as runtime:
            async for _ in runtime.pull(NAME):
                pass
            (view,) = await runtime.models()
            assert view.snapshot is not None and view.last_error is None
            spoilt = Path(view.snapshot.root) / "tokenizer.json"
            spoilt.resolve().write_bytes(b'{"version": "9.9"}')
            with pytest.raises(StoreError):
                async for _ in runtime.verify(NAME):
                    pass
            view = await runtime.view(NAME)
            assert view.damaged and view.last_error is not None and "repair" in view.actions
            with pytest.raises(HubUnreachable):
                async for _ in runtime.repair(NAME):
                    pass
            assert "retry" in (await runtime.view(NAME)).actions
            await asyncio.to_thread(lambda: list(repair(REF, config)))  # as `ingle repair` does it
            for view in (await runtime.view(NAME), *await runtime.models()):
                assert not view.damaged and view.last_error is None and "retry" not in view.actions
