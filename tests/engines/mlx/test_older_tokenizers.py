"""Folders without a tokenizer.json load all the same, and no torch that lies on the path is ever imported.

The torch here is a fake with the real one's metadata: whoever looks finds it installed, whoever imports it is
written down and gets an ImportError.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sentencepiece

from tests.engines.mlx.tiny import SPECIAL, tokenizer, write_alphabet

pytestmark = pytest.mark.slow

CHILD = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from ingle.engines.base import EngineOptions
from ingle.engines.mlx.engine import open_engine
from ingle.engines.mlx.tokenizer import ModelTokenizer
from tests.engines.mlx.asking import ask, chat
from tests.models import mlx_snapshot
folder, imported = Path(sys.argv[1]), Path(sys.argv[2]) / "imported"
text = "the quick brown fox 12 \\u00e9"
found = ModelTokenizer(folder, {})
told = {"same": found.decode(found.encode(text, special=False)) == text, "eos": sorted(found.eos)}
if (folder / "model.safetensors").is_file():
    engine = open_engine(mlx_snapshot(folder), EngineOptions(context=512, slots=1))
    told["answer"] = ask(engine, chat(max_tokens=3)).text
    engine.close()
told["torch"] = imported.exists()
try:
    import torch
except ImportError:
    told["fake"] = imported.exists()
print(json.dumps(told))
"""

TORCH = """
from pathlib import Path
Path(__file__).parents[1].joinpath("imported").write_text("")
raise ImportError("this torch is a fake")
"""


@pytest.fixture
def fake_torch(tmp_path: Path) -> Path:
    folder = tmp_path / "path"
    for name in ("torch", "torch-2.9.0.dist-info"):
        (folder / name).mkdir(parents=True)
    (folder / "torch" / "__init__.py").write_text(TORCH)
    about = "Metadata-Version: 2.1\nName: torch\nVersion: 2.9.0\n"
    (folder / "torch-2.9.0.dist-info" / "METADATA").write_text(about)
    return folder


def told_by_a_child(folder: Path, fake_torch: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder), str(fake_torch)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def write_vocabulary_and_merges(folder: Path) -> Path:
    """The alphabet's model with the files of GPT-2's time: `vocab.json`, `merges.txt` and the added tokens."""
    write_alphabet(folder)
    (folder / "tokenizer.json").unlink()
    made = tokenizer()
    vocabulary = made.get_vocab(with_added_tokens=False)
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    added = {
        str(made.token_to_id(text)): {"content": text, "special": at < 2, "normalized": False}
        for at, text in enumerate(SPECIAL)
    }
    settings |= {
        "tokenizer_class": "GPT2Tokenizer",
        "added_tokens_decoder": added,
        "unk_token": "<|im_end|>",
        "bos_token": "<|im_start|>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def write_sentencepiece(folder: Path, kind: str) -> Path:
    """Only a tokenizer, of Llama 2's kind: `tokenizer.model`."""
    folder.mkdir()
    made = io.BytesIO()
    sentences = ["the quick brown fox jumps over the lazy dog", "1 2 3 4 5 6 7 8 9 0"] * 50
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_writer=made,
        vocab_size=320,
        model_type=kind,
        byte_fallback=True,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    (folder / "tokenizer.model").write_bytes(made.getvalue())
    settings = {
        "tokenizer_class": "LlamaTokenizer",
        "eos_token": "</s>",
        "bos_token": "<s>",
        "unk_token": "<unk>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    return folder


def test_a_vocabulary_with_merges_loads_and_answers_without_torch(tmp_path: Path, fake_torch: Path) -> None:
    folder = write_vocabulary_and_merges(tmp_path / "model")
    expected = {"same": True, "eos": [256], "answer": "abc", "torch": False, "fake": True}
    assert told_by_a_child(folder, fake_torch) == expected


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_sentencepiece_model_loads_without_torch(tmp_path: Path, fake_torch: Path, kind: str) -> None:
    folder = write_sentencepiece(tmp_path / "model", kind)
    expected = {"same": True, "eos": [2], "torch": False, "fake": True}
    assert told_by_a_child(folder, fake_torch) == expected
