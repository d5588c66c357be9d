"""The cmdlets that bring code in: modules, packages, and source that is compiled on the spot."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tree_sitter import Node

from . import windows
from .cmdlet_words import Given
from .code import run_fetched
from .finding import Level
from .words import EMPTY, Taint, Value

if TYPE_CHECKING:
    from .machine import Machine

_ADDRESS = re.compile(r"(?i)(?:https?|ftp|ms-appinstaller):|\\\\")


def load_module(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    text = " ".join(value.text for value in given.rest)
    remote = "\\\\" in text or "://" in text
    machine.report(Level.HIGH if remote else Level.SAFE, "load", "loads code from another host")
    return EMPTY


_GRAVE_SOURCE = re.compile(
    r"(?i)\b(?:VirtualAlloc\w*|CreateThread|CreateRemoteThread|WriteProcessMemory|NtRaiseHardError|RtlAdjustPrivilege|BlockInput|"
    r"Process\s*\.\s*Start|ProcessStartInfo|(?:File|Directory)\s*\.\s*Delete|\.\s*Delete\s*\(|Assembly\s*\.\s*Load\w*|WebClient|HttpClient|"
    r"TcpClient|Socket|MiniDumpWriteDump|SetWindowsHookEx|GetAsyncKeyState)\b"
)


def compile_source(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    """`Add-Type`: a library by name or file, or C# that is compiled and loaded on the spot."""
    code = given.value("typedefinition", "memberdefinition")
    if code is None and given.rest and given.value("assemblyname", "path", "literalpath") is None:
        code = given.rest[0]
    files = given.value("path", "literalpath")
    if code is not None and code.has(Taint.NETWORK):
        machine.report(Level.HIGH, "remote code", "compiles and loads code straight from the network")
    elif code is not None and (not code.known or _GRAVE_SOURCE.search(code.text)):
        machine.report(Level.HIGH, "opaque", "compiles and loads code that is not known, or that does harm")
    elif files is None or not run_fetched(machine, windows.path(machine, files)):
        machine.report(Level.MODERATE, "execute", "loads a library, or compiles code, into this shell")
    return EMPTY


def install(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    """`Add-AppxPackage`, `Install-Module` and their kin: from a store, from a file, or straight from an address."""
    named = [*given.rest, *given.values.values(), stdin]
    if any(_ADDRESS.match(value.text) or value.has(Taint.NETWORK) for value in named):
        machine.report(Level.HIGH, "remote code", "installs and runs code straight from an address")
    elif not any(run_fetched(machine, windows.path(machine, value)) for value in named if value.text):
        machine.report(Level.MODERATE, "effect", "installs a package")
    return EMPTY
