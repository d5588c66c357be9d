"""GET /metrics: what runs now, in Prometheus' words; gauges made from the status when somebody asks."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from ingle.runtime.runtime import Runtime
from ingle.runtime.status import RuntimeStatus

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics_routes(runtime: Runtime) -> APIRouter:
    router = APIRouter(tags=["metrics"])

    @router.get("/metrics")
    async def metrics() -> Response:
        """What Prometheus scrapes."""
        text = await asyncio.to_thread(exposition, await runtime.status())
        return Response(text, media_type=CONTENT_TYPE)

    return router


def exposition(status: RuntimeStatus) -> bytes:
    """For a thread: the library is imported by the first call. Bytes and seconds, as their names say."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()

    def gauge(name: str, says: str, rows: dict[str, float], label: str | None = None) -> None:
        made = Gauge(f"ingle_{name}", says, [label] if label else [], registry=registry)
        for row, value in rows.items():
            (made.labels(row) if label else made).set(value)

    memory, models = status.memory, status.models
    gauge("uptime_seconds", "Since the daemon's start.", {"": status.uptime})
    gauge("memory_bytes", "Of the daemon and all its workers.", {"": memory.ours})
    gauge("memory_free_bytes", "What a model may take.", {"": memory.free or 0})
    gauge("memory_pressure", "1 while the system is short of memory.", {"": memory.pressure})
    gauge("event_listeners", "Who follows /events.", {"": status.subscribers})
    gauge("models_loaded", "Models with a worker.", {"": len(models)})
    for name, says in (
        ("bytes", "Memory of a worker."),
        ("active", "Requests that are being answered."),
        ("waiting", "Requests that wait for a load or a slot."),
    ):
        rows = {row.model: float(getattr(row.memory, name) or 0) for row in models}
        gauge(f"model_{name}", says, rows, "model")
    pulls = {row.model: row.fraction for row in status.pulls}
    gauge("pull_fraction", "How far a running pull is, 0 to 1.", pulls, "model")
    return generate_latest(registry)
