"""Measures the MLX engine against mlx_lm.server and mlx_lm.generate in the same run: same machine, model, prompts.

    .venv/bin/python bench/mlx.py [--model FOLDER] [--tokens 24] [--rounds 3] [--only single generate ...]

Without --model: the starter's own weights as an MLX folder (made by tests/models.py). Within a round both sides
do the same one right after the other, greedily, and who goes first changes with the round, so that whatever else
the machine does meets both. The table has the median of each side and the median of the rounds' ratios, ours
divided by the peer's.

Rows against mlx_lm.server: both are servers on loopback, asked with the same streaming requests.
Rows against mlx_lm.generate, its command, in processes of their own:
  generate  the tokens a second that the command reports of itself, against those a client of our daemon sees with
            the model loaded. Neither counts the start, the load or the prompt. The report divides all tokens by the
            time after the first one; ours leaves the first token out, as its time is not counted.
  command   the whole command from its spawn to its end, against `ingle run` in an empty home: command, daemon,
            worker, load, prompt and answer. Nothing is left running from before on either side.
  ready     `from mlx_lm import load; load(...)` in a new interpreter, against our worker from its spawn to ready.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

# this file has the name of the package it measures: look for packages elsewhere, and for bench/ and tests/
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.commands import ingle_run, mlx_lm_generate, mlx_lm_load, worker_start
from bench.servers import Server, ours, peer, user

Theirs = TypeVar("Theirs")
Mine = TypeVar("Mine")

STORY = "Write a long story about a {} and its journey to the sea, with many details."
WORDS = (
    "river",
    "fox",
    "wheel",
    "cloud",
    "letter",
    "ship",
    "stone",
    "song",
    "child",
    "train",
    "lamp",
    "crow",
)
CLIENTS, STREAMS = 8, 4


@dataclass(frozen=True)
class Row:
    """One line of the table. `higher` says whether more is better; `on_cpu` is the bound with CPU mode."""

    name: str
    unit: str
    higher: bool
    everywhere: float | None
    on_cpu: float | None

    def bound(self, cpu: bool) -> float | None:
        return self.on_cpu if cpu and self.on_cpu is not None else self.everywhere


SERVED = {
    "single": Row("one stream", "tokens/s", True, 1.0, 1.8),
    "eight": Row(f"{CLIENTS} clients, together", "tokens/s", True, 1.1, 6.0),
    "prefill": Row("prefill", "tokens/s", True, None, 12.0),
    "newcomer": Row(f"newcomer's first token, {STREAMS} others streaming", "s", False, 0.5, None),
    "second": Row("second turn's first token", "s", False, 1.0, None),
}
COMMANDED = {
    "generate": Row("one stream, against `mlx_lm.generate`'s own report", "tokens/s", True, 1.0, 1.8),
    "command": Row("whole command, `mlx_lm.generate` and `ingle run`", "s", False, None, None),
    "ready": Row("spawn to ready, against `mlx_lm.load`", "s", False, 0.8, None),
}
ROWS = SERVED | COMMANDED


@dataclass(frozen=True)
class Turn:
    """One measurement of both sides, one right after the other."""

    theirs: float
    mine: float


class Found:
    """What the rounds gave: turns by row, and how many of both sides' answers were the same."""

    def __init__(self) -> None:
        self.turns: dict[str, list[Turn]] = {}
        self.answers = 0
        self.alike = 0

    def add(self, key: str, theirs: float, mine: float) -> None:
        self.turns.setdefault(key, []).append(Turn(theirs, mine))
        print(f"{key:9s} mlx_lm {theirs:8.3f}   Ingle {mine:8.3f}", file=sys.stderr, flush=True)

    def compare(self, theirs: str, mine: str) -> None:
        self.answers += 1
        self.alike += theirs.strip() == mine.strip()


def in_turn(round_: int, theirs: Callable[[], Theirs], mine: Callable[[], Mine]) -> tuple[Theirs, Mine]:
    """Both, one after the other; who goes first changes with the round."""
    if round_ % 2 == 0:
        first = theirs()
        return first, mine()
    ahead = mine()
    return theirs(), ahead


def against_server(folder: Path, tokens: int, rounds: int, keys: Sequence[str], found: Found) -> None:
    """The rows of `SERVED`. No prompt is asked twice, so that none is in a cache before its turn."""
    with peer(folder) as theirs, ours(folder, CLIENTS) as mine:
        for side in (theirs, mine):
            side.stream(user("Warm up."), 4)
        for round_, word in enumerate(WORDS[:rounds]):
            for key, take in measures(round_, word, tokens).items():
                if key in keys:
                    found.add(key, *in_turn(round_, partial(take, theirs), partial(take, mine)))


def against_commands(folder: Path, tokens: int, rounds: int, keys: Sequence[str], found: Found) -> None:
    """The rows of `COMMANDED`."""
    if "generate" in keys or "command" in keys:
        with ours(folder, 1) as server:
            server.stream(user("Warm up."), 4)
            for round_, word in enumerate(WORDS[:rounds]):
                one_answer(server, folder, round_, STORY.format(word), tokens, found)
    for round_ in range(rounds if "ready" in keys else 0):
        found.add("ready", *in_turn(round_, partial(mlx_lm_load, folder), partial(worker_start, folder)))


