"""What the Tab key offers for a word of a command; asked by the shell, so none of it fails, tells or starts anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ingle.errors import IngleError

if TYPE_CHECKING:
    from ingle.cli.session import Session


def _offering(found: Callable[[Session], Iterable[str]]) -> Callable[[str], list[str]]:
    """Of what `found` names, each once and in its order, that which begins like the word under the cursor."""

    def offer(incomplete: str) -> list[str]:
        from ingle.cli.session import Session
        from ingle.cli.terminal import Terminal
        from ingle.config import load_config

        try:
            names = list(found(Session(load_config(), Terminal())))
        except (IngleError, OSError):
            return []
        return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]

    return offer


@_offering
def complete_model(session: Session) -> Iterable[str]:
    """Models that are here and those that have a short name."""
    here = [one.ref.name for one in session.store.scan()]
    return [*here, "default", *(entry.alias for entry in session.catalog.entries)]


@_offering
def complete_here(session: Session) -> Iterable[str]:
    """Models that are on this machine, and their short names."""
    for one in session.store.scan():
        yield one.ref.name
        entry = session.catalog.find_repo(one.ref.repo_id, one.ref.file) if one.ref.repo_id else None
        if entry is not None:
            yield entry.alias


@_offering
def complete_loaded(session: Session) -> Iterable[str]:
    """Models that are in memory, or on their way there."""
    from ingle.client import api

    client = session.running()
    return [one.model for one in client.ask(api.ps()).models if one.memory is not None] if client else []


@_offering
def complete_pulled(session: Session) -> Iterable[str]:
    """Models that the daemon fetches, mends or checks."""
    from ingle.client import api

    client = session.running()
    return [one.model for one in client.ask(api.status()).pulls] if client else []


@_offering
def complete_tool(session: Session) -> Iterable[str]:
    """Every text tool, your own too."""
    from ingle.text.tool import open_toolbox

    return sorted(open_toolbox(session.config.tools).tools)


@_offering
def complete_shell(_session: Session) -> Iterable[str]:
    """The shells whose commands are judged and suggested."""
    from ingle.shell.surroundings import SHELLS

    return SHELLS


@_offering
def complete_widget(_session: Session) -> Iterable[str]:
    """The shells that `ingle init` has code for."""
    from ingle.shell.widgets import WIDGETS

    return WIDGETS
