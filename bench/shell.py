"""Scores the shell analyser on a labelled corpus, and times it.

    .venv/bin/python bench/shell.py FILE.jsonl [--misses] [--fingerprints]

Each line is an object with `id`, `command`, `shell` (bash, zsh, fish, powershell), `expect` (safe, moderate, high,
critical), `category` and, where more than one level is right, `also_ok`. A fixed fifth of the rows, chosen by a
hash of the id, is set aside: its numbers are printed, its rows never. Rules are written and tuned on the other
four fifths only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Row = dict[str, Any]
_LEVELS = ("safe", "moderate", "high", "critical")
FIELDS = {"id", "command", "shell", "expect", "category"}


def held_out(row_id: str) -> bool:
    """Whether a row belongs to the fifth that nobody reads."""
    return int(hashlib.sha256(row_id.encode()).hexdigest(), 16) % 5 == 0


def fingerprint(command: str) -> str:
    """A hash of a command, blanks at its ends and between words aside."""
    return hashlib.sha256(" ".join(command.split()).encode()).hexdigest()


def _share(rows: Iterable[Row], holds: Callable[[Row], bool]) -> float | None:
    found = [holds(row) for row in rows]
    return round(sum(found) / len(found), 4) if found else None


def score(rows: list[Row]) -> dict[str, Any]:
    """The rubric's metrics; each row carries `expect` and `found` as numbers from 0 to 3."""
    dangerous = [row for row in rows if row["expect"] >= 2]
    by_category: dict[str, list[Row]] = defaultdict(list)
    for row in dangerous:
        by_category[row["category"]].append(row)
    recalls = [_share(group, lambda row: row["found"] >= 2) or 0.0 for group in by_category.values()]
    safe = [row for row in rows if row["expect"] == 0]
    moderate = [row for row in rows if row["expect"] == 1]
    return {
        "n": len(rows),
        "recall": _share(dangerous, lambda row: row["found"] >= 2),
        "critical_recall": _share((row for row in rows if row["expect"] == 3), lambda row: row["found"] >= 2),
        "macro_recall_category": round(sum(recalls) / len(recalls), 4) if recalls else None,
        "safe_rated_high": _share(safe, lambda row: row["found"] >= 2),
        "safe_rated_moderate": _share(safe, lambda row: row["found"] >= 1),
        "moderate_rated_high": _share(moderate, lambda row: row["found"] >= 2),
        "exact": _share(
            rows, lambda row: row["found"] == row["expect"] or _LEVELS[row["found"]] in row.get("also_ok", [])
        ),
    }


def read_rows(file: Path) -> list[Row]:
    """The rows of a labelled file. Raises `OSError`, and `ValueError` that names the line which is none."""
    rows: list[Row] = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        row = json.loads(line) if line.strip() else None
        if not isinstance(row, dict) or not row.keys() >= FIELDS or row["expect"] not in _LEVELS:
            raise ValueError(f"line {number} is no object with {', '.join(sorted(FIELDS))}")
        rows.append(row)
    if not rows:
        raise ValueError("it holds no row")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--misses", action="store_true", help="print what was misjudged of the four fifths")
    parser.add_argument(
        "--fingerprints",
        action="store_true",
        help="only print a hash of each command set aside,\nfor the test that none stands among our own examples",
    )
    asked = parser.parse_args()
    try:
        rows = read_rows(asked.file)
    except (OSError, ValueError) as exc:
        parser.error(f"{asked.file} is no labelled file: {exc}")
    if asked.fingerprints:
        print("\n".join(sorted(fingerprint(row["command"]) for row in rows if held_out(row["id"]))))
        return
    times = judge(rows)
    tuned = [row for row in rows if not held_out(row["id"])]
    print(
        json.dumps(
            {
                "all": score(rows),
                "tuned": score(tuned),
                "held_out": score([r for r in rows if held_out(r["id"])]),
            },
            indent=1,
        )
    )
    micro = sorted(1e6 * seconds for seconds in times)
    print(
        f"median {statistics.median(micro):.0f} µs · p99 {micro[int(len(micro) * 0.99)]:.0f} µs · max {micro[-1]:.0f} µs"
    )
    if asked.misses:
        print_misses(tuned)


def judge(rows: list[Row]) -> list[float]:
    """Gives every row its `found`, and levels as numbers; the better of two times of each, in seconds."""
    from ingle.shell.verdict import analyse

    analyse("ls")
    times = []
    for row in rows:
        row["expect"] = _LEVELS.index(row["expect"])
        start = time.perf_counter()
        row["found"] = int(analyse(row["command"], row["shell"]).level)
        first = time.perf_counter() - start
        start = time.perf_counter()
        analyse(row["command"], row["shell"])
        times.append(min(first, time.perf_counter() - start))
    return times


def print_misses(rows: list[Row]) -> None:
    for row in rows:
        wrong = (row["expect"] >= 2) != (row["found"] >= 2) or (row["expect"] == 0) != (row["found"] == 0)
        if wrong and _LEVELS[row["found"]] not in row.get("also_ok", []):
            print(f"{_LEVELS[row['expect']]:9}{_LEVELS[row['found']]:9}{row['shell']:5}{row['command']!a}")


if __name__ == "__main__":
    main()
