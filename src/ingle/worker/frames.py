"""Bytes to frames and back, between a daemon and one worker; pure, versioned, every length bounded.

A frame is a 4-byte big-endian length and that many bytes of MessagePack: one tagged struct. Both ends
say `PROTOCOL` in their first frame, so that an old child meets a new daemon with an error that says so.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import msgspec

from ingle.catalog.model import Snapshot
from ingle.engines.base import EngineHealth, EngineInfo, EngineOptions
from ingle.errors import FrameError, InvalidRequest
from ingle.generation import Chunk, Generation, Message, Tool

PROTOCOL = 2
MAX_FRAME = 64 * 1024 * 1024
"""Bytes. A prompt of a million tokens is about 5 MB; a frame that claims more than this is noise."""

_HEADER = struct.Struct(">I")


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The first frame both ways."""

    protocol: int
    pid: int


class Load(msgspec.Struct, frozen=True, tag="load"):
    engine: str
    snapshot: Snapshot
    options: EngineOptions


class Start(msgspec.Struct, frozen=True, tag="start"):
    request: str
    generation: Generation


class CancelRequest(msgspec.Struct, frozen=True, tag="cancel"):
    request: str


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    number: int


class Count(msgspec.Struct, frozen=True, tag="count"):
    """How many tokens has this prompt? Answered by `Answered` with an int."""

    request: str
    generation: Generation


class Render(msgspec.Struct, frozen=True, tag="render"):
    """What does the prompt look like? Answered by `Answered` with the text."""

    request: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()


class Close(msgspec.Struct, frozen=True, tag="close"):
    """Free the model and leave."""


class Loaded(msgspec.Struct, frozen=True, tag="loaded"):
    info: EngineInfo


class LoadError(msgspec.Struct, frozen=True, tag="load_error"):
    error: dict[str, Any]


class Piece(msgspec.Struct, frozen=True, tag="piece"):
    request: str
    chunk: Chunk


class RequestError(msgspec.Struct, frozen=True, tag="request_error"):
    request: str
    error: dict[str, Any]


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    request: str
    value: int | str


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    number: int
    health: EngineHealth


ToChild = Hello | Load | Start | CancelRequest | Ping | Count | Render | Close
ToParent = Hello | Loaded | LoadError | Piece | RequestError | Answered | Pong
Frame = ToChild | ToParent


def _encode_other(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} does not travel in a frame")


def _decode_other(kind: type[Any], value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise ValueError(f"no {kind.__name__} in {type(value).__name__}")


class Codec:
    """Turns frames into bytes and, fed with bytes as they come, bytes into frames. One per socket end."""

    def __init__(self) -> None:
        self._encoder = msgspec.msgpack.Encoder(enc_hook=_encode_other)
        self._decoder: msgspec.msgpack.Decoder[Frame] = msgspec.msgpack.Decoder(Frame, dec_hook=_decode_other)
        self._buffer = bytearray()

    def encode(self, frame: Frame) -> bytes:
        """The bytes of one frame. Raises `FrameError` when it would be longer than `MAX_FRAME`,
        `InvalidRequest` for a number that MessagePack cannot carry."""
        try:
            body = self._encoder.encode(frame)
        except OverflowError as exc:
            raise InvalidRequest(
                "The request holds a whole number of more than 64 bits.",
                hint="Write it as a float or as text.",
            ) from exc
        if len(body) > MAX_FRAME:
            raise FrameError(f"A frame of {len(body)} bytes is longer than {MAX_FRAME}.")
        return _HEADER.pack(len(body)) + body

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole now, in order. Raises `FrameError`; the stream is then useless."""
        self._buffer += data
        found: list[Frame] = []
        start = 0
        while len(self._buffer) - start >= _HEADER.size:
            (length,) = _HEADER.unpack_from(self._buffer, start)
            if length > MAX_FRAME:
                raise FrameError(f"A frame claims {length} bytes; {MAX_FRAME} is the most.")
            end = start + _HEADER.size + length
            if len(self._buffer) < end:
                break
            found.append(self._decode(bytes(memoryview(self._buffer)[start + _HEADER.size : end])))
            start = end
        del self._buffer[:start]
        return found

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not whole yet."""
        return len(self._buffer)

    def _decode(self, body: bytes) -> Frame:
        try:
            return self._decoder.decode(body)
        except (msgspec.DecodeError, ValueError, RecursionError) as exc:
            raise FrameError(f"Bytes that are no frame: {exc}.") from exc
