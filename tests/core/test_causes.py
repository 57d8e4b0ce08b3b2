"""A mistake is a wrong label, something else or a hard one."""

from __future__ import annotations

import numpy as np
import pytest

from core.causes import NEAR, Cause, causes, near, usual
from core.evaluate.strange import learn
from core.model import Answer
from core.neighbours import Neighbours

CLASSES = ("coupe", "truck")
COUPE, TRUCK, ELSE = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]


def unit(rows: list[list[float]]) -> np.ndarray:
    array = np.array(rows, np.float32)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


@pytest.fixture
def learned() -> Neighbours:
    """Twenty coupes in one direction, twenty trucks in another, each a little beside it."""
    drawn = np.random.default_rng(5)
    spread = lambda of, n: [(np.array(of) + drawn.normal(0, 0.05, 3)).tolist() for _ in range(n)]  # noqa: E731
    train = unit(spread(COUPE, 20) + spread(TRUCK, 20))
    validation = unit(spread(COUPE, 20) + spread(TRUCK, 20))
    return Neighbours(np.arange(100, 140), np.repeat([0, 1], 20), train.astype(np.float16), validation.astype(np.float16))  # fmt: skip


def one(learned: Neighbours, answer: Answer, seen: list[float]) -> Cause:
    familiar = learn(learned.vectors, learned.labels, learned.validation)
    return causes([answer], unit([seen]), learned, familiar, CLASSES, {"coupe": 0.9, "truck": 0.9})[0]


def test_a_sure_answer_among_pictures_of_that_class_is_a_wrong_label(learned: Neighbours) -> None:
    found = one(learned, Answer(1, "coupe", "truck", 0.97, 0.01), TRUCK)
    assert found.kind == "label"
    assert found.why == (
        "Of the 6 training pictures most like it 6 are called truck, and the model is as sure of that (97%) as of pictures "
        "that are (90% on average)."
    )
    assert {each.label for each in found.near} == {"truck"} and len(found.near) == NEAR


def test_what_is_like_no_training_picture_is_something_else_however_sure_the_answer(learned: Neighbours) -> None:
    assert one(learned, Answer(1, "coupe", "truck", 0.99, 0.01), ELSE).kind == "outside"


def test_an_unsure_answer_is_a_hard_picture(learned: Neighbours) -> None:
    found = one(learned, Answer(1, "coupe", "truck", 0.55, 0.44), TRUCK)
    assert (found.kind, found.why[:25]) == ("hard", "The model is less sure (5")


def test_a_sure_answer_against_its_neighbours_is_a_hard_picture(learned: Neighbours) -> None:
    found = one(learned, Answer(1, "coupe", "truck", 0.99, 0.01), COUPE)
    assert found.kind == "hard" and "mostly called coupe, as it is" in found.why


def test_near_names_image_class_and_likeness_the_most_alike_first(learned: Neighbours) -> None:
    [found] = near(learned, CLASSES, unit([TRUCK]), 3)
    assert all(120 <= each.image < 140 and each.label == "truck" for each in found)
    assert [each.likeness for each in found] == sorted((each.likeness for each in found), reverse=True)


def test_usual_is_the_mean_of_the_own_class_and_leaves_out_what_is_no_class() -> None:
    said = np.array([[0.8, 0.2], [0.6, 0.4], [0.1, 0.9], [0.5, 0.5]])
    found = usual(np.array([0, 0, -1, -1]), said, CLASSES)
    assert found == {"coupe": pytest.approx(0.7)}
