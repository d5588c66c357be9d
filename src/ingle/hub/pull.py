"""Turns a model's name into a verified snapshot, step by step, telling its progress as it goes."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import msgspec

from ingle.catalog.model import DiskState, Format, ModelRef, Origin, Snapshot
from ingle.config import Config
from ingle.errors import InvalidRequest
from ingle.hub.layout import RepoPlace
from ingle.hub.progress import Phase, Progress
from ingle.hub.starter import WheelModel, pull_starter, wheel_model


class PullOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a pull goes about it."""

    dry_run: bool = False


def pull(
    ref: ModelRef,
    config: Config,
    *,
    cancel: threading.Event | None = None,
    options: PullOptions | None = None,
) -> Iterator[Progress]:
    """Pulls one model; the last Progress has phase DONE and the snapshot.

    A generator for a thread: each `next` may block, at most a second after `cancel` is set (then
    `Cancelled` is raised). Errors are raised typed; what was fetched and checked stays for the next pull.
    """
    if ref.repo_id is None:
        raise InvalidRequest(f"{ref.name} is a path on this machine: there is nothing to pull.")
    cancel = cancel or threading.Event()
    wheel = wheel_model(ref)
    if wheel is not None:
        last = Progress(phase=Phase.LISTING)
        for last in pull_starter(ref, wheel, config, cancel):
            yield last
        snapshot = _starter_snapshot(ref, wheel, config)
        yield Progress(
            phase=Phase.DONE, bytes_done=last.bytes_total, bytes_total=last.bytes_total, snapshot=snapshot
        )


def _starter_snapshot(ref: ModelRef, wheel: WheelModel, config: Config) -> Snapshot:
    root = RepoPlace(config.cache, wheel.listing.repo_id).snapshot(wheel.listing.commit)
    path = root / wheel.file.path
    return Snapshot(
        ref=ref,
        state=DiskState.COMPLETE,
        format=Format.GGUF,
        origin=Origin.HUB_CACHE,
        root=root,
        path=path,
        files=(wheel.file.path,),
        size=wheel.file.size,
        commit=wheel.listing.commit,
        modified=path.stat().st_mtime,
    )
