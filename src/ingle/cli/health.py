"""`verify`, `repair`, `clean` and `doctor`: is what is here right, and what mends it."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingle.cli import render
from ingle.cli.fetch import Drawing, finish
from ingle.cli.options import HEALTH_PANEL, MODEL_FORMS, AsJson, ModelHere, Yes
from ingle.cli.session import Session, open_session
from ingle.cli.tab import complete_here
from ingle.cli.terminal import GREEN, RED, YELLOW
from ingle.errors import InvalidConfig, ModelNotFound, UsageError

if TYPE_CHECKING:
    from ingle.catalog.model import Snapshot
    from ingle.hub.health.audit import Audit
    from ingle.hub.health.doctor import Environment, Hub
    from ingle.hub.health.finding import Finding
    from ingle.hub.health.leftover import Leftover

Some = Annotated[
    str | None,
    typer.Argument(metavar="MODEL", help=MODEL_FORMS, show_default=False, autocompletion=complete_here),
]
All = Annotated[bool, typer.Option("--all", "-a", help="Every model in the cache.")]
Others = Annotated[bool, typer.Option("--others", help="List what other tools left, too; never deletes it.")]
Fix = Annotated[bool, typer.Option("--fix", help="Do what is safe: nothing another tool wrote is touched.")]
Offline = Annotated[bool, typer.Option("--offline", help="Leave the network out.")]
COLOURS = {"ok": GREEN, "note": YELLOW, "warning": YELLOW, "problem": RED}


def register(app: typer.Typer) -> None:
    app.command(
        "verify",
        rich_help_panel=HEALTH_PANEL,
        epilog="Examples: `ingle verify starter`, `ingle verify --all`",
    )(verify_models)
    app.command("repair", rich_help_panel=HEALTH_PANEL, epilog="Example: `ingle repair qwen3:1.7b`")(
        repair_model
    )
    app.command("clean", rich_help_panel=HEALTH_PANEL, epilog="Example: `ingle clean --others`")(clean_cache)
    app.command(
        "doctor", rich_help_panel=HEALTH_PANEL, epilog="Examples: `ingle doctor`, `ingle doctor --fix`"
    )(examine_all)


def verify_models(model: Some = None, every: All = False, as_json: AsJson = False) -> None:
    """Read every byte and compare it with what the hub listed; offline. Exit code 1 when one is damaged."""
    session = open_session()
    if (model is None) is not every:
        raise UsageError("`ingle verify` needs one model, or --all.", hint="`ingle list` shows what is here.")
    chosen = _chosen(session, model)
    if not chosen:
        session.terminal.tell(f"There are no models in {session.config.cache}.")
    audits = [_audit(session, one, quiet=as_json) for one in chosen]
    if as_json:
        session.terminal.answer_json([_audit_json(one) for one in audits])
    else:
        for one in audits:
            session.terminal.answer(f"{one.ref.name}: {_verdict(session, one)}. {one.sentence}")
            if not one.ok:
                session.terminal.tell(f"Next: {_mends(one)}")
    if not all(one.ok for one in audits):
        raise typer.Exit(1)


def repair_model(model: ModelHere, as_json: AsJson = False) -> None:
    """Fetch only the files, and in them only the pieces, that are bad."""
    from ingle.cli.library import describe
    from ingle.hub.repair import repair
    from ingle.hub.starter import wheel_model

    session = open_session()
    ref = session.resolve(model)
    snapshot = None
    with (
        Drawing(session.terminal, ref.name, quiet=as_json) as drawing,
        closing(repair(ref, session.config)) as steps,
    ):
        for step in steps:
            drawing.show(step)
            snapshot = step.snapshot or snapshot
    if as_json:
        session.terminal.answer_json(describe(snapshot) if snapshot else None)
    else:
        who = "catalogue" if wheel_model(ref, session.catalog) else "hub"  # the starter is on no hub
        session.terminal.tell(f"{ref.name} is whole: every file is as the {who} lists it.")


def clean_cache(others: Others = False, yes: Yes = False, as_json: AsJson = False) -> None:
    """Show what Ingle itself left behind, and delete it after a yes."""
    from ingle.hub.health.others import deletion_command, find_leftovers
    from ingle.hub.health.sweep import find_orphans, sweep

    session = open_session()
    terminal = session.terminal
    ours = find_orphans(session.config)
    foreign = find_leftovers(session.config) if others else []
    if not as_json:
        _tell_leftovers(session, "Ingle's own", ours)
        if others:
            _tell_leftovers(session, "Of other tools (never deleted by Ingle)", foreign)
            for one in foreign:
                terminal.answer(f"  {deletion_command(one)}")
    agreed = bool(ours) and (
        yes or (terminal.can_ask and terminal.confirm("Delete Ingle's own?", default=False))
    )
    swept = sweep(session.config, ours) if agreed else None
    if as_json:
        terminal.answer_json({"ours": ours, "others": foreign if others else None, "swept": swept})
    elif swept is not None:
        for kept in swept.kept:
            terminal.tell(f"Kept {kept.leftover.path}: {kept.why}")
        terminal.tell(f"{len(swept.removed)} deleted, {render.size(swept.freed)} came free.")
    elif ours and not terminal.can_ask:
        terminal.tell("Nothing was deleted; --yes deletes what is Ingle's own.")


def examine_all(fix: Fix = False, offline: Offline = False, as_json: AsJson = False) -> None:
    """Look at everything a pull and a load depend on. Exit code 1 when something is wrong now."""
    from ingle.hub.health.doctor import examine, mend
    from ingle.hub.health.finding import Level, worst
    from ingle.hub.remote import Remote
    from ingle.hub.transport import Timeouts

    session = open_session()

    def look(hub: Hub | None) -> tuple[Finding, ...]:
        return examine(session.config, session.store, _environment(session), hub)

    with ExitStack() as stack:
        hub = None
        if not offline:
            with suppress(InvalidConfig):  # its certificates cannot be read, which is a finding of its own
                remote = Remote(session.config, timeouts=Timeouts(connect=5, head=5, stall=5))
                hub = stack.enter_context(remote)
        findings = look(hub)
        mended = mend(session.config, findings) if fix else ()
        if any(one.done for one in mended):
            findings = look(hub)
    if as_json:
        session.terminal.answer_json({"level": worst(findings), "findings": findings, "mended": mended})
    else:
        for found in mended:
            session.terminal.answer(f"{'mended' if found.done else 'not mended':10} {found.says}")
        for finding in findings:
            _tell_finding(session, finding)
    if worst(findings) is Level.PROBLEM:
        raise typer.Exit(1)


def _chosen(session: Session, model: str | None) -> list[Snapshot]:
    from ingle.catalog.model import Origin

    if model is None:
        return [one for one in session.store.scan() if one.origin is Origin.HUB_CACHE]
    found = session.store.find(session.resolve(model))
    if found is None:
        raise ModelNotFound(model, where="on this machine", hint="`ingle list` shows what is here.")
    return [found]


def _audit(session: Session, snapshot: Snapshot, *, quiet: bool) -> Audit:
    """One model's check, kept for the doctor, who tells when the last one was."""
    from ingle.hub.health.audit import audit_steps
    from ingle.hub.health.checks import remember

    with Drawing(session.terminal, snapshot.ref.name, quiet=quiet, steps=False) as drawing:
        audit = finish(audit_steps(session.config, snapshot), drawing)
    remember(session.config, audit, time.time())
    return audit


