"""Downloads and requests: what comes in, what goes out, where it lands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import targets
from ..arguments import Arguments
from ..code import run_hidden
from ..finding import Level
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value
from .output import content

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command

_CURL_TAKES = frozenset(
    "-o --output -d --data --data-binary --data-raw --data-urlencode --data-ascii -F --form --form-string -T --upload-file -H --header "
    "-X --request -u --user -A --user-agent -e --referer -b --cookie -c --cookie-jar -w --write-out -m --max-time --connect-timeout "
    "--retry --retry-delay -x --proxy -K --config -E --cert --key --cacert -r --range --resolve --limit-rate --output-dir --url "
    "-U --proxy-user -Q --quote -z --time-cond --json --netrc-file -y -Y -C --continue-at --interface -D --dump-header --max-redirs "
    "-t --telnet-option --unix-socket --proto --tlsv -P --ftp-port --oauth2-bearer --aws-sigv4 --ciphers --dns-servers --doh-url "
    "--retry-max-time --max-filesize --preproxy --socks5 --socks5-hostname --noproxy --pinnedpubkey --variable --expand-data".split()
)
_LOCAL = re.compile(
    r"(?:https?://)?(?:localhost|127\.[\d.]+|\[::1\]|0\.0\.0\.0|host\.docker\.internal)(?:[:/]|\Z)|unix:|file:"
)


def _secret_in(words: list[Value]) -> bool:
    return any(word.has(Taint.SECRET) for word in words)


def _curl(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = _with_config(machine, Arguments(words, _CURL_TAKES), stdin)
    urls = arguments.rest + arguments.each("--url")
    local = bool(urls) and all(_LOCAL.match(url.text) for url in urls)
    told = any(url.has(Taint.SECRET) for url in urls) or any(word.has(Taint.PRIVATE) for word in words)
    if told and not local:
        targets.leak(machine, EMPTY)
    sent = _curl_sends(machine, arguments, stdin, local)
    for config in arguments.each("-K", "--config"):
        if config.text != "-":
            machine.report(Level.MODERATE, "read", "reads its options from a file")
    method = arguments.value("-X", "--request")
    verb = method.text.upper() if method else ""
    if verb in ("DELETE",):
        machine.report(
            Level.HIGH if _wide_delete(urls) else Level.MODERATE,
            "remote destroy",
            "deletes something at the server",
        )
    elif verb in ("POST", "PUT", "PATCH") and not sent:
        machine.report(Level.MODERATE, "send", "changes something at the server")
    if any(re.search(r"/_(?:delete|update)_by_query\b", url.shown()) for url in urls):
        narrow = any(
            _NARROW.search(value.text)
            for value in arguments.each("-d", "--data", "--data-raw", "--data-binary", "--json")
        )
        machine.report(
            Level.MODERATE if narrow else Level.HIGH,
            "remote destroy",
            "deletes or changes every document that a query finds",
        )
    if any(
        re.search(
            r"<query>\s*\*:\*|delete.{0,40}\*:\*|delete_series|/(?:flushall|_flush_all|drop)\b", value.text
        )
        for value in arguments.words
    ):
        machine.report(Level.HIGH, "remote destroy", "deletes everything that the server keeps")
    for quote in arguments.each("-Q", "--quote"):
        if re.search(r"DELE|RMD|rm ", quote.text, re.I):
            machine.report(Level.MODERATE, "remote destroy", "deletes at the server")
    return _curl_output(machine, arguments, urls, stdin)


_NARROW = re.compile(r'"(?:term|terms|ids|range|match|bool|query_string|prefix|match_phrase)"\s*:')


_SETTING = re.compile(r"[ \t]*(-{0,2}[\w-]+)(?:[ \t]*[=:][ \t]*|[ \t]+)(.*)")


def _with_config(machine: Machine, arguments: Arguments, stdin: Value) -> Arguments:
    """The arguments with those of `-K` where that is text of this line."""
    words = list(arguments.words)
    for config in arguments.each("-K", "--config"):
        if config.text == "-":
            text = stdin
        else:
            text = machine.state.files.get(targets.place_of(machine, config)[0], EMPTY)
        for key, setting in _SETTING.findall(text.text):
            option = key if key[0] == "-" else f"--{key}"
            words += [Value(option), Value(setting.strip().strip('"'), text.taint)]
    return Arguments(words, _CURL_TAKES) if len(words) > len(arguments.words) else arguments


def _wide_delete(urls: list[Value]) -> bool:
    """`DELETE` on a whole index, bucket or collection of them."""
    return any(
        re.search(
            r"/(?:_all|\*)(?:[/?]|\Z)|[?&]recurse\b|/_data_stream/|/_snapshot/[^/?]*\Z|:5984/[^/?]*\Z|/(?:indexes|collections|indices|databases|buckets|namespaces|vhosts)/[^/?]*\Z|:9200/[^/?]*\*?\Z|/namespaces/[^/]+\Z",
            url.shown(),
        )
        for url in urls
    )


def _asks(arguments: Arguments) -> bool:
    """Whether a request with a body only asks a search engine."""
    urls = arguments.rest + arguments.each("--url")
    return all(re.search(r"/_(?:m?search|count|analyze|validate/query|sql)\b", url.shown()) for url in urls)


def _curl_sends(machine: Machine, arguments: Arguments, stdin: Value, local: bool) -> bool:
    data = arguments.each(
        "-d", "--data", "--data-binary", "--data-ascii", "--data-urlencode", "--data-raw", "--json"
    )
    forms = arguments.each("-F", "--form", "--form-string")
    uploads = arguments.each("-T", "--upload-file")
    cookies = arguments.each("-b", "--cookie", "-H", "--header", "-A", "--user-agent", "-e", "--referer")
    sent = False
    asks = arguments.any("-G", "--get")
    for value in [*data, *forms]:
        found = re.search(r"(?:\A|=|;)[@<]([^;,]*)", value.text) or re.match(r"[\w-]*@(.+)", value.text)
        if not value.has(Taint.SECRET) and ((asks and not found) or (local and _asks(arguments))):
            pass  # it stands in the address of what is asked for
        elif local and not value.has(Taint.SECRET):
            machine.report(Level.MODERATE, "send", "changes something at a local service")
        elif found and "--data-raw" not in arguments.flags:
            _sends(machine, Value(found.group(1), value.taint), stdin)
        else:
            _sends_text(machine, value)
        sent = True
    for value in uploads:
        text = value.text.strip("{}")
        for part in re.split(r"[,\n] *", text) if "{" in value.text else [text]:
            _sends(machine, Value(part.strip(), value.taint), stdin)
        sent = True
    for value in cookies:
        if value.text.startswith("@"):
            _sends(machine, Value(value.text[1:]), stdin)
        elif value.has(Taint.SECRET) and not re.match(
            r"(?i)authorization|x-api-key|private-token|\w+[-_]token|cookie|apikey|x-\w+-key", value.text
        ):
            targets.leak(machine, EMPTY)
    return sent


def _sends(machine: Machine, value: Value, stdin: Value) -> None:
    if value.text in ("-", ".", "/dev/stdin"):
        _sends_text(machine, stdin)
    elif value.has(Taint.SECRET):
        targets.leak(machine, value)
    else:
        made = machine.state.files.get(targets.place_of(machine, value)[0])
        if made is not None and made.has(Taint.SECRET):
            targets.leak(machine, EMPTY)
        else:
            targets.send(machine, value)


def _sends_text(machine: Machine, value: Value) -> None:
    if value.has(Taint.SECRET):
        targets.leak(machine, EMPTY)
    else:
        machine.report(Level.MODERATE, "send", "sends data to another host")


def _curl_output(machine: Machine, arguments: Arguments, urls: list[Value], stdin: Value) -> Value:
    fetched = Value(HOLE, Taint.NETWORK)
    if urls and all(url.text.startswith("file:") for url in urls):
        return content(machine, Value(urls[0].text.removeprefix("file://")))
    target = arguments.value("-o", "--output")
    folder = arguments.value("--output-dir")
    for jar in arguments.each("-D", "--dump-header", "-c", "--cookie-jar"):
        if jar.text != "-":
            targets.write(machine, jar, UNKNOWN)
    if target is not None and target.text != "-":
        where = Value(f"{folder.text}/{target.text}") if folder is not None else target
        targets.write(machine, where, fetched)
        return EMPTY
    if arguments.any("-O", "--remote-name", "--remote-name-all", "-J"):
        for url in urls:
            _landed(machine, url, folder)
        return EMPTY
    if arguments.any("-I", "--head") and "-X" not in arguments.flags:
        return Value(HOLE, 0)
    return fetched


def _landed(machine: Machine, url: Value, folder: Value | None) -> None:
    """A download under the name that the address ends with."""
    name = url.text.split("?")[0].rstrip("/").rpartition("/")[2] or "index.html"
    where = f"{folder.text}/{name}" if folder is not None else name
    targets.write(machine, Value(where), Value(HOLE, Taint.NETWORK))


_WGET_TAKES = frozenset(
    "-O --output-document -P --directory-prefix -o --output-file -a --append-output -i --input-file -t --tries -T --timeout -w --wait "
    "-U --user-agent --header --user --password --post-data --post-file --method --body-data --body-file -A -R -D -l --level -e "
    "--execute -Q --limit-rate --use-askpass -I -X --referer --load-cookies --save-cookies --ca-certificate -B -d".split()
) - {"-d"}


def _wget(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, _WGET_TAKES)
    urls = arguments.rest
    if any(url.has(Taint.SECRET) for url in urls) or _secret_in(
        arguments.each("--header", "--post-data", "--body-data")
    ):
        targets.leak(machine, EMPTY)
    for value in arguments.each("--post-file", "--body-file"):
        _sends(machine, value, stdin)
    if arguments.any("--post-data", "--method", "--body-data"):
        machine.report(Level.MODERATE, "send", "sends data to another host")
    for code in arguments.each("--use-askpass"):
        run_hidden(machine, code.text, "an option of wget")
    for setting in arguments.each("-e", "--execute"):
        if setting.text.replace(" ", "").startswith("use_askpass="):
            run_hidden(machine, setting.text.partition("=")[2].strip(), "an option of wget")
    if arguments.any("--spider"):
        return UNKNOWN
    target = arguments.value("-O", "--output-document")
    if target is not None and target.text == "-":
        return Value(HOLE, Taint.NETWORK)
    if target is not None:
        targets.write(machine, target, Value(HOLE, Taint.NETWORK))
        return EMPTY
    folder = arguments.value("-P", "--directory-prefix")
    for url in urls or [Value("download")]:
        _landed(machine, url, folder)
    if arguments.any("-i", "-r", "-m", "--mirror"):
        machine.report(Level.MODERATE, "write", "downloads files here")
    return EMPTY


def _aria(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(
        words,
        frozenset(
            "-o --out -d --dir -x -s -n -k --output -P --max-connection --exec --on-download-complete --on-download-error "
            "--on-download-start --on-download-stop --on-download-pause".split()
        ),
    )
    folder = arguments.value("-d", "--dir")
    target = arguments.value("-o", "--out", "--output")
    for url in arguments.rest:
        if "://" not in url.text and not url.has(Taint.SECRET):
            continue
        if url.has(Taint.SECRET):
            targets.leak(machine, EMPTY)
        if target is not None:
            where = Value(f"{folder.text}/{target.text}") if folder is not None else target
            targets.write(machine, where, Value(HOLE, Taint.NETWORK))
        else:
            _landed(machine, url, folder)
    for flag, codes in arguments.values.items():
        for code in codes if flag.startswith("--on-") or flag in ("--exec", "--exec-before-download") else ():
            run_hidden(machine, code.text, f"an option of {name}")
    machine.report(Level.MODERATE, "write", "downloads a file")
    return EMPTY


def _httpie(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset("-o --output -a --auth -s --style".split()))
    rest = arguments.rest
    if _secret_in(rest):
        targets.leak(machine, EMPTY)
    for word in rest[1:]:
        found = re.search(r"(?::=|=)?@(.+)", word.text)
        if found:
            _sends(machine, Value(found[1], word.taint), stdin)
    if stdin.has(Taint.SECRET):
        targets.leak(machine, EMPTY)
    verb = rest[0].text.upper() if rest else ""
    if verb in ("POST", "PUT", "PATCH", "DELETE") or any(
        re.match(r"[\w-]+:?=(?!=)", word.text) for word in rest[1:]
    ):
        machine.report(Level.MODERATE, "send", "changes something at the server")
    target = arguments.value("-o", "--output")
    if target is not None:
        targets.write(machine, target, Value(HOLE, Taint.NETWORK))
    elif arguments.any("-d", "--download"):
        machine.report(Level.MODERATE, "write", "downloads a file")
    return Value(HOLE, Taint.NETWORK)


def _browse(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """Text browsers and small fetchers that print what they get."""
    if _secret_in(words):
        targets.leak(machine, EMPTY)
    return Value(HOLE, Taint.NETWORK)


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(("curl", "curlie", "curl.exe"), _curl),
    **dict.fromkeys(("wget", "wget2"), _wget),
    **dict.fromkeys(("aria2c", "axel", "yt-dlp", "youtube-dl"), _aria),
    **dict.fromkeys(("http", "https", "xh", "xhs"), _httpie),
    **dict.fromkeys(
        (
            "lynx",
            "w3m",
            "links",
            "elinks",
            "fetch",
            "GET",
            "lwp-request",
            "lwp-download",
            "hurl",
            "wscat",
            "websocat",
            "grpcurl",
        ),
        _browse,
    ),
}
