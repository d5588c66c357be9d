"""Names the kind of place a path points at, by its text alone; no file system is touched."""

from __future__ import annotations

import re
from enum import Enum, auto

from .words import CLASS, HOLE, QUERY, STAR, is_wild, show

HOME = "/home/user"
PROJECT = "/home/user/src/project"
CONTAINER = "/app"
HOMES = (HOME, "/Users/user")
SHARES = "/net/share/"
"""Below it stands what Windows writes as `\\\\HOST\\SHARE`: folders of other hosts."""


class Place(Enum):
    ROOT = auto()
    SYSTEM = auto()  # a whole system folder, or everything in it
    SYSTEM_FILE = auto()
    SYSTEM_KEY = auto()  # one file whose loss or change takes the machine
    DEVICE = auto()
    HOME = auto()
    HOMES = auto()  # every user's home
    OTHER_HOME = auto()
    WHOLE_OTHER_HOME = auto()
    HOME_TOP = auto()  # ~/Documents, ~/x: a folder right below home
    HOME_CONFIG = auto()  # settings and keys below home
    HOME_STARTUP = auto()  # files a login runs
    HOME_FILE = auto()  # deeper in home
    CACHE = auto()
    WORKING = auto()  # the working directory as a whole
    PARENT = auto()
    OPEN = auto()  # every file of some folder, by wildcard
    REPOSITORY = auto()  # .git
    HOOK = auto()
    PROJECT_FILE = auto()
    BUILD = auto()
    MOUNT = auto()
    LOG = auto()
    TEMPORARY_TOP = auto()
    TEMPORARY = auto()
    SINK = auto()  # /dev/null and its kin
    SOCKET = auto()
    KERNEL = auto()  # /proc, /sys
    BACKUP = auto()
    SHARE = auto()  # a folder of another host
    UNKNOWN = auto()


