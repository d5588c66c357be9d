"""A disk that is full for this process: for the bytes of files, or for names in a folder."""

from __future__ import annotations

import errno
import os
import resource
import sys
from functools import cache
from types import TracebackType
from typing import Any, Self


class FullDisk:
    """Takes this process the room on its disk, until the block is left.

    with full_disk() as disk:
        disk.no_bytes(beyond=1000)
    """

    def __init__(self) -> None:
        self._step = ""
        self._where = ""
        self._left = 0
        sys.addaudithook(self._look)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.room()

    def room(self) -> None:
        """There is room again."""
        self._step = ""
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    def no_bytes(self, beyond: int) -> None:
        """From now on no file grows beyond so many bytes: the largest file size stands in for the disk's end."""
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (beyond, hard))

    def no_names(self, step: str, where: str, left: int = 0) -> None:
        """After `left` more of them every `step` (the interpreter's word: "os.rename", "open") whose path has
        `where` in it finds no room."""
        self._where = where
        self._left = left
        self._step = step

    def _look(self, event: str, arguments: tuple[Any, ...]) -> None:
        # The interpreter tells of each step before it happens, and an error raised here is the step's.
        if event != self._step:
            return
        path = str(arguments[1 if event == "os.rename" else 0])
        if self._where in path:
            self._left -= 1
            if self._left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


@cache
def full_disk() -> FullDisk:
    """The one of this process: what listens to the interpreter's steps can never be taken away again."""
    return FullDisk()
