"""Functions, variables and words that a shell runs by itself: found, they are read as code at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .finding import Level
from .scan import substitutions
from .words import EMPTY, Value

if TYPE_CHECKING:
    from .machine import Machine

EVENT = "__on_event_"
_FUNCTIONS = re.compile(
    r"command_not_found_handler?\Z|pre(?:cmd|exec)\Z|chpwd\Z|periodic\Z|zshexit\Z|zshaddhistory\Z|TRAP[A-Z]+\Z|"
    r"fish_(?:prompt|right_prompt|greeting|command_not_found|mode_prompt|title|preexec|postexec)\Z|" + EVENT
)
_PROMPTS = re.compile(r"PS[0124]\Z|R?PROMPT[234]?\Z|RPS[12]\Z")
_HOOKS = re.compile(
    r"(?:GIT_)?(?:PAGER|EDITOR|SEQUENCE_EDITOR|SSH_COMMAND|EXTERNAL_DIFF|PROXY_COMMAND|ASKPASS)\Z|VISUAL\Z|MANPAGER\Z|"
    r"LESSOPEN\Z|LESSCLOSE\Z|PROMPT_COMMAND\Z|BROWSER\Z|RSYNC_RSH\Z|CVS_RSH\Z|GIT_SSH\Z|S?SH_ASKPASS\Z|SUDO_ASKPASS\Z|"
    r"SYSTEMD_(?:PAGER|EDITOR)\Z|PSQL_(?:PAGER|EDITOR)\Z|FZF_DEFAULT_COMMAND\Z|MAKEFLAGS_SHELL\Z|CRONTAB_EDITOR\Z|KUBE_EDITOR\Z|KUBECTL_EXTERNAL_DIFF\Z|HGEDITOR\Z|SVN_EDITOR\Z|SUDO_EDITOR\Z|"
    r"(?:BAT|DELTA|AWS|SVN|P4|GH|GLAB)_?PAGER\Z|RUSTC(?:_WORKSPACE)?_WRAPPER\Z|CARGO_BUILD_RUSTC(?:_WORKSPACE)?_WRAPPER\Z|CARGO_TARGET_\w+_(?:RUNNER|LINKER)\Z|"
    r"NPM_CONFIG_SCRIPT_SHELL\Z|FZF_(?:CTRL_T|ALT_C)_COMMAND\Z|LESSEDIT\Z|TEXEDIT\Z|RCLONE_PASSWORD_COMMAND\Z|RESTIC_PASSWORD_COMMAND\Z|BORG_PASSCOMMAND\Z|BORG_RSH\Z"
)
_LOADERS = re.compile(
    r"LD_PRELOAD\Z|LD_AUDIT\Z|DYLD_INSERT_LIBRARIES\Z|DYLD_FRAMEWORK_PATH\Z|BASH_ENV\Z|ENV\Z|PERL5OPT\Z|PERL5DB\Z|"
    r"PYTHONSTARTUP\Z|PYTHONHOME\Z|ZDOTDIR\Z|RUBYOPT\Z|GCONV_PATH\Z|PSQLRC\Z|INPUTRC\Z|EXINIT\Z|VIMINIT\Z|GVIMINIT\Z|LUA_INIT\w*\Z|GIT_EXEC_PATH\Z|GIT_TEMPLATE_DIR\Z|"
    r"DOTNET_STARTUP_HOOKS\Z|COR_PROFILER\w*\Z|CORECLR_PROFILER\w*\Z|PYTHONBREAKPOINT\Z|R_PROFILE\w*\Z|MAKEFILES\Z|OPENSSL_(?:CONF|ENGINES|MODULES)\Z|BASH_FUNC_\w+"
)
_CONCEAL = re.compile(r"HIST(?:FILE|SIZE|FILESIZE)\Z|SAVEHIST\Z|fish_history\Z")
_INDEXES = re.compile(
    r"(?:PIP|UV|POETRY|PDM)_(?:\w*INDEX_URL|TRUSTED_HOST|FIND_LINKS|DEFAULT_INDEX|INDEX|INSECURE_HOST)\Z|NPM_CONFIG_REGISTRY\Z|"
    r"YARN_(?:NPM_)?REGISTRY\w*\Z|GOPROXY\Z|BUNDLE_MIRROR\w*\Z|CARGO_REGISTR\w+_INDEX\Z|HOMEBREW_(?:BOTTLE|API)_DOMAIN\Z|"
    r"GEM_SOURCE\Z|HEX_MIRROR\w*\Z|CONDA_CHANNEL\w*\Z|RUSTUP_(?:DIST_SERVER|UPDATE_ROOT)\Z|NVM_NODEJS_ORG_MIRROR\Z|ELECTRON_MIRROR\Z"
)
_OWN_PATHS = ("/tmp", "/var/tmp", "/dev/shm")
# Options that every start of a program takes along: those that make it load or run other code.
_LOADS = r"--require|-r |--import|-javaagent|-agentpath|--loader|-agentlib"
_OPTIONS = {
    **dict.fromkeys(
        ("NODE_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "MAVEN_OPTS"), _LOADS
    ),
    "TAR_OPTIONS": r"--(?:checkpoint-action|to-command|use-compress|rsh-command|info-script)|-I",
    "MAKEFLAGS": r"--eval|-f ?/|SHELL=",
    "GOFLAGS": r"-(?:toolexec|exec|overlay)",
    "RUSTFLAGS": r"linker=(?:/tmp|\./|/dev/shm)",
    "FZF_DEFAULT_OPTS": r"execute|--preview|become",
    "GREP_OPTIONS": r"--pre",
    "LESS": r"\+!",
    "MANOPT": r"-P|-H|--pager",
    "PERL5DB": r".",
    "ANSIBLE_SSH_EXECUTABLE": r"/tmp|\./",
    "CC": r"\A(?:/tmp|/dev/shm|\./)|;|\bsh -c",
    "CXX": r"\A(?:/tmp|/dev/shm|\./)|;|\bsh -c",
}


def runs_itself(name: str) -> bool:
    """Whether the shell calls a function of this name without being told to."""
    return bool(_FUNCTIONS.match(name))


def substituted(machine: Machine, text: str) -> None:
    """Read the commands inside text that the shell expands a second time."""
    for body in substitutions(text):
        machine.substitute(body)


def prompt(machine: Machine, name: str, value: Value) -> None:
    """A prompt with a command in it runs that command each time it is shown."""
    if _PROMPTS.match(name) and ("$(" in value.text or "`" in value.text):
        before, machine.findings = machine.findings, {}
        substituted(machine, value.text)
        found, machine.findings = machine.findings, before
        machine.findings.update({key: one for key, one in found.items() if one.level >= Level.HIGH})


def arithmetic(machine: Machine, text: str) -> None:
    """Arithmetic evaluates what a variable holds again, with the subscripts in it."""
    if "[$(" in text or "[`" in text:
        substituted(machine, text)
    for name, values in list(machine.state.names.items()):
        held = values[0].text if values else ""
        if ("$(" in held or "`" in held) and re.search(rf"\b{re.escape(name)}\b", text):
            substituted(machine, held)


def assigned(machine: Machine, name: str, values: list[Value]) -> None:
    """What setting a variable does by itself: some are run, some load code, some hide."""
    if name == "fish_user_paths" and any(one.text.startswith(_OWN_PATHS) for one in values):
        machine.report(
            Level.HIGH,
            "load",
            "`fish_user_paths` lets files in a temporary folder stand in for real programs",
        )
    if name.startswith(("npm_config_", "BASH_FUNC_")):
        name = name.upper()
    if not name.isupper() and name != "fish_history":
        return
    value = values[0] if values else EMPTY
    prompt(machine, name, value)
    if name == "GIT_SEQUENCE_EDITOR" and re.search(r"drop|\bd\b|\bexec\b|/d['\" ]", value.text):
        machine.report(Level.HIGH, "git", "takes commits out of the history without being asked")
    if _HOOKS.match(name) and value.text:
        from .code import run_hidden

        # less(1), "Input preprocessor": bars and a dash in front say how the command's output is taken.
        text = value.text.lstrip("|- ") if name == "LESSOPEN" else value.text
        run_hidden(machine, text, f"`{name}`")
    elif _LOADERS.match(name) and value.text:
        machine.report(Level.HIGH, "load", f"`{name}` makes every program started here load other code")
    elif name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PERL5LIB", "PYTHONPATH", "RUBYLIB", "PATH") and (
        value.text.startswith((*_OWN_PATHS, ".:")) and value.text.partition(":")[0] not in ("/tmp/build",)
    ):
        machine.report(
            Level.HIGH, "load", f"`{name}` lets files in a temporary folder stand in for real programs"
        )
    elif name in _OPTIONS and re.search(_OPTIONS[name], value.text):
        machine.report(Level.HIGH, "load", f"`{name}` makes programs load other code")
    elif _INDEXES.match(name) and (value.text.startswith("http://") or "TRUSTED" in name):
        machine.report(Level.HIGH, "remote code", f"`{name}` takes packages from another place, unprotected")
    elif _CONCEAL.match(name) and value.text in ("", "0", "/dev/null"):
        machine.report(Level.HIGH, "conceal", "stops the shell from keeping its history")
