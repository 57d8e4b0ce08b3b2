"""Random views: the same with the same seed, half of them mirrored."""

from __future__ import annotations

import torch

from core.augment import augment


def test_augmented_pictures_keep_their_shape_and_repeat_with_the_seed() -> None:
    x = torch.rand(8, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    one, two, other = (augment(x, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert one.shape == x.shape and torch.equal(one, two) and not torch.equal(one, other)


def test_about_half_of_the_augmented_pictures_are_mirrored() -> None:
    x = torch.linspace(-1, 1, 32).expand(400, 3, 32, 32).contiguous()  # brighter to the right
    out = augment(x, torch.Generator().manual_seed(0))
    mirrored = (out[..., -1].mean((1, 2)) < out[..., 0].mean((1, 2))).float().mean()
    assert 0.4 < mirrored < 0.6
