"""Exported models: every file says what the model says, carries its labels, and predict.py answers as the app does."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import BadInput, Damaged, Missing
from core.export import model as exported
from core.export import same
from core.model import ENSEMBLES
from core.predict import Predictor
from core.runs import choose, load_models
from tests.core.export.conftest import end
from tests.drawn import CLASSES, png


@pytest.fixture
def export(store, blobs, settings, project, tmp_path: Path):
    def run(runs=(), to: Path = tmp_path / "out", ensemble: str = "average") -> dict:
        return end(exported.model(store, blobs, settings, project, to, runs, ensemble))

    return run


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def ask(folder: Path, *files: Path) -> dict:
    ran = subprocess.run([sys.executable, "-I", folder / "predict.py", *files], capture_output=True, text=True, cwd="/")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("\n") == 1
    return json.loads(ran.stdout)


def test_it_writes_every_form_of_each_run_and_measures_that_they_say_the_same(export, runs, tmp_path) -> None:
    result = export()
    each = {f"{run}.{end}" for run in runs for end in ("onnx", "pt", "safetensors")}
    assert names(tmp_path / "out") == each | {"labels.json", "predict.py", "MODEL_CARD.md", "export.json"}
    assert {Path(file).name for file in result["files"]} == names(tmp_path / "out") - {"export.json"}
    found = result["same"]
    assert found["images"] == 14 and found["part"] == "val" and found["labels_equal"] == found["known_equal"] == 14
    assert set(found["largest_difference"]) == each | {"predict.py"}
    assert max(found["largest_difference"].values()) < 1e-4


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_predict_py_answers_as_the_app_does(
    export, runs, store, blobs, settings, project, tmp_path: Path, ensemble: str
) -> None:
    export(ensemble=ensemble)
    app = Predictor(load_models(settings, choose(store, project.id, runs)), ensemble)
    files = []
    for record in list(store.images(project.id))[:6]:
        files.append(tmp_path / f"{record.id}.jpg")
        files[-1].write_bytes(blobs.get(record.facts.sha256))
    (tmp_path / "no.jpg").write_bytes(b"<html>")
    said = ask(tmp_path / "out", *files, tmp_path / "no.jpg")
    assert [each["image"] for each in said["images"]] == list(map(str, files))
    assert [each["image"] for each in said["failed"]] == [str(tmp_path / "no.jpg")]
    for each, file in zip(said["images"], files, strict=True):
        ours = app.predict(file.read_bytes())
        assert set(each) == {"image", "label", "confidence", "probabilities", "known", "strangeness", "models"}
        assert (each["label"], each["known"]) == (ours.label, ours.known) and set(each["models"]) == set(ours.models)
        assert each["confidence"] == pytest.approx(ours.confidence, abs=1e-5)
        assert each["strangeness"] == pytest.approx(ours.strangeness, abs=1e-3)
        assert sum(each["probabilities"].values()) == pytest.approx(1) and list(each["probabilities"]) == list(CLASSES)
        for name, p in ours.models.items():
            assert each["models"][name] == pytest.approx(p, abs=1e-5)


def test_the_exported_models_know_none_of_these_by_the_same_vectors(
    export, runs, store, settings, project, home: Path, tmp_path: Path, monkeypatch
) -> None:
    from core.evaluate import strange
    from core.evaluate.strange import learn
    from core.neighbours import FAMILIAR, _write, vectors
    from tests.drawn import drawn

    monkeypatch.setattr(strange, "RIDGE", 1e-4)  # so small a network sees black in a direction that hardly varies
    for number, one in zip(runs, load_models(settings, choose(store, project.id, runs)).values(), strict=True):
        train, validation = (drawn(count, one.size, seed) for count, seed in ((48, 1), (len(one.val_labels), 2)))
        known = learn(vectors(one, train.pixels), train.labels, vectors(one, validation.pixels))
        _write(home / "runs" / str(number) / FAMILIAR, one, known)
    app = Predictor(load_models(settings, choose(store, project.id, runs)))
    found = export()["same"]
    assert found["known_equal"] == 14 and max(found["largest_difference"].values()) < 1e-3
    (tmp_path / "seen.png").write_bytes(png(drawn(1, 160, 2).pixels[0]))
    (tmp_path / "black.png").write_bytes(png(np.zeros((40, 40, 3), np.uint8)))
    said = ask(tmp_path / "out", tmp_path / "seen.png", tmp_path / "black.png")["images"]
    for each in said:
        ours = app.predict(Path(each["image"]).read_bytes())
        assert "logits" not in ours.why and each["known"] == ours.known
        assert each["strangeness"] == pytest.approx(ours.strangeness, abs=1e-3)
    assert not said[1]["known"]


def odd_pictures() -> dict[str, bytes]:
    """Every way in which a picture may come that ends in other pixels where it is read carelessly."""
    rng = np.random.default_rng(0)
    patches = Image.fromarray(rng.integers(0, 255, (40, 50, 3), dtype=np.uint8))
    found: dict[str, bytes] = {}

    def keep(name: str, image: Image.Image, kind: str, **options) -> None:
        out = io.BytesIO()
        image.save(out, kind, **options)
        found[name] = out.getvalue()

    for turned in (1, 3, 6, 8):
        exif = Image.Exif()
        exif[0x0112] = turned
        keep(f"exif-{turned}.jpg", patches.resize((500, 400)), "JPEG", exif=exif, quality=92)
    for width, height in ((900, 1000), (1600, 1200), (700, 800)):
        keep(f"large-{width}.jpg", patches.resize((width, height), Image.Resampling.BICUBIC), "JPEG", quality=92)
    alpha = patches.convert("RGBA")
    alpha.putalpha(Image.fromarray(rng.integers(0, 255, (40, 50), dtype=np.uint8)))
    keep("alpha.png", alpha, "PNG")
    keep("palette.png", patches.quantize(16), "PNG", transparency=3)
    keep("sixteen.png", Image.fromarray(rng.integers(0, 65535, (40, 50), dtype=np.uint16)), "PNG")
    keep("grey.jpg", patches.convert("L").resize((640, 512)), "JPEG")
    keep("cmyk.jpg", patches.convert("CMYK").resize((640, 512)), "JPEG")
    keep("bits.png", patches.convert("1"), "PNG")
    keep("frames.gif", patches, "GIF", save_all=True, append_images=[patches.rotate(90)])
    keep("web.webp", patches, "WEBP", quality=90)
    return found


def test_predict_py_sees_the_pixels_that_the_app_sees(export, runs, store, settings, project, tmp_path: Path) -> None:
    export()
    app = Predictor(load_models(settings, choose(store, project.id, runs)))
    files = []
    for name, data in odd_pictures().items():
        files.append(tmp_path / name)
        files[-1].write_bytes(data)
    said = ask(tmp_path / "out", *files)
    assert not said["failed"]
    for each, file in zip(said["images"], files, strict=True):
        ours = app.predict(file.read_bytes()).models
        apart = max(abs(each["models"][name][label] - p[label]) for name, p in ours.items() for label in p)
        assert apart <= 1e-5, file.name


def test_each_file_carries_its_labels_and_what_is_done_before(export, runs, tmp_path: Path) -> None:
    import onnx
    import torch
    from safetensors import safe_open

    export()
    run = runs[0]
    props = {p.key: p.value for p in onnx.load(tmp_path / "out" / f"{run}.onnx").metadata_props}
    with safe_open(tmp_path / "out" / f"{run}.safetensors", "pt") as file:
        kept = file.metadata()
    extra = {"labels.json": ""}
    torch.jit.load(str(tmp_path / "out" / f"{run}.pt"), _extra_files=extra)
    inside = json.loads(extra["labels.json"])
    assert json.loads(props["classes"]) == json.loads(kept["classes"]) == inside["classes"] == list(CLASSES)
    assert props["size"] == kept["size"] == "24" and inside["size"] == 24 and inside["mean"] == [0.5] * 3
    assert "bicubic" in props["resize"] and float(props["temperature"]) == inside["temperature"]


def test_labels_json_knows_every_ensemble_of_the_app(export, runs, tmp_path: Path) -> None:
    export()
    said = json.loads((tmp_path / "out" / "labels.json").read_text())
    assert set(said["ensembles"]) == set(ENSEMBLES) and said["classes"] == list(CLASSES)
    assert [each["file"] for each in said["members"]] == [f"{run}.onnx" for run in runs]
    assert said["ensembles"]["average"]["weights"] == [0.5, 0.5] and len(said["ensembles"]["priority"]["trust"]) == 2


def test_what_a_killed_export_left_goes_with_the_next_one(export, runs, tmp_path: Path) -> None:
    (tmp_path / "out" / f"export.{'0' * 32}.part").mkdir(parents=True)
    (tmp_path / "out" / f"export.{'0' * 32}.part" / "1.onnx").touch()
    export([runs[0]])
    assert not list((tmp_path / "out").glob("*.part"))


def test_other_runs_take_the_place_of_the_earlier_ones(export, runs, tmp_path: Path) -> None:
    export()
    export([runs[1]])
    there = {f"{runs[1]}.{end}" for end in ("onnx", "pt", "safetensors")}
    assert names(tmp_path / "out") == there | {"labels.json", "predict.py", "MODEL_CARD.md", "export.json"}


def test_the_card_tells_figures_with_intervals_and_what_agrees(export, runs, store, project, tmp_path: Path) -> None:
    export()
    said = (tmp_path / "out" / "MODEL_CARD.md").read_text()
    for part in ("tiny24", "95 % interval", "average", "| red |", "The test part was never opened", "Split 1 of cars",
                 "largest difference", "predict.py", "`known`", "CC BY 4.0"):  # fmt: skip
        assert part in said, part
    assert "It learned from crops" not in said


def test_a_model_that_learned_from_crops_says_so(export, runs, store, settings, project, tmp_path: Path) -> None:
    from dataclasses import replace

    from core.export import model_card
    from core.model import Cropping

    loaded = load_models(settings, choose(store, project.id, runs))
    cropped = {name: replace(one, crop=Cropping("yolo", ("car", "truck"))) for name, one in loaded.items()}
    said = model_card._limits(cropped, {})
    assert (
        "**It learned from crops**: the detector yolo cut out car, truck first" in said and "the whole picture" in said
    )


def test_what_the_test_part_told_stands_in_the_card(export, runs, store, project, tmp_path: Path) -> None:
    from tests.pages import filled

    _, claim = filled.begin(store, project, "evaluate")
    one = {"accuracy": 0.5, "accuracy_interval": [0.15, 0.85], "macro_f1": 0.4, "weighted_f1": 0.45}
    result = {"models": {"tiny24": one, "tiny32": one, "average": one, "priority": one}, "split": 1,
              "runs": {"tiny24": runs[0], "tiny32": runs[1]}}  # fmt: skip
    store.add_evaluation(claim, project.id, runs, "test", result, [])
    export()
    said = (tmp_path / "out" / "MODEL_CARD.md").read_text()
    assert said.count("| 50.0% | 15.0% to 85.0% | 0.400 | 0.450 |") == 4 and "opened once" in said


def test_a_file_that_says_something_else_fails_the_export_by_name_and_leaves_nothing(
    export, runs, tmp_path: Path, monkeypatch
) -> None:
    real = exported.network

    def wrong(one):
        made = real(one)
        made.std *= 3
        return made

    monkeypatch.setattr(exported, "network", wrong)
    said = rf"{runs[0]}\.onnx does not say what the model says: on 14 pictures a probability, or how strange it is, differs by up to 0\.\d+"
    with pytest.raises(Damaged, match=said):
        export()
    assert names(tmp_path / "out") == set()


def test_a_difference_that_is_no_number_is_no_agreement() -> None:
    found = same.Found(same.Looked("val"))
    with pytest.raises(Damaged):
        found.add("1.onnx", float("nan"), same.PIXELS)


def test_what_cannot_be_exported_is_a_sentence(export, store, home: Path, project, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="There is no trained model yet"):
        export()
    with pytest.raises(BadInput, match="Ensemble 'median' is not known: choose one of average"):
        export(ensemble="median")


def test_a_checkpoint_that_is_gone_is_said(export, runs, home: Path, tmp_path: Path) -> None:
    shutil.rmtree(home / "runs" / str(runs[0]))
    with pytest.raises(Missing, match=r"checkpoint\.json is not there"):
        export()
    assert names(tmp_path / "out") == set()


def test_without_a_picture_to_compare_on_nothing_is_exported(export, runs, home: Path, tmp_path: Path) -> None:
    shutil.rmtree(home / "images")
    with pytest.raises(Missing, match="None of the pictures of split 1 can be read"):
        export()
    assert names(tmp_path / "out") == set()


def test_another_export_in_the_folder_is_not_written_over(export, runs, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "labels.json").write_text("mine")
    with pytest.raises(BadInput, match=r"holds a file 'labels\.json' already"):
        export()
    assert (tmp_path / "out" / "labels.json").read_text() == "mine"
