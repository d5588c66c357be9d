"""Walks PowerShell: pipelines, script blocks, and the words its commands receive."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tree_sitter import Node

from . import powershell_splats, targets, windows
from .finding import Level
from .meaning import Piece
from .spans import Translation
from .words import EMPTY, HOLE, UNKNOWN, Taint, Value, bounded

if TYPE_CHECKING:
    from .machine import Machine
from .powershell_values import STATEMENTS, expand, expression, plain_name

_BARE = re.compile(r"[\w$:.\\/*?{}()~%@,=+-]+\Z")


_MIXED = r"(?<=\s)(?:[\w.:-]*\$(?:env:)?\w+)[\\/][\w.\\/*$:{}-]*(?=[\s;|)]|\Z)"
_TEXT = r"""@'\s*\n.*?\n'@|@"\s*\n.*?\n"@|'[^']*'|"(?:[^"`]|`.)*\""""
_WORD = r"[A-Za-z_.~*?\\/$][\w.:~*?\\/$-]*"
_FLAT = r"""(?:[^{}'"]|'[^']*'|"[^"]*")"""
_TABLE = rf"@\{{(?:{_FLAT}|\{{(?:{_FLAT}|\{{{_FLAT}*\}})*\}})*\}}"
_ITEM = rf"(?:{_TEXT}|\d[\w.]*|\$[\w:]+(?![\w.:\\/$-])|{_TABLE}|{_WORD})"
_ITEMS = re.compile(_ITEM, re.S)
# What only a program of its own takes: `--` before its operands, `--name=value`, and `name='text'` as one word.
_FOREIGN = (
    r"(?<=\s)(?:--(?=\s|\Z)|--[A-Za-z][\w-]*=(?:[^\s'\"`|;(){}$]+|'[^'\n]*'|\"[^\"'`$\n]*\")(?=[\s;|)]|\Z)|"
    r"[A-Za-z][\w.-]*='[^'\n]*'(?=[\s;|)]|\Z))"
)
_GAPS = re.compile(
    rf"(?P<list>(?<=\s)(?>{_ITEM})(?>(?:\s*,\s*{_ITEM})+))|{_TEXT}|<\#.*?\#>|(?<!\S)\#[^\n]*|(?P<mixed>{_MIXED}|{_FOREIGN})",
    re.S,
)


_DEFAULT = re.compile(r"\}[ \t](?=[ \t]*default[ \t]*\{)", re.I)
_SIZES = re.compile(r"(?<![\w.])[\d.]+[KMGTP]B\b", re.I)
# A program by its path where a statement begins: the grammar takes `/` there for a division, `\` for a path.
_PROGRAMS = re.compile(r"(?:\A|(?<=[;|{(&\n]))\s*+(?:\.{0,2}/)[\w.~/-]+")
_PARAMETERS = re.compile(r"(\bparam\s*\([^()]*\))[ \t]")


def readable(source: str) -> Translation:
    """Quote bare words in lists, and those that mix variables and path parts: the grammar reads them
    wrong, the shell does not."""
    source = _PARAMETERS.sub("\\1\n", source)
    source = _DEFAULT.sub("}\n", source)
    source = _SIZES.sub(lambda size: size[0].lower(), source)  # the grammar knows `10mb` alone
    source = _PROGRAMS.sub(lambda path: path[0].replace("/", "\\"), source)
    out, here, there, length, last = [], [0], [0], 0, 0
    for start, end in _unread(source):
        quote = "'" if '"' in source[start:end] else '"'
        out += [source[last:start], quote, source[start:end], quote]
        length += start - last + 1
        here += [length, length + end - start + 1]
        there += [start, end]
        length += end - start + 1
        last = end
    return Translation("".join(out) + source[last:], here, there)


def _unread(source: str) -> Iterator[tuple[int, int]]:
    """Where the words lie that need quotes; what is quoted or a comment is passed over."""
    for found in _GAPS.finditer(source):
        if found["mixed"]:
            yield found.span()
        elif found["list"]:
            for item in _ITEMS.finditer(source, *found.span()):
                if re.match(r"[A-Za-z_.~*?\\/]|\$.*[\\/]", item[0]):
                    yield item.span()


def doubtful(node: Node, source: bytes) -> tuple[int, int] | None:
    """The first part that did not parse; a bare word with a variable in it is a gap of the grammar only."""
    stack = [node]
    while stack:
        here = stack.pop()
        text = source[here.start_byte : here.end_byte].decode("utf-8", "replace").strip()
        begins = source[: here.start_byte].rstrip()[-1:] in (b"", b";", b"|", b"{", b"(", b"&")
        opened = any(text.count(left) != text.count(right) for left, right in ("()", "{}"))
        if here.is_missing or (here.is_error and (begins or opened or not _BARE.match(text))):
            return here.start_byte, here.end_byte
        stack.extend(child for child in reversed(here.children) if child.has_error)
    return None


