"""The clipboard's programs: which are chosen, and that what goes through them is unchanged."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ingle.errors import IngleError, Unsupported
from ingle.text.clipboard import Programs, find_programs, read_clipboard, write_clipboard

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("platform", "installed", "reads"),
    [
        ("darwin", {"pbpaste", "pbcopy", "xclip"}, "pbpaste"),
        ("linux", {"wl-paste", "wl-copy", "xclip"}, "wl-paste"),
        ("linux", {"wl-paste", "xclip"}, "xclip"),
        ("linux", {"xsel"}, "xsel"),
    ],
)
def test_the_first_pair_that_is_installed_is_taken(platform: str, installed: set[str], reads: str) -> None:
    found = find_programs(lambda name: name if name in installed else None, platform)
    assert found[0].read[0] == reads


def test_a_machine_without_one_says_what_to_install() -> None:
    with pytest.raises(Unsupported, match="No clipboard program") as caught:
        find_programs(lambda _name: None, "linux")
    assert "xclip" in caught.value.hint


def test_letters_and_line_ends_come_back_as_they_were_put(tmp_path: Path) -> None:
    board = str(tmp_path / "board")
    script = "import sys, shutil\nwith open(sys.argv[1], 'rb') as f: shutil.copyfileobj(f, sys.stdout.buffer)"
    keep = "import sys, shutil\nwith open(sys.argv[1], 'wb') as f: shutil.copyfileobj(sys.stdin.buffer, f)"
    programs = Programs((sys.executable, "-c", script, board), (sys.executable, "-c", keep, board))
    for text in ("", "one\r\ntwo\n", "„Übung“ 日本\u2028\n\n"):
        write_clipboard(text, [programs])
        assert read_clipboard([programs]) == text


def test_a_program_that_fails_is_named() -> None:
    failing = (sys.executable, "-c", "raise SystemExit('no display\\n')")
    with pytest.raises(IngleError) as caught:
        read_clipboard([Programs(failing, failing)])
    said = "The clipboard could not be read: {} ended with exit code 1: no display."
    assert caught.value.message == said.format(sys.executable)
    assert "pipe" in caught.value.hint
    with pytest.raises(IngleError, match=r"could not be written: .* exit code 1: no display\."):
        write_clipboard("x", [Programs(failing, failing)])


def test_a_clipboard_that_holds_no_text_says_so() -> None:
    picture = (sys.executable, "-c", "import sys; sys.stdout.buffer.write(b'\\xff\\xfe\\x00')")
    with pytest.raises(IngleError, match="not UTF-8 text"):
        read_clipboard([Programs(picture, picture)])


def test_where_the_programs_of_the_other_display_fail_the_next_ones_are_taken(tmp_path: Path) -> None:
    board = tmp_path / "board"
    board.write_text("here")
    failing = (sys.executable, "-c", "raise SystemExit('no display')")
    show = "import sys; sys.stdout.write(open(sys.argv[1]).read())"
    keep = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    working = Programs((sys.executable, "-c", show, str(board)), (sys.executable, "-c", keep, str(board)))
    assert read_clipboard([Programs(failing, failing), working]) == "here"
    write_clipboard("there", [Programs(failing, failing), working])
    assert board.read_text() == "there"
