"""What one command line works with: its settings, its terminal, the store, and the daemon when it is needed."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ingle.cli.terminal import Terminal
from ingle.config import Config, load_config, of_unknown, wants_plain_output
from ingle.errors import InvalidRequest, ModelNotFound
from ingle.version import __version__

if TYPE_CHECKING:
    from ingle.catalog.curated import Catalog
    from ingle.catalog.model import ModelRef
    from ingle.client.sync import Client
    from ingle.hub.cache import Store


class Session:
    """Made once by each command. Opens nothing before it is asked for."""

    def __init__(self, config: Config, terminal: Terminal) -> None:
        self.config = config
        self.terminal = terminal

    @cached_property
    def catalog(self) -> Catalog:
        from ingle.catalog.curated import load_catalog

        return load_catalog()

    @cached_property
    def store(self) -> Store:
        from ingle.hub.cache import Store

        return Store(self.config)

    def resolve(self, model: str) -> ModelRef:
        """The model that a person named; `default` is the configured one, paths become absolute.

        What cannot be a name and is a file or folder here (`models/some.gguf`) is taken as that path.
        """
        try:
            return self._parse(model)
        except (InvalidRequest, ModelNotFound):
            if not model or model.startswith("-") or not _lies_here(model):
                raise
            return self._parse(f"./{model}")

    def _parse(self, model: str) -> ModelRef:
        from ingle.catalog.names import parse_name

        try:
            return parse_name(
                model,
                self.catalog,
                default=self.config.default_model,
                home=self.config.user_home,
                folder=Path.cwd(),
            )
        except (InvalidRequest, ModelNotFound) as error:
            if model.lower() == "default":
                error.hint = (
                    f"The setting default_model says so (config.toml, INGLE_DEFAULT_MODEL). {error.hint}"
                )
            raise

    def daemon_name(self, model: str) -> str:
        """The name to tell the daemon, which sits in another folder and may have another default."""
        ref = self.resolve(model)
        return str(ref.path) if ref.path is not None else ref.name

    def running(self) -> Client | None:
        """The daemon of this home when one answers; never starts one."""
        from ingle.cli.launch import find_daemon

        return find_daemon(self.config)

    def daemon(self) -> Client:
        """The daemon of this home, started in the background when none answers.

        Tells where it works with other settings than this command's; raises `OtherSettings` for another cache.
        """
        return self._daemon

    @cached_property
    def _daemon(self) -> Client:
        from ingle.cli.answer import Waiting
        from ingle.cli.launch import start_daemon
        from ingle.cli.steady import SteadyClient
        from ingle.client.accord import differing, refuse_elsewhere

        client = self.running()
        if client is None:
            waiting = Waiting(self.terminal)
            waiting.say("Starting Ingle in the background ...")
            try:
                client = start_daemon(self.config)
            finally:
                waiting.clear()
        refuse_elsewhere(client.address, self.config)
        if told := differing(client.address, self.config):
            self.terminal.tell(told)
        client = SteadyClient(self.config, client.address, start_daemon)
        if client.address.version not in ("", __version__):
            self.terminal.tell(
                f"(The running daemon is Ingle {client.address.version}, this is {__version__}; "
                "`ingle serve --stop` makes way for a new one.)"
            )
        return client


def _lies_here(name: str) -> bool:
    try:
        return Path(name).exists()
    except OSError:  # longer than any name, or in a folder that may not be entered
        return False


def open_session() -> Session:
    """The settings of this process and its real terminal, where a variable that sets nothing is told."""
    session = Session(load_config(), Terminal(plain=wants_plain_output()))
    if said := of_unknown(session.config):
        session.terminal.tell(f"({said})")
    return session
