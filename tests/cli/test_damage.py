"""What a check found damaged is told by every verb until the bytes are others; what rm leaves is nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.catalog.gguf_writer import llama
from tests.cli.conftest import DONE, READY, chunk
from tests.cli.fake_daemon import Lines, fake_daemon
from tests.cli.test_care import REPO, Hub
from tests.fakes.hub import FakeHub

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Hub]:
    with FakeHub() as hub:
        yield Hub(tmp_path, hub)


def test_what_a_check_found_damaged_is_shown_so_by_every_verb_until_it_is_mended(place: Hub) -> None:
    place.pull()
    place.spoil("model.safetensors")
    assert place.json("list")[0]["state"] == "complete"  # nobody has looked
    place.ingle("verify", REPO)
    assert "damaged" in place.ingle("list").stdout
    (listed,) = place.json("list")
    assert listed["state"] == "damaged" and "model.safetensors" in listed["damage"]
    assert place.json("show", REPO)["state"] == "damaged"
    assert f"`ingle repair {REPO}` mends it" in place.ingle("show", REPO).stdout
    place.ingle("repair", REPO)
    assert place.json("list")[0]["state"] == place.json("show", REPO)["state"] == "complete"
    assert "damaged" not in place.ingle("show", REPO).stdout


def test_a_damaged_model_that_is_used_is_warned_of_on_standard_error(place: Hub) -> None:
    place.pull()
    place.spoil("model.safetensors")
    place.ingle("verify", REPO)
    with fake_daemon(place.home) as daemon:
        daemon.answers["POST /ingle/generate"] = Lines([READY, chunk("Hello."), DONE])
        found = place.ingle("run", REPO, "Hi")
        assert (found.exit_code, found.stdout) == (0, "Hello.\n")
        assert "is damaged" in found.stderr and f"ingle repair {REPO}" in found.stderr
        place.ingle("repair", REPO)
        assert place.ingle("run", REPO, "Hi").stderr == ""


def test_what_an_import_and_a_removal_leave_is_not_said_to_be_of_other_tools(place: Hub) -> None:
    brought = place.root / "brought"
    brought.mkdir()
    for name, content in place.files.items():
        (brought / name).write_bytes(content)
    assert place.ingle("import", str(brought), "--as", "me/test").exit_code == 0
    assert place.ingle("rm", "me/test", "--yes").exit_code == 0
    told = place.json("clean", "--others")
    assert (told["ours"], told["others"]) == ([], []), told


def test_what_no_digest_vouches_for_is_readable_and_not_good(place: Hub) -> None:
    mine = place.root / "mine.gguf"
    mine.write_bytes(llama())
    found = place.ingle("verify", str(mine))
    assert found.exit_code == 0
    assert ": readable, nothing to compare with." in found.stdout and "good" not in found.stdout
