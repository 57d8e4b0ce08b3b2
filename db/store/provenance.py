"""Provenance: where candidates came from and what became of them, counted and page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, func, literal, or_, select

from core.errors import BadInput
from core.model import ImageRecord, Origin
from db.store.base import chunks, text
from db.store.candidates import candidate
from db.store.images import Images
from db.tables import candidates, images

Dimension = Literal["source", "licence", "host", "status", "reason"]

STATUSES = ("pending", "fetched", "duplicate", "failed")
KEPT = ("undecided", "keep")
LONGEST = 2000  # characters of an address that is looked for
SHOWN = (
    "id", "image", "label", "source", "url", "page", "title", "creator", "licence", "licence_url", "host", "query",
    "status", "reason", "sentence", "permission", "fetched",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Which:
    """Which candidates are meant; None = whatever it is. "" is a value: the host "" is this computer."""

    source: str | None = None
    licence: str | None = None
    host: str | None = None
    status: str | None = None
    reason: str | None = None  # of those that failed
    label: str | None = None
    url: str = ""  # how the address begins; "" = any
    exact: bool = False  # the address is `url`, to the last character


@dataclass(frozen=True, slots=True)
class Counts:
    """How many candidates there are of each value of a dimension."""

    largest: Mapping[str, int]  # value -> how many, the most first
    values: int  # how many values there are
    total: int  # candidates of all of them

    @property
    def rest(self) -> int:
        """Candidates of the values that are not among the largest."""
        return self.total - sum(self.largest.values())


class Provenance(Images):
    def provenance_counts(
        self, project: int, dimension: Dimension, which: Which = Which(), largest: int = 20
    ) -> Counts:
        """By one dimension, with the filters of the others. Failures alone have reasons.

        An index answers it where there is no filter (0.1 s for a million); with filters every match is read.
        """
        others = replace(which, **{dimension: None})
        if dimension == "reason" and which.status not in (None, "failed"):
            return Counts({}, 0, 0)
        if dimension == "reason":
            others = replace(others, status="failed")
        value, number = candidates.c[dimension], func.count()
        grouped = select(value.label("value"), number.label("number")).where(*self._chosen(project, others))
        each = grouped.group_by(value).subquery()
        wanted = select(each, func.sum(each.c.number).over().label("total"), func.count().over().label("values"))
        with self._read() as c:
            rows = c.execute(wanted.order_by(each.c.number.desc(), each.c.value).limit(largest)).mappings().all()
        first = rows[0] if rows else {"values": 0, "total": 0}
        return Counts({row["value"]: row["number"] for row in rows}, first["values"], int(first["total"]))

    def provenance(
        self, project: int, which: Which = Which(), after: int = 0, before: int = 0, limit: int = 100
    ) -> list[Mapping[str, Any]]:
        """Candidates with all of SHOWN: the `limit` behind the one with id `after`, or those right before `before`.

        By id; by address, then id, where the beginning of an address is looked for. 0 = from the first one on.
        """
        with self._read() as c:
            rows = c.execute(self._page(project, which, after, before).limit(limit)).mappings().all()
        return [dict(row) for row in (reversed(rows) if before else rows)]

    def sources(self, images_: Sequence[int]) -> dict[int, str]:
        """image -> the source of the candidate that brought it, with its host where it came from the network."""
        found: dict[int, str] = {}
        with self._read() as c:
            for some in chunks(images_):
                wanted = select(candidates.c.image, candidates.c.source, candidates.c.host)
                for row in c.execute(wanted.where(candidates.c.image.in_(some)).order_by(candidates.c.id)):
                    found.setdefault(row.image, f"{row.source}, {row.host}" if row.host else row.source)
        return found

    def _page(self, project: int, which: Which, after: int, before: int) -> Select:
        where = self._chosen(project, which)
        if (which.licence, which.host, which.status, which.reason) == (None,) * 4 and not which.url:
            where.append(candidates.c.status.in_(STATUSES))  # all of them, and now an index gives them in order of id
        by_address = bool(which.url) and not which.exact
        keys = [candidates.c.url, candidates.c.id] if by_address else [candidates.c.id]
        if edge := before or after:
            where.append(_beyond(edge, bool(before), by_address))
        order = [key.desc() for key in keys] if before else keys
        return select(*(candidates.c[name] for name in SHOWN)).where(*where).order_by(*order)

    def _chosen(self, project: int, which: Which) -> list[ColumnElement[bool]]:
        """Raises BadInput for an address that no candidate can have."""
        where = [candidates.c.project == project]
        for name in ("source", "licence", "host", "status", "reason", "label"):
            if (value := getattr(which, name)) is not None:
                where.append(candidates.c[name] == text(value, name))
        if which.reason is not None and which.status is None:
            where.append(candidates.c.status == "failed")
        if len(which.url) > LONGEST:
            raise BadInput(f"An address of {len(which.url):,} characters is looked for: wanted at most {LONGEST:,}.")
        url = text(which.url, "address")
        if which.exact and url:
            where.append(candidates.c.url == url)
        elif url:
            where.append(candidates.c.url.startswith(url, autoescape=True))
            if self._engine.dialect.name == "sqlite":  # whose LIKE uses no index, and takes A for a
                where.append(candidates.c.url.between(url, url + chr(0x10FFFF)))
        return where

    def kept_licences(self, project: int) -> dict[str, int]:
        """licence -> how many of the images that nobody rejected came with it, by the first address of each."""
        query = (
            select(candidates.c.licence, func.count())
            .join(images, images.c.id == candidates.c.image)
            .where(candidates.c.project == project, candidates.c.status == "fetched", images.c.verdict.in_(KEPT))
            .group_by(candidates.c.licence)
        )
        with self._read() as c:
            return {licence: number for licence, number in c.execute(query)}

    def kept_origins(self, project: int, batch: int = 1000) -> Iterator[tuple[ImageRecord, tuple[Origin, ...]]]:
        """Each image that nobody rejected, in order of id, with every place it came from; the one that brought it is
        the first. Read in short transactions of `batch` images."""
        records = self.images(project, KEPT, batch)
        while some := list(islice(records, batch)):
            origins: dict[int, list[Origin]] = {}
            later = candidates.c.status != "fetched"
            with self._read() as c:
                for ids in chunks([record.id for record in some]):
                    rows = c.execute(
                        select(candidates).where(candidates.c.image.in_(ids)).order_by(later, candidates.c.id)
                    )
                    for row in rows:
                        origins.setdefault(row.image, []).append(Origin(candidate(row), row.fetched))
            yield from ((record, tuple(origins.get(record.id, ()))) for record in some)


def _beyond(edge: int, down: bool, by_address: bool) -> ColumnElement[bool]:
    """Behind the candidate with this id in the order of the page; `down`: before it."""
    number = candidates.c.id < edge if down else candidates.c.id > edge
    if not by_address:
        return number
    other = candidates.alias()
    url = select(other.c.url).where(other.c.id == literal(edge)).scalar_subquery()
    if down:
        return (candidates.c.url <= url) & or_(candidates.c.url < url, number)
    return (candidates.c.url >= url) & or_(candidates.c.url > url, number)
