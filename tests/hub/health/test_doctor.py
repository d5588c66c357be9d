"""The doctor names what is wrong, what it means and what mends it; it changes nothing unless told to."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from filelock import FileLock

from ingle.config import Config
from ingle.errors import HubUnreachable, IngleError, Unauthorized
from ingle.hub.cache import Store
from ingle.hub.health.doctor import Environment, Mended, examine, mend
from ingle.hub.health.finding import Finding, Level, worst
from ingle.hub.health.place import examine_space
from ingle.hub.receipt import write_receipt
from ingle.hub.remote import Probe, Remote
from ingle.hub.stored import stored_receipt
from tests.catalog.shelf import mlx_folder
from tests.fakes.faults import Faults
from tests.fakes.hub import FakeHub as FakeServer
from tests.hub.health.test_clean import fetch
from tests.hub.hf_cache import COMMIT, OTHER, everything, make_config, ordinary_user, put, receive

pytestmark = pytest.mark.slow

HEALTHY = Environment(engines={"mlx": "0.32", "xllamacpp": "1"}, accelerator="MLX on the CPU.")


class FakeHub:
    """A hub that answers as it is told."""

    def __init__(self, *probes: Probe, who: str | IngleError = "someone") -> None:
        self._probes = probes or (Probe(endpoint="https://hub.test", seconds=0.05, clock_skew=0.2),)
        self._who = who

    def probe(self) -> tuple[Probe, ...]:
        return self._probes

    def whoami(self) -> str | None:
        if isinstance(self._who, IngleError):
            raise self._who
        return self._who


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = make_config(tmp_path)
    config.cache.mkdir(parents=True)
    return config


def findings(
    config: Config, hub: FakeHub | None = None, environment: Environment = HEALTHY
) -> tuple[Finding, ...]:
    found = examine(config, Store(config), environment, hub or FakeHub())
    for one in found:
        assert one.says.endswith((".", "!")), one
        if one.level is not Level.OK:
            assert one.means.endswith(".") and one.command, one
        assert msgspec.json.decode(msgspec.json.encode(one))["check"] == one.check
    return found


def of(check: str, found: tuple[Finding, ...]) -> Finding:
    (one,) = [finding for finding in found if finding.check == check]
    return one


def lay(path: Path, content: bytes = b"x" * 5000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_healthy_machine_has_only_good_findings(config: Config) -> None:
    put(config, "org/name", mlx_folder())
    found = findings(config)
    assert worst(tuple(one for one in found if one.check != "space")) is Level.OK
    assert {"python", "engine", "accelerator", "cache", "permissions", "links", "space"} <= {
        one.check for one in found
    }
    assert {"locks", "models", "orphans", "endpoint", "token", "clock"} <= {one.check for one in found}


def test_examining_changes_nothing(config: Config) -> None:
    put(config, "org/name", mlx_folder())
    before = sorted(str(path) for path in config.cache.rglob("*"))
    findings(config)
    assert sorted(str(path) for path in config.cache.rglob("*")) == before
    assert everything(config.cache)


def test_a_missing_cache_is_made_when_told(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    found = findings(config)
    assert of("cache", found).level is Level.NOTE
    assert not config.cache.exists()
    (mended,) = mend(config, found)
    assert mended.done and config.cache.is_dir()


def test_a_file_where_the_cache_belongs_is_a_problem_that_is_not_mended(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    lay(config.cache)
    found = findings(config)
    assert of("cache", found).level is Level.PROBLEM
    assert mend(config, found) == ()


def test_a_cache_that_may_not_be_written_is_a_problem(config: Config) -> None:
    with ordinary_user(config):
        one = of("permissions", findings(config))
    assert one.level is Level.PROBLEM
    assert str(config.cache) in one.command


@pytest.mark.parametrize(
    ("free", "level"), [(50 * 10**9, Level.OK), (10**9, Level.WARNING), (10**8, Level.PROBLEM)]
)
def test_a_disk_that_is_nearly_full_is_said(free: int, level: Level) -> None:
    one = examine_space(free, "ingle clean")
    assert one.level is level
    assert one.details["free"] == free
    assert level is Level.OK or (one.means and one.command == "ingle clean")


def test_who_holds_a_lock_is_said(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    place.blob_lock("e" * 64).parent.mkdir(parents=True)
    with FileLock(place.blob_lock("e" * 64)):
        one = of("locks", findings(config))
    assert one.level is Level.NOTE
    assert one.says.startswith("org/name is being written by")
    assert of("locks", findings(config)).level is Level.OK


def test_partial_and_damaged_models_come_with_the_command_that_mends_them(config: Config) -> None:
    files = mlx_folder()
    del files["model.safetensors"]
    put(config, "org/partial", files)
    put(config, "org/damaged", mlx_folder(**{"config.json": b"<html>"}))
    lay(config.mlx_models / "theirs" / "config.json", files["config.json"])
    partial = {one.details["name"]: one for one in findings(config) if one.check == "partial"}
    assert partial["org/partial"].command == "ingle pull org/partial"
    assert partial["org/partial"].level is Level.NOTE
    assert partial["org/damaged"].command == "ingle repair org/damaged"
    assert partial["org/damaged"].level is Level.PROBLEM
    assert "only reads" in partial["~/.mlx/models/theirs"].means


def test_our_orphans_are_swept_by_fix_and_others_leftovers_are_not(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    ours = lay(place.partial("d" * 64))
    theirs = lay(place.blobs / ("e" * 64 + ".incomplete"))
    found = findings(config)
    assert of("orphans", found).command == "ingle clean"
    assert of("leftovers", found).command == "ingle clean --others"
    (mended,) = mend(config, found)
    assert mended.done and not ours.exists() and theirs.exists()


def test_a_blob_that_another_tool_may_have_fetched_is_left_by_fix_and_told(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    receive(place, {**mlx_folder(), "README.md": b"hello"})
    receipt = stored_receipt(place, COMMIT)
    assert receipt is not None
    ours_alone = msgspec.structs.replace(receipt.asked[0], files=tuple(mlx_folder()))
    write_receipt(place, msgspec.structs.replace(receipt, asked=(ours_alone,)))
    theirs = lay(place.blob(hashlib.sha256(b"hello").hexdigest()), b"hello")
    found = findings(config)
    assert of("orphans", found).level is Level.OK
    assert of("leftovers", found).details["paths"] == [str(theirs)]
    assert mend(config, found) == () and theirs.exists()
    unused = fetch(place, b"ours")
    found = findings(config)
    assert of("orphans", found).details["paths"] == [str(unused)]
    assert mend(config, found) == () and unused.exists()
    ours = lay(place.partial("d" * 64))
    (mended,) = mend(config, findings(config))
    assert mended.done and not ours.exists() and theirs.exists() and unused.exists()


def test_what_hides_a_repo_from_other_tools_is_a_warning(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    (place.refs / "lost").write_text(OTHER)
    one = of("broken-repo", findings(config))
    assert one.level is Level.WARNING and str(place.refs / "lost") in one.command


@pytest.mark.parametrize(
    ("environment", "check", "level"),
    [
        (msgspec.structs.replace(HEALTHY, python=(3, 10, 1)), "python", Level.PROBLEM),
        (msgspec.structs.replace(HEALTHY, engines={"xllamacpp": None}), "engine", Level.WARNING),
    ],
)
def test_a_poor_environment_is_said(
    config: Config, environment: Environment, check: str, level: Level
) -> None:
    assert of(check, findings(config, environment=environment)).level is level


def test_a_password_in_the_address_of_a_hub_is_not_told(config: Config) -> None:
    probe = Probe(endpoint="https://me:s3cret@hub.test", problem="It is no address.")
    assert "s3cret" not in of("endpoint", findings(config, FakeHub(probe))).says


@pytest.mark.parametrize(
    ("probe", "check", "level"),
    [
        (Probe(endpoint="https://hub.test", problem="No route to host."), "endpoint", Level.PROBLEM),
        (Probe(endpoint="https://hub.test", seconds=9.0), "endpoint", Level.NOTE),
        (Probe(endpoint="https://hub.test", seconds=0.1, clock_skew=4000.0), "clock", Level.WARNING),
        (Probe(endpoint="https://hub.test", seconds=0.1, clock_skew=-4000.0), "clock", Level.WARNING),
    ],
)
def test_a_hub_out_of_reach_and_a_wrong_clock_are_said(
    config: Config, probe: Probe, check: str, level: Level
) -> None:
    assert of(check, findings(config, FakeHub(probe))).level is level


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "socks5://proxy.test:1"])
def test_behind_a_proxy_it_is_the_proxy_that_is_to_be_left_out(config: Config, proxy: str) -> None:
    down = FakeHub(Probe(endpoint="https://mirror.test", problem="Connection refused."))
    assert of("endpoint", findings(config, down)).command == "unset HF_ENDPOINT"
    one = of("endpoint", findings(msgspec.structs.replace(config, proxies={"https": proxy}), down))
    assert "proxy" in one.says and one.command.startswith("unset http_proxy https_proxy")


def test_certificates_that_cannot_be_read_are_a_finding(config: Config) -> None:
    lost = msgspec.structs.replace(config, ca_bundle=config.home / "none.pem")
    one = of("certificates", findings(lost))
    assert one.level is Level.PROBLEM and one.command.startswith("unset SSL_CERT_FILE")


def test_one_mirror_of_several_that_is_down_is_only_a_warning(config: Config) -> None:
    down = Probe(endpoint="https://mirror.test", problem="No route to host.")
    up = Probe(endpoint="https://hub.test", seconds=0.1)
    found = [one for one in findings(config, FakeHub(down, up)) if one.check == "endpoint"]
    assert [one.level for one in found] == [Level.WARNING, Level.OK]


@pytest.mark.parametrize(
    ("who", "level", "says"),
    [
        ("someone", Level.OK, "belongs to someone"),
        (Unauthorized("No."), Level.WARNING, "does not accept the token"),
        (HubUnreachable("Gone."), Level.NOTE, "could not be checked"),
    ],
)
def test_the_token_is_asked_for_its_owner(
    config: Config, who: str | IngleError, level: Level, says: str
) -> None:
    with_token = msgspec.structs.replace(config, token="hf_secret")
    found = findings(with_token, FakeHub(who=who))
    assert of("token", found).level is level
    assert says in of("token", found).says
    assert "hf_secret" not in msgspec.json.encode(found).decode()


def test_offline_asks_nobody(config: Config) -> None:
    offline = msgspec.structs.replace(config, offline=True)
    assert of("endpoint", findings(offline, FakeHub(who=HubUnreachable("Asked!")))).level is Level.NOTE


@pytest.mark.parametrize(("token", "level"), [("good", Level.OK), ("stale", Level.WARNING)])
def test_a_hub_that_listens_is_asked_for_its_answer_and_the_token(
    config: Config, token: str, level: Level
) -> None:
    with FakeServer() as server:
        server.tokens.add("good")
        asked = msgspec.structs.replace(config, endpoints=(server.url,), token=token)
        with Remote(asked) as remote:
            found = examine(asked, Store(asked), HEALTHY, remote)
    assert of("endpoint", found).level is Level.OK
    assert of("token", found).level is level


@pytest.mark.parametrize(
    ("ahead", "level", "says"),
    [(0, Level.OK, "right"), (3700, Level.WARNING, "62 minutes behind"), (-3700, Level.WARNING, "ahead")],
)
def test_the_clock_is_held_against_that_of_a_real_answer(
    config: Config, ahead: float, level: Level, says: str
) -> None:
    with FakeServer() as server:
        server.faults = Faults(clock_ahead=ahead)
        asked = msgspec.structs.replace(config, endpoints=(server.url,))
        with Remote(asked) as remote:
            one = of("clock", examine(asked, Store(asked), HEALTHY, remote))
    assert one.level is level
    assert says in one.says


def test_without_a_hub_the_network_is_left_out(config: Config) -> None:
    found = examine(config, Store(config), HEALTHY, None)
    assert not {"endpoint", "token", "clock"} & {one.check for one in found}


def test_a_fix_that_fails_says_so(config: Config) -> None:
    found: Any = Finding(check="cache", level=Level.NOTE, says="x.", fix=None)
    assert mend(config, (found,)) == ()
    place = put(config, "org/name", mlx_folder())
    lay(place.partial("d" * 64))
    with FileLock(place.pull_lock):
        (mended,) = mend(config, findings(config))
    assert isinstance(mended, Mended) and not mended.done and "in use" in mended.says
