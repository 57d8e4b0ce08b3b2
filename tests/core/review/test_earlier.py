"""What was rejected in earlier projects, as a start before anybody has decided here."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import review
from core.errors import BadInput
from core.model import TOGETHER, WRONG_CLASS, Decision, Operation, Reviewing
from core.review.earlier import COUNT, Earlier, choose, usable
from core.review.learner import learner
from db.store.queue import Filter
from tests.pages import filled
from tests.pages.filled import begin

DIMS = 24
ODD = 5  # every so many pictures show something else, in every project the same


def odd(image: int) -> bool:
    return image % ODD == 0


def described(store, project, by: str = "net@1", apart: float = 0.0, seed: int = 0) -> list[int]:
    """Vectors of a network for all pictures, and what else they lie apart from those of other projects. Their ids."""
    ids = [one.id for one in store.images(project.id)]
    _, claim = begin(store, project, "clean")
    vectors = np.random.default_rng(seed).normal(size=(len(ids), DIMS))
    vectors[:, -1] += apart
    vectors[[odd(image) for image in ids], 0] += 6
    store.add_embeddings(
        claim, project.id, by, [(i, v.astype("<f2").tobytes()) for i, v in zip(ids, vectors, strict=True)]
    )
    store.finish(claim, "done", {"borders": {}, "embedder": by})
    return ids


def decide(store, project, ids, reason: str = "", **more) -> None:
    made = tuple(Decision(i, "reject", reason) if odd(i) else Decision(i, "keep", **more) for i in ids)
    store.apply(project.id, Operation(str(uuid.uuid4()), "Ann", made))


@pytest.fixture
def projects(store, home: Path):
    """An earlier project of 60 pictures that is decided, and one after it."""
    first, second = (filled.scraped(store, home, name, each=20) for name in ("old", "new"))
    ids = described(store, first)
    described(store, second, seed=1)
    decide(store, first, ids)
    return store, first, second


def started(store, project, *names: str):
    return learner(store, choose(store, project, names))


def share(ranking, number: int = 8) -> float:
    return float(np.mean([odd(image) for image in ranking.ids[ranking.order[:number]]]))


def test_the_first_page_is_led_by_what_looks_like_the_rejects_of_an_earlier_project(projects) -> None:
    store, _, second = projects
    alone, helped = started(store, second), started(store, second, "old")
    assert share(helped.rank([])) == 1 > share(alone.rank([]))
    assert "looks like the rejects of old" in helped.note and helped.rank([]).learned == 0
    tiles = review.next_page(store, helped, store.project("new"), Filter(verdict="undecided", order="mixed"), "Ann", 8)
    assert all(odd(t.image) for t in tiles if not t.why.startswith("random"))
    assert tiles[0].why.startswith("looks like what was rejected in old")


def test_what_was_shown_before_earlier_projects_were_chosen_waits_until_one_is_rejected(projects) -> None:
    store, _, second = projects
    alone, wanted = started(store, second), Filter(verdict="undecided", order="likely")

    def page(learner, size: int = 8):
        return review.next_page(store, learner, second, wanted, "Ann", size)

    before, helped = {t.image for t in page(alone)}, started(store, second, "old")
    after = [t.image for t in page(helped)]
    assert all(map(odd, after)) and not all(map(odd, before))
    assert [t.image for t in page(helped)] == after, "and it stands still"
    decide(store, second, after)
    assert before - set(after) <= {t.image for t in page(helped)}


def test_what_is_decided_here_outgrows_what_was_decided_there(projects) -> None:
    store, _, second = projects
    helped = started(store, second, "old")
    ids = helped.of.ids
    right = [replace(one, bad=not odd(one.image)) for one in _judged(ids)]  # here the odd ones are what is wanted
    after = [share_of_odd(helped.rank(right[:many]), many) for many in (0, 20, 50)]
    assert after[0] > 0 > after[2] and after[0] > after[1] > after[2]
    assert "less with each decision" in helped.note


def _judged(ids):
    from core.model import Judged

    return [Judged(int(i), False, "likely") for i in np.random.default_rng(5).permutation(ids)]


def share_of_odd(ranking, decided: int) -> float:
    """How much likelier bad the odd ones are held to be than the others."""
    some = np.array([odd(i) for i in ranking.ids])
    return float(ranking.bad[some].mean() - ranking.bad[~some].mean())


def test_pictures_described_by_another_network_are_left_out_with_a_sentence(projects, home: Path) -> None:
    store, _, second = projects
    other = filled.scraped(store, home, "other", each=20)
    decide(store, other, described(store, other, by="net@2"))
    found = started(store, second, "other", "old")
    assert found.earlier is not None and found.earlier.used == ("old",)
    assert found.left_out == (
        "The rejects of other cannot be used: its pictures were described by net@2, these by net@1.",
    )
    assert found.left_out[0] in (found.rank([]), found.note)[1]


def test_what_is_not_described_is_left_out_with_what_to_do(projects, home: Path) -> None:
    store, first, second = projects
    bare = filled.scraped(store, home, "bare", each=20)
    decide(store, bare, [one.id for one in store.images(bare.id)])
    assert "clean it once" in started(store, second, "bare").left_out[0]
    assert "clean them once" in started(store, bare, "old").left_out[0]
    assert usable(store, bare) == []


def test_pictures_of_another_kind_are_left_out(projects, home: Path) -> None:
    store, _, second = projects
    far = filled.scraped(store, home, "far", each=20)
    decide(store, far, described(store, far, apart=200.0))
    found = started(store, second, "far")
    assert "what is kept there looks unlike the pictures here" in found.left_out[0]
    alone = started(store, second)
    assert np.array_equal(found.rank([]).order, alone.rank([]).order)


def test_a_project_without_rejects_and_one_that_is_gone_are_left_out(projects, home: Path) -> None:
    store, first, second = projects
    plain = filled.scraped(store, home, "plain", each=20)
    described(store, plain)
    assert "has no rejects that say something here" in started(store, second, "plain").left_out[0]
    gone = store.set_reviewing(second.id, Reviewing(references=(999,)))
    found = learner(store, gone)
    assert found.left_out == ("An earlier project that was chosen is not there any more.",)
    assert found.rank([]).learned == 0


def test_wrong_classes_copies_and_what_nobody_looked_at_say_nothing_elsewhere(store, home: Path) -> None:
    project = filled.scraped(store, home)
    ids = [one.id for one in store.images(project.id)]
    made = [Decision(ids[0], "reject", WRONG_CLASS), Decision(ids[1], "reject", "duplicate"), Decision(ids[2], "reject", "interior"),
            Decision(ids[3], "keep"), Decision(ids[4], "keep", TOGETHER), Decision(ids[5], "keep", label="suv"),
            Decision(ids[6], "keep", label="coupe")]  # fmt: skip
    store.apply(project.id, Operation(str(uuid.uuid4()), "Ann", tuple(made)))
    assert store.source_labels(project.id)[5][1] == "suv", "this one has kept its class"
    assert store.examples(project.id) == [(ids[2], True), (ids[3], False), (ids[5], False)]
    assert store.rejects(project.id) == 1


def test_earlier_projects_are_offered_with_their_rejects_and_chosen_by_name(projects) -> None:
    store, first, second = projects
    assert usable(store, second) == [(first, store.rejects(first.id))] and usable(store, first) == []
    store.set_reviewing(second.id, Reviewing(overlap=0.1))
    assert choose(store, second, ["old"]).reviewing == Reviewing(overlap=0.1, references=(first.id,))
    assert choose(store, second, []).reviewing.references == ()
    with pytest.raises(BadInput, match="cannot be an earlier project of itself"):
        choose(store, second, ["new"])
    with pytest.raises(BadInput, match="no project named 'older'"):
        choose(store, second, ["older"])


def test_a_detector_that_only_one_of_the_two_was_cropped_with_does_no_harm(projects) -> None:
    from core.model import Cleaning, Cropping

    store, _, second = projects
    _, claim = begin(store, second, "clean")
    seen = np.random.default_rng(2).normal(size=(60, 6)).astype("<f2")
    ids = [one.id for one in store.images(second.id)]
    store.add_embeddings(claim, second.id, "yolo@1", [(i, v.tobytes()) for i, v in zip(ids, seen, strict=True)])
    store.finish(claim, "done", {"borders": {}, "embedder": "net@1"})
    store.set_cleaning(second.id, Cleaning(crop=Cropping("yolo", ("car",))))
    helped = started(store, store.project("new"), "old")
    assert helped.of.by == "net@1 and yolo@1" and helped.left_out == ()
    assert share(helped.rank([])) >= 0.9


def test_all_earlier_decisions_together_count_as_so_many_here(projects) -> None:
    store, _, second = projects
    before = started(store, second, "old").earlier
    assert isinstance(before, Earlier)
    many = int(before.bad.sum())
    assert before.mass[before.bad].sum() == pytest.approx(min(COUNT, many), rel=0.01)
    assert before.mass[~before.bad].sum() == pytest.approx(before.mass[before.bad].sum(), rel=0.01)
