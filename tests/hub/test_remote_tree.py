"""A listing that passed can be written to any disk without leaving its folder; all others are refused."""

from __future__ import annotations

import contextlib
import json
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.catalog.listing import DigestKind, ListedFile
from ingle.errors import HubLied
from ingle.hub.tree import check_path, check_together, folded, parse_info, parse_page
from ingle.hub.verify import digest_of
from tests.fakes.calm import CALM

pytestmark = pytest.mark.slow

SHA1, SHA256 = "a" * 40, "b" * 64
EMPTY_SHA1, EMPTY_SHA256 = digest_of(b"", DigestKind.GIT_SHA1), digest_of(b"", DigestKind.SHA256)


def row(path: str = "a.json", **more: Any) -> dict[str, Any]:
    return {"type": "file", "path": path, "oid": SHA1, "size": 3, **more}


def page(*rows: dict[str, Any]) -> bytes:
    return json.dumps(list(rows)).encode()


def listed(*paths: str) -> list[ListedFile]:
    return [ListedFile(path, 1, SHA1, DigestKind.GIT_SHA1) for path in paths]


def test_a_page_gives_small_and_large_files_and_skips_folders() -> None:
    large = row("m.gguf", lfs={"oid": SHA256, "size": 3, "pointerSize": 9}, xetHash="x")
    files, rows = parse_page(page(row(), large, row("d", type="directory")))
    assert rows == 3
    assert files == [
        ListedFile("a.json", 3, SHA1, DigestKind.GIT_SHA1),
        ListedFile("m.gguf", 3, SHA256, DigestKind.SHA256),
    ]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../up",
        "a/../../up",
        "a/./b",
        "a//b",
        "a/",
        ".",
        "..",
        "C:/windows",
        "a\\..\\b",
        "a\0b",
        "a\nb",
        "a\x7fb",
        "\u2028",
        "x" * 256,
        "é" * 128,
        "/".join(["d" * 100] * 11),
    ],
)
def test_a_name_that_could_leave_its_folder_or_confuse_a_disk_is_refused(path: str) -> None:
    with pytest.raises(HubLied) as caught:
        parse_page(page(row(path)))
    assert caught.value.details["kind"] == "name"


@pytest.mark.parametrize("path", ["a#b?c%d e.txt", "sub/ünï/模型.json", "...", "a..b", "-x", "é" * 127])
def test_an_odd_but_harmless_name_passes(path: str) -> None:
    files, _ = parse_page(page(row(path)))
    assert files[0].path == path


@pytest.mark.parametrize(
    "more",
    [
        {"size": -1},
        {"size": 1 << 60},
        {"size": 1.5},
        {"size": "3"},
        {"size": True},
        {"oid": "A" * 40},
        {"oid": "../../evil"},
        {"oid": ""},
        {"oid": SHA1 + "\n"},
        {"lfs": {"oid": SHA1, "size": 3}},
        {"lfs": {"oid": SHA256, "size": 4}},
        {"lfs": {"oid": "../" + "b" * 61, "size": 3}},
        {"type": "commit"},
        {"type": "symlink"},
        {"path": None},
    ],
)
def test_a_size_or_digest_or_kind_that_cannot_be_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(HubLied):
        parse_page(page(row(**more)))


@pytest.mark.parametrize("more", [{"size": 0}, {"size": 0, "lfs": {"oid": SHA256, "size": 0}}])
def test_an_empty_file_with_the_digest_of_another_is_called_so(more: dict[str, Any]) -> None:
    with pytest.raises(HubLied, match="empty"):
        parse_page(page(row(**more)))


def test_an_empty_file_may_be_listed() -> None:
    large = row("b.bin", size=0, lfs={"oid": EMPTY_SHA256, "size": 0})
    files, _ = parse_page(page(row(size=0, oid=EMPTY_SHA1), large))
    assert [file.size for file in files] == [0, 0]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b"[[]]", b"[" * 100_000, b'["\\ud800"]', b"\xff", b"null"]
)
def test_a_page_that_is_no_page_is_refused(body: bytes) -> None:
    with pytest.raises(HubLied):
        parse_page(body)


