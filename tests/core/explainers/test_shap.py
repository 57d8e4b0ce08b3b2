"""SHAP: the numbers of the reference implementation, sums that add up, and under a second."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core.backbones import BACKBONES
from core.checkpoint import Model, folded
from core.errors import BadInput
from core.explainers import explain
from core.explainers.shap import shap
from core.pixels import squares, tensor
from tests.drawn import CLASSES, drawn, trained

DATA = Path(os.environ.get("WINNOW_TEST_DATA", "../shared")) / "data" / "sneakers"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return trained("vgg75-bn", tmp_path_factory.mktemp("model"), epochs=3)


def untrained(name: str) -> nn.Sequential:
    """With batch-norm statistics that are not 0 and 1, and weights large enough for outputs that differ."""
    torch.manual_seed(0)
    kind = BACKBONES[name]
    net = kind.build(4, kind.size).train()
    with torch.no_grad():
        net(torch.randn(8, 3, kind.size, kind.size))
        net.logits.weight.normal_(0, 0.1)
    return net.eval()


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize("name", ["vgg75", "vgg75-bn"])
def test_it_gives_the_numbers_of_the_reference(name: str, fold: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own imports and hooks
        from shap import DeepExplainer

        net, size = untrained(name), BACKBONES[name].size
        pixels = drawn(7, size, 1).pixels
        x, background = (tensor(part, (0.5,) * 3, (0.25,) * 3, "cpu") for part in (pixels[:1], pixels[1:]))
        reference = DeepExplainer(net, background).shap_values(x, check_additivity=False)  # (1, 3, S, S, C)
    heat, _ = shap(folded(net) if fold else net, x, [0, 3], background)
    expected = np.moveaxis(reference[0].sum(axis=0)[..., [0, 3]], -1, 0)
    assert heat.shape == (2, size, size) and heat.dtype == np.float32
    assert np.abs(heat - expected).max() < 1e-3 * np.abs(expected).max()


@pytest.mark.parametrize("name", BACKBONES)
def test_heat_adds_up_to_the_difference_of_the_output(name: str) -> None:
    net, size = untrained(name), BACKBONES[name].size
    x, background = (tensor(drawn(n, size, n).pixels, (0.5,) * 3, (0.25,) * 3, "cpu") for n in (1, 5))
    heat, sums = shap(net, x, [0, 1, 2, 3], background)
    with torch.no_grad():
        expected = (net(x) - net(background).mean(0))[0].numpy()
    assert sums == pytest.approx(expected, abs=1e-4)
    assert heat.sum((1, 2)) == pytest.approx(expected, rel=0.01, abs=1e-4)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the sneaker photos of WINNOW_TEST_DATA ({DATA})")
def test_on_ten_real_photos_the_additivity_error_is_under_a_percent(model: Model) -> None:
    photos = sorted(DATA.rglob("*.jpg"))[::280][:10]
    assert len(photos) == 10
    for photo in photos:
        for seen in explain(model, 1, squares(photo.read_bytes(), [75])[0], CLASSES, samples=10):
            assert seen.additivity < 0.01


def test_an_explanation_holds_the_picture_the_heat_and_the_time(model: Model) -> None:
    picture = drawn(3, 75, 9).pixels[1]
    seen = explain(model, 4, picture, ["green", "red"], samples=5)
    assert [e.label for e in seen] == ["green", "red"] and {e.run for e in seen} == {4}
    for e in seen:
        assert e.heat.shape == (75, 75) and np.array_equal(e.pixels, picture) and e.seconds > 0 and e.additivity < 0.01


def test_explaining_leaves_the_net_as_it_was(model: Model) -> None:
    picture = drawn(3, 75, 9).pixels[:1]
    before = model.probabilities(picture)
    explain(model, 1, picture[0], ["red"], samples=3)
    assert np.array_equal(model.probabilities(picture), before)
    assert not any(module._forward_hooks for module in model.net.modules())


def test_a_layer_without_a_rule_is_refused_not_wrong() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(27, 2), nn.Tanh())
    with pytest.raises(BadInput, match="no rule for a Tanh layer"):
        shap(net, torch.randn(1, 3, 3, 3), [0], torch.randn(2, 3, 3, 3))
    assert not any(module._forward_hooks for module in net.modules())


def test_what_cannot_be_explained_is_named(model: Model) -> None:
    picture = drawn(1, 75, 0).pixels[0]
    with pytest.raises(BadInput, match="'lime'.*shap"):
        explain(model, 1, picture, ["red"], "lime")
    with pytest.raises(BadInput, match="truck is not one of red"):
        explain(model, 1, picture, ["truck"])
    with pytest.raises(BadInput, match="75, 75, 3"):
        explain(model, 1, drawn(1, 100, 0).pixels[0], ["red"])
