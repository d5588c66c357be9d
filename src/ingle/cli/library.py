"""`list`, `show` and `rm`: what lies on this machine, read straight from the store, without a daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingle.cli import render
from ingle.cli.options import MODELS_PANEL, AsJson, ModelHere, ModelName, Yes
from ingle.cli.session import Session, open_session
from ingle.errors import ModelNotFound

if TYPE_CHECKING:
    from ingle.catalog.curated import CatalogEntry
    from ingle.catalog.fits import Fit
    from ingle.catalog.model import ModelRef, Snapshot
    from ingle.hub.health.checks import Checked

HEADS = (
    render.Column("NAME"),
    render.Column("SIZE", right=True),
    render.Column("FORMAT", rank=2),
    render.Column("PARAMETERS", right=True, rank=4),
    render.Column("QUANTISATION", rank=3),
    render.Column("STATE", rank=1),
    render.Column("CHANGED", rank=5),
)
CATALOG_HEADS = (
    render.Column("NAME"),
    render.Column("DOWNLOAD", right=True, rank=1),
    render.Column("MEMORY", right=True, rank=2),
    render.Column("FITS"),
    render.Column("FORMAT", rank=4),
    render.Column("LICENCE", rank=5),
    render.Column("GOOD AT", rank=6),
)
DAMAGED = "damaged"
"""The state of a model that is all there and whose last check found wrong bytes."""
FromCatalog = Annotated[bool, typer.Option("--catalog", help="The models with a short name, to get.")]


def register(app: typer.Typer) -> None:
    app.command("list", rich_help_panel=MODELS_PANEL, epilog="Example: `ingle list --json | jq '.[].name'`")(
        list_models
    )
    app.command("ls", hidden=True)(list_models)
    app.command("show", rich_help_panel=MODELS_PANEL, epilog="Example: `ingle show starter`")(show_model)
    app.command("rm", rich_help_panel=MODELS_PANEL, epilog="Example: `ingle rm starter`")(remove_model)


def list_models(catalog: FromCatalog = False, as_json: AsJson = False) -> None:
    """The models on this machine, whoever put them there."""
    from ingle.hub.health.checks import damaged

    session = open_session()
    if catalog:
        _list_catalog(session, as_json=as_json)
        return
    found = sorted(session.store.scan(), key=lambda one: (-one.modified, one.ref.name))
    bad = damaged(session.config, found)
    if as_json:
        session.terminal.answer_json([describe(one, bad.get(str(one.path))) for one in found])
        return
    if not found:
        session.terminal.tell(
            f"There are no models in {session.config.cache}. `ingle pull starter` gets a small one."
        )
        return
    rows = [_row(one, str(one.path) in bad) for one in found]
    session.terminal.table(render.columns(HEADS, rows, session.terminal.width))


def show_model(model: ModelName, as_json: AsJson = False) -> None:
    """Everything known about one model: files, format, size, licence, whether it fits."""
    session = open_session()
    ref = session.resolve(model)
    snapshot = session.store.find(ref)
    if as_json:
        session.terminal.answer_json(_everything(session, ref, snapshot))
        return
    session.terminal.answer("\n".join(render.facts(_facts(session, ref, snapshot))))


def remove_model(model: ModelHere, yes: Yes = False, as_json: AsJson = False) -> None:
    """Delete one model from the cache; only what it names, and not while it is used."""
    from ingle.client import api
    from ingle.client.accord import refuse_elsewhere

    session = open_session()
    ref = session.resolve(model)
    snapshot = session.store.find(ref)
    if snapshot is None:
        raise ModelNotFound(model, where="on this machine", hint="`ingle list` shows what is here.")
    name = ref.name if ref.revision else snapshot.ref.name  # several names may mean one version
    if not yes and session.terminal.can_ask:
        question = f"Delete {name} ({render.size(snapshot.size)}) from {snapshot.root}?"
        if not session.terminal.confirm(question, default=False):
            raise typer.Exit(1)
    daemon = session.running()
    if daemon is not None:
        refuse_elsewhere(daemon.address, session.config)
    freed = (
        daemon.ask(api.delete(session.daemon_name(model))).freed
        if daemon
        else session.store.remove(ref).freed
    )
    stays = [one.ref.name for one in session.store.siblings(ref)] if ref.repo_id else []
    if as_json:
        session.terminal.answer_json({"removed": name, "freed": freed, "remaining": stays})
        return
    session.terminal.tell(f"{name} is deleted; {render.size(freed)} came free.")
    if stays:
        session.terminal.tell(f"Other versions or files of {ref.repo_id} stay: {', '.join(stays)}")


def describe(snapshot: Snapshot, bad: Checked | None = None) -> dict[str, Any]:
    """A snapshot for machines: flat, with the name first; `bad` is the check that found it damaged."""
    return {
        "name": snapshot.ref.name,
        "state": DAMAGED if bad and not snapshot.missing else snapshot.state,
        "damage": bad.sentence if bad else None,
        "format": snapshot.format,
        "size": snapshot.size,
        "parameters": snapshot.parameters,
        "quantization": snapshot.quantization,
        "architecture": snapshot.architecture,
        "context": snapshot.context,
        "origin": snapshot.origin,
        "repo_id": snapshot.ref.repo_id,
        "commit": snapshot.commit,
        "path": snapshot.path,
        "missing": snapshot.missing,
        "modified": snapshot.modified,
    }


def damage_of(session: Session, snapshot: Snapshot) -> Checked | None:
    """The last check of a model where it found damage that still lies there."""
    from ingle.hub.health.checks import damaged

    return damaged(session.config, [snapshot]).get(str(snapshot.path))


def _list_catalog(session: Session, *, as_json: bool) -> None:
    from ingle.catalog.fits import fit
    from ingle.cli.offer import machine_memory

    memory = machine_memory()
    judged = [(entry, fit(entry.memory_4k, memory)) for entry in session.catalog.entries]
    if as_json:
        session.terminal.answer_json([{"entry": entry, "fits": found.verdict} for entry, found in judged])
        return
    rows = [
        (
            entry.alias,
            render.size(entry.download),
            render.size(entry.memory_4k),
            found.verdict.value,
            entry.format.value,
            entry.licence,
            entry.good_at,
        )
        for entry, found in judged
    ]
    session.terminal.table(render.columns(CATALOG_HEADS, rows, session.terminal.width))


def _row(one: Snapshot, bad: bool) -> tuple[str, ...]:
    whole = DAMAGED if bad else str(one.state)
    state = f"partial, {len(one.missing)} missing" if one.missing else whole
    return (
        one.ref.name,
        render.size(one.size),
        str(one.format),
        render.parameters(one.parameters),
        one.quantization or "-",
        state,
        render.age(one.modified),
    )


def _everything(session: Session, ref: ModelRef, snapshot: Snapshot | None) -> dict[str, Any]:
    entry = _entry(session, ref)
    if snapshot is None and entry is None:
        raise ModelNotFound(ref.name, where="on this machine or in the catalogue")
    found: dict[str, Any] = {"name": ref.name, "state": "absent"}
    if snapshot is not None:
        found = describe(snapshot, damage_of(session, snapshot)) | {"files": snapshot.files}
    judged = _judged(snapshot, entry)
    return found | {
        "catalogue": entry,
        "fits": {"verdict": judged.verdict, "needed": judged.needed, "why": judged.sentence}
        if judged
        else None,
    }


def _facts(session: Session, ref: ModelRef, snapshot: Snapshot | None) -> list[tuple[str, str]]:
    entry = _entry(session, ref)
    if snapshot is None and entry is None:
        raise ModelNotFound(ref.name, where="on this machine or in the catalogue")
    told = [("name", ref.name)]
    if entry is not None:
        told += [("good at", entry.good_at), ("licence", entry.licence), ("hub", entry.repo_id)]
    elif ref.repo_id:
        told += [("hub", ref.repo_id)]
    if snapshot is None:
        told += [("state", f"not here; `ingle pull {ref.name}` gets it")]
    else:
        told += _on_disk(snapshot, damage_of(session, snapshot))
    if snapshot is None and entry is not None:
        told += [
            ("download", render.size(entry.download)),
            ("parameters", render.parameters(entry.parameters)),
        ]
    judged = _judged(snapshot, entry)
    if judged is None:
        return told
    rests = "As the catalogue has it" if entry is not None else "Estimated from its headers"
    return [*told, ("memory", f"{judged.sentence}\n{rests}, with 4096 tokens of context.")]


def _on_disk(snapshot: Snapshot, bad: Checked | None) -> list[tuple[str, str]]:
    state = f"{DAMAGED}\n{bad.sentence}\n{bad.mends}" if bad else str(snapshot.state)
    if snapshot.missing:
        state = f"{snapshot.state}, missing:\n" + "\n".join(snapshot.missing)
    told = [
        ("state", state),
        ("size", render.size(snapshot.size)),
        ("format", snapshot.format),
        ("architecture", snapshot.architecture or "-"),
        ("parameters", render.parameters(snapshot.parameters)),
        ("quantisation", snapshot.quantization or "-"),
        ("context", f"{snapshot.context} tokens" if snapshot.context else "-"),
        ("from", snapshot.origin),
        ("commit", snapshot.commit or "-"),
        ("path", str(snapshot.path)),
        ("files", "\n".join(snapshot.files)),
    ]
    return [(name, str(value)) for name, value in told]


def _entry(session: Session, ref: ModelRef) -> CatalogEntry | None:
    if ref.alias is not None:
        return session.catalog.find(ref.alias)
    return session.catalog.find_repo(ref.repo_id, ref.file) if ref.repo_id else None


def _judged(snapshot: Snapshot | None, entry: CatalogEntry | None) -> Fit | None:
    """By the catalogue, some of whose numbers are measured; for a model that it does not list by the headers."""
    from ingle.catalog.fits import fit, snapshot_memory
    from ingle.cli.offer import machine_memory

    if entry is not None:
        return fit(entry.memory_4k, machine_memory())
    return fit(snapshot_memory(snapshot), machine_memory()) if snapshot else None
