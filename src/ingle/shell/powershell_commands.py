"""Finds out which command PowerShell would run, and what a .NET method does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tree_sitter import Node

from . import spec, targets, windows
from .cmdlet_instances import judge_instance
from .finding import Level
from .words import EMPTY, HOLE, STAR, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from .machine import Machine
from .cmd_exe import cmd
from .cmdlet_words import Given, cmdlet_data
from .cmdlets import CMDLETS, run_block

_ENDING_VERBS = frozenset("remove stop disable clear reset uninstall restart revoke block unregister".split())
_SAFE_VERBS = frozenset(
    "get test show select measure find convertto convertfrom write compare group sort where resolve join split read wait search "
    "trace debug out format tee enter-x step watch ping confirm-x checkpoint-x use limit-x import-csv push pop".split()
)


_GRAVE_VERBS = frozenset("clear disable uninstall reset format revoke".split())


def judge(machine: Machine, name: str, words: list[Value], blocks: list[Node], stdin: Value) -> Value:
    """One command of PowerShell by its name or alias."""
    aliases, levels, _ = cmdlet_data()
    if re.match(r"(?:\.{1,2}|[A-Za-z]:|~|/|\\(?=\\))[\\/]", name):
        return _program(machine, name)
    key = name.lower().rpartition("\\")[2]
    if key in machine.state.functions:
        return _function(machine, key)
    key = machine.state.aliases.get(key, key)
    key = aliases.get(key, key)
    given = Given(words)
    if key not in ("invoke-command", "set-alias") and given.has("whatif") and "whatif" in given.flags:
        return UNKNOWN
    machine.commands.append(key)
    cmdlet = CMDLETS.get(key)
    if cmdlet is not None:
        found = cmdlet(machine, given, stdin, blocks)
        return found if found is not None else Value(HOLE, stdin.taint)
    for block in blocks:
        run_block(machine, block, stdin)
    known = levels.get(key)
    if known is not None:
        machine.report(known[0], "effect", known[1] or f"`{key}` changes something")
        return Value(HOLE, stdin.taint)
    if re.fullmatch(r"-?\d+(?:\.\.-?\d+)?", key):
        return Value(key)
    verb, dash, _noun = key.partition("-")
    if dash and "." not in key and key.replace("-", "").isalnum() and spec.find(key) is None:
        level = Level.SAFE if verb in _SAFE_VERBS else Level.HIGH if verb in _GRAVE_VERBS else Level.MODERATE
        every = stdin.has(Taint.EVERYTHING) or any(value.text.strip() in ("*", STAR) for value in given.rest)
        if every and verb in _ENDING_VERBS:
            level = Level.HIGH
        machine.report(level, "effect", f"`{key}` changes something")
        asks = verb == "get" and not given.rest and not given.values
        return Value(HOLE, stdin.taint | (Taint.EVERYTHING if asks else 0))
    if key in ("cmd", "cmd.exe"):
        return cmd(machine, words)
    words = [Value(_INNER_QUOTES.sub(r"\1\3", word.text), word.taint) for word in words]
    return machine.call([Value(key.removesuffix(".exe")), *words], stdin)


# `--name="a value"`: one word for PowerShell, and its quotes are gone when the program gets it.
_INNER_QUOTES = re.compile(r"\A(-{0,2}[A-Za-z][\w.-]*=)(['\"])(.*)\2\Z", re.S)


def _program(machine: Machine, name: str) -> Value:
    """A program by its path: one that this line fetched is code from the network."""
    from .code import run_file

    return run_file(machine, windows.path(machine, Value(name)), "powershell", [])


def _function(machine: Machine, key: str) -> Value:
    from . import powershell

    if key in machine.calling:
        return UNKNOWN
    machine.calling.append(key)
    try:
        return powershell.run(machine, machine.state.functions[key].body)
    finally:
        machine.calling.pop()


def judge_method(machine: Machine, kind: str, method: str, owner: Value, first: Value) -> None:
    """A .NET method that deletes, writes, starts, sends or fetches."""
    if judge_instance(machine, owner, method):
        return
    path = windows.path(machine, Value(first.text.partition("\n")[0], first.taint))
    if method == "delete":
        if owner.known and owner.text and "::" not in kind and not kind.startswith("["):
            path = windows.path(machine, owner)
        tree = "directory" in kind or "true" in first.text.lower() or owner.has(Taint.EVERYTHING)
        targets.delete(machine, path, tree=tree)
    elif method in (
        "writealltext",
        "writeallbytes",
        "writealllines",
        "create",
        "appendalltext",
        "copy",
        "move",
    ) and ("file" in kind or "directory" in kind):
        targets.write(machine, path, UNKNOWN, append="append" in method)
    elif method == "downloadfile":
        where = first.text.rpartition("\n")[2]
        targets.write(machine, windows.path(machine, Value(where)), Value(HOLE, Taint.NETWORK))
    elif method in ("uploadstring", "uploadfile", "uploaddata", "postasync"):
        if first.has(Taint.SECRET):
            targets.leak(machine, EMPTY)
        elif method == "uploadfile":
            targets.send(machine, windows.path(machine, Value(first.text.rpartition("\n")[2])))
        else:
            machine.report(Level.MODERATE, "send", "sends data to another host")
    elif method == "start" and "process" in kind:
        judge(
            machine,
            first.text.partition("\n")[0] or HOLE,
            [Value(part, first.taint) for part in first.text.partition("\n")[2].split()],
            [],
            EMPTY,
        )
    elif method in ("invoke", "invokescript", "create", "load", "unsafeload") and re.search(
        r"scriptblock|assembly|appdomain|powershell|executioncontext", kind
    ):
        machine.report(Level.HIGH, "opaque", "runs code that is not known before it runs")
    elif method in ("shellexecute", "run", "exec"):
        machine.report(Level.HIGH, "execute", "starts programs out of sight")
    elif method == "kill":
        machine.report(
            Level.HIGH if owner.has(Taint.EVERYTHING) else Level.MODERATE, "kill", "ends processes"
        )
    elif method == "setenvironmentvariable":
        machine.report(Level.MODERATE, "write", "changes the environment for later")
    elif "sockets.tcpclient" in kind:
        machine.report(Level.CRITICAL, "backdoor", "opens a raw connection that a shell can be put on")
