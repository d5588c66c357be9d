"""Evaluates constant Python expressions to abstract values, and names what is being called; pure."""

from __future__ import annotations

import ast
import base64
import codecs
import re
import zlib
from typing import TYPE_CHECKING

from .limits import MAX_TEXT, cut
from .paths import HOME
from .rounds import chosen
from .words import EMPTY, HOLE, STAR, UNKNOWN, Taint, Value, bounded, joined, replaced

if TYPE_CHECKING:
    from .machine import Machine

_FETCHERS = ("urlopen", "urlretrieve", "requests.get", "httpx.get", "requests.post", "recv", "HTTPConnection")
# Text that names nothing and starts nothing, however often it stands there.
_PADDING = re.compile(r"[\w \n\t.#=_*+\x00-]{1,4}|\d+")
_READERS = (
    "read",
    "readlines",
    "readline",
    "read_text",
    "read_bytes",
    "text",
    "content",
    "decode",
    "encode",
    "strip",
    "json",
)


def amount(node: ast.expr) -> int:
    """A constant number, powers and shifts worked out; 0 when it is none."""
    match node:
        case ast.Constant(value=int(number) | float(number)):
            return int(min(number, 1e18))
        case ast.BinOp(left=left, op=ast.Pow(), right=right) if amount(right) < 64:
            return min(amount(left) ** amount(right), 10**18) if amount(left) < 10**6 else 10**18
        case ast.BinOp(left=left, op=ast.LShift(), right=right) if amount(right) < 64:
            return amount(left) << amount(right)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return amount(left) * amount(right)
    return 0


