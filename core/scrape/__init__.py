"""From a source to bytes, and from bytes to an image.

ask.py        what a source is asked in words: which class, which words, which answer next
rows.py       what a source with labels of its own brings: whose class, which rows
fetch.py      what a job may reach, and how one candidate is fetched and kept
inbox.py      what came in and is not stored yet, so that nobody is asked twice
rounds.py     a scrape at work: stored as it is found, fetched meanwhile
turns.py      whose host has enough under way waits for its turn
tally.py      how far it is, by class, source and reason
preview.py    a dozen results before anything is kept
failures.py   why a candidate brings no image, and what can be done
"""

from __future__ import annotations

from core.scrape.ask import LIMIT, Plan, asks, check
from core.scrape.failures import FAILURES, meaning, summary
from core.scrape.fetch import DEADLINE, Fetcher, Reach, reach, read, refused, roots
from core.scrape.rounds import asked, asked_again, asked_for, fetch, kept, rest, rows
from core.scrape.rows import choose, closed, labelled, opened, reopened
from core.scrape.tally import Tally

__all__ = [
    "DEADLINE", "FAILURES", "LIMIT", "Fetcher", "Plan", "Reach", "Tally", "asked", "asked_again", "asked_for", "asks",
    "check", "choose", "closed", "fetch", "kept", "labelled", "meaning", "opened", "reach", "read", "refused", "reopened", "rest", "roots",
    "rows", "summary",
]  # fmt: skip
