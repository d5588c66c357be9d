"""Raw connections, copies to other hosts, names looked up: the ways data leaves and shells come in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import strangers, targets
from ..arguments import Arguments
from ..code import run_hidden
from ..finding import Level
from ..sql import looks_destructive
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value
from .syncing import _is_remote

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command


def backdoor(machine: Machine) -> None:
    machine.report(Level.CRITICAL, "backdoor", "gives another host a shell on this machine")


def _shell_reaches(machine: Machine, stdin: Value) -> None:
    if stdin.has(Taint.INTERACTIVE):
        backdoor(machine)
    elif stdin.has(Taint.SECRET):
        targets.leak(machine, EMPTY)
    elif looks_destructive(stdin.text):
        machine.report(Level.HIGH, "database", "empties or stops a service through its own protocol")
    elif stdin.text and not stdin.known:
        machine.report(Level.MODERATE, "send", "sends data to another host")


_NC_TAKES = frozenset(
    "-p -w -s -e -c -i -q -x -X -I -O -T -G --exec --sh-exec --lua-exec -m -P -o -g --proxy --source-port".split()
)


def _nc(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, _NC_TAKES)
    codes = arguments.each("-e", "-c", "--exec", "--sh-exec", "--lua-exec")
    for code in codes:
        if (
            re.search(r"(?:^|/)(?:(?:ba|z|da|k|fi|c|a)?sh|cmd(?:\.exe)?|powershell|python\d?)\b", code.text)
            or not code.known
        ):
            backdoor(machine)
        else:
            machine.source(code.text, UNKNOWN)
            machine.report(Level.HIGH, "backdoor", "lets another host start a program here")
    _shell_reaches(machine, stdin)
    for word in arguments.rest:
        if word.has(Taint.SECRET):
            targets.leak(machine, EMPTY)
    if arguments.any("-z"):
        return UNKNOWN
    if arguments.any("-l", "--listen"):
        machine.report(Level.MODERATE, "listen", "waits for a connection from the network")
    return Value(HOLE, Taint.NETWORK)


def _socat(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    operands = [
        word
        for word in words
        if (":" in word.text and word.text[:1] != "-") or word.text in ("-", "STDIO", "stdin")
    ]
    remote = any(
        re.match(r"(?i)(?:tcp|udp|openssl|ssl|sctp|tcp4|tcp6|vsock|socks)[\w-]*:", word.text)
        for word in operands
    )
    for word in operands:
        found = re.match(r"(?i)(exec|system|shell):(.*)", word.text)
        if found:
            code = found[2].strip("'\"")
            if remote and re.search(r"(?:ba|z|da|k)?sh\b|login|pty", code):
                backdoor(machine)
            machine.source(
                re.sub(r",(?:pty|stderr|setsid|sigint|sane|ctty|fork|echo=0)\b", "", code), UNKNOWN
            )
        taken = re.match(r"(?i)(file|open|gopen|creat\w*):([^,]+)", word.text)
        if taken and remote:
            targets.send(machine, Value(taken[2]))
        if taken and _receives(words, operands, word):
            targets.write(machine, Value(taken[2]), Value(HOLE, Taint.NETWORK if remote else 0))
    if remote:
        _shell_reaches(machine, stdin)
        machine.report(Level.MODERATE, "send", "connects two streams over the network")
    return Value(HOLE, Taint.NETWORK if remote else 0)


def _receives(words: list[Value], operands: list[Value], word: Value) -> bool:
    """Whether socat writes to this address: the second of `-u`, the first of `-U`, both without either."""
    if re.search(r"(?i)\A(?:file|open):.*rdonly", word.text):
        return False
    texts = [one.text for one in words]
    if "-u" in texts or "-U" in texts:
        return operands.index(word) == ("-u" in texts)
    return word.text.lower().startswith("creat") or word is operands[-1]


_SCP_TAKES = frozenset("-i -P -F -o -l -c -S -J -D -X".split())


def _scp(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, _SCP_TAKES)
    for code in arguments.each("-S", "-D"):
        run_hidden(machine, code.text, "an option of scp")
    _proxy(machine, arguments)
    if len(arguments.rest) < 2:
        machine.report(Level.MODERATE, "send", "opens a file transfer with another host")
        return UNKNOWN
    sources, target = arguments.rest[:-1], arguments.rest[-1]
    for source in sources:
        if _is_remote(target):
            targets.send(machine, source, f" (`{target.shown()}`)")
        elif _is_remote(source):
            name_of = source.text.rpartition("/")[2].rpartition(":")[2]
            where = (
                Value(f"{target.text.rstrip('/')}/{name_of}") if target.text.endswith(("/", ".")) else target
            )
            targets.write(machine, where, Value(HOLE, Taint.NETWORK))
    machine.report(Level.MODERATE, "send", "copies between hosts")
    return EMPTY


def _proxy(machine: Machine, arguments: Arguments) -> None:
    for option in arguments.each("-o"):
        key, _, value = option.text.replace("=", " ", 1).strip().partition(" ")
        if key.lower() in (
            "proxycommand",
            "localcommand",
            "knownhostscommand",
            "remotecommand",
        ) and value.strip() not in ("", "none"):
            run_hidden(machine, value.strip("\"' "), f"ssh's `{key}`")
        elif key.lower() in ("pkcs11provider", "securitykeyprovider", "xauthlocation"):
            _library(machine, value.strip("\"' "))
    for library in arguments.each("-I"):
        _library(machine, library.text)


def _library(machine: Machine, path: str) -> None:
    """Compiled code that a client is told to load; what the system installed is taken as it is."""
    if path not in ("", "none", "internal") and not path.startswith(("/usr/", "/lib", "/opt/")):
        machine.report(Level.HIGH, "load", f"loads compiled code from `{path}`")


def _lookup(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """ping, dig, host…: the name itself can carry data out, the answer can carry code in."""
    if any(word.has(Taint.SECRET) for word in words):
        targets.leak(machine, EMPTY)
    if name in ("ping", "ping6", "hping3", "fping") and any(word.text in ("-f", "--flood") for word in words):
        machine.report(Level.HIGH, "exhaust", "floods another host with packets")
    return Value(HOLE, 0 if name.startswith(("ping", "fping", "trace", "mtr", "whois")) else Taint.NETWORK)


# A line of a mail by which mailx starts a program.
_TILDE = re.compile(r"(?m)^~[!|](.+)")


def _mail(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset("-s -a -A -r -c -b --attach -S -f --exec".split()))
    for value in arguments.each("-a", "-A", "--attach"):
        targets.send(machine, value)
    if stdin.has(Taint.SECRET) or any(word.has(Taint.SECRET) for word in words):
        targets.leak(machine, EMPTY)
    for code in [*arguments.each("--exec"), *(Value(line) for line in _TILDE.findall(stdin.text))]:
        machine.source(code.text, UNKNOWN)
    machine.report(Level.MODERATE, "send", "sends mail")
    return EMPTY


def _upload(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """Clients that hand files to a service: every local operand leaves."""
    if words and words[-1].text in ("--help", "--version"):
        return UNKNOWN
    if name == "sftp":
        options = Arguments(words, _SCP_TAKES)
        _proxy(machine, options)
        for code in options.each("-S", "-D"):
            run_hidden(machine, code.text, "an option of sftp")
    strangers.judge_code(machine, words, EMPTY, short=False)
    for word in words:
        if word.text.startswith(("-", "+")) or "://" in word.text:
            continue
        if word.has(Taint.SECRET) or targets.read(machine, word, shows=False) & Taint.SECRET:
            targets.leak(machine, word)
    scripts = [stdin.text, *(one.text for one in Arguments(words, frozenset(("-e", "-c"))).each("-e", "-c"))]
    if name not in ("lftp", "sftp", "ftp", "smbclient"):
        scripts = scripts[:1]
    for line in [part for script in scripts for part in re.split(r"[\n;]", script) if part.strip()]:
        verb, _, rest = line.strip().partition(" ")
        if verb in ("rm", "mrm", "rmdir", "delete", "mdelete", "del", "deltree") and (
            rest.strip() == "/" or "*" in rest or "-r" in rest
        ):
            machine.report(Level.HIGH, "remote destroy", "deletes everything it finds on the other host")
        if verb == "mirror" and "--delete" in rest:
            machine.report(
                Level.HIGH, "remote destroy", "deletes at the target what is missing in the source"
            )
        if verb in ("put", "mput", "send", "mirror") and rest:
            targets.send(machine, Value(rest.split()[-1 if verb == "mirror" else 0]))
        elif verb.startswith("!"):
            machine.source(line.strip()[1:], UNKNOWN)
    if stdin.has(Taint.SECRET):
        targets.leak(machine, EMPTY)
    machine.report(Level.MODERATE, "send", "exchanges files with another host")
    return Value(HOLE, Taint.NETWORK)


def _openssl(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """openssl: encodings, ciphers, keys, and raw connections."""
    if not words:
        return UNKNOWN
    task = words[0].text
    arguments = Arguments(
        words[1:],
        frozenset(
            "-in -out -inkey -pass -k -K -iv -connect -keyout -days -subj -newkey -config -CA -CAkey -key -port -accept -engine".split()
        ),
    )
    if "-engine" in arguments.values or "-provider-path" in arguments.flags:
        machine.report(Level.HIGH, "load", "loads compiled code by its path")
    if task == "engine":
        for word in arguments.words:
            path = word.text.rpartition(":")[2]
            if "/" in path:
                _library(machine, path)
    source = arguments.value("-in")
    taint = stdin.taint | (
        targets.read(machine, source, shows=task not in ("x509", "req", "crl", "verify", "dgst"))
        if source is not None
        else 0
    )
    target = arguments.value("-out", "-keyout")
    if task in ("s_client", "s_server"):
        if stdin.has(Taint.INTERACTIVE):
            backdoor(machine)
        elif stdin.has(Taint.SECRET):
            targets.leak(machine, EMPTY)
        return Value(HOLE, Taint.NETWORK | (stdin.taint & Taint.INTERACTIVE))
    decodes = arguments.any("-d")
    if task == "enc" and source is not None and not decodes:
        targets.lock(machine, source)
    if (
        task in ("base64", "enc")
        and (task == "base64" or arguments.any("-base64", "-a"))
        and not arguments.any("-aes-256-cbc", "-k", "-pass")
    ):
        from .decoding import decoded, encoded
        from .output import content

        found = content(machine, source) if source is not None else stdin
        out = decoded(found, 64) if decodes else encoded(found, 64)
    else:
        out = Value(HOLE, taint | (Taint.DECODED if decodes else 0))
    if target is not None:
        targets.write(
            machine,
            target,
            Value(out.text, out.taint & ~Taint.SECRET if task == "enc" and not decodes else out.taint),
        )
    elif task in ("rsa", "pkcs12", "pkey", "ec", "pkcs8") and not arguments.any("-pubout"):
        machine.report(Level.MODERATE, "secret", "shows or rewrites a private key")
    return out


_ZTCP_TAKES = frozenset(("-d",))


def _ztcp(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """zsh's raw connection: its descriptor is in `REPLY`, or the one that `-d` asks for."""
    arguments = Arguments(words, _ZTCP_TAKES)
    if arguments.any("-c", "-L") or not arguments.rest:
        return UNKNOWN
    streams = machine.state.streams
    asked = arguments.value("-d")
    descriptor = asked.text if asked is not None else f"8{len(streams)}"  # any that nobody writes
    host = "0.0.0.0" if arguments.any("-l", "-a") else arguments.rest[0].text
    streams[descriptor] = f"/dev/tcp/{host}/{arguments.rest[-1].text}"
    machine.state.files[f"/dev/fd/{descriptor}"] = Value(HOLE, Taint.NETWORK)
    machine.state.names["REPLY"] = [Value(descriptor)]
    machine.report(Level.HIGH, "send", "opens a raw connection to another host")
    return EMPTY


COMMANDS: dict[str, Command] = {
    "ztcp": _ztcp,
    **dict.fromkeys(("nc", "ncat", "netcat", "nc.traditional", "nc.openbsd", "pwncat"), _nc),
    "socat": _socat,
    **dict.fromkeys(("scp", "pscp"), _scp),
    **dict.fromkeys(
        "ping ping6 hping3 fping dig nslookup host drill kdig dog traceroute mtr tracepath whois getent-hosts".split(),
        _lookup,
    ),
    **dict.fromkeys(("mail", "mailx", "mutt", "sendmail", "msmtp", "swaks", "s-nail"), _mail),
    **dict.fromkeys(
        (
            "ftp",
            "tftp",
            "lftp",
            "sftp",
            "ncftpput",
            "smbclient",
            "croc",
            "magic-wormhole",
            "wormhole",
            "transfer",
            "ffsend",
            "ipfs",
            "gist",
            "telnet",
            "cadaver",
            "curlftpfs",
            "termbin",
            "pastebinit",
            "ix",
            "bashupload",
            "onionshare",
        ),
        _upload,
    ),
    "openssl": _openssl,
}
