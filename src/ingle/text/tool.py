"""A text tool is a Markdown file with front matter: reads them, finds them, fills their prompts.

Form of a file: YAML front matter between `---` lines, the system prompt, a line `===`, the user prompt
with `{text}` and the tool's own options in braces. A person's file with the name of a built-in tool
replaces it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import msgspec

from ingle.errors import InvalidConfig, InvalidRequest

NEEDS = {
    "to": ("a language to translate into", "--to French"),
    "instruction": ("an instruction", "'make it rhyme'"),
}
"""What the options of the built-in tools are for, and how they are given."""
NAME = re.compile(r"[a-z][a-z0-9_-]*")
MARK_LINE = re.compile(r"^(---|===)[ \t]+$", re.MULTILINE)
"""A line that parts a tool file, with white space behind it that nobody sees."""


class Output(StrEnum):
    """What the answer is, which decides how long texts are joined and which guards apply."""

    SAME = "same"  # the text itself, improved: same structure, same language
    DIGEST = "digest"  # shorter prose about the text
    LIST = "list"  # a Markdown list
    TABLE = "table"  # a Markdown table
    FREE = "free"  # whatever the instruction asks for


class Tool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tool. `max_input` is in characters; `needs` names the option that must be given.

    `keep_numbers` and `keep_names` turn on the guards that notice lost facts (and, with `keep_names`, all
    that a correction may not do), `keep_order` the one that lets no word change its place, `clean_speech` the
    pipeline that runs before the model, `speculate` asks for n-gram lookup at load where the engine
    has it (answers that nearly copy their input gain most).
    """

    name: str
    intent: str
    output: Output = Output.SAME
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] = 0.2
    max_input: Annotated[int, msgspec.Meta(ge=1)] = 400_000
    needs: str | None = None
    speculate: bool = False
    keep_numbers: bool = False
    keep_names: bool = False
    keep_order: bool = False
    clean_speech: bool = False
    translates: bool = False
    shorter: bool = False
    system: str = ""
    user: str = "{text}"

    def fill(self, text: str, options: Mapping[str, str]) -> tuple[str, str]:
        """The system and user prompts for `text`. Raises `InvalidRequest` when an option is missing."""
        if self.needs and not options.get(self.needs):
            what, typed = NEEDS.get(self.needs, (f"`{self.needs}`", f"--option {self.needs}=..."))
            raise InvalidRequest(
                f"{self.name} needs {what}.",
                hint=f"ingle text {self.name} {typed} ...   "
                f'(HTTP: "options": {{"{self.needs}": ...}}; Python: {self.needs}=...)',
                option=self.needs,
            )
        return _fill(self.system, options), _fill(self.user, {**options, "text": text})


def _fill(template: str, values: Mapping[str, str]) -> str:
    """Replace `{name}` once, left to right; braces inside the values are never looked at again."""
    parts: list[str] = []
    rest = template
    while rest:
        places = [(rest.find("{" + name + "}"), name) for name in values if "{" + name + "}" in rest]
        if not places:
            break
        start, name = min(places)
        parts += [rest[:start], values[name]]
        rest = rest[start + len(name) + 2 :]
    return "".join([*parts, rest])


def parse_tool(source: str, where: str) -> Tool:
    """One tool file, with any line ends. Raises `InvalidConfig` saying what is wrong in `where`."""
    import yaml

    source = MARK_LINE.sub(r"\1", source.removeprefix("\ufeff").replace("\r\n", "\n"))
    head, mark, body = source.removeprefix("---\n").partition("\n---\n")
    if not source.startswith("---\n") or not mark:
        raise InvalidConfig(
            f"{where} has no front matter.", hint="It must begin with a block between two --- lines."
        )
    system, mark, user = body.partition("\n===\n")
    if not mark or "{text}" not in user:
        raise InvalidConfig(
            f"{where} has no user prompt.",
            hint="After the system prompt: a line ===, then a prompt with {text}.",
        )
    try:
        fields = yaml.safe_load(head)
        tool = msgspec.convert({**fields, "system": system.strip(), "user": user.strip()}, Tool)
    except (yaml.YAMLError, TypeError, RecursionError, msgspec.ValidationError) as exc:
        raise InvalidConfig(
            f"The front matter of {where} does not parse: {exc}.",
            hint=f"It may set: {', '.join(Tool.__struct_fields__[:-2])}.",
        ) from exc
    if not NAME.fullmatch(tool.name):
        raise InvalidConfig(
            f"The name in {where} is {tool.name!r}.", hint="Small letters, digits, - and _, a letter first."
        )
    return tool


