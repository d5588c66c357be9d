"""Measures pulls against huggingface_hub and aria2c in the same run, and what kills, repairs and checks cost.

    python bench/pull.py [--mib 1024] [--rounds 3] [--folder DIR] [--only rate,kill,repair,verify,plan]

Random bytes on loopback: nginx serves them when it is installed (package `nginx-light`), else the Python hub of
the tests does, which is slower and said in the table. `aria2c` (package `aria2`) is a row when it is
installed. Every contestant is a process of its own; CPU seconds are what the kernel counted for it. Each
figure is the best of the rounds: the others tell how busy the machine was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.serving import FILE, MIB, Front, make_file, nginx, weights_head
from tests.fakes.content import Many
from tests.fakes.hub import FakeHub

NAME = "bench/model"
SMALL = {"config.json": b'{"model_type": "llama"}', "tokenizer.json": b'{"version": "1.0"}'}
GIB = 1 << 30


@dataclass
class Ran:
    """One run of one contestant: seconds on the clock, CPU seconds, peak memory in bytes, what it printed."""

    wall: float
    cpu: float
    memory: int
    said: str


def run(command: list[str], kill_after: int | None = None) -> Ran:
    """Runs a process; with `kill_after` kills it once a line it prints begins with at least that number."""
    began = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    lines = []
    for line in child.stdout:
        lines.append(line)
        if kill_after is not None and line.split()[0].isdigit() and int(line.split()[0]) >= kill_after:
            child.kill()
            break
    child.stdout.close()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode and kill_after is None:
        raise SystemExit(f"{command} ended with {child.returncode}")
    scale = 1 if sys.platform == "darwin" else 1024
    return Ran(
        time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale, "".join(lines)
    )


def contestant(how: str, folder: Path, endpoint: str) -> list[str]:
    return [sys.executable, __file__, "--run", how, "--folder", str(folder), "--endpoint", endpoint]


# what runs in the contestants' processes


def run_contestant(how: str, folder: Path, endpoint: str) -> None:
    if how == "hf":
        os.environ["HF_HUB_DISABLE_XET"] = os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
        from huggingface_hub import snapshot_download

        snapshot_download(NAME, cache_dir=folder / "hub", endpoint=endpoint)
        return
    from ingle.catalog.model import ModelRef
    from ingle.config import load_config
    from ingle.hub.pull import PullOptions, plan, pull
    from ingle.hub.repair import repair
    from ingle.hub.transfer import Tuning

    config = load_config(cache=folder / "hub", home=folder / "home", endpoints=(endpoint,))
    ref = ModelRef(name=NAME, repo_id=NAME)
    if how == "plan":
        print(len(plan(ref, config).files))
    elif how == "verify":
        print(json.dumps(verify_rate(folder)))
    else:
        options = PullOptions(tuning=Tuning(verify=how != "unverified"))
        work = repair if how == "repair" else pull
        for event in work(ref, config, options=options):
            print(event.bytes_done, event.phase, flush=True)


def verify_rate(folder: Path) -> dict[str, float]:
    """Bytes a CPU second of our check of a warm file, and of hashlib's SHA-256 alone."""
    import threading

    from ingle.catalog.listing import DigestKind, ListedFile
    from ingle.hub.verify import check_file, survey

    (blob,) = (path for path in (folder / "hub").glob("models--*/blobs/*") if path.stat().st_size > MIB)
    file = ListedFile(FILE, blob.stat().st_size, blob.name, DigestKind.SHA256)
    blob.read_bytes()
    rates = {}
    for name, check in (
        ("verify", lambda: check_file(blob, file)),
        ("verify and piece digests", lambda: survey(blob, file, threading.Event())),
    ):
        began = time.process_time()
        check()
        rates[name] = file.size / (time.process_time() - began)
    data = os.urandom(64 * MIB)
    began = time.process_time()
    hashlib.sha256(data).digest()
    rates["hashlib alone"] = len(data) / (time.process_time() - began)
    return rates


def sent(folder: Path, hub: FakeHub, served: str | None) -> int:
    """Bytes of the large file that went out so far."""
    if served is None:
        return hub.bytes_sent(FILE)
    time.sleep(0.2)  # nginx writes a line when a request has ended
    return sum(int(line) for line in (folder / "access.log").read_text().split())


@dataclass
class Bench:
    """One server with its file, and the folder everything lies in."""

    folder: Path
    hub: FakeHub
    served: str | None
    size: int
    digest: str
    rounds: int

    def fresh(self) -> Path:
        """An empty folder for one run; the runs before are deleted."""
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        (self.folder / "run").mkdir()
        return self.folder / "run"

    def best(self, how: str) -> Ran:
        return min(
            (run(contestant(how, self.fresh(), self.hub.url)) for _ in range(self.rounds)),
            key=lambda ran: ran.wall,
        )

    def aria2(self) -> Ran | None:
        binary = shutil.which("aria2c")
        if binary is None or self.served is None:
            return None
        command = [binary, "-q", "-x8", "-s8", "-k8M", "--file-allocation=falloc"]
        command += [f"--checksum=sha-256={self.digest}", f"{self.served}/{FILE}"]
        return min(
            (run([*command, "-d", str(self.fresh())]) for _ in range(self.rounds)), key=lambda ran: ran.wall
        )


