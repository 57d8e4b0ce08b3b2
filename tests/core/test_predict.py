"""Predicting: bytes in, what each model and both ensembles say out."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.checkpoint import Model
from core.errors import BadInput, Permanent, Refused
from core.evaluate import Ensemble, answer, score
from core.model import Cropping, Prediction
from core.predict import AT_ONCE, Predictor, cropper
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


def huge() -> bytes:
    """A PNG that says it has 20000 x 20000 px, in some bytes."""
    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    )


def test_many_pictures_get_the_word_that_each_gets_alone_in_their_order(models: dict[str, Model]) -> None:
    files = [png(p) for p in drawn(AT_ONCE + 9, 60, 4).pixels]
    predictor = Predictor(models)
    together = list(predictor.ask((str(i), data) for i, data in enumerate(files)))
    assert [asked.name for asked in together] == [str(i) for i in range(len(files))]
    for asked, data in zip(together, files, strict=True):
        alone = predictor.predict(data)
        assert isinstance(asked.said, Prediction) and (asked.said.label, asked.said.known) == (alone.label, alone.known)
        for name, said in alone.models.items():
            assert asked.said.models[name] == pytest.approx(said, abs=1e-5)
        assert asked.square is not None and asked.square.shape == (24, 24, 3) and asked.shape == (60, 60)


@pytest.mark.parametrize(("data", "reason"), [
    (png(np.zeros((1, 1, 3), np.uint8)), "too small"),
    (png(np.zeros((7, 300, 3), np.uint8)), "too small"),
    (huge(), "too many pixels"),
    (b"a line of text", "not an image"),
    (b"\0\0\0\x18ftypmp42" + bytes(500), "not an image"),
    (b"", "not an image"),
    (b"\xff\xd8\xff\xe0" + bytes(50), "damaged"),
    (b"x" * (20 * 2**20 + 1), "too large"),
])  # fmt: skip
def test_what_is_no_picture_is_one_sentence_and_the_others_go_on(
    models: dict[str, Model], data: bytes, reason: str
) -> None:
    good = png(drawn(1, 60, 3).pixels[0])
    first, bad, last = Predictor(models).ask([("a", good), ("b", data), ("c", good)])
    assert isinstance(bad.said, Permanent) and bad.said.reason == reason and str(bad.said).endswith(".")
    assert isinstance(first.said, Prediction) and isinstance(last.said, Prediction)
    assert first.said.label == last.said.label


def test_what_could_not_be_had_keeps_its_reason(models: dict[str, Model]) -> None:
    [asked] = Predictor(models).ask([("a", Refused("timeout", "It took too long."))])
    assert isinstance(asked.said, Refused) and str(asked.said) == "It took too long."


def test_no_more_is_read_ahead_than_is_asked_about_together(models: dict[str, Model], data: bytes) -> None:
    taken = []
    source = ((str(i), taken.append(i) or data) for i in range(10 * AT_ONCE))
    answers = Predictor(models).ask(source)
    next(answers)
    assert len(taken) == AT_ONCE
    heavy = ((str(i), taken.append(i) or b"x" * 2**25) for i in range(10))  # no picture, and each of them large
    next(Predictor(models).ask(heavy))
    assert len(taken) == AT_ONCE + 3


@pytest.mark.slow
def test_a_picture_is_cropped_as_in_training_unless_the_whole_of_it_is_wanted(
    models: dict[str, Model], data: bytes, test_data: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from core.settings import load

    monkeypatch.setenv("WINNOW_WEIGHTS", str(test_data / "weights"))
    learned = replace(models["tiny24"], crop=Cropping("yolo", ("car",)))
    crop = cropper([learned], load())
    assert crop is not None and cropper([models["tiny24"]], load()) is None
    photos = [path.read_bytes() for path in sorted((test_data / "data" / "seat").rglob("*.jpg"))[:3]]
    predictor = Predictor({"only": learned}, crop=crop)
    cropped = [predictor.predict(photo) for photo in photos]
    assert all(said.box and said.box == crop(photo) for said, photo in zip(cropped, photos, strict=True))
    together = list(predictor.ask([("0", photos[0]), ("x", b"<html>"), ("1", photos[1]), ("drawn", data)]))
    boxes = [asked.said.box for asked in together if isinstance(asked.said, Prediction)]
    assert boxes == [cropped[0].box, cropped[1].box, None], "where nothing is found the picture stays whole"
    left, top, right, bottom = cropped[0].box or (0, 0, 0, 0)
    assert together[0].shape == (right - left, bottom - top)
    whole = predictor.predict(photos[0], whole=True)
    assert whole.box is None and whole.probabilities == Predictor({"only": learned}).predict(photos[0]).probabilities
    assert whole.probabilities != cropped[0].probabilities
