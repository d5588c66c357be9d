"""The tree of errors: every one says what to do next, travels whole, and has its status and exit code."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import ingle.errors
from ingle.errors import (
    AlreadyRunning,
    Cancelled,
    DigestMismatch,
    DiskFull,
    FileMissing,
    Gated,
    IllegalTransition,
    Incomplete,
    IngleError,
    InvalidConfig,
    InvalidRequest,
    LoadFailed,
    MalformedModel,
    ModelNotFound,
    NoPermission,
    NotDownloaded,
    OutOfMemory,
    PromptTooLong,
    WorkerCrashed,
    exit_code,
    http_status,
)

TABLE = [
    (ModelNotFound("nonsense"), 404, 1),
    (FileMissing("/x.gguf"), 404, 1),
    (MalformedModel("/x.gguf", "no magic"), 422, 1),
    (Incomplete("org/m", ("a", "b")), 409, 1),
    (DigestMismatch("/x", "aa", "bb"), 500, 1),
    (DiskFull("/cache", 100, 5), 507, 1),
    (NoPermission("/cache", "write in"), 403, 1),
    (InvalidRequest("The body is no JSON."), 400, 2),
    (InvalidConfig("A setting does not parse."), 400, 2),
    (PromptTooLong(5000, 4096), 400, 2),
    (AlreadyRunning("The port is taken."), 409, 1),
    (NotDownloaded("org/m"), 409, 1),
    (IllegalTransition("worker", "stopped", "loaded"), 409, 1),
    (Gated("A licence is asked for."), 403, 1),
    (LoadFailed("It could not be loaded."), 500, 1),
    (OutOfMemory("There is not enough memory."), 507, 1),
    (WorkerCrashed("The worker ended with signal SIGKILL.", log=["last words"]), 500, 1),
    (Cancelled(), 499, 130),
]


@pytest.mark.parametrize(("error", "status", "code"), TABLE, ids=lambda value: getattr(value, "code", None))
def test_an_error_has_its_status_and_its_exit_code(error: IngleError, status: int, code: int) -> None:
    assert (http_status(error), exit_code(error)) == (status, code)


@pytest.mark.parametrize("error", [error for error, _, _ in TABLE], ids=lambda error: error.code)
def test_an_error_travels_whole(error: IngleError) -> None:
    back = IngleError.from_dict(error.to_dict())
    assert type(back) is type(error)
    assert back.to_dict() == error.to_dict()
    assert str(back) == str(error)


def test_every_error_stands_in_the_tree_wherever_it_is_raised() -> None:
    """A process that has not imported a module would meet an error defined there without its kind."""
    names = {kind.__name__ for kind in IngleError.kinds()}
    assert names <= set(vars(ingle.errors))
    package = Path(ingle.errors.__file__).parents[1]
    heading = re.compile(rf"^ *class \w+\(.*\b(?:{'|'.join(names)})\b", re.MULTILINE)
    strays = [
        f"{path.relative_to(package)}: {found[0]}"
        for path in package.rglob("*.py")
        if path.parent.name != "errors" and (found := heading.search(path.read_text()))
    ]
    assert not strays


def test_every_error_says_what_to_do_next_but_what_a_person_stopped() -> None:
    kinds = list(IngleError.kinds())
    by_code = {kind.code: kind for kind in kinds}
    assert len(by_code) == len(kinds) > 30  # no code twice
    for code, kind in by_code.items():
        if list(inspect.signature(kind).parameters)[:1] == ["message"]:
            assert bool(kind("It happened.").hint) is (kind is not Cancelled), code
    assert all(error.hint for error, _, _ in TABLE if not isinstance(error, Cancelled))


def test_a_hint_of_its_own_is_kept() -> None:
    assert InvalidRequest("It is wrong.", hint="Write it so.").hint == "Write it so."


def test_a_traceback_shows_the_hint_as_it_is_now_beside_the_notes_of_others() -> None:
    error = InvalidRequest("It is wrong.", hint="Write it so.")
    error.add_note("Seen by somebody.")
    error.hint += " Or so."
    assert error.__notes__ == ["Seen by somebody.", "Next: Write it so. Or so."]
    assert IngleError.from_dict(error.to_dict()).__notes__ == ["Next: Write it so. Or so."]
    assert str(error) == "It is wrong."
    error.hint = ""
    assert error.__notes__ == ["Seen by somebody."]


def test_an_unknown_code_is_still_an_error() -> None:
    assert IngleError.from_dict({"code": "of-tomorrow", "message": "It is new."}).message == "It is new."


def test_a_full_disk_is_told_in_sizes_that_people_read_and_for_every_verb() -> None:
    told = DiskFull("/out", 159_980_000, 0)
    assert told.message == "/out has 0 bytes free and 160 MB are needed."
    assert "1.1 GB" in DiskFull("/out", 1_120_000_000, 5_000_000).message and "pull" not in told.hint
