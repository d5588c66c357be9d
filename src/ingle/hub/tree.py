"""Turns what a hub says a repo holds into a listing that can be trusted as far as it goes; pure.

Every name, size and digest is hostile until it passed here. Names become paths on disk, so what could
leave its folder, or be one file with another on some file system, is refused with the whole listing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from ingle.catalog.listing import DigestKind, ListedFile
from ingle.errors import HubLied
from ingle.hub.fields import DOUBT, MAX_SIZE
from ingle.hub.verify import digest_of

MAX_FILES = 1_000_000
MAX_PATH = 1024
"""Bytes of UTF-8; macOS allows no longer path."""
MAX_NAME = 255
"""Bytes of UTF-8 of one name; the bound of every common file system."""

Told = TypeVar("Told")

COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)
_EMPTY = frozenset(digest_of(b"", kind) for kind in DigestKind)
_SHA1 = COMMIT
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\\]")
_LICENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+()/-]{0,99}", re.ASCII)


class _Lfs(msgspec.Struct):
    oid: str
    size: int


class _Row(msgspec.Struct):
    type: str
    path: str
    oid: str = ""
    size: int = 0
    lfs: _Lfs | None = None


class _Info(msgspec.Struct, rename={"card": "cardData"}):
    """Only `sha` is relied on; what a publisher wrote of the repo is shown as far as it makes sense."""

    sha: str
    gated: Any = False
    tags: Any = None
    card: Any = None


class RepoFacts(msgspec.Struct, frozen=True):
    """What the hub says of a repo as such: the commit a revision means now, its licence, whether it is gated."""

    commit: str
    licence: str | None
    gated: bool


def parse_info(body: bytes, asked: str) -> RepoFacts:
    """The answer to `/api/models/{id}/revision/{asked}`. Raises `HubLied`."""
    info = _decode(body, _INFO, "about the repo")
    if not COMMIT.fullmatch(info.sha):
        raise HubLied(f"The hub names a commit that is none: {info.sha[:80]!r}.", hint=DOUBT, kind="commit")
    if COMMIT.fullmatch(asked) and info.sha != asked:
        raise HubLied(
            f"The hub was asked for commit {asked} and answers with {info.sha}.", hint=DOUBT, kind="commit"
        )
    card = info.card.get("license") if isinstance(info.card, dict) else None
    tags = [tag.removeprefix("license:") for tag in _texts(info.tags) if tag.startswith("license:")]
    names = [name for name in _texts(card) or tags if _LICENCE.fullmatch(name)]
    return RepoFacts(info.sha, ", ".join(names[:5]) or None, bool(info.gated))


def _texts(value: object) -> list[str]:
    """A text, or the texts of a list; nothing of anything else."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def parse_page(body: bytes) -> tuple[list[ListedFile], int]:
    """The files of one page of a tree, and how many rows (files and folders) the page had.

    Raises `HubLied` naming the first thing that cannot be.
    """
    rows = _decode(body, _ROWS, "as a page of the listing")
    return [_file(row) for row in rows if row.type != "directory"], len(rows)


def check_together(files: Iterable[ListedFile]) -> tuple[ListedFile, ...]:
    """The files of all pages, sorted by path. Raises `HubLied` when two of them would be one on some disk, or have one
    digest and two sizes."""
    found: dict[str, str] = {}
    sizes: dict[str, int] = {}
    kept: list[ListedFile] = []
    for file in files:
        key = folded(file.path)
        other = found.setdefault(key, file.path)
        if other != file.path or len(found) == len(kept):
            raise _refused(file.path, f"it cannot lie beside {_quoted(other)} on every disk", "collision")
        if sizes.setdefault(file.digest, file.size) != file.size:
            raise _refused(file.path, "its digest is that of a file of another size", "digest")
        kept.append(file)
        if len(kept) > MAX_FILES:
            raise HubLied(f"The hub lists more than {MAX_FILES} files.", hint=DOUBT, kind="page")
    parents: set[str] = set()
    for key in found:
        at = key.rfind("/")
        while at > 0 and key[:at] not in parents:
            parents.add(key[:at])
            at = key.rfind("/", 0, at)
    for key in parents & found.keys():
        raise _refused(found[key], "it is a file and a folder at once", "collision")
    return tuple(sorted(kept, key=lambda file: file.path))


def folded(path: str) -> str:
    """What a case-insensitive, normalising file system sees of a path: equal keys are one file there."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())


def check_path(path: str) -> None:
    """Raises `HubLied` unless a path stays inside its folder on every file system."""
    if not path or len(path) > MAX_PATH:
        raise _refused(path, "its length is not sane", "name")
    try:
        encoded = path.encode()
    except UnicodeEncodeError as exc:
        raise _refused(path, "it is not Unicode", "name") from exc
    if len(encoded) > MAX_PATH:
        raise _refused(path, "it is too long", "name")
    if _CONTROL.search(path):
        raise _refused(path, "it holds control characters or backslashes", "name")
    if path.startswith("/") or (len(path) > 1 and path[1] == ":" and path[0].isalpha()):
        raise _refused(path, "it is absolute", "name")
    for name in path.split("/"):
        if name in ("", ".", ".."):
            raise _refused(path, "it climbs out or has an empty part", "name")
        if len(name) > MAX_NAME // 4 and len(name.encode()) > MAX_NAME:
            raise _refused(path, "a part of it is too long", "name")


def _file(row: _Row) -> ListedFile:
    if row.type != "file":
        raise _refused(row.path, f"it is called a {row.type[:40]!r}", "name")
    check_path(row.path)
    if not 0 <= row.size <= MAX_SIZE:
        raise _refused(row.path, f"its size is {row.size}", "size")
    if row.lfs is None:
        digest, kind, shape = row.oid, DigestKind.GIT_SHA1, _SHA1
    else:
        digest, kind, shape = row.lfs.oid.removeprefix("sha256:"), DigestKind.SHA256, _SHA256
        if row.lfs.size != row.size:
            raise _refused(row.path, f"it has two sizes, {row.size} and {row.lfs.size}", "size")
    if not shape.fullmatch(digest):
        raise _refused(row.path, f"its digest is {digest[:80]!r}", "digest")
    if row.size == 0 and digest not in _EMPTY:
        raise _refused(row.path, "it is listed as empty, and its digest is that of no empty file", "size")
    return ListedFile(row.path, row.size, digest, kind)


def _refused(path: str, why: str, kind: str) -> HubLied:
    return HubLied(
        f"The hub lists a file {_quoted(path)} that is refused: {why}.",
        hint="Nothing was written. Tell whoever publishes the repo, or choose another one.",
        kind=kind,
        path=path[:200].encode(errors="replace").decode(),
    )


def _quoted(path: str) -> str:
    return ascii(path if len(path) <= 120 else path[:120] + "...")


def _decode(body: bytes, decoder: msgspec.json.Decoder[Told], what: str) -> Told:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        start = "a web page" if body.lstrip()[:1] == b"<" else "something else"
        raise HubLied(
            f"What the hub says {what} cannot be read; it sent {start} ({str(exc)[:200]}).",
            hint="A network that wants you to sign in, or a mirror, may stand in between.",
            kind="json",
        ) from exc


_INFO = msgspec.json.Decoder(_Info)
_ROWS = msgspec.json.Decoder(list[_Row])
