"""The soak of pulls: `python -m tests.soak.pull_soak` prints a table and fails for any broken promise."""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tests.fakes.content import Noise
from tests.fakes.hub import FakeHub
from tests.hub.kills import kill_once
from tests.hub.promises import MODEL, Outcome, Scene, check_five
from tests.soak.large import huge_file, many_files
from tests.soak.mixes import ACTS, KINDS
from tests.soak.rounds import Round, run_round

KILL_SIZE = 100_000_000
LATE = 3


def run_mixes(count: int, seed: int, jobs: int = 1) -> list[Round]:
    """`count` rounds in `jobs` processes (they mostly wait); a line now and then says how far it is."""
    rounds: list[Round] = []
    seeds = range(seed, seed + count)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for one in pool.map(run_round, seeds):
            rounds.append(one)
            if one.broken:
                print(f"round {one.seed} [{' / '.join(one.labels)}]: {one.broken}", flush=True)
            if len(rounds) % 100 == 0:
                print(f"{len(rounds)} of {count} mixes", flush=True)
    return rounds


def table(rounds: Iterable[Round]) -> str:
    """Outcomes of the first pull of each round, with bytes fetched against bytes needed until whole."""
    groups: dict[str, list[Round]] = defaultdict(list)
    for one in rounds:
        groups[one.outcomes[0] if one.outcomes else "none"].append(one)
    lines = ["first pull ended  rounds  fetched/needed mean   max  seconds mean   max  broken promises"]
    for name, group in sorted(groups.items(), key=lambda item: -len(item[1])):
        shares = [one.fetched / one.needed for one in group]
        seconds = [one.seconds for one in group]
        broken = sum(bool(one.broken) for one in group)
        lines.append(
            f"{name:16}  {len(group):6}  {statistics.mean(shares):19.2f} {max(shares):5.2f} "
            f"{statistics.mean(seconds):13.1f} {max(seconds):5.1f}  {broken:15}"
        )
    return "\n".join(lines)


def drawn(rounds: Iterable[Round]) -> str:
    """How often each kind of trouble was in force, and how often each act happened."""
    rounds = list(rounds)
    acts = Counter(act for one in rounds for act in one.acts)
    kinds = Counter(kind for one in rounds for label in one.labels for kind in label.split(", "))
    told = [f"{name} {kinds[name]}" for name in KINDS] + [f"{name} {acts[name]} (happened)" for name in ACTS]
    return f"{sum(len(one.outcomes) for one in rounds)} troubled pulls: " + ", ".join(told)


def run_kills(count: int, seed: int) -> str:
    """`count` kills of pulls of a 100 MB model.

    It is begun anew whenever a pull got through, and after `LATE` kills when only checking and publishing was left.
    """
    luck = random.Random(seed)
    done = whole = models = 0
    lost: list[int] = []
    while done < count:
        with tempfile.TemporaryDirectory(prefix="soak-") as folder, FakeHub() as hub:
            files = {**MODEL, "more.json": b"{}", "vocab.txt": Noise(KILL_SIZE, luck.randrange(99))}
            scene = Scene(Path(folder), hub, files)
            finished = False
            late = 0
            while done < count and late < LATE and not finished:
                before = _recorded(scene)
                late += before == sum(entry.content.size for entry in scene.entries.values())
                killed = kill_once(scene, luck)
                lost.append(max(0, killed.sent - (_recorded(scene) - before)))
                finished = killed.finished
                done += 1
                if done % 25 == 0:
                    print(f"{done} of {count} kills", flush=True)
            models += 1
            whole += finished
            check_five(scene, Outcome())
    return (
        f"{done} kills of {models} models, {whole} pulls had got through before theirs; bytes sent and not recorded at a kill: "
        f"mean {statistics.mean(lost) / 1e6:.1f} MB, most {max(lost) / 1e6:.1f} MB; no promise broken"
    )


def _recorded(scene: Scene) -> int:
    return sum(stop - start for spans in scene.recorded().values() for start, stop in spans)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mixes", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--gib", type=float, default=4.5, help="size of the sparse file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1))
    asked = parser.parse_args()
    started = time.monotonic()
    rounds = run_mixes(asked.mixes, asked.seed, asked.jobs) if asked.mixes else []
    if rounds:
        print(table(rounds))
        print(drawn(rounds))
    if asked.kills:
        print(run_kills(asked.kills, asked.seed))
    if asked.files:
        print(many_files(asked.files))
    if asked.gib:
        print(huge_file(int(asked.gib * (1 << 30))))
    broken = sum(bool(one.broken) for one in rounds)
    print(f"seed {asked.seed}, {time.monotonic() - started:.0f} s, broken promises: {broken}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
