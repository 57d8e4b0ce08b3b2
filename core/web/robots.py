"""What a host's robots.txt lets us fetch (RFC 9309), asked once and remembered."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from protego import Protego
from yarl import URL

from core.errors import Permanent, Refused

if TYPE_CHECKING:
    from core.web import Reply

AGENT = "Winnow"  # our product token: the word that a `User-agent` line names us by
LIMIT = 500 * 1024  # bytes of a robots.txt that count: the least that the RFC asks for
DEADLINE = 10.0  # seconds for one of them
FRESH = 24 * 3600.0  # seconds for which an answer counts, and
SOON = 60.0  # for which a failure does
LONGEST = 30.0  # seconds of Crawl-delay that are obeyed; more of it counts as this
MEMORY = 4 * 1024 * 1024  # bytes of text whose rules are kept; a rule takes about 25 times the room of its text
ENTRY = 256  # bytes that a host counts for without any text
NOT_ASKED = "not asked"
FREE = "allowed: robots.txt has no rule against it"

_US = re.compile(rf"^[ \t]*user[ -]?agent(?:[ \t]*:[ \t]*|[ \t]+){AGENT}(?![\w-])[^\n]*", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Site:
    """What is known of one scheme, host and port."""

    until: float  # monotonic seconds
    permission: str = FREE
    rules: Protego | None = None
    group: str = "*"  # the group of rules that is ours
    gap: float = 0.0  # seconds between two requests
    size: int = ENTRY  # bytes it counts for
    refusal: Refused | None = None  # instead of all this


class Robots:
    """Asks each host for its robots.txt, once. `fetch(url, bytes, seconds)` gives the answer, whatever its status.

    Answered with 2xx: its rules, those of the group that names Winnow, else those of the group `*`. Answered with 4xx,
    or with redirects that lead nowhere: no rules. No answer, 5xx, 429: nothing may be fetched for now, and it is asked
    again after a minute (RFC 9309, 2.3.1). Crawl-delay, which the RFC does not know, is obeyed up to LONGEST.
    """

    def __init__(self, fetch: Callable[[URL, int, float], Awaitable[Reply]]) -> None:
        self._fetch = fetch
        self._sites: dict[tuple[str, str, int], _Site] = {}  # the one asked for last stands last
        self._asking: dict[tuple[str, str, int], asyncio.Task[_Site]] = {}
        self._size = 0

    async def judge(self, url: URL) -> tuple[str, float]:
        """Why `url` may be fetched, and the seconds that its host wants between two requests (0 to LONGEST).

        Raises Permanent "robots" where a rule is against it, Refused "robots unreachable" where nobody can say.
        """
        key = url.scheme, url.raw_host or "", url.port or 0
        site = self._sites.pop(key, None)
        if site and site.until > time.monotonic():
            self._sites[key] = site
        else:
            self._size -= site.size if site else 0
            if key not in self._asking:
                self._asking[key] = asyncio.ensure_future(self._ask(key, url.origin()))
            site = await asyncio.shield(self._asking[key])  # others may wait for it too
        if site.refusal:
            raise type(site.refusal)(site.refusal.reason, str(site.refusal))
        if site.rules and not site.rules.can_fetch(str(url), site.group):
            rule = _rule(site.rules, str(url), site.group)
            raise Permanent(
                "robots",
                f"{url.origin()}/robots.txt does not let {AGENT} fetch {url.raw_path_qs[:200]}{rule and f' ({rule})'}.",
            )
        return site.permission, site.gap

    async def _ask(self, key: tuple[str, str, int], origin: URL) -> _Site:
        try:
            site = await self._site(origin)
        finally:
            del self._asking[key]
        self._sites[key] = site
        self._size += site.size
        while self._size > MEMORY:
            self._size -= self._sites.pop(next(iter(self._sites))).size
        return site

    async def _site(self, origin: URL) -> _Site:
        now = time.monotonic()
        try:
            reply = await self._fetch(origin.with_path("/robots.txt"), LIMIT, DEADLINE)
        except Refused as error:
            if error.reason == "redirects":
                return _Site(now + FRESH, "allowed: no robots.txt (its redirects lead nowhere)")
            if error.reason in ("certificate", "asked for a pause"):  # so will every request fail
                return _Site(now + SOON, refusal=error)
            return _unreachable(origin, error.reason)
        if reply.status == 429 or reply.status >= 500:
            return _unreachable(origin, f"http {reply.status}")
        if reply.status >= 400:
            return _Site(now + FRESH, f"allowed: no robots.txt (http {reply.status})")
        return await asyncio.to_thread(_parsed, reply.body, now + FRESH)  # 150 ms for the longest

    async def close(self) -> None:
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _unreachable(origin: URL, why: str) -> _Site:
    sentence = f"{origin}/robots.txt cannot be had ({why}), so nothing is fetched from there for now."
    return _Site(time.monotonic() + SOON, refusal=Refused("robots unreachable", sentence))


def _parsed(body: bytes, until: float) -> _Site:
    if len(body) > LIMIT:  # half a line may say the opposite of the whole
        body = body[:LIMIT]
        body = body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
    text = body.decode("utf-8-sig", "replace").replace("\r", "\n")
    # Protego takes any part of our name for it ("Win") and no version behind it ("Winnow/1.0"); the RFC wants the word.
    text, named = _US.subn(f"User-agent: {AGENT}", text)
    group = AGENT if named else "*"
    rules = Protego.parse(text)
    gap = min(rules.crawl_delay(group) or 0.0, LONGEST)
    return _Site(until, rules=rules, group=group, gap=gap, size=ENTRY + len(body))


def _rule(rules: Protego, url: str, group: str) -> str:
    """ "Disallow: /private/": the longest rule against `url`; "" where Protego keeps it to itself."""
    # It has no public name for its rules, longest first; without these the sentence is shorter, and nothing else changes.
    ours = getattr(rules, "_get_matching_rule_set", lambda group: None)(group)
    against = [rule.value._pattern for rule in getattr(ours, "_rules", ()) if rule.field == "disallow"]
    for pattern in against[:1000]:
        if not Protego.parse(f"User-agent: *\nDisallow: {pattern}").can_fetch(url, "*"):
            return f"Disallow: {pattern[:200]}"
    return ""
