"""The command line and the daemon remember checks at the same time: none of them is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from ingle.catalog.names import ref_key
from ingle.hub.health.checks import recall, remember_repair
from tests.runtime.fakes import make_config, make_snapshot

WRITERS, EACH = 8, 5


def test_checks_that_end_at_the_same_moment_are_all_remembered(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    models = [[make_snapshot(f"org/m{one}-{n}", tmp_path) for n in range(EACH)] for one in range(WRITERS)]
    together = Barrier(WRITERS)

    def write(mine: int) -> None:
        for snapshot in models[mine]:
            together.wait(240)
            remember_repair(config, snapshot, 1.0)

    with ThreadPoolExecutor(WRITERS) as pool:
        for done in [pool.submit(write, one) for one in range(WRITERS)]:
            done.result()
    wanted = {ref_key(snapshot.ref) for mine in models for snapshot in mine}
    assert set(recall(config)) == wanted


def test_a_home_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    config.home.parent.mkdir(parents=True, exist_ok=True)
    config.home.write_text("a file where the folder should be")
    remember_repair(config, make_snapshot("org/m", tmp_path), 1.0)
    assert recall(config) == {}
