"""What cleaning knows of each image: measures, embeddings, links, detections. Made once, and added to by each clean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Table, and_, bindparam, delete, exists, func, or_, select, update

from core.model import UNKNOWN_LICENCE, Box, Claim, Detection, Link, Measure, Sited
from db.store.base import Base, chunks
from db.tables import candidates, detections, embeddings, images, links, measures


class Cleaned(Base):
    def unmeasured(self, project: int, version: int) -> list[tuple[int, str]]:
        """(image, sha256) of what was never measured, or by an older version of the measurement, or has a fault."""
        known = and_(measures.c.image == images.c.id, measures.c.version >= version, measures.c.fault == "")
        return self._without(project, known)

    def add_measures(self, claim: Claim, project: int, version: int, found: Sequence[Measure]) -> None:
        """A measure in the place of an older one leaves what was compared as it is. A fault does not: what comes while
        a picture cannot be read is compared with it once it can."""
        rows = [
            {"image": m.image, "project": project, "version": version, "scores": dict(m.scores), "fields": m.fields,
             "fault": m.fault, "compared": False} for m in found
        ]  # fmt: skip
        new = self._insert_new(measures)
        taken = {name: new.excluded[name] for name in ("version", "scores", "fields", "fault")}
        taken["compared"] = measures.c.compared & (new.excluded.fault == "")
        with self._write(claim) as c:
            if rows:
                c.execute(new.on_conflict_do_update(index_elements=["image"], set_=taken), rows)
            for some in chunks([m.image for m in found if m.fault]):
                c.execute(update(embeddings).where(embeddings.c.image.in_(some)).values(compared=False))

    def measures(self, project: int, batch: int = 5000) -> Iterator[tuple[Measure, bool]]:
        """(measure, whether it was compared), in order of image."""
        for r in self._rows(measures, measures.c.project == project, batch):
            yield Measure(r.image, r.scores, r.fields, r.fault), r.compared

    def comparable(self, project: int, batch: int = 5000) -> Iterator[tuple[int, str, str, bytes, bytes, bool]]:
        """(image, sha256, pixels, hashes, fields, whether it was compared) of what can be read, in order of image.

        `hashes`: 8 unsigned 64-bit numbers, big-endian; `fields`: 6 x 6 x 3 uint8.
        """
        of = and_(measures.c.project == project, measures.c.fault == "", func.length(measures.c.fields) == 108)
        columns = (
            images.c.id,
            images.c.sha256,
            images.c.pixels,
            images.c.hashes,
            measures.c.fields,
            measures.c.compared,
        )
        after = 0
        while True:
            wanted = select(*columns).join(measures).where(of, measures.c.image > after)
            with self._read() as c:
                rows = c.execute(wanted.order_by(measures.c.image).limit(batch)).all()
            yield from (tuple(row) for row in rows)  # type: ignore[misc]
            if len(rows) < batch:
                return
            after = rows[-1].id

    def measures_of(self, project: int, ids: Sequence[int]) -> dict[int, Measure]:
        found: dict[int, Measure] = {}
        with self._read() as c:
            for some in chunks(ids):
                wanted = select(measures).where(measures.c.project == project, measures.c.image.in_(some))
                found |= {r.image: Measure(r.image, r.scores, r.fields, r.fault) for r in c.execute(wanted)}
        return found

    def unscored(self, project: int, kind: str) -> set[int]:
        """Images that can be read and have no score of that kind."""
        of = and_(measures.c.project == project, measures.c.fault == "", measures.c.scores[kind].as_float().is_(None))
        with self._read() as c:
            return set(c.execute(select(measures.c.image).where(of)).scalars())

    def scores(self, project: int, kind: str, ids: Sequence[int]) -> dict[int, float]:
        """image -> score, of those of the images that have one."""
        score, found = measures.c.scores[kind].as_float(), {}
        with self._read() as c:
            for some in chunks(ids):
                of = and_(measures.c.project == project, measures.c.image.in_(some), score.is_not(None))
                found |= {image: value for image, value in c.execute(select(measures.c.image, score).where(of))}
        return found

    def add_scores(self, claim: Claim, project: int, kind: str, found: Mapping[int, float]) -> None:
        """One more score for each of these images, in the place of an older one of that kind."""
        to = bindparam("to", type_=measures.c.scores.type)
        change = update(measures).where(measures.c.image == bindparam("of")).values(scores=to)
        for some in chunks(list(found), 5000):
            with self._write(claim) as c:
                for few in chunks(some):
                    of = and_(measures.c.project == project, measures.c.image.in_(few))
                    rows = c.execute(select(measures.c.image, measures.c.scores).where(of)).all()
                    c.execute(change, [{"of": i, "to": scores | {kind: found[i]}} for i, scores in rows])

    def sited(self, project: int, batch: int = 5000) -> Iterator[Sited]:
        """Of every image that can be read where it was found, in order of image."""
        columns = (images.c.id, images.c.sha256, images.c.label, images.c.width, images.c.height, images.c.origin)
        after = 0
        while True:
            of = and_(measures.c.project == project, measures.c.fault == "", images.c.id > after)
            with self._read() as c:
                rows = c.execute(select(*columns).join(measures).where(of).order_by(images.c.id).limit(batch)).all()
                pages: dict[int, str] = {}
                for some in chunks([row.id for row in rows]):
                    named = and_(candidates.c.image.in_(some), candidates.c.page != "")
                    wanted = select(candidates.c.image, candidates.c.page).where(named).order_by(candidates.c.id.desc())
                    pages |= {image: page for image, page in c.execute(wanted)}
            for image, sha256, label, width, height, origin in rows:
                yield Sited(image, sha256, label, width, height, _host(pages.get(image, "")) or _host(origin))
            if len(rows) < batch:
                return
            after = rows[-1].id

    def licensed(self, ids: Sequence[int]) -> set[int]:
        """Those of the images whose licence is known."""
        found: set[int] = set()
        known = candidates.c.licence.not_in(("", UNKNOWN_LICENCE))
        with self._read() as c:
            for some in chunks(ids):
                of = and_(candidates.c.image.in_(some), known)
                found.update(c.execute(select(candidates.c.image).where(of).distinct()).scalars())
        return found

    def unembedded(self, project: int, by: str) -> list[tuple[int, str]]:
        """(image, sha256) of what has no vector of this network, and can be read."""
        known = and_(embeddings.c.image == images.c.id, embeddings.c.by == by)
        return self._without(project, known, readable=True)

    def add_embeddings(self, claim: Claim, project: int, by: str, vectors: Sequence[tuple[int, bytes]]) -> None:
        """Vectors that are there already stay. `bytes`: float16, little endian."""
        rows = [{"image": i, "by": by, "project": project, "vector": v, "compared": False} for i, v in vectors]
        with self._write(claim) as c:
            if rows:
                c.execute(self._insert_new(embeddings).on_conflict_do_nothing(), rows)

    def forget_versions(self, claim: Claim, project: int, key: str, most: int = 5000) -> int:
        """Delete at most so many vectors or detections that other weights of the same name made (`key`: "name@version", or
        a name alone, which has none); how many there were. They can be made again."""
        name, _, version = key.partition("@")
        number = 0
        for table in (embeddings, detections) if version else ():
            of = and_(table.c.project == project, table.c.by != key)
            of = and_(of, or_(table.c.by == name, table.c.by.startswith(f"{name}@", autoescape=True)))
            with self._read() as c:
                found = c.execute(select(table.c.image, table.c.by).where(of).limit(most)).all()
            for by in {by for _, by in found}:
                for some in chunks([image for image, its in found if its == by]):
                    with self._write(claim) as c:
                        c.execute(delete(table).where(table.c.by == by, table.c.image.in_(some)))
            number += len(found)
        return number

    def embeddings(self, project: int, by: str, batch: int = 2000) -> Iterator[tuple[int, bytes, bool]]:
        """(image, float16 vector as bytes, whether it was compared), in order of image."""
        where = and_(embeddings.c.project == project, embeddings.c.by == by)
        for r in self._rows(embeddings, where, batch):
            yield r.image, r.vector, r.compared

    def add_links(
        self, claim: Claim, project: int, found: Sequence[Link], compared: Sequence[int], by: str = ""
    ) -> None:
        """Links, and which images have been compared with all before them now: by hashes, or `by` a network's vectors.

        Of two links between the same images the surer one stays.
        """
        rows = [
            {"image": k.image, "other": k.other, "project": project, "likeness": k.likeness, "by": k.by} for k in found
        ]
        new = self._insert_new(links)
        surer = new.excluded.likeness > links.c.likeness
        new = new.on_conflict_do_update(
            index_elements=["image", "other"],
            set_={"likeness": new.excluded.likeness, "by": new.excluded.by},
            where=surer,
        )
        with self._write(claim) as c:
            if rows:
                c.execute(new, rows)
            for some in chunks(compared):
                if by:
                    done = update(embeddings).where(embeddings.c.image.in_(some), embeddings.c.by == by)
                else:
                    done = update(measures).where(measures.c.image.in_(some))
                c.execute(done.values(compared=True))

    def links(self, project: int, least: float = 0.0) -> list[Link]:
        """All links of at least that likeness, in order of image."""
        with self._read() as c:
            rows = c.execute(
                select(links)
                .where(links.c.project == project, links.c.likeness >= least)
                .order_by(links.c.image, links.c.other)
            )
            return [Link(r.image, r.other, r.likeness, r.by) for r in rows]

    def links_at(self, project: int, limit: float, number: int = 6) -> tuple[list[Link], list[Link]]:
        """The links on either side of a likeness, the nearest first: (at least so like, less like)."""
        of, like = links.c.project == project, links.c.likeness
        order = (links.c.image, links.c.other)
        with self._read() as c:
            above = c.execute(select(links).where(of, like >= limit).order_by(like, *order).limit(number)).all()
            below = c.execute(select(links).where(of, like < limit).order_by(like.desc(), *order).limit(number)).all()
        one, other = ([Link(r.image, r.other, r.likeness, r.by) for r in rows] for rows in (above, below))
        return one, other

    def undetected(self, project: int, by: str, described: bool = False) -> list[tuple[int, str]]:
        """(image, sha256) of what this detector has not seen, and can be read; `described`: or has no vector of."""
        known = and_(detections.c.image == images.c.id, detections.c.by == by)
        if described:
            known = and_(known, exists().where(embeddings.c.image == images.c.id, embeddings.c.by == by))
        return self._without(project, known, readable=True)

    def embedded(self, project: int) -> dict[str, int]:
        """Embedder, or detector that gives vectors -> how many images have one of it."""
        wanted = select(embeddings.c.by, func.count()).where(embeddings.c.project == project)
        with self._read() as c:
            return {by: number for by, number in c.execute(wanted.group_by(embeddings.c.by).order_by(embeddings.c.by))}

    def add_detections(self, claim: Claim, project: int, by: str, found: Mapping[int, Sequence[Detection]]) -> None:
        rows = [
            {"image": image, "by": by, "project": project, "found": [[d.label, d.score, *d.box] for d in some]}
            for image, some in found.items()
        ]
        with self._write(claim) as c:
            if rows:
                c.execute(self._insert_new(detections).on_conflict_do_nothing(), rows)

    def detections(self, project: int, by: str, batch: int = 5000) -> Iterator[tuple[int, list[Detection]]]:
        where = and_(detections.c.project == project, detections.c.by == by)
        for r in self._rows(detections, where, batch):
            yield r.image, [Detection(label, score, tuple(box)) for label, score, *box in r.found]

    def detections_of(self, image: int) -> dict[str, list[Detection]]:
        """Detector -> what it saw in the image."""
        with self._read() as c:
            rows = c.execute(select(detections).where(detections.c.image == image).order_by(detections.c.by)).all()
        return {r.by: [Detection(label, score, tuple(box)) for label, score, *box in r.found] for r in rows}

    def set_crops(self, claim: Claim, project: int, crops: Mapping[int, Box]) -> None:
        """Put these in the place of all crops that a detector chose; what a person drew stays, and holds."""
        of = and_(images.c.project == project, images.c.crop.is_not(None))
        with self._read() as c:
            cropped = set(c.execute(select(images.c.id).where(of)).scalars())
        changed: list[tuple[int, Any]] = []
        for some in chunks(sorted(cropped | crops.keys())):
            with self._read() as c:
                rows = c.execute(select(images.c.id, images.c.crop).where(of, images.c.id.in_(some)))
                held = {row.id: tuple(row.crop) for row in rows}
            new = {image: tuple(round(at, 1) for at in crops[image]) for image in some if image in crops}
            changed += [(image, new.get(image)) for image in some if new.get(image) != held.get(image)]
        to = bindparam("to", type_=images.c.crop.type)
        change = update(images).where(images.c.id == bindparam("image")).values(crop=to)
        with self._write(claim) as c:
            for some in chunks(changed, 5000):
                c.execute(change, [{"image": image, "to": box} for image, box in some])

    def cropped(self, project: int) -> dict[str, int]:
        """How many images have a crop: by the "detector", or drawn by a "person" (which holds)."""
        of = images.c.project == project
        with self._read() as c:
            drawn = c.execute(select(func.count()).where(of, images.c.box.is_not(None))).scalar_one()
            chosen = c.execute(
                select(func.count()).where(of, images.c.box.is_(None), images.c.crop.is_not(None))
            ).scalar_one()
        return {"detector": chosen, "person": drawn}

    def _without(self, project: int, known: Any, readable: bool = False) -> list[tuple[int, str]]:
        wanted = select(images.c.id, images.c.sha256).where(images.c.project == project)
        wanted = wanted.where(~exists().where(known))
        if readable:
            wanted = wanted.where(exists().where(measures.c.image == images.c.id, measures.c.fault == ""))
        with self._read() as c:
            return [(row.id, row.sha256) for row in c.execute(wanted.order_by(images.c.id))]

    def _rows(self, table: Table, where: Any, batch: int) -> Iterator[Any]:
        """By image, read in short transactions."""
        after = 0
        while True:
            with self._read() as c:
                rows = c.execute(
                    select(table).where(where, table.c.image > after).order_by(table.c.image).limit(batch)
                ).all()
            yield from rows
            if len(rows) < batch:
                return
            after = rows[-1].image


def _host(address: str) -> str:
    with suppress(ValueError):  # what a table calls an address may be none
        return urlsplit(address).hostname or ""
    return ""