class Toolbox(msgspec.Struct, frozen=True):
    """The tools there are, by name, and what is wrong with the files that are none, by file stem."""

    tools: dict[str, Tool]
    broken: dict[str, InvalidConfig]

    def find(self, name: str) -> Tool:
        """The tool called `name`.

        Raises the file's own `InvalidConfig` where that was meant to be it: a broken file spoils its own tool, and
        no other. Else raises `InvalidRequest` listing the tools there are, and what a broken file might have been.
        """
        if name in self.broken:
            raise self.broken[name]
        if name in self.tools:
            return self.tools[name]
        hint = " ".join(
            [f"There are: {', '.join(self.tools)}.", *(one.message for one in self.broken.values())]
        )
        raise InvalidRequest(f"There is no text tool called {name}.", hint=hint)


class ToolFiles:
    """The built-in tools and those of the folder `own`, whose files replace built-in ones by name. For who asks often: a file is
    parsed again only once it is another one, and a broken one each time."""

    def __init__(self, own: Path | None = None) -> None:
        self._own = own
        self._parsed: dict[str, tuple[Mark, Tool]] = {}

    def open(self) -> Toolbox:
        """As the files are now. May be called from any thread."""
        before, now = self._parsed, dict[str, tuple[Mark, Tool]]()
        found: dict[str, Tool] = {}
        broken: dict[str, InvalidConfig] = {}
        for entry in _markdown(resources.files("ingle.text").joinpath("tools")):
            tool = _read(entry, entry.name, before, now)
            found[tool.name] = tool
        for path in _markdown(self._own) if self._own is not None and self._own.is_dir() else ():
            stem = path.name.removesuffix(".md")
            try:
                tool = _read(path, str(path), before, now)
                found[tool.name] = tool
            except InvalidConfig as error:
                broken[stem] = error
            except (OSError, UnicodeDecodeError) as exc:
                broken[stem] = InvalidConfig(f"{path} cannot be read: {exc}.")
        self._parsed = now
        return Toolbox(found, broken)


Mark = tuple[int, int, int]
"""By which a file is known to be the same: when it changed (nanoseconds), its size in bytes, its inode."""


def _markdown(folder: Traversable) -> list[Traversable]:
    """Its Markdown files by name; none where it may not be looked into."""
    try:
        found = [entry for entry in folder.iterdir() if entry.name.endswith(".md")]
    except PermissionError:
        return []
    return sorted(found, key=lambda entry: entry.name)


def _read(
    entry: Traversable, where: str, before: Mapping[str, tuple[Mark, Tool]], now: dict[str, tuple[Mark, Tool]]
) -> Tool:
    """The tool in this file, from `before` where it is the same still; it is put into `now`."""
    if not isinstance(entry, Path):  # inside an archive: nothing tells when it changed
        return parse_tool(entry.read_text("utf-8"), where)
    stat = entry.stat()
    mark = stat.st_mtime_ns, stat.st_size, stat.st_ino
    known = before.get(str(entry))
    tool = known[1] if known and known[0] == mark else parse_tool(entry.read_text("utf-8"), where)
    now[str(entry)] = mark, tool
    return tool


def open_toolbox(own: Path | None = None) -> Toolbox:
    """The tools there are now; who asks again and again keeps a `ToolFiles`."""
    return ToolFiles(own).open()


def load_tools(own: Path | None = None) -> dict[str, Tool]:
    """The built-in tools and the readable ones of the folder `own`, by name."""
    return open_toolbox(own).tools


def find_tool(name: str, own: Path | None = None) -> Tool:
    """The tool called `name`; see `Toolbox.find`."""
    return open_toolbox(own).find(name)
