"""Other hosts and terminals: the inner command is judged where it runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import appliances, targets
from ..arguments import Arguments
from ..code import run_text
from ..finding import Level
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value
from .orchestrating import judge_module, judge_state
from .sending import _proxy

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command


_SSH_TAKES = frozenset(
    "-b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w -B -P -pw -pwfile -hostkey".split()
)


def _ssh(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, _SSH_TAKES, stop=True)
    _proxy(machine, arguments)
    if arguments.any("-V", "-Q", "-G") and not arguments.rest[1:]:
        return UNKNOWN
    for forward in arguments.each("-R"):
        shell = (
            re.search(r":(?:localhost|127\.0\.0\.1|\[?::1\]?):22\Z", forward.text) or ":" not in forward.text
        )
        machine.report(
            Level.CRITICAL if shell else Level.HIGH,
            "backdoor",
            "opens a way from another host into this machine",
        )
    if stdin.has(Taint.SECRET) or any(word.has(Taint.PRIVATE) for word in words):
        targets.leak(machine, EMPTY)
    rest = arguments.rest[1:]
    user = (
        arguments.rest[0].text.partition("@")[0] if arguments.rest and "@" in arguments.rest[0].text else ""
    )
    login = arguments.value("-l")
    user = login.text if login is not None else user
    if words and words[0].text == "-T" and not rest and stdin is EMPTY and user == "git":
        return UNKNOWN  # a forge says who you are, and closes
    machine.report(Level.MODERATE, "remote", "runs on another host")
    state = machine.state
    with machine.subshell(), machine.setting(root=user == "root", remote=True):
        machine.state.cwd = "/root" if user == "root" else "/home/user"
        machine.state.files = {}
        code = " ".join(word.text for word in rest)
        if not rest:
            if stdin.text:
                appliances.judge(machine, stdin.text)
                run_text(machine, stdin, "bash", [])
            return UNKNOWN
        appliances.judge(machine, code)
        out = machine.source(code, stdin, "bash")
    machine.state = state
    return Value(out.text if out.known else HOLE, out.taint | Taint.NETWORK)


_GANG_TAKES = frozenset("-h -H -w -g -f -m -l -u -t -x -p -o -e --hosts --host --user --timeout".split())
"""Options with a value of pssh, clush, pdsh and dsh; what stands behind the last is the command."""


def _gang(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """ansible -a, pssh, clush, salt: one command on many hosts."""
    arguments = Arguments(
        words,
        frozenset(
            "-m --module-name -a --args -i --inventory -u --user -l --limit -h -H -w -g -f -t -e --extra-vars --tags".split()
        ),
    )
    code = arguments.value("-a", "--args")
    module = arguments.value("-m", "--module-name")
    if module is not None and module.text.rpartition(".")[2] not in (
        "ping",
        "setup",
        "debug",
        "gather_facts",
        "stat",
    ):
        machine.report(Level.MODERATE, "remote", "runs on other hosts")
    if arguments.any("--list-hosts", "-C", "--check", "--version"):
        return UNKNOWN
    if module is None:
        machine.report(Level.MODERATE, "remote", "runs on other hosts")
    with machine.setting(remote=True, root=arguments.any("-b", "--become")):
        if code is not None and (
            module is None
            or module.text in ("shell", "command", "raw", "ansible.builtin.shell", "ansible.builtin.command")
        ):
            machine.source(code.text, UNKNOWN)
        elif module is not None:
            judge_module(machine, module.text.rpartition(".")[2], code.text if code is not None else "")
        elif name in ("pssh", "parallel-ssh", "clush", "pdsh", "dsh", "cssh") and arguments.rest:
            told = Arguments(words, _GANG_TAKES, stop=True).rest
            machine.source(" ".join(word.text for word in told if "@" not in word.text), UNKNOWN)
        elif name in ("salt", "salt-call", "salt-ssh"):
            judge_state(machine, arguments.rest[0 if name == "salt-call" else 1 :])
    return UNKNOWN


def _tmux(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """tmux: panes that run a command, keys that are typed, sessions that end."""
    arguments = Arguments(words, frozenset("-L -S -f -c -n -s -t -x -y -e -F -T".split()), stop=True)
    rest = arguments.rest
    task = rest[0].text if rest else ""
    inner = Arguments(rest[1:], frozenset("-c -n -s -t -x -y -e -F -l -p".split()), stop=True)
    if task in (
        "new",
        "new-session",
        "new-window",
        "neww",
        "split-window",
        "splitw",
        "run-shell",
        "run",
        "respawn-pane",
        "popup",
        "display-popup",
        "if-shell",
        "pipe-pane",
    ):
        code = " ".join(word.text for word in inner.rest)
        return machine.source(code, UNKNOWN) if code else UNKNOWN
    if task in ("send-keys", "send"):
        keys = " ".join(
            word.text for word in inner.rest if word.text not in ("Enter", "C-m", "C-c", "Escape")
        )
        machine.source(keys, UNKNOWN)
        machine.report(Level.MODERATE, "execute", "types into another terminal")
    elif task == "kill-server":
        machine.report(Level.MODERATE, "kill", "ends every session of tmux")
    elif task.startswith("kill"):
        machine.report(Level.MODERATE, "kill", "ends a session of tmux")
    elif task in ("source-file", "source"):
        machine.report(Level.MODERATE, "execute", "runs commands from a file")
    return UNKNOWN


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(("ssh", "autossh", "mosh", "slogin", "dbclient", "rsh", "rexec", "plink"), _ssh),
    **dict.fromkeys(
        ("ansible", "pssh", "parallel-ssh", "clush", "pdsh", "dsh", "salt", "salt-call", "salt-ssh"), _gang
    ),
    "tmux": _tmux,
}
