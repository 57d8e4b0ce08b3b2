"""Which addresses may be reached: the public internet, and the private hosts that the user allowed."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from aiohttp.abc import AbstractResolver
from yarl import URL

from core.errors import BadSetting, Permanent, Refused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
REMEMBERED = 4096  # hosts whose addresses are kept in memory
FRESH = 60.0  # seconds for which they are

SCHEME, USER = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:"), re.compile(r"[^:/?#]*://[^/?#]*@")
NUMBER = re.compile(r"\d+|0x[0-9a-f]*")

# IANA's special-purpose registries. `ipaddress.is_global` is not enough: it lets 192.0.0.192, multicast, NAT64, 6to4
# and fec0::/10 pass on Python 3.11, and `is_private` does not know 100.64.0.0/10.
FORBIDDEN_V4 = tuple(ipaddress.ip_network(n) for n in (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "168.63.129.16/32",  # a public number, but the inside of Azure
))  # fmt: skip
GLOBAL_V6 = ipaddress.ip_network("2000::/3")  # all else is loopback, mapped, NAT64, local, multicast or unassigned
FORBIDDEN_V6 = tuple(ipaddress.ip_network(n) for n in (
    "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",  # Teredo, examples, 6to4, AS112
))  # fmt: skip


def forbidden(address: Address) -> bool:
    """True for an address that is not on the public internet: private, local, multicast, translated, reserved."""
    if isinstance(address, ipaddress.IPv4Address):
        return any(address in network for network in FORBIDDEN_V4)
    if address.ipv4_mapped:
        return forbidden(address.ipv4_mapped)
    return address not in GLOBAL_V6 or any(address in network for network in FORBIDDEN_V6)


def parse(text: str) -> URL:
    """The URL in `text`. Raises Permanent "malformed url", or "forbidden address" for anything but plain http(s).

    What is judged and what is requested is this one object, so that no two parsers can disagree about the host.
    """
    text = text.strip()
    wrong = Permanent("malformed url", f"{text[:200]!r} is not a web address (http://host/path was wanted).")
    if len(text) > 8000 or not text.isprintable():
        raise wrong
    try:
        url = URL(text).with_fragment(None)
        host, port = url.raw_host or "", url.port or 0
    except ValueError:
        raise wrong from None
    if url.scheme not in ("http", "https") and SCHEME.match(text):
        raise Permanent("forbidden address", f"Only http and https are fetched, not {text[:200]!r}.")
    if USER.match(text):
        raise Permanent("forbidden address", f"{text[:200]!r} carries a user name, which hides where it leads.")
    if not url.absolute or not port or len(host) > 253 or not (":" in host or _is_name(host)):
        raise wrong
    last = host.removesuffix(".").rpartition(".")[2]
    if NUMBER.fullmatch(last) and not _literal(host):  # 2130706433, 0x7f000001, 127.1, 017700000001
        raise Permanent("forbidden address", f"The host {host} is an address in disguise; write it as four numbers.")
    return url


@lru_cache(REMEMBERED)
def _is_name(host: str) -> bool:
    return all(re.fullmatch(r"[a-z0-9_-]{1,63}", part) for part in host.removesuffix(".").split("."))


@lru_cache(REMEMBERED)
def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


class Allowed:
    """The private hosts that the user lets the downloader reach.

    Entries: `host`, `host:port`, `[v6]:port`, an address or a network such as `10.0.0.0/8`. Raises BadSetting.
    """

    def __init__(self, entries: Sequence[str]) -> None:
        self.host = lru_cache(REMEMBERED)(self._host)  # asked several times for each request
        self._names: set[tuple[str, int | None]] = set()
        self._networks: list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, int | None]] = []
        for entry in entries:
            self._add(entry.strip().lower())

    def _add(self, entry: str) -> None:
        wrong = BadSetting(f"WINNOW_ALLOW_HOSTS={entry!r} does not fit: wanted host, host:port or 10.0.0.0/8.")
        try:
            self._networks.append((ipaddress.ip_network(entry.strip("[]")), None))
            return
        except ValueError:
            if "/" in entry:
                raise wrong from None
        match = re.fullmatch(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?", entry)
        if not match:
            raise wrong
        host, port = match[1].strip("[]"), int(match[2]) if match[2] else None
        if _literal(host):
            self._networks.append((ipaddress.ip_network(host), port))
        else:
            self._names.add((host, port))

    def _host(self, host: str, port: int) -> bool:
        """True where the host as written in the URL is on the list."""
        literal = _literal(host)
        return bool(literal and self.address(literal, port)) or not {(host, None), (host, port)}.isdisjoint(self._names)

    def address(self, address: Address, port: int) -> bool:
        mapped = getattr(address, "ipv4_mapped", None) or address
        return any(mapped in network and on in (None, port) for network, on in self._networks)


class Guard(AbstractResolver):
    """Resolves a host once and judges all of its addresses; aiohttp connects to nothing else."""

    def __init__(self, allow: Allowed) -> None:
        self._allow = allow
        self._known: dict[tuple[str, int], tuple[float, asyncio.Task[list[Address] | Refused]]] = {}
        self._granted: set[tuple[str, int]] = set()  # private addresses of hosts that the user allowed by name
        # Own threads: a name server that never answers must not block other work, nor the end of the event loop.
        self._threads = ThreadPoolExecutor(16, thread_name_prefix="names")

    async def judge(self, host: str, port: int, seconds: float | None = None) -> list[Address]:
        """The addresses of `host`, every one of them fit to be connected to.

        Raises Permanent "forbidden address" where one is not, Refused "unknown host" where there is none, TimeoutError
        where it takes longer than `seconds` to find out.
        """
        now = time.monotonic()
        if len(self._known) > REMEMBERED:
            self._known = {key: entry for key, entry in self._known.items() if entry[0] > now}
        until, task = self._known.get((host, port), (0.0, None))
        if task is None or until < now:
            task = asyncio.ensure_future(self._judge(host, port))
            self._known[host, port] = (now + FRESH, task)
        if not task.done():
            async with asyncio.timeout(seconds):
                await asyncio.shield(task)  # others may wait for it too
        found = task.result()
        if isinstance(found, Refused):
            raise type(found)(found.reason, str(found))
        return found

    async def _judge(self, host: str, port: int) -> list[Address] | Refused:
        literal = _literal(host)
        try:
            addresses = [literal] if literal else [ipaddress.ip_address(a) for a in await self.lookup(host, port)]
        except OSError as error:
            return Refused("unknown host", f"The host {host} has no address ({error.strerror or error}).")
        named = self._allow.host(host, port)
        for address in addresses:
            if forbidden(address) and not self._allow.address(address, port):
                if not named:
                    leads = host if literal else f"{host} leads to {address}, which"
                    return Permanent(
                        "forbidden address",
                        f"{leads} is a private address; such a one is fetched only if WINNOW_ALLOW_HOSTS names it.",
                    )
                self._granted.add((str(address), port))
        return addresses

    async def lookup(self, host: str, port: int) -> list[str]:
        """All addresses that the system's resolver gives for a name. Raises OSError."""
        ask = asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        )
        return list(dict.fromkeys(str(info[4][0]) for info in await ask))

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[Any]:
        """aiohttp's form of `judge`."""
        return [
            {"hostname": host, "host": str(a), "port": port, "proto": 0, "flags": socket.AI_NUMERICHOST,
             "family": socket.AF_INET6 if a.version == 6 else socket.AF_INET}
            for a in await self.judge(host, port)
        ]  # fmt: skip

    def socket(self, info: Any) -> socket.socket:
        """The last gate: no socket is made for an address that would not pass, whichever way it came here."""
        family, kind, proto, _, (address, port, *_) = info
        found = ipaddress.ip_address(address)
        if forbidden(found) and not self._allow.address(found, port) and (address, port) not in self._granted:
            raise Permanent("forbidden address", f"{address} is a private address.")
        return socket.socket(family, kind, proto)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
