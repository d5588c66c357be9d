"""What a hub says a repo holds at one commit: paths, sizes and digests, as plain values."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class DigestKind(StrEnum):
    """`SHA256` over the bytes (large files); `GIT_SHA1` over `blob <size>\\0` and the bytes (small ones)."""

    SHA256 = "sha256"
    GIT_SHA1 = "git-sha1"


class ListedFile(msgspec.Struct, frozen=True):
    """One file: its path inside the repo with `/`, size in bytes, and digest in lower-case hex."""

    path: str
    size: int
    digest: str
    kind: DigestKind

    @property
    def lfs(self) -> bool:
        """Whether the hub keeps it in large-file storage, which is where SHA-256 digests come from."""
        return self.kind is DigestKind.SHA256


class Listing(msgspec.Struct, frozen=True):
    """A repo at one commit (40 hex). `revision` is what was asked for, `licence` what its card says."""

    repo_id: str
    revision: str
    commit: str
    files: tuple[ListedFile, ...]
    licence: str | None = None
    gated: bool = False

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)