_SYSTEM_TOPS = frozenset(
    "/bin /boot /dev /etc /lib /lib32 /lib64 /opt /proc /root /run /sbin /srv /sys /usr /var /efi /snap /nix "
    "/System /Library /Applications /private /private/etc /private/var /cores /Network "
    "/usr/bin /usr/lib /usr/sbin /usr/local /usr/share /usr/lib64 /usr/libexec /usr/include /usr/local/bin "
    "/usr/local/lib /var/lib /var/lib/dpkg /var/lib/rpm /var/db /var/lib/docker /var/lib/mysql /var/lib/postgresql "
    "/var/spool /var/mail /var/www "
    "/System/Library /Library/LaunchDaemons /Library/Keychains /lib/modules /etc/pam.d /etc/ssh /etc/systemd".split()
)
_SYSTEM_KEYS = re.compile(
    r"(?:/private)?/etc/(?:passwd|shadow|gshadow|group|sudoers|fstab|ld\.so\.(?:preload|conf)|crypttab|"
    r"sudoers\.d(?:/.*)?|pam\.d/.*|master\.passwd|pam\.conf)\Z|/boot/.*|/(?:lib|usr/lib|lib64|usr/lib64)/"
    r"[^/]*(?:lib(?:c|dl|m|pthread|crypt)|ld-linux)[^/]*\.so.*|/efi/.*|/(?:usr/)?bin/(?:ba|da|z)?sh|"
    r"/proc/sysrq-trigger\Z|/proc/sys/kernel/core_pattern\Z|/sys/firmware/efi.*|/dev/(?:k?mem|port)\Z"
)
_DEVICE = re.compile(
    r"/dev/(?:(?:sd|hd|vd|xvd|nvme|r?disk|mmcblk|loop|md|dm-|sr|nbd|zd|ram)[\w/]*|mapper/.+|disk/.+|vg\w*/.+|"
    r"[a-z]+-vg/.+|block/.+|bus/.+)\Z"
)
_SINKS = re.compile(
    r"/dev/(?:null|stdout|stderr|stdin|tty\w*|fd/\d+|full|zero|u?random|pts/\d+|ptmx|shm)\Z|-\Z"
)
_BUILD = frozenset(
    "build dist target node_modules .venv venv env __pycache__ .pytest_cache .mypy_cache .ruff_cache .tox .nox "
    "out .next .nuxt .cache .gradle .turbo .parcel-cache coverage htmlcov bin obj Debug Release cmake-build-debug "
    "DerivedData Pods tmp temp .tmp .eggs .terraform _build site public .svelte-kit .angular .dart_tool "
    "bower_components .output .vite .coverage .hypothesis .ipynb_checkpoints .sass-cache CMakeFiles logs log "
    "elm-stuff deps vendor .bundle zig-out zig-cache .stack-work dist-newstyle .serverless .aws-sam cdk.out "
    "__pypackages__ .trash .DS_Store".split()
)
_SURELY_BUILT = frozenset(
    "build dist target node_modules .venv __pycache__ .next .nuxt coverage .pytest_cache .mypy_cache DerivedData".split()
)
_CACHES = re.compile(
    r"/(?:\.cache/.+|Library/Caches/.+|\.npm/_cacache.*|\.cargo/registry/.+|\.gradle/caches.*|\.m2/repository/.+|"
    r"\.Trash/\w.*|\.local/share/Trash/\w+/\w.*|Library/Developer/Xcode/(?:DerivedData|Archives|iOS DeviceSupport).*|"
    r"\.nuget/packages/.+|go/pkg/mod/cache.*|\.ccache/?.*|\.npm/_logs.*|\.yarn/cache.*|\.thumbnails/?.*|"
    r"Library/Logs/.+|\.pytest_cache.*|\.ivy2/cache.*|\.android/cache.*|\.local/state/.+|\.bundle/cache.*)\Z"
)
_STARTUP = re.compile(
    r"/(?:\.(?:bashrc|bash_profile|bash_login|bash_aliases|bash_logout|profile|zshrc|zshenv|zprofile|zlogin|zlogout|"
    r"kshrc|cshrc|tcshrc|login|inputrc|xinitrc|xprofile|xsession|xsessionrc|pam_environment|envrc|vimrc|emacs|"
    r"gdbinit|tmux\.conf|screenrc|pythonrc|npmrc|pypirc|curlrc|wgetrc|gitconfig|netrc|exrc|lldbinit|pdbrc|rhosts|"
    r"forward|psqlrc|Rprofile|irbrc)|"
    r"\.ssh/(?:authorized_keys2?|config|rc|environment)|\.config/(?:fish/(?:config\.fish|conf\.d/.*|functions/.*)|"
    r"autostart/.*|systemd/user/.*|environment\.d/.*|git/config|nvim/init\..*|i3/config|sway/config|hypr/.*)|"
    r"Library/LaunchAgents/.*|\.local/share/(?:applications|systemd)/.*|\.kde/Autostart/.*|\.oh-my-zsh/.*|"
    r"\.local/bin/(?:sudo|ls|ssh|git|ps|cat|su|cd|rm|login)|bin/(?:sudo|ls|ssh|git|ps|cat|su|rm)|"
    r"\.vim/(?:plugin|autoload)/.*|\.gnupg/gpg(?:-agent)?\.conf|\.docker/config\.json|\.kube/config|"
    r"\.ipython/profile_default/startup/.*|\.jupyter/.*|\.mozilla/native-messaging-hosts/.*)\Z"
)
_PERSIST = re.compile(
    r"(?:/private)?/etc/(?:cron[^/]*(?:/.*)?|profile(?:\.d/.*)?|rc\.local|rc\d?\.d/.*|init\.d/.*|systemd/.*|"
    r"bash\.bashrc|zsh/.*|zshrc|zshenv|environment|xdg/autostart/.*|ld\.so\.conf\.d/.*|modules-load\.d/.*|"
    r"update-motd\.d/.*|udev/rules\.d/.*|inetd\.conf|apt/apt\.conf\.d/.*|launchd\.conf|periodic/.*|crontab)\Z|"
    r"/Library/Launch(?:Daemons|Agents)/.*|/Library/StartupItems/.*|/var/spool/cron.*|/var/at/.*|"
    r"/(?:usr/)?lib/systemd/.*|/run/systemd/.*|/usr/local/bin/(?:sudo|ls|ssh|git|ps|cat|su)\Z"
)
_LOGS = re.compile(
    r"(?:/private)?/var/(?:log|audit|account)(?:/.*)?\Z|/var/run/utmp\Z|/run/utmp\Z|/Library/Logs/.*\Z"
)
_HISTORY = re.compile(
    r"/\.(?:[a-z]*_?history|lesshst|viminfo|zsh_sessions|bash_sessions|mysql_history|local/share/fish/fish_history)"
    r"(?:/.*)?\Z"
)
# What git writes for itself while it works, and makes again.
_GIT_SCRATCH = re.compile(
    r"(?:[\w/.-]+\.lock|gc\.(?:log|pid)|COMMIT_EDITMSG|MERGE_(?:MSG|HEAD|MODE)|ORIG_HEAD|FETCH_HEAD|CHERRY_PICK_HEAD|"
    r"REVERT_HEAD|AUTO_MERGE|rebase-(?:merge|apply)|info/exclude|description|hooks/[\w-]+\.sample|index\.lock)"
)


