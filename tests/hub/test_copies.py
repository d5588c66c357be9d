"""The cheapest way to a second place for a file's bytes is taken, and the next one where it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingle.hub.copies import EDITABLE, How, bytes_of, clone, place_copy

pytestmark = pytest.mark.slow


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(b"w" * EDITABLE)
    return path


def _refused(_source: Path, _target: Path) -> bool:
    return False


def _as_a_clone(source: Path, target: Path) -> bool:
    target.write_bytes(source.read_bytes())
    return True


def test_what_can_be_cloned_is_neither_linked_nor_copied(source: Path, tmp_path: Path) -> None:
    steps = list(place_copy(source, tmp_path / "target", link=True, cloned=_as_a_clone))
    assert steps == [How.CLONE]
    assert not (tmp_path / "target").samefile(source)


def test_where_a_clone_is_refused_large_files_are_linked(source: Path, tmp_path: Path) -> None:
    assert list(place_copy(source, tmp_path / "target", link=True, cloned=_refused)) == [How.LINK]
    assert (tmp_path / "target").samefile(source)


def test_where_a_link_is_not_wanted_or_the_file_is_small_it_is_copied(source: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.write_bytes(b"x" * 10)
    for file, link in ((source, False), (small, True)):
        target = tmp_path / f"copy of {file.name}"
        steps = list(place_copy(file, target, link=link, cloned=_refused))
        assert steps[-1] == How.COPY
        assert sum(bytes_of(step, target) for step in steps) == file.stat().st_size
        assert target.read_bytes() == file.read_bytes() and not target.samefile(file)


def test_a_step_counts_all_bytes_at_once_where_none_had_to_be_copied(source: Path) -> None:
    assert [bytes_of(how, source) for how in How] == [EDITABLE, EDITABLE, 0]


def test_the_file_system_clones_or_leaves_nothing(source: Path, tmp_path: Path) -> None:
    """Whichever it is here: see docs/platforms.md for where each was seen."""
    target = tmp_path / "target"
    if clone(source, target):
        assert target.read_bytes() == source.read_bytes()
        with target.open("r+b") as file:
            file.write(b"edited")
        assert source.read_bytes() == b"w" * EDITABLE
    else:
        assert not target.exists()


def test_a_clone_that_the_file_system_refuses_leaves_nothing(tmp_path: Path) -> None:
    """No file system clones into a pseudo file or across to another one."""
    assert not clone(Path("/dev/null"), tmp_path / "target")
    assert not (tmp_path / "target").exists()
