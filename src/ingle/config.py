"""The frozen settings of one Ingle, and the only reader of the process environment.

Order, later wins: defaults, `INGLE_HOME/config.toml`, `INGLE_*` and the Hugging Face variables,
options given by the caller. `docs/settings.md` says it to people.
"""

from __future__ import annotations

import math
import os
import re
import sys
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from ingle.errors import InvalidConfig
from ingle.neighbours import DEFAULT_ENDPOINT as DEFAULT_ENDPOINT
from ingle.neighbours import found_by_others, lmstudio_models, named_path, stored_token

DEFAULT_PORT = 11500
VARIABLE = "INGLE_"
"""What the name of every variable of ours begins with."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds, sizes in bytes, rates in bytes a second; negative `keep_alive` means for ever.

    `home` holds all of Ingle's own state. `cache` is the shared Hugging Face hub cache.
    `endpoints` are tried in order. `token` is None when there is none; `token_file` is where one is, or will be,
    stored, None when the environment says which one (or that none) is to be used.
    `cpu_mode` ("auto", "on", "off") is MLX's; `prompt_cache` is in bytes per model in memory;
    `prompt_cache_disk` (bytes; None: off) keeps prompt prefixes that return over loads.
    `memory_limit` is how many bytes all loaded models may take together (None: nine tenths of the machine's).
    `unknown` are variables of the environment that begin with `INGLE_` and set nothing.
    """

    home: Path
    cache: Path
    user_home: Path
    endpoints: tuple[str, ...] = (DEFAULT_ENDPOINT,)
    token: str | None = msgspec.field(default=None)
    token_file: Path | None = None
    offline: bool = False
    ca_bundle: Path | None = None
    proxies: dict[str, str] = {}
    lmstudio: Path
    mlx_models: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    default_model: str = "qwen3:1.7b"
    shell_model: str | None = None
    engine: str | None = None
    context: int = 4096
    parallel: int = 4
    keep_alive: float = 300.0
    idle_exit: float = 600.0
    load_timeout: float = 600.0
    auto_pull: bool = False
    limit_rate: int | None = None
    verify_every: float | None = None
    cpu_mode: str = "auto"
    prompt_cache: int = 256 * 1024 * 1024
    prompt_cache_disk: int | None = None
    memory_limit: int | None = None
    history: bool = False
    unknown: tuple[str, ...] = ()

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def tools(self) -> Path:
        """Where a person's own text tools lie."""
        return self.home / "tools"

    @property
    def history_file(self) -> Path:
        """Where the text tools remember, when `history` is on."""
        return self.home / "history.sqlite"

    @property
    def work(self) -> Path:
        """Partials, journals, listings and staged folders: ours, beside the shared repos."""
        return self.cache / ".locks" / ".ingle"

    def __repr__(self) -> str:
        return f"Config(home={self.home}, cache={self.cache}, token={'set' if self.token else 'none'})"


class InForce(msgspec.Struct, frozen=True):
    """The settings by which a daemon's work would differ, as text: where it lands, and the rest by the name that sets
    each (no tokens, no passwords). Two of them are comparable where both know a name."""

    cache: str
    settings: dict[str, str]

    @staticmethod
    def of(config: Config) -> InForce:
        endpoints = ",".join(re.sub(r"(?<=://)[^/@]*@", "", one) for one in config.endpoints)
        found = {"HF_ENDPOINT": endpoints, "HF_HUB_OFFLINE": str(int(config.offline))}
        for name in _DAEMONS:
            value = getattr(config, name)
            found[name] = str(value).lower() if isinstance(value, bool) else f"{value}"
        cache = os.fsencode(os.path.realpath(config.cache)).decode("utf-8", "replace")
        return InForce(_printable(cache), {name: _printable(value) for name, value in found.items()})

    def otherwise(self, mine: InForce) -> dict[str, tuple[str, str]]:
        """The settings in which these are not `mine`: name -> (here, mine)."""
        return {
            name: (value, mine.settings[name])
            for name, value in self.settings.items()
            if mine.settings.get(name, value) != value
        }


