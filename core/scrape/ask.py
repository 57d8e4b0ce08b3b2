"""Asking in words: which class, at which source, with which words, which answer next.

What is asked for a class has tiers. First its own queries at the first source; where they bring too little its
synonyms, then the next source. Inside a tier the words that found least are asked next, so that the years of a car
come out even; and the classes take turns.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from core.errors import BadInput, BadSetting, Missing, Refused
from core.model import Candidate, ClassInfo, Search
from core.scrape.rows import found_by_words
from core.sources import SOURCES
from core.sources.options import Options

if TYPE_CHECKING:
    from core.scrape.fetch import Reach
    from core.settings import Settings

SHORT = 90.0  # seconds; a source that is used up for longer than that fails, and the next one is asked
BUSY = 5.0  # seconds
UNREACHED = ("timeout", "connection", "unknown host", "robots unreachable", "certificate", "asked for a pause")
TRIES = 3  # times in a row that a source is not reached before it counts as away
LIMIT = 400  # results for each class, where the user names no number
PATIENCE = 20  # times the limit: a class that so many results did not fill is left short
EMPTY = 30  # answers in a row without a result, after which there is no more: an empty one may stand in the middle
Answer = tuple[Search, list[Candidate]]


@dataclass(slots=True)
class _Thread:
    """The answers to one query at one source for one class, one after the other."""

    label: str
    source: str
    query: str
    tier: int
    cursor: str | None = ""  # of the next answer; None = there is no more
    found: int = 0
    empty: int = 0  # answers in a row

    def take(self, search: Search) -> None:
        """Go on behind this answer."""
        self.found += search.found
        self.empty = 0 if search.found else self.empty + 1
        self.cursor = search.next if search.next and self.empty < EMPTY else None


@dataclass(slots=True)
class Plan:
    """What one job asks. `asked`: the answers it stored before it was broken off."""

    settings: Settings
    through: Reach
    classes: Sequence[str]
    infos: Mapping[str, ClassInfo]
    sources: Sequence[str]
    options: Options
    template: str = "{class}"  # "{class}" stands for the class, or for each of its queries
    limit: int = LIMIT  # results, or images where there is a target, wanted for each class
    whole: bool = False  # whether all of an answer is taken, also where it brings more than is wanted
    job: int = 0
    asked: Iterable[Search] = ()
    pause: float = field(init=False, default=0.0)  # seconds that a source wants to be left alone
    paused: str = field(init=False, default="")  # its name
    asking: str = field(init=False, default="")  # "asking Openverse for 'red car'"
    _threads: dict[str, list[_Thread]] = field(init=False)
    _answered: int = field(init=False, default=0)
    _failed: list[Refused] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        for source in self.sources:
            check(source, self.options, self.settings)
        self._threads = {label: self._ladder(label) for label in self.classes}
        by_key = {(t.label, t.source, t.query): t for threads in self._threads.values() for t in threads}
        for search in self.asked:
            if thread := by_key.get((search.label, search.source, search.query)):
                thread.take(search)
                if search.status == "failed":  # in an earlier attempt of this job: asked again
                    thread.cursor = search.cursor
                else:
                    self._answered += 1

    def _ladder(self, label: str) -> list[_Thread]:
        info = self.infos.get(label, ClassInfo())
        tiers = ((source, words) for source in self.sources for words in (info.queries or (label,), info.synonyms))
        threads: dict[tuple[str, str], _Thread] = {}
        for tier, (source, words) in enumerate(tiers):
            for word in words:
                query = self.template.replace("{class}", word)
                threads.setdefault((source, query), _Thread(label, source, query, tier))
        return list(threads.values())

    def answers(self, want: Callable[[str], int]) -> Generator[Answer, None, None]:
        """Answer after answer, until every class has what it wants (`want` says how many more) or there is no more.

        Ends early where a source wants a short pause: `pause` says how long, and the next call goes on.
        Raises what the first search raised where not one of all was answered.
        """
        self.pause = 0.0
        with ExitStack() as open_:
            ask = Asker(open_, self.settings, self.through)
            turn = [label for label in self.classes if want(label) > 0]
            while turn:
                for label in turn:
                    if thread := self._next(label):
                        if 0 < (pause := ask.pause(thread.source, self.options)) <= SHORT:
                            self.pause, self.paused = pause, SOURCES[thread.source].title
                            return
                        yield self._answer(ask, thread, want(label))
                turn = [label for label in turn if want(label) > 0 and self._next(label)]
        if self._failed and not self._answered:
            raise self._failed[0]

    def exhausted(self, label: str) -> bool:
        return self._next(label) is None

    def _next(self, label: str) -> _Thread | None:
        if sum(t.found for t in self._threads[label]) >= PATIENCE * self.limit:
            return None
        open_ = [t for t in self._threads[label] if t.cursor is not None]
        return min(open_, key=lambda t: (t.tier, t.found), default=None)

    def _answer(self, ask: Asker, thread: _Thread, wanted: int) -> Answer:
        queries = len(self.infos.get(thread.label, ClassInfo()).queries) or 1
        size = math.ceil(self.limit / queries)  # a share for each, so that all are asked, and no answer is far too long
        search = Search(
            thread.label, thread.source, thread.query, thread.cursor or "", thread.tier, wanted=wanted,
            asked_by=self.job, size=size,
        )  # fmt: skip
        self.asking = f"asking {SOURCES[thread.source].title} for {thread.query!r}"
        search, candidates = ask(search, self.options, 0 if self.whole else wanted)
        if search.status == "failed":
            self._failed.append(Refused(search.reason, search.sentence))
        else:
            self._answered += 1
        thread.take(search)
        return search, candidates


class Asker:
    """Asks sources for answers, over one connection each that stays open as long as `open_`."""

    def __init__(self, open_: ExitStack, settings: Settings, through: Reach) -> None:
        from core.web import blocking

        self._settings, self._through = settings, through
        self._get = open_.enter_context(blocking(through.web()))
        self._silent: Counter[str] = Counter()  # source -> times in a row that it could not be reached
        self._away: dict[str, Refused] = {}

    def __call__(self, search: Search, options: Options, most: int = 0) -> Answer:
        """The search with what came of it, and the candidates (`most` of them; 0 = all). A failure is a result too."""
        source = SOURCES[search.source].search
        assert source is not None, search.source
        options = replace(located(search.source, options, self._settings, self._through), size=search.size)
        try:
            if error := self._away.get(search.source):
                raise error
            try:
                results = source(search.query, search.cursor, options, self._get)
            except Refused as error:
                if error.reason != "asked for a pause" or error.pause > BUSY or SOURCES[search.source].pause:
                    raise
                time.sleep(BUSY)  # it is busy for a moment: asked once more
                results = source(search.query, search.cursor, options, self._get)
            self._silent[search.source] = 0
        except (Refused, Missing, BadSetting) as error:  # one answer less; the others go on
            self._note(search.source, error)
            reason = error.reason if isinstance(error, Refused) else "missing"
            return replace(search, status="failed", reason=reason, sentence=str(error),
                           retryable=getattr(error, "retryable", False)), []  # fmt: skip
        found = [
            found_by_words(c, search.label, search.query, options.licence) for c in results.candidates[: most or None]
        ]
        return replace(search, found=len(found), next=results.next if results.next != search.cursor else ""), found

    def _note(self, source: str, error: Exception) -> None:
        """A source that could not be reached several times in a row is not asked again: each time takes long."""
        if isinstance(error, Refused) and (error.reason in UNREACHED or error.reason.startswith("http 5")):
            self._silent[source] += 1
            if self._silent[source] >= TRIES:
                self._away[source] = error

    def pause(self, source: str, options: Options) -> float:
        """Seconds until the source may be asked again."""
        pause = SOURCES[source].pause
        return pause(located(source, options, self._settings, self._through)) if pause else 0.0


def asks(sources: Sequence[str]) -> bool:
    """Whether these are asked in words, all of them; else it is one with labels of its own."""
    return bool(sources) and all(name in SOURCES and SOURCES[name].search for name in sources)


def check(source: str, options: Options, settings: Settings) -> None:
    """Raises BadInput for a source there is not, or that lacks what it needs, and for options that do not fit it."""
    found = SOURCES.get(source)
    if found is None:
        raise BadInput(f"There is no source named {source!r} (there are: {', '.join(SOURCES)}).")
    for need in found.needs:
        if not getattr(options, need):
            raise BadInput(f"The source {source} needs --{need}.")
    for need in found.settings:
        if not value(settings, need):
            raise BadInput(f"The source {source} needs the setting WINNOW_{need.upper()}: {found.how}")
    if found.check:
        found.check(options)


def located(source: str, options: Options, settings: Settings, through: Reach) -> Options:
    """The options with what only the settings know: another address, and credentials, which no job's row may hold."""
    keys = [value(settings, name) for name in SOURCES[source].credentials]
    key, secret = (*keys, "", "")[:2]
    base = through.demo if source == "demo" else settings.source_url(source)
    return replace(options, base=base, key=key, secret=secret)


