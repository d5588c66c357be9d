"""Finds what Python code does without an end: processes it starts, memory and files it fills."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from .finding import Level
from .python_values import amount
from .rounds import CROWD, DOUBLINGS

if TYPE_CHECKING:
    from .machine import Machine

Name = Callable[[ast.expr], str]
_ENDLESS = frozenset(("itertools.count", "itertools.cycle"))
_THROUGH = frozenset(("map", "filter", "enumerate", "reversed", "itertools.chain", "itertools.accumulate"))
_COLLECTS = frozenset(("list", "set", "tuple", "sorted", "dict", "frozenset", "bytes", "sum", "max", "min"))
_FORKS = frozenset(("os.fork", "os.forkpty", "pty.fork"))
_STARTS = frozenset(
    (
        "subprocess.Popen",
        "multiprocessing.Process",
        "threading.Thread",
        "os.spawnl",
        "os.spawnv",
        "os.spawnlp",
        "os.spawnvp",
        "os.posix_spawn",
        "os.startfile",
    )
)
_WAITS = frozenset(("sleep", "wait", "join", "communicate", "poll", "waitpid", "input"))
_LEAVES = (ast.Break, ast.Return, ast.Raise)


def judge_loops(machine: Machine, tree: ast.Module, name: Name) -> None:
    """Report loops, comprehensions and functions that call themselves; `name` gives the dotted name of what is called."""
    for node in ast.walk(tree):
        match node:
            case ast.For(iter=values, body=body):
                _loop(machine, name, values, body)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                _comprehended(machine, name, node)
            case ast.Call():
                _called(machine, name, node)
            case ast.FunctionDef(name=own, body=body):
                _again(machine, name, own, body)
            case ast.NamedExpr(target=target, value=ast.Lambda(body=inner)):
                _again(machine, name, target.id, [inner])
            case ast.Assign(targets=[ast.Name(id=own)], value=ast.Lambda(body=inner)):
                _again(machine, name, own, [inner])


def _rounds(name: Name, values: ast.expr) -> int | None:
    """How often a loop over `values` runs where that is a constant; None when it never ends, 0 when nothing is known."""
    if not isinstance(values, ast.Call):
        return 0
    called = name(values.func)
    given = values.args
    if called in _ENDLESS or (called == "itertools.repeat" and len(given) == 1):
        return None
    if called == "iter" and len(given) == 2 and _same_each_time(given[0]):
        return None
    if called in _THROUGH and given:
        return _rounds(name, given[-1] if called in ("map", "filter") else given[0])
    if called == "range" and given:
        return amount(given[min(1, len(given) - 1)])
    return 0


def _same_each_time(made: ast.expr) -> bool:
    """Whether what `iter(made, last)` calls gives one and the same each time: `int`, `lambda: 1`."""
    if isinstance(made, ast.Lambda):
        return isinstance(made.body, ast.Constant)
    return isinstance(made, ast.Name) and made.id in ("int", "float", "str", "list", "dict", "bool", "object")


def _names(name: Name, parts: Sequence[ast.stmt | ast.expr]) -> Iterator[str]:
    for part in parts:
        for node in ast.walk(part):
            if isinstance(node, ast.Call):
                yield name(node.func)


def _judge_rounds(
    machine: Machine, name: Name, rounds: int | None, parts: Sequence[ast.stmt | ast.expr]
) -> None:
    """Report what is started in each of so many rounds."""
    if rounds is not None and rounds < DOUBLINGS:
        return
    called = set(_names(name, parts))
    waits = any(one.rpartition(".")[2] in _WAITS for one in called)
    if called & _FORKS:
        machine.report(Level.CRITICAL, "exhaust", "starts processes without end: a fork bomb")
    elif called & _STARTS and not waits and (rounds is None or rounds >= CROWD):
        machine.report(Level.CRITICAL, "exhaust", "starts processes in a loop that never ends")


def _loop(machine: Machine, name: Name, values: ast.expr, body: list[ast.stmt]) -> None:
    rounds = _rounds(name, values)
    left = any(isinstance(node, _LEAVES) for part in body for node in ast.walk(part))
    if rounds is None and left:
        return
    _judge_rounds(machine, name, rounds, body)
    if rounds is None and any(
        one.rpartition(".")[2] in ("append", "extend", "add") for one in _names(name, body)
    ):
        machine.report(Level.HIGH, "exhaust", "takes memory in a loop that never ends")


def _comprehended(
    machine: Machine, name: Name, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
) -> None:
    rounds = _rounds(name, node.generators[0].iter)
    _judge_rounds(machine, name, rounds, [node])
    if rounds is None and not isinstance(node, ast.GeneratorExp):
        machine.report(Level.HIGH, "exhaust", "takes memory in a loop that never ends")


def _called(machine: Machine, name: Name, node: ast.Call) -> None:
    """`map(f, …)`, `list(…)`, `file.writelines(…)` over what never ends."""
    called = name(node.func)
    if called == "map" and len(node.args) > 1:
        _judge_rounds(machine, name, _rounds(name, node.args[-1]), [node.args[0]])
    if not node.args or not isinstance(node.args[0], ast.Call) or _rounds(name, node.args[0]) is not None:
        return
    if called in _COLLECTS:
        machine.report(Level.HIGH, "exhaust", "takes memory in a loop that never ends")
    elif called.rpartition(".")[2] == "writelines":
        machine.report(Level.HIGH, "exhaust", "writes without end until the disk is full")


def _again(machine: Machine, name: Name, own: str, parts: Sequence[ast.stmt | ast.expr]) -> None:
    """A function that starts a process and calls itself."""
    called = set(_names(name, parts))
    if own in called and called & _FORKS:
        machine.report(Level.CRITICAL, "exhaust", "starts processes without end: a fork bomb")
