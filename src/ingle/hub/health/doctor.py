"""Looks at everything a pull and a load depend on, says what is wrong, and mends what is safe to mend."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from ingle.catalog.model import Origin, Snapshot
from ingle.config import DEFAULT_ENDPOINT, Config, of_unknown
from ingle.errors import IngleError, InvalidConfig, Unauthorized
from ingle.hub.address import endpoint_address, proxy_for, shown
from ingle.hub.cache import Store
from ingle.hub.dial import tls_context
from ingle.hub.disk import disk_errors
from ingle.hub.health.finding import Finding, Fix, note, ok, problem, several, warning
from ingle.hub.health.leftover import Leftover
from ingle.hub.health.place import ELSEWHERE, examine_home, examine_place
from ingle.hub.health.stock import examine_leftovers, examine_locks, examine_models
from ingle.hub.health.sweep import find_orphans, surely_ours, sweep
from ingle.hub.remote import Probe

PYTHON = (3, 11)
SKEW = 300.0  # seconds: signed links and certificates stop being valid somewhere beyond
SLOW = 3.0  # seconds for one small answer


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What runs Ingle: `engines` maps an engine's package to its version (None: not installed); `accelerator`
    is the sentence that says which device engines compute on, and why."""

    engines: dict[str, str | None]
    accelerator: str
    python: tuple[int, int, int] = sys.version_info[:3]


class Hub(Protocol):
    """The part of `Remote` that a doctor asks."""

    def probe(self) -> tuple[Probe, ...]: ...
    def whoami(self) -> str | None: ...


class Mended(msgspec.Struct, frozen=True, kw_only=True):
    """What `--fix` did about one finding, in one sentence; `done` is whether it worked."""

    finding: Finding
    done: bool
    says: str


def examine(config: Config, store: Store, environment: Environment, hub: Hub | None) -> tuple[Finding, ...]:
    """Every finding, also the good ones, in the order a person reads them. Changes nothing.

    `hub` None leaves the network out (`--offline`).
    """
    models, orphans = store.scan(), find_orphans(config)
    return (
        *examine_environment(environment),
        *examine_settings(config),
        *examine_place(config, relief(models, orphans)),
        *examine_home(config, relief(models, orphans)),
        *examine_locks(config),
        *examine_models(config, models),
        *examine_leftovers(config, orphans),
        *examine_certificates(config),
        *(examine_hub(config, hub) if hub is not None else ()),
    )


def relief(models: Sequence[Snapshot], orphans: Sequence[Leftover]) -> str:
    """The command that gives disk back: what nobody needs, else the largest model, else another disk."""
    if any(one.size for one in orphans):
        return "ingle clean"
    ours = [one for one in models if one.origin is Origin.HUB_CACHE]
    if ours:
        return f"ingle rm {shlex.quote(max(ours, key=lambda one: one.size).ref.name)}"
    return ELSEWHERE


def examine_environment(found: Environment) -> Iterator[Finding]:
    """Python, the engines, the accelerator."""
    version = ".".join(map(str, found.python))
    if found.python[:2] >= PYTHON:
        yield ok("python", f"Python {version}.")
    else:
        yield problem(
            "python",
            says=f"Python {version} is older than 3.11.",
            means="Ingle and its engines need Python 3.11 or newer.",
            command="python3.12 -m venv ~/ingle && ~/ingle/bin/pip install ingle",
        )
    for package, engine in sorted(found.engines.items()):
        if engine is not None:
            yield ok("engine", f"{package} {engine} is installed.", package=package, version=engine)
        else:
            yield warning(
                "engine",
                says=f"{package} is not installed.",
                means="Models of its format cannot be loaded here.",
                command=f"{shlex.quote(sys.executable)} -m pip install {shlex.quote(_wheel(package))}",
                package=package,
            )
    yield ok("accelerator", found.accelerator)


def _wheel(package: str) -> str:
    """What to ask pip for: MLX has its computing part in an extra on Linux."""
    return "mlx[cpu]" if package == "mlx" and sys.platform == "linux" else package


def examine_settings(config: Config) -> Iterator[Finding]:
    """The variables that begin like ours and are none; silent where there are none."""
    if said := of_unknown(config):
        yield warning(
            "settings",
            says=said,
            means="What it was to change stays as it is.",
            command=f"unset {' '.join(map(shlex.quote, config.unknown))}",
        )


def examine_certificates(config: Config) -> Iterator[Finding]:
    """The certificates that the settings name; the system's own are not looked at."""
    if config.ca_bundle is None:
        return
    try:
        tls_context(config)
    except InvalidConfig as exc:
        yield problem(
            "certificates",
            says=exc.message,
            means="No hub can be asked: whom to trust is not known.",
            command="unset SSL_CERT_FILE REQUESTS_CA_BUNDLE CURL_CA_BUNDLE",
        )
    else:
        yield ok("certificates", f"Hubs are trusted by the certificates in {config.ca_bundle}.")


