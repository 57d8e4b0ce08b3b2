"""Which candidate is fetched next: a host that has enough under way does not take the places of the others."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from core.model import Candidate

if TYPE_CHECKING:
    from core.scrape.fetch import Reach

ASIDE = 5000  # candidates laid aside; one more, and somebody has to wait in a place that others could use
SPARE = 1  # of a host, more than it answers at once: the next one is there when its turn comes


class Turns:
    """The candidates in their order, but for those whose host is busy: they are laid aside until it is not.

    None among them says that there is nothing yet, and is passed on.
    """

    def __init__(self, found: Iterator[Candidate | None], through: Reach) -> None:
        from core.web.addresses import Allowed
        from core.web.pace import RATE

        self._found = found
        self._unthrottled = Allowed(through.own if through.host_rate else (*through.allow, *through.own))
        at_once = (through.host_rate or RATE).partition("/")[0]
        self._most = int(at_once) + SPARE if at_once != "off" else 0
        self._under_way: Counter[str] = Counter()
        self._aside: dict[str, deque[Candidate]] = {}
        self._number = 0  # of those laid aside
        self._free: deque[str] = deque()  # hosts that have some laid aside and a place for one
        self._more = True  # there is, or will be

    def __iter__(self) -> Iterator[Candidate | None]:
        while True:
            candidate = self._laid_aside() or self._new()
            if candidate is None and (not self._more or self._number >= ASIDE):
                candidate = self._waiting()
                if candidate is None:
                    return
            if candidate is not None:
                self._under_way[self._host(candidate)] += 1
            yield candidate

    def over(self, candidate: Candidate) -> None:
        """It was fetched, or failed: its host has a place for the next one."""
        host = self._host(candidate)
        self._under_way[host] -= 1
        if not self._under_way[host]:
            del self._under_way[host]
        if host in self._aside:
            self._free.append(host)

    def _host(self, candidate: Candidate) -> str:
        """The host that has turns; "" where there are none."""
        if not self._most or not candidate.url.startswith(("http://", "https://")):
            return ""
        try:
            url = urlsplit(candidate.url)
            host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        except ValueError:
            return ""
        return "" if self._unthrottled.host(host, port) else host

    def _laid_aside(self) -> Candidate | None:
        while self._free:
            host = self._free.popleft()
            if host in self._aside and self._under_way[host] < self._most:
                return self._take(host)
        return None

    def _new(self) -> Candidate | None:
        while self._number < ASIDE:
            try:
                candidate = next(self._found)
            except StopIteration:
                self._more = False
                return None
            if candidate is None:
                return None
            host = self._host(candidate)
            if not host or self._under_way[host] < self._most:
                return candidate
            self._aside.setdefault(host, deque()).append(candidate)
            self._number += 1
        return None

    def _waiting(self) -> Candidate | None:
        """One that has to wait for its turn: there is nothing else to do."""
        host = min(self._aside, key=self._under_way.__getitem__, default=None)
        return None if host is None else self._take(host)

    def _take(self, host: str) -> Candidate:
        queue = self._aside[host]
        candidate = queue.popleft()
        self._number -= 1
        if not queue:
            del self._aside[host]
        return candidate
