"""Explainers that hide parts, and expected gradients: the numbers of the libraries, and sums that add up."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from core.explainers.occlusion import occlusion
from core.explainers.shap_gradient import TIMES, shap_gradient
from core.explainers.shap_partition import shap_partition

DRAW = torch.Generator().manual_seed(5)
X, BACKGROUND = torch.randn(1, 3, 24, 24, generator=DRAW), torch.randn(7, 3, 24, 24, generator=DRAW)


class Corner(nn.Module):
    """Two logits: how bright the upper left quarter is, and the same with the other sign."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value = x[:, :, :12, :12].sum(dim=(1, 2, 3))
        return torch.stack([value, -value], dim=1)


def curved() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 4, 5), nn.GELU(), nn.Flatten(), nn.Linear(1600, 3)).requires_grad_(False)


def test_expected_gradients_are_those_of_the_reference() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from shap import GradientExplainer

        state = np.random.get_state()
        values = GradientExplainer(curved(), BACKGROUND).shap_values(X, nsamples=TIMES * 7, rseed=0)  # (1, 3, S, S, C)
        np.random.set_state(state)
    heat, sums = shap_gradient(curved(), X, [2, 0], BACKGROUND, "")
    expected = np.moveaxis(np.asarray(values)[0].sum(axis=0)[..., [2, 0]], -1, 0)
    assert heat == pytest.approx(expected, abs=1e-4 * float(np.abs(expected).max()))
    net = curved()
    assert sums == pytest.approx((net(X) - net(BACKGROUND).mean(dim=0))[0, [2, 0]].numpy(), abs=1e-5)


def test_expected_gradients_come_near_their_sum_with_more_points() -> None:
    many = torch.randn(200, 3, 24, 24, generator=torch.Generator().manual_seed(6))
    heat, sums = shap_gradient(curved(), 3 * X, [0], many, "")
    assert heat.sum() == pytest.approx(sums[0], rel=0.05)


def test_partitions_find_the_part_that_matters_and_sum_to_the_difference() -> None:
    heat, sums = shap_partition(Corner(), X, [0, 1], BACKGROUND, "")
    rest = heat.copy()
    rest[:, :12, :12] = 0
    assert np.abs(rest).max() < 1e-4 < np.abs(heat).max()
    assert heat.sum((1, 2)) == pytest.approx(sums, rel=1e-4)
    assert sums == pytest.approx((Corner()(X) - Corner()(BACKGROUND.mean(dim=0, keepdim=True)))[0].numpy(), rel=1e-5)


def test_occlusion_is_the_mean_fall_of_the_squares_that_hide_a_pixel() -> None:
    side, step = 4, 2  # of 24 px
    mean, falls, often = BACKGROUND.mean(dim=0), np.zeros((24, 24)), np.zeros((24, 24))
    for top in range(0, 24 - side + 1, step):
        for left in range(0, 24 - side + 1, step):
            hidden = X.clone()
            hidden[0, :, top : top + side, left : left + side] = mean[:, top : top + side, left : left + side]
            fall = float((Corner()(X) - Corner()(hidden))[0, 0])
            falls[top : top + side, left : left + side] += fall
            often[top : top + side, left : left + side] += 1
    heat, sums = occlusion(Corner(), X, [0, 1], BACKGROUND, "")
    assert heat[0] == pytest.approx(falls / often, abs=1e-4) and heat[1] == pytest.approx(-heat[0], abs=1e-4)
    assert np.isnan(sums).all()


def test_occlusion_hides_every_pixel_of_a_side_that_does_not_divide() -> None:
    class Last(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, :, -1, -1].sum(dim=1, keepdim=True)

    x = torch.ones(1, 3, 25, 25)
    heat, _ = occlusion(Last(), x, [0], 0 * x, "")
    assert heat[0, -1, -1] > 0
