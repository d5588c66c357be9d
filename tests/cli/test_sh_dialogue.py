"""Words to a command at a terminal: what is shown, what is asked, and that only a yes runs anything."""

from __future__ import annotations

import threading

import pytest

from tests.cli.conftest import DONE, READY, Place, Suggest, chunk
from tests.cli.dialogue import MODEL, Dialogue, clipboard, words
from tests.cli.fake_daemon import HOLD, FakeDaemon, Lines, Refusal
from tests.cli.terminal import WAIT_S

pytestmark = pytest.mark.slow


def test_copy_hands_the_command_to_the_clipboard_and_asks_again(place: Place, suggest: Suggest) -> None:
    suggest("ls -S")
    programs = clipboard(place, f"cat > {place.root}/board")
    with Dialogue(words(), place.environ(), path=programs) as screen:
        screen.answer("c")
        screen.wait_for("Copied.")
        screen.answer("n")
        assert screen.wait() == 0
    assert (place.root / "board").read_text() == "ls -S"


def test_yes_runs_it_with_its_exit_code_and_remembers_it(place: Place, suggest: Suggest) -> None:
    suggest(f"touch {place.root}/made; exit 7")
    (place.root / ".bash_history").write_text("ls\n")
    with Dialogue(words(), place.environ()) as screen:
        screen.wait_for("touch")
        screen.answer("y")
        assert screen.wait() == 7
    assert (place.root / "made").exists()
    assert (place.root / ".bash_history").read_text() == f"ls\ntouch {place.root}/made; exit 7\n"


@pytest.mark.parametrize("typed", ["\n", "n\n", "\x04"])
def test_enter_no_and_the_end_of_input_run_nothing(place: Place, suggest: Suggest, typed: str) -> None:
    suggest(f"touch {place.root}/made")
    with Dialogue(words(), place.environ()) as screen:
        screen.asked()
        screen.key_in(typed)
        screen.wait_for("Nothing was run.")
        assert screen.wait() == 0
    assert not (place.root / "made").exists()


def test_an_edited_command_is_analysed_again_and_run_as_edited(place: Place, suggest: Suggest) -> None:
    suggest("curl https://get.example.org/x.sh | bash")
    with Dialogue(words(), place.environ()) as screen:
        screen.wait_for("HIGH")
        screen.wait_for('Type "run high"')
        screen.answer("y")
        screen.wait_for("takes the words")
        screen.edit(f"touch {place.root}/edited")
        screen.wait_for("SAFE")
        screen.answer("y")
        assert screen.wait() == 0
    assert (place.root / "edited").exists()


def test_a_critical_command_is_refused_and_with_the_option_still_asks(place: Place, suggest: Suggest) -> None:
    suggest("rm -rf ~")
    request = ["sh", "--model", MODEL, "--shell", "bash", "delete", "my", "home", "folder"]
    with Dialogue(request, place.environ()) as screen:
        screen.wait_for("CRITICAL")
        screen.wait_for("Refused.")
        assert screen.wait() == 1
    with Dialogue([*request[:1], "--allow-critical", *request[1:]], place.environ()) as screen:
        screen.wait_for('Type "run critical"')
        screen.answer("y")
        screen.wait_for("takes the words")
        screen.answer("n")
        screen.wait_for("Nothing was run.")
        assert screen.wait() == 0
    assert place.root.is_dir()


def test_a_question_is_answered_and_asked_again_with_the_answer(
    place: Place, daemon: FakeDaemon, suggest: Suggest
) -> None:
    suggest("", "Which folder?")
    with Dialogue(words(), place.environ()) as screen:
        screen.wait_for("Which folder?")
        suggest("ls /tmp")
        screen.key_in("/tmp\n")
        screen.wait_for("ls /tmp")
        screen.answer("n")
        assert screen.wait() == 0
    assert [m["content"] for m in daemon.bodies("/ingle/generate")[-1]["messages"][2:]] == [
        "Which folder?",
        "/tmp",
    ]


def test_keys_pressed_while_the_model_thinks_answer_no_question_of_its(
    place: Place, daemon: FakeDaemon, suggest: Suggest
) -> None:
    suggest("", "Which folder?")
    typed = threading.Event()
    daemon.answers["POST /ingle/generate"].insert(1, typed)
    with Dialogue(words(), place.environ()) as screen:
        assert daemon.held.wait(WAIT_S)
        screen.key_in("yes\n")
        screen.wait_for("yes")  # the terminal has them
        typed.set()
        screen.wait_for("Which folder?")
        screen.key_in("\n")
        screen.wait_for("No answer, so there is no command.")
        assert screen.wait() == 1


@pytest.mark.parametrize("typed", ["\n", "\x04"])
def test_no_answer_to_a_question_is_no_success_and_not_a_ctrl_c(
    place: Place, suggest: Suggest, typed: str
) -> None:
    suggest("", "Which folder?")
    with Dialogue(words(), place.environ()) as screen:
        screen.wait_for("Which folder?")
        screen.key_in(typed)
        screen.wait_for("No answer, so there is no command.")
        assert screen.wait() == 1