def resolve(text: str, cwd: str) -> str:
    """The path without `.` and `..`, absolute when the working directory is known."""
    joined = text if text[:1] in ("/", HOLE) else f"{cwd}/{text}"
    if "/." not in joined and "//" not in joined and not joined.endswith("/"):
        return joined
    parts: list[str] = []
    for part in joined.split("/"):
        if part == "..":
            if joined[0] == HOLE and (len(parts) == 1 or parts[-1] == ".."):
                parts.append(part)  # what lies above a place that is not known is not known either
            elif parts and parts[-1] != "..":
                parts.pop()
        elif part and part != ".":
            parts.append(part)
    if joined[:1] == HOLE:
        return "/".join(parts) or HOLE
    return "/" + "/".join(parts)


def _open_wildcard(name: str) -> bool:
    """True for a last component that takes everything: `*`, `.*`, `?*`, `**`, `*.*`, `.[!.]*`."""
    bare = name.replace(STAR, "").replace(QUERY, "")
    if CLASS in name:
        return name.startswith("." + CLASS) or bare.startswith(CLASS)
    return is_wild(name) and bare in ("", ".", "..")


def _below_home(rest: str, home: str) -> Place:
    if _CACHES.match(rest):
        return Place.CACHE
    if _STARTUP.match(rest):
        return Place.HOME_STARTUP
    depth = rest.count("/")
    first = rest[1:].partition("/")[0]
    if first.startswith(".") and is_wild(first):
        return Place.HOME
    if first.startswith(".") or first == "Library":
        return Place.HOME_CONFIG
    if depth == 1:
        return Place.HOME_TOP
    if depth >= 2 and all(_open_wildcard(part) for part in rest.split("/")[2:]):
        return Place.HOME_TOP
    return Place.HOME_FILE if HOLE not in (home + rest).rsplit("/", 1)[0] else Place.UNKNOWN


def _below_project(rest: str) -> Place:
    parts = rest[1:].split("/")
    if parts[0] == "..":
        return Place.BUILD if not _SURELY_BUILT.isdisjoint(parts) else Place.UNKNOWN
    if parts[0] == ".git" and len(parts) > 1 and _GIT_SCRATCH.fullmatch("/".join(parts[1:])):
        return Place.BUILD
    if parts[0] == ".git":
        return Place.HOOK if "hooks" in parts[1:2] else Place.REPOSITORY
    if _open_wildcard(parts[-1]):
        return Place.OPEN if len(parts) == 1 or set(parts[:-1]) <= {STAR, STAR + STAR} else Place.PROJECT_FILE
    if parts[0] == HOLE:
        return Place.UNKNOWN
    if _is_build(parts):
        return Place.BUILD
    return Place.PROJECT_FILE


def _is_build(parts: list[str]) -> bool:
    last = parts[-1]
    return any(part in _BUILD for part in parts) or last.endswith(
        (".pyc", ".o", ".egg-info", ".class", ".tmp")
    )


def _system(path: str, name: str) -> Place:
    parent = path.rsplit("/", 1)[0]
    if path in _SYSTEM_TOPS or (_open_wildcard(name) and parent in _SYSTEM_TOPS):
        return Place.SYSTEM
    if is_wild(path) and path.count("/") == 1:
        return Place.SYSTEM
    return Place.SYSTEM_KEY if _SYSTEM_KEYS.match(path) else Place.SYSTEM_FILE


_SHARED_HOMES = frozenset(("Shared", "Public", "shared", "public", "lost+found"))
_EVERYTHING = re.compile(rf"/\.{STAR}|(?:/{STAR}+)+")  # `/*`, `/**/*`


def _home_place(path: str, cwd: str) -> Place | None:
    for home in HOMES:
        if path == home or (path.startswith(home) and _EVERYTHING.fullmatch(path, len(home))):
            return Place.HOME
        if path.startswith(home + "/"):
            if path in (cwd, PROJECT):
                return Place.WORKING
            if cwd.startswith(path + "/"):
                return Place.PARENT
            if path.startswith(cwd + "/") and cwd != home and not cwd.startswith(PROJECT + "/"):
                return _below_project(path[len(cwd) :])
            if path.startswith(PROJECT + "/"):
                return _below_project(path[len(PROJECT) :])
            parent, _, name = path.rpartition("/")
            if _open_wildcard(name) and (cwd == parent or cwd.startswith(parent + "/")):
                return Place.PARENT
            return _below_home(path[len(home) :], home)
    return None


def _elsewhere(path: str, name: str) -> Place | None:
    parts = path.split("/")
    if path in ("/home", "/Users") or (
        len(parts) == 3 and parts[1] in ("home", "Users") and is_wild(parts[2])
    ):
        return Place.HOMES
    if parts[1] in ("home", "Users"):
        whole = len(parts) == 3 or _EVERYTHING.fullmatch("/" + "/".join(parts[3:]))
        return Place.WHOLE_OTHER_HOME if whole and parts[2] not in _SHARED_HOMES else Place.OTHER_HOME
    if parts[1] in ("mnt", "media", "Volumes", "data", "backup", "backups", "srv", "run") and (
        parts[1] != "run" or parts[2:3] == ["media"]
    ):
        return Place.BACKUP if "ackup" in path or "Time Machine" in path else Place.MOUNT
    for top in ("/tmp", "/var/tmp", "/private/tmp", "/dev/shm"):
        if path == top or (
            path.startswith(top + "/") and _open_wildcard(name) and path.count("/") == top.count("/") + 1
        ):
            return Place.TEMPORARY_TOP
        if path.startswith(top + "/"):
            return Place.TEMPORARY
    return None


