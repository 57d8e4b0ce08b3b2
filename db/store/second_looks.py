"""What a second person said of a picture, not knowing that somebody else had decided on it.

Such a picture is noted when it is shown, and what is said of it is an opinion: it changes nothing of the picture. A look
holds as long as the decision does that it is held against: once somebody decides in the open, it is history.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, and_, exists, false, func, insert, literal, or_, select

from core.model import UNSEEN, Decision, Operation, Pair, SecondLook, Showing, Word
from db.store.base import Base, chunks, now, text
from db.tables import decisions, findings, images, operations, opinions, second_looks, showings

BLIND = 1 << 40  # the version from which on a reviewer was not told what another one said
TRIES = 64  # times a picture is picked by its number before all that fit are listed
Which = Literal["any", "bad", "good"]

_undo = operations.alias("undo")
_first = decisions.alias("first")
_by = operations.alias("by")
_own = decisions.alias("own")
_theirs = operations.alias("theirs")
_taken = second_looks.alias("taken")
_later = opinions.alias("later")


def _undone(operation: Any) -> Any:
    return exists().where(_undo.c.undoes == operation)


_STANDS = ~_undone(opinions.c.operation)
_LAST = and_(
    _STANDS,
    ~exists().where(_later.c.look == opinions.c.look, _later.c.id > opinions.c.id, ~_undone(_later.c.operation)),
)
_HOLDS = images.c.version == second_looks.c.version
_ANSWERED = exists().where(opinions.c.look == second_looks.c.id, _STANDS)
_BAD = or_(_first.c.verdict == "reject", _first.c.label != images.c.source_label)
_DIFFER = or_(
    opinions.c.verdict != _first.c.verdict, and_(opinions.c.verdict == "keep", opinions.c.label != _first.c.label)
)
_OPEN = and_(second_looks.c.known == false(), _HOLDS)
_PAIRS = (
    second_looks.join(images, images.c.id == second_looks.c.image)
    .join(_first, and_(_first.c.image == second_looks.c.image, _first.c.version == second_looks.c.version))
    .join(_by, _by.c.id == _first.c.operation)
    .join(opinions, and_(opinions.c.look == second_looks.c.id, _LAST))
)


def disputed() -> Any:
    """Whether two people differ on an image, and nobody decided on it in the open since; where `images` is selected."""
    said = and_(opinions.c.look == second_looks.c.id, _LAST)
    before = and_(_first.c.image == second_looks.c.image, _first.c.version == second_looks.c.version)
    return (
        select(literal(1))
        .select_from(second_looks.join(_first, before).join(opinions, said))
        .where(second_looks.c.image == images.c.id, _OPEN, _DIFFER)
        .correlate(images)
        .exists()
    )


class SecondLooks(Base):
    def others(self, project: int, reviewer: str) -> bool:
        """Whether anybody else has reviewed here."""
        other = select(literal(1)).where(operations.c.project == project, operations.c.reviewer != reviewer).limit(1)
        with self._read() as c:
            return c.execute(other).first() is not None

    def seen_by_others(
        self, project: int, reviewer: str, number: int, chance: Callable[[int], int], *,
        which: Which = "any", trusted: str = "", label: str = "", kind: str = "", without: Collection[int] = (),
    ) -> list[Showing]:  # fmt: skip
        """At most `number` pictures, at random, that another reviewer has decided on after a look, and why they were shown.

        `trusted`: only those of this one; else nobody has looked at them a second time, for that would be a third word.
        `which`: only bad ones (rejected, or given another class) or good ones. `label`, `kind`: of a filter. Never what the
        reviewer has decided on, or was given a second time. `chance(n)`: a number below n.
        """
        own = exists().where(
            _own.c.image == images.c.id, _own.c.operation == _theirs.c.id, _theirs.c.reviewer == reviewer
        )
        taken = exists().where(_taken.c.image == images.c.id, _mine(reviewer, trusted))
        where = [images.c.project == project, images.c.verdict.in_(("keep", "reject")), ~images.c.reason.in_(UNSEEN),
                 ~own, ~taken, *_selected(label, kind)]  # fmt: skip
        where.append(_by.c.reviewer == trusted if trusted else _by.c.reviewer != reviewer)
        if which != "any":
            where.append(_BAD if which == "bad" else ~_BAD)
        source = (
            images.join(_first, and_(_first.c.image == images.c.id, _first.c.version == images.c.version))
            .join(_by, _by.c.id == _first.c.operation)
            .outerjoin(showings, showings.c.image == images.c.id)
        )
        wanted = (
            select(images.c.id, showings.c.queue, showings.c.score, showings.c.why).select_from(source).where(*where)
        )
        found: dict[int, Any] = {}
        with self._read() as c:
            low, high = c.execute(
                select(func.min(images.c.id), func.max(images.c.id)).where(images.c.project == project)
            ).one()
            for _ in range(TRIES * number if low else 0):
                if len(found) == number:
                    break
                image = low + chance(high - low + 1)
                if (
                    image not in found
                    and image not in without
                    and (r := c.execute(wanted.where(images.c.id == image)).first())
                ):
                    found[image] = r
            if len(found) < number:  # few of many: all of them, of which some are taken
                # From the operations on: others may have decided on a few pictures only, this one on a million.
                here = _by.c.project == project
                every = {r.id: r for r in c.execute(wanted.where(here).order_by(images.c.id)) if r.id not in without}
                left = sorted(every.keys() - found.keys())
                while left and len(found) < number:
                    image = left.pop(chance(len(left)))
                    found[image] = every[image]
        return [Showing(r.id, r.queue or "", r.score or 0.0, r.why or "") for r in found.values()]

    def show_again(self, project: int, reviewer: str, chosen: Sequence[Showing], known: bool = False) -> list[Showing]:
        """Note that a reviewer is shown pictures that another one has decided on; returned is what was noted: not what
        nobody has decided on meanwhile, nor what this reviewer was given before."""
        common = {"project": project, "reviewer": text(reviewer, "name"), "known": known, "created": now()}
        noted = []
        with self._write() as c:
            for one in chosen:
                version = c.execute(
                    select(images.c.version).where(images.c.id == one.image, images.c.verdict.in_(("keep", "reject")))
                ).scalar_one_or_none()
                if version is None:
                    continue
                row = {"image": one.image, "version": version, "queue": one.queue, "score": one.score, "why": one.why}
                new = self._insert_new(second_looks).values(**common, **row)
                new = new.on_conflict_do_nothing(index_elements=["image", "reviewer"]).returning(second_looks.c.id)
                if c.execute(new).first():
                    noted.append(one)
        return noted

    def waiting_again(self, project: int, reviewer: str, label: str = "", kind: str = "") -> list[Showing]:
        """What this reviewer was shown of others' and has not answered, in that order. `label`, `kind`: of a filter."""
        wanted = (
            select(second_looks)
            .select_from(second_looks.join(images, images.c.id == second_looks.c.image))
            .where(second_looks.c.project == project, second_looks.c.reviewer == reviewer)
            .where(_HOLDS, ~_ANSWERED, *_selected(label, kind))
            .order_by(second_looks.c.id)
        )
        with self._read() as c:
            return [Showing(r.image, r.queue, r.score, r.why) for r in c.execute(wanted)]

    def second_looks(self, project: int, reviewer: str, ids: Sequence[int]) -> dict[int, SecondLook]:
        """Those of the images that this reviewer looks at a second time without being told so, as they see them."""
        found: dict[int, SecondLook] = {}
        with self._read() as c:
            for some in chunks(ids):
                rows = c.execute(
                    select(second_looks.c.id, images.c.id.label("image"), images.c.source_label, images.c.crop)
                    .select_from(second_looks.join(images, images.c.id == second_looks.c.image))
                    .where(second_looks.c.project == project, second_looks.c.reviewer == reviewer, _HOLDS)
                    .where(second_looks.c.image.in_(some))
                ).all()
                said: dict[int, list[Any]] = {row.id: [] for row in rows}
                for one in c.execute(
                    select(opinions, _undone(opinions.c.operation).label("undone"))
                    .where(opinions.c.look.in_(said))
                    .order_by(opinions.c.id)
                ):
                    said[one.look].append(one)
                found |= {row.image: _as_seen(row, said[row.id]) for row in rows}
        return found

    def pairs(self, project: int) -> list[Pair]:
        """What two people said of one picture, in the order in which they were shown it; nothing that was taken back."""
        wanted = _pairs(second_looks.c.project == project, ~_undone(_first.c.operation))
        with self._read() as c:
            return [_pair(r) for r in c.execute(wanted.order_by(second_looks.c.id))]

    def disputes(self, project: int, ids: Sequence[int] | None = None) -> list[Pair]:
        """Those (of the images) on which two people differ, and nobody decided in the open since; check pictures aside."""
        of = second_looks.c.project == project, _OPEN, _DIFFER
        found: list[Pair] = []
        with self._read() as c:
            for some in [None] if ids is None else chunks(ids):
                wanted = _pairs(*of, *([] if some is None else [second_looks.c.image.in_(some)]))
                found += [_pair(r) for r in c.execute(wanted.order_by(second_looks.c.id))]
        return found

    def check_counts(self, project: int) -> dict[str, int]:
        """Reviewer -> how many check pictures they were shown."""
        wanted = select(second_looks.c.reviewer, func.count()).where(
            second_looks.c.project == project, second_looks.c.known
        )
        with self._read() as c:
            return dict(c.execute(wanted.group_by(second_looks.c.reviewer)).all())  # type: ignore[arg-type]

    def work(self, project: int) -> list[tuple[str, datetime, int]]:
        """(reviewer, when, how many decisions) of each operation, by reviewer and time; an undo made none."""
        wanted = select(operations).where(operations.c.project == project)
        with self._read() as c:
            rows = c.execute(wanted.order_by(operations.c.reviewer, operations.c.created, operations.c.id))
            return [(r.reviewer, r.created, 0 if r.undoes else r.stored) for r in rows]


