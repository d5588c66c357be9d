"""The cmdlets that run code, speak to the network or change the system."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from tree_sitter import Node

from . import targets, windows
from .code import run_fetched
from .finding import Level
from .rounds import CROWD
from .sql import judge_sql
from .words import EMPTY, HOLE, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from .machine import Machine
from .cmd_exe import cmd
from .cmdlet_files import (
    append_content,
    clear_content,
    copy_item,
    list_items,
    move_item,
    name_item,
    new_item,
    pack,
    read_content,
    remove_item,
    send_mail,
    write_content,
)
from .cmdlet_instances import find_instances, remove_instances
from .cmdlet_loads import compile_source, install, load_module
from .cmdlet_words import Given

Cmdlet = Callable[["Machine", Given, Value, list[Node]], Value | None]


def run_block(machine: Machine, block: Node, item: Value) -> Value:
    machine.state.names["_"] = machine.state.names["psitem"] = [item]
    return machine.statement(block)


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
    target = given.value("outfile", "destination") or (given.rest[1] if len(given.rest) > 1 else None)
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
    _swarm(machine)
    if root and not rest.text and re.fullmatch(r"(?i)(?:powershell|pwsh|cmd|wt)(?:\.exe)?", program.text):
        machine.report(Level.HIGH, "privilege", "opens a shell with administrator rights")
    words = [Value(part.strip("'\",")) for part in re.split(r"[\s\n]+", rest.text) if part.strip("'\",")]
    with machine.setting(root=machine.root or root):
        if not program.known:
            machine.report(Level.HIGH, "opaque", "the name of the program is not known before it runs")
        elif re.search(r"(?i)powershell|pwsh|cmd(?:\.exe)?$", program.text) and rest.text:
            from . import powershell

            code = rest.text.replace("\n", " ").split(" ")
            if "cmd" in program.text.lower():
                cmd(machine, [Value(part) for part in code])
            else:
                powershell.host(machine, [Value(part) for part in code], EMPTY)
        elif (
            run_fetched(machine, windows.path(machine, program))
            or "://" in program.text
            or re.search(r"\.(?:txt|pdf|html?|md|png|jpg)$", program.text)
        ):
            return EMPTY
        else:
            machine.cmdlet(program.text, words)
    return EMPTY


def _swarm(machine: Machine) -> None:
    if machine.endless and not machine.paced:
        machine.report(Level.CRITICAL, "exhaust", "starts processes in a loop that never ends")


def _remote(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    _swarm(machine)
    for block in blocks:
        run_block(machine, block, stdin)
    if given.value("computername", "hostname", "session") is not None:
        machine.report(Level.MODERATE, "remote", "runs on another host")
    if given.value("filepath") is not None:
        machine.report(Level.MODERATE, "execute", "runs a script")
    return UNKNOWN


def _each(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    out = stdin
    row = re.fullmatch(r"(-?\d{1,12})\.\.(-?\d{1,12})", stdin.text)
    many = row is not None and abs(int(row[2]) - int(row[1])) >= CROWD
    with machine.setting(endless=machine.endless or many):
        for block in blocks:
            out = run_block(machine, block, stdin)
    for value in given.rest:
        if value.text.lower() in ("delete", "kill"):
            name = "remove-item" if value.text.lower() == "delete" else "stop-process"
            machine.cmdlet(name, [], stdin=stdin)
    return out


def _filter(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    for block in blocks:
        run_block(machine, block, stdin)
    return Value(stdin.text, stdin.taint & ~Taint.EVERYTHING)


def _pass(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    for block in blocks:
        run_block(machine, block, stdin)
    return stdin


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
        Level.HIGH if guard or "*" in names or stdin.has(Taint.EVERYTHING) else Level.MODERATE,
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


def _alias(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    words = [given.value("name"), given.value("value")]
    rest = iter(given.rest)
    name, body = (word if word is not None else next(rest, EMPTY) for word in words)
    machine.state.aliases[name.text.lower()] = body.text.lower()
    return EMPTY


def _line_editor(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    style = given.value("historysavestyle")
    if style is not None and style.text.lower() == "savenothing":
        machine.report(Level.HIGH, "conceal", "stops the shell from keeping its history")
    return EMPTY


def _query(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    """`Invoke-Sqlcmd` and its kin: statements as text, or in a file."""
    code = given.value("query", "sqlquery") or (given.rest[0] if given.rest else stdin)
    if given.value("inputfile") is not None or not code.text:
        machine.report(Level.MODERATE, "database", "runs statements from a file")
    else:
        judge_sql(machine, code)
    return UNKNOWN


CMDLETS: dict[str, Cmdlet] = {
    "remove-item": remove_item,
    "get-childitem": list_items,
    "compress-archive": pack,
    "send-mailmessage": send_mail,
    **dict.fromkeys(("get-item", "resolve-path", "convert-path"), name_item),
    **dict.fromkeys(("set-content", "out-file", "tee-object", "export-csv", "export-clixml"), write_content),
    "add-content": append_content,
    "clear-content": clear_content,
    "new-item": new_item,
    "copy-item": copy_item,
    **dict.fromkeys(("move-item", "rename-item"), move_item),
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
    "get-content": read_content,
    **dict.fromkeys(("write-output", "write-host"), _say),
    **dict.fromkeys(
        ("set-itemproperty", "new-itemproperty", "remove-itemproperty", "clear-itemproperty", "set-item"),
        _property,
    ),
    "stop-process": _stop,
    **dict.fromkeys(("get-wmiobject", "get-ciminstance"), find_instances),
    **dict.fromkeys(("remove-wmiobject", "remove-ciminstance"), remove_instances),
    **dict.fromkeys(("get-process", "get-service"), _processes),
    **dict.fromkeys(("stop-service", "set-service", "suspend-service"), _service),
    "set-executionpolicy": _policy,
    "new-object": _object,
    "import-module": load_module,
    **dict.fromkeys(("set-alias", "new-alias"), _alias),
    "add-type": compile_source,
    **dict.fromkeys(
        "add-appxpackage add-appxprovisionedpackage add-appprovisionedpackage install-package install-module install-script "
        "install-psresource update-module save-module add-windowspackage".split(),
        install,
    ),
    "set-psreadlineoption": _line_editor,
    **dict.fromkeys(
        ("invoke-sqlcmd", "invoke-sqlcmd2", "invoke-dbaquery", "invoke-sqlitequery", "invoke-mysqlquery"),
        _query,
    ),
}
