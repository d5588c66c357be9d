"""`ingle text` against a scripted daemon: where the text comes from, and that only the result comes out."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import READY, Place
from tests.cli.fake_daemon import FakeDaemon, Lines

pytestmark = pytest.mark.slow

MODEL = ("--model", "/models/some.gguf")
LONG = "Teh cat sat on the mat and looked at the moon. " * 20
GOOD = "The cat sat."


def done(text: str, **more: Any) -> dict[str, Any]:
    return {"done": {"improved": {"tool": "proofread", "text": text, "changed": True, "units": 1, **more}}}


@pytest.fixture(autouse=True)
def improving(daemon: FakeDaemon) -> None:
    pieces = [{"piece": {"text": "The cat ", "progress": 0.5}}, {"piece": {"text": "sat.", "progress": 1.0}}]
    daemon.answers["POST /text"] = Lines([{"loading": {"model": "m"}}, READY, *pieces, done(GOOD)])


def given(daemon: FakeDaemon) -> Any:
    (body,) = daemon.bodies("/text")
    return body["text"]


def test_only_the_corrected_text_is_on_standard_output(place: Place, daemon: FakeDaemon) -> None:
    found = place.ingle("text", "proofread", "Teh", "cat sat.", *MODEL)
    assert (found.exit_code, found.stdout, found.stderr) == (0, GOOD, "")
    assert daemon.bodies("/text") == [
        {"tool": "proofread", "text": "Teh cat sat.", "model": MODEL[1], "stream": True}
    ]


def test_the_text_may_come_from_standard_input(place: Place, daemon: FakeDaemon) -> None:
    assert place.ingle("text", "proofread", *MODEL, stdin="Teh cat\nsat.\n").stdout == GOOD
    assert given(daemon) == "Teh cat\nsat.\n"


def test_a_pipe_by_its_name_is_read_and_not_taken_for_words(place: Place, daemon: FakeDaemon) -> None:
    pipe = place.root / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("Teh cat.\n",), daemon=True)
    writer.start()
    assert place.ingle("text", "proofread", str(pipe), *MODEL).stdout == GOOD
    writer.join()
    assert given(daemon) == "Teh cat.\n"


def test_a_dash_is_standard_input(place: Place, daemon: FakeDaemon) -> None:
    place.ingle("text", "proofread", "-", *MODEL, stdin="Teh cat.")
    assert given(daemon) == "Teh cat."


def test_one_file_is_read_with_its_line_ends(place: Place, daemon: FakeDaemon) -> None:
    letter = place.root / "letter.txt"
    letter.write_bytes("Teh cät\r\nsat.\r\n".encode())
    assert place.ingle("text", "proofread", str(letter), *MODEL).stdout == GOOD
    assert given(daemon) == "Teh cät\r\nsat.\r\n"
    assert letter.read_bytes() == "Teh cät\r\nsat.\r\n".encode()


@pytest.mark.parametrize("text", [LONG, LONG.replace(" ", "/"), "Teh cat.\n\nIt sat.", "."])
def test_a_text_that_is_no_file_is_a_text(place: Place, daemon: FakeDaemon, text: str) -> None:
    found = place.ingle("text", "proofread", text, *MODEL)
    assert (found.exit_code, found.stdout) == (0, GOOD)
    assert given(daemon) == text


def test_in_place_changes_the_file_and_keeps_the_old_one(place: Place) -> None:
    letter = place.root / "letter.txt"
    letter.write_text("Teh cat sat.")
    found = place.ingle("text", "proofread", str(letter), "--in-place", *MODEL)
    assert (found.exit_code, found.stdout) == (0, "")
    assert letter.read_text() == GOOD
    assert Path(f"{letter}.bak").read_text() == "Teh cat sat."


def test_a_difference_is_shown_word_by_word(place: Place) -> None:
    found = place.ingle("text", "proofread", "Teh cat sat.", "--diff", *MODEL)
    assert found.stdout == "[-Teh-]{+The+} cat sat.\n"


def test_for_machines_it_is_one_value(place: Place) -> None:
    found = json.loads(place.ingle("text", "proofread", "Teh cat sat.", "--json", *MODEL).stdout)
    assert (found["text"], found["changed"], found["reason"]) == (GOOD, True, None)


def test_what_stayed_as_written_is_told_beside_the_text(place: Place, daemon: FakeDaemon) -> None:
    kept = {"start": 0, "end": 4, "reason": "refusal"}
    told = done("Teh.", changed=False, reason="refusal", kept=[kept])
    daemon.answers["POST /text"] = Lines([READY, {"piece": {"text": "Teh.", "progress": 1.0}}, told])
    found = place.ingle("text", "proofread", "Teh.", *MODEL)
    assert (found.exit_code, found.stdout) == (0, "Teh.")
    assert "refusal" in found.stderr


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_part_that_stayed_because_the_engine_failed_is_told_in_its_words_and_is_no_success(
    place: Place, daemon: FakeDaemon, more: tuple[str, ...]
) -> None:
    said = "The worker of starter ended with signal SIGKILL."
    kept = [
        {"start": 0, "end": 4, "reason": "engine_error", "detail": said},
        {"start": 5, "end": 9, "reason": "lost_text", "detail": ""},
    ]
    told = done("Teh. Teh.", changed=False, reason="engine_error", kept=kept)
    daemon.answers["POST /text"] = Lines([READY, {"piece": {"text": "Teh. Teh.", "progress": 1.0}}, told])
    found = place.ingle("text", "proofread", "Teh. Teh.", *more, *MODEL)
    assert found.exit_code == 1 and "Teh. Teh." in found.stdout
    if not more:
        assert said in found.stderr and "lost_text" in found.stderr and "ingle logs" in found.stderr


@pytest.mark.parametrize(
    "words",
    [["no-such-tool", "x"], ["translate", "x"], ["proofread", "x", "--in-place"], ["proofread", "x", "-c"]],
)
def test_what_makes_no_sense_is_wrong_use_and_asks_no_model(
    place: Place, daemon: FakeDaemon, words: list[str]
) -> None:
    assert place.ingle("text", *words, *MODEL).exit_code == 2
    assert daemon.bodies("/text") == []


def test_a_file_that_is_no_text_is_named(place: Place, daemon: FakeDaemon) -> None:
    picture = place.root / "picture.png"
    picture.write_bytes(b"\x89PNG\xff")
    found = place.ingle("text", "proofread", str(picture), *MODEL)
    assert found.exit_code == 2
    assert "picture.png is not UTF-8 text" in found.stderr
    assert daemon.bodies("/text") == []


@pytest.mark.skipif(sys.platform != "linux", reason="a file that never can be read is at hand on Linux only")
def test_a_file_that_cannot_be_read_is_named(place: Place) -> None:
    found = place.ingle("text", "proofread", "/proc/self/mem", *MODEL)
    assert found.exit_code == 2
    assert "/proc/self/mem cannot be read" in found.stderr


def test_a_mistyped_file_name_and_two_files_are_no_text(place: Place, daemon: FakeDaemon) -> None:
    found = place.ingle("text", "proofread", str(place.root / "leter.txt"), *MODEL)
    assert found.exit_code != 0 and "leter.txt" in found.stderr
    for name in ("a.txt", "b.txt"):
        (place.root / name).write_text("Teh cat.")
    found = place.ingle(
        "text", "proofread", str(place.root / "a.txt"), str(place.root / "b.txt"), "-i", *MODEL
    )
    assert (found.exit_code, "One file at a time" in found.stderr) == (2, True)
    assert daemon.bodies("/text") == []


def test_a_folder_is_no_text(place: Place, daemon: FakeDaemon) -> None:
    found = place.ingle("text", "proofread", str(place.root), *MODEL)
    assert (found.exit_code, "is a folder" in found.stderr, daemon.bodies("/text")) == (2, True, [])


def test_in_place_on_a_read_only_file_asks_no_model(place: Place, daemon: FakeDaemon) -> None:
    letter = place.root / "letter.txt"
    letter.write_text("Teh cat sat.")
    letter.chmod(0o444)
    found = place.ingle("text", "proofread", str(letter), "--in-place", *MODEL)
    assert found.exit_code != 0 and "read-only" in found.stderr
    assert (letter.read_text(), daemon.bodies("/text")) == ("Teh cat sat.", [])


def test_a_file_that_changed_while_the_model_thought_keeps_its_new_words(
    place: Place, daemon: FakeDaemon
) -> None:
    letter = place.root / "letter.txt"
    letter.write_text("Teh cat sat.")

    class WhileThinking(Lines):
        def __iter__(self) -> Iterator[Any]:
            letter.write_text("Teh cat sat, and more.")
            return super().__iter__()

    daemon.answers["POST /text"] = WhileThinking([READY, done(GOOD)])
    found = place.ingle("text", "proofread", str(letter), "--in-place", *MODEL)
    assert found.exit_code != 0 and "changed meanwhile" in found.stderr
    assert letter.read_text() == "Teh cat sat, and more."


def test_an_own_tool_gets_its_own_option(place: Place, daemon: FakeDaemon) -> None:
    own = place.home / "tools"
    own.mkdir(parents=True)
    (own / "simple.md").write_text(
        "---\nname: simple\nintent: x\nneeds: audience\n---\nFor {audience}.\n===\n{text}\n"
    )
    place.ingle("text", "simple", "Teh cat.", "--option", "audience=children", *MODEL)
    assert [body["options"] for body in daemon.bodies("/text")] == [{"audience": "children"}]
    assert place.ingle("text", "simple", "Teh cat.", "-o", "audience", *MODEL).exit_code == 2
    assert place.ingle("text", "simple", "Teh cat.", *MODEL).exit_code == 2


def test_a_broken_tool_file_is_told_and_the_others_work(place: Place, daemon: FakeDaemon) -> None:
    own = place.home / "tools"
    own.mkdir(parents=True)
    (own / "pirate.md").write_text("no front matter")
    found = place.ingle("tools")
    assert found.exit_code == 0
    assert "pirate.md has no front matter" in found.stderr and "proofread" in found.stdout
    assert "Error" not in found.stderr
    told = {one["name"]: one["broken"] for one in json.loads(place.ingle("tools", "--json").stdout)}
    assert told["proofread"] is None and "pirate.md has no front matter" in told["pirate"]
    assert place.ingle("text", "proofread", "Teh cat.", *MODEL).stdout == GOOD
    assert "pirate.md" in place.ingle("text", "pirate", "Teh cat.", *MODEL).stderr
