"""How quickly the metadata of a GGUF with a 262k-token vocabulary is read, against the `gguf` package.

    .venv/bin/python bench/gguf_header.py [FILE.gguf]

Without a file it writes one with the tokenizer arrays of a model of that size (262,144 tokens with scores and
types, 514,906 merges, which is what such a model carries) and a chat template. The peer is measured where the
`gguf` package is installed.
"""

from __future__ import annotations

import argparse
import importlib
import random
import statistics
import struct
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from ingle.catalog.gguf import GgufHeader, read_header

TOKENS = 262_144
MERGES = 514_906
PROMISE_S = 0.2
ROUNDS = 7
STRING, ARRAY, U32, I32, F32 = 8, 9, 4, 5, 6


def write_model(path: Path) -> None:
    """A file with the metadata of a large-vocabulary model and one small tensor."""
    dice = random.Random(262_144)
    words = ["".join(dice.choices("etaoinshrdlu ", k=dice.randint(1, 12))) for _ in range(20_000)]
    tokens = (f"{words[number % 20_000]}{number}" for number in range(TOKENS))
    merges = (f"{dice.choice(words)} {dice.choice(words)}" for _ in range(MERGES))
    keys = [
        _key("general.architecture", STRING, _text("gemma3")),
        _key("gemma3.context_length", U32, struct.pack("<I", 131_072)),
        _key("tokenizer.ggml.tokens", ARRAY, _array(STRING, TOKENS, map(_text, tokens))),
        _key("tokenizer.ggml.scores", ARRAY, _array(F32, TOKENS, [bytes(4 * TOKENS)])),
        _key("tokenizer.ggml.token_type", ARRAY, _array(I32, TOKENS, [bytes(4 * TOKENS)])),
        _key("tokenizer.ggml.merges", ARRAY, _array(STRING, MERGES, map(_text, merges))),
        _key("tokenizer.chat_template", STRING, _text("{{ messages }}" * 500)),
        _key("general.file_type", U32, struct.pack("<I", 15)),
    ]
    tensor = _text("output_norm.weight") + struct.pack("<IQIQ", 1, 64, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(keys)) + b"".join(keys) + tensor
    path.write_bytes(head + bytes(-len(head) % 32) + bytes(256))


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _key(name: str, kind: int, value: bytes) -> bytes:
    return _text(name) + struct.pack("<I", kind) + value


def _array(kind: int, count: int, parts: Iterable[bytes]) -> bytes:
    return struct.pack("<IQ", kind, count) + b"".join(parts)


def ours(path: Path) -> GgufHeader:
    """Our reader, on an unbuffered file as the store opens it."""
    with path.open("rb", buffering=0) as file:
        return read_header(file, path=path, size=path.stat().st_size)


def median_seconds(read: Callable[[Path], object], path: Path, rounds: int) -> float:
    """The middle of `rounds` runs."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        read(path)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path)
    asked = parser.parse_args()
    if asked.file is not None and not asked.file.is_file():
        parser.error(f"{asked.file} is no file; a .gguf is wanted")
    with tempfile.TemporaryDirectory() as folder:
        path = asked.file or Path(folder) / "vocabulary.gguf"
        if asked.file is None:
            write_model(path)
        header = ours(path)
        seconds = median_seconds(ours, path, ROUNDS)
        size = path.stat().st_size
        print(f"file                {size / 1e6:8.1f} MB, header {header.data_start / 1e6:.1f} MB")
        print(f"vocabulary          {header.vocabulary:>8,} tokens")
        print(f"ingle               {seconds * 1000:8.1f} ms   (promise: {PROMISE_S * 1000:.0f} ms)")
        try:
            peer = importlib.import_module("gguf").GGUFReader
        except ImportError:
            print("gguf package        not installed here (pip install gguf)")
        else:
            theirs = median_seconds(peer, path, 1)
            print(f"gguf package        {theirs * 1000:8.1f} ms   {theirs / seconds:.0f}x ours")
    return 0 if seconds <= PROMISE_S else 1


if __name__ == "__main__":
    raise SystemExit(main())
