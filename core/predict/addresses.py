"""A table of addresses in, `id,label,confidence` out: fetched through the one guarded door, and nothing of it is kept.

The answers stand in the order of the table. They are written to a file beside the one that was asked for, which takes its
place when all are there; a call that was broken off goes on with that file. A further call with the same models and table
takes over what is answered and fetches the rest again: those that failed. Models, table and counts stand in a JSON beside
it. Memory does not grow with the table.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import itertools
import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from core.errors import BadInput, Permanent, Refused
from core.export.tables import read_csv, uncell
from core.model import Progress
from core.predict import AT_ONCE, HEAVY, Predictor
from core.predict.answers import COLUMNS, line, row
from core.scrape import refused
from core.sources.urls.table import columns, rows

if TYPE_CHECKING:
    from core.scrape import Reach

WAITING = 5000  # answers that wait for an earlier one to be written; no more is fetched meanwhile
PAUSE = 0.5  # seconds without a picture, after which those that came are asked about

Map = Callable[..., Iterable[tuple[Any, Any, BaseException | None] | None]]  # an engine's `map`


@dataclass(frozen=True, slots=True)
class Address:
    place: int  # of its row, from 0
    id: str
    url: str
    error: str = ""  # why the row cannot be used


def addresses(table: Path) -> Iterator[Address]:
    """The rows of a table with the columns `id` and `url`, or `url` alone, which is then the id as well.

    CSV, TSV or Parquet. Raises BadInput where it cannot be read, or has no column `url`, before the first row.
    """
    there = {name.casefold(): name for name in reversed(columns(table))}
    if "url" not in there:
        has = ", ".join(repr(name) for name in columns(table)[:10]) or "none"
        raise BadInput(f"The table {table.name} has no column 'url' (its columns: {has}): wanted are `id` and `url`, or `url` alone.")  # fmt: skip
    wanted = [there[name] for name in ("url", "id") if name in there]
    return _addresses(rows(table, wanted))


def _addresses(found: Iterable[list[str] | str]) -> Iterator[Address]:
    for place, cells in enumerate(found):
        if isinstance(cells, str):
            yield Address(place, f"row {place + 1}", "", cells)
        else:
            yield Address(place, cells[-1] or cells[0], cells[0])


class Fetch:
    """Address -> the bytes that lie there, within an event loop, as an engine's `map` wants it."""

    def __init__(self, through: Reach) -> None:
        self.through = through

    async def __aenter__(self) -> Self:
        self._web = await self.through.web().__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._web.__aexit__(*error)

    async def __call__(self, address: Address) -> bytes:
        """Raises Refused or Permanent, as `core.web.Web.get`."""
        if address.error:
            from core.scrape import meaning

            raise Permanent(address.error, meaning(address.error))
        return (await self._web.get(address.url, deadline=self.through.deadline)).body


def answers(
    predictor: Predictor, table: Path, to: Path, made_by: Mapping[str, Any], map: Map, through: Reach, whole: bool = False
) -> Generator[Progress, None, dict[str, Any]]:  # fmt: skip
    """Ask about every picture of the table and write the answers into the CSV `to`, with the columns COLUMNS.

    `made_by`: which models are asked and how, so that answers of others are not taken for theirs; `map`: an engine's.
    Returns {"answers": the file, "images": rows, "answered", "failed", "error": why the first failed}. Raises BadInput as
    `addresses`, and where the file cannot be written.
    """
    total = sum(1 for _ in addresses(table))
    with table.open("rb") as file:
        about = {**made_by, "whole": whole, "table": hashlib.file_digest(file, "sha256").hexdigest()}
    with _writable(to):
        to.parent.mkdir(parents=True, exist_ok=True)
        sheet = Sheet(to, about)
        asking = Asking(predictor, whole, sheet)
        with sheet:
            came = map(Fetch(through), asking.left(addresses(table)), need="io", idle=PAUSE)
            yield Progress(sheet.written, total, "fetching")
            for outcome in came:
                if asking.take(outcome):
                    yield Progress(sheet.written, total, sheet.sentence())
            asking.flush()
        return sheet.done()


