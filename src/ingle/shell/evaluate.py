"""Evaluates one shell word to the fields the command would receive; asks `Names` for what it cannot know."""

from __future__ import annotations

import re
from typing import Protocol

from .expand import arithmetic, expand_parameter
from .finding import Level
from .limits import MAX_FIELDS, MAX_TEXT, cut
from .scan import ansi, brace_words, end_of_backtick, end_of_bracket, end_of_double
from .words import CLASS, HOLE, QUERY, STAR, UNKNOWN, Taint, Value, bounded

_PLAIN = re.compile(r"[A-Za-z0-9_./:,@%+-][A-Za-z0-9_./:,@%+=~-]*\Z")
_NAME = re.compile(r"[A-Za-z_]\w*|[0-9?$!#@*-]")
_ZSH_TAIL = re.compile(r"\([^()|<>$'\"]*\)\Z")
_ZSH_RANGE = re.compile(r"<\d*-\d*>")
_ZSH_STYLE = re.compile(r"\$[\^=~]+(?=[\w{])")
_ZSH_SPLITS = re.compile(r"\$\{?[\^~]*=|\$\{\([^)]*(?:z|s.)[^)]*\)")
_ZSH_EXCEPT = re.compile(r"(?:\A|(?<=/))\^[^/]*|(?<=\*)~[^/]+")
_ZSH_ALONE = re.compile(r"(?<=[\w}\"'/~])\([A-Za-z0-9.,/@+*^=:#\[\]-]{1,12}\)\Z")
# What an interactive shell takes from its history; nobody knows it before it is typed there.
_EVENT = re.compile(r"!(?:!|[$^*#]|:[\d$^*]|-?\d|\??[\w./-]+\??:[\d$^*])(?::[\w$^*&-]+)*\Z")
_OWN_TILDE = re.compile(r"(-{0,2}[A-Za-z_][\w-]*=)(~(?:/.*)?)\Z", re.S)
_ZSH_LIVE = re.compile(r"\$[\^=]*~[\^=]*(\w+)")


class Names(Protocol):
    """What a word needs from the line around it."""

    shell: str

    def lookup(self, name: str) -> Value: ...
    def every(self, name: str) -> list[Value]: ...
    def assign(self, name: str, value: Value) -> None: ...
    def substitute(self, source: str) -> Value: ...
    def process(self, source: str, direction: str) -> Value: ...
    def home(self, user: str) -> str: ...
    def calculated(self, source: str) -> None: ...
    def report(self, level: Level, effect: str, consequence: str) -> None: ...


