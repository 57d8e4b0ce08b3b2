"""The only door to the network: guarded (addresses.py), polite (pace.py) and bounded (here).

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

if TYPE_CHECKING:
    from core.sources import Get

MEGABYTE = 1024 * 1024
LIMIT = 20 * MEGABYTE  # bytes of one body, counted after decoding
DEADLINE = 20.0  # seconds for one request: names, connections, redirects and body; waiting for our turn is not in it
HOPS = 5  # redirects
TRIES = 3  # of a request that is answered with 429 or 503
OURS = ("host", "user-agent", "accept-encoding", "content-length", "transfer-encoding", "connection")  # headers


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer."""

    url: str  # of the last hop
    status: int  # 200..299
    headers: Mapping[str, str]  # names in any case; `getall` for several of one name
    body: bytes
    permission: str = "not asked"  # what robots.txt said of this address, and how we know


@dataclass(frozen=True, slots=True)
class _Ask:
    """What is asked for, besides where."""

    limit: int  # bytes
    deadline: float  # seconds
    headers: Mapping[str, str]
    form: Mapping[str, str] | None
    robots: bool


class Web:
    """`async with Web() as web: reply = await web.get(url)`. One per event loop.

    `allow`: see Allowed. `host_rate`: see Pace; "" = RATE, with the hosts of the allow list unthrottled.
    `own`: servers of this program itself, which may be reached and are never throttled; as `allow`.
    `contact`: a mail address or page for the user agent. The environment's proxies, .netrc and cookies are not used.
    """

    def __init__(
        self, allow: Sequence[str] = (), host_rate: str = "", contact: str = "", own: Sequence[str] = ()
    ) -> None:
        self._allow = Allowed([*allow, *own])
        self._pace = Pace(host_rate or RATE)
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
        await self._session.close()
        await self.guard.close()

    async def get(
        self, url: str, limit: int = LIMIT, deadline: float = DEADLINE, *, headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None, robots: bool = True,
    ) -> Reply:  # fmt: skip
        """Fetch `url`: at most `limit` bytes (after decoding) within `deadline` seconds, each of up to three tries.

        `headers`: more of them, a key for instance; no redirect takes them to another host, port or scheme.
        `form`: sent by POST as application/x-www-form-urlencoded; a redirect of that is refused.
        `robots`: robots.txt is asked first. Raises BadInput where a header is not ours to set or not one line;
        Permanent: malformed url, forbidden address, redirects, too large, certificate, http 4xx;
        Refused: timeout, connection, unknown host, http 429, http 5xx, asked for a pause.
        """
        target = parse(url)
        ask = _Ask(limit, deadline, _checked(headers or {}), form, robots)
        for attempt in range(TRIES):
            reply = await self._follow(target, ask)
            if reply.status < 400:
                return reply
            if reply.status not in (429, 503):
                break
            pause = retry_after(reply.headers.get("Retry-After", ""), attempt)
            if not self._pace.hold(URL(reply.url).raw_host or "", pause):
                break
        kind = Refused if reply.status in (408, 425, 429) or reply.status >= 500 else Permanent
        raise kind(f"http {reply.status}", f"{target.host} answered with the error {reply.status}.")

    async def _follow(self, url: URL, ask: _Ask) -> Reply:
        left, start, headers = ask.deadline, url, ask.headers
        for _ in range(HOPS + 1):
            # Whether robots.txt lets us in is to be asked here: once per host, before anything else is requested of it.
            began = time.monotonic()
            try:
                async with asyncio.timeout(left):
                    await self.guard.judge(url.raw_host or "", url.port or 0)
                left -= time.monotonic() - began
                throttled = not self._unthrottled.host(url.raw_host or "", url.port or 0)
                async with self._pace.turn(url.raw_host or "", throttled), asyncio.timeout(left):
                    began = time.monotonic()
                    reply = await self._request(url, ask, headers)
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

    async def _request(self, url: URL, ask: _Ask, headers: Mapping[str, str]) -> Reply:
        method = "GET" if ask.form is None else "POST"
        try:
            async with self._session.request(
                method, url, headers=headers, data=ask.form, allow_redirects=False
            ) as answer:
                found = 200 <= answer.status < 300  # of a redirect or an error nobody wants the body
                body = await _body(answer, ask.limit) if found else b""
                return Reply(str(url), answer.status, answer.headers, body)
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError):
            raise Permanent("certificate", f"{url.host} cannot prove who it is (TLS).") from None
        except aiohttp.InvalidURL:
            raise Permanent("malformed url", f"{str(url)[:200]!r} is not a web address.") from None
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise Refused("connection", f"The connection to {url.host} broke ({type(error).__name__}).") from None


async def _body(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    too_large = Permanent("too large", f"{answer.url.host} sends more than {limit / MEGABYTE:g} MB.")
    if (answer.content_length or 0) > limit:
        raise too_large
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise too_large
    return bytes(body)


def _checked(headers: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in headers.items():
        # The value may be a secret: it is not repeated.
        if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not value.isprintable():
            raise BadInput(f"The header {name[:200]!r} is not one line of letters: look at the key that goes into it.")
        if name.lower() in OURS:
            raise BadInput(f"The header {name!r} is set by Winnow itself.")
    return headers


@contextmanager
def blocking(web: Web) -> Iterator[Get]:
    """`web.get` for code that is not async, a source or a page: `with blocking(Web()) as get: get(url)`.

    For the addresses of APIs, which are made to be asked by programs: robots.txt is asked only with `robots`.
    """
    with asyncio.Runner() as runner:
        runner.run(web.__aenter__())

        def get(
            url: str, *, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None,
            robots: bool = False,
        ) -> Reply:  # fmt: skip
            return runner.run(web.get(url, headers=headers, form=form, robots=robots))

        try:
            yield get
        finally:
            runner.run(web.__aexit__())