class Asking:
    """What came is asked about in pieces; the answers go to the sheet."""

    def __init__(self, predictor: Predictor, whole: bool, sheet: Sheet) -> None:
        self._predictor, self._whole, self._sheet = predictor, whole, sheet
        self._came: list[tuple[Address, bytes | Refused]] = []
        self._size, self._since = 0, time.monotonic()

    def left(self, every: Iterable[Address]) -> Iterator[Address | None]:
        """Those that have no answer yet; None as long as too many answers wait for an earlier one."""
        begin = self._sheet.written
        for address in itertools.islice(every, begin, None):
            while self._sheet.waiting > WAITING:
                yield None
            if not self._sheet.known(address):
                yield address

    def take(self, outcome: tuple[Address, Any, BaseException | None] | None) -> bool:
        """Whether answers were written."""
        if outcome is not None:
            address, data, error = outcome
            self._came.append((address, data if error is None else refused(error)))
            self._size += len(data or b"")
        elif self._sheet.waiting > WAITING:  # most likely answers that were taken over
            self._sheet.write()
            time.sleep(PAUSE / 10 if self._sheet.waiting > WAITING else 0)
        if len(self._came) < AT_ONCE and self._size < HEAVY and time.monotonic() - self._since < PAUSE:
            return False
        return self.flush()

    def flush(self) -> bool:
        some, self._came, self._size, self._since = self._came, [], 0, time.monotonic()
        asked = self._predictor.ask(((str(address.place), got) for address, got in some), self._whole)
        for (address, _), one in zip(some, asked, strict=True):
            self._sheet.put(address.place, row(address.id, one.said))
        self._sheet.write()
        return bool(some)


class Sheet:
    """The CSV while it is written: rows come in any order, and are written in that of the table."""

    def __init__(self, to: Path, about: Mapping[str, Any]) -> None:
        self._to, self._about, self._notes = to, dict(about), to.with_name(f"{to.name}.json")
        key = hashlib.sha256(json.dumps(self._about, sort_keys=True).encode()).hexdigest()[:12]
        self._part = to.with_name(f"{to.name}.{key}.part")
        self._ready: dict[int, dict[str, Any]] = {}
        self.written = self._failed = 0  # rows
        self._error = ""  # of the first that failed

    def __enter__(self) -> Self:
        for other in self._to.parent.glob(f"{_escaped(self._to.name)}.*.part"):
            if other != self._part:
                other.unlink(missing_ok=True)
        self._file = self._part.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system lets go of it when the process ends
        except BlockingIOError:
            self._file.close()
            raise BadInput(f"Another job writes answers to {str(self._to)!r} just now.") from None
        self._cut()
        self._file.seek(0)
        text = (line.decode() for line in self._file)
        for known in csv.DictReader(text):
            self._count(uncell(known["error"]))
        self._file.seek(0, 2)
        if not self._file.tell():
            self._file.write(line(COLUMNS).encode())
        self._before = itertools.islice(self._earlier(), self.written, None)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _cut(self) -> None:
        """A last line that was not written to its end goes."""
        end = self._file.seek(0, 2)
        tail = self._file.seek(max(0, end - 65_536))
        whole = self._file.read().rfind(b"\n") + 1
        self._file.truncate(tail + whole)

    def _earlier(self) -> Iterator[dict[str, str]]:
        """The rows of an earlier call that came to its end, of the same models and table."""
        try:
            notes = json.loads(self._notes.read_text())
        except (OSError, ValueError):
            return
        if notes.get("about") != self._about or not self._to.is_file():
            return
        yield from read_csv(self._to, COLUMNS)

    def known(self, address: Address) -> bool:
        """Whether an earlier call answered it; it is taken over. Asked once for each row, in their order."""
        before = next(self._before, None)
        if not before or not before["label"]:
            return False
        self.put(address.place, before)
        return True

    @property
    def waiting(self) -> int:
        return len(self._ready)

    def put(self, place: int, answer: dict[str, Any]) -> None:
        self._ready[place] = answer

    def write(self) -> None:
        """Whatever is next, as one write. Raises OSError."""
        lines = []
        while answer := self._ready.pop(self.written, None):
            lines.append(line(answer[name] for name in COLUMNS))
            self._count(answer["error"])
        self._file.write("".join(lines).encode())
        self._file.flush()

    def _count(self, error: str) -> None:
        self.written += 1
        self._failed += bool(error)
        self._error = self._error or error

    def sentence(self) -> str:
        failed = f", {self._failed:,} could not be" if self._failed else ""
        return f"{self.written - self._failed:,} answered{failed}"

    def done(self) -> dict[str, Any]:
        """All rows are written: the file takes its place."""
        told = {
            "answers": str(self._to), "images": self.written, "answered": self.written - self._failed,
            "failed": self._failed, "error": self._error,
        }  # fmt: skip
        self._notes.unlink(missing_ok=True)
        self._part.replace(self._to)
        self._notes.write_text(json.dumps({**told, "about": self._about}, indent=1, ensure_ascii=False))
        return told


def _escaped(name: str) -> str:
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


@contextmanager
def _writable(to: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadInput(f"The answers cannot be written to {str(to)!r}: {error.strerror or error}.") from None
