"""What Ansible's modules and Salt's functions do on the hosts they reach."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import targets
from ..finding import Level
from ..words import UNKNOWN, Value
from .modes import judge_mode

if TYPE_CHECKING:
    from ..machine import Machine

_PAIR = re.compile(r"""\b(\w{1,40})=("[^"]*"|'[^']*'|\S+)""")
_YES = frozenset(("yes", "true", "True", "1", "on"))
_CODE = frozenset(("shell", "command", "raw", "win_shell", "win_command", "expect"))
_FILES = frozenset(
    "copy template get_url lineinfile blockinfile replace unarchive synchronize ini_file xml assemble patch".split()
)
_GRAVE = frozenset(
    "user group authorized_key cron sysctl iptables firewalld ufw selinux hostname kernel_blacklist pam_limits sudoers at "
    "win_user win_group seboolean systemd_service_mask lvg lvol zfs grub rhsm_release".split()
)
_DISKS = frozenset(("filesystem", "parted", "luks_device", "mdadm"))


def judge_module(machine: Machine, module: str, text: str) -> None:
    """`ansible -m MODULE -a 'key=value …'`."""
    given = {key: value.strip("\"'") for key, value in _PAIR.findall(text)}
    path = Value(given.get("path") or given.get("dest") or given.get("name") or "")
    gone = given.get("state") == "absent"
    if module in _CODE:
        machine.source(text, UNKNOWN)
    elif module == "file" and path.text:
        if gone:
            targets.delete(machine, path, tree=True)
        elif "mode" in given:
            judge_mode(machine, given["mode"], path, recursive=given.get("recurse") in _YES)
        elif "owner" in given:
            recursive = [Value("-R")] if given.get("recurse") in _YES else []
            machine.call([Value("chown"), *recursive, Value(given["owner"]), path])
    elif module in _FILES and path.text:
        targets.write(machine, path, UNKNOWN)
    elif module in ("reboot", "win_reboot"):
        machine.report(Level.HIGH, "power", "restarts every host of the group")
    elif module in _DISKS:
        device = given.get("dev") or given.get("device") or ""
        targets.write(machine, Value(device), UNKNOWN)
    elif module in ("service", "systemd", "systemd_service") and given.get("state") in (
        "stopped",
        "restarted",
    ):
        verb = "stop" if given["state"] == "stopped" else "restart"
        machine.call([Value("systemctl"), Value(verb), Value(given.get("name", ""))])
    elif module in ("apt", "yum", "dnf", "package", "pip", "apk", "zypper", "pacman") and gone:
        tool = "apt" if module == "package" else module
        machine.call([Value(tool), Value("remove"), Value(given.get("name", ""))])
    elif module in _GRAVE:
        machine.report(
            Level.HIGH, "effect", f"changes accounts, disks, jobs or the firewall of every host (`{module}`)"
        )


def judge_state(machine: Machine, words: list[Value]) -> None:
    """`salt TARGET FUNCTION ARGUMENTS…`."""
    if not words:
        return
    function, rest = words[0].text, words[1:]
    if function in ("cmd.run", "cmd.shell", "cmd.run_all", "cmd.exec_code") and rest:
        machine.source(rest[0].text, UNKNOWN)
    elif function in ("file.remove", "file.rmdir", "file.delete"):
        for word in rest:
            targets.delete(machine, word, tree=True)
    elif re.fullmatch(r"system\.(?:reboot|shutdown|poweroff|halt|init)", function):
        machine.report(Level.HIGH, "power", "restarts or stops every host of the group")
    elif re.fullmatch(
        r"(?:user|group|shadow|cron|iptables|firewalld|disk|lvm|partition|key)\.(?!list|get|info|usage|blkid)\w+",
        function,
    ):
        machine.report(
            Level.HIGH,
            "effect",
            f"changes accounts, disks, jobs or the firewall of every host (`{function}`)",
        )
    elif function in ("service.stop", "pkg.remove", "pkg.purge") and rest:
        verbs = {"service.stop": "systemctl stop", "pkg.remove": "apt remove", "pkg.purge": "apt purge"}
        machine.call([*(Value(word) for word in verbs[function].split()), rest[0]])
