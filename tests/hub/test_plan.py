"""The plan of a pull: which files make the model, what they take, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from ingle.catalog.fits import Memory
from ingle.catalog.listing import DigestKind, ListedFile
from ingle.catalog.model import Format, ModelRef
from ingle.errors import Incomplete, ModelNotFound, Unsupported
from ingle.hub.plan import MARGIN_LEAST, PullPlan, plan_pull
from tests.hub.pulling import NAME, listing_of

GIB = 1 << 30
AMPLE = Memory(total=64 * GIB, available=60 * GIB)


def _file(path: str, size: int = 100) -> ListedFile:
    return ListedFile(path, size, f"{abs(hash(path)):064x}"[:64], DigestKind.SHA256)


def _plan(*paths: str | tuple[str, int], ref: ModelRef | None = None, **more: Any) -> PullPlan:
    files = [_file(path) if isinstance(path, str) else _file(*path) for path in paths]
    gguf = any(file.path.endswith(".gguf") for file in files)
    kind = more.pop("format", Format.GGUF if gguf else Format.SAFETENSORS)
    return plan_pull(ref or _ref(), listing_of(*files), kind, **more)


def _ref(file: str | None = None, quant: str | None = None) -> ModelRef:
    return ModelRef(name=NAME, repo_id=NAME, file=file, quant=quant)


def _names(plan: PullPlan) -> set[str]:
    return {file.path for file in plan.files}


def test_a_folder_takes_weights_config_tokenizer_templates_and_code_as_data() -> None:
    wanted = {
        "model.safetensors",
        "config.json",
        "tokenizer.model",
        "chat_template.jinja",
        "vocab.txt",
        "a.tiktoken",
        "added.jsonl",
        "modeling_x.py",
        "sub/extra.json",
    }
    others = {
        "README.md",
        "pytorch_model.bin",
        "onnx/model.onnx",
        "logo.png",
        ".gitattributes",
        "adapter.safetensors",
    }
    assert _names(_plan(*sorted(wanted | others))) == wanted


def test_all_parts_that_the_index_names_are_taken_and_no_others() -> None:
    parts = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    plan = _plan(*parts, "consolidated.safetensors", "model.safetensors.index.json", indexed=parts)
    assert _names(plan) == {*parts, "model.safetensors.index.json"}


def test_a_part_that_the_index_names_and_the_hub_lacks_is_said_before_the_first_byte() -> None:
    with pytest.raises(Incomplete, match="model-00002"):
        _plan(
            "model-00001-of-00002.safetensors",
            indexed=("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"),
        )


QUANTS = (
    ("m-Q2_K.gguf", 2 * GIB),
    ("m-Q4_K_M.gguf", 4 * GIB),
    ("m-Q8_0.gguf", 8 * GIB),
    ("m-F16.gguf", 16 * GIB),
    ("mmproj-m-F16.gguf", GIB),
    ("README.md", 10),
)


@pytest.mark.parametrize(
    ("memory", "chosen"),
    [
        (AMPLE, "m-Q4_K_M.gguf"),
        (Memory(total=8 * GIB, available=7 * GIB), "m-Q4_K_M.gguf"),
        (Memory(total=5 * GIB, available=4 * GIB), "m-Q2_K.gguf"),
        (Memory(total=GIB, available=GIB), "m-Q2_K.gguf"),
        (None, "m-Q4_K_M.gguf"),
    ],
)
def test_of_many_quantisations_the_one_that_fits_is_taken(memory: Memory | None, chosen: str) -> None:
    assert _names(_plan(*QUANTS, memory=memory)) == {chosen}


def test_a_model_too_big_for_the_machine_says_so_in_the_plan() -> None:
    plan = _plan(*QUANTS, memory=Memory(total=GIB, available=GIB))
    assert plan.fit is not None and not plan.fit.ok


@pytest.mark.parametrize(
    ("ref", "chosen"),
    [
        (_ref(quant="Q8_0"), {"m-Q8_0.gguf"}),
        (_ref(quant="q2_k"), {"m-Q2_K.gguf"}),
        (_ref(file="m-F16.gguf"), {"m-F16.gguf"}),
    ],
)
def test_a_quantisation_or_file_that_is_named_is_taken_alone(ref: ModelRef, chosen: set[str]) -> None:
    assert _names(_plan(*QUANTS, ref=ref, memory=Memory(total=GIB, available=GIB))) == chosen


def test_a_quantisation_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(ModelNotFound) as caught:
        _plan(*QUANTS, ref=_ref(quant="IQ1_S"))
    assert "m-Q4_K_M.gguf" in caught.value.hint


def test_a_file_that_is_not_there_is_not_found() -> None:
    with pytest.raises(ModelNotFound):
        _plan(*QUANTS, ref=_ref(file="nothing.gguf"))


def test_all_parts_of_a_split_gguf_come_together_from_the_name_of_any() -> None:
    parts = [f"Q4_K_M/m-Q4_K_M-{n:05d}-of-00003.gguf" for n in (1, 2, 3)]
    assert _names(_plan(*parts, "m-Q8_0.gguf", ref=_ref(quant="Q4_K_M"))) == set(parts)
    assert _names(_plan(*parts, "m-Q8_0.gguf", ref=_ref(file=parts[1]))) == set(parts)


def test_a_split_gguf_that_the_hub_lists_in_part_is_incomplete() -> None:
    with pytest.raises(Incomplete, match="00002"):
        _plan("m-00001-of-00002.gguf")


def test_a_split_gguf_that_lacks_a_part_keeps_nobody_from_a_whole_one_beside_it() -> None:
    assert _names(_plan("m-Q4_K_M-00001-of-00002.gguf", "m-Q8_0.gguf")) == {"m-Q8_0.gguf"}
    with pytest.raises(Incomplete, match="00002"):
        _plan("m-Q4_K_M-00001-of-00002.gguf", "m-Q8_0.gguf", ref=_ref(quant="Q4_K_M"))


def test_parts_whose_names_no_loader_finds_are_refused_before_the_first_byte() -> None:
    """llama.cpp looks for the other parts under names that end in small letters."""
    parts = [f"m-Q4_K_M-{number:05d}-of-00002.GGUF" for number in (1, 2)]
    for ref in (_ref(), _ref(quant="Q4_K_M"), _ref(file=parts[1])):
        with pytest.raises(Unsupported, match=r"00002\.GGUF"):
            _plan(*parts, ref=ref, format=Format.GGUF)
    assert _names(_plan(*parts, "m-Q8_0.gguf", format=Format.GGUF)) == {"m-Q8_0.gguf"}
    assert _names(_plan("m-Q8_0.GGUF", format=Format.GGUF)) == {"m-Q8_0.GGUF"}


def test_a_repo_with_projectors_only_has_no_model() -> None:
    with pytest.raises(Unsupported):
        _plan("mmproj-x.gguf")


def test_what_is_here_already_is_not_fetched_and_needs_no_disk() -> None:
    files = [_file("model.safetensors", 1000), _file("config.json", 10)]
    held = {files[0].digest: 1000, files[1].digest: 10}
    plan = plan_pull(_ref(), listing_of(*files), Format.SAFETENSORS, held=held)
    assert plan.fetch == () and plan.to_fetch == 0 and plan.disk_needed == 0


def test_what_a_journal_has_of_a_file_is_not_counted_again() -> None:
    file = _file("model.safetensors", 1000)
    plan = plan_pull(_ref(), listing_of(file), Format.SAFETENSORS, held={file.digest: 400})
    assert plan.fetch == (file,) and plan.to_fetch == 600 and plan.done == 400
    assert plan.disk_needed == 600 + MARGIN_LEAST


def test_disk_that_an_earlier_pull_reserved_is_not_asked_for_again() -> None:
    file, other = _file("model.safetensors", 1000), _file("config.json", 10)
    plan = plan_pull(_ref(), listing_of(file, other), Format.SAFETENSORS)
    begun = plan.with_held({file.digest: 400}, reserved={file.digest: 4096})
    assert begun.to_fetch == 610
    assert begun.disk_needed == 10 + MARGIN_LEAST
    sparse = plan.with_held({file.digest: 400}, reserved={file.digest: 300})
    assert sparse.disk_needed == 610 + MARGIN_LEAST


def test_the_margin_grows_with_the_model_and_is_said() -> None:
    plan = _plan(("model.safetensors", 100 * GIB))
    assert plan.margin == GIB
    assert "1.1 GB of it a margin" in plan.sentence


def test_files_with_the_same_content_are_fetched_once() -> None:
    one = ListedFile("a.json", 10, "ab" * 20, DigestKind.GIT_SHA1)
    two = ListedFile("b.json", 10, "ab" * 20, DigestKind.GIT_SHA1)
    plan = plan_pull(_ref(), listing_of(one, two, _file("model.safetensors")), Format.SAFETENSORS)
    assert len(plan.files) == 3 and len(plan.fetch) == 2
