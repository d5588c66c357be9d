"""Containers and pods: the inner command is judged by how far it reaches out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import call, spec
from ..arguments import Arguments
from ..finding import Level
from ..words import HOLE, UNKNOWN, Taint, Value
from .images import carry
from .inside import run_inside

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command


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
    if rest and rest[0].text == "unshare":
        return machine.call(rest[1:], stdin) if len(rest) > 1 else UNKNOWN
    if rest and rest[0].text in ("container", "compose") and len(rest) > 1:
        compose = rest[0].text == "compose"
        inner = Arguments(rest[1:], _GLOBAL_TAKES, stop=True).rest if compose else rest[1:]
        if inner and inner[0].text in ("exec", "run"):
            return _in_container(machine, inner[0].text, inner[1:], stdin, compose=compose)
    if rest and rest[0].text in ("exec", "run", "create") and name != "docker-machine":
        return _in_container(machine, rest[0].text, rest[1:], stdin, compose=name == "docker-compose")
    carried = carry(machine, rest, stdin)
    started = [word.text for word in rest]
    if "up" in started or "run" in started:
        for path, made in machine.state.files.items():
            if made.has(Taint.NETWORK) and re.search(r"/(?:docker-)?compose[\w.-]*\.ya?ml\Z", path):
                machine.report(Level.HIGH, "remote code", "starts containers that a fetched file describes")
    entry = spec.find("docker compose" if name == "docker-compose" else "docker")
    if entry is not None:
        if name == "docker-compose":
            words = [Value("compose"), *words]
            entry = spec.find("docker") or entry
        call.judge(machine, entry, words, stdin)
    return Value(HOLE, _listed(words) | carried)


def _listed(words: list[Value]) -> int:
    """A listing of everything (`ps -aq`, `images -q`, `volume ls -q`) names everything."""
    texts = [word.text for word in words]
    filtered = any(
        text.startswith(("-f", "--filter", "--field-selector", "-l", "--selector")) for text in texts
    )
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
    elif verb == "run" and inner and not compose:
        inner = _by_image(rest[0].text, inner)
    if verb == "create":
        machine.report(Level.MODERATE, "execute", "makes a container")
        return UNKNOWN
    throw_away = verb == "run" and not open_wide and not (inner and inner[0].text in _CLIENTS)
    machine.report(Level.MODERATE, "execute", "runs in a container")
    if not inner:
        return UNKNOWN
    out = run_inside(
        machine,
        inner,
        stdin,
        stays=verb == "exec" and not open_wide,
        thrown_away=throw_away,
        mounts=_mounts(arguments),
        folder=arguments.value("-w", "--workdir"),
    )
    # What a container prints comes from an image: nobody here wrote it.
    return Value(out.text if out.known else HOLE, out.taint & ~Taint.FILE)


# Programs whose work is done elsewhere: a container round them keeps nothing in.
_CLIENTS = frozenset(
    "flyway liquibase aws gcloud gsutil az kubectl oc helm helmfile terraform tofu terragrunt pulumi rclone restic psql mysql mariadb "
    "mongosh mongo redis-cli valkey-cli cqlsh clickhouse-client sqlplus sqlcmd influx etcdctl ansible ansible-playbook doctl hcloud "
    "heroku flyctl gh curl ssh s3cmd mc vault consul nomad argocd velero eksctl kops migrate dbmate alembic prisma bq snowsql".split()
)
_IMAGES = {
    "aws-cli": "aws",
    "google-cloud-cli": "gcloud",
    "cloud-sdk": "gcloud",
    "azure-cli": "az",
    "opentofu": "tofu",
    "helm-kubectl": "helm",
}


def _by_image(image: str, inner: list[Value]) -> list[Value]:
    """What an image starts by itself, when the words after its name are no command but arguments."""
    base = re.split(r"[:@]", image.rpartition("/")[2])[0]
    tool = _IMAGES.get(base, base)
    first = inner[0].text
    if (
        tool == first
        or not call.spec_or_handler(tool)
        or (first[:1] != "-" and call.spec_or_handler(first) and tool not in _CLIENTS)
    ):
        return inner
    return [Value(tool), *inner]


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


def _mounts(arguments: Arguments) -> dict[str, str]:
    """Paths inside the container that are really folders of this machine."""
    found: dict[str, str] = {}
    for value in arguments.each("-v", "--volume"):
        source, _, rest = value.text.partition(":")
        inside = rest.partition(":")[0]
        if inside:
            found[inside.rstrip("/") or "/"] = source
    return found


_KUBE_TAKES = frozenset(
    "-n --namespace -f --filename -l --selector -o --output --context --kubeconfig -c --container --field-selector --cluster --user -s "
    "--server --as --token --image --replicas -p --patch --type --tail --since --timeout --grace-period --cascade -k --kustomize "
    "--restart --port --dry-run --overrides --sort-by --request-timeout --as-group -L --limits --requests".split()
) - {"--dry-run", "--cascade", "--force"}


def _behind_pod(words: list[Value]) -> list[Value]:
    """The command after `exec POD`, its own options with it."""
    behind = Arguments(words, _KUBE_TAKES, stop=True).rest[1:]
    return Arguments(behind, _KUBE_TAKES, stop=True).rest[1:]


# What lets a pod reach into its node, and the command that it is given, in JSON.
_REACHES = re.compile(r"\"(?:hostPID|hostNetwork|hostIPC|privileged)\"\s*:\s*true|\"hostPath\"")
_COMMAND = re.compile(r"\"(?:command|args)\"\s*:\s*\[([^\]]*)\]")


def _overridden(machine: Machine, given: Value) -> None:
    """`kubectl run --overrides JSON`: a pod with the node's own namespaces or files is the node."""
    if not _REACHES.search(given.text):
        return
    machine.report(Level.HIGH, "privilege", "starts a pod that reaches into the node it runs on")
    words = [Value(one) for row in _COMMAND.findall(given.text) for one in re.findall(r"\"([^\"]*)\"", row)]
    if words:
        with machine.setting(root=True, remote=True):
            machine.call(words, UNKNOWN)


def _kubectl(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    cut = next((index for index, word in enumerate(words) if word.text == "--"), len(words))
    arguments = Arguments(words[:cut], _KUBE_TAKES)
    rest = arguments.rest
    for overrides in arguments.each("--overrides"):
        _overridden(machine, overrides)
    if (rest and rest[0].text in ("exec", "rsh", "debug")) or (
        rest and rest[0].text == "run" and cut < len(words)
    ):
        machine.report(Level.MODERATE, "remote", "runs in a pod")
        inner = words[cut + 1 :] if cut < len(words) else _behind_pod(words)
        if rest[0].text == "debug" and any(word.text.startswith("node/") for word in rest):
            machine.report(Level.HIGH, "privilege", "opens a shell on a node of the cluster")
        if inner:
            node = rest[0].text == "debug" and any(word.text.startswith("node/") for word in rest)
            fresh = rest[0].text == "run" and inner[0].text not in _CLIENTS
            out = run_inside(machine, inner, stdin, stays=not node, thrown_away=fresh)
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
    if [word.text for word in rest[:2]] == ["config", "view"] and arguments.any("--raw", "--flatten"):
        machine.report(Level.MODERATE, "secret", "shows the keys to the cluster")
        secret = True
    return Value(HOLE, (Taint.SECRET if secret else 0) | _listed(words))


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(("docker", "podman", "nerdctl", "docker-compose", "podman-compose", "finch"), _docker),
    **dict.fromkeys(("kubectl", "oc", "k", "k3s-kubectl", "microk8s.kubectl"), _kubectl),
}
