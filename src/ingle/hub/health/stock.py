"""Examines what lies in the cache: models that are partial or damaged, who is writing, what could go."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import psutil

from ingle.catalog.fits import gigabytes
from ingle.catalog.model import DiskState, Origin, Snapshot
from ingle.config import Config
from ingle.hub.follow import read_told
from ingle.hub.health.checks import Checked, recall
from ingle.hub.health.finding import Finding, Fix, note, ok, problem, several, warning
from ingle.hub.health.leftover import Kind, Leftover, entries, is_held
from ingle.hub.health.others import find_leftovers
from ingle.hub.health.published import published_broken
from ingle.hub.health.sweep import surely_ours
from ingle.hub.layout import RepoPlace, repo_id_of
from ingle.hub.locks import holder_pid

_BREAKING = {Kind.DANGLING, Kind.LOST_REF}


def examine_locks(config: Config) -> Iterator[Finding]:
    """Who is writing now: our pulls and other tools' downloads."""
    held: dict[str, dict[Path, int | None]] = {}
    for folder in (*entries(config.cache / ".locks"), *entries(config.work)):
        repo_id = repo_id_of(folder.name)
        for path in entries(folder) if repo_id else []:
            if path.suffix == ".lock" and is_held(path):
                held.setdefault(str(repo_id), {})[path] = holder_pid(path)
    for repo_id, locks in sorted(held.items()):
        known = sorted({pid for pid in locks.values() if pid is not None})
        by = ", ".join(_process(pid) for pid in known) or "a process the system does not name"
        yield note(
            "locks",
            says=f"{repo_id} is being written by {by}.",
            means="A pull of it waits for that; it cannot be removed meanwhile.",
            command=_end(config, repo_id, known) if known else f"lsof {shlex.quote(str(next(iter(locks))))}",
            repo_id=repo_id,
            pids=known,
        )
    if not held:
        yield ok("locks", "Nobody is writing to the cache.")


def _end(config: Config, repo_id: str, pids: Sequence[int]) -> str:
    """The command that ends whoever writes; of our own daemon only the pull, for it does more than that."""
    daemon = next((pid for pid in pids if _is_daemon(pid)), None)
    if daemon is None:
        return f"kill {pids[0]}"
    told = read_told(RepoPlace(config.cache, repo_id)) if "--" not in repo_id else None
    if told is None or told.pid != daemon:
        return "ingle cancel --all"
    return f"ingle cancel {shlex.quote(told.key if '/' in repo_id else f'hf:{told.key}')}"


def _is_daemon(pid: int) -> bool:
    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return "serve" in words and any("ingle" in word for word in words)


def examine_models(config: Config, snapshots: Iterable[Snapshot]) -> Iterator[Finding]:
    """What lies there: partial and damaged models, and checks that went wrong."""
    models = list(snapshots)
    for model in (one for one in models if one.state is DiskState.PARTIAL):
        why = published_broken(config, model)
        yield _partial(model) if why is None else _published_broken(model, why)
    checks = list(recall(config).values())
    for checked in checks:
        if not checked.ok and any(checked.holds(one) for one in models):
            yield _damaged(checked)
    whole = [one for one in models if one.state is DiskState.COMPLETE]
    total = sum(one.size for one in whole)
    yield ok(
        "models", f"{several(len(whole), 'whole model')}, {gigabytes(total)} together.", count=len(whole)
    )
    if whole:
        yield _checked([one.time for one in checks if one.ok and any(map(one.holds, whole))], len(whole))


def _damaged(checked: Checked) -> Finding:
    ago = _ago(checked.time)
    means = f"The check {ago} found bytes that are not the ones that were pulled."
    if not checked.repairable:
        means = f"So it was published, as the check {ago} found: a repair brings the same bytes."
    return problem(
        "verify",
        says=f"{checked.name}: {checked.sentence}",
        means=means,
        command=f"ingle {'repair' if checked.repairable else 'rm'} {shlex.quote(checked.name)}",
    )