class _Reader:
    """One pass over one word; `fields` grows as unquoted expansions are split."""

    def __init__(self, names: Names, split: bool) -> None:
        self.names = names
        self.split = split
        self.splits = False
        self.fields: list[Value] = []
        self.parts: list[str] = []
        self.taint = 0
        self.started = False
        self.size = 0

    def add(self, text: str) -> None:
        self.parts.append(text)
        self.started = True

    def close(self) -> None:
        if self.started:
            self.fields.append(Value("".join(self.parts), self.taint))
        self.parts, self.taint, self.started = [], 0, False

    def expansion(self, value: Value, quoted: bool) -> None:
        self.taint |= value.taint & ~Taint.QUOTED
        text = value.text
        self.size += len(text)
        if self.size > MAX_TEXT:
            cut(self.names, "characters in one word")
            text, self.size = HOLE, 0
        if quoted or not self.split or (self.names.shell == "zsh" and not self.splits):
            if quoted or text:
                self.add(text if quoted else _alive(text))
            return
        separators = "\n" if self.names.shell == "fish" else self.names.lookup("IFS").text
        blanks = [char for char in separators if char in text] if HOLE not in separators else []
        if not blanks:
            if text:
                self.add(self.live(text))
            return
        pieces = re.split("[" + re.escape("".join(blanks)) + "]+", text)
        if len(pieces) > MAX_FIELDS:
            cut(self.names, "words in one expansion")
            pieces = [*pieces[:MAX_FIELDS], HOLE]
        for index, piece in enumerate(pieces):
            if index:
                self.close()
                self.taint |= value.taint & ~Taint.QUOTED
            if piece:
                self.add(self.live(piece))

    def live(self, text: str) -> str:
        """An unquoted expansion: its wildcards are live, and its tilde is what was meant, whatever the shell makes of it."""
        if text[0] == "~" and not self.started and text[1:2] in ("", "/"):
            text = self.names.home("") + text[1:]
        return _alive(text)

    def dollar(self, text: str, at: int, quoted: bool) -> int:
        """Read the expansion at `text[at] == "$"`; gives the index after it."""
        follow = text[at + 1 : at + 2]
        if follow == "(":
            end = end_of_bracket(text, at + 1)
            body = text[at + 2 : end]
            if body.startswith("(") and body.endswith(")"):
                self.expansion(arithmetic(body[1:-1], self.names), quoted)
            else:
                self.expansion(self.names.substitute(body), quoted)
            return end + 1
        if follow == "{":
            end = end_of_bracket(text, at + 1)
            self.parameter(text[at + 2 : end], quoted)
            return end + 1
        if follow == "'" and not quoted:
            end = at + 2
            while end < len(text) and text[end] != "'":
                end += 2 if text[end] == "\\" else 1
            self.add(ansi(text[at + 2 : end]))
            return end + 1
        if follow == '"' and not quoted:
            return at + 1
        match = _NAME.match(text, at + 1)
        if match is None:
            self.add("$")
            return at + 1
        name, end = match.group(), match.end()
        if name in "@*" and (name == "*" or not quoted or len(text) == 2):
            self.many(self.names.every(name), quoted)
        else:
            end = self.plain_name(name, text, end, quoted)
        return end

    def plain_name(self, name: str, text: str, end: int, quoted: bool) -> int:
        if self.names.shell in ("zsh", "fish") and text[end : end + 1] == "[":
            close = end_of_bracket(text, end)
            self.expansion(expand_parameter(name + text[end : close + 1], self.names), quoted)
            return close + 1
        values = self.names.every(name)
        if self.names.shell in ("zsh", "fish") and not quoted and len(values) > 1:
            self.many(values, quoted)
        else:
            self.expansion(self.names.lookup(name), quoted)
        return end

    def many(self, values: list[Value], quoted: bool) -> None:
        for index, value in enumerate(values):
            if index and self.split:
                self.close()
            elif index:
                self.add(" ")
            self.expansion(value, quoted)

    def parameter(self, body: str, quoted: bool) -> None:
        match = re.match(r"(\w+|[@*])\[[@*]\]\Z|([@*])\Z", body)
        if match:
            self.many(self.names.every(match.group(1) or match.group(2)), quoted)
        else:
            self.expansion(expand_parameter(body, self.names), quoted)

    def double(self, text: str, at: int) -> int:
        """Read the content of a double-quoted string from `at`; gives the index after the quote."""
        end = end_of_double(text, at)
        self.started = True
        self.quoted_text(text[at:end])
        return end + 1

    def quoted_text(self, text: str) -> None:
        at = 0
        while at < len(text):
            stop = _next_special(text, at)
            if stop > at:
                self.add(text[at:stop])
                at = stop
            elif text[at] == "\\":
                follow = text[at + 1 : at + 2]
                if follow != "\n":
                    self.add(follow if follow in '$`"\\' and follow else "\\" + follow)
                at += 2
            elif text[at] == "`":
                at = self.backtick(text, at, True)
            else:
                at = self.dollar(text, at, True)

    def backtick(self, text: str, at: int, quoted: bool) -> int:
        end = end_of_backtick(text, at + 1)
        body = re.sub(r"\\([$`\\])", r"\1", text[at + 1 : end])
        self.expansion(self.names.substitute(body), quoted)
        return end + 1

    def read(self, text: str) -> None:
        at = self.tilde(text)
        while at < len(text):
            char = text[at]
            if char == "'":
                end = text.find("'", at + 1)
                end = len(text) if end < 0 else end
                self.add(text[at + 1 : end])
                at = end + 1
            elif char == '"':
                at = self.double(text, at + 1)
            elif char == "\\":
                if text[at + 1 : at + 2] != "\n":
                    self.add(text[at + 1 : at + 2])
                at += 2
            elif char == "$":
                at = self.dollar(text, at, False)
            elif char == "`":
                at = self.backtick(text, at, False)
            elif char in "<>=" and text[at + 1 : at + 2] == "(" and (char != "=" or at == 0):
                end = end_of_bracket(text, at + 1)
                self.expansion(self.names.process(text[at + 2 : end], char), True)
                at = end + 1
            else:
                self.add(_live(text, at))
                at += 1

    def tilde(self, text: str) -> int:
        if not text.startswith("~"):
            return 0
        match = re.match(r"~([\w.+-]*)(?=/|\Z|:)", text)
        if match is None:
            return 0
        self.add(self.names.home(match.group(1)))
        return match.end()


