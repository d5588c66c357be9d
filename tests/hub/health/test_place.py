"""Where nothing can be written the doctor says so before a pull or a load does, with a place that can be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ingle.config import Config, load_config
from ingle.hub.health.finding import Level
from ingle.hub.health.place import try_disk
from tests.hub.health.test_doctor import findings, of
from tests.hub.hf_cache import make_config, ordinary_user

pytestmark = pytest.mark.slow


def assert_mended_by_its_command(config: Config, check: str, name: str) -> None:
    """The finding is a problem, and what its command sets is a folder below one that can be written."""
    one = of(check, findings(config))
    assert one.level is Level.PROBLEM, one
    told = subprocess.run(
        ["sh", "-c", f"{one.command} && printenv {name}"], capture_output=True, text=True, check=True
    )
    assert try_disk(Path(told.stdout.strip()).parent) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_a_home_that_cannot_even_be_made_is_a_problem() -> None:
    config = load_config({"HOME": "/proc/nohome"})
    assert_mended_by_its_command(config, "cache", "HF_HUB_CACHE")
    assert_mended_by_its_command(config, "home", "INGLE_HOME")


def test_a_parent_that_is_not_ours_to_write_is_a_problem_and_is_left_as_it_is(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    config.cache.parent.mkdir(parents=True)
    with ordinary_user(config, closed=True):  # the rights of nobody: all of it is root's
        assert_mended_by_its_command(config, "cache", "HF_HUB_CACHE")
        assert_mended_by_its_command(config, "home", "INGLE_HOME")
    assert sorted(tmp_path.rglob("*")) == [config.user_home, config.cache.parent.parent, config.cache.parent]


def test_a_home_of_ingle_that_is_there_and_closed_is_a_problem(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    config.cache.mkdir(parents=True)
    config.home.mkdir()
    with ordinary_user(config):
        assert_mended_by_its_command(config, "home", "INGLE_HOME")


def test_a_home_that_is_not_there_yet_and_can_be_made_is_right(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    found = findings(config)
    assert of("home", found).level is Level.OK and of("cache", found).level is Level.NOTE
    assert not any(tmp_path.iterdir())
