"""Review: what to look at next, what a person said, what was learned from it, and when one may stop.

order.py        the next page: what is likely bad, what is unsure, what is drawn at random; and plain orders
described.py    what is known of every picture before anybody looked: vectors, class, findings
earlier.py      what was rejected in earlier projects, as a start
learner.py      from decisions to a ranking of the rest
alike.py        look-alikes of a picture, and stacks of likely rejects
reasons.py      which reason a picture would be rejected for
together.py     the rest of a class, kept by one press, and about how many of it are bad
guess.py        which class a picture looks like
pairs.py        two classes side by side: those that are confused most
decisions.py    what a person said, parsed
estimate.py     how many bad pictures are left, from the random share
second_looks.py hidden on a page: what somebody else has decided on
agreement.py    how far two people agree, how well and how fast each works
certificate.py  that one may stop, with what it stands on
"""

from core.review.decisions import DECISIONS_MAX, NAME_MAX, decide, parse, reviewer_name, undo
from core.review.order import LEARNED, SIZE, Page, cache, choose_page, next_page, queue

__all__ = [
    "DECISIONS_MAX",
    "LEARNED",
    "NAME_MAX",
    "SIZE",
    "Page",
    "cache",
    "choose_page",
    "decide",
    "next_page",
    "parse",
    "queue",
    "reviewer_name",
    "undo",
]