def _mine(reviewer: str, trusted: str) -> Any:
    """Second looks after which a picture is not given again."""
    mine = _taken.c.reviewer == reviewer
    return mine if trusted else or_(mine, _taken.c.known == false())


def _selected(label: str, kind: str) -> list[Any]:
    """What a filter selects of pictures that look undecided: they stand under the class that their source said."""
    where: list[Any] = [images.c.source_label == label] if label else []
    if kind:
        has = exists().where(findings.c.image == images.c.id)
        where.append(has if kind == "any" else has.where(findings.c.kind == kind))
    return where


def _pairs(*where: Any) -> Any:
    return (
        select(
            second_looks.c.image, second_looks.c.known, images.c.source_label,
            _by.c.reviewer.label("first_by"), _first.c.verdict.label("first_verdict"),
            _first.c.reason.label("first_reason"), _first.c.label.label("first_label"),
            second_looks.c.reviewer, opinions.c.verdict, opinions.c.reason, opinions.c.label,
        )
        .select_from(_PAIRS)
        .where(*where)
    )  # fmt: skip


def _pair(r: Any) -> Pair:
    def other(label: str) -> str:
        return "" if label == r.source_label else label

    first = Word(r.first_by, r.first_verdict, r.first_reason, other(r.first_label))
    return Pair(r.image, first, Word(r.reviewer, r.verdict, r.reason, other(r.label)), r.known)