def _verdict(session: Session, one: Audit) -> str:
    """One word for a model; none is good that no digest vouches for."""
    if not one.ok:
        return session.terminal.style("damaged", RED)
    if one.unknown and len(one.unknown) == len(one.files):
        return session.terminal.style("readable, nothing to compare with", YELLOW)
    return session.terminal.style("good", GREEN)


def _mends(one: Audit) -> str:
    """What to do about a damaged model."""
    if one.ref.path:
        return "get it again from where it came"
    if one.repairable:
        return f"ingle repair {one.ref.name}"
    return f"ingle rm {one.ref.name} (its publisher has to mend it; another revision may be right)"


def _audit_json(one: Audit) -> dict[str, Any]:
    return {"name": one.ref.name, "ok": one.ok, "why": one.sentence, "read": one.read, "files": one.files}


def _tell_leftovers(session: Session, title: str, found: list[Leftover]) -> None:
    total = render.size(sum(one.size for one in found))
    said = f"{render.count(len(found), 'thing')}, {total}" if found else "nothing"
    session.terminal.answer(f"{title}: {said}")
    for one in found:
        session.terminal.answer(f"  {render.size(one.size):>8}  {one.path}\n            {one.why}")


def _tell_finding(session: Session, finding: Finding) -> None:
    word = session.terminal.style(f"{finding.level.value:10}", COLOURS[finding.level.value])
    session.terminal.answer(f"{word} {finding.says}")
    if finding.means:
        session.terminal.answer(f"{'':10} {finding.means}")
    if finding.command:
        session.terminal.answer(f"{'':10} $ {finding.command}")


def _environment(session: Session) -> Environment:
    from ingle.cli.about import engine_versions, engines
    from ingle.hub.health.doctor import Environment

    said = " ".join(one["why"] for one in engines())
    return Environment(engines=engine_versions(), accelerator=said)
