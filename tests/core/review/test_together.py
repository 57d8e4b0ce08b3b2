"""The rest of a class, kept by one press."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import BadInput
from core.model import TOGETHER, Decision, Judged, Operation
from core.review import undo
from core.review.described import Described
from core.review.learner import Learner
from core.review.together import ENOUGH, accept, rest, sentence
from tests.pages import filled

N, BAD = 600, 90


@pytest.fixture
def learner() -> Learner:
    """Bad pictures lie around one place, good ones around another; every second one is a coupe."""
    chance = np.random.default_rng(3)
    rows = chance.normal(size=(N, 12)).astype(np.float32)
    rows[:BAD, :3] += 3
    rows /= np.sqrt((rows**2).sum(1).mean())
    classes, none = np.arange(N, dtype=np.int32) % 2, np.zeros(N, np.float32)
    return Learner(Described(np.arange(N), rows, classes, none, np.ones(N, bool), ("coupe", "sedan"), "drawn"))


def judged(images, queue: str) -> list[Judged]:
    """What a person who knows says of these."""
    return [Judged(int(image), bool(image < BAD), queue) for image in images]


SEEN = [*judged(range(40), "likely"), *judged(np.random.default_rng(0).permutation(range(40, N))[:120], "random")]


def found(learner, said=SEEN, label: str = "", above: float = 0.95):
    return rest(learner.of, learner.rank(said), said, label, above)


def test_it_is_what_is_likely_good_and_was_never_seen(learner) -> None:
    of = found(learner)
    assert len(of.images) > 200 and not set(of.images.tolist()) & {one.image for one in SEEN}
    assert (of.images < BAD).mean() < 0.02, "among all there are .15"
    assert len(found(learner, above=0.99).images) < len(of.images)


def test_of_one_class_it_is_that_class(learner) -> None:
    of = found(learner, label="coupe")
    assert len(of.images) and not (of.images % 2).any()
    assert of.draws < found(learner).draws and not of.everywhere


def test_its_error_is_that_of_the_random_ones_like_it(learner) -> None:
    of = found(learner)
    bad = int((of.images < BAD).sum())
    assert of.low <= bad <= of.high < 0.1 * len(of.images)
    assert of.bad == pytest.approx(len(of.images) * of.bad_draws / of.draws, abs=0.1)


def test_a_random_one_is_not_told_from_the_rest_by_its_own_decision(learner) -> None:
    """One that looks good and is bad counts as an error, though the learner has learned since that it is bad."""
    strange = next(one.image for one in SEEN if one.queue == "random" and not one.bad)
    said = [Judged(strange, True, "random") if one.image == strange else one for one in SEEN]
    assert found(learner, said, above=0.9).bad_draws == found(learner, above=0.9).bad_draws + 1


def test_where_one_class_has_too_few_random_ones_those_of_all_speak(learner) -> None:
    few = [one for one in SEEN if one.queue != "random" or one.image % 2]
    of = found(learner, few, label="coupe")
    assert of.everywhere and of.draws >= ENOUGH
    assert "random ones like them of all classes" in sentence(of, "coupe", 0.95)


def test_with_hardly_any_random_ones_nothing_is_said_of_its_error(learner) -> None:
    few = [one for one in SEEN if one.queue != "random"] + judged(range(300, 305), "random")
    of = found(learner, few)
    assert of.bad is None and (of.low, of.high) == (0, len(of.images))
    assert "too early to say" in sentence(of, "", 0.95)
    assert sentence(replace(of, draws=1), "", 0.95).endswith("only 1 random one like them was decided.")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"label": "tram"}, "no picture of the class 'tram'"),
        ({"above": 1.0}, "wanted a number between 0 and 1"),
        ({"said": []}, "reject some pictures first"),
    ],
)
def test_what_cannot_be_is_one_sentence(learner, more, said) -> None:
    with pytest.raises(BadInput, match=said):
        found(learner, **more)


def test_one_press_keeps_it_and_one_undo_takes_it_back(store, home: Path, learner) -> None:
    project = filled.scraped(store, home)
    ids = np.array([one.id for one in store.images(project.id)])
    rows = np.where(np.arange(len(ids))[:, None] % 3 == 0, 2.0, 0.1).astype(np.float32)
    of = Described(ids, rows, np.zeros(len(ids), np.int32), rows[:, 0] / 3, np.ones(len(ids), bool), ("coupe",), "x")
    said = [Decision(int(ids[0]), "reject"), Decision(int(ids[1]), "keep"), Decision(int(ids[3]), "reject")]
    store.apply(project.id, Operation(str(uuid.uuid4()), "Ann", tuple(said)))
    kept, applied = accept(store, Learner(of), project, "Ann", above=0.5)
    assert applied.stored == len(kept.images) > 10
    tiles = store.tiles(project.id, kept.images.tolist())
    assert {(tile.verdict, tile.reason) for tile in tiles} == {("keep", TOGETHER)}
    assert store.audit(project.id).unseen == applied.stored and not set(ids[[0, 1, 3]]) & set(kept.images)
    with pytest.raises(BadInput, match="No picture that nobody has seen"):
        accept(store, Learner(of), project, "Ann", above=0.5)
    store.apply(project.id, undo(applied.id, "Ann"))
    assert {tile.verdict for tile in store.tiles(project.id, kept.images.tolist())} == {"undecided"}
