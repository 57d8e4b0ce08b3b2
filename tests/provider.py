"""A server that misbehaves on demand, and an image search that answers as Openverse's documentation says.

`with Provider() as p:` listens on a free loopback port, in a thread of its own. `p.connections` counts what reached it,
`p.sent` the bytes of endless bodies, `p.most` how many requests were being answered at once. `p.requests` keeps (path,
headers, monotonic seconds), and `p.robots_requests` those for /robots.txt; `p.forms` (path, fields) of what was posted.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import socket
import ssl
import threading
import time
from urllib.parse import parse_qsl, unquote, urlsplit

OK = "200 OK"


def head(status: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode()


def whole(body: bytes, *headers: str, status: str = OK) -> bytes:
    return head(status, f"Content-Length: {len(body)}", *headers) + body


def bomb(megabytes: int) -> bytes:
    """A gzip file of zeros: about a thousandth of its size when unpacked."""
    member = gzip.compress(bytes(1_000_000), 9)
    return member * megabytes


class Provider:
    def __init__(self, host: str = "127.0.0.1", port: int = 0, delay: float = 0.0, tls: ssl.SSLContext | None = None):
        self.host, self.delay, self.tls = host, delay, tls
        self.socket = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        # A small buffer: `sent` then says what the other side took, not what the system would keep for it.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        self.port = self.socket.getsockname()[1]
        self.images: dict[str, bytes] = {}  # path -> bytes
        self.found: dict[str, list] = {}  # words asked for -> results, as Openverse would give them
        self.answer: bytes | None = None  # instead of any search answer
        self.robots: bytes | str | None = None  # /robots.txt: None = 404, its bytes, or the path whose answer it gives
        self.headers: dict[str, tuple[str, ...]] = {}  # path -> more lines in the head of its answer
        self.connections = self.now = self.most = self.sent = 0
        self.requests: list[tuple[str, dict[str, str], float]] = []
        self.robots_requests: list[tuple[str, dict[str, str], float]] = []
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.counts: dict[str, int] = {}

    @property
    def url(self) -> str:
        scheme, name = "https" if self.tls else "http", f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{name}:{self.port}"

    @property
    def allow(self) -> str:
        return self.url.partition("://")[2]

    def __enter__(self) -> Provider:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *error: object) -> None:
        self._running.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    async def _serve(self, ready: threading.Event) -> None:
        self._running, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._talk, sock=self.socket, ssl=self.tls)
        ready.set()
        await self._end.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while line := (await reader.readline()).decode("latin-1"):
                headers = {}
                while (field := (await reader.readline()).decode("latin-1").strip()) != "":
                    name, _, value = field.partition(":")
                    headers[name.lower()] = value.strip()
                method, path, *_ = line.split()
                sent = await reader.readexactly(int(headers.get("content-length", 0)))
                if method == "POST":
                    self.forms.append((path, dict(parse_qsl(sent.decode()))))
                kept = self.robots_requests if path == "/robots.txt" else self.requests
                kept.append((path, headers, time.monotonic()))
                self.now += 1
                self.most = max(self.most, self.now)
                try:
                    await asyncio.sleep(self.delay)
                    open_still = await self._answer(path, writer)
                finally:
                    self.now -= 1
                if not open_still:
                    return
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> bool:
        """True where the connection may serve another request."""
        if path == "/robots.txt":
            if isinstance(self.robots, str):
                return await self._answer(self.robots, writer)
            if self.robots is not None:
                writer.write(whole(self.robots, "Content-Type: text/plain"))
                await writer.drain()
                return True
        parts = urlsplit(path)
        query = dict(parse_qsl(parts.query))
        first = parts.path.strip("/").partition("/")[0]
        if path in self.images:
            writer.write(whole(self.images[path], "Content-Type: image/jpeg", *self.headers.get(path, ())))
        elif parts.path == "/v1/images/":
            writer.write(self._search(query))
        elif special := getattr(self, "_" + first.replace("-", "_"), None):
            return await special(writer, path)
        else:
            writer.write(whole(b"not here", status="404 Not Found"))
        await writer.drain()
        return True

    def _search(self, query: dict[str, str]) -> bytes:
        if self.answer is not None:
            return whole(self.answer)
        page, size = int(query.get("page", 1)), int(query.get("page_size", 20))
        found = self.found.get(query.get("q", ""), [])
        pages = math.ceil(len(found) / size)
        if size > 20 or page > max(pages, 1):
            return whole(json.dumps({"detail": "beyond the limit"}).encode(), status="401 Unauthorized")
        return whole(json.dumps({"result_count": len(found), "page_count": pages, "page_size": size, "page": page,
                                 "results": found[(page - 1) * size : page * size]}).encode())  # fmt: skip

    # faults: /<name>/... each gets the writer and the path ---------------------------------------------------------

    async def _status(self, writer: asyncio.StreamWriter, path: str) -> bool:  # /status/404
        writer.write(whole(b"", status=f"{path.rsplit('/', 1)[1]} Nothing"))
        return True

    async def _busy(self, writer: asyncio.StreamWriter, path: str) -> bool:  # /busy/429/<times>/<Retry-After or ->
        _, _, status, times, after = path.split("/")
        self.counts[path] = self.counts.get(path, 0) + 1
        headers = [] if after == "-" else [f"Retry-After: {unquote(after)}"]
        late = self.counts[path] > int(times)
        writer.write(whole(b"at last") if late else whole(b"", *headers, status=f"{status} Later"))
        return True

    async def _reset(self, writer: asyncio.StreamWriter, path: str) -> bool:
        writer.write(head(OK, "Content-Length: 1000") + b"half")
        await writer.drain()
        # Linger of zero seconds: the other side gets a reset, not a polite end.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()
        return False

    async def _never(self, writer: asyncio.StreamWriter, path: str) -> bool:
        await asyncio.sleep(60)
        return False

    async def _drip(self, writer: asyncio.StreamWriter, path: str) -> bool:
        writer.write(head(OK, "Content-Length: 100000"))
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def _endless(self, writer: asyncio.StreamWriter, path: str) -> bool:
        writer.write(head(OK, "Connection: close", *self.headers.get(path, ())))
        return await self._endless_body(writer)

    async def _huge(self, writer: asyncio.StreamWriter, path: str) -> bool:  # says 1 TB
        writer.write(head(OK, "Content-Length: 1000000000000"))
        return await self._endless_body(writer)

    async def _endless_body(self, writer: asyncio.StreamWriter) -> bool:
        while True:
            writer.write(bytes(16384))
            await writer.drain()
            self.sent += 16384

    async def _short(self, writer: asyncio.StreamWriter, path: str) -> bool:  # says 1000, sends 4
        writer.write(head(OK, "Content-Length: 1000") + b"half")
        await writer.drain()
        return False

    async def _long(self, writer: asyncio.StreamWriter, path: str) -> bool:  # says 4, sends more
        writer.write(head(OK, "Content-Length: 4") + b"half and much more")
        await writer.drain()
        return False

    async def _nonsense(self, writer: asyncio.StreamWriter, path: str) -> bool:
        writer.write(b"\x16\x03\x01 this is no HTTP at all\r\n\r\n")
        await writer.drain()
        return False

    async def _bomb(self, writer: asyncio.StreamWriter, path: str) -> bool:  # /bomb/<megabytes>
        writer.write(whole(bomb(int(path.rsplit("/", 1)[1])), "Content-Encoding: gzip", "Content-Type: image/jpeg"))
        await writer.drain()
        return True

    async def _html(self, writer: asyncio.StreamWriter, path: str) -> bool:
        writer.write(whole(b"<!doctype html><title>gone</title>", "Content-Type: image/jpeg"))
        return True

    async def _to(self, writer: asyncio.StreamWriter, path: str) -> bool:  # /to?<any text>
        more = self.headers.get(path, ())
        writer.write(whole(b"", f"Location: {unquote(path.partition('?')[2])}", *more, status="302 Found"))
        return True

    async def _loop(self, writer: asyncio.StreamWriter, path: str) -> bool:  # to itself
        writer.write(whole(b"", f"Location: {path}", status="302 Found"))
        return True

    async def _lost(self, writer: asyncio.StreamWriter, path: str) -> bool:
        writer.write(whole(b"", status="302 Found"))
        return True

    async def _hops(self, writer: asyncio.StreamWriter, path: str) -> bool:  # /hops/<n> -> /hops/<n-1> -> ... -> body
        left = int(path.rsplit("/", 1)[1])
        onward = whole(b"", f"Location: /hops/{left - 1}", status="302 Found")
        writer.write(onward if left else whole(b"arrived"))
        return True
