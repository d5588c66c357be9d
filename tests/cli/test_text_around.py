"""`ingle text` in its surroundings: a terminal, a clipboard, options, tools of one's own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import READY, Place
from tests.cli.fake_daemon import CUT, HOLD, FakeDaemon, Lines
from tests.cli.terminal import WAIT_S, OnTerminal

MODEL = "/models/some.gguf"
DONE = {"done": {"improved": {"tool": "proofread", "text": "The cat", "changed": True, "units": 1}}}


def improving(text: str, *, changed: bool = True, reason: str | None = None) -> Lines:
    made = {"tool": "proofread", "text": text, "changed": changed, "reason": reason, "units": 1}
    kept = [{"start": 0, "end": len(text), "reason": reason}] if reason else []
    half = len(text) // 2
    pieces = [
        {"piece": {"text": text[:half], "progress": 0.5}},
        {"piece": {"text": text[half:], "progress": 1.0}},
    ]
    return Lines([READY, *pieces, {"done": {"improved": made | {"kept": kept}}}])


@pytest.fixture
def says(daemon: FakeDaemon) -> Any:
    def script(text: str, **more: Any) -> None:
        daemon.answers["POST /text"] = improving(text, **more)

    return script


@pytest.fixture
def letter(place: Place) -> Path:
    path = place.root / "letter.txt"
    path.write_bytes(b"Teh cat.\r\n")
    return path


def words(*more: str) -> list[str]:
    return ["text", "proofread", "--model", MODEL, *more]


@pytest.mark.slow
def test_diff_has_colours_at_a_terminal(place: Place, says: Any) -> None:
    says("The cat.")
    with OnTerminal(words("--diff", "Teh cat."), place.environ()) as screen:
        screen.wait_for("\x1b[31mTeh\x1b[0m\x1b[32mThe\x1b[0m cat.")
        assert screen.wait() == 0


def test_in_place_leaves_a_file_alone_whose_text_stayed(place: Place, says: Any, letter: Path) -> None:
    says("Teh cat.\r\n", changed=False, reason="refusal")
    os.utime(letter, (1, 1))
    place.ingle(*words("--in-place", str(letter)))
    assert (letter.read_bytes(), letter.stat().st_mtime) == (b"Teh cat.\r\n", 1)
    assert list(place.root.glob("*.bak")) == []


@pytest.mark.parametrize(("reason", "told"), [("refusal", "stays as it was."), (None, "needed no change.")])
def test_what_stayed_for_want_of_a_usable_answer_did_not_need_no_change(
    place: Place, says: Any, letter: Path, reason: str | None, told: str
) -> None:
    says("Teh cat.\r\n", changed=False, reason=reason)
    assert f"letter.txt {told}" in place.ingle(*words("--in-place", str(letter))).stderr
    clipboard(place)
    said = place.ingle(*words("--clipboard"), PATH=f"{place.root}/bin:/usr/bin:/bin").stderr
    assert f"The clipboard {told}" in said


@pytest.mark.slow
@pytest.mark.parametrize("last", [DONE, CUT])
def test_at_a_terminal_what_is_told_next_stands_on_a_line_of_its_own(
    place: Place, daemon: FakeDaemon, last: Any
) -> None:
    daemon.answers["POST /text"] = Lines([READY, {"piece": {"text": "The cat", "progress": 0.5}}, last])
    with OnTerminal(words("Teh cat"), place.environ()) as screen:
        screen.wait()
    assert "The cat\r\n" in screen.seen.replace("\x1b[K", "").replace("\r\r", "\r")


def test_in_a_pipe_no_byte_is_added_to_the_text(place: Place, says: Any) -> None:
    says("The cat.", reason="refusal")
    assert place.ingle(*words("Teh cat.")).stdout == "The cat."


def clipboard(place: Place) -> Path:
    """Clipboard programs in a `bin` of this place, and the file that they read and write."""
    tools = place.root / "bin"
    tools.mkdir()
    board = place.root / "board"
    board.write_text("Teh cat.")
    for names, body in (
        (("wl-paste", "pbpaste"), f"cat '{board}'"),
        (("wl-copy", "pbcopy"), f"cat > '{board}'"),
    ):
        for name in names:
            (tools / name).write_text(f"#!/bin/sh\n{body}\n")
            (tools / name).chmod(0o755)
    return board


def test_the_clipboard_is_read_and_written(place: Place, daemon: FakeDaemon, says: Any) -> None:
    says("The cat.")
    board = clipboard(place)
    tools = place.root / "bin"
    done = place.ingle(*words("--clipboard"), PATH=f"{tools}:/usr/bin:/bin")
    assert (done.exit_code, done.stdout, board.read_text()) == (0, "", "The cat.")
    assert daemon.bodies("/text")[0]["text"] == "Teh cat."


def test_options_reach_the_tool_and_a_missing_one_is_wrong_use(
    place: Place, daemon: FakeDaemon, says: Any
) -> None:
    says("Le chat.")
    place.ingle("text", "translate", "--model", MODEL, "--to", "fr", "The cat.")
    place.ingle("text", "custom", "--model", MODEL, "Make it rhyme", "The cat.")
    assert [body["options"] for body in daemon.bodies("/text")] == [
        {"to": "fr"},
        {"instruction": "Make it rhyme"},
    ]
    assert place.ingle("text", "translate", "--model", MODEL, "The cat.").exit_code == 2
    assert place.ingle("text", "sing", "--model", MODEL, "The cat.").exit_code == 2
    assert len(daemon.bodies("/text")) == 2


def test_no_clean_leaves_the_pipeline_before_the_model_out(
    place: Place, daemon: FakeDaemon, says: Any
) -> None:
    says("I want to go.")
    for more in ((), ("--no-clean",)):
        place.ingle("text", "dictation", "--model", MODEL, "um I want to go", *more)
    assert [body.get("clean", True) for body in daemon.bodies("/text")] == [True, False]


def test_tools_are_listed_with_your_own(place: Place) -> None:
    own = place.home / "tools"
    own.mkdir(parents=True)
    (own / "pirate.md").write_text("---\nname: pirate\nintent: Arr.\n---\nBe one.\n===\n{text}\n")
    told = {tool["name"]: tool["intent"] for tool in json.loads(place.ingle("tools", "--json").stdout)}
    assert told["pirate"] == "Arr."
    assert {"proofread", "dictation", "translate", "custom"} <= set(told)
    assert "pirate" in place.ingle("tools").stdout


@pytest.mark.slow
def test_ctrl_c_in_the_middle_leaves_the_file_and_nothing_beside_it(
    place: Place, daemon: FakeDaemon, letter: Path
) -> None:
    daemon.answers["POST /text"] = Lines([READY, {"piece": {"text": "The ", "progress": 0.5}}, HOLD])
    before = {entry.name for entry in place.root.iterdir()}
    with OnTerminal(words("--in-place", str(letter)), place.environ()) as screen:
        assert daemon.held.wait(WAIT_S)
        assert screen.interrupt() == 130
    assert daemon.gone.wait(WAIT_S)
    assert letter.read_bytes() == b"Teh cat.\r\n"
    assert {entry.name for entry in place.root.iterdir()} == before


@pytest.mark.slow
def test_a_clipboard_without_programs_asks_no_model(place: Place, daemon: FakeDaemon) -> None:
    done = place.ingle(*words("--clipboard"), PATH=str(place.root))
    assert done.exit_code != 0 and "clipboard" in done.stderr
    assert daemon.bodies("/text") == []
