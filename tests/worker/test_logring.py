"""The log of a worker is bounded in lines, in length and on disk."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ingle.worker.logring import FILE_BYTES, FILES, KEPT_LINES, LONGEST_LINE, LogRing, log_file


async def follow(log: LogRing, data: bytes) -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(data)
    stream.feed_eof()
    await log.follow(stream)


async def test_lines_are_kept_and_written_also_the_last_without_an_end(tmp_path: Path) -> None:
    log = LogRing(tmp_path / "logs" / "w.log")
    await follow(log, b"one\n\ntwo\r\nthree \xff")
    log.close()
    assert log.lines == ("one", "two", "three \ufffd")
    assert (tmp_path / "logs" / "w.log").read_text().splitlines() == ["one", "two", "three \ufffd"]


async def test_only_the_newest_lines_are_kept() -> None:
    log = LogRing(None)
    await follow(log, b"".join(b"%d\n" % number for number in range(KEPT_LINES + 5)))
    assert len(log.lines) == KEPT_LINES
    assert log.last(2) == (str(KEPT_LINES + 3), str(KEPT_LINES + 4))


async def test_a_line_without_end_is_cut_and_does_not_grow() -> None:
    log = LogRing(None)
    await follow(log, b"x" * 100_000)
    assert max(map(len, log.lines)) <= LONGEST_LINE


def test_the_files_stay_bounded(tmp_path: Path) -> None:
    log = LogRing(tmp_path / "w.log")
    for _ in range(2 * FILES * FILE_BYTES // 50_000):
        log.add("y" * 50_000)
    log.close()
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == FILES
    assert max(sizes) <= FILE_BYTES + 50_001


def test_a_folder_that_cannot_be_made_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    log = LogRing(tmp_path / "file" / "w.log")
    log.add("still kept")
    assert log.lines == ("still kept",)


def test_any_model_name_makes_a_file_name_inside_the_folder(tmp_path: Path) -> None:
    for name in ("qwen3:1.7b", "org/name@main", "../../etc/passwd", "", "x" * 500):
        path = log_file(tmp_path, name)
        assert path.parent == tmp_path
        assert len(path.name) < 100