@pytest.mark.parametrize(
    "paths",
    [
        ("a.json", "a.json"),
        ("README.md", "readme.md"),
        ("Sub/x", "sub/X"),
        ("é.txt", "e\u0301.txt"),
        ("straße", "STRASSE"),
        ("a", "a/b"),
        ("A", "a/b/c"),
    ],
)
def test_names_that_are_one_on_some_disk_are_refused(paths: tuple[str, ...]) -> None:
    with pytest.raises(HubLied) as caught:
        check_together(listed(*paths))
    assert caught.value.details["kind"] == "collision"


def test_files_that_get_along_come_sorted() -> None:
    assert [f.path for f in check_together(listed("b", "a/x", "a.b", "a/y"))] == ["a.b", "a/x", "a/y", "b"]


def info(**more: Any) -> bytes:
    return json.dumps({"sha": SHA1, "id": "o/n", **more}).encode()


def test_the_facts_of_a_repo_are_its_commit_licence_and_gate() -> None:
    facts = parse_info(info(gated="manual", tags=["license:mit"], cardData={"license": "apache-2.0"}), "main")
    assert (facts.commit, facts.licence, facts.gated) == (SHA1, "apache-2.0", True)
    assert parse_info(info(tags=["license:mit"]), "main").licence == "mit"
    assert parse_info(info(cardData={"license": ["mit", "gpl-3.0"]}), "main").licence == "mit, gpl-3.0"


def test_one_digest_with_two_sizes_is_refused() -> None:
    same, other = (ListedFile(path, size, SHA1, DigestKind.GIT_SHA1) for path, size in (("a", 1), ("b", 2)))
    with pytest.raises(HubLied, match="another size"):
        check_together([same, other])


@pytest.mark.parametrize(
    "said",
    [
        {"cardData": "words"},
        {"cardData": {"license": 3}},
        {"cardData": {"license": {"name": "mit"}}},
        {"cardData": {"license": [None, 2]}},
        {"tags": None},
        {"tags": [2024, {}]},
        {"gated": None},
    ],
)
def test_what_a_publisher_wrote_oddly_of_a_repo_keeps_nobody_from_its_files(said: dict[str, Any]) -> None:
    facts = parse_info(info(**said), "main")
    assert (facts.commit, facts.licence, facts.gated) == (SHA1, None, False)


def test_a_licence_that_is_no_name_is_left_out_rather_than_shown() -> None:
    assert parse_info(info(cardData={"license": "\x1b[2J"}), "main").licence is None


@pytest.mark.parametrize("sha", ["main", "", "A" * 40, "../" + "a" * 37, "a" * 41, "a" * 40 + "\n"])
def test_a_commit_that_is_no_commit_is_refused(sha: str) -> None:
    with pytest.raises(HubLied):
        parse_info(info(sha=sha), "main")


def test_another_commit_than_the_one_asked_for_is_refused() -> None:
    with pytest.raises(HubLied):
        parse_info(info(), "c" * 40)


@CALM
@given(st.text(max_size=80))
def test_every_name_that_passes_stays_inside_its_folder(path: str) -> None:
    with contextlib.suppress(HubLied):
        check_path(path)
        for flavour in (PurePosixPath, PureWindowsPath):
            found = flavour(path)
            assert not found.is_absolute()
            assert ".." not in found.parts
        assert path.encode().decode() == path


@CALM
@given(st.text(max_size=20), st.text(max_size=20))
def test_folding_is_blind_to_case_and_normalisation(one: str, other: str) -> None:
    assert folded(one + other) == folded((one + other).upper().lower()) or not (one + other).isascii()
    assert folded(folded(one)) == folded(one)


json_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=12),
    st.sampled_from(
        [{}, [], ["x"], {"oid": "x"}, {"oid": SHA256, "size": 1}, {"license": []}, 1e300, "file"]
    ),
)
keys = st.sampled_from(["type", "path", "oid", "size", "lfs", "sha", "gated", "tags", "cardData", "license"])


@CALM
@given(st.lists(st.dictionaries(keys, json_values), max_size=4))
def test_no_json_breaks_the_reader_of_pages(rows: list[dict[str, Any]]) -> None:
    with contextlib.suppress(HubLied):
        check_together(parse_page(json.dumps(rows).encode())[0])


@CALM
@given(st.dictionaries(keys, json_values), st.binary(max_size=200))
def test_no_answer_breaks_the_reader_of_facts(told: dict[str, Any], junk: bytes) -> None:
    for body in (json.dumps(told).encode(), junk):
        with contextlib.suppress(HubLied):
            parse_info(body, "main")
