"""Serves one large random file as a model hub with a content network does: a test hub in front, nginx behind."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.hub import FakeHub
from tests.fakes.wire import Asked, Reply

FILE = "model.safetensors"
MIB = 1 << 20


@contextmanager
def nginx(folder: Path, port: int) -> Iterator[str | None]:
    """Serves `folder/www`; gives the address, or None when there is no nginx."""
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if binary is None:
        yield None
        return
    settings = folder / "nginx.conf"
    settings.write_text(
        f"daemon off; pid {folder}/nginx.pid; worker_processes 1; error_log {folder}/error.log;\n"
        "events { worker_connections 256; }\n"
        "http { sendfile on; tcp_nopush on; keepalive_requests 100000;\n"
        f"log_format bytes '$body_bytes_sent'; access_log {folder}/access.log bytes;\n"
        f"client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};\n"
        f"uwsgi_temp_path {folder}; scgi_temp_path {folder};\n"
        f"server {{ listen 127.0.0.1:{port}; root {folder}/www; }} }}\n"
    )
    server = subprocess.Popen([binary, "-c", str(settings), "-p", str(folder)], stderr=subprocess.DEVNULL)
    try:
        while not (folder / "nginx.pid").exists():
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


class Front(FakeHub):
    """A hub whose large files lie with nginx, as a real hub's lie with a content network.

    Pages of listings are made once and then kept, so that a plan is not measured by a Python hub's speed.
    """

    served: str | None = None

    def __init__(self) -> None:
        super().__init__()
        self._pages: dict[str, tuple[dict[str, str], list[bytes | memoryview], int | None]] = {}

    def _answer(self, asked: Asked) -> Reply:
        if asked.target in self._pages:
            headers, body, length = self._pages[asked.target]
            return Reply(200, headers, body, length)
        reply = super()._answer(asked)
        if "/tree/" in asked.target and reply.status == 200:
            reply.body = list(reply.body)
            self._pages[asked.target] = (reply.headers, reply.body, reply.length)
        if self.served is not None and reply.headers.get("Location", "").startswith(self.cdn_url):
            reply.headers = {**reply.headers, "Location": f"{self.served}/{FILE}"}
        return reply


def weights_head(size: int) -> bytes:
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header


def make_file(path: Path, size: int) -> str:
    """A safetensors file of `size` bytes of randomness; gives its SHA-256."""
    digest = hashlib.sha256()
    head = weights_head(size - len(weights_head(size)))
    with path.open("wb") as file:
        left = size
        block = head
        while left:
            file.write(block)
            digest.update(block)
            left -= len(block)
            block = os.urandom(min(MIB, left))
    return digest.hexdigest()
