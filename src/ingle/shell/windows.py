"""Maps paths of Windows and registry keys to the kinds of places the rest of the analysis knows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .finding import Level
from .paths import HOME, PROJECT, SHARES, named, resolve
from .words import QUERY, STAR, Value

if TYPE_CHECKING:
    from .machine import Machine

KNOWN: dict[str, str] = {
    "true": "True",
    "false": "False",
    "null": "",
    "home": HOME,
    "pwd": PROJECT,
    "_": "",
    "pshome": "C:\\Windows\\System32\\WindowsPowerShell",
    "profile": HOME + "/.bashrc",
    "env:userprofile": HOME,
    "env:home": HOME,
    "env:homepath": HOME,
    "env:username": "user",
    "env:user": "user",
    "env:computername": "host",
    "env:systemdrive": "C:",
    "env:systemroot": "C:\\Windows",
    "env:windir": "C:\\Windows",
    "env:programfiles": "C:\\Program Files",
    "env:programdata": "C:\\ProgramData",
    "env:appdata": HOME + "/.config/AppData",
    "env:localappdata": HOME + "/.config/LocalAppData",
    "env:temp": "/tmp",
    "env:tmp": "/tmp",
    "env:public": "C:\\Users\\Public",
    "env:path": "C:\\Windows",
    "env:onedrive": HOME + "/OneDrive",
    "psscriptroot": PROJECT,
}
_WRITTEN = re.compile(r"[A-Za-z]:|\\\\|%")
_SYSTEM = re.compile(r"(?i)/(?:windows|winnt)(?=/|\Z)")
_PROGRAMS = re.compile(r"(?i)/(?:program ?files(?: \(x86\))?|programdata|progra~1)(?=/|\Z)")
_STARTUP = re.compile(r"(?i)start menu/programs/startup|/currentversion/run|profile\.ps1|windowspowershell/")


def path(machine: Machine, value: Value) -> Value:
    """The path in the form the place rules read; whole drives become the root. The machine keeps how it was written."""
    found = _mapped(value)
    if _WRITTEN.match(value.text) and "\n" not in value.text:
        machine.naming.drives[named(resolve(found.text, machine.state.cwd))] = value.shown()
    return found


def _mapped(value: Value) -> Value:
    text = value.text.replace("\\", "/").strip("\"'")
    text = re.sub(r"(?i)^(?:microsoft\.powershell\.core/)?filesystem::", "", text)
    text = text.replace("*", STAR).replace("?", QUERY)
    text = re.sub(r"%(\w+)%", lambda m: KNOWN.get("env:" + m[1].lower(), m[0]).replace("\\", "/"), text)
    if text.startswith("//") and text.strip("/"):
        return Value(SHARES + text.lstrip("/"), value.taint)
    if text.startswith("~"):
        text = HOME + text[1:]
    drive = re.match(r"([A-Za-z]):(.*)\Z", text, re.S)
    if drive is None:
        return Value(text, value.taint)
    rest = drive[2] if drive[2].startswith("/") else "/" + drive[2]
    if rest.strip("/" + STAR + ".") == "":
        return Value("/", value.taint)
    if _SYSTEM.match(rest):
        tail = _SYSTEM.sub("", rest, count=1).lower()
        return Value(
            "/usr/lib" + tail if tail.strip("/" + STAR) not in ("", "system32") else "/usr", value.taint
        )
    if _PROGRAMS.match(rest):
        tail = _PROGRAMS.sub("", rest, count=1)
        return Value("/opt" + tail, value.taint)
    users = re.match(r"(?i)/users(?:/([^/]+))?(.*)\Z", rest)
    if users:
        if not users[1] or users[1] == STAR:
            return Value("/home", value.taint)
        return Value(
            (HOME if users[1].lower() not in ("public", "all users", "default") else "/home/" + users[1])
            + users[2],
            value.taint,
        )
    if re.match(r"(?i)/(?:te?mp)(?=/|\Z)", rest):
        return Value("/tmp" + rest[rest.find("/", 1) :] if rest.count("/") > 1 else "/tmp", value.taint)
    deep = rest.rstrip("/" + STAR).count("/") > 1  # `C:\data\*` is all of `C:\data`
    return Value(HOME + ("/src" if deep else "") + rest, value.taint)


def starts_by_itself(text: str) -> bool:
    return bool(_STARTUP.search(text.replace("\\", "/")))


def is_registry(text: str) -> bool:
    return (
        re.match(r"(?i)(?:registry::)?(?:hk(?:lm|cu|cr|u|cc)|hkey_\w+|wsman):?(?:[\\/]|\Z)", text) is not None
    )


def registry_level(text: str, *, deletes: bool, tree: bool) -> Level:
    """What a change of a registry key is worth."""
    lowered = text.lower().replace("/", "\\")
    machine_wide = lowered.startswith(
        ("wsman", "hklm", "hkey_local", "registry::hkey_local", "hkcr", "hku", "registry::hklm")
    )
    if deletes and tree:
        shallow = lowered.rstrip("\\*").count("\\") <= 1
        return Level.CRITICAL if machine_wide and shallow else Level.HIGH
    persists = re.search(
        r"\\run(?:once)?\b|winlogon|policies|image file execution|\\services|defender|\\shell\\open|appinit|lsa|uac|enablelua",
        lowered,
    )
    if machine_wide or persists:
        return Level.HIGH
    return Level.MODERATE
