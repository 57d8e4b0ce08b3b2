"""A scrape at work: candidates stored as they are found, fetched while more is being found."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.engine import batches
from core.engine.beside import beside
from core.model import Candidate, Progress, Search
from core.project import key, spellings
from core.scrape.ask import Plan, again
from core.scrape.fetch import Fetcher, Keep, Reach, outcome
from core.scrape.rows import storable
from core.scrape.tally import Tally
from core.scrape.turns import Turns
from core.sources import SOURCES

if TYPE_CHECKING:
    from core.steps import Context

BATCH = 200  # results committed in one transaction
ROWS = 2000  # candidates stored in one
PAUSE = 0.5  # seconds after which a smaller batch is committed too, so that the page sees it


def asked(ctx: Context, through: Reach, plan: Plan, target: int, tally: Tally) -> Iterator[Progress]:
    """Ask and fetch, in rounds: one makes up for what failed in the one before, and goes on where a source wanted a pause."""
    while True:
        yield from fetch(ctx, through, _answers(ctx, plan, _have(ctx, target, tally), target, tally), tally)
        until = time.monotonic() + plan.pause
        while (left := until - time.monotonic()) > 0:
            note = f"{tally.sentence()}; {plan.paused} is asked again in {left:.0f} s, by its limit of requests"
            yield Progress(tally.done, tally.total, note, tally.detail())
            time.sleep(min(1.0, left))
        have = _have(ctx, target, tally)
        if all(have[label] >= plan.limit or plan.exhausted(label) for label in plan.classes):
            return


def _have(ctx: Context, target: int, tally: Tally) -> Counter[str]:
    """class -> images that count towards the target, or results towards the limit."""
    rows = tally.classes.items()
    if target:  # what an earlier attempt left over may become an image yet
        return kept(ctx.store.counts(ctx.project.id)) + Counter({label: row["pending"] for label, row in rows})
    return Counter({label: sum(row.values()) for label, row in rows})


def _answers(ctx: Context, plan: Plan, have: Counter[str], target: int, tally: Tally) -> Iterator[bool]:
    """Store answers until each class has enough, counting what is still to be fetched as had."""
    for answer in beside(plan.answers(lambda label: plan.limit - have[label])):
        tally.asking = "" if answer else plan.asking
        if answer:
            search, candidates = answer
            stored = _store(ctx, search, candidates, tally)
            have[search.label] += sum(n for (_, _, status, _), n in stored.items() if not target or status == "pending")
        yield answer is not None
    tally.asking = ""


def asked_again(ctx: Context, through: Reach, tally: Tally) -> Iterator[bool]:
    """Store what failed searches find when they are asked again."""
    failed = [search for search in ctx.store.failed_searches(ctx.project.id) if search.retryable]
    own = ctx.store.searches(ctx.job.id)
    for answer in beside(again(failed, own, lambda job: ctx.store.job(job).params, ctx.settings, through)):
        tally.asking = "" if answer else "asking again what was not answered"
        if answer:
            search, candidates, instead_of = answer
            _store(ctx, search, candidates, tally, instead_of)
        yield answer is not None
    tally.asking = ""


def _store(
    ctx: Context, search: Search, candidates: list[Candidate], tally: Tally, instead_of: int = 0
) -> Counter[tuple[str, str, str, str]]:
    start = ctx.store.positions(ctx.job.id)
    stored = ctx.store.add_search(ctx.claim, ctx.project.id, search, start, candidates, instead_of)
    tally.found(stored)
    return stored


def rest(ctx: Context, found: Iterator[Candidate], again: Callable[[], Iterator[Candidate]]) -> Iterator[Candidate]:
    """The rows of a source behind those that an earlier attempt of the job stored.

    Where the folder or table has changed since (a row is another one than that stored for its place), `again` reads it
    from the beginning, and of each address as many rows are left out as were stored.
    """
    position = ctx.store.positions(ctx.job.id)
    before = itertools.zip_longest(itertools.islice(found, position), _stored(ctx))
    if all(row and url is not None and (url == row.url or url == storable(row).url) for row, url in before):
        return found
    return _not_stored(Counter(_stored(ctx)), again())


def _not_stored(stored: Counter[str], found: Iterator[Candidate]) -> Iterator[Candidate]:
    for row in found:
        url = storable(row).url
        if stored[url] > 0:
            stored[url] -= 1
        else:
            yield row


def _stored(ctx: Context) -> Iterator[str]:
    """The urls that this job stored, in the order of its source."""
    start = 0
    while urls := ctx.store.urls(ctx.job.id, start):
        yield from urls
        start += len(urls)


def rows(ctx: Context, found: Iterable[Candidate], add_classes: bool, tally: Tally) -> Iterator[bool]:
    """Store the rows of a source, batch by batch: those behind the ones that an earlier attempt of the job stored."""
    position, left = ctx.store.positions(ctx.job.id), iter(found)
    while batch := list(itertools.islice(left, ROWS)):
        if add_classes:
            labels = dict.fromkeys(c.label for c in batch if not c.error)
            now = ctx.store.add_classes(ctx.project.id, list(labels), respelled=True)
            spelling = spellings(now.classes)  # someone may have added it meanwhile, in other letters
            batch = [c if c.error else replace(c, label=spelling.get(key(c.label), c.label)) for c in batch]
        tally.found(ctx.store.add_candidates(ctx.claim, ctx.project.id, position, batch))
        position += len(batch)
        yield True


def fetch(
    ctx: Context, through: Reach, found: Iterator[bool], tally: Tally, about: int | None = None
) -> Iterator[Progress]:
    """Fetch what is pending while more is `found`; what an earlier attempt of this job left over comes first.

    `found`: True for what it has just stored, False for nothing yet. `about`: how many there will be, roughly, until
    all are found.
    """
    more = [True]
    turns, fetcher = Turns(_pending(ctx, found, more, tally), through), Fetcher(through)
    fetched = _over(turns, ctx.engine.map(fetcher, turns, need="io", idle=PAUSE / 2))
    looked = ctx.engine.map(Keep(ctx.settings.storage), fetched, need="cpu", idle=PAUSE / 2)
    for batch in batches(looked, BATCH, PAUSE):
        if batch:
            ended = ctx.store.add_fetched(ctx.claim, ctx.project.id, [outcome(*each) for each in batch])
            tally.ended(ended, [facts.size for _, facts, _ in batch if facts])
            if fetcher.inbox:
                fetcher.inbox.drop(url for (url, _), _, _ in batch)
        yield Progress(tally.done, max(tally.total, (about or 0) * more[0]), tally.sentence(), tally.detail())
    if fetcher.inbox:
        fetcher.inbox.close()
    yield Progress(tally.done, tally.total, tally.sentence(), tally.detail())


def _pending(ctx: Context, found: Iterator[bool], more: list[bool], tally: Tally) -> Iterator[Candidate | None]:
    """What is to be fetched; None where nothing is, yet."""
    after = 0
    while more[0]:
        while page := ctx.store.pending(ctx.job.id, after, BATCH):
            after = page[-1][0]
            known, ended = ctx.store.add_known(ctx.claim, ctx.project.id, [candidate.url for _, candidate in page])
            tally.ended(ended, [])
            yield from (candidate for _, candidate in page if candidate.url not in known)
        while (new := next(found, None)) is False:
            yield None
        more[0] = new is not None


def _over(
    turns: Turns, fetched: Iterable[tuple[Candidate, Any, Exception | None] | None]
) -> Iterator[tuple[str, Any] | None]:
    """(url, what was fetched or the error that stands for it): a failure takes the same way as an image.

    None = nothing yet: what is there already is looked at and stored, whichever host keeps the others waiting.
    """
    for each in fetched:
        if each is None:
            yield None
            continue
        candidate, got, error = each
        turns.over(candidate)
        yield candidate.url, error if error is not None else got


def kept(counts: Mapping[str, Mapping[str, int]]) -> Counter[str]:
    """class -> images that nobody rejected, of class -> verdict -> images."""
    return Counter({label: sum(row.values()) - row.get("reject", 0) for label, row in counts.items()})


def asked_for(plan: Plan, searches: Iterable[Search], have: Mapping[str, int] | None) -> dict[str, Any]:
    """What is to be said of the searches: how many, which failed, what was widened and how, and who is short still."""
    searches = list(searches)
    widened: dict[str, dict[str, int]] = {}
    for search in searches:
        if search.tier and search.status == "done":
            words = widened.setdefault(search.label, {})
            name = f"{search.query} ({SOURCES[search.source].title})"
            words[name] = words.get(name, 0) + search.found
    failed = Counter(search.reason for search in searches if search.status == "failed")
    said: dict[str, Any] = {"searches": {"asked": len(searches), "failed": dict(failed)}, "widened": widened}
    if have is not None:
        said["short"] = {label: have.get(label, 0) for label in plan.classes if have.get(label, 0) < plan.limit}
    return said
