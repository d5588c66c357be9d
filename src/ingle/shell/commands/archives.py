"""Archives: what goes in, where it comes out, and what packing deletes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import stakes, targets
from ..arguments import Arguments
from ..code import run_hidden
from ..finding import Level
from ..paths import Place
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command


_TAR_TAKES = frozenset(
    "-f --file -C --directory -T --files-from -X --exclude --to-command -I --use-compress-program -F --info-script "
    "--new-volume-script --checkpoint-action --rsh-command --transform -b --owner --group --strip-components -g".split()
)


def _tar(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    if (
        words
        and words[0].text
        and words[0].text[0] not in "-/."
        and re.fullmatch(r"[a-zA-Z]{1,8}", words[0].text)
    ):
        words = [Value("-" + words[0].text), *words[1:]]
    arguments = Arguments(words, _TAR_TAKES)
    flags = arguments.flags
    for code in arguments.each("--to-command"):
        run_hidden(machine, code.text, "an option of tar", Value(HOLE, Taint.DECODED))
    for code in arguments.each(
        "-I",
        "--use-compress-program",
        "-F",
        "--info-script",
        "--new-volume-script",
        "--rsh-command",
    ):
        run_hidden(machine, code.text, "an option of tar")
    for action in arguments.each("--checkpoint-action"):
        if action.text.startswith(("exec=", HOLE)):
            run_hidden(machine, action.text.removeprefix("exec="), "an option of tar")
    where = arguments.value("-C", "--directory") or Value(".")
    archive = arguments.value("-f", "--file")
    if flags & {"-t", "--list"}:
        return UNKNOWN
    if flags & {"-x", "--extract", "--get"}:
        return _extract(machine, arguments, where, archive, stdin)
    if flags & {"-c", "--create", "-r", "-u", "-A"}:
        return _pack(machine, arguments, archive)
    machine.report(Level.MODERATE, "write", "packs or unpacks an archive")
    return UNKNOWN


def _extract(
    machine: Machine, arguments: Arguments, where: Value, archive: Value | None, stdin: Value
) -> Value:
    flags = arguments.flags
    if flags & {"-O", "--to-stdout"}:
        return Value(HOLE, Taint.DECODED | stdin.taint)
    made = machine.state.files.get(targets.place_of(machine, archive)[0]) if archive is not None else stdin
    path, place = targets.place_of(machine, where)
    if flags & {"-P", "--absolute-names"} and "--pass-through" not in flags:
        machine.report(Level.HIGH, "write", "unpacks to absolute paths, wherever the archive says")
    if made is not None and made.has(Taint.NETWORK):
        machine.state.fetched.append(path)
    if place in (Place.ROOT, Place.SYSTEM, Place.SYSTEM_FILE, Place.SYSTEM_KEY):
        machine.report(
            Level.HIGH if place is not Place.ROOT else Level.CRITICAL, "write", "unpacks over system files"
        )
    elif place is Place.HOME:
        machine.report(Level.MODERATE, "write", "unpacks into your home folder")
    else:
        machine.report(Level.MODERATE, "write", "unpacks an archive over what is there")
    return UNKNOWN


def _cpio(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """cpio -i unpacks into the working directory, -p copies below its operand, -o packs what it is told."""
    arguments = Arguments(
        words, frozenset("-D --directory -F --file -E -H -I -O -M -C -R --format --owner -r".split()) - {"-r"}
    )
    if arguments.any("-t", "--list", "--version", "--help"):
        return UNKNOWN
    if arguments.any("-o", "--create", "-w") and not arguments.any("-i", "-r"):
        return Value(HOLE, stdin.taint)
    if arguments.any("--to-stdout"):
        return Value(HOLE, Taint.DECODED | stdin.taint)
    where = arguments.value("-D", "--directory") or Value(".")
    if arguments.any("-p", "--pass-through", "-rw") and arguments.rest:
        where = arguments.rest[-1]
    return _extract(machine, arguments, where, arguments.value("-F", "--file", "-I"), stdin)


def _pack(machine: Machine, arguments: Arguments, archive: Value | None) -> Value:
    taint = 0
    base = arguments.value("-C", "--directory")
    for word in arguments.rest:
        source = (
            Value(f"{base.text}/{word.text}") if base is not None and not word.text.startswith("/") else word
        )
        path, place = targets.place_of(machine, source)
        taint |= targets.read(machine, source, shows=False)
        if arguments.any("--remove-files"):
            targets.delete(machine, source, tree=True)
        if place in (Place.HOME, Place.HOMES, Place.ROOT):
            taint |= Taint.SECRET
    if archive is not None and archive.text != "-":
        path, place = targets.place_of(machine, archive)
        if stakes.WRITE.get(place, Level.SAFE) >= Level.HIGH:
            targets.write(machine, archive, Value(HOLE, taint))
        else:
            targets.remember(machine, path, Value(HOLE, taint), append=False)
            machine.report(
                Level.MODERATE if place is Place.UNKNOWN else Level.SAFE, "write", "writes an archive"
            )
        return EMPTY
    return Value(HOLE, taint)


def _zip(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """zip, 7z, rar: the first operand is the archive, the rest is what goes in."""
    arguments = Arguments(
        words, frozenset("-P --password -x -i -b -t -n".split()) if name == "zip" else frozenset()
    )
    rest = arguments.rest
    if name != "zip":
        if not rest or rest[0].text in ("l", "t", "i", "h", "lb", "lt", "v"):
            return UNKNOWN
        if rest[0].text in ("x", "e"):
            for word in words:
                if word.text.startswith("-o") and len(word.text) > 2:
                    where = targets.place_of(machine, Value(word.text[2:]))[1]
                    if where in (Place.ROOT, Place.SYSTEM, Place.SYSTEM_FILE, Place.SYSTEM_KEY):
                        machine.report(Level.HIGH, "write", "unpacks over system files")
            machine.report(Level.MODERATE, "write", "unpacks an archive over what is there")
            return UNKNOWN
        if rest[0].text == "d":
            machine.report(Level.MODERATE, "delete", "deletes from an archive")
            return UNKNOWN
        rest = rest[1:]
    texts = [word.text for word in words]
    gone = any(text in ("-m", "--move", "-rem", "-sdel", "-df", "-dr", "-rm", "-mr", "-me") for text in texts)
    gone = gone or (name == "zip" and arguments.any("-m"))
    locked = any(
        re.match(r"-[pP]|-hp|-e\Z|-er\Z|-re\Z|--encrypt|--password|-mhe|-rem\Z|-mem\Z", text)
        for text in texts
    )
    locked = locked or (name == "zip" and arguments.any("-P", "-e"))
    at = next((index for index, text in enumerate(texts) if text in ("-TT", "--unzip-command")), len(texts))
    if at + 1 < len(words):
        run_hidden(machine, words[at + 1].text.replace("#", " # "), "an option of zip")
    taint = 0
    for word in rest[1:]:
        taint |= targets.read(machine, word, shows=False)
        _, place = targets.place_of(machine, word)
        if locked:
            targets.lock(machine, word)
        if place in (Place.HOME, Place.HOMES):
            taint |= Taint.SECRET
        if gone:
            level = targets.delete(machine, word, tree=True)
            if locked and (
                level >= Level.HIGH or place in (Place.HOME_TOP, Place.HOME, Place.WORKING, Place.OPEN)
            ):
                machine.report(
                    Level.CRITICAL, "ransom", "locks your files with a password and deletes the originals"
                )
    if rest:
        targets.remember(machine, targets.place_of(machine, rest[0])[0], Value(HOLE, taint), append=False)
    to_stdout = (bool(rest) and rest[0].text == "-") or any(text in ("-so", "-") for text in texts[:3])
    return Value(HOLE, taint) if to_stdout else EMPTY


def _compress(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """gzip and its kin replace the named file; to standard output they only read."""
    arguments = Arguments(words, frozenset("-S --suffix -T -o -b".split()))
    unpacks = name.startswith(("gun", "un", "bun")) or arguments.any("-d", "--decompress")
    taint = stdin.taint | (Taint.DECODED if unpacks else 0)
    if arguments.any("-l", "--list", "-t", "--test"):
        return UNKNOWN
    if arguments.any("-c", "--stdout", "-k", "--keep") or not arguments.rest:
        for word in arguments.rest:
            taint |= targets.read(machine, word, shows=False)
        return Value(HOLE, taint)
    for word in arguments.rest:
        targets.write(machine, word, Value(HOLE, taint), verb="replaces")
        place = targets.place_of(machine, word)[1]
        if arguments.any("-r", "--recursive") and place in (
            Place.HOME,
            Place.HOME_TOP,
            Place.WORKING,
            Place.PARENT,
            Place.ROOT,
            Place.SYSTEM,
            Place.OPEN,
            Place.MOUNT,
        ):
            machine.report(Level.HIGH, "write", "replaces every file below this folder")
        elif word.wild or place is Place.OPEN:
            machine.report(Level.MODERATE, "write", "replaces every file here")
    return EMPTY


def _unzip(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset("-d -x -P".split()))
    if arguments.any("-l", "-t", "-v", "-Z", "-z"):
        return UNKNOWN
    if arguments.any("-p", "-c"):
        return Value(HOLE, Taint.DECODED)
    where = arguments.value("-d") or Value(".")
    made = (
        machine.state.files.get(targets.place_of(machine, arguments.rest[0])[0]) if arguments.rest else None
    )
    path, place = targets.place_of(machine, where)
    if made is not None and made.has(Taint.NETWORK):
        machine.state.fetched.append(path)
    grave = place in (Place.ROOT, Place.SYSTEM, Place.SYSTEM_FILE)
    machine.report(Level.HIGH if grave else Level.MODERATE, "write", "unpacks an archive over what is there")
    return UNKNOWN


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(("cpio", "pax"), _cpio),
    **dict.fromkeys(("tar", "gtar", "bsdtar"), _tar),
    **dict.fromkeys(("zip", "7z", "7za", "7zz", "7zr", "rar"), _zip),
    **dict.fromkeys(
        (
            "gzip",
            "gunzip",
            "bzip2",
            "bunzip2",
            "xz",
            "unxz",
            "zstd",
            "unzstd",
            "lz4",
            "pigz",
            "lzma",
            "compress",
            "brotli",
        ),
        _compress,
    ),
    "unzip": _unzip,
}
