"""The door: answers `--version` at once and opens the rest of the house only when it is needed."""

from __future__ import annotations

import os
import sys

READER_GONE = 141
"""The exit code of a command whose reader has left: 128 and SIGPIPE, as a shell says it."""


def main() -> int:
    """Run the command line in `sys.argv`; the exit code.

    Nothing heavy is imported for the version: an interpreter that starts and leaves is what a shell
    prompt or an installer can afford.
    """
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"], ["version", "--short"]):
        from ingle.version import __version__

        print(f"ingle {__version__}" if arguments[0].startswith("-") else __version__)
        return READER_GONE if flushed_to_nobody() else 0
    from ingle.cli.main import run

    return run(arguments)


def flushed_to_nobody() -> bool:
    """Whether nobody reads standard output any more. What it did not take was told, or need not be; the interpreter must
    not try, and fail, once more."""
    if sys.stdout is None:
        return False
    try:
        sys.stdout.flush()
    except OSError as exc:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return isinstance(exc, BrokenPipeError)
    return False


if __name__ == "__main__":
    sys.exit(main())
