"""Says how dangerous a shell command is before it runs, and why; runs nothing, reads no file unasked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from . import deception, limits
from .finding import Finding, Level
from .machine import Exhausted, Machine
from .parse import SHELLS
from .reading import read_code
from .words import MARKS, show

__all__ = ["SHELLS", "Finding", "Level", "Verdict", "analyse", "explain", "verdict_to_dict"]

_SHOWN = 400
"""Characters of a deceptive command that a finding shows escaped."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The analysis of one command. `level` is the worst of its findings; SAFE when there is none."""

    command: str
    shell: str
    level: Level
    findings: tuple[Finding, ...]
    commands: tuple[str, ...]

    @property
    def allowed(self) -> bool:
        """True when it may run after a plain Enter."""
        return self.level is Level.SAFE


def analyse(
    command: str, shell: str = "bash", *, read_file: Callable[[str], str | None] | None = None
) -> Verdict:
    """Analyse one command of `shell`; `read_file`, when given, may look at local scripts it runs.

    Never raises on any text: what cannot be read with certainty is at least high.
    """
    machine = Machine(shell if shell in SHELLS else "bash", read_file)
    _prescan(machine, command)
    broken = limits.exceeded(command)
    if broken:
        machine.report(Level.HIGH, "unread", f"too large to read: {broken}")
        return _verdict(machine, command, shell)
    text = command.replace("\r\n", "\n")
    for mark in MARKS:
        text = text.replace(mark, "?")
    try:
        _walk(machine, text)
    except Exhausted:
        machine.report(Level.HIGH, "unread", "takes more steps than are followed")
    except RecursionError:
        machine.report(Level.HIGH, "unread", "nested deeper than is read")
    except Exception as fault:  # noqa: BLE001 - a mistake of ours must end in "high", never in "safe" or silence
        machine.report(Level.HIGH, "fault", f"the analysis itself failed ({type(fault).__name__})")
    return _verdict(machine, command, shell)


def _prescan(machine: Machine, command: str) -> None:
    tricks = deception.find_tricks(command[: limits.MAX_BYTES])
    shown = deception.escaped(command[:_SHOWN])[:_SHOWN] if tricks else ""  # once: there may be thousands
    for trick in tricks:
        machine.stand_at(trick.start, trick.end)
        machine.report(
            Level.HIGH,
            "deceive",
            f"holds {trick.kind}"
            + (f" ({trick.shown})" if trick.shown else "")
            + ": it is not what it looks like",
            resolved=f"`{shown}`",
        )


def _walk(machine: Machine, text: str) -> None:
    shell = machine.shell
    reading = read_code(text, shell)
    machine.given = text
    machine.translation = reading.translation
    machine.data = reading.source
    machine.rewritten = reading.translation is not None or reading.source != text.encode("utf-8", "replace")
    if reading.doubt is not None:
        machine.stand_at(*machine.place(*reading.doubt))
        machine.report(
            Level.HIGH, "unread", f"this part is not valid {shell}, so what it does is not certain"
        )
    elif not reading.whole:
        machine.stand_at(0, len(text))
        machine.report(
            Level.HIGH, "unread", f"this is not whole {shell}: a quote, a bracket or a block stays open"
        )
    machine.stand_at(0, len(text))
    machine.enter(reading.root)


def _within(found: Finding, size: int) -> Finding:
    return replace(found, span=(min(found.span[0], size), size))


def _verdict(machine: Machine, command: str, shell: str) -> Verdict:
    size = len(command)
    kept = [found if found.span[1] <= size else _within(found, size) for found in machine.findings.values()]
    findings = tuple(sorted(kept, key=lambda found: (-found.level, found.span)))
    return Verdict(
        command, shell, machine.worst(), findings, tuple(dict.fromkeys(map(show, machine.commands)))
    )


def explain(verdict: Verdict) -> str:
    """The findings as text for a person, worst first; made from nothing else."""
    if not verdict.findings:
        return "safe: reads, prints or prepares; nothing that exists is changed"
    lines = [f"{verdict.level.label}:"]
    for found in verdict.findings:
        lines.append(f"  [{found.level.label}] {found.consequence}")
        if found.resolved:
            lines.append(f"      {found.resolved}")
        if found.safer:
            lines.append(f"      safer: {found.safer}")
    return "\n".join(lines)


def verdict_to_dict(verdict: Verdict) -> dict[str, Any]:
    """The form that travels: JSON-ready, levels as words, spans as pairs."""
    return {
        "level": verdict.level.label,
        "allowed": verdict.allowed,
        "shell": verdict.shell,
        "commands": list(verdict.commands),
        "findings": [
            {
                "level": found.level.label,
                "effect": found.effect,
                "consequence": found.consequence,
                "span": list(found.span),
                "resolved": found.resolved,
                "safer": found.safer,
            }
            for found in verdict.findings
        ],
    }
