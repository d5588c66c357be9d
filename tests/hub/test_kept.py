"""An older version keeps a name exactly as long as some model is whole in it and not yet in the one that follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingle.catalog.model import ModelRef
from ingle.config import Config
from ingle.hub.cache import Store
from ingle.hub.health.sweep import find_orphans
from ingle.hub.kept import followed
from ingle.hub.layout import RepoPlace
from ingle.hub.publish import publish_snapshot
from ingle.hub.receipt import Asked, Receipt, read_receipt, write_receipt
from tests.catalog.gguf_writer import llama
from tests.hub.pulling import NAME, assert_promises, listed, listing_of, settings

A, B, C = ("a" * 40, "b" * 40, "c" * 40)
SMALL, MIDDLE = "m-Q4_K_M.gguf", "m-Q8_0.gguf"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return settings(tmp_path, "http://hub.test")


@pytest.fixture
def place(config: Config) -> RepoPlace:
    return RepoPlace(config.cache, NAME)


def pulled(
    place: RepoPlace, commit: str, *names: str, branch: str = "main", begun: tuple[str, ...] = ()
) -> None:
    """What pulls of these files leave, in turn; of `begun` nothing but the wish."""
    content = {name: llama(commit + name) for name in (SMALL, MIDDLE)}
    files = {name: listed(name, data, large=True) for name, data in content.items()}
    listing = listing_of(*files.values(), commit=commit, revision=branch)
    place.blobs.mkdir(parents=True, exist_ok=True)
    for name in (*begun, *names):
        ref = ModelRef(name=NAME, repo_id=NAME, file=name, revision=None if branch == "main" else branch)
        receipt = read_receipt(place, commit) or Receipt(listing=listing)
        write_receipt(place, receipt.plus(Asked(ref, (name,))))
        if name in names:
            place.blob(files[name].digest).write_bytes(content[name])
            publish_snapshot(place, listing, (files[name],))


def still(place: RepoPlace) -> set[str]:
    return {path.name.removeprefix("still-") for path in place.refs.glob("ingle/still-*")}


def test_a_newer_one_that_was_only_begun_does_not_take_the_name_of_the_whole_one(
    config: Config, place: RepoPlace
) -> None:
    pulled(place, A, SMALL, MIDDLE)
    pulled(place, B, MIDDLE, begun=(SMALL,))
    assert still(place) == {A}
    assert followed(place, A, SMALL) == "main" and followed(place, A, MIDDLE) is None
    pulled(place, B, SMALL)
    assert still(place) == set()
    assert_promises(config)


def test_what_was_only_begun_in_the_older_one_keeps_nothing(place: RepoPlace) -> None:
    pulled(place, A, MIDDLE, begun=(SMALL,))
    pulled(place, B, MIDDLE)
    assert still(place) == set()


def test_another_branch_does_not_take_the_name(place: RepoPlace) -> None:
    pulled(place, A, SMALL, branch="dev")
    pulled(place, B, MIDDLE, branch="dev")
    pulled(place, C, SMALL)
    assert still(place) == {A}
    assert followed(place, A, SMALL) == "dev"


def test_it_goes_with_the_model_it_was_kept_for(config: Config, place: RepoPlace) -> None:
    pulled(place, A, SMALL, MIDDLE)
    pulled(place, B, MIDDLE)
    assert still(place) == {A}
    Store(config).remove(ModelRef(name=f"{NAME}@{A}:{SMALL}", repo_id=NAME, revision=A, file=SMALL))
    assert still(place) == set()
    assert_promises(config)


def test_it_goes_with_the_version(config: Config, place: RepoPlace) -> None:
    pulled(place, A, SMALL)
    pulled(place, B, MIDDLE)
    assert still(place) == {A} and find_orphans(config) == []
    Store(config).remove(ModelRef(name=f"{NAME}@{A}", repo_id=NAME, revision=A))
    assert still(place) == set() and not place.snapshot(A).exists()
    assert_promises(config)


def test_a_name_of_somebody_else_and_one_whose_receipt_cannot_be_read_stay(place: RepoPlace) -> None:
    pulled(place, A, SMALL)
    pulled(place, B, MIDDLE)
    (place.refs / "ingle" / "still-life").write_text(B)
    place.receipt(A).write_bytes(b"{")
    pulled(place, C, SMALL, MIDDLE)
    assert still(place) == {A, "life"}
