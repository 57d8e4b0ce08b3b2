"""How far a scrape is: kept in memory from what the store says it stored, so that nobody counts a million rows."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any

STATUSES = ("fetched", "duplicate", "failed", "pending")
SHOWN = 60  # classes that the page draws a bar for; the rest is one more
WINDOW = 10.0  # seconds over which speeds are taken

Count = tuple[str, str, str, str]  # label, source, status, reason


class Tally:
    def __init__(self, before: Mapping[Count, int]) -> None:
        """`before`: what an earlier attempt of the job stored."""
        self.counts: Counter[Count] = Counter(before)
        self._bytes = self._images = 0
        self._past: deque[tuple[float, int, int]] = deque([(time.monotonic(), 0, 0)])  # when, images, bytes

    def found(self, new: Mapping[Count, int]) -> None:
        """Candidates that were stored just now."""
        self.counts.update(new)

    def ended(self, outcomes: Mapping[Count, int], sizes: Iterable[int]) -> None:
        """Pending ones that came to their end, and the bytes of the images among them."""
        for (label, source, status, reason), number in outcomes.items():
            self.counts[label, source, status, reason] += number
            self.counts[label, source, "pending", ""] -= number
        for size in sizes:
            self._images += 1
            self._bytes += size
        now = time.monotonic()
        self._past.append((now, self._images, self._bytes))
        while len(self._past) > 2 and now - self._past[0][0] > WINDOW:
            self._past.popleft()

    def by(self, place: int) -> dict[str, dict[str, int]]:
        """Label (0) or source (1) -> status -> number."""
        table: dict[str, dict[str, int]] = {}
        for count, number in self.counts.items():
            row = table.setdefault(count[place], dict.fromkeys(STATUSES, 0))
            row[count[2]] += number
        return table

    @property
    def statuses(self) -> dict[str, int]:
        found: dict[str, int] = dict.fromkeys(STATUSES, 0)
        for count, number in self.counts.items():
            found[count[2]] += number
        return found

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        return sum(number for count, number in self.counts.items() if count[2] != "pending")

    @property
    def failures(self) -> dict[str, int]:
        """reason -> number, the most frequent first."""
        reasons: Counter[str] = Counter()
        for (_, _, status, reason), number in self.counts.items():
            if status == "failed":
                reasons[reason] += number
        return dict(reasons.most_common())

    def result(self) -> dict[str, Any]:
        """Every candidate of the job by how it ended: found = fetched + duplicate + failed, once none is pending."""
        statuses = self.statuses
        found, _ = sum(statuses.values()), statuses.pop("pending")
        classes = sorted(self.by(0).items(), key=lambda item: -sum(item[1].values()))
        shown = dict(classes[:SHOWN])
        if rest := classes[SHOWN:]:
            total = {status: sum(row[status] for _, row in rest) for status in STATUSES}
            shown[f"{len(rest)} more classes"] = total
        return {"found": found, **statuses, "failures": self.failures, "classes": shown,
                "sources": self.by(1)}  # fmt: skip

    def detail(self) -> dict[str, Any]:
        """The result so far, and how fast it goes: what the page shows of a running scrape, as JSON."""
        (then, images, size), (now, images_now, size_now) = self._past[0], self._past[-1]
        seconds = max(now - then, 0.1)
        return {
            **self.result(), "images_per_second": round((images_now - images) / seconds, 1),
            "bytes_per_second": round((size_now - size) / seconds),
        }  # fmt: skip

    def sentence(self) -> str:
        """ "120 new, 4 duplicate, 3 failed": what the progress bar says."""
        words = {"fetched": "new", "duplicate": "duplicate", "failed": "failed"}
        statuses = self.statuses
        return ", ".join(f"{statuses[status]} {word}" for status, word in words.items())
