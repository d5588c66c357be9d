"""Ingle: a local language-model runtime. Importing this package imports nothing heavy.

`ingle.Client` and `ingle.AsyncClient` talk to a running Ingle:

    ingle.Client().chat("Why is the sky blue?").text
    ingle.Client().text("proofread", "Teh cat.").text
"""

from __future__ import annotations

from ingle.version import __version__

TYPE_CHECKING = False  # importing typing would cost `ingle --version` a third of its time
if TYPE_CHECKING:
    from ingle.client.aio import AsyncClient as AsyncClient
    from ingle.client.sync import Client as Client

__all__ = ["AsyncClient", "Client", "__version__"]


def __getattr__(name: str) -> object:
    if name in ("Client", "AsyncClient"):
        from ingle import client

        return client.__getattr__(name)
    raise AttributeError(f"module 'ingle' has no attribute {name!r}")
