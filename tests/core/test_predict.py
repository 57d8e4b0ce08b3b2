"""Predicting: bytes in, what each model and both ensembles say out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from core.checkpoint import Model
from core.errors import BadInput, Permanent
from core.evaluate import Ensemble, answer, score
from core.predict import Predictor
from tests.drawn import CLASSES, drawn, png, tiny_backbones, trained


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Model]]:
    folder = tmp_path_factory.mktemp("models")
    with tiny_backbones():
        yield {name: trained(name, folder / name, epochs=2) for name in ("tiny24", "tiny32")}


@pytest.fixture(scope="module")
def data() -> bytes:
    return png(drawn(1, 160, 5).pixels[0])


def test_a_prediction_names_every_model_and_each_ensemble(models: dict[str, Model], data: bytes) -> None:
    said = Predictor(models).predict(data)
    assert set(said.models) == {"tiny24", "tiny32", "average", "priority", "weighted"}
    assert all(set(p) == set(CLASSES) and sum(p.values()) == pytest.approx(1) for p in said.models.values())
    assert said.probabilities == said.models["average"]
    assert said.label == max(said.probabilities, key=said.probabilities.get)
    assert said.confidence == said.probabilities[said.label] and said.seconds > 0


def test_the_chosen_ensemble_has_the_word(models: dict[str, Model], data: bytes) -> None:
    said = Predictor(models, "priority").predict(data)
    assert said.probabilities == said.models["priority"]
    assert said.models["priority"] in (said.models["tiny24"], said.models["tiny32"])


def test_one_model_alone_is_its_own_ensemble(models: dict[str, Model], data: bytes) -> None:
    said = Predictor({"only": models["tiny24"]}).predict(data).models
    assert said["only"] == said["average"] == said["priority"] == said["weighted"]


def test_a_picture_gets_the_same_word_alone_and_in_an_evaluation(models: dict[str, Model]) -> None:
    from core.pixels import squares

    files, labels = [png(p) for p in drawn(12, 160, 6).pixels], np.arange(12) % 3
    pixels = {size: np.stack([squares(file, [size])[0] for file in files]) for size in (24, 32)}
    scores = {name: score(labels, p, CLASSES) for name, p in answer(models, Ensemble(models), pixels)[0].items()}
    guesses = [Predictor(models).predict(file).models for file in files]
    assert set(scores) == set(guesses[0])
    for name, got in scores.items():
        right = sum(max(g[name], key=g[name].get) == CLASSES[i] for g, i in zip(guesses, labels, strict=True))
        assert got["accuracy"] == pytest.approx(right / 12)


def test_validation_pictures_are_mostly_known_and_a_low_score_is_none_of_these(models: dict[str, Model]) -> None:
    predictor = Predictor({"only": models["tiny24"]})
    known = [predictor.predict(png(p)).known for p in drawn(24, 24, 2).pixels]  # what it was calibrated on
    assert np.mean(known) >= 0.9
    predictor._together.strange.limit = -99.0
    said = predictor.predict(png(drawn(1, 24, 2).pixels[0]))
    assert not said.known and 0 <= said.strangeness <= 1
    assert "stranger to the models than " in said.why and "5 of 100" in said.why
    assert "judged by the logits alone" in said.why, "its training pictures were never looked at"


def test_bytes_that_are_no_picture_are_refused_in_a_sentence(models: dict[str, Model]) -> None:
    with pytest.raises(Permanent) as error:
        Predictor(models).predict(b"<html>not here</html>")
    assert error.value.reason == "not an image" and len(str(error.value)) > 20


def test_an_unknown_ensemble_names_the_known_ones(models: dict[str, Model]) -> None:
    with pytest.raises(BadInput, match="'median'.*average, priority"):
        Predictor(models, "median")


def test_a_model_that_is_familiar_with_its_pictures_judges_by_them(
    models: dict[str, Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from core.evaluate import strange
    from core.evaluate.strange import learn
    from core.neighbours import vectors

    monkeypatch.setattr(strange, "RIDGE", 1e-4)  # so small a network sees black in a direction that hardly varies
    one = models["tiny24"]
    train, validation = drawn(48, 24, 1), drawn(24, 24, 2)
    known = learn(vectors(one, train.pixels), train.labels, vectors(one, validation.pixels))
    predictor = Predictor({"only": replace(one, familiar=known)})
    said = [predictor.predict(png(p)) for p in validation.pixels]
    assert [s.known for s in said].count(False) == 0, "of 24 the limit lies above the 24th"
    assert sorted(s.strangeness for s in said) == pytest.approx(np.linspace(0, 1, 24), abs=0.01)
    before = Predictor({"only": one}).predict(png(validation.pixels[0]))
    assert said[0].probabilities == pytest.approx(before.probabilities, abs=1e-6) and "logits" not in said[0].why
    black = predictor.predict(png(np.zeros((24, 24, 3), np.uint8)))
    assert black.strangeness == 1 and not black.known
