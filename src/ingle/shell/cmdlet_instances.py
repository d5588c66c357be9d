"""Objects of WMI in PowerShell: which class was asked for, and what deleting or calling it does."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from .finding import Level
from .words import EMPTY, HOLE, Taint, Value

if TYPE_CHECKING:
    from tree_sitter import Node

    from .cmdlet_words import Given
    from .machine import Machine

_CLASS = "win32_"
# class, method: how bad it is to do that to its objects
_GRAVE: Mapping[tuple[str, str], tuple[Level, str]] = MappingProxyType(
    {
        ("win32_shadowcopy", "delete"): (
            Level.CRITICAL,
            "deletes every shadow copy, the last backup there is",
        ),
        ("win32_volume", "format"): (Level.CRITICAL, "destroys everything on a volume"),
        ("win32_operatingsystem", "reboot"): (Level.HIGH, "restarts the machine"),
        ("win32_operatingsystem", "shutdown"): (Level.HIGH, "turns the machine off"),
        ("win32_operatingsystem", "win32shutdown"): (Level.HIGH, "turns the machine off"),
        ("win32_computersystem", "rename"): (Level.HIGH, "changes who the machine thinks it is"),
        ("win32_useraccount", "delete"): (Level.HIGH, "changes the accounts of the machine"),
        ("win32_service", "delete"): (Level.HIGH, "takes a service of the machine away"),
        ("win32_networkadapter", "disable"): (Level.HIGH, "cuts this machine off the network"),
        ("win32_ntlogevent", "delete"): (Level.HIGH, "wipes a record of what happened"),
        ("win32_nteventlogfile", "cleareventlog"): (Level.HIGH, "wipes a record of what happened"),
        ("win32_process", "create"): (Level.HIGH, "starts a program out of sight"),
        ("win32_userprofile", "delete"): (Level.CRITICAL, "deletes the home of every user it finds"),
    }
)
_OF_ALL: Mapping[str, str] = MappingProxyType(
    {
        "terminate": "ends every process it finds",
        "uninstall": "removes every program it finds",
        "delete": "deletes every object it finds",
        "stopservice": "stops every service it finds",
    }
)


def judge_instance(machine: Machine, owner: Value, method: str) -> bool:
    """One method of the objects a query found; whether `owner` is such a thing at all."""
    name = owner.text.lower().strip()
    if not name.startswith(_CLASS):
        return False
    grave = _GRAVE.get((name, method))
    if grave is not None:
        machine.report(grave[0], "effect", grave[1])
    elif method in _OF_ALL:
        level = Level.HIGH if owner.has(Taint.EVERYTHING) else Level.MODERATE
        machine.report(level, "effect", _OF_ALL[method])
    return True


def find_instances(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    """`Get-CimInstance CLASS`: its objects carry the name of the class."""
    named = given.value("classname", "query") or (given.rest[0] if given.rest else EMPTY)
    words = named.text.lower().replace("\n", " ").split()
    found = next((word.strip("'\"") for word in words if word.strip("'\"").startswith(_CLASS)), HOLE)
    narrow = given.value("filter") is not None or "where" in words
    return Value(found, 0 if narrow else Taint.EVERYTHING)


def remove_instances(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    """`… | Remove-CimInstance`, or the query itself as a parameter."""
    owner = given.value("inputobject", "query") or (given.rest[0] if given.rest else stdin)
    text = next((word for word in owner.text.lower().split() if word.startswith(_CLASS)), owner.text)
    if not judge_instance(machine, Value(text, owner.taint), "delete"):
        machine.report(Level.MODERATE, "effect", "deletes objects of the system")
    return EMPTY
