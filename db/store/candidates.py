"""Candidates: what a source found, and what became of each."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, delete, func, literal, select, update

from core.errors import BadInput, Refused
from core.model import Candidate, Claim, ImageFacts
from db.store.base import Base, Row, now, text
from db.tables import candidates, images, jobs

# What core.scrape puts before the class where an address would be: the candidate stands for a search that failed. No
# address and no path begins like this.
SEARCH = "search for "
_is_search = candidates.c.url == literal(SEARCH) + candidates.c.label


def candidate(row: Row) -> Candidate:
    return Candidate(
        row.url, row.label, row.source, row.page, row.title, row.creator, row.licence, row.licence_url, row.part
    )


def _open(project: int) -> ColumnElement[bool]:
    """What another try may take: failures that may pass, and what jobs that are over left undone."""
    busy = select(jobs.c.id).where(jobs.c.status.in_(("queued", "running")))
    return and_(
        candidates.c.project == project,
        and_(candidates.c.status == "failed", candidates.c.retryable)
        | and_(candidates.c.status == "pending", candidates.c.fetched_by.not_in(busy)),
    )


def _storable(found: Candidate) -> Candidate:
    """The candidate; one with text that a database cannot keep becomes a failure with that text made plain."""
    try:
        for value in astuple(found):
            text(value)
    except BadInput:
        plain = {k: v.encode(errors="replace").decode().replace("\x00", "\ufffd") for k, v in asdict(found).items()}
        return Candidate(**{**plain, "error": found.error and plain["error"] or "malformed text"})
    return found


class Candidates(Base):
    def positions(self, job: int) -> int:
        """How many candidates this job has stored: where its enumeration goes on after a restart."""
        with self._read() as c:
            return c.execute(select(func.count()).where(candidates.c.found_by == job)).scalar_one()

    def add_candidates(self, claim: Claim, project: int, start: int, found: Sequence[Candidate]) -> None:
        """Store a batch that begins at position `start` of the source. A URL fetched earlier is a duplicate at once."""
        found = [_storable(x) for x in found]
        rows = [
            {
                **{k: v for k, v in asdict(x).items() if k != "error"},
                "project": project, "found_by": claim.job, "fetched_by": claim.job, "position": start + i,
                "status": "failed" if x.error else "pending", "reason": x.error, "sentence": x.error,
                "retryable": bool(x.error) and x.url == SEARCH + x.label,
            } for i, x in enumerate(found)
        ]  # fmt: skip
        if not rows:
            return
        with self._write(claim) as c:
            c.execute(
                self._insert_new(candidates).on_conflict_do_nothing(index_elements=["found_by", "position"]), rows
            )
            self._meet_known(c, project, claim.job, {x.url for x in found if not x.error})

    @staticmethod
    def _meet_known(c: Connection, project: int, job: int, urls: set[str]) -> None:
        known: dict[str, int] = {}
        ordered = sorted(urls)
        for i in range(0, len(ordered), 500):  # SQLite binds a limited number of values
            known |= {
                row.url: row.image
                for row in c.execute(
                    select(candidates.c.url, candidates.c.image).where(
                        candidates.c.project == project,
                        candidates.c.url.in_(ordered[i : i + 500]),
                        candidates.c.image.is_not(None),
                    )
                )
            }
        if known:
            c.execute(
                update(candidates)
                .where(
                    candidates.c.fetched_by == job,
                    candidates.c.project == project,
                    candidates.c.url == bindparam("u"),
                    candidates.c.status == "pending",
                )
                .values(status="duplicate", image=bindparam("i"), fetched=now()),
                [{"u": url, "i": image} for url, image in known.items()],
            )

    def pending(self, job: int, after: int = 0, limit: int = 500) -> list[tuple[int, Candidate]]:
        """The next candidates this job has to fetch, one for each URL, as (id, candidate); keyset by id.

        A search is none of them: `searches`.
        """
        twin = candidates.alias()
        first = (
            ~select(literal(1))
            .where(
                twin.c.project == candidates.c.project,
                twin.c.url == candidates.c.url,
                twin.c.fetched_by == job,
                twin.c.status == "pending",
                twin.c.id < candidates.c.id,
            )
            .exists()
        )
        with self._read() as c:
            rows = c.execute(
                select(candidates)
                .where(
                    candidates.c.fetched_by == job,
                    candidates.c.status == "pending",
                    candidates.c.id > after,
                    ~_is_search,
                    first,
                )
                .order_by(candidates.c.id)
                .limit(limit)
            ).all()
        return [(row.id, candidate(row)) for row in rows]

    def add_fetched(self, claim: Claim, project: int, results: Sequence[tuple[str, ImageFacts | Refused]]) -> None:
        """Store what became of URLs (the image's facts, or why there is none), all candidates of each; the first that
        brings an image is `fetched`, the rest are duplicates. Repeating it changes nothing, because only pending
        candidates are touched."""
        with self._write(claim) as c:
            for url, outcome in results:
                rows = c.execute(
                    select(candidates)
                    .where(
                        candidates.c.project == project,
                        candidates.c.url == url,
                        candidates.c.fetched_by == claim.job,
                        candidates.c.status == "pending",
                    )
                    .order_by(candidates.c.id)
                ).all()
                if not rows:
                    continue
                ids = [row.id for row in rows]
                if isinstance(outcome, Refused):
                    self._fail(c, ids, outcome)
                else:
                    image, new = self._image(c, project, rows[0], outcome)
                    c.execute(
                        update(candidates)
                        .where(candidates.c.id.in_(ids))
                        .values(
                            status=case((and_(literal(new), candidates.c.id == ids[0]), "fetched"), else_="duplicate"),
                            image=image,
                            fetched=now(),
                            reason="",
                            sentence="",
                            retryable=False,
                        )
                    )

    @staticmethod
    def _fail(c: Connection, ids: Sequence[int], error: Refused) -> None:
        c.execute(
            update(candidates)
            .where(candidates.c.id.in_(ids))
            .values(status="failed", reason=error.reason, sentence=str(error), retryable=error.retryable, fetched=now())
        )

    def _image(self, c: Connection, project: int, first: Row, facts: ImageFacts) -> tuple[int, bool]:
        values = asdict(facts) | {"hashes": struct.pack(">8Q", *facts.hashes)}
        new = c.execute(
            self._insert_new(images)
            .values(
                project=project,
                origin=first.url,
                source_label=first.label,
                label=first.label,
                part=first.part,
                created=now(),
                verdict="undecided",
                reason="",
                version=0,
                **values,
            )
            .on_conflict_do_nothing(index_elements=["project", "sha256"])
            .returning(images.c.id)
        ).scalar_one_or_none()
        if new is not None:
            return new, True
        return c.execute(
            select(images.c.id).where(images.c.project == project, images.c.sha256 == facts.sha256)
        ).scalar_one(), False

    def retry(self, claim: Claim, project: int) -> None:
        """Hand all failures that may be tried again, and what stopped jobs left over, to this job."""
        with self._write(claim) as c:
            c.execute(
                update(candidates)
                .where(_open(project), candidates.c.fetched_by != claim.job)
                .values(status="pending", fetched_by=claim.job)
            )

    def searches(self, job: int) -> list[tuple[int, Candidate, Mapping[str, Any]]]:
        """The failed searches this job has to ask again: (id, candidate, parameters of the job that asked first)."""
        with self._read() as c:
            rows = c.execute(
                select(candidates, jobs.c.params)
                .join(jobs, jobs.c.id == candidates.c.found_by)
                .where(candidates.c.fetched_by == job, candidates.c.status == "pending", _is_search)
                .order_by(candidates.c.id)
            ).all()
        return [(row.id, candidate(row), row.params) for row in rows]

    def searched(self, claim: Claim, ended: Mapping[int, Refused | None]) -> None:
        """Store how searches ended that were asked again. One that was answered leaves no candidate: what it found
        stands for it. Repeating it changes nothing."""
        answered = [number for number, error in ended.items() if error is None]
        mine = and_(candidates.c.fetched_by == claim.job, candidates.c.status == "pending", _is_search)
        with self._write(claim) as c:
            for i in range(0, len(answered), 500):
                c.execute(delete(candidates).where(mine, candidates.c.id.in_(answered[i : i + 500])))
            for number, error in ended.items():
                if error is not None:
                    c.execute(
                        update(candidates)
                        .where(mine, candidates.c.id == number)
                        .values(
                            status="failed", reason=error.reason, sentence=str(error), retryable=True, fetched=now()
                        )
                    )

    def urls(self, project: int, source: str, label: str) -> set[str]:
        """All addresses that a source was ever seen to have for a class."""
        with self._read() as c:
            return set(
                c.execute(
                    select(candidates.c.url).where(
                        candidates.c.project == project, candidates.c.source == source, candidates.c.label == label
                    )
                ).scalars()
            )

    def sources(self, job: int) -> set[str]:
        """The sources of what this job has to fetch."""
        with self._read() as c:
            return set(
                c.execute(select(candidates.c.source).where(candidates.c.fetched_by == job).distinct()).scalars()
            )

    def tally(self, job: int) -> dict[str, int]:
        """status -> number of this job's candidates."""
        with self._read() as c:
            rows = c.execute(
                select(candidates.c.status, func.count())
                .where(candidates.c.fetched_by == job)
                .group_by(candidates.c.status)
            ).all()
        return {status: count for status, count in rows}

    def failures(self, project: int, job: int | None = None) -> dict[str, int]:
        """reason -> how many candidates failed for it, the most frequent first."""
        where = [candidates.c.project == project, candidates.c.status == "failed"]
        if job is not None:
            where.append(candidates.c.fetched_by == job)
        with self._read() as c:
            rows = c.execute(
                select(candidates.c.reason, func.count())
                .where(*where)
                .group_by(candidates.c.reason)
                .order_by(func.count().desc())
            ).all()
        return {reason: count for reason, count in rows}

    def failed(self, project: int, reasons: Sequence[str] = (), after: int = 0, limit: int = 100) -> list[Mapping]:
        """Failed candidates with their reason: id, url, label, reason, sentence, retryable; keyset by id."""
        where = [candidates.c.project == project, candidates.c.status == "failed", candidates.c.id > after]
        if reasons:
            where.append(candidates.c.reason.in_(reasons))
        with self._read() as c:
            rows = (
                c.execute(
                    select(
                        candidates.c.id,
                        candidates.c.url,
                        candidates.c.label,
                        candidates.c.reason,
                        candidates.c.sentence,
                        candidates.c.retryable,
                    )
                    .where(*where)
                    .order_by(candidates.c.id)
                    .limit(limit)
                )
                .mappings()
                .all()
            )
        return [dict(row) for row in rows]

    def retryable(self, project: int) -> int:
        """How many candidates `retry` would take now."""
        with self._read() as c:
            return c.execute(select(func.count()).select_from(candidates).where(_open(project))).scalar_one()