_ENDLESS = re.compile(
    r"(?i)\Awhile\s*\(\s*(?:\$true|1)\s*\)|\Afor\s*\(\s*;\s*;\s*\)|\bwhile\s*\(\s*(?:\$true|1)\s*\)\s*\Z"
)


_FILES = re.compile(
    r"(?i)\b(?:ni|new-item|mkdir|md|add-content|ac|out-file|copy-item|new-temporaryfile)\b|>>"
)


def run(machine: Machine, node: Node) -> Value:
    """Visit one node; gives what it puts into the pipeline."""
    machine.step()
    kind = node.type
    if kind == "pipeline_chain":
        return _chain(machine, node)
    if kind == "function_statement":
        return _function(machine, node)
    if kind == "assignment_expression":
        return _assignment(machine, node)
    if kind == "foreach_statement":
        _foreach(machine, node)
    if kind == "command":
        return command(machine, node, EMPTY)
    if kind in STATEMENTS:
        text = machine.text(node) if kind in ("while_statement", "for_statement", "do_statement") else ""
        endless = (
            bool(text)
            and _ENDLESS.search(text) is not None
            and not re.search(r"(?i)\b(?:break|return|exit)\b", text)
        )
        paced = machine.paced or re.search(r"(?i)start-sleep|wait-|read-host", text) is not None
        if endless and not paced and "+=" in text:
            machine.report(Level.HIGH, "exhaust", "lets a value grow without end: the memory is full then")
        if endless and not paced and _FILES.search(text):
            machine.report(Level.HIGH, "exhaust", "makes files in a loop that never ends")
        out = EMPTY
        with machine.setting(endless=machine.endless or endless, paced=paced):
            for child in node.children:
                if child.is_named:
                    out = run(machine, child) if child.type != "comment" else out
        return out
    return expression(machine, node)


def _foreach(machine: Machine, node: Node) -> None:
    variables = [child for child in node.children if child.type == "variable"]
    lists = [child for child in node.children if child.type == "pipeline"]
    if variables and lists:
        machine.state.names[plain_name(machine.text(variables[0]))] = [run(machine, lists[0])]


def _function(machine: Machine, node: Node) -> Value:
    name = next((machine.text(child) for child in node.children if child.type == "function_name"), "")
    body = next((child for child in node.children if child.type == "script_block"), None)
    if body is not None:
        from .state import Function

        machine.state.functions[name.lower()] = Function(body, machine.data)
    return EMPTY


def _chain(machine: Machine, node: Node) -> Value:
    """The stages of a pipeline; each one's output is the next one's `$_`."""
    out = EMPTY
    for child in node.children:
        if not child.is_named:
            continue
        if child.type == "redirections":
            _redirect(machine, [part for part in child.children if part.is_named], out)
        else:
            out = command(machine, child, out) if child.type == "command" else expression(machine, child)
    return out


def _redirect(machine: Machine, redirects: list[Node], out: Value) -> None:
    """Write what a command or an expression gives into the files behind it."""
    for redirect in redirects:
        target = next((child for child in redirect.children if child.type == "redirected_file_name"), None)
        text = machine.text(target).strip().strip("\"'") if target is not None else "$null"
        if text.lower() not in ("$null", "nul"):
            path = windows.path(machine, expand(machine, text))
            targets.write(machine, path, out, append=">>" in machine.text(redirect))


def _assignment(machine: Machine, node: Node) -> Value:
    left = next((child for child in node.children if child.type == "left_assignment_expression"), None)
    value = node.child_by_field_name("value")
    found = run(machine, value) if value is not None else EMPTY
    if left is not None:
        name = plain_name(machine.text(left))
        if value is not None:
            powershell_splats.remember(machine, left, value, found)
        if "+=" in machine.text(node)[: len(machine.text(left)) + 6]:
            before = machine.state.names.get(name, [EMPTY])[0]
            found = bounded(machine, before.text + found.text, before.taint | found.taint)
        machine.state.names[name] = [found]
        if name.startswith("env:"):
            machine.assign(name[4:].upper(), found)
    return EMPTY


