"""Reads one-liners of Perl, Ruby, JavaScript, PHP, Lua, awk and AppleScript by their tokens."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from . import targets
from .code import inherited
from .endless import exhausts
from .finding import Level
from .limits import MAX_CODE, cut
from .paths import HOME
from .sql import judge_models, judge_sql, looks_like_sql
from .words import HOLE, STAR, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from .machine import Machine
from .apple_code import analyse_apple
from .awk_code import judge_awk
from .balance import broken
from .script_tokens import Token, at_home, calls_in, literal_text, tokenise
from .unread_code import judge_unread

_RUN = frozenset(
    "system exec popen shell_exec passthru proc_open pcntl_exec execsync spawn spawnsync execfile execfilesync os.execute "
    "io.popen kernel.system kernel.exec kernel.spawn open3.capture2 open3.capture3 open3.popen3 open3.pipeline "
    "process.spawn pty.spawn shell script syscall expect send eval_shell fork_exec runprocess".split()
)


_QUERIES = frozenset("exec execute query run do prepare raw all get each".split())


_DELETE = frozenset("unlink unlinksync rmdir rmdirsync delete remove rm rm_f dir.rmdir".split())


_TREE = frozenset(
    "rmtree remove_tree rm_rf rm_r remove_dir remove_entry remove_entry_secure rmsync rimraf removesync".split()
)


_OWNERS = frozenset(
    "file fs promises fileutils dir os io deno path pathname file::path fsextra fs.promises cleanup require".split()
)


_WRITE = frozenset(
    "writefile writefilesync appendfile appendfilesync file_put_contents truncatesync truncate binwrite copyfilesync "
    "createwritestream symlink rename renamesync copy copy_stream copy_file move cp mv syscopy".split()
)


_PAIRS = frozenset(
    "symlink rename renamesync copyfilesync copy copy_stream copy_file syscopy move cp mv".split()
)


_ACTS = _RUN | _DELETE | _TREE | _WRITE
# A part that is not known is an operand, but code where a whole statement would stand.
_UNKNOWN_STATEMENT = re.compile(
    rf"(?:\A|[;{{}}\n])[ \t]*{HOLE}[ \t]*(?:\Z|[;}}\n])|\b(?:eval|exec|system)\b[\s(]*{HOLE}"
)
_NETWORK = re.compile(
    r"LWP|Net::HTTP|open-uri|URI\.open|URI\.parse|HTTP::Tiny|WWW::|\bfetch\(|https?\.get|require\(['\"]https?['\"]\)|"
    r"file_get_contents\(['\"]https?:|curl_exec|axios|\bgot\(|Mojo|http\.request|HTTParty|Faraday|Deno\.|socket\.http"
)


_SOCKET = re.compile(
    r"IO::Socket|\bSocket\b|TCPSocket|TCPServer|net\.(?:Socket|connect|createConnection|createServer)|fsockopen|stream_socket|"
    r"socket_create|/inet/(?:tcp|udp)|socket\.tcp|require\(['\"]net['\"]\)|require\s*'?socket|socket\(S?\b|ncat"
)


_DECODE = re.compile(
    r"base64|atob|unpack|pack\(|fromCharCode|gzinflate|str_rot13|hex2bin|decode|rot13|chr\(|Buffer\.from",
    re.I,
)


_KILL_ALL = re.compile(r"kill\W+\w*\W*,?\s*['\"]?-1\b|kill\(-1|Process\.kill\W+\w+\W+-1")


_SETUID = re.compile(
    r"(?:setuid\W*0|posix_setuid|POSIX::setuid|Process::Sys\.setuid|process\.setuid|\$[<>]\s*=\s*0|\$UID\s*=\s*0)"
)


_FOREIGN = frozenset("perl ruby node php lua awk".split())
_CALLED = {"perl": "Perl", "ruby": "Ruby", "node": "JavaScript", "php": "PHP", "lua": "Lua"}


# The module by which JavaScript takes `rm` out of its owner: `const {rm} = require("fs")`.
_FILES = re.compile(r"[\"'](?:node:)?fs(?:/promises)?[\"']")
# `new Deno.Command(PROGRAM, {args: [WORD, …]})`
_DENO = re.compile(r"Deno\.Command\(\s*[\"']([^\"']+)[\"']\s*,\s*\{[^}]*?\bargs\s*:\s*\[([^\]]*)\]")


def analyse(machine: Machine, text: str, language: str, stdin: Value) -> Value:
    """Report what the code does; unknown languages are opaque."""
    if language == "osascript":
        return analyse_apple(machine, text)
    if len(text) > MAX_CODE:
        cut(machine, "characters of code")
        return UNKNOWN
    if language not in _FOREIGN:
        program = machine.here.words[0].shown() if machine.here.words else language
        machine.report(Level.HIGH, "opaque", f"runs code for `{program}`, whose language is not read")
        judge_unread(machine, text)
        return UNKNOWN
    judge_models(machine, text)
    if broken(text, language):
        machine.report(
            Level.HIGH,
            "unread",
            f"this {_CALLED.get(language, language)} code is not whole: it could not be read",
        )
    if _UNKNOWN_STATEMENT.search(text):
        machine.report(Level.HIGH, "opaque", "runs code of which a part is not known before it runs")
    text = at_home(text)
    if language == "node":
        for program, args in _DENO.findall(text):
            machine.call([Value(program), *(Value(one) for one in re.findall(r"[\"']([^\"']*)[\"']", args))])
    tokens = tokenise(text, language)
    bare = "".join(f" {token.text}" if token.kind != "string" else " ''" for token in tokens)
    _circumstances(machine, text, bare, language)
    for name, values, whole in calls_in(tokens):
        if not whole and name.lower().replace("->", ".").replace("::", ".").rpartition(".")[2] in _ACTS:
            cut(machine, "tokens in one call")
        _judge(machine, name.replace("->", ".").replace("::", "."), values, text, language)
    if language == "awk":
        judge_awk(machine, tokens)
    if language == "perl":
        _perl_open(machine, tokens)
    taint = stdin.taint | (Taint.NETWORK if _NETWORK.search(text) else 0)
    if re.search(r"%ENV|process\.env\b(?!\.)|ENV\.to|getenv\(\)|\$_ENV|\$_SERVER", text):
        taint |= Taint.SECRET
    return Value(_print(tokens, language), taint)


_PRINTS = frozenset("print puts say echo console.log printf".split())


def _print(tokens: list[Token], language: str) -> str:
    """What every call that prints writes, in their order; a hole where that is not known."""
    printed = ""
    for name, values, whole in calls_in(tokens):
        if name not in _PRINTS:
            continue
        known = whole and bool(values) and all(value.known for value in values)
        if name == "printf":
            printed += _formatted(values) if known else HOLE
        elif known or (language == "awk" and whole and values):
            between = " " if language in ("awk", "node") else "\n" if name == "puts" else ""
            end = "" if name == "print" and language == "perl" else "\n"
            printed += between.join(value.text for value in values) + end
        else:
            printed += HOLE
        if len(printed) > MAX_CODE:
            return HOLE
    return printed if printed.strip(HOLE + " \n") else HOLE


def _formatted(values: list[Value]) -> str:
    """What `printf` of awk and Perl writes: `%c` of a number is the character of that number."""
    queue = [value.text for value in values[1:]]

    def fill(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        text = queue.pop(0) if queue else ""
        return chr(int(text)) if match[0][-1] == "c" and text.isdigit() and int(text) < 0x110000 else text

    return re.sub(r"%%|%[-+ #0]*\d*(?:\.\d+)?[a-zA-Z]", fill, values[0].text)


def _circumstances(machine: Machine, text: str, bare: str, language: str) -> None:
    exhausts(machine, text, bare)
    if _KILL_ALL.search(text):
        machine.report(Level.HIGH, "kill", "ends every process you own")
    for found in re.findall(r"array_map\(\s*['\"](?:unlink|rmdir)['\"]\s*,\s*glob\(\s*['\"]([^'\"]+)", text):
        targets.delete(machine, _live(Value(found)), tree=False)
    if _SETUID.search(text):
        machine.report(Level.CRITICAL, "privilege", "becomes root")
    shell = re.search(r"exec|system|spawn|popen|/bin/(?:ba|da|z)?sh|getline|proc_open|STDIN|\bsh\b", text)
    if _SOCKET.search(text) and shell:
        machine.report(Level.CRITICAL, "backdoor", "gives another host a shell on this machine")
    if _NETWORK.search(text) and re.search(
        r"\beval\b|\bsystem\b|\bexec\b|Function\(|instance_eval|\bassert\b|child_process|vm\.run", text
    ):
        machine.report(
            Level.CRITICAL if machine.root else Level.HIGH,
            "remote code",
            "runs code straight from the network",
        )
    if (re.search(r"\bfetch\(|http|post", text, re.I) or _SOCKET.search(text)) and re.search(
        r"\.ssh/|\.aws/|%ENV|process\.env\b(?![.\[])|id_rsa|ENV\.to_|\.netrc|\.gnupg|\.kube/config|\.docker/config|\.pgpass|"
        r"\.git-credentials|/etc/shadow|Keychains/",
        text,
    ):
        targets.leak(machine, UNKNOWN)
    for path in re.findall(r"""["'<>]([~/][\w./~-]+)["'>]""", text):
        targets.read(machine, Value(path.replace("~", HOME, 1) if path[0] == "~" else path))


def _judge(machine: Machine, name: str, values: list[Value], text: str, language: str) -> None:
    owner, _, method = name.lower().rpartition(".")
    first = values[0] if values else None
    if first is not None and method in _QUERIES and looks_like_sql(first.text):
        judge_sql(machine, first)
        return
    if method in (
        "eval",
        "instance_eval",
        "assert",
        "function",
        "loadstring",
        "load",
        "dostring",
        "create_function",
        "class_eval",
    ):
        _evaluated(machine, method, first, text, language)
    if first is None:
        return
    if method in _RUN or name.lower() in _RUN:
        _run(machine, values, text, method)
    elif method in _TREE:
        for index, value in enumerate(values):
            if index == 0 or (language != "node" and value.text[:1] not in (":", HOLE)):
                targets.delete(machine, _named(value, text), tree=True)
    elif method in _DELETE and (not owner or owner.rpartition(".")[2] in _OWNERS or "fs" in owner):
        if (
            method in ("delete", "remove", "rm")
            and not owner
            and language in ("perl", "node", "php", "awk", "lua")
            and not (language == "node" and method == "rm" and _FILES.search(text))
        ):
            return
        for value in values[:1] if "sync" in method or language == "node" else values:
            targets.delete(machine, _named(value, text), tree="recursive" in text)
    elif method in _WRITE and (owner or language in ("php", "node") or _copies(method, values)):
        target = values[1] if method in _PAIRS and len(values) > 1 else first
        targets.write(machine, _live(target), UNKNOWN, append="append" in method)
    elif (
        method in ("write", "open", "fopen", "opensync")
        and owner in ("", "file", "io", "fs", "io.file")
        and language != "perl"
    ):
        mode = values[1].text if len(values) > 1 else ("w" if method == "write" else "r")
        if (method == "write" and owner) or mode[:1] in "wa":
            targets.write(machine, _live(first), UNKNOWN, append=mode[:1] == "a")
    elif method in ("chmod", "chmodsync", "chmod_r") and len(values) > 1:
        _chmod(machine, method, values, language)


def _copies(method: str, values: list[Value]) -> bool:
    """Perl's `copy(FROM, TO)` comes without an owner; what it writes to is a path."""
    return method in _PAIRS and len(values) > 1 and values[1].text[:1] in ("/", "~")


def _chmod(machine: Machine, method: str, values: list[Value], language: str) -> None:
    from .commands.modes import judge_mode

    mode, path = (values[1], values[0]) if language in ("php", "node") else (values[0], values[1])
    judge_mode(machine, mode.text.lstrip("0").removeprefix("o"), path, recursive=method.endswith("_r"))


_LISTING = re.compile(
    r"(?:glob|Dir|children|entries|foreach|readdirSync|readdir|scandir)\s*[(\[]?\s*[\"']([^\"']+)"
)


def _named(value: Value, text: str) -> Value:
    """What a loop variable stands for: what the code lists."""
    found = _LISTING.search(text) if value.text == HOLE else None
    return _live(Value(found[1])) if found else _live(value)


def _live(value: Value) -> Value:
    return Value(value.text.replace("*", STAR).replace("~/", HOME + "/"), value.taint)


def _run(machine: Machine, values: list[Value], text: str, method: str) -> None:
    first = values[0]
    if (
        method in ("spawn", "spawnsync", "execfile", "execfilesync", "system", "exec")
        and len(values) > 1
        and first.known
    ):
        words = [Value(part) for part in (first.text, *(value.text for value in values[1:]))]
        if " " not in first.text:
            machine.call([Value(words[0].text), *words[1:]])
            return
    if first.text.strip(HOLE + " "):
        machine.source(first.text, inherited(machine))
    elif method not in ("send", "shell", "script", "expect", "exec") or re.search(
        r"child_process|shell_exec|\bexec\s*[($@]", text
    ):
        machine.report(Level.HIGH, "opaque", "runs a shell command that is not known before it runs")


def _evaluated(machine: Machine, method: str, first: Value | None, text: str, language: str) -> None:
    if first is not None and first.known and first.text:
        analyse(machine, first.text, language, UNKNOWN)
        return
    if method in (
        "eval",
        "assert",
        "loadstring",
        "instance_eval",
        "function",
        "create_function",
        "class_eval",
    ) and (first is not None or _DECODE.search(text)):
        found = re.search(r"""["']([A-Za-z0-9+/=]{8,})["']""", text)
        if found:
            try:
                analyse(machine, base64.b64decode(found[1] + "==").decode(), language, UNKNOWN)
            except ValueError:
                pass
        machine.report(
            Level.CRITICAL if machine.root else Level.HIGH,
            "opaque",
            "runs code that is not known before it runs",
        )


def _perl_open(machine: Machine, tokens: list[Token]) -> None:
    """`open F,">path"`, `open(my $f, "|-", "cmd")`, `-e 'unlink glob "*"'`."""
    for at, token in enumerate(tokens):
        if token.text not in ("open", "sysopen"):
            continue
        strings = [literal_text(item) for item in tokens[at + 1 : at + 10] if item.kind == "string"]
        if not strings:
            continue
        mode = strings[0]
        path = (
            strings[1]
            if len(strings) > 1 and mode.strip() in (">", ">>", "+<", "<", "|-", "-|", "+>")
            else mode.lstrip("<>+| ")
        )
        if mode.strip().startswith("|") or mode.strip().endswith("|") or mode.strip() in ("|-", "-|"):
            machine.source(path.strip("| "), UNKNOWN)
        elif ">" in mode or "+" in mode:
            targets.write(machine, Value(path), UNKNOWN, append=">>" in mode)
        else:
            targets.read(machine, Value(path))
