"""What is said to a router, a switch or a firewall over ssh counts in the appliance's own language."""

from __future__ import annotations

import pytest

from ingle.shell.verdict import Level, analyse

pytestmark = pytest.mark.slow

RESETS = (
    "/system reset-configuration no-defaults=yes",
    "/system/reset-configuration",
    "system reset-configuration",
    "/system reboot",
    "/ip firewall filter remove [find]",
    "/file remove [find]",
    "/user remove [find]",
    "/ip address remove 0",
    "/interface disable ether1",
    "write erase",
    "erase startup-config",
    "erase nvram:",
    "format flash:",
    "delete /force /recursive flash:",
    "delete flash:vlan.dat",
    "reload in 5",
    "reload",
    "request system zeroize",
    "request system reboot",
    "request system private-data-reset",
    "request shutdown system",
    "execute factoryreset",
    "execute reboot",
    "execute formatlogdisk",
    "set-default",
    "syswrapper.sh restore-default",
    "racadm racresetcfg",
    "racadm systemerase",
    "esxcli system shutdown poweroff -r x",
    "vim-cmd vmsvc/destroy 12",
    "firstboot -y",
    "jffs2reset -y",
    "sysupgrade -n /tmp/fw.bin",
    "clear config all",
    "factory-reset all",
    "halt",
)


@pytest.mark.parametrize("said", RESETS)
@pytest.mark.parametrize(
    "form", ["ssh admin@box '{}'", "ssh -p 2222 admin@box {}", "sshpass -p x ssh admin@box '{}'"]
)
def test_a_reset_a_removal_or_a_restart_of_an_appliance_is_high(form: str, said: str) -> None:
    said = said if "'" in form else said.replace("[", "\\[")
    assert analyse(form.format(said)).level >= Level.HIGH


@pytest.mark.parametrize("said", ["write erase", "/system reset-configuration", "request system zeroize"])
def test_what_is_fed_to_a_session_counts_like_an_argument(said: str) -> None:
    assert analyse(f"ssh admin@box <<'E'\n{said}\nE").level >= Level.HIGH
    assert analyse(f"echo '{said}' | ssh admin@box").level >= Level.HIGH


@pytest.mark.parametrize(
    "said",
    [
        "/ip address print",
        "/export",
        "/system resource print",
        "show running-config",
        "show version",
        "show interfaces status",
        "get system status",
        "display version",
        "write memory",
        "copy running-config startup-config",
        "/interface print",
    ],
)
def test_what_an_appliance_is_asked_is_at_most_moderate(said: str) -> None:
    assert analyse(f"ssh admin@box '{said}'").level <= Level.MODERATE


@pytest.mark.parametrize("command", ["write user tty1", "reload", "show x", "request x", "set-default x"])
def test_the_same_words_are_programs_of_this_machine_without_ssh(command: str) -> None:
    assert analyse(command).level is Level.MODERATE
