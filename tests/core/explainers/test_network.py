"""The copy that explainers work on: same logits, captum's numbers on the way back, ReLU6 and in-place layers included."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import timm
import torch
from captum.attr import Deconvolution, GuidedBackprop
from torch import nn

from core.errors import BadInput
from core.explainers.gradients import saliency
from core.explainers.network import has_map, last_map, only_relus, prepared


def small(activation: type[nn.Module]) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), activation(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3), activation(), nn.Flatten(), nn.Linear(200, 4)
    ).requires_grad_(False)  # fmt: skip


X = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("rule", "reference"), [("guided", GuidedBackprop), ("relu", Deconvolution)])
def test_guided_and_rectified_are_those_of_captum(rule: str, reference: type) -> None:
    net = small(nn.ReLU)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = reference(net).attribute(X.clone(), target=2)
    made = prepared(net, rule)  # type: ignore[arg-type]
    x = X.clone().requires_grad_()
    [slope] = torch.autograd.grad(made(x)[0, 2], x)
    torch.testing.assert_close(slope, expected)
    heat, sums = saliency(rule)(net, X, [2], X, "")  # type: ignore[arg-type]
    assert heat[0] == pytest.approx(expected.abs().amax(dim=1)[0].numpy(), abs=1e-6) and np.isnan(sums).all()


@pytest.mark.parametrize(("rule", "reference"), [("guided", GuidedBackprop), ("relu", Deconvolution)])
def test_a_relu6_is_a_relu_with_a_ceiling(rule: str, reference: type) -> None:
    """Captum passes a ReLU6 over; of a ReLU and a ceiling it sees the ReLU, and that is the same function."""
    net, apart = small(nn.ReLU6), small(nn.ReLU)
    for both in (net, apart):
        both[0].weight *= 20  # so that some are over the ceiling
    for i in (1, 4):
        apart[i] = nn.Sequential(nn.ReLU(), nn.Hardtanh(-6.0, 6.0))
    assert (net[0](X) > 6).any()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = reference(apart).attribute(X.clone(), target=1)
    x = X.clone().requires_grad_()
    [slope] = torch.autograd.grad(prepared(net, rule)(x)[0, 1], x)  # type: ignore[arg-type]
    if rule == "guided":
        torch.testing.assert_close(slope, expected)
    else:  # the rectified way back does not ask what was seen, not above either
        assert slope.abs().sum() >= expected.abs().sum()


@pytest.mark.parametrize("rule", ["plain", "guided", "relu"])
def test_the_copy_says_the_same_and_the_network_stays_as_it_is(rule: str) -> None:
    net = small(lambda: nn.ReLU(inplace=True))  # type: ignore[arg-type]
    made = prepared(net, rule)  # type: ignore[arg-type]
    torch.testing.assert_close(made(X), net(X))
    assert all(module.inplace for module in net.modules() if isinstance(module, nn.ReLU))


def test_saliency_of_a_network_that_works_in_place_is_its_gradient() -> None:
    net = timm.create_model("mobilenetv2_035", num_classes=5).eval().requires_grad_(False)
    x = torch.randn(1, 3, 64, 64).requires_grad_()
    [slope] = torch.autograd.grad(net(x)[0, 3], x)
    heat, _ = saliency("plain")(net, x.detach(), [3], x.detach(), "")
    assert heat[0] == pytest.approx(slope.abs().amax(dim=1)[0].numpy(), rel=1e-3, abs=1e-8)
    assert saliency("guided")(net, x.detach(), [3], x.detach(), "")[0].shape == (1, 64, 64)


@pytest.mark.parametrize(
    ("name", "size", "layer", "relus"),
    [
        ("mobilenetv2_035", 64, "bn2.act", True),
        ("resnet10t", 64, "layer4.0.act2", True),
        ("mobilenetv3_small_050", 64, "blocks.5.0.aa", False),
        ("test_efficientnet", 64, "bn2.act", False),
        ("convnext_atto", 64, "norm_pre", False),
        ("vit_tiny_patch16_224", 224, "", False),
    ],
)
def test_the_last_map_of_a_network_is_found_with_its_norm_and_activation(
    name: str, size: int, layer: str, relus: bool
) -> None:
    net = timm.create_model(name, num_classes=0).eval()
    assert last_map(net, size) == layer
    assert not any(module._forward_hooks for module in net.modules())
    if layer:
        has_map(net, layer)
    else:
        with pytest.raises(BadInput, match="no convolution"):
            has_map(net, layer)
    if relus:
        only_relus(net)
    else:
        with pytest.raises(BadInput, match="for ReLU alone|no ReLU layer"):
            only_relus(net)
