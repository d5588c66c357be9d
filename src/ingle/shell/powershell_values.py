"""Evaluates the expressions of PowerShell, and reports what the methods they call would do."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from tree_sitter import Node

from . import powershell_commands, windows
from .dotnet import judge_static
from .finding import Level
from .paths import HOME
from .words import EMPTY, HOLE, UNKNOWN, Taint, Value, bounded, replaced

if TYPE_CHECKING:
    from .machine import Machine

# Nodes that hold statements, and do nothing themselves.
STATEMENTS = frozenset(
    "program statement_list statement_block script_block script_block_body pipeline named_block_list named_block if_statement "
    "else_clause elseif_clause elseif_clauses while_statement for_statement foreach_statement do_statement switch_statement "
    "switch_body switch_clauses switch_clause try_statement catch_clauses catch_clause finally_clause trap_statement "
    "flow_control_statement parallel_statement sequence_statement while_condition for_initializer for_condition for_iterator "
    "foreach_command pipeline_chain_tail inlinescript_statement data_statement".split()
)
_GUARD = re.compile(r"(?i)amsi(?:utils|initfailed|context|session)")
_FETCH = re.compile(r"(?i)\.(?:downloadstring|downloaddata|openread|getstringasync|getasync|getresponse)\b")


def plain_name(text: str) -> str:
    """The name of a variable as it is kept: no `$`, no braces, no type, lower case."""
    return (
        re.sub(r"^\[[^\]]*\]\s*", "", text.strip())
        .lstrip("$")
        .strip("{}")
        .lower()
        .removeprefix("global:")
        .removeprefix("script:")
    )


_VARIABLE = re.compile(
    r"\$\{([^}]+)\}|\$((?:env|global|script|using):\w+|\w+|_)|\$\(((?:[^()]|\([^()]*\))*)\)", re.I
)


def expand(machine: Machine, text: str) -> Value:
    """Variables and subexpressions inside a double-quoted string or a bare word."""
    taint = 0

    def fill(match: re.Match[str]) -> str:
        nonlocal taint
        if match[3] is not None:
            found = machine.source(match[3], shell="powershell")
        else:
            found = variable(machine, match[1] or match[2])
        taint |= found.taint
        return found.text

    if "$" not in text:
        return Value(text)
    return bounded(machine, _VARIABLE.sub(fill, text), taint)


def variable(machine: Machine, name: str) -> Value:
    """A variable by its name: set on this line, known to everyone, or a hole."""
    key = plain_name(name)
    found = machine.state.names.get(key)
    if found is not None:
        return found[0]
    known = windows.KNOWN.get(key)
    if known is not None:
        return Value(known)
    secret = re.search(r"token|secret|password|apikey|api_key|credential", key)
    return Value(HOLE, Taint.SECRET if secret else 0)


def _strings(text: str) -> str:
    return re.sub(r"`(.)", lambda m: {"n": "\n", "t": "\t", "0": "\0", "r": "\r"}.get(m[1], m[1]), text)


def expression(machine: Machine, node: Node) -> Value:
    """The value of an expression, and the findings of whatever it calls."""
    machine.step()
    children = [child for child in node.children if child.is_named]
    kind = node.type
    text = machine.text(node)
    if kind in ("expandable_string_literal", "expandable_here_string_literal"):
        inner = re.sub(r'^@?"\n?|\n?"@?$', "", text)
        return expand(machine, _strings(inner.replace('""', '"')))
    if kind in ("verbatim_string_characters", "verbatim_here_string_characters"):
        return Value(re.sub(r"^@?'\n?|\n?'@?$", "", text).replace("''", "'"))
    if kind == "variable":
        return variable(machine, text)
    if kind in (
        "decimal_integer_literal",
        "hexadecimal_integer_literal",
        "real_literal",
        "simple_name",
        "type_literal",
        "generic_token",
    ):
        return Value(text)
    if kind == "invokation_expression":
        return _invocation(machine, node, children)
    if (
        kind in ("additive_expression", "additive_argument_expression")
        and len(children) == 2
        and "+" in [c.type for c in node.children]
    ):
        left, right = expression(machine, children[0]), expression(machine, children[1])
        return bounded(machine, left.text + right.text, left.taint | right.taint)
    if kind in ("format_expression", "format_argument_expression") and len(children) > 1:
        return _formatted(expression(machine, children[0]), machine.text(children[-1]))
    if kind == "cast_expression":
        return _cast(machine, text, children)
    if kind == "script_block_expression":
        return Value(HOLE)
    if kind in ("command", "pipeline_chain") or kind in STATEMENTS:
        return machine.statement(node)
    if kind == "member_access":
        return _member(machine, children)
    if kind == "expression_with_unary_operator" and text.lower().startswith("-join") and children:
        listed = expression(machine, children[-1])
        return Value(listed.text.replace("\n", ""), listed.taint)
    return _many(machine, node, children, text)


def _many(machine: Machine, node: Node, children: list[Node], text: str) -> Value:
    if len(children) == 1:
        return expression(machine, children[0])
    values = [expression(machine, child) for child in children]
    taint = 0
    for value in values:
        taint |= value.taint
    if node.type.startswith("comparison") and values:
        lowered = text.lower()
        if "-join" in lowered and values[0].known:
            return Value(values[0].text.replace("\n", ""), taint)
        if "-replace" in lowered and len(values) >= 2:
            found = re.findall(r"['\"]([^'\"]*)['\"]", text[text.lower().index("-replace") :])
            if values[0].known and found:
                return replaced(machine, values[0].text, found[0], found[1] if len(found) > 1 else "", taint)
    if node.type in ("array_literal_expression", "argument_expression_list"):
        return Value("\n".join(value.text for value in values), taint)
    return Value(HOLE if values else "", taint)


def _formatted(shape: Value, rest: str) -> Value:
    parts = re.findall(r"'([^']*)'|\"([^\"]*)\"", rest)
    if not shape.known:
        return shape
    return Value(
        re.sub(
            r"\{(\d+)\}", lambda m: "".join(parts[int(m[1])]) if int(m[1]) < len(parts) else HOLE, shape.text
        ),
        shape.taint,
    )


def _cast(machine: Machine, text: str, children: list[Node]) -> Value:
    value = expression(machine, children[-1]) if children else UNKNOWN
    if re.match(r"(?i)\[char\]", text) and value.text.strip().isdigit():
        return Value(chr(int(value.text)))
    return value


def _member(machine: Machine, children: list[Node]) -> Value:
    if not children:
        return UNKNOWN
    owner = expression(machine, children[0])
    if machine.text(children[-1]).lower() == "historysavepath":
        return Value(HOME + "/.bash_history")
    if owner.known and machine.text(children[-1]).lower() in ("fullname", "path", "name"):
        return owner
    return Value(HOLE, owner.taint)


def _invocation(machine: Machine, node: Node, children: list[Node]) -> Value:
    """`$x.Method(…)` and `[Type]::Method(…)`."""
    owner = expression(machine, children[0]) if children else EMPTY
    values = [expression(machine, child) for child in children if child.type == "argument_list"]
    first = values[0] if values else EMPTY
    method = next((machine.text(child).lower() for child in children if child.type == "member_name"), "")
    taint = owner.taint | first.taint
    if _FETCH.fullmatch(f".{method}"):
        return Value(HOLE, Taint.NETWORK | taint)
    kind = machine.text(children[0]).lower() if children else ""
    if _GUARD.search(kind):
        machine.report(Level.HIGH, "conceal", "switches off or blinds the virus guard")
    if children and children[0].type == "type_literal" and judge_static(machine, kind, method, first):
        return Value(HOLE, taint)
    if "frombase64string" in method:
        try:
            return (
                Value(base64.b64decode(first.text + "==").decode("latin-1"), taint)
                if first.known
                else Value(HOLE, taint | Taint.DECODED)
            )
        except ValueError:
            return Value(HOLE, taint | Taint.DECODED)
    if method == "getstring":
        return Value(first.text.replace("\0", ""), taint)
    if method in ("replace", "trim", "tostring", "substring", "tolower", "toupper", "tochararray"):
        pair = re.findall(r"['\"]([^'\"]*)['\"]", machine.text(children[-1]))
        if method == "replace" and len(pair) == 2 and owner.known:
            return replaced(machine, owner.text, pair[0], pair[1], taint)
        return owner
    powershell_commands.judge_method(machine, kind, method, owner, first)
    return Value(HOLE, taint)
