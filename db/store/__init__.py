"""class Store: every method one short transaction. One file for each group of nouns.

jobs.py        jobs: submit, claim, lease, fence
scrape.py      projects, candidates, images
review.py      findings, decisions, the queue, leases
training.py    splits, runs, epochs, evaluations
"""

from __future__ import annotations

from db.store.jobs import Jobs
from db.store.review import Review
from db.store.scrape import Scrape
from db.store.training import Training


class Store(Scrape, Review, Training, Jobs):
    """The one door to the database. Nouns in, nouns out; safe to share between threads, never over a fork."""