class Values:
    """The names of one script and what they hold, as far as it is constant."""

    def __init__(self, machine: Machine, args: list[Value], stdin: Value) -> None:
        self.machine = machine
        self.args = args
        self.stdin = stdin
        self.names: dict[str, str] = {}
        self.held: dict[str, Value] = {}
        self.lists: dict[str, list[Value]] = {}

    def name_of(self, node: ast.expr) -> str:
        """The dotted name an expression calls, imports and `getattr` resolved."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            return f"{self.name_of(node.value)}.{node.attr}"
        if isinstance(node, ast.Call):
            inner = self.name_of(node.func)
            if inner in ("__import__", "importlib.import_module") and node.args:
                return self.of(node.args[0]).text
            if inner == "getattr" and len(node.args) > 1:
                return f"{self.name_of(node.args[0])}.{self.of(node.args[1]).text}"
            return inner
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute | ast.Call | ast.Name):
            return f"{self.name_of(node.value)}.{self.of(node.slice).text}"
        return ""

    def bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, other in zip(target.elts, value.elts, strict=False):
                self.bind(one, other)
        elif isinstance(target, ast.Name):
            self.held[target.id] = self.of(value)
            listed = self.list_of(value)
            if listed is not None:
                self.lists[target.id] = listed
            if isinstance(value, ast.Attribute | ast.Name | ast.Call) and (name := self.name_of(value)):
                self.names[target.id] = name
        elif isinstance(target, ast.Subscript) and self.name_of(target.value) == "os.environ":
            self.machine.assign(self.of(target.slice).text, self.of(value))

    def bind_item(self, target: ast.expr, values: ast.expr) -> None:
        if not isinstance(target, ast.Name):
            if isinstance(target, ast.Tuple) and target.elts:
                self.bind_item(target.elts[0], values)
            return
        self.held[target.id] = self.items(values)[0]

    def items(self, values: ast.expr) -> list[Value]:
        """What a loop over `values` meets, one after the other; where that is not known, or too much, unknown."""
        listed = self.list_of(values)
        if not listed:
            return [self.of(values)]
        return list(chosen(self.machine, listed, "values in one loop"))

    def list_of(self, node: ast.expr) -> list[Value] | None:
        if isinstance(node, ast.List | ast.Tuple):
            return [self.of(part) for part in node.elts]
        if isinstance(node, ast.Name):
            return self.lists.get(node.id)
        if isinstance(node, ast.Call) and self.name_of(node.func).endswith((".split", "shlex.split")):
            owner = node.func.value if isinstance(node.func, ast.Attribute) and not node.args else None
            text = self.of(owner or (node.args[0] if node.args else node)).text
            return [Value(part) for part in text.split()] or None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.list_of(node.left), self.list_of(node.right)
            return left + right if left and right else None
        return None

    def of(self, node: ast.expr) -> Value:
        """The value of an expression; a hole with its taint when it is not constant."""
        match node:
            case ast.Constant(value=str(text)):
                return Value(text.replace("__unknown__", HOLE))
            case ast.Constant(value=bytes(raw)):
                return Value(raw.decode("latin-1"))
            case ast.Constant(value=found):
                return Value(str(found))
            case ast.Name(id=name):
                return self.held.get(name, UNKNOWN)
            case ast.JoinedStr(values=parts):
                return self._concat([self.of(part) for part in parts])
            case ast.FormattedValue(value=inner):
                return self.of(inner)
            case ast.BinOp():
                return self._binary(node)
            case ast.Subscript():
                return self._subscript(node)
            case ast.Call():
                return self._call(node)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return Value("-" + self.of(inner).text)
            case ast.Attribute(value=inner, attr=attr):
                return self._attribute(node, inner, attr)
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                return Value(HOLE, self._concat([self.of(part) for part in parts]).taint)
            case ast.Dict(values=parts):
                return Value(HOLE, self._concat([self.of(part) for part in parts]).taint)
        return UNKNOWN

    def _concat(self, parts: list[Value]) -> Value:
        return joined(self.machine, parts, "")

    def _binary(self, node: ast.BinOp) -> Value:
        left, right = self.of(node.left), self.of(node.right)
        taint = left.taint | right.taint
        if isinstance(node.op, ast.Add):
            return bounded(self.machine, left.text + right.text, taint)
        if isinstance(node.op, ast.Div):
            whole = right.text if right.text.startswith("/") else f"{left.text}/{right.text}"
            return bounded(self.machine, whole, taint)
        if isinstance(node.op, ast.Mult) and right.text.isdigit() and left.known:
            return self._repeated(left.text, int(right.text), taint)
        if isinstance(node.op, ast.Mod):
            return replaced(self.machine, left.text, "%s", right.text, taint)
        return Value(HOLE, taint)

    def _repeated(self, text: str, count: int, taint: int) -> Value:
        """Text many times over; a number times a number is one too, and padding that is too long is unknown text."""
        if len(text) * count <= MAX_TEXT:
            return Value(text * count, taint)
        if not _PADDING.fullmatch(text):
            cut(self.machine, "characters in one text")
        return Value(HOLE, taint)

    def _attribute(self, node: ast.Attribute, inner: ast.expr, attr: str) -> Value:
        name = self.name_of(node)
        if name == "os.environ":
            return Value(HOLE, Taint.SECRET)
        if name == "os.sep":
            return Value("/")
        if attr in ("text", "content", "stdout", "parent", "name"):
            return Value(HOLE, self.of(inner).taint)
        return UNKNOWN

    def _subscript(self, node: ast.Subscript) -> Value:
        if self.name_of(node.value) == "os.environ":
            return self.machine.lookup(self.of(node.slice).text)
        if self.name_of(node.value) == "sys.argv":
            index = self.of(node.slice).text
            return self.args[int(index)] if index.isdigit() and int(index) < len(self.args) else UNKNOWN
        value = self.of(node.value)
        part = node.slice
        if not value.known:
            return Value(HOLE, value.taint)
        try:
            if isinstance(part, ast.Slice):
                bounds = [
                    int(self.of(edge).text) if edge is not None else None
                    for edge in (part.lower, part.upper, part.step)
                ]
                return Value(value.text[slice(*bounds)], value.taint)
            return Value(value.text[int(self.of(part).text)], value.taint)
        except (ValueError, IndexError):
            return Value(HOLE, value.taint)

    def _call(self, node: ast.Call) -> Value:
        name = self.name_of(node.func)
        method = name.rpartition(".")[2]
        arguments = [self.of(part) for part in node.args]
        taint = self._concat(arguments).taint
        owner = self.of(node.func.value) if isinstance(node.func, ast.Attribute) else EMPTY
        if any(part in name for part in _FETCHERS):
            return Value(HOLE, Taint.NETWORK | taint)
        if (
            name in ("open", "io.open", "Path", "pathlib.Path", "str", "os.fspath", "bytes", "bytearray")
            and arguments
        ):
            return self._opened(name, arguments)
        if name.endswith(
            ("expanduser", "Path.home", "os.getcwd", "expandvars", "abspath", "os.path.join", "Path.cwd")
        ):
            return self._path(name, method, arguments, owner)
        if method in _READERS:
            return Value(
                owner.text if method in ("decode", "encode", "strip") else HOLE,
                owner.taint | self._file_taint(node),
            )
        found = self._decode(name, method, arguments, owner)
        if found is not None:
            return found
        if method in ("glob", "iglob", "rglob", "listdir", "walk", "scandir", "iterdir"):
            return self._listing(method, arguments, owner)
        if name in ("sys.stdin.read", "input"):
            return Value(HOLE, self.stdin.taint)
        if name in ("os.getenv", "os.environ.get") and arguments:
            return self.machine.lookup(arguments[0].text)
        return Value(HOLE, taint | owner.taint)

    def _listing(self, method: str, arguments: list[Value], owner: Value) -> Value:
        live = arguments[0].text.replace("*", STAR) if arguments else ""
        if method in ("glob", "iglob") and owner in (EMPTY, UNKNOWN):
            return Value(live, 0)
        top = owner.text if owner not in (EMPTY, UNKNOWN) else live or "."
        return Value(
            f"{top}/{STAR}" if method not in ("glob", "rglob") else f"{top}/{live}", Taint.EVERYTHING
        )

    def _file_taint(self, node: ast.Call) -> int:
        from .paths import resolve
        from .secret_paths import is_secret

        inner = node.func.value if isinstance(node.func, ast.Attribute) else None
        if inner is None:
            return 0
        value = self.of(inner)
        secret = value.known and value.text and is_secret(resolve(value.text, self.machine.state.cwd))
        return Taint.SECRET if secret else 0

    def _opened(self, name: str, arguments: list[Value]) -> Value:
        from .paths import resolve
        from .secret_paths import is_secret

        first = arguments[0]
        if "open" in name and first.known and is_secret(resolve(first.text, self.machine.state.cwd)):
            return Value(first.text, first.taint | Taint.SECRET)
        return first

    def _path(self, name: str, method: str, arguments: list[Value], owner: Value) -> Value:
        if name.endswith("Path.home"):
            return Value(HOME)
        if method in ("getcwd", "cwd"):
            return Value(self.machine.state.cwd)
        if method == "join":
            text = ""
            for part in arguments:
                text = (
                    part.text if part.text.startswith("/") or not text else f"{text.rstrip('/')}/{part.text}"
                )
            return bounded(self.machine, text, self._concat(arguments).taint)
        first = arguments[0] if arguments else owner
        text = first.text
        if text.startswith("~"):
            text = HOME + text[1:]
        return Value(text.replace("$HOME", HOME), first.taint)

    def _decode(self, name: str, method: str, arguments: list[Value], owner: Value) -> Value | None:
        first = arguments[0] if arguments else EMPTY
        try:
            if method in ("b64decode", "urlsafe_b64decode", "decodebytes"):
                return (
                    Value(base64.b64decode(first.text + "==").decode("latin-1"), first.taint)
                    if first.known
                    else UNKNOWN
                )
            if method in ("fromhex", "unhexlify"):
                return Value(bytes.fromhex(first.text).decode("latin-1"), first.taint)
            if (
                name in ("codecs.decode", "codecs.encode")
                and len(arguments) > 1
                and "13" in arguments[1].text
            ):
                return Value(codecs.decode(first.text, "rot13"), first.taint)
            if method == "decompress" and first.known:
                raw = zlib.decompressobj().decompress(first.text.encode("latin-1"), MAX_TEXT + 1)
                return bounded(self.machine, raw.decode("latin-1"), Taint.DECODED * (len(raw) > MAX_TEXT))
        except (ValueError, zlib.error):
            return Value(HOLE, Taint.DECODED)
        if name == "chr" and first.text.isdigit() and int(first.text) < 0x110000:
            return Value(chr(int(first.text)))
        if method == "join" and owner.known:
            return (
                Value(HOLE, first.taint | Taint.DECODED)
                if not first.known
                else Value(first.text, first.taint)
            )
        if method == "replace" and len(arguments) == 2 and owner.known:
            return replaced(self.machine, owner.text, arguments[0].text, arguments[1].text, owner.taint)
        if method == "format" and owner.known:
            return replaced(self.machine, owner.text, "{}", first.text, owner.taint)
        return None

    def printed(self, tree: ast.Module) -> Value:
        """What `print(...)` calls write, when the script does little else."""
        text, taint = "", 0
        for statement in tree.body:
            node = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(node, ast.Call) and self.name_of(node.func) in ("print", "sys.stdout.write"):
                parts = [self.of(part) for part in node.args]
                text += " ".join(part.text for part in parts) + "\n"
                taint |= self._concat(parts).taint
        return Value(text or HOLE, taint)
