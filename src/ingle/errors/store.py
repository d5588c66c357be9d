"""What goes wrong on the disk."""

from __future__ import annotations

from pathlib import Path

from ingle.errors.base import IngleError


class StoreError(IngleError):
    code = "store"


class DigestMismatch(StoreError):
    code = "digest_mismatch"

    def __init__(self, path: Path | str, expected: str, actual: str) -> None:
        super().__init__(
            f"{path} is damaged: its digest is {actual}, it should be {expected}.",
            hint="`ingle repair MODEL` fetches only the bad parts again.",
            path=str(path),
            expected=expected,
            actual=actual,
        )


class SizeMismatch(StoreError):
    code = "size_mismatch"

    def __init__(self, path: Path | str, expected: int, actual: int) -> None:
        super().__init__(
            f"{path} has {actual} bytes, it should have {expected}.",
            hint="`ingle repair MODEL` fetches what is missing.",
            path=str(path),
            expected=expected,
            actual=actual,
        )


class Incomplete(StoreError):
    code = "incomplete"

    def __init__(self, model: str, missing: tuple[str, ...]) -> None:
        shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        super().__init__(
            f"{model} is not whole: {shown} missing.",
            hint=f"`ingle pull {model}` fetches the rest.",
            model=model,
            missing=list(missing),
        )


class MalformedModel(StoreError):
    code = "malformed_model"

    def __init__(self, path: Path | str, why: str) -> None:
        super().__init__(
            f"{path} cannot be read as a model file: {why}.",
            hint="`ingle verify` tells whether it is damaged; `ingle repair` mends it.",
            path=str(path),
            why=why,
        )


class DiskFull(StoreError):
    code = "disk_full"

    def __init__(self, path: Path | str, needed: int, free: int) -> None:
        super().__init__(
            f"{path} has {_in_words(free)} free and {_in_words(needed)} are needed.",
            hint="Free some space (`ingle list` shows sizes, `ingle rm MODEL` deletes one) or name another place, then try again.",
            path=str(path),
            needed=needed,
            free=free,
        )


def _in_words(count: int) -> str:
    """`1.1 GB`, `93 MB`; below a megabyte the bytes."""
    if count < 1e6:
        return f"{count} bytes"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


class NoPermission(StoreError):
    code = "no_permission"

    def __init__(self, path: Path | str, doing: str, *, hint: str = "") -> None:
        super().__init__(
            f"No permission to {doing} {path}.",
            hint=hint
            or "Change its owner or mode, or name another place: HF_HUB_CACHE is for models, INGLE_HOME for the rest.",
            path=str(path),
        )


class LockHeld(StoreError):
    code = "lock_held"
