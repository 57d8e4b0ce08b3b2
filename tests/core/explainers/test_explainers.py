"""What every explainer promises: shapes, signs, the same map for a class asked for alone, and one that needs the weights."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from core.checkpoint import Model
from core.errors import BadInput
from core.explainers import EXPLAINERS, explain, lacking, last, pace
from tests.drawn import CLASSES, drawn, tiny_backbones, trained

SAMPLES = 8


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    """A small network that has learned where the coloured block is."""
    with tiny_backbones(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield trained("tiny32", tmp_path_factory.mktemp("model"), epochs=40)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return drawn(3, 32, 9).pixels[1]


@pytest.mark.parametrize("name", EXPLAINERS)
def test_a_map_is_as_large_as_the_picture_and_has_the_signs_it_is_said_to_have(
    model: Model, picture: np.ndarray, name: str
) -> None:
    found = explain(model, 4, picture, CLASSES, name, SAMPLES)
    assert [one.label for one in found] == list(CLASSES) and {one.explainer for one in found} == {name}
    for one in found:
        assert one.heat.shape == (32, 32) and one.heat.dtype == np.float32 and np.isfinite(one.heat).all()
        assert one.heat.any() and one.seconds > 0
    assert EXPLAINERS[name].signed == bool(min(one.heat.min() for one in found) < 0)


@pytest.mark.parametrize("name", EXPLAINERS)
def test_a_class_has_the_same_map_alone_and_beside_others(model: Model, picture: np.ndarray, name: str) -> None:
    alone = explain(model, 1, picture, ["blue"], name, SAMPLES)[0].heat
    beside = explain(model, 1, picture, CLASSES, name, SAMPLES)[CLASSES.index("blue")].heat
    assert beside == pytest.approx(alone, abs=1e-5 * float(np.abs(alone).max()))


@pytest.mark.parametrize("name", EXPLAINERS)
def test_explaining_leaves_the_network_as_it_was(model: Model, picture: np.ndarray, name: str) -> None:
    before, drawn_next = model.probabilities(picture[None]), np.random.get_state()[1].copy()  # type: ignore[union-attr]
    explain(model, 1, picture, ["red"], name, SAMPLES)
    assert np.array_equal(model.probabilities(picture[None]), before)
    assert not any(module._forward_hooks or module._backward_hooks for module in model.net.modules())
    assert np.array_equal(np.random.get_state()[1], drawn_next)


@pytest.mark.parametrize("name", EXPLAINERS)
def test_a_picture_of_one_colour_is_explained_without_a_number_that_is_none(model: Model, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        [found] = explain(model, 1, np.full((32, 32, 3), 128, np.uint8), ["red"], name, SAMPLES)
    assert np.isfinite(found.heat).all()


@pytest.mark.parametrize("name", [name for name in EXPLAINERS if name not in ("saliency", "guided", "relu")])
def test_what_speaks_for_a_class_lies_on_the_block_that_makes_it(model: Model, name: str) -> None:
    """Saliency in its three forms is left out: how far a score moves with a pixel is as large in the noise beside."""
    pictures, times = drawn(6, 32, 12), []
    for one, label in zip(pictures.pixels, pictures.labels, strict=True):
        block = (one[..., label] == 230) & (one[..., label - 1] == 40)
        spoke = explain(model, 1, one, [CLASSES[label]], name, SAMPLES)[0].heat.clip(min=0)
        times.append(spoke[block].mean() / max(spoke[~block].mean(), 1e-12))
    assert np.mean(times) > 1.3 and min(times) > 0.9


@pytest.mark.parametrize("name", EXPLAINERS)
def test_a_network_with_random_weights_has_other_maps(model: Model, name: str) -> None:
    """The sanity check of Adebayo et al. 2018: a map that stays when the weights go tells of the picture, not the network.

    On pictures of noise, whose structure no map can be alike by, and away from the rim, where every network of unpadded
    convolutions looks less.
    """
    other, draw, alike = randomised(model), np.random.default_rng(0), []
    for i in range(6):
        noise = draw.integers(0, 255, (32, 32, 3), dtype=np.uint8)
        real, none = (explain(m, 1, noise, [CLASSES[i % 3]], name, SAMPLES)[0].heat[8:-8, 8:-8] for m in (model, other))
        assert real.any()
        alike.append(spearmanr(np.abs(real), np.abs(none), axis=None).statistic if none.any() else 0.0)
    assert abs(np.mean(alike)) < 0.3


def randomised(model: Model) -> Model:
    """The same network, each of its layers with the same weights in another order."""
    net = copy.deepcopy(model.net)
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weights in net.parameters():
            flat = weights.reshape(-1)
            weights.copy_(flat[torch.randperm(len(flat), generator=draw)].reshape(weights.shape))
    return dataclasses.replace(model, net=net)


def test_two_who_ask_at_the_same_moment_get_what_each_would_alone(model: Model) -> None:
    """The rules of DeepLIFT hang on the network that both share."""
    pictures = drawn(6, 32, 20).pixels
    alone = [explain(model, 1, one, ["red"], "shap", SAMPLES)[0].heat for one in pictures]
    with ThreadPoolExecutor(3) as people:
        together = list(
            people.map(lambda one: explain(model, 1, one, ["red"], "shap", SAMPLES)[0].heat, [*pictures] * 5)
        )
    for heat, expected in zip(together, alone * 5, strict=True):
        assert heat == pytest.approx(expected, abs=1e-5 * float(np.abs(expected).max()))


def test_nothing_is_lacking_for_our_own_networks(model: Model) -> None:
    assert lacking(model) == {} and last(model) == "conv2"
    assert 0 < pace(model) < 1


def test_what_cannot_be_had_is_one_sentence_that_names_what_can(model: Model, picture: np.ndarray) -> None:
    with_tanh = torch.nn.Sequential(*list(model.net.children())[:-1], torch.nn.Tanh(), model.net[-1])
    other = dataclasses.replace(model, net=with_tanh)
    without = lacking(other)
    assert set(without) == {"shap", "guided", "relu", "guided-gradcam", "activation-guided", "activation-relu"}
    for name, why in without.items():
        assert "Tanh" in why and "shap-gradient" in why
        with pytest.raises(BadInput) as said:
            explain(other, 1, picture, ["red"], name)
        assert str(said.value) == why


def test_each_says_how_to_read_it_and_whose_it_is() -> None:
    for how in EXPLAINERS.values():
        assert how.title and how.about[0].isupper() and not how.about.endswith(".")
        assert any(year in how.source for year in map(str, range(1970, 2027)))
