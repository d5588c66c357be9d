"""What the hub says is taken only when it fits; the token goes to the hub alone; mirrors are tried in order."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingle.catalog.listing import ListedFile, Listing
from ingle.catalog.model import Format
from ingle.errors import (
    Cancelled,
    HubLied,
    HubRefused,
    HubUnreachable,
    LinkExpired,
    ModelNotFound,
    RateLimited,
)
from ingle.hub.remote import Remote
from ingle.hub.search import parse_found
from ingle.hub.transport import Timeouts
from tests.fakes.content import Many, Noise
from tests.fakes.faults import ALWAYS, Faults
from tests.fakes.hub import FakeHub
from tests.fakes.nobody import Nobody
from tests.fakes.repos import Given
from tests.fakes.settings import settings

pytestmark = pytest.mark.slow

LARGE = 3 << 20
FILES: Given = {
    "config.json": b'{"a": 1}',
    "empty.txt": b"",
    "model.gguf": Noise(LARGE),
    "sub/a b#?%é.txt": b"hello",
}


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub(page_size=2) as hub:
        hub.add_repo("org/name", FILES)
        yield hub


@pytest.fixture
def remote(hub: FakeHub, tmp_path: Path) -> Iterator[Remote]:
    with Remote(settings(tmp_path, hub), backoff=0.001) as remote:
        yield remote


def large(remote: Remote) -> tuple[Listing, ListedFile]:
    listing = remote.listing("org/name")
    return listing, next(file for file in listing.files if file.path == "model.gguf")


def read(remote: Remote, start: int, stop: int) -> bytes:
    listing, file = large(remote)
    with remote.open_range(remote.resolve("org/name", listing.commit, file), start, stop) as body:
        return body.read()


def test_a_listing_is_all_pages_of_one_commit(hub: FakeHub, remote: Remote) -> None:
    listing = remote.listing("org/name")
    assert listing.commit == hub.repos["org/name"].refs["main"]
    assert [(file.path, file.size) for file in listing.files] == [
        ("config.json", 8),
        ("empty.txt", 0),
        ("model.gguf", LARGE),
        ("sub/a b#?%é.txt", 5),
    ]
    assert (listing.licence, listing.gated, listing.revision) == ("apache-2.0", False, "main")


def test_a_listing_asks_nothing_for_each_file(hub: FakeHub, tmp_path: Path) -> None:
    hub.page_size = 1000
    hub.add_repo("org/many", Many(2500))
    with Remote(settings(tmp_path, hub)) as remote:
        assert len(remote.listing("org/many").files) == 2500
    assert len(hub.requests()) == 4


def test_pages_of_a_moved_branch_are_those_of_the_first_commit(hub: FakeHub, remote: Remote) -> None:
    first = hub.repos["org/name"].refs["main"]

    def move(asked: object) -> None:
        if len(hub.seen) == 1:
            hub.before = None
            hub.add_repo("org/name", {"other.json": b"{}"})

    hub.before = move
    listing = remote.listing("org/name")
    assert listing.commit == first
    assert len(listing.files) == 4


def test_branches_with_slashes_and_commits_can_be_asked_for(hub: FakeHub, remote: Remote) -> None:
    commit = hub.add_repo("org/name", {"x.json": b"{}"}, branch="refs/pr/1")
    assert remote.listing("org/name", "refs/pr/1").commit == commit
    assert remote.listing("org/name", commit).commit == commit


def test_any_range_of_a_large_file_comes_as_asked(remote: Remote) -> None:
    noise = Noise(LARGE)
    assert read(remote, 0, LARGE) == noise.read(0, LARGE)
    assert read(remote, LARGE - 5, LARGE) == noise.read(LARGE - 5, LARGE)
    assert read(remote, 1000, 70_000) == noise.read(1000, 70_000)


def test_ranges_share_a_kept_connection(hub: FakeHub, remote: Remote) -> None:
    listing, file = large(remote)
    resolved = remote.resolve("org/name", listing.commit, file)
    for start in range(0, LARGE, 1 << 20):
        with remote.open_range(resolved, start, start + (1 << 20)) as body:
            body.read()
    assert hub.connections == 2


def test_small_files_come_with_odd_names_and_empty_ones_without_a_request(
    hub: FakeHub, remote: Remote
) -> None:
    listing = remote.listing("org/name")
    hub.forget_requests()
    found = [remote.read_small("org/name", listing.commit, listing.files[n]) for n in (0, 1, 3)]
    assert found == [b'{"a": 1}', b"", b"hello"]
    assert len(hub.requests()) == 2


def test_relative_redirects_are_followed(hub: FakeHub, remote: Remote) -> None:
    hub.faults = Faults(relative_redirects=True)
    assert read(remote, 5, 10) == Noise(LARGE).read(5, 10)
    listing = remote.listing("org/name")
    assert remote.read_small("org/name", listing.commit, listing.files[0]) == b'{"a": 1}'


def test_a_repo_or_revision_that_is_not_there_is_said_so(remote: Remote) -> None:
    with pytest.raises(ModelNotFound, match="repo not found"):
        remote.listing("org/none")
    with pytest.raises(ModelNotFound) as raised:
        remote.listing("org/name", "v9")
    assert raised.value.message.startswith("org/name has no branch, tag or commit called v9 at ")
    assert raised.value.details["model"] == "org/name@v9" and "org/name" in raised.value.hint


def test_a_limit_is_raised_with_its_seconds_where_bytes_are_asked_for(hub: FakeHub, remote: Remote) -> None:
    listing, file = large(remote)
    resolved = remote.resolve("org/name", listing.commit, file)
    hub.faults = Faults(limited_times=1, retry_after=77)
    with pytest.raises(RateLimited) as caught:
        remote.open_range(resolved, 0, 5)
    assert caught.value.details["seconds"] == 77


def test_a_hub_that_wants_hours_is_not_waited_for(hub: FakeHub, remote: Remote) -> None:
    hub.faults = Faults(limited_times=ALWAYS, retry_after=7200)
    with pytest.raises(RateLimited):
        remote.listing("org/name")
    assert len(hub.requests()) == 1


def test_a_wait_for_the_hub_ends_when_cancelled(hub: FakeHub, tmp_path: Path) -> None:
    hub.faults = Faults(limited_times=ALWAYS, retry_after=200)
    cancel = threading.Event()
    with (
        Remote(settings(tmp_path, hub), cancel=cancel, note=lambda line: cancel.set()) as remote,
        pytest.raises(Cancelled),
    ):
        remote.listing("org/name")


@pytest.mark.parametrize(
    ("faults", "kind"),
    [
        (Faults(ignore_range_times=1), "ignored_range"),
        (Faults(wrong_total_times=1), "content_range"),
        (Faults(wrong_start_times=1), "content_range"),
        (Faults(no_content_range_times=1), "content_range"),
        (Faults(refuse_range_times=1), "range"),
        (Faults(gzip_times=1), "encoding"),
        (Faults(lie_times=1), "length"),
        (Faults(lie_times=1, lie_by=-1), "length"),
        (Faults(html_times=1), "html"),
    ],
)
def test_a_range_that_does_not_fit_is_refused_before_a_byte_is_taken(
    hub: FakeHub, remote: Remote, faults: Faults, kind: str
) -> None:
    listing, file = large(remote)
    resolved = remote.resolve("org/name", listing.commit, file)
    hub.faults = faults
    with pytest.raises(HubLied) as caught:
        remote.open_range(resolved, 1000, 2000)
    assert caught.value.details["kind"] == kind
    with remote.open_range(resolved, 1000, 2000) as body:
        assert body.read() == Noise(LARGE).read(1000, 2000)


@pytest.mark.parametrize("faults", [Faults(cut_at=500, cut_times=1), Faults(stall_at=500, stall_times=1)])
def test_a_body_that_breaks_off_or_falls_silent_gives_what_came_and_an_error(
    hub: FakeHub, remote: Remote, tmp_path: Path, faults: Faults
) -> None:
    view = memoryview(bytearray(1000))
    listing, file = large(remote)
    resolved = remote.resolve("org/name", listing.commit, file)
    hub.faults = faults
    with (
        Remote(settings(tmp_path, hub), timeouts=Timeouts(stall=2.0)) as impatient,
        impatient.open_range(resolved, 0, 1000) as body,
        pytest.raises(HubUnreachable),
    ):
        while count := body.readinto(view[1000 - body.remaining :]):
            assert count <= 500
    assert body.remaining == 500
    assert bytes(view[:500]) == Noise(LARGE).read(0, 500)


def test_a_read_can_be_broken_off_from_another_thread(hub: FakeHub, tmp_path: Path) -> None:
    hub.faults = Faults(stall_at=0, stall_times=1)
    with Remote(settings(tmp_path, hub)) as remote:
        listing, file = large(remote)
        with remote.open_range(remote.resolve("org/name", listing.commit, file), 0, 10) as body:
            threading.Timer(0.05, body.abort).start()
            with pytest.raises(HubUnreachable):
                body.readinto(memoryview(bytearray(10)))


def test_a_signed_address_that_ran_out_is_told_from_other_refusals(hub: FakeHub, remote: Remote) -> None:
    listing, file = large(remote)
    resolved = remote.resolve("org/name", listing.commit, file)
    assert resolved.expires is not None
    assert "Signature" not in repr(resolved)
    hub.expire_signed()
    with pytest.raises(LinkExpired):
        remote.open_range(resolved, 0, 5)
    fresh = remote.resolve("org/name", listing.commit, file)
    with remote.open_range(fresh, 0, 5) as body:
        assert body.read() == Noise(LARGE).read(0, 5)


def test_a_server_that_refuses_an_address_is_not_asked_for_the_fresh_one_on_the_same_connection(
    hub: FakeHub, remote: Remote
) -> None:
    """Behind one name stand many servers: whoever refuses what was just signed may be one that is ill."""
    listing, file = large(remote)
    resolved = remote.resolve("org/name", listing.commit, file)
    hub.faults = Faults(statuses=(403,), on=frozenset({"bytes"}))
    with pytest.raises(LinkExpired):
        remote.open_range(resolved, 0, 5)
    with remote.open_range(resolved, 0, 5) as body:
        assert body.read() == Noise(LARGE).read(0, 5)
    first, second = (one.asked.connection for one in hub.requests() if one.asked.origin == "cdn")
    assert first != second


def test_several_files_of_one_dead_mirror_turn_to_the_next_one_and_not_back(
    hub: FakeHub, tmp_path: Path
) -> None:
    with Nobody() as other, Remote(settings(tmp_path, hub, other)) as remote:
        listing, file = large(remote)
        given = [remote.resolve("org/name", listing.commit, file) for _ in range(2)]
        for resolved in given:
            remote.turn(resolved, "It does not answer.")
        assert remote.endpoint == other.url


def test_a_missing_commit_or_linked_header_says_nothing_and_a_wrong_tag_is_no_file_name(
    hub: FakeHub, remote: Remote
) -> None:
    hub.faults = Faults(no_commit=True, no_linked=True, etag="../../../evil")
    assert read(remote, 0, 5) == Noise(LARGE).read(0, 5)


def test_a_file_that_is_another_one_now_is_refused_when_resolved(hub: FakeHub, remote: Remote) -> None:
    listing, file = large(remote)
    hub.faults = Faults(etag="c" * 64)
    with pytest.raises(HubLied) as caught:
        remote.resolve("org/name", listing.commit, file)
    assert caught.value.details["kind"] == "digest"


def test_a_redirect_loop_and_endless_pages_are_refused(hub: FakeHub, remote: Remote) -> None:
    listing, file = large(remote)
    hub.faults = Faults(loop_times=ALWAYS)
    with pytest.raises(HubLied, match="circle"):
        remote.resolve("org/name", listing.commit, file)
    hub.faults = Faults(endless_pages=True)
    with pytest.raises(HubLied, match="no end"):
        remote.listing("org/name")


def test_hostile_names_are_refused_with_the_whole_listing(hub: FakeHub, remote: Remote) -> None:
    climbing = {"type": "file", "path": "../../up", "oid": "a" * 40, "size": 1}
    hub.add_repo("org/evil", FILES, extra=(climbing,))
    with pytest.raises(HubLied, match="climbs out"):
        remote.listing("org/evil")


def test_search_gives_size_licence_and_formats_and_skips_junk(hub: FakeHub, remote: Remote) -> None:
    hub.add_repo("org/tiny-gguf", {"m.gguf": Noise(5000)}, tags=("gguf",), downloads=9)
    hub.add_repo("../evil/tiny", {"m.gguf": b""}, tags=("gguf",), downloads=99)
    found = remote.search("tiny", Format.GGUF)
    assert [one.repo_id for one in found] == ["org/tiny-gguf"]
    assert (found[0].size, found[0].licence, found[0].formats) == (5000, "apache-2.0", (Format.GGUF,))


def test_a_search_gives_only_names_that_can_be_pulled_as_they_are() -> None:
    rows = [{"id": name} for name in ("gpt2", "org/name", "_org/name", "org/na--me", "../up", "org/name.git")]
    found = parse_found(json.dumps(rows).encode(), 10)
    assert [one.repo_id for one in found] == ["org/name", "_org/name"]


def test_the_size_of_a_gguf_repo_is_that_of_what_a_pull_takes_and_not_of_all_it_stores(
    hub: FakeHub, remote: Remote
) -> None:
    quants = {"m-Q4_K_M.gguf": Noise(4900), "m-Q8_0.gguf": Noise(8500), "m-F16.gguf": Noise(16000)}
    hub.add_repo("org/many-gguf", quants, tags=("gguf",), gguf_parameters=8000)
    (found,) = remote.search("many", Format.GGUF)
    assert (found.size, found.parameters) == (4900, 8000)


def test_another_refusal_says_its_status_and_what_the_hub_said(hub: FakeHub, remote: Remote) -> None:
    hub.faults = Faults(statuses=(451,))
    with pytest.raises(HubRefused, match="451"):
        remote.listing("org/name")
