"""The small VGGs are built as they are defined."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from core.backbones import BACKBONES, backbone
from core.errors import BadInput

PLAIN = [
    "conv 32", "relu", "conv 32", "relu", "pool", "conv 64", "relu", "conv 64", "relu", "pool",
    "conv 128", "relu", "conv 128", "relu", "conv 128", "relu", "pool", "flatten",
    "linear 514", "relu", "linear 128", "relu", "linear 7",
]  # fmt: skip
VGGS = ("vgg75", "vgg100", "vgg75-bn", "vgg100-bn")
SIDES = {75: 4, 100: 8}  # of the last map, 128 channels


def layers(net: nn.Sequential) -> list[str]:
    names = {nn.Conv2d: "conv", nn.ReLU: "relu", nn.MaxPool2d: "pool", nn.Flatten: "flatten", nn.Linear: "linear"}
    out = []
    for module in net:
        width = getattr(module, "out_channels", getattr(module, "out_features", ""))
        out.append(f"{names.get(type(module), 'norm')} {width}".strip())
    return out


@pytest.mark.parametrize("name", VGGS)
def test_the_layers_are_those_of_the_definition(name: str) -> None:
    got = layers(BACKBONES[name].build(7, BACKBONES[name].size))
    norms = got.count("norm")
    got = [layer for layer in got if layer != "norm"]
    # max and ReLU commute (below), and the net takes the cheaper order
    assert " ".join(got).replace("pool relu", "relu pool") == " ".join(PLAIN)
    assert norms == (9 if name.endswith("-bn") else 0)


@pytest.mark.parametrize("name", VGGS)
def test_it_takes_its_size_and_returns_logits(name: str) -> None:
    kind = BACKBONES[name]
    net = kind.build(5, kind.size).eval()
    assert net(torch.randn(2, 3, kind.size, kind.size)).shape == (2, 5)
    assert net.linear8.in_features == 128 * SIDES[kind.size] ** 2
    assert isinstance(dict(net.named_modules())[kind.last_conv], nn.Conv2d)


@pytest.mark.parametrize("name", VGGS)
def test_every_convolution_is_three_by_three_without_padding(name: str) -> None:
    convolutions = [m for m in BACKBONES[name].build(2, BACKBONES[name].size) if isinstance(m, nn.Conv2d)]
    assert [(m.kernel_size, m.padding, m.stride) for m in convolutions] == [((3, 3), (0, 0), (1, 1))] * 7


def test_relu_after_the_pool_is_relu_before_it() -> None:
    x = torch.randn(2, 3, 9, 9)
    assert torch.equal(nn.MaxPool2d(2)(x).relu(), nn.MaxPool2d(2)(x.relu()))


@pytest.mark.parametrize("name", VGGS)
def test_every_relu_is_a_module_of_its_own_and_not_in_place(name: str) -> None:
    relus = [m for m in BACKBONES[name].build(2, BACKBONES[name].size) if isinstance(m, nn.ReLU)]
    assert len({id(m) for m in relus}) == 9 and not any(m.inplace for m in relus)


@pytest.mark.parametrize("name", VGGS)
def test_untrained_it_gives_all_classes_about_the_same_chance(name: str) -> None:
    torch.manual_seed(0)
    kind = BACKBONES[name]
    out = kind.build(4, kind.size).train()(torch.randn(8, 3, kind.size, kind.size))
    loss = nn.functional.cross_entropy(out, torch.arange(8) % 4)
    assert loss.item() == pytest.approx(math.log(4), abs=0.2)


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(BadInput, match=r"'vgg80-bn'.*vgg75-bn"):
        backbone("vgg80-bn")
    with pytest.raises(BadInput, match=r"'x'.*choose one of vgg75, vgg100"):
        backbone("x")
