"""Commands that run others in a container, a pod or a machine of its own: one way for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from .. import call, spec, targets
from ..arguments import Arguments
from ..finding import Level
from ..paths import CONTAINER
from ..words import HOLE, UNKNOWN, Value

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command

_VERBS: dict[str, frozenset[str]] = {
    "lxc": frozenset(("exec",)),
    "incus": frozenset(("exec",)),
    "crictl": frozenset(("exec",)),
    "pct": frozenset(("exec",)),
    "machinectl": frozenset(("shell",)),
    "multipass": frozenset(("exec",)),
    "limactl": frozenset(("shell",)),
    "colima": frozenset(("ssh",)),
    "heroku": frozenset(("run", "run:detached")),
}
_CONTAINERS = frozenset(("lxc", "incus", "crictl", "pct", "machinectl"))
_NAMELESS = frozenset(("colima", "heroku"))  # only one machine is meant: the command comes at once
_TAKES = frozenset(
    "-c --command -C -a --app -n --name --env --cwd --user --group --mode --workdir --shell -E --setenv -p --profile".split()
)


def run_inside(
    machine: Machine,
    inner: list[Value],
    stdin: Value,
    *,
    stays: bool = False,
    thrown_away: bool = False,
    mounts: Mapping[str, str] = MappingProxyType({}),
    folder: Value | None = None,
) -> Value:
    """Judge a command where it has its own files: one that `stays` keeps what it destroys in, one `thrown_away` loses nothing.

    `mounts` are paths inside that are really folders of this machine; `folder` is where the command stands.
    """
    circumstances = {
        "root": False,
        "remote": True,
        "contained": stays or machine.contained,
        "isolated": thrown_away or machine.isolated,
    }
    with machine.subshell(), machine.setting(**circumstances):
        machine.state.files = {}
        machine.state.links = dict(mounts)
        machine.state.cwd = targets.place_of(machine, folder)[0] if folder is not None else CONTAINER
        return machine.call(inner, stdin)


def _entered(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """lxc exec, machinectl shell, vagrant ssh -c, multipass exec, heroku run, fly ssh console -C, gcloud compute ssh --command."""
    arguments = Arguments(words, _TAKES, stop=name not in ("vagrant", "fly", "flyctl"))
    task = arguments.rest[0].text if arguments.rest else ""
    if task in _VERBS.get(name, ()):
        return _task(machine, name, words, stdin)
    code = Arguments(words, _TAKES).value("-c", "--command", "-C")
    if code is not None:
        machine.report(Level.MODERATE, "remote", "runs on another host")
        with machine.setting(remote=True):
            machine.source(code.text, stdin, "bash")
        return UNKNOWN
    entry = spec.find(name)
    if entry is not None:
        return Value(HOLE, call.judge(machine, entry, words, stdin))
    machine.report(Level.MODERATE, "unknown", f"nothing is known about this use of `{name}`")
    return UNKNOWN


def _task(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    at = next((index for index, word in enumerate(words) if word.text == "--"), None)
    rest = Arguments(words, _TAKES, stop=True).rest
    rest = Arguments(rest[1:], _TAKES, stop=True).rest
    where = rest[0].text if rest and name not in _NAMELESS else ""
    inner = words[at + 1 :] if at is not None else rest if name in _NAMELESS else rest[1:]
    if name == "machinectl" and where == ".host":
        return machine.call(inner, stdin) if inner else UNKNOWN
    stays = name in _CONTAINERS
    machine.report(Level.MODERATE, "remote", "runs in a container" if stays else "runs on another machine")
    if not inner:
        return UNKNOWN
    if stays:
        return Value(HOLE, run_inside(machine, inner, stdin, stays=True).taint)
    with machine.setting(remote=True):
        return machine.call(inner, stdin)


def _attached(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """`lxc-attach -n NAME -- COMMAND`."""
    inner = Arguments(words, _TAKES, stop=True).rest
    machine.report(Level.MODERATE, "remote", "runs in a container")
    return Value(HOLE, run_inside(machine, inner, stdin, stays=True).taint) if inner else UNKNOWN


COMMANDS: dict[str, Command] = {
    **dict.fromkeys((*_VERBS, "vagrant", "fly", "flyctl"), _entered),
    "lxc-attach": _attached,
}
