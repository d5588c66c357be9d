"""The commands whose effect needs more than a table: one function each, found by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..words import Value
from . import (
    archives,
    building,
    builtins,
    compiling,
    containers,
    copying,
    databases,
    decoding,
    dialects,
    editing,
    editors,
    fetching,
    filtering,
    frameworks,
    inside,
    installing,
    interpreters,
    macros,
    modes,
    output,
    processes,
    removal,
    repository,
    scheduling,
    sending,
    session,
    syncing,
    tools,
    wrappers,
)

if TYPE_CHECKING:
    from ..machine import Machine

# machine, name, words after the name, input -> output, or None when nothing is known of it.
Command = Callable[["Machine", str, list[Value], Value], Value | None]

_MODULES: tuple[Any, ...] = (
    archives,
    building,
    builtins,
    compiling,
    containers,
    copying,
    databases,
    decoding,
    dialects,
    editing,
    editors,
    fetching,
    filtering,
    frameworks,
    inside,
    installing,
    interpreters,
    macros,
    modes,
    output,
    processes,
    removal,
    repository,
    scheduling,
    sending,
    session,
    syncing,
    tools,
    wrappers,
)
ALL: dict[str, Command] = {name: command for module in _MODULES for name, command in module.COMMANDS.items()}
RUNS_INPUT = frozenset(
    "sh bash zsh dash ksh mksh ash fish eval source . xargs parallel sudo env command exec builtin echo printf".split()
)
