"""Projects: a name, its classes, and how far the work is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Text, and_, case, cast, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from core.errors import BadInput
from core.model import ClassInfo, Cleaning, Cropping, Funnel, Project, Reviewing
from db.store.base import Base, Row, now, text
from db.tables import candidates, images, projects, split_images, splits

NOTHING: Mapping[str, ClassInfo] = MappingProxyType({})


def _project(row: Row) -> Project:
    infos = {
        name: ClassInfo(
            tuple(info["queries"]),
            tuple(info["synonyms"]),
            info["parents"],
            info.get("about", ""),
            tuple(info.get("examples", ())),
        )  # of early projects the last two are not there
        for name, info in row.infos.items()
    }
    cleaning = Cleaning(**row.cleaning | {"crop": Cropping(**row.cleaning.get("crop", {}))})
    return Project(row.id, row.name, tuple(row.classes), row.created, infos, cleaning, Reviewing(**row.reviewing))


def _infos(infos: Mapping[str, ClassInfo]) -> dict[str, Any]:
    return {text(name): asdict(info) for name, info in infos.items() if info != ClassInfo()}


def _searched(row: Row, infos: Mapping[str, ClassInfo]) -> dict[str, Any]:
    """`infos`, with what the owner wrote of a class that is there already: a list of classes knows nothing of that."""
    there = _project(row).infos
    return _infos({
        name: replace(info, about=there[name].about, examples=there[name].examples)
        if name in there and not (info.about or info.examples) else info
        for name, info in infos.items()
    })  # fmt: skip


def _merged(there: Sequence[str], new: Sequence[str], respelled: bool) -> list[str]:
    merged = dict.fromkeys(there)
    spelling = {name.casefold(): name for name in reversed(there)}
    for name in new:
        known = spelling.setdefault(text(name).casefold(), name)
        if name in merged or (known != name and respelled):
            continue
        if known != name:
            raise BadInput(f"The class {name!r} is there already (as {known!r}): name each class once.")
        merged[name] = None
    return list(merged)


class Projects(Base):
    def add_project(self, name: str, classes: Sequence[str], infos: Mapping[str, ClassInfo] = NOTHING) -> Project:
        """Raises BadInput where the name is taken. Names are checked by core.project.classes before they get here."""
        try:
            with self._write() as c:
                row = c.execute(
                    insert(projects)
                    .values(name=text(name), classes=[text(k) for k in classes], infos=_infos(infos), created=now())
                    .returning(projects)
                ).one()
        except IntegrityError:
            raise BadInput(f"There is a project named {name!r} already.") from None
        return _project(row)

    def add_classes(
        self, project: int, classes: Sequence[str], respelled: bool = False, infos: Mapping[str, ClassInfo] = NOTHING
    ) -> Project:
        """Put new classes behind the ones there are; a class is never taken away. Repeating it changes nothing.

        `infos` of classes that are there already replace what was known of them, but for what they are (`about`, `examples`).
        Raises BadInput for one that is there in other letters (Sedan, sedan); with `respelled` it is left as it is.
        """
        with self._write() as c:
            row = c.execute(select(projects).where(projects.c.id == project).with_for_update()).one()
            merged = _merged(row.classes, classes, respelled)
            row = c.execute(
                update(projects)
                .where(projects.c.id == project)
                .values(classes=merged, infos={**row.infos, **_searched(row, infos)})
                .returning(projects)
            ).one()
        return _project(row)

    def set_infos(self, project: int, infos: Mapping[str, ClassInfo]) -> Project:
        """Replace what is known of these classes; an empty ClassInfo forgets it. Others stay as they are.

        Raises BadInput for one that is no class of the project.
        """
        with self._write() as c:
            row = c.execute(select(projects).where(projects.c.id == project).with_for_update()).one()
            for name in infos:
                if name not in row.classes:
                    raise BadInput(f"{name!r} is no class of the project {row.name!r}.")
            kept = {name: info for name, info in row.infos.items() if name not in infos}
            row = c.execute(
                update(projects)
                .where(projects.c.id == project)
                .values(infos={**kept, **_infos(infos)})
                .returning(projects)
            ).one()
        return _project(row)

    def set_cleaning(self, project: int, cleaning: Cleaning) -> Project:
        with self._write() as c:
            changed = update(projects).where(projects.c.id == project).values(cleaning=asdict(cleaning))
            return _project(c.execute(changed.returning(projects)).one())

    def set_reviewing(self, project: int, reviewing: Reviewing) -> Project:
        with self._write() as c:
            changed = update(projects).where(projects.c.id == project).values(reviewing=asdict(reviewing))
            return _project(c.execute(changed.returning(projects)).one())

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

    @staticmethod
    def _outdated(c: Connection, project: int, split: Any) -> int:
        """Images of the split that were rejected, given another class or cropped otherwise since it was frozen."""
        frozen = split_images.c.label
        text_now = func.coalesce(cast(images.c.box, Text), cast(images.c.crop, Text), "")
        other = text_now != func.coalesce(
            cast(split_images.c.box, Text), ""
        )  # asked first: what is in a box takes time
        crop = case((images.c.box.is_not(None), _crop(images.c.box)), else_=_crop(images.c.crop))
        moved = and_(other, crop != _crop(split_images.c.box)).label("moved")
        changed = c.execute(
            select(images.c.verdict, images.c.label, frozen, moved, func.count())
            .join_from(split_images, images)
            .where(split_images.c.split == split, or_(images.c.verdict == "reject", images.c.label != frozen, moved))
            .group_by(images.c.verdict, images.c.label, frozen, moved)
        ).all()
        if not changed:
            return 0
        by = c.execute(select(splits.c.by).where(splits.c.id == split)).scalar_one()
        infos = c.execute(select(projects.c.infos).where(projects.c.id == project)).scalar_one()
        stands_for = {name: info["parents"].get(by, name) for name, info in infos.items()} if by else {}
        return sum(
            n for verdict, label, was, moved, n in changed
            if verdict == "reject" or moved or stands_for.get(label, label) != was
        )  # fmt: skip

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
            outdated = self._outdated(c, project, newest)
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
            outdated=outdated,
        )


def _crop(box: Any) -> Any:
    """A box as text, the whole picture as "", as none."""
    left, top, right, bottom = (box[at].as_float() for at in range(4))
    whole = and_(left <= 0, top <= 0, right >= images.c.width, bottom >= images.c.height)
    return case((box.is_(None), ""), (whole, ""), else_=cast(box, Text))
