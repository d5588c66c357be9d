"""`docs/settings.md` names every setting with its true default, and where all of them are set."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingle.client import Client
from ingle.config import load_config, of_unknown, setting_names
from ingle.errors import DaemonUnreachable, InvalidConfig
from ingle.hub.health.doctor import examine_settings
from ingle.hub.health.finding import Level

PAGE = (Path(__file__).parents[1] / "docs" / "settings.md").read_text()
ROWS = {
    name: (kind, default.strip("`"), says)
    for name, kind, default, says in re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", PAGE, re.M)
}
HOME = {"HOME": "/u"}
UNSET = "none"


def test_the_page_names_every_setting_and_no_other() -> None:
    assert tuple(sorted(ROWS)) == setting_names()


@pytest.mark.parametrize("name", setting_names())
def test_the_default_on_the_page_is_the_one_in_force(name: str) -> None:
    told = ROWS[name][1]
    in_force = getattr(load_config(HOME), name)
    assert in_force == (None if told == UNSET else getattr(load_config(HOME, **{name: told}), name))


@pytest.mark.parametrize("name", setting_names())
def test_a_setting_of_the_page_can_be_given_in_the_file_and_as_a_variable(name: str, tmp_path: Path) -> None:
    told = ROWS[name][1] if ROWS[name][1] != UNSET else "1000"
    (tmp_path / "config.toml").write_text(f'{name} = "{told}"\n')
    by_file = getattr(load_config(HOME | {"INGLE_HOME": str(tmp_path)}), name)
    by_variable = getattr(load_config(HOME | {f"INGLE_{name.upper()}": told}), name)
    assert by_file == by_variable == getattr(load_config(HOME, **{name: told}), name)


@pytest.mark.parametrize("platform", ["darwin", "linux"])
def test_the_page_says_where_the_file_lies_on_each_system(platform: str) -> None:
    home = load_config(HOME, platform=platform).home
    assert f"`~{str(home).removeprefix('/u')}/config.toml`" in PAGE


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("HF_HUB_CACHE", "cache"),
        ("HF_HOME", "cache"),
        ("HF_ENDPOINT", "endpoints"),
        ("HF_TOKEN", "token"),
        ("HF_TOKEN_PATH", "token_file"),
        ("HF_HUB_OFFLINE", "offline"),
        ("TRANSFORMERS_OFFLINE", "offline"),
        ("SSL_CERT_FILE", "ca_bundle"),
        ("HTTPS_PROXY", "proxies"),
    ],
)
def test_a_variable_of_other_tools_that_counts_is_on_the_page(name: str, meant: str) -> None:
    usual, given = (getattr(load_config(HOME | more), meant) for more in ({}, {name: "1"}))
    assert usual != given
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize(
    ("hub", "transformers", "meant"),
    [(None, "1", True), ("", "yes", True), ("0", "1", False), ("1", "0", True), (None, "0", False)],
)
def test_staying_offline_is_read_as_the_hubs_own_library_reads_it(
    hub: str | None, transformers: str, meant: bool
) -> None:
    given = {"TRANSFORMERS_OFFLINE": transformers} | ({} if hub is None else {"HF_HUB_OFFLINE": hub})
    assert load_config(HOME | given).offline is meant


def test_the_example_of_the_page_is_a_settings_file(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    (tmp_path / "config.toml").write_text(example)
    config = load_config(HOME | {"INGLE_HOME": str(tmp_path)})
    assert (config.keep_alive, config.limit_rate, config.history) == (1800.0, 5_000_000, True)


def test_a_variable_that_sets_nothing_is_told_with_the_one_that_was_meant() -> None:
    environ = HOME | {"INGLE_HISTRY": "1", "INGLE_HISTORY": "1", "INGLE_HOME": "/i", "INGLE_EMPTY": ""}
    config = load_config(environ)
    assert config.unknown == ("INGLE_HISTRY",)
    assert of_unknown(config) == (
        "INGLE_HISTRY (meant INGLE_HISTORY?) is no setting of Ingle's, and changes nothing."
    )
    assert of_unknown(load_config(HOME | {"INGLE_HISTORY": "1"})) == ""


def test_several_variables_that_set_nothing_are_told_together() -> None:
    told = of_unknown(load_config(HOME | {"INGLE_XYZ": "1", "INGLE_PROT": "1"}))
    assert told == (
        "INGLE_PROT (meant INGLE_PORT?), INGLE_XYZ are no settings of Ingle's, and change nothing."
    )


def test_a_python_client_warns_of_a_variable_that_sets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INGLE_HOME", str(tmp_path))
    monkeypatch.setenv("INGLE_HISTRY", "1")
    with pytest.warns(RuntimeWarning, match="meant INGLE_HISTORY"), pytest.raises(DaemonUnreachable):
        Client()


def test_the_doctor_finds_a_variable_that_sets_nothing_and_says_nothing_where_there_is_none() -> None:
    (found,) = examine_settings(load_config(HOME | {"INGLE_HISTRY": "1"}))
    assert (found.level, found.command) == (Level.WARNING, "unset INGLE_HISTRY")
    assert "INGLE_HISTORY" in found.says
    assert list(examine_settings(load_config(HOME | {"INGLE_HISTORY": "1"}))) == []


def test_a_key_of_the_file_that_sets_nothing_is_refused_as_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("histry = true\n")
    with pytest.raises(InvalidConfig, match="histry"):
        load_config(HOME | {"INGLE_HOME": str(tmp_path)})
    assert "a key that is none is refused" in " ".join(PAGE.split())
