"""Code in a language other than the shell's is judged by what it starts, deletes and makes, however it says so."""

from __future__ import annotations

import pytest

from ingle.shell.verdict import Level, analyse

pytestmark = pytest.mark.slow

STARTERS = (
    """deno eval 'new Deno.Command("rm",{args:["-rf","/"]}).outputSync()'""",
    """deno eval 'await Deno.remove(Deno.env.get("HOME"), {recursive: true})'""",
    """bun -e 'Bun.spawnSync(["rm","-rf","/"])'""",
    """osascript -l JavaScript -e 'Application("Terminal").doScript("rm -rf ~")'""",
    """osascript -l JavaScript -e 'var a = Application.currentApplication(); a.includeStandardAdditions = true; a.doShellScript("rm -rf ~")'""",
    """ocaml -e 'Sys.command "rm -rf ~"'""",
    """perl6 -e 'shell "rm -rf ~"'""",
    """raku -e 'run "rm", "-rf", "/"'""",
    """crystal eval 'system("rm -rf ~")'""",
    """bb '(shell "rm -rf /")'""",
    """maxima --batch-string='system("rm -rf ~");'""",
    """sage -c 'import os; os.system("rm -rf ~")'""",
    """python3 -m pdb -c 'import os; os.system("rm -rf ~")' x.py""",
    """mix run -e 'File.rm_rf!("/home/user")'""",
    """nim --eval:'import os; removeDir("/home/user")'""",
    """mongosh --nodb --eval 'require("child_process").execSync("rm -rf ~")'""",
    """npx shx rm -rf ~""",
    """npx del-cli --force '/home/user/**'""",
    """entr -s 'rm -rf ~' <<< file""",
    """ls *.c | entr -rs 'rm -rf ~'""",
    """weirdtool --script='run("rm -rf ~")'""",
    """weirdtool -x '(system "rm -rf /")'""",
    """elixir -e 'File.rm_rf!(System.user_home!())'""",
    """erl -noshell -eval 'file:del_dir_r("/home/user"), halt().'""",
    """erl -noshell -eval 'os:cmd("rm -rf ~"), halt().'""",
    """julia -e 'rm(homedir(), recursive=true)'""",
    """julia -e 'run(`rm -rf /`)'""",
    """Rscript -e 'unlink("~", recursive=TRUE)'""",
    """tclsh <<< 'file delete -force /home/user'""",
    """php -r 'system("rm -rf ".getenv("HOME"));'""",
    """awk 'BEGIN { system("rm -rf " ENVIRON["HOME"]) }'""",
    """scala -e 'import sys.process._; "rm -rf /".!'""",
    """groovy -e '"rm -rf /".execute()'""",
    """swift -e 'import Foundation; try FileManager.default.removeItem(atPath: "/Users/user")'""",
)


@pytest.mark.parametrize("command", STARTERS)
def test_what_destroys_a_home_or_the_root_is_critical_in_every_language(command: str) -> None:
    assert analyse(command).level is Level.CRITICAL


@pytest.mark.parametrize(
    "command",
    [
        """deno eval 'console.log(1)'""",
        """deno eval 'console.log("rm -rf /")'""",
        """node -e 'console.log("rm -rf /".length)'""",
        """node -e 'console.log(process.argv.includes("rm -rf /"))'""",
        """ruby -e 'puts "rm -rf /".size'""",
        """perl -ne 'print if index($_, "rm -rf /") >= 0' notes.txt""",
        """php -r 'echo strlen("rm -rf /");'""",
        """lua -e 'print(("rm -rf /"):upper())'""",
        """awk '{ n += index($0, "rm -rf /") } END { print n }' notes.txt""",
        """python3 -c 'import itertools; print(next(i for i in itertools.count() if i > 3))'""",
        """python3 -c 'print(*zip(range(3), iter("abc")))'""",
    ],
)
def test_text_that_only_names_what_is_dangerous_is_safe(command: str) -> None:
    assert analyse(command).level is Level.SAFE


@pytest.mark.parametrize(
    "command",
    [
        """elixir -e 'IO.puts("hi")'""",
        """erl -noshell -eval 'io:format("hi~n"), halt().'""",
        """groovy -e 'println 1+1'""",
        """scala -e 'println(1+1)'""",
        """raku -e 'say 1+1'""",
        """guile -c '(display (+ 1 2))'""",
        """clojure -e '(println (map inc [1 2]))'""",
        """swift -e 'print(1+1)'""",
        """ghc -e 'sum [1..10]'""",
        """tclsh <<< 'puts [expr {1+1}]'""",
        """ocaml -e 'print_endline "rm -rf /"'""",
        """crystal eval 'puts 1'""",
        """nim --eval:'echo 1'""",
        """bb '(println 1)'""",
    ],
)
def test_code_of_a_language_that_is_not_read_is_safe_when_every_word_only_computes(command: str) -> None:
    assert analyse(command).level is Level.SAFE


@pytest.mark.parametrize(
    "command",
    [
        """elixir -e 'IO.puts(File.read!("x"))'""",
        """elixir -e 'IO.puts("#{System.halt(frob())}")'""",
        """raku -e 'say slurp "x"'""",
        """swift -e 'print(frob())'""",
        """groovy -e 'println x.frob()'""",
        """crystal eval 'puts `ls`'""",
        'elixir -e "$code"',
    ],
)
def test_code_of_a_language_that_is_not_read_is_high_when_a_word_of_it_is_not_known(command: str) -> None:
    assert analyse(command).level is Level.HIGH


