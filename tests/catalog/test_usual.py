"""Which model is meant where none was named."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingle.catalog.model import DiskState, Format, ModelRef, Origin, Snapshot
from ingle.catalog.usual import usual_model


def whole(name: str) -> Snapshot:
    return Snapshot(
        ref=ModelRef(name=name, repo_id=name),
        state=DiskState.COMPLETE,
        format=Format.GGUF,
        origin=Origin.HUB_CACHE,
        root=Path("/models"),
        path=Path("/models/a.gguf"),
        files=("a.gguf",),
        size=1,
    )


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
    default = ModelRef(name="org/default", repo_id="org/default")
    found = usual_model(default, [whole(name) for name in here])
    assert (found.name if found else None) == meant
