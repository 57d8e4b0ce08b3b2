"""Explain and Predict on real checkpoints: small networks that learned three colours within seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import runs
from core.settings import load
from db.store import Store
from tests import drawn
from tests.pages import filled
from tests.pages.conftest import words

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


def test_explain_draws_a_map_for_each_picture_and_model(models: list[int], screen: Callable[..., AppTest]) -> None:
    shown = screen("explain", project="colours")
    next(b for b in shown.button if b.label == "Explain").click().run(timeout=120)
    assert not shown.exception
    said = words(shown).replace("\\", "")
    assert said.count("vgg75-bn says") == said.count("vgg75 says") == 6
    [part] = [box for box in shown.selectbox if box.label == "Part"]
    assert part.options == ["Validation", "Train"], "the test part stays closed"
    assert "Teal speaks for the class" in said


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
