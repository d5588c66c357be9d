"""Words to a command where nobody can be asked: JSON, the bare command, and the model that is asked for it."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

import pytest

from ingle.catalog.model import DiskState, ModelRef
from ingle.cli.session import Session
from ingle.cli.sh import SHELL_MODEL, pick_shell_model
from ingle.cli.terminal import Terminal
from ingle.config import load_config
from tests.cli.conftest import Place, Suggest
from tests.cli.dialogue import MODEL, words
from tests.cli.fake_daemon import FakeDaemon

pytestmark = pytest.mark.slow


def test_without_a_terminal_it_prints_json_and_never_runs(place: Place, suggest: Suggest) -> None:
    suggest(f"touch {place.root}/made")
    done = place.ingle(*words())
    said = json.loads(done.stdout)
    assert done.exit_code == 0
    assert said["command"].startswith("touch")
    assert said["verdict"]["level"] == "safe"
    assert not (place.root / "made").exists()


def test_an_explanation_in_depth_is_in_the_json_and_beside_the_bare_command(
    place: Place, daemon: FakeDaemon, suggest: Suggest
) -> None:
    suggest("rm notes.txt")
    said = json.loads(place.ingle(*words("--json", "--explain", on="notes.txt")).stdout)
    assert "notes.txt" in said["in_depth"]
    assert len(daemon.bodies("/ingle/generate")) == 2
    bare = place.ingle(*words("--print", "--explain", on="notes.txt"))
    assert bare.stdout == "rm notes.txt\n"
    assert "The model's words on what it does:" in bare.stderr


def test_the_schema_is_asked_for(place: Place, daemon: FakeDaemon, suggest: Suggest) -> None:
    suggest("ls")
    place.ingle(*words())
    assert daemon.bodies("/ingle/generate")[0]["constraint"]["kind"] == "json_schema"


def test_the_configured_model_is_asked_and_the_named_one_before_it(
    place: Place, daemon: FakeDaemon, suggest: Suggest
) -> None:
    suggest("ls")
    place.ingle("sh", "list", INGLE_SHELL_MODEL="/models/coder.gguf")
    place.ingle("sh", "--model", MODEL, "list", INGLE_SHELL_MODEL="/models/coder.gguf")
    assert [body["model"] for body in daemon.bodies("/ingle/generate")] == ["/models/coder.gguf", MODEL]


def test_a_question_is_json_too_and_no_success(place: Place, suggest: Suggest) -> None:
    suggest("", "Which folder?")
    done = place.ingle(*words())
    assert (done.exit_code, json.loads(done.stdout)["question"]) == (1, "Which folder?")


def test_print_is_only_the_command_and_the_risk_goes_to_standard_error(
    place: Place, suggest: Suggest
) -> None:
    suggest("rm notes.txt")
    done = place.ingle(*words("--print", on="notes.txt"))
    assert done.stdout == "rm notes.txt\n"
    assert "MODERATE" in done.stderr


def test_print_refuses_a_critical_command(place: Place, suggest: Suggest) -> None:
    suggest("do it; rm -rf ~")
    done = place.ingle("sh", "--model", MODEL, "--print", "delete", "my", "home", "folder")
    assert (done.exit_code, done.stdout) == (1, "")


@pytest.mark.parametrize("command", ["rm -rf ~/Documents", "rm -r downloads", "git clean -fd"])
def test_destroying_what_nobody_named_is_asked_back(place: Place, suggest: Suggest, command: str) -> None:
    suggest(command)
    done = place.ingle("sh", "--model", MODEL, "free", "some", "space")
    assert (done.exit_code, "did not name" in json.loads(done.stdout)["question"]) == (1, True)


class Shelf:
    """A store that has the named models, whole."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def find(self, ref: ModelRef) -> SimpleNamespace | None:
        return SimpleNamespace(state=DiskState.COMPLETE) if ref.name in self.names else None

    def scan(self) -> list[SimpleNamespace]:
        refs = [ModelRef(name=name, repo_id="org/name") for name in self.names]
        return [SimpleNamespace(ref=ref, state=DiskState.COMPLETE, size=1, modified=0.0) for ref in refs]


@pytest.mark.parametrize(
    ("configured", "here", "chosen"),
    [
        ("qwen3:4b", (SHELL_MODEL, "qwen3:1.7b"), "qwen3:4b"),
        (None, (SHELL_MODEL, "qwen3:1.7b"), SHELL_MODEL),
        (None, ("qwen3:1.7b",), "default"),
    ],
)
def test_the_configured_model_goes_before_the_coder_and_that_before_the_default(
    place: Place, configured: str | None, here: tuple[str, ...], chosen: str
) -> None:
    config = load_config(place.environ(), shell_model=configured)
    session = Session(config, Terminal(stdin=io.StringIO(), stdout=io.StringIO(), stderr=io.StringIO()))
    session.__dict__["store"] = Shelf(*here)
    assert pick_shell_model(session) == chosen


def test_an_unknown_shell_is_wrong_use(place: Place) -> None:
    assert place.ingle("sh", "--shell", "tcsh", "list").exit_code == 2


def test_init_prints_a_widget_for_each_shell(place: Place) -> None:
    for shell in ("bash", "zsh", "fish"):
        done = place.ingle("init", shell)
        assert done.exit_code == 0
        assert f"ingle sh --print --shell {shell}" in done.stdout
    assert place.ingle("init", "powershell").exit_code == 2


def test_a_blank_request_is_wrong_use_and_asks_no_model(place: Place, daemon: FakeDaemon) -> None:
    assert place.ingle("sh", "--model", MODEL, "  ").exit_code == 2
    assert daemon.bodies("/ingle/generate") == []
