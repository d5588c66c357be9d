"""The five promises of a pull, checked from outside: from the hub's record, the disk, and other tools' view."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from ingle.catalog.listing import DigestKind, ListedFile
from ingle.catalog.model import DiskState, ModelRef, Snapshot
from ingle.errors import IngleError
from ingle.hub.cache import Store
from ingle.hub.fetch import blob_sizes, is_known
from ingle.hub.journal import read_journal
from ingle.hub.layout import RepoPlace
from ingle.hub.pieces import PIECE
from ingle.hub.progress import Phase, Progress
from ingle.hub.pull import PullOptions, pull
from ingle.hub.transfer import Tuning
from tests.fakes.content import weights
from tests.fakes.faults import Faults
from tests.fakes.hub import FakeHub, Seen
from tests.fakes.repos import Entry, Given
from tests.fakes.settings import settings
from tests.fakes.wire import Asked
from tests.hub.hf_cache import damage, everything

REPO = "org/name"
TOKEN = "hf_secretsecretsecret"
WEIGHTS = 3 * PIECE - 1000
HEAD = 1 << 20
"""Bytes; what is asked for below this is a header, read for the plan."""

MODEL: Given = {
    ".gitattributes": b"*.gguf lfs",
    "README.md": b"not part of a plan",
    "config.json": json.dumps(
        {"model_type": "llama", "quantization": {"bits": 4, "group_size": 32}}
    ).encode(),
    "empty.txt": b"",
    "model.safetensors": weights(WEIGHTS),
    "notes/a b#?%é.txt": b"an odd name",
    "tokenizer.json": json.dumps({"version": "1.0", "model": {"vocab": {}}}).encode(),
}
WANTED = (".json", ".txt", ".safetensors")
SECRETS = (TOKEN, "Signature=", "Key-Pair-Id")
PATIENT = Tuning(patience=60.0, seed=7)
"""For pulls that get through: how busy the machine is must not make them give up."""
HASTY = Tuning(patience=2.0, seed=7)
"""For pulls that are to give up."""


@dataclass
class Outcome:
    """How one pull ended: with a snapshot or with an error, and what it said on the way."""

    snapshot: Snapshot | None = None
    error: IngleError | None = None
    events: list[Progress] = field(default_factory=list)


class Scene:
    """A hub with one model, an Ingle that may pull it, and neighbours that nobody may touch."""

    def __init__(
        self, folder: Path, hub: FakeHub, files: Given = MODEL, *, token: str | None = None, **facts: Any
    ) -> None:
        self.folder = folder
        self.hub = hub
        self.files = files
        self.config = settings(folder, hub, token=token)
        self.ref = ModelRef(name=REPO, repo_id=REPO)
        self.place = RepoPlace(self.config.cache, REPO)
        self.commit = hub.add_repo(REPO, files, **facts)
        self.seen_half_made: list[str] = []
        self._neighbours()
        self.foreign = self._untouchable()
        hub.before = self._look

    @property
    def entries(self) -> dict[str, Entry]:
        """The files that make the model, as the hub has them at the commit in question."""
        commit = self.hub.repos[REPO].commits[self.commit]
        return {entry.path: entry for entry in commit.entries() if entry.path.endswith(WANTED)}

    def events(
        self, *, cancel: threading.Event | None = None, tuning: Tuning = PATIENT
    ) -> Generator[Progress, None, None]:
        """A pull as it goes."""
        return pull(self.ref, self.config, cancel=cancel, options=PullOptions(tuning=tuning))

    def pull(self, *, cancel: threading.Event | None = None, tuning: Tuning = PATIENT) -> Outcome:
        """One pull, to its end. Anything raised that is no `IngleError` is a failure of the test."""
        outcome = Outcome()
        try:
            outcome.events.extend(self.events(cancel=cancel, tuning=tuning))
        except IngleError as exc:
            outcome.error = exc
        else:
            assert outcome.events[-1].phase is Phase.DONE
            outcome.snapshot = outcome.events[-1].snapshot
            assert outcome.snapshot is not None
        return outcome

    def recorded(self) -> dict[str, list[tuple[int, int]]]:
        """Bytes that are written and checked, by path.

        Published files, and small ones that wait for it, are whole; of others the journals tell. The header
        of a large file that another tool brought may be asked for: nobody has checked it yet.
        """
        found: dict[str, list[tuple[int, int]]] = {}
        for path, entry in self.entries.items():
            file = listed(entry)
            if _right(self.place.blob(entry.digest), entry):
                checked = file.size <= PIECE or is_known(self.place, file)
                found[path] = [(0 if checked else HEAD, file.size)]
                continue
            if file.size <= PIECE and _right(self.place.partial(entry.digest), entry):
                found[path] = [(0, file.size)]
                continue
            written = read_journal(self.place.journal(entry.digest), file).values()
            found[path] = [(one.index * PIECE, one.index * PIECE + one.length) for one in written]
        return found

    # what stands around

    def _neighbours(self) -> None:
        """Another model, another tool's older snapshot and partial file in our repo, a file outside."""
        other = RepoPlace(self.config.cache, "other/model")
        _plant(other, "a" * 40, b"another model", "main")
        _plant(self.place, "f" * 40, b"an older version", "old")
        (self.place.blobs / ("e" * 64 + ".abcd.incomplete")).write_bytes(b"somebody is at it")
        outside = self.folder / "outside"
        outside.mkdir(exist_ok=True)
        (outside / "precious.txt").write_bytes(b"precious")

    def _untouchable(self) -> dict[str, bytes | str]:
        found = everything(self.config.cache)
        return {**found, **{f"outside/{k}": v for k, v in everything(self.folder / "outside").items()}}

    def _look(self, asked: Asked) -> None:
        """At each request: is anything half-made to be seen by anybody?"""
        self.seen_half_made += half_made(self)


