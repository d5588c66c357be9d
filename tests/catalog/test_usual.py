"""Which model is meant where none was named."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ingle.catalog.model import DiskState, Format, ModelRef, Origin, Snapshot
from ingle.catalog.usual import usual_model

DEFAULT = ModelRef(name="org/default", repo_id="org/default")


def snapshot(name: str, state: DiskState = DiskState.COMPLETE) -> Snapshot:
    return Snapshot(
        ref=ModelRef(name=name, repo_id=name),
        state=state,
        format=Format.GGUF,
        origin=Origin.HUB_CACHE,
        root=Path("/models"),
        path=Path("/models/a.gguf"),
        files=("a.gguf",),
        size=1,
    )


class Models:
    """A shelf; `aside` lies where no scan comes by."""

    def __init__(self, *here: Snapshot, aside: Snapshot | None = None) -> None:
        self.here = here
        self.aside = aside
        self.scans = 0

    def find(self, ref: ModelRef) -> Snapshot | None:
        known = [*self.here, *([self.aside] if self.aside else [])]
        return next((one for one in known if one.ref == ref), None)

    def scan(self) -> list[Snapshot]:
        self.scans += 1
        return list(self.here)


@pytest.mark.parametrize(
    ("here", "meant"),
    [
        ([], None),
        (["org/other"], "org/other"),
        (["org/other", "org/more"], None),
        (["org/other", "org/default"], "org/default"),
    ],
)
def test_it_is_the_default_else_the_only_one(here: list[str], meant: str | None) -> None:
    found = usual_model(DEFAULT, Models(*map(snapshot, here))).ref
    assert (found.name if found else None) == meant


def test_what_is_not_whole_is_not_meant() -> None:
    half = DiskState.PARTIAL
    models = Models(snapshot("org/default", half), snapshot("org/a"), snapshot("org/b", half))
    usual = usual_model(DEFAULT, models)
    assert usual.ref is not None and usual.ref.name == "org/a"
    assert [one.ref.name for one in usual.here] == ["org/a"]


def test_a_default_that_is_a_path_is_found_where_no_scan_comes_by_and_costs_none() -> None:
    path = ModelRef(name="/elsewhere/a.gguf", path=Path("/elsewhere/a.gguf"))
    aside = msgspec.structs.replace(snapshot("aside"), ref=path)
    models = Models(snapshot("org/other"), aside=aside)
    assert usual_model(path, models).ref == path
    assert models.scans == 0
