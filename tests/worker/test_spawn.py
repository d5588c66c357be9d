"""What a child starts with, and what its last words say about its end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from ingle.errors import IngleError, LoadFailed, MalformedModel, OutOfMemory
from ingle.worker.spawn import crash_error, spawn, telling_line, with_reason

CORRUPT = (
    "0.00.003 W srv init: something harmless",
    "0.00.037 E llama_model_load: error loading model: tensor 'x' data is not within the file bounds",
    "0.00.038 E srv init: exiting due to model loading error",
)
NO_ROOM = ("ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 999999999999",)


def test_the_reason_of_a_failed_load_is_taken_from_stderr() -> None:
    error = with_reason(LoadFailed("It could not be loaded.", hint="h"), CORRUPT)
    assert isinstance(error, LoadFailed)
    assert error.message == "It could not be loaded: tensor 'x' data is not within the file bounds."
    assert error.hint == "h"
    assert error.details["log"] == list(CORRUPT)


def test_a_load_that_found_no_memory_is_told_as_that() -> None:
    error = with_reason(LoadFailed("It could not be loaded."), NO_ROOM)
    assert isinstance(error, OutOfMemory)
    assert "failed to allocate buffer" in error.message


def test_an_error_that_says_why_is_left_alone() -> None:
    error: IngleError = MalformedModel("m.gguf", "no magic")
    assert with_reason(error, CORRUPT) is error


def test_the_generic_line_counts_only_when_no_better_one_is_there() -> None:
    lines = (
        "E gguf_init_from_reader: invalid magic characters: 'abcd', expected 'GGUF'",
        "E llama_model_load: error loading model: llama_model_loader: failed to load model from x",
    )
    assert telling_line(lines).startswith("invalid magic")
    assert telling_line(("all is well",)) == ""


def test_a_crash_names_the_signal_and_the_last_words() -> None:
    error = crash_error("m", -11, ("first", "GGML_ASSERT(x) failed"), loading=True)
    assert "SIGSEGV" in error.message
    assert "while it loaded" in error.message
    assert "GGML_ASSERT(x) failed" in error.message
    assert error.details == {
        "signal": "SIGSEGV",
        "exit_code": None,
        "log": ["first", "GGML_ASSERT(x) failed"],
    }


def test_a_crash_names_the_exit_code() -> None:
    error = crash_error("m", 7, (), loading=False)
    assert "exit code 7" in error.message
    assert error.details["exit_code"] == 7


def test_folders_that_killed_daemons_left_are_removed_and_those_of_the_living_kept() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    left = Path(tempfile.mkdtemp(prefix=f"ingle-w-{gone.pid}-"))
    strange = Path(tempfile.mkdtemp(prefix="ingle-w-nobody-"))
    with asyncio.Runner() as runner:
        child = runner.run(spawn())
        assert child.scratch.is_dir()
        assert not left.exists()
        assert strange.exists()
        strange.rmdir()
        child.kill()
        runner.run(child.process.wait())
        child.close()
    assert not child.scratch.exists()
