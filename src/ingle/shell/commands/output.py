"""Pure models of the commands that print or rewrite text, so that what they produce can be analysed."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from typing import TYPE_CHECKING

from .. import targets
from ..arguments import Arguments
from ..limits import MAX_TEXT
from ..scan import ansi
from ..words import EMPTY, HOLE, STAR, UNKNOWN, Taint, Value, show

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command

_FORMAT = re.compile(r"%(?:%|[-+ #0]*(?:\*|\d+)?(?:\.\d+)?([bcdiouxXeEfFgGsq])|\([^)]*\)T)")
_SET = {
    "[:upper:]": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "[:lower:]": "abcdefghijklmnopqrstuvwxyz",
    "[:digit:]": "0123456789",
    "[:space:]": " \t\n\r\f\v",
    "[:alpha:]": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
}


def _mixed(words: list[Value]) -> int:
    taint = 0
    for word in words:
        taint |= word.taint
    return taint


def _echo(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    newline, escapes, at = "\n", machine.shell in ("sh", "zsh"), 0
    while at < len(words) and re.fullmatch(r"-[neE]+", words[at].text):
        newline = "" if "n" in words[at].text else newline
        escapes = "e" in words[at].text or (escapes and "E" not in words[at].text)
        at += 1
    text = " ".join(word.text for word in words[at:])
    if escapes and "\\" in text:
        text = ansi(re.sub(r"\\0([0-7]{1,3})", r"\\\1", text))
    return Value(text + newline, _mixed(words))


def _print(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """zsh's `print`: its options end at the first word that is none."""
    at = 0
    while at < len(words) and re.fullmatch(r"-[a-zA-Z]+|--|-", words[at].text):
        at += 1
        if words[at - 1].text in ("--", "-"):
            break
    return _echo(machine, "echo", words[at:], stdin)