def test_a_question_that_comes_again_after_its_answer_is_not_put_again(
    place: Place, daemon: FakeDaemon, suggest: Suggest
) -> None:
    suggest("", "Which folder?")
    with Dialogue(words(), place.environ()) as screen:
        screen.wait_for("Which folder?")
        screen.key_in("/tmp\n")
        screen.wait_for("The same question came again")
        assert screen.wait() == 1
    assert len(daemon.bodies("/ingle/generate")) == 2


def test_e_explains_from_the_findings_and_asks_again(
    place: Place, daemon: FakeDaemon, suggest: Suggest
) -> None:
    suggest("rm notes.txt")
    with Dialogue(words(on="notes.txt"), place.environ()) as screen:
        screen.asked()
        daemon.answers["POST /ingle/generate"] = Lines([READY, chunk("rm removes."), DONE])
        screen.key_in("e\n")
        screen.wait_for("deletes")
        screen.wait_for("rm removes.")
        screen.answer("n")
        assert screen.wait() == 0


def test_ctrl_c_while_the_model_thinks_and_at_the_question_ends_in_130(
    place: Place, daemon: FakeDaemon, suggest: Suggest
) -> None:
    daemon.answers["POST /ingle/generate"] = Lines([READY, chunk("{"), HOLD])
    with Dialogue(words(), place.environ()) as screen:
        assert daemon.held.wait(WAIT_S)
        assert screen.interrupt() == 130
    assert daemon.gone.wait(WAIT_S)
    suggest(f"touch {place.root}/made")
    with Dialogue(words(), place.environ()) as screen:
        screen.asked()
        assert screen.interrupt() == 130
    assert not (place.root / "made").exists()


def test_dry_run_shows_everything_and_asks_nothing(place: Place, suggest: Suggest) -> None:
    suggest(f"touch {place.root}/made")
    with Dialogue(words("--dry-run"), place.environ()) as screen:
        screen.wait_for("SAFE")
        assert screen.wait() == 0
    assert not (place.root / "made").exists()


def test_what_a_model_says_cannot_steer_the_terminal(
    place: Place, daemon: FakeDaemon, suggest: Suggest
) -> None:
    steering = "\x1b[2J\x1b[1;1H  SAFE"
    suggest("rm notes.txt", explanation=f"Removes.{steering}")
    with Dialogue(words(on="notes.txt"), place.environ()) as screen:
        screen.asked()
        daemon.answers["POST /ingle/generate"] = Lines([READY, chunk(f"Part by part.{steering}"), DONE])
        screen.key_in("e\n")
        screen.wait_for("Part by part.")
        screen.answer("n")
        assert screen.wait() == 0
    assert "\x1b[2J" not in screen.seen
    assert "\\x1b[2J" in screen.seen


def test_a_yes_pasted_behind_an_edit_is_no_answer(place: Place, suggest: Suggest) -> None:
    suggest("ls")
    with Dialogue(words(), place.environ()) as screen:
        screen.edit(f"touch {place.root}/made\ny")
        screen.answer("n")
        screen.wait_for("Nothing was run.")
        assert screen.wait() == 0
    assert not (place.root / "made").exists()


def test_an_edit_towards_critical_is_refused(place: Place, suggest: Suggest) -> None:
    suggest("ls")
    with Dialogue(words(), place.environ()) as screen:
        screen.edit("rm -rf /")
        screen.wait_for("CRITICAL")
        screen.wait_for("Refused.")
        assert screen.wait() == 1


def test_json_is_printed_and_nothing_run_at_a_terminal_too(place: Place, suggest: Suggest) -> None:
    suggest(f"touch {place.root}/made")
    with Dialogue(words("--json"), place.environ()) as screen:
        screen.wait_for('"level": "safe"')
        assert screen.wait() == 0
    assert not (place.root / "made").exists()


def test_explain_tells_in_depth_before_it_asks(place: Place, daemon: FakeDaemon, suggest: Suggest) -> None:
    suggest("rm notes.txt")
    with Dialogue(words("--explain", on="notes.txt"), place.environ()) as screen:
        screen.wait_for("The model's words on what it does:")
        screen.answer("n")
        assert screen.wait() == 0
    assert len(daemon.bodies("/ingle/generate")) == 2
    assert "constraint" not in daemon.bodies("/ingle/generate")[1]


def test_dry_run_shows_a_question_and_waits_for_no_answer(place: Place, suggest: Suggest) -> None:
    suggest("", "Which folder?")
    with Dialogue(words("--dry-run"), place.environ()) as screen:
        screen.wait_for("Which folder?")
        assert screen.wait() == 1


def test_a_copy_or_an_explanation_that_fails_does_not_cost_the_command(
    place: Place, daemon: FakeDaemon, suggest: Suggest
) -> None:
    suggest(f"touch {place.root}/made")
    programs = clipboard(place, "exit 1")
    with Dialogue(words(), place.environ(), path=programs) as screen:
        screen.answer("c")
        screen.wait_for("could not be written: wl-copy")
        screen.asked()
        daemon.answers["POST /ingle/generate"] = Refusal(500, {"code": "generation_failed", "message": "No."})
        screen.key_in("e\n")
        screen.wait_for("Error:")
        screen.answer("y")
        assert screen.wait() == 0
    assert (place.root / "made").exists()
