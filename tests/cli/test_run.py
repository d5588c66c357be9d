"""`ingle run` against a scripted daemon: what is sent, what reaches which stream, how it ends."""

from __future__ import annotations

import dataclasses
import io
import json

import pytest

from ingle.cli.talk import Wishes, join_prompt
from ingle.errors import LoadFailed, NoChatTemplate, PromptTooLong, WorkerCrashed
from tests.cli.conftest import DONE, READY, Place, chunk
from tests.cli.fake_daemon import FakeDaemon, Lines, Refusal

pytestmark = pytest.mark.slow

MODEL = "/models/some.gguf"
LOADING = {"loading": {"model": MODEL}}


@pytest.fixture(autouse=True)
def answering(daemon: FakeDaemon) -> None:
    lines = [LOADING, READY, chunk("Hel"), chunk("lo."), chunk("", finish_reason="stop"), DONE]
    daemon.answers["POST /ingle/generate"] = Lines(lines)


def test_only_the_answer_is_on_standard_output(place: Place) -> None:
    found = place.ingle("run", MODEL, "Say", "hello")
    assert (found.exit_code, found.stdout, found.stderr) == (0, "Hello.\n", "")


def test_arguments_and_standard_input_are_one_prompt(place: Place, daemon: FakeDaemon) -> None:
    place.ingle("run", MODEL, "Summarise:", stdin="first\nsecond\n")
    (body,) = daemon.bodies("/ingle/generate")
    assert body["messages"] == [{"role": "user", "content": "Summarise:\n\nfirst\nsecond"}]
    assert body["model"] == MODEL


def test_the_prompt_may_come_from_standard_input_alone() -> None:
    assert join_prompt([], "piped\n") == "piped"
    assert join_prompt(["a", "b"], "") == "a b"


def test_options_reach_the_daemon(place: Place, daemon: FakeDaemon) -> None:
    words = "--system Brief. --temperature 0 --top-k 4 --seed 7 --max-tokens 9 --stop END --engine llamacpp"
    place.ingle("run", MODEL, "Hi", *words.split(), "--context", "512", "--keep-alive", "1h", "--think")
    (body,) = daemon.bodies("/ingle/generate")
    assert body["messages"][0] == {"role": "system", "content": "Brief."}
    assert body["sampling"] == {"temperature": 0.0, "top_k": 4, "seed": 7}
    assert (body["max_tokens"], body["stop"], body["thinking"]) == (9, ["END"], {"enabled": True})
    assert (body["engine"], body["context"], body["keep_alive"]) == ("llamacpp", 512, 3600.0)


def test_a_context_shorter_than_asked_for_is_said_beside_the_answer(place: Place) -> None:
    found = place.ingle("run", MODEL, "--context", "100000", "Hi")
    assert found.stdout == "Hello.\n"
    assert "(Not the 100000 tokens of --context. Context 2048.)" in found.stderr
    assert place.ingle("run", MODEL, "--context", "100000", "--json", "Hi").stderr == ""


def test_raw_sends_plain_text(place: Place, daemon: FakeDaemon) -> None:
    place.ingle("run", MODEL, "--raw", "Once", "upon")
    (body,) = daemon.bodies("/ingle/generate")
    assert (body["prompt"], "messages" in body) == ("Once upon", False)


def test_raw_with_a_system_text_is_wrong_use(place: Place) -> None:
    assert place.ingle("run", MODEL, "--raw", "--system", "x", "y").exit_code == 2


def test_without_streaming_the_answer_is_the_same(place: Place) -> None:
    assert place.ingle("run", MODEL, "--no-stream", "Hi").stdout == "Hello.\n"


def test_json_is_one_value_with_the_numbers(place: Place) -> None:
    found = json.loads(place.ingle("run", MODEL, "--json", "Hi").stdout)
    assert (found["response"], found["finish_reason"]) == ("Hello.", "stop")
    assert found["engine"]["name"] == "llamacpp"
    assert found["usage"]["completion_tokens"] == 2


def test_verbose_tells_the_numbers_on_standard_error(place: Place) -> None:
    found = place.ingle("run", MODEL, "-v", "Hi")
    assert found.stdout == "Hello.\n"
    assert "50.0 tokens/s" in found.stderr
    assert "llamacpp (cpu)" in found.stderr


def test_an_answer_cut_by_the_limit_says_so_on_standard_error(place: Place, daemon: FakeDaemon) -> None:
    cut = {"done": {**DONE["done"], "finish_reasons": ["length"]}}
    daemon.answers["POST /ingle/generate"] = Lines([READY, chunk("Hel"), cut])
    found = place.ingle("run", MODEL, "Hi")
    assert found.stdout == "Hel\n"
    assert "token limit" in found.stderr


def test_an_error_in_the_middle_keeps_what_came_and_fails(place: Place, daemon: FakeDaemon) -> None:
    broken = {"error": LoadFailed("The worker died of signal 9.", hint="Ask again.").to_dict()}
    daemon.answers["POST /ingle/generate"] = Lines([READY, chunk("Hel"), broken])
    found = place.ingle("run", MODEL, "Hi")
    assert (found.exit_code, found.stdout) == (1, "Hel\n")
    assert "signal 9" in found.stderr
    assert "Ask again." in found.stderr


