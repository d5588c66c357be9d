"""Recognises models that lie outside the shared cache, read-only: LM Studio's, `~/.mlx/models`, any path."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ingle.catalog.facts import Facts
from ingle.catalog.formats import first_part
from ingle.catalog.gguf import MAGIC
from ingle.catalog.inspect import Found, inspect
from ingle.catalog.model import DiskState, ModelRef, Origin, Snapshot
from ingle.config import Config
from ingle.errors import NoPermission
from ingle.hub.headers import Headers
from ingle.hub.shelf import DiskShelf

_ENDING = ".gguf"


class ForeignScan:
    """Reads folders and files that Ingle never writes to."""

    def __init__(self, config: Config, headers: Headers) -> None:
        self._config = config
        self._headers = headers

    def all(self) -> Iterator[Snapshot]:
        """Every model of the known folders."""
        for folder in _folders(self._config.mlx_models):
            yield from self._folder(folder, Origin.MLX_FOLDER)
        for organisation in _folders(self._config.lmstudio):
            for folder in _folders(organisation):
                yield from self._folder(folder, Origin.LM_STUDIO)

    def of_repo(self, repo_id: str) -> list[Snapshot]:
        """The models of a hub repo that LM Studio downloaded: it keeps them under `org/name` too."""
        if repo_id.count("/") != 1:
            return []
        return list(self._folder(self._config.lmstudio / repo_id, Origin.LM_STUDIO))

    def of_path(self, path: Path) -> list[Snapshot]:
        """The models at a path a person named: a folder, or one GGUF file (or any part of a split one)."""
        mode = _mode(path)
        if stat.S_ISDIR(mode):
            return list(self._folder(path, self._origin(path, Origin.FOLDER)))
        return list(self._file(path)) if stat.S_ISREG(mode) else []

    def _folder(self, root: Path, origin: Origin) -> Iterator[Snapshot]:
        shelf = DiskShelf(root, self._headers, depth=3)
        models = inspect(shelf)
        for model in models:
            alone = len(models) == 1
            named = root / model.path if model.path and not alone else root
            yield self._snapshot(root, model, shelf, origin, named)

    def _file(self, path: Path) -> Iterator[Snapshot]:
        shelf = _OneModel(DiskShelf(path.parent, self._headers, depth=1), path.name)
        for model in inspect(shelf):
            yield self._snapshot(path.parent, shelf.real(model), shelf, self._origin(path, Origin.FILE), path)

    def _snapshot(
        self, root: Path, model: Found, shelf: DiskShelf | _OneModel, origin: Origin, named: Path
    ) -> Snapshot:
        ref = ModelRef(name=self._shown(named), path=named)
        return Snapshot(
            ref=ref,
            state=DiskState.PARTIAL if model.missing else DiskState.COMPLETE,
            format=model.format,
            origin=origin,
            root=root,
            path=root / model.path if model.path else root,
            files=model.files,
            size=model.size,
            missing=model.missing,
            architecture=model.architecture,
            parameters=model.parameters,
            quantization=model.quantization,
            context=model.context,
            kv_bytes_per_token=model.kv_bytes_per_token,
            modified=shelf.modified,
        )

    def _origin(self, path: Path, other: Origin) -> Origin:
        if path.is_relative_to(self._config.lmstudio):
            return Origin.LM_STUDIO
        return Origin.MLX_FOLDER if path.is_relative_to(self._config.mlx_models) else other

    def _shown(self, path: Path) -> str:
        home = self._config.user_home
        return f"~/{path.relative_to(home)}" if path.is_relative_to(home) and path != home else str(path)


class _OneModel:
    """One GGUF file of a folder, with the other parts where it is split, and nothing of what lies beside.

    A file that begins like a GGUF and is not called so (a blob, a download) is shown with the ending.
    """

    def __init__(self, shelf: DiskShelf, name: str) -> None:
        self._shelf = shelf
        self.modified = shelf.modified
        self._names = {path: path for path in shelf.sizes() if first_part(path) == first_part(name)}
        if not name.lower().endswith(_ENDING) and shelf.read(name, len(MAGIC)) == MAGIC:
            self._names = {name + _ENDING: name}

    def real(self, model: Found) -> Found:
        """The model with the names that the files have on disk."""
        files = tuple(self._names[path] for path in model.files)
        return msgspec.structs.replace(model, path=self._names.get(model.path, model.path), files=files)

    def sizes(self) -> dict[str, int]:
        sizes = self._shelf.sizes()
        return {shown: sizes[path] for shown, path in self._names.items()}

    def dangling(self) -> frozenset[str]:
        return frozenset()

    def read(self, path: str, limit: int) -> bytes:
        return self._shelf.read(self._names[path], limit)

    def facts(self, path: str) -> Facts:
        return self._shelf.facts(self._names[path])


def _mode(path: Path) -> int:
    """The kind of file in the form of `stat`; 0 where there is none, and where no file could be called so."""
    try:
        return path.stat().st_mode
    except PermissionError as exc:
        raise NoPermission(path, "read") from exc
    except OSError:
        return 0


def _folders(root: Path) -> list[Path]:
    """The folders (and links to folders) right below `root`, sorted; none when it is not readable."""
    try:
        with os.scandir(root) as entries:
            names = [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except OSError:
        return []
    return [root / name for name in sorted(names)]
