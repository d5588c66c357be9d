"""What else happens to a pull while it runs: a cancel, a disk that fills up, another tool at the same files."""

from __future__ import annotations

import errno
import os
import resource
import sys
import threading
from collections.abc import Mapping
from functools import cache
from types import TracebackType
from typing import Any, Self

from huggingface_hub import snapshot_download
from huggingface_hub.utils.tqdm import disable_progress_bars

from tests.fakes.hub import FakeHub
from tests.fakes.repos import Given
from tests.fakes.wire import Asked
from tests.hub.hf_cache import hf
from tests.hub.promises import REPO, Scene
from tests.soak.mixes import Mix

_STEPS = (("os.rename", "blobs"), ("os.rename", "snapshots"), ("os.rename", "refs"), ("open", "partial"))
"""Where a disk may have no room for a name: the interpreter's word for the step, and the folder."""
_HANG = 120.0
"""Seconds; another tool that is at it for so long hangs."""


class FullDisk:
    """Takes this process the room on its disk: for the bytes of files, or for names in a folder."""

    def __init__(self) -> None:
        self._names: tuple[str, str] | None = None
        self._left = 0
        sys.addaudithook(self._look)

    def no_bytes(self, beyond: int) -> None:
        """From now on no file grows beyond so many bytes: the largest file size stands in for the disk's end."""
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (beyond, hard))

    def no_names(self, step: str, folder: str, left: int) -> None:
        """After `left` more of them every such step in a folder of that name finds no room."""
        self._left = left
        self._names = step, f"/{folder}/"

    def room(self) -> None:
        """There is room again."""
        self._names = None
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    def _look(self, event: str, arguments: tuple[Any, ...]) -> None:
        # The interpreter tells of each step before it happens, and an error raised here is the step's.
        if self._names is None or event != self._names[0]:
            return
        path = str(arguments[1 if event == "os.rename" else 0])
        if f"/models--{REPO.replace('/', '--')}/" in path and self._names[1] in path:
            self._left -= 1
            if self._left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


@cache
def full_disk() -> FullDisk:
    """The one of this process: what listens to the interpreter's steps can never be taken away again."""
    return FullDisk()


class Acts:
    """Does what a mix asks for at its request; leaving it ends what was begun and looks on as before.

    `happened` tells whether that request came; `took` whether another tool took bytes that were recorded.
    """

    def __init__(self, mix: Mix, scene: Scene, files: Given, cancel: threading.Event) -> None:
        self._mix = mix
        self._scene = scene
        self._files = files
        self._cancel = cancel
        self._look = scene.hub.before
        self._other: threading.Thread | None = None
        self.happened = False
        self.took = False

    def __enter__(self) -> Self:
        self._scene.hub.before = self._at
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        full_disk().room()
        if self._other is not None:
            self._other.join(_HANG)
            assert not self._other.is_alive(), "huggingface_hub does not come to an end beside us"
        self._scene.hub.before = self._look

    def _at(self, asked: Asked) -> None:
        # What another tool shows half-made is not ours: while one downloads nobody looks.
        if self._look is not None and self._other is None:
            self._look(asked)
        if self._mix.act is not None and self._scene.hub.count("acts") == self._mix.act_at:
            self.happened = True
            self._act(self._mix.act)

    def _act(self, act: str) -> None:
        hub = self._scene.hub
        if act == "cancel":
            self._cancel.set()
        elif act == "drop":
            hub.drop_connections()
        elif act == "expire":
            hub.expire_signed()
        elif act == "full disk":
            full_disk().no_bytes(self._mix.limit)
        elif act == "no room for names":
            full_disk().no_names(*_STEPS[self._mix.limit % len(_STEPS)], self._mix.limit // len(_STEPS) % 3)
        elif act == "other tool":
            self._other = threading.Thread(target=self._download, daemon=True)
            self._other.start()
        elif act == "prune":
            self._prune()
        elif act == "move" and len(hub.repos[REPO].commits) == 1:
            hub.add_repo(REPO, {**self._files, "moved.json": b'{"moved": true}'})

    def _download(self) -> None:
        """huggingface_hub fetches the same model into the same cache, from a hub that is well."""
        disable_progress_bars()
        with FakeHub() as well:
            well.repos = self._scene.hub.repos
            snapshot_download(REPO, cache_dir=self._scene.config.cache, endpoint=well.url)

    def _prune(self) -> None:
        """`hf cache prune`. What it takes of what others left unfinished is its doing, not ours."""
        scene = self._scene
        before = _bytes(scene.recorded())
        told = hf(scene.config.cache, "cache", "prune", "--yes")
        assert told.returncode == 0, told.stderr
        now = _bytes(scene.recorded())
        self.took = any(now.get(path, 0) < count for path, count in before.items())
        scene.foreign = {name: was for name, was in scene.foreign.items() if not name.endswith(".incomplete")}


def _bytes(recorded: Mapping[str, list[tuple[int, int]]]) -> dict[str, int]:
    return {path: sum(stop - start for start, stop in spans) for path, spans in recorded.items()}
