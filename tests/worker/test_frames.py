"""Frames survive any cutting; bytes that are no frames raise FrameError and nothing else."""

from __future__ import annotations

import struct
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.catalog.model import DiskState, Format, ModelRef, Origin, Snapshot
from ingle.engines.base import EngineHealth, EngineInfo, EngineOptions
from ingle.errors import FrameError, InvalidRequest
from ingle.generation import (
    Chunk,
    Constraint,
    FinishReason,
    Generation,
    Message,
    Role,
    SamplingParams,
    TokenLogprob,
    Tool,
    ToolCall,
    Usage,
)
from ingle.worker import frames

SNAPSHOT = Snapshot(
    ref=ModelRef(name="m", path=Path("/models/m.gguf")),
    state=DiskState.COMPLETE,
    format=Format.GGUF,
    origin=Origin.FILE,
    root=Path("/models"),
    path=Path("/models/m.gguf"),
    files=("m.gguf",),
    size=7,
)
INFO = EngineInfo(
    name="scripted",
    version="1",
    device="cpu",
    model="m",
    context=4096,
    slots=2,
    chat_template=True,
    constraints=False,
    tools=True,
)
MESSAGE = Message(
    role=Role.ASSISTANT, content="é", tool_calls=(ToolCall(id="1", name="f", arguments='{"a": 1}'),)
)
TOOL = Tool(name="f", description="d", parameters={"type": "object"})
GENERATION = Generation(
    messages=(MESSAGE,),
    tools=(TOOL,),
    sampling=SamplingParams(logit_bias={5: -100.0}, seed=1, logprobs=True),
    constraint=Constraint(kind="json_schema", value={"type": "object"}),
    stop=("a", "b"),
)
CHUNK = Chunk(
    text="x",
    logprobs=(TokenLogprob(token="x", logprob=-0.5, top=(("x", -0.5), ("y", -1.5))),),
    tokens=1,
    finish_reason=FinishReason.LOOP,
    usage=Usage(prompt_tokens=1, completion_tokens=2),
)
EVERY_FRAME: list[frames.Frame] = [
    frames.Hello(frames.PROTOCOL, 12),
    frames.Load("mlx", SNAPSHOT, EngineOptions(context=512)),
    frames.Start("1", GENERATION),
    frames.CancelRequest("1"),
    frames.Ping(3),
    frames.Count("2", GENERATION),
    frames.Render("2", (MESSAGE,), (TOOL,)),
    frames.Close(),
    frames.Loaded(INFO),
    frames.LoadError({"code": "load_failed", "message": "no"}),
    frames.Piece("1", CHUNK),
    frames.RequestError("1", {"code": "cancelled", "message": "Cancelled."}),
    frames.Answered("2", 42),
    frames.Answered("2", "text"),
    frames.Pong(3, EngineHealth(ok=True, steps=9)),
]


@pytest.mark.parametrize("frame", EVERY_FRAME, ids=lambda frame: type(frame).__name__)
def test_every_frame_comes_back_as_it_was(frame: frames.Frame) -> None:
    assert frames.Codec().feed(frames.Codec().encode(frame)) == [frame]


@settings(max_examples=40)
@given(st.lists(st.integers(1, 60), max_size=200))
def test_frames_survive_any_cutting_of_the_stream(cuts: list[int]) -> None:
    sender, receiver = frames.Codec(), frames.Codec()
    stream = b"".join(sender.encode(frame) for frame in EVERY_FRAME)
    found: list[frames.Frame] = []
    for cut in [*cuts, len(stream)]:
        found += receiver.feed(stream[:cut])
        stream = stream[cut:]
    assert found == EVERY_FRAME
    assert receiver.pending == 0


@settings(max_examples=40)
@given(st.binary(max_size=400))
def test_noise_is_refused_as_a_frame_error_and_nothing_else(noise: bytes) -> None:
    codec = frames.Codec()
    try:
        codec.feed(noise)
    except FrameError:
        return
    assert codec.pending <= len(noise)


@settings(max_examples=40)
@given(st.binary(max_size=200))
def test_noise_in_a_whole_frame_is_refused(body: bytes) -> None:
    with pytest.raises(FrameError):
        frames.Codec().feed(struct.pack(">I", len(body)) + body)


@settings(max_examples=40)
@given(st.integers(0, 300), st.integers(0, 255))
def test_one_changed_byte_gives_a_frame_or_a_frame_error(at: int, value: int) -> None:
    data = bytearray(frames.Codec().encode(EVERY_FRAME[2]))
    data[at % len(data)] = value
    try:
        frames.Codec().feed(bytes(data))
    except FrameError as error:
        assert error.message


def test_a_length_beyond_the_bound_is_refused_before_its_bytes_come() -> None:
    with pytest.raises(FrameError, match="claims"):
        frames.Codec().feed(struct.pack(">I", frames.MAX_FRAME + 1))


def test_a_frame_beyond_the_bound_is_not_sent() -> None:
    huge = Generation(prompt="x" * (frames.MAX_FRAME + 1))
    with pytest.raises(FrameError, match="longer than"):
        frames.Codec().encode(frames.Start("1", huge))


def test_deep_nesting_is_refused() -> None:
    body = b"\x91" * 100_000
    with pytest.raises(FrameError):
        frames.Codec().feed(struct.pack(">I", len(body)) + body)


def test_a_frame_with_an_unknown_tag_is_refused() -> None:
    body = msgspec.msgpack.encode({"type": "format_disk"})
    with pytest.raises(FrameError, match="no frame"):
        frames.Codec().feed(struct.pack(">I", len(body)) + body)


def test_a_number_too_large_for_a_frame_is_a_wrong_request() -> None:
    schema = Constraint(kind="json_schema", value={"type": "integer", "maximum": 2**70})
    with pytest.raises(InvalidRequest, match="64 bits"):
        frames.Codec().encode(frames.Start("1", Generation(prompt="x", constraint=schema)))
