"""A path's text alone names the kind of place it points at."""

from __future__ import annotations

import pytest

from ingle.shell.paths import HOME, PROJECT, Place, classify, is_startup, named, resolve
from ingle.shell.secret_paths import is_secret
from ingle.shell.words import HOLE, STAR


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/", Place.ROOT),
        ("////", Place.ROOT),
        ("/" + STAR, Place.ROOT),
        ("../../../..", Place.ROOT),
        ("/etc", Place.SYSTEM),
        ("/etc/", Place.SYSTEM),
        ("/usr/" + STAR, Place.SYSTEM),
        ("/etc/hosts", Place.SYSTEM_FILE),
        ("/etc/passwd", Place.SYSTEM_KEY),
        ("/dev/sda", Place.DEVICE),
        ("/dev/nvme0n1p2", Place.DEVICE),
        ("/dev/null", Place.SINK),
        ("/dev/tcp/a/1", Place.SOCKET),
        (HOME, Place.HOME),
        (HOME + "/" + STAR, Place.HOME),
        ("/Users/user", Place.HOME),
        ("/home", Place.HOMES),
        ("/home/bob", Place.WHOLE_OTHER_HOME),
        ("/home/bob/" + STAR, Place.WHOLE_OTHER_HOME),
        ("/home/bob/notes", Place.OTHER_HOME),
        ("/Users/Shared", Place.OTHER_HOME),
        ("/net/share/host/folder", Place.SHARE),
        (HOME + "/Documents", Place.HOME_TOP),
        (HOME + "/Documents/" + STAR, Place.HOME_TOP),
        (HOME + "/Documents/" + STAR * 2 + "/" + STAR, Place.HOME_TOP),
        (HOME + "/Documents/" + STAR + "/notes", Place.HOME_FILE),
        (HOME + "/.ssh", Place.HOME_CONFIG),
        (HOME + "/.cache/pip", Place.CACHE),
        (HOME + "/.bashrc", Place.HOME_STARTUP),
        (".", Place.WORKING),
        ("..", Place.PARENT),
        (STAR, Place.OPEN),
        (".git", Place.REPOSITORY),
        (".git/hooks/pre-commit", Place.HOOK),
        ("src/main.py", Place.PROJECT_FILE),
        ("node_modules", Place.BUILD),
        ("/tmp/x", Place.TEMPORARY),
        ("/tmp/" + STAR, Place.TEMPORARY_TOP),
        ("/mnt/disk", Place.MOUNT),
        ("/var/log/auth.log", Place.LOG),
        (HOLE, Place.UNKNOWN),
        (HOLE + "/x", Place.UNKNOWN),
    ],
)
def test_path_is_this_kind_of_place(path: str, place: Place) -> None:
    assert classify(resolve(path, PROJECT), PROJECT) is place


@pytest.mark.parametrize(
    "path",
    [
        "/home/user/.ssh/id_rsa",
        "/home/user/.aws/credentials",
        "/x/.env",
        "/etc/shadow",
        "/proc/self/environ",
        "/a/key.pem",
    ],
)
def test_credentials_are_secret(path: str) -> None:
    assert is_secret(path)


@pytest.mark.parametrize(
    "path", ["/home/user/.ssh/known_hosts", "/home/user/.ssh/id_rsa.pub", "/x/.env.example", "/x/main.py"]
)
def test_public_files_are_no_secret(path: str) -> None:
    assert not is_secret(path)


def test_login_files_and_timers_start_by_themselves() -> None:
    assert all(
        is_startup(path) for path in ("/home/user/.zshrc", "/etc/cron.d/x", "/home/user/.ssh/authorized_keys")
    )
    assert not is_startup("/home/user/notes.txt")


def test_paths_are_shown_the_way_a_person_writes_them() -> None:
    assert [named(path) for path in (PROJECT, PROJECT + "/a", HOME, HOME + "/x", "/etc")] == [
        ".",
        "a",
        "~",
        "~/x",
        "/etc",
    ]
