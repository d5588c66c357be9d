"""Asking a model through both clients: a question in, the answer or its pieces out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

import pytest

from ingle.client import AsyncClient, Client, api
from ingle.config import Config, load_config
from ingle.errors import Conflict, InvalidRequest
from ingle.generation import Message, Role
from tests.cli.fake_daemon import HOLD, FakeDaemon, Lines, fake_daemon
from tests.cli.terminal import WAIT_S

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
DONE = {
    "done": {
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
        "finish_reasons": ["stop"],
        "timings": {"total": 1.0},
    }
}
ANSWER = [{"chunk": {"reasoning": "Hm."}}, {"chunk": {"text": "Hel"}}, {"chunk": {"text": "lo."}}, DONE]
ASKED = {"messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config({"HOME": str(tmp_path), "INGLE_HOME": str(tmp_path / "ingle")})


@pytest.fixture
def daemon(config: Config) -> Iterator[FakeDaemon]:
    with fake_daemon(config.home) as running:
        running.answers["POST /ingle/generate"] = Lines(ANSWER)
        yield running


def test_a_question_is_answered_whole(config: Config, daemon: FakeDaemon) -> None:
    found = Client(config).chat("Hi", model="starter", max_tokens=9, temperature=0.0)
    assert (str(found), found.text, found.reasoning) == ("Hello.", "Hello.", "Hm.")
    assert found.finish_reason == "stop"
    assert found.usage is not None and found.usage.completion_tokens == 2
    sent = {**ASKED, "model": "starter", "max_tokens": 9, "sampling": {"temperature": 0.0}}
    assert daemon.bodies("/ingle/generate") == [sent]


def test_a_conversation_may_be_dicts_or_messages(config: Config, daemon: FakeDaemon) -> None:
    as_dicts = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    as_values = [
        Message(role=Role.SYSTEM, content="Be brief."),
        Message(role=Role.USER, content="Hi"),
    ]
    client = Client(config)
    client.chat(as_dicts)
    client.chat(as_values)
    assert daemon.bodies("/ingle/generate") == [{"messages": as_dicts}] * 2


def test_the_pieces_come_as_they_are_made(config: Config, daemon: FakeDaemon) -> None:
    assert list(Client(config).chat_stream("Hi")) == ["Hel", "lo."]


def test_leaving_the_pieces_early_ends_the_answer(config: Config, daemon: FakeDaemon) -> None:
    daemon.answers["POST /ingle/generate"] = Lines([*ANSWER[:2], HOLD])
    with closing(Client(config).chat_stream("Hi")) as pieces:
        assert next(pieces) == "Hel"
    assert daemon.gone.wait(WAIT_S)


async def test_the_asyncio_client_chats_too(config: Config, daemon: FakeDaemon) -> None:
    async with AsyncClient(config) as client:
        assert (await client.chat("Hi")).text == "Hello."
        async with aclosing(client.chat_stream("Hi", stop=["x"])) as pieces:
            assert [piece async for piece in pieces] == ["Hel", "lo."]
    assert daemon.bodies("/ingle/generate") == [ASKED, {**ASKED, "stop": ["x"]}]


@pytest.mark.parametrize(
    ("messages", "sampling"),
    [
        ("", {}),
        (" \n", {}),
        ([], {}),
        ([{"role": "who", "content": "x"}], {}),
        ([3], {}),
        ("Hi", {"temp": 1}),
    ],
)
async def test_what_asks_nothing_is_refused_before_it_is_sent(
    config: Config, daemon: FakeDaemon, messages: Any, sampling: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Client(config).chat(messages, **sampling)
    assert caught.value.hint
    async with AsyncClient(config) as client:
        with pytest.raises(InvalidRequest):
            await client.chat(messages, **sampling)
    assert daemon.asked == []


async def test_words_given_to_ask_are_pointed_to_chat(config: Config, daemon: FakeDaemon) -> None:
    words: Any = ""
    for send in (Client(config).ask, Client(config).stream):
        with pytest.raises(InvalidRequest) as caught:
            list(send(words))
        assert "client.chat(" in caught.value.hint
    async with AsyncClient(config) as client:
        with pytest.raises(InvalidRequest):
            await client.ask(words)
        with pytest.raises(InvalidRequest):
            await anext(client.stream(words))


async def test_a_closed_client_says_that_it_is_closed(config: Config, daemon: FakeDaemon) -> None:
    with Client(config) as client:
        pass
    for use in (lambda: client.ask(api.ps()), lambda: client.chat("Hi"), lambda: client.text("x", "y")):
        with pytest.raises(Conflict, match="closed"):
            use()
    async with AsyncClient(config) as waiting:
        pass
    with pytest.raises(Conflict, match="closed"):
        await waiting.ask(api.ps())
    with pytest.raises(Conflict, match="closed"):
        await waiting.chat("Hi")
    assert daemon.asked == []


@pytest.mark.parametrize("page", ["README.md", "docs/api.md"])
def test_the_examples_for_python_run_as_they_stand(
    config: Config,
    daemon: FakeDaemon,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    page: str,
) -> None:
    daemon.answers["POST /text"] = {"tool": "proofread", "text": "He goes.", "changed": True}
    monkeypatch.setenv("INGLE_HOME", str(config.home))
    examples = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S)
    assert any("client.chat(" in example for example in examples)
    for example in examples:
        exec(compile(example, page, "exec"), {})
    assert "Hello." in capsys.readouterr().out
