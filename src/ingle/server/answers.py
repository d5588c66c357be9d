"""The answers of Ingle's own routes as types, for the description alone: the routes write them, nothing reads them here.

What the runtime already has as a type (`ModelView`, `RuntimeStatus`, ...) is used as it is; types of the hub and the shell
are written again, for their defaults would make every field look optional. A field that may be left out is `UNSET`.
That each real answer has exactly these fields is tested (`tests/server/test_described.py`).
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from ingle.catalog.model import Format
from ingle.engines.base import EngineInfo
from ingle.generation import CallPart, FinishReason, Usage
from ingle.runtime.events import EventKind
from ingle.runtime.status import ModelView, PullView

T = TypeVar("T")
Maybe: TypeAlias = T | UnsetType


class ErrorObject(msgspec.Struct, frozen=True):
    """What went wrong, in Ingle's own words."""

    code: str
    message: str
    hint: Maybe[str] = UNSET
    details: Maybe[dict[str, Any]] = UNSET


class ErrorAnswer(msgspec.Struct, frozen=True):
    """The answer of a request that failed."""

    error: ErrorObject


class Models(msgspec.Struct, frozen=True):
    """Several models."""

    models: list[ModelView]


class UnloadAnswer(msgspec.Struct, frozen=True):
    """What an unload gave back, counted after the process was gone."""

    model: str
    unloaded: bool
    memory_returned: int
    view: ModelView


class DeleteAnswer(msgspec.Struct, frozen=True):
    """What a deletion gave back."""

    model: str
    files: list[str]
    freed: int
    shared: int
    remaining: list[str]
    view: ModelView


class LoadingNews(msgspec.Struct, frozen=True):
    """The model is not in memory yet."""

    model: str


class ReadyNews(msgspec.Struct, frozen=True):
    """The model is in memory, and what computes it."""

    model: str
    engine: EngineInfo | None
    why: str
    load_seconds: Maybe[float] = UNSET
    damage: Maybe[ErrorObject] = UNSET


class TokenOdds(msgspec.Struct, frozen=True):
    """One token of the answer and how likely it was, as the natural logarithm."""

    token: str
    logprob: float
    top: list[tuple[str, float]]


class ChunkNews(msgspec.Struct, frozen=True):
    """A piece of the answer; what says nothing is left out."""

    index: int
    text: Maybe[str] = UNSET
    reasoning: Maybe[str] = UNSET
    tool_calls: Maybe[list[CallPart]] = UNSET
    logprobs: Maybe[list[TokenOdds]] = UNSET
    tokens: Maybe[int] = UNSET
    finish_reason: Maybe[FinishReason] = UNSET


class Timings(msgspec.Struct, frozen=True):
    """How long an answer took, in seconds."""

    load: float
    first_token: float
    first_token_warm: float
    total: float
    tokens_per_second: float


class GenerateDone(msgspec.Struct, frozen=True):
    """The end of an answer."""

    usage: Usage | None
    finish_reasons: list[FinishReason]
    timings: Timings


class GenerateLine(msgspec.Struct, frozen=True):
    """One line of an answer; exactly one of these fields."""

    progress: Maybe[PullView] = UNSET
    loading: Maybe[LoadingNews] = UNSET
    ready: Maybe[ReadyNews] = UNSET
    chunk: Maybe[ChunkNews] = UNSET
    done: Maybe[GenerateDone] = UNSET
    error: Maybe[ErrorObject] = UNSET


class WorkDone(msgspec.Struct, frozen=True):
    """The end of a pull, a check or a repair."""

    view: ModelView


class WorkLine(msgspec.Struct, frozen=True):
    """One line of a pull, a check or a repair; exactly one of these fields."""

    progress: Maybe[PullView] = UNSET
    done: Maybe[WorkDone] = UNSET
    error: Maybe[ErrorObject] = UNSET


class EventData(msgspec.Struct, frozen=True):
    """The data of one event."""

    event: EventKind
    model: str
    progress: float
    error: str | None
    details: Maybe[ErrorObject] = UNSET
    pull: Maybe[PullView] = UNSET
    memory_returned: Maybe[int] = UNSET
    reason: Maybe[str] = UNSET
    current: Maybe[bool] = UNSET


