"""Options whose value could never work are refused before anything is done with them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.conftest import Place

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("words", [("run", "starter", "Hi"), ("load", "starter"), ("chat", "starter")])
def test_a_template_that_is_no_text_is_told_as_that(place: Place, words: tuple[str, ...]) -> None:
    template = place.root / "template.jinja"
    template.write_bytes(b"\xff\xfe\x00")
    found = place.ingle(*words, "--template", str(template))
    assert found.exit_code == 2 and "template.jinja is not UTF-8 text." in found.stderr


@pytest.mark.parametrize("token", ["two\nlines", "\u65e5\u672c", "two words"])
def test_a_token_that_no_request_could_bring_is_refused(place: Place, token: str) -> None:
    found = place.ingle("serve", "--token", token, "--port", "0", "--json")
    assert found.exit_code == 2
    assert json.loads(found.stdout)["error"]["code"] == "invalid_config"
    assert not (place.home / "daemon.json").exists()


@pytest.mark.parametrize("pid", ["-1", "0", str(1 << 31)])
def test_a_parent_that_cannot_be_is_refused(place: Place, pid: str) -> None:
    assert place.ingle("serve", "--parent-pid", pid).exit_code == 2


def test_a_parent_that_is_no_process_is_told_before_anything_is_ready(place: Place) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    found = place.ingle("serve", "--port", "0", "--parent-pid", str(ended.pid))
    assert found.exit_code == 2 and found.stdout == ""
    assert f"There is no process {ended.pid}" in found.stderr
