"""Every network of a recipe: what it sees, what it gives, what of it is fixed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from core.backbones import BACKBONES, build, look, start
from core.backbones.pretrained import depths, features, trunk
from core.errors import BadInput, Damaged, Missing
from core.model import Recipe
from tests.pretrained import SMALL, drawn_by_lot, no_hub


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("head", ["", "linear", "bn-dropout"])
def test_a_network_of_our_own_gives_logits_with_every_head(name: str, head: str) -> None:
    recipe = Recipe(name, head=head)
    size = look(recipe).size
    assert build(recipe, 5).eval()(torch.randn(2, 3, size, size)).shape == (2, 5)


@pytest.mark.parametrize("name", BACKBONES)
def test_the_smallest_side_works_and_a_smaller_one_is_refused(name: str) -> None:
    least = BACKBONES[name].least
    assert build(Recipe(name, size=least), 3).eval()(torch.randn(1, 3, least, least)).shape == (1, 3)
    with pytest.raises(BadInput, match=f"size = {least - 1} is too small for {name}"):
        look(Recipe(name, size=least - 1))


@pytest.mark.parametrize(("name", "count"), [("simplecnn", 2), ("cnn-gray-224", 3), ("cnn-gray-224-deep", 5)])
def test_the_small_ones_have_as_many_convolutions_as_they_say(name: str, count: int) -> None:
    net = build(Recipe(name), 3)
    assert sum(isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3) for m in net) == count
    assert any(isinstance(m, nn.Dropout) for m in net) == name.startswith("cnn")


@pytest.mark.parametrize(
    "recipe", [Recipe("cnn-gray-224", size=96), Recipe("vgg75-bn", gray=True), Recipe(SMALL, gray=True, scratch=True)]
)
def test_without_colour_two_pictures_of_the_same_brightness_are_the_same(recipe: Recipe) -> None:
    seen = look(recipe)
    net = build(recipe, 3).eval()
    pixels = torch.rand(1, 3, seen.size, seen.size)
    luma = (pixels * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True).expand_as(pixels)
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (seen.mean, seen.std))
    with torch.inference_mode():
        assert torch.allclose(net((pixels - mean) / std), net((luma - mean) / std), atol=1e-4)
    assert not any(weight.requires_grad for weight in net.gray.parameters())  # type: ignore[union-attr]


def test_grey_comes_out_as_it_would_have_been_normalised() -> None:
    recipe = Recipe(SMALL, gray=True, scratch=True)
    seen, net = look(recipe), build(recipe, 3)
    grey = torch.full((1, 3, 8, 8), 0.7)
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (seen.mean, seen.std))
    assert torch.allclose(net.gray((grey - mean) / std), (grey - mean) / std, atol=1e-5)


def test_a_timm_network_begins_with_the_weights_of_the_file(tmp_path: Path) -> None:
    drawn_by_lot(SMALL, tmp_path)
    one, two = (start(Recipe(SMALL), 4, tmp_path) for _ in range(2))
    kept = {name: t for name, t in one.state_dict().items() if name.startswith("trunk.")}
    assert all(torch.equal(two.state_dict()[name], t) for name, t in kept.items())
    assert not all(torch.equal(build(Recipe(SMALL), 4).state_dict()[name], t) for name, t in kept.items())


def test_weights_that_cannot_be_had_are_a_sentence_and_never_drawn_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_hub(tmp_path, monkeypatch)
    with pytest.raises(Missing, match=r"resnet18.safetensors into the folder that WINNOW_WEIGHTS names"):
        start(Recipe("resnet18"), 3, tmp_path)
    assert start(Recipe("resnet18", scratch=True), 3, tmp_path)


def test_a_damaged_file_of_weights_is_named(tmp_path: Path) -> None:
    path = drawn_by_lot(SMALL, tmp_path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(Damaged, match=SMALL):
        start(Recipe(SMALL), 3, tmp_path)


@pytest.mark.parametrize(
    "name", ["resnet18", "mobilenetv2_100", "efficientnet_b0", "vit_tiny_patch16_224", "convnext_atto"]
)
def test_the_layers_of_a_trunk_are_in_order_and_every_weight_is_in_one(name: str) -> None:
    net = trunk(name, look(Recipe(name)).size, None)
    layers = depths(net)
    assert set(layers) == {weight for weight, _ in net.named_parameters()}
    assert set(layers.values()) == set(range(max(layers.values()) + 1))
    first = next(iter(dict(net.named_parameters())))
    assert layers[first] == 0
    top = [dict(net.named_parameters())[n] for n, layer in layers.items() if layer == max(layers.values())]
    assert any(weight.ndim > 1 for weight in top)  # a block, not a norm alone
    assert features(net) == net(torch.zeros(1, 3, *[look(Recipe(name)).size] * 2)).shape[1]


def test_a_family_that_names_no_layers_is_cut_into_its_pieces() -> None:
    net = trunk("poolformerv2_s12", 224, None)
    layers = depths(net)
    assert set(layers) == {weight for weight, _ in net.named_parameters()} and max(layers.values()) > 2


def test_a_size_that_a_network_cannot_see_is_a_sentence() -> None:
    with pytest.raises(BadInput, match=r"size = 100 does not fit levit_128s: leave it out for its own 224 px"):
        build(Recipe("levit_128s", size=100, scratch=True), 3)


def test_a_network_of_patches_can_be_built_for_another_size_or_says_why_not() -> None:
    recipe = Recipe("vit_tiny_patch16_224", size=96, scratch=True)
    assert build(recipe, 3).eval()(torch.randn(1, 3, 96, 96)).shape == (1, 3)
