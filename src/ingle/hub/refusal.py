"""What a status other than success means, as one of our errors; pure."""

from __future__ import annotations

import re

from ingle.errors import (
    Gated,
    HubError,
    HubLied,
    HubRefused,
    HubUnreachable,
    IngleError,
    LinkExpired,
    ModelNotFound,
    RateLimited,
    Unauthorized,
)
from ingle.hub.address import Address
from ingle.hub.fields import Fields, wait_seconds

PASSING = frozenset({408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""Statuses that may well be another one in a moment: RFC 9110, and those of common content networks."""
DEFAULT_WAIT = 10.0
"""Seconds, when a hub limits without saying for how long."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def refusal(
    status: int, headers: Fields, address: Address, *, repo_id: str, own: bool, token: bool, now: float
) -> IngleError:
    """The error for an answer of `status`.

    `own` tells whether the hub itself answered, or another host that a redirect led to. `token` whether
    one was sent. `now` is a Unix time.
    """
    said = _CONTROL.sub(" ", headers.get("x-error-message", ""))[:300].strip()
    code = headers.get("x-error-code", "")
    wait = wait_seconds(headers, now)
    if status == 429:
        return _limited(address, DEFAULT_WAIT if wait is None else wait)
    if status in PASSING:
        return HubUnreachable(
            f"{address.netloc} has trouble of its own (status {status}).",
            hint="It usually passes; pull again later, it goes on where it stopped.",
            status=status,
            **({"seconds": wait} if wait is not None else {}),
        )
    if not own and status in (400, 401, 403, 404, 410):
        return LinkExpired(f"The signed address at {address.netloc} is not accepted any more.", status=status)
    if status == 416:
        return HubLied(
            f"{address.netloc} says that a part of {address.target.partition('?')[0]} is not there.",
            hint="The hub or a mirror mixes versions; pull again later.",
            kind="range",
        )
    if code == "GatedRepo" or (status == 403 and "gated" in said.lower()):
        return _gated(address, repo_id, token)
    if code == "RevisionNotFound":
        return no_revision(repo_id, "", address)
    if code == "RepoNotFound" or (status == 404 and not code):
        hint = "" if token else "If it is private, set a token: HF_TOKEN."
        return ModelNotFound(f"{repo_id}", where=f"at {address.netloc} (repo not found)", hint=hint)
    if status == 401:
        return _unauthorized(address, token)
    return _other(status, address, said)


def no_revision(repo_id: str, revision: str, address: Address) -> ModelNotFound:
    """The error about a repo that is there and has no such branch, tag or commit; "" is one that is gone meanwhile."""
    error = ModelNotFound(f"{repo_id}@{revision}" if revision else repo_id)
    lacks = f"no branch, tag or commit called {revision}" if revision else "that revision no more"
    error.message = f"{repo_id} has {lacks} at {address.netloc}."
    error.args = (error.message,)
    page = f"{address.scheme}://{address.netloc}/{repo_id}/tree/main"
    error.hint = f"Its branches and tags are listed at {page}; without a revision `main` is meant."
    error.details["missing"] = "revision"
    return error


def _limited(address: Address, seconds: float) -> HubError:
    return RateLimited(
        f"{address.netloc} asks to wait {seconds:.0f} seconds: too many requests.",
        hint="With a token (HF_TOKEN) the limit is higher.",
        seconds=seconds,
    )


def _gated(address: Address, repo_id: str, token: bool) -> HubError:
    page = f"{address.scheme}://{address.netloc}/{repo_id}"
    then = "pull again" if token else "set a token (HF_TOKEN, or `hf auth login`) and pull again"
    return Gated(
        f"{repo_id} is gated: its licence has to be accepted first.",
        hint=f"Accept it at {page}, then {then}.",
        page=page,
        model=repo_id,
    )


def _unauthorized(address: Address, token: bool) -> HubError:
    if token:
        return Unauthorized(
            f"{address.netloc} does not accept the token.",
            hint="Make a new one at the hub and log in again (`hf auth login`), or unset HF_TOKEN.",
        )
    return Unauthorized(
        f"{address.netloc} wants to know who asks.",
        hint="Set a token: HF_TOKEN, or `hf auth login`. A name that does not exist gives this answer too.",
    )


def _other(status: int, address: Address, said: str) -> HubError:
    told = f": {said}" if said else ""
    return HubRefused(
        f"{address.shown} is refused with status {status}{told}.",
        hint="Asking again will not change it.",
        status=status,
    )
