"""Listings that no honest S3 server gives, and folder markers, which this one cannot store.

Only the listing is made up; it goes through the same client as a real one.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

from tests.ports import HOST


@contextlib.contextmanager
def listing(*objects: tuple[str, int], known: tuple[str, ...] = ()) -> Iterator[str]:
    """A server that lists these keys and sizes; only those known answer when they are asked for."""
    contents = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        f'<ETag>"{number}"</ETag><Size>{size}</Size></Contents>'
        for number, (key, size) in enumerate(objects)
    )
    page = f"<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>".encode()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def do_HEAD(self) -> None:
            there = any(self.path.endswith("/" + each) for each in known)
            self.send_response(200 if there else 404)
            self.send_header("Content-Length", "0")
            self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
            self.end_headers()

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://{HOST}:{server.server_port}"
        server.shutdown()
