"""Every error a person can meet, in one tree; one table maps it to HTTP, one to exit codes.

IngleError
├── UsageError                  the request itself is wrong
│   ├── InvalidRequest          JSON, field or value that no route accepts
│   ├── InvalidConfig           a setting that does not parse
│   ├── PromptTooLong           tokens against limit, with both numbers
│   ├── NoChatTemplate          chat asked of a model that has no template
│   ├── TokenRequired           the daemon was started with a token, and this request lacks it
│   ├── AccessRefused           a foreign web page or host name knocks at the daemon
│   ├── BodyTooLarge            more bytes than any request may have
│   └── Unsupported             a parameter or format this engine cannot honour
├── NotFound
│   ├── ModelNotFound           no such model, here or at the hub
│   └── FileMissing             a path that is not there
├── Conflict                    right request, wrong state; carries the possible actions
│   ├── NotDownloaded
│   ├── NothingLoaded           /generate before /load
│   ├── InUse                   delete while loaded or being pulled
│   ├── IllegalTransition       a state machine was asked for an edge it lacks
│   ├── AlreadyRunning          another daemon owns this home, or the port is taken
│   ├── StillRunning            a daemon that was asked to leave and does not
│   ├── OtherSettings           the running daemon works with another cache than the command that asks it
│   ├── RetryRefused            three failures in a row: ask again by hand
│   └── CommandRefused          a critical command that was not allowed, or an answer that was no yes
├── StoreError                  the disk
│   ├── DigestMismatch
│   ├── SizeMismatch
│   ├── Incomplete              parts that the index names are not there
│   ├── MalformedModel          a header, index or JSON that cannot be what it says it is
│   ├── DiskFull
│   ├── NoPermission
│   └── LockHeld                another process writes the same model
├── HubError                    the network and what the hub said
│   ├── HubUnreachable
│   ├── Offline                 a download was needed and HF_HUB_OFFLINE is set
│   ├── Unauthorized
│   ├── Gated                   a licence to accept first, with the page
│   ├── RateLimited
│   ├── LinkExpired             a signed address that ran out: resolve again
│   ├── HubRefused              any other status that will not change by asking again
│   └── HubLied                 what came does not fit the plan
├── WorkerError                 the child process
│   ├── LoadFailed
│   ├── WorkerCrashed           signal or exit code, and the last log lines
│   ├── WorkerGone              it left before the request's turn came: ask again
│   ├── WorkerTimeout
│   ├── FrameError              bytes on its socket that are no frame
│   ├── OutOfMemory
│   └── GenerationFailed        one request failed inside a healthy engine
├── DaemonUnreachable           no runtime answers
└── Cancelled                   somebody asked for it to stop
"""

from __future__ import annotations

from ingle.errors.base import (
    Cancelled,
    DaemonUnreachable,
    IngleError,
)
from ingle.errors.hub import (
    Gated,
    HubError,
    HubLied,
    HubRefused,
    HubUnreachable,
    LinkExpired,
    Offline,
    RateLimited,
    Unauthorized,
)
from ingle.errors.request import (
    AccessRefused,
    AlreadyRunning,
    BodyTooLarge,
    CommandRefused,
    Conflict,
    FileMissing,
    IllegalTransition,
    InUse,
    InvalidConfig,
    InvalidRequest,
    ModelNotFound,
    NoChatTemplate,
    NotDownloaded,
    NotFound,
    NothingLoaded,
    OtherSettings,
    PromptTooLong,
    RetryRefused,
    StillRunning,
    TokenRequired,
    Unsupported,
    UsageError,
)
from ingle.errors.store import (
    DigestMismatch,
    DiskFull,
    Incomplete,
    LockHeld,
    MalformedModel,
    NoPermission,
    SizeMismatch,
    StoreError,
)
from ingle.errors.tables import EXIT_CODE, HTTP_STATUS, exit_code, http_status
from ingle.errors.worker import (
    FrameError,
    GenerationFailed,
    LoadFailed,
    OutOfMemory,
    WorkerCrashed,
    WorkerError,
    WorkerGone,
    WorkerTimeout,
)

__all__ = [
    "EXIT_CODE",
    "HTTP_STATUS",
    "AccessRefused",
    "AlreadyRunning",
    "BodyTooLarge",
    "Cancelled",
    "CommandRefused",
    "Conflict",
    "DaemonUnreachable",
    "DigestMismatch",
    "DiskFull",
    "FileMissing",
    "FrameError",
    "Gated",
    "GenerationFailed",
    "HubError",
    "HubLied",
    "HubRefused",
    "HubUnreachable",
    "IllegalTransition",
    "InUse",
    "Incomplete",
    "IngleError",
    "InvalidConfig",
    "InvalidRequest",
    "LinkExpired",
    "LoadFailed",
    "LockHeld",
    "MalformedModel",
    "ModelNotFound",
    "NoChatTemplate",
    "NoPermission",
    "NotDownloaded",
    "NotFound",
    "NothingLoaded",
    "Offline",
    "OtherSettings",
    "OutOfMemory",
    "PromptTooLong",
    "RateLimited",
    "RetryRefused",
    "SizeMismatch",
    "StillRunning",
    "StoreError",
    "TokenRequired",
    "Unauthorized",
    "Unsupported",
    "UsageError",
    "WorkerCrashed",
    "WorkerError",
    "WorkerGone",
    "WorkerTimeout",
    "exit_code",
    "http_status",
]
