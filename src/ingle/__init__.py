"""Ingle: a local language-model runtime. Importing this package imports nothing heavy.

`ingle.Client` and `ingle.AsyncClient` talk to a running Ingle:

    ingle.Client().chat("Why is the sky blue?").text
    ingle.Client().text("proofread", "Teh cat.").text

What they raise is in `ingle.errors`, all of it below `ingle.errors.IngleError`.
"""

from __future__ import annotations

from ingle.version import __version__

TYPE_CHECKING = False  # importing typing would cost `ingle --version` a third of its time
if TYPE_CHECKING:
    from ingle import errors as errors
    from ingle.client.aio import AsyncClient as AsyncClient
    from ingle.client.sync import Client as Client
else:  # a checker that saw this function would take every misspelt name for one of ours

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name in ("Client", "AsyncClient"):
            return getattr(import_module("ingle.client"), name)
        if name == "errors":
            return import_module("ingle.errors")
        raise AttributeError(f"module 'ingle' has no attribute {name!r}")


__all__ = ["AsyncClient", "Client", "__version__", "errors"]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
