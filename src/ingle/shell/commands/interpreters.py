"""Shells and languages: which of their arguments is code, and what is fed to them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import targets
from ..arguments import Arguments
from ..calm_code import level_of
from ..code import SHELLS, run_file, run_text, weigh
from ..finding import Level
from ..line_loops import judge_lines, judge_walks
from ..paths import PROJECT
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value, mixed
from .awk import awk
from .frameworks import console, django

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command

_SHELL_TAKES = frozenset("-o +o -O +O --rcfile --init-file -C --init-command".split())
# language: options that carry code, options with another value, options that ask for an answer only
_LANGUAGES: dict[str, tuple[str, str, str]] = {
    "python": ("-c", "-W -X -Q --check-hash-based-pycs", "-V --version -VV -h --help"),
    "perl": ("-e -E", "-I -M -m -F -x -D", "-v -V --version -c -h"),
    "ruby": ("-e", "-r -I -C -F -E -x -W --encoding", "-v --version -c -h"),
    "node": (
        "-e --eval -p --print",
        "-r --require --import --loader -C --conditions --env-file",
        "-v --version -h --check",
    ),
    "php": ("-r -B -E -R", "-d -c -z -S -t -f", "-v --version -i -m -l -h"),
    "lua": ("-e", "-l", "-v"),
    "awk": (
        "-e --source",
        "-F -v -f -i -o -W -E --field-separator --assign --file --include --exec",
        "--version -V",
    ),
    "other": ("-e -E -c -r --eval --batch-string -eval", "-I -l", "--version -v -V"),
}
_NAMES: dict[str, str] = {
    **dict.fromkeys(
        "python python2 python3 pypy pypy3 sage ipython ipython3 bpython py jython micropython".split(),
        "python",
    ),
    "perl": "perl",
    **dict.fromkeys(("ruby", "irb", "jruby"), "ruby"),
    **dict.fromkeys(("node", "nodejs", "bun", "zx", "qjs", "tsx", "ts-node", "esno"), "node"),
    **dict.fromkeys(("php", "php8", "php7"), "php"),
    **dict.fromkeys(("lua", "luajit", "lua5.4", "lua5.3", "texlua"), "lua"),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk", "original-awk"), "awk"),
    **dict.fromkeys(
        "Rscript R tclsh wish guile racket sbcl clisp ghci runghc julia groovy scala jshell elixir erl iex octave "
        "crystal raku jjs rhino escript csi gst clojure bb janet gsi ghc octave-cli jrunscript bpftrace stap ocaml utop perl6 rakudo maxima fennel".split(),
        "other",
    ),
}
_LONG = frozenset(("erl", "groovy", "scala", "jrunscript"))
"""Languages whose options are words behind a single dash."""
_BREAK_INS = frozenset("pwncat pwncat_cs impacket pupy responder crackmapexec lazagne empire".split())
_SAFE_MODULES = frozenset(
    "json.tool py_compile compileall http.client webbrowser this calendar pytest unittest doctest mypy ruff black flake8 pydoc tabnanny platform site pyflakes pylint dis sysconfig ast tokenize zipfile.l coverage tox nox bandit isort venv virtualenv build".split()
)


def _shell(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(_without_plus(words), _SHELL_TAKES, stop=True)
    language = name if name in ("zsh", "fish") else "bash"
    flags, rest = arguments.flags, arguments.rest
    names = machine.state.names
    machine.state.names = dict(names)
    try:
        return _shell_run(machine, name, language, arguments, flags, rest, stdin)
    finally:
        machine.state.names = names


def _without_plus(words: list[Value]) -> list[Value]:
    """The words without options that only turn something off: `bash +x -c CODE`."""
    at = 0
    while at < len(words) and words[at].text[:1] in ("-", "+"):
        text = words[at].text
        if text[0] == "+" and text not in _SHELL_TAKES:
            words = words[:at] + words[at + 1 :]
        else:
            at += 2 if text in _SHELL_TAKES else 1
    return words


def _shell_run(
    machine: Machine,
    name: str,
    language: str,
    arguments: Arguments,
    flags: set[str],
    rest: list[Value],
    stdin: Value,
) -> Value:
    for option in ("--rcfile", "--init-file"):
        for value in arguments.each(option):
            machine.report(Level.HIGH, "load", f"starts a shell that first runs `{value.shown()}`")
            if value.has(Taint.NETWORK):
                weigh(machine, value)
    codes = arguments.each("-C", "--init-command")
    for code in codes:
        machine.source(code.text, stdin, language)
    command = arguments.value("--command")
    if command is not None:
        return run_text(machine, command, language, rest, stdin, inline=True)
    if "-c" in flags:
        if not rest:
            return UNKNOWN
        args = rest[1:] if len(rest) > 1 else [Value(name)]
        machine.state.names["0"] = [Value(name, Taint.QUOTED)]
        return run_text(machine, rest[0], language, args, stdin, inline=True)
    if {"-n", "--version", "--help", "--norc-check"} & flags and "-i" not in flags:
        return UNKNOWN
    if rest and "-s" not in flags:
        return run_file(machine, rest[0], language, rest, stdin)
    if stdin is EMPTY or (stdin.text == "" and not stdin.taint):
        if machine.endless and machine.background:
            machine.report(Level.CRITICAL, "exhaust", "starts shells without end")
        if machine.root:
            machine.report(Level.HIGH, "privilege", "opens a shell with administrator rights")
        return Value(HOLE, Taint.INTERACTIVE)
    found = run_text(machine, stdin, language, [Value(name), *rest])
    return Value(found.text, found.taint | Taint.INTERACTIVE)


def _language(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    language = _NAMES.get(name) or "python"
    code_options, takes, answers = (set(part.split()) for part in _LANGUAGES[language])
    if (language == "python" and words and words[0].text in ("-m",)) or any(
        word.text == "-m" for word in words[:3]
    ):
        return _module(machine, name, words, stdin)
    arguments = Arguments(words, takes | code_options, stop=True, cluster=name not in _LONG)
    flags = set(arguments.flags)
    if language == "awk":
        return awk(machine, arguments, stdin)
    _loaded(machine, language, arguments)
    codes = arguments.each(*sorted(code_options))
    if name == "php":
        for folder in arguments.each("-t"):
            targets.send(machine, folder)
    if codes:
        text = Value("\n".join(code.text for code in codes), mixed(codes))
        if language == "perl":
            _in_place(machine, flags, arguments)
        if language == "other" and (calm := level_of(text.text, name)) is not None and not text.taint:
            if calm is Level.MODERATE:
                machine.report(calm, "execute", f"builds or installs by `{name}`")
            return UNKNOWN
        args = [Value("-c"), *arguments.rest] if language == "python" else arguments.rest
        if language == "ruby" and "-i" in flags:
            _in_place(machine, flags, arguments)
        if text.text == "httpd" and name == "ruby":  # `ruby -run -e httpd FOLDER`
            targets.send(machine, arguments.rest[0] if arguments.rest else Value("."))
        looped = language in ("perl", "ruby") and not flags.isdisjoint(("-n", "-p", "-R"))
        judge_lines(machine, text.text, language, stdin, implied=looped)
        judge_walks(machine, text.text, language)
        return run_text(machine, text, language, args, stdin, inline=True)
    if flags & answers:
        return UNKNOWN
    operand = arguments.rest[0] if arguments.rest else EMPTY
    if language == "other" and operand.text == "eval":
        operand = arguments.rest[1] if len(arguments.rest) > 1 else EMPTY
        return _unread(machine, name, operand, stdin)
    if language == "other" and operand.text.startswith("("):
        return _unread(machine, name, operand, stdin)
    if arguments.rest:
        return _program(machine, name, language, arguments.rest, stdin)
    if stdin is EMPTY or not (stdin.text or stdin.taint):
        if machine.root:
            machine.report(Level.HIGH, "privilege", "opens an interpreter with administrator rights")
        return Value(HOLE, Taint.INTERACTIVE)
    if language == "other":
        return _unread(machine, name, stdin, EMPTY)
    return run_text(machine, stdin, language, [])


def _unread(machine: Machine, name: str, code: Value, stdin: Value) -> Value:
    """Code as an operand: `crystal eval CODE`, `bb '(CODE)'`."""
    if level_of(code.text, name) is Level.SAFE and not code.taint:
        return UNKNOWN
    return run_text(machine, code, "other", [], stdin)


def _program(machine: Machine, name: str, language: str, rest: list[Value], stdin: Value) -> Value:
    if name in ("bun",) and rest[0].text in ("install", "add", "test", "run", "x", "build", "i"):
        from .wrappers import _as_spec

        return _as_spec(machine, "npm", rest, stdin)
    if language == "python" and rest[0].text.endswith("manage.py") and len(rest) > 1:
        return django(machine, rest[1:], stdin)
    if rest[0].text.endswith(("artisan", "bin/console", "yii")) and len(rest) > 1:
        return console(machine, "artisan", rest[1:], stdin)
    return run_file(machine, rest[0], language, rest, stdin)


def _loaded(machine: Machine, language: str, arguments: Arguments) -> None:
    for value in arguments.each("-r", "--require", "--import", "--loader", "-M"):
        if value.text.startswith(("/tmp", "/dev/shm", "./", "../", "/var/tmp")) or "://" in value.text:
            machine.report(Level.HIGH, "load", f"loads code from `{value.shown()}` first")


def _in_place(machine: Machine, flags: set[str], arguments: Arguments) -> None:
    if "-i" in flags:
        for operand in arguments.rest:
            targets.write(machine, operand, UNKNOWN, verb="edits")


def _module(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    at = next(index for index, word in enumerate(words) if word.text == "-m")
    rest = words[at + 1 :]
    module = rest[0].text if rest else ""
    if rest and rest[-1].text in ("--help", "-h"):
        return UNKNOWN
    if module in ("http.server", "SimpleHTTPServer", "pyftpdlib", "uploadserver"):
        machine.report(Level.MODERATE, "send", "serves this folder to the network")
        served = Arguments(rest[1:], frozenset(("-d", "--directory", "-b", "--bind", "-p", "--protocol")))
        folder = served.value("-d", "--directory") or Value(".")
        near = (served.value("-b", "--bind") or EMPTY).text in ("127.0.0.1", "localhost", "::1")
        if not near and (folder.text != "." or machine.state.cwd != PROJECT):
            targets.send(machine, folder)
    elif module in (
        "pip",
        "pipx",
        "uv",
        "virtualenv",
        "ensurepip",
        "ruff",
        "black",
        "isort",
        "poetry",
        "coverage",
        "alembic",
        "zipfile",
        "tarfile",
    ):
        if module in ("zipfile", "tarfile"):
            if not any(word.text in ("-l", "-t", "--list", "--test") for word in rest):
                machine.report(Level.MODERATE, "write", "packs or unpacks an archive")
        else:
            return machine.call([Value(module), *rest[1:]], stdin)
    elif module == "timeit":
        timed = Arguments(
            rest[1:], frozenset(("-n", "-r", "-s", "-u", "--number", "--repeat", "--setup", "--unit"))
        )
        for code in [*timed.each("-s", "--setup"), *timed.rest]:
            run_text(machine, code, "python", [Value("-c")], stdin, inline=True)
    elif module in ("pdb", "trace", "cProfile", "profile") and len(rest) > 1:
        asked = Arguments(rest[1:], frozenset(("-c", "-o", "-s", "-m")), stop=True)
        for code in asked.each("-c"):
            run_text(machine, Value(code.text.lstrip("! "), code.taint), "python", [], stdin, inline=True)
        machine.report(Level.MODERATE, "execute", f"runs a local script under `{module}`")
    elif module in _SAFE_MODULES or module.startswith(("pytest", "unittest", "sphinx", "mkdocs")):
        return Value(HOLE, stdin.taint)
    elif module == "base64" and len(rest) > 1 and rest[1].text in ("-d", "-u"):
        return machine.call([Value("base64"), *rest[1:]], stdin)
    elif module.partition(".")[0] in _BREAK_INS:
        machine.report(Level.CRITICAL, "backdoor", "a tool for breaking in, or for giving this machine away")
    else:
        machine.report(Level.MODERATE, "execute", f"runs the module `{module}`")
    return UNKNOWN


def _osascript(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset(("-e", "-l", "-s")))
    codes = arguments.each("-e")
    language = arguments.value("-l")
    if codes:
        text = "\n".join(code.text for code in codes)
        if language is not None and language.text == "JavaScript":
            if re.search(r"do(?:Shell)?Script|NSTask|system", text):
                found = re.search(r"""do(?:Shell)?Script\(\s*["'](.*?)["']\s*[,)]""", text)
                machine.source(found[1]) if found else machine.report(
                    Level.HIGH, "opaque", "runs a shell command"
                )
            return UNKNOWN
        return run_text(machine, Value(text, mixed(codes)), "osascript", [], stdin, inline=True)
    if arguments.rest and arguments.rest[0].text != "-":
        return run_file(machine, arguments.rest[0], "osascript", arguments.rest, stdin)
    return run_text(machine, stdin, "osascript", [])


def _deno(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    rest = [word for word in words if not word.text.startswith("-")]
    if rest and rest[0].text == "eval" and len(rest) > 1:
        return run_text(machine, rest[1], "node", [], stdin, inline=True)
    if rest and rest[0].text in ("run", "install", "compile") and len(rest) > 1:
        return run_file(machine, rest[1], "node", rest[1:], stdin)
    if rest and rest[0].text in ("test", "lint", "check", "info", "doc", "bench"):
        return UNKNOWN
    if rest and rest[0].text == "fmt":
        machine.report(Level.MODERATE, "write", "rewrites source files")
        return UNKNOWN
    if not rest and stdin.text:
        return run_text(machine, stdin, "node", [])
    return run_file(machine, rest[0], "node", rest, stdin) if rest else UNKNOWN


def _compiled(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """swift, kotlin, scala-cli…: code in `-e` or on the input is not read; a subcommand has its own rules."""
    arguments = Arguments(words, frozenset(("-e", "-script", "--eval")))
    codes = arguments.each("-e", "--eval")
    codes += [Value(word.text[7:], word.taint) for word in words if word.text.startswith("--eval:")]
    rest = arguments.rest
    if codes or (stdin is not EMPTY and (not rest or rest[0].text == "-")):
        for code in codes or [stdin]:
            _unread(machine, name, code, EMPTY)
        return UNKNOWN
    if rest and rest[0].text.endswith(
        (".swift", ".kts", ".kt", ".sc", ".rs", ".nims", ".java", ".csx", ".fsx")
    ):
        return run_file(machine, rest[0], "other", rest, stdin)
    from .wrappers import _as_spec

    return _as_spec(machine, name, words, stdin)


def _powershell(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    from ..powershell import host

    return host(machine, words, stdin)


def _cmd(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    from ..cmd_exe import cmd

    return cmd(machine, words)


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(SHELLS, _shell),
    **dict.fromkeys(_NAMES, _language),
    **dict.fromkeys(
        ("swift", "kotlin", "kotlinc", "scala-cli", "rust-script", "dotnet-script", "nim"), _compiled
    ),
    "cmd.exe": _cmd,
    "osascript": _osascript,
    "deno": _deno,
    **dict.fromkeys(("pwsh", "powershell", "powershell.exe", "pwsh.exe"), _powershell),
    **{f"python3.{minor}": _language for minor in range(6, 16)},
}
