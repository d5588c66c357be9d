"""A verify reads every byte, offline, and names what is wrong with which file."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from ingle.catalog.listing import DigestKind, ListedFile, Listing
from ingle.catalog.model import ModelRef, Snapshot
from ingle.catalog.names import parse_name
from ingle.config import Config
from ingle.errors import Cancelled, DigestMismatch, Incomplete, MalformedModel, SizeMismatch
from ingle.hub.cache import Store
from ingle.hub.health.audit import Audit, FileState, audit, audit_steps, check_snapshot
from ingle.hub.health.content import complaint
from ingle.hub.layout import RepoPlace
from ingle.hub.receipt import Asked, Receipt, write_receipt
from tests.catalog.gguf_writer import llama
from tests.catalog.shelf import mlx_folder, safetensors
from tests.hub.hf_cache import COMMIT, everything, make_config, put, share

pytestmark = pytest.mark.slow


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config(tmp_path)


def found(config: Config, name: str = "org/name") -> Snapshot:
    snapshot = Store(config).find(parse_name(name, Store(config).catalog))
    assert snapshot is not None
    return snapshot


def checked(config: Config, name: str = "org/name") -> Audit:
    return audit(config, found(config, name))


def states(report: Audit) -> dict[str, FileState]:
    return {file.path: file.state for file in report.files}


def blob_of(place: RepoPlace, path: str) -> Path:
    return (place.snapshot(COMMIT) / path).resolve()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def receive(config: Config, files: dict[str, bytes]) -> RepoPlace:
    """A model that our own pull published, as its receipt says."""
    place = put(config, "org/name", files)
    listed = tuple(
        ListedFile(path, len(content), hashlib.sha256(content).hexdigest(), DigestKind.SHA256)
        for path, content in files.items()
    )
    asked = Asked(ModelRef(name="org/name", repo_id="org/name"), tuple(files))
    write_receipt(place, Receipt(listing=Listing("org/name", "main", COMMIT, listed), asked=(asked,)))
    return place


def test_a_whole_model_is_right_byte_for_byte(config: Config) -> None:
    put(config, "org/name", mlx_folder())
    report = checked(config)
    assert report.ok and report.error() is None
    assert set(states(report).values()) == {FileState.GOOD}
    assert report.read == sum(map(len, mlx_folder().values()))
    assert report.sentence == "3 files checked, right byte for byte."


@pytest.mark.parametrize("how", ["receipt", "tree", "names"])
def test_one_flipped_bit_is_found_whatever_the_digest_is_known_from(config: Config, how: str) -> None:
    files = mlx_folder()
    place = receive(config, files) if how == "receipt" else put(config, "org/name", files, tree=how == "tree")
    flip(blob_of(place, "model.safetensors"))
    report = checked(config)
    assert states(report)["model.safetensors"] is FileState.WRONG_DIGEST
    error = report.error()
    assert isinstance(error, DigestMismatch)
    assert error.details["expected"] == hashlib.sha256(files["model.safetensors"]).hexdigest()


@pytest.mark.parametrize("junk", [b"{", b'{"files": {"\xff": {}}}', b'{"x": ' + b"[" * 50_000])
def test_a_broken_listing_is_done_without(config: Config, junk: bytes) -> None:
    place = put(config, "org/name", mlx_folder())
    place.tree(COMMIT).parent.mkdir(parents=True, exist_ok=True)
    place.tree(COMMIT).write_bytes(junk)
    assert checked(config).ok


def test_git_digests_of_small_files_are_checked(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    link = place.snapshot(COMMIT) / "tokenizer.json"
    digest = hashlib.sha1(b"blob 2\0{}").hexdigest()
    blob_of(place, "tokenizer.json").rename(place.blob(digest))
    link.unlink()
    link.symlink_to(f"../../blobs/{digest}")
    assert states(checked(config))["tokenizer.json"] is FileState.GOOD
    place.blob(digest).write_bytes(b"[]")
    assert states(checked(config))["tokenizer.json"] is FileState.WRONG_DIGEST


def test_a_file_cut_short_has_the_wrong_size(config: Config) -> None:
    place = receive(config, mlx_folder())
    blob_of(place, "tokenizer.json").write_bytes(b"{")
    report = checked(config)
    assert states(report)["tokenizer.json"] is FileState.WRONG_SIZE
    assert isinstance(report.error(), SizeMismatch)


def test_a_file_that_the_pull_wanted_and_is_not_there_is_missing(config: Config) -> None:
    place = receive(config, mlx_folder(**{"extra.json": b"{}"}))
    (place.snapshot(COMMIT) / "extra.json").unlink()
    report = checked(config)
    assert states(report)["extra.json"] is FileState.MISSING
    assert isinstance(report.error(), Incomplete)


def test_what_the_index_names_and_the_disk_lacks_is_missing(config: Config) -> None:
    files = mlx_folder()
    del files["model.safetensors"]
    put(config, "org/name", files)
    assert states(checked(config))["model.safetensors"] is FileState.MISSING


@pytest.mark.parametrize(
    ("name", "content"),
    [("tokenizer.json", b"{"), ("tokenizer_config.json", b"[]"), ("generation_config.json", b"\xff")],
)
def test_a_file_that_does_not_parse_is_damage_though_its_digest_is_right(
    config: Config, name: str, content: bytes
) -> None:
    receive(config, mlx_folder(**{name: content}))
    report = checked(config)
    assert states(report)[name] is FileState.MALFORMED
    error = report.error()
    assert isinstance(error, MalformedModel) and "same bytes" in error.hint
    assert not report.repairable and "as it was published" in report.sentence


def test_what_a_repair_can_mend_is_told_from_what_was_published_so(config: Config) -> None:
    place = receive(config, mlx_folder(**{"tokenizer.json": b"{"}))
    flip(place.snapshot(COMMIT) / "model.safetensors")
    assert checked(config).repairable


def test_a_folder_without_digests_is_read_and_says_that_none_is_known(config: Config) -> None:
    folder = config.mlx_models / "mine"
    folder.mkdir(parents=True)
    for path, content in mlx_folder().items():
        (folder / path).write_bytes(content)
    report = checked(config, str(folder))
    assert report.ok
    assert len(report.unknown) == 3
    assert "no digest is known" in report.sentence


def test_the_shared_store_of_several_repos_is_read_through(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    flip(share(place, "model.safetensors"))
    assert states(checked(config))["model.safetensors"] is FileState.WRONG_DIGEST


def test_only_the_files_of_the_named_quantisation_are_read(config: Config) -> None:
    put(config, "org/many", {"a.gguf": llama("a"), "b.gguf": llama("b")})
    assert states(checked(config, "org/many:a.gguf")) == {"a.gguf": FileState.GOOD}


def test_checking_changes_nothing(config: Config) -> None:
    receive(config, mlx_folder())
    before = everything(config.cache)
    checked(config)
    assert everything(config.cache) == before


def test_progress_never_goes_back_and_ends_at_the_whole(config: Config) -> None:
    put(config, "org/name", mlx_folder())
    steps = list(check_snapshot(config, found(config)))
    done = [step.bytes_done for step in steps]
    assert done == sorted(done)
    assert steps[-1].fraction == 1.0 and steps[-1].snapshot is not None


def test_damage_is_raised_only_after_everything_was_read(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    flip(blob_of(place, "config.json"))
    seen: list[str] = []
    with pytest.raises(DigestMismatch):
        seen.extend(step.message for step in check_snapshot(config, found(config)))
    assert "tokenizer.json" in seen


def test_a_cancelled_check_stops(config: Config) -> None:
    put(config, "org/name", mlx_folder())
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        list(audit_steps(config, found(config), cancel))


@pytest.mark.parametrize(
    ("name", "content", "good"),
    [
        ("config.json", b"{}", True),
        ("config.json", b"[]", False),
        ("vocab.json", b"[1]", True),
        ("data.jsonl", b'{"a": 1}\n\n{"b": 2}\n', True),
        ("data.jsonl", b'{"a": 1}\n{"b"\n', False),
        ("chat_template.jinja", "{{ grüße }}".encode(), True),
        ("chat_template.jinja", b"\xff\xfe", False),
        ("tokenizer.model", b"", False),
        ("tokenizer.model", b"\x0a", True),
        ("m.gguf", llama(), True),
        ("m.gguf", llama()[:-40], False),
        ("m.safetensors", safetensors(), True),
        ("m.safetensors", safetensors() + b"x", False),
        ("README.md", b"\xff", True),
        ("notes.json", b"{", True),
        ("onnx/config.json", b"{", True),
        ("model.safetensors.index.json", b"{", False),
    ],
)
def test_content_is_held_against_its_name(tmp_path: Path, name: str, content: bytes, good: bool) -> None:
    path = tmp_path / Path(name).name
    path.write_bytes(content)
    assert (complaint(path, name) is None) is good
