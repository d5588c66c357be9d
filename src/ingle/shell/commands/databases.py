"""Database clients: the statements in their arguments and on their input."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import targets
from ..arguments import Arguments
from ..code import run_text
from ..finding import Level
from ..sql import judge_sql
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command

_CLIENTS: dict[str, tuple[str, str]] = {
    "psql": (
        "-c --command",
        "-h --host -U --username -d --dbname -p --port -f --file -v --set -o --output -F -P -L",
    ),
    "mysql": (
        "-e --execute",
        "-h --host -u --user -P --port -D --database --defaults-file --protocol -S --init-command",
    ),
    "sqlite3": ("-cmd", "-separator -nullvalue -init"),
    "clickhouse-client": ("-q --query", "-h --host -u --user --password -d --database --port"),
    "sqlcmd": ("-Q -q", "-S -U -P -d -i -o"),
    "cqlsh": ("-e --execute", "-u -p -k -f --keyspace"),
    "cockroach": ("-e --execute", "--url --host"),
    "duckdb": ("-c -s", "-init"),
    "influx": ("-execute", "-host -port -database -n -o -t"),
    "snowsql": ("-q --query", "-a -u -d -s -f"),
    "usql": ("-c --command", "-f"),
    "sqlplus": ("", "-M -R -C"),
    "db2": ("", "-f -o -r -z"),
    "isql": ("", "-S -U -P -i -o -u -p -user -password -pass -d -q -r -role -b -w -F"),
    "beeline": ("-e", "-u -n -p -d -f -i -w --hiveconf --hivevar"),
    "impala-shell": ("-q --query", "-i -d -u -o -f"),
    "spark-sql": ("-e", "-f -i --master --conf --database --driver-memory --name"),
    "trino": ("--execute", "--server --catalog --schema --user --output-format --file -f"),
    "edgedb": ("-c", "-I -H -P -u -d --instance --host --port --database --user --branch"),
    "dolt": ("-q", "-r"),
}
# Clients whose operands are the statement itself.
_SPOKEN = frozenset(("db2", "edgedb", "dolt"))
_ALIASES = {
    **dict.fromkeys(("mariadb", "mycli", "mysqlsh", "tidb"), "mysql"),
    **dict.fromkeys(("pgcli", "ysqlsh", "vsql", "gsql"), "psql"),
    **dict.fromkeys(("sqlite", "litecli", "sqlcipher", "libsql"), "sqlite3"),
    **dict.fromkeys(("clickhouse", "chc"), "clickhouse-client"),
    **dict.fromkeys(("sqlcl", "gsqlplus", "yasql"), "sqlplus"),
    **dict.fromkeys(("hive", "kyuubi-beeline", "phoenix-sqlline", "sqlline"), "beeline"),
    **dict.fromkeys(("presto", "presto-cli", "drill-conf"), "trino"),
    **dict.fromkeys(
        (
            "isql-fb",
            "isql-v",
            "iusql",
            "tsql",
            "fbsql",
            "bteq",
            "nzsql",
            "hdbsql",
            "dbaccess",
            "ijdbc",
            "surreal",
            "sqlsh",
        ),
        "isql",
    ),
    "gel": "edgedb",
}


def _sql(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    client = _ALIASES.get(name, name)
    code_options, takes = (frozenset(part.split()) for part in _CLIENTS[client])
    arguments = Arguments(words, code_options | takes)
    codes = arguments.each(*sorted(code_options))
    if client == "sqlite3" or client == "duckdb":
        codes = codes + arguments.rest[1:]
    if client in _SPOKEN and arguments.rest:
        codes = [*codes, Value(" ".join(word.text for word in arguments.rest), arguments.rest[0].taint)]
    if client in ("influx", "cockroach") and not codes:
        return _as_table(machine, name, words, stdin)
    for code in codes:
        judge_sql(machine, code)
    if client == "sqlite3" and arguments.rest and arguments.rest[0].text.endswith("/TCC.db"):
        changes = any(not re.match(r"(?i)\s*(?:select|pragma|\.)", code.text) for code in codes)
        machine.report(
            Level.HIGH if changes else Level.MODERATE, "disable", "touches the record of what programs may do"
        )
    if any(_ALL_NAMES.search(code.text) for code in codes):
        return Value(HOLE, Taint.EVERYTHING)
    if arguments.any("-l", "--list", "-V", "--version", "--help"):
        return UNKNOWN
    taint = (
        targets.read(machine, arguments.rest[0], shows=False) if client == "sqlite3" and arguments.rest else 0
    )
    script = client == "sqlplus" and any(word.text[:1] == "@" for word in arguments.rest)
    for file in arguments.each("-f", "--file", "-i", "-init"):
        made = machine.state.files.get(targets.place_of(machine, file)[0], EMPTY)
        if file.text == HOLE or file.has(Taint.NETWORK) or made.has(Taint.NETWORK):
            machine.report(
                Level.HIGH, "opaque", "runs statements from a file that is not known before it runs"
            )
    if script or arguments.any("-f", "--file", "-i", "-init"):
        machine.report(Level.MODERATE, "database", "runs statements from a file")
    if stdin is not EMPTY and stdin.text:
        _fed(machine, stdin)
    secret = any(re.search(r"password|secret|token|users?\b", code.text, re.I) for code in codes) and bool(
        codes
    )
    shown = secret and "select" in codes[0].text.lower() and "password" in codes[0].text.lower()
    return Value(_printed(codes), taint & Taint.SECRET | (Taint.SECRET if shown else 0))


# A text in SQL: `'…'`, and PostgreSQL's `$$…$$`.
# What lists every database of a server.
_ALL_NAMES = re.compile(
    r"(?i)\bshow\s+databases\b(?!\s+like)|\bselect\s+(?:datname|schema_name|name)\s+from\s+(?:pg_catalog\.)?(?:pg_database|information_schema\.schemata|sys\.databases|system\.databases)\b"
)
_LITERAL = re.compile(r"'((?:[^']|'')*)'|\$\$(.*?)\$\$", re.S)


def _printed(codes: list[Value]) -> str:
    """What a query that builds statements prints: its literals, with a hole for each value between them."""
    made = [quoted or dollared for code in codes for quoted, dollared in _LITERAL.findall(code.text)]
    if not any(re.match(r"(?i)\s*(?:drop|truncate|delete|update|alter|grant|kill)\b", part) for part in made):
        return HOLE
    return HOLE.join(re.sub(r"%[IsL]", HOLE, part) for part in made) + HOLE


def _fed(machine: Machine, stdin: Value) -> None:
    if stdin.known:
        judge_sql(machine, stdin)
    elif stdin.has(Taint.NETWORK):
        machine.report(Level.HIGH, "remote code", "runs statements straight from the network")
    else:
        if stdin.text.strip(HOLE + " \n"):
            judge_sql(machine, stdin)
        machine.report(Level.MODERATE, "database", "runs statements from a file")


def _as_table(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    from .wrappers import _as_spec

    return _as_spec(machine, name, words, stdin)


_REDIS_TAKES = frozenset("-h -p -s -a -u -n -r -i --user --pass -x -d --pattern --eval".split()) - {"-x"}


def _redis(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, _REDIS_TAKES)
    rest = arguments.rest
    if arguments.any("--cluster") and rest[:1] == [Value("call")]:
        rest = rest[2:]  # the same command on every node
    task = " ".join(word.text for word in rest)
    if not task and stdin.known and stdin.text:
        task = stdin.text
    if arguments.any("--eval"):
        machine.report(Level.MODERATE, "database", "runs a script inside the database")
    host = arguments.value("-h", "--host", "-u")
    if host is not None and arguments.any("-x") and stdin.has(Taint.SECRET):
        targets.leak(machine, host)
    for line in task.split("\n"):
        _redis_line(machine, line.upper().strip())
    if not arguments.rest and stdin.has(Taint.NETWORK):
        machine.report(Level.HIGH, "remote code", "runs commands straight from the network")
    if re.match(r"(?:KEYS|keys|SMEMBERS) ", task) or arguments.any("--scan"):
        narrow = arguments.value("--pattern") or (arguments.rest[1] if len(arguments.rest) > 1 else None)
        return Value(HOLE, Taint.EVERYTHING if narrow is None or not narrow.text.strip("*") else 0)
    if task.upper().startswith(("DEL", "UNLINK", "EXPIRE", "PEXPIRE", "GETDEL")) and any(
        word.has(Taint.EVERYTHING) for word in words
    ):
        machine.report(Level.HIGH, "database", "deletes every key of the database")
    return Value(HOLE, 0)


def _redis_line(machine: Machine, line: str) -> None:
    verb = line.partition(" ")[0]
    if verb == "FLUSHALL":
        machine.report(Level.CRITICAL, "database", "deletes every key of every database")
    elif verb == "FLUSHDB":
        machine.report(Level.HIGH, "database", "deletes every key of the database")
    elif verb == "SHUTDOWN":
        machine.report(Level.HIGH, "database", "stops the database")
    elif verb == "CONFIG" and re.match(r"CONFIG SET (?:DIR|DBFILENAME)", line):
        machine.report(Level.HIGH, "persist", "lets the database write files where they may be run")
    elif verb in ("SLAVEOF", "REPLICAOF", "MODULE", "DEBUG", "SCRIPT", "EVAL") and "NO ONE" not in line:
        machine.report(Level.HIGH, "execute", "loads code or replaces the data of the database")
    elif verb == "DEL" and "…" in line:
        machine.report(Level.MODERATE, "database", "deletes keys")
    elif verb in _REDIS_READS or not verb:
        return
    else:
        machine.report(Level.MODERATE, "database", "changes keys")


_REDIS_READS = frozenset(
    "GET MGET KEYS SCAN INFO PING TTL PTTL EXISTS TYPE LRANGE LLEN HGET HGETALL HKEYS HLEN SMEMBERS SCARD ZRANGE ZCARD DBSIZE MONITOR "
    "LASTSAVE TIME CLIENT SLOWLOG MEMORY OBJECT STRLEN XRANGE XLEN RANDOMKEY CLUSTER ROLE LATENCY ECHO SUBSCRIBE COMMAND HMGET "
    "SISMEMBER ZSCORE GETRANGE DUMP CONFIG HELP ACL SELECT BGSAVE SAVE".split()
)


def _mongo(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(
        words,
        frozenset(
            "--eval -e --host --port -u --username -p --password -f --file --authenticationDatabase".split()
        ),
    )
    code = " ".join(value.text for value in arguments.each("--eval", "-e"))
    if not code and stdin.text:
        code = stdin.text
    if re.search(r"(?:getDBNames|listDatabases|adminCommand\(.listDatabases).*dropDatabase", code, re.S):
        machine.report(Level.CRITICAL, "database", "drops every database")
    elif re.search(
        r"dropDatabase|\.drop\(|dropUser|dropAllUsers|dropIndexes|\.remove\(\s*\{?\s*\}?\s*\)|delete(?:Many|One)\(\s*\{\s*\}|updateMany\(\s*\{\s*\}|shutdownServer|renameCollection",
        code,
    ):
        machine.report(
            Level.HIGH,
            "database",
            "drops or empties a collection or a database",
        )
    elif re.search(
        r"insert|update|delete|remove|create|replace|findAndModify|save\(|grant|rename|bulkWrite", code
    ):
        machine.report(Level.MODERATE, "database", "changes documents")
    elif HOLE in code and not code.strip(HOLE + "\n "):
        machine.report(Level.HIGH, "opaque", "runs statements that are not known before they run")
    if re.search(r"\brequire\s*\(|\bprocess\.|\bimport\s*\(", code):
        run_text(machine, Value(code), "node", [], inline=True)
    if any(word.text.endswith(".js") for word in arguments.rest):
        machine.report(Level.MODERATE, "database", "runs a script of statements")
    return UNKNOWN


def _restore(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset("-d --dbname -h -U -p -f --file -o --out -j -F -n -t -u".split()))
    if name in ("pg_restore", "mongorestore"):
        drops = arguments.any("-c", "--clean", "--drop")
        if arguments.any("-l", "--list"):
            return UNKNOWN
        machine.report(
            Level.HIGH if drops else Level.MODERATE,
            "database",
            "loads a dump" + (", dropping what is there first" if drops else ""),
        )
        return UNKNOWN
    target = arguments.value("-f", "--file", "--result-file", "-r")
    if target is not None:
        targets.write(machine, target, UNKNOWN)
    if name == "mongodump":
        machine.report(Level.MODERATE, "write", "writes a dump")
    return Value(HOLE, 0)


COMMANDS: dict[str, Command] = {
    **dict.fromkeys((*_CLIENTS, *_ALIASES), _sql),
    **dict.fromkeys(("redis-cli", "valkey-cli", "keydb-cli", "iredis"), _redis),
    **dict.fromkeys(("mongo", "mongosh"), _mongo),
    **dict.fromkeys(
        ("pg_restore", "mongorestore", "pg_dump", "pg_dumpall", "mysqldump", "mariadb-dump", "mongodump"),
        _restore,
    ),
}
