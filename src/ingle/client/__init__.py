"""The Python client of a running Ingle: `Client` for plain code, `AsyncClient` for asyncio.

with Client() as ingle:
    print(ingle.chat("Hello", model="starter"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingle.client.aio import AsyncClient as AsyncClient
    from ingle.client.sync import Client as Client
else:  # a checker that saw this function would take every misspelt name for one of ours

    def __getattr__(name: str) -> type:
        """Each client is imported when it is first named: the CLI never pays for the asynchronous one."""
        if name == "Client":
            from ingle.client.sync import Client

            return Client
        if name == "AsyncClient":
            from ingle.client.aio import AsyncClient

            return AsyncClient
        raise AttributeError(f"module 'ingle.client' has no attribute {name!r}")


__all__ = ["AsyncClient", "Client"]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
