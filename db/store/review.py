"""Findings, the review queue, and decisions: append-only, versioned, known by their operation's UUID."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import Connection, and_, delete, func, insert, literal, or_, select, update

from core.errors import BadInput
from core.model import Applied, Claim, Decision, Finding, Operation, Tile, Verdict
from db.store.base import Base, now, text
from db.tables import decisions, findings, images, leases, operations

Order = Literal["found", "score", "label"]
LONGEST_REASON = 40  # characters, as wide as the column


@dataclass(frozen=True, slots=True)
class Filter:
    """Which images the queue shows, and in which order."""

    label: str = ""  # "" = every class
    verdict: str = ""  # "" = any; undecided, keep, reject
    kind: str = ""  # only images with this finding; "any" = with at least one
    order: Order = "found"
    ids: tuple[int, ...] = ()  # only these (a cell of the confusion matrix)


class Review(Base):
    # findings ------------------------------------------------------------------------------------------------------

    def replace_findings(self, claim: Claim, project: int, kinds: Sequence[str], found: Sequence[Finding]) -> None:
        """Put `found` in the place of all findings of these kinds: running the check again doubles nothing."""
        rows = [
            {
                "project": project,
                "image": f.image,
                "kind": f.kind,
                "score": f.score,
                "by": f.by,
                "group": f.group,
                "note": f.note,
            }
            for f in found
        ]
        with self._write(claim) as c:
            c.execute(delete(findings).where(findings.c.project == project, findings.c.kind.in_(kinds)))
            if rows:
                c.execute(insert(findings), rows)

    def findings(self, project: int, kind: str = "", batch: int = 5000) -> Iterator[Finding]:
        """By kind, group and image; read in short transactions."""
        where = [findings.c.project == project, *([findings.c.kind == kind] if kind else [])]
        after: tuple | None = None
        while True:
            wanted = select(findings).where(*where).order_by(findings.c.kind, findings.c.image).limit(batch)
            if after:
                wanted = wanted.where(
                    or_(findings.c.kind > after[0], and_(findings.c.kind == after[0], findings.c.image > after[1]))
                )
            with self._read() as c:
                rows = c.execute(wanted).all()
            yield from (Finding(r.image, r.kind, r.score, r.by, r.group, r.note) for r in rows)
            if len(rows) < batch:
                return
            after = (rows[-1].kind, rows[-1].image)

    def finding_counts(self, project: int) -> dict[str, int]:
        """kind -> how many images have it."""
        with self._read() as c:
            rows = c.execute(
                select(findings.c.kind, func.count())
                .where(findings.c.project == project)
                .group_by(findings.c.kind)
                .order_by(findings.c.kind)
            ).all()
        return {kind: count for kind, count in rows}

    def findings_of(self, project: int, ids: Sequence[int]) -> dict[int, list[Finding]]:
        found: dict[int, list[Finding]] = {}
        with self._read() as c:
            for i in range(0, len(ids), 500):
                for r in c.execute(
                    select(findings).where(findings.c.project == project, findings.c.image.in_(ids[i : i + 500]))
                ):
                    found.setdefault(r.image, []).append(Finding(r.image, r.kind, r.score, r.by, r.group, r.note))
        return found

    def groups(self, project: int, kind: str) -> dict[int, str]:
        """image -> group, of the findings of this kind."""
        with self._read() as c:
            rows = c.execute(
                select(findings.c.image, findings.c.group).where(
                    findings.c.project == project, findings.c.kind == kind, findings.c.group != ""
                )
            ).all()
        return {image: group for image, group in rows}

    # the queue -----------------------------------------------------------------------------------------------------

    def queue(
        self, project: int, wanted: Filter = Filter(), after: tuple | None = None, limit: int = 100
    ) -> tuple[list[Tile], tuple | None]:
        """One page of the review and the key of its last tile (None = no more). Keyset: decisions made on the way
        shift nothing. `score` and `why` come from the strongest finding."""
        keys = self._keys(wanted)
        columns = [
            images.c.id,
            images.c.sha256,
            images.c.origin,
            images.c.label,
            images.c.verdict,
            images.c.reason,
            images.c.version,
            _score(wanted.kind).label("score"),
        ]
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
        if wanted.order == "score":
            return [(_score(wanted.kind), True), (images.c.id, False)]
        return [(images.c.label, False), (images.c.id, False)] if wanted.order == "label" else [(images.c.id, False)]

    @staticmethod
    def _where(project: int, wanted: Filter) -> list[Any]:
        where: list[Any] = [images.c.project == project]
        if wanted.label:
            where.append(images.c.label == wanted.label)
        if wanted.verdict:
            where.append(images.c.verdict == wanted.verdict)
        if wanted.kind:
            has = findings.alias()
            of = select(literal(1)).where(has.c.image == images.c.id)
            where.append((of if wanted.kind == "any" else of.where(has.c.kind == wanted.kind)).exists())
        if wanted.ids:
            where.append(images.c.id.in_(wanted.ids))
        return where

    def queue_size(self, project: int, wanted: Filter = Filter()) -> int:
        with self._read() as c:
            return c.execute(select(func.count()).select_from(images).where(*self._where(project, wanted))).scalar_one()

    def tiles(self, project: int, ids: Sequence[int]) -> list[Tile]:
        """These images as they stand now, in the order asked for."""
        found: dict[int, Tile] = {}
        with self._read() as c:
            for i in range(0, len(ids), 500):
                for r in c.execute(
                    select(images).where(images.c.project == project, images.c.id.in_(ids[i : i + 500]))
                ):
                    found[r.id] = Tile(r.id, r.sha256, r.origin, r.label, r.verdict, r.reason, r.version)
        why = self.findings_of(project, list(found))
        return [_with_why(found[i], why.get(i, ())) for i in ids if i in found]

    # leases --------------------------------------------------------------------------------------------------------

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
            for i in range(0, len(ids), 500):
                held |= dict(
                    c.execute(
                        select(leases.c.image, leases.c.reviewer).where(
                            leases.c.image.in_(ids[i : i + 500]), leases.c.reviewer != reviewer, leases.c.until > now()
                        )
                    ).all()
                )
        return held

    # decisions -----------------------------------------------------------------------------------------------------

    def apply(self, project: int, operation: Operation) -> Applied:
        """Store an operation, all its decisions in one transaction; sent again it changes nothing.

        A decision that names a version someone else has moved on from is a conflict: it is returned, not stored.
        Undo is stored as new decisions that go back to what was before, where nobody decided since.
        """
        with self._write() as c:
            new = c.execute(
                self._insert_new(operations)
                .values(
                    id=text(operation.id, "operation id"),
                    project=project,
                    reviewer=text(operation.reviewer, "name"),
                    undoes=text(operation.undoes, "operation id"),
                    stored=0,
                    conflicts=[],
                    created=now(),
                )
                .on_conflict_do_nothing(index_elements=["id"])
                .returning(operations.c.id)
            ).scalar_one_or_none()
            if new is None:
                row = c.execute(select(operations).where(operations.c.id == operation.id)).one()
                return Applied(row.id, row.stored, tuple(row.conflicts), repeated=True)
            changes = self._undo(c, project, operation) if operation.undoes else self._changes(c, project, operation)
            stored, conflicts = self._store(c, operation.id, changes)
            c.execute(
                update(operations).where(operations.c.id == operation.id).values(stored=stored, conflicts=conflicts)
            )
        return Applied(operation.id, stored, tuple(conflicts))

    @staticmethod
    def _changes(c: Connection, project: int, operation: Operation) -> list[dict[str, Any]]:
        ids = [d.image for d in operation.decisions]
        if len(set(ids)) != len(ids):
            raise BadInput(f"Operation {operation.id} decides on one image twice.")
        for d in operation.decisions:
            if d.verdict not in get_args(Verdict) or len(text(d.reason, "reason")) > LONGEST_REASON:
                raise BadInput(
                    f"The decision {d.verdict!r} ({d.reason[:60]!r}) on image {d.image} is none: wanted keep, "
                    f"reject or undecided, and a reason of at most {LONGEST_REASON} characters."
                )
        held: dict[int, Any] = {}
        for i in range(0, len(ids), 500):
            held |= {
                r.id: r
                for r in c.execute(
                    select(images)
                    .where(images.c.project == project, images.c.id.in_(ids[i : i + 500]))
                    .order_by(images.c.id)
                    .with_for_update()
                )
            }  # one order: no two wait in a ring
        missing = [i for i in ids if i not in held]
        if missing:
            raise BadInput(f"There is no image {missing[0]} in this project.")
        return [
            {
                "row": held[d.image],
                "version": held[d.image].version if d.version is None else d.version,
                "verdict": d.verdict,
                "reason": d.reason,
                "label": text(d.label, "class") or held[d.image].label,
            }
            for d in operation.decisions
        ]

    @staticmethod
    def _undo(c: Connection, project: int, operation: Operation) -> list[dict[str, Any]]:
        done = c.execute(
            select(decisions, images.c.version.label("now_version"))
            .join(images, images.c.id == decisions.c.image)
            .where(decisions.c.operation == operation.undoes, images.c.project == project)
        ).all()
        if not done:
            raise BadInput(f"There is nothing to undo in operation {operation.undoes!r}.")
        held = {
            r.id: r
            for r in c.execute(
                select(images)
                .where(images.c.id.in_(select(decisions.c.image).where(decisions.c.operation == operation.undoes)))
                .order_by(images.c.id)
                .with_for_update()
            )
        }
        return [
            {
                "row": held[d.image],
                "version": d.version,
                "verdict": d.was_verdict,
                "reason": d.was_reason,
                "label": d.was_label,
            }
            for d in done
        ]

    @staticmethod
    def _store(c: Connection, operation: str, changes: Sequence[Mapping[str, Any]]) -> tuple[int, list[int]]:
        at, rows, conflicts = now(), [], []
        for change in changes:
            was = change["row"]
            moved = c.execute(
                update(images)
                .where(images.c.id == was.id, images.c.version == change["version"])
                .values(
                    version=images.c.version + 1,
                    verdict=change["verdict"],
                    reason=change["reason"],
                    label=change["label"],
                )
            )
            if moved.rowcount != 1:
                conflicts.append(was.id)
                continue
            rows.append(
                {
                    "operation": operation,
                    "image": was.id,
                    "version": change["version"] + 1,
                    "verdict": change["verdict"],
                    "reason": change["reason"],
                    "label": change["label"],
                    "was_verdict": was.verdict,
                    "was_reason": was.reason,
                    "was_label": was.label,
                    "created": at,
                }
            )
        if rows:
            c.execute(insert(decisions), rows)
        return len(rows), conflicts

    def last_operation(self, project: int, reviewer: str) -> str:
        """The reviewer's newest operation that still stands: what the next undo takes back. "" = none."""
        undo = operations.alias()
        with self._read() as c:
            return (
                c.execute(
                    select(operations.c.id)
                    .where(
                        operations.c.project == project,
                        operations.c.reviewer == reviewer,
                        operations.c.undoes == "",
                        operations.c.stored > 0,
                        ~select(literal(1)).where(undo.c.undoes == operations.c.id).exists(),
                    )
                    .order_by(operations.c.created.desc())
                    .limit(1)
                ).scalar_one_or_none()
                or ""
            )

    def history(self, image: int) -> list[tuple[datetime, str, str, str, str]]:
        """(when, who, verdict, reason, label) of every decision on the image, the first first."""
        with self._read() as c:
            rows = c.execute(
                select(
                    decisions.c.created,
                    operations.c.reviewer,
                    decisions.c.verdict,
                    decisions.c.reason,
                    decisions.c.label,
                )
                .join(operations)
                .where(decisions.c.image == image)
                .order_by(decisions.c.version)
            ).all()
        return [tuple(row) for row in rows]  # type: ignore[misc]

    def deciders(self, ids: Sequence[int]) -> dict[int, str]:
        """image -> who made the decision that holds now; images without one are left out."""
        made: dict[int, str] = {}
        with self._read() as c:
            for i in range(0, len(ids), 500):
                rows = c.execute(
                    select(decisions.c.image, operations.c.reviewer)
                    .join(operations)
                    .join(
                        images,
                        and_(images.c.id == decisions.c.image, images.c.version == decisions.c.version),
                    )
                    .where(decisions.c.image.in_(ids[i : i + 500]))
                )
                made |= dict(rows.all())
        return made

    def decided(self, operation: str) -> list[Decision]:
        """What an operation stored, in its order; empty for an unknown one."""
        with self._read() as c:
            rows = c.execute(select(decisions).where(decisions.c.operation == operation).order_by(decisions.c.id)).all()
        return [Decision(r.image, r.verdict, r.reason, r.label, r.version) for r in rows]

    def decision_count(self, project: int) -> int:
        with self._read() as c:
            return c.execute(
                select(func.count()).select_from(decisions.join(images)).where(images.c.project == project)
            ).scalar_one()


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
        tile.image,
        tile.sha256,
        tile.origin,
        tile.label,
        tile.verdict,
        tile.reason,
        tile.version,
        tile.score or best.score,
        ", ".join(sorted(f.kind.replace("_", " ") for f in found)),
    )
