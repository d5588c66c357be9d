"""Turns what a person types for a model into a `ModelRef`, and refuses what no model can be called.

Accepted: an alias of the catalogue (`qwen3:1.7b`, `starter`, `default`), a hub repo (`org/name`,
`org/name@revision`, `org/name:file.gguf`, `org/name:Q4_K_M`, each also with `hf:` in front) and a
path (`./x`, `../x`, `~/x`, `/x`). The rules for repo ids are huggingface_hub's `validate_repo_id`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

from ingle.catalog.curated import Catalog, CatalogEntry
from ingle.catalog.model import ModelRef
from ingle.errors import InvalidRequest, ModelNotFound

MAX_NAME = 4096
"""Characters; the longest path Linux takes."""

_REPO_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_REPO_ID = re.compile(rf"(?:{_REPO_PART}/)?{_REPO_PART}")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,254}")
_QUANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_FORMS = "Write an alias (`ingle list --catalog`), org/name, org/name@revision, org/name:FILE.gguf or a path."


def parse_name(
    text: str,
    catalog: Catalog,
    *,
    default: str | None = None,
    home: Path | None = None,
    folder: Path | None = None,
) -> ModelRef:
    """The model that `text` names. Raises `InvalidRequest` for a hostile or senseless name and
    `ModelNotFound` for a bare word that is no alias.

    `default` is the setting behind the word `default` (None: the catalogue's); `home` is what `~`
    means (None: the person's home folder); `folder` is what a relative path starts from (None: it stays
    relative). Whether the path or repo exists is not asked here.
    """
    _refuse_hostile(text)
    if text.lower() == "default" and default and default.lower() != "default":
        return parse_name(default, catalog, home=home, folder=folder)
    if text.startswith(("./", "../", "~/", "/")) or text in {".", "..", "~"}:
        return ModelRef(name=text, path=_path(text, home, folder))
    entry = catalog.find(text)
    if entry is not None:
        return entry_ref(entry, name=entry.alias)
    bare = text.removeprefix("hf:")
    if bare == text and "/" not in text:
        raise _unknown(text, catalog)
    return _repo(text, bare)


def entry_ref(entry: CatalogEntry, name: str | None = None) -> ModelRef:
    """The reference a catalogue entry stands for."""
    return ModelRef(
        name=name or entry.alias,
        repo_id=entry.repo_id,
        revision=None if entry.revision == "main" else entry.revision,
        file=entry.file,
        alias=entry.alias,
    )


def ref_key(ref: ModelRef) -> str:
    """One text for one model, however it was named: two refs with the same key mean the same files."""
    if ref.path is not None:
        return str(ref.path)
    revision = "" if ref.revision in {None, "main"} else f"@{ref.revision}"
    part = ref.file or (ref.quant or "").upper()
    return f"{ref.repo_id}{revision}" + (f":{part}" if part else "")


def is_commit(revision: str | None) -> bool:
    """Whether a revision is a full commit id, which never moves."""
    return revision is not None and _COMMIT.fullmatch(revision) is not None


def is_repo_id(text: str) -> bool:
    """Whether the hub could have a repo of this name (`name` alone is allowed: the oldest repos)."""
    return (
        _REPO_ID.fullmatch(text) is not None
        and "--" not in text
        and ".." not in text
        and not text.endswith(".git")
    )


def is_safe_path(text: str) -> bool:
    """Whether a path from a listing stays inside its repo: relative, no `..`, no empty or odd part."""
    return (
        0 < len(text) <= MAX_NAME
        and "\\" not in text
        and not text.startswith("/")
        and text.isprintable()
        and all(part not in {"", ".", ".."} for part in text.split("/"))
    )


def _repo(text: str, bare: str) -> ModelRef:
    rest, _, part = bare.partition(":")
    repo_id, at, revision = rest.partition("@")
    if not is_repo_id(repo_id):
        raise InvalidRequest(f"{_shown(repo_id)} cannot be the name of a hub repo.", hint=_FORMS)
    if at and (not _REVISION.fullmatch(revision) or ".." in revision or "//" in revision):
        raise InvalidRequest(f"{_shown(revision)} cannot be a revision of {repo_id}.", hint=_FORMS)
    if ":" in bare and not part:
        raise InvalidRequest(f"{_shown(text)} ends in a colon without a file.", hint=_FORMS)
    is_file = part.lower().endswith(".gguf")
    if is_file and not is_safe_path(part):
        raise InvalidRequest(f"{_shown(part)} cannot be a file inside {repo_id}.", hint=_FORMS)
    if part and not is_file and not _QUANT.fullmatch(part):
        raise InvalidRequest(f"{_shown(part)} is neither a .gguf file nor a quantisation.", hint=_FORMS)
    return ModelRef(
        name=text if "/" in repo_id else f"hf:{bare}",
        repo_id=repo_id,
        revision=revision or None,
        file=part if is_file else None,
        quant=part.upper() if part and not is_file else None,
    )


def _path(text: str, home: Path | None, folder: Path | None) -> Path:
    path = Path(text)
    if text.startswith("~"):
        path = home / text[2:] if home is not None else path.expanduser()
    elif folder is not None and not path.is_absolute():
        path = folder / path
    return Path(os.path.normpath(path)) if path.is_absolute() else Path(PurePosixPath(path))


def _refuse_hostile(text: str) -> None:
    if not text.strip():
        raise InvalidRequest("A model name is needed, and this one is empty.", hint=_FORMS)
    if len(text) > MAX_NAME:
        raise InvalidRequest(f"A model name of {len(text)} characters is too long.", hint=_FORMS)
    if text != text.strip() or not text.isprintable():
        raise InvalidRequest(
            f"{_shown(text)} holds spaces around it or characters that cannot be seen.", hint=_FORMS
        )
    if text.startswith("-"):
        raise InvalidRequest(f"{_shown(text)} looks like an option, not a model.", hint=_FORMS)


def _unknown(text: str, catalog: Catalog) -> ModelNotFound:
    import difflib

    known = [alias for entry in catalog.entries for alias in entry.aliases]
    close = difflib.get_close_matches(text.lower(), known, n=1, cutoff=0.6)
    meant = f"Did you mean {close[0]}? " if close else ""
    unknown = ModelNotFound(_shown(text), where="in the catalogue", hint=meant + _FORMS)
    unknown.details["model"] = text  # for machines, as it was asked for
    return unknown


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 80 else text[:80] + "...")
