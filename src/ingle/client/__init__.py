"""The Python client of a running Ingle: `Client` for plain code, `AsyncClient` for asyncio.

with Client() as ingle:
    print(ingle.chat("Hello", model="starter"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingle.client.aio import AsyncClient as AsyncClient
    from ingle.client.sync import Client as Client

__all__ = ["AsyncClient", "Client"]


def __getattr__(name: str) -> Any:
    """Each client is imported when it is first named: the CLI never pays for the asynchronous one."""
    if name == "Client":
        from ingle.client.sync import Client

        return Client
    if name == "AsyncClient":
        from ingle.client.aio import AsyncClient

        return AsyncClient
    raise AttributeError(name)