def command(machine: Machine, node: Node, stdin: Value) -> Value:
    """One command with its elements evaluated."""
    name_node = node.child_by_field_name("command_name")
    operator = any(child.type == "command_invokation_operator" for child in node.children)
    if name_node is None:
        return expression(machine, node)
    words: list[Value] = []
    blocks: list[Node] = []
    redirects: list[Node] = []
    pieces: list[Piece] = []
    for child in node.children:
        if child.type == "command_elements":
            for element in child.children:
                known = len(words)
                _element(machine, element, words, blocks, redirects)
                if (
                    element.is_named
                    and machine.text(element).lower() not in _PLAIN
                    and not any(word.has(Taint.PARAMETER) for word in words[known:])
                ):
                    pieces.append(Piece(_as_given(machine, element), words[known:]))
    with machine.at(node, pieces):
        block = _inner_block(name_node)
        if block is not None:
            return run(machine, block)
        name = _command_name(machine, name_node)
        pieces.insert(0, Piece(_as_given(machine, name_node), [name]))
        if not name.known or (operator and name.has(Taint.NETWORK)):
            machine.report(Level.HIGH, "opaque", "the name of the command is not known before it runs")
            return UNKNOWN
        out = machine.cmdlet(name.text, words, blocks, stdin)
        _redirect(machine, redirects, out)
        return out


_PLAIN = ("$true", "$false", "$null")


def _as_given(machine: Machine, node: Node) -> str:
    if machine.rewritten and machine.depth == 0:
        return machine.written(node.start_byte, node.end_byte)
    return machine.text(node).strip()


def _command_name(machine: Machine, node: Node) -> Value:
    text = machine.text(node)
    inner = node.children[0] if node.type == "command_name_expr" and len(node.children) == 1 else node
    if inner.type == "command_name":
        return Value(text.replace("`", ""))
    if text[:1] in "\"'" and text[-1:] == text[:1] and "$" not in text:
        return Value(text[1:-1])
    return expression(machine, node)


def _inner_block(node: Node) -> Node | None:
    if node.type == "script_block":
        return node
    for child in node.children:
        found = _inner_block(child)
        if found is not None:
            return found
    return None


def _element(
    machine: Machine, node: Node, words: list[Value], blocks: list[Node], redirects: list[Node]
) -> None:
    kind = node.type
    if kind == "command_argument_sep" or not node.is_named:
        if machine.text(node).strip() == ":" and words:
            words[-1] = Value(words[-1].text + ":", words[-1].taint)
        return
    if kind in ("redirection", "redirections"):
        redirects.append(node)
        return
    block = _inner_block(node)
    if block is not None:
        blocks.append(block)
        return
    if kind == "command_parameter":
        words.append(Value(machine.text(node), Taint.PARAMETER))
        return
    if powershell_splats.splatted(machine, machine.text(node), words, blocks):
        return
    value = (
        _bare(machine, machine.text(node))
        if kind in ("generic_token", "ERROR", "path_command_name")
        else expression(machine, node)
    )
    if words and words[-1].text.startswith("-") and words[-1].text.endswith(":"):
        words[-1] = Value(words[-1].text + value.text, value.taint)
    else:
        words.append(value)


def _bare(machine: Machine, text: str) -> Value:
    """A bare word: back-ticks go, variables are filled in, wildcards stay."""
    return expand(machine, text.replace("`", "").strip())


def host(machine: Machine, words: list[Value], stdin: Value) -> Value:
    """`powershell` or `pwsh` started from any shell."""
    at = 0
    while at < len(words):
        option = words[at].text.lower().replace("/", "-", 1)
        at += 1
        if not option.startswith("-"):
            return machine.source(" ".join(word.text for word in words[at - 1 :]), stdin, "powershell")
        value = words[at] if at < len(words) else EMPTY
        if re.match(r"-e(?:c|nc|nco|ncod|ncode|ncoded\w*)?\Z", option):
            try:
                code = base64.b64decode(value.text + "==").decode("utf-16-le")
            except ValueError:
                machine.report(Level.HIGH, "opaque", "runs code that was encoded, and could not be read")
                return UNKNOWN
            return machine.source(code, stdin, "powershell")
        if re.match(r"-c(?:o|om|omm|omma|omman|ommand)?\Z", option):
            code = "\n".join([" ".join(word.text for word in words[at:])])
            if value.text == "-" or value.has(Taint.NETWORK) or code.strip() == HOLE:
                from .code import run_text

                return run_text(machine, stdin if value.text == "-" else value, "powershell", [])
            return machine.source(code, stdin, "powershell")
        if re.match(r"-f(?:i|il|ile)?\Z", option):
            from .code import run_file

            return run_file(machine, windows.path(machine, value), "powershell", words[at:])
        if option in (
            "-executionpolicy",
            "-ep",
            "-ex",
            "-exec",
            "-windowstyle",
            "-w",
            "-version",
            "-v",
            "-workingdirectory",
            "-inputformat",
            "-outputformat",
        ):
            at += 1
    if stdin.text or stdin.taint:
        from .code import run_text

        return run_text(machine, stdin, "powershell", [])
    return UNKNOWN
