"""What was pulled, seen by the real huggingface_hub, transformers and mlx-lm; and pulls beside theirs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from huggingface_hub import scan_cache_dir, snapshot_download

from ingle.catalog.model import ModelRef
from ingle.hub.layout import RepoPlace
from ingle.hub.locks import hold
from ingle.hub.pieces import PIECE
from ingle.hub.pull import pull
from tests.fakes.faults import Faults
from tests.fakes.gate import Gate
from tests.fakes.hub import FakeHub
from tests.hub.hf_cache import hf
from tests.hub.pulling import (
    NAME,
    REF,
    assert_promises,
    assert_whole,
    model_files,
    pull_all,
    settings,
    snapshot_of,
    weights_blob,
)

pytestmark = pytest.mark.slow


def test_hf_lists_verifies_and_prunes_nothing_of_ours(tmp_path: Path) -> None:
    with FakeHub() as hub:
        commit = hub.add_repo(NAME, model_files())
        config = settings(tmp_path, hub.url)
        pull_all(config)
        pinned = hub.add_repo("org/pinned", model_files(1000))
        pull_all(config, ModelRef(name="p", repo_id="org/pinned", revision=pinned))
        assert "org/name" in hf(config.cache, "cache", "ls").stdout
        checked = hf(config.cache, "cache", "verify", NAME, "--revision", commit, endpoint=hub.url)
        assert checked.returncode == 0, checked.stderr
        pruned = hf(config.cache, "cache", "prune", "--yes")
        assert pruned.returncode == 0, pruned.stderr
        assert {repo.repo_id for repo in scan_cache_dir(config.cache).repos} == {NAME, "org/pinned"}
        assert snapshot_download(NAME, cache_dir=config.cache, local_files_only=True)
        assert snapshot_download("org/pinned", revision=pinned, cache_dir=config.cache, local_files_only=True)


def test_a_prune_in_the_middle_of_a_pull_takes_nothing_of_it(tmp_path: Path) -> None:
    files = model_files(40_000_000)
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        hub.faults = Faults(rate=10_000_000, only="model.safetensors")
        config = settings(tmp_path, hub.url)
        events = []
        with Gate(hub, "model.safetensors", 4 * PIECE) as gate:
            for event in pull(REF, config):
                events.append(event)
                if event.bytes_done > PIECE and not gate.is_open:
                    assert hf(config.cache, "cache", "prune", "--yes").returncode == 0
                    gate.open()
            assert gate.is_open
        assert_whole(config, snapshot_of(events), files)


def test_huggingface_hub_pulling_the_same_files_at_once_harms_neither(tmp_path: Path) -> None:
    files = model_files(40_000_000)
    with FakeHub() as hub:
        commit = hub.add_repo(NAME, files)
        hub.faults = Faults(rate=20_000_000, only="model.safetensors")
        config = settings(tmp_path, hub.url)
        found: list[str] = []

        def theirs() -> None:
            at, cache = commit, config.cache
            found.append(
                snapshot_download(NAME, revision=at, cache_dir=cache, endpoint=hub.url, etag_timeout=240)
            )

        other = threading.Thread(target=theirs)
        other.start()
        snapshot = snapshot_of(pull_all(config))
        other.join(240)
        for path, data in files.items():
            assert Path(found[0], path).read_bytes() == data
        assert hub.bytes_sent("model.safetensors") < 40_000_000 * 1.2
    assert_whole(config, snapshot, files)


def test_a_lock_held_by_hand_is_waited_for_and_what_it_brought_is_adopted(tmp_path: Path) -> None:
    files = model_files()
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        blob = weights_blob(config, files)
        messages = []
        with hold(RepoPlace(config.cache, NAME).blob_lock(blob.name), threading.Event()):
            events = pull(REF, config)
            for event in events:
                messages.append(event.message)
                if "waiting" in event.message:
                    break
            blob.write_bytes(files["model.safetensors"])
        snapshot = snapshot_of(list(events))
        assert "another program" in messages[-1]
        assert hub.bytes_sent("model.safetensors") <= 1 << 20
    assert_whole(config, snapshot, files)


def test_what_a_lock_held_by_hand_brought_is_not_taken_when_it_is_wrong(tmp_path: Path) -> None:
    files = model_files()
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        blob = weights_blob(config, files)
        wrong = bytearray(files["model.safetensors"])
        wrong[len(wrong) // 2] ^= 1
        with hold(RepoPlace(config.cache, NAME).blob_lock(blob.name), threading.Event()):
            events = pull(REF, config)
            while "waiting" not in next(events).message:
                pass
            blob.write_bytes(wrong)
        snapshot = snapshot_of(list(events))
        assert hub.bytes_sent("model.safetensors") >= len(wrong)
    assert_whole(config, snapshot, files)


KILLED = """
import sys, pathlib
from tests.hub.pulling import settings, REF
from ingle.hub.pull import pull
for event in pull(REF, settings(pathlib.Path(sys.argv[1]), sys.argv[2])):
    print(event.bytes_done, event.phase, flush=True)
