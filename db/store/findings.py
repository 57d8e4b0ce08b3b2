"""Findings: what the machine noticed about an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import and_, delete, func, insert, or_, select

from core.model import Claim, Finding
from db.store.base import Base, chunks
from db.tables import findings, images


class Findings(Base):
    def replace_findings(self, claim: Claim, project: int, kinds: Sequence[str], found: Sequence[Finding]) -> None:
        """Put `found` in the place of all findings of these kinds: running the check again doubles nothing."""
        with self._write(claim) as c:
            c.execute(delete(findings).where(findings.c.project == project, findings.c.kind.in_(kinds)))
            for some in chunks(found, 5000):
                c.execute(insert(findings), [
                    {"project": project, "image": f.image, "kind": f.kind, "score": f.score, "by": f.by,
                     "group": f.group, "note": f.note} for f in some
                ])  # fmt: skip

    def add_finding(self, claim: Claim, project: int, found: Finding) -> None:
        """One more of its kind; in the place of the image's own one of that kind, where there is one."""
        with self._write(claim) as c:
            c.execute(delete(findings).where(findings.c.image == found.image, findings.c.kind == found.kind))
            c.execute(insert(findings).values(
                project=project, image=found.image, kind=found.kind, score=found.score, by=found.by, group=found.group,
                note=found.note,
            ))  # fmt: skip

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

    def finding_counts(self, project: int, undecided: bool = False) -> dict[str, int]:
        """kind -> how many images have it; or how many of those nobody kept or rejected."""
        wanted = select(findings.c.kind, func.count()).where(findings.c.project == project)
        if undecided:
            wanted = wanted.join(images, images.c.id == findings.c.image).where(images.c.verdict == "undecided")
        with self._read() as c:
            rows = c.execute(wanted.group_by(findings.c.kind).order_by(findings.c.kind)).all()
        return {kind: count for kind, count in rows}

    def findings_of(self, project: int, ids: Sequence[int]) -> dict[int, list[Finding]]:
        found: dict[int, list[Finding]] = {}
        with self._read() as c:
            for some in chunks(ids):
                for r in c.execute(select(findings).where(findings.c.project == project, findings.c.image.in_(some))):
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
