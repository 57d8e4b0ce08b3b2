"""What was looked at, in which order, and why: what the learner learns from, and what the estimate stands on."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, exists, func, insert, or_, select

from core.model import DUPLICATE, UNSEEN, WRONG_CLASS, Audit, Certificate, Judged, Showing
from db.store.base import Base, chunks, now, text
from db.tables import certificates, images, leases, projects, showings

TRIES = 64  # times a picture is picked by its number before the pictures are counted through
# Decided: without a look at what the picture shows, or after one.
_UNSEEN = and_(images.c.verdict != "undecided", images.c.reason.in_(UNSEEN))
_SAID = and_(images.c.verdict != "undecided", ~images.c.reason.in_(UNSEEN))
_BAD = or_(images.c.verdict == "reject", images.c.label != images.c.source_label)
_WHY = case((images.c.verdict == "reject", images.c.reason), (_BAD, WRONG_CLASS), else_="")
_SHOWN = exists().where(showings.c.image == images.c.id)
_OUT = and_(images.c.verdict == "reject", images.c.reason == DUPLICATE)
# Said of what the picture shows, and not of whether it shows this project's class.
_ANYWHERE = and_(_SAID, images.c.label == images.c.source_label, images.c.reason != WRONG_CLASS)


class Showings(Base):
    def show(
        self, project: int, reviewer: str, chosen: Sequence[Showing], draws: int, chance: Callable[[int], int]
    ) -> list[Showing]:
        """Note that a reviewer is shown `draws` pictures at random, then those that were chosen, and return what was noted.

        The draws come first, each uniform among all that nobody was shown before: `chance(n)` gives a number below n.
        Of the chosen ones those are left out that somebody was shown meanwhile. One transaction, one project at a time,
        so that nobody is shown two pictures of one draw.
        """
        noted: list[Showing] = []
        rows: list[dict[str, Any]] = []
        common = {"project": project, "reviewer": text(reviewer, "name"), "created": now()}
        with self._write() as c:
            _one_at_a_time(c, project)
            shown = _shown(c, [one.image for one in chosen])
            left = _left(c, project) if draws else 0
            span = _span(c, project) if draws else (0, 0)
            for _ in range(min(draws, left)):
                image = _picked(c, project, chance, left, span)
                one = Showing(image, "random", why="random sample")
                row = _row(one) | common | {"among": left, "newest": span[1]}
                c.execute(insert(showings), [row])
                noted.append(one)
                left -= 1
            drawn = {one.image for one in noted}
            for one in chosen:
                if one.image not in shown and one.image not in drawn:
                    rows.append(_row(one) | common | {"among": None, "newest": None})
                    noted.append(one)
            if rows:
                c.execute(insert(showings), rows)
        return noted

    def waiting(self, project: int, reviewer: str) -> list[Showing]:
        """What was put on a screen and is not decided, in that order, but for what others have on theirs now."""
        held = exists().where(leases.c.image == showings.c.image, leases.c.reviewer != reviewer, leases.c.until > now())
        wanted = select(showings).join(images, images.c.id == showings.c.image)
        wanted = wanted.where(showings.c.project == project, ~_SAID, ~_OUT, ~held)
        with self._read() as c:
            return [Showing(r.image, r.queue, r.score, r.why) for r in c.execute(wanted.order_by(showings.c.id))]

    def judged(self, project: int) -> list[Judged]:
        """What was looked at, in that order, then what was decided without a look, in order of image."""
        columns = images.c.id, showings.c.queue, _SAID.label("said"), _BAD.label("bad"), _WHY.label("why")
        looked = select(*columns).join(showings, showings.c.image == images.c.id).where(showings.c.project == project)
        unseen = select(images.c.id).where(images.c.project == project, _UNSEEN, ~_SHOWN).order_by(images.c.id)
        with self._read() as c:
            found = [
                Judged(r.id, bool(r.bad), r.queue, r.why) if r.said else Judged(r.id, None, r.queue)
                for r in c.execute(looked.order_by(showings.c.id))
            ]
            found += [Judged(image, None) for image in c.execute(unseen).scalars()]
        return found

    def examples(self, project: int) -> list[tuple[int, bool]]:
        """(image, whether it was rejected) of what was decided for a reason that holds in another project too, in order of
        image: no copies, no wrong classes, nothing kept without a look."""
        wanted = select(images.c.id, images.c.verdict == "reject").where(images.c.project == project, _ANYWHERE)
        with self._read() as c:
            return [(image, bool(rejected)) for image, rejected in c.execute(wanted.order_by(images.c.id))]

    def rejects(self, project: int) -> int:
        """How many of these were rejected."""
        of = (images.c.project == project, images.c.verdict == "reject", _ANYWHERE)
        with self._read() as c:
            return c.execute(select(func.count()).select_from(images).where(*of)).scalar_one()

    def audit(self, project: int) -> Audit:
        """What the random share has told so far.

        What was shown and is not decided counts as not looked at, and draws that were made behind it do not count until it
        is decided: they were made among the others. Nor do draws among fewer pictures than there are now: from before the
        newest one came, or a copy that had been taken out was taken back.
        """
        of, on = showings.c.project == project, images.c.id == showings.c.image
        shown = select(showings.c.id).join(images, on).where(of)
        with self._read() as c:
            (_, newest), left = _span(c, project), _left(c, project)
            waits, first = c.execute(
                select(func.count(), func.min(showings.c.id)).join(images, on).where(of, ~_SAID, ~_OUT)
            ).one()
            random = showings.c.queue == "random"
            draws = c.execute(
                select(showings.c.id, showings.c.among, _BAD.label("bad")).join(images, on)
                .where(of, random, showings.c.newest == newest, _SAID, *([showings.c.id < first] if waits else []))
                .order_by(showings.c.id)
            ).all()  # fmt: skip
            looked = list(c.execute(shown.where(_SAID).order_by(showings.c.id)).scalars())
            bad = list(c.execute(shown.where(_SAID, _BAD).order_by(showings.c.id)).scalars())
            unseen = c.execute(
                select(func.count()).select_from(images).where(images.c.project == project, _UNSEEN, ~_OUT, ~_SHOWN)
            ).scalar_one()
        left += waits
        draws = [row for row in draws if row.among >= left + len(looked) - bisect_left(looked, row.id)]
        return Audit(
            left, tuple(row.among for row in draws), tuple(bool(row.bad) for row in draws),
            tuple(len(bad) - bisect_left(bad, row.id) for row in draws), len(looked), len(bad), waits, unseen,
        )  # fmt: skip

    def add_certificate(self, project: int, reviewer: str, newest: int, result: Mapping[str, Any]) -> Certificate:
        row = {"project": project, "reviewer": text(reviewer, "name"), "newest": newest, "result": dict(result)}
        with self._write() as c:
            made = c.execute(insert(certificates).values(**row, created=now()).returning(certificates)).one()
        return Certificate(made.id, made.created, made.reviewer, made.newest, made.result)

    def certificate(self, project: int) -> Certificate | None:
        """The newest one."""
        wanted = (
            select(certificates).where(certificates.c.project == project).order_by(certificates.c.id.desc()).limit(1)
        )
        with self._read() as c:
            row = c.execute(wanted).first()
        return Certificate(row.id, row.created, row.reviewer, row.newest, row.result) if row else None


def noted(c: Connection, new: Any, project: int, reviewer: str, ids: Sequence[int]) -> None:
    """That a person decided on these: whoever did looked at them. `new`: INSERT ... ON CONFLICT into showings."""
    rest = sorted(set(ids) - _shown(c, ids))
    if rest:
        _one_at_a_time(c, project)
        common = {"project": project, "reviewer": reviewer, "created": now(), "among": None, "newest": None}
        c.execute(new.on_conflict_do_nothing(index_elements=["image"]), [_row(Showing(i)) | common for i in rest])


def _one_at_a_time(c: Connection, project: int) -> None:
    """Hold the project's row: SQLite has one writer anyhow."""
    c.execute(select(projects.c.id).where(projects.c.id == project).with_for_update())


