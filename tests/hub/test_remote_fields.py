"""What header fields say is read right, and no field a hub could send breaks the reader."""

from __future__ import annotations

import contextlib
import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.errors import HubLied
from ingle.hub import fields
from tests.fakes.calm import CALM

NOW = 1_800_000_000.0


def test_a_content_range_gives_start_stop_and_total() -> None:
    assert fields.content_range("bytes 0-9/100") == fields.ContentRange(0, 10, 100)
    assert fields.content_range(" bytes 5-5/* ") == fields.ContentRange(5, 6, None)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "bytes */100",
        "bytes 9-0/100",
        "bytes 0-100/100",
        "0-9/100",
        "bytes 0-9/1e3",
        "bytes ٠-٩/100",
        "bytes -1-9/100",
    ],
)
def test_an_impossible_content_range_is_refused(value: str) -> None:
    with pytest.raises(HubLied):
        fields.content_range(value)


@pytest.mark.parametrize("value", ["5, 5", "-1", "", "1.0", "９", "9" * 18, "0x10"])
def test_a_content_length_that_is_no_size_is_refused(value: str) -> None:
    with pytest.raises(HubLied):
        fields.length({"content-length": value})


def test_a_field_that_came_twice_is_joined_so_that_two_lengths_are_no_length() -> None:
    twice = fields.joined([("Content-Length", "5"), ("content-length", "5"), ("ETag", '"x"')])
    assert twice == {"content-length": "5, 5", "etag": '"x"'}


def test_retry_after_is_read_in_both_forms() -> None:
    assert fields.retry_after("120", NOW) == 120
    assert fields.retry_after(formatdate(NOW + 90, usegmt=True), NOW) == pytest.approx(90)
    assert fields.retry_after(formatdate(NOW - 90, usegmt=True), NOW) == 0
    assert fields.retry_after("soon", NOW) is None
    assert fields.retry_after("9" * 15, NOW) == fields.MAX_WAIT


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ({"ratelimit": '"api";r=0;t=55'}, 55),
        ({"ratelimit": '"api";r=3;t=55'}, None),
        ({"ratelimit": '"a";r=9;t=90, "b" ; r = 0 ; t = 7'}, 7),
        ({"ratelimit": "limit=100, remaining=0, reset=50"}, 50),
        ({"ratelimit": "limit=100, remaining=4, reset=50"}, None),
        ({"ratelimit-limit": "100", "ratelimit-remaining": "0", "ratelimit-reset": "12"}, 12),
        ({}, None),
    ],
)
def test_a_used_up_quota_says_when_it_is_back(said: dict[str, str], seconds: float | None) -> None:
    assert fields.ratelimit_wait(said) == seconds


def test_the_longer_of_two_waits_counts() -> None:
    assert fields.wait_seconds({"retry-after": "5", "ratelimit": '"api";r=0;t=30'}, NOW) == 30
    assert fields.wait_seconds({"retry-after": "50", "ratelimit": '"api";r=0;t=30'}, NOW) == 50
    assert fields.wait_seconds({}, NOW) is None


def test_the_next_page_is_found_among_links() -> None:
    assert (
        fields.next_page('<https://h/a?x=1>; rel="prev", <https://h/b?cursor=a,b>; rel="next"')
        == "https://h/b?cursor=a,b"
    )
    assert fields.next_page("<https://h/b>; title=x; rel=next") == "https://h/b"
    assert fields.next_page('<https://h/b>; rel="last"') is None
    assert fields.next_page("") is None


def test_a_signed_address_says_until_when() -> None:
    assert fields.signed_until("https://c/x?Expires=1800000000&Signature=s") == NOW
    amazon = "https://c/x?X-Amz-Date=20270115T080000Z&X-Amz-Expires=3600"
    assert fields.signed_until(amazon) == NOW + 3600
    assert fields.signed_until("https://c/x") is None


@CALM
@given(st.integers(min_value=0, max_value=4_000_000_000))
def test_the_date_of_a_signature_is_the_calendar_date(moment: int) -> None:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))
    assert fields.signed_until(f"https://c/x?X-Amz-Date={stamp}&X-Amz-Expires=0") == moment


@CALM
@given(st.integers(0, 10**15), st.integers(1, 10**15), st.integers(0, 10**15))
def test_every_true_content_range_is_read_back(start: int, length: int, rest: int) -> None:
    stop, total = start + length, start + length + rest
    found = fields.content_range(f"bytes {start}-{stop - 1}/{total}")
    assert (found.start, found.stop, found.total) == (start, stop, total)


@CALM
@given(st.text(max_size=300), st.text(max_size=300))
def test_no_text_in_any_field_breaks_a_reader(one: str, other: str) -> None:
    names = ("content-length", "ratelimit", "ratelimit-remaining", "retry-after", "date", "link")
    said = {**dict.fromkeys(names, one), "ratelimit-reset": other}
    for read in (fields.length, lambda f: fields.content_range(f["link"])):
        with contextlib.suppress(HubLied):
            read(said)
    wait = fields.wait_seconds(said, NOW)
    assert wait is None or 0 <= wait <= fields.MAX_WAIT
    fields.next_page(one)
    fields.signed_until(f"https://h/x?{one}")
    fields.server_time(said)
    fields.etag(one)


@CALM
@given(st.text(alphabet='<>;=,"rel next\\', max_size=400))
def test_link_like_junk_is_read_quickly_and_names_no_bracketed_address(text: str) -> None:
    found = fields.next_page(text)
    assert found is None or not set(found) & set('<>" ')
