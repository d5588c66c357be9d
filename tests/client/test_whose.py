"""Which daemon a Python client talks to: this home's with this cache, or the one at an address as it is."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingle.client import AsyncClient, Client, api
from ingle.client.address import Address
from ingle.config import Config, InForce, load_config
from ingle.errors import DaemonUnreachable, InvalidConfig, OtherSettings
from tests.cli.fake_daemon import FakeDaemon, fake_daemon

pytestmark = pytest.mark.slow
Make = Callable[..., Client | AsyncClient]
BOTH = pytest.mark.parametrize("make", [Client, AsyncClient])


def settings(folder: Path, **env: str) -> Config:
    return load_config({"HOME": str(folder), "INGLE_HOME": str(folder / "ingle")} | env)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return settings(tmp_path)


@pytest.fixture
def daemon(config: Config) -> Iterator[FakeDaemon]:
    with fake_daemon(config.home) as running:
        running.in_force = InForce.of(config)
        running.write_address(config.home)
        yield running


@BOTH
def test_a_daemon_with_another_cache_is_refused_and_both_are_named(
    tmp_path: Path, daemon: FakeDaemon, make: Make
) -> None:
    other = settings(tmp_path, HF_HUB_CACHE=str(tmp_path / "other"))
    with pytest.raises(OtherSettings) as caught:
        make(other)
    assert str(tmp_path / "other") in caught.value.message
    assert "ingle serve --stop" in caught.value.hint and "address=" in caught.value.hint
    assert daemon.asked == []


@BOTH
def test_a_daemon_with_the_same_settings_is_used_without_a_word(
    config: Config, daemon: FakeDaemon, make: Make
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(config)


@BOTH
def test_what_the_daemon_does_otherwise_is_warned_of_where_the_client_is_made(
    tmp_path: Path, daemon: FakeDaemon, make: Make
) -> None:
    with pytest.warns(RuntimeWarning, match="context is 4096; here it is 512") as caught:
        make(settings(tmp_path, INGLE_CONTEXT="512"))
    assert caught[0].filename == __file__


def test_who_gives_an_address_takes_that_daemon_as_it_is(config: Config, daemon: FakeDaemon) -> None:
    at = f"http://127.0.0.1:{daemon.port}"
    assert daemon.token is not None
    with Client(address=at, token=daemon.token) as client:
        assert client.ask(api.status()).pid == 1
    with Client(address=Address(host="127.0.0.1", port=daemon.port), token=daemon.token) as client:
        assert client.ask(api.status()).pid == 1

    async def ask() -> int:
        async with AsyncClient(address=at, token=daemon.token) as client:
            return (await client.ask(api.status())).pid

    assert asyncio.run(ask()) == 1
    assert {seen.token for seen in daemon.asked} == {f"Bearer {daemon.token}"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("http://127.0.0.1:4000", "http://127.0.0.1:4000"),
        ("http://127.0.0.1:4000/", "http://127.0.0.1:4000"),
        ("localhost:4000", "http://localhost:4000"),
        ("localhost", "http://localhost:11500"),
        ("http://[::1]:4000", "http://[::1]:4000"),
    ],
)
def test_an_address_is_written_as_people_write_one(written: str, meant: str) -> None:
    assert Address.of(written).url == meant


@pytest.mark.parametrize(
    "written",
    [
        "",
        "https://127.0.0.1:1",
        "http://",
        "http://h:x",
        "http://h:70000",
        "http://me:pw@h",
        "http://h/v1",
        "a b",
    ],
)
def test_what_is_no_address_is_told_as_that(written: str) -> None:
    with pytest.raises(InvalidConfig, match="no address of a daemon") as caught:
        Client(address=written)
    assert "http://127.0.0.1:11500" in caught.value.hint


def test_a_note_without_a_process_is_none(config: Config) -> None:
    config.home.mkdir()
    (config.home / "daemon.json").write_text('{"host": "127.0.0.1", "port": 9}')
    with pytest.raises(DaemonUnreachable, match="names no process"):
        Client(config)
