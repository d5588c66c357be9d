"""The code that teaches a shell Ingle's words: printed, or put where the shell reads it."""

from __future__ import annotations

from pathlib import Path

from ingle.errors import UsageError

SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")
SHOW, INSTALL = "--show-completion", "--install-completion"
BASH = r"""_ingle_completion() {
    # Asked with the line up to the cursor. Readline breaks words at the letters in COMP_WORDBREAKS and puts what is
    # chosen behind the last of them, so what stands before it (`qwen3:`) must not come twice.
    local typed=${COMP_LINE:0:COMP_POINT} word offered
    word=${typed##*[[:space:]]}
    COMPREPLY=()
    while IFS= read -r offered; do
        offered=${offered%%$'\t'*}
        [[ -n $offered ]] && COMPREPLY+=("${offered#"${word%"$2"}"}")
    done < <(_INGLE_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \
        _TYPER_COMPLETE_ARGS="$typed" "$1" 2>/dev/null)
}
complete -o default -F _ingle_completion ingle
"""
"""Ours, for Typer's own hands bash whole words, which it cannot place behind a colon; Typer answers `complete_fish`
with one word a line, a tab and its help."""


def shell_code(shell: str) -> str:
    """The code for one of `SHELLS`."""
    if shell == "bash":
        return BASH
    from typer.completion import get_completion_script  # type: ignore[attr-defined]  # imported there for its users

    return get_completion_script(prog_name="ingle", complete_var="_INGLE_COMPLETE", shell=shell) + "\n"


def complete_words(option: str, named: list[str]) -> str:
    """What `--show-completion [SHELL]` prints, or what `--install-completion [SHELL]` did.

    Raises `UsageError` for a shell that has none, or where none was named and none is found around this process.
    """
    shell = " ".join(named) or _shell_around()
    if shell not in SHELLS:
        said = f"There is no completion for {shell}." if shell else "It is not clear which shell this is for."
        raise UsageError(said, hint=f"ingle {option} SHELL, one of: {', '.join(SHELLS)}.")
    code = shell_code(shell)
    if option == SHOW:
        return code
    from typer.completion import install  # type: ignore[attr-defined]  # imported there for its users

    from ingle.hub.disk import disk_errors

    with disk_errors(Path.home(), "write in"):
        _, path = install(shell=shell, prog_name="ingle", complete_var="_INGLE_COMPLETE")
        if shell == "bash":
            path.write_text(code, encoding="utf-8")
    return f"The completion for {shell} is in {path}. A new terminal knows it.\n"


def _shell_around() -> str | None:
    """The nearest process above this one that is a shell with a completion."""
    import psutil

    try:
        names = [one.name().removeprefix("-") for one in psutil.Process().parents()]
    except psutil.Error:
        return None
    return next((name for name in names if name in SHELLS), None)