def load_config(
    environ: Mapping[str, str] | None = None, *, platform: str = sys.platform, **options: Any
) -> Config:
    """The settings in force on `platform` (a word of `sys.platform`); `options` are fields of `Config`, also as text.

    Raises `InvalidConfig` naming the variable, key or option that does not parse, or that is none.
    """
    env = dict(os.environ if environ is None else environ)
    user_home = Path(env.get("HOME") or Path.home())
    named = str(options.get("home") or "") or env.get("INGLE_HOME")
    home = named_path(named, user_home, env) or _default_home(env, user_home, platform)
    found: dict[str, Any] = {"home": home, "user_home": user_home, **found_by_others(env, user_home)}
    found |= {"lmstudio": lmstudio_models(user_home), "mlx_models": user_home / ".mlx" / "models"}
    found |= {"unknown": _unknown_variables(env)}
    found |= _settings_file(home / "config.toml") | _ingle_variables(env) | _options(options) | {"home": home}
    try:
        return msgspec.convert(found, Config, strict=False, dec_hook=lambda kind, value: kind(value))
    except msgspec.ValidationError as exc:
        raise InvalidConfig(
            f"A setting does not parse: {exc}.", hint="`ingle doctor` shows them all."
        ) from exc


def renewed(config: Config) -> Config:
    """The same settings with the token that is stored now: a person may have logged in since they were read."""
    if config.token_file is None:
        return config
    return msgspec.structs.replace(config, token=stored_token(config.token_file))


def child_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment a child process starts with: this one, plus `extra`."""
    return {**os.environ, **(extra or {})}


def wants_plain_output(environ: Mapping[str, str] | None = None) -> bool:
    """No colours: NO_COLOR is set to anything (the convention of no-color.org), or the terminal is dumb."""
    env = os.environ if environ is None else environ
    return bool(env.get("NO_COLOR")) or env.get("TERM") == "dumb"


def parse_bytes(text: str) -> int:
    """`10M` -> 10_000_000, `8MiB` -> 8_388_608. Raises `InvalidConfig`."""
    if not (match := re.fullmatch(r"\s*(\d{1,15}(?:\.\d+)?)\s*([kMGT]?)(i?)[bB]?(?:/s)?\s*", text)):
        raise InvalidConfig(f"{text!r} is not a size.", hint="Write it like 500k, 10M or 2GiB.")
    number, prefix, binary = match.groups()
    return int(float(number) * (1024 if binary else 1000) ** " kMGT".index(prefix or " "))


def parse_seconds(text: str) -> float:
    """`5m` -> 300.0, `30d`, `1h30m`, `90` and `-1` (for ever). Raises `InvalidConfig`."""
    with suppress(ValueError):
        if math.isfinite(seconds := float(text)):
            return seconds
    parts = re.findall(r"(\d{1,15}(?:\.\d+)?)(ms|[smhd])", text)
    if not parts or "".join(a + b for a, b in parts) != text:
        raise InvalidConfig(f"{text!r} is not a duration.", hint="Write it like 90s, 5m, 1h30m or 30d.")
    unit = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
    return sum(float(number) * unit[name] for number, name in parts)


_DURATIONS = {"keep_alive", "idle_exit", "load_timeout", "verify_every"}
_SIZES = {"limit_rate", "prompt_cache", "prompt_cache_disk", "memory_limit"}
_NUMBERS = {"port": (0, 65_535), "context": (16, 1 << 24), "parallel": (1, 256)}
"""The whole numbers, with the least and the most that each may be."""
_FLAGS = {"auto_pull", "history"}
_WORDS = {"host", "default_model", "shell_model", "engine"}
_CHOICES = {"cpu_mode": ("auto", "on", "off")}
_FLAG_WORDS = {"1": True, "true": True, "yes": True, "on": True} | dict.fromkeys(
    ("0", "false", "no", "off"), False
)
_DAEMONS = (
    "history",
    "auto_pull",
    "engine",
    "context",
    "parallel",
    "keep_alive",
    "memory_limit",
    "limit_rate",
    "verify_every",
)
"""What only the daemon acts on, and reads once."""
_SETTINGS = _DURATIONS | _SIZES | set(_NUMBERS) | _FLAGS | _WORDS | set(_CHOICES)


def setting_names() -> tuple[str, ...]:
    """What `config.toml` and `INGLE_<NAME>` may set."""
    return tuple(sorted(_SETTINGS))


def _parse(name: str, value: Any, source: str) -> Any:
    text = str(value)
    try:
        if name in _DURATIONS:
            return parse_seconds(text)
        if name in _SIZES:
            return parse_bytes(text)
        if name in _NUMBERS:
            return _whole(text, *_NUMBERS[name])
        if name in _FLAGS:
            return _flag(text)
        if name in _CHOICES:
            return _one_of(text, _CHOICES[name])
    except InvalidConfig as exc:
        raise InvalidConfig(f"{source} is {text!r}, which does not parse.", hint=exc.hint) from exc
    return text


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _one_of(text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise InvalidConfig(f"{text!r} is none of them.", hint=f"It may be {', '.join(choices)}.")
    return text


def _whole(text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"-?[0-9]{1,18}", text) or not least <= int(text) <= most:
        raise InvalidConfig(
            f"{text!r} is out of bounds.", hint=f"Write a whole number from {least} to {most}."
        )
    return int(text)


def _flag(text: str) -> bool:
    if text.lower() not in _FLAG_WORDS:
        raise InvalidConfig(f"{text!r} is no yes or no.", hint="Write true or false.")
    return _FLAG_WORDS[text.lower()]


def _settings_file(path: Path) -> dict[str, Any]:
    try:
        settings = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise InvalidConfig(
            f"{path} cannot be read: {exc.strerror or exc}.",
            hint="Check its owner and mode, and that HOME (or INGLE_HOME) names a folder.",
        ) from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise InvalidConfig(f"{path} does not parse: {exc}.", hint="Mend or delete that file.") from exc
    unknown = sorted(set(settings) - _SETTINGS)
    if unknown:
        raise InvalidConfig(
            f"{path} sets {', '.join(unknown)}, which Ingle does not know.",
            hint=f"It knows: {', '.join(setting_names())}.",
        )
    return {name: _parse(name, value, f"{name} in {path}") for name, value in settings.items()}


def _ingle_variables(env: Mapping[str, str]) -> dict[str, Any]:
    given = {name: env[VARIABLE + name.upper()] for name in _SETTINGS if env.get(VARIABLE + name.upper())}
    return {name: _parse(name, value, VARIABLE + name.upper()) for name, value in given.items()}


def _unknown_variables(env: Mapping[str, str]) -> tuple[str, ...]:
    """Those that would be ours by their names; not refused, as a key of the file is: they may be some other program's."""
    known = {VARIABLE + name.upper() for name in ("home", *_SETTINGS)}
    return tuple(
        sorted(name for name in env if name.startswith(VARIABLE) and env[name] and name not in known)
    )


