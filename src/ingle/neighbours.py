"""What the variables and files of other tools say: Hugging Face's cache, hub and token, proxies, certificates, LM Studio.

Pure but for the token and LM Studio's pointer, which are read. Source of the Hugging Face names and defaults:
huggingface_hub's environment-variable reference.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEFAULT_ENDPOINT = "https://huggingface.co"


def found_by_others(env: Mapping[str, str], user_home: Path) -> dict[str, Any]:
    """The fields of `Config` that follow from variables which are not ours."""
    cache_home = named_path(env.get("XDG_CACHE_HOME"), user_home, env) or user_home / ".cache"
    hf_home = named_path(env.get("HF_HOME"), user_home, env) or cache_home / "huggingface"
    named = env.get("HF_HUB_CACHE") or env.get("HUGGINGFACE_HUB_CACHE")
    cache = named_path(named, user_home, env) or hf_home / "hub"
    endpoints = (part.strip().rstrip("/") for part in env.get("HF_ENDPOINT", "").split(","))
    ca_bundle = env.get("SSL_CERT_FILE") or env.get("REQUESTS_CA_BUNDLE") or env.get("CURL_CA_BUNDLE")
    return {
        "cache": cache,
        "endpoints": tuple(filter(None, endpoints)) or (DEFAULT_ENDPOINT,),
        **_token(env, hf_home, user_home),
        "offline": (env.get("HF_HUB_OFFLINE") or env.get("TRANSFORMERS_OFFLINE", "")).upper()
        in {"1", "ON", "YES", "TRUE"},
        "ca_bundle": Path(ca_bundle) if ca_bundle else None,
        "proxies": _proxies(env),
    }


def _token(env: Mapping[str, str], hf_home: Path, user_home: Path) -> dict[str, Any]:
    if env.get("HF_HUB_DISABLE_IMPLICIT_TOKEN", "").upper() in {"1", "ON", "YES", "TRUE"}:
        return {}
    if given := env.get("HF_TOKEN") or env.get("HUGGING_FACE_HUB_TOKEN"):
        return {"token": given.strip() or None}
    path = named_path(env.get("HF_TOKEN_PATH"), user_home, env) or hf_home / "token"
    return {"token": stored_token(path), "token_file": path}


def stored_token(path: Path) -> str | None:
    """The token in a file as Hugging Face's tools keep it; None where there is none that can be read."""
    try:
        return path.read_text().strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _proxies(env: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for scheme in ("http", "https", "all", "no"):
        if value := env.get(f"{scheme}_proxy") or env.get(f"{scheme.upper()}_PROXY"):
            found[scheme] = value
    return found


def lmstudio_models(user_home: Path) -> Path:
    """LM Studio names its home in `~/.lmstudio-home-pointer`; models lie in `models` below it."""
    try:
        return Path((user_home / ".lmstudio-home-pointer").read_text().strip()) / "models"
    except (OSError, UnicodeDecodeError):
        return user_home / ".lmstudio" / "models"


def named_path(text: str | None, user_home: Path, env: Mapping[str, str]) -> Path | None:
    """A path as a person writes it in a variable, with `~`, `$NAME` and `${NAME}`; absolute, and None of nothing."""
    named = re.sub(r"\$(\w+|\{\w+\})", lambda match: env.get(match[1].strip("{}"), match[0]), text or "")
    if named == "~" or named.startswith("~/"):
        return user_home / named[2:]
    return Path(os.path.expanduser(named)).absolute() if named else None  # noqa: PTH111  # keeps a `~` of nobody
