"""Code inside a command that does not end, or is none, was not read with certainty: never safe."""

from __future__ import annotations

import pytest

from ingle.shell.balance import broken
from ingle.shell.verdict import Level, analyse

# How each language is handed code, and code of it that is whole but for its last character.
CARRIERS = {
    "sh": ("sh -c CODE", ["echo (", "if true; then", "echo 'a", "{ ls"]),
    "zsh": ("zsh -c CODE", ["echo $(", "if true; then", "echo 'a"]),
    "fish": ("fish -c CODE", ["echo (", "if true", "echo 'a"]),
    "powershell": ("pwsh -c CODE", ["Get-Item (", "if ($true) {", "Write-Host 'a"]),
    "python": ("python3 -c CODE", ["print(", "x =", "if True:", "print('a"]),
    "perl": (
        "perl -e CODE",
        ["die(", "print 'a", "if (1) {", "print 1 +", "s/a/b", "my @a = (1, 2", "print if s/a/b", "y/a/b"],
    ),
    "perl -n": ("perl -ne CODE f", ["print if (/a/", "$h{a"]),
    "ruby": ("ruby -e CODE", ["puts(", "puts 'a", "[1, 2].each { |x|", "x ="]),
    "node": ("node -e CODE", ["x(", "let x =", "console.log('a", "if (1) {", "[1, 2", "`a"]),
    "deno": ("deno eval CODE", ["x(", "f({"]),
    "php": ("php -r CODE", ["echo 'a", "foo(", "if (1) {", "echo 1 ."]),
    "lua": ("lua -e CODE", ["print(", "for i = 1, 3 do print(i)", "x = {", "print('a"]),
    "awk": ("awk CODE f", ["{ print $1", "BEGIN { print (1", '{ print "a }', "$1 == 2 &&", "/a"]),
    "sed": ("sed CODE f", ["s/a/b", "s/a", "{p", "5", "k", "y/a/b", "/a"]),
    "AppleScript": ("osascript -e CODE", ['display dialog "a', "set x to (1 + 2"]),
    "Emacs Lisp": ("emacs --batch --eval CODE", ["(message", '(message "a)']),
    "expect": ("expect -c CODE", ["if {1", 'puts "a']),
    "SQL": ("psql -c CODE", ["select (1", "select 'a"]),
    "SQLite": ("sqlite3 a.db CODE", ["select count(*", "select 'a"]),
}
WHOLE = {
    "perl": [
        "s/'/\"/g",
        "print if /\\(/",
        "tr/a-z/A-Z/",
        "y/'/\"/",
        "s{(a)}{b}",
        "@a = <*>; print $#a",
        'if (m{^/(\\d+)\\(}) { print "x" }',
        "split m|'|",
        "print join ',', map { $_ * 2 } grep { /[(]/ } @F",
        's/(["\\x27])//g; print',
        "$x{'a'} = q(it's); print qq{a}",
        'print $1 while /"([^"]*)"/g',
        "s#^/##; print # it's a path",
        'printf "%s\\n", $. if eof',
        "print <<E;\nit's (\nE\n",
        's/\\s+$//; s/^\\s+//; print "$_\\n"',
        "print unless /^#/",
    ],
    "ruby": [
        'puts x.gsub /\'/, ""',
        "puts %w[a b].size; puts ?'",
        'puts "#{h["a"]} it\'s"',
        "puts ARGF.map { |l| l.split(/[(,]/)[0] }",
        'puts $<.read.scan(/"/).size',
        "puts 10 / 2 / 5 # it's",
        "p [1, 2].sum",
    ],
    "node": [
        "s.replace(/'/g, '')",
        "console.log(a / b / c, `it's ${x}`)",
        'const r = /["(]/; r.test("a")',
        "fetch('a').then(r => r.json()).then(j => console.log(j)) // it's",
        "[1, 2].map(x => ({a: x}))",
        "1.",
        "i++",
    ],
    "php": ["echo 'a';", "echo date('c'); # it's", 'preg_match("/[(]/", $x);', "echo 1 / 2;"],
    "lua": [
        "for i = 1, 3 do print(i) end",
        "print([[it's (]]) -- it's",
        "if x then y() elseif z then w() else v() end",
        "repeat x() until true",
        "local f = function(a) return a end print(f(1))",
        "while false do end",
    ],
    "awk": [
        '/"/ {print}',
        '{gsub(/"/, ""); print $1}',
        "/[(]/{print}",
        "$0 ~ /\\(/ && NR > 1",
        '{printf "%s (%d)\\n", $1, $2}',
        'BEGIN { FS = "\'" } { n += NF } END { print n / NR }',
        "!/'/",
        "NR % 2 == 0 # it's",
        "{a[$1]++} END {for (k in a) print k, a[k]}",
        'match($0, /"[^"]*"/) { print substr($0, RSTART, RLENGTH) }',
        "/start/,/end/",
    ],
    "sql": [
        "select 'it''s'",
        'select "a(b"',
        "select 1 -- it's",
        "insert into t values ($$it's$$)",
        "\\d+ it's",
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("carrier", "code"),
    [(carrier, code) for carrier, codes in CARRIERS.values() for code in codes],
)
def test_code_that_does_not_end_is_high(carrier: str, code: str) -> None:
    quoted = "'" + code.replace("'", "'\\''") + "'"
    verdict = analyse(carrier.replace("CODE", quoted))
    assert verdict.level >= Level.HIGH
    assert any(found.effect == "unread" for found in verdict.findings)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "code"), [(name, code) for name, codes in WHOLE.items() for code in codes]
)
def test_code_that_is_whole_is_not_called_broken(language: str, code: str) -> None:
    assert not broken(code, language)


