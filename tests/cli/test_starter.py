"""The command line with the real starter model, as a person uses it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import OnTerminal
from tests.cli.test_real_daemon import Machine, free_port
from tests.models import CACHE, starter_gguf

pytestmark = [pytest.mark.model, pytest.mark.slow]
WAIT_S = 240


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    starter_gguf()
    found = Machine(tmp_path_factory.mktemp("starter"), free_port())
    found.env |= {"HF_HUB_CACHE": str(CACHE / "hub"), "INGLE_ENGINE": None}
    yield found
    found.end()


def test_in_a_pipe_only_the_answer_is_on_standard_output(machine: Machine) -> None:
    code, out, err = machine.run("run", "starter", "--temperature", "0", "-n", "12", "What is two plus two?")
    assert code == 0
    assert out.strip()
    assert "starter" not in err


def test_the_same_seed_gives_the_same_answer(machine: Machine) -> None:
    words = ("run", "starter", "--json", "--seed", "7", "--temperature", "0.9", "-n", "8", "Name a colour.")
    first, second = (json.loads(machine.run(*words)[1]) for _ in range(2))
    assert first["response"] == second["response"]
    assert first["engine"]["name"] == "llamacpp"
    assert first["usage"]["completion_tokens"] == 8


def test_ctrl_c_stops_the_engine_and_not_the_daemon(machine: Machine) -> None:
    # Loaded first: otherwise the first words seen may be those of the load, and Ctrl-C ends that.
    assert machine.run("run", "starter", "-n", "4", "Hi")[0] == 0
    # Where every token is as likely as any other, the one that ends an answer does not come.
    endless = "--seed 7 --temperature 2 --top-k 0 --top-p 1 --min-p 0".split()
    with OnTerminal(["run", "starter", *endless, "Write a story."], machine.environ()) as screen:
        screen.wait_for(" ")
        assert screen.interrupt() == 130
    hang = time.monotonic() + WAIT_S
    while active(machine) and time.monotonic() < hang:  # the daemon sees that the connection is closed
        pass
    assert active(machine) == 0
    assert machine.run("run", "starter", "-n", "4", "Hi")[0] == 0


def active(machine: Machine) -> int:
    """How many answers the engine works on."""
    (loaded,) = json.loads(machine.ingle("ps", "--json").stdout)
    count: int = loaded["memory"]["active"]
    return count


def test_an_over_long_prompt_is_refused_with_the_numbers(machine: Machine) -> None:
    code, out, _ = machine.run("run", "starter", "--context", "256", "--json", "word " * 600)
    assert code == 2
    details = json.loads(out)["error"]["details"]
    assert details["tokens"] > details["limit"] == 256


def test_a_corrupt_file_is_refused_by_name_and_the_daemon_lives_on(machine: Machine) -> None:
    broken = machine.root / "broken.gguf"
    broken.write_bytes(starter_gguf().read_bytes()[:5000])
    code, _, err = machine.run("run", str(broken), "Hi")
    assert code == 1
    assert "broken.gguf" in err
    assert machine.run("run", "starter", "-n", "4", "Hi")[0] == 0


def test_an_engine_that_cannot_read_the_format_is_refused(machine: Machine) -> None:
    code, _, err = machine.run("run", "starter", "--engine", "mlx", "Hi")
    assert code == 2
    assert "mlx cannot open gguf" in err


def test_the_demo_works_from_an_empty_home_and_leaves_nothing_running(
    machine: Machine, tmp_path: Path
) -> None:
    env = machine.environ(HOME=str(tmp_path), INGLE_HOME=str(tmp_path / "ingle"), PATH="/usr/bin:/bin")
    demo = subprocess.run(
        [sys.executable, "-m", "ingle.cli.demo"], env=env, capture_output=True, text=True, timeout=WAIT_S
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    for word in ("llamacpp", "first token", "tokens/s", "memory before", "memory after", "came back"):
        assert word in demo.stdout, word
    assert not (tmp_path / "ingle" / "daemon.json").exists()
