"""Answers requests as a model hub and its CDN would, true or spoiled."""

from __future__ import annotations

import itertools
import json
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlencode

from tests.fakes.repos import Commit, Entry, Repo
from tests.fakes.spoil import file_reply, spoil
from tests.fakes.wire import Asked, Reply

if TYPE_CHECKING:
    from tests.fakes.hub import FakeHub, Seen

API = re.compile(
    r"/api/models/(?P<id>[^/]+/[^/]+?)(?:/(?P<what>revision|tree|paths-info|refs)(?:/(?P<rev>[^/]+))?(?P<rest>/.*)?)?"
)
RESOLVE = re.compile(
    r"/(?P<cache>api/resolve-cache/models/)?(?P<id>[^/]+/[^/]+)(?:/resolve)?/(?P<rev>[^/]+)/(?P<path>.+)"
)


class Routes:
    """Finds the answer to a request; keeps only the signed addresses it gave out."""

    def __init__(self, hub: FakeHub) -> None:
        self._hub = hub
        self._signed: dict[str, tuple[Entry, str]] = {}
        self._uses: dict[str, int] = {}
        self._numbers = itertools.count(1)

    def expire_signed(self) -> None:
        self._signed.clear()

    def answer(self, asked: Asked, seen: Seen) -> Reply:
        raw = asked.target.partition("?")[0]
        kind = "bytes" if asked.origin == "cdn" else "api" if raw.startswith("/api/models") else "resolve"
        spoiled = spoil(self._hub, asked, kind)
        if spoiled is not None:
            return spoiled
        if asked.origin == "cdn":
            return self._cdn(asked, seen)
        refused = self._check_token(asked)
        if refused is not None:
            return refused
        if self._hub.take("echo", self._hub.faults.echo_times):
            return error(400, "", f"{self._token(asked)} may not: HTTPS://cdn.example/x?Policy=signed")
        if raw == "/api/models":
            return self._search(asked)
        if raw == "/api/whoami-v2":
            return self._whoami(asked)
        if match := API.fullmatch(raw):
            return self._api(asked, match)
        if match := RESOLVE.fullmatch(raw):
            return self._resolve(asked, match, seen)
        return error(404, "NotFound", "No such page.")

    # who may see what

    def _token(self, asked: Asked) -> str | None:
        return asked.headers.get("authorization", "").removeprefix("Bearer ") or None

    def _check_token(self, asked: Asked) -> Reply | None:
        token = self._token(asked)
        revoke = self._hub.faults.revoke_after
        if token is not None and revoke is not None and self._hub.count("revoke") >= revoke:
            return error(401, "", "Invalid credentials in Authorization header")
        if token is not None and token not in self._hub.tokens:
            return error(401, "", "Invalid credentials in Authorization header")
        return None

    def _find(self, asked: Asked, repo_id: str, revision: str) -> tuple[Repo, Commit] | Reply:
        repo = self._hub.repos.get(repo_id)
        token = self._token(asked)
        if repo is None or (repo.private and token not in repo.granted):
            return error(404 if token else 401, "RepoNotFound", "Repository not found")
        commit = repo.commit(revision)
        vanish = self._hub.faults.vanish_after
        if commit is None or (vanish is not None and self._hub.count("vanish") >= vanish):
            return error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return repo, commit

    def _gate(self, asked: Asked, repo: Repo) -> Reply | None:
        token = self._token(asked)
        if not repo.gated or token in repo.granted:
            return None
        message = (
            f"Access to model {repo.id} is restricted. Visit {self._hub.url}/{repo.id} to ask for access."
        )
        return error(403 if token else 401, "GatedRepo", message)

    # the API

    def _api(self, asked: Asked, match: re.Match[str]) -> Reply:
        found = self._find(asked, match["id"], unquote(match["rev"] or "main"))
        if isinstance(found, Reply):
            return found
        repo, commit = found
        if match["what"] == "tree":
            return self._gate(asked, repo) or self._tree(asked, commit, match)
        if match["what"] == "refs":
            heads = [{"name": n, "ref": f"refs/heads/{n}", "targetCommit": c} for n, c in repo.refs.items()]
            return jsoned({"branches": heads, "tags": [], "converts": []})
        if match["what"] == "paths-info":
            return jsoned([entry.wire() for entry in commit.entries()])
        return jsoned(repo.info(commit, blobs="blobs" in asked.query))

    def _tree(self, asked: Asked, commit: Commit, match: re.Match[str]) -> Reply:
        start = int(asked.query.get("cursor", ["0"])[0])
        limit = min(self._hub.page_size, int(asked.query.get("limit", ["1000"])[0]))
        rows = commit.tree(start, limit)
        reply = jsoned(rows)
        after = start + limit
        if self._hub.faults.endless_pages:
            reply.headers["Link"] = f'<{self._hub.url}{asked.target}>; rel="next"'
        elif len(rows) >= limit and commit.tree(after, 1):
            query = urlencode({"recursive": "true", "limit": limit, "cursor": after})
            page = f"{self._hub.url}/api/models/{match['id']}/tree/{match['rev']}?{query}"
            reply.headers["Link"] = f'<{page}>; rel="next"'
        return reply

    def _search(self, asked: Asked) -> Reply:
        words = " ".join(asked.query.get("search", [])).lower().split()
        tags = set(asked.query.get("filter", []))
        limit = int(asked.query.get("limit", ["1000"])[0])
        found = []
        for repo in sorted(self._hub.repos.values(), key=lambda repo: -repo.downloads):
            commit = repo.commit("main")
            if commit is None or repo.private or not tags <= {*repo.tags}:
                continue
            if all(word in repo.id.lower() for word in words):
                found.append(repo.info(commit))
        return jsoned(found[:limit])

    def _whoami(self, asked: Asked) -> Reply:
        if self._token(asked) is None:
            return error(401, "", "Invalid username or password.")
        return jsoned({"type": "user", "id": "1", "name": "someone", "fullname": "Someone", "orgs": []})

    # files

    def _resolve(self, asked: Asked, match: re.Match[str], seen: Seen) -> Reply:
        found = self._find(asked, match["id"], unquote(match["rev"]))
        if isinstance(found, Reply):
            return found
        repo, commit = found
        refused = self._gate(asked, repo)
        if refused is not None:
            return refused
        entry = commit.entry(unquote(match["path"]))
        if entry is None:
            return error(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": commit.sha})
        seen.path = entry.path
        headers = self._file_headers(commit, entry)
        faults = self._hub.faults
        if faults.redirect_to is not None:
            return Reply(302, {**headers, "Location": faults.redirect_to})
        if self._hub.take("loop", faults.loop_times):
            return Reply(302, {**headers, "Location": asked.target})
        if entry.sha256 is not None:
            return Reply(302, {**headers, "Location": self._sign(entry)})
        if faults.relative_redirects and not match["cache"]:
            location = f"/api/resolve-cache/models/{match['id']}/{commit.sha}/{match['path']}"
            return Reply(307, {**headers, "Location": location})
        return file_reply(self._hub, asked, entry, headers, seen)

    def _file_headers(self, commit: Commit, entry: Entry) -> dict[str, str]:
        faults = self._hub.faults
        etag = f'"{faults.etag or entry.digest}"'
        headers = {"ETag": etag, "Accept-Ranges": "bytes"}
        if not faults.no_commit:
            headers["X-Repo-Commit"] = commit.sha
        if entry.sha256 is not None and not faults.no_linked:
            headers |= {"X-Linked-Etag": etag, "X-Linked-Size": str(entry.content.size)}
        return headers

    def _sign(self, entry: Entry) -> str:
        signature = f"{next(self._numbers):032x}"
        self._signed[signature] = (entry, signature)
        query = urlencode({"Expires": int(time.time()) + 3600, "Signature": signature, "Key-Pair-Id": "K1"})
        return f"{self._hub.cdn_url}/blobs/{entry.sha256}/{quote(entry.path)}?{query}"

    def _cdn(self, asked: Asked, seen: Seen) -> Reply:
        signature = asked.query.get("Signature", [""])[0]
        known = self._signed.get(signature)
        uses = self._hub.faults.signed_uses
        if known is None or (uses is not None and self._hub.count(f"sign {signature}") >= uses):
            return Reply(403, {"Content-Type": "application/xml"}, [b"<Error>expired</Error>"], 22)
        entry, _ = known
        seen.path = entry.path
        if self._hub.faults.relative_redirects and "again" not in asked.query:
            return Reply(302, {"Location": f"?{asked.target.partition('?')[2]}&again=1"})
        return file_reply(self._hub, asked, entry, {"ETag": f'"{entry.sha256}"'}, seen)


def jsoned(value: Any) -> Reply:
    """A reply of JSON."""
    body = json.dumps(value).encode()
    return Reply(200, {"Content-Type": "application/json; charset=utf-8"}, [body], len(body))


def error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Reply:
    """A refusal as the hub words it."""
    body = json.dumps({"error": message}).encode()
    told = {"Content-Type": "application/json", "X-Error-Message": message, **(headers or {})}
    if code:
        told["X-Error-Code"] = code
    return Reply(status, told, [body], len(body))
