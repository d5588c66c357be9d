"""Reads the header fields of a hub's answers; believes nothing, and raises nothing but `HubLied`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, urlsplit

import msgspec

from ingle.errors import HubLied

MAX_WAIT = 24 * 3600.0
"""Seconds; a hub that asks for more is taken to have asked for a day."""
MAX_SIZE = 1 << 50
"""Bytes; no file of a model comes near a pebibyte."""

DOUBT = "A proxy or mirror in between may be at fault; HF_ENDPOINT chooses another hub."
"""The advice where an answer cannot be true and nothing tells whose fault that is."""

_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.ASCII)
_NUMBER = re.compile(r"\d{1,19}", re.ASCII)
_PARAMETER = re.compile(r";\s*([a-z]+)\s*=\s*\"?(\d{1,10})", re.ASCII)
_OLD_PAIR = re.compile(r"\b(limit|remaining|reset)\s*=\s*(\d{1,10})", re.ASCII)
_LINK = re.compile(r'<([^<>"\s]{1,8192})>((?:\s*;[^,<;]{1,200}){0,8})')
_AMZ_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z", re.ASCII)

Fields = Mapping[str, str]
"""Names in lower case; a field that came twice has its values joined by `, `."""


class ContentRange(msgspec.Struct, frozen=True):
    """Bytes [start, stop) of `total` (None when the server would not say)."""

    start: int
    stop: int
    total: int | None


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Header fields as they came, as a mapping."""
    found: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        found[key] = f"{found[key]}, {value.strip()}" if key in found else value.strip()
    return found


def content_range(value: str) -> ContentRange:
    """`bytes 0-9/100` -> 0, 10, 100 (RFC 9110, 14.4). Raises `HubLied` for anything else."""
    match = _CONTENT_RANGE.fullmatch(value.strip())
    if not match:
        raise HubLied(
            f"The hub sent Content-Range {value[:100]!r}, which says nothing.",
            hint=DOUBT,
            kind="content_range",
        )
    start, stop = int(match[1]), int(match[2]) + 1
    total = None if match[3] == "*" else int(match[3])
    if stop <= start or (total is not None and stop > total):
        raise HubLied(
            f"The hub sent an impossible Content-Range {value[:100]!r}.", hint=DOUBT, kind="content_range"
        )
    return ContentRange(start, stop, total)


def length(fields: Fields) -> int | None:
    """`Content-Length` in bytes, None when absent. Raises `HubLied` when it is no size."""
    value = fields.get("content-length")
    if value is None:
        return None
    if not _NUMBER.fullmatch(value) or int(value) > MAX_SIZE:
        raise HubLied(
            f"The hub sent Content-Length {value[:100]!r}, which is no size.", hint=DOUBT, kind="length"
        )
    return int(value)


def retry_after(value: str, now: float) -> float | None:
    """Seconds to wait from a `Retry-After`, either form of RFC 9110, 10.2.3; None when it is neither.

    `now` is a Unix time.
    """
    text = value.strip()
    if _NUMBER.fullmatch(text):
        return min(float(text), MAX_WAIT)
    moment = _date(text)
    return None if moment is None else min(max(0.0, moment - now), MAX_WAIT)


def ratelimit_wait(fields: Fields) -> float | None:
    """Seconds until a used-up quota is there again, None when no quota is said to be used up.

    Reads the three forms in use: `RateLimit: "api";r=0;t=55` (IETF draft 08 and later, what the Hugging Face
    hub sends), `RateLimit: limit=.., remaining=0, reset=55` (draft 07) and `RateLimit-Remaining` with
    `RateLimit-Reset` (draft 06 and before).
    """
    waits: list[float] = []
    line = fields.get("ratelimit", "")[:4096]
    for item in line.split(","):
        said = dict(_PARAMETER.findall(item))
        if "t" in said and "r" in said and int(said["r"]) == 0:
            waits.append(float(said["t"]))
    old = dict(_OLD_PAIR.findall(line))
    old.setdefault("remaining", fields.get("ratelimit-remaining", "").strip())
    old.setdefault("reset", fields.get("ratelimit-reset", "").strip())
    numbers = {name: int(value) for name, value in old.items() if _NUMBER.fullmatch(value)}
    if numbers.get("remaining") == 0 and "reset" in numbers:
        waits.append(float(numbers["reset"]))
    return min(max(waits), MAX_WAIT) if waits else None


def wait_seconds(fields: Fields, now: float) -> float | None:
    """How long the hub asks us to wait, by whichever field asks for longer; None when it does not."""
    asked = [ratelimit_wait(fields), retry_after(fields.get("retry-after", ""), now)]
    known = [seconds for seconds in asked if seconds is not None]
    return max(known) if known else None


def next_page(value: str) -> str | None:
    """The address that a `Link` field (RFC 8288) calls `next`."""
    for match in _LINK.finditer(value[:65536]):
        for parameter in match[2].split(";"):
            name, _, said = parameter.partition("=")
            if name.strip().lower() == "rel" and "next" in said.strip().strip('"').lower().split():
                return match[1]
    return None


def etag(value: str) -> str:
    """The tag without weakness mark and quotes. It is shown and compared, never used as a file name."""
    return value.strip().removeprefix("W/").strip('"')


def signed_until(url: str) -> float | None:
    """When a signed address runs out, as a Unix time; None when it does not say.

    Knows `Expires` (CloudFront, Google) and `X-Amz-Date` with `X-Amz-Expires` (S3).
    """
    query = {name.lower(): values[-1] for name, values in _query(url).items()}
    expires = query.get("expires", "")
    if _NUMBER.fullmatch(expires):
        return float(expires)
    date = _AMZ_DATE.fullmatch(query.get("x-amz-date", ""))
    seconds = query.get("x-amz-expires", "")
    if date and _NUMBER.fullmatch(seconds):
        return _unix(*(int(part) for part in date.groups())) + float(seconds)
    return None


def server_time(fields: Fields) -> float | None:
    """The hub's clock, from `Date`, as a Unix time."""
    return _date(fields.get("date", ""))


def _date(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text[:100])
        moment = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if math.isfinite(moment) else None


def _query(url: str) -> dict[str, list[str]]:
    try:
        return parse_qs(urlsplit(url).query, max_num_fields=100)
    except ValueError:
        return {}


def _unix(year: int, month: int, day: int, hour: int, minute: int, second: int) -> float:
    """Seconds since 1970 of a civil date; the year is taken to begin in March, so that leap days come last."""
    year, month = (year - 1, month + 9) if month <= 2 else (year, month - 3)
    days = year * 365 + year // 4 - year // 100 + year // 400 + (month * 306 + 5) // 10 + day - 1 - 719468
    return float(((days * 24 + hour) * 60 + minute) * 60 + second)
