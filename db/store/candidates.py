"""Candidates: what a source found, and the image that came of each."""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, and_, bindparam, func, literal, or_, select, update

from core.errors import BadInput, Refused
from core.model import Candidate, Claim, ImageFacts
from db.store.base import Base, Row, chunks, now, text
from db.tables import candidates, images

FIELDS = tuple(
    field.name for field in fields(Candidate)
)  # `asdict` copies each value, which takes longer than storing it
AGAIN = timedelta(days=30)  # after which a new scrape asks again for what a host said no to
# No by the host, of this address: not by the machine or the network one happened to use, which may be mended.
FOR_GOOD = ("http 404", "http 410", "robots", "noai", "tdm reserved", "too large", "too many pixels")
WEB = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
Count = tuple[str, str, str, str]  # label, source, status, reason: what a job's candidates are counted under


def candidate(row: Row) -> Candidate:
    return Candidate(
        row.url, row.label, row.source, row.page, row.title, row.creator, row.licence, row.licence_url, row.part,
        query=row.query,
    )  # fmt: skip


def host(url: str) -> str:
    """The host of a web address, lower case; "" for a file of this computer and for what is no address."""
    found = WEB.match(url)
    return _host(found[1]) if found else ""


@lru_cache(4096)
def _host(place: str) -> str:
    try:
        return (urlsplit(f"//{place}").hostname or "")[:255]
    except ValueError:
        return ""


def _storable(found: Candidate) -> Candidate:
    """The candidate; one with text that a database cannot keep becomes a failure with that text made plain."""
    try:
        text("".join([getattr(found, name) for name in FIELDS]))
    except BadInput:
        plain = {k: v.encode(errors="replace").decode().replace("\x00", "\ufffd") for k, v in asdict(found).items()}
        return Candidate(**{**plain, "error": found.error and plain["error"] or "malformed text"})
    return found


