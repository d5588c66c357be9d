"""Parameter operators and constant arithmetic; what is not constant becomes a hole."""

from __future__ import annotations

import ast
import fnmatch
import operator
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from .limits import MAX_ARITHMETIC, MAX_EXPANSION, MAX_MATCHED, cut
from .scan import substitutions
from .words import CLASS, HOLE, QUERY, STAR, UNKNOWN, Taint, Value, show

if TYPE_CHECKING:
    from .evaluate import Names

_HEAD = re.compile(r"([!#=^~]*)(?:\(([^)]*)\))?([A-Za-z_]\w*|\d+|[@*?$!-])(\[[^\]]*\])?")
_OPERATOR = re.compile(r":-|:=|:\+|:\?|##|#|%%|%|//|/#|/%|/|\^\^|\^|,,|,|@|:|-|=|\+|\?")
_NUMBER = re.compile(r"(\d+)#([0-9a-zA-Z]+)|0[xX][0-9a-fA-F]+|0[0-7]+|\d+|\$?\{?[A-Za-z_]\w*\}?")
_BINARY: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
_SIGN = 1 << 63


def _integer(text: str) -> int:
    if "#" in text:
        base, digits = text.split("#")
        return int(digits, int(base))
    if text[:2] in ("0x", "0X"):
        return int(text, 16)
    return int(text, 8) if len(text) > 1 and text[0] == "0" else int(text)


def _compute(node: ast.expr) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return int(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd | ast.Invert):
        inner = _compute(node.operand)
        return (
            -inner if isinstance(node.op, ast.USub) else ~inner if isinstance(node.op, ast.Invert) else inner
        )
    if isinstance(node, ast.BinOp):
        left, right = _compute(node.left), _compute(node.right)
        if isinstance(node.op, ast.LShift | ast.RShift):
            found = left << (right & 63) if isinstance(node.op, ast.LShift) else left >> (right & 63)
        elif isinstance(node.op, ast.Pow):
            found = pow(left, right, _SIGN * 2) if right >= 0 else int("")
        else:
            found = _BINARY[type(node.op)](left, right)
        return (found + _SIGN) % (_SIGN * 2) - _SIGN  # as the shell's 64 bits turn over
    raise ValueError("not constant")


def arithmetic(source: str, names: Names) -> Value:
    """`$((...))` where every operand is known; a hole otherwise. Commands inside are still analysed."""
    for body in substitutions(source):
        names.substitute(body)
    names.calculated(source)
    if len(source) > MAX_ARITHMETIC:
        cut(names, "characters in one calculation")
        return UNKNOWN

    def operand(match: re.Match[str]) -> str:
        text = match.group()
        if text[0].isdigit():
            return str(_integer(text))
        return str(_integer(names.lookup(text.strip("${}")).text.strip() or "0"))

    try:
        text = _NUMBER.sub(operand, source).strip().replace("/", "//")
        return Value(str(_compute(ast.parse(text, mode="eval").body)))
    except (RecursionError, MemoryError):
        cut(names, "levels in one calculation")
        return UNKNOWN
    except (ValueError, SyntaxError, KeyError, ArithmeticError):
        return UNKNOWN


def expand_parameter(body: str, names: Names) -> Value:
    """Evaluate the inside of `${...}`."""
    match = _HEAD.match(body)
    if match is None:
        return _nested(body, names)
    sign, flags, name, index = match.groups()
    rest = body[match.end() :]
    value = names.lookup(name)
    if index and index not in ("[@]", "[*]"):
        value = _indexed(index[1:-1], names.every(name), names)
    if sign.startswith("#") and not rest:
        return Value(str(len(value.text)), 0) if value.known else UNKNOWN
    if "!" in sign or (flags and "P" in flags):
        if not value.known:
            return UNKNOWN
        value = names.lookup(value.text) if re.fullmatch(r"\w+", value.text) else UNKNOWN
    if flags and "e" in flags:
        if not value.known and "PROMPT" not in name:
            names.substitute(HOLE)  # what stands in `$( )` there is run
        value = _again(value, names)
    elif flags:
        value = _zsh_flags(value, flags)
    if "~" in sign and value.text.startswith("~"):
        value = Value(names.home("") + value.text[1:], value.taint)
    return _operate(name, value, rest, names) if rest else value


def _nested(body: str, names: Names) -> Value:
    """zsh's `${(f)"$(command)"}` and `${${name}}`: what stands inside, expanded."""
    from .evaluate import inside_double

    inner = body.partition(")")[2] if body[:1] == "(" else body
    if len(inner) > 1 and inner[0] == '"' == inner[-1]:
        inner = inner[1:-1]
    elif not (inner.startswith("$(") and inner.endswith(")")) and not (
        inner.startswith("${") and inner.endswith("}")
    ):
        return UNKNOWN
    found = inside_double(inner, names)
    return Value(found.text.rstrip("\n"), found.taint)


def _indexed(index: str, values: list[Value], names: Names) -> Value:
    found = arithmetic(index, names)
    if not found.known:
        return UNKNOWN
    at = int(found.text) - (1 if names.shell in ("zsh", "fish") else 0)
    if len(values) == 1 and names.shell == "zsh" and values[0].known:
        text = values[0].text
        return Value(text[at], values[0].taint) if -len(text) <= at < len(text) else Value("")
    return values[at] if -len(values) <= at < len(values) else Value("")


