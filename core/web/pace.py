"""How often a host is asked, and how long it is left alone when it says so."""

from __future__ import annotations

import asyncio
import json
import os
import re
import threading
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.utils import parsedate_to_datetime
from pathlib import Path

from core.errors import BadSetting, Refused

RATE = "2/1"  # at once / per second for each host
PATIENCE = 30.0  # seconds that a host's Retry-After is waited for in place
LONGEST = 3600.0  # seconds; no Retry-After counts for more
REMEMBERED = 4096  # hosts whose turns are kept in memory
AGAIN = 0.05  # seconds after which it is looked again whether another thread's request is over


class _Times:
    """When a host may be asked again (monotonic seconds), and what is under way; of one memory, whichever thread asks."""

    def __init__(self) -> None:
        self.next = 0.0  # not before this by our own rate
        self.held = 0.0  # not before this because the host said so
        self.under_way = 0  # requests that count


class _Host:
    def __init__(self, at_once: int, times: _Times) -> None:
        self.slots = asyncio.Semaphore(at_once)
        self.times = times
        self.users = 0


_SHARED: dict[str, dict[str, _Times]] = {}  # memory -> host -> its times
_LOCK = threading.Lock()


class Pace:
    """How many requests a host gets at once and a second, and how long it wants to be left alone."""

    def __init__(self, rate: str = RATE, memory: str = "") -> None:
        """`rate`: "at once/per second" such as "2/1", or "off". Raises BadSetting.

        `memory`: a file for the hosts that want to be left alone for long, so that other jobs know, and later ones.
        Those of this process with the same one share a host's turns too: a source is asked for more while pictures
        are fetched from it. "" = this one stands alone.
        """
        match = re.fullmatch(r"([1-9]\d{0,3})/(\d*\.?\d+)", rate)
        if rate != "off" and not (match and float(match[2]) > 0):
            raise BadSetting(f"WINNOW_HOST_RATE={rate!r} does not fit: wanted at once/per second such as 2/1, or off.")
        self._at_once, self._gap = (int(match[1]), 1 / float(match[2])) if match else (0, 0.0)
        self._hosts: dict[str, _Host] = {}
        self._memory, self._read = memory, 0
        self._times = _SHARED.setdefault(memory, {}) if memory else {}

    def _host(self, name: str) -> _Host:
        if len(self._hosts) > REMEMBERED:
            now = time.monotonic()
            self._hosts = {n: h for n, h in self._hosts.items() if h.users or max(h.times.next, h.times.held) > now}
            with _LOCK:
                for other in [n for n, t in self._times.items() if not t.under_way and max(t.next, t.held) <= now]:
                    del self._times[other]
        if name not in self._hosts:
            with _LOCK:
                times = self._times.setdefault(name, _Times())
            self._hosts[name] = _Host(self._at_once or 1, times)
        return self._hosts[name]

    @asynccontextmanager
    async def turn(self, name: str, throttled: bool, gap: float = 0.0) -> AsyncIterator[None]:
        """Wait for our turn at a host. Raises Refused "asked for a pause" where that is longer than PATIENCE.

        `gap`: seconds between two requests that the host itself wants (Crawl-delay); it holds whatever our own rate.
        """
        self._look()
        host = self._host(name)
        throttled = throttled and self._at_once > 0
        gap = max(gap, self._gap if throttled else 0.0)
        host.users += 1
        try:
            if throttled:
                await host.slots.acquire()
            try:
                while (wait := self._taken(host.times, gap, throttled)) > 0:
                    self._check(name, host.times)
                    await asyncio.sleep(wait)
                try:
                    yield
                finally:
                    with _LOCK:
                        host.times.under_way -= throttled
            finally:
                if throttled:
                    host.slots.release()
        finally:
            host.users -= 1

    def _taken(self, times: _Times, gap: float, throttled: bool) -> float:
        """0.0 where this moment is ours now; else the seconds until it is worth asking again."""
        with _LOCK:
            now = time.monotonic()
            wait = max(times.next if gap else 0.0, times.held) - now
            if wait <= 0 and throttled and times.under_way >= self._at_once:
                return AGAIN  # another thread has them: our own waits for its slots
            if wait <= 0:
                times.next = max(times.next, now + gap)
                times.under_way += throttled
            return wait

    def _check(self, name: str, times: _Times) -> None:
        left = times.held - time.monotonic()
        if left > PATIENCE:
            error = Refused(
                "asked for a pause", f"{name} asked for a pause of {left / 60:.0f} minutes more: try later."
            )
            error.pause = left
            raise error

    def hold(self, name: str, seconds: float) -> bool:
        """Leave a host alone for so long; True where that is short enough to wait for."""
        times = self._host(name).times
        times.held = max(times.held, time.monotonic() + seconds)
        left = times.held - time.monotonic()
        if left > PATIENCE and self._memory:
            with suppress(OSError):  # a full disk: only this process knows then
                _remember(self._memory, name, time.time() + left)
        return left <= PATIENCE

    def _look(self) -> None:
        """Take over what other jobs were told."""
        if not self._memory:
            return
        try:
            written = os.stat(self._memory).st_mtime_ns
        except OSError:
            return
        if written != self._read:
            self._read = written
            for name, until in _remembered(self._memory).items():
                times = self._host(name).times
                times.held = max(times.held, time.monotonic() + until - time.time())


def _remembered(memory: str) -> dict[str, float]:
    """Host -> until when (seconds since 1970) it wants to be left alone; {} where the file says nothing of use."""
    try:
        found, now = json.loads(Path(memory).read_bytes()), time.time()
        return {str(name): float(until) for name, until in found.items() if now < float(until) <= now + LONGEST}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _remember(memory: str, name: str, until: float) -> None:
    temporary = Path(f"{memory}.{uuid.uuid4().hex}.part")
    try:
        temporary.write_text(json.dumps(_remembered(memory) | {name: until}))
        os.replace(temporary, memory)
    finally:
        temporary.unlink(missing_ok=True)


def retry_after(value: str, attempt: int = 0) -> float:
    """Seconds to wait, 0 to LONGEST, by a Retry-After header: seconds or a date (RFC 9110, 10.2.3).

    What is neither counts as no header: half a second, doubled with each attempt.
    """
    value = value.strip()
    if re.fullmatch(r"[+-]?\d{1,20}", value):
        return min(max(float(value), 0.0), LONGEST)
    try:
        return min(max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0), LONGEST)
    except (ValueError, OverflowError):
        return 0.5 * 2**attempt
