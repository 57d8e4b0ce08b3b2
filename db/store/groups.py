"""Groups of copies that wait for a person: counted, page by page, with their members and where those came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, case, distinct, func, or_, select, true

from core.model import ImageRecord, Origin
from db.store.base import Row, chunks
from db.store.candidates import candidate
from db.store.images import Images
from db.tables import candidates, findings, images, links

CONFLICT, NEAR, EXACT = "label_conflict", "near_duplicate", "exact_duplicate"
ORDER = (CONFLICT, NEAR, EXACT)  # in which they are settled


@dataclass(frozen=True, slots=True)
class Group:
    """An open group: fewer than two of its members are left, or a person kept them all, once it is settled."""

    kind: str  # "label_conflict" where its copies carry different labels, whatever made it a group
    name: str
    first: int  # the first of its images; with the kind it is the key of what comes after
    pictures: int  # that nobody rejected


@dataclass(frozen=True, slots=True)
class Member:
    image: ImageRecord
    likeness: float  # 0..1, with the group's middle one
    origins: tuple[Origin, ...] = ()  # the first first


@dataclass(frozen=True, slots=True)
class Count:
    groups: int = 0
    copies: int = 0  # the pictures that go where one of each group stays


class Groups(Images):
    def group_counts(self, project: int) -> tuple[dict[str, Count], int]:
        """(kind -> what is open of it, how many groups are settled)."""
        each = _groups(project).subquery()
        wanted = select(each.c.rank, func.count(), func.sum(each.c.live - 1)).group_by(each.c.rank)
        with self._read() as c:
            found = {rank: (number, int(copies)) for rank, number, copies in c.execute(wanted)}
        settled, _ = found.pop(len(ORDER), (0, 0))
        return {kind: Count(*found.get(rank, (0, 0))) for rank, kind in enumerate(ORDER)}, settled

    def open_counts(self, project: int) -> dict[str, int]:
        """Kind of finding -> how many of its groups are open, those of exact copies within a near group and label conflicts
        too, which `group_counts` counts once."""
        each = _groups(project, hidden=True).subquery()
        wanted = select(each.c.kind, func.count()).where(each.c.rank < len(ORDER)).group_by(each.c.kind)
        shown = _groups(project).subquery()
        torn = select(func.count()).select_from(shown).where(shown.c.rank == ORDER.index(CONFLICT))
        with self._read() as c:
            return {CONFLICT: c.execute(torn).scalar_one(), **{kind: number for kind, number in c.execute(wanted)}}

    def open_groups(
        self, project: int, kind: str = "", after: tuple[str, int] | None = None, limit: int = 10
    ) -> list[Group]:
        """The next ones, of one kind or of all: label conflicts, then near copies, then exact ones; then by first image.

        `after`: kind and first image of the last one there was, whatever became of it since.
        """
        each = _groups(project).subquery()
        where = [each.c.rank == ORDER.index(kind) if kind else each.c.rank < len(ORDER)]
        if after:
            rank, first = ORDER.index(after[0]), after[1]
            where.append(or_(each.c.rank > rank, and_(each.c.rank == rank, each.c.first > first)))
        wanted = select(each).where(*where).order_by(each.c.rank, each.c.first, each.c.name).limit(limit)
        with self._read() as c:
            return [_group(row) for row in c.execute(wanted)]

    def groups_named(self, project: int, names: Sequence[str]) -> dict[str, Group]:
        """Those of these groups that are open."""
        found: dict[str, Group] = {}
        with self._read() as c:
            for some in chunks(names):
                each = _groups(project, findings.c.group.in_(some)).subquery()
                found |= {r.name: _group(r) for r in c.execute(select(each).where(each.c.rank < len(ORDER)))}
        return found

    def group_members(self, project: int, names: Sequence[str]) -> dict[str, list[Member]]:
        """Those that nobody rejected, in order of image, with every place each came from. Settled groups too."""
        found: dict[str, list[Member]] = {name: [] for name in names}
        rows = [row for some in chunks(names) for row in self._left(project, findings.c.group.in_(some))]
        ids = [row.image for row in rows]
        of, came = {one.id: one for one in self.images_by_id(project, ids)}, self._came(ids)
        for row in rows:
            found[row.group].append(Member(of[row.image], row.score, tuple(came.get(row.image, ()))))
        return found

    def waiting_copies(self, project: int, ids: Sequence[int], least: float = 0.0) -> dict[int, list[int]]:
        """Of each of these images: the other members of its group under its own class, in order of image, where nobody
        decided on either. Images without one are left out, and members that are less than `least` (0..1) like the
        group's middle one.
        """
        wanted = _members(project).add_columns(images.c.label)
        wanted = wanted.where(images.c.verdict == "undecided", findings.c.score >= least).order_by(findings.c.image)
        of = findings.c.project == project, findings.c.kind.in_((NEAR, EXACT))
        with self._read() as c:
            own = [row for some in chunks(ids) for row in c.execute(wanted.where(findings.c.image.in_(some)))]
            names = sorted({row.group for row in own})
            # No index leads from a name to its members: the table is gone through once, with nothing joined to it.
            all_of = select(findings.c.image).where(*of)
            named = [c.execute(all_of.where(findings.c.group.in_(some))).scalars() for some in chunks(names)]
            inside = sorted({image for some in named for image in some})
            rows = [row for some in chunks(inside) for row in c.execute(wanted.where(findings.c.image.in_(some)))]
        together: dict[tuple[str, str, str], list[int]] = {}
        for row in rows:
            together.setdefault((row.kind, row.group, row.label), []).append(row.image)
        found = {row.image: together[row.kind, row.group, row.label] for row in own}
        return {image: [one for one in some if one != image] for image, some in found.items() if len(some) > 1}

    def exact_count(self, project: int) -> Count:
        """Of the groups that `exact_copies` gives."""
        each = _groups(project, hidden=True).subquery()
        wanted = select(func.count(), func.sum(each.c.live - 1)).where(each.c.rank == ORDER.index(EXACT))
        with self._read() as c:
            number, copies = c.execute(wanted).one()
        return Count(number, int(copies or 0))

    def exact_copies(self, project: int) -> dict[str, list[ImageRecord]]:
        """group -> members that nobody rejected, of every open group of equal pictures under one label, also where a near
        group holds them."""
        each = _groups(project, hidden=True).subquery()
        names = select(each.c.name).where(each.c.rank == ORDER.index(EXACT))
        rows = self._left(project, findings.c.group.in_(names), hidden=True)
        of = {one.id: one for one in self.images_by_id(project, [row.image for row in rows])}
        found: dict[str, list[ImageRecord]] = {}
        for row in rows:
            found.setdefault(row.group, []).append(of[row.image])
        return found

    def _left(self, project: int, which: ColumnElement[bool], hidden: bool = False) -> Sequence[Row]:
        """group, image, score of the members (`_members`) that nobody rejected."""
        wanted = _members(project, hidden).where(which, images.c.verdict != "reject").order_by(findings.c.image)
        with self._read() as c:
            return c.execute(wanted).all()

    def _came(self, ids: Sequence[int]) -> dict[int, list[Origin]]:
        """image -> every place it came from, the first first."""
        found: dict[int, list[Origin]] = {}
        with self._read() as c:
            for some in chunks(ids):
                for row in c.execute(select(candidates).where(candidates.c.image.in_(some)).order_by(candidates.c.id)):
                    found.setdefault(row.image, []).append(Origin(candidate(row), row.fetched))
        return found

    def least_likeness(self, project: int) -> float | None:
        """Of the links there are; None where nothing was compared yet."""
        with self._read() as c:
            return c.execute(select(func.min(links.c.likeness)).where(links.c.project == project)).scalar_one()


def _group(row: Row) -> Group:
    return Group(ORDER[row.rank], row.name, row.first, row.live)


def _members(project: int, hidden: bool = False) -> Select:
    """One row for each image of a group that is shown: a near group holds the exact copies of its members already. With
    `hidden` those as well."""
    other = findings.alias()
    near = select(1).where(other.c.image == findings.c.image, other.c.kind == NEAR).correlate(findings).exists()
    return (
        select(findings.c.group, findings.c.kind, findings.c.image, findings.c.score)
        .join(images, images.c.id == findings.c.image)
        .where(findings.c.project == project, findings.c.kind.in_((NEAR, EXACT)), findings.c.group != "")
        .where(or_(findings.c.kind == NEAR, ~near) if not hidden else true())
    )


def _groups(project: int, *which: ColumnElement[bool], hidden: bool = False) -> Select:
    """A row for each group (of those members): kind of finding, name, first, live, rank (that of ORDER; one more for those that are settled)."""
    left = images.c.verdict != "reject"
    # The same bytes were found under another class, and nobody said yet which one holds.
    told = select(1).where(candidates.c.image == images.c.id, candidates.c.label != images.c.label).correlate(images)
    torn = and_(images.c.verdict == "undecided", told.exists())
    each = _members(project, hidden).where(*which).add_columns(
        images.c.label, left.label("left"), (images.c.verdict == "keep").label("kept"), torn.label("torn")
    ).subquery()  # fmt: skip
    live, kept, doubt = _number(each.c.left), _number(each.c.kept), _number(each.c.torn)
    labels = func.count(distinct(case((each.c.left, each.c.label))))
    settled = or_(live == 0, and_(live == 1, doubt == 0), kept == live)
    rank = case((settled, len(ORDER)), (or_(labels > 1, doubt > 0), 0), (each.c.kind == NEAR, 1), else_=2)
    return (
        select(each.c.kind, each.c.group.label("name"), func.min(each.c.image).label("first"), live.label("live"),
               rank.label("rank"))
        .group_by(each.c.kind, each.c.group)
    )  # fmt: skip


def _number(of: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((of, 1), else_=0)), 0)
