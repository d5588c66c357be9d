"""The settings: where everything lies by the usual variables, and what does not parse is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingle.config import load_config, parse_bytes, parse_seconds, renewed
from ingle.errors import InvalidConfig

HOME = {"HOME": "/u"}


@pytest.mark.parametrize(
    ("environ", "cache"),
    [
        ({}, "/u/.cache/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/c", "HF_HOME": "/h"}, "/h/hub"),
        ({"HF_HOME": "~/h"}, "/u/h/hub"),
        ({"HF_HOME": "/h", "HUGGINGFACE_HUB_CACHE": "/old"}, "/old"),
        ({"HF_HOME": "/h", "HUGGINGFACE_HUB_CACHE": "/old", "HF_HUB_CACHE": "/k"}, "/k"),
        ({"HF_HUB_CACHE": "", "HF_HOME": ""}, "/u/.cache/huggingface/hub"),
        ({"HF_HOME": "$HOME/h"}, "/u/h/hub"),
        ({"HF_HUB_CACHE": "${HOME}/k/$nobody"}, "/u/k/$nobody"),
        ({"HF_HUB_CACHE": "~"}, "/u"),
        ({"HF_HUB_CACHE": "~root/k"}, str(Path("~root").expanduser() / "k")),
    ],
)
def test_the_cache_is_found_by_the_usual_variables(environ: dict[str, str], cache: str) -> None:
    config = load_config(HOME | environ)
    assert config.cache == Path(cache)
    assert config.work == Path(cache, ".locks", ".ingle")


@pytest.mark.parametrize(
    ("environ", "platform", "home"),
    [
        ({}, "linux", "/u/.local/state/ingle"),
        ({"XDG_STATE_HOME": "/s"}, "linux", "/s/ingle"),
        ({}, "darwin", "/u/Library/Application Support/Ingle"),
        ({"INGLE_HOME": "~/i"}, "darwin", "/u/i"),
        ({"INGLE_HOME": "/i"}, "linux", "/i"),
    ],
)
def test_the_home_is_the_platforms_place_or_the_named_one(
    environ: dict[str, str], platform: str, home: str
) -> None:
    config = load_config(HOME | environ, platform=platform)
    assert config.home == Path(home)
    assert config.logs.is_relative_to(config.home)


def test_a_place_named_from_here_does_not_move_with_the_process() -> None:
    assert load_config(HOME | {"INGLE_HOME": "state"}).home == Path.cwd() / "state"


def test_the_folders_of_other_tools_are_known(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert load_config(home).lmstudio == tmp_path / ".lmstudio" / "models"
    assert load_config(home).mlx_models == tmp_path / ".mlx" / "models"
    (tmp_path / ".lmstudio-home-pointer").write_text("/big/lmstudio\n")
    assert load_config(home).lmstudio == Path("/big/lmstudio/models")


def test_the_promised_defaults() -> None:
    config = load_config(HOME)
    assert (config.host, config.port) == ("127.0.0.1", 11500)
    assert (config.default_model, config.keep_alive, config.auto_pull) == ("qwen3:1.7b", 300.0, False)


def test_options_win_over_variables_and_those_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('port = 1\nkeep_alive = "5m"\nauto_pull = true\n')
    environ = HOME | {"INGLE_HOME": str(tmp_path), "INGLE_PORT": "2"}
    assert load_config(environ).port == 2
    config = load_config(environ, port=3)
    assert (config.port, config.keep_alive, config.auto_pull) == (3, 300.0, True)


def test_the_token_is_found_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hidden-word\n")
    config = load_config(HOME | {"HF_HOME": str(tmp_path)})
    assert config.token == "hidden-word"
    assert "hidden-word" not in repr(config)
    assert load_config(HOME | {"HF_HOME": str(tmp_path), "HF_TOKEN": "other"}).token == "other"
    silent = {"HF_HOME": str(tmp_path), "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
    assert load_config(HOME | silent).token is None


def test_a_token_that_was_stored_since_is_found_unless_the_environment_says_another(tmp_path: Path) -> None:
    environ = HOME | {"HF_HOME": str(tmp_path)}
    before, given = load_config(environ), load_config(environ | {"HF_TOKEN": "other"})
    silent = load_config(environ | {"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"})
    assert renewed(before).token is None
    (tmp_path / "token").write_text("hidden-word\n")
    assert renewed(before).token == "hidden-word"
    assert renewed(given).token == "other"
    assert renewed(silent).token is None
    (tmp_path / "token").unlink()
    assert renewed(renewed(before)).token is None


@pytest.mark.parametrize(
    ("text", "meant"), [("on", True), ("Yes", True), ("1", True), ("off", False), ("no", False), ("0", False)]
)
def test_a_flag_may_be_said_in_several_words(text: str, meant: bool) -> None:
    assert load_config(HOME | {"INGLE_AUTO_PULL": text}).auto_pull is meant


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("INGLE_PORT", "many"),
        ("INGLE_PORT", "70000"),
        ("INGLE_PORT", "-1"),
        ("INGLE_PARALLEL", "0"),
        ("INGLE_CONTEXT", "-5"),
        ("INGLE_CONTEXT", "9" * 5000),
        ("INGLE_AUTO_PULL", "perhaps"),
        ("INGLE_KEEP_ALIVE", "nan"),
        ("INGLE_KEEP_ALIVE", "inf"),
        ("INGLE_KEEP_ALIVE", "5 moons"),
        ("INGLE_LIMIT_RATE", "fast"),
        ("INGLE_LIMIT_RATE", "9" * 400),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name_with_a_way_on(name: str, text: str) -> None:
    with pytest.raises(InvalidConfig, match=name) as raised:
        load_config(HOME | {name: text})
    assert raised.value.hint.startswith("Write ")


@pytest.mark.parametrize("content", [b"prot = 1", b"port =", b"\xff\xfe", b"port = [1]", b"[port]\nx = 1"])
def test_a_settings_file_that_makes_no_sense_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(content)
    with pytest.raises(InvalidConfig, match=r"config\.toml"):
        load_config(HOME | {"INGLE_HOME": str(tmp_path)})


def test_a_home_that_is_no_folder_is_told_as_that_and_not_as_a_wrong_file() -> None:
    with pytest.raises(InvalidConfig, match=r"config\.toml cannot be read: Not a directory") as raised:
        load_config({"HOME": "/dev/null"})
    assert "HOME" in raised.value.hint and "delete" not in raised.value.hint


def test_durations_and_sizes_are_read_as_people_write_them() -> None:
    assert [parse_seconds(text) for text in ("90", "-1", "5m", "1h30m", "250ms")] == [90, -1, 300, 5400, 0.25]
    assert [parse_bytes(text) for text in ("10M", "8MiB", "500k", "1.5G")] == [
        10**7,
        8 << 20,
        500_000,
        15 * 10**8,
    ]
