"""Shell code that puts a suggested command on the edit line with a key; a person still presses Enter.

The widget hands the words on the line to `ingle sh --print`, which prints one command on standard output
and the verdict on standard error, and never runs anything. Each shell keeps what is then run in its own
history, because its own line editor runs it.
"""

from __future__ import annotations

from ingle.errors import InvalidRequest

ZSH = """# ingle: words on the edit line become a command with Alt-I. Put this in ~/.zshrc:
#   eval "$(ingle init zsh)"
_ingle_suggest() {
  [[ -z $BUFFER ]] && return
  local words=$BUFFER command
  zle -I
  if command=$(ingle sh --print --shell zsh -- "$words" </dev/tty); then
    print -s -- "# $words"
    BUFFER=$command
    CURSOR=${#BUFFER}
  fi
  zle reset-prompt
}
zle -N _ingle_suggest
bindkey '\\ei' _ingle_suggest
"""

BASH = """# ingle: words on the edit line become a command with Alt-I. Put this in ~/.bashrc:
#   eval "$(ingle init bash)"
_ingle_suggest() {
  [[ -z $READLINE_LINE ]] && return
  local words=$READLINE_LINE command
  if command=$(ingle sh --print --shell bash -- "$words" </dev/tty); then
    history -s -- "# $words"
    READLINE_LINE=$command
    READLINE_POINT=${#READLINE_LINE}
  fi
}
bind -x '"\\ei": _ingle_suggest'
"""

FISH = """# ingle: words on the edit line become a command with Alt-I. Put this in ~/.config/fish/config.fish:
#   ingle init fish | source
function _ingle_suggest
  set -l words (commandline -b | string collect)
  test -n "$words"; or return
  set -l suggested (ingle sh --print --shell fish -- "$words" </dev/tty | string collect)
  if test $pipestatus[1] -eq 0
    commandline -r -- $suggested
    commandline -f end-of-line
  end
  commandline -f repaint
end
bind \\ei _ingle_suggest
"""

WIDGETS = {"zsh": ZSH, "bash": BASH, "fish": FISH}


def widget(shell: str) -> str:
    """The code to evaluate in `shell`. Raises `InvalidRequest` for a shell that has no edit-line hook here."""
    if shell not in WIDGETS:
        raise InvalidRequest(
            f"There is no edit-line key for {shell}.", hint=f"There is one for {', '.join(WIDGETS)}."
        )
    return WIDGETS[shell]
