"""`status` and `version`: what this Ingle is, where it lives, what it would compute with and why."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingle.cli import render
from ingle.cli.options import DAEMON_PANEL, AsJson
from ingle.cli.session import Session, open_session
from ingle.version import __version__

if TYPE_CHECKING:
    from ingle.client.views import LoadedModel, RuntimeStatus

PARTS = ("mlx", "mlx-lm", "xllamacpp", "llguidance", "huggingface-hub", "fastapi", "uvicorn")
ENGINE_PARTS = ("mlx", "mlx-lm", "xllamacpp")
Short = Annotated[bool, typer.Option("--short", help="Only the number.")]


def register(app: typer.Typer) -> None:
    app.command("status", rich_help_panel=DAEMON_PANEL, epilog="Example: `ingle status --json`")(show_status)
    app.command("version", rich_help_panel=DAEMON_PANEL)(show_version)


def show_version(short: Short = False, as_json: AsJson = False) -> None:
    """The versions of Ingle and of what it is built on."""
    session = open_session()
    if short:
        session.terminal.answer(__version__)
        return
    found = {"ingle": __version__, "python": platform.python_version()} | _parts()
    if as_json:
        session.terminal.answer_json(found)
    else:
        session.terminal.answer(
            "\n".join(render.facts([(name, version or "not installed") for name, version in found.items()]))
        )


def show_status(as_json: AsJson = False) -> None:
    """The engine, device and why; the daemon; the cache; the memory. Starts nothing."""
    from ingle.client import api
    from ingle.client.accord import differing

    session = open_session()
    client = session.running()
    status = client.ask(api.status()) if client else None
    if client and (said := differing(client.address, session.config)):
        session.terminal.tell(said)
    found = _status(session, status, f"{client.address.host}:{client.address.port}" if client else None)
    if as_json:
        session.terminal.answer_json(found)
    else:
        session.terminal.answer("\n".join(render.facts(_told(session, found, status))))


def _status(session: Session, status: RuntimeStatus | None, address: str | None) -> dict[str, Any]:
    from ingle.cli.offer import machine_memory

    memory = machine_memory()
    config = session.config
    return {
        "version": __version__,
        "home": config.home,
        "cache": config.cache,
        "platform": {"system": platform.system(), "machine": platform.machine()},
        "engines": engines(),
        "default_model": config.default_model,
        "daemon": {"running": True, "address": address} | _plain(status) if status else {"running": False},
        "memory": {
            "total": memory.total,
            "free": memory.available,
            "ours": status.memory.ours if status and status.memory else 0,
        },
    }


def engines() -> list[dict[str, Any]]:
    """For each kind of model file, the engine that opens it here, or why none does."""
    from ingle.catalog.model import Format
    from ingle.engines.choose import choose_engine, platform_facts
    from ingle.errors import Unsupported

    facts = platform_facts()
    found: list[dict[str, Any]] = []
    for kind, kept_as in (("MLX", Format.MLX), ("GGUF", Format.GGUF)):
        try:
            choice = choose_engine(kept_as, facts)
        except Unsupported as exc:
            found.append({"files": kind, "engine": None, "device": None, "why": exc.message})
        else:
            found.append({"files": kind, "engine": choice.engine, "device": choice.device, "why": choice.why})
    return found


def _told(session: Session, found: dict[str, Any], status: RuntimeStatus | None) -> list[tuple[str, str]]:
    memory = found["memory"]
    told = [("ingle", __version__)]
    if status is None:
        told.append(("daemon", "not running; it starts when a model is needed, or with `ingle serve`"))
    else:
        up = render.duration(status.uptime)
        told.append(("daemon", f"running at {found['daemon']['address']}, pid {status.pid}, up {up}"))
        told.append(("loaded", "\n".join(_loaded(one) for one in status.models) or "nothing"))
        if status.pulls:
            told.append(
                ("pulls", "\n".join(f"{one.model} {one.phase} {one.fraction:.0%}" for one in status.pulls))
            )
    for engine in found["engines"]:
        name = f"{engine['engine']} on {engine['device']}: " if engine["engine"] else "none: "
        told.append((f"{engine['files']} files", name + engine["why"]))
    told += [
        ("default", str(found["default_model"])),
        ("cache", f"{found['cache']}\n{_free(session)}"),
        ("home", str(found["home"])),
        (
            "memory",
            f"{render.size(memory['free'])} free of {render.size(memory['total'])}"
            + (f", {render.size(memory['ours'])} taken by Ingle" if memory["ours"] else ""),
        ),
    ]
    return told


def _loaded(one: LoadedModel) -> str:
    engine = one.memory.engine
    how = f" on {engine.name} ({engine.device})" if engine else ""
    said = f"{one.model} {one.memory.state}{how}, {render.size(one.memory.bytes)}. {one.memory.why}"
    health = one.memory.health
    ill = [f"makes no tokens: {health.reason}"] if health is not None and not health.ok else []
    return "\n".join([said, *ill, *(engine.notes if engine else ())])


def _free(session: Session) -> str:
    from ingle.hub.disk import free_bytes

    return f"{render.size(free_bytes(session.config.cache))} free on that disk"


def engine_versions() -> dict[str, str | None]:
    """The packages that compute, with their versions (None: not installed)."""
    return {name: version for name, version in _parts().items() if name in ENGINE_PARTS}


def _parts() -> dict[str, str | None]:
    from importlib import metadata

    found: dict[str, str | None] = {}
    for name in PARTS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def _plain(status: RuntimeStatus) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(status)
    return {name: plain[name] for name in ("version", "pid", "uptime", "models", "pulls", "memory")}