def listed(entry: Entry) -> ListedFile:
    """A file as a listing has it."""
    kind = DigestKind.SHA256 if entry.sha256 else DigestKind.GIT_SHA1
    return ListedFile(entry.path, entry.content.size, entry.digest, kind)


def half_made(scene: Scene) -> list[str]:
    """What another tool could see now and should not: by names and sizes, quick enough for every request."""
    place = scene.place
    sizes = {entry.digest: entry.content.size for entry in scene.entries.values()}
    here = {name: size for name, size in blob_sizes(place).items() if name in sizes}
    found = [f"blob {name} has {size} bytes" for name, size in here.items() if size != sizes[name]]
    snapshot = place.snapshot(scene.commit)
    if snapshot.exists():
        found += [
            f"{path} is not in the snapshot" for path in scene.entries if not (snapshot / path).exists()
        ]
    for ref in place.refs.rglob("*") if place.refs.is_dir() else ():
        if ref.is_file() and not place.snapshot(ref.read_text()).is_dir():
            found.append(f"ref {ref.name} leads to no snapshot")
    return found


class After(Enum):
    """What promise 2 means after a fault: what the next pull, from a hub that is well, may ask for."""

    GOES_ON = (
        "The pull ended early or well: no byte is asked for that was written and checked; the rest comes."
    )
    MOVED = (
        "The branch has moved: the new version comes, without the files that are the same; the old one stays."
    )
    REFUSED = (
        "Nothing was to be written at all: nothing is there, and once the hub lists the truth all comes."
    )


def check_five(
    scene: Scene, outcome: Outcome, after: After = After.GOES_ON, *, tuning: Tuning = PATIENT
) -> Outcome:
    """All five promises, as every test of a fault ends; gives the pull that follows, for the second one.

    Raises `AssertionError` naming the promise that is broken.
    """
    check_promises(scene, outcome)
    if after is After.REFUSED:
        assert scene.hub.bytes_sent() <= HEAD, "promise 5: fetched on in spite of what was refused"
        left = [path.name for path in (scene.place.work / "partial").glob("*")]
        assert left == [], f"promise 5: written in spite of what was refused: {left}"
        scene.commit = scene.hub.add_repo(REPO, scene.files)
    old = scene.entries, scene.place.snapshot(scene.commit)
    if after is After.MOVED:
        scene.commit = scene.hub.repos[REPO].refs["main"]
    following = check_resume(scene, tuning=tuning)
    if after is After.MOVED:
        entries, folder = old
        whole = all(_right(folder / path, entry) for path, entry in entries.items())
        assert whole, "promise 4: the old version did not stay"
    return following


def check_promises(scene: Scene, outcome: Outcome) -> None:
    """The first, third, fourth and fifth; the second shows in the pull that follows (`check_five`).

    Raises `AssertionError` naming the promise that an ended pull has broken.
    """
    _complete_is_complete(scene, outcome)
    _nothing_half_made(scene)
    _nothing_foreign_touched(scene)
    _nothing_leaked(scene)
    _progress_is_sane(outcome.events)


def check_resume(scene: Scene, *, tuning: Tuning = PATIENT, spoiled: bool = False) -> Outcome:
    """With a healthy hub the next pull is whole, fetches nothing twice, and keeps every promise.

    `spoiled`: wrong bytes may have been recorded; nothing tells which, so all may have to come again.
    """
    scene.hub.faults = Faults()
    scene.hub.settle()  # or a request of the pull before would be counted for this one
    recorded = scene.recorded()
    scene.hub.forget_requests()
    outcome = scene.pull(tuning=tuning)
    assert outcome.error is None, f"promise 2: a pull from a healthy hub failed: {outcome.error}"
    if not spoiled:
        check_not_again(scene, recorded)
    check_promises(scene, outcome)
    return outcome