def bench_rate(bench: Bench) -> list[str]:
    peers = {
        "huggingface_hub snapshot_download, unverified": bench.best("hf"),
        "aria2c -x8 with checksum": bench.aria2(),
    }
    ours = bench.best("pull")
    bare = bench.best("unverified")
    rows = ["| pull of one file | GiB/s | seconds | CPU seconds | ours is |", "|---|---|---|---|---|"]

    def row(name: str, ran: Ran, against: str) -> str:
        return f"| {name} | {bench.size / GIB / ran.wall:.2f} | {ran.wall:.2f} | {ran.cpu:.2f} | {against} |"

    rows.append(row("Ingle, verified", ours, ""))
    cost = (ours.wall / bare.wall - 1) * 100
    rows.append(row("Ingle, nothing hashed", bare, f"{cost:+.0f} % time (wanted: at most +10 %)"))
    for name, ran in peers.items():
        if ran is None:
            rows.append(f"| {name} | left out: `aria2c` or `nginx` is not installed | | | |")
            continue
        wanted = "2.5x the rate, 0.5x the CPU" if name.startswith("hugging") else "2x the rate"
        against = (
            f"{ran.wall / ours.wall:.2f}x the rate, {ours.cpu / ran.cpu:.2f}x the CPU (wanted: {wanted})"
        )
        rows.append(row(name, ran, against))
    return rows


def bench_kill(bench: Bench) -> list[str]:
    dice = random.Random(7)
    worst = 0
    for _ in range(bench.rounds):
        folder = bench.fresh()
        before = sent(bench.folder, bench.hub, bench.served)
        run(contestant("pull", folder, bench.hub.url), kill_after=int(bench.size * dice.uniform(0.2, 0.9)))
        run(contestant("pull", folder, bench.hub.url))
        worst = max(worst, sent(bench.folder, bench.hub, bench.served) - before - bench.size)
    return [
        f"* after `kill -9` at a random moment, {bench.rounds} times: at most {worst / MIB:.0f} MiB fetched again "
        "(wanted: at most 64 MiB and a piece of 8 MiB for each of up to 16 connections)"
    ]


def bench_repair(bench: Bench) -> list[str]:
    folder = bench.fresh()
    run(contestant("pull", folder, bench.hub.url))
    (blob,) = (path for path in (folder / "hub").glob("models--*/blobs/*") if path.stat().st_size > MIB)
    with blob.open("rb+") as file:
        file.seek(bench.size // 2)
        byte = file.read(1)
        file.seek(bench.size // 2)
        file.write(bytes([byte[0] ^ 1]))
    before = sent(bench.folder, bench.hub, bench.served)
    ran = run(contestant("repair", folder, bench.hub.url))
    fetched = sent(bench.folder, bench.hub, bench.served) - before
    return [
        f"* repair of one flipped byte: {fetched / MIB:.1f} MiB fetched in {ran.wall:.1f} s (wanted: one piece, 8 MiB)"
    ]


def bench_verify(bench: Bench) -> list[str]:
    folder = bench.fresh()
    run(contestant("pull", folder, bench.hub.url))
    rates = json.loads(run(contestant("verify", folder, bench.hub.url)).said)
    said = ", ".join(f"{name} {rate / GIB:.2f}" for name, rate in rates.items())
    return [f"* GiB a second and core, warm: {said} (wanted: verify 1.0, where hashlib alone allows it)"]


def bench_plan(bench: Bench) -> list[str]:
    with Front() as hub:
        hub.add_repo(NAME, _Many())
        run(contestant("plan", bench.fresh(), hub.url))  # the hub makes its pages
        ran = run(contestant("plan", bench.fresh(), hub.url))
    return [
        f"* plan of {ran.said.strip()} files: {ran.wall:.1f} s, {ran.cpu:.1f} CPU seconds of it ours, "
        f"{ran.memory / MIB:.0f} MiB at the peak (wanted: under 10 s, under 300 MB)"
    ]


class _Many(Many):
    """99,999 small files beside the three that make them a model."""

    def __init__(self) -> None:
        super().__init__(99_999)

    def __len__(self) -> int:
        return super().__len__() + len(SMALL) + 1

    def __iter__(self) -> Iterator[str]:
        yield from SMALL
        yield FILE
        yield from super().__iter__()

    def __getitem__(self, name: str) -> bytes:
        own: dict[str, bytes] = {**SMALL, FILE: weights_head(0)}
        return own[name] if name in own else super().__getitem__(name)


BENCHES = {
    "rate": bench_rate,
    "kill": bench_kill,
    "repair": bench_repair,
    "verify": bench_verify,
    "plan": bench_plan,
}


def main() -> None:
    asked: Any = _arguments()
    if asked.run:
        run_contestant(asked.run, asked.folder, asked.endpoint)
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=asked.folder)))
        (folder / "www").mkdir()
        size = asked.mib * MIB
        digest = make_file(folder / "www" / FILE, size)
        served = stack.enter_context(nginx(folder, asked.port))
        hub = stack.enter_context(Front())
        hub.served = served
        hub.add_repo(NAME, {**SMALL, FILE: folder / "www" / FILE})
        bench = Bench(folder, hub, served, size, digest, asked.rounds)
        who = "nginx" if served else "the tests' Python hub (nginx is not installed)"
        print(
            f"{asked.mib} MiB from {who}, {os.cpu_count()} cores ({platform.processor() or platform.machine()})\n"
        )
        for name in asked.only.split(","):
            print("\n".join(BENCHES[name](bench)), flush=True)
            print()


def _arguments() -> Any:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--port", type=int, default=18089)
    parser.add_argument("--only", default=",".join(BENCHES))
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--endpoint", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.folder is not None and not asked.folder.is_dir():
        parser.error(f"{asked.folder} is no folder")
    if unknown := sorted(set(asked.only.split(",")) - set(BENCHES)):
        parser.error(f"there is no bench {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    return asked


if __name__ == "__main__":
    main()
