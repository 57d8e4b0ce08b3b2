"""class Store: every method one short transaction. One file a noun.

projects.py    projects, their classes, the funnel
candidates.py  candidates, and the image that came of each
searches.py    what sources were asked, and what is to be asked again
failures.py    why candidates brought no image, and which may be tried again
images.py      images, and every place each came from
provenance.py  the same for all of them: counted, page by page, and for the credits
cleaning.py    what cleaning knows of each image: measures, embeddings, links, detections, crops
findings.py    what the machine noticed
groups.py      groups of copies that wait for a person
queue.py       the review queue: filters, pages of tiles, leases
showings.py    what was looked at, in which order and why; certificates
decisions.py   what people said: append-only, undone by more of it
second_looks.py  what a second person said of the same picture, not knowing of the first
recipes.py     recipes that were kept under a name
training.py    splits, runs, epochs, evaluations
jobs.py        jobs: submit, claim, lease, fence
"""

from __future__ import annotations

from db.store.cleaning import Cleaned
from db.store.decisions import Decisions
from db.store.failures import Failures
from db.store.findings import Findings
from db.store.groups import Groups
from db.store.images import Images
from db.store.jobs import Jobs
from db.store.projects import Projects
from db.store.provenance import Provenance
from db.store.queue import Queue
from db.store.recipes import Recipes
from db.store.searches import Searches
from db.store.second_looks import SecondLooks
from db.store.showings import Showings
from db.store.training import Training


class Store(
    Projects,
    Searches,
    Failures,
    Provenance,
    Groups,
    Images,
    Cleaned,
    Queue,
    Findings,
    Showings,
    SecondLooks,
    Decisions,
    Recipes,
    Training,
    Jobs,
):
    """The one door to the database. Nouns in, nouns out; safe to share between threads, never over a fork."""
