"""Recognises models that lie outside the shared cache, read-only: LM Studio's, `~/.mlx/models`, any path."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ingle.catalog.facts import Facts
from ingle.catalog.formats import first_part
from ingle.catalog.inspect import Found, inspect
from ingle.catalog.model import DiskState, ModelRef, Origin, Snapshot
from ingle.config import Config
from ingle.hub.headers import Headers
from ingle.hub.shelf import DiskShelf


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
        if path.is_dir():
            return list(self._folder(path, self._origin(path, Origin.FOLDER)))
        if not path.is_file():
            return []
        return list(self._file(path))

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
            yield self._snapshot(path.parent, model, shelf, self._origin(path, Origin.FILE), path)

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
    """One GGUF file of a folder, with the other parts where it is split, and nothing of what lies beside."""

    def __init__(self, shelf: DiskShelf, name: str) -> None:
        head = first_part(name)
        self._shelf = shelf
        self._sizes = {path: size for path, size in shelf.sizes().items() if first_part(path) == head}
        self._dangling = frozenset(path for path in shelf.dangling() if first_part(path) == head)
        self.modified = shelf.modified

    def sizes(self) -> dict[str, int]:
        return self._sizes

    def dangling(self) -> frozenset[str]:
        return self._dangling

    def read(self, path: str, limit: int) -> bytes:
        return self._shelf.read(path, limit)

    def facts(self, path: str) -> Facts:
        return self._shelf.facts(path)


def _folders(root: Path) -> list[Path]:
    """The folders (and links to folders) right below `root`, sorted; none when it is not readable."""
    try:
        with os.scandir(root) as entries:
            names = [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except OSError:
        return []
    return [root / name for name in sorted(names)]
