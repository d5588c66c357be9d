"""Turns a true answer into the one that the faults in force ask for."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from tests.fakes.content import chunks
from tests.fakes.faults import Faults
from tests.fakes.repos import Entry
from tests.fakes.wire import Asked, Reply

if TYPE_CHECKING:
    from tests.fakes.hub import FakeHub, Seen

RANGE = re.compile(r"bytes=(\d+)-(\d*)")
PAGE = b"<!doctype html><html><body>Please sign in to this network.</body></html>"


def spoil(hub: FakeHub, asked: Asked, kind: str) -> Reply | None:
    """The refusal that stands in for any answer of this kind now, if one does."""
    faults = hub.faults
    if kind not in faults.on:
        return None
    if hub.take("limited", faults.limited_times):
        headers = {
            "Retry-After": str(faults.retry_after),
            "RateLimit": f'"resolvers";r=0;t={faults.retry_after}',
            "RateLimit-Policy": '"fixed window";"resolvers";q=3000;w=300',
        }
        return Reply(429, headers, [b"slow down"], 9)
    if faults.statuses and hub.take("statuses", len(faults.statuses)):
        status = faults.statuses[hub.count("status number")]
        return Reply(status, {"Content-Type": "text/html"}, [b"<html>no</html>"], 15)
    return None


def file_reply(hub: FakeHub, asked: Asked, entry: Entry, headers: dict[str, str], seen: Seen) -> Reply:
    """The bytes of a file, or of a range of it, spoiled as asked."""
    faults = hub.faults
    aimed = faults.only in (None, entry.path) and entry.content.size >= faults.from_size
    if not aimed:
        faults = Faults()
    start, stop, ranged = _range(asked, entry.content.size)
    headers = {**headers, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    size = entry.content.size
    if ranged and (start >= size or start >= stop or hub.take("refuse", faults.refuse_range_times)):
        return Reply(416, {"Content-Range": f"bytes */{size}"})
    if ranged and hub.take("ignore", faults.ignore_range_times):
        start, stop, ranged = 0, size, False
    if asked.method == "GET" and hub.take("html", faults.html_times):
        return Reply(200, {"Content-Type": "text/html"}, [PAGE], len(PAGE))
    if ranged:
        headers["Content-Range"] = _content_range(hub, faults, start, stop, size)
        if not headers["Content-Range"]:
            del headers["Content-Range"]
    seen.start, seen.stop = start, stop
    reply = Reply(206 if ranged else 200, headers, chunks(entry.content, start, stop), stop - start)
    if asked.method == "HEAD":
        reply.body = ()
        return reply
    _spoil_body(hub, faults, reply)
    return reply


def _range(asked: Asked, size: int) -> tuple[int, int, bool]:
    match = RANGE.fullmatch(asked.headers.get("range", ""))
    if not match:
        return 0, size, False
    return int(match[1]), min(size, int(match[2]) + 1) if match[2] else size, True


def _content_range(hub: FakeHub, faults: Faults, start: int, stop: int, size: int) -> str:
    if hub.take("no content range", faults.no_content_range_times):
        return ""
    if hub.take("total", faults.wrong_total_times):
        size += 1
    if hub.take("start", faults.wrong_start_times):
        start, stop = start + 1, stop + 1
    return f"bytes {start}-{stop - 1}/{size}"


def _spoil_body(hub: FakeHub, faults: Faults, reply: Reply) -> None:
    length = reply.length or 0
    if hub.take("wrong bytes", faults.wrong_bytes_times):
        reply.body = _flipped(reply.body, length // 2)
    if hub.take("gzip", faults.gzip_times):
        packed = gzip.compress(b"".join(reply.body), compresslevel=1)
        reply.headers["Content-Encoding"] = "gzip"
        reply.body, reply.length = [packed], len(packed)
    if hub.take("lie", faults.lie_times):
        reply.length = max(0, length + faults.lie_by)
    if hub.take("cut", faults.cut_times):
        reply.cut_at = faults.cut_at
    if faults.cut_between is not None:
        reply.cut_at = random.Random(f"{faults.seed} {hub.count('cuts')}").randint(*faults.cut_between)
    if hub.take("stall", faults.stall_times):
        reply.stall_at = faults.stall_at
    reply.rate = faults.rate
    if hub.take("trickle", faults.trickle_times):
        reply.rate = 1


def _flipped(body: Iterable[bytes | memoryview], at: int) -> Iterator[bytes]:
    offset = 0
    for chunk in body:
        spoiled = bytearray(chunk)
        if offset <= at < offset + len(spoiled):
            spoiled[at - offset] ^= 0xFF
        offset += len(spoiled)
        yield bytes(spoiled)