class Candidates(Base):
    def positions(self, job: int) -> int:
        """How many places of its source this job has stored: where its enumeration goes on after a restart."""
        with self._read() as c:
            last = c.execute(select(func.max(candidates.c.position)).where(candidates.c.found_by == job)).scalar_one()
        return 0 if last is None else last + 1

    def urls(self, job: int, start: int = 0, limit: int = 10_000) -> list[str]:
        """The urls that this job stored for the places of its source from `start` on, in order."""
        mine = (candidates.c.found_by == job, candidates.c.position >= start)
        with self._read() as c:
            found = c.execute(select(candidates.c.url).where(*mine).order_by(candidates.c.position).limit(limit))
            return list(found.scalars())

    def add_candidates(self, claim: Claim, project: int, start: int, found: Sequence[Candidate]) -> Counter[Count]:
        """Store a batch that begins at position `start` of the source, and how many are counted under what.

        A URL that brought an image earlier is a duplicate at once. One that failed in this job, or for a reason of
        FOR_GOOD in another one less than AGAIN ago, fails again without being asked. Repeating it changes nothing.
        """
        with self._write(claim) as c:
            return self._add_candidates(c, claim, project, start, found)

    def _add_candidates(
        self, c: Connection, claim: Claim, project: int, start: int, found: Sequence[Candidate]
    ) -> Counter[Count]:
        found = [_storable(x) for x in found]
        known = self._known(c, project, claim.job, {x.url for x in found if not x.error})
        rows = []
        for position, x in enumerate(found, start):
            rows.append({name: getattr(x, name) for name in FIELDS if name != "error"} | {
                "project": project, "found_by": claim.job, "fetched_by": claim.job, "position": position,
                "host": host(x.url), "status": "failed" if x.error else "pending", "image": None, "fetched": None,
                "reason": x.error, "sentence": x.error, "retryable": False, "permission": "",
            } | ({} if x.error else known.get(x.url, {})))  # fmt: skip
        if rows:
            c.execute(
                self._insert_new(candidates).on_conflict_do_nothing(index_elements=["found_by", "position"]), rows
            )
        return Counter((row["label"], row["source"], row["status"], row["reason"]) for row in rows)

    @staticmethod
    def _known(c: Connection, project: int, job: int, urls: set[str]) -> dict[str, dict[str, Any]]:
        """url -> how it ended: the image it brought, in any job, or why it failed and is not to be asked again."""
        found: dict[str, dict[str, Any]] = {}
        for_good = and_(
            candidates.c.reason.in_(FOR_GOOD),
            candidates.c.fetched > now() - AGAIN,
            candidates.c.host != "",  # a file of this computer is looked at again
        )
        failed = and_(
            candidates.c.status == "failed",
            candidates.c.fetched.is_not(None),
            or_(candidates.c.fetched_by == job, for_good),
        )
        names = ("image", "fetched", "reason", "sentence", "retryable", "permission")
        for some in chunks(sorted(urls)):
            rows = c.execute(
                select(candidates.c.url, candidates.c.fetched_by, *(candidates.c[name] for name in names))
                .where(
                    candidates.c.project == project,
                    candidates.c.url.in_(some),
                    or_(candidates.c.image.is_not(None), failed),
                )
                .order_by(candidates.c.id)  # the one that was asked comes before those that only say the same
            )
            for row in rows.mappings():
                if row["image"] is not None or row["url"] not in found:
                    status = "failed" if row["image"] is None else "duplicate"
                    found[row["url"]] = {name: row[name] for name in names} | {"status": status}
                    if status == "failed" and row["fetched_by"] != job:
                        asked, next_ = (f"{day:%Y-%m-%d}" for day in (row["fetched"], row["fetched"] + AGAIN))
                        found[row["url"]]["sentence"] += f" (asked on {asked}, and not again before {next_})"
        return found

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
                .where(candidates.c.fetched_by == job, candidates.c.status == "pending", candidates.c.id > after, first)
                .order_by(candidates.c.id)
                .limit(limit)
            ).all()
        return [(row.id, candidate(row)) for row in rows]

    def add_known(self, claim: Claim, project: int, urls: Sequence[str]) -> tuple[set[str], Counter[Count]]:
        """(which of these urls need not be asked, how many candidates are counted under what now): other jobs may have
        brought them since this one stored them, and then what became of them holds here too."""
        with self._read() as c:
            known = self._known(c, project, claim.job, set(urls))
        if not known:
            return set(), Counter()
        with self._write(claim) as c:
            rows = self._waiting(c, claim.job, project, list(known))
            return set(known), self._change(c, rows, [known[row.url] for row in rows])

    def add_fetched(
        self, claim: Claim, project: int, results: Sequence[tuple[str, ImageFacts | Refused, str]]
    ) -> Counter[Count]:
        """Store what became of URLs: (url, the image's facts or why there is none, what the host permits), for all
        candidates of each; the first that brings an image is `fetched`, the rest are duplicates. Gives how many are
        counted under what now. Repeating it changes nothing, because only pending candidates are touched."""
        outcomes = {url: (outcome, permission) for url, outcome, permission in results}
        with self._write(claim) as c:
            rows = self._waiting(c, claim.job, project, list(outcomes))
            facts = {row.url: made for row in rows if isinstance(made := outcomes[row.url][0], ImageFacts)}
            there, new = self._add_images(c, project, {row.url: row for row in reversed(rows)}, facts)
            changes = []
            for row in rows:
                outcome, permission = outcomes[row.url]
                change = {"permission": permission, "fetched": now(), "reason": "", "sentence": "",
                          "retryable": False, "image": None}  # fmt: skip
                if isinstance(outcome, Refused):
                    change |= {"status": "failed", "reason": outcome.reason, "sentence": str(outcome),
                               "retryable": outcome.retryable}  # fmt: skip
                else:
                    image = there[outcome.sha256]
                    change |= {"status": "fetched" if new.pop(image, None) else "duplicate", "image": image}
                changes.append(change)
            return self._change(c, rows, changes)

    @staticmethod
    def _change(c: Connection, rows: Sequence[Row], changes: Sequence[Mapping[str, Any]]) -> Counter[Count]:
        """Write the change of each row, and how many are counted under what now."""
        both = list(zip(rows, changes, strict=True))
        if both:
            c.execute(
                update(candidates).where(candidates.c.id == bindparam("number")),
                [{"number": row.id, **change} for row, change in both],
            )
        return Counter((row.label, row.source, change["status"], change["reason"]) for row, change in both)

    @staticmethod
    def _waiting(c: Connection, job: int, project: int, urls: Sequence[str]) -> list[Row]:
        rows: list[Row] = []
        for some in chunks(urls):
            rows += c.execute(
                select(candidates)
                .where(
                    candidates.c.project == project,
                    candidates.c.url.in_(some),
                    candidates.c.fetched_by == job,
                    candidates.c.status == "pending",
                )
                .order_by(candidates.c.id)
            )
        return rows

    def _add_images(
        self, c: Connection, project: int, first: Mapping[str, Row], found: Mapping[str, ImageFacts]
    ) -> tuple[dict[str, int], dict[int, bool]]:
        """(sha256 -> image, the images that are new) for what came of URLs; `first`: the candidate that brought each."""
        before = self._by_sha(c, project, {facts.sha256 for facts in found.values()})
        rows: dict[str, dict] = {}
        for url, facts in found.items():
            if facts.sha256 not in before:
                row = first[url]
                rows.setdefault(facts.sha256, asdict(facts) | {
                    "hashes": struct.pack(">8Q", *facts.hashes), "project": project, "origin": url,
                    "source_label": row.label, "label": row.label, "part": row.part, "created": now(),
                    "verdict": "undecided", "reason": "", "version": 0,
                })  # fmt: skip
        if not rows:
            return before, {}
        c.execute(
            self._insert_new(images).on_conflict_do_nothing(index_elements=["project", "sha256"]), list(rows.values())
        )
        made = self._by_sha(c, project, set(rows))
        return before | made, dict.fromkeys(made.values(), True)

    @staticmethod
    def _by_sha(c: Connection, project: int, shas: set[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for some in chunks(sorted(shas)):
            rows = c.execute(
                select(images.c.sha256, images.c.id).where(images.c.project == project, images.c.sha256.in_(some))
            )
            found |= {row.sha256: row.id for row in rows}
        return found

    def finders(self, job: int) -> set[tuple[str, int]]:
        """(source, the job that found it) of what this job has to fetch."""
        with self._read() as c:
            rows = c.execute(
                select(candidates.c.source, candidates.c.found_by).where(candidates.c.fetched_by == job).distinct()
            )
            return {(source, found_by) for source, found_by in rows}

    def tally(self, job: int) -> Counter[Count]:
        """How many of this job's candidates there are of each label, source, status and reason."""
        columns = (candidates.c.label, candidates.c.source, candidates.c.status, candidates.c.reason)
        with self._read() as c:
            rows = c.execute(
                select(*columns, func.count()).where(candidates.c.fetched_by == job).group_by(*columns)
            ).all()
        return Counter({(row[0], row[1], row[2], row[3]): row[4] for row in rows})