def value(settings: Settings, name: str) -> str:
    """A setting as plain text, also where it is a secret."""
    found = getattr(settings, name)
    return found.get_secret_value() if hasattr(found, "get_secret_value") else str(found)


def again(
    failed: Sequence[Search], own: Sequence[Search], params: Callable[[int], Mapping[str, Any]], settings: Settings,
    through: Reach,
) -> Generator[tuple[Search, list[Candidate], int], None, None]:  # fmt: skip
    """Failed searches asked again as they were, and on from there: (search, candidates, the failed one's id or 0).

    `own`: the answers this job stored before it was broken off; `params`: those of the job that asked first.
    """
    last = {(s.label, s.source, s.query): s for s in own}
    todo = [(s, s.cursor, s.wanted, s.id) for s in failed]
    todo += [(s, s.next, s.wanted - s.found, 0) for s in last.values() if s.status == "done" and s.next]
    with ExitStack() as open_:
        ask = Asker(open_, settings, through)
        for search, cursor, wanted, number in todo:
            asked = params(search.asked_by)
            options = Options(**(asked.get("options") or {}))
            whole = bool(asked.get("target"))
            while wanted > 0:
                if 0 < (pause := ask.pause(search.source, options)) <= SHORT:
                    time.sleep(pause)
                one = replace(search, id=0, status="done", found=0, next="", reason="", sentence="", retryable=False)
                answer, candidates = ask(replace(one, cursor=cursor, wanted=wanted), options, 0 if whole else wanted)
                yield answer, candidates, number
                cursor, wanted, number = answer.next, wanted - answer.found, 0
                if not cursor:
                    break
