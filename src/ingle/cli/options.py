"""The options that several commands share, so that one word means one thing everywhere."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from ingle.cli.tab import complete_here, complete_model


class EngineName(StrEnum):
    MLX = "mlx"
    LLAMACPP = "llamacpp"


MODELS_PANEL = "Models"
TALK_PANEL = "Talk to a model"
DAEMON_PANEL = "Memory and the daemon"
HEALTH_PANEL = "Health of what is here"
SAMPLING_PANEL = "How the next word is chosen"


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for every field of its first parameter, a dataclass, in the place of that one."""
    whole, *own = inspect.signature(command, eval_str=True).parameters.values()
    fields = inspect.signature(whole.annotation, eval_str=True).parameters

    @functools.wraps(command)
    def of_options(**given: Any) -> None:
        value = whole.annotation(**{name: given.pop(name) for name in fields})
        command(value, **given)

    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*own, *fields.values())]
    of_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what inspect reads
    return of_options


AsJson = Annotated[bool, typer.Option("--json", help="Answer with JSON, errors too.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
MODEL_FORMS = (
    "A catalogue name (qwen3:1.7b), org/name\\[@revision]\\[:file|:quantisation], a path, or `default`."
)
ModelName = Annotated[
    str,
    typer.Argument(metavar="MODEL", help=MODEL_FORMS, show_default=False, autocompletion=complete_model),
]
ModelHere = Annotated[
    str,
    typer.Argument(metavar="MODEL", help=MODEL_FORMS, show_default=False, autocompletion=complete_here),
]
OtherModel = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="Another model than the default.",
        autocompletion=complete_model,
    ),
]
Engine = Annotated[
    EngineName | None, typer.Option("--engine", help="Choose the engine by hand; else the format decides.")
]
Context = Annotated[
    int | None,
    typer.Option("--context", min=16, max=1 << 24, metavar="TOKENS", help="Length of the context."),
]
KeepAlive = Annotated[
    str | None,
    typer.Option(
        "--keep-alive",
        metavar="TIME",
        help="How long the model stays loaded when idle: 5m, 1h, 0 for at once, -1 for ever.",
    ),
]
Template = Annotated[
    typer.FileText | None,
    typer.Option("--template", metavar="FILE", help="A chat template (Jinja) that replaces the model's own."),
]


def read_template(file: typer.FileText | None) -> str | None:
    """The template in the file that --template named. Raises `InvalidRequest` for bytes that are no text."""
    from ingle.errors import InvalidRequest

    if file is None:
        return None
    try:
        return file.read()
    except UnicodeDecodeError as exc:
        raise InvalidRequest(
            f"The template {file.name} is not UTF-8 text.", hint="Convert it first."
        ) from exc


System = Annotated[
    str | None,
    typer.Option("--system", metavar="TEXT", help="Instructions the model gets before your words."),
]
MaxTokens = Annotated[
    int | None, typer.Option("--max-tokens", "-n", min=1, help="Stop after this many tokens.")
]
Temperature = Annotated[
    float | None,
    typer.Option(min=0, help="0 always takes the likeliest token.", rich_help_panel=SAMPLING_PANEL),
]
TopP = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="Only the likeliest tokens that together have this probability.",
        rich_help_panel=SAMPLING_PANEL,
    ),
]
TopK = Annotated[
    int | None,
    typer.Option(min=0, help="Only so many of the likeliest tokens; 0: all.", rich_help_panel=SAMPLING_PANEL),
]
MinP = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="Only tokens that are at least this likely beside the likeliest.",
        rich_help_panel=SAMPLING_PANEL,
    ),
]
RepetitionPenalty = Annotated[
    float | None,
    typer.Option(
        min=0.01,
        help="Above 1: what was said of late becomes less likely; 1: it does not.",
        rich_help_panel=SAMPLING_PANEL,
    ),
]
Seed = Annotated[
    int | None, typer.Option(help="The same seed, the same answer.", rich_help_panel=SAMPLING_PANEL)
]
Stop = Annotated[
    list[str] | None,
    typer.Option("--stop", metavar="TEXT", help="End the answer before this text; may be given again."),
]
