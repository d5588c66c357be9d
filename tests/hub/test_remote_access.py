"""The token goes to the hub alone and may be stale; mirrors are tried in order; offline means offline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingle.errors import Gated, HubRefused, LinkExpired, ModelNotFound, Offline, Unauthorized
from ingle.hub.pulllog import PullLog
from ingle.hub.remote import Remote
from tests.fakes.certificate import make_certificate
from tests.fakes.content import Noise
from tests.fakes.faults import Faults
from tests.fakes.hub import FakeHub
from tests.fakes.nobody import Nobody
from tests.fakes.settings import settings
from tests.hub.pulling import pull_all
from tests.hub.test_remote import FILES, LARGE, large, read

pytestmark = pytest.mark.slow


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repo("org/name", FILES)
        yield hub


def test_the_token_goes_to_the_hub_and_to_nobody_else(hub: FakeHub, tmp_path: Path) -> None:
    hub.tokens.add("good")
    hub.add_repo("org/name", FILES, gated=True, granted={"good"})
    lines: list[str] = []
    with Remote(settings(tmp_path, hub, token="good"), log=lines.append) as remote:
        assert read(remote, 0, 5) == Noise(LARGE).read(0, 5)
        assert remote.whoami() == "someone"
    assert hub.leaks == []
    assert all("authorization" in one.asked.headers for one in hub.requests() if one.asked.origin == "hub")
    assert not any("good" in line or "Signature" in line for line in lines)


def test_the_token_is_not_given_to_a_hub_that_a_redirect_leads_to(hub: FakeHub, tmp_path: Path) -> None:
    hub.tokens.add("good")
    with FakeHub() as other, Remote(settings(tmp_path, hub, token="good")) as remote:
        listing, file = large(remote)
        hub.faults = Faults(redirect_to=f"{other.cdn_url}/blobs/x")
        with pytest.raises(LinkExpired):
            remote.open_range(remote.resolve("org/name", listing.commit, file), 0, 5)
        with pytest.raises(LinkExpired):
            remote.open_range(remote.direct("org/name", listing.commit, file), 0, 5)
        assert other.requests()
        assert other.leaks == []


def test_a_hub_that_repeats_the_token_gets_it_neither_into_the_log_nor_before_anybody(
    hub: FakeHub, tmp_path: Path
) -> None:
    token = "cmVmdGtuOjAxOjE3"  # a mirror's looks like nothing in particular
    hub.tokens = {token}
    hub.faults = Faults(echo_times=1)
    config = settings(tmp_path, hub, token=token)
    with pytest.raises(HubRefused, match="may not") as raised:
        pull_all(config)
    log = PullLog(config.logs, "another", token)
    log(f"GET {hub.url}/{token} -> 200")
    log.close()
    texts = [path.read_text() for path in config.logs.glob("pull-*.log")]
    assert len(texts) == 2
    for text in (*texts, str(raised.value.to_dict())):
        assert token not in text and "Policy" not in text


def test_a_stale_token_does_not_break_a_public_model_and_is_said_once(hub: FakeHub, tmp_path: Path) -> None:
    notes: list[str] = []
    with Remote(settings(tmp_path, hub, token="stale"), note=notes.append) as remote:
        assert read(remote, 0, 5) == Noise(LARGE).read(0, 5)
    assert len(notes) == 1
    assert "does not accept the token" in notes[0]
    assert "stale" not in notes[0]


def test_a_stale_token_is_the_reason_given_for_a_closed_model(hub: FakeHub, tmp_path: Path) -> None:
    hub.add_repo("org/closed", FILES, private=True)
    with Remote(settings(tmp_path, hub, token="stale")) as remote:
        with pytest.raises(Unauthorized, match="does not accept the token"):
            remote.listing("org/closed")
        with pytest.raises(Unauthorized):
            remote.whoami()


@pytest.mark.parametrize("token", [None, "good"])
def test_a_gated_model_says_where_to_accept(hub: FakeHub, tmp_path: Path, token: str | None) -> None:
    hub.tokens.add("good")
    hub.add_repo("org/gated", FILES, gated=True)
    with Remote(settings(tmp_path, hub, token=token)) as remote, pytest.raises(Gated) as caught:
        remote.listing("org/gated")
    assert f"{hub.url}/org/gated" in caught.value.hint
    assert len([one for one in hub.requests() if one.status in (401, 403)]) == 1


def test_mirrors_are_tried_in_order_and_the_change_is_said(hub: FakeHub, tmp_path: Path) -> None:
    notes: list[str] = []
    with FakeHub() as first:
        first.faults = Faults(statuses=(403,) * 9)
        with Remote(settings(tmp_path, first, hub), note=notes.append) as remote:
            assert read(remote, 0, 5) == Noise(LARGE).read(0, 5)
        assert len(first.requests()) == 1
    assert len(notes) == 1


def test_when_no_mirror_has_it_the_telling_error_is_raised(hub: FakeHub, tmp_path: Path) -> None:
    with (
        Nobody() as gone,
        Remote(settings(tmp_path, gone, hub), backoff=0.001) as remote,
        pytest.raises(ModelNotFound),
    ):
        remote.listing("org/none")


def test_offline_asks_nobody(hub: FakeHub, tmp_path: Path) -> None:
    with Remote(settings(tmp_path, hub, offline=True)) as remote:
        for ask in (lambda: remote.listing("org/name"), lambda: remote.search("x")):
            with pytest.raises(Offline):
                ask()
        assert "HF_HUB_OFFLINE" in remote.probe()[0].problem
    assert hub.requests() == []


def test_a_probe_tells_who_answers_and_who_does_not(hub: FakeHub, tmp_path: Path) -> None:
    with Nobody() as gone, Remote(settings(tmp_path, hub, gone)) as remote:
        here, away = remote.probe()
    assert here.problem == ""
    assert here.seconds is not None
    assert "cannot be reached" in away.problem


def test_a_token_with_characters_no_token_has_is_left_out_and_said(hub: FakeHub, tmp_path: Path) -> None:
    notes: list[str] = []
    with Remote(settings(tmp_path, hub, token="x\r\ny"), note=notes.append) as remote:
        remote.listing("org/name")
    assert len(notes) == 1


def test_a_hub_with_a_certificate_of_ones_own_is_listed_and_read(tmp_path: Path) -> None:
    trusted, context = make_certificate(tmp_path)
    with FakeHub(tls=context) as hub:
        hub.add_repo("org/name", FILES)
        with Remote(settings(tmp_path, hub, ca_bundle=trusted)) as remote:
            assert read(remote, 7, 70_000) == Noise(LARGE).read(7, 70_000)
        assert hub.url.startswith("https://")
