"""Commands that write files: copy, move, link, archives, dd, tee, sed and editors of files in place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import paths, targets
from ..arguments import Arguments
from ..code import run_hidden
from ..finding import Level
from ..paths import Place
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value
from .output import content

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command

_GRAVE = (Place.ROOT, Place.SYSTEM, Place.SYSTEM_KEY, Place.HOME, Place.HOMES, Place.DEVICE)


def _split(arguments: Arguments) -> tuple[list[Value], Value | None]:
    target = arguments.value("-t", "--target-directory")
    if target is not None:
        return arguments.rest, target
    return (arguments.rest[:-1], arguments.rest[-1]) if len(arguments.rest) > 1 else (arguments.rest, None)


def _into(machine: Machine, source: Value, target: Value) -> Value:
    """The file a copy makes when its target is a folder."""
    path, place = targets.place_of(machine, target)
    name = source.text.rstrip("/").rpartition("/")[2]
    folder = target.text.endswith(("/", "/.")) or target.text in (".", "..", "~") or place in (
        Place.ROOT, Place.SYSTEM, Place.HOME, Place.WORKING, Place.PARENT, Place.TEMPORARY_TOP
    ) or path.endswith((".d", "/bin", "/sbin", "/LaunchAgents", "/LaunchDaemons", "/autostart", "/hooks", "/user", "/system"))  # fmt: skip
    return Value(f"{path.rstrip('/')}/{name}", target.taint) if folder and name else target


def _copy(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(
        words, frozenset("-t --target-directory -S --suffix -m --mode -o --owner -g --group".split())
    )
    sources, target = _split(arguments)
    if name == "install" or name == "ginstall":
        _installed(machine, arguments)
        if arguments.any("-d", "--directory"):
            for word in arguments.rest:
                _, place = targets.place_of(machine, word)
                machine.report(
                    Level.HIGH if place in (Place.SYSTEM, Place.SYSTEM_FILE) else Level.SAFE,
                    "write",
                    "makes a folder in the system",
                )
            return EMPTY
    if target is None:
        return EMPTY
    keeps = arguments.any("-n", "--no-clobber", "--update=none")
    for source in sources or [UNKNOWN]:
        _, grave = targets.place_of(machine, source)
        taint = targets.read(machine, source, shows=False) & ~Taint.ENDLESS
        made = machine.state.files.get(targets.place_of(machine, source)[0])
        text = made if made is not None else Value(HOLE, taint)
        if source.text == "/dev/null":
            text = EMPTY
        into = _into(machine, source, target)
        _, place = targets.place_of(machine, into)
        if grave is Place.DEVICE:
            machine.report(Level.MODERATE, "read", "reads a raw disk")
        if keeps and targets.WRITE.get(place, Level.MODERATE) < Level.HIGH:
            continue
        targets.write(machine, into, text)
    return EMPTY


def _installed(machine: Machine, arguments: Arguments) -> None:
    mode = arguments.value("-m", "--mode")
    if mode is None:
        return
    if re.fullmatch(r"0?[4-7]\d{3}|.*\+.*s.*", mode.text):
        machine.report(
            Level.CRITICAL, "privilege", "installs a program that always runs with its owner's rights"
        )


def _move(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset("-t --target-directory -S --suffix".split()))
    sources, target = _split(arguments)
    for source in sources:
        path, place = targets.place_of(machine, source)
        void = target is not None and targets.place_of(machine, target)[0] == "/dev/null"
        if place in _GRAVE or place in (Place.SYSTEM_FILE, Place.LOG, Place.MOUNT, Place.OTHER_HOME) or void:
            targets.delete(machine, source, tree=void or place in _GRAVE, moved=not void)
        elif place in (Place.WORKING, Place.PARENT):
            machine.report(Level.HIGH, "move", "moves the working directory away under your feet")
        elif (
            place is Place.OPEN
            and target is not None
            and targets.place_of(machine, target)[1] in (Place.TEMPORARY_TOP,)
        ):
            machine.report(Level.HIGH, "move", "moves every file here away")
        if target is not None and not void:
            made = machine.state.files.get(path)
            into = _into(machine, source, target)
            targets.write(machine, into, made or Value(HOLE, source.taint), verb="moves over")
    return EMPTY


def _link(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset("-t --target-directory -S --suffix".split()))
    rest = arguments.rest
    if not rest:
        return EMPTY
    source = rest[0]
    link = rest[1] if len(rest) > 1 else Value(source.text.rstrip("/").rpartition("/")[2])
    link = _into(machine, source, link) if len(rest) > 1 else link
    path, place = targets.place_of(machine, link)
    forced = arguments.any("-f", "--force")
    if paths.is_history(path) or path.endswith("/.bash_history"):
        machine.report(
            Level.HIGH, "conceal", "points the shell's history at another place, so nothing is kept"
        )
    elif targets.WRITE.get(place, Level.SAFE) >= Level.HIGH and place is not Place.HOME_STARTUP:
        targets.write(machine, link, EMPTY, verb="replaces")
    elif paths.is_startup(path) and not source.text.startswith(("/home/", "/Users/")):
        machine.report(Level.HIGH, "persist", f"replaces `{link.shown()}`, which runs at start-up")
    elif forced:
        machine.report(Level.MODERATE, "write", f"replaces `{link.shown()}` with a link")
    machine.state.links[path] = paths.resolve(source.text, machine.state.cwd)
    return EMPTY


def _dd(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    given = {}
    for word in words:
        key, equals, text = word.text.partition("=")
        if equals:
            given[key] = Value(text, word.taint)
    source, target = given.get("if"), given.get("of")
    taint = targets.read(machine, source) if source is not None else stdin.taint
    if source is not None and targets.place_of(machine, source)[1] is Place.DEVICE:
        machine.report(Level.MODERATE, "read", "reads a raw disk")
    if "count" in given:
        taint &= ~Taint.ENDLESS
    if target is None:
        return Value(HOLE, taint)
    found = content(machine, source) if source is not None else stdin
    targets.write(machine, target, Value(found.text, taint | (found.taint & ~Taint.ENDLESS)))
    return EMPTY


def _tee(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words)
    for word in arguments.rest:
        made = machine.state.files.get(targets.place_of(machine, word)[0])
        if made is not None and made.has(Taint.QUOTED):
            machine.source(made.text, stdin)
            continue
        targets.write(machine, word, stdin, append=arguments.any("-a", "--append"))
    return stdin


def _truncate(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    for word in Arguments(words, frozenset("-s -r --size --reference -o -l".split())).rest:
        targets.write(machine, word, EMPTY, verb="cuts off the content of")
    return EMPTY


_SED_WRITE = re.compile(r"(?:^|[;{}/\d]|[gpI])w\s+(\S+)")
_SED_RUN = re.compile(r"(?:^|;|\d|\}|/)\s*e(?:\s+([^;\n]+)|\s*$)|(?:/|\||#|,|!)[gpiI\d]*e[gpiI\d]*(?:\s*$|;)")
_SED_SUBSTITUTE = re.compile(
    r"(\d*)s(?P<mark>[^\w\s])(?P<old>(?:\\.|(?!(?P=mark)).)*)(?P=mark)(?P<new>(?:\\.|(?!(?P=mark)).)*)(?P=mark)(?P<flags>[gpiI\d]*)"
)


def _sed(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    takes = frozenset("-e --expression -f --file -l".split())
    arguments = Arguments(
        [word for word in words if not re.fullmatch(r"-i\.\w+|-i[~_]\w*", word.text)], takes
    )
    in_place = any(re.match(r"-[nErsz]*i|--in-place", word.text) for word in words) or name == "sd"
    scripts = arguments.each("-e", "--expression")
    rest = arguments.rest
    if in_place and rest and rest[0].text == "":
        rest = rest[1:]
    if not scripts and "-f" not in arguments.flags and rest:
        scripts, rest = rest[:1], rest[1:]
    for script in scripts:
        _sed_script(machine, script.text)
    if in_place:
        for word in rest:
            targets.write(machine, word, UNKNOWN, verb="edits")
        return EMPTY
    found, taint = (stdin, stdin.taint) if not rest else (content(machine, rest[0]), 0)
    for word in rest:
        taint |= content(machine, word).taint
    return _substituted(Value(found.text, found.taint | taint), scripts, arguments)


def _sed_script(machine: Machine, text: str) -> None:
    for target in _SED_WRITE.findall(text):
        if not re.match(r"s(.).*\1.*w", text) or "/w " in text or text.startswith("w"):
            targets.write(machine, Value(target), UNKNOWN)
    found = _SED_RUN.search(text)
    if found and found.group(1):
        machine.source(found.group(1), UNKNOWN)
    elif found:
        substitution = _SED_SUBSTITUTE.match(text)
        if substitution and not substitution["new"].startswith("&"):
            machine.source(substitution["new"], UNKNOWN)
        machine.report(Level.HIGH, "opaque", "runs its input as commands")


def _substituted(value: Value, scripts: list[Value], arguments: Arguments) -> Value:
    """`sed 's/a/b/'` on constant text."""
    if not value.known or not scripts or arguments.any("-n", "-f"):
        return Value(HOLE if "-n" in arguments.flags or not value.known else value.text, value.taint)
    text = value.text
    for script in scripts:
        for part in script.text.split(";") if "\\;" not in script.text else [script.text]:
            found = _SED_SUBSTITUTE.fullmatch(part.strip())
            if found is None:
                return Value(text if part.strip() in ("", "p") else HOLE, value.taint)
            try:
                old = found["old"] if arguments.any("-E", "-r") else _basic(found["old"])
                new = re.sub(
                    r"(?<!\\)&", r"\\g<0>", found["new"].replace("\\" + found["mark"], found["mark"])
                )
                text = re.sub(
                    old,
                    new.replace("\\n", "\n"),
                    text[:4096],
                    count=0 if "g" in found["flags"] else 1,
                    flags=re.M,
                )
            except (re.error, IndexError):
                return Value(HOLE, value.taint)
    return Value(text, value.taint)


def _basic(pattern: str) -> str:
    """A basic regular expression in the extended form."""
    swap = {"\\(": "(", "\\)": ")", "\\{": "{", "\\}": "}", "\\|": "|", "\\+": "+", "\\?": "?"}
    plain = {"(": "\\(", ")": "\\)", "{": "\\{", "}": "\\}", "|": "\\|", "+": "\\+", "?": "\\?"}
    return re.sub(r"\\.|[(){}|+?]", lambda m: swap.get(m.group(), plain.get(m.group(), m.group())), pattern)


def _rsync(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    takes = frozenset("-e --rsh --exclude --include --exclude-from --files-from --rsync-path -f --filter --bwlimit --port "
                      "--log-file --backup-dir --link-dest --password-file -B -M --out-format --chmod --max-size".split())  # fmt: skip
    arguments = Arguments(words, takes)
    for code in arguments.each("-e", "--rsh"):
        run_hidden(machine, code.text, "an option of rsync")
    for code in arguments.each("--rsync-path"):
        run_hidden(machine, code.text.removeprefix("sudo rsync") or "true", "an option of rsync")
    if arguments.any("-n", "--dry-run", "--list-only") or len(arguments.rest) < 2:
        return UNKNOWN
    sources, target = arguments.rest[:-1], arguments.rest[-1]
    for source in sources:
        if _is_remote(target):
            targets.send(machine, source, f" (`{target.shown()}`)")
        if arguments.any("--remove-source-files"):
            machine.report(Level.MODERATE, "delete", "deletes the source files after copying")
    if _is_remote(target):
        if any(flag.startswith("--del") for flag in arguments.flags):
            machine.report(
                Level.HIGH,
                "remote destroy",
                "deletes on the other host what is missing here",
                safer="run it with -n first",
            )
        return UNKNOWN
    deletes = any(flag.startswith("--del") for flag in arguments.flags)
    _, place = targets.place_of(machine, target)
    if deletes:
        if place in _GRAVE or place in (
            Place.WORKING,
            Place.PARENT,
            Place.HOME_TOP,
            Place.MOUNT,
            Place.HOME_CONFIG,
            Place.BACKUP,
        ):
            targets.delete(machine, target, tree=True)
        else:
            machine.report(
                Level.MODERATE,
                "delete",
                f"deletes in `{target.shown()}` what is missing in the source",
                safer="run it with -n first",
            )
    network = any(_is_remote(source) for source in sources)
    targets.write(machine, target, Value(HOLE, Taint.NETWORK if network else 0))
    return UNKNOWN


def _is_remote(word: Value) -> bool:
    return bool(
        re.match(r"(?:[\w.@…-]+|\U000f0000)+::?(?!//\d*$)[^/]?|rsync://|\w+://", word.text)
    ) and not word.text.startswith(("/", "./"))


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
    for code in arguments.each(
        "--to-command",
        "-I",
        "--use-compress-program",
        "-F",
        "--info-script",
        "--new-volume-script",
        "--rsh-command",
    ):
        run_hidden(machine, code.text, "an option of tar")
    for action in arguments.each("--checkpoint-action"):
        if action.text.startswith("exec="):
            run_hidden(machine, action.text[5:], "an option of tar")
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
    if flags & {"-P", "--absolute-names"}:
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


def _pack(machine: Machine, arguments: Arguments, archive: Value | None) -> Value:
    taint = 0
    base = arguments.value("-C", "--directory")
    for word in arguments.rest:
        source = (
            Value(f"{base.text}/{word.text}") if base is not None and not word.text.startswith("/") else word
        )
        path, place = targets.place_of(machine, source)
        taint |= targets.read(machine, source, shows=False)
        if place in (Place.HOME, Place.HOMES, Place.ROOT):
            taint |= Taint.SECRET
    if arguments.any("--remove-files"):
        for word in arguments.rest:
            targets.delete(machine, word, tree=True)
    if archive is not None and archive.text != "-":
        path, place = targets.place_of(machine, archive)
        if targets.WRITE.get(place, Level.SAFE) >= Level.HIGH:
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
            machine.report(Level.MODERATE, "write", "unpacks an archive over what is there")
            return UNKNOWN
        if rest[0].text == "d":
            machine.report(Level.MODERATE, "delete", "deletes from an archive")
            return UNKNOWN
        rest = rest[1:]
    texts = [word.text for word in words]
    gone = any(text in ("-m", "--move", "-rem", "-sdel", "-df", "-dr", "-rm", "-mr", "-me") for text in texts)
    locked = any(
        re.match(r"-[pP]|-hp|-e\Z|-er\Z|-re\Z|--encrypt|--password|-mhe|-rem\Z|-mem\Z", text)
        for text in texts
    )
    at = next((index for index, text in enumerate(texts) if text in ("-TT", "--unzip-command")), len(texts))
    if at + 1 < len(words):
        run_hidden(machine, words[at + 1].text.replace("#", " # "), "an option of zip")
    taint = 0
    for word in rest[1:]:
        taint |= targets.read(machine, word, shows=False)
        _, place = targets.place_of(machine, word)
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
    to_stdout = bool(rest) and rest[0].text == "-" or any(text in ("-so", "-") for text in texts[:3])
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
        if (word.wild and arguments.any("-r")) or targets.place_of(machine, word)[1] in (Place.OPEN,):
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


def _touch(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    for word in Arguments(words, frozenset("-d -t -r -m --mode --reference --date -Z".split())).rest:
        _path, place = targets.place_of(machine, word)
        if place in (Place.SYSTEM_FILE, Place.SYSTEM_KEY, Place.HOOK) or (
            place is Place.SYSTEM and name == "touch"
        ):
            machine.report(Level.HIGH, "write", f"makes or changes a system file: `{word.shown()}`")
    return EMPTY


def _mktemp(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    folder = any(word.text.startswith("-") and "d" in word.text for word in words)
    return Value("/tmp/tmp." + ("emptyfolder" if folder else "newfile") + "\n")


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(("cp", "gcp", "install", "ginstall", "ditto", "xcp"), _copy),
    **dict.fromkeys(("mv", "gmv"), _move),
    **dict.fromkeys(("ln", "gln", "symlink", "link"), _link),
    **dict.fromkeys(("dd", "gdd", "dcfldd", "dc3dd"), _dd),
    **dict.fromkeys(("tee", "sponge", "gtee"), _tee),
    **dict.fromkeys(("truncate", "fallocate"), _truncate),
    **dict.fromkeys(("sed", "gsed"), _sed),
    "rsync": _rsync,
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
    **dict.fromkeys(("touch", "mkdir", "gmkdir", "gtouch"), _touch),
    "mktemp": _mktemp,
}
