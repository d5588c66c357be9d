"""Lists the models whose branch has moved on since they were pulled, and what an update would fetch."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import msgspec

from ingle.catalog.model import DiskState, ModelRef, Origin
from ingle.config import Config
from ingle.errors import Cancelled, IngleError
from ingle.hub.cache import Store
from ingle.hub.inventory import take_inventory
from ingle.hub.kept import followed
from ingle.hub.layout import RepoPlace, is_commit
from ingle.hub.prepare import prepare
from ingle.hub.ranges import Ranges
from ingle.hub.remote import Remote
from ingle.hub.starter import wheel_model


class Outdated(msgspec.Struct, frozen=True, kw_only=True):
    """One model that is here. `changed` are the paths an update would fetch, `to_fetch` their bytes.

    `problem` says why the hub could not be asked; then nothing else is known.
    """

    ref: ModelRef
    commit: str
    newest: str | None = None
    changed: tuple[str, ...] = ()
    to_fetch: int = 0
    problem: str = ""


def outdated(config: Config, *, cancel: threading.Event | None = None) -> Iterator[Outdated]:
    """Every complete model of the cache that follows a branch which moved, or that the hub is silent about.

    One listing for each repo; pinned commits and models without a hub are left out. Raises `Cancelled`.
    """
    cancel = cancel or threading.Event()
    with Remote(config, cancel=cancel) as remote:
        for snapshot in Store(config).scan():
            ref = snapshot.ref
            if snapshot.origin is not Origin.HUB_CACHE or snapshot.state is not DiskState.COMPLETE:
                continue
            if ref.repo_id is None or snapshot.commit is None or wheel_model(ref) is not None:
                continue
            place = RepoPlace(config.cache, ref.repo_id)
            branch = (
                followed(place, snapshot.commit, ref.file) or ref.revision or _branch(place, snapshot.commit)
            )
            if branch is None or is_commit(branch):
                continue
            found = _ask(remote, config, _following(ref, branch), branch, snapshot.commit, cancel)
            if found is not None:
                yield found


def _branch(place: RepoPlace, commit: str) -> str | None:
    """The branch that the bare name follows: `main`, where it points to what is here."""
    refs = take_inventory(place).refs
    named = sorted(
        name for name, points in refs.items() if points == commit and not name.startswith("ingle/")
    )
    return "main" if "main" in named else next(iter(named), None)


def _following(ref: ModelRef, branch: str) -> ModelRef:
    """The model by a name that a pull of the branch is asked for with: the bare one means `main` there."""
    if (ref.revision or "main") == branch:
        return ref
    repo = str(ref.repo_id) if "/" in str(ref.repo_id) else f"hf:{ref.repo_id}"
    revision = branch if branch != "main" else None
    name = repo + (f"@{branch}" if revision else "") + (f":{ref.file}" if ref.file else "")
    return msgspec.structs.replace(ref, name=name, revision=revision, alias=None)


def _ask(
    remote: Remote, config: Config, ref: ModelRef, branch: str, commit: str, cancel: threading.Event
) -> Outdated | None:
    try:
        listing = remote.listing(str(ref.repo_id), branch)
        if listing.commit == commit:
            return None
        ranges = Ranges(remote, listing, cancel)
        plan = prepare(ref, listing, ranges, RepoPlace(config.cache, listing.repo_id))
    except Cancelled:
        raise
    except IngleError as exc:
        return Outdated(ref=ref, commit=commit, problem=exc.message)
    return Outdated(
        ref=ref,
        commit=commit,
        newest=listing.commit,
        changed=tuple(file.path for file in plan.fetch),
        to_fetch=plan.to_fetch,
    )
