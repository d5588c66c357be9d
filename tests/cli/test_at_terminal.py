"""A person at a real terminal: chats, Ctrl-C, questions before downloads."""

from __future__ import annotations

import pytest

from tests.cli.conftest import DONE, READY, Place, chunk
from tests.cli.fake_daemon import HOLD, FakeDaemon, Lines
from tests.cli.terminal import CTRL_D, WAIT_S, OnTerminal

pytestmark = pytest.mark.slow
MODEL = "/models/some.gguf"
VIEW = {
    "model": "some.gguf",
    "state": "ready",
    "memory": {
        "state": "ready",
        "engine": {"name": "llamacpp", "device": "cpu", "context": 2048, "model": "m"},
    },
}


@pytest.fixture(autouse=True)
def answering(daemon: FakeDaemon) -> None:
    daemon.answers["POST /ingle/load"] = VIEW
    daemon.answers["POST /ingle/generate"] = Lines([READY, chunk("Hel"), chunk("lo."), DONE])


def test_run_without_a_prompt_is_a_chat_that_remembers(place: Place, daemon: FakeDaemon) -> None:
    with OnTerminal(["run", MODEL, "--system", "Be brief."], place.environ()) as screen:
        screen.wait_for("some.gguf")
        screen.wait_for(">>> ")
        screen.key_in("Who are you?\n")
        screen.wait_for("Hello.")
        screen.wait_for(">>> ")
        screen.key_in('"""one\ntwo"""\n')
        screen.wait_for("Hello.")
        screen.wait_for(">>> ")
        screen.key_in("/exit\n")
        assert screen.wait() == 0
    first, second = daemon.bodies("/ingle/generate")
    assert [one["role"] for one in first["messages"]] == ["system", "user"]
    assert [one["role"] for one in second["messages"]] == ["system", "user", "assistant", "user"]
    assert second["messages"][-2:] == [
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "one\ntwo"},
    ]


def test_ctrl_c_stops_the_answer_and_not_the_chat(place: Place, daemon: FakeDaemon) -> None:
    daemon.answers["POST /ingle/generate"] = Lines([READY, chunk("Once upon"), HOLD])
    with OnTerminal(["chat", MODEL], place.environ()) as screen:
        screen.wait_for(">>> ")
        screen.key_in("Tell me a story\n")
        screen.wait_for("Once upon")
        screen.press_ctrl_c()
        screen.wait_for("(stopped)")
        assert daemon.gone.wait(WAIT_S)
        screen.wait_for(">>> ")
        screen.press_ctrl_c()
        screen.wait_for("leaves")
        screen.wait_for(">>> ")
        daemon.answers["POST /ingle/generate"] = Lines([READY, chunk("The end."), DONE])
        screen.key_in("Go on\n")
        screen.wait_for("The end.")
        screen.wait_for(">>> ")
        screen.key_in(CTRL_D)
        assert screen.wait() == 0
    assert daemon.bodies("/ingle/generate")[-1]["messages"][1] == {
        "role": "assistant",
        "content": "Once upon",
    }


def test_slash_commands_change_the_chat(place: Place, daemon: FakeDaemon) -> None:
    with OnTerminal(["chat", MODEL], place.environ()) as screen:
        for typed, expected in [
            ("First\n", "Hello."),
            ("/clear\n", "Forgotten."),
            ("/system Speak French.\n", "From now on."),
            ("/system\n", "Speak French."),
            ("/nonsense\n", "There is no /nonsense"),
            ("Second\n", "Hello."),
        ]:
            screen.wait_for(">>> ")
            screen.key_in(typed)
            screen.wait_for(expected)
        screen.wait_for(">>> ")
        screen.key_in("/bye\n")
        assert screen.wait() == 0
    assert daemon.bodies("/ingle/generate")[-1]["messages"] == [
        {"role": "system", "content": "Speak French."},
        {"role": "user", "content": "Second"},
    ]


def test_ctrl_c_in_one_answer_cancels_it_and_ends_in_130(place: Place, daemon: FakeDaemon) -> None:
    daemon.answers["POST /ingle/generate"] = Lines([READY, chunk("Once upon"), HOLD])
    with OnTerminal(["run", MODEL, "Tell", "me"], place.environ()) as screen:
        screen.wait_for("Once upon")
        assert screen.interrupt() == 130
    assert daemon.gone.wait(WAIT_S)
    assert "Traceback" not in screen.seen


def test_ctrl_c_during_a_load_cancels_the_load(place: Place, daemon: FakeDaemon) -> None:
    daemon.answers["POST /ingle/load"] = Lines([HOLD])
    daemon.answers["POST /ingle/cancel"] = {"model": MODEL, "state": "downloaded"}
    with OnTerminal(["load", MODEL], place.environ()) as screen:
        screen.wait_for("Loading")
        assert daemon.held.wait(WAIT_S)
        assert screen.interrupt() == 130
    assert daemon.bodies("/ingle/cancel") == [{"model": MODEL}]


def test_plain_output_is_asked_for_with_no_color(place: Place) -> None:
    with OnTerminal(["run", MODEL, "Hi"], place.environ(NO_COLOR="1")) as screen:
        assert screen.wait() == 0
    assert "\x1b[2m" not in screen.seen
