"""A Hugging Face hub on loopback: of its HTTP API what reading a model takes, and the CDN that has the large files.

Paths, codes and headers are those of huggingface.co, and its own library is what asks. What it answers to a stranger is
the same for a private repository and for none (401); a gated one shows what it holds, but not the bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.ports import HOST

PAGE = 3
"""Entries of a listing's page; the real one has 1,000."""

LARGE = 1000
"""Bytes from which a file lies in LFS."""


@dataclass
class Repo:
    """A repository: commits with their files, and what branches and tags name."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    private: bool = False
    gated: bool = False

    def commit(self, files: dict[str, bytes], branch: str = "main") -> str:
        """Replace what the branch holds; return the commit."""
        sha = hashlib.sha1(repr(sorted(files.items())).encode(), usedforsecurity=False).hexdigest()
        self.commits[sha] = files
        self.names[branch] = sha
        return sha


@dataclass
class Hub:
    """A running hub.

    Attributes:
        members: tokens, with the repositories that each may read although they are private or gated.
        asked: every request: of hub or cdn, what, and its headers.
        harmed: files that are handed out otherwise than they were stored, by their sha256.
    """

    port: int = 0
    cdn: int = 0
    cdn_host: str = HOST
    repos: dict[str, Repo] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    harmed: dict[str, bytes] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    @property
    def options(self) -> dict[str, str]:
        """Of a source here."""
        return {"endpoint": self.endpoint, "allowHttp": "true"}

    def large(self, sha256: str) -> bytes | None:
        """A file of LFS."""
        everything = (
            content for repo in self.repos.values() for files in repo.commits.values() for content in files.values()
        )
        return self.harmed.get(sha256) or next((each for each in everything if _sha256(each) == sha256), None)


@contextlib.contextmanager
def hugging_face() -> Iterator[Hub]:
    """The hub and its CDN, empty."""
    state = Hub()
    front = type("Front", (_Front,), {"hub": state})
    cdn = type("Cdn", (_Cdn,), {"hub": state})
    with ThreadingHTTPServer((HOST, 0), front) as server, ThreadingHTTPServer(("", 0), cdn) as bytes_server:
        state.port, state.cdn = server.server_port, bytes_server.server_port
        for each in (server, bytes_server):
            each.daemon_threads = True
            threading.Thread(target=each.serve_forever, args=(0.02,), daemon=True).start()
        yield state
        for each in (server, bytes_server):
            each.shutdown()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def note(self, server: str) -> None:
        self.hub.asked.append((server, f"{self.command} {self.path}", dict(self.headers)))

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def part(self, content: bytes, **headers: str) -> None:
        """What a Range header asks for."""
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not asked:
            self.answer(200, content, **headers)
            return
        start, end = int(asked[1]), min(int(asked[2]) + 1, len(content))
        self.answer(206, content[start:end], Content_Range=f"bytes {start}-{end - 1}/{len(content)}", **headers)


class _Cdn(_Handler):
    def do_GET(self) -> None:
        self.note("cdn")
        url = urlsplit(self.path)
        content = self.hub.large(url.path.rpartition("/")[2])
        if self.headers.get("Authorization"):  # as S3 does, beside a signature in the address
            self.answer(400, b"<Error><Code>InvalidArgument</Code></Error>")
        elif "Signature" not in parse_qs(url.query) or content is None:
            self.answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        else:
            self.part(content, ETag=f'"{url.path[-32:]}"')


class _Front(_Handler):
    def do_GET(self) -> None:
        self.note("hub")
        if api := re.fullmatch(r"/api/models/([^/?]+/[^/?]+)(?:/([^?]*))?(?:\?(.*))?", self.path):
            self._api(api[1], api[2] or "", parse_qs(api[3] or ""))
        elif file := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.*)", self.path):
            self._file(file[1], unquote(file[2]), unquote(file[3]))
        else:
            self.answer(404, b"not found")

    def do_POST(self) -> None:
        self.note("hub")
        fields = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        asked = re.fullmatch(r"/api/models/([^/]+/[^/]+)/paths-info/([^/]+)", self.path)
        assert asked, self.path
        if (repo := self._seen(asked[1])) and (files := self._files(repo, unquote(asked[2]))) is not None:
            (path,) = fields["paths"]
            entries = [each for each in _tree(files) if each["path"] == path]
            self._json(entries)

    def _api(self, name: str, verb: str, query: dict[str, list[str]]) -> None:
        repo = self._seen(name)
        what, _, rest = verb.partition("/")
        if repo is None:
            return
        if what == "auth-check":
            self._json({}) if self._admitted(name, repo) else self._gated(name)
        elif what in {"", "revision"}:
            revision = unquote(rest) or "main"
            if self._files(repo, revision) is not None:
                sha = repo.names.get(revision, revision)
                self._json({"id": name, "sha": sha, "private": repo.private, "gated": "auto" if repo.gated else False})
        elif what == "tree":
            revision, _, path = rest.partition("/")
            files = self._files(repo, unquote(revision))
            if files is not None:
                self._tree(files, unquote(path), int(query.get("cursor", ["0"])[0]))

    def _tree(self, files: dict[str, bytes], path: str, start: int) -> None:
        entries = [each for each in _tree(files) if not path or each["path"].startswith(f"{path}/")]
        if not entries:
            self._error(404, "EntryNotFound", f'"{path}" does not exist')
            return
        more = start + PAGE < len(entries)
        address = f"{self.hub.endpoint}{urlsplit(self.path).path}?recursive=True&expand=False&cursor={start + PAGE}"
        self._json(entries[start : start + PAGE], **({"Link": f'<{address}>; rel="next"'} if more else {}))

    def _file(self, name: str, revision: str, path: str) -> None:
        repo = self._seen(name)
        files = self._files(repo, revision) if repo else None
        if repo is None or files is None:
            return
        if repo.gated and not self._admitted(name, repo):
            self._gated(name)
        elif path not in files:
            self._error(404, "EntryNotFound", "Entry not found")
        elif len(files[path]) < LARGE:
            content = self.hub.harmed.get(_sha256(files[path]), files[path])
            self.part(content, ETag=f'"{_git(files[path])}"', X_Repo_Commit=repo.names.get(revision, revision))
        else:
            sha256 = _sha256(files[path])
            where = f"http://{self.hub.cdn_host}:{self.hub.cdn}/repos/{quote(name)}/{sha256}?Signature=of-the-hub"
            self.answer(302, b"Found", Location=where, X_Linked_ETag=f'"{sha256}"', X_Linked_Size=str(len(files[path])))

    def _seen(self, name: str) -> Repo | None:
        """The repository, if whoever asks may know of it; if not, that is the answer."""
        repo, token = self.hub.repos.get(name), self._token()
        if token is not None and token not in self.hub.members:
            self._error(401, "", "Invalid credentials in Authorization header")
        elif repo is None or (repo.private and not self._admitted(name, repo)):
            if token is None:
                self._error(401, "RepoNotFound", "Invalid username or password.")
            else:
                self._error(404, "RepoNotFound", "Repository not found")
        else:
            return repo
        return None

    def _files(self, repo: Repo, revision: str) -> dict[str, bytes] | None:
        files = repo.commits.get(repo.names.get(revision, revision))
        if files is None:
            self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return files

    def _admitted(self, name: str, repo: Repo) -> bool:
        return not (repo.private or repo.gated) or name in self.hub.members.get(self._token() or "", set())

    def _token(self) -> str | None:
        value = self.headers.get("Authorization")
        return value.removeprefix("Bearer ") if value else None

    def _gated(self, name: str) -> None:
        status = 403 if self._token() else 401
        self._error(status, "GatedRepo", f"Access to model {name} is restricted. You must have access to it.")

    def _json(self, value: Any, **headers: str) -> None:
        self.answer(200, json.dumps(value).encode(), Content_Type="application/json", **headers)

    def _error(self, status: int, code: str, message: str) -> None:
        headers = {"X_Error_Message": message} | ({"X_Error_Code": code} if code else {})
        self.answer(status, json.dumps({"error": message}).encode(), Content_Type="application/json", **headers)


def _tree(files: dict[str, bytes]) -> list[dict[str, Any]]:
    folders = {path[:end] for path in files for end in range(len(path)) if path[end] == "/"}
    entries: list[dict[str, Any]] = [
        {"type": "directory", "oid": _git(each.encode()), "size": 0, "path": each} for each in folders
    ]
    for path, content in files.items():
        entry = {"type": "file", "oid": _git(content), "size": len(content), "path": path}
        if len(content) >= LARGE:
            entry["lfs"] = {"oid": _sha256(content), "size": len(content), "pointerSize": 134}
        entries.append(entry)
    return sorted(entries, key=lambda each: each["path"])


def _git(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