def _as_seen(row: Any, said: Sequence[Any]) -> SecondLook:
    """`row`: the look with its image; `said`: all opinions on it, in order."""
    standing = [one for one in said if not one.undone]
    verdict, reason, label = (standing[-1].verdict, standing[-1].reason, standing[-1].label) if standing else (
        "undecided", "", row.source_label)  # fmt: skip
    drawn = [one.box for one in standing if one.box]
    box = drawn[-1] if drawn else row.crop
    return SecondLook(
        row.image, label, verdict, reason, BLIND + len(said) + sum(one.undone for one in said), tuple(box) if box else None,
        tuple((one.created, one.verdict, one.reason, one.label, tuple(one.box) if one.box else None) for one in said),
    )  # fmt: skip


def answered(
    c: Connection, operation: Operation, changes: Sequence[Mapping[str, Any]]
) -> tuple[list[Mapping[str, Any]], int, list[int]]:
    """Store what the operation says on second looks. Returned: the changes that are left, how many opinions were stored,
    and the pictures on which somebody has decided since they were shown.

    A reviewer who was not told (the version says so) gives an opinion as long as the look holds. Without a version (the
    command line) the first word is one, and the same word again; any other is a decision in the open.
    """
    looks = _looks(c, operation.reviewer, [d.image for d in operation.decisions])
    left, rows, late, at = [], [], [], now()
    for decision, change in zip(operation.decisions, changes, strict=True):
        row, look = change["row"], looks.get(decision.image)
        untold = decision.version is not None and decision.version >= BLIND
        label = decision.label or row.source_label
        if look and look.version == row.version and _looked(decision) and (
            untold or (decision.version is None and look.said in (None, (decision.verdict, label)))
        ):  # fmt: skip
            rows.append({
                "operation": operation.id, "look": look.id, "verdict": decision.verdict, "reason": decision.reason,
                "label": label, "box": change["box"] if decision.box else None, "created": at,
            })  # fmt: skip
        elif untold:
            late.append(decision.image)
        else:
            left.append(change)
    if rows:
        c.execute(insert(opinions), rows)
    return left, len(rows), late


def _looked(decision: Decision) -> bool:
    return decision.verdict != "undecided" and decision.reason not in UNSEEN


class _Look:
    def __init__(self, r: Any) -> None:
        self.id, self.version = r.id, r.version
        self.said = None if r.verdict is None else (r.verdict, r.label)


def _looks(c: Connection, reviewer: str, ids: Sequence[int]) -> dict[int, _Look]:
    """image -> the reviewer's second look at it, with what they said last."""
    found: dict[int, _Look] = {}
    for some in chunks(ids):
        rows = c.execute(
            select(second_looks, opinions.c.verdict, opinions.c.label)
            .select_from(second_looks.outerjoin(opinions, and_(opinions.c.look == second_looks.c.id, _LAST)))
            .where(second_looks.c.reviewer == reviewer, second_looks.c.image.in_(some))
        )
        found |= {r.image: _Look(r) for r in rows}
    return found


def taken_back(c: Connection, project: int, operation: Operation) -> int | None:
    """How many opinions an undo takes back: 0 where another undo did, None where the operation holds none."""
    of = (
        select(func.count())
        .select_from(opinions.join(second_looks, second_looks.c.id == opinions.c.look))
        .where(opinions.c.operation == operation.undoes, second_looks.c.project == project)
    )
    number = c.execute(of).scalar_one()
    before = exists().where(operations.c.undoes == operation.undoes, operations.c.id != operation.id)
    return (0 if c.execute(select(before)).scalar_one() else number) if number else None
