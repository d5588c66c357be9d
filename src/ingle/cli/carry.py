"""`import` and `export`: models that come from, or go to, a folder of a person's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ingle.cli import render
from ingle.cli.fetch import Drawing, finish
from ingle.cli.options import MODELS_PANEL, AsJson, ModelHere
from ingle.cli.session import Session, open_session
from ingle.errors import HubError, InvalidRequest, NotFound

if TYPE_CHECKING:
    from ingle.catalog.listing import Listing

WAYS = {"clone": "cloned", "link": "hard-linked", "copy": "copied"}
Brought = Annotated[Path, typer.Argument(metavar="DIR_OR_FILE", help="A model folder, or a .gguf file.")]
As = Annotated[str | None, typer.Option("--as", metavar="ORG/NAME", help="Which model of the hub it is.")]
Folder = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        help="A folder that is empty, not there yet, or this very export: then it is checked.",
    ),
]
Copy = Annotated[
    bool,
    typer.Option("--copy", help="Hard-link nothing with the cache, for an app that writes into the files."),
]


def register(app: typer.Typer) -> None:
    app.command(
        "import", rich_help_panel=MODELS_PANEL, epilog="Example: `ingle import ./model.gguf --as org/name`"
    )(import_model)
    app.command(
        "export", rich_help_panel=MODELS_PANEL, epilog="Example: `ingle export starter ~/.mlx/models/starter`"
    )(export_model)


def import_model(source: Brought, repo: As = None, as_json: AsJson = False) -> None:
    """Take what was brought by hand into the cache, checked against the hub's digests where they are known."""
    from ingle.cli.library import describe
    from ingle.hub.bring import bring_model

    session = open_session()
    repo_id, revision = _repo(session, repo)
    listing = _listing(session, repo_id, revision) if repo_id else None
    with Drawing(session.terminal, source.name, quiet=as_json, steps=False) as drawing:
        brought = finish(
            bring_model(
                session.config, source.absolute(), repo_id=repo_id, revision=revision, listing=listing
            ),
            drawing,
        )
    if as_json:
        found = describe(brought.snapshot) | {"digests_known": brought.known, "ignored": brought.ignored}
        session.terminal.answer_json(found)
        return
    session.terminal.tell(brought.sentence)
    if brought.ignored:
        session.terminal.tell(f"Left out, the hub does not list them: {', '.join(brought.ignored)}")


def export_model(model: ModelHere, folder: Folder, copy: Copy = False, as_json: AsJson = False) -> None:
    """Make a plain, checked folder of a model for another app; costs no second copy where disks can share.

    Large files are cloned, or else hard-linked with the cache:
    an app that writes into a hard link damages the model there,
    which `ingle verify` tells. --copy keeps the two apart.
    """
    session = open_session()
    export_to(session, model, folder, quiet=as_json, link=not copy)


def export_to(session: Session, model: str, folder: Path, *, quiet: bool, link: bool = True) -> None:
    """Fill `folder` with a model that is here, and say (or answer, when `quiet`) what came of it."""
    from ingle.hub.export import export_model as export

    snapshot = session.store.require(session.resolve(model))
    target = folder.expanduser().absolute()
    with Drawing(session.terminal, snapshot.ref.name, quiet=quiet, steps=False) as drawing:
        made = finish(export(session.config, snapshot, target, link=link), drawing)
    if quiet:
        session.terminal.answer_json(made)
        return
    ways = ", ".join(f"{count} {WAYS[way]}" for way, count in sorted(made.how.items())) or "was there already"
    checked = "each with its known digest" if made.known else "checked as far as anything is known"
    session.terminal.tell(
        f"{made.folder}: {render.count(len(made.files), 'file')}, {render.size(made.size)} ({ways}), {checked}."
    )


def _repo(session: Session, repo: str | None) -> tuple[str | None, str | None]:
    if repo is None:
        return None, None
    ref = session.resolve(repo)
    if ref.repo_id is None:
        raise InvalidRequest(f"{repo} is a path, not the name of a model.", hint="--as org/name")
    return ref.repo_id, ref.revision


def _listing(session: Session, repo_id: str, revision: str | None) -> Listing | None:
    """What the hub or, of the starter, the catalogue lists, to compare with; None when it cannot be asked or does not know the name.

    A commit that is what `main` means now is taken as that, so that the model goes with the branch.
    """
    from ingle.catalog.model import ModelRef
    from ingle.catalog.names import is_commit
    from ingle.hub.remote import Remote
    from ingle.hub.starter import wheel_model
    from ingle.hub.transport import Timeouts

    wheel = wheel_model(ModelRef(name=repo_id, repo_id=repo_id), session.catalog)
    if wheel is not None:  # it is on no hub; the catalogue has its digest
        return wheel.listing
    if session.config.offline:
        return None
    try:
        with Remote(session.config, timeouts=Timeouts(connect=5, head=10), backoff=0.1) as remote:
            newest = remote.listing(repo_id) if revision is None or is_commit(revision) else None
            if newest is not None and revision in (None, newest.commit):
                return newest
            return remote.listing(repo_id, revision or "main")
    except (HubError, NotFound) as exc:
        session.terminal.tell(f"The hub's digests are not known: {exc.message}")
        return None
