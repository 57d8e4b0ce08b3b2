"""How one candidate is fetched and kept, and what a job may reach at all."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from core.errors import BadInput, Permanent, Refused
from core.model import Candidate
from core.scrape.inbox import Fetched, Inbox
from core.sources.demo import at
from core.sources.options import Options

if TYPE_CHECKING:
    from core.model import ImageFacts
    from core.settings import Settings
    from core.web import Web

DEADLINE = 20.0  # seconds for one download
DEMO_DEADLINE = 300.0  # seconds; the demo's server draws each picture when asked, which takes long on a busy machine


@dataclass(frozen=True, slots=True)
class Reach:
    """What a job may reach, and how; plain values, so that it can be sent to where the work is done."""

    allow: tuple[str, ...] = ()  # private hosts: see core.web.addresses.Allowed
    host_rate: str = ""  # see core.web.Web
    contact: str = ""
    own: tuple[str, ...] = ()  # host:port of the demo's server, where it runs
    demo: str = ""  # the address of that server
    roots: tuple[str, ...] = ()  # folders and archives ("cars.zip!") of this computer that may be read, absolute paths
    work: str = ""  # the folder that this job's archive is unpacked into
    deadline: float = DEADLINE  # seconds for one download
    inbox: str = ""  # the folder for what came in and is not stored yet; "" = it is not kept
    job: int = 0
    memory: str = ""  # see core.web.pace.Pace

    def web(self) -> Web:
        from core.web import Web  # aiohttp takes a third of a second to import

        return Web(self.allow, self.host_rate, self.contact, self.own, self.memory)


@contextmanager
def reach(
    settings: Settings, demo: bool = False, deadline: float = DEADLINE, roots: Iterable[str] = (), job: int = 0,
    project: int = 0,
) -> Iterator[Reach]:  # fmt: skip
    """What a job may reach, open for as long as the job runs. `demo`: its own server runs meanwhile.

    That server's one address and port are open to this job and to no other. `project`: what comes in is for it to keep.
    """
    inside = tuple(dict.fromkeys(os.path.abspath(root) for root in roots if root))
    home = settings.home.absolute()
    usual = Reach(
        settings.allow_hosts, settings.host_rate, settings.contact, roots=inside, work=str(unpacked(home, job)),
        deadline=deadline, inbox=str(home / "incoming" / str(project)) if project else "", job=job,
        memory=str(home / "pauses.json"),
    )  # fmt: skip
    if not demo:
        yield usual
        return
    from core.demo.serve import serve

    with serve(settings.home / "demo") as base:
        yield replace(usual, own=(base.partition("://")[2],), demo=base, deadline=max(deadline, DEMO_DEADLINE))


def roots(asked: Iterable[Mapping[str, Any]]) -> list[str]:
    """The folders and archives of this computer that jobs with these parameters were pointed at."""
    from core.sources.urls.presets import settled

    found = []
    for params in asked:
        options = params.get("options") or {}
        if path := options.get("path", ""):
            found.append(f"{path}!" if params.get("source") == "archive" else path)
        with suppress(BadInput):  # of a preset that there is no more
            if images := settled(Options(**options)).images:  # a preset says where they are, if the user does not
                found.append(images)
    return found


def unpacked(home: Path, job: int) -> Path:
    """The folder that an archive is unpacked into, for this job alone: two may read the same archive at once."""
    return home / "unpacked" / str(job)


class Fetcher:
    """Candidate -> bytes, within an event loop: `async with Fetcher(reach) as fetch: await fetch(candidate)`.

    `inbox` keeps what comes until who called says that it is stored.
    """

    def __init__(self, through: Reach) -> None:
        self.through = through
        self.inbox = Inbox(through.inbox, through.job) if through.inbox else None

    async def __aenter__(self) -> Self:
        if self.inbox:
            self.inbox.open()
        self._web = await self.through.web().__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._web.__aexit__(*error)

    async def __call__(self, candidate: Candidate) -> Fetched:
        """At most core.web.LIMIT bytes. Raises Refused or Permanent with one of FAILURES as its reason."""
        if candidate.error:
            raise Permanent(candidate.error)
        if candidate.url.startswith("/"):
            return await asyncio.to_thread(self._read, candidate.url), ""
        if self.inbox and (came := self.inbox.take(candidate.url)):
            return came
        try:
            came = await self._ask(candidate)
        except Refused as error:
            self._came_in(candidate.url, error)
            raise
        self._came_in(candidate.url, came)
        return came

    async def _ask(self, candidate: Candidate) -> Fetched:
        url = at(candidate.url, self.through.demo) if candidate.source == "demo" else candidate.url
        reply = await self._web.get(url, deadline=self.through.deadline)
        return reply.body, reply.permission

    def _came_in(self, url: str, came: Fetched | Refused) -> None:
        if self.inbox:
            with suppress(OSError):  # a full disk: it is asked for again, should this job be killed now
                self.inbox.put(url, came)

    def _read(self, path: str) -> bytes:
        from core.sources.archive import local

        if any(root.endswith("!") and path.startswith(f"{root}/") for root in self.through.roots):
            return read(str(local(path, Path(self.through.work))))
        real = os.path.realpath(path)
        if not any(real.startswith(os.path.join(os.path.realpath(root), "")) for root in self.through.roots):
            raise Permanent("link out of the folder", f"{path} leads out of the folder that was given.")
        return read(path)


def read(path: str) -> bytes:
    """A file of this computer. Raises Permanent: cannot be read (no regular file, no right to), too large."""
    from core.web import LIMIT as MOST
    from core.web import MEGABYTE

    try:
        # Non-blocking, so that a named pipe does not wait for its writer for ever.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Permanent("cannot be read", f"{path} is not a regular file.")
            data = file.read(MOST + 1)
    except FileNotFoundError:
        raise Permanent("no such file", f"There is no file {path}.") from None
    except OSError as error:
        raise Permanent("cannot be read", f"{path} cannot be read: {error.strerror}.") from None
    if len(data) > MOST:
        raise Permanent("too large", f"{path} has more than {MOST / MEGABYTE:g} MB.")
    return data


class Keep:
    """(url, bytes and permission) -> ImageFacts, with the bytes and the thumbnail kept; runs in a child process."""

    def __init__(self, storage: str) -> None:
        self.storage = storage

    def __call__(self, fetched: tuple[str, Fetched | Refused]) -> ImageFacts:
        """Raises what stands for the bytes where they could not be had, and what `pixels.ingest` says of them."""
        from core.blobs import Blobs
        from core.pixels import ingest

        _, got = fetched
        if not isinstance(got, tuple):
            raise got
        facts, thumb = ingest(got[0])
        Blobs(self.storage).put(facts.sha256, got[0], thumb)
        return facts


def refused(error: BaseException) -> Refused:
    """Why something could not be had, as what a job counts: what nobody foresaw "cannot be read"."""
    return error if isinstance(error, Refused) else Refused("cannot be read", f"{type(error).__name__}: {error}")


def outcome(
    fetched: tuple[str, Fetched | Exception], facts: ImageFacts | None, error: Exception | None
) -> tuple[str, ImageFacts | Refused, str]:
    """(url, its image's facts or the failure it is counted under, what the host permits)."""
    url, got = fetched
    permission = got[1] if isinstance(got, tuple) else getattr(got, "permission", "")
    return url, facts if error is None else refused(error), permission  # type: ignore[return-value]
