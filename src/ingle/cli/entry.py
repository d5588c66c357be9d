"""The door: answers `--version` at once and opens the rest of the house only when it is needed."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line in `sys.argv`; the exit code.

    Nothing heavy is imported for the version: an interpreter that starts and leaves is what a shell
    prompt or an installer can afford.
    """
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"], ["version", "--short"]):
        from ingle.version import __version__

        print(f"ingle {__version__}" if arguments[0].startswith("-") else __version__)
        return 0
    from ingle.cli.main import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