def _zsh_flags(value: Value, flags: str) -> Value:
    text = value.text
    if "U" in flags:
        text = text.upper()
    if "L" in flags:
        text = text.lower()
    return Value(text, value.taint)


def _again(value: Value, names: Names) -> Value:
    """A value that is expanded a second time: `${x@P}`, zsh's `${(e)x}`."""
    from .evaluate import inside_double

    return Value(inside_double(value.text, names).text, value.taint)


def _operate(name: str, value: Value, rest: str, names: Names) -> Value:
    from .evaluate import one

    match = _OPERATOR.match(rest)
    if match is None:
        return Value(HOLE, value.taint)
    op, operand = match.group(), rest[match.end() :]
    unset = not value.text
    if op in (":-", "-", ":=", "="):
        if not unset and value.known:
            return value
        default = one(operand, names)
        if op in (":=", "="):
            names.assign(name, default)
        # An unknown variable may be unset: the default is what could surely happen.
        taint = default.taint | (0 if unset else Taint.DEFAULT)
        return Value(default.text, taint) if default.text or unset else value
    if op in (":+", "+"):
        return one(operand, names) if not unset else value
    if op in (":?", "?"):
        return value
    if op == ":":
        arithmetic(operand, names)
    if not value.known:
        return Value(HOLE, value.taint)
    return _transform(op, value, operand, names)


def _transform(op: str, value: Value, operand: str, names: Names) -> Value:
    from .evaluate import one

    text = value.text
    if op in ("^^", "^", ",,", ","):
        change = str.upper if "^" in op else str.lower
        return Value(change(text) if len(op) == 2 else change(text[:1]) + text[1:], value.taint)
    if op in ("#", "##", "%", "%%"):
        pattern = one(operand, names)
        return (
            Value(_strip(text, _glob(pattern), op, names), value.taint)
            if pattern.known
            else Value(HOLE, value.taint)
        )
    if op == ":":
        return _slice(value, operand, names)
    if op == "@":
        return _again(value, names) if operand == "P" else value
    return _replace(op, value, operand, names)


def _glob(pattern: Value) -> str:
    return re.sub(r"[*?\[]", lambda m: f"[{m.group()}]", pattern.text).translate(
        {ord(STAR): "*", ord(QUERY): "?", ord(CLASS): "["}
    )


def _strip(text: str, pattern: str, op: str, names: Names) -> str:
    if len(text) > MAX_MATCHED:
        cut(names, "characters for one pattern")
        return HOLE
    sizes = range(len(text) + 1)
    for size in sizes if len(op) == 1 else reversed(sizes):
        piece = text[:size] if op[0] == "#" else text[len(text) - size :]
        if fnmatch.fnmatchcase(piece, pattern):
            return text[size:] if op[0] == "#" else text[: len(text) - size]
    return text


def _slice(value: Value, operand: str, names: Names) -> Value:
    if names.shell == "zsh" and operand[:1].isalpha():
        return Value(_zsh_modifier(value.text, operand), value.taint)
    offset, _, length = operand.partition(":")
    start = arithmetic(offset.strip() or "0", names)
    size = arithmetic(length.strip(), names) if length.strip() else None
    if not start.known or (size is not None and not size.known):
        return Value(HOLE, value.taint)
    text = value.text[int(start.text) :]
    return Value(text if size is None else text[: int(size.text)], value.taint)


def _zsh_modifier(text: str, modifier: str) -> str:
    match modifier[0]:
        case "r":
            return text.rsplit(".", 1)[0]
        case "h":
            return text.rsplit("/", 1)[0] if "/" in text else "."
        case "t":
            return text.rsplit("/", 1)[-1]
        case "e":
            return text.rsplit(".", 1)[-1] if "." in text else ""
        case "l" | "u":
            return text.lower() if modifier[0] == "l" else text.upper()
        case "a" | "A" | "q" | "Q":
            return text
        case _:
            return HOLE


def _replace(op: str, value: Value, operand: str, names: Names) -> Value:
    from .evaluate import one

    between = re.search(r"(?<!\\)/", operand)
    old = one(operand[: between.start()] if between else operand, names)
    new = one(operand[between.end() :] if between else "", names)
    if not (old.known and old.text and new.known):
        return Value(HOLE, value.taint)
    if len(value.text) > MAX_MATCHED or len(value.text) * len(new.text) > MAX_EXPANSION:
        cut(names, "characters for one pattern")
        return Value(HOLE, value.taint)
    body = fnmatch.translate(_glob(old)).removeprefix("(?s:").removesuffix(")\\Z").removesuffix(")\\z")
    anchored = {"/#": f"\\A(?:{body})", "/%": f"(?:{body})\\Z"}.get(op, body)
    try:
        found = re.sub(
            anchored, lambda _: show(new.text), value.text, count=0 if op == "//" else 1, flags=re.S
        )
    except re.error:
        return Value(HOLE, value.taint)
    return Value(found, value.taint)