def _row(one: Showing) -> dict[str, Any]:
    return {"image": one.image, "queue": one.queue, "score": one.score, "why": one.why}


def _shown(c: Connection, ids: Sequence[int]) -> set[int]:
    """Those of the images that somebody was shown."""
    found: set[int] = set()
    for some in chunks(ids):
        found.update(c.execute(select(showings.c.image).where(showings.c.image.in_(some))).scalars())
    return found


def _span(c: Connection, project: int) -> tuple[int, int]:
    """The numbers of the first and the newest picture."""
    low, high = c.execute(select(func.min(images.c.id), func.max(images.c.id)).where(images.c.project == project)).one()
    return low or 0, high or 0


def _left(c: Connection, project: int) -> int:
    """How many pictures nobody looked at, copies that were taken out aside."""
    every = c.execute(select(func.count()).select_from(images).where(images.c.project == project)).scalar_one()
    gone = c.execute(select(func.count()).select_from(images).where(images.c.project == project, _OUT)).scalar_one()
    of = showings.c.project == project
    shown = c.execute(select(func.count()).select_from(showings).where(of)).scalar_one()
    both = c.execute(
        select(func.count()).select_from(showings.join(images, images.c.id == showings.c.image)).where(of, _OUT)
    ).scalar_one()
    return every - gone - shown + both


def _picked(c: Connection, project: int, chance: Callable[[int], int], left: int, span: tuple[int, int]) -> int:
    """One of those, each as likely as the other."""
    of, (low, high) = and_(images.c.project == project, ~_OUT, ~_SHOWN), span
    for _ in range(TRIES):
        image = low + chance(high - low + 1)
        if c.execute(select(images.c.id).where(of, images.c.id == image)).first():
            return image
    return c.execute(select(images.c.id).where(of).order_by(images.c.id).offset(chance(left)).limit(1)).scalar_one()
