"""The effects of cmdlets, of .NET methods and of cmd.exe, on top of the data in `powershell.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tree_sitter import Node

from . import spec, targets, windows
from .finding import Level
from .words import EMPTY, HOLE, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from .machine import Machine

_LEVELS = {level.label: level for level in Level}
_SAFE_VERBS = frozenset(
    "get test show select measure find convertto convertfrom write compare group sort where resolve join split read wait search "
    "trace debug out format tee enter-x step watch ping confirm-x checkpoint-x use limit-x import-csv push pop".split()
)
_GRAVE_VERBS = frozenset("clear disable uninstall reset format revoke".split())


@cache
def _data() -> tuple[dict[str, str], dict[str, tuple[Level, str]], frozenset[str]]:
    """Aliases, levels of cmdlets, and the parameters that take no value."""
    table = tomllib.loads((Path(__file__).parent / "effects" / "powershell.toml").read_text(encoding="utf-8"))
    aliases = dict(pair.split("=") for pair in table["aliases"].split())
    levels: dict[str, tuple[Level, str]] = {}
    for name in _LEVELS:
        for line in table[name].splitlines():
            names, _, consequence = line.partition("::")
            levels.update(dict.fromkeys(names.lower().split(), (_LEVELS[name], consequence.strip())))
    return aliases, levels, frozenset(table["switches"].split())


class Given:
    """A cmdlet's parameters: switches, values by name, and what stands alone."""

    def __init__(self, words: list[Value]) -> None:
        switches = _data()[2]
        self.flags: set[str] = set()
        self.values: dict[str, Value] = {}
        self.rest: list[Value] = []
        at = 0
        while at < len(words):
            word = words[at]
            at += 1
            if not word.has(Taint.PARAMETER):
                self.rest.extend(
                    Value(part.strip("\"' "), word.taint) for part in re.split(r"[\n,]", word.text) if part
                )
                continue
            name, colon, value = word.text[1:].partition(":")
            self.flags.add(name)
            if colon:
                self.values[name] = Value(value, word.taint)
            elif (
                at < len(words)
                and (name == "verb" or not any(known.startswith(name) for known in switches))
                and not words[at].has(Taint.PARAMETER)
            ):
                self.values[name] = words[at]
                at += 1

    def has(self, full: str) -> bool:
        """Parameters may be cut short: `-rec` is `-Recurse`; `:$false` switches one off."""
        for name in self.flags:
            if full.startswith(name) and self.values.get(name, EMPTY).text != "False":
                return True
        return False

    def value(self, *fulls: str) -> Value | None:
        for full in fulls:
            for name, value in self.values.items():
                if full.startswith(name) and len(name) >= min(2, len(full)):
                    return value
        return None

    def paths(self, machine: Machine, stdin: Value) -> list[Value]:
        given = self.value("path", "literalpath", "filepath")
        found = (
            [Value(part.strip(), given.taint) for part in re.split(r"[\n,]", given.text)]
            if given is not None
            else self.rest
        )
        return found or ([stdin] if stdin.text else [])


Cmdlet = Callable[["Machine", Given, Value, list[Node]], Value | None]


def judge(machine: Machine, name: str, words: list[Value], blocks: list[Node], stdin: Value) -> Value:
    """One command of PowerShell by its name or alias."""
    aliases, levels, _ = _data()
    key = name.lower().rpartition("\\")[2]
    if key in machine.state.functions:
        return _function(machine, key)
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
        _block(machine, block, stdin)
    known = levels.get(key)
    if known is not None:
        machine.report(known[0], "effect", known[1] or f"`{key}` changes something")
        return Value(HOLE, stdin.taint)
    if re.fullmatch(r"-?\d+(?:\.\.-?\d+)?", key):
        return Value(key)
    verb, dash, _noun = key.partition("-")
    if dash and "." not in key and key.replace("-", "").isalnum() and spec.find(key) is None:
        level = Level.SAFE if verb in _SAFE_VERBS else Level.HIGH if verb in _GRAVE_VERBS else Level.MODERATE
        machine.report(level, "effect", f"`{key}` changes something")
        return Value(HOLE, stdin.taint)
    if key in ("cmd", "cmd.exe"):
        return _cmd(machine, words)
    return machine.call([Value(key.removesuffix(".exe")), *words], stdin)


