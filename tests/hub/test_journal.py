"""The journal of a partial file: what was recorded is found, whatever tore or damaged it."""

from __future__ import annotations

import random
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.catalog.listing import DigestKind, ListedFile
from ingle.hub.journal import (
    Journal,
    Written,
    decode,
    encode_header,
    encode_record,
    header_seed,
    read_journal,
)
from ingle.hub.layout import RepoPlace
from ingle.hub.partial import Check, LargePartial
from ingle.hub.pieces import PIECE
from tests.hub.pulling import NAME, listed, weights

pytestmark = pytest.mark.slow

FILE = ListedFile("w", 5 * PIECE + 3, "ab" * 32, DigestKind.SHA256)


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", FILE)
    journal.append([Written(0, PIECE, 1), Written(5, 3, 2)])
    journal.append([Written(0, PIECE, 9)])
    journal.close()
    assert read_journal(tmp_path / "j", FILE) == {0: Written(0, PIECE, 9), 5: Written(5, 3, 2)}


def test_a_torn_tail_is_dropped_and_appending_goes_on_after_it(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Journal(path, FILE)
    journal.append([Written(0, PIECE, 1), Written(1, PIECE, 2)])
    journal.close()
    path.write_bytes(path.read_bytes()[:-5])
    journal = Journal(path, FILE)
    assert set(journal.written) == {0}
    journal.append([Written(3, PIECE, 4)])
    journal.close()
    assert set(read_journal(path, FILE)) == {0, 3}


NO_ROOM = """
import resource, sys
from pathlib import Path
from ingle.catalog.listing import DigestKind, ListedFile
from ingle.hub.journal import Journal, Written
from ingle.hub.pieces import PIECE
path, size, digest = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
journal = Journal(path, ListedFile("w", size, digest, DigestKind.SHA256))
journal.append([Written(0, PIECE, 1)])
end = path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (end + 24, resource.RLIM_INFINITY))  # room for a record and a half
try:
    journal.append([Written(1, PIECE, 2), Written(2, PIECE, 3)])
except OSError:
    print(sorted(journal.written), path.stat().st_size > end)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
if sys.argv[4] == "goes on":
    journal.append([Written(3, PIECE, 4)])
"""


@pytest.mark.parametrize(("then", "known"), [("ends", {0, 1}), ("goes on", {0, 3})])
def test_records_that_find_no_room_do_not_count_and_harm_none_that_do(
    tmp_path: Path, then: str, known: set[int]
) -> None:
    """What is on disk of them is good or torn, so a reader may believe the good ones: their data was flushed."""
    path = tmp_path / "j"
    command = [sys.executable, "-c", NO_ROOM, str(path), str(FILE.size), FILE.digest, then]
    said = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert said.stdout.strip() == "[0] True", said.stderr
    assert set(read_journal(path, FILE)) == known


@pytest.mark.parametrize(
    "other",
    [
        ListedFile("w", FILE.size + 1, FILE.digest, FILE.kind),
        ListedFile("w", FILE.size, "cd" * 32, FILE.kind),
    ],
)
def test_a_journal_of_another_file_is_about_nothing(tmp_path: Path, other: ListedFile) -> None:
    journal = Journal(tmp_path / "j", FILE)
    journal.append([Written(0, PIECE, 1)])
    journal.close()
    assert read_journal(tmp_path / "j", other) == {}


def test_a_record_of_another_journal_is_not_believed() -> None:
    other = ListedFile("w", FILE.size, "cd" * 32, FILE.kind)
    stray = encode_record(Written(0, PIECE, 1), header_seed(encode_header(other)))
    assert decode(encode_header(FILE) + stray, FILE) == ({}, len(encode_header(FILE)))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 30), st.sampled_from(["flip", "cut", "junk", "splice"]))
def test_a_damaged_journal_never_says_what_was_not_written(seed: int, harm: str) -> None:
    dice = random.Random(seed)
    header = encode_header(FILE)
    truth = {index: Written(index, PIECE if index < 5 else 3, dice.getrandbits(32)) for index in range(6)}
    order = dice.sample(sorted(truth), dice.randint(0, 6))
    data = bytearray(header + b"".join(encode_record(truth[i], header_seed(header)) for i in order))
    if harm == "flip" and data:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    elif harm == "cut":
        del data[dice.randint(0, len(data)) :]
    elif harm == "junk":
        data += dice.randbytes(dice.randint(0, 64))
    else:
        at = dice.randint(0, len(data))
        data[at:at] = dice.randbytes(dice.randint(1, 40))
    found, good = decode(bytes(data), FILE)
    assert all(truth[index] == written for index, written in found.items())
    assert good <= len(data)


@given(st.binary(max_size=400))
def test_any_bytes_at_all_are_read_without_an_error(data: bytes) -> None:
    assert decode(data, FILE)[0] == {}


def _partial(folder: Path, data: bytes) -> LargePartial:
    return LargePartial(RepoPlace(folder, NAME), listed("model.safetensors", data, large=True))


def test_recorded_pieces_are_not_missing_and_are_checked_again(tmp_path: Path) -> None:
    data = weights(2 * PIECE)
    partial = _partial(tmp_path, data)
    partial.write(0, memoryview(data)[:PIECE])
    partial.done(0, zlib.crc32(data[:PIECE]))
    partial.sync((Written(1, 100, zlib.crc32(data[PIECE : PIECE + 100])),))
    partial.close()
    path = RepoPlace(tmp_path, NAME).partial(partial.file.digest)
    with path.open("rb+") as file:  # the prefix that was recorded is on disk too
        file.seek(PIECE)
        file.write(data[PIECE : PIECE + 100])
    again = _partial(tmp_path, data)
    assert again.missing() == ((PIECE + 100, len(data), zlib.crc32(data[PIECE : PIECE + 100])),)
    assert again.recorded_bytes == PIECE + 100
    assert again.check() is Check.MORE
    again.close()


def test_a_recorded_piece_that_changed_on_disk_is_missing_again(tmp_path: Path) -> None:
    data = weights(2 * PIECE)
    partial = _partial(tmp_path, data)
    partial.write(0, memoryview(data)[:PIECE])
    partial.done(0, zlib.crc32(data[:PIECE]))
    partial.write(0, memoryview(b"x"))
    partial.sync()
    partial.close()
    again = _partial(tmp_path, data)
    assert again.check() is Check.SPOILED
    assert again.missing()[0][0] == 0
    again.close()


def test_a_partial_of_another_size_starts_anew(tmp_path: Path) -> None:
    data = weights(2 * PIECE)
    partial = _partial(tmp_path, data)
    partial.write(0, memoryview(data)[:PIECE])
    partial.done(0, zlib.crc32(data[:PIECE]))
    partial.sync()
    partial.close()
    path = RepoPlace(tmp_path, NAME).partial(partial.file.digest)
    with path.open("rb+") as file:
        file.truncate(100)
    again = _partial(tmp_path, data)
    assert again.recorded_bytes == 0
    assert path.stat().st_size == len(data)
    again.close()


def test_the_whole_file_is_right_only_with_the_listed_digest(tmp_path: Path) -> None:
    data = weights(PIECE + 5)
    for wrong in (False, True):
        partial = _partial(tmp_path / str(wrong), data)
        sent = bytearray(data)
        sent[3] ^= wrong
        for index, (start, stop) in enumerate([(0, PIECE), (PIECE, len(data))]):
            partial.write(start, memoryview(sent)[start:stop])
            partial.done(index, zlib.crc32(sent[start:stop]))
        assert partial.check() is Check.MORE
        assert partial.check() is (Check.WRONG if wrong else Check.WHOLE)
        partial.close()
