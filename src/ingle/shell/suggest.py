"""Turns a person's words into one command by asking a model, and says how its answer was read.

Pure but for the `generate` it is handed. The answer is constrained to a schema where the engine can;
where it cannot, the answer is read by three named steps and by nothing looser.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from ingle.errors import GenerationFailed, Unsupported
from ingle.generation import Chunk, Constraint, Generation, Message, Role, SamplingParams
from ingle.shell.finding import Level
from ingle.shell.surroundings import Surroundings
from ingle.shell.verdict import analyse

Generate = Callable[[Generation], AsyncIterator[Chunk]]
Complaint = Callable[[str], str | None]
"""What is wrong with a command's text, as a sentence, or None."""

MOST_COMMAND, MOST_EXPLANATION, MOST_QUESTION = 2000, 400, 300
"""Characters of each field."""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "command": {"type": "string", "maxLength": MOST_COMMAND},
        "explanation": {"type": "string", "maxLength": MOST_EXPLANATION},
        "question": {"type": "string", "maxLength": MOST_QUESTION},
        "needs_confirmation": {"type": "boolean"},
    },
    "required": ["command", "explanation", "question", "needs_confirmation"],
    "additionalProperties": False,
}
MAX_TOKENS = 700
DESTROYING = frozenset(
    {"delete", "write", "move", "database", "remote destroy", "ransom", "permissions", "exhaust"}
)
LOSING = re.compile(r"(?:deletes|drops|throws away|wipes|erases|empties)\b")
"""How a consequence begins that destroys, whatever effect it is filed under."""
ONE_DELETED = re.compile(r"deletes `([^`*?\[\]{}$…]+)`(?:, without undo)?")
"""What is said of one file or folder that is known by its name."""
GENERIC = frozenset(
    "deletes delete overwrites wipes destroys removes whole your the without undo every all and files file folder "
    "directory folders directories this that can not cannot with home user src project rm bin usr".split()
) - {"home", "project"}
MAX_ANSWER = 20_000
MAX_QUOTED = 80


class Reading(StrEnum):
    """How an answer was read, from the strictest on."""

    CONSTRAINED = "constrained"
    WHOLE_JSON = "whole_json"
    BALANCED_OBJECT = "balanced_object"
    FENCED_BLOCK = "fenced_block"


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """`question` is not empty when the model asks back; then `command` is not to be used.

    `needs_confirmation` is the model's opinion and can only add caution: the verdict decides.
    """

    command: str
    explanation: str
    question: str = ""
    needs_confirmation: bool = True
    reading: Reading = Reading.CONSTRAINED
    repaired: bool = False


class _Fields(msgspec.Struct, forbid_unknown_fields=True):
    """What fits `SCHEMA`."""

    command: Annotated[str, msgspec.Meta(max_length=MOST_COMMAND)]
    explanation: Annotated[str, msgspec.Meta(max_length=MOST_EXPLANATION)]
    question: Annotated[str, msgspec.Meta(max_length=MOST_QUESTION)]
    needs_confirmation: bool


def prompt_for(surroundings: Surroundings) -> str:
    """The system prompt."""
    here = surroundings
    return (
        f"You turn a request into one {here.shell} command for {here.system} with {here.tools} tools. "
        f"The working directory is {here.directory}. Installed: {', '.join(here.installed) or 'the usual tools'}.\n"
        "Reply with JSON: command (one line, ready to run), explanation (one sentence), question, needs_confirmation.\n"
        "Leave question empty when the request is clear. If it is unclear, or it would delete or overwrite "
        "something it does not name, leave command empty and ask one question instead.\n"
        "Set needs_confirmation to true when the command changes anything. "
        f"Use only options that {here.tools} tools have. Never add steps that were not asked for."
    )


async def suggest(
    request: str,
    surroundings: Surroundings,
    generate: Generate,
    *,
    complaint: Complaint = lambda _command: None,
    turns: tuple[tuple[str, str], ...] = (),
) -> Suggestion:
    """A command for `request`, or a question. At most one repair round.

    `turns` are earlier (question, answer) pairs of the same request. `complaint` judges the text of a
    command (a syntax error); what it says is shown to the model once. Raises `GenerationFailed` when no
    step can read the answer.
    """
    messages = [
        Message(role=Role.SYSTEM, content=prompt_for(surroundings)),
        Message(role=Role.USER, content=request),
    ]
    for question, answer in turns:
        messages.append(Message(role=Role.ASSISTANT, content=question))
        messages.append(Message(role=Role.USER, content=answer))
    answer, constrained = await _ask(messages, generate)
    found, wrong = _judge(answer, constrained, complaint)
    if wrong is None and found is not None:
        return found
    messages.append(Message(role=Role.ASSISTANT, content=answer[:2000]))
    messages.append(
        Message(role=Role.USER, content=f"That cannot be used: {wrong} Reply again, with JSON only.")
    )
    answer, constrained = await _ask(messages, generate)
    second, _ = _judge(answer, constrained, complaint)
    best = second or found
    if best is None:
        raise GenerationFailed(
            "The model's answer holds no command that can be read.",
            hint="Say it in other words, or choose another model with --model.",
            answer=answer[:400],
        )
    return msgspec.structs.replace(best, repaired=True)


