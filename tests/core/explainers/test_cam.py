"""Class activation maps, against their formulas written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate

from core.explainers.cam import activation, gradcam, guided_gradcam
from core.explainers.gradients import saliency


@pytest.fixture
def net() -> nn.Sequential:
    torch.manual_seed(3)
    layers = [nn.Conv2d(3, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 5, 3), nn.ReLU(inplace=True), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(5 * 25, 8), nn.ReLU(), nn.Linear(8, 3)).requires_grad_(False)


X = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(2))


def last(net: nn.Sequential, target: int, before: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """The last map before or after its ReLU, (5, 5, 5), and the slope of the logit there."""
    seen = net[:4](X).requires_grad_()
    after = net[4](seen.clone())
    [slope] = torch.autograd.grad(net[5:](after)[0, target], seen if before else after)
    return (seen if before else after).detach()[0], slope[0]


def large(heat: torch.Tensor) -> np.ndarray:
    return interpolate(heat[None, None], (16, 16), mode="bilinear")[0, 0].numpy()


@pytest.mark.parametrize("target", [0, 2])
def test_gradcam_weighs_each_map_by_its_mean_slope(net: nn.Sequential, target: int) -> None:
    maps, slope = last(net, target, before=False)
    expected = (slope.mean(dim=(1, 2))[:, None, None] * maps).sum(dim=0).clamp(min=0)
    heat, sums = gradcam(net, X, [target], X, "4")
    assert heat[0] == pytest.approx(large(expected), abs=1e-6) and np.isnan(sums).all()


def test_guided_gradcam_is_the_product_of_both(net: nn.Sequential) -> None:
    heat, _ = guided_gradcam(net, X, [0, 1], X, "4")
    product = gradcam(net, X, [0, 1], X, "4")[0] * saliency("guided")(net, X, [0, 1], X, "4")[0]
    assert heat == pytest.approx(product) and heat.any()


def test_an_activation_map_is_slope_times_activation_place_by_place(net: nn.Sequential) -> None:
    maps, slope = last(net, 1, before=True)
    assert activation("plain")(net, X, [1], X, "4")[0][0] == pytest.approx(large((maps * slope).sum(dim=0)), abs=1e-6)
    assert activation("plain")(net, X, [1], X, "3")[0][0] == pytest.approx(large((maps * slope).sum(dim=0)), abs=1e-6)


def test_the_three_ways_back_give_three_activation_maps(net: nn.Sequential) -> None:
    plain, guided, relu = (activation(rule)(net, X, [1], X, "4")[0] for rule in ("plain", "guided", "relu"))  # type: ignore[arg-type]
    assert guided.min() >= 0  # what is seen, times what speaks for it
    assert not np.allclose(plain, guided) and not np.allclose(guided, relu)
