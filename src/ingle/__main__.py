"""`python -m ingle` is the `ingle` command."""

from __future__ import annotations

import sys

from ingle.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
