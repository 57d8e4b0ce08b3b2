"""The only door to the network: guarded (addresses.py), polite (pace.py, robots.py, rights.py) and bounded (here).

A request is followed hop by hop. At each hop the host is resolved once, every address it has is judged, and only a
judged address is connected to, under the name in the URL (Host header and TLS name). Whatever goes wrong with one
URL is a `Refused` (may be tried again) or a `Permanent` with a short reason; `core.scrape.FAILURES` explains them.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import aiohttp
from yarl import URL

from core.errors import BadInput, Permanent, Refused
from core.web.addresses import Allowed, Guard, parse
from core.web.pace import RATE, Pace, retry_after
from core.web.rights import check
from core.web.robots import NOT_ASKED, Robots

if TYPE_CHECKING:
    from core.sources import Get

MEGABYTE = 1024 * 1024
LIMIT = 20 * MEGABYTE  # bytes of one body, counted after decoding
DEADLINE = 20.0  # seconds for one request: names, connections, redirects and body; waiting for our turn is not in it
HOPS = 5  # redirects
FORBIDDEN = ("robots", "robots unreachable", "noai", "tdm reserved")  # reasons by which a host says no
TRIES = 3  # of a request that is answered with 429 or 503
OURS = ("host", "user-agent", "accept-encoding", "content-length", "transfer-encoding", "connection")  # headers


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer."""

    url: str  # of the last hop
    status: int  # 200..299
    headers: Mapping[str, str]  # names in any case; `getall` for several of one name
    body: bytes
    permission: str = NOT_ASKED  # what robots.txt says of this address, and how we know


@dataclass(frozen=True, slots=True)
class _Ask:
    """What is asked for, besides where."""

    limit: int  # bytes
    deadline: float  # seconds
    headers: Mapping[str, str]
    form: Mapping[str, str] | None
    robots: bool
    cut: bool = False  # a body over the limit ends there, and is no failure