def check_not_again(scene: Scene, recorded: Mapping[str, Iterable[tuple[int, int]]]) -> None:
    """None of these bytes was asked for and sent since the hub's record began."""
    entries = scene.entries
    asked: dict[str, list[Seen]] = defaultdict(list)
    for one in scene.hub.requests():
        if one.path is not None:
            asked[one.path].append(one)
    for path in recorded.keys() & asked.keys() & entries.keys():
        spans = list(recorded[path])
        whole = spans == [(0, entries[path].content.size)]
        again = sum(one.sent if whole else _within(one, spans) for one in asked[path])
        assert again == 0, (
            f"promise 2: {again} recorded bytes of {path} were fetched again; recorded were {spans}, sent "
            + ", ".join(f"{one.asked.headers.get('range', 'all')}: {one.sent}" for one in asked[path])
            + f"; the end of its log: {_log_tail(scene)}"
        )


def _log_tail(scene: Scene) -> list[str]:
    logs = sorted(scene.config.logs.glob("pull-*.log"), key=lambda log: log.stat().st_mtime)
    return logs[-1].read_text().splitlines()[-30:] if logs else []


def _within(one: Seen, spans: Iterable[tuple[int, int]]) -> int:
    low, high = _asked_and_sent(one)
    return sum(max(0, min(high, stop) - max(low, start)) for start, stop in spans)


def _asked_and_sent(one: Seen) -> tuple[int, int]:
    """[start, stop) of the bytes that were both asked for and sent: a hub may send others, which nobody takes."""
    first, _, last = one.asked.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")
    stop = min(one.start + one.sent, int(last) + 1) if last else one.start + one.sent
    return max(one.start, int(first)), stop


def _complete_is_complete(scene: Scene, outcome: Outcome) -> None:
    whole = [
        _right(scene.place.snapshot(scene.commit) / path, entry) for path, entry in scene.entries.items()
    ]
    if outcome.snapshot is not None:
        assert outcome.snapshot.state is DiskState.COMPLETE, "promise 1: the snapshot is not complete"
        assert outcome.snapshot.commit == scene.commit, "promise 1: another commit"
        assert all(whole), f"promise 1: called complete, {whole.count(False)} files are not right"
    found = Store(scene.config).find(scene.ref)
    if found is not None and found.commit == scene.commit and found.state is DiskState.COMPLETE:
        assert all(whole), "promise 1: the store calls it complete and it is not"


def _nothing_half_made(scene: Scene) -> None:
    assert scene.seen_half_made == [], f"promise 3: seen during the pull: {scene.seen_half_made[:3]}"
    assert half_made(scene) == [], f"promise 3: {half_made(scene)[:3]}"
    for entry in scene.entries.values():
        blob = scene.place.blob(entry.digest)
        assert not blob.exists() or _right(blob, entry), f"promise 3: {entry.path} is published and wrong"
    assert damage(scene.config) == [], "promise 3: huggingface_hub sees a damaged cache"


def _nothing_foreign_touched(scene: Scene) -> None:
    now = scene._untouchable()
    gone = [name for name, was in scene.foreign.items() if now.get(name) != was]
    assert gone == [], f"promise 4: changed or deleted: {gone[:3]}"
    ours = {"cache", "ingle", "outside"}
    strange = [path.name for path in scene.folder.iterdir() if path.name not in ours]
    assert strange == [], f"promise 5: written outside: {strange}"


def _nothing_leaked(scene: Scene) -> None:
    assert scene.hub.leaks == [], "promise 5: a token went to another host"
    for log in scene.config.logs.rglob("*.log") if scene.config.logs.is_dir() else ():
        text = log.read_text()
        assert not any(secret in text for secret in SECRETS), f"promise 5: {log.name} tells a secret"


def _progress_is_sane(events: list[Progress]) -> None:
    done = [event.bytes_done for event in events]
    assert done == sorted(done), "progress went back"


def _right(path: Path, entry: Entry) -> bool:
    """Hashes what lies there; the digest to meet was made from the content itself."""
    if not path.is_file() or path.stat().st_size != entry.content.size:
        return False
    if entry.sha256 is None:
        return path.read_bytes() == bytes(entry.content.read(0, entry.content.size))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256


def _plant(place: RepoPlace, commit: str, data: bytes, ref: str) -> None:
    """A snapshot of one file, as another tool would have made it."""
    blob = place.blob(hashlib.sha256(data).hexdigest())
    link = place.snapshot(commit) / "config.json"
    named = place.refs / ref
    for path in (blob, link, named):
        path.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(data)
    link.symlink_to(Path("../../blobs") / blob.name)
    named.write_text(commit)