def one_answer(server: Server, folder: Path, round_: int, text: str, tokens: int, found: Found) -> None:
    """Both rows of one prompt: the peer's one command gives its report and its whole time."""
    theirs, (heard, run) = in_turn(
        round_,
        lambda: mlx_lm_generate(folder, text, tokens),
        lambda: (server.stream(user(text), tokens), ingle_run(folder, text, tokens)),
    )
    if (theirs.prompt, theirs.tokens) != (heard.prompt, heard.tokens):
        raise SystemExit(f"not the same work: {theirs} and {heard}")
    found.add("generate", theirs.rate, heard.rate)
    found.add("command", theirs.seconds, run.seconds)
    found.compare(theirs.text, heard.text)
    found.compare(theirs.text, run.text)


def measures(round_: int, word: str, tokens: int) -> dict[str, Callable[[Server], float]]:
    """What a round measures of a server: from a server to a number."""
    return {
        "single": lambda side: side.stream(user(STORY.format(word)), tokens).rate,
        "prefill": lambda side: prefill(side, round_),
        "eight": lambda side: together(side, round_, tokens),
        "newcomer": lambda side: newcomer(side, round_, tokens),
        "second": lambda side: second_turn(side, word),
    }


def prefill(server: Server, round_: int) -> float:
    """Prompt tokens a second, to the first token of the answer."""
    long = " ".join(f"{word} {number}" for number in range(round_, round_ + 8) for word in WORDS)
    heard = server.stream(user(f"Repeat the last word: {long}"), 1)
    return heard.prompt / heard.first


def together(server: Server, round_: int, tokens: int) -> float:
    """Tokens a second of all clients, from the first request to the last token, prompts included."""
    counts: list[int] = []
    asked = [f"{round_}: describe a {word} to somebody who has never seen one." for word in WORDS[:CLIENTS]]
    began = time.perf_counter()
    threads = [
        threading.Thread(target=lambda text=text: counts.append(server.stream(user(text), tokens).tokens))
        for text in asked
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def newcomer(server: Server, round_: int, tokens: int) -> float:
    """Seconds to the first token of a short question while others are in the middle of their answers."""
    begun = [threading.Event() for _ in range(STREAMS)]
    streams = [
        threading.Thread(
            target=server.stream,
            args=(user(f"{round_}: " + STORY.format(word)), 3 * tokens, event.set),
        )
        for word, event in zip(WORDS[-STREAMS:], begun, strict=True)
    ]
    for thread in streams:
        thread.start()
    for event in begun:
        event.wait()
    heard = server.stream(user(f"{round_} plus two?"), 1)
    for thread in streams:
        thread.join()
    return heard.first


def second_turn(server: Server, word: str) -> float:
    opening = user(f"Tell me one thing about a {word}. " + "Be kind, be brief and be clear. " * 6)
    answer = server.stream(opening, 8)
    turns = [*opening, {"role": "assistant", "content": answer.text}, *user("And another thing?")]
    return server.stream(turns, 1).first


def table(turns: dict[str, list[Turn]], cpu: bool) -> list[str]:
    lines = ["| what | mlx_lm | Ingle | ratio | goal | |", "|---|---|---|---|---|---|"]
    for key, row in ROWS.items():
        if key not in turns:
            continue
        theirs = statistics.median(turn.theirs for turn in turns[key])
        mine = statistics.median(turn.mine for turn in turns[key])
        ratio = statistics.median(turn.mine / turn.theirs for turn in turns[key])
        bound = row.bound(cpu)
        if bound is None:
            goal, held = "", ""
        else:
            goal = f"at {'least' if row.higher else 'most'} {bound}"
            held = "holds" if (ratio >= bound if row.higher else ratio <= bound) else "missed"
        numbers = f"{theirs:.2f} {row.unit} | {mine:.2f} {row.unit} | {ratio:.2f}"
        lines.append(f"| {row.name} | {numbers} | {goal} | {held} |")
    return lines


def head(folder: Path, words: Sequence[str], cpu: bool) -> str:
    """The command as it was given, and what it ran on."""
    where = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, {'CPU' if cpu else 'GPU'}"
    load = "/".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"`{' '.join(['python bench/mlx.py', *words])}`, {datetime.date.today():%Y-%m-%d}: {where}, load {load} "
        f"at the end; model {folder.name}; mlx {version('mlx')}, mlx-lm {version('mlx-lm')}, "
        f"Python {platform.python_version()}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3, help=f"at most {len(WORDS)}")
    parser.add_argument("--only", nargs="+", choices=list(ROWS), default=list(ROWS), metavar="ROW")
    given = parser.parse_args()
    if given.model is not None and not given.model.is_dir():
        parser.error(f"{given.model} is no folder; a model in MLX's form is wanted")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # the servers end with us
    folder = given.model
    if folder is None:
        from tests.models import starter_mlx

        folder = starter_mlx()
    found = Found()
    for rows, compare in ((SERVED, against_server), (COMMANDED, against_commands)):
        keys = [key for key in rows if key in given.only]
        if keys:
            compare(folder, given.tokens, given.rounds, keys, found)
    import mlx.core as mx

    cpu = mx.default_device().type == mx.DeviceType.cpu
    print("\n".join([head(folder, sys.argv[1:], cpu), "", *table(found.turns, cpu)]))
    if found.answers:
        print(f"\n{found.alike} of {found.answers} answers were those of `mlx_lm.generate`, to the letter.")


if __name__ == "__main__":
    main()
