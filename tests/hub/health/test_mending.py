"""What the doctor tells a person to type exists, and mends what it is said to mend."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from huggingface_hub import snapshot_download

from ingle.cli.main import build_app
from ingle.config import Config
from ingle.errors import MalformedModel, Unauthorized
from ingle.hub.cache import Store
from ingle.hub.health.doctor import examine, mend, relief
from ingle.hub.health.finding import Finding, Level
from ingle.hub.health.place import examine_place, examine_space, judge_disk, read_only, try_disk
from ingle.hub.health.sweep import find_orphans
from ingle.hub.remote import Probe
from tests.catalog.shelf import mlx_folder
from tests.fakes.hub import FakeHub as FakeServer
from tests.hub.health.test_doctor import HEALTHY, FakeHub, findings, of
from tests.hub.hf_cache import COMMIT, OTHER, lay, make_config, ordinary_user, put
from tests.hub.pulling import NAME, REF, model_files, pull_all, settings

pytestmark = pytest.mark.slow
POOR = msgspec.structs.replace(HEALTHY, python=(3, 10, 1), engines={"mlx": None, "xllamacpp": None})
SYSTEM = {"chmod", "chown", "curl", "id", "kill", "mkdir", "mount", "mv", "rm"}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config(tmp_path)


def type_in(command: str, **env: str) -> None:
    """What a person would do, in a real shell whose `ingle` is this one."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, **env}
    ran = subprocess.run(["sh", "-c", command], env=environ, capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr


def wrong(found: tuple[Finding, ...], *others: str) -> set[str]:
    """The checks that are not well, without those that are about the machine of the test."""
    return {one.check for one in found if one.level is not Level.OK} - {"space", *others}


@pytest.mark.parametrize(
    ("number", "check"),
    [
        (None, "links"),
        (errno.ENOSPC, "full"),
        (errno.EDQUOT, "full"),
        (errno.EROFS, "read-only"),
        (errno.EPERM, "links"),
        (errno.ENOTSUP, "links"),
        (errno.ENOSYS, "links"),
        (errno.EACCES, "permissions"),
        (errno.EIO, "disk"),
    ],
)
def test_each_way_in_which_a_disk_refuses_has_a_finding_and_a_command_of_its_own(
    config: Config, number: int | None, check: str
) -> None:
    config.cache.mkdir(parents=True)
    error = OSError(number, os.strerror(number), str(config.cache / "probe")) if number else None
    found = [
        one
        for one in examine_place(config, "ingle rm large", lambda _folder: error)
        if one.check not in {"cache", "space"} and (one.check, one.level) != ("permissions", Level.OK)
    ]
    assert [one.check for one in found] == [check]
    if number is None:
        assert found[0].level is Level.OK
        return
    assert found[0].level is Level.PROBLEM and found[0].means.endswith(".") and found[0].command
    commands = {judge_disk(config.cache, OSError(one, ""), "ingle rm large").command for one in (28, 30, 1)}
    assert len(commands) == 3


def test_a_disk_is_tried_and_left_as_it_was(config: Config) -> None:
    config.cache.mkdir(parents=True)
    assert try_disk(config.work) is None
    assert list(config.cache.iterdir()) == []
    lay(config.cache / ".locks", b"a file where a folder should be")
    error = try_disk(config.work)
    assert error is not None and error.errno == errno.ENOTDIR
    assert [path.name for path in config.cache.iterdir()] == [".locks"]


def test_a_disk_that_is_mounted_read_only_is_named_by_its_mount(config: Config) -> None:
    config.cache.mkdir(parents=True)
    target = shlex.split(read_only(config.cache).command)[-1]
    assert Path(target).is_mount() and config.cache.resolve().is_relative_to(target)


def test_what_to_free_is_our_own_first_then_the_largest_model_then_nothing(config: Config) -> None:
    config.cache.mkdir(parents=True)

    def told() -> str:
        return relief(Store(config).scan(), find_orphans(config))

    assert told().startswith("export HF_HUB_CACHE=")
    put(config, "org/small", mlx_folder())
    put(config, "org/large", mlx_folder(**{"notes.txt": b"x" * 100_000}))
    assert told() == "ingle rm org/large"
    lay(put(config, "org/small", mlx_folder()).partial("d" * 64))
    assert told() == "ingle clean"
    assert examine_space(1, "ingle clean").command == "ingle clean"


def test_a_cache_that_is_missing_or_a_file_is_mended_by_what_is_told(config: Config) -> None:
    lay(config.cache)
    for _ in range(2):
        assert wrong(findings(config)) == {"cache"}
        type_in(of("cache", findings(config)).command)
    assert wrong(findings(config)) == set()


def test_a_cache_without_rights_is_mended_by_what_is_told(config: Config) -> None:
    config.cache.mkdir(parents=True)
    with ordinary_user(config):
        one = of("permissions", findings(config))
        assert one.command.startswith(
            "sudo chown -R" if config.cache.stat().st_uid == 0 else "chmod -R u+rwX"
        )
    nobody = 65534 if os.geteuid() == 0 else os.geteuid()
    config.home.mkdir()
    os.chown(config.home, nobody, -1)
    os.chown(config.cache, nobody, -1)
    config.cache.chmod(0o555)
    with ordinary_user(config):
        mine = of("permissions", findings(config))
    assert mine.command == f"chmod -R u+rwX {config.cache}"
    type_in(mine.command)
    with ordinary_user(config):
        assert wrong(findings(config)) == set()


def test_a_holder_of_a_lock_ends_by_what_is_told(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    place.blob_lock("e" * 64).parent.mkdir(parents=True)
    holder = subprocess.Popen(
        [sys.executable, "-m", "tests.hub.child", str(config.home), "", str(place.blob_lock("e" * 64))],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    one = of("locks", findings(config))
    if sys.platform == "linux":  # elsewhere no system table tells who it is
        assert str(holder.pid) in one.says
        type_in(one.command)
    else:
        holder.kill()
    holder.wait()
    assert wrong(findings(config)) == set()


def test_what_hides_a_repo_and_a_strangers_part_go_by_what_is_told(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    lay(place.refs / "lost", OTHER.encode())
    (place.snapshot(COMMIT) / "gone.txt").symlink_to("../../blobs/nothing")
    lay(config.mlx_models / "theirs" / "config.json", mlx_folder()["config.json"])
    assert wrong(findings(config)) == {"broken-repo", "partial"}
    for check in ("broken-repo", "partial"):
        for one in findings(config):
            if one.check == check:
                type_in(one.command)
    assert wrong(findings(config)) == set()


def test_partial_damaged_and_unneeded_files_are_mended_by_what_is_told(tmp_path: Path) -> None:
    with FakeServer() as server:
        server.add_repo(NAME, model_files())
        server.add_repo("org/other", model_files(9_000_000, seed=1))
        config = settings(tmp_path, server.url)
        pull_all(config)
        for name in ("refs", "snapshots"):
            shutil.rmtree(config.cache / "models--org--name" / name)
        orphan = lay(config.work / "models--org--other" / "partial" / ("d" * 64))
        env = {
            "HOME": str(tmp_path),
            "INGLE_HOME": str(config.home),
            "HF_HUB_CACHE": str(config.cache),
            "HF_ENDPOINT": server.url,
            "HF_HUB_OFFLINE": "0",
            "INGLE_PORT": "0",
        }
        found = findings(config)
        assert wrong(found) == {"partial", "orphans"}
        assert of("partial", found).command == f"ingle pull {NAME}"
        try:
            type_in(of("partial", found).command, **env)
        finally:
            type_in("ingle serve --stop", **env)
        type_in(of("orphans", found).command + " --yes", **env)
        assert wrong(findings(config)) == set() and not orphan.exists()
        blob = next((config.cache / "models--org--name/snapshots").rglob("config.json")).resolve()
        blob.write_bytes(b"[]")
        damaged = of("partial", findings(config))
        assert damaged.command == f"ingle repair {NAME}"
        type_in(damaged.command, **env)
        assert wrong(findings(config)) == set()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("tokenizer.json", b"{", "just as it was published"),
        ("model.safetensors", model_files()["model.safetensors"] + b"xx", "just as it was published"),
    ],
)
def test_a_partial_that_was_published_broken_is_removed_and_not_pulled_in_vain(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    with FakeServer() as server:
        server.add_repo(NAME, {**model_files(), name: content})
        config = settings(tmp_path, server.url)
        with pytest.raises(MalformedModel):
            pull_all(config)
    one = of("partial", findings(config))
    assert name in one.says and said in one.says
    assert one.command == f"ingle rm {NAME}"
    Store(config).remove(REF)
    assert wrong(findings(config)) == set()


def test_what_another_tool_fetched_of_a_repo_that_lacks_a_file_is_removed_too(tmp_path: Path) -> None:
    files = {path: content for path, content in model_files(1000).items() if path != "config.json"}
    with FakeServer() as server:
        server.add_repo(NAME, files)
        config = settings(tmp_path, server.url)
        snapshot_download(NAME, cache_dir=config.cache, endpoint=server.url, token=False)
    one = of("partial", findings(config))
    assert "config.json was never published" in one.says and one.command == f"ingle rm {NAME}"
    Store(config).remove(REF)
    assert wrong(findings(config)) == set()


def test_every_command_that_is_told_exists(config: Config) -> None:
    config.cache.mkdir(parents=True)
    put(config, "org/name", mlx_folder())
    lay(put(config, "org/x", mlx_folder()).blobs / ("e" * 64 + ".incomplete"))
    down = Probe(endpoint="https://huggingface.co", problem="No route to host.")
    slow = Probe(endpoint="https://mirror.test", seconds=9.0, clock_skew=4000.0)
    gone = Probe(endpoint="https://mirror.test", problem="No route to host.")
    with_token = msgspec.structs.replace(config, token="hf_secret")
    told = [
        *examine(with_token, Store(config), POOR, FakeHub(down, slow, gone, who=Unauthorized("No."))),
        *examine(msgspec.structs.replace(config, offline=True), Store(config), HEALTHY, FakeHub()),
        *(judge_disk(config.cache, OSError(number, ""), "ingle rm x") for number in (28, 30, 1, 5)),
        examine_space(1, "ingle clean"),
    ]
    commands = {one.command for one in told if one.command}
    assert {
        "unset HF_ENDPOINT",
        "unset HF_HUB_OFFLINE TRANSFORMERS_OFFLINE",
        "ingle clean --others",
    } <= commands
    for command in commands:
        for part in command.split(" && "):
            words = [word for word in shlex.split(part) if word != "sudo"]
            assert _exists(words), command


def _exists(words: list[str]) -> bool:
    tool, rest = words[0], words[1:]
    special: dict[str, Callable[[], bool]] = {
        "ingle": lambda: not _unknown(rest),
        "hf": lambda: (
            subprocess.run(["hf", *rest, "--help"], capture_output=True, timeout=240).returncode == 0
        ),
        "export": lambda: rest[0].partition("=")[0] == "HF_HUB_CACHE",
        "unset": lambda: all(name.isupper() for name in rest),
        sys.executable: lambda: rest[:3] == ["-m", "pip", "install"] or _helps([tool, *rest]),
        "timedatectl": lambda: rest == ["set-ntp", "true"],
        "sntp": lambda: rest[0] == "-sS",
    }
    if tool in special:
        return special[tool]()
    return tool in SYSTEM or tool.startswith(("python3", "~/ingle/bin/"))


def _helps(words: list[str]) -> bool:
    return subprocess.run([*words, "--help"], capture_output=True, timeout=240).returncode == 0


def _unknown(words: list[str]) -> bool:
    """Whether `ingle` has no such verb, or the verb no such option."""
    import typer.main

    group = typer.main.get_command(build_app(words[0]))
    verb = getattr(group, "commands", {}).get(words[0])
    options = {name for parameter in verb.params for name in parameter.opts} if verb else set()
    return verb is None or any(word.startswith("--") and word not in options for word in words[1:])


def test_fix_does_what_is_safe_and_nothing_else(config: Config) -> None:
    lay(config.mlx_models / "theirs" / "config.json", mlx_folder()["config.json"])
    mended = mend(config, findings(config))
    assert [one.finding.check for one in mended] == ["cache"] and mended[0].done
    place = put(config, "org/name", mlx_folder())
    lost = lay(place.refs / "lost", OTHER.encode())
    orphan = lay(place.partial("d" * 64))
    mended = mend(config, findings(config))
    assert [one.finding.check for one in mended] == ["orphans"]
    assert lost.exists() and not orphan.exists()
    assert (config.mlx_models / "theirs" / "config.json").exists()
