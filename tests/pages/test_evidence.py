"""Explain and Predict on real checkpoints: small networks that learned three colours within seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import neighbours, runs, steps
from core.blobs import Blobs
from core.engine.serial import Serial
from core.model import Decision, Job, Operation, Recipe
from core.settings import load
from core.train import fit
from db.store import Store
from tests import drawn
from tests.pages import filled
from tests.pages.conftest import button, plain, words
from tests.pretrained import SMALL

pytestmark = pytest.mark.slow


@pytest.fixture
def models(store: Store, home: Path) -> list[int]:
    """Two runs of a project, with a checkpoint each."""
    project = filled.scraped(store, home, "colours", drawn.CLASSES)
    filled.split(store, project)
    numbers = filled.trained(store, project, ("vgg75-bn", "vgg75"))
    for run, name in zip(numbers, ("vgg75-bn", "vgg75"), strict=True):
        drawn.trained(name, runs.run_folder(load(), run), epochs=1)
    return numbers


def test_explain_draws_maps_for_each_picture_and_model_with_their_scores(
    models: list[int], screen: Callable[..., AppTest]
) -> None:
    shown = screen("explain", project="colours")
    button(shown, "Explain").click().run(timeout=240)
    said = plain(shown)
    assert said.count("vgg75-bn says") == said.count("vgg75 says") == 6
    [part] = [box for box in shown.selectbox if box.label == "Part"]
    assert part.options == ["Validation", "Train"], "the test part stays closed"
    assert "SHAP: teal speaks for the class, rust against it" in said
    assert "Guided saliency, Grad-CAM: teal mattered" in said
    for title in ("SHAP", "Guided saliency", "Grad-CAM"):
        assert said.count(f"**{title}**  \ndeletion ") == 12
    assert said.count("a random order has deletion") == 12


def test_the_classes_explained_are_the_likeliest_or_chosen(models: list[int], screen: Callable[..., AppTest]) -> None:
    shown = screen("explain", project="colours")
    explainers = next(one for one in shown.multiselect if one.label == "Explained by")
    explainers.set_value(["saliency"])
    shown.button_group(key="top").set_value(3).run()
    button(shown, "Explain").click().run(timeout=120)
    assert plain(shown).count("For red, ") == 12
    shown.button_group(key="top").set_value(0).run()
    shown.multiselect(key="classes").set_value(["green"]).run()
    button(shown, "Explain").click().run(timeout=120)
    assert plain(shown).count("**Saliency**") == 12


def test_without_a_way_to_explain_there_is_nothing_to_press(models: list[int], screen: Callable[..., AppTest]) -> None:
    shown = screen("explain", project="colours")
    next(one for one in shown.multiselect if one.label == "Explained by").set_value([]).run()
    assert button(shown, "Explain").disabled
    assert "Choose what to explain by" in plain(shown)


def test_whole_classes_are_a_job_and_its_result_says_which_explanation_to_believe(
    models: list[int], screen: Callable[..., AppTest], store: Store
) -> None:
    shown = screen("explain", project="colours")
    shown.button_group(key="what").set_value("Whole classes").run(timeout=60)
    assert "about" in plain(shown) and "appear here" in plain(shown)
    next(one for one in shown.multiselect if one.label == "Explained by").set_value(["saliency", "gradcam"]).run(
        timeout=60
    )
    shown.number_input(key="set-each").set_value(2).run(timeout=60)
    button(shown, "Look at them").click().run(timeout=60)
    [job] = store.jobs(verb="explain")
    assert job.params == {
        "runs": sorted(models),
        "explainers": ["saliency", "gradcam"],
        "part": "val",
        "classes": [],
        "each": 2,
    }
    finished(store, job)
    shown.run(timeout=60)
    said = plain(shown)
    assert len(shown.get("plotly_chart")) == 1 and "The further right a dot" in said
    assert said.count("on these pictures") == 2
    assert all(f"**{label}**" in said for label in drawn.CLASSES)
    runs.delete_files(store, load(), store.project("colours").id, models[0])
    assert "The maps of vgg75-bn are gone" in words(shown.run(timeout=60)).replace("\\", "")


def finished(store: Store, job: Job) -> None:
    """The job as a worker runs it."""
    taken = store.claim("here", 3600)
    assert taken and taken[0].id == job.id
    context = steps.Context(store, Blobs(load().storage), Serial(), load(), *taken, store.project("colours"))
    step = steps.STEPS[job.verb](context, **job.params)
    while True:
        try:
            next(step)
        except StopIteration as end:
            store.finish(taken[1], "done", end.value)
            return


def test_what_cannot_be_had_for_a_network_is_said_beside_it(
    store: Store, home: Path, screen: Callable[..., AppTest]
) -> None:
    project = filled.scraped(store, home, "colours", drawn.CLASSES)
    filled.split(store, project)
    recipe = Recipe(SMALL, scratch=True, size=64, epochs=1, batch=12, augment=())
    [run] = filled.trained(store, project, (SMALL,))
    pictures = (drawn.drawn(24, 64, 1), drawn.drawn(12, 64, 2))
    for _ in fit(recipe, drawn.CLASSES, *pictures, runs.run_folder(load(), run), "cpu", threads=1, split=1):
        pass
    shown = screen("explain", project="colours")
    chosen = next(one for one in shown.multiselect if one.label == "Explained by")
    assert chosen.value == ["shap-gradient", "guided", "gradcam"], "DeepLIFT has no rule for most networks of timm"
    chosen.set_value(["shap", "guided", "gradcam"]).run()
    button(shown, "Explain").click().run(timeout=240)
    said = plain(shown)
    assert said.count("Not by SHAP: SHAP by DeepLIFT has no rule for a") == 6
    assert said.count("Not by Guided saliency: The network has ") == 6
    assert said.count("**Grad-CAM**") == 6


def test_predict_answers_each_upload_and_says_what_is_no_picture(
    models: list[int], screen: Callable[..., AppTest]
) -> None:
    shown = screen("predict", project="colours")
    picture = drawn.png(drawn.drawn(3, 75, 5).pixels[0])
    shown.file_uploader[0].set_value([("a.png", picture, "image/png"), ("b.png", b"<html>", "image/png")]).run(
        timeout=120
    )
    assert not shown.exception
    said = words(shown).replace("\\", "")
    assert "ms in all" in said
    assert len(shown.error) == 1
    assert "b.png" in shown.error[0].value.replace("\\", "")
    assert len(shown.get("plotly_chart")) == 1
    shown.toggle[0].set_value(True).run(timeout=120)
    assert "vgg75-bn says" in words(shown).replace("\\", "")


def test_an_address_of_this_machine_is_refused_in_one_sentence(
    models: list[int], screen: Callable[..., AppTest]
) -> None:
    shown = screen("predict", project="colours")
    shown.button_group(key="way").set_value("A web address").run()
    shown.text_input(key="url").set_value("http://169.254.169.254/latest").run(timeout=60)
    assert not shown.exception
    assert "169.254.169.254" in shown.error[0].value.replace("\\", "")


def test_a_damaged_checkpoint_is_one_sentence(models: list[int], screen: Callable[..., AppTest]) -> None:
    [weights] = runs.run_folder(load(), models[0]).glob("model-*.safetensors")
    data = bytearray(weights.read_bytes())
    data[-10] ^= 1
    weights.write_bytes(data)
    shown = screen("explain", project="colours")
    next(b for b in shown.button if b.label == "Explain").click().run(timeout=60)
    assert not shown.exception
    assert len(shown.error) == 1


def evaluated(store: Store, models: list[int]) -> None:
    """Both models on the validation part, after they looked at what they learned from."""
    store.submit("evaluate", {"runs": models, "part": "val"}, store.project("colours").id)
    finished(store, store.jobs(verb="evaluate")[0])


def test_each_mistake_stands_with_what_it_comes_from_and_the_way_to_its_review(
    models: list[int], screen: Callable[..., AppTest], store: Store
) -> None:
    evaluated(store, models)
    shown = screen("evaluate", project="colours", chapter="Mistakes").run(timeout=120)
    said = plain(shown)
    wrong = store.answers(store.evaluations(1)[0].id, "average", wrong=True)
    assert f"The {len(wrong)} mistakes in which the true class got least." in said
    assert said.count("Called **") == len(wrong) and "(as vgg75" in said
    kinds = [said.count(words) for words in ("perhaps a wrong label**", "perhaps something else**", "a hard one**")]
    assert sum(kinds) == len(wrong)
    gone = store.images_by_id(1, [wrong[0].image])[0]
    store.apply(1, Operation("9c5b94b1-35ad-49bb-b118-8e8fc24abf80", "ann", (Decision(gone.id, "reject"),)))
    assert "**It is rejected now.**" in plain(
        screen("evaluate", project="colours", chapter="Mistakes").run(timeout=120)
    )


def test_where_the_training_pictures_are_not_known_to_the_run_evaluating_is_asked_for(
    models: list[int], screen: Callable[..., AppTest], store: Store
) -> None:
    evaluated(store, models)
    for run in models:
        (runs.run_folder(load(), run) / neighbours.FILE).unlink()
    shown = screen("evaluate", project="colours", chapter="Mistakes").run(timeout=120)
    assert "evaluate again to see where mistakes come from" in plain(shown)