class Web:
    """`async with Web() as web: reply = await web.get(url)`. One per event loop.

    `allow`: see Allowed. `host_rate`: see Pace; "" = RATE, with the hosts of the allow list unthrottled.
    `own`: servers of this program itself, which may be reached and are neither throttled nor asked; as `allow`.
    `contact`: a mail address or page for the user agent. `memory`: see Pace. The environment's proxies, .netrc and
    cookies are not used.
    """

    def __init__(
        self,
        allow: Sequence[str] = (),
        host_rate: str = "",
        contact: str = "",
        own: Sequence[str] = (),
        memory: str = "",
    ) -> None:
        self._allow = Allowed([*allow, *own])
        self._own = Allowed(own)
        self._pace = Pace(host_rate or RATE, memory)
        self._robots = Robots(self._robots_txt)
        self._unthrottled = Allowed(own if host_rate else [*allow, *own])  # a rate that the user set holds for all
        self._agent = f"Winnow/0.1 (+{contact})" if contact else "Winnow/0.1"

    async def __aenter__(self) -> Self:
        self.guard = Guard(self._allow)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                # How many run at once is the caller's to say: a queue in here would eat into the deadline.
                resolver=self.guard, use_dns_cache=False, limit=0, socket_factory=self.guard.socket
            ),
            headers={"User-Agent": self._agent, "Accept-Encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None),
            trust_env=False,
        )  # fmt: skip
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._robots.close()
        await self._session.close()
        await self.guard.close()

    async def get(
        self, url: str, limit: int = LIMIT, deadline: float = DEADLINE, *, headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None, robots: bool = True,
    ) -> Reply:  # fmt: skip
        """Fetch `url`: at most `limit` bytes (after decoding) within `deadline` seconds, each of up to three tries.

        `headers`: more of them, a key for instance; no redirect takes them to another host, port or scheme.
        `form`: sent by POST as application/x-www-form-urlencoded; a redirect of that is refused.
        `robots`: whether its host is asked: robots.txt first, at each hop (see Robots; its Crawl-delay holds whatever
        the rate), then the headers of the answer, before its body is read. Raises BadInput where a header is not ours
        to set or not one line; Permanent: malformed url, forbidden address, robots, noai, tdm reserved, redirects, too
        large, certificate, http 4xx; Refused: timeout, connection, unknown host, robots unreachable, http 429,
        http 5xx, asked for a pause.
        """
        target = parse(url)
        reply = await self._patiently(target, _Ask(limit, deadline, _checked(headers or {}), form, robots))
        if reply.status < 400:
            return reply
        kind = Refused if reply.status in (408, 425, 429) or reply.status >= 500 else Permanent
        error = kind(f"http {reply.status}", f"{target.host} answered with the error {reply.status}.")
        error.permission = reply.permission
        raise error

    async def _robots_txt(self, url: URL, limit: int, deadline: float) -> Reply:
        return await self._patiently(url, _Ask(limit, deadline, {}, None, robots=False, cut=True))

    async def _patiently(self, url: URL, ask: _Ask) -> Reply:
        """The answer of the last hop, an error too; where it asks for a short pause, that of up to TRIES tries."""
        for attempt in range(TRIES):
            reply = await self._follow(url, ask)
            if reply.status not in (429, 503):
                break
            pause = retry_after(reply.headers.get("Retry-After", ""), attempt)
            if not self._pace.hold(URL(reply.url).raw_host or "", pause):
                break
        return reply

    async def _follow(self, url: URL, ask: _Ask) -> Reply:
        said: dict[str, None] = {}  # what the hosts permit, hop by hop
        try:
            return await self._hops(url, ask, said)
        except Refused as error:
            error.permission = f"refused: {error}" if error.reason in FORBIDDEN else "; ".join(said)
            raise

    async def _hops(self, url: URL, ask: _Ask, said: dict[str, None]) -> Reply:
        left, start, headers = ask.deadline, url, ask.headers
        for _ in range(HOPS + 1):
            host, port = url.raw_host or "", url.port or 0
            polite = ask.robots and not self._own.host(host, port)
            began = time.monotonic()
            try:
                await self.guard.judge(host, port, left)
                left -= time.monotonic() - began
                permission, gap = await self._robots.judge(url) if polite else (NOT_ASKED, 0.0)
                said[permission] = None
                throttled = not self._unthrottled.host(host, port)
                async with self._pace.turn(host, throttled, gap), asyncio.timeout(left):
                    began = time.monotonic()
                    reply = await self._request(url, ask, headers, polite, "; ".join(said))
                left -= time.monotonic() - began
            except TimeoutError:
                raise Refused("timeout", f"{start.host} did not deliver within {ask.deadline:g} seconds.") from None
            if not 300 <= reply.status < 400:
                return reply
            if ask.form is not None:
                raise Permanent("redirects", f"{url.host} redirects a form, which is sent to no other address.")
            onward = self._next(url, reply)
            if onward.origin() != url.origin():
                headers = {}  # a key is for the host it was given for
            url = onward
        raise Permanent("redirects", f"{start.host} redirects more than {HOPS} times.")

    def _next(self, url: URL, reply: Reply) -> URL:
        """Where a redirect leads. Raises Permanent "redirects" where that is no web address."""
        location = reply.headers.get("Location", "").strip()
        if reply.status not in (301, 302, 303, 307, 308) or not location:
            raise Permanent("redirects", f"{url.host} answered {reply.status} without saying where to go.")
        try:
            target = url.join(URL(location))
            if target.scheme in ("http", "https"):
                return parse(str(target))
        except ValueError:
            pass
        except Permanent as error:
            if error.reason != "malformed url":
                raise
        raise Permanent("redirects", f"{url.host} redirects to {location[:200]!r}, which is no web address.")

    async def _request(
        self, url: URL, ask: _Ask, headers: Mapping[str, str], polite: bool, permission: str
    ) -> Reply:  # fmt: skip
        method = "GET" if ask.form is None else "POST"
        try:
            async with self._session.request(
                method, url, headers=headers, data=ask.form, allow_redirects=False
            ) as answer:
                if polite and answer.status < 400:
                    check(url.host or "", answer.headers)  # what it raises closes the connection, the body unread
                found = 200 <= answer.status < 300  # of a redirect or an error nobody wants the body
                body = await _body(answer, ask.limit, ask.cut) if found else b""
                return Reply(str(url), answer.status, answer.headers, body, permission)
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError):
            raise Permanent("certificate", f"{url.host} cannot prove who it is (TLS).") from None
        except aiohttp.InvalidURL:
            raise Permanent("malformed url", f"{str(url)[:200]!r} is not a web address.") from None
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise Refused("connection", f"The connection to {url.host} broke ({type(error).__name__}).") from None


async def _body(answer: aiohttp.ClientResponse, limit: int, cut: bool) -> bytes:
    too_large = Permanent("too large", f"{answer.url.host} sends more than {limit / MEGABYTE:g} MB.")
    if (answer.content_length or 0) > limit and not cut:
        raise too_large
    chunks, size = [], 0
    async for chunk in answer.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            if not cut:
                raise too_large
            break
    return b"".join(chunks)


def _checked(headers: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in headers.items():
        # The value may be a secret: it is not repeated.
        if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not value.isprintable():
            raise BadInput(f"The header {name[:200]!r} is not one line of letters: look at the key that goes into it.")
        if name.lower() in OURS:
            raise BadInput(f"The header {name!r} is set by Winnow itself.")
    return headers


@contextmanager
def blocking(web: Web, deadline: float = DEADLINE) -> Iterator[Get]:
    """`web.get` for code that is not async, a source or a page: `with blocking(Web()) as get: get(url)`.

    For the addresses of APIs, which are made to be asked by programs: robots.txt is asked only with `robots`.
    """
    with asyncio.Runner() as runner:
        runner.run(web.__aenter__())

        def get(
            url: str, *, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None,
            robots: bool = False,
        ) -> Reply:  # fmt: skip
            return runner.run(web.get(url, deadline=deadline, headers=headers, form=form, robots=robots))

        try:
            yield get
        finally:
            runner.run(web.__aexit__())
