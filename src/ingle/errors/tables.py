"""Maps every error to its HTTP status and its exit code."""

from __future__ import annotations

from ingle.errors.base import Cancelled, DaemonUnreachable, IngleError
from ingle.errors.hub import Gated, HubError, HubUnreachable, Offline, RateLimited, Unauthorized
from ingle.errors.request import AccessRefused, BodyTooLarge, Conflict, NotFound, TokenRequired, UsageError
from ingle.errors.store import DiskFull, Incomplete, LockHeld, MalformedModel, NoPermission, StoreError
from ingle.errors.worker import OutOfMemory, WorkerError, WorkerGone, WorkerTimeout

HTTP_STATUS: dict[type[IngleError], int] = {
    IngleError: 500,
    UsageError: 400,
    TokenRequired: 401,
    AccessRefused: 403,
    BodyTooLarge: 413,
    NotFound: 404,
    Conflict: 409,
    StoreError: 500,
    Incomplete: 409,
    MalformedModel: 422,
    DiskFull: 507,
    NoPermission: 403,
    LockHeld: 423,
    HubError: 502,
    HubUnreachable: 503,
    Offline: 503,
    Unauthorized: 401,
    Gated: 403,
    RateLimited: 429,
    WorkerError: 500,
    OutOfMemory: 507,
    WorkerTimeout: 504,
    WorkerGone: 503,
    DaemonUnreachable: 503,
    Cancelled: 499,
}

EXIT_CODE: dict[type[IngleError], int] = {IngleError: 1, UsageError: 2, Cancelled: 130}


def _nearest(table: dict[type[IngleError], int], error: IngleError) -> int:
    return next(table[kind] for kind in type(error).__mro__ if kind in table)


def http_status(error: IngleError) -> int:
    """The HTTP status of an error: its own row of `HTTP_STATUS`, else its nearest ancestor's."""
    return _nearest(HTTP_STATUS, error)


def exit_code(error: IngleError) -> int:
    """The process exit code of an error: 1 failed, 2 wrong use, 130 interrupted."""
    return _nearest(EXIT_CODE, error)
