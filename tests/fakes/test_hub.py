"""The real client library accepts the fake hub unchanged, so what passes against it means something."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.content import Many, Noise, Sparse, as_content, sha256
from tests.fakes.faults import Faults
from tests.fakes.hub import FakeHub
from tests.fakes.repos import Given

FILES: Given = {
    "config.json": b"{}",
    "empty.txt": b"",
    "model.safetensors": Noise(3 << 20),
    "sub/a b#?%é.txt": b"hello",
}


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub(page_size=3) as hub:
        hub.add_repo("org/name", FILES)
        yield hub


def run_client(hub: FakeHub, cache: Path, code: str) -> str:
    """What a program using the real library prints, with this hub as its only one."""
    settings = {"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(cache), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    environment = {**os.environ, **settings, "HF_HOME": str(cache / "home"), "NO_PROXY": "*", "HF_TOKEN": "t"}
    hub.tokens.add("t")
    done = subprocess.run(
        [sys.executable, "-c", f"import huggingface_hub as h; {code}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_the_real_client_downloads_lists_and_searches(hub: FakeHub, tmp_path: Path) -> None:
    hub.add_repo("org/many", Many(10))
    told = run_client(
        hub,
        tmp_path,
        "print(h.snapshot_download('org/name')); a = h.HfApi();"
        "h.hf_hub_download('org/many', 'part/000007.json');"
        "print(len(list(a.list_repo_tree('org/many', recursive=True))), a.model_info('org/name').sha,"
        "[m.id for m in a.list_models(search='nam')], a.whoami()['name'])",
    )
    folder, said = told.splitlines()
    commit = hub.repos["org/name"].refs["main"]
    assert said == f"11 {commit} ['org/name'] someone"
    for name, value in FILES.items():
        content = as_content(value)
        assert (Path(folder) / name).read_bytes() == bytes(content.read(0, content.size))
    assert hub.leaks == []


@pytest.mark.slow
def test_hf_cache_verify_agrees_with_a_good_cache_and_sees_a_flipped_byte(
    hub: FakeHub, tmp_path: Path
) -> None:
    verify = "r = h.HfApi().verify_repo_checksums('org/name'); print(r.checked_count, len(r.mismatches))"
    folder = Path(run_client(hub, tmp_path, "print(h.snapshot_download('org/name'))"))
    assert run_client(hub, tmp_path, verify) == "4 0"
    blob = (folder / "model.safetensors").resolve()
    blob.write_bytes(b"x" + blob.read_bytes()[1:])
    assert run_client(hub, tmp_path, verify) == "4 1"


@pytest.mark.slow
def test_the_real_client_sees_gated_and_missing_repos_as_such(hub: FakeHub, tmp_path: Path) -> None:
    hub.add_repo("org/gated", FILES, gated=True)
    code = (
        "from huggingface_hub.errors import *\n"
        "for name in ('org/gated', 'org/none'):\n"
        " try: h.hf_hub_download(name, 'config.json')\n"
        " except Exception as e: print(type(e).__name__)"
    )
    assert run_client(hub, tmp_path, code).split() == ["GatedRepoError", "RepositoryNotFoundError"]


def test_noise_is_the_same_whichever_way_it_is_read() -> None:
    noise = Noise(100_000, seed=3)
    whole = noise.read(0, noise.size)
    assert len(whole) == noise.size
    assert b"".join(noise.read(n, min(n + 777, noise.size)) for n in range(0, noise.size, 777)) == whole
    assert sha256(Noise(100_000, seed=4)) != sha256(noise)


def test_sparse_content_is_zero_but_for_its_islands() -> None:
    sparse = Sparse(5 << 30, {(4 << 30) - 2: b"abcd"})
    assert bytes(sparse.read((4 << 30) - 3, (4 << 30) + 3)) == b"\0abcd\0"


def test_faults_that_run_out_start_again_when_set_again(hub: FakeHub) -> None:
    hub.faults = Faults(cut_times=1)
    assert [hub.take("cut", 1), hub.take("cut", 1)] == [True, False]
    hub.faults = Faults(cut_times=1)
    assert hub.take("cut", 1)