def _function(machine: Machine, key: str) -> Value:
    from . import powershell

    if key in machine.calling:
        return UNKNOWN
    machine.calling.append(key)
    try:
        return powershell.run(machine, machine.state.functions[key].body)
    finally:
        machine.calling.pop()


def _block(machine: Machine, block: Node, item: Value) -> Value:
    from . import powershell

    machine.state.names["_"] = machine.state.names["psitem"] = [item]
    return powershell.run(machine, block)


def _remove(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    tree = given.has("recurse")
    for value in given.paths(machine, stdin):
        if windows.is_registry(value.text):
            machine.report(
                windows.registry_level(value.text, deletes=True, tree=tree),
                "delete",
                "deletes settings of Windows",
            )
        elif re.match(r"(?i)(?:env|alias|function|variable):", value.text):
            machine.report(Level.SAFE, "delete", "")
        else:
            recursed = tree or value.has(Taint.EVERYTHING)
            targets.delete(machine, windows.path(machine, value), tree=recursed)
    if not given.paths(machine, stdin):
        machine.report(Level.MODERATE, "delete", "deletes what the pipeline names")
    return EMPTY


def _list(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    """`Get-ChildItem` stands for what is below its path."""
    paths = given.paths(machine, stdin)
    top = paths[0].text if paths else "."
    if re.match(r"(?i)env:", top):
        return Value(HOLE, Taint.SECRET)
    narrowed = given.value("filter", "include") is not None or re.search(r"\*\.\w+$", top)
    pattern = (given.value("filter", "include") or Value("*")).text
    text = (
        top
        if re.search(r"[*?]", top)
        else f"{top.rstrip('/' + chr(92))}\\{pattern if pattern.strip('*.') else '*'}"
    )
    return Value(text, 0 if narrowed else Taint.EVERYTHING if given.has("recurse") else 0)


def _write(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    content = given.value("value", "inputobject") or (given.rest[1] if len(given.rest) > 1 else stdin)
    named = given.value("path", "literalpath", "filepath")
    for value in [named] if named is not None else given.rest[:1]:
        append = (given.has("append") and "append" in given.flags) or "-addcontent" in given.flags
        if windows.is_registry(value.text):
            machine.report(
                windows.registry_level(value.text, deletes=False, tree=False),
                "write",
                "changes settings of Windows",
            )
        elif windows.starts_by_itself(value.text):
            machine.report(Level.HIGH, "persist", "changes what starts with your session")
        else:
            targets.write(machine, windows.path(machine, value), content, append=append)
    return EMPTY


def _append(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    given.flags.update(("append", "-addcontent"))
    return _write(machine, given, stdin, blocks)


def _clear(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    for value in given.paths(machine, stdin):
        targets.write(machine, windows.path(machine, value), EMPTY, verb="empties")
    return EMPTY


def _make(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    kind = given.value("itemtype", "type")
    for value in given.paths(machine, stdin):
        if windows.is_registry(value.text):
            machine.report(
                windows.registry_level(value.text, deletes=False, tree=False),
                "write",
                "changes settings of Windows",
            )
        elif (
            given.has("force") and "force" in given.flags and (kind is None or "dir" not in kind.text.lower())
        ):
            targets.write(machine, windows.path(machine, value), EMPTY)
    return EMPTY


def _copy(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    target = given.value("destination") or (given.rest[-1] if len(given.rest) > 1 else None)
    if given.value("tosession") is not None:
        machine.report(Level.MODERATE, "send", "copies to another host")
    if target is not None:
        if windows.starts_by_itself(target.text):
            machine.report(Level.HIGH, "persist", "changes what starts with your session")
        targets.write(machine, windows.path(machine, target), UNKNOWN)
    return EMPTY


def _move(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    source = given.value("path", "literalpath") or (given.rest[0] if given.rest else stdin)
    place = targets.place_of(machine, windows.path(machine, source))[1]
    if targets.DELETE.get(place, Level.SAFE) is Level.CRITICAL:
        targets.delete(machine, windows.path(machine, source), tree=True, moved=True)
    _copy(machine, given, stdin, blocks)
    machine.report(Level.MODERATE, "move", "moves or renames files")
    return EMPTY


def _invoke(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    """`Invoke-Expression` of what is known, fetched or neither."""
    code = given.value("command") or (
        Value("\n".join(v.text for v in given.rest), _mixed(given.rest)) if given.rest else stdin
    )
    if code.has(Taint.NETWORK):
        machine.report(
            Level.CRITICAL if machine.root else Level.HIGH,
            "remote code",
            "runs code straight from the network",
            safer="download it to a file, read it, then run the file",
        )
    elif code.known and code.text:
        return machine.source(code.text, shell="powershell")
    else:
        machine.report(Level.HIGH, "opaque", "runs code that is not known before it runs")
    return UNKNOWN


def _mixed(values: list[Value]) -> int:
    taint = 0
    for value in values:
        taint |= value.taint
    return taint


def _request(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    target = given.value("outfile", "destination")
    method = (given.value("method") or Value("")).text.lower()
    body = given.value("body", "infile")
    url = given.value("uri", "source") or (given.rest[0] if given.rest else EMPTY)
    if (
        url.has(Taint.SECRET)
        or (body is not None and body.has(Taint.SECRET))
        or (stdin.has(Taint.SECRET) and method)
    ):
        targets.leak(machine, EMPTY)
    elif given.value("infile") is not None:
        targets.send(machine, windows.path(machine, given.value("infile") or EMPTY))
    elif method in ("post", "put", "patch", "delete"):
        machine.report(Level.MODERATE, "send", "changes something at the server")
    if target is not None:
        targets.write(machine, windows.path(machine, target), Value(HOLE, Taint.NETWORK))
        return EMPTY
    return Value(HOLE, Taint.NETWORK)


def _start(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    program = given.value("filepath") or (given.rest[0] if given.rest else UNKNOWN)
    rest = given.value("argumentlist") or Value(" ".join(v.text for v in given.rest[1:]))
    verb = given.value("verb")
    root = verb is not None and verb.text.lower() == "runas"
    if root:
        machine.report(Level.MODERATE, "privilege", "runs with administrator rights")
    words = [Value(part.strip("'\",")) for part in re.split(r"[\s\n]+", rest.text) if part.strip("'\",")]
    with machine.setting(root=machine.root or root):
        if not program.known:
            machine.report(Level.HIGH, "opaque", "the name of the program is not known before it runs")
        elif re.search(r"(?i)powershell|pwsh|cmd(?:\.exe)?$", program.text) and rest.text:
            from . import powershell

            code = rest.text.replace("\n", " ").split(" ")
            if "cmd" in program.text.lower():
                _cmd(machine, [Value(part) for part in code])
            else:
                powershell.host(machine, [Value(part) for part in code], EMPTY)
        elif "://" in program.text or re.search(r"\.(?:txt|pdf|html?|md|png|jpg)$", program.text):
            return EMPTY
        else:
            judge(machine, program.text, words, [], EMPTY)
    return EMPTY


def _remote(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    for block in blocks:
        _block(machine, block, stdin)
    if given.value("computername", "hostname", "session") is not None:
        machine.report(Level.MODERATE, "remote", "runs on another host")
    if given.value("filepath") is not None:
        machine.report(Level.MODERATE, "execute", "runs a script")
    return UNKNOWN


def _each(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    out = stdin
    for block in blocks:
        out = _block(machine, block, stdin)
    for value in given.rest:
        if value.text.lower() in ("delete", "kill"):
            judge(machine, "remove-item" if value.text.lower() == "delete" else "stop-process", [], [], stdin)
    return out


def _filter(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    for block in blocks:
        _block(machine, block, stdin)
    return Value(stdin.text, stdin.taint & ~Taint.EVERYTHING)


def _pass(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    for block in blocks:
        _block(machine, block, stdin)
    return stdin


def _read(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    taint = stdin.taint
    for value in given.paths(machine, stdin):
        taint |= targets.read(machine, windows.path(machine, value))
    return Value(HOLE, taint)


def _say(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    return Value(" ".join(value.text for value in given.rest), _mixed(given.rest)) if given.rest else stdin


def _property(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    for value in given.paths(machine, stdin)[:1]:
        if windows.is_registry(value.text):
            machine.report(
                windows.registry_level(value.text, deletes=False, tree=False),
                "write",
                "changes settings of Windows",
            )
        else:
            targets.write(machine, windows.path(machine, value), UNKNOWN)
    return EMPTY


def _stop(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    names = [value.text.lower() for value in (*given.rest, *filter(None, [given.value("name", "id")]))]
    listed = stdin.has(Taint.EVERYTHING) and not names
    grave = any(
        name in ("*", "explorer", "winlogon", "lsass", "csrss", "svchost", "wininit") for name in names
    )
    machine.report(
        Level.HIGH if listed or grave else Level.MODERATE,
        "kill",
        "ends every process" if listed else "ends a process",
    )
    return EMPTY


def _processes(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    named = given.rest or given.value("name", "id") is not None
    return Value(HOLE, 0 if named else Taint.EVERYTHING)


def _service(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    names = " ".join(value.text.lower() for value in (*given.rest, *filter(None, [given.value("name")])))
    guard = re.search(r"windefend|mpssvc|wuauserv|eventlog|sense|wscsvc|securityhealth|vss", names)
    machine.report(
        Level.HIGH if guard or "*" in names else Level.MODERATE,
        "effect",
        "stops what protects Windows" if guard else "changes a service",
    )
    return EMPTY


def _policy(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    text = " ".join(value.text.lower() for value in (*given.rest, *given.values.values()))
    if (
        "process" in text
        or ("remotesigned" in text and "currentuser" in text)
        or "restricted" in text.replace("unrestricted", "")
        or "allsigned" in text
    ):
        machine.report(Level.MODERATE, "disable", "changes which scripts may run")
    else:
        machine.report(Level.HIGH, "disable", "lets every script run")
    return EMPTY


def _object(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    kind = (
        " ".join(value.text.lower() for value in given.rest)
        + (given.value("comobject") or EMPTY).text.lower()
    )
    if "sockets.tcpclient" in kind or "sockets.tcplistener" in kind:
        machine.report(Level.CRITICAL, "backdoor", "opens a raw connection that a shell can be put on")
    if re.search(r"wscript\.shell|shell\.application|mmc20", kind):
        machine.report(Level.HIGH, "execute", "starts programs out of sight")
    return Value(HOLE, Taint.NETWORK if "xmlhttp" in kind else 0)


def _module(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    text = " ".join(value.text for value in given.rest)
    remote = "\\\\" in text or "://" in text
    machine.report(Level.HIGH if remote else Level.SAFE, "load", "loads code from another host")
    return EMPTY


def _encoded_alias(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    return EMPTY


def judge_method(machine: Machine, kind: str, method: str, owner: Value, first: Value) -> None:
    """A .NET method that deletes, writes, starts, sends or fetches."""
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
        machine.report(Level.MODERATE, "write", "downloads a file")
    elif method in ("uploadstring", "uploadfile", "uploaddata", "postasync"):
        targets.leak(machine, EMPTY) if first.has(Taint.SECRET) else machine.report(
            Level.MODERATE, "send", "sends data to another host"
        )
    elif method == "start" and "process" in kind:
        judge(
            machine,
            first.text.partition("\n")[0] or HOLE,
            [Value(part) for part in first.text.split("\n")[1:]],
            [],
            EMPTY,
        )
    elif method in ("invoke", "invokescript", "create", "load", "unsafeload") and re.search(
        r"scriptblock|assembly|powershell|executioncontext", kind
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


def _cmd(machine: Machine, words: list[Value]) -> Value:
    """`cmd /c …`: the few verbs of cmd.exe that matter."""
    texts = [word.text for word in words]
    at = next((i for i, text in enumerate(texts) if text.lower() in ("/c", "/k", "/s", "/r")), None)
    if at is None:
        return UNKNOWN
    for part in re.split(r"&&?|\|\|?", " ".join(texts[at + 1 :])):
        cmd_line(machine, part.strip().strip('"'))
    return UNKNOWN


def cmd_line(machine: Machine, line: str) -> None:
    words = [Value(a or b) for a, b in re.findall(r'"([^"]*)"|(\S+)', line)]
    if not words:
        return
    verb, rest = words[0].text.lower(), words[1:]
    plain = [word for word in rest if not re.match(r"/[a-z]", word.text, re.I)]
    switches = {word.text.lower() for word in rest if re.match(r"/[a-z]", word.text, re.I)}
    if verb in ("rd", "rmdir", "del", "erase"):
        for word in plain:
            targets.delete(machine, windows.path(machine, word), tree="/s" in switches)
    elif verb in ("copy", "move", "xcopy", "ren", "rename", "mklink"):
        targets.write(machine, windows.path(machine, plain[-1]), UNKNOWN) if plain else None
    elif verb in (
        "dir",
        "type",
        "echo",
        "cd",
        "set",
        "ver",
        "vol",
        "path",
        "title",
        "cls",
        "rem",
        "mkdir",
        "md",
        "where",
        "more",
        "findstr",
        "find",
    ):
        return
    elif verb in ("start", "call"):
        cmd_line(machine, line.partition(" ")[2].strip())
    elif verb == "for":
        machine.report(Level.MODERATE, "execute", "runs a command for each of a list")
        cmd_line(machine, line.partition(" do ")[2].strip(" ("))
    else:
        judge(machine, verb, rest, [], EMPTY)


CMDLETS: dict[str, Cmdlet] = {
    "remove-item": _remove,
    "get-childitem": _list,
    **dict.fromkeys(("set-content", "out-file", "tee-object", "export-csv", "export-clixml"), _write),
    "add-content": _append,
    "clear-content": _clear,
    "new-item": _make,
    "copy-item": _copy,
    **dict.fromkeys(("move-item", "rename-item"), _move),
    "invoke-expression": _invoke,
    **dict.fromkeys(("invoke-webrequest", "invoke-restmethod", "start-bitstransfer"), _request),
    "start-process": _start,
    **dict.fromkeys(
        ("invoke-command", "start-job", "start-threadjob", "measure-command", "invoke-history"), _remote
    ),
    "foreach-object": _each,
    "where-object": _filter,
    **dict.fromkeys(
        (
            "select-object",
            "sort-object",
            "out-string",
            "group-object",
            "out-null",
            "out-host",
            "format-table",
            "format-list",
        ),
        _pass,
    ),
    "get-content": _read,
    **dict.fromkeys(("write-output", "write-host"), _say),
    **dict.fromkeys(
        ("set-itemproperty", "new-itemproperty", "remove-itemproperty", "clear-itemproperty", "set-item"),
        _property,
    ),
    "stop-process": _stop,
    "get-process": _processes,
    **dict.fromkeys(("stop-service", "set-service", "suspend-service"), _service),
    "set-executionpolicy": _policy,
    "new-object": _object,
    "import-module": _module,
    "set-alias": _encoded_alias,
}
