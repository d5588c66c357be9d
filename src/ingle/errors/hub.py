"""What goes wrong on the network, and what a hub said that cannot be taken."""

from __future__ import annotations

from ingle.errors.base import IngleError


class HubError(IngleError):
    code = "hub"
    next_step = "Pull again: what is here is kept. `ingle doctor` tells whether the hub can be reached."


class HubUnreachable(HubError):
    code = "hub_unreachable"


class Offline(HubError):
    code = "offline"


class Unauthorized(HubError):
    code = "unauthorized"


class Gated(HubError):
    code = "gated"


class RateLimited(HubError):
    code = "rate_limited"


class LinkExpired(HubError):
    code = "link_expired"


class HubRefused(HubError):
    code = "hub_refused"


class HubLied(HubError):
    code = "hub_lied"
