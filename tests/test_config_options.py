"""Settings that a program gives: parsed as a person's are, and refused by name where there is no such setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingle.config import Config, load_config
from ingle.errors import InvalidConfig


def load(**options: Any) -> Config:
    return load_config({"HOME": "/nobody"}, **options)


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [
        ("context", 512, 512),
        ("context", "512", 512),
        ("keep_alive", "5m", 300.0),
        ("keep_alive", -1, -1.0),
        ("limit_rate", "10M", 10_000_000),
        ("memory_limit", 2 * 1024**3, 2 * 1024**3),
        ("history", True, True),
        ("history", "off", False),
        ("cache", "/models", Path("/models")),
        ("home", Path("/home/x"), Path("/home/x")),
        ("engine", "mlx", "mlx"),
        ("engine", None, None),
    ],
)
def test_an_option_may_be_a_value_or_its_text(name: str, given: object, meant: object) -> None:
    assert getattr(load(**{name: given}), name) == meant


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("context", -5),
        ("context", "many"),
        ("port", 99_999),
        ("cpu_mode", "bogus"),
        ("keep_alive", float("nan")),
        ("history", 7),
        ("cache", 7),
    ],
)
def test_an_option_that_does_not_parse_is_named(name: str, given: object) -> None:
    with pytest.raises(InvalidConfig, match=name):
        load(**{name: given})


def test_an_option_that_is_none_of_ours_is_refused_and_not_ignored() -> None:
    with pytest.raises(InvalidConfig, match="There is no setting contxt") as caught:
        load(contxt=512)
    assert "context" in caught.value.hint


def test_the_settings_file_is_that_of_the_home_that_is_given(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("context = 512\n")
    assert load(home=tmp_path).context == load(home=str(tmp_path)).context == 512
    assert load(home=tmp_path, context=1024).context == 1024
    assert load(home="~/ingle").home == Path("/nobody/ingle")