@pytest.mark.parametrize("error", [PromptTooLong(5000, 4096), NoChatTemplate("m")], ids=lambda e: e.code)
def test_wrong_requests_end_in_2_with_the_reason(
    place: Place, daemon: FakeDaemon, error: PromptTooLong
) -> None:
    daemon.answers["POST /ingle/generate"] = Refusal(400, error.to_dict())
    found = place.ingle("run", MODEL, "Hi", "--json")
    assert found.exit_code == 2
    said = json.loads(found.stdout)["error"]
    assert (said["code"], said["message"]) == (error.code, error.message)
    assert ("--raw" in said["hint"]) is isinstance(error, NoChatTemplate)


def test_without_a_prompt_and_a_terminal_it_says_what_to_type(place: Place) -> None:
    found = place.ingle("run", MODEL)
    assert found.exit_code == 2
    assert f"ingle run {MODEL} PROMPT" in found.stderr


def test_a_daemon_of_another_version_is_mentioned_beside_the_answer(place: Place, daemon: FakeDaemon) -> None:
    daemon.version = "0.0.1"
    daemon.write_address(place.home)
    found = place.ingle("run", MODEL, "Hi")
    assert (found.exit_code, found.stdout) == (0, "Hello.\n")
    assert "ingle serve --stop" in found.stderr


def test_what_answers_on_a_dead_daemons_port_is_not_taken_for_it(place: Place, daemon: FakeDaemon) -> None:
    daemon.answers["GET /ingle/status"] = {"version": "1", "pid": 999}
    assert json.loads(place.ingle("status", "--json").stdout)["daemon"] == {"running": False}
    daemon.answers["GET /ingle/status"] = ["some other program"]
    assert json.loads(place.ingle("status", "--json").stdout)["daemon"] == {"running": False}


def test_a_chat_reads_its_turns_from_a_pipe_too(place: Place, daemon: FakeDaemon) -> None:
    daemon.answers["POST /ingle/load"] = {"model": MODEL, "state": "ready"}
    found = place.ingle("chat", MODEL, stdin="One\nTwo \\\nlines\n")
    assert (found.exit_code, found.stdout) == (0, "Hello.\nHello.\n")
    assert daemon.bodies("/ingle/generate")[1]["messages"][-1]["content"] == "Two \nlines"


def test_a_home_that_cannot_be_made_is_an_error_with_a_way_on(place: Place) -> None:
    found = place.ingle("run", MODEL, "Hi", INGLE_HOME="/proc/nowhere/ingle")
    assert found.exit_code == 1
    assert "/proc/nowhere" in found.stderr
    assert "Next:" in found.stderr


def test_arguments_that_are_not_text_are_refused(place: Place) -> None:
    assert place.ingle("run", MODEL, "a\udc80b").exit_code == 2


def test_a_closed_standard_input_is_an_empty_one() -> None:
    from ingle.cli.terminal import Terminal

    closed = Terminal(stdin=io.TextIOWrapper(io.BytesIO()))
    assert (closed.read_input(), closed.can_ask) == ("", False)


def test_the_last_words_of_a_dead_worker_are_shown(place: Place, daemon: FakeDaemon) -> None:
    dead = WorkerCrashed("The worker ended with signal SIGKILL.", hint="Again.", log=["llama: out of luck"])
    daemon.answers["POST /ingle/generate"] = Lines([READY, {"error": dead.to_dict()}])
    assert "  | llama: out of luck" in place.ingle("run", MODEL, "Hi").stderr


def test_input_that_is_not_text_is_refused(place: Place) -> None:
    from typer.testing import CliRunner

    from ingle.cli.main import build_app

    found = CliRunner().invoke(build_app(), ["run", MODEL], input=b"\xff\xfe\x00", env=place.env)
    assert found.exit_code == 2
    assert "UTF-8" in found.stderr


def test_run_and_chat_take_the_same_wishes(place: Place) -> None:
    told = {verb: place.ingle(verb, "--help", COLUMNS="200").stdout for verb in ("run", "chat")}
    for field in dataclasses.fields(Wishes):
        option = f"--{field.name.replace('_', '-')} "
        assert option in told["run"] and option in told["chat"], option


def test_every_wish_reaches_the_model(place: Place, daemon: FakeDaemon) -> None:
    words = (
        "--system S --think --engine llamacpp --context 64 --keep-alive 5m --max-tokens 3 --stop x --seed 7"
    )
    found = place.ingle("run", MODEL, "Hello", *words.split(), "--temperature", "0", "--top-k", "9")
    assert found.exit_code == 0, found.stderr
    (sent,) = daemon.bodies("/ingle/generate")
    assert sent["messages"][0] == {"role": "system", "content": "S"}
    assert (sent["engine"], sent["context"], sent["keep_alive"]) == ("llamacpp", 64, 300.0)
    assert (sent["max_tokens"], sent["stop"], sent["thinking"]) == (3, ["x"], {"enabled": True})
    assert {name: sent["sampling"][name] for name in ("temperature", "top_k", "seed")} == {
        "temperature": 0.0,
        "top_k": 9,
        "seed": 7,
    }
