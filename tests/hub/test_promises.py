"""The checker of the five promises notices each one that is broken, and every test of a fault ends with it."""

from __future__ import annotations

import ast
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from ingle.hub.journal import Written
from ingle.hub.partial import LargePartial
from tests.hub.promises import (
    HEAD,
    REPO,
    After,
    Outcome,
    Scene,
    check_five,
    check_not_again,
    check_promises,
    listed,
)

pytestmark = pytest.mark.slow
BIG = "model.safetensors"


def _spoil_a_byte(scene: Scene) -> None:
    blob = scene.place.blob(scene.entries["config.json"].digest)
    blob.write_bytes(bytes(blob.stat().st_size))


def _point_nowhere(scene: Scene) -> None:
    (scene.place.refs / "gone").write_text("9" * 40)


def _delete_a_neighbour(scene: Scene) -> None:
    (scene.folder / "outside" / "precious.txt").unlink()


def _write_outside(scene: Scene) -> None:
    (scene.folder / "escaped.json").write_text("{}")


@pytest.mark.parametrize(
    ("harm", "promise"),
    [
        (_spoil_a_byte, "promise 1"),
        (_point_nowhere, "promise 3"),
        (_delete_a_neighbour, "promise 4"),
        (_write_outside, "promise 5"),
    ],
)
def test_a_promise_that_was_broken_is_named(
    scene: Scene, harm: Callable[[Scene], None], promise: str
) -> None:
    outcome = scene.pull()
    check_promises(scene, outcome)
    harm(scene)
    with pytest.raises(AssertionError, match=promise):
        check_promises(scene, outcome)


def test_bytes_that_were_there_and_came_again_are_noticed(scene: Scene) -> None:
    scene.pull()
    with pytest.raises(AssertionError, match="promise 2"):
        check_not_again(scene, scene.recorded())


def test_a_header_that_was_there_and_came_again_is_noticed(scene: Scene) -> None:
    """Of a file that is not whole too, where the plan needs it: that it is short is no excuse."""
    entry = scene.entries[BIG]
    beginning = bytes(entry.content.read(0, HEAD))
    partial = LargePartial(scene.place, listed(entry))
    partial.write(0, memoryview(beginning))
    partial.sync((Written(0, HEAD, zlib.crc32(beginning)),))
    partial.close()
    check_not_again(scene, scene.recorded())
    address = f"{scene.hub.url}/{REPO}/resolve/{scene.commit}/{BIG}"
    with urlopen(Request(address, headers={"Range": f"bytes=0-{HEAD - 1}"})) as reply:
        assert reply.read() == beginning
    scene.hub.settle()
    with pytest.raises(AssertionError, match="promise 2"):
        check_not_again(scene, scene.recorded())


def test_bytes_fetched_in_spite_of_what_was_refused_are_noticed(scene: Scene) -> None:
    with pytest.raises(AssertionError, match="promise 5"):
        check_five(scene, scene.pull(), After.REFUSED)


def test_a_pull_that_never_was_keeps_them_all(scene: Scene) -> None:
    check_five(scene, Outcome())


def test_every_test_of_a_fault_ends_by_checking_the_five_promises() -> None:
    lacking = []
    for path in Path(__file__).parent.glob("test_faults*.py"):
        for test in ast.parse(path.read_text()).body:
            if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
                last = test.body[-1]
                if not (isinstance(last, ast.Expr) and ast.unparse(last).startswith("check_five(")):
                    lacking.append(f"{path.name}: {test.name}")
    assert lacking == []