ENDLESS_FORKS = (
    "import os; [os.fork() for _ in iter(int, 1)]",
    "import os, itertools as i; [os.fork() for _ in i.count()]",
    "import os; any(os.fork() for _ in iter(int, 1))",
    "import os, itertools\nfor _ in itertools.repeat(0): os.fork()",
    "import os, itertools\nfor _ in itertools.cycle([1]): os.fork()",
    "import os\nfor i in range(10**9): os.fork()",
    "import os\ndef f():\n  os.fork(); f()\nf()",
    "import os; (f := lambda: (os.fork(), f()))()",
    "import os; list(map(lambda x: os.fork(), iter(int, 1)))",
    "import subprocess as s, sys; [s.Popen(sys.argv) for _ in iter(int, 1)]",
    "import os\nwhile True: os.fork()",
    "from os import fork\nwhile 1: fork()",
    "from multiprocessing import Process\nfrom itertools import count\nfor _ in count(): Process(target=print).start()",
)


@pytest.mark.parametrize("code", ENDLESS_FORKS)
def test_python_that_forks_without_end_is_critical(code: str) -> None:
    assert analyse("python3 <<'PY'\n" + code + "\nPY").level is Level.CRITICAL


@pytest.mark.parametrize(
    "code",
    [
        "import os\nfor i in range(4): os.fork()",
        "import os\nif os.fork() == 0: print(1)",
        "from multiprocessing import Process\nfor i in range(4): Process(target=print).start()",
        "import itertools, os\nfor i in itertools.count():\n  if i > 3: break\n  print(i)",
    ],
)
def test_python_that_forks_a_few_times_is_not_dangerous(code: str) -> None:
    assert analyse("python3 <<'PY'\n" + code + "\nPY").level <= Level.MODERATE


@pytest.mark.parametrize(
    "command",
    [
        "python3 -c 'x = []; [x.append(\"a\" * 10**9) for _ in iter(int, 1)]'",
        "python3 -c 'import itertools; list(itertools.count())'",
        'python3 -c \'open("f", "w").writelines(iter(lambda: "x", ""))\'',
    ],
)
def test_python_that_takes_memory_or_the_disk_without_end_is_high(command: str) -> None:
    assert analyse(command).level >= Level.HIGH


@pytest.mark.parametrize(
    "command", ["perl -e '{fork;redo}'", "perl -e 'L: fork; goto L'", "perl -e 'sub f{fork;f()} f'"]
)
def test_perl_that_jumps_back_to_its_fork_is_critical(command: str) -> None:
    assert analyse(command).level is Level.CRITICAL


ROOT_SHELLS = (
    "sudo python3 -c 'import os; os.system(\"/bin/bash\")'",
    'sudo python3 -c \'import os; os.execl("/bin/sh", "sh")\'',
    "sudo perl -e 'exec \"/bin/sh\"'",
    "sudo ruby -e 'exec \"/bin/sh\"'",
    "sudo awk 'BEGIN {system(\"/bin/sh\")}'",
    "sudo lua -e 'os.execute(\"/bin/sh\")'",
    "sudo bash",
    "sudo find . -exec /bin/sh \\; -quit",
)


@pytest.mark.parametrize("command", ROOT_SHELLS)
def test_a_shell_of_root_at_this_terminal_is_high_however_it_is_started(command: str) -> None:
    assert analyse(command).level is Level.HIGH


@pytest.mark.parametrize(
    "command", ['sh < "$f"', "bash < $1", 'python3 < "$f"', "perl < $1", 'zsh -s < "$f"']
)
def test_an_interpreter_fed_from_a_file_that_is_not_known_is_high(command: str) -> None:
    assert analyse(command).level is Level.HIGH


@pytest.mark.parametrize(
    "command",
    [
        "sh < build.sh",
        "f=x.sh; sh < $f",
        "python3 < tool.py",
        'for f in *.sh; do sh < "$f"; done',
        'wc -l < "$f"',
    ],
)
def test_an_interpreter_fed_from_a_named_local_script_is_not(command: str) -> None:
    assert analyse(command).level <= Level.MODERATE


@pytest.mark.parametrize(
    ("command", "level"),
    [
        ("node -e 'console.log(`sudo rm -rf ${\"/\"}`)'", Level.SAFE),
        ('node -e \'require("child_process").execSync(`rm -rf ${"/"}`)\'', Level.CRITICAL),
        ("node -e 'require(\"child_process\").execSync(`rm -rf ${process.env.HOME}`)'", Level.CRITICAL),
        ("node -e 'require(\"child_process\").execSync(`rm -rf ${where}`)'", Level.HIGH),
        ("bun -e 'await Bun.$`rm -rf ~`'", Level.CRITICAL),
        ("npx zx -e 'await $`rm -rf ~`'", Level.CRITICAL),
        (
            'node -e \'require("fs").rm(require("os").homedir(), {recursive: true}, () => {})\'',
            Level.CRITICAL,
        ),
        (
            'node -e \'const {rm} = require("fs/promises"); rm("/home/user", {recursive: true})\'',
            Level.CRITICAL,
        ),
        ('node -e \'(await import("fs")).rm("/home/user", {recursive: true})\'', Level.CRITICAL),
        ("node -e 'const s = new Set([1]); s.delete(1); console.log(s.size)'", Level.SAFE),
        ('node -e \'require("fs").rm("build", {recursive: true}, () => {})\'', Level.MODERATE),
    ],
)
def test_javascripts_back_ticks_are_text_and_its_modules_own_what_they_do(command: str, level: Level) -> None:
    assert analyse(command).level is level


def test_more_texts_in_code_than_are_followed_are_high() -> None:
    words = " ".join(f'"{chr(97 + one % 26) * (one // 26 + 1)} x";' for one in range(300))
    assert analyse(f"weirdtool --eval 'run {words}'").level is Level.HIGH
    assert analyse(f"weirdtool --eval 'run {'x ' * 5000} \"a\"'").level is Level.HIGH
