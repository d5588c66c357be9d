"""Other hosts and containers: ssh, docker, kubectl; the inner command is judged where it runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import call, spec, targets
from ..arguments import Arguments
from ..finding import Level
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value
from .sending import _proxy

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command

_SSH_TAKES = frozenset("-b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w -B -P".split())


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
    if stdin.has(Taint.SECRET):
        targets.leak(machine, EMPTY)
    rest = arguments.rest[1:]
    user = (
        arguments.rest[0].text.partition("@")[0] if arguments.rest and "@" in arguments.rest[0].text else ""
    )
    login = arguments.value("-l")
    user = login.text if login is not None else user
    machine.report(Level.MODERATE, "remote", "runs on another host")
    state = machine.state
    with machine.subshell(), machine.setting(root=user == "root", remote=True):
        machine.state.cwd = "/root" if user == "root" else "/home/user"
        machine.state.files = {}
        code = " ".join(word.text for word in rest)
        if not rest:
            if stdin.text.strip(HOLE + " \n"):
                machine.source(stdin.text, EMPTY, "bash")
            elif stdin.text and stdin.taint & (Taint.NETWORK | Taint.DECODED):
                machine.report(
                    Level.HIGH, "opaque", "runs code on another host that is not known before it runs"
                )
            return UNKNOWN
        out = machine.source(code, stdin, "bash")
    machine.state = state
    return Value(out.text if out.known else HOLE, out.taint | Taint.NETWORK)


_RUN_TAKES = frozenset(
    "-v --volume -w --workdir -e --env -p --publish --name -u --user --network --net --entrypoint --mount -l --label --env-file -m "
    "--memory --cpus --gpus --platform --restart --hostname -h --pid --ipc --cap-add --cap-drop --device --security-opt --add-host "
    "--dns --tmpfs --shm-size --log-driver --pull --userns --uts --cgroupns --stop-timeout --health-cmd --ulimit --volumes-from "
    "--expose --ip --link -a --attach --index --detach-keys --context -f --file --profile --project-name -H --host".split()
)
_GLOBAL_TAKES = frozenset(
    "-H --host -c --context --config -l --log-level -f --file -p --project-name --profile --env-file --project-directory".split()
)


def _docker(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, _GLOBAL_TAKES, stop=True)
    rest = arguments.rest
    if rest and rest[0].text in ("container", "compose") and len(rest) > 1:
        compose = rest[0].text == "compose"
        inner = Arguments(rest[1:], _GLOBAL_TAKES, stop=True).rest if compose else rest[1:]
        if inner and inner[0].text in ("exec", "run"):
            return _in_container(machine, inner[0].text, inner[1:], stdin, compose=compose)
    if rest and rest[0].text in ("exec", "run", "create") and name != "docker-machine":
        return _in_container(machine, rest[0].text, rest[1:], stdin, compose=name == "docker-compose")
    entry = spec.find("docker compose" if name == "docker-compose" else "docker")
    if entry is not None:
        if name == "docker-compose":
            words = [Value("compose"), *words]
            entry = spec.find("docker") or entry
        call.judge(machine, entry, words, stdin)
    return Value(HOLE, _listed(words))


def _listed(words: list[Value]) -> int:
    """A listing of everything (`ps -aq`, `images -q`, `volume ls -q`) names everything."""
    texts = [word.text for word in words]
    filtered = any(text.startswith(("-f", "--filter")) for text in texts)
    lists = any(
        text in ("ps", "images", "ls", "list", "get", "container", "image", "volume", "network")
        for text in texts
    )
    return Taint.EVERYTHING if lists and not filtered else 0


def _in_container(machine: Machine, verb: str, words: list[Value], stdin: Value, *, compose: bool) -> Value:
    arguments = Arguments(words, _RUN_TAKES, stop=True)
    rest = arguments.rest
    entry = arguments.value("--entrypoint")
    open_wide = _host_reach(machine, arguments)
    inner = rest[1:]
    if entry is not None:
        inner = [entry, *inner]
    if verb == "create":
        machine.report(Level.MODERATE, "execute", "makes a container")
        return UNKNOWN
    throw_away = verb == "run" and not open_wide
    machine.report(Level.MODERATE, "execute", "runs in a container")
    if not inner:
        return UNKNOWN
    state = machine.state
    with (
        machine.subshell(),
        machine.setting(root=False, remote=True, isolated=throw_away or machine.isolated),
    ):
        machine.state.cwd = "/app"
        machine.state.files = {}
        _mounted(machine, arguments)
        if verb == "exec" and not open_wide:
            with machine.setting(isolated=_harmless_inside(inner)):
                out = machine.call(inner, stdin)
        else:
            out = machine.call(inner, stdin)
    machine.state = state
    return Value(out.text if out.known else HOLE, out.taint)


def _harmless_inside(inner: list[Value]) -> bool:
    """File work inside a named container is bounded; a database inside it is real data."""
    return inner[0].text in (
        "rm",
        "find",
        "chmod",
        "chown",
        "mv",
        "cp",
        "tar",
        "apt",
        "apt-get",
        "apk",
        "pip",
        "npm",
        "touch",
    )


def _host_reach(machine: Machine, arguments: Arguments) -> bool:
    """Mounts, namespaces and rights that lead out of the container."""
    mounts = [value.text for value in arguments.each("-v", "--volume", "--mount")]
    sources = [
        re.sub(r".*?(?:source|src)=([^,]*).*", r"\1", mount) if "=" in mount else mount.partition(":")[0]
        for mount in mounts
    ]
    reach = False
    for source in sources:
        if source == "/":
            machine.report(
                Level.CRITICAL,
                "privilege",
                "gives a container the whole file system of this machine, as root",
            )
            reach = True
        elif source.startswith(
            (
                "/etc",
                "/root",
                "/var/run/docker.sock",
                "/run/docker.sock",
                "/boot",
                "/dev",
                "/usr",
                "/lib",
                "/proc",
                "/sys",
            )
        ):
            machine.report(Level.HIGH, "privilege", f"gives a container `{source}` of this machine, as root")
            reach = True
        elif source:
            reach = True
    if arguments.any("--privileged") or any(
        value.text in ("host", "ALL", "SYS_ADMIN", "all", "SYS_PTRACE", "SYS_MODULE")
        for value in arguments.each("--pid", "--ipc", "--cap-add", "--userns")
    ):
        machine.report(Level.HIGH, "privilege", "runs a container that can reach into this machine")
        reach = True
    return reach


def _mounted(machine: Machine, arguments: Arguments) -> None:
    """Paths inside the container that are really folders of this machine."""
    for value in arguments.each("-v", "--volume"):
        source, _, rest = value.text.partition(":")
        inside = rest.partition(":")[0]
        if inside:
            machine.state.links[inside.rstrip("/") or "/"] = source
    where = arguments.value("-w", "--workdir")
    if where is not None:
        machine.state.cwd = where.text


_KUBE_TAKES = frozenset(
    "-n --namespace -f --filename -l --selector -o --output --context --kubeconfig -c --container --field-selector --cluster --user -s "
    "--server --as --token --image --replicas -p --patch --type --tail --since --timeout --grace-period --cascade -k --kustomize "
    "--restart --port --dry-run --overrides --sort-by --request-timeout --as-group -L --limits --requests".split()
) - {"--dry-run", "--cascade", "--force"}


def _kubectl(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    cut = next((index for index, word in enumerate(words) if word.text == "--"), len(words))
    arguments = Arguments(words[:cut], _KUBE_TAKES)
    rest = arguments.rest
    if (rest and rest[0].text in ("exec", "rsh", "debug")) or (
        rest and rest[0].text == "run" and cut < len(words)
    ):
        machine.report(Level.MODERATE, "remote", "runs in a pod")
        inner = words[cut + 1 :] if cut < len(words) else rest[2:]
        if rest[0].text == "debug" and any(word.text.startswith("node/") for word in rest):
            machine.report(Level.HIGH, "privilege", "opens a shell on a node of the cluster")
        if inner:
            state = machine.state
            with (
                machine.subshell(),
                machine.setting(root=False, remote=True, isolated=_harmless_inside(inner)),
            ):
                machine.state.cwd = "/app"
                machine.state.files = {}
                out = machine.call(inner, stdin)
            machine.state = state
            return Value(HOLE, out.taint)
        return UNKNOWN
    entry = spec.find("kubectl")
    if entry is not None:
        call.judge(machine, entry, words, stdin)
    secret = (
        rest[:1]
        and rest[0].text == "get"
        and any("secret" in word.text for word in rest[1:])
        and arguments.any("-o", "--output")
    )
    if secret:
        machine.report(Level.MODERATE, "secret", "shows secrets of the cluster")
    return Value(HOLE, (Taint.SECRET if secret else 0) | _listed(words))


def _inner_after(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """lxc exec, vagrant ssh -c, machinectl shell, heroku run, fly ssh console -C, gcloud compute ssh --command."""
    takes = frozenset("-c --command -C -a --app".split())
    arguments = Arguments(words, takes)
    code = arguments.value("-c", "--command", "-C")
    rest = arguments.rest
    if name in ("lxc", "incus") and rest and rest[0].text == "exec":
        at = next((index for index, word in enumerate(words) if word.text == "--"), None)
        inner = words[at + 1 :] if at is not None else rest[2:]
    elif name == "heroku" and rest and rest[0].text in ("run", "run:detached"):
        inner = rest[1:]
    elif code is not None:
        with machine.setting(remote=True):
            machine.report(Level.MODERATE, "remote", "runs on another host")
            machine.source(code.text, stdin, "bash")
        return UNKNOWN
    else:
        inner = []
    if inner:
        machine.report(Level.MODERATE, "remote", "runs in another place")
        with machine.setting(remote=True):
            return machine.call(inner, stdin)
    entry = spec.find(name)
    if entry is not None:
        call.judge(machine, entry, words, stdin)
    else:
        machine.report(Level.MODERATE, "unknown", f"nothing is known about this use of `{name}`")
    return UNKNOWN


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
        elif module is not None and module.text.rpartition(".")[2] in ("reboot",):
            machine.report(Level.HIGH, "power", "restarts every host of the group")
        elif name in ("pssh", "parallel-ssh", "clush", "pdsh", "dsh", "cssh") and arguments.rest:
            machine.source(" ".join(word.text for word in arguments.rest if "@" not in word.text), UNKNOWN)
        elif (
            name in ("salt", "salt-call") and len(arguments.rest) > 2 and arguments.rest[1].text == "cmd.run"
        ):
            machine.source(arguments.rest[2].text, UNKNOWN)
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
    **dict.fromkeys(("ssh", "autossh", "mosh", "sshpass-ssh", "slogin", "dbclient"), _ssh),
    **dict.fromkeys(("docker", "podman", "nerdctl", "docker-compose", "podman-compose", "finch"), _docker),
    **dict.fromkeys(("kubectl", "oc", "k", "k3s-kubectl", "microk8s.kubectl"), _kubectl),
    **dict.fromkeys(
        (
            "lxc",
            "incus",
            "vagrant",
            "machinectl",
            "heroku",
            "fly",
            "flyctl",
            "multipass",
            "limactl",
            "colima",
        ),
        _inner_after,
    ),
    **dict.fromkeys(("ansible", "pssh", "parallel-ssh", "clush", "pdsh", "dsh", "salt", "salt-call"), _gang),
    "tmux": _tmux,
}