class LoadAnswer(msgspec.Struct, frozen=True):
    """The model is in memory."""

    status: Literal["loaded"]
    model_path: str


class PromptAnswer(msgspec.Struct, frozen=True):
    """The answer to a prompt."""

    response: str
    tokens_generated: int


class SidecarUnloadAnswer(msgspec.Struct, frozen=True):
    """The sidecar's model is out of memory."""

    status: Literal["unloaded"]
    model_loaded: bool


class SidecarStatus(msgspec.Struct, frozen=True):
    """What the sidecar has loaded."""

    status: Literal["running"]
    model_loaded: bool
    model_path: str | None


class WarmAnswer(msgspec.Struct, frozen=True):
    """The load has begun, or was over already."""

    status: Literal["warming", "warm", "loaded"]
    model_path: str


class ToolRow(msgspec.Struct, frozen=True):
    """One text tool."""

    name: str
    intent: str
    output: str
    needs: str | None


class TextTools(msgspec.Struct, frozen=True):
    """The text tools there are."""

    tools: list[ToolRow]


class KeptPart(msgspec.Struct, frozen=True):
    """A part of the text that stayed as it was, and why."""

    start: int
    end: int
    reason: str
    detail: str


class ImprovedText(msgspec.Struct, frozen=True):
    """The text after a tool, whole in every case."""

    tool: str
    text: str
    changed: bool
    kept: list[KeptPart]
    reason: str | None
    units: int
    prompt_tokens: int
    completion_tokens: int
    model: str
    damage: ErrorObject | None


class PieceNews(msgspec.Struct, frozen=True):
    """The next piece of the text."""

    text: str
    progress: float


class TextDone(msgspec.Struct, frozen=True):
    """The end of a text."""

    improved: ImprovedText


class TextLine(msgspec.Struct, frozen=True):
    """One line of a text; exactly one of these fields."""

    loading: Maybe[LoadingNews] = UNSET
    ready: Maybe[ReadyNews] = UNSET
    piece: Maybe[PieceNews] = UNSET
    done: Maybe[TextDone] = UNSET
    error: Maybe[ErrorObject] = UNSET


Risk = Literal["safe", "moderate", "high", "critical"]


class RiskFinding(msgspec.Struct, frozen=True):
    """One reason for the risk of a command."""

    level: Risk
    effect: str
    consequence: str
    span: tuple[int, int]
    resolved: str
    safer: str


class RiskVerdict(msgspec.Struct, frozen=True):
    """What a shell command would do."""

    level: Risk
    allowed: bool
    shell: str
    commands: list[str]
    findings: list[RiskFinding]


class HubRepo(msgspec.Struct, frozen=True):
    """One repo of a search."""

    repo_id: str
    downloads: int
    likes: int
    gated: bool
    size: int | None
    parameters: int | None
    formats: list[Format]
    licence: str | None


class HubRepos(msgspec.Struct, frozen=True):
    """What the hub has."""

    models: list[HubRepo]


class ModelName(msgspec.Struct, frozen=True):
    """A model as it can be asked for."""

    name: str
    repo_id: str | None
    revision: str | None
    file: str | None
    quant: str | None
    alias: str | None
    path: str | None


class OutdatedModel(msgspec.Struct, frozen=True):
    """One model that is here and whose branch has moved on."""

    ref: ModelName
    commit: str
    newest: str | None
    changed: list[str]
    to_fetch: int
    problem: str


class OutdatedModels(msgspec.Struct, frozen=True):
    """The models that could be newer."""

    models: list[OutdatedModel]


Soundness = Literal["ok", "note", "warning", "problem"]


class HealthFinding(msgspec.Struct, frozen=True):
    """One thing the doctor looked at."""

    check: str
    level: Soundness
    says: str
    means: str
    command: str
    fix: Literal["make-cache", "sweep"] | None
    details: dict[str, Any]


class Health(msgspec.Struct, frozen=True):
    """What the doctor found."""

    level: Soundness
    findings: list[HealthFinding]