def examine_hub(config: Config, hub: Hub) -> Iterator[Finding]:
    """Every endpoint, the token, the clock."""
    if config.offline:
        yield note(
            "endpoint",
            says="HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set: nothing is asked of any hub.",
            means="Models that are here work; nothing can be pulled.",
            command="unset HF_HUB_OFFLINE TRANSFORMERS_OFFLINE",
        )
        return
    probes = hub.probe()
    for probe in probes:
        yield _endpoint(config, probe, last=len(probes) == 1)
        if probe.clock_skew is not None:
            yield _clock(probe.clock_skew)
    if any(not probe.problem for probe in probes):
        yield _token(config, hub)


def mend(config: Config, findings: tuple[Finding, ...]) -> tuple[Mended, ...]:
    """Does what is safe for every finding that has a fix; nothing that another tool wrote is touched."""
    return tuple(_mend(config, finding) for finding in findings if finding.fix is not None)


def _mend(config: Config, finding: Finding) -> Mended:
    try:
        if finding.fix is Fix.MAKE_CACHE:
            with disk_errors(config.cache, "make"):
                config.cache.mkdir(parents=True, exist_ok=True)
            return Mended(finding=finding, done=True, says=f"Made {config.cache}.")
        swept = sweep(config, surely_ours(find_orphans(config)))
    except IngleError as exc:
        return Mended(finding=finding, done=False, says=exc.message)
    kept = f"; {len(swept.kept)} are in use" if swept.kept else ""
    says = f"Deleted {several(len(swept.removed), 'thing')} of our own{kept}."
    return Mended(finding=finding, done=not swept.kept, says=says)


def _endpoint(config: Config, probe: Probe, *, last: bool) -> Finding:
    where = shown(probe.endpoint)
    if probe.problem:
        proxied = _is_proxied(config, probe.endpoint)
        command = f"curl -I {shlex.quote(probe.endpoint)}"
        if proxied:
            command = "unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY"
        elif probe.endpoint != DEFAULT_ENDPOINT:
            command = "unset HF_ENDPOINT"
        return (problem if last else warning)(
            "endpoint",
            says=f"The hub, {where}, does not answer{' through the proxy' if proxied else ''}: {probe.problem}",
            means="What is here works; nothing can be pulled from it now.",
            command=command,
        )
    seconds = probe.seconds or 0.0
    if seconds > SLOW:
        return note(
            "endpoint",
            says=f"{where} took {seconds:.1f} s to answer.",
            means="Pulls work and begin slowly. It may pass; a mirror in HF_ENDPOINT may be nearer.",
            command="ingle doctor",
        )
    return ok("endpoint", f"{where} answers in {seconds * 1000:.0f} ms.", seconds=seconds)


def _is_proxied(config: Config, endpoint: str) -> bool:
    """Whether the settings name a proxy for this hub, one that can be spoken to or not."""
    try:
        address = endpoint_address(endpoint)
    except InvalidConfig:
        return False
    try:
        return proxy_for(address, config.proxies) is not None
    except InvalidConfig:
        return True


def _clock(skew: float) -> Finding:
    if abs(skew) <= SKEW:
        return ok("clock", f"The clock is right within {max(1, round(abs(skew)))} s.", skew=skew)
    return warning(
        "clock",
        says=f"The clock is {abs(skew) / 60:.0f} minutes {'behind' if skew > 0 else 'ahead'}.",
        means="Signed links look expired or not yet valid, and certificates may be refused.",
        command="sudo sntp -sS time.apple.com"
        if sys.platform == "darwin"
        else "sudo timedatectl set-ntp true",
        skew=skew,
    )


def _token(config: Config, hub: Hub) -> Finding:
    if config.token is None:
        return ok("token", "No token is set: public models need none.")
    try:
        return ok("token", f"The token belongs to {hub.whoami()}.")
    except Unauthorized:
        return warning(
            "token",
            says="The hub does not accept the token any more.",
            means="Public models are pulled without it; gated and private ones cannot be.",
            # `hf` itself, which need not be where commands are looked for
            command="unset HF_TOKEN HUGGING_FACE_HUB_TOKEN && "
            f"{shlex.quote(sys.executable)} -m huggingface_hub.cli.hf auth login",
        )
    except IngleError as exc:
        return note(
            "token",
            says=f"The token could not be checked: {exc.message}",
            means="It may be right; the hub did not say.",
            command="ingle doctor",
        )
