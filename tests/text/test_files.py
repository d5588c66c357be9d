from __future__ import annotations

from pathlib import Path

import pytest

from ingle.errors import StoreError
from ingle.text.files import replace_with_backup


def test_the_old_text_stays_as_a_backup_and_the_mode_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(b"teh\r\n")
    path.chmod(0o640)
    backup = replace_with_backup(path, "the\r\n")
    assert (path.read_bytes(), backup.read_bytes()) == (b"the\r\n", b"teh\r\n")
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["letter.txt", "letter.txt.bak"]


def test_a_link_stays_a_link_to_the_changed_file(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("a")
    link = tmp_path / "link.txt"
    link.symlink_to("real.txt")
    replace_with_backup(link, "b")
    assert link.is_symlink()
    assert (tmp_path / "real.txt").read_text() == "b"


def test_a_file_that_cannot_be_written_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("a")
    (tmp_path / "letter.txt.bak").mkdir()
    with pytest.raises(StoreError):
        replace_with_backup(path, "b")
    assert path.read_text() == "a"
