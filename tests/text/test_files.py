from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingle.errors import Conflict, NoPermission, StoreError
from ingle.text.files import replace_with_backup


def test_the_old_text_stays_as_a_backup_and_the_mode_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(b"teh\r\n")
    path.chmod(0o640)
    backup = replace_with_backup(path, "the\r\n", was="teh\r\n")
    assert (path.read_bytes(), backup.read_bytes()) == (b"the\r\n", b"teh\r\n")
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["letter.txt", "letter.txt.bak"]


def test_a_link_stays_a_link_to_the_changed_file(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("a")
    link = tmp_path / "link.txt"
    link.symlink_to("real.txt")
    replace_with_backup(link, "b", was="a")
    assert link.is_symlink()
    assert (tmp_path / "real.txt").read_text() == "b"


def test_a_file_that_cannot_be_written_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("a")
    (tmp_path / "letter.txt.bak").mkdir()
    with pytest.raises(StoreError):
        replace_with_backup(path, "b", was="a")
    assert path.read_text() == "a"


def test_a_file_that_was_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("teh cat, and a new sentence")
    with pytest.raises(Conflict, match="changed meanwhile"):
        replace_with_backup(path, "the cat", was="teh cat")
    assert path.read_text() == "teh cat, and a new sentence"
    assert [entry.name for entry in tmp_path.iterdir()] == ["letter.txt"]


def test_a_read_only_file_stays_so_for_a_superuser_too(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("a")
    path.chmod(0o444)
    with pytest.raises(NoPermission, match="write"):
        replace_with_backup(path, "b", was="a")
    assert path.read_text() == "a"
    assert [entry.name for entry in tmp_path.iterdir()] == ["letter.txt"]


def test_a_backup_that_is_a_link_never_writes_through_it(tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("precious")
    path = tmp_path / "letter.txt"
    path.write_text("a")
    (tmp_path / "letter.txt.bak").symlink_to(other)
    backup = replace_with_backup(path, "b", was="a")
    assert (other.read_text(), backup.read_text(), backup.is_symlink()) == ("precious", "a", False)


def test_the_new_file_has_a_new_time_and_the_old_owner(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("a")
    os.utime(path, (1, 1))
    before = path.stat()
    replace_with_backup(path, "b", was="a")
    after = path.stat()
    assert after.st_mtime > before.st_mtime
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
