"""An endpoint, or the content network it names, that stops answering in the middle of a pull."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ingle.errors import HubUnreachable
from ingle.hub.pieces import PIECE
from ingle.hub.pull import PullOptions, pull
from ingle.hub.transfer import Tuning
from tests.fakes.faults import Faults
from tests.fakes.gate import Gate
from tests.fakes.hub import FakeHub
from tests.fakes.wire import Asked
from tests.hub.pulling import NAME, REF, assert_whole, model_files, settings

pytestmark = pytest.mark.slow

OPTIONS = PullOptions(tuning=Tuning(seed=1, patience=60.0))


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return model_files(40_000_000)


def test_the_next_mirror_takes_over_in_the_middle_of_a_file(tmp_path: Path, files: dict[str, bytes]) -> None:
    with FakeHub() as first, FakeHub() as second:
        for hub in (first, second):
            hub.add_repo(NAME, files)
        first.faults = Faults(rate=2e6)
        config = msgspec.structs.replace(settings(tmp_path, first.url), endpoints=(first.url, second.url))
        with Gate(first, "model.safetensors", 4 * PIECE):
            for event in pull(REF, config, options=OPTIONS):
                if event.bytes_done > 5_000_000 and not first.closed:
                    first.close()
        assert event.snapshot is not None
        assert_whole(config, event.snapshot, files)
        assert 0 < second.bytes_sent() < 35_100_000


def test_an_address_that_is_dead_is_asked_for_again(tmp_path: Path, files: dict[str, bytes]) -> None:
    """A hub may name another server of its content network when it is asked again."""
    with FakeHub() as hub, FakeHub() as dead:
        hub.add_repo(NAME, files)
        hub.faults = Faults(redirect_to=f"{dead.cdn_url}/nothing", from_size=1 << 20)
        dead.close()

        def look(asked: Asked) -> None:
            if asked.method == "HEAD":
                hub.faults = Faults()

        hub.before = look
        config = settings(tmp_path, hub.url)
        (*_, last) = pull(REF, config, options=OPTIONS)
        assert last.snapshot is not None
        assert_whole(config, last.snapshot, files)


def test_where_nobody_answers_any_more_the_pull_gives_up_and_keeps_what_came(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        hub.faults = Faults(rate=2e6)
        config = settings(tmp_path, hub.url)
        with pytest.raises(HubUnreachable), Gate(hub, "model.safetensors", 4 * PIECE):
            for event in pull(REF, config, options=PullOptions(tuning=Tuning(seed=1, patience=6.0))):
                if event.bytes_done > 5_000_000 and not hub.closed:
                    hub.close()
