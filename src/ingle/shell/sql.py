"""Reads SQL by its statements: what it drops, empties, changes without a key, or runs outside the database."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .balance import broken
from .finding import Level
from .words import HOLE, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from .machine import Machine

_TEXT = re.compile(r"'(?:[^']|'')*'|\$\$.*?\$\$|--[^\n]*|/\*.*?\*/", re.S)
_KEY = re.compile(r"\bwhere\b(.*)", re.S)
_ALWAYS = re.compile(
    r"(?:.*\bor\b)?[\s(]*+(?:true|1|not\s++false|exists\s*+\(\s*+select\s++1\s*+\)|\w*id\s++is\s++not\s++null|"
    r"\w*id\s*+(?:>=?|<>|!=)\s*+(?:0|-\s*+1)|\w++\s++i?like\s++'%'|([\w.]++|'')\s*+(?:<=|>=|==?|<=>)\s*+\1|1\s*+(?:<>|!=|>)\s*+0|"
    r"0\s*+(?:<>|!=|<)\s*+1)[\s)]*+;?\s*+\Z",
    re.S,
)
_RULES: tuple[tuple[re.Pattern[str], Level, str], ...] = tuple(
    (re.compile(pattern, re.S), level, consequence)
    for pattern, level, consequence in (
        (r"\bdrop\s+(?:database|schema|catalog)\b", Level.HIGH, "drops a whole database"),
        (
            r"\bdrop\s+owned\b|\bdrop\s+(?:tablespace|keyspace|user|role)\b",
            Level.HIGH,
            "drops what a user owns, or the user",
        ),
        (
            r"\bdrop\s+(?:table|materialized|collection|partition|column)\b",
            Level.HIGH,
            "drops a table with its rows",
        ),
        (r"^\s*alter\s+table\b.*\bdrop\b", Level.HIGH, "drops a column with its values"),
        (r"^\s*truncate\b", Level.HIGH, "empties a table"),
        (
            r"\b(?:to|from)\s+program\b|\bxp_cmdshell\b|\bsys_exec\b|\bsp_oacreate\b|\bdbms_scheduler\b",
            Level.HIGH,
            "runs a program on the database's host",
        ),
        (r"\binto\s+(?:outfile|dumpfile)\b", Level.HIGH, "writes a file on the database's host"),
        (r"\bgrant\s+all\b|\bsuperuser\b|with\s+grant\s+option", Level.HIGH, "grants every right"),
        (r"\bshutdown\b", Level.HIGH, "stops the database"),
        (
            r"^\s*(?:purge\s+(?:binary|master)\s+logs|reset\s+(?:master|binary\s+logs|(?:replica|slave)\s+all))",
            Level.HIGH,
            "deletes the logs from which the database could be put back",
        ),
        (
            r"^\s*system\s+drop\s+replica\b|^\s*restore\s+database\b.*\breplace\b",
            Level.HIGH,
            "replaces or drops a whole database",
        ),
        (
            r"\bflush\s+privileges|\bset\s+password\b|\balter\s+user\b|\bcreate\s+(?:user|role)\b|\bgrant\b|\brevoke\b",
            Level.MODERATE,
            "changes who may use the database",
        ),
        (
            r"^\s*(?:insert|update|delete|replace|create|alter|merge|vacuum|reindex|drop|call|do|load|import|attach|set|kill|analyze|optimize|refresh|begin|commit|rollback|use|rename|lock|comment|reset|purge|flush|stop|start|restore|backup|execute|exec|prepare|detach|checkpoint|cluster|dbcc|install|uninstall|discard|clone|undrop)\b",
            Level.MODERATE,
            "changes the database",
        ),
    )
)


def statement_level(statement: str) -> tuple[Level, str]:
    """The level of one statement in lower case, its string literals taken out."""
    change = re.match(r"\s*(?:with\b.*?\)\s*|explain analyze\s*)?(delete\s+from|update)\b", statement, re.S)
    if change:
        key = _KEY.search(statement)
        if key is None or _ALWAYS.match(key.group(1)):
            return Level.HIGH, "changes every row of a table" if change[
                1
            ] == "update" else "deletes every row of a table"
        return Level.MODERATE, "changes the rows that its condition names"
    for pattern, level, consequence in _RULES:
        if pattern.search(statement):
            return level, consequence
    return Level.SAFE, ""


_STATEMENT = re.compile(
    r"\s*(?:drop|delete\s+from|truncate|update\s+\w|alter|insert\s+into|create|grant|replace\s+into|pragma|with|select)\b",
    re.I,
)
_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.S)
_MODELS = re.compile(
    r"\.(?:delete_all|destroy_all|truncate!?|drop_all|drop_table|drop_database|dropDatabase|drop_collection|flushall|flushdb|flushAll|"
    r"flushDb)\b|objects\.all\(\)(?:\.\w+\(\))*\.(?:delete|update)\(|query\(\)\.delete\(\)|\bquery\.delete\(\)|->(?:truncate|delete)\(\s*\)|"
    r"Repo\.delete_all|deleteMany\(\s*(?:\{\s*(?:where:\s*\{\s*\}\s*)?\})?\s*\)|delete_many\(\s*\{\s*\}|\bdb:drop|sync\(\s*\{\s*force:\s*true|"
    r"remove\(\s*\{\s*\}\s*\)|dropIndexes|schema_editor.*delete_model|metadata\.drop"
)


# Words of the protocols of caches, search engines and coordinators that empty or stop them.
_PROTOCOLS = re.compile(
    r"(?im)^\s*(?:flushall|flushdb|flush_all|shutdown|config set dir|slaveof|replicaof|debug segfault|DELETE /\S* HTTP)"
)


def looks_destructive(text: str) -> bool:
    """Whether text sent to a service in its own protocol empties or stops it."""
    return bool(_PROTOCOLS.search(text))


def looks_like_sql(text: str) -> bool:
    return bool(_STATEMENT.match(text))


def judge_models(machine: Machine, code: str) -> None:
    """Report what code does to a database through its objects, without a statement to be read."""
    if _MODELS.search(_LITERAL.sub("''", code)):
        machine.report(
            Level.HIGH,
            "database",
            "empties or drops tables through the program's own objects",
        )


def _blank(match: re.Match[str]) -> str:
    """Literals without what they say, comments as a space; a pattern for everything stays one."""
    text = match[0]
    if text[0] != "'":
        return " "
    return "'%'" if text.strip("'%") == "" and "%" in text else "''"


_PREPARED = re.compile(
    r"\b(?:prepare\s+\w+\s+from|execute\s+immediate|exec(?:ute)?\s*\(|sp_executesql)\s*N?(?:'((?:[^']|'')*)'|(@\w+|\w+\s*\())",
    re.I,
)
_BLOCK = re.compile(r"\bdo\s+(?:language\s+\w+\s+)?(\$\w*\$)", re.I)
_OPENING = re.compile(r"\A(?:\s*\b(?:begin|loop|then|else|declare)\b)+", re.I)


def _made(machine: Machine, value: Value) -> None:
    """Statements inside a statement: a block's own, those in a literal that is executed, and those made on the way."""
    for literal, unknown in _PREPARED.findall(value.text):
        if unknown:
            machine.report(Level.HIGH, "opaque", "runs a statement that is made before it runs")
        else:
            judge_sql(machine, Value(literal.replace("''", "'"), value.taint))
    for opening in _BLOCK.finditer(value.text):
        end = value.text.find(opening[1], opening.end())
        inner = _TEXT.sub(_blank, value.text[opening.end() : end]) if end >= 0 else ""
        if re.search(r"\bexecute\b", inner, re.I):
            machine.report(Level.HIGH, "opaque", "runs a statement that is made before it runs")
        for part in inner.split(";"):
            level, consequence = statement_level(_OPENING.sub("", part).lower())
            machine.report(level, "database", consequence)


