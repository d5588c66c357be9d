"""Installers of packages: where the code comes from decides."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from .. import call, spec, strangers, targets
from ..arguments import Arguments
from ..finding import Level
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command


def _runner(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """npx, pipx run, uvx, bunx: run a package; `-c` is shell code."""
    arguments = Arguments(
        words, frozenset("-c --call -p --package --with --from --python --spec".split()), stop=True
    )
    for code in arguments.each("-c", "--call"):
        machine.source(code.text, UNKNOWN)
    for source in (*arguments.each("-p", "--package", "--from", "--with", "--spec"), *arguments.rest[:1]):
        if re.match(
            r"(?:git\+|https?:|github:|git:|ssh:|[\w-]+/[\w-]+\Z)", source.text
        ) and not source.text.startswith("@"):
            machine.report(
                Level.CRITICAL if machine.root else Level.HIGH,
                "remote code",
                "runs code straight from an address",
            )
    rest = arguments.rest
    if len(rest) == 1 and " " in rest[0].text:
        machine.source(rest[0].text, UNKNOWN)
    if rest and call.spec_or_handler(rest[0].text) and rest[0].text not in ("sh", "bash"):
        return machine.call(rest, stdin)
    if rest:
        tool = rest[0].text.partition("@")[0] or rest[0].text
        entry = spec.find(tool)
        if entry is not None:
            call.judge(machine, entry, rest[1:], stdin)
        else:
            machine.report(Level.MODERATE, "execute", f"runs the package `{rest[0].shown()}`")
            strangers.judge_words(machine, tool, rest[1:])
    return UNKNOWN


def _scripts(machine: Machine, words: list[Value]) -> None:
    """Scripts of package.json that this line itself has set or written, when it runs them."""
    texts = [word.text for word in words]
    state = machine.state
    path, _ = targets.place_of(machine, Value("package.json"))
    if texts[:2] == ["pkg", "set"]:
        for text in texts[2:]:
            key, _, body = text.partition("=")
            if key.startswith("scripts."):
                state.aliases[f"npm {key.removeprefix('scripts.')}"] = body
        return
    made = state.files.get(path)
    scripts: object = {}
    if made is not None and made.known:
        try:
            held = json.loads(made.text)
            scripts = held.get("scripts") if isinstance(held, dict) else {}
        except (ValueError, RecursionError):
            scripts = {}
    named = texts[1:2] if texts[:1] in (["run"], ["run-script"]) else texts[:1]
    for name in named:
        for key in (f"pre{name}", name, f"post{name}"):
            written = scripts.get(key) if isinstance(scripts, dict) else None
            code = state.aliases.get(f"npm {key}") or written
            if isinstance(code, str) and code:
                machine.source(code, UNKNOWN)


_INSTALLS = frozenset("install add i get download tap -i -U build upgrade exec x dlx create run".split())
_ADDRESS = re.compile(
    r"(?:git\+|https?://|git://|ssh://|git@|hg\+|svn\+|ftp:|github:)|\S+\s*@\s*(?:git\+|https?:)"
)
_INDEX_OPTIONS = (
    "-i",
    "--index-url",
    "--extra-index-url",
    "--registry",
    "--source",
    "-s",
    "-f",
    "--find-links",
)


def _pip(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """Package installers: where the code comes from decides."""
    if name == "uv" and words and words[0].text == "pip":
        words = words[1:]
    if words and words[0].text == "shellenv":
        return EMPTY
    if name in ("npm", "pnpm", "yarn"):
        _scripts(machine, words)
    entry = spec.find("pip" if name.startswith("pip") and name != "pipx" else name)
    arguments = Arguments(words, entry.takes if entry else frozenset())
    verbs = (
        arguments.rest[1:]
        if name == "uv" and arguments.rest[:1] in ([Value("tool")], [Value("pip")])
        else arguments.rest
    )
    installs = bool(verbs) and verbs[0].text in _INSTALLS
    if installs and arguments.rest[0].text in ("exec", "x", "dlx") and name in ("npm", "pnpm", "yarn"):
        return _runner(machine, name, [word for word in words if word is not arguments.rest[0]], stdin)
    if installs and not arguments.any("--dry-run"):
        _sources(machine, name, arguments)
    if entry is not None:
        call.judge(machine, entry, words, stdin)
    return Value(HOLE, _all_of(words))


def _sources(machine: Machine, name: str, arguments: Arguments) -> None:
    """Report operands and options that name code outside the default registry."""
    level = Level.CRITICAL if machine.root else Level.HIGH
    options = arguments.each("-r", "-e", "--git", "--path", "-c", "--editable", "--requirement")
    for word in (*arguments.rest[1:], *options):
        if _ADDRESS.match(word.text):
            machine.report(
                level,
                "remote code",
                "installs and runs code straight from an address",
            )
        elif word.has(Taint.NETWORK):
            machine.report(level, "remote code", "installs what the network names")
    for index in arguments.each(*(_INDEX_OPTIONS if name != "npm" else ("--registry",))):
        if "://" in index.text and name != "apt" and not index.text.startswith("https://"):
            machine.report(Level.HIGH, "remote code", "takes packages from another place, unprotected")
    for trusted in arguments.each("--trusted-host"):
        machine.report(
            Level.HIGH, "remote code", f"takes packages from `{trusted.shown()}` without checking who it is"
        )


def _all_of(words: list[Value]) -> int:
    texts = [word.text for word in words]
    return (
        Taint.EVERYTHING
        if any(text in ("list", "freeze", "ls", "leaves", "-Qq", "-qa", "-l", "-Q", "-Qqe") for text in texts)
        else 0
    )


def _sandbox_off(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """Known printers of shell settings: `brew shellenv`, `starship init`, `… completion`: trusted text for eval."""
    entry = spec.find(name)
    texts = [word.text for word in words]
    if texts and texts[0] in (
        "shellenv",
        "init",
        "hook",
        "env",
        "activate",
        "completion",
        "completions",
        "shell-init",
        "docker-env",
        "-s",
        "-c",
        "-b",
        "--init",
        "shell.bash",
        "shell.zsh",
        "--bash",
        "--zsh",
        "--fish",
        "--alias",
        "initialize",
    ):
        return EMPTY
    if not texts and name in ("ssh-agent", "dircolors", "lesspipe", "gpg-agent", "thefuck"):
        return EMPTY
    if entry is not None:
        call.judge(machine, entry, words, stdin)
    elif texts:
        machine.report(Level.MODERATE, "effect", f"`{name}` changes something")
    return Value(HOLE, _all_of(words))


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(("npx", "bunx", "uvx", "pnpx"), _runner),
    **dict.fromkeys(
        "pip pip3 pipx npm pnpm yarn cargo gem go brew apt apt-get dnf yum composer luarocks cpan cpanm".split(),
        _pip,
    ),
    **dict.fromkeys(
        "starship zoxide opam fnm thefuck ssh-agent dircolors lesspipe minikube docker-machine mcfly atuin oh-my-posh".split(),
        _sandbox_off,
    ),
}
