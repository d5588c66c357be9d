"""Counts on disk how far a pull came that nobody works on now; asks no memory of it, so a kill costs nothing."""

from __future__ import annotations

from ingle.catalog.model import ModelRef
from ingle.catalog.names import ref_key
from ingle.config import Config
from ingle.hub.layout import RepoPlace
from ingle.hub.prepare import held
from ingle.hub.progress import Phase, Progress
from ingle.hub.stored import stored_receipts


def begun_progress(config: Config, ref: ModelRef) -> Progress | None:
    """The bytes of this model's last pull: whole blobs by their size, partial files by their journals.

    None where no pull of it came to its first byte. The phase is WAITING.
    """
    if ref.repo_id is None:
        return None
    place = RepoPlace(config.cache, ref.repo_id)
    for receipt in stored_receipts(place):
        for asked in receipt.asked:
            if ref_key(asked.ref) != ref_key(ref):
                continue
            wanted = tuple(file for file in receipt.listing.files if file.path in asked.files)
            here = held(place, wanted)
            lacking = sum(size - here.get(digest, 0) for digest, size in {(f.digest, f.size) for f in wanted})
            total = sum(file.size for file in wanted)
            return Progress(phase=Phase.WAITING, bytes_done=total - lacking, bytes_total=total)
    return None