def explanation_request(command: str, surroundings: Surroundings) -> Generation:
    """The request for an explanation in depth: what each part does, and nothing about risk."""
    system = (
        f"You explain {surroundings.shell} commands to a person who did not write them. Go through the "
        "command part by part, one line each, in plain words. Do not judge whether it is safe."
    )
    return Generation(
        messages=(
            Message(role=Role.SYSTEM, content=system),
            Message(role=Role.USER, content=command),
        ),
        max_tokens=MAX_TOKENS,
        sampling=SamplingParams(temperature=0.0),
        stop_on_loop=True,
    )


def syntax_complaint(command: str, shell: str) -> str | None:
    """What keeps a command from being read with certainty, as a sentence for the model; None when nothing.

    The part that does not parse is quoted before it, where it is a part and not the end.
    """
    for found in analyse(command, shell).findings:
        if found.effect == "unread":
            part = command[slice(*found.span)].strip()
            return (f"`{part[:MAX_QUOTED]}`: " if part else "") + f"{found.consequence}."
    return None


def unnamed_loss(request: str, command: str, shell: str) -> str | None:
    """A question back when the command would destroy something that the request never named.

    Beyond repair: named means that a telling word of what would be lost stands in the request. Of single files and
    folders that can be made again, one must be named.
    """
    said = set(re.findall(r"\w{3,}", request.lower()))
    findings = analyse(command, shell).findings
    for found in findings:
        if found.level < Level.HIGH or not (found.effect in DESTROYING or LOSING.match(found.consequence)):
            continue
        lost = set(re.findall(r"\w{3,}", f"{found.consequence} {found.resolved}".lower())) - GENERIC
        if not any(word in said or word.removesuffix("s") in said or word + "s" in said for word in lost):
            return f"That {found.consequence}, which you did not name. What exactly should go?"
    plain = [(found, ONE_DELETED.fullmatch(found.consequence)) for found in findings]
    names = [(found, match[1]) for found, match in plain if match and found.effect == "delete"]
    if names and not any(_is_named(name, request.lower()) for _, name in names):
        return f"That {names[0][0].consequence}, which you did not name. What exactly should go?"
    return None


def _is_named(path: str, request: str) -> bool:
    """Whether a request names the last part of a path, or has a word of it: `node modules` for `node_modules`."""
    name = path.rstrip("/").rpartition("/")[2].lower()
    if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", request):
        return True
    said = [word.removesuffix("s") for word in re.findall(r"[^\W_]{3,}", request)]
    told = [word.removesuffix("s") for word in re.findall(r"[^\W_]{3,}", name.partition(".")[0] or name)]
    return any(
        word == one or (len(one) > 3 and one not in GENERIC and one in word) for word in told for one in said
    )


async def _ask(messages: list[Message], generate: Generate) -> tuple[str, bool]:
    """The answer's text, and whether the schema was enforced."""
    for constraint in (Constraint(kind="json_schema", value=SCHEMA), None):
        request = Generation(
            messages=tuple(messages),
            max_tokens=MAX_TOKENS,
            sampling=SamplingParams(temperature=0.0),
            constraint=constraint,
            stop_on_loop=True,
        )
        try:
            parts = [chunk.text async for chunk in generate(request)]
        except Unsupported:
            if constraint is None:
                raise
            continue
        return "".join(parts)[:MAX_ANSWER], constraint is not None
    raise AssertionError("the loop returns or raises")


def _judge(answer: str, constrained: bool, complaint: Complaint) -> tuple[Suggestion | None, str | None]:
    found = read_answer(answer, constrained=constrained)
    if found is None:
        return None, "it is not the JSON object that was asked for."
    if found.question.strip():
        return found, None
    if not found.command.strip():
        return None, "it holds neither a command nor a question."
    return found, complaint(found.command)


def read_answer(answer: str, *, constrained: bool = False) -> Suggestion | None:
    """The suggestion an answer holds: whole JSON, the first balanced object that fits, a fenced block.

    None when none of the three reads it. Braces inside JSON strings do not count.
    """
    text = answer.strip()
    fields = _fields(text)
    if fields is not None:
        return _suggestion(fields, Reading.CONSTRAINED if constrained else Reading.WHOLE_JSON)
    for candidate in _balanced(text):
        fields = _fields(candidate)
        if fields is not None:
            return _suggestion(fields, Reading.BALANCED_OBJECT)
    fenced = re.search(
        r"```(?:bash|sh|zsh|fish|shell|powershell|console)?[ \t]*\n(.*?)\n[ \t]*```", text, re.DOTALL
    )
    if fenced and fenced[1].strip() and "{" not in fenced[1].strip()[:1]:
        return Suggestion(command=fenced[1].strip(), explanation="", reading=Reading.FENCED_BLOCK)
    return None


def _fields(text: str) -> _Fields | None:
    try:
        return msgspec.json.decode(text, type=_Fields)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None


def _suggestion(fields: _Fields, reading: Reading) -> Suggestion:
    return Suggestion(
        command=fields.command.strip(),
        explanation=" ".join(fields.explanation.split()),
        question=" ".join(fields.question.split()),
        needs_confirmation=fields.needs_confirmation,
        reading=reading,
    )


def _balanced(text: str) -> Iterator[str]:
    """Every JSON object in `text`, one inside of another after it; the JSON reader itself finds where each ends."""
    reader = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        try:
            _, end = reader.raw_decode(text, start)
        except (ValueError, RecursionError):
            pass
        else:
            yield text[start:end]
        start = text.find("{", start + 1)
