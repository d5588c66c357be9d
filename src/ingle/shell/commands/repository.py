"""git: options that run code, aliases made on this line, and the rules for its many subcommands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import call, spec, targets
from ..arguments import Arguments
from ..code import run_hidden
from ..finding import Level
from ..limits import MAX_SETTINGS, cut
from ..secret_paths import is_secret
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command

_TAKES = frozenset("-C -c --git-dir --work-tree --namespace --exec-path --config-env --super-prefix".split())
_RUNS = re.compile(
    r"(?i)(?:core\.(?:pager|editor|sshcommand|fsmonitor|askpass|gitproxy|hookspath|alternaterefscommand)|pager\.\w+|sequence\.editor|"
    r"credential\.(?:.*\.)?helper|diff\.external|diff\..*\.(?:command|textconv)|merge\..*\.driver|filter\..*\.(?:clean|smudge|process)|"
    r"gpg\.(?:.*\.)?program|uploadpack\.packobjectshook|browser\..*\.cmd|man\..*\.cmd|interactive\.difffilter|difftool\..*\.cmd|"
    r"mergetool\..*\.cmd|sendemail\..*cmd|remote\..*\.(?:uploadpack|receivepack|vcs)|protocol\.ext\.allow|init\.templatedir)\Z"
)
_TAMPERS = re.compile(
    r"(?i)(?:http\.sslverify|core\.hookspath|include\.path|includeif\..*|http\.proxy|url\..*\.insteadof|core\.fsmonitor|transfer\.fsckobjects)\Z"
)


def _git(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, _TAKES, stop=True)
    state = machine.state
    aliases = dict(state.git_aliases)
    for option in arguments.each("-c", "--config-env"):
        key, _, value = option.text.partition("=")
        _setting(machine, key, Value(value, option.taint), aliases, lasting=False)
    count = machine.lookup("GIT_CONFIG_COUNT").text
    if count.isdigit() and (len(count) > 9 or int(count) > MAX_SETTINGS):
        cut(machine, "settings in variables")
        count = str(MAX_SETTINGS)
    for index in range(int(count)) if count.isdigit() else ():
        set_by = machine.lookup(f"GIT_CONFIG_KEY_{index}").text
        _setting(machine, set_by, machine.lookup(f"GIT_CONFIG_VALUE_{index}"), aliases, lasting=False)
    before = state.cwd
    where = arguments.value("-C", "--work-tree")
    if where is not None:
        state.cwd = targets.place_of(machine, where)[0]
    try:
        rest = arguments.rest
        if not rest:
            return UNKNOWN
        task = rest[0].text
        if len(rest) == 2 and rest[1].text in ("-h", "--help"):
            return UNKNOWN
        body = aliases.get(task)
        if body is not None and task not in machine.calling:
            return _alias(machine, task, body, rest[1:], stdin)
        return _task(machine, task, rest, stdin)
    finally:
        state.cwd = before


def _alias(machine: Machine, task: str, body: str, words: list[Value], stdin: Value) -> Value:
    machine.calling.append(task)
    rest = " ".join(call.quoted(word.text) for word in words)
    try:
        code = body[1:] if body.startswith("!") else f"git {body}"
        return machine.source(f"{code} {rest}", stdin)
    finally:
        machine.calling.pop()


def _setting(machine: Machine, key: str, value: Value, aliases: dict[str, str], *, lasting: bool) -> None:
    """One configuration value: some are commands, some switch checks off."""
    if key.lower().startswith("alias."):
        aliases[key[6:]] = value.text
        if value.text.startswith("!"):
            before = dict(machine.findings)
            machine.source(value.text[1:], UNKNOWN)
            if machine.worst() < Level.HIGH or not lasting:
                machine.findings = before
    elif _RUNS.match(key) and value.text:
        _program(machine, key, value, lasting)
    elif _TAMPERS.match(key) and lasting:
        machine.report(
            Level.HIGH if key.lower() != "http.proxy" else Level.MODERATE,
            "disable",
            f"makes git trust or load other things: `{key}`",
        )


def _program(machine: Machine, key: str, value: Value, lasting: bool) -> None:
    text = value.text.removeprefix("!")
    if key.lower() in ("core.hookspath", "init.templatedir"):
        machine.report(Level.HIGH, "persist", "makes git run hooks from another folder")
        return
    if "helper" in key.lower() and re.fullmatch(r"[\w-]+(?: --\w+[= ]\S+)*", text):
        if text.split()[0] == "store" and lasting:
            machine.report(Level.MODERATE, "secret", "keeps passwords in a plain file")
        return
    run_hidden(machine, text, f"git's setting `{key}`")
    if "helper" in key.lower() and re.search(r"\b(?:curl|wget|nc|ncat|ssh|scp|mail|dig)\b|/dev/tcp/", text):
        machine.report(Level.HIGH, "exfiltrate", "hands your passwords to a command that reaches the network")
    first = text.split()[0] if text.split() else ""
    if lasting and (
        first.startswith(("/tmp", "./", "~", "/dev/shm", "$"))
        or first in ("sh", "bash", "curl", "python3", "perl")
    ):
        machine.report(Level.HIGH, "persist", f"makes git run a command of its own: `{key}`")
    elif "fsmonitor" in key.lower() and text not in ("true", "false"):
        machine.report(Level.HIGH, "execute", f"makes git run a command of its own: `{key}`")


def _task(machine: Machine, task: str, rest: list[Value], stdin: Value) -> Value:
    words = rest[1:]
    if task == "config":
        return _config(machine, words)
    if task in ("bisect", "submodule", "rebase", "filter-branch", "difftool"):
        _embedded(machine, task, words)
    if task == "clone":
        return _clone(machine, words)
    if task == "grep" and (
        code := next((w for w in words if w.text.startswith(("-O", "--open-files-in-pager="))), None)
    ):
        text = code.text.removeprefix("-O").removeprefix("--open-files-in-pager=")
        machine.source(text, UNKNOWN) if text else None
    if task in ("fetch", "pull", "push", "ls-remote", "clone", "archive") and (
        code := Arguments(words, frozenset(("--upload-pack", "-u", "--exec", "--receive-pack"))).value(
            "--upload-pack", "--exec", "--receive-pack"
        )
    ):
        machine.source(code.text, UNKNOWN)
    for word in words:
        if word.text.startswith("ext::"):
            machine.source(word.text[5:], UNKNOWN)
            machine.report(Level.HIGH, "execute", "runs a command as the way to a repository")
    _secrets(machine, task, words)
    entry = spec.find("git")
    taint = call.judge(machine, entry, rest, stdin) if entry is not None else 0
    if task == "stash":
        _shelved(machine, words)
    if task in ("branch", "tag", "ls-files", "stash", "worktree", "for-each-ref"):
        merged = any(word.text.startswith(("--merged", "--no-merged", "--list", "-l")) for word in words)
        return Value(HOLE, 0 if merged else Taint.EVERYTHING)
    if task in ("show", "cat-file", "archive", "log"):
        return Value(HOLE, stdin.taint)
    return Value(HOLE, taint)


def _shelved(machine: Machine, words: list[Value]) -> None:
    """Work that is shelved and dropped on the same line is thrown away."""
    state = machine.state
    verb = next((word.text for word in words if word.text[:1] != "-"), "push")
    if verb in ("push", "save"):
        state.shelved = True
    elif verb == "drop" and state.shelved:
        machine.report(Level.HIGH, "git", "throws away every change that is not committed")
    elif verb in ("pop", "apply"):
        state.shelved = False


def _secrets(machine: Machine, task: str, words: list[Value]) -> None:
    """A secret that is put into the repository leaves with the next push."""
    state = machine.state
    if task in ("add", "stage", "commit"):
        for word in Arguments(words, frozenset(("-m", "--message", "-F", "-C", "--author", "--date"))).rest:
            path, _ = targets.place_of(machine, word)
            made = state.files.get(path)
            if is_secret(path) or (made is not None and made.has(Taint.SECRET)):
                state.staged.append(path)
    elif task == "push" and state.staged and not any(word.text in ("-n", "--dry-run") for word in words):
        targets.leak(machine, Value(state.staged[0]), state.staged[0])


def _config(machine: Machine, words: list[Value]) -> Value:
    arguments = Arguments(words, frozenset("-f --file --blob --type --default".split()))
    rest = arguments.rest
    if rest and rest[0].text in ("set", "unset", "get", "list", "edit"):
        if rest[0].text in ("get", "list"):
            return UNKNOWN
        rest = rest[1:]
    if arguments.any("-l", "--list", "--get", "--get-all", "--get-regexp", "--show-origin") or len(rest) < 2:
        if arguments.any("--unset", "--unset-all", "--remove-section", "-e", "--edit"):
            machine.report(Level.MODERATE, "write", "changes git's settings")
        return UNKNOWN
    if arguments.any("--system"):
        machine.report(Level.HIGH, "write", "changes git's settings for every user")
    _setting(machine, rest[0].text, rest[1], machine.state.git_aliases, lasting=True)
    machine.report(Level.MODERATE, "write", f"changes git's setting `{rest[0].text}`")
    return UNKNOWN


def _embedded(machine: Machine, task: str, words: list[Value]) -> None:
    """Subcommands that take a command: bisect run, submodule foreach, rebase --exec, filter-branch, difftool -x."""
    arguments = Arguments(
        words,
        frozenset(
            "-x --exec --extcmd --tree-filter --index-filter --msg-filter --env-filter --commit-filter".split()
        ),
    )
    for code in arguments.each(
        "-x",
        "--exec",
        "--extcmd",
        "--tree-filter",
        "--index-filter",
        "--msg-filter",
        "--env-filter",
        "--commit-filter",
    ):
        machine.source(code.text, UNKNOWN)
    first = arguments.rest[0].text if arguments.rest else ""
    if task == "bisect" and first == "run" and len(words) > 1:
        machine.call(words[1:], UNKNOWN)
    if task == "submodule" and first == "foreach" and len(arguments.rest) > 1:
        machine.source(
            " ".join(
                word.text for word in words if word.text not in ("foreach", "--recursive", "-q", "--quiet")
            ),
            UNKNOWN,
        )


def _clone(machine: Machine, words: list[Value]) -> Value:
    takes = frozenset(
        "-b --branch --depth -o --origin -c --config --template -u --upload-pack --reference --separate-git-dir -j --filter".split()
    )
    arguments = Arguments(words, takes)
    for option in arguments.each("-c", "--config"):
        key, _, value = option.text.partition("=")
        _setting(machine, key, Value(value), {}, lasting=True)
    for code in arguments.each("-u", "--upload-pack"):
        machine.source(code.text, UNKNOWN)
    if arguments.each("--template"):
        machine.report(Level.HIGH, "persist", "puts hooks of another folder into the clone")
    rest = arguments.rest
    if not rest:
        return EMPTY
    url = rest[0].text
    if url.startswith("ext::"):
        machine.source(url[5:], UNKNOWN)
        machine.report(Level.HIGH, "execute", "runs a command as the way to a repository")
    name = (
        rest[1].text
        if len(rest) > 1
        else url.rstrip("/").rpartition("/")[2].rpartition(":")[2].removesuffix(".git")
    )
    path, _ = targets.place_of(machine, Value(name or HOLE))
    if "://" in url or "@" in url or not url.startswith((".", "/", "~")):
        machine.state.fetched.append(path)
    return EMPTY


COMMANDS: dict[str, Command] = {"git": _git, "hub": _git}
