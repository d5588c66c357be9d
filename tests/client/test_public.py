"""What a program sees of the package: its names, its errors, and plain words for a wrong call."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest

import ingle
import ingle.client
from ingle.client.chat import Gathering, Sampling
from ingle.client.views import Line
from ingle.errors import InvalidRequest
from ingle.generation import SamplingParams

MYPY = Path(__file__).parents[2] / ".mypy_cache" / "programs"


def test_every_public_name_is_there_and_listed() -> None:
    assert set(ingle.__all__) <= set(dir(ingle))
    assert all(getattr(ingle, name) for name in ingle.__all__)
    name = "nothing"
    for module in (ingle, ingle.client):
        with pytest.raises(AttributeError, match="no attribute 'nothing'"):
            getattr(module, name)


@pytest.mark.slow
def test_the_errors_are_there_without_an_import_of_their_own_and_nothing_else_is_imported() -> None:
    code = (
        "import ingle, sys; assert 'ingle.client' not in sys.modules; print(ingle.errors.ModelNotFound.code)"
    )
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout == "model_not_found\n"


@pytest.mark.parametrize("kind", [ingle.Client, ingle.AsyncClient])
def test_an_address_in_the_place_of_the_settings_is_told_how_it_is_given(kind: Any) -> None:
    with pytest.raises(InvalidRequest, match="its settings, not str") as caught:
        kind("http://127.0.0.1:11500")
    assert "address=" in caught.value.hint


def test_what_a_call_may_set_of_the_sampling_is_all_there_is_of_it() -> None:
    offered, known = get_type_hints(Sampling), get_type_hints(SamplingParams)
    assert offered == known


def test_both_clients_take_the_same_calls() -> None:
    def calls(kind: type) -> dict[str, Any]:
        return {
            name: inspect.signature(method).parameters
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_") and name not in ("close", "aclose")
        }

    assert calls(ingle.Client) == calls(ingle.AsyncClient)


def test_logprobs_that_were_asked_for_come_with_the_answer() -> None:
    gathering = Gathering()
    for text in ("a", "b"):
        told = {"token": text, "logprob": -0.5, "top": [["c", -1.5]]}
        gathering.take(msgspec.convert({"chunk": {"text": text, "logprobs": [told]}}, Line))
    gathering.take(msgspec.convert({"done": {}}, Line))
    assert [(one.token, one.logprob, one.top) for one in gathering.answer.logprobs] == [
        ("a", -0.5, (("c", -1.5),)),
        ("b", -0.5, (("c", -1.5),)),
    ]


def test_leaving_a_client_gives_back_the_very_client_that_was_made() -> None:
    with ingle.Client(address="127.0.0.1:9") as client:
        assert client.address.port == 9

    async def enter() -> None:
        made = ingle.AsyncClient(address="127.0.0.1:9")
        async with made as entered:
            assert entered is made

    asyncio.run(enter())


PROGRAM = """
import ingle
from ingle.client import api

client = ingle.Client()
{line}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("answer: str = client.chat('Hi', 'starter', temperature=0, seed=1, stop=['x']).text", ""),
        ("for view in client.ask(api.models()).models: print(view.state.upper())", ""),
        ("try: client.chat('Hi')\nexcept ingle.errors.IngleError as error: print(error.hint)", ""),
        ("client.chat('Hi', temprature=1)", "temprature"),
        ("client.chat('Hi', temperature='hot')", "temperature"),
        ("ingle.Clinet()", "Clinet"),
        ("from ingle.client import Clinet", "Clinet"),
    ],
)
def test_a_program_is_checked_by_its_types(tmp_path: Path, line: str, wrong: str) -> None:
    (tmp_path / "program.py").write_text(PROGRAM.format(line=line))
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={MYPY}", "program.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode == 0) is (not wrong), found.stdout
    assert wrong in found.stdout