"""


def _killed_at(config_folder: Path, url: str, bytes_done: int) -> bool:
    """Runs a pull in a process and kills it once it says so many bytes; False when it ended before."""
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(config_folder), url], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child:
        for line in child.stdout:
            if int(line.split()[0]) >= bytes_done:
                child.kill()
                return True
    return False


def test_a_killed_pull_goes_on_with_what_was_recorded(tmp_path: Path) -> None:
    files = model_files(150_000_000)
    size = len(files["model.safetensors"])
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        hub.faults = Faults(rate=12_000_000, only="model.safetensors")
        config = settings(tmp_path, hub.url)
        fetched = 0
        for part in (0.3, 0.6, 0.9):
            assert _killed_at(tmp_path, hub.url, int(size * part))
            assert_promises(config)
        hub.faults = Faults()
        assert_whole(config, snapshot_of(pull_all(config)), files)
        # Per kill: what waits to be recorded, an open piece for each connection, and the head that tells
        # the format.
        fetched = hub.bytes_sent("model.safetensors")
        again = fetched - size
        assert again < 3 * ((64 << 20) + 16 * (8 << 20))
        assert fetched < 2.2 * size


def test_two_processes_that_pull_the_same_model_fetch_it_once(tmp_path: Path) -> None:
    files = model_files(60_000_000)
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        hub.faults = Faults(rate=10_000_000, only="model.safetensors")
        config = settings(tmp_path, hub.url)
        command = [sys.executable, "-c", KILLED, str(tmp_path), hub.url]
        children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        said = [child.communicate(timeout=240)[0] for child in children]
        assert [child.returncode for child in children] == [0, 0]
        assert all("done" in text for text in said)
        assert hub.bytes_sent("model.safetensors") < 60_000_000 * 1.2
        assert_whole(config, snapshot_of(pull_all(config)), files)


def _tiny_llama(folder: Path) -> dict[str, bytes]:
    """A random llama of a few thousand weights with a tokenizer of its own, as files."""
    import mlx.core as mx
    from mlx.utils import tree_flatten
    from mlx_lm.models.llama import Model, ModelArgs
    from tokenizers import Tokenizer, models, pre_tokenizers

    shape = {
        "model_type": "llama",
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "intermediate_size": 64,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-5,
        "vocab_size": 32,
    }
    model = Model(ModelArgs.from_dict(shape))
    mx.save_safetensors(
        str(folder / "model.safetensors"), dict(tree_flatten(model.parameters())), metadata={"format": "mlx"}
    )
    words = {
        word: number for number, word in enumerate(["<s>", "</s>", "<unk>", *"abcdefghijklmnopqrstuvwxyz.,?"])
    }
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({**shape, "architectures": ["LlamaForCausalLM"]}))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>", "unk_token": "<unk>"})
    )
    return {path.name: path.read_bytes() for path in folder.iterdir()}


OPENED = """
import sys
from transformers import AutoTokenizer
from mlx_lm import load
import mlx.core as mx
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model, wrapped = load(sys.argv[1])
tokens = tokenizer.encode("abc")
print(tokens, model(mx.array([tokens])).shape)
"""


def test_transformers_and_mlx_lm_open_what_was_pulled_offline_by_its_name(tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    files = _tiny_llama(made)
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        assert_whole(config, snapshot_of(pull_all(config)), files)
    environ = {**os.environ, "HF_HUB_CACHE": str(config.cache), "HF_HUB_OFFLINE": "1"}
    found = subprocess.run(
        [sys.executable, "-c", OPENED, NAME], env=environ, capture_output=True, text=True, timeout=200
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip() == "[3, 4, 5] (1, 3, 32)"
