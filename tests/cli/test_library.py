"""`list`, `show` and `rm` over a real store of small models, without a daemon."""

from __future__ import annotations

import json

import pytest
from bench.startup import fill_cache

from ingle.catalog.fits import memory_needed
from ingle.errors import InUse
from tests.catalog.gguf_writer import llama
from tests.cli.conftest import Place
from tests.cli.fake_daemon import Refusal, fake_daemon


@pytest.fixture(autouse=True)
def two_models(place: Place) -> None:
    fill_cache(place.cache, 2)


def test_models_put_there_by_any_tool_are_listed(place: Place) -> None:
    found = place.ingle("list")
    assert (found.exit_code, found.stderr) == (0, "")
    head, *rows = found.stdout.splitlines()
    assert head.split()[:3] == ["NAME", "SIZE", "FORMAT"]
    assert sorted(row.split()[0] for row in rows) == ["bench/model-000", "bench/model-001"]


def test_the_list_for_machines_has_names_states_and_paths(place: Place) -> None:
    found = json.loads(place.ingle("list", "--json").stdout)
    assert {one["name"] for one in found} == {"bench/model-000", "bench/model-001"}
    assert {(one["state"], one["format"]) for one in found} == {("complete", "mlx")}


def test_a_partial_model_says_what_is_missing(place: Place) -> None:
    weights = place.cache / "models--bench--model-000" / "snapshots"
    next(weights.glob("*/model.safetensors")).unlink()
    assert "partial" in place.ingle("list").stdout
    shown = json.loads(place.ingle("show", "bench/model-000", "--json").stdout)
    assert (shown["state"], shown["missing"]) == ("partial", ["model.safetensors"])


def test_a_model_of_which_a_part_is_here_is_not_called_absent(place: Place) -> None:
    weights = place.cache / "models--bench--model-000" / "snapshots"
    next(weights.glob("*/model.safetensors")).unlink()
    found = place.ingle("run", "bench/model-000", "Hi")
    assert (found.exit_code, found.stdout) == (1, "")
    assert "bench/model-000 is not whole: model.safetensors missing." in found.stderr
    assert "`ingle pull bench/model-000` fetches the rest." in found.stderr


def test_an_empty_cache_says_how_to_begin(place: Place) -> None:
    found = place.ingle("list", HF_HUB_CACHE=str(place.root / "nothing"))
    assert (found.exit_code, found.stdout) == (0, "")
    assert "ingle pull starter" in found.stderr
    assert json.loads(place.ingle("list", "--json", HF_HUB_CACHE=str(place.root / "nothing")).stdout) == []


def test_the_catalogue_says_what_fits(place: Place) -> None:
    found = place.ingle("list", "--catalog")
    assert "qwen3:1.7b" in found.stdout
    entries = json.loads(place.ingle("list", "--catalog", "--json").stdout)
    assert {one["fits"] for one in entries} <= {"fits", "tight", "too-big"}


def test_show_knows_a_model_that_is_here_and_one_that_could_be(place: Place) -> None:
    assert "4-bit" in place.ingle("show", "bench/model-001").stdout
    there = place.ingle("show", "qwen3:1.7b").stdout
    assert "not here; `ingle pull qwen3:1.7b` gets it" in there
    assert "Fits this machine" in there or "Too big" in there
    assert json.loads(place.ingle("show", "default", "--json").stdout)["name"] == "qwen3:1.7b"


def test_show_says_what_its_number_of_bytes_of_memory_rests_on(place: Place) -> None:
    """A model that is here: its headers, keys and values included. One that is not: the catalogue."""
    file = place.root / "tiny.gguf"
    file.write_bytes(llama())
    keys_and_values = 2 * 2 * 2 * 64 * 2  # layers, both, heads, a head's width, 16 bits
    said = json.loads(place.ingle("show", str(file), "--json").stdout)["fits"]
    assert said["needed"] == memory_needed(file.stat().st_size, kv_bytes_per_token=keys_and_values)
    assert "Estimated from its headers, with 4096 tokens" in place.ingle("show", str(file)).stdout
    assert "As the catalogue has it, with 4096 tokens" in place.ingle("show", "qwen3:1.7b").stdout


def test_rm_deletes_only_what_it_names(place: Place) -> None:
    found = place.ingle("rm", "bench/model-000")
    assert found.exit_code == 0
    assert "deleted" in found.stderr
    assert [one["name"] for one in json.loads(place.ingle("list", "--json").stdout)] == ["bench/model-001"]


def test_rm_of_what_is_not_here_fails_and_says_so(place: Place) -> None:
    found = place.ingle("rm", "bench/never", "--json")
    assert found.exit_code == 1
    assert json.loads(found.stdout)["error"]["code"] == "model_not_found"


def test_rm_asks_the_running_daemon_which_refuses_what_is_in_use(place: Place) -> None:
    with fake_daemon(place.home) as daemon:
        refusal = InUse("bench/model-000 is loaded.", hint="ingle stop bench/model-000", actions=("unload",))
        daemon.answers["POST /ingle/delete"] = Refusal(409, refusal.to_dict())
        found = place.ingle("rm", "bench/model-000")
    assert found.exit_code == 1
    assert "ingle stop bench/model-000" in found.stderr
    assert len(json.loads(place.ingle("list", "--json").stdout)) == 2


def test_a_cache_nobody_may_read_is_an_error_or_an_empty_list_and_no_crash(place: Place) -> None:
    place.cache.chmod(0)
    try:
        found = place.ingle("list")
    finally:
        place.cache.chmod(0o700)
    assert found.exit_code in {0, 1}
    assert "Traceback" not in found.output
    assert found.exception is None or isinstance(found.exception, SystemExit)


def test_a_path_without_a_dot_in_front_is_still_a_path(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = next(place.cache.glob("models--bench--model-000/snapshots/*"))
    monkeypatch.chdir(place.cache)
    assert place.ingle("show", str(folder.relative_to(place.cache))).exit_code == 0
    assert place.ingle("show", "models--bench--model-000/snapshots/never").exit_code == 2


def test_the_shell_completes_models_that_are_here_and_short_names(place: Place) -> None:
    found = place.ingle(_INGLE_COMPLETE="complete_bash", COMP_WORDS="ingle show be", COMP_CWORD="2")
    assert found.output.split() == ["bench/model-000", "bench/model-001"]
    found = place.ingle(_INGLE_COMPLETE="complete_bash", COMP_WORDS="ingle run sta", COMP_CWORD="2")
    assert found.output.split() == ["starter"]


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["run", "chat", "pull", "show", "rm", "load", "verify", "repair", "export"])
def test_every_command_that_takes_a_model_of_the_disk_completes_it(place: Place, verb: str) -> None:
    found = place.ingle(_INGLE_COMPLETE="complete_bash", COMP_WORDS=f"ingle {verb} be", COMP_CWORD="2")
    assert "bench/model-000" in found.output.split()


def test_a_variable_that_sets_nothing_is_told_beside_the_answer(place: Place) -> None:
    told = place.ingle("list", "--json", INGLE_HISTRY="1")
    assert told.exit_code == 0
    assert "INGLE_HISTRY (meant INGLE_HISTORY?) is no setting of Ingle's" in told.stderr
    assert "INGLE_HISTRY" not in told.stdout
    assert place.ingle("list", "--json", INGLE_HISTORY="1").stderr == ""
