"""Finds out which command a line of words really is, and hands it to the one who knows its effects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import commands, option_effects, paths, spec, strangers, targets
from .arguments import Arguments
from .finding import Level
from .limits import MAX_NAME, cut
from .secret_paths import is_secret
from .words import EMPTY, HOLE, UNKNOWN, Taint, Value, is_wild

if TYPE_CHECKING:
    from .machine import Machine

_BIN = re.compile(r"(?:/(?:usr/(?:local/)?)?s?bin|/opt/homebrew/bin|/bin)/([^/]+)\Z")
_VENV = re.compile(r"(?:.*/)?(?:\.?v?env|\.venv\w*|node_modules/\.bin|vendor/bin|bin)/([\w.-]+)\Z")
# Programs whose answer is meant for `eval`, and the words that ask them for it.
_HOOKED = frozenset(
    "direnv starship zoxide opam pyenv rbenv nodenv goenv jenv fnm mise rtx asdf thefuck brew conda micromamba mamba atuin mcfly "
    "minikube navi sheldon broot oh-my-posh luarocks docker-machine vfox phpenv plenv basher antidote register-python-argcomplete".split()
)
_HOOK_WORDS = frozenset(
    "hook init shellenv docker-env shell.bash shell.zsh shell-init --alias -a virtualenv-init".split()
)
_ENV_PRINTERS = frozenset(("opam", "fnm", "mise", "docker-machine", "luarocks"))
_SHELL_NAMES = frozenset(("bash", "zsh", "fish", "powershell"))
_LISTS = frozenset(
    "ls list ps pods get --get-selections -qa -Qq -W --show -l --list -Q -Qe -Qn -Qqe showmanual showauto domains pkgnames freeze leaves "
    "--list-extensions list-units list-unit-files".split()
)
_ELSEWHERE = re.compile(r"[\w.@-]{2,}:")  # `host:path`, `s3://bucket`
_VERSION = re.compile(r"-?\d+(?:\.\d+)*\Z")
_TASK = re.compile(r"[a-z][a-z0-9-]{1,20}")
_GNU = frozenset(
    "ls cat sort head tail cut date stat du df wc tr uniq seq split touch mkdir readlink realpath basename dirname echo printf "
    "nl od tac tee paste join comm shuf timeout nproc numfmt expr env id who whoami uname uptime base64 base32 md5sum sha1sum "
    "sha256sum sha512sum cksum sum fold fmt expand unexpand csplit truncate ln chgrp install unlink link mktemp test true false "
    "yes sleep nice nohup stdbuf tty users groups hostid logname pathchk pwd printenv sync ptx tsort vdir dir dircolors make awk "
    "strings nm objdump readelf size getopt which indent patch".split()
)


def call(machine: Machine, words: list[Value], stdin: Value, *, bare: bool) -> Value:
    """Judge a command; gives the text it would print, as far as that is known."""
    first = words[0]
    name = first.text
    if name[:1] == "(" and name[-1:] == ")" and len(name) > 2:
        return machine.source(name[1:-1], stdin)
    if HOLE in name or is_wild(name):
        known = name.rpartition("/")[2]
        if HOLE in known or is_wild(name) or not known or first.has(Taint.NETWORK | Taint.DECODED):
            return _unresolved(machine, words, stdin)
        return _dispatch(machine, known, words, stdin, local=True)
    recalled = (name[:1] == "!" and name != "!") or (name[:1] == "^" and name.count("^") > 1)
    if bare and recalled and machine.shell in ("bash", "zsh"):
        return _unresolved(machine, words, stdin)  # `!rm`, `^a^b`: what was typed before
    state = machine.state
    if first.has(Taint.DEFAULT) and not spec_or_handler(name):
        return _unresolved(machine, words, stdin)
    suffix = f"*.{name.rpartition('.')[2]}"
    if bare and suffix in state.aliases:
        return machine.source(f"{state.aliases[suffix]} {quoted(name)}", stdin)
    if bare and name in state.aliases and name not in machine.calling:
        return _alias(machine, name, words, stdin)
    if name in state.functions:
        return _function(machine, name, words, stdin)
    if "/" not in name:
        return _dispatch(machine, name, words, stdin, local=False)
    path, _ = targets.place_of(machine, first)
    match = _BIN.match(path)
    if match:
        return _dispatch(machine, match.group(1), words, stdin, local=False)
    return _program(machine, path, words, stdin)


def _unresolved(machine: Machine, words: list[Value], stdin: Value) -> Value:
    level = Level.CRITICAL if machine.root and words[0].has(Taint.NETWORK) else Level.HIGH
    machine.report(
        level,
        "opaque",
        "the name of the command is not known before it runs",
    )
    return Value(HOLE, stdin.taint)


def _alias(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    machine.calling.append(name)
    rest = " ".join(quoted(word.text) for word in words[1:])
    try:
        return machine.source(f"{machine.state.aliases[name]} {rest}", stdin)
    finally:
        machine.calling.pop()


def quoted(text: str) -> str:
    """The text as one shell word; marks stay live."""
    if re.fullmatch(r"[\w./:=,@%+-]+", text):
        return text
    parts = re.split(r"([\U000f0000-\U000f0003])", text)
    return "".join(
        part if part[:1] in tuple("\U000f0000\U000f0001\U000f0002\U000f0003") else _quote(part)
        for part in parts
    )


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'" if text else ""


def _function(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    if name in machine.calling:
        if machine.piped or machine.background:
            machine.report(
                Level.CRITICAL,
                "exhaust",
                "a function that starts itself again and again: a fork bomb that stops the machine",
            )
        if machine.commands[-1:] in (["command"], ["builtin"]):
            return _dispatch(machine, name, words, stdin, local=False)
        return UNKNOWN
    function = machine.state.functions[name]
    names = machine.state.names
    positional = {str(index): [word] for index, word in enumerate(words[1:], 1)}
    before = {key: names.get(key) for key in (*positional, "@", "*", "#", "argv")}
    names.update(positional)
    names["@"] = names["*"] = names["argv"] = words[1:]
    names["#"] = [Value(str(len(words) - 1))]
    machine.calling.append(name)
    data, machine.data = machine.data, function.source
    inner, machine.inner = machine.inner, None
    machine.depth += 1
    try:
        with machine.setting(piped=False, background=False):
            return machine.visit(function.body, stdin)
    finally:
        machine.depth -= 1
        machine.data, machine.inner = data, inner
        machine.calling.pop()
        for key, values in before.items():
            if values is None:
                names.pop(key, None)
            else:
                names[key] = values


def _program(machine: Machine, path: str, words: list[Value], stdin: Value) -> Value:
    """A program by its path: what this line wrote there, else a local script."""
    if "://" in words[0].text:
        from .code import run_file

        return run_file(machine, words[0], "other", words, stdin)
    made = machine.state.files.get(path)
    if made is not None and made.has(Taint.COMPILED) and made.known:
        from .compiled_code import run_compiled

        return run_compiled(machine, made.text)
    if (made is not None and made.taint & ~Taint.FILE) or any(
        path == place or path.startswith(place.rstrip("/") + "/") for place in machine.state.fetched
    ):
        from .code import run_text

        return run_text(machine, made or Value(HOLE, Taint.NETWORK), "sh", words[1:])
    if made is not None and made.known:
        return machine.source(made.text, stdin)
    base = path.rsplit("/", 1)[-1]
    venv = _VENV.match(path)
    if venv and spec_or_handler(venv.group(1)):
        return _dispatch(machine, venv.group(1), words, stdin, local=False)
    if machine.read_file is not None and (text := machine.read_file(path)) is not None:
        return machine.source(text, stdin)
    if len(words) == 2 and words[1].text in ("--help", "--version", "-h"):
        return UNKNOWN
    system = path.startswith(
        ("/usr/", "/System/", "/Library/", "/sbin/", "/Applications/", "/opt/", "/lib/", "/lib64/", "/snap/")
    )
    if (base in ("gradlew", "mvnw") or system) and spec_or_handler(base):
        return _dispatch(machine, base, words, stdin, local=False)
    machine.commands.append(base)
    strangers.judge_words(machine, base, words[1:])
    strangers.judge_line(machine, words[0].text, words[1:])
    machine.report(Level.MODERATE, "execute", f"runs a program of its own: `{words[0].shown()}`")
    strangers.judge_operands(machine, words[1:])
    return Value(HOLE, stdin.taint)


def spec_or_handler(name: str) -> bool:
    return name in commands.ALL or spec.find(name) is not None


def _dispatch(machine: Machine, name: str, words: list[Value], stdin: Value, *, local: bool) -> Value:
    machine.commands.append(name)
    if not name.islower() and name.lower() in commands.ALL and name not in commands.ALL:
        name = name.lower()  # macOS file systems ignore case
    if 2 <= len(words) <= 3 and words[-1].text in ("--help", "--version") and name not in commands.RUNS_INPUT:
        return UNKNOWN
    if (name in _HOOKED and len(words) > 1 and words[1].text in _HOOK_WORDS) or (
        name in _ENV_PRINTERS and words[1:2] == [Value("env")]
    ):
        return EMPTY
    if len(words) == 3 and words[1].text in ("completion", "completions") and words[2].text in _SHELL_NAMES:
        return EMPTY
    option_effects.judge_options(machine, name, words[1:], stdin)
    handler = commands.ALL.get(name)
    if handler is not None:
        found = handler(machine, name, words[1:], stdin)
        return found if found is not None else Value(HOLE, _passed(machine, words, stdin))
    entry = spec.find(name)
    if entry is None:
        other = _other_name(machine, name)
        if other:
            return _dispatch(machine, other, words, stdin, local=local)
        return _unknown(machine, name, words, stdin)
    taint = judge(machine, entry, words[1:], stdin)
    if local:
        machine.report(
            Level.MODERATE, "execute", f"runs a program found through a variable: `{words[0].shown()}`"
        )
    if any(word.text in _LISTS or word.text.startswith(("list-", "describe-")) for word in words[1:6]):
        taint |= Taint.EVERYTHING
    return Value(HOLE, _passed(machine, words, stdin) | taint)


def _other_name(machine: Machine, name: str) -> str:
    """The name under which a variant is known: `zf_rm`, `gls`, `clang-15`, `cmd.exe`; empty when there is none."""
    if len(name) > MAX_NAME:
        cut(machine, "characters in one name")
        return ""
    tries = [name.removesuffix(".exe"), _VERSION.sub("", name), name.removeprefix("zf_")]
    if name[:1] == "g" and name[1:] in _GNU:
        tries.append(name[1:])
    return next((other for other in tries if other != name and other and spec_or_handler(other)), "")


def _unknown(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    if len(words) == 2 and words[1].text in ("--help", "--version", "-V", "version", "help"):
        return UNKNOWN
    strangers.judge(machine, name, words[1:], stdin)
    return Value(HOLE, _passed(machine, words, stdin))


def _passed(machine: Machine, words: list[Value], stdin: Value) -> int:
    taint = stdin.taint & ~Taint.ENDLESS
    for word in words[1:]:
        taint |= word.taint
        if word.text[:1] in "/~." and is_secret(targets.place_of(machine, word)[0]):
            taint |= Taint.SECRET
    return taint


def judge(machine: Machine, entry: spec.Spec, words: list[Value], stdin: Value) -> int:
    """Apply a command's rules; gives the taint of what it prints."""
    arguments = Arguments(words, entry.takes, cluster=entry.cluster)
    if not entry.dry.isdisjoint(arguments.flags) or (
        "--help" in arguments.flags and words[-1].text == "--help" and entry.rules
    ):
        return 0
    piped, taint = stdin is not EMPTY, 0
    for rule in entry.rules:
        if not spec.matches(rule, arguments, piped):
            continue
        if rule.effect == "prints":
            taint |= Taint.SECRET if rule.where == "secret" else Taint.EVERYTHING
        elif rule.level is None:
            found = [stdin] if rule.where == "stdin" else spec.select(rule.where, rule, arguments)
            for value in found:
                _effect(machine, rule, value, stdin)
        else:
            _report(machine, entry, rule.level, rule.consequence, words)
            return taint
    if entry.rules or entry.consequence or not strangers.only_asks(words):
        _report(machine, entry, entry.level, entry.consequence, words)
    return taint


