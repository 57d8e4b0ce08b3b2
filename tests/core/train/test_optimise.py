"""Which weights learn, and at which rate."""

from __future__ import annotations

import pytest
import torch

from core.backbones import build
from core.model import Recipe
from core.recipes import OPTIMISERS, SCHEDULES
from core.train.optimise import freeze, groups, learning, optimiser, share
from tests.pretrained import SMALL


def learns(train: str) -> set[str]:
    net = build(Recipe(SMALL), 3)
    freeze(net, Recipe(SMALL, train=train))
    return {name for name, weight in net.named_parameters() if weight.requires_grad}


def test_each_way_lets_more_of_the_network_learn() -> None:
    head, last, half, whole = (learns(train) for train in ("head", "last-block", "half", "all"))
    assert head == {"logits.weight", "logits.bias"}
    assert head < last < half < whole
    assert any("conv_stem" in name for name in whole - half)


def test_a_norm_in_the_frozen_part_does_not_learn_the_statistics_of_ours() -> None:
    net = build(Recipe(SMALL), 3)
    freeze(net, Recipe(SMALL, train="last-block"))
    before = {name: buffer.clone() for name, buffer in net.named_buffers() if "running_mean" in name}
    learning(net)
    net(torch.randn(4, 3, 160, 160) * 3 + 1)
    moved = {name for name, old in before.items() if not torch.equal(dict(net.named_buffers())[name], old)}
    trainable = learns("last-block")
    assert moved and all(any(w.startswith(name.rsplit(".", 1)[0]) for w in trainable) for name in moved)


def test_lower_layers_learn_in_smaller_steps_and_the_head_at_the_full_rate() -> None:
    net = build(Recipe(SMALL), 3)
    found = groups(net, Recipe(SMALL, layer_decay=0.5))
    scale = {id(w): group["scale"] for group in found for w in group["params"]}
    names = dict(net.named_parameters())
    assert scale[id(names["logits.weight"])] == 1
    assert scale[id(names["trunk.conv_stem.weight"])] == min(scale.values()) < 0.1
    assert len(scale) == len(names)  # each once


def test_norms_and_biases_do_not_decay() -> None:
    for group in groups(build(Recipe("vgg75-bn"), 3), Recipe("vgg75-bn", weight_decay=0.1)):
        assert {weight.ndim > 1 for weight in group["params"]} == {group["weight_decay"] == 0.1}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser_takes_a_step_downhill(name: str) -> None:
    torch.manual_seed(0)
    recipe = Recipe("simplecnn", size=32, optimiser=name, lr=1e-3)
    net = build(recipe, 2)
    steps, x, y = optimiser(net, recipe, torch.device("cpu")), torch.randn(8, 3, 32, 32), torch.arange(8) % 2
    losses = []
    for _ in range(15):
        loss = torch.nn.functional.cross_entropy(net(x), y)
        steps.zero_grad()
        loss.backward()
        steps.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_rate_is_never_negative_nor_above_the_recipes(schedule: str) -> None:
    recipe = Recipe("vgg75", epochs=10, schedule=schedule)
    rates = [share(recipe, step, 20, []) for step in range(200)]
    assert min(rates[:-1]) > 0 and max(rates) == pytest.approx(1, abs=0.01)
    assert rates[0] < 0.2  # no schedule begins with the full rate


def test_cosine_and_one_cycle_end_near_nothing_and_constant_stays() -> None:
    last = {s: share(Recipe("vgg75", epochs=10, schedule=s), 199, 20, []) for s in SCHEDULES}
    assert last["cosine"] < 0.01 and last["one-cycle"] < 0.01 and last["constant"] == 1


def test_on_a_plateau_the_rate_falls_to_a_tenth_each_time() -> None:
    recipe = Recipe("vgg75", epochs=40, patience=4, schedule="plateau")
    better, stuck = [1.0, 0.9, 0.8], [1.0, 0.9, 0.95, 0.91, 0.95, 0.92]
    assert share(recipe, 100, 20, better) == 1
    assert share(recipe, 100, 20, stuck[:4]) == pytest.approx(0.1)
    assert share(recipe, 100, 20, stuck) == pytest.approx(0.01)