def judge_sql(machine: Machine, value: Value) -> None:
    """Report what a text of SQL statements does."""
    program = re.search(r"(?:to|from)\s+program\s+'((?:[^']|'')*)'", value.text, re.I)
    if program:
        machine.source(program[1].replace("''", "'"), UNKNOWN)
    for shell in re.findall(r"(?m)^\s*(?:\\!|\.shell|\.system|system|\\system)\s+(.+)$", value.text):
        machine.source(shell, UNKNOWN)
    if re.search(
        r"(?m)^\s*\.load\b|\bload_extension\s*\(|\bwritefile\s*\(|\bsoname\s+'|\blo_export\s*\(|language\s+'?(?:c|plpython3?u|plperlu)\b",
        value.text,
        re.I,
    ):
        machine.report(Level.HIGH, "load", "loads code into the database, or writes files past it")
    if re.match(r"\s*\.(?:save|backup|output|clone|restore|import|read)\b", value.text):
        machine.report(Level.MODERATE, "write", "writes or replaces a file")
    if value.text.strip(HOLE + " ;\n") == "" and HOLE in value.text:
        if value.has(Taint.NETWORK):
            machine.report(Level.HIGH, "remote code", "runs statements straight from the network")
        machine.report(Level.HIGH, "opaque", "runs statements that are not known before they run")
        return
    if broken(value.text, "sql"):
        machine.report(Level.HIGH, "unread", "these statements are not whole: they could not be read")
    if re.search(r"(?i)\bremove\s{1,4}(?:database|namespace|table|user)\s", value.text):
        machine.report(Level.HIGH, "database", "drops a whole database or table")
    _made(machine, value)
    plain = _TEXT.sub(_blank, value.text)
    drops = 0
    for statement in plain.lower().split(";"):
        level, consequence = statement_level(statement)
        if statement.strip() == HOLE:
            level, consequence = Level.HIGH, "runs a statement that is not known before it runs"
        drops += consequence == "drops a whole database"
        machine.report(
            level,
            "database",
            consequence,
        )
    if (drops and value.has(Taint.EVERYTHING)) or (
        drops
        and re.search(
            r"\bdrop\s+database\b.*\b(?:concat|format|\|\|)|information_schema\.schemata|pg_database",
            plain,
            re.I,
        )
    ):
        machine.report(Level.CRITICAL, "database", "drops every database")