def classify(path: str, cwd: str) -> Place:
    """The kind of place a resolved path names. `cwd` is the working directory on the same line."""
    if (
        path == "/"
        or path in ("/" + STAR, "/" + STAR * 2, "/." + STAR)
        or (path.startswith("/") and set(path) <= {"/", STAR, QUERY, "."})
    ):
        return Place.ROOT
    if path == cwd and path in HOMES:
        return Place.HOME
    if path == cwd and (path[:1] != "/" or path.startswith(HOMES)):
        return Place.WORKING
    below = path[len(cwd) :] if path.startswith(cwd + "/") else ""
    if below and (cwd == CONTAINER or (cwd[:1] == HOLE and HOLE not in below)):
        return _below_project(below)
    if path[:1] == HOLE:
        return _from_hole(path)
    return _absolute(path, cwd) if path.startswith("/") else Place.UNKNOWN


def _from_hole(path: str) -> Place:
    rest = path[1:]
    parts = rest.strip("/").split("/")
    if rest.startswith("/") and any(part in _SURELY_BUILT for part in parts):
        return Place.BUILD
    return Place.UNKNOWN


def _absolute(path: str, cwd: str) -> Place:
    name = path.rsplit("/", 1)[1]
    if path.startswith(SHARES):
        return Place.SHARE
    if path.startswith(("/dev/", "/net/")):
        if path.startswith(("/dev/tcp/", "/dev/udp/")):
            return Place.SOCKET
        if _SINKS.match(path):
            return Place.SINK
        if path.startswith("/dev/shm/"):
            return Place.TEMPORARY
        if is_wild(path) or HOLE in path or _DEVICE.match(path):
            return Place.DEVICE
    found = _home_place(path, cwd) or _elsewhere(path, name)
    if found:
        return found
    if path.startswith("/" + HOLE) or path == "/" + HOLE:
        return Place.UNKNOWN
    if _LOGS.match(path):
        return Place.LOG
    if path.startswith(("/proc/", "/sys/")) and not _SYSTEM_KEYS.match(path):
        return Place.KERNEL
    return _system(path, name)


def named(path: str) -> str:
    """The path as a person would write it: `~` for home, relative below the working directory."""
    text = show(path)
    if text.startswith(SHARES):
        return "\\\\" + text.removeprefix(SHARES).replace("/", "\\")
    if text == PROJECT:
        return "."
    if text.startswith(PROJECT + "/"):
        below = text[len(PROJECT) + 1 :]
        return "./" + below if below.startswith("~") else below
    for home in HOMES:
        if text == home or text.startswith(home + "/"):
            return "~" + text[len(home) :]
    return text


def is_startup(path: str) -> bool:
    return bool(_PERSIST.match(path)) or any(
        path.startswith(home) and _STARTUP.match(path[len(home) :]) for home in (*HOMES, "/root")
    )


_BY_NAME = re.compile(
    r"/(?:\.(?:bashrc|bash_profile|bash_login|profile|zshrc|zshenv|zprofile|zlogin|envrc|xinitrc|xprofile)|authorized_keys2?|"
    r"(?:user|site)customize\.py|config\.fish|hooks/(?:pre|post|commit|prepare|update|applypatch)[\w-]*|LaunchAgents/[^/]+\.plist|"
    r"autostart/[^/]+\.desktop|cron\.d/[^/]+|sudoers\.d/[^/]+|profile\.d/[^/]+|conf\.d/[^/]+\.fish)\Z"
)


def starts_by_name(path: str) -> bool:
    """Whether a file in a folder that is not known is one that a shell, git or a login runs."""
    return (HOLE in path or path.endswith("customize.py")) and bool(_BY_NAME.search(path))


_STARTS_ALL = re.compile(
    r"/(?:autostart|Autostart|LaunchAgents|environment\.d|fish/conf\.d|systemd/user(?:/[\w.@-]+\.(?:wants|requires))?)/[^/]+\Z"
)


def starts_all(path: str) -> bool:
    """Whether it lies in a folder of which a login starts whatever is there, also a link."""
    return is_startup(path) and bool(_STARTS_ALL.search(path))


def is_history(path: str) -> bool:
    return any(path.startswith(home) and _HISTORY.match(path[len(home) :]) for home in (*HOMES, "/root"))
