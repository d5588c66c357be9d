"""Consoles of web frameworks: code and statements in their arguments, tasks by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import call, spec
from ..arguments import Arguments
from ..code import run_text
from ..finding import Level
from ..sql import judge_models, judge_sql
from ..unread_code import judge_unread
from ..words import EMPTY, UNKNOWN, Value

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command

_DJANGO_READS = frozenset(
    "check showmigrations test shell makemessages diffsettings runserver help sqlmigrate".split()
)
# framework: its language, subcommands that take code, options that carry code, subcommands that take SQL
_CONSOLES: dict[str, tuple[str, frozenset[str], tuple[str, ...], frozenset[str]]] = {
    "rails": ("ruby", frozenset(("runner", "r")), (), frozenset()),
    "artisan": ("php", frozenset(), ("--execute",), frozenset(("doctrine:query:sql", "dbal:run-sql", "db"))),
    "wp": ("php", frozenset(("eval",)), ("--exec",), frozenset(("query",))),
    "drush": (
        "php",
        frozenset(("php-eval", "php:eval", "ev", "eval")),
        (),
        frozenset(("sql-query", "sql:query", "sqlq")),
    ),
    "mix": ("elixir", frozenset(("eval",)), ("-e", "--eval"), frozenset()),
    "flask": ("python", frozenset(), (), frozenset()),
}


def django(machine: Machine, rest: list[Value], stdin: Value) -> Value:
    """`python manage.py TASK …`."""
    task = rest[0].text
    arguments = Arguments(rest[1:], frozenset(("-c", "--command", "--database", "--settings")))
    code = arguments.value("-c", "--command")
    if task in ("shell", "shell_plus") and (code is not None or stdin.text):
        return run_text(machine, code or stdin, "python", [], inline=code is not None)
    if task == "dbshell" and (code is not None or stdin.text):
        judge_sql(machine, code or stdin)
    elif task in ("flush", "reset_db", "sqlflush", "drop_db", "delete_all", "drop_test_database"):
        machine.report(
            Level.HIGH,
            "delete",
            "empties every table of the application's database",
        )
    elif task == "migrate" and any(word.text == "zero" for word in arguments.rest):
        machine.report(Level.HIGH, "database", "takes every table of an application away")
    elif task not in _DJANGO_READS:
        machine.report(Level.MODERATE, "execute", "runs a management task")
    return UNKNOWN


def console(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """Code and SQL given to a framework's own command, then the rules of its tasks."""
    language, tasks, options, queries = _CONSOLES[name]
    arguments = Arguments(words, frozenset((*options, "-e", "--environment", "--path", "--url")))
    rest = arguments.rest
    codes = arguments.each(*options)
    if rest and rest[0].text in tasks:
        codes = codes + rest[1:2]
    elif stdin is not EMPTY and rest and rest[0].text in ("console", "c", "tinker", "shell", "php-cli"):
        codes = [*codes, stdin]
    for code in codes:
        judge_models(machine, code.text)
        if language in ("ruby", "php", "python") and not code.text.endswith((".rb", ".php", ".py")):
            run_text(machine, code, language, [], inline=True)
        else:
            judge_unread(machine, code.text)
        machine.report(Level.MODERATE, "execute", "runs code inside the application")
    if any(word.text in queries for word in rest[:2]):
        for word in rest[1:]:
            judge_sql(machine, word)
    entry = spec.find(name)
    if entry is not None:
        call.judge(machine, entry, words, stdin)
    return UNKNOWN


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(("rails", "wp", "drush", "mix", "flask"), console),
}
