"""What the measurements fetch from: servers in a process of their own, so that they take no turn of what is measured.

`Remote(make, *args)` makes a server in another process and calls its methods there. `Prepared` is a web server that
writes prepared bytes and does next to nothing else: several thousand answers a second on one core.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from collections.abc import Callable
from typing import Any, Self

MANY = 2048  # connections that may wait to be accepted


class Remote:
    """`make(*args)`, a context manager, entered in a process of its own. `ask("name", ...)` calls a method there."""

    def __init__(self, make: Callable[..., Any], *args: object) -> None:
        fresh = multiprocessing.get_context("spawn")
        self._line, theirs = fresh.Pipe()
        self._process = fresh.Process(target=_live, args=(theirs, make, args), daemon=True)
        self._process.start()
        theirs.close()
        self._line.recv()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._line.close()
        self._process.join(10)

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def ask(self, name: str, *args: object) -> Any:
        self._line.send((name, args))
        return self._line.recv()


def _live(line: Any, make: Callable[..., Any], args: tuple) -> None:
    with make(*args) as served:
        line.send("ready")
        while True:
            try:
                name, given = line.recv()
            except EOFError:  # whoever asked is gone
                return
            line.send(getattr(served, name)(*given))


class Prepared:
    """Answers every GET on a free loopback port, `delay` seconds after it came. A subclass says with what: `reply`.

    With `handshake` the first answer on a connection takes twice as long: a network asks for that time to connect.
    """

    def __init__(self, delay: float = 0.0) -> None:
        self.delay, self.handshake, self.connections = delay, False, 0
        self._port = 0

    def reply(self, path: str) -> bytes:
        """The whole answer, with its head; b"" for 404."""
        raise NotImplementedError

    def port(self) -> int:
        return self._port

    def set_delay(self, seconds: float, handshake: bool = False) -> None:
        self.delay, self.handshake = seconds, handshake

    def __enter__(self) -> Self:
        ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True).start()
        assert ready.wait(30)
        return self

    def __exit__(self, *error: object) -> None:
        pass  # its process ends

    async def _serve(self, ready: threading.Event) -> None:
        self.loop = asyncio.get_running_loop()
        server = await self.loop.create_server(lambda: _Line(self), "127.0.0.1", 0, backlog=MANY)
        self._port = server.sockets[0].getsockname()[1]
        ready.set()
        await server.serve_forever()


class _Line(asyncio.Protocol):
    """One connection, kept open for further requests; none of them has a body."""

    def __init__(self, server: Prepared) -> None:
        self._server, self._rest, self._new = server, b"", True

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._server.connections += 1

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            request, self._rest = self._rest[:end], self._rest[end + 4 :]
            reply = self._server.reply(request.split(b" ", 2)[1].decode("latin-1")) or MISSING
            if delay := self._server.delay * (1 + (self._new and self._server.handshake)):
                self._server.loop.call_later(delay, self._transport.write, reply)
            else:
                self._transport.write(reply)
            self._new = False


def whole(body: bytes, kind: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
