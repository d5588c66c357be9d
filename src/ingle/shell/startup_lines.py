"""What a write to a start-up file or to a tool's settings means, by the lines that are written."""

from __future__ import annotations

import re

from . import paths
from .finding import Level
from .words import Taint, Value

_HARMLESS_LINE = re.compile(
    r"(?:export\s+(?!LD_|DYLD_|BASH_ENV|ENV=|PROMPT_COMMAND|PYTHONSTARTUP|PERL5|NODE_OPTIONS|GIT_SSH|PAGER|\w*PATH=[\"']?(?:/tmp|/var/tmp|/dev/shm|\./|\.?:))\w+=[^`;|&]*"
    r"|alias\s+(?!sudo|su|ssh|ls|cd|rm|cat|git|ps|cp|mv|passwd|login|doas)[\w.-]+=[^`;|&$]*|#.*|set\s+[\w ]+|"
    r"shopt [\w -]+|setopt \w+|bindkey [^`;|&$]*|\[\[?[^\];|&`]*|eval \"\$\((?:brew|direnv|starship|zoxide|fnm|pyenv|rbenv)"
    r"[^;|&]*\)\"|source ~?[/\w.$-]*(?:fzf|nvm|cargo|zsh)[\w/.-]*)?\Z"
)
_TOOL_SETTINGS = (
    ".vimrc",
    ".inputrc",
    ".tmux.conf",
    ".gitconfig",
    ".screenrc",
    ".psqlrc",
    ".irbrc",
    ".npmrc",
    ".curlrc",
)


def tool_setting(path: str, content: Value) -> bool:
    """The settings of one tool, written from an ordinary file."""
    return (
        path.endswith(_TOOL_SETTINGS) and not content.known and not content.has(Taint.NETWORK | Taint.DECODED)
    )


def startup_level(path: str, content: Value, append: bool) -> Level:
    """Rubric rule 14: only a harmless literal line appended for own use stays moderate."""
    name = path.rsplit("/", 1)[-1]
    if not append or not content.known or not content.text or content.has(Taint.NETWORK):
        return Level.HIGH
    if name in ("authorized_keys", "authorized_keys2", "rc", "environment") or not path.startswith(
        paths.HOMES
    ):
        return Level.HIGH
    if name in (
        "config",
        "gitconfig",
        ".gitconfig",
        ".vimrc",
        ".inputrc",
        ".tmux.conf",
        ".npmrc",
        ".psqlrc",
        ".curlrc",
    ):
        return (
            Level.HIGH
            if re.search(
                r"command|proxy|!|stricthostkeychecking\W+(?:no|off)\b|userknownhostsfile\W+/dev/null|pkcs11provider|securitykeyprovider|"
                r"sslverify\W+false|^[ \t]{0,20}insecure|^[ \t]{0,20}-k\b|strict-ssl *= *false|registry *= *http://|script-shell|include\s+[\"']?(?:/tmp|/var/tmp|/dev/shm)|system|run-shell|\brun\b|if-shell|:!|autocmd|editor|pager",
                content.text,
                re.I | re.M,
            )
            else Level.MODERATE
        )
    lines = [line.strip() for line in content.text.splitlines()]
    return (
        Level.MODERATE
        if all(_HARMLESS_LINE.match(line) and "$(" not in _own(line) for line in lines)
        else Level.HIGH
    )


def _own(line: str) -> str:
    return re.sub(r'"\$\((?:brew|direnv|starship|zoxide|fnm|pyenv|rbenv)[^;|&]*\)"', "", line)
