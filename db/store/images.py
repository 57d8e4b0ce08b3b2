"""Images, and every place each came from."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from sqlalchemy import distinct, func, select

from core.errors import BadInput
from core.model import ImageFacts, ImageRecord, Origin
from db.store.base import Base, Row, chunks
from db.store.candidates import candidate
from db.tables import candidates, images


def _record(row: Row) -> ImageRecord:
    facts = ImageFacts(
        row.sha256, row.pixels, row.width, row.height, row.format, row.size, struct.unpack(">8Q", row.hashes)
    )
    box = row.box or row.crop
    return ImageRecord(
        row.id, facts, row.origin, row.label, row.source_label, row.part, row.verdict, row.reason, row.version,
        tuple(box) if box else None,
    )  # fmt: skip


class Images(Base):
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

    def sizes(self, project: int, prefix: str) -> dict[str, tuple[int, int]]:
        """SHA-256 -> (image, bytes), of the images whose SHA-256 begins with `prefix`."""
        of = (images.c.project == project, images.c.sha256 >= prefix, images.c.sha256 < prefix + "g")  # hex ends with f
        with self._read() as c:
            rows = c.execute(select(images.c.sha256, images.c.id, images.c.size).where(*of))
            return {sha256: (image, size) for sha256, image, size in rows}

    def images_by_id(self, project: int, ids: Sequence[int]) -> list[ImageRecord]:
        """In the order asked for; ids that are not of this project are left out."""
        found: dict[int, ImageRecord] = {}
        with self._read() as c:
            for some in chunks(ids):
                for row in c.execute(select(images).where(images.c.project == project, images.c.id.in_(some))):
                    found[row.id] = _record(row)
        return [found[i] for i in ids if i in found]

    def kept(self, project: int, label: str, limit: int, skip: int = 0) -> list[ImageRecord]:
        """Images of a class that are not rejected, those that a person kept first, in order of id."""
        where = images.c.project == project, images.c.label == label, images.c.verdict != "reject"
        wanted = select(images).where(*where).order_by(images.c.verdict != "keep", images.c.id)
        with self._read() as c:
            return [_record(row) for row in c.execute(wanted.limit(limit).offset(skip))]

    def source_labels(self, project: int) -> list[tuple[int, str]]:
        """(image, the class its source gave it) of all, in order of image."""
        wanted = select(images.c.id, images.c.source_label).where(images.c.project == project).order_by(images.c.id)
        with self._read() as c:
            return [(image, label) for image, label in c.execute(wanted)]

    def newest_image(self, project: int) -> int:
        """The id of the one that came last; 0 where there is none."""
        with self._read() as c:
            return c.execute(select(func.max(images.c.id)).where(images.c.project == project)).scalar_one() or 0

    def latest(self, project: int, limit: int = 12) -> list[ImageRecord]:
        """The images fetched last, the newest first."""
        with self._read() as c:
            rows = c.execute(
                select(images).where(images.c.project == project).order_by(images.c.id.desc()).limit(limit)
            )
            return [_record(row) for row in rows]

    def origins(self, image: int) -> list[Origin]:
        """Every place the image came from, the first first."""
        with self._read() as c:
            rows = c.execute(select(candidates).where(candidates.c.image == image).order_by(candidates.c.id)).all()
        return [Origin(candidate(row), row.fetched) for row in rows]

    def same_pixels(self, project: int) -> list[int]:
        """The images that have the pixels of another one, in order of id."""
        of = images.c.project == project
        often = select(images.c.pixels).where(of).group_by(images.c.pixels).having(func.count() > 1)
        with self._read() as c:
            return list(
                c.execute(select(images.c.id).where(of, images.c.pixels.in_(often)).order_by(images.c.id)).scalars()
            )

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
