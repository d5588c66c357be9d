"""Ordinary tools that can run code: editors, debuggers, build tools, schedulers, terminals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import call, spec, targets
from ..arguments import Arguments
from ..code import run_file, run_hidden, run_text
from ..finding import Level
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command


def _vim(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset("-c --cmd -S -u -s -i -w -W -p --startuptime".split()) - {"-p"})
    codes = arguments.each("-c", "--cmd") + [
        Value(word.text[1:]) for word in words if word.text.startswith("+") and len(word.text) > 1
    ]
    for code in codes:
        _ex(machine, code)
    for script in arguments.each("-S", "-u"):
        if script.text not in ("NONE", "NORC", "DEFAULTS"):
            machine.report(Level.MODERATE, "execute", f"runs the script `{script.shown()}`")
    if name.startswith(("ex", "ed")) and stdin.text:
        _ex(machine, stdin)
    if machine.privileged:
        machine.report(Level.MODERATE, "write", "edits with administrator rights")
        for word in arguments.rest:
            _, place = targets.place_of(machine, word)
            if targets.WRITE.get(place, Level.SAFE) >= Level.HIGH:
                machine.report(Level.HIGH, "write", f"edits a system file: `{word.shown()}`")
    return EMPTY


def _ex(machine: Machine, code: Value) -> None:
    for line in re.split(r"\n|(?<!\\)\|(?![|])", code.text):
        text = line.strip().lstrip(":")
        shell = re.match(r"(?:silent!? ?|sil!? )?(?:%|\d*|r(?:ead)? ?|w(?:rite)? ?)?!+\s*(.+)", text)
        if shell:
            run_hidden(machine, shell[1], "an editor's command")
        elif found := re.match(
            r"(?:call |echo |let \w+ ?= ?)?(?:system|systemlist|jobstart|termopen|job_start)\((['\"])(.*)\1",
            text,
        ):
            machine.source(found[2], UNKNOWN)
        elif re.match(r"(?:py(?:thon)?3?|pyx|lua|ruby|perl)\b", text):
            word, _, body = text.partition(" ")
            if word == "lua":
                found = re.search(r"os\.execute\(['\"](.*?)['\"]\)", body)
                machine.source(found[1], UNKNOWN) if found else None
            else:
                run_text(machine, Value(body), "python", [])
        elif re.match(r"(?:terminal|term|te)\b ?(.+)", text):
            machine.source(text.partition(" ")[2].lstrip("+ "), UNKNOWN)
        elif re.match(r"(?:w|wq|x|wa|wqa|write|sav|saveas)\b!? ?(\S*)", text) and len(text.split()) > 1:
            targets.write(machine, Value(text.split()[1]), UNKNOWN)
        elif re.match(r"(?:x|w|wq|wa|wqa|xa)!?\Z", text):
            machine.report(Level.MODERATE, "write", "edits the named file")
        elif re.match(r"(?:sh|shell)\b", text) and machine.root:
            machine.report(Level.HIGH, "privilege", "opens a shell with administrator rights")


def _emacs(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    for code in Arguments(
        words, frozenset("--eval -eval --execute -l --load -f --funcall --script".split())
    ).each("--eval", "-eval", "--execute"):
        found = re.findall(
            r'\((?:shell-command(?:-to-string)?|async-shell-command|call-process-shell-command|start-process-shell-command)[^"]*"((?:[^"\\]|\\.)*)"',
            code.text,
        )
        for text in found:
            machine.source(text, UNKNOWN)
        deleted = re.findall(r'\(delete-(?:file|directory)\s+"([^"]*)"(\s+t)?', code.text)
        for path, tree in deleted:
            targets.delete(machine, Value(path), tree=bool(tree))
        if not found and not deleted and not re.match(r"\s*\((?:message|print|princ|\+|-|\*)", code.text):
            machine.report(Level.MODERATE, "execute", "runs Emacs Lisp")
    return EMPTY


def _debugger(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(
        words,
        frozenset("-ex -iex -x -eval-command --eval-command -o -O -s -p -pid --one-line --source -k".split()),
    )
    ran = False
    for code in arguments.each(
        "-ex", "-iex", "-eval-command", "--eval-command", "-o", "-O", "--one-line", "-k"
    ):
        text = code.text.strip()
        found = re.match(r"(?:shell|!|platform shell|make)\s*(.*)", text)
        if found:
            ran = True
            machine.source(found[1] or "sh", UNKNOWN)
        elif re.match(r"(?:py(?:thon)?|script)\s+(.+)", text):
            ran = True
            run_text(machine, Value(text.partition(" ")[2]), "python", [])
        elif re.match(r"(?:call|print|p|expr)\b.*(?:system|execve?|setuid|popen)\s*\(", text):
            ran = True
            machine.report(Level.HIGH, "execute", "runs code inside another process")
    if ran:
        machine.report(Level.HIGH, "execute", "runs commands through a debugger")
    elif arguments.any("-p", "-pid", "--pid"):
        machine.report(Level.MODERATE, "execute", "stops a process to look inside it")
    else:
        machine.report(Level.MODERATE, "execute", "runs a program under a debugger")
    return UNKNOWN


_MAKE_TAKES = frozenset("-f --file --makefile -C --directory -j --jobs -I -o -W -l --eval -E".split()) - {
    "-j"
}


def _make(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, _MAKE_TAKES)
    for code in arguments.each("--eval", "-E"):
        for part in re.findall(r"\$\(shell (.*?)\)\s*(?:$|\n)|(?:^|\n)\t(.+)|:\s*;\s*(.+)", code.text):
            machine.source("".join(part), UNKNOWN)
        if not re.search(r"\$\(shell|\t|;", code.text):
            machine.report(Level.HIGH, "opaque", "runs rules written on the command line")
    file = arguments.value("-f", "--file", "--makefile")
    if file is not None and (file.text == "-" or "/dev/fd" in file.text):
        made = stdin if file.text == "-" else machine.state.files.get(file.text, UNKNOWN)
        _makefile(machine, made)
    if arguments.any("-n", "--dry-run", "--just-print", "-q", "--question", "-p", "--version"):
        return UNKNOWN
    where, _ = targets.place_of(machine, arguments.value("-C", "--directory") or Value("."))
    if any(where == top or where.startswith(top + "/") for top in machine.state.fetched):
        _fetched_code(machine)
    assigned = [word for word in arguments.rest if re.match(r"(?:SHELL|MAKESHELL|CC|CXX)=", word.text)]
    for word in assigned:
        value = word.text.partition("=")[2]
        if value.startswith(("/tmp", "./", "/dev/shm")) or " -c" in value:
            machine.source(value, UNKNOWN)
            machine.report(Level.HIGH, "execute", "makes the build run another program")
    goals = [word.text for word in arguments.rest if "=" not in word.text]
    _goals(machine, goals, name)
    return UNKNOWN


def _goals(machine: Machine, goals: list[str], name: str) -> None:
    for goal in goals:
        if re.search(r"(?:^|[-_:])(?:nuke|destroy|wipe|drop|purge|teardown)(?:[-_:]|\Z)", goal):
            machine.report(Level.HIGH, "execute", f"the goal `{goal}` says that it destroys")
        elif re.search(
            r"clean|install|deploy|release|publish|reset|uninstall|push|upgrade|prune|migrate|start|run|serve|up\b|down\b",
            goal,
        ):
            root = machine.privileged and "install" in goal
            machine.report(
                Level.MODERATE,
                "execute",
                f"the goal `{goal}` changes files or systems" + (" as root" if root else ""),
            )


def _fetched_code(machine: Machine) -> None:
    machine.report(
        Level.CRITICAL if machine.root else Level.HIGH,
        "remote code",
        "builds or runs code that was fetched on the same line",
        safer="read what was fetched before it is run",
    )


def _makefile(machine: Machine, made: Value) -> None:
    if made.has(Taint.NETWORK):
        _fetched_code(machine)
    elif not made.known:
        machine.report(Level.HIGH, "opaque", "runs rules that are not known before they run")
    for line in re.findall(r"(?m)^\t@?-?(.+)|^[\w.-]+:[^=\n]*;\s*(.+)", made.text):
        machine.source("".join(line), UNKNOWN)


def _crontab(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset(("-u",)))
    if arguments.any("-l", "-V", "-T"):
        return Value(HOLE, 0)
    if arguments.any("-r"):
        machine.report(
            Level.HIGH, "delete", "deletes every scheduled job of the user", safer="crontab -l > backup first"
        )
    elif arguments.any("-e") and not arguments.rest:
        machine.report(Level.MODERATE, "persist", "edits scheduled jobs")
    else:
        machine.report(Level.HIGH, "persist", "replaces the jobs that run on a schedule, without you")
        made = (
            stdin
            if not arguments.rest or arguments.rest[0].text == "-"
            else machine.state.files.get(targets.place_of(machine, arguments.rest[0])[0], EMPTY)
        )
        for line in made.text.splitlines():
            found = re.match(r"\s*(?:@\w+|(?:\S+\s+){5})\s*(.+)", line)
            if found and not line.lstrip().startswith("#") and HOLE not in line[:1]:
                machine.source(found[1], UNKNOWN)
    return EMPTY


def _at(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    if name in ("atq",) or any(word.text in ("-l", "-c") for word in words):
        return UNKNOWN
    if name == "atrm" or any(word.text in ("-r", "-d") for word in words):
        machine.report(Level.MODERATE, "delete", "deletes a job that waits")
        return EMPTY
    if stdin.text:
        run_text(machine, stdin, "bash", [])
        machine.report(Level.HIGH, "persist", "runs later, without you")
    else:
        machine.report(
            Level.HIGH if any(word.text == "-f" for word in words) else Level.MODERATE,
            "persist",
            "runs a script later, without you",
        )
    return EMPTY


def _pager(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """man, info, git-like tools with `-P PAGER` or a file to print."""
    arguments = Arguments(
        words, frozenset("-P --pager -H --html -C -M -S -s -e -E -L -m -p -r -T -X --preprocessor".split())
    )
    for code in arguments.each("-P", "--pager", "-H", "--html", "-p"):
        run_hidden(machine, code.text, "an option of man")
    return UNKNOWN


def _fzf(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(
        words,
        frozenset(
            "--preview --bind -q --query --prompt -d --delimiter --with-nth -n --nth --header --height --preview-window".split()
        ),
    )
    for code in arguments.each("--preview"):
        machine.source(re.sub(r"\{[^}]*\}", "item", code.text), UNKNOWN)
    for bind in arguments.each("--bind"):
        for found in re.findall(r"(?:execute|execute-silent|become|reload)\(([^)]*)\)", bind.text):
            machine.source(re.sub(r"\{[^}]*\}", "item", found), UNKNOWN)
    return Value(HOLE, stdin.taint & ~Taint.EVERYTHING)


def _expect(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    for code in Arguments(words, frozenset(("-c",))).each("-c"):
        for found in re.findall(r"(?:spawn|system|exec)\s+([^;\n]+)", code.text):
            machine.source(found, UNKNOWN)
    if words and not words[0].text.startswith("-"):
        return run_file(machine, words[0], "other", words, stdin)
    return UNKNOWN


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
    if rest and call.spec_or_handler(rest[0].text) and rest[0].text not in ("sh", "bash"):
        return machine.call(rest, stdin)
    if rest:
        tool = rest[0].text.partition("@")[0] or rest[0].text
        entry = spec.find(tool)
        if entry is not None:
            call.judge(machine, entry, rest[1:], stdin)
        else:
            machine.report(Level.MODERATE, "execute", f"runs the package `{rest[0].shown()}`")
    return UNKNOWN


def _pip(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """Package installers: where the code comes from decides."""
    if name == "uv" and words and words[0].text == "pip":
        words = words[1:]
    if words and words[0].text in ("shellenv", "--repository-env"):
        return EMPTY
    entry = spec.find("pip" if name.startswith("pip") and name != "pipx" else name)
    arguments = Arguments(words, entry.takes if entry else frozenset())
    installs = bool(arguments.rest) and arguments.rest[0].text in (
        "install",
        "add",
        "i",
        "get",
        "download",
        "tap",
        "-i",
        "-U",
        "build",
        "upgrade",
        "exec",
        "x",
        "dlx",
        "create",
        "run",
    )
    level = Level.CRITICAL if machine.root else Level.HIGH
    if installs and not arguments.any("--dry-run"):
        operands = [
            *arguments.rest[1:],
            *arguments.each("-r", "-e", "--git", "--path", "-c", "--editable", "--requirement"),
        ]
        for word in operands:
            if re.match(
                r"(?:git\+|https?://|git://|ssh://|git@|hg\+|svn\+|ftp:|github:)|\S+\s*@\s*(?:git\+|https?:)",
                word.text,
            ):
                machine.report(
                    level,
                    "remote code",
                    "installs and runs code straight from an address",
                    safer="name a released version from the registry",
                )
            elif word.has(Taint.NETWORK):
                machine.report(level, "remote code", "installs what the network names")
        for index in (
            arguments.each(
                "-i", "--index-url", "--extra-index-url", "--registry", "--source", "-s", "-f", "--find-links"
            )
            if name != "npm"
            else arguments.each("--registry")
        ):
            if "://" in index.text and name not in ("apt",) and not re.match(r"https://", index.text):
                machine.report(Level.HIGH, "remote code", "takes packages from another place, unprotected")
        for trusted in arguments.each("--trusted-host"):
            machine.report(
                Level.HIGH,
                "remote code",
                f"takes packages from `{trusted.shown()}` without checking who it is",
            )
    if entry is not None:
        call.judge(machine, entry, words, stdin)
    return Value(HOLE, _all_of(words))


def _all_of(words: list[Value]) -> int:
    texts = [word.text for word in words]
    return (
        Taint.EVERYTHING
        if any(text in ("list", "freeze", "ls", "leaves", "-Qq", "-qa", "-l", "-Q", "-Qqe") for text in texts)
        else 0
    )


def _sandbox_off(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """Known printers of shell settings: `brew shellenv`, `direnv hook`, `… completion`: trusted text for eval."""
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


def _terminal(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """Terminals that run a command, and servers that put a shell on the network."""
    if name in ("ttyd", "gotty", "wetty", "shellinabox", "sshx", "tmate", "upterm"):
        shell = any(re.search(r"(?:ba|z|fi)?sh\Z|login|tmux", word.text) for word in words) or name in (
            "sshx",
            "tmate",
            "upterm",
        )
        machine.report(
            Level.HIGH if shell else Level.MODERATE,
            "backdoor",
            "puts a terminal of this machine on the network",
        )
        return UNKNOWN
    at = next(
        (
            index
            for index, word in enumerate(words)
            if word.text in ("-e", "-x", "--", "--command", "--execute")
        ),
        None,
    )
    if at is not None and at + 1 < len(words):
        machine.source(" ".join(word.text for word in words[at + 1 :]), UNKNOWN)
    return UNKNOWN


def _systemctl(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    entry = spec.find("systemctl")
    if entry is not None:
        call.judge(machine, entry, words, stdin)
    return Value(HOLE, 0)


def _history_files(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    return Value(HOLE, Taint.SECRET)


def _gpg(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """gpg: keys that go, files that are locked, secrets that are shown."""
    arguments = Arguments(
        words,
        frozenset(
            "-r --recipient -o --output -u --local-user --passphrase --passphrase-file --homedir --keyserver --cipher-algo --passphrase-fd -k --key --pinentry-mode --batch-size --trust-model".split()
        ),
    )
    target = arguments.value("-o", "--output")
    if arguments.any("--delete-secret-keys", "--delete-secret-key", "--delete-secret-and-public-key"):
        machine.report(
            Level.HIGH,
            "delete",
            "deletes private keys: what was encrypted to them is lost",
            safer="export them first",
        )
    elif arguments.any("--export-secret-keys", "--export-secret-subkeys"):
        machine.report(Level.MODERATE, "secret", "shows private keys")
        if target is not None:
            targets.write(machine, target, Value(HOLE, Taint.SECRET))
        return Value(HOLE, Taint.SECRET)
    elif arguments.any(
        "-k",
        "--list-keys",
        "-K",
        "--list-secret-keys",
        "--verify",
        "--fingerprint",
        "--version",
        "--list-packets",
        "--export",
        "--with-colons",
    ):
        return Value(HOLE, 0)
    taint = stdin.taint
    for word in arguments.rest:
        taint |= targets.read(machine, word, shows=False)
    decrypts = arguments.any("-d", "--decrypt")
    taint |= Taint.DECODED if decrypts else 0
    if target is not None:
        targets.write(machine, target, Value(HOLE, taint))
    elif not decrypts:
        machine.report(Level.MODERATE, "write", "writes encrypted files, signatures or keys")
    return Value(
        HOLE, taint & ~Taint.SECRET if arguments.any("-c", "-e", "--symmetric", "--encrypt") else taint
    )


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(
        "vim vi nvim ex view vimdiff nano pico micro emacsclient-vi joe kak helix hx ed".split(), _vim
    ),
    **dict.fromkeys(("emacs", "emacsclient"), _emacs),
    **dict.fromkeys(("gdb", "lldb", "cgdb", "jdb", "pdb"), _debugger),
    **dict.fromkeys(
        ("make", "gmake", "just", "ninja", "task", "mage", "rake", "invoke", "nox", "tox"), _make
    ),
    "crontab": _crontab,
    **dict.fromkeys(("at", "batch", "atq", "atrm"), _at),
    **dict.fromkeys(("man", "info", "apropos", "whatis", "tldr", "pinfo"), _pager),
    **dict.fromkeys(("fzf", "sk"), _fzf),
    "expect": _expect,
    **dict.fromkeys(("npx", "bunx", "uvx", "pnpx"), _runner),
    **dict.fromkeys(
        "pip pip3 pipx npm pnpm yarn cargo gem go brew apt apt-get dnf yum composer luarocks cpan cpanm".split(),
        _pip,
    ),
    **dict.fromkeys(
        "direnv starship zoxide opam pyenv-init rbenv-init fnm thefuck ssh-agent dircolors lesspipe minikube docker-machine mcfly atuin mise-activate conda-hook oh-my-posh".split(),
        _sandbox_off,
    ),
    **dict.fromkeys(
        "xterm gnome-terminal konsole alacritty kitty wezterm foot urxvt xfce4-terminal terminator x-terminal-emulator open-terminal ttyd gotty wetty shellinabox sshx tmate upterm".split(),
        _terminal,
    ),
    "systemctl": _systemctl,
    **dict.fromkeys(("gpg", "gpg2"), _gpg),
}
