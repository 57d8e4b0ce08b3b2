"""Places of downloads are shared out among hosts."""

from __future__ import annotations

import random
from collections import Counter
from urllib.parse import urlsplit

import pytest

from core.model import Candidate
from core.scrape import Reach, turns
from core.scrape.turns import Turns


def of(host: str, count: int) -> list[Candidate]:
    return [Candidate(f"https://{host}/{n}.jpg", "a", "urls") for n in range(count)]


def taken(places: Turns, count: int) -> Counter[str]:
    order = iter(places)
    return Counter(urlsplit(next(order).url).hostname or "" for _ in range(count))


def test_a_host_with_many_pictures_leaves_places_to_the_others():
    found = [*of("many.example", 100), *of("few.example", 5), *of("other.example", 5)]
    assert taken(Turns(iter(found), Reach()), 9) == {"many.example": 3, "few.example": 3, "other.example": 3}


def test_the_next_one_of_a_host_follows_when_one_is_over():
    places = Turns(iter([*of("many.example", 10), *of("few.example", 1)]), Reach())
    order = iter(places)
    first = [next(order) for _ in range(4)]
    assert [urlsplit(c.url).hostname for c in first] == ["many.example"] * 3 + ["few.example"]
    places.over(first[1])
    assert next(order).url == "https://many.example/3.jpg"


@pytest.mark.parametrize("rate", ["", "1/1", "off"])
def test_every_candidate_comes_once_whatever_the_order_they_end_in(rate):
    rng = random.Random(7)
    found = [c for n in range(12) for c in of(f"h{n}.example", rng.randrange(40))]
    found += [Candidate(f"/pictures/{n}.jpg", "a", "folder") for n in range(9)]
    rng.shuffle(found)
    places = Turns(iter(found), Reach(host_rate=rate))
    seen, under_way = [], []
    for candidate in places:
        seen.append(candidate)
        under_way.append(candidate)
        while len(under_way) > 8:
            places.over(under_way.pop(rng.randrange(len(under_way))))
    assert sorted(c.url for c in seen) == sorted(c.url for c in found)


def test_own_hosts_and_files_wait_for_nobody():
    found = [*of("intranet", 20), *of("10.0.0.7", 20)]
    assert taken(Turns(iter(found), Reach(allow=("intranet", "10.0.0.0/8"))), 40).total() == 40
    # a rate that the user sets holds for them too: two at once, and one that waits
    assert taken(Turns(iter(found), Reach(allow=("intranet", "10.0.0.0/8"), host_rate="2/1")), 6) == {
        "intranet": 3, "10.0.0.7": 3}  # fmt: skip


def test_no_more_than_so_many_are_laid_aside(monkeypatch):
    monkeypatch.setattr(turns, "ASIDE", 10)
    found = iter(of("many.example", 1000))
    assert taken(Turns(found, Reach()), 5) == {"many.example": 5}
    assert len(list(found)) > 980


def test_nothing_yet_is_passed_on_and_keeps_no_place():
    found = iter([None, *of("many.example", 4), None, *of("few.example", 1), None])
    order = iter(Turns(found, Reach()))
    came = [next(order) for _ in range(7)]
    assert [c and urlsplit(c.url).hostname for c in came] == [
        None, *["many.example"] * 3, None, "few.example", None]  # fmt: skip
    assert next(order).url == "https://many.example/3.jpg", "nothing else is to come, so it waits in a place"  # type: ignore[union-attr]
