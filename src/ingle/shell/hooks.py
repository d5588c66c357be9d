"""Functions, variables and words that a shell runs by itself: found, they are read as code at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .words import Value

if TYPE_CHECKING:
    from .machine import Machine

EVENT = "__on_event_"
_FUNCTIONS = re.compile(
    r"command_not_found_handler?\Z|pre(?:cmd|exec)\Z|chpwd\Z|periodic\Z|zshexit\Z|zshaddhistory\Z|TRAP[A-Z]+\Z|"
    r"fish_(?:prompt|right_prompt|greeting|command_not_found|mode_prompt|title|preexec|postexec)\Z|" + EVENT
)
_PROMPTS = re.compile(r"PS[0124]\Z|R?PROMPT[234]?\Z|RPS[12]\Z")
_INSIDE = re.compile(r"\$\(([^()]*(?:\([^()]*\)[^()]*)*)\)|`([^`]*)`")


def runs_itself(name: str) -> bool:
    """Whether the shell calls a function of this name without being told to."""
    return bool(_FUNCTIONS.match(name))


def substituted(machine: Machine, text: str) -> None:
    """Read the commands inside text that the shell expands a second time."""
    for body in _INSIDE.findall(text)[:8]:
        machine.substitute(body[0] or body[1])


def prompt(machine: Machine, name: str, value: Value) -> None:
    """A prompt with a command in it runs that command each time it is shown."""
    if _PROMPTS.match(name) and ("$(" in value.text or "`" in value.text):
        before, machine.findings = machine.findings, {}
        substituted(machine, value.text)
        found, machine.findings = machine.findings, before
        machine.findings.update({key: one for key, one in found.items() if one.level >= 2})


def arithmetic(machine: Machine, text: str) -> None:
    """Arithmetic evaluates what a variable holds again, with the subscripts in it."""
    for name, values in list(machine.state.names.items()):
        held = values[0].text if values else ""
        if ("$(" in held or "`" in held) and re.search(rf"\b{re.escape(name)}\b", text):
            substituted(machine, held)