def _report(machine: Machine, entry: spec.Spec, level: Level, consequence: str, words: list[Value]) -> None:
    if level is Level.MODERATE:
        strangers.judge_code(machine, words, EMPTY, short=False)
    if level is Level.MODERATE and entry.name not in strangers.MOUNTERS:
        strangers.judge_operands(machine, words)
    machine.report(level, "effect", consequence or _told(machine, entry, level, words))


def _told(machine: Machine, entry: spec.Spec, level: Level, words: list[Value]) -> str:
    """What a command does whose rule does not say it: by its task, else only that, and how it was called."""
    here = machine.here.words
    name = here[0].shown().rpartition("/")[2] if here and here[0].known else entry.name
    task = words[0].text if words and _TASK.fullmatch(words[0].text) else ""
    said = spec.says(name, task) if level is Level.MODERATE else ""
    return said or f"`{f'{name} {task}'.strip()}` changes something"


def _effect(machine: Machine, rule: spec.Rule, value: Value, stdin: Value) -> None:
    match rule.effect:
        case "delete":
            targets.delete(machine, value, tree=False)
        case "deltree":
            targets.delete(machine, value, tree=True)
        case "move":
            targets.delete(machine, value, tree=True, moved=True)
        case "write":
            targets.write(machine, value, Value(HOLE, stdin.taint))
        case "append":
            targets.write(machine, value, Value(HOLE, stdin.taint), append=True)
        case "read":
            targets.read(machine, value)
        case "lock":
            targets.lock(machine, value)
        case "send" if value.text == "-":
            targets.send(machine, stdin)
        case "send" if not _ELSEWHERE.match(value.text):
            targets.send(machine, value)
        case "send":
            targets.land(machine, value)  # what lies on another host comes from there
        case "told":
            made = (
                stdin if value.text == "-" else machine.state.files.get(targets.place_of(machine, value)[0])
            )
            if made is not None and made.has(Taint.NETWORK):
                machine.report(Level.HIGH, "remote code", "does what a text straight from the network says")
        case "mount":
            path = targets.place_of(machine, value)[0]
            machine.state.links[path] = f"/mnt/{path.rpartition('/')[2]}"
        case "unmount":
            machine.state.links.pop(paths.resolve(value.text, machine.state.cwd), None)
        case "fetch":
            targets.write(machine, value, Value(HOLE, Taint.NETWORK))
        case "run":
            from .code import run_hidden

            run_hidden(machine, value.text, f"an option of `{machine.commands[-1]}`", stdin)
        case "clone":
            name = value.text.rstrip("/").rpartition("/")[2]
            machine.state.fetched.append(targets.place_of(machine, Value(name))[0])
        case "install":
            from .code import run_fetched

            run_fetched(machine, value)
        case "sql":
            from .sql import judge_sql

            judge_sql(machine, value)
        case _:
            machine.report(Level.HIGH, "unread", f"unknown effect `{rule.effect}`")
