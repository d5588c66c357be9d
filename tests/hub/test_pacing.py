"""What a pull lets through, tells and logs: a bandwidth limit, progress that never goes back, a log without secrets."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingle.errors import Cancelled
from ingle.hub.limit import RateLimit
from ingle.hub.meter import Meter, paced
from ingle.hub.progress import Phase, Progress
from ingle.hub.pulllog import PullLog, how_it_ended, scrub


def test_the_bucket_lets_through_what_the_rate_allows() -> None:
    now = [0.0]
    waited = []

    class _Cancel(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout or 0.0)
            now[0] += timeout or 0.0
            return False

    limit = RateLimit(1000, clock=lambda: now[0])
    cancel = _Cancel()
    for _ in range(20):
        assert limit.take(100, cancel)
    assert sum(waited) == pytest.approx(1.9, abs=0.2)


def test_what_was_given_back_to_the_bucket_is_not_waited_for() -> None:
    limit = RateLimit(1000, clock=lambda: 0.0)
    waited: list[float] = []

    class _Cancel(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout or 0.0)
            return False

    assert limit.take(1000, _Cancel())
    limit.give_back(900)
    assert limit.take(100, _Cancel())
    assert waited == pytest.approx([1.0, 0.2])


def test_a_cancel_ends_the_wait_for_the_bucket() -> None:
    limit = RateLimit(1)
    cancel = threading.Event()
    cancel.set()
    assert limit.take(1000, cancel) is False


def test_events_come_at_most_ten_a_second_and_the_last_one_always() -> None:
    now = [0.0]

    def events() -> Iterator[Progress]:
        for number in range(1000):
            now[0] += 0.01
            yield Progress(phase=Phase.FETCHING, bytes_done=number, bytes_total=1000)
        yield Progress(phase=Phase.DONE, bytes_done=1000, bytes_total=1000)

    told = list(paced(events(), clock=lambda: now[0]))
    assert len(told) <= 102
    assert told[-1].phase is Phase.DONE


def test_what_is_told_never_goes_down_even_when_a_file_must_be_fetched_again() -> None:
    now = [0.0]
    meter = Meter(100, clock=lambda: now[0])
    counts = []
    for done in (10, 60, 20, 70, 150):
        now[0] += 1
        counts.append(meter.at(Phase.FETCHING, done).bytes_done)
    assert counts == [10, 60, 60, 70, 100]


def test_the_time_left_follows_from_the_rate() -> None:
    now = [0.0]
    meter = Meter(100, clock=lambda: now[0])
    now[0] = 2.0
    progress = meter.at(Phase.FETCHING, 20)
    assert (progress.rate, progress.seconds_left) == (10.0, 8.0)


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("GET https://cdn.example/x?X-Amz-Signature=abc123&Expires=1 -> 206", "abc123"),
        ("Authorization: Bearer hf_abcdefghijk", "abcdefghijk"),
        ("proxy https://user:hunter2@proxy.example/", "hunter2"),
        ("token=verysecret", "verysecret"),
        ("the token: verysecret", "verysecret"),
    ],
)
def test_no_secret_gets_into_the_log(tmp_path: Path, line: str, secret: str) -> None:
    log = PullLog(tmp_path, "org/name")
    log(line)
    log.close()
    assert secret not in log.path.read_text()
    assert secret not in scrub(line)


def test_a_sentence_about_the_token_is_readable_in_the_log() -> None:
    said = "The hub does not accept the token (HF_TOKEN or `hf auth login`); going on without it."
    assert scrub(said) == said


def test_a_line_has_its_day_and_an_end_that_says_no_more_than_its_kind_is_said_once(tmp_path: Path) -> None:
    log = PullLog(tmp_path, "org/name")
    log(how_it_ended(Cancelled()))
    log(how_it_ended(Cancelled("The pull was cancelled.")))
    log.close()
    first, second = log.path.read_text().splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ended: Cancelled", first)
    assert second.endswith("ended: Cancelled: The pull was cancelled.")


def test_a_log_that_cannot_be_written_is_silent(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("")
    log = PullLog(tmp_path / "logs", "x")
    log("line")
    log.close()