@pytest.mark.slow
@pytest.mark.parametrize("language", sorted(WHOLE))
def test_every_language_is_read_in_bounded_time(language: str) -> None:
    for piece in ("/*", "<<a ", "s{a", "s/a ", "'", '"a', "$a$", "--[[", "/a(", "q(", "`", "%w[", "(", "\\"):
        broken(piece * (8_000 // len(piece)), language)


@pytest.mark.parametrize("command", ["jq '.[' f", 'jq "$x" f', "grep '(' f", "bc <<< '1 + ('"])
def test_what_can_neither_write_nor_start_anything_is_safe_though_it_is_broken(command: str) -> None:
    assert analyse(command).level is Level.SAFE


@pytest.mark.parametrize(
    "command",
    [
        'sed "s/foo/$bar/" f',
        'sed "s/$a/$b/g" f',
        'sed -n "${n}p" f',
        'sed "/$x/d" f',
        'sed -n "$a,${b}p" f',
        'sed "1,${n}d;s|$a|$b|" f',
        "sed -E 's/[/]+/_/g; s/(a|b)/\\1/' f",
        "sed ':a;N;$!ba;s/\\n/,/g' f",
        "sed -n '/a/,/b/{/c/!p}' f",
        "sed -n '$=' f",
        "sed 's/a/b/;s/c/d/ # it' f",
        "sed -e '/a/{' -e 's/a/b/' -e '}' f",
        "sed '/^$/d;/^#/d' f",
        "sed '1!G;h;$!d' f",
        "sed 2q f",
        "sed -n '0~3p' f",
        "sed '/a/a\\\ntext' f",
        "sed '$ a hello world' f",
        "awk -v x=\"$v\" '{print $1}' f",
        'awk "{print \\$$n}" f',
        'awk "/$x/" f',
        'perl -ne "print if /$x/" f',
        'python3 -c "print($x)"',
        "awk 'BEGIN { c = \"date +%s\"; c | getline t; print t }'",
        "awk '{ c = sprintf(\"date -d @%s\", $1); c | getline d; print d }' f",
        "awk '{ print $1 | \"sort -u\" }' f",
        "awk '{ print | \"sort -k\" n }' f",
        "awk '$1 == 1 || $2 == 2' f",
        "awk '{ while ((getline line < f) > 0) print line }' f",
        'vim "+/$x" f',
        "nano +$n f",
        "vim +12 f",
        "vim -c 'set nu' f",
        "ex -sc 'g/a/p' -cq f",
    ],
)
def test_a_part_that_is_not_known_inside_code_is_an_operand(command: str) -> None:
    assert analyse(command).level is Level.SAFE


@pytest.mark.parametrize(
    "command",
    [
        'sed "s/a/b/$f" f',
        'sed "p;$x" f',
        'sed "1$x" f',
        'awk "BEGIN { $x }" f',
        "awk -v c=\"$x\" 'BEGIN { c | getline }'",
        "awk '{ $1 | getline x }' f",
        "awk '{ print | c }' f",
        "awk '{ print | $2 }' f",
        'perl -e "use strict; $x"',
        'node -e "let a = 1; $x"',
        'python3 -c "import os; $x"',
        'python3 -c "import os\n$x()"',
        'vim -c "exe $x" f',
        'vim -c "normal $x" f',
        'vim -c "call system($x)" f',
        'psql -c "begin; $x; commit"',
    ],
)
def test_a_part_that_is_not_known_where_a_statement_stands_is_code(command: str) -> None:
    assert analyse(command).level >= Level.HIGH
