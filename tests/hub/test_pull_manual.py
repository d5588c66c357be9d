"""The script of `--manual`, run by a real shell; and what `outdated` lists."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest

from ingle.catalog.curated import load_catalog
from ingle.catalog.model import ModelRef
from ingle.catalog.names import parse_name
from ingle.errors import Cancelled
from ingle.hub.layout import RepoPlace
from ingle.hub.locks import try_lock
from ingle.hub.manual import manual_script, manual_table
from ingle.hub.outdated import outdated
from ingle.hub.pull import plan, pull
from tests.fakes.faults import Faults
from tests.fakes.hub import FakeHub
from tests.hub.pulling import NAME, REF, assert_whole, model_files, pull_all, settings, snapshot_of

pytestmark = pytest.mark.slow

FILES = {**model_files(9_000_000), "sub/it's a $(name).json": b"{}", "empty.txt": b""}


def _sh(
    script: str, *arguments: str, folder: Path, token: str | None = None
) -> subprocess.CompletedProcess[str]:
    path = folder / "get.sh"
    path.write_text(script)
    environ = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    environ.pop("HF_TOKEN", None)
    environ |= {"HF_TOKEN": token} if token is not None else {}
    return subprocess.run(
        ["sh", str(path), *arguments], cwd=folder, env=environ, capture_output=True, text=True, timeout=240
    )


def test_the_table_names_every_link_size_and_digest(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, FILES)
        found = plan(REF, settings(tmp_path, hub.url))
        table = manual_table(found, hub.url)
    for file in found.files:
        assert f"{file.size} bytes, {file.kind} {file.digest}, as {file.path}" in table
    assert f"{hub.url}/{NAME}/resolve/{found.listing.commit}/config.json" in table


def test_the_script_fills_a_folder_elsewhere_and_checks_every_file(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, FILES)
        config = settings(tmp_path, hub.url)
        ran = _sh(manual_script(plan(REF, config), hub.url, config.cache), folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    folder = tmp_path / "org--name"
    assert {path: (folder / path).read_bytes() for path in FILES} == FILES
    commit = hub.repos[NAME].refs["main"]
    assert f"ingle import 'org--name' --as {NAME}@{commit}" in ran.stdout


@pytest.mark.slow
def test_the_script_refuses_what_has_the_wrong_digest(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, FILES)
        config = settings(tmp_path, hub.url)
        script = manual_script(plan(REF, config), hub.url, config.cache)
        hub.faults = Faults(wrong_bytes_times=100, only="model.safetensors")
        ran = _sh(script.replace("--retry 5", "--retry 0"), folder=tmp_path)
    assert ran.returncode == 1
    assert "its size or digest is wrong" in ran.stderr


HINDRANCES = [
    pytest.param(
        Faults(cut_at=1_000_000, cut_times=100, only="model.safetensors"), None, id="cut nine times"
    ),
    pytest.param(Faults(ignore_range_times=100), None, id="a server without ranges, at which it was cut"),
    pytest.param(Faults(), "hf_nobodyknowsthisone", id="a stale token"),
]


@pytest.mark.parametrize(("faults", "token"), HINDRANCES)
def test_the_script_gets_through_as_long_as_bytes_come(
    tmp_path: Path, faults: Faults, token: str | None
) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, FILES)
        config = settings(tmp_path, hub.url)
        script = manual_script(plan(REF, config), hub.url, config.cache)
        hub.faults = faults
        folder = tmp_path / "-brought"  # as an option looks
        folder.mkdir()
        (folder / "model.safetensors.part").write_bytes(FILES["model.safetensors"][:100])
        ran = _sh(script.replace("--retry 5", "--retry 0"), "-brought", folder=tmp_path, token=token)
    assert ran.returncode == 0, ran.stderr
    assert {path: (folder / path).read_bytes() for path in FILES} == FILES
    assert ("does not accept the token" in ran.stderr) is (token is not None)


def test_the_script_says_where_a_gated_model_is_accepted_and_asks_once(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, FILES)
        config = settings(tmp_path, hub.url)
        script = manual_script(plan(REF, config), hub.url, config.cache)
        hub.repos[NAME].gated = True
        hub.forget_requests()
        ran = _sh(script, folder=tmp_path)
        assert ran.returncode == 1
        assert f"{hub.url}/{NAME}" in ran.stderr and "HF_TOKEN" in ran.stderr
        assert len(hub.requests()) == 1


@pytest.mark.slow
def test_on_the_machine_of_the_cache_a_pull_waits_for_the_script_and_adopts_its_result(
    tmp_path: Path,
) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, FILES)
        config = settings(tmp_path, hub.url)
        config.cache.mkdir()
        script = manual_script(plan(REF, config), hub.url, config.cache)
        path = tmp_path / "get.sh"
        # The script stops with the lock in its hands until the test lets it go on.
        path.write_text(
            script.replace('mkdir -p "$FOLDER"\n', 'mkdir -p "$FOLDER"\necho locked\nread go\n', 1)
        )
        child = subprocess.Popen(
            ["sh", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None and child.stdin is not None
        assert child.stdout.readline() == "locked\n"
        assert try_lock(RepoPlace(config.cache, NAME).pull_lock) is None
        events = pull(REF, config)
        assert "Waiting for" in next(events).message
        child.communicate("go\n", timeout=240)
        assert child.returncode == 0
        hub.forget_requests()
        snapshot = snapshot_of(list(events))
        assert hub.bytes_sent("tokenizer.json") == 0
        assert hub.bytes_sent("model.safetensors") <= 1 << 20
    assert_whole(config, snapshot, FILES)


def test_outdated_lists_models_whose_branch_moved_with_what_changed(tmp_path: Path) -> None:
    with FakeHub() as hub:
        old = hub.add_repo(NAME, FILES)
        pinned = hub.add_repo("org/pinned", FILES)
        config = settings(tmp_path, hub.url)
        pull_all(config)
        pull_all(config, ModelRef(name="p", repo_id="org/pinned", revision=pinned))
        assert list(outdated(config)) == []
        new = hub.add_repo(NAME, {**FILES, "tokenizer.json": b'{"version": "2.0"}'})
        hub.add_repo("org/pinned", {**FILES, "tokenizer.json": b'{"version": "2.0"}'})
        (found,) = outdated(config)
        assert (found.commit, found.newest) == (old, new)
        assert found.changed == ("tokenizer.json",)
        hub.faults = Faults(statuses=(404,) * 50)
        (unknown,) = outdated(config)
        assert unknown.newest is None and unknown.problem


def test_a_model_of_another_branch_is_outdated_under_the_name_that_brings_it_up_to_date(
    tmp_path: Path,
) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, FILES)
        hub.add_repo(NAME, FILES, branch="dev/next")
        config = settings(tmp_path, hub.url)
        pull_all(config, parse_name(f"{NAME}@dev/next", load_catalog()))
        newest = hub.add_repo(NAME, {**FILES, "tokenizer.json": b'{"version": "2.0"}'}, branch="dev/next")
        (found,) = outdated(config)
        assert found.newest == newest
        snapshot = snapshot_of(pull_all(config, parse_name(found.ref.name, load_catalog())))
        assert snapshot.commit == newest
        assert list(outdated(config)) == []


def test_outdated_can_be_cancelled(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, FILES)
        config = settings(tmp_path, hub.url)
        pull_all(config)
        cancel = threading.Event()
        cancel.set()
        with pytest.raises(Cancelled):
            list(outdated(config, cancel=cancel))
