"""An HTTP proxy in this process, for clients that make their connections themselves and can only be told of a proxy.

It listens on loopback, and serves whoever asks: who is in the pod's network can connect from there without it, and to
more. (A password would do harm: the client of most sources leaves it out after a redirection.) It works in threads, as
it is the kernel that moves the bytes (splice): what is TLS passes as it is, and of what is not, only the heads of
requests are read.
"""

import contextlib
import fcntl
import os
import socket
import threading
from collections.abc import Callable
from typing import Final, Protocol

from tritium.sync.guard import Forbidden
from tritium.sync.heads import Head, Heads

_PIECE: Final = 1 << 20
"""Bytes that the kernel moves at a time; what it grants a pipe without a privilege."""


class Connect(Protocol):
    """As `Guard.connect`."""

    def __call__(self, host: str, port: int, *, identity: bool = False) -> socket.socket:
        """A connection."""


class Relay:
    """The proxy; it runs until it is closed.

    Args:
        connect: makes its connections.
        upstream: host and port of a further proxy that the requests pass.
    """

    def __init__(self, connect: Connect, upstream: tuple[str, int] | None = None) -> None:
        self._connect = connect
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._clients: set[socket.socket] = set()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._listening = _thread(self._listen)

    def close(self) -> None:
        """End it and all connections."""
        _end(self._listener)
        self._listening.join()
        self._listener.close()
        for client in tuple(self._clients):
            _end(client)

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._clients.add(client)
                _thread(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        try:
            with client, contextlib.suppress(OSError, ValueError):
                _prompt(client)
                heads = Heads(client)
                if head := heads.following():
                    self._answer(client, heads, head)
        finally:
            self._clients.discard(client)

    def _answer(self, client: socket.socket, heads: Heads, head: Head) -> None:
        # Who asks the cloud for the pod's identity asks a neighbour, which no other proxy has.
        upstream = None if head.for_identity else self._upstream
        try:
            server = self._connect(*(upstream or head.server), identity=head.for_identity)
        except Forbidden:
            return _refuse(client, "403 Forbidden")
        except OSError:
            return _refuse(client, "502 Bad Gateway")
        with server:
            _prompt(server)
            tunnel = head.method == "CONNECT" and upstream is None
            if tunnel:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = _thread(_pour, server, client)
            try:
                if not tunnel:
                    _hand_on(heads, head, server, whole=upstream is not None)
                if head.method == "CONNECT":
                    _pour(client, server)
            finally:
                _end(server)
                back.join()
        return None


def _hand_on(heads: Heads, head: Head, server: socket.socket, *, whole: bool) -> None:
    """Requests, as long as they are for the server that the first one was for, and of its kind."""
    following: Head | None = head
    while following and (following.server, following.for_identity) == (head.server, head.for_identity):
        server.sendall(following.onward(whole=whole))
        heads.body(following.length, server)
        if head.method == "CONNECT":
            return
        following = heads.following()


def _pour(source: socket.socket, target: socket.socket) -> None:
    """Move bytes until one side has no more, and tell the other so."""
    out, into = os.pipe()
    try:
        with contextlib.suppress(OSError):
            # A container may have used up what its user is granted; then the pieces are smaller.
            with contextlib.suppress(OSError):
                fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, _PIECE)
            while moved := os.splice(source.fileno(), into, _PIECE):
                while moved:
                    moved -= os.splice(out, target.fileno(), moved)
    finally:
        os.close(out)
        os.close(into)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


def _refuse(client: socket.socket, status: str) -> None:
    client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())


def _prompt(connection: socket.socket) -> None:
    """Do not wait for more before sending a little."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _thread(work: Callable[..., None], *args: socket.socket) -> threading.Thread:
    thread = threading.Thread(target=work, args=args, daemon=True, name="relay")
    thread.start()
    return thread
