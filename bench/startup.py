"""How quickly the command line answers: `ingle --version` against a bare interpreter, `ingle list` of 100.

    .venv/bin/python bench/startup.py [--rounds 15] [--models 100]

Prints medians of interleaved rounds and whether the promises hold. The peer of the version is `python -c pass` of
the same interpreter, measured in the same rounds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

VERSION_RATIO = 3.0
LIST_S = 0.4


def measure(commands: Sequence[Sequence[str]], env: dict[str, str], rounds: int) -> list[float]:
    """Median seconds of each command; the rounds are interleaved, so that a busy moment hits them all."""
    times: list[list[float]] = [[] for _ in commands]
    for _ in range(rounds):
        for index, command in enumerate(commands):
            begun = time.perf_counter()
            subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
            times[index].append(time.perf_counter() - begun)
    return [statistics.median(one) for one in times]


def fill_cache(cache: Path, count: int) -> None:
    """`count` small but real MLX models in the layout of the shared cache."""
    for number in range(count):
        commit = hashlib.sha1(b"%d" % number).hexdigest()
        repo = cache / f"models--bench--model-{number:03d}"
        (repo / "refs").mkdir(parents=True)
        (repo / "refs" / "main").write_text(commit)
        (repo / "blobs").mkdir()
        folder = repo / "snapshots" / commit
        folder.mkdir(parents=True)
        for name, content in model_files(number).items():
            digest = hashlib.sha256(content).hexdigest()
            (repo / "blobs" / digest).write_bytes(content)
            (folder / name).symlink_to(Path("../../blobs") / digest)


def model_files(number: int) -> dict[str, bytes]:
    """The files of one small MLX model, by name; every number gives other bytes."""
    header = {"w": {"dtype": "U32", "shape": [2, 2], "data_offsets": [0, 16]}}
    head = json.dumps(header).encode()
    config = {"model_type": "llama", "quantization": {"bits": 4, "group_size": 64}, "serial": number}
    return {
        "config.json": json.dumps(config).encode(),
        "tokenizer.json": json.dumps({"serial": number}).encode(),
        "tokenizer_config.json": b"{}",
        "model.safetensors": len(head).to_bytes(8, "little") + head + number.to_bytes(16, "little"),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--models", type=int, default=100, help="how many lie in the cache that is listed")
    asked = parser.parse_args()
    ingle = str(Path(sys.executable).with_name("ingle"))
    with tempfile.TemporaryDirectory() as place:
        cache = Path(place) / "cache"
        fill_cache(cache, asked.models)
        env = {"HOME": place, "INGLE_HOME": f"{place}/ingle", "HF_HUB_CACHE": str(cache), "PATH": "/usr/bin"}
        listed = json.loads(subprocess.check_output([ingle, "list", "--json"], env=env))
        commands = [[sys.executable, "-c", "pass"], [ingle, "--version"], [ingle, "list"]]
        bare, version, listing = measure(commands, env, asked.rounds)
    ratio = version / bare
    print(f"python -c pass          {bare * 1000:7.1f} ms")
    print(
        f"ingle --version         {version * 1000:7.1f} ms   {ratio:.2f}x bare (promise: {VERSION_RATIO:.0f}x)"
    )
    print(f"ingle list, {len(listed)} models  {listing * 1000:7.1f} ms   (promise: {LIST_S * 1000:.0f} ms)")
    return 0 if ratio <= VERSION_RATIO and listing <= LIST_S and len(listed) == asked.models else 1


if __name__ == "__main__":
    sys.exit(main())
