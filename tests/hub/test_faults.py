"""Each way in which a hub can misbehave, alone: the pull ends well or says why not, and every promise holds."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from ingle.errors import Gated, HubError, HubLied, HubRefused, HubUnreachable, ModelNotFound, Unauthorized
from ingle.hub.pieces import PIECE
from tests.fakes.faults import ALWAYS, Faults
from tests.fakes.gate import Gate
from tests.fakes.hub import FakeHub
from tests.fakes.wire import Asked
from tests.hub.promises import (
    HASTY,
    HEAD,
    MODEL,
    REPO,
    TOKEN,
    WEIGHTS,
    After,
    Outcome,
    Scene,
    check_five,
)

pytestmark = pytest.mark.slow
BIG = "model.safetensors"


PASSING = {
    "cut at a byte": Faults(only=BIG, cut_at=5_000_001, cut_times=1),
    "cut at once": Faults(cut_at=0, cut_times=3),
    "cut every 1 to 9 MB": Faults(only=BIG, cut_between=(1_000_000, 9_000_000)),
    "one connection stalls": Faults(only=BIG, stall_at=2_000_000, stall_times=1),
    "one byte a second on one connection": Faults(only=BIG, trickle_times=1),
    "one byte a second for a small file": Faults(only="tokenizer.json", trickle_times=1),
    "all slow, for longer than it takes to be judged slow": Faults(rate=1e6),
    "200 to a range, once": Faults(ignore_range_times=1),
    "200 to every range": Faults(ignore_range_times=ALWAYS),
    "200 to every range, and cut in the middle": Faults(
        only=BIG, ignore_range_times=ALWAYS, cut_at=12_000_000, cut_times=2
    ),
    "wrong total, once": Faults(wrong_total_times=1),
    "another start, once": Faults(wrong_start_times=1),
    "no Content-Range, once": Faults(no_content_range_times=1),
    "416 at a valid offset, once": Faults(refuse_range_times=1),
    "gzip, once": Faults(gzip_times=1),
    "gzip of a large file, once": Faults(only=BIG, gzip_times=1),
    "wrong bytes, once": Faults(only=BIG, wrong_bytes_times=1),
    "wrong bytes of a small file, once": Faults(only="notes/a b#?%é.txt", wrong_bytes_times=1),
    "wrong bytes of what the plan is made from, once": Faults(only="config.json", wrong_bytes_times=1),
    "length too long, once": Faults(lie_times=1),
    "length too short, once": Faults(only=BIG, lie_times=1, lie_by=-10),
    "a web page, once": Faults(html_times=1),
    "a web page for a large file, once": Faults(only=BIG, html_times=1),
    "signed addresses good for one request": Faults(signed_uses=1),
    "a redirect to itself, once": Faults(loop_times=1),
    "relative redirects": Faults(relative_redirects=True),
    "bursts of 500, 502, 503": Faults(statuses=(500, 502, 503) * 3, on=frozenset({"bytes"})),
    "a burst of 500, 502, 503 for the listing": Faults(statuses=(500, 502, 503), on=frozenset({"api"})),
    "a burst of 500, 502, 503 for an address": Faults(statuses=(500, 502, 503), on=frozenset({"resolve"})),
    "no commit header": Faults(no_commit=True),
    "no linked headers": Faults(no_linked=True),
    "tags that climb out": Faults(etag="../../../../evil"),
}


@pytest.mark.parametrize("name", PASSING)
def test_trouble_that_passes_is_lived_through(name: str, hub: FakeHub, scene: Scene) -> None:
    hub.faults = PASSING[name]
    outcome = scene.pull()
    assert outcome.error is None
    check_five(scene, outcome)


@pytest.mark.parametrize("seed", range(4))
def test_a_cut_at_a_random_byte_is_lived_through(seed: int, hub: FakeHub, scene: Scene) -> None:
    hub.faults = Faults(only=BIG, cut_at=random.Random(seed).randrange(PIECE), cut_times=2)
    outcome = scene.pull()
    assert outcome.error is None
    check_five(scene, outcome)


LASTING: dict[str, tuple[Faults, type[HubError]]] = {
    "200 to every range, and always cut": (
        Faults(only=BIG, ignore_range_times=ALWAYS, cut_at=5_000_000, cut_times=ALWAYS),
        HubUnreachable,
    ),
    "wrong totals": (Faults(wrong_total_times=ALWAYS), HubLied),
    "no Content-Range": (Faults(no_content_range_times=ALWAYS), HubLied),
    "416 at valid offsets": (Faults(refuse_range_times=ALWAYS), HubLied),
    "everything packed": (Faults(only=BIG, gzip_times=ALWAYS), HubLied),
    "wrong bytes": (Faults(only=BIG, wrong_bytes_times=ALWAYS), HubLied),
    "wrong bytes of a small file": (Faults(only="tokenizer.json", wrong_bytes_times=ALWAYS), HubLied),
    "lengths that lie": (Faults(only=BIG, lie_times=ALWAYS), HubLied),
    "web pages": (Faults(only=BIG, html_times=ALWAYS), HubLied),
    "a redirect loop": (Faults(loop_times=ALWAYS), HubLied),
    "redirects to a host that is not there": (Faults(redirect_to="http://nobody.invalid/x"), HubUnreachable),
    "signed addresses that never work": (Faults(signed_uses=0), HubRefused),
    "another file under the same name": (Faults(only=BIG, etag="c" * 64), HubLied),
    "only errors": (Faults(statuses=(503,) * 99, on=frozenset({"bytes"})), HubUnreachable),
}


@pytest.mark.parametrize("name", LASTING)
def test_trouble_that_lasts_ends_in_an_error_that_says_it_and_the_next_pull_goes_on(
    name: str, hub: FakeHub, scene: Scene
) -> None:
    hub.faults, kind = LASTING[name]
    outcome = scene.pull(tuning=HASTY)
    assert isinstance(outcome.error, kind)
    assert outcome.error.message
    assert outcome.error.hint
    check_five(scene, outcome)


def test_a_pull_begun_with_ranges_goes_on_with_a_server_that_knows_none_and_says_so(
    hub: FakeHub, scene: Scene
) -> None:
    hub.faults = Faults(rate=20e6, only=BIG)
    with Gate(hub, BIG, 2 * PIECE):
        for event in (events := scene.events()):
            if event.bytes_done > PIECE:
                hub.faults = Faults(only=BIG, ignore_range_times=ALWAYS)
                hub.drop_connections()
                break
    outcome = Outcome(events=[*events])
    outcome.snapshot = outcome.events[-1].snapshot
    (log,) = scene.config.logs.glob("pull-*.log")
    assert "in one stream from its beginning" in log.read_text()
    check_five(scene, outcome)


def test_a_limit_with_both_headers_is_waited_for_and_shown(hub: FakeHub, scene: Scene) -> None:
    hub.faults = Faults(limited_times=2, retry_after=1, on=frozenset({"bytes"}))
    outcome = scene.pull()
    assert outcome.error is None
    assert any("wait" in event.message for event in outcome.events)
    check_five(scene, outcome)


def test_a_branch_that_moves_in_the_middle_gives_the_commit_that_was_listed(
    hub: FakeHub, scene: Scene
) -> None:
    look = hub.before
    assert look is not None

    def move(asked: Asked) -> None:
        look(asked)
        if asked.origin == "cdn" and len(hub.repos[REPO].commits) == 1:
            hub.add_repo(REPO, {**MODEL, "config.json": b'{"model_type": "other"}'})

    hub.before = move
    outcome = scene.pull()
    assert outcome.error is None
    assert len(hub.repos[REPO].commits) == 2
    check_five(scene, outcome, After.MOVED)


def test_a_commit_that_vanishes_is_said_and_what_came_is_kept(hub: FakeHub, scene: Scene) -> None:
    hub.faults = Faults(vanish_after=5)
    outcome = scene.pull()
    assert isinstance(outcome.error, ModelNotFound)
    assert "revision" in outcome.error.message
    check_five(scene, outcome)


@pytest.mark.parametrize("token", [None, TOKEN])
def test_a_gated_model_says_where_to_accept_and_is_not_asked_for_again(
    hub: FakeHub, tmp_path: Path, token: str | None
) -> None:
    hub.tokens.add(TOKEN)
    scene = Scene(tmp_path, hub, gated=True, token=token)
    outcome = scene.pull()
    assert isinstance(outcome.error, Gated)
    assert f"{hub.url}/{REPO}" in outcome.error.hint
    assert len([one for one in hub.requests() if one.status >= 400]) == 1
    hub.repos[REPO].gated = False
    check_five(scene, outcome)


def test_a_token_revoked_in_the_middle_of_a_closed_model_is_said_and_a_new_one_goes_on(
    hub: FakeHub, tmp_path: Path
) -> None:
    hub.tokens.add(TOKEN)
    scene = Scene(tmp_path, hub, gated=True, granted={TOKEN}, token=TOKEN)
    hub.faults = Faults(revoke_after=5)
    outcome = scene.pull()
    assert isinstance(outcome.error, Unauthorized)
    check_five(scene, outcome)


def test_a_token_revoked_in_the_middle_does_not_break_a_public_model(hub: FakeHub, tmp_path: Path) -> None:
    hub.tokens.add(TOKEN)
    scene = Scene(tmp_path, hub, token=TOKEN)
    hub.faults = Faults(revoke_after=3)
    outcome = scene.pull()
    assert outcome.error is None
    assert any("token" in event.message for event in outcome.events)
    check_five(scene, outcome)


def test_a_name_that_cannot_be_looked_up_is_said(hub: FakeHub, tmp_path: Path) -> None:
    scene = Scene(tmp_path, hub)
    good = scene.config
    scene.config = msgspec.structs.replace(good, endpoints=("http://nobody.invalid",))
    outcome = scene.pull(tuning=HASTY)
    assert isinstance(outcome.error, HubUnreachable)
    assert "looked up" in outcome.error.message
    scene.config = good
    check_five(scene, outcome)


HOSTILE = {
    "climbs out": "../../../../escaped.json",
    "is absolute": "/tmp/escaped.json",
    "collides under case folding": "CONFIG.json",
    "collides under normalisation": "notes/a b#?%e\u0301.txt",
    "is a file and a folder": "notes",
    "holds a backslash": "..\\escaped.json",
    "holds a control character": "a\x1b[2Jb.json",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_no_disk_can_trust_is_refused_before_anything_is_written(
    name: str, hub: FakeHub, tmp_path: Path
) -> None:
    row = {"type": "file", "path": HOSTILE[name], "oid": "a" * 40, "size": 3}
    scene = Scene(tmp_path, hub, extra=(row,))
    outcome = scene.pull()
    assert isinstance(outcome.error, HubLied)
    assert hub.bytes_sent() == 0
    check_five(scene, outcome, After.REFUSED)


@pytest.mark.parametrize("digest", ["../../../../tmp/escaped", "", "a" * 63, "A" * 64])
def test_a_digest_that_is_none_is_refused_before_anything_is_written(
    digest: str, hub: FakeHub, tmp_path: Path
) -> None:
    lfs = {"oid": digest, "size": WEIGHTS, "pointerSize": 1}
    scene = Scene(tmp_path, hub, changes={"model.safetensors": {"lfs": lfs, "size": WEIGHTS}})
    outcome = scene.pull()
    assert isinstance(outcome.error, HubLied)
    check_five(scene, outcome, After.REFUSED)


def test_a_redirect_to_another_host_gets_no_token_and_its_page_is_not_taken(
    hub: FakeHub, tmp_path: Path
) -> None:
    hub.tokens.add(TOKEN)
    with FakeHub() as other:
        other.faults = Faults(html_times=ALWAYS)
        other.add_repo(REPO, MODEL)
        scene = Scene(tmp_path, hub, token=TOKEN)
        hub.faults = Faults(redirect_to=f"{other.url}/{REPO}/resolve/main/config.json")
        outcome = scene.pull()
        assert isinstance(outcome.error, HubLied)
        assert other.requests()
        assert not any("authorization" in one.asked.headers for one in other.requests())
    check_five(scene, outcome)


def test_when_every_connection_dies_at_once_the_pull_goes_on(hub: FakeHub, scene: Scene) -> None:
    hub.faults = Faults(rate=20e6, only=BIG)
    outcome = Outcome()
    with Gate(hub, BIG, 2 * PIECE) as gate:
        for event in scene.events():
            outcome.events.append(event)
            if gate.reached.is_set() and event.bytes_done > HEAD and not gate.is_open:
                hub.drop_connections()
                gate.open()
        assert gate.is_open
    outcome.snapshot = outcome.events[-1].snapshot
    assert hub.bytes_sent(BIG) < WEIGHTS + 8 * PIECE
    check_five(scene, outcome)
