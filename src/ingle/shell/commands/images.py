"""Container images: a secret that is put into one leaves the machine with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import targets
from ..arguments import Arguments
from ..paths import Place
from ..secret_paths import is_secret
from ..words import EMPTY, Taint, Value

if TYPE_CHECKING:
    from ..machine import Machine

_TAKES = frozenset(
    "-t --tag -f --file --build-arg --build-context --platform --target --label --network --cache-from --cache-to -o --output --secret "
    "--ssh --progress --builder --pull --add-host --iidfile --metadata-file --attest".split()
)
_COPIED = re.compile(r"(?im)^[ \t]*(?:COPY|ADD)[ \t]+((?:--\S+[ \t]+)*)([^\n]+)")
_HOMES = (Place.HOME, Place.HOMES, Place.ROOT)


def _guarded(machine: Machine, source: Value) -> bool:
    """Whether a file or folder is a secret, or holds the secrets of a whole home."""
    path, place = targets.place_of(machine, source)
    return is_secret(path) or place in _HOMES


def _copies(machine: Machine, context: Value, recipe: Value) -> bool:
    """Whether a Dockerfile that this line wrote copies a secret into the image."""
    sources = [
        word for _, line in _COPIED.findall(recipe.text) for word in re.findall(r"[^\s\",\[\]]+", line)[:-1]
    ]
    top = context.text.rstrip("/")
    places = [targets.place_of(machine, Value(f"{top}/{source}"))[0] for source in sources]
    files = machine.state.files
    return any(is_secret(path) or (path in files and files[path].has(Taint.PRIVATE)) for path in places)


def _build(machine: Machine, words: list[Value], stdin: Value) -> None:
    arguments = Arguments(words, _TAKES)
    context = arguments.rest[-1] if arguments.rest else Value(".")
    named = arguments.value("-f", "--file")
    recipe = stdin
    if context.text != "-" and (named is None or named.text != "-"):
        file = named or Value(f"{context.text.rstrip('/')}/Dockerfile")
        recipe = machine.state.files.get(targets.place_of(machine, file)[0], EMPTY)
    others = [Value(one.text.partition("=")[2]) for one in arguments.each("--build-context")]
    top = targets.place_of(machine, context)[0].rstrip("/") + "/"
    carried = (
        is_secret(top.rstrip("/")),
        context.text == "-" and stdin.has(Taint.SECRET),
        any(_guarded(machine, one) for one in others),
        any(one.has(Taint.PRIVATE) for one in arguments.each("--build-arg", "--label")),
        any(
            path.startswith(top) and made.has(Taint.PRIVATE) and "/.env" not in path
            for path, made in machine.state.files.items()
        ),
        _copies(machine, context, recipe),
    )
    if any(carried):
        machine.state.packed.append(context.text)
    if arguments.any("--push") and machine.state.packed:
        targets.leak(machine, EMPTY)


def carry(machine: Machine, words: list[Value], stdin: Value) -> int:
    """Follow secrets into containers and images: `cp`, `build`, and `push`, which sends them away; gives the taint of what
    `save` and `export` print."""
    task = [word.text for word in words if word.text[:1] != "-"][:3]
    if task[:1] in (["image"], ["container"], ["buildx"], ["builder"]):
        task, words = task[1:], words[1:]
    match task[:1]:
        case ["cp"]:
            operands = Arguments(words[1:]).rest
            if len(operands) == 2 and ":" in operands[1].text and _guarded(machine, operands[0]):
                machine.state.packed.append(operands[0].text)
        case ["build"]:
            _build(machine, words[1:], stdin)
        case ["push"] if machine.state.packed:
            targets.leak(machine, EMPTY)
        case ["save"] | ["export"] if machine.state.packed:
            return Taint.SECRET
    return 0