def _ago(moment: float) -> str:
    """How long ago a Unix time was, in days."""
    days = int((time.time() - moment) / 86400)
    return f"{several(days, 'day')} ago" if days > 0 else "less than a day ago"


def _checked(times: Sequence[float], count: int) -> Finding:
    """What checks found right: when they were, in seconds since the epoch, and how many models there are."""
    if not times:
        return ok("checked", "No model was checked again since it came.")
    was, it = ("was", "it") if len(times) == 1 else ("were", "they")
    return ok(
        "checked",
        f"{len(times)} of {several(count, 'model')} {was} checked again since {it} came and {was} right, "
        f"the last time {_ago(max(times))}.",
        count=len(times),
    )


def examine_leftovers(config: Config, ours: Sequence[Leftover]) -> Iterator[Finding]:
    """What could go: `ours`, which `ingle clean` removes, and others', which is only told."""
    if ours:
        yield _left(
            "orphans",
            "Ingle",
            ours,
            means="They belong to pulls that ended badly and to models that are gone.",
            command="ingle clean",
            fix=Fix.SWEEP if surely_ours(ours) else None,
        )
    else:
        yield ok("orphans", "Ingle left nothing behind.")
    others = find_leftovers(config)
    breaking = [one for one in others if one.kind in _BREAKING]
    for one in breaking:
        yield warning(
            "broken-repo",
            says=f"{one.path}: {one.why}",
            means="Ingle reads past it; other tools do not list the model at all.",
            command=f"rm -- {shlex.quote(str(one.path))}",
        )
    rest = [one for one in others if one.kind not in _BREAKING]
    if rest:
        yield _left(
            "leftovers",
            "Other programs",
            rest,
            means="Nobody needs them; Ingle never deletes what it did not write.",
            command="ingle clean --others",
        )


def _left(
    check: str, who: str, things: Sequence[Leftover], *, means: str, command: str, fix: Fix | None = None
) -> Finding:
    """What `who` left behind, counted and weighed."""
    size = sum(one.size for one in things)
    return note(
        check,
        says=f"{who} left {several(len(things), 'thing')} behind, {gigabytes(size)} together.",
        means=means,
        command=command,
        fix=fix,
        paths=[str(one.path) for one in things],
        bytes=size,
    )


def _partial(model: Snapshot) -> Finding:
    name = shlex.quote(model.ref.name)
    damaged = next((line for line in model.missing if "(damaged: " in line), None)
    ours = model.origin is Origin.HUB_CACHE
    if damaged is not None:
        says, amiss = f"{model.ref.name} is damaged: {damaged}.", problem
        command = f"ingle repair {name}"
    else:
        missing = f"{model.missing[0]}" + (f" and {len(model.missing) - 1} more" if model.missing[1:] else "")
        says, amiss = f"{model.ref.name} is partial: {missing} missing.", note
        command = f"ingle pull {name}"
    if not ours:
        command = f"rm -r -- {shlex.quote(str(model.path))}"
    return amiss(
        "partial",
        says=says,
        means="It cannot be loaded until it is whole."
        if ours
        else f"It lies in {model.root}, where Ingle only reads: mend it with the program that put it there, "
        "or delete it.",
        command=command,
        name=model.ref.name,
        missing=list(model.missing),
    )


def _published_broken(model: Snapshot, why: str) -> Finding:
    return problem(
        "partial",
        says=f"{model.ref.name} cannot be made whole: {why}.",
        means="Neither a pull nor a repair brings other bytes; only its publisher can mend it.",
        command=f"ingle rm {shlex.quote(model.ref.name)}",
        name=model.ref.name,
        missing=list(model.missing),
    )


def _process(pid: int) -> str:
    try:
        return f"process {pid} ({psutil.Process(pid).name()})"
    except psutil.Error:
        return f"process {pid}"
