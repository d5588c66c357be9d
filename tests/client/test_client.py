"""Both clients against a scripted daemon: answers, typed errors, cancelled streams."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Iterator
from contextlib import aclosing, closing
from pathlib import Path

import pytest

from ingle.client import AsyncClient, Client, api
from ingle.client.address import daemon_file, read_address
from ingle.config import Config, load_config
from ingle.errors import DaemonUnreachable, Gated, IngleError, PromptTooLong
from ingle.generation import Generation, Message, Role, SamplingParams
from tests.cli.fake_daemon import CUT, HOLD, STATUS, FakeDaemon, Lines, Refusal, fake_daemon
from tests.cli.terminal import WAIT_S

pytestmark = pytest.mark.slow

HELLO = api.generate(Generation(messages=(api.user("Hello"),)), model="starter")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config({"HOME": str(tmp_path), "INGLE_HOME": str(tmp_path / "ingle")})


@pytest.fixture
def daemon(config: Config) -> Iterator[FakeDaemon]:
    with fake_daemon(config.home) as running:
        yield running


def test_an_answer_comes_back_typed_and_the_token_is_sent(config: Config, daemon: FakeDaemon) -> None:
    found = Client(config).ask(api.status())
    assert (found.version, found.pid) == (STATUS["version"], STATUS["pid"])
    assert daemon.asked[0].token == f"Bearer {daemon.token}"


def test_a_home_without_a_daemon_says_how_to_start_one(config: Config) -> None:
    with pytest.raises(DaemonUnreachable, match="No Ingle is running") as caught:
        Client(config)
    assert "ingle serve" in caught.value.hint


def test_a_traceback_without_a_daemon_ends_with_what_to_do(config: Config) -> None:
    with pytest.raises(DaemonUnreachable) as caught:
        Client(config)
    last = traceback.format_exception(caught.value)[-2:]
    assert "No Ingle is running" in last[0]
    assert last[1].startswith("Next: `ingle serve`")
    assert "FileNotFoundError" not in "".join(traceback.format_exception(caught.value))


def test_a_spoiled_address_file_is_named(config: Config) -> None:
    config.home.mkdir()
    daemon_file(config.home).write_text("{")
    with pytest.raises(DaemonUnreachable, match=r"daemon\.json"):
        read_address(config)


def test_a_daemon_that_died_leaves_an_error_and_not_a_hang(config: Config, daemon: FakeDaemon) -> None:
    daemon.die()
    with pytest.raises(DaemonUnreachable, match="does not answer"):
        Client(config).ask(api.status())


def test_an_error_of_the_daemon_keeps_its_type(config: Config, daemon: FakeDaemon) -> None:
    daemon.answers["POST /ingle/load"] = Refusal(400, PromptTooLong(9, 8).to_dict())
    with pytest.raises(PromptTooLong, match="9 tokens") as caught:
        Client(config).ask(api.load("starter"))
    assert caught.value.details == {"tokens": 9, "limit": 8}


def test_a_foreign_server_on_the_port_is_noticed(config: Config, daemon: FakeDaemon) -> None:
    daemon.answers["GET /ingle/status"] = ["nothing of ours"]
    with pytest.raises(IngleError, match="cannot be read"):
        Client(config).ask(api.status())


def test_lines_come_one_by_one_up_to_done(config: Config, daemon: FakeDaemon) -> None:
    daemon.answers["POST /ingle/generate"] = Lines([{"chunk": {"text": "Hi"}}, {"done": {}}])
    chunk, done = Client(config).stream(HELLO)
    assert chunk.chunk is not None
    assert chunk.chunk.text == "Hi"
    assert done.done is not None


def test_an_error_after_chunks_is_raised_typed(config: Config, daemon: FakeDaemon) -> None:
    refused = Gated("Accept the licence first.").to_dict()
    daemon.answers["POST /ingle/pull"] = Lines([{"progress": {"phase": "listing"}}, {"error": refused}])
    with pytest.raises(Gated, match="licence"):
        list(Client(config).stream(api.pull("org/gated")))


@pytest.mark.parametrize("ending", [[], [CUT]], ids=["silence", "half a line"])
def test_a_stream_without_an_end_is_an_error(
    config: Config, daemon: FakeDaemon, ending: list[object]
) -> None:
    daemon.answers["POST /ingle/generate"] = Lines([{"chunk": {"text": "Hi"}}, *ending])
    with pytest.raises(IngleError):
        list(Client(config).stream(HELLO))


WORDS = {"chunk": {"text": "Hi"}}
WORK = {"progress": {"phase": "fetching"}}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([WORDS], "ended in the middle of the answer"),
        ([WORDS, CUT], "ended in the middle of the answer"),
        ([WORK], "ended in the middle of its work"),
        ([WORK, CUT], "ended in the middle of its work"),
        ([], "does not answer"),
    ],
)
async def test_a_daemon_that_ends_meanwhile_is_told_by_what_had_come(
    config: Config, daemon: FakeDaemon, lines: list[object], told: str
) -> None:
    daemon.answers["POST /ingle/generate"] = Lines(lines)
    with pytest.raises(DaemonUnreachable, match=told) as caught:
        list(Client(config).stream(HELLO))
    assert caught.value.hint
    async with AsyncClient(config) as client:
        with pytest.raises(DaemonUnreachable, match=told):
            [line async for line in client.stream(HELLO)]


def test_closing_a_stream_closes_the_connection(config: Config, daemon: FakeDaemon) -> None:
    daemon.answers["POST /ingle/generate"] = Lines([{"chunk": {"text": "Hi"}}, HOLD])
    with closing(Client(config).stream(HELLO)) as lines:
        next(lines)
    assert daemon.gone.wait(WAIT_S)


async def test_the_asyncio_client_does_the_same(config: Config, daemon: FakeDaemon) -> None:
    daemon.answers["POST /ingle/generate"] = Lines([{"chunk": {"text": "Hi"}}, {"done": {}}])
    daemon.answers["POST /ingle/load"] = Refusal(400, PromptTooLong(9, 8).to_dict())
    async with AsyncClient(config) as client:
        assert (await client.ask(api.status())).pid == STATUS["pid"]
        assert [line.chunk.text async for line in client.stream(HELLO) if line.chunk] == ["Hi"]
        with pytest.raises(PromptTooLong):
            await client.ask(api.load("starter"))
    assert {one.token for one in daemon.asked} == {f"Bearer {daemon.token}"}


async def test_leaving_an_asyncio_stream_closes_the_connection(config: Config, daemon: FakeDaemon) -> None:
    daemon.answers["POST /ingle/generate"] = Lines([{"chunk": {"text": "Hi"}}, HOLD])
    async with AsyncClient(config) as client:
        async with aclosing(client.stream(HELLO)) as lines:
            await anext(lines)
        assert await asyncio.to_thread(daemon.gone.wait, WAIT_S)


async def test_the_asyncio_client_types_a_dead_daemon(config: Config, daemon: FakeDaemon) -> None:
    daemon.die()
    async with AsyncClient(config) as client:
        with pytest.raises(DaemonUnreachable):
            await client.ask(api.status())


IMPROVED = {"tool": "proofread", "text": "The cat.", "changed": True, "model": "starter", "units": 1}


def test_a_text_goes_out_with_its_options_and_comes_back_whole(config: Config, daemon: FakeDaemon) -> None:
    daemon.answers["POST /text"] = IMPROVED
    with Client(config) as client:
        found = client.text("translate", "Le chat.", model="starter", to="English")
    assert (str(found), found.text, found.changed, found.reason) == ("The cat.", "The cat.", True, None)
    assert daemon.bodies("/text") == [
        {"tool": "translate", "text": "Le chat.", "model": "starter", "options": {"to": "English"}}
    ]


async def test_a_text_goes_through_the_asyncio_client_too(config: Config, daemon: FakeDaemon) -> None:
    kept = {"start": 0, "end": 8, "reason": "refusal"}
    daemon.answers["POST /text"] = IMPROVED | {"changed": False, "reason": "refusal", "kept": [kept]}
    async with AsyncClient(config) as client:
        found = await client.text("proofread", "The cat.")
    assert (found.text, found.reason, found.kept[0].end) == ("The cat.", "refusal", 8)
    assert daemon.bodies("/text") == [{"tool": "proofread", "text": "The cat."}]


async def test_a_dictation_may_go_out_uncleaned_from_both_clients(config: Config, daemon: FakeDaemon) -> None:
    daemon.answers["POST /text"] = IMPROVED
    with Client(config) as client:
        client.text("dictation", "um yes", clean=False)
    async with AsyncClient(config) as asking:
        await asking.text("dictation", "um yes", clean=False)
    assert daemon.bodies("/text") == [{"tool": "dictation", "text": "um yes", "clean": False}] * 2


def test_a_generation_travels_without_what_equals_its_default() -> None:
    generation = Generation(
        messages=(Message(role=Role.SYSTEM, content="Be brief."), api.user("Hi")),
        sampling=SamplingParams(temperature=0.0, seed=7, logit_bias={5: 1.0}),
        stop=("\n",),
    )
    assert api.generate(generation, model="starter", keep_alive=0.0).body == {
        "model": "starter",
        "keep_alive": 0.0,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "sampling": {"temperature": 0.0, "seed": 7, "logit_bias": {"5": 1.0}},
        "stop": ("\n",),
    }
