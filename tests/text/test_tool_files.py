"""Whoever asks for tools again and again parses each file once, and never uses an old one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingle.errors import InvalidConfig
from ingle.text.tool import ToolFiles


def write(path: Path, intent: str) -> None:
    path.write_text(f"---\nname: pirate\nintent: {intent}\n---\nTalk like a pirate.\n===\n{{text}}\n")


def test_a_file_that_is_the_same_is_not_parsed_again(tmp_path: Path) -> None:
    write(tmp_path / "pirate.md", "Arr.")
    files = ToolFiles(tmp_path)
    first, second = files.open(), files.open()
    for name in ("pirate", "proofread"):
        assert first.find(name) is second.find(name)


def test_a_file_that_changed_is_read_anew_also_where_its_size_or_its_time_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "pirate.md"
    write(path, "Arr.")
    files = ToolFiles(tmp_path)
    assert files.open().find("pirate").intent == "Arr."
    was = path.stat()
    path.with_suffix(".new").write_text(path.read_text().replace("Arr.", "Yo!."))
    os.utime(path.with_suffix(".new"), ns=(was.st_atime_ns, was.st_mtime_ns))
    path.with_suffix(".new").replace(path)
    assert files.open().find("pirate").intent == "Yo!."
    write(path, "Longer.")
    assert files.open().find("pirate").intent == "Longer."


def test_a_file_that_is_gone_is_no_tool_any_more_and_a_new_one_is(tmp_path: Path) -> None:
    files = ToolFiles(tmp_path)
    assert "pirate" not in files.open().tools
    write(tmp_path / "pirate.md", "Arr.")
    assert "pirate" in files.open().tools
    (tmp_path / "pirate.md").unlink()
    assert "pirate" not in files.open().tools


def test_a_broken_file_is_told_each_time_by_an_error_of_its_own_and_is_whole_once_mended(
    tmp_path: Path,
) -> None:
    path = tmp_path / "pirate.md"
    path.write_text("no front matter")
    files = ToolFiles(tmp_path)
    told = []
    for _ in range(2):
        with pytest.raises(InvalidConfig) as caught:
            files.open().find("pirate")
        told.append(caught.value)
    assert told[0] is not told[1] and str(told[0]) == str(told[1])
    write(path, "Arr.")
    assert files.open().find("pirate").intent == "Arr."
