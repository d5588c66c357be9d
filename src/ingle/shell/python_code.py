"""Reads Python one-liners with `ast` and reports what they delete, run, send or open; runs nothing."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING

from . import python_loops, python_values, targets
from .code import inherited
from .finding import Level
from .limits import MAX_NODES, cut
from .sql import judge_models, judge_sql, looks_like_sql
from .words import EMPTY, HOLE, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from .machine import Machine

_SHELL = frozenset(
    "os.system os.popen commands.getoutput subprocess.getoutput subprocess.getstatusoutput os.popen2 os.popen3 "
    "asyncio.create_subprocess_shell".split()
)
_SPAWN = frozenset(
    "subprocess.run subprocess.call subprocess.check_call subprocess.check_output subprocess.Popen pty.spawn "
    "os.execv os.execvp os.execl os.execlp os.execve os.execle os.spawnl os.spawnv os.spawnvp os.posix_spawn "
    "asyncio.create_subprocess_exec".split()
)
_DELETE = frozenset("os.remove os.unlink os.rmdir os.removedirs send2trash.send2trash".split())
_SENT = frozenset(
    "requests.post requests.put requests.get requests.patch httpx.post httpx.put httpx.get urllib.request.urlopen "
    "urllib.request.Request http.client.HTTPConnection smtplib.SMTP ftplib.FTP urllib.urlopen urllib2.urlopen".split()
)
_FETCH = frozenset("urllib.request.urlretrieve wget.download".split())
_RUNS_VALUE = frozenset(
    "exec eval compile execfile runpy.run_path pickle.loads pickle.load marshal.loads yaml.load".split()
)


class _Reader(ast.NodeVisitor):
    """One walk over a module in source order."""

    def __init__(self, machine: Machine, args: list[Value], stdin: Value) -> None:
        self.machine = machine
        self.values = python_values.Values(machine, args, stdin)
        self.sockets = False
        self.loops = 0

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.values.names[alias.asname or alias.name.partition(".")[0]] = (
                alias.name if alias.asname else alias.name.partition(".")[0]
            )

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self.values.names[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            self.values.bind(target, node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.generic_visit(node)
        self.values.bind(node.target, node.value)

    def visit_withitem(self, node: ast.withitem) -> None:
        self.generic_visit(node)
        if node.optional_vars is not None:
            self.values.bind(node.optional_vars, node.context_expr)

    def visit_For(self, node: ast.For) -> None:
        self.values.bind_item(node.target, node.iter)
        self.generic_visit(node)
        if isinstance(node.target, ast.Name):
            for item in self.values.items(node.iter)[1:]:
                self.values.held[node.target.id] = item
                for statement in node.body:
                    self.visit(statement)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self.values.bind_item(node.target, node.iter)
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        for part in (*node.generators, node.elt):
            self.visit(part)

    # `ast` asks for these names (N815), and each of these nodes has the two parts that are read (assignment).
    visit_SetComp = visit_GeneratorExp = visit_ListComp  # type: ignore[assignment]  # noqa: N815  # as said above

    def visit_While(self, node: ast.While) -> None:
        self.loops += 1
        self.generic_visit(node)
        self.loops -= 1
        inner = {type(part) for part in ast.walk(node)}
        called = {
            part.func.attr
            for part in ast.walk(node)
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute)
        }
        endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
        if (
            endless
            and called & {"Popen", "start", "fork", "Thread", "Process"}
            and "sleep" not in called | {"join"} & called
        ):
            self.machine.report(Level.CRITICAL, "exhaust", "starts processes in a loop that never ends")
        endless = endless and not inner & {ast.Break, ast.Return, ast.Raise} and "sleep" not in called
        if endless and (ast.AugAssign in inner or called & {"append", "extend", "add", "insert"}):
            self.machine.report(Level.HIGH, "exhaust", "takes memory in a loop that never ends")

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult) and isinstance(node.left, ast.Constant | ast.List | ast.Call):
            if isinstance(node.left, ast.Constant) and not isinstance(node.left.value, str | bytes):
                return
            if python_values.amount(node.right) >= 10**10:
                self.machine.report(Level.HIGH, "exhaust", "asks for more memory than there is")

    def visit_Expr(self, node: ast.Expr) -> None:
        what = node.value.func if isinstance(node.value, ast.Call) else node.value
        if isinstance(what, ast.Name) and what.id == "__unknown__":
            self.machine.report(Level.HIGH, "opaque", "runs code of which a part is not known before it runs")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = self.values.name_of(node.func)
        self.generic_visit(node)
        if name:
            self._call(name, node)
        method = name.rpartition(".")[2]
        if (
            method in ("execute", "executescript", "executemany", "query", "text", "raw", "run", "exec")
            and node.args
        ):
            statement = self.values.of(node.args[0])
            if looks_like_sql(statement.text):
                judge_sql(self.machine, statement)

    def _call(self, name: str, node: ast.Call) -> None:
        machine, values = self.machine, self.values
        first = values.of(node.args[0]) if node.args else EMPTY
        method = name.rpartition(".")[2]
        if name in _SHELL:
            machine.source(first.text, inherited(machine)) if first.text.strip(HOLE) else self._opaque()
        elif name in _SPAWN:
            self._spawn(name, node, first)
        elif name in _RUNS_VALUE:
            self._run(name, first)
        elif name in ("socket.socket", "socket.create_connection", "socket.create_server"):
            self.sockets = True
        elif name in ("os.dup2", "pty.openpty") and self.sockets:
            self._backdoor()
        elif name in ("os.fork", "multiprocessing.Process") and self.loops:
            machine.report(Level.CRITICAL, "exhaust", "starts processes without end: a fork bomb")
        elif name in ("os.kill", "os.killpg"):
            self._kill(first)
        elif name == "ctypes.CDLL" or method == "LoadLibrary":
            machine.report(Level.HIGH, "load", "loads compiled code by its path")
        elif name in ("os.setuid", "os.setgid", "os.setresuid") and first.text == "0":
            machine.report(Level.CRITICAL, "privilege", "becomes root")
        else:
            self._file(name, method, node, first)

    def _file(self, name: str, method: str, node: ast.Call, first: Value) -> None:
        machine, values = self.machine, self.values
        if name == "shutil.rmtree":
            targets.delete(machine, first, tree=True)
        elif name in _DELETE:
            targets.delete(machine, first, tree=False)
        elif name in ("open", "io.open", "os.open", "codecs.open"):
            self._open(node, first)
        elif name in (
            "shutil.copy",
            "shutil.copyfile",
            "shutil.copy2",
            "shutil.copytree",
            "shutil.move",
            "os.rename",
            "os.replace",
        ):
            if "move" in name or name.startswith("os."):
                targets.delete(machine, first, tree=True, moved=True)
            target = values.of(node.args[1]) if len(node.args) > 1 else UNKNOWN
            targets.write(machine, target, Value(HOLE, targets.read(machine, first, shows=False)))
        elif name in ("os.chmod", "os.chown", "os.lchown"):
            self._mode(node, first)
        elif name in ("os.symlink", "os.truncate", "os.link"):
            targets.write(machine, values.of(node.args[-1]) if name != "os.truncate" else first, UNKNOWN)
        elif name in _SENT or method in ("sendall", "send", "sendto", "storbinary", "sendmail"):
            self._send(node)
        elif name in _FETCH:
            targets.write(
                machine,
                values.of(node.args[1]) if len(node.args) > 1 else UNKNOWN,
                Value(HOLE, Taint.NETWORK),
            )
        elif isinstance(node.func, ast.Attribute) and method in (
            "unlink",
            "rmdir",
            "write_text",
            "write_bytes",
            "touch",
            "chmod",
        ):
            self._path_method(method, node.func)
        elif method in ("putenv", "setdefault") and first.text in ("LD_PRELOAD", "DYLD_INSERT_LIBRARIES"):
            machine.report(Level.HIGH, "load", "makes programs load other code")

    def _path_method(self, method: str, func: ast.Attribute) -> None:
        owner = self.values.of(func.value)
        if method in ("unlink", "rmdir"):
            targets.delete(self.machine, owner, tree=False)
        elif method.startswith("write"):
            targets.write(self.machine, owner, UNKNOWN)

    def _open(self, node: ast.Call, first: Value) -> None:
        mode = self.values.of(node.args[1]).text if len(node.args) > 1 else "r"
        mode = next((self.values.of(word.value).text for word in node.keywords if word.arg == "mode"), mode)
        if any(letter in mode for letter in "wax+"):
            content = Value(HOLE, Taint.ENDLESS if self.loops else 0)
            targets.write(self.machine, first, content, append="a" in mode)
        else:
            targets.read(self.machine, first)

    def _mode(self, node: ast.Call, first: Value) -> None:
        from .commands.modes import judge_mode

        mode = self.values.of(node.args[1]) if len(node.args) > 1 else UNKNOWN
        number = mode.text
        judge_mode(
            self.machine, format(int(number), "o") if number.isdigit() else number, first, recursive=False
        )

    def _spawn(self, name: str, node: ast.Call, first: Value) -> None:
        machine = self.machine
        if name == "pty.spawn" and self.sockets:
            self._backdoor()
            return
        words = self.values.list_of(node.args[0]) if node.args else None
        if name.startswith("os.exec") or name.startswith("os.spawn"):
            listed = self.values.list_of(node.args[1]) if len(node.args) > 1 else None
            words = listed or [self.values.of(part) for part in node.args[1:]]
            words = [first, *words[1:]]
        taint = Value("", Taint.INTERACTIVE) if self.sockets else EMPTY
        if words:
            out = machine.call(words, EMPTY)
        elif first.text.strip(HOLE):
            out = machine.source(first.text, UNKNOWN)
        else:
            self._opaque()
            return
        if taint.taint and out.has(Taint.INTERACTIVE):
            self._backdoor()

    def _run(self, name: str, first: Value) -> None:
        from .code import run_text

        if name.startswith(("pickle", "marshal", "yaml", "runpy")):
            if first.has(Taint.NETWORK | Taint.DECODED) or name.startswith(("pickle", "marshal")):
                self.machine.report(Level.HIGH, "opaque", "loads objects that may run any code")
            return
        run_text(self.machine, first, "python", [])

    def _kill(self, first: Value) -> None:
        if first.text in ("-1", "0"):
            self.machine.report(Level.HIGH, "kill", "ends every process you own")
        else:
            self.machine.report(Level.MODERATE, "kill", "ends a process")

    def _send(self, node: ast.Call) -> None:
        for part in (*node.args, *(word.value for word in node.keywords)):
            if self.values.of(part).has(Taint.SECRET):
                targets.leak(self.machine, EMPTY)

    def _backdoor(self) -> None:
        self.machine.report(
            Level.CRITICAL, "backdoor", "gives another host an interactive shell on this machine"
        )

    def _opaque(self) -> None:
        self.machine.report(Level.HIGH, "opaque", "runs a shell command that is not known before it runs")


def analyse(machine: Machine, text: str, args: list[Value], stdin: Value) -> Value:
    """Report what Python code does; gives what it prints when that is constant."""
    source = text.replace(HOLE, "__unknown__")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text = source.strip("\n") if not source.startswith((" ", "\t")) else source.strip()
            tree = ast.parse(text, filename="")  # an error makes the parser open the file it is told: none
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        machine.report(Level.HIGH, "unread", "this Python code could not be read")
        return UNKNOWN
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        cut(machine, "nodes of Python code")
        return UNKNOWN
    judge_models(machine, text)
    reader = _Reader(machine, args, stdin)
    try:
        reader.visit(tree)
    except RecursionError:
        machine.report(Level.HIGH, "unread", "this Python code is nested deeper than is read")
    python_loops.judge_loops(machine, tree, reader.values.name_of)
    return reader.values.printed(tree)
