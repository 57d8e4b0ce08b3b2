"""Projects, candidates and the images they became."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple

from sqlalchemy import Connection, and_, bindparam, case, distinct, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from core.errors import BadInput, Refused
from core.model import Candidate, Claim, Funnel, ImageFacts, ImageRecord, Origin, Project
from db.store.base import Base, Row, now, text
from db.tables import candidates, images, jobs, projects, split_images, splits


def _project(row: Row) -> Project:
    return Project(row.id, row.name, tuple(row.classes), row.created)


def _record(row: Row) -> ImageRecord:
    facts = ImageFacts(
        row.sha256, row.pixels, row.width, row.height, row.format, row.size, struct.unpack(">8Q", row.hashes)
    )
    return ImageRecord(
        row.id, facts, row.origin, row.label, row.source_label, row.part, row.verdict, row.reason, row.version
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


def _candidate(row: Row) -> Candidate:
    return Candidate(
        row.url, row.label, row.source, row.page, row.title, row.creator, row.licence, row.licence_url, row.part
    )


class Scrape(Base):
    # projects ------------------------------------------------------------------------------------------------------

    def add_project(self, name: str, classes: Sequence[str]) -> Project:
        """Raises BadInput where the name is taken. Names are checked by core.project.classes before they get here."""
        try:
            with self._write() as c:
                row = c.execute(
                    insert(projects)
                    .values(name=text(name), classes=[text(k) for k in classes], created=now())
                    .returning(projects)
                ).one()
        except IntegrityError:
            raise BadInput(f"There is a project named {name!r} already.") from None
        return _project(row)

    def add_classes(self, project: int, classes: Sequence[str]) -> Project:
        """Put new classes behind the ones there are; a class is never taken away. Repeating it changes nothing."""
        with self._write() as c:
            row = c.execute(select(projects).where(projects.c.id == project).with_for_update()).one()
            merged = list(dict.fromkeys([*row.classes, *(text(k) for k in classes)]))
            row = c.execute(
                update(projects).where(projects.c.id == project).values(classes=merged).returning(projects)
            ).one()
        return _project(row)

    def project(self, name: str) -> Project:
        """Raises BadInput, naming the projects there are."""
        everything = self.projects()
        for project in everything:
            if project.name == name:
                return project
        known = ", ".join(p.name for p in everything[:10]) or "none yet"
        raise BadInput(f"There is no project named {name!r} (there are: {known}).")

    def projects(self) -> list[Project]:
        with self._read() as c:
            return [_project(row) for row in c.execute(select(projects).order_by(projects.c.id))]

    # candidates ----------------------------------------------------------------------------------------------------

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
                "project": project,
                "found_by": claim.job,
                "fetched_by": claim.job,
                "position": start + i,
                "status": "failed" if x.error else "pending",
                "reason": x.error,
                "sentence": x.error,
                "retryable": False,
            }
            for i, x in enumerate(found)
        ]
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
        """The next candidates this job has to fetch, one for each URL, as (id, candidate); keyset by id."""
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
                    first,
                )
                .order_by(candidates.c.id)
                .limit(limit)
            ).all()
        return [(row.id, _candidate(row)) for row in rows]

    def add_fetched(self, claim: Claim, project: int, results: Sequence[tuple[str, ImageFacts | Refused]]) -> None:
        """Store what became of URLs (the image's facts, or why there is none), all candidates of each; the first that brings an image is `fetched`, the rest
        are duplicates. Repeating it changes nothing, because only pending candidates are touched."""
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
        over = select(jobs.c.id).where(jobs.c.status.in_(("queued", "running")), jobs.c.id != claim.job)
        with self._write(claim) as c:
            c.execute(
                update(candidates)
                .where(
                    candidates.c.project == project,
                    (
                        and_(candidates.c.status == "failed", candidates.c.retryable)
                        | and_(candidates.c.status == "pending", candidates.c.fetched_by.not_in(over))
                    ),
                    candidates.c.fetched_by != claim.job,
                )
                .values(status="pending", fetched_by=claim.job)
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
        with self._read() as c:
            return c.execute(
                select(func.count()).where(
                    candidates.c.project == project, candidates.c.status == "failed", candidates.c.retryable
                )
            ).scalar_one()

    def origins(self, image: int) -> list[Origin]:
        """Every place the image came from, the first first."""
        with self._read() as c:
            rows = c.execute(select(candidates).where(candidates.c.image == image).order_by(candidates.c.id)).all()
        return [Origin(_candidate(row), row.fetched) for row in rows]

    def several_origins(self, project: int) -> dict[int, list[tuple[str, str]]]:
        """image -> [(origin, label), ...] of the images that came from more than one address."""
        often = (
            select(candidates.c.image)
            .where(candidates.c.project == project, candidates.c.image.is_not(None))
            .group_by(candidates.c.image)
            .having((func.count(distinct(candidates.c.url)) > 1) | (func.count(distinct(candidates.c.label)) > 1))
        )
        found: dict[int, list[tuple[str, str]]] = {}
        with self._read() as c:
            for row in c.execute(
                select(candidates.c.image, candidates.c.url, candidates.c.label)
                .where(candidates.c.image.in_(often))
                .order_by(candidates.c.id)
            ):
                pair = (row.url, row.label)
                if pair not in found.setdefault(row.image, []):
                    found[row.image].append(pair)
        return found

    # images --------------------------------------------------------------------------------------------------------

    def images(self, project: int, verdicts: Sequence[str] = (), batch: int = 5000) -> Iterator[ImageRecord]:
        """All images of a project in order of id, read in short transactions of `batch` rows."""
        after = 0
        while True:
            where = [images.c.project == project, images.c.id > after]
            if verdicts:
                where.append(images.c.verdict.in_(verdicts))
            with self._read() as c:
                rows = c.execute(select(images).where(*where).order_by(images.c.id).limit(batch)).all()
            yield from map(_record, rows)
            if len(rows) < batch:
                return
            after = rows[-1].id

    def image(self, project: int, image: int) -> ImageRecord:
        """Raises BadInput for an id that is not of this project."""
        found = self.images_by_id(project, [image])
        if not found:
            raise BadInput(f"There is no image {image} in this project.")
        return found[0]

    def images_by_id(self, project: int, ids: Sequence[int]) -> list[ImageRecord]:
        """In the order asked for; ids that are not of this project are left out."""
        found: dict[int, ImageRecord] = {}
        with self._read() as c:
            for i in range(0, len(ids), 500):
                for row in c.execute(
                    select(images).where(images.c.project == project, images.c.id.in_(ids[i : i + 500]))
                ):
                    found[row.id] = _record(row)
        return [found[i] for i in ids if i in found]

    def latest(self, project: int, limit: int = 12) -> list[ImageRecord]:
        """The images fetched last, the newest first."""
        with self._read() as c:
            rows = c.execute(
                select(images).where(images.c.project == project).order_by(images.c.id.desc()).limit(limit)
            )
            return [_record(row) for row in rows]

    def counts(self, project: int) -> dict[str, dict[str, int]]:
        """label -> verdict -> how many images."""
        with self._read() as c:
            rows = c.execute(
                select(images.c.label, images.c.verdict, func.count())
                .where(images.c.project == project)
                .group_by(images.c.label, images.c.verdict)
            ).all()
        table: dict[str, dict[str, int]] = {}
        for label, verdict, count in rows:
            table.setdefault(label, {})[verdict] = count
        return table

    def funnel(self, project: int) -> Funnel:
        """found -> fetched -> unique -> kept -> in the newest split."""
        newest = select(func.max(splits.c.id)).where(splits.c.project == project).scalar_subquery()
        with self._read() as c:
            by_status = dict(
                c.execute(
                    select(candidates.c.status, func.count())
                    .where(candidates.c.project == project)
                    .group_by(candidates.c.status)
                ).all()
            )
            by_verdict = dict(
                c.execute(
                    select(images.c.verdict, func.count()).where(images.c.project == project).group_by(images.c.verdict)
                ).all()
            )
            split = c.execute(select(func.count()).where(split_images.c.split == newest)).scalar_one()
        unique = sum(by_verdict.values())
        return Funnel(
            found=sum(by_status.values()),
            fetched=by_status.get("fetched", 0) + by_status.get("duplicate", 0),
            unique=unique,
            kept=unique - by_verdict.get("reject", 0),
            split=split,
            undecided=by_verdict.get("undecided", 0),
            failed=by_status.get("failed", 0),
            pending=by_status.get("pending", 0),
        )
