"""Decisions: append-only, versioned, known by their operation's UUID."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

from sqlalchemy import Connection, and_, bindparam, func, insert, literal, select, update

from core.errors import BadInput
from core.model import UNSEEN, Applied, Box, Decision, Operation, Verdict
from db.store.base import Base, chunks, now, text
from db.store.second_looks import answered, taken_back
from db.store.showings import noted
from db.tables import decisions, images, operations, opinions, second_looks, showings

LONGEST_REASON = 40  # characters, as wide as the column
_MOVE = (  # built once: of 10,000 decisions the building took two thirds of the time
    update(images)
    .where(images.c.id == bindparam("image"), images.c.version == bindparam("seen"))
    .values(
        version=images.c.version + 1, verdict=bindparam("to_verdict"), reason=bindparam("to_reason"),
        label=bindparam("to_label"), box=bindparam("to_box", type_=images.c.box.type),
    )
)  # fmt: skip


def _inside(box: Box, row: Any) -> list[float]:
    """The box as far as it lies in the picture. Raises BadInput where less than a pixel does."""
    left, top, right, bottom = (
        min(max(float(at), 0.0), side) for at, side in zip(box, (row.width, row.height) * 2, strict=True)
    )
    if right - left < 1 or bottom - top < 1:
        raise BadInput(f"The crop {box} holds no pixel of image {row.id}, which has {row.width} x {row.height}.")
    return [left, top, right, bottom]


class Decisions(Base):
    def apply(self, project: int, operation: Operation) -> Applied:
        """Store an operation, all its decisions in one transaction; sent again it changes nothing.

        A decision that names a version someone else has moved on from is a conflict: it is returned, not stored.
        Undo is stored as new decisions that go back to what was before, where nobody decided since. What is said on a
        second look is an opinion, and stored as such: see db/store/second_looks.py.
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
            late: list[int] = []
            if operation.undoes:
                said = taken_back(c, project, operation)
                changes = self._undo(c, project, operation, said is not None)
            else:
                changes, said, late = answered(c, operation, self._changes(c, project, operation))
            stored, conflicts = self._store(c, operation.id, changes)
            stored, conflicts = stored + (said or 0), late + conflicts
            looked = {d.image for d in operation.decisions if d.verdict != "undecided" and d.reason not in UNSEEN}
            noted(c, self._insert_new(showings), project, operation.reviewer, sorted(looked.difference(conflicts)))
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
        for some in chunks(ids):
            held |= {
                r.id: r
                for r in c.execute(
                    select(images)
                    .where(images.c.project == project, images.c.id.in_(some))
                    .order_by(images.c.id)
                    .with_for_update()
                )
            }  # one order: no two wait in a ring
        missing = [i for i in ids if i not in held]
        if missing:
            raise BadInput(f"There is no image {missing[0]} in this project.")
        return [
            {"row": held[d.image], "version": held[d.image].version if d.version is None else d.version,
             "verdict": d.verdict, "reason": d.reason, "label": text(d.label, "class") or held[d.image].label,
             "box": _inside(d.box, held[d.image]) if d.box else held[d.image].box}
            for d in operation.decisions
        ]  # fmt: skip

    def held(self, project: int, ids: Sequence[int]) -> set[int]:
        """Those of the images that the project has; it never loses one."""
        found: set[int] = set()
        with self._read() as c:
            for some in chunks(ids):
                asked = images.c.id.in_(some)
                found.update(c.execute(select(images.c.id).where(images.c.project == project, asked)).scalars())
        return found

    @staticmethod
    def _undo(c: Connection, project: int, operation: Operation, said: bool) -> list[dict[str, Any]]:
        done = c.execute(
            select(decisions)
            .join(images, images.c.id == decisions.c.image)
            .where(decisions.c.operation == operation.undoes, images.c.project == project)
            .order_by(decisions.c.id)
        ).all()
        if not done and not said:
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
            {"row": held[d.image], "version": d.version, "verdict": d.was_verdict, "reason": d.was_reason,
             "label": d.was_label, "box": d.was_box} for d in done
        ]  # fmt: skip

    @staticmethod
    def _store(c: Connection, operation: str, changes: Sequence[Mapping[str, Any]]) -> tuple[int, list[int]]:
        at, rows, conflicts = now(), [], []
        for change in changes:
            was = change["row"]
            now_is = {f"to_{name}": change[name] for name in ("verdict", "reason", "label", "box")}
            moved = c.execute(_MOVE, {"image": was.id, "seen": change["version"], **now_is})
            if moved.rowcount != 1:
                conflicts.append(was.id)
                continue
            rows.append({
                "operation": operation, "image": was.id, "version": change["version"] + 1,
                "verdict": change["verdict"], "reason": change["reason"], "label": change["label"],
                "box": change["box"], "was_verdict": was.verdict, "was_reason": was.reason, "was_label": was.label,
                "was_box": was.box, "created": at,
            })  # fmt: skip
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

    def history(self, image: int) -> list[tuple[datetime, str, str, str, str, Box | None]]:
        """(when, who, verdict, reason, label, crop drawn by hand) of every decision on the image, the first first."""
        with self._read() as c:
            rows = c.execute(
                select(
                    decisions.c.created,
                    operations.c.reviewer,
                    decisions.c.verdict,
                    decisions.c.reason,
                    decisions.c.label,
                    decisions.c.box,
                )
                .join(operations)
                .where(decisions.c.image == image)
                .order_by(decisions.c.version)
            ).all()
        return [(*row[:5], tuple(row.box) if row.box else None) for row in rows]  # type: ignore[misc]

    def deciders(self, ids: Sequence[int]) -> dict[int, str]:
        """image -> who made the decision that holds now; images without one are left out."""
        made: dict[int, str] = {}
        with self._read() as c:
            for some in chunks(ids):
                rows = c.execute(
                    select(decisions.c.image, operations.c.reviewer)
                    .join(operations)
                    .join(images, and_(images.c.id == decisions.c.image, images.c.version == decisions.c.version))
                    .where(decisions.c.image.in_(some))
                )
                made |= dict(rows.all())
        return made

    def decided(self, operation: str) -> list[Decision]:
        """What an operation stored, in its order, then what it said on second looks; empty for an unknown one."""
        looked = select(second_looks.c.image, opinions).select_from(
            second_looks.join(opinions, opinions.c.look == second_looks.c.id)
        )
        with self._read() as c:
            rows = c.execute(select(decisions).where(decisions.c.operation == operation).order_by(decisions.c.id)).all()
            said = c.execute(looked.where(opinions.c.operation == operation).order_by(opinions.c.id)).all()
        return [
            *(Decision(r.image, r.verdict, r.reason, r.label, r.version) for r in rows),
            *(Decision(r.image, r.verdict, r.reason, r.label) for r in said),
        ]

    def reviewed(self, project: int) -> bool:
        """Whether a person's word holds on any picture: one on copies alone says nothing of what they show."""
        decided = images.c.verdict.in_(("keep", "reject")) & ~images.c.reason.in_(UNSEEN)
        with self._read() as c:
            return (
                c.execute(select(literal(1)).where(images.c.project == project, decided).limit(1)).first() is not None
            )

    def reviewers(self, project: int) -> dict[str, int]:
        """Reviewer -> how many decisions they made, second looks and taken back ones too."""
        wanted = select(operations.c.reviewer, func.sum(operations.c.stored)).where(
            operations.c.project == project, operations.c.undoes == ""
        )
        with self._read() as c:
            rows = c.execute(wanted.group_by(operations.c.reviewer).order_by(operations.c.reviewer))
            return {name: int(stored) for name, stored in rows if stored}

    def decision_count(self, project: int) -> int:
        with self._read() as c:
            return c.execute(
                select(func.count()).select_from(decisions.join(images)).where(images.c.project == project)
            ).scalar_one()
