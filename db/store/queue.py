"""The review queue: which images, in which order, and who looks at them now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import and_, func, literal, or_, select

from core.model import TOLD, Finding, Tile
from db.store.base import chunks, now, text
from db.store.findings import Findings
from db.store.second_looks import disputed
from db.tables import findings, images, leases

Order = Literal["mixed", "likely", "unsure", "random", "found", "score", "label", "labels"]
"""The first four: core.review.order; "labels": wrong class first."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which images the queue shows, and in which order."""

    label: str = ""  # "" = every class
    verdict: str = ""  # "" = any; undecided, keep, reject, disputed
    kind: str = ""  # only images with this finding; "any" = with at least one
    order: Order = "found"
    ids: tuple[int, ...] = ()  # only these (a cell of the confusion matrix)


class Queue(Findings):
    def queue(
        self, project: int, wanted: Filter = Filter(), after: tuple | None = None, limit: int = 100
    ) -> tuple[list[Tile], tuple | None]:
        """One page of the review and the key of its last tile (None = no more). Keyset: decisions made on the way
        shift nothing. `score` and `why` come from the strongest finding."""
        keys = self._keys(wanted)
        columns = [
            images.c.id, images.c.sha256, images.c.origin, images.c.label, images.c.verdict, images.c.reason,
            images.c.version, _score(_kind(wanted)).label("score"),
        ]  # fmt: skip
        query = select(*columns, *(key.label(f"key{i}") for i, (key, _) in enumerate(keys)))
        query = query.where(*self._where(project, wanted)).order_by(
            *(key.desc() if down else key for key, down in keys)
        )
        if after is not None:
            query = query.where(_beyond(keys, after))
        with self._read() as c:
            rows = c.execute(query.limit(limit)).all()
        tiles = [Tile(r.id, r.sha256, r.origin, r.label, r.verdict, r.reason, r.version, r.score) for r in rows]
        why = self.findings_of(project, [t.image for t in tiles])
        end = tuple(rows[-1][len(columns) :]) if len(rows) == limit else None
        return [_with_why(t, why.get(t.image, ())) for t in tiles], end

    @staticmethod
    def _keys(wanted: Filter) -> list[tuple[Any, bool]]:
        """(column, descending) ...: the order of the queue; the id makes it total."""
        if wanted.order in ("score", "labels"):
            return [(_score(_kind(wanted)), True), (images.c.id, False)]
        return [(images.c.label, False), (images.c.id, False)] if wanted.order == "label" else [(images.c.id, False)]

    @staticmethod
    def _where(project: int, wanted: Filter) -> list[Any]:
        where: list[Any] = [images.c.project == project]
        if wanted.label:
            where.append(images.c.label == wanted.label)
        if wanted.verdict == "disputed":
            where.append(disputed())
        elif wanted.verdict:
            where.append(images.c.verdict == wanted.verdict)
        if wanted.kind:
            has = findings.alias()
            of = select(literal(1)).where(has.c.image == images.c.id)
            where.append((of if wanted.kind == "any" else of.where(has.c.kind == wanted.kind)).exists())
        if wanted.ids:
            where.append(images.c.id.in_(wanted.ids))
        return where

    def selected(self, project: int, wanted: Filter = Filter()) -> list[int]:
        """The images a filter shows, in no order."""
        with self._read() as c:
            return list(c.execute(select(images.c.id).where(*self._where(project, wanted))).scalars())

    def queue_size(self, project: int, wanted: Filter = Filter()) -> int:
        with self._read() as c:
            return c.execute(select(func.count()).select_from(images).where(*self._where(project, wanted))).scalar_one()

    def tiles(self, project: int, ids: Sequence[int]) -> list[Tile]:
        """These images as they stand now, in the order asked for."""
        found: dict[int, Tile] = {}
        with self._read() as c:
            for some in chunks(ids):
                for r in c.execute(select(images).where(images.c.project == project, images.c.id.in_(some))):
                    found[r.id] = Tile(r.id, r.sha256, r.origin, r.label, r.verdict, r.reason, r.version)
        why = self.findings_of(project, list(found))
        return [_with_why(found[i], why.get(i, ())) for i in ids if i in found]

    def moved(self, project: int) -> dict[tuple[str, str], int]:
        """(class of the source, class now) -> how many pictures people moved so and kept."""
        of = images.c.project == project, images.c.verdict == "keep", images.c.label != images.c.source_label
        wanted = select(images.c.source_label, images.c.label, func.count()).where(*of)
        with self._read() as c:
            rows = c.execute(wanted.group_by(images.c.source_label, images.c.label)).all()
        return {(before, after): count for before, after, count in rows}

    def lease(self, project: int, reviewer: str, ids: Sequence[int], minutes: float = 5) -> None:
        """Say that this reviewer looks at these images now, so that another one is shown others first."""
        until = now() + timedelta(minutes=minutes)
        statement = self._insert_new(leases)
        statement = statement.on_conflict_do_update(
            index_elements=["image"],
            set_={"reviewer": statement.excluded.reviewer, "until": statement.excluded.until},
            where=(leases.c.reviewer == reviewer) | (leases.c.until < now()),
        )
        with self._write() as c:
            if ids:
                c.execute(statement, [{"image": i, "reviewer": text(reviewer, "name"), "until": until} for i in ids])

    def leased(self, project: int, reviewer: str, ids: Sequence[int]) -> dict[int, str]:
        """image -> the other reviewer who looks at it now."""
        held: dict[int, str] = {}
        with self._read() as c:
            for some in chunks(ids):
                held |= dict(
                    c.execute(
                        select(leases.c.image, leases.c.reviewer).where(
                            leases.c.image.in_(some), leases.c.reviewer != reviewer, leases.c.until > now()
                        )
                    ).all()
                )
        return held


def _kind(wanted: Filter) -> str:
    """The findings that count for the order."""
    return "label_issue" if wanted.order == "labels" else wanted.kind


def _score(kind: str) -> Any:
    """The score of an image's strongest finding (of that kind), 0 without one."""
    of = findings.alias()
    best = select(func.max(of.c.score)).where(of.c.image == images.c.id)
    if kind not in ("", "any"):
        best = best.where(of.c.kind == kind)
    return func.coalesce(best.correlate(images).scalar_subquery(), 0.0)


def _beyond(keys: Sequence[tuple[Any, bool]], after: tuple) -> Any:
    """Rows behind the key `after`, compared column by column."""
    (key, down), value = keys[0], after[0]
    further = key < value if down else key > value
    return further if len(keys) == 1 else or_(further, and_(key == value, _beyond(keys[1:], after[1:])))


def _with_why(tile: Tile, found: Sequence[Finding]) -> Tile:
    if not found:
        return tile
    best = max(found, key=lambda f: f.score)
    return Tile(
        tile.image, tile.sha256, tile.origin, tile.label, tile.verdict, tile.reason, tile.version,
        tile.score or best.score, ", ".join(_said(f) for f in sorted(found, key=lambda f: (not f.looks_like, f.kind))),
    )  # fmt: skip


def _said(finding: Finding) -> str:
    like = finding.looks_like
    if finding.kind == TOLD:
        return finding.note
    return f"looks like {like[0]}, {like[1]:.0%}" if like else finding.kind.replace("_", " ")