def _printf(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    variable = None
    if len(words) > 2 and words[0].text == "-v":
        variable, words = words[1].text, words[2:]
    if words and words[0].text == "--":
        words = words[1:]
    if not words:
        return EMPTY
    shape = ansi(re.sub(r"\\0([0-7]{1,3})", r"\\\1", words[0].text))
    found = Value(_formatted(shape, words[1:]), _mixed(words))
    if variable is not None:
        machine.assign(variable, found)
        return EMPTY
    return found


def _formatted(shape: str, words: list[Value]) -> str:
    if not words and "%" not in shape:
        return shape
    queue = [word.text for word in words]
    made: list[str] = []

    def fill(match: re.Match[str]) -> str:
        if match.group() == "%%":
            return "%"
        text = queue.pop(0) if queue else ""
        kind = match.group(1)
        if kind == "b":
            return ansi(text)
        if kind == "c":
            return text[:1]
        if kind in ("x", "X", "o", "d", "i") and re.fullmatch(r"-?\d+", text):
            return format(int(text), {"i": "d"}.get(kind, kind))
        return text

    while len(made) < 64:
        before = len(queue)
        made.append(_FORMAT.sub(fill, shape))
        if not queue or len(queue) == before:
            break
    return "".join(made)[:MAX_TEXT]


def content(machine: Machine, word: Value) -> Value:
    """What a file holds: what this line wrote there, or a hole with the taint of the place."""
    if word.text in ("-", "/dev/stdin"):
        return EMPTY
    path, _ = targets.place_of(machine, word)
    made = machine.state.files.get(path)
    return made if made is not None else Value(HOLE, targets.read(machine, word))


def _gather(machine: Machine, operands: list[Value], stdin: Value) -> Value:
    if not operands:
        return stdin
    text, taint = "", 0
    for word in operands:
        found = stdin if word.text == "-" else content(machine, word)
        text, taint = text + found.text, taint | found.taint
    return Value(text[:MAX_TEXT], taint)


def _cat(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    takes = frozenset(("-l", "--language", "--style", "--theme", "-r", "--line-range", "--color", "--paging"))
    found = _gather(machine, Arguments(words, takes if name.startswith("bat") else ()).rest, stdin)
    return Value(found.text, found.taint | Taint.DECODED) if name in _UNPACKERS else found


_UNPACKERS = frozenset(("zcat", "gzcat", "bzcat", "xzcat", "zstdcat"))


def _base64(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset(("-w", "--wrap", "-b", "-i", "-o", "--input")))
    operands = arguments.rest + arguments.each("-i", "--input")
    found = _gather(machine, operands, stdin)
    width = 32 if name == "base32" else 64
    if arguments.any("-d", "-D", "--decode"):
        return decoded(found, width)
    return encoded(found, width)


def decoded(value: Value, width: int) -> Value:
    taint = value.taint | Taint.DECODED
    if not value.known:
        return Value(HOLE, taint)
    text = re.sub(r"\s", "", value.text)
    try:
        raw = base64.b32decode(text) if width == 32 else base64.b64decode(text + "=" * (-len(text) % 4))
        return Value(raw.decode("utf-8"), value.taint)
    except (ValueError, binascii.Error):
        return Value(HOLE, taint)


def encoded(value: Value, width: int) -> Value:
    if not value.known:
        return Value(HOLE, value.taint)
    raw = show(value.text).encode()
    return Value(
        (base64.b32encode(raw) if width == 32 else base64.b64encode(raw)).decode() + "\n", value.taint
    )


def _xxd(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset(("-c", "-g", "-l", "-s", "-o", "-cols", "-len", "-seek")))
    found = _gather(machine, arguments.rest[:1], stdin)
    if not arguments.any("-r", "--reverse", "-revert"):
        return Value(HOLE, found.taint)
    text = (
        re.sub(r"(?m)^[0-9a-f]+:|\s{2}.*$", "", found.text) if not arguments.any("-p", "-ps") else found.text
    )
    try:
        return Value(bytes.fromhex(re.sub(r"\s|0x", "", text)).decode("utf-8"), found.taint)
    except ValueError:
        return Value(HOLE, found.taint | Taint.DECODED)


def _rev(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    found = _gather(machine, Arguments(words).rest, stdin)
    if not found.known:
        return found
    lines = found.text.split("\n")
    if name in ("tac",):
        return Value("\n".join(reversed(lines[:-1] if lines[-1:] == [""] else lines)) + "\n", found.taint)
    return Value("\n".join(line[::-1] for line in lines), found.taint)


def _characters(text: str) -> str:
    for name, members in _SET.items():
        text = text.replace(name, members)
    text = ansi(text) if "\\" in text else text
    return re.sub(r"(.)-(.)", lambda m: "".join(map(chr, range(ord(m[1]), ord(m[2]) + 1))), text, flags=re.S)


def _tr(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words)
    if not stdin.known or not arguments.rest:
        return Value(HOLE, stdin.taint)
    old = _characters(show(arguments.rest[0].text))
    text = stdin.text
    if arguments.any("-d", "--delete"):
        keep = arguments.any("-c", "-C")
        return Value("".join(c for c in text if (c in old) == keep), stdin.taint)
    new = _characters(show(arguments.rest[1].text)) if len(arguments.rest) > 1 else ""
    if arguments.any("-c", "-C") or (not new and not arguments.any("-s")):
        return Value(HOLE, stdin.taint)
    table = {ord(c): new[min(i, len(new) - 1)] for i, c in reversed(list(enumerate(old)))} if new else {}
    return Value(text.translate(table), stdin.taint)


def _lines(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """head, tail, sort, uniq, column…: some of the same text."""
    takes = frozenset(
        ("-n", "-c", "-k", "-t", "-S", "-T", "-o", "--lines", "--bytes", "-f", "-d", "-w", "-b", "--output")
    )
    arguments = Arguments(words, takes if name != "tail" else takes - {"-f"})
    operands = arguments.rest
    found = _gather(machine, operands, stdin)
    if name == "sort" and (target := arguments.value("-o", "--output")) is not None:
        targets.write(machine, target, found)
    if name == "uniq" and len(operands) > 1:
        targets.write(machine, operands[1], found)
    taint = found.taint
    if name in ("head", "tail"):
        taint &= ~(Taint.EVERYTHING | Taint.ENDLESS)
        if found.text.count("\n") > 1 and found.known:
            return Value(_cut(name, arguments, found.text), taint)
    return Value(found.text, taint)


def _cut(name: str, arguments: Arguments, text: str) -> str:
    lines = text.rstrip("\n").split("\n")
    given = arguments.value("-n", "--lines")
    count = (
        given.text
        if given
        else next((w.text[1:] for w in arguments.words if re.fullmatch(r"-\d+", w.text)), "10")
    )
    if not re.fullmatch(r"[+-]?\d+", count):
        return text
    number = int(count)
    if name == "head":
        return "\n".join(lines[:number]) + "\n"
    return "\n".join(lines[number - 1 :] if count.startswith("+") else lines[-abs(number) :]) + "\n"


def _grep(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    takes = "-e -f -A -B -C -m --include --exclude --exclude-dir -g -t --type --glob -d -D --color -T".split()
    arguments = Arguments(words, frozenset(takes))
    operands = arguments.rest if arguments.any("-e", "-f", "--files") else arguments.rest[1:]
    if name in ("rg", "ripgrep"):
        code = arguments.value("--pre")
        if code is not None:
            machine.source(code.text)
    found = _gather(machine, operands, stdin) if operands or not arguments.any("-r", "-R") else UNKNOWN
    taint = found.taint & ~Taint.ENDLESS
    quiet = arguments.any("-c", "-q", "-l", "-L", "--count", "--quiet")
    if not (arguments.any("-v", "--invert-match") or _matches_all(arguments)):
        taint &= ~Taint.EVERYTHING
    elif arguments.any("-v"):
        taint &= ~Taint.EVERYTHING if stdin.has(Taint.EVERYTHING) and _excludes_much(arguments) else ~0
    text = _some_lines(found, arguments) if not quiet else HOLE
    return Value(text, taint & ~Taint.SECRET if quiet else taint)


def _matches_all(arguments: Arguments) -> bool:
    return bool(arguments.rest) and arguments.rest[0].text in (
        "",
        ".",
        ".*",
        "^",
        "$",
        "[0-9]",
        "[0-9]+",
        "/",
    )


def _excludes_much(arguments: Arguments) -> bool:
    """`grep -v main` of merged branches keeps a bounded list; of processes it does not."""
    pattern = arguments.rest[0].text if arguments.rest else ""
    return not re.search(r"PID|header|grep|^\^?\$?$", pattern)


def _some_lines(found: Value, arguments: Arguments) -> str:
    if not found.known or not arguments.rest or not arguments.rest[0].known:
        return found.text
    if arguments.any("-o", "-v", "-i", "-E", "-P", "-w", "-x", "-A", "-B", "-C"):
        return found.text if not arguments.any("-o") else HOLE
    pattern = show(arguments.rest[0].text)
    if not re.fullmatch(r"[\w ./:-]*", pattern):
        return found.text
    return "".join(line + "\n" for line in found.text.splitlines() if pattern in line) or found.text


def _strings(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """Readers whose text is not modelled: the taint goes through, a count does not carry it."""
    arguments = Arguments(
        words, frozenset(("-n", "-t", "-f", "-d", "-c", "-w", "-s", "-l", "-I", "--tab-size", "-k", "-g"))
    )
    operands = arguments.rest[1:] if name in ("jq", "yq", "gron", "xmllint", "mlr") else arguments.rest
    found = _gather(machine, operands, stdin)
    if name in (
        "wc",
        "md5sum",
        "sha256sum",
        "sha1sum",
        "shasum",
        "cksum",
        "md5",
        "b2sum",
        "sha512sum",
        "file",
        "stat",
    ):
        return Value(HOLE, 0)
    return Value(
        HOLE, found.taint | (Taint.DECODED if name in ("strings", "od", "hexdump", "iconv", "dd") else 0)
    )


def _cut_command(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(
        words, frozenset(("-d", "-f", "-c", "-b", "--delimiter", "--fields", "--output-delimiter"))
    )
    found = _gather(machine, arguments.rest, stdin)
    text, fields, mark = found.text, arguments.value("-f", "--fields"), arguments.value("-d", "--delimiter")
    chars = arguments.value("-c", "-b")
    if not found.known:
        return Value(HOLE, found.taint)
    if fields is not None and fields.text.isdigit():
        split = mark.text if mark else "\t"
        lines = [line.split(split) for line in text.rstrip("\n").split("\n")]
        at = int(fields.text) - 1
        return Value(
            "".join((row[at] if at < len(row) else row[0] if len(row) == 1 else "") + "\n" for row in lines),
            found.taint,
        )
    span = re.fullmatch(r"(\d*)(-?)(\d*)", chars.text) if chars is not None else None
    if span:
        low = int(span[1] or 1) - 1
        high = int(span[3]) if span[3] else (None if span[2] else low + 1)
        return Value("".join(line[low:high] + "\n" for line in text.rstrip("\n").split("\n")), found.taint)
    return Value(HOLE, found.taint)


def _unit(text: str) -> str:
    return codecs.decode(text, "rot13")


def _rot13(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    return Value(_unit(stdin.text), stdin.taint)


def _yes(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    return Value(" ".join(word.text for word in words) or "y", Taint.ENDLESS)


def _seq(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    numbers = [word.text for word in words if re.fullmatch(r"-?\d+", word.text)]
    if len(numbers) != len(words) or not numbers or len(numbers) > 3:
        return UNKNOWN
    low, high = (1, int(numbers[0])) if len(numbers) == 1 else (int(numbers[0]), int(numbers[-1]))
    return Value("\n".join(map(str, range(low, min(high, low + 40) + 1))) + "\n")


def _ls(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """A listing is the list of its operands: `ls -d /*` names everything below the root."""
    arguments = Arguments(
        words, frozenset(("-I", "-w", "-T", "--color", "--ignore", "--level", "-L", "--sort", "-s"))
    )
    operands = arguments.rest
    if not operands:
        return Value(STAR + "\n", Taint.EVERYTHING)
    if arguments.any("-d") or all(word.wild for word in operands):
        return Value("\n".join(word.text for word in operands) + "\n")
    return Value("\n".join(HOLE if len(operands) > 1 else STAR for _ in operands) + "\n", Taint.EVERYTHING)


def _whoami(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    if name == "id" and not any(word.text in ("-u", "-un", "-nu") for word in words):
        return UNKNOWN
    return Value("1000\n" if name == "id" and words and words[0].text == "-u" else "user\n")


COMMANDS: dict[str, Command] = {
    "echo": _echo,
    "print": _print,
    "printf": _printf,
    **dict.fromkeys(
        (
            "cat",
            "bat",
            "batcat",
            "zcat",
            "gzcat",
            "bzcat",
            "xzcat",
            "zstdcat",
            "nl",
            "less",
            "more",
            "most",
            "pv",
        ),
        _cat,
    ),
    **dict.fromkeys(("base64", "base32", "gbase64"), _base64),
    **dict.fromkeys(("xxd",), _xxd),
    **dict.fromkeys(("rev", "tac"), _rev),
    "tr": _tr,
    **dict.fromkeys(
        (
            "head",
            "tail",
            "sort",
            "uniq",
            "column",
            "fold",
            "fmt",
            "pr",
            "expand",
            "unexpand",
            "paste",
            "ghead",
        ),
        _lines,
    ),
    **dict.fromkeys(("grep", "egrep", "fgrep", "rg", "ag", "ack", "ggrep", "zgrep", "pgrep-lines"), _grep),
    "cut": _cut_command,
    "rot13": _rot13,
    **dict.fromkeys(
        "wc md5sum sha256sum sha1sum shasum cksum md5 b2sum sha512sum od hexdump hd strings jq gron diff cmp comm join "
        "iconv look spell aspell xmllint tee-lines colordiff delta icdiff csvlook csvcut mlr htmlq pup glow mdcat fx".split(),
        _strings,
    ),
    "yes": _yes,
    "seq": _seq,
    **dict.fromkeys(("ls", "dir", "vdir", "gls", "lsd", "exa", "eza"), _ls),
    **dict.fromkeys(("whoami", "id", "logname"), _whoami),
}
