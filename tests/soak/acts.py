"""What else happens to a pull while it runs: a cancel, a disk that fills up, another tool at the same files."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from huggingface_hub import snapshot_download
from huggingface_hub.utils.tqdm import disable_progress_bars

from tests.fakes.disk import full_disk
from tests.fakes.hub import FakeHub
from tests.fakes.repos import Given
from tests.fakes.wire import Asked
from tests.hub.hf_cache import hf
from tests.hub.promises import REPO, Scene
from tests.soak.mixes import Mix

_STEPS = (("os.rename", "blobs"), ("os.rename", "snapshots"), ("os.rename", "refs"), ("open", "partial"))
"""Where a disk may have no room for a name: the interpreter's word for the step, and the folder."""
_HANG = 240.0
"""Seconds; another tool that is at it for so long hangs."""


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
        self._disk = full_disk()
        self._at_it = threading.Lock()
        self._over = False
        self._error: BaseException | None = None
        self._other: threading.Thread | None = None
        self.happened = False
        self.took = False

    def __enter__(self) -> Self:
        self._scene.hub.before = self._at
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._at_it:  # a pull may be over before what was to happen beside it, which is waited for
            self._over = True
        self._disk.room()
        if self._other is not None:
            self._other.join(_HANG)
            assert not self._other.is_alive(), "huggingface_hub does not come to an end beside us"
        self._scene.hub.before = self._look
        assert self._error is None, f"{self._mix.act}: {self._error!r}"

    def _at(self, asked: Asked) -> None:
        # What another tool shows half-made is not ours: while one downloads nobody looks.
        if self._look is not None and self._other is None:
            self._look(asked)
        if self._mix.act is not None and self._scene.hub.count("acts") == self._mix.act_at:
            with self._at_it, self._kept():
                if not self._over:
                    self.happened = True
                    self._act(self._mix.act)

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Keeps what goes wrong in a thread that is nobody's, for the end of the mix."""
        try:
            yield
        except BaseException as exc:  # noqa: BLE001 - whatever it is, the mix must fail with it
            self._error = exc

    def _act(self, act: str) -> None:
        hub = self._scene.hub
        if act == "cancel":
            self._cancel.set()
        elif act == "drop":
            hub.drop_connections()
        elif act == "expire":
            hub.expire_signed()
        elif act == "full disk":
            self._disk.no_bytes(self._mix.limit)
        elif act == "no room for names":
            step, folder = _STEPS[self._mix.limit % len(_STEPS)]
            self._disk.no_names(
                step, f"/{self._scene.place.name}/{folder}/", self._mix.limit // len(_STEPS) % 3
            )
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
        with self._kept(), FakeHub() as well:
            well.repos = self._scene.hub.repos
            cache = self._scene.config.cache
            snapshot_download(REPO, cache_dir=cache, endpoint=well.url, etag_timeout=_HANG)

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
