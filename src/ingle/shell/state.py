"""What earlier parts of the same line have changed: names, places, files; owned by one analysis."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tree_sitter import Node

from .paths import HOME, PROJECT
from .words import EMPTY, UNKNOWN, Value

KNOWN_NAMES: dict[str, str] = {
    "HOME": HOME,
    "PWD": PROJECT,
    "USER": "user",
    "LOGNAME": "user",
    "USERNAME": "user",
    "UID": "1000",
    "EUID": "1000",
    "SHELL": "/bin/bash",
    "BASH": "/bin/bash",
    "0": "bash",
    "IFS": " \t\n",
    "TMPDIR": "/tmp",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "XDG_CONFIG_HOME": f"{HOME}/.config",
    "XDG_CACHE_HOME": f"{HOME}/.cache",
    "XDG_DATA_HOME": f"{HOME}/.local/share",
    "EDITOR": "vi",
    "VISUAL": "vi",
    "PAGER": "less",
    "BROWSER": "xdg-open",
    "TERM": "xterm-256color",
    "LANG": "en_US.UTF-8",
    "SHLVL": "1",
    "ZSH": f"{HOME}/.oh-my-zsh",
    "ZDOTDIR": HOME,
    "CARGO_HOME": f"{HOME}/.cargo",
    "GOPATH": f"{HOME}/go",
    "NVM_DIR": f"{HOME}/.nvm",
    "HISTFILE": f"{HOME}/.bash_history",
    "MAKE": "make",
    "PYTHON": "python3",
    "CC": "cc",
    "CXX": "c++",
}


@dataclass(slots=True)
class Function:
    """A function's body and the text it was defined in."""

    body: Node
    source: bytes


@dataclass(slots=True)
class State:
    """Everything the line has set so far; a subshell works on a copy."""

    cwd: str = PROJECT
    names: dict[str, list[Value]] = field(default_factory=dict)
    others: dict[str, list[list[Value]]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    files: dict[str, Value] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    streams: dict[str, str] = field(default_factory=dict)
    git_aliases: dict[str, str] = field(default_factory=dict)
    staged: list[str] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)
    packed: list[str] = field(default_factory=list)
    shelved: bool = False
    global_aliases: dict[str, str] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)
    integers: frozenset[str] = frozenset()
    folders: dict[str, str] = field(default_factory=dict)
    splats: dict[str, dict[str, Value | Node]] = field(default_factory=dict)
    input: Value = EMPTY

    def copy(self) -> State:
        """A subshell's view: names and place are its own, files are everybody's."""
        return replace(
            self,
            names=dict(self.names),
            others=dict(self.others),
            aliases=dict(self.aliases),
            functions=dict(self.functions),
            streams=dict(self.streams),
            references=dict(self.references),
            global_aliases=dict(self.global_aliases),
            splats=dict(self.splats),
        )

    def every(self, name: str) -> list[Value]:
        name = self.references.get(name, name)
        found = self.names.get(name)
        if found is not None:
            return found
        known = KNOWN_NAMES.get(name)
        return [UNKNOWN] if known is None else [Value(known)]
