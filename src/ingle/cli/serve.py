"""`serve`: the daemon in this terminal, in the background, or beside an app; and its end."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    del app
