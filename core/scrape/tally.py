"""How far a scrape is: kept in memory from what the store says it stored, so that nobody counts a million rows."""

from __future__ import annotations

import heapq
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import Any

STATUSES = ("fetched", "duplicate", "failed", "pending")
SHOWN = 60  # classes that the page draws a bar for; the rest is one more
WINDOW = 10.0  # seconds over which speeds are taken
FRESH = 0.5  # seconds for which the classes that are shown stay: there may be 80,000 to choose them from

Count = tuple[str, str, str, str]  # label, source, status, reason
Table = defaultdict[str, dict[str, int]]  # label or source -> status -> number


def _table() -> Table:
    return defaultdict(lambda: dict.fromkeys(STATUSES, 0))


class Tally:
    def __init__(self, before: Mapping[Count, int]) -> None:
        """`before`: what an earlier attempt of the job stored."""
        self.classes, self.sources = _table(), _table()
        self.statuses: dict[str, int] = dict.fromkeys(STATUSES, 0)
        self.asking = ""  # the source that is being asked for more just now, and for what
        self._reasons: Counter[str] = Counter()
        self._bytes = self._images = 0
        self._past: deque[tuple[float, int, int]] = deque([(time.monotonic(), 0, 0)])  # when, images, bytes
        self._shown: tuple[float, list[str]] = (-FRESH, [])
        self.found(before)

    def found(self, new: Mapping[Count, int]) -> None:
        """Candidates that were stored just now."""
        for (label, source, status, reason), number in new.items():
            self._count(label, source, status, reason, number)

    def ended(self, outcomes: Mapping[Count, int], sizes: Iterable[int]) -> None:
        """Pending ones that came to their end, and the bytes of the images among them."""
        for (label, source, status, reason), number in outcomes.items():
            self._count(label, source, status, reason, number)
            self._count(label, source, "pending", "", -number)
        for size in sizes:
            self._images += 1
            self._bytes += size
        self._past.append((time.monotonic(), self._images, self._bytes))

    def _count(self, label: str, source: str, status: str, reason: str, number: int) -> None:
        for row in (self.classes[label], self.sources[source], self.statuses):
            row[status] += number
        if status == "failed":
            self._reasons[reason] += number

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    @property
    def done(self) -> int:
        return self.total - self.statuses["pending"]

    def result(self) -> dict[str, Any]:
        """Every candidate of the job by how it ended: found = fetched + duplicate + failed, once none is pending."""
        classes = {label: dict(self.classes[label]) for label in self._largest()}
        if rest := len(self.classes) - len(classes):
            left = {status: self.statuses[status] - sum(row[status] for row in classes.values()) for status in STATUSES}
            classes[f"{rest:,} more {'class' if rest == 1 else 'classes'}"] = left
        statuses = {status: number for status, number in self.statuses.items() if status != "pending"}
        return {"found": self.total, **statuses, "failures": dict(self._reasons.most_common()), "classes": classes,
                "sources": {source: dict(row) for source, row in self.sources.items()}}  # fmt: skip

    def _largest(self) -> list[str]:
        """The SHOWN classes with the most candidates."""
        now, (at, shown) = time.monotonic(), self._shown
        if len(self.classes) <= SHOWN or now - at >= FRESH:
            shown = heapq.nlargest(SHOWN, self.classes, key=lambda label: sum(self.classes[label].values()))
            self._shown = now, shown
        return shown

    def detail(self) -> dict[str, Any]:
        """The result so far, and how fast it goes: what the page shows of a running scrape, as JSON."""
        now = time.monotonic()
        while len(self._past) > 1 and now - self._past[0][0] > WINDOW:
            self._past.popleft()
        (then, images, size), (_, images_now, size_now) = self._past[0], self._past[-1]
        seconds = max(now - then, 0.1)
        return {
            **self.result(), "images_per_second": round((images_now - images) / seconds, 1),
            "bytes_per_second": round((size_now - size) / seconds),
        }  # fmt: skip

    def sentence(self) -> str:
        """ "120 new, 4 already there, 3 failed": what the progress bar says; and what is being asked for."""
        words = {"fetched": "new", "duplicate": "already there", "failed": "failed"}
        said = ", ".join(f"{self.statuses[status]:,} {word}" for status, word in words.items())
        return f"{said}; {self.asking}" if self.asking else said