def _next_special(text: str, at: int) -> int:
    for index in range(at, len(text)):
        if text[index] in "$`\\":
            return index
    return len(text)


def _live(text: str, at: int) -> str:
    char = text[at]
    if char == "*":
        return STAR
    if char == "?":
        return QUERY
    if char == "[" and "]" in text[at + 2 :]:
        return CLASS
    return char


def _alive(text: str) -> str:
    """Wildcards in an unquoted expansion are live."""
    if "*" in text or "?" in text or "[" in text:
        return text.replace("*", STAR).replace("?", QUERY).replace("[", CLASS)
    return text


def _zsh_source(text: str, names: Names) -> str:
    """Write what only zsh reads in the common form: `=cmd`, glob qualifiers, `<->`, `$^x`."""
    if "(" in text and not text.startswith(("=(", "<(", ">(", "$(")) and "$(" not in text:
        tail = _ZSH_TAIL.search(text)
        if tail and any(mark in text[: tail.start()] for mark in "*?]>)"):
            text = text[: tail.start()]
        else:
            text = _ZSH_ALONE.sub("", text) if any(mark in text for mark in "$~/") else text
    if "^" in text or "*~" in text:
        text = _ZSH_EXCEPT.sub(lambda match: "*" if match[0][0] == "^" else "", text)
    if "<" in text:
        text = _ZSH_RANGE.sub("*", text)
    if "$" in text:
        text = _ZSH_STYLE.sub("$", _ZSH_LIVE.sub(r"${~\1}", text))
    return text[1:] if re.match(r"=[A-Za-z]", text) else text


def evaluate(text: str, names: Names, split: bool = True) -> list[Value]:
    """The fields one word becomes; `split=False` is the right side of an assignment."""
    if _PLAIN.match(text):
        own = _OWN_TILDE.match(text) if "=~" in text else None
        return [Value(text if own is None else f"{own[1]}{names.home('')}{own[2][1:]}")]
    if text[:1] == "!" and names.shell in ("bash", "zsh") and _EVENT.match(text):
        return [UNKNOWN]
    splits = False
    if names.shell == "zsh":
        splits = "$" in text and _ZSH_SPLITS.search(text) is not None
        text = _zsh_source(text, names)
    sources = [text]
    if split and "{" in text and names.shell != "sh":
        sources, whole = brace_words(text)
        if not whole:
            cut(names, "words in one brace expansion")
            sources.append(HOLE)
    fields: list[Value] = []
    for source in sources:
        reader = _Reader(names, split)
        reader.splits = splits
        reader.read(source)
        reader.close()
        fields.extend(reader.fields)
    if len(fields) > MAX_FIELDS + 1:
        cut(names, "words in one word")
        return [*fields[:MAX_FIELDS], UNKNOWN]
    return [field if len(field.text) <= MAX_TEXT else bounded(names, *field) for field in fields]


def one(text: str, names: Names) -> Value:
    """The word as a single value: assignments, redirections, here-strings, `case` subjects."""
    fields = evaluate(text, names, split=False)
    if not fields:
        return Value("")
    if len(fields) == 1:
        return fields[0]
    taint = 0
    for field in fields:
        taint |= field.taint
    return Value(" ".join(field.text for field in fields), taint)


def inside_double(text: str, names: Names) -> Value:
    """Text that is expanded as if within double quotes: an unquoted here-document."""
    if "$" not in text and "`" not in text and "\\" not in text:
        return Value(text)
    reader = _Reader(names, split=False)
    reader.started = True
    reader.quoted_text(text)
    reader.close()
    return reader.fields[0] if reader.fields else Value("")