def of_unknown(config: Config) -> str:
    """One sentence about the variables that begin like ours and set nothing; "" where there are none."""
    if not config.unknown:
        return ""
    import difflib  # which the start of a command needs not wait for

    known = [VARIABLE + name.upper() for name in ("home", *setting_names())]
    close = [difflib.get_close_matches(name, known, n=1, cutoff=0.8) for name in config.unknown]
    said = [
        f"{_printable(name)}{f' (meant {near[0]}?)' if near else ''}"
        for name, near in zip(config.unknown, close, strict=True)
    ]
    verbs = ("are", "settings", "change") if len(said) > 1 else ("is", "setting", "changes")
    return "{} {} no {} of Ingle's, and {} nothing.".format(", ".join(said), *verbs)


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    known = Config.__struct_fields__
    if unknown := ", ".join(sorted(set(given) - set(known))):
        raise InvalidConfig(f"There is no setting {unknown}.", hint=f"There are: {', '.join(known)}.")
    named = {name: value for name, value in given.items() if value is not None}
    return {name: _parse(name, value, name) if name in _SETTINGS else value for name, value in named.items()}


def _default_home(env: Mapping[str, str], user_home: Path, platform: str) -> Path:
    if platform == "darwin":
        return user_home / "Library" / "Application Support" / "Ingle"
    return (named_path(env.get("XDG_STATE_HOME"), user_home, env) or user_home / ".local" / "state") / "ingle"


def login_shell(environ: Mapping[str, str] | None = None) -> str | None:
    """The person's shell as the system names it (`$SHELL`), or None."""
    env = os.environ if environ is None else environ
    return env.get("SHELL") or None
