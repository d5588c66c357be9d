"""What to do about a model that is not here: say what fits, ask, and get it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ingle.cli import render
from ingle.errors import Cancelled, HubUnreachable, IngleError, UsageError

if TYPE_CHECKING:
    from ingle.catalog.curated import CatalogEntry
    from ingle.catalog.fits import Memory
    from ingle.catalog.model import ModelRef, Snapshot
    from ingle.cli.session import Session
    from ingle.config import Config

DECLINED = "declined"
"""The file in the home that holds, one a line, what a person said no to; without it all is offered again."""
PROBE_S = 3.0
"""A person waits for the question that follows; a hub that takes longer is no help to them now."""


def ensure_here(session: Session, model: str) -> None:
    """Get `model` when a person says yes. Where nobody can be asked, or on a no, raises what keeps it from being used:
    `NotDownloaded`, `Incomplete` or `MalformedModel`.

    Of one that is here and damaged it warns: it may be used still, but its answers cannot be trusted.
    """
    from ingle.catalog.model import DiskState
    from ingle.cli.fetch import fetch
    from ingle.cli.library import damage_of

    ref = session.resolve(model)
    snapshot = session.store.find(ref)
    if snapshot is not None and snapshot.state is DiskState.COMPLETE:
        if (bad := damage_of(session, snapshot)) is not None:
            session.terminal.tell(f"Warning: {ref.name} is damaged. {bad.sentence} {bad.mends}")
        return
    if ref.path is not None:
        return
    if not session.terminal.can_ask or not session.terminal.confirm(_question(session, ref.name, snapshot)):
        session.store.require(ref)
        return
    fetch(session, session.daemon(), session.daemon_name(model))


def offer(session: Session, model: str, praise: str) -> bool:
    """Whether a person wanted a catalogue model that nobody named, and it is here now.

    Asked once: a no is kept in the home. Not asked where the machine cannot run it, or must stay offline. What
    keeps it from coming is told and is no error, for the caller can go on without; Ctrl-C is.
    """
    from ingle.catalog.fits import fit
    from ingle.cli.fetch import fetch

    entry = session.catalog.find(model)
    known = declined(session.config)
    if entry is None or model in known or session.config.offline or not session.terminal.can_ask:
        return False
    if not fit(entry.memory_4k, machine_memory()).ok:
        return False
    question = _question(session, model, session.store.find(session.resolve(model)))
    session.terminal.forget_typed_ahead()
    if not session.terminal.confirm(f"{praise} {question}", default=not _any_here(session)):
        _decline(session.config, known, model)
        session.terminal.tell(f"Going on without, now and from here on; `ingle pull {model}` gets it.")
        return False
    try:
        if not hub_answers(session):
            raise HubUnreachable("The hub does not answer.", hint=f"`ingle pull {model}` gets it later.")
        fetch(session, session.daemon(), model)
    except Cancelled:
        raise
    except IngleError as error:
        session.terminal.complain(error)
        session.terminal.tell(f"Going on without {model}.")
        return False
    return True


def declined(config: Config) -> tuple[str, ...]:
    """The models that a person was offered in passing and did not want."""
    try:
        return tuple((config.home / DECLINED).read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError):
        return ()


def _decline(config: Config, before: tuple[str, ...], model: str) -> None:
    """A home that cannot be written is asked again."""
    with suppress(OSError):
        config.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (config.home / DECLINED).write_text("\n".join([*before, model, ""]), encoding="utf-8")


def pick_model(session: Session, *, offer: bool = False, example: str = "--model {}") -> str:
    """The model for a command that named none: the default when it is here, else the only one that is.

    Otherwise a person chooses among what is here and what fits; with `offer` also where only one is here, unless
    that is all there is to choose from.
    Raises `UsageError` saying what to type (`example`, with the name put in) where nobody can be asked.
    """
    from ingle.catalog.usual import usual_model

    default = session.resolve("default")
    usual = usual_model(default, session.store)
    if usual.ref == default:
        return "default"
    if usual.ref is not None and not (offer and session.terminal.can_ask):
        return _typed(usual.ref)
    here = sorted(usual.here, key=lambda one: one.modified, reverse=True)
    options = [(_typed(one.ref), f"{one.ref.name} (here, {render.size(one.size)})") for one in here[:5]]
    options += [
        (entry.alias, _describe(session, entry))
        for entry in suggestions(session)
        if all(entry.alias != name for name, _ in options)
    ]
    if not session.terminal.can_ask:
        lines = "\n".join(f"  {example.format(name)}    {said}" for name, said in options)
        raise UsageError("Which model? None was named, and nobody can be asked here.", hint=f"\n{lines}")
    if here and len(options) == 1:
        return options[0][0]
    session.terminal.tell("Which model?" if here else "There is no model on this machine yet.")
    picked = session.terminal.choose("Take which one?", [said for _, said in options])
    if picked is None:
        raise UsageError("No model was chosen.", hint=f"{example.format('MODEL')} names one.")
    return options[picked][0]


def _typed(ref: ModelRef) -> str:
    """What to type for a model that is here: its name, or its path where that is all it has."""
    return str(ref.path) if ref.path is not None else ref.name


def suggestions(session: Session) -> list[CatalogEntry]:
    """What fits this machine, best first, when the hub can be reached; and always the starter."""
    from ingle.catalog.fits import offers

    found = list(offers(session.catalog, machine_memory()))
    needs_hub = [entry for entry in found if entry.wheel is None]
    if needs_hub and not hub_answers(session):
        return [entry for entry in found if entry.wheel is not None]
    return found


def machine_memory() -> Memory:
    """What this machine has now, for the verdicts of `catalog.fits`."""
    from ingle.catalog.fits import Memory
    from ingle.engines.free import free_memory, total_memory

    return Memory(total=total_memory(), available=free_memory())


def hub_answers(session: Session) -> bool:
    """Whether a pull from the hub could begin now; asks each endpoint once, briefly."""
    from ingle.hub.remote import Remote
    from ingle.hub.transport import Timeouts

    if session.config.offline:
        return False
    with Remote(session.config, timeouts=Timeouts(connect=PROBE_S, head=PROBE_S, stall=PROBE_S)) as remote:
        return any(not probe.problem for probe in remote.probe())


def _any_here(session: Session) -> bool:
    from ingle.catalog.model import DiskState

    return any(one.state is DiskState.COMPLETE for one in session.store.scan())


def _describe(session: Session, entry: CatalogEntry) -> str:
    from ingle.catalog.fits import fit

    judged = fit(entry.memory_4k, machine_memory())
    return f"{entry.alias} ({render.size(entry.download)} to download). {entry.good_at} {judged.sentence}"


def _question(session: Session, name: str, snapshot: Snapshot | None) -> str:
    if snapshot is not None:
        return f"{name} is not whole ({render.count(len(snapshot.missing), 'file')} missing). Get the rest?"
    entry = session.catalog.find(name)
    if entry is None:
        return f"{name} is not on this machine. Get it?"
    from ingle.catalog.fits import fit

    judged = fit(entry.memory_4k, machine_memory())
    return f"{name} is not on this machine ({render.size(entry.download)}). {judged.sentence} Get it?"
