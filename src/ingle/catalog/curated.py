"""Reads `catalog.toml`: the models that have a short name, with what a person wants to know of each."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

from ingle.catalog.model import Format


class WheelSource(msgspec.Struct, frozen=True, kw_only=True):
    """A model file inside a wheel of the package index; sizes in bytes, digests in lower-case hex."""

    project: str
    version: str
    sha256: str
    file_size: int
    file_sha256: str


class CatalogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One listed model. `download` and `memory_4k` in bytes, `context` in tokens.

    `revision` is the policy: `main` follows the branch, 40 hex digits stay on that commit. `tier` is 0
    for what is offered everywhere and grows with the machine it wants. `also` holds further aliases.
    """

    alias: str
    repo_id: str = msgspec.field(name="repo")
    revision: str
    format: Format
    parameters: int
    quantization: str
    download: int
    memory_4k: int
    context: int
    licence: str
    good_at: str
    file: str | None = None
    also: tuple[str, ...] = ()
    tier: int = 0
    wheel: WheelSource | None = None

    @property
    def aliases(self) -> tuple[str, ...]:
        """Every short name that means this model, the one to show first."""
        return (self.alias, *self.also)


class Catalog(msgspec.Struct, frozen=True, kw_only=True):
    """All entries in the order of the file, and the alias that `default` stands for."""

    default: str
    entries: tuple[CatalogEntry, ...] = msgspec.field(name="model")

    def find(self, alias: str) -> CatalogEntry | None:
        """The entry with this alias (case does not matter; `default` is the default's), else None."""
        wanted = alias.lower()
        if wanted == "default":
            wanted = self.default
        return next((entry for entry in self.entries if wanted in entry.aliases), None)

    def find_repo(self, repo_id: str, file: str | None = None) -> CatalogEntry | None:
        """The entry for this repo; where the repo holds several GGUF files, the one for `file`."""
        return next(
            (
                entry
                for entry in self.entries
                if entry.repo_id == repo_id and (entry.file is None or entry.file == file)
            ),
            None,
        )


def load_catalog() -> Catalog:
    """The catalogue that ships with this version of Ingle."""
    return read_catalog(Path(__file__).with_name("catalog.toml").read_text(encoding="utf-8"))


def read_catalog(text: str) -> Catalog:
    """The catalogue in a TOML text. Raises `msgspec.ValidationError` naming the field that is wrong."""
    return msgspec.convert(tomllib.loads(text), Catalog)
