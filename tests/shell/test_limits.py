"""Every bound of what is read has a command that breaks it, and that command is high; a bound without one fails here."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from ingle.shell import limits
from ingle.shell.verdict import Level, analyse

WORDS = " ".join("abcdefgh"[number % 8] * (1 + number // 8) for number in range(200))
ROUNDS = " ".join(f"{first}{second}" for first in "abcdefghijklm" for second in "abcdefghijklm")

# The bound, and a command that is harmless but for what it hides beyond it.
BEYOND: dict[str, tuple[str, ...]] = {
    "MAX_BYTES": ("echo " + "a" * 20_000,),
    "MAX_PIPES": ("ls" + " | cat" * 200,),
    "MAX_SUBSTITUTIONS": ("echo " + "$(ls) " * 200, "echo " + "`ls` " * 200, "cat " + "<(ls) " * 200),
    "MAX_NESTING": ("echo " + "$(echo " * 60 + ")" * 60,),
    "MAX_HEREDOCS": ("cat <<A\nA\n" * 20,),
    "MAX_SEPARATORS": ("ls; " * 1_100, "ls\n" * 1_100),
    "MAX_REDIRECTIONS": ("ls " + "2>&1 " * 1_100,),
    "MAX_BRACKETS": ("echo " + "{a} " * 1_100,),
    "MAX_PATIENCE": ("echo ${x/while]]\nls",),
    "MAX_DEPTH": ("echo " + "$(echo " * 14 + "a" + ")" * 14,),
    "MAX_STEPS": ("for a in {a..z}; do for b in {a..z}; do for c in {a..z}; do echo $a; done; done; done",),
    "MAX_FIELDS": (
        "echo {1..9}{1..9}{1..9}{1..9}",
        "echo {a..z}{a..z}{a..z}",
        'x="' + "a " * 1_100 + '"; echo $x',
        "x=(" + "a " * 1_100 + '); echo "${x[@]}"',
        "echo '" + "a " * 1_100 + "' | xargs echo",
        "x=(" + "a " * 900 + ");" + 'x+=("${x[@]}");' * 300 + "echo ${x[@]}",
        "for f in a{1..40}{a..z}; do echo $f; done",
    ),
    "MAX_EXPANSION": ("echo " + "a" * 3_000 + "{1..100}",),
    "MAX_WORDS": ("echo " + "{1..900} " * 20, "echo " + "{1..900} " * 20 + "$(true)"),
    "MAX_TEXT": (
        "x=a;" + "x=$x$x;" * 17 + "echo $x",
        "x=aaaaaaaa;" + "x+=$x$x;" * 10 + "echo $x",
        "python3 -c 'print(\"/a\" * 100000)'",
        "x=aaaaaaaa;" + "x=$x$x;" * 12 + "echo " + "$x " * 5_000,
        "x=aaaaaaaa;" + "x=$x$x;" * 12 + "echo " + "$x" * 5_000,
        "x=aaaaaaaa;" + "x=$x$x;" * 12 + 'eval "' + "$x" * 4_000 + '"',
        "python3 -c '" + 'x="a/";' + 'x="{}{}".format(x);' * 40 + "print(x)'",
        "python3 -c '" + 'x="a/";' + 'x=x.replace("a","aaaa");' * 40 + "print(x)'",
        "python3 -c '" + 'import os;x="a/";' + "x=os.path.join(x,x);" * 40 + "print(x)'",
        "echo aaaaaaaa > f; " + "cat f f > g; cat g g > f; " * 20,
        "python3 -c 'x = \"a/\" * 30000; print(x + x + x)'",
        "x=$(echo " + "a" * 8_000 + "); " + "echo $x; " * 9 + "true",
    ),
    "MAX_OTHERS": (
        "case $1 in " + " ".join(f"{one}) x={one};;" for one in WORDS.split()[:30]) + " esac; echo $x",
    ),
    "MAX_ROUNDS": (
        f"for f in {ROUNDS}; do echo $f; done",
        f"printf '%s\\n' {ROUNDS} | while read f; do echo $f; done",
        f"printf '%s\\n' {ROUNDS} | xargs -I@ echo @",
        f"parallel echo ::: {ROUNDS}",
        f"python3 -c 'for f in ({', '.join(map(json.dumps, ROUNDS.split()))}): print(f)'",
        f"printf '%s\\n' {ROUNDS} | awk '{{ system(\"echo \" $1) }}'",
    ),
    "MAX_ARITHMETIC": ("echo $((1" + "+1" * 600 + "))",),
    "MAX_MATCHED": (
        "x=" + "a" * 3_000 + "; echo ${x%b}",
        "x=" + "a" * 3_000 + "; echo ${x//b/c}",
        "x=aaaaaaaa;" + "x=$x$x;" * 12 + "y=${x:0:2000};" + "z=${y//a/$x};" * 100,
        "echo " + "a" * 3_000 + " | sed s/b/c/",
    ),
    "MAX_PATTERN": ("echo a | sed 's/" + "b" * 300 + "/c/'",),
    "MAX_CODE": (
        "perl -e '" + "print 1; " * 1_000 + "'",
        "awk '" + "{ print } " * 1_000 + "' f",
        "printf '%s' '" + "int main(){return 0;}" * 500 + "' > a.c; gcc -o a a.c; ./a",
    ),
    "MAX_NODES": ("python3 -c '" + "a=1;" * 1_500 + "'",),
    "MAX_REACH": ('node -e \'require("child_process").execFileSync(' + '"a", ' * 70 + '"b")\'',),
    "MAX_NAME": ("a" * 150 + " b",),
    "MAX_MODE": ("chmod " + "u+r," * 60 + "u+r f",),
    "MAX_SETTINGS": ("GIT_CONFIG_COUNT=70 git status",),
}
# Numbers that are no bounds of what is read: what they are instead.
OTHER = {
    "awk_code._STATEMENT": "tokens back to a `print`: beyond them a `>` is taken for a write",
    "amounts._VAST": "bytes that no disk is meant to hold: beyond it is high",
    "rounds.CROWD": "rounds that nobody means: beyond it is high",
    "rounds.DOUBLINGS": "rounds that nobody means when each doubles what runs: beyond it is high",
    "commands.processes._SWEEP": "processes that nobody names one by one: beyond it is high",
    "deception._SPELT": "so many letters in quotes spell a word of another script",
    "execute.SIGNAL_BASE": "how a shell counts a signal in an exit code",
    "expand._SIGN": "where a shell's numbers turn over",
    "parse._TURNS": "torn words that hide torn words: beyond it is high",
    "reading._LONG": "from here on PowerShell is written apart before it is parsed, whole",
    "rounds._FEW": "from here on values that differ by a number only are read as one of unknown number",
    "scan.ROW": "numbers of an endless row that stand before its unknown one",
}
# Modules that read no command: they ask a model for one, or write what was found.
TELLING = ("meaning", "suggest", "telling", "verdict")
HERE = Path(limits.__file__).parent


def _numbers() -> dict[str, int]:
    """Every constant at the top of a module of this room that is a number."""
    found = {}
    for file in HERE.rglob("*.py"):
        if file.stem in TELLING:
            continue
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            if isinstance(node, ast.AnnAssign) and node.value is not None:
                targets = [node.target]
            for target in targets:
                value = _number(node.value) if isinstance(node, ast.Assign | ast.AnnAssign) else None
                if isinstance(target, ast.Name) and value is not None:
                    found[f"{'.'.join(file.relative_to(HERE).with_suffix('').parts)}.{target.id}"] = value
    return found


def _number(node: ast.expr | None) -> int | None:
    match node:
        case ast.Constant(value=int(number)) if not isinstance(number, bool):
            return number
        case ast.BinOp(left=left, right=right) if _number(left) is not None and _number(right) is not None:
            return 1
    return None


@pytest.mark.slow
def test_every_number_is_a_bound_with_a_command_beyond_it_or_said_to_be_none() -> None:
    bounds = {f"limits.{name}" for name in BEYOND}
    assert set(_numbers()) == bounds | set(OTHER)


@pytest.mark.slow
def test_no_list_is_cut_at_a_number_that_stands_in_the_code() -> None:
    """A bound has a name in `limits`; up to three are the parts of something (`words[:2]`)."""
    cut = []
    for file in sorted(HERE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            upper = node.upper if isinstance(node, ast.Slice) and node.lower is None else None
            number = _number(upper) or 0
            if number > 3 and file.stem not in TELLING:
                cut.append(f"{file.stem}[:{number}]")
    assert cut == list(STARTS)


# The digits of a size, the head of a `for (;;)`, and a number in a message.
STARTS = ("amounts[:20]", "branches[:12]", "wrappers[:12]")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bound", "command"),
    [(bound, command) for bound, commands in BEYOND.items() for command in commands],
    ids=[f"{bound}-{at}" for bound, commands in BEYOND.items() for at in range(len(commands))],
)
def test_a_command_beyond_a_bound_is_high(bound: str, command: str) -> None:
    shell = "zsh" if bound == "MAX_PATIENCE" else "bash"
    verdict = analyse(command, shell)
    assert verdict.level >= Level.HIGH
    assert any(found.effect == "unread" for found in verdict.findings)


@pytest.mark.parametrize(
    "command",
    [
        "$x='aaaaaaaa';" + step * 30 + "echo $x"
        for step in ("$x+=$x;", '$x="$x$x";', "$x=$x -replace 'a','aaaa';")
    ],
)
def test_text_that_grows_beyond_a_bound_in_powershell_is_high(command: str) -> None:
    assert analyse(command, "powershell").level >= Level.HIGH


@pytest.mark.parametrize(
    "command",
    [
        "echo {1..100}",
        "echo {1..100000}",
        "touch file{1..1000}.txt",
        "mkdir -p {2000..2024}/{01..12}",
        "for i in {1..1000}; do echo $i; done",
        "for i in $(seq 1 5000); do echo $i; done",
        "for i in {1..60}; do for j in {1..60}; do for k in {1..60}; do echo $i $j $k; done; done; done",
        "for f in img{1..500}.png; do echo $f; done",
        "for c in {a..z}; do echo $c; done",
        "seq 1 100000 | xargs -n1 echo",
        "printf '%0.s-' {1..80}",
        "printf '%s\\n' {1..500}",
        "python3 -c 'print(\"A\" * 100000)'",
        "echo $((2 ** 62)) $((1 << 63))",
        f"for f in {WORDS[:200]}; do echo $f; done",
        "perl -e '" + "print 1; " * 500 + "'",
    ],
)
def test_what_is_long_but_followed_to_its_end_is_safe(command: str) -> None:
    assert analyse(command).level is Level.SAFE


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "for f in 1 2 3 4 5 6 7 8 9 ~; do rm -rf $f; done",
        f"for f in {WORDS[:200]} ~; do rm -rf $f; done",
        f"printf '%s\\n' {WORDS[:200]} / | while read f; do rm -rf $f; done",
        "echo a{1..900} ~ | xargs rm -rf",
        "rm -rf a{1..900} ~",
        f"for f in {WORDS[:200]}; do x=$f; done; for i in {{1..900}}; do rm -rf ~; done",
        "awk 'BEGIN { " + 'system("ls"); ' * 30 + 'system("rm -rf ~") }\'',
        'node -e \'const fs = require("fs");'
        + ' fs.rmSync("a");' * 20
        + ' fs.rmSync("/home/user", {recursive: true})\'',
        "osascript -e '" + 'keystroke "a"\n' * 12 + 'do shell script "rm -rf ~"\'',
    ],
)
def test_what_stands_last_in_a_long_row_counts(command: str) -> None:
    assert analyse(command).level is Level.CRITICAL


def test_a_print_of_many_words_writes_as_one_of_few() -> None:
    few, many = (f"awk '{{ print {', '.join(['$1'] * count)} > $2 }}' f" for count in (1, 60))
    assert analyse(few).level is analyse(many).level is not Level.SAFE
