"""Wrong labels and strangers planted among clouds of vectors are found, and what is right is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from core.clean import classes, labels, outliers
from core.clean.outliers import strangeness

DIMS = 64


def clouds(sizes: dict[str, int], seed: int = 0, spread: float = 0.5) -> tuple[np.ndarray, list[str], list[int]]:
    """Vectors around a middle of each class, on the unit sphere, as float16; their labels; image ids from 100."""
    rng = np.random.default_rng(seed)
    rows, names = [], []
    for name, size in sizes.items():
        middle = rng.normal(size=DIMS)
        rows.append(middle / np.linalg.norm(middle) + rng.normal(size=(size, DIMS)) * spread / np.sqrt(DIMS))
        names += [name] * size
    vectors = np.concatenate(rows)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float16), names, list(range(100, 100 + len(names)))


def found(kind: str, *args: object, **more: object) -> dict[int, labels.Finding]:
    return {one.image: one for one in labels.issues(*args, **more) if one.kind == kind}  # pyright: ignore


def test_a_planted_wrong_label_is_found_with_the_right_class_and_its_evidence_in_the_note() -> None:
    vectors, names, ids = clouds({"Cayenne": 60, "Macan": 60, "Panamera": 60})
    names[5] = "Panamera"
    said = found("label_issue", vectors, names, ids)
    assert set(said) == {105}
    assert said[105].note.startswith("looks more like Cayenne (")
    assert said[105].looks_like is not None and said[105].looks_like[0] == "Cayenne" and said[105].looks_like[1] > 0.4
    assert said[105].note.endswith("of the 10 most similar pictures are Cayenne")
    assert said[105].score >= (1 + labels.LEAD) / 2


def test_right_labels_give_no_label_issue() -> None:
    assert not found("label_issue", *clouds({"Cayenne": 60, "Macan": 60, "Panamera": 60}))


def test_copies_with_the_same_wrong_label_do_not_speak_for_each_other() -> None:
    vectors, names, ids = clouds({"Cayenne": 60, "Macan": 60})
    vectors[:12] = vectors[0]
    names[:12] = ["Macan"] * 12
    together = dict.fromkeys(ids[:12], "near_duplicate-100")
    assert set(found("label_issue", vectors, names, ids, together)) == set(ids[:12])
    assert not found("label_issue", vectors, names, ids), "without their group they vouch for each other"


def test_a_stranger_is_far_from_its_class_and_its_place_is_named() -> None:
    vectors, names, ids = clouds({"Cayenne": 80, "Macan": 80})
    rng = np.random.default_rng(9)
    stranger = rng.normal(size=(1, DIMS))
    vectors[7] = (stranger / np.linalg.norm(stranger)).astype(np.float16)
    said = found("far_from_class", vectors, names, ids)
    assert max(said, key=lambda image: said[image].score) == 107
    assert said[107].note == "unlike the other pictures of Cayenne: number 1 of 80, the strangest first"
    assert len(said) <= 0.05 * len(ids), "few others are flagged"


def test_one_class_has_no_label_issues_but_strangers() -> None:
    vectors, names, ids = clouds({"Cayenne": 60, "junk": 1})
    said = list(labels.issues(vectors, ["Cayenne"] * 61, ids))
    assert {one.kind for one in said} == {"far_from_class"}
    assert said[-1].image == ids[-1]


def test_classes_of_fewer_than_five_are_left_out_with_a_sentence() -> None:
    vectors, names, ids = clouds({"Cayenne": 40, "Macan": 40, "rare": 4})
    names[3] = "Macan"
    said = list(labels.issues(vectors, names, ids))
    assert 103 in {one.image for one in said}
    assert not {one.image for one in said} & set(ids[80:])
    assert labels.left_out(names, ids) == {
        "rare": "Class 'rare' has only 4 of the at least 5 different photos that it takes to know its look."
    }


def test_copies_count_as_one_photo_of_their_class() -> None:
    """Else each of them would be called wrong: who has only copies of his own has nobody to speak for him."""
    vectors, names, ids = clouds({"Cayenne": 40, "Macan": 40, "copies": 20})
    vectors[80:] = vectors[80]
    together = dict.fromkeys(ids[80:], "near_duplicate-180")
    assert not {one.image for one in labels.issues(vectors, names, ids, together)} & set(ids[80:])
    assert "only 1 of the at least 5" in labels.left_out(names, [together.get(i, i) for i in ids])["copies"]


@pytest.mark.parametrize("sizes", [{}, {"one": 1}, {"few": 4, "fewer": 2}])
def test_nothing_is_said_of_too_little(sizes: dict[str, int]) -> None:
    vectors, names, ids = clouds(sizes) if sizes else (np.empty((0, 0), np.float16), [], [])
    assert list(labels.issues(vectors, names, ids)) == []


@pytest.mark.parametrize("sizes", [{"five": 5}, {"five": 5, "six": 6}, {"large": 200, "five": 5}])
def test_small_classes_give_findings_that_are_numbers(sizes: dict[str, int]) -> None:
    vectors, names, ids = clouds(sizes)
    assert all(0.5 <= one.score <= 1 for one in labels.issues(vectors, names, ids))


def test_equal_vectors_are_no_reason_to_fail() -> None:
    vectors = np.tile(np.eye(1, DIMS, dtype=np.float16), (30, 1))
    assert list(labels.issues(vectors, ["one"] * 15 + ["two"] * 15, list(range(30)))) == []


def test_the_same_input_gives_the_same_findings() -> None:
    vectors, names, ids = clouds({"Cayenne": 50, "Macan": 50, "Panamera": 50}, spread=1.5)
    names[4], names[70] = "Macan", "Panamera"
    first = list(labels.issues(vectors, names, ids))
    assert first
    assert first == list(labels.issues(vectors, names, ids))


def test_every_score_is_between_a_half_and_one_and_float32_is_welcome() -> None:
    vectors, names, ids = clouds({"Cayenne": 50, "Macan": 50}, spread=1.0)
    names[:3] = ["Macan"] * 3
    said = list(labels.issues(vectors.astype(np.float32), names, ids))
    assert said
    assert all(0.5 <= one.score <= 1 and one.by == "embedding" and not one.group for one in said)


def test_what_is_worked_on_by_blocks_is_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, names, ids = clouds({"Cayenne": 70, "Macan": 60, "Panamera": 50, "rare": 2})
    names[5] = "Panamera"
    vectors[90] = np.eye(DIMS)[0]
    whole = list(labels.issues(vectors, names, ids))
    for module in (classes, outliers):
        monkeypatch.setattr(module, "BLOCK", 8)
    parts = list(labels.issues(vectors, names, ids))
    assert [(one.image, one.kind, one.note) for one in parts] == [(one.image, one.kind, one.note) for one in whole]
    assert [one.score for one in parts] == pytest.approx([one.score for one in whole], abs=1e-3)
    assert {one.kind for one in whole} == {"label_issue", "far_from_class"}


def test_principal_components_are_those_of_numpy_and_whitened_ones_have_one_spread_and_length() -> None:
    vectors = clouds({"one": 300, "two": 200}, spread=2.0)[0].astype(np.float32)
    some = np.arange(0, 500, 2)
    rows = classes.reduced(vectors, some, dimensions=16)
    left, values, _ = np.linalg.svd(vectors[some] - vectors[some].mean(0), full_matrices=False)
    expected = left[:, :16] * values[:16]
    np.testing.assert_allclose(rows @ rows.T, expected @ expected.T / values[0] ** 2 * len(some), atol=1e-3)
    white = classes.whitened(rows)
    np.testing.assert_allclose(np.linalg.norm(white, axis=1), 1, atol=1e-5)
    scaled = rows / rows.std(0)
    np.testing.assert_allclose(white, scaled / np.linalg.norm(scaled, axis=1, keepdims=True), atol=1e-4)


def test_folds_hold_copies_together_and_spread_every_class() -> None:
    of = np.repeat([0, 1, 2], 40)
    copies = np.arange(120)
    copies[[3, 50, 90]] = 3
    fold = classes.dealt(of, copies, 5)
    assert fold[3] == fold[50] == fold[90]
    assert all(np.bincount(fold[of == c], minlength=5).min() >= 6 for c in range(3))


def test_what_is_said_of_a_picture_was_learned_without_its_label() -> None:
    vectors, names, _ = clouds({"one": 40, "two": 40, "three": 40}, spread=2.0)
    rows = classes.reduced(vectors)
    of = np.unique(names, return_inverse=True)[1]
    copies = np.arange(len(of))
    fold = classes.dealt(of, copies)
    changed = of.copy()
    changed[fold == 0] = 0  # nobody in another fold is asked about these
    before, after = (classes.discriminants(rows, y, fold)(np.flatnonzero(fold == 0)) for y in (of, changed))
    np.testing.assert_array_equal(before.argmax(1), after.argmax(1))


def test_neighbours_are_looked_for_in_a_bank_that_holds_every_class(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, names, ids = clouds({"large": 300, "small": 30, "other": 60})
    names[5] = "small"
    monkeypatch.setattr(classes, "BANK", 90)
    of = np.unique(names, return_inverse=True)[1]
    assert np.bincount(of[classes._bank(of)]).min() == 30
    assert 105 in found("label_issue", vectors, names, ids)


def test_strangeness_is_one_at_the_ninth_decile_of_a_large_class() -> None:
    vectors, names, _ = clouds({"one": 400, "two": 400}, spread=1.0)
    rows = classes.reduced(vectors)
    of = np.unique(names, return_inverse=True)[1]
    strange = strangeness(rows, classes.whitened(rows), of, np.arange(800))
    for c in (0, 1):
        assert abs(np.median(strange[of == c])) < 0.1
        assert 0.8 < np.quantile(strange[of == c], 0.9) < 1.2
