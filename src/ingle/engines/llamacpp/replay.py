"""Has a completion that failed in the middle go on where it broke, by hearing its beginning again. Pure.

A submission with the same prompt, seed and grammar begins with the same text; what was told is not told twice.
"""

from __future__ import annotations

import msgspec

from ingle.engines.llamacpp.fields import Step
from ingle.errors import GenerationFailed


class Replay:
    """Between llama.cpp's steps and the one who takes them."""

    def __init__(self) -> None:
        self._told = ""
        self._again: str | None = None

    def begin_again(self) -> None:
        """The same submission is made once more."""
        self._again = ""

    def pass_on(self, step: Step) -> Step | None:
        """What of a step is new; None: nothing. Raises `GenerationFailed` when the second try says
        something else than the first."""
        if self._again is None:
            self._told += step.text
            return step
        before = len(self._again)
        self._again += step.text
        if len(self._again) <= len(self._told) and step.finish is None:
            self._agree(self._told.startswith(self._again))
            return None
        self._agree(self._again.startswith(self._told))
        rest = step.text[max(0, len(self._told) - before) :]
        if len(rest) < len(step.text):
            step = msgspec.structs.replace(step, text=rest, logprobs=step.logprobs if rest else ())
        return step

    def _agree(self, same: bool) -> None:
        if not same:
            raise GenerationFailed(
                "llama.cpp failed in the middle of the answer, and said something else when asked again."
            )
