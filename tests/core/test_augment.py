"""Each augmentation does what its sentence says, the same with the same seed, on pictures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms.v2.functional import gaussian_blur

from core import augment as a
from core.augment import AUGMENTATIONS, augment, mix, samples
from core.pixels import tensor

MEAN, STD = (0.5,) * 3, (0.25,) * 3
SINGLE = [name for name in AUGMENTATIONS if name not in ("mixup", "cutmix")]
CPU = torch.device("cpu")


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(count: int = 8, side: int = 20) -> torch.Tensor:
    return torch.randint(0, 256, (count, side, side, 3), generator=drawn(), dtype=torch.uint8)


def same(picture: np.ndarray, count: int = 200) -> torch.Tensor:
    """(S, S) grey -> (count, S, S, 3), all alike."""
    return torch.tensor(picture.astype(np.uint8))[None, :, :, None].repeat(count, 1, 1, 3)


def spot(side: int = 41, radius: int = 4) -> np.ndarray:
    """A white spot in the middle of black."""
    at = np.arange(side) - side // 2
    return 255 * (at[:, None] ** 2 + at**2 <= radius**2)


def seen(pixels: torch.Tensor, *names: str, seed: int = 0, mirror: torch.Tensor | None = None) -> torch.Tensor:
    return augment(pixels, names, MEAN, STD, CPU, drawn(seed), mirror)


def brightness(x: torch.Tensor) -> torch.Tensor:
    """(B, 3, S, S) normalised -> (B, S, S), 0..1."""
    return (x * 0.25 + 0.5).mean(1)


def middles(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Where the light of each picture lies, px from the middle: down and across."""
    light = brightness(x)
    at = torch.arange(light.shape[-1]) - (light.shape[-1] - 1) / 2
    total = light.sum((1, 2))
    return (light * at[:, None]).sum((1, 2)) / total, (light * at).sum((1, 2)) / total


def test_without_an_augmentation_the_pixels_are_what_every_other_step_sees() -> None:
    pixels = noise()
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    assert torch.equal(augment(pixels, (), mean, std, CPU, drawn()), tensor(pixels, mean, std, CPU))
    assert torch.equal(augment(pixels, ("mixup", "cutmix"), mean, std, CPU, drawn()), tensor(pixels, mean, std, CPU))


@pytest.mark.parametrize("name", SINGLE)
def test_the_same_seed_gives_the_same_finite_views_and_another_one_gives_others(name: str) -> None:
    pixels = noise(side=33)
    before = pixels.clone()
    one, two, other = (seen(pixels, name, seed=seed) for seed in (1, 1, 2))
    assert one.shape == (8, 3, 33, 33) and one.dtype == torch.float32 and torch.isfinite(one).all()
    assert torch.equal(one, two) and not torch.equal(one, other)
    assert torch.equal(pixels, before)


@pytest.mark.parametrize("name", SINGLE)
def test_the_pictures_of_a_batch_are_changed_each_in_its_own_way(name: str) -> None:
    views = seen(noise(1, 40).repeat(24, 1, 1, 1), name)
    kinds = len({view.numpy().tobytes() for view in views})
    assert kinds == 2 if name == "flip" else kinds >= 8  # of those of which some are changed, half


def test_all_together_stay_finite_even_on_pictures_of_one_colour() -> None:
    for value in (0, 255):
        views = seen(torch.full((16, 24, 24, 3), value, dtype=torch.uint8), *SINGLE)
        assert torch.isfinite(views).all() and views.abs().max() < 10


def test_what_one_does_to_a_picture_does_not_depend_on_those_beside_it() -> None:
    pixels = noise(32)
    alone, beside = seen(pixels, "crop"), seen(pixels, "crop", "erasing")
    assert torch.equal(beside[beside != 0], alone[beside != 0])


def test_crop_flip_and_colour_are_what_they_were_before_there_was_a_choice() -> None:
    x = seen(noise(2, 8), "crop", "flip", "colour", seed=5)
    assert x[0, 0, 0, :4].tolist() == pytest.approx([0.66885, 0.86512, 0.99581, 1.14054], abs=1e-3)


def test_a_crop_is_at_least_three_quarters_of_each_side_and_nothing_from_outside() -> None:
    ramp = np.tile(np.arange(101), (101, 1))  # brightness = place, 0..100
    light = brightness(seen(same(ramp), "crop")) * 255
    width = (light[:, 50, -1] - light[:, 50, 0]) / 100
    assert 0.69 < width.min() < 0.74 and 0.95 < width.max() < 1.001  # 0.75 less how far the sides may differ
    assert light.min() > -0.01 and light.max() < 100.01
    assert (width.std() > 0.05) and (light[:, 50, 50].std() > 1)  # of many sizes, at many places


def test_a_shift_moves_the_picture_by_up_to_a_tenth_and_changes_nothing_else() -> None:
    pixels = same(spot())
    views = seen(pixels, "shift")
    for moved in middles(views):
        assert 3.5 < moved.abs().max() <= 4.11 and abs(moved.mean()) < 0.5  # of 41 px
    light = brightness(views).sum((1, 2))
    assert torch.allclose(light, brightness(seen(pixels)).sum((1, 2)), rtol=0.02)


def test_a_flip_mirrors_half_of_the_pictures_exactly() -> None:
    pixels = noise(200)
    plain, views = seen(pixels), seen(pixels, "flip")
    kept = torch.isclose(views, plain, atol=1e-3).all(dim=(1, 2, 3))
    mirrored = torch.isclose(views, plain.flip(3), atol=1e-3).all(dim=(1, 2, 3))
    assert (kept ^ mirrored).all() and 0.4 < mirrored.float().mean() < 0.6


@pytest.mark.parametrize("names", [("flip",), ("flip", "crop", "rotation", "zoom", "shift")])
def test_only_pictures_that_may_be_mirrored_are(names: tuple[str, ...]) -> None:
    ramp = same(np.tile(np.linspace(0, 255, 32), (32, 1)))  # brighter to the right
    allowed = torch.arange(200) % 2 == 0
    light = brightness(seen(ramp, *names, mirror=allowed))
    mirrored = light[:, :, 0].mean(1) > light[:, :, -1].mean(1)
    assert not mirrored[~allowed].any()
    assert 0.35 < mirrored[allowed].float().mean() < 0.65


def test_nothing_but_the_flip_mirrors() -> None:
    ramp = same(np.tile(np.linspace(30, 220, 32), (32, 1)), 300)
    names = [name for name in SINGLE if name not in ("flip", "randaugment", "noise", "erasing")]
    light = brightness(seen(ramp, *names))
    assert (light[:, :, -1].mean(1) > light[:, :, 0].mean(1)).all()


def test_randaugment_knows_no_mirroring() -> None:
    from torchvision.transforms.v2 import RandAugment

    assert not [name for name in RandAugment._AUGMENTATION_SPACE if "flip" in name.lower() or "mirror" in name.lower()]


def test_a_rotation_turns_a_bar_by_up_to_15_degrees_to_both_sides() -> None:
    bar = np.zeros((61, 61))
    bar[27:34, 10:51] = 255
    light = brightness(seen(same(bar), "rotation"))
    at = torch.arange(61) - 30.0
    spread = [
        (light * w).sum((1, 2)) for w in (at * at[:, None], (at**2).expand(61, 61), (at[:, None] ** 2).expand(61, 61))
    ]
    degrees = torch.rad2deg(0.5 * torch.atan2(2 * spread[0], spread[1] - spread[2]))
    assert 13 < degrees.max() < 15.5 and -15.5 < degrees.min() < -13
    down, across = middles(seen(same(bar), "rotation"))
    assert down.abs().max() < 0.1 and across.abs().max() < 0.1  # around the middle


def test_zoom_makes_larger_and_smaller_by_up_to_a_fifth() -> None:
    pixels = same(spot(radius=10))
    area = brightness(seen(pixels, "zoom")).sum((1, 2)) / brightness(seen(pixels)).sum((1, 2))
    side = area.sqrt()
    assert 0.78 < side.min() < 0.85 and 1.15 < side.max() < 1.22


def test_what_comes_in_from_beyond_the_border_has_its_colour() -> None:
    frame = np.full((40, 40), 200)
    frame[8:32, 8:32] = 20
    views = brightness(seen(same(frame), "shift", "rotation", "zoom")) * 255
    corners = views[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners > 190).all()
    turned = brightness(seen(same(frame, 80), "randaugment")) * 255
    assert (turned[:, 0, 0] > 100).float().mean() > 0.7  # the rest: solarised, or darker as a whole


def test_colour_changes_brightness_contrast_and_saturation_and_no_shape() -> None:
    pixels = noise(200, 16)
    views, plain = seen(pixels, "colour"), seen(pixels)
    grey, was = views.mean(1), plain.mean(1)
    contrast = grey.std((1, 2)) / was.std((1, 2))
    assert 0.74 < contrast.min() < 0.85 and 1.15 < contrast.max() < 1.26
    moved = grey.mean((1, 2)) - was.mean((1, 2))
    assert -0.26 < moved.min() < -0.15 and 0.15 < moved.max() < 0.26
    colourful = (views - grey[:, None]).std((1, 2, 3)) / (plain - was[:, None]).std((1, 2, 3)) / contrast
    assert 0.74 < colourful.min() < 0.85 and 1.15 < colourful.max() < 1.26
    for one, other in zip(grey.flatten(1), was.flatten(1), strict=True):
        assert torch.corrcoef(torch.stack([one, other]))[0, 1] > 0.9999


def test_noise_is_grain_of_another_strength_on_each_picture_and_no_two_pictures_share_it() -> None:
    pixels = same(np.full((32, 32), 128))
    grain = seen(pixels, "noise") - seen(pixels)
    strength = grain.std((1, 2, 3))
    assert strength.min() < 0.05 * a.NOISE + 0.01 and 0.9 * a.NOISE < strength.max() < 1.15 * a.NOISE
    assert grain.mean((1, 2, 3)).abs().max() < 0.05
    strong = grain[strength > a.NOISE / 3].flatten(1)
    alike = torch.corrcoef(strong) - torch.eye(len(strong))
    assert alike.abs().mean() < 0.03


def test_blur_is_a_gaussian_and_strikes_about_half_of_the_pictures() -> None:
    pixels = noise(100, 50)
    plain, views = seen(pixels), seen(pixels, "blur")
    blurred = (views != plain).any(dim=(1, 2, 3))
    assert 0.35 < blurred.float().mean() < 0.65
    [matrix] = a._blurring(50, torch.tensor([0.7]))
    ours = matrix @ plain[:1] @ matrix.mT
    assert torch.allclose(
        ours[..., 6:-6, 6:-6], gaussian_blur(plain[:1], [11, 11], [0.7, 0.7])[..., 6:-6, 6:-6], atol=2e-3
    )


def test_blur_is_as_strong_at_every_size() -> None:
    deviations = []
    for side in (60, 240):
        edge = np.zeros((side, side))
        edge[:, side // 2 :] = 255
        light = brightness(seen(same(edge, 20), "blur"))[:, side // 2]
        deviations.append(light.diff().clamp(min=0).pow(2).sum(1).min().reciprocal().item() / side)
    assert deviations[0] == pytest.approx(deviations[1], rel=0.15)


def test_erasing_takes_one_rectangle_of_2_to_20_percent_from_half_of_the_pictures() -> None:
    pixels = same(np.full((60, 60), 250), 400)
    gone = seen(pixels, "erasing")[:, 0] == 0
    shares = gone.float().mean((1, 2))
    assert 0.4 < (shares > 0).float().mean() < 0.6
    some = shares[shares > 0]
    assert 0.01 < some.min() < 0.04 and 0.17 < some.max() < 0.22
    for mask in gone[shares > 0]:
        height, width = mask.any(1).sum(), mask.any(0).sum()
        assert mask.sum() == height * width  # one rectangle, and whole
        assert 0.4 < height / width < 2.5


def test_randaugment_changes_nearly_every_picture_and_no_number_that_others_draw() -> None:
    pixels = noise(40, 24)
    torch.manual_seed(3)
    before = torch.rand(4)
    torch.manual_seed(3)
    views = seen(pixels, "randaugment")
    assert torch.equal(torch.rand(4), before)
    assert (views != seen(pixels)).any(dim=(1, 2, 3)).float().mean() > 0.75


def test_a_batch_that_is_not_mixed_keeps_its_labels_whole() -> None:
    x, y = seen(noise(6)), torch.arange(6)
    mixed, other, share = mix(x, y, ("crop",), drawn())
    assert mixed is x and torch.equal(other, y) and torch.equal(share, torch.ones(6))


def test_mixup_lays_two_pictures_over_each_other_by_their_shares() -> None:
    x, y = seen(noise(64)), torch.arange(64)
    mixed, other, share = mix(x, y, ("mixup",), drawn())
    assert share.dtype == torch.float32 and share.min() >= 0.5 and share.max() <= 1 and share.std() > 0.1
    by = share.view(-1, 1, 1, 1)
    assert torch.allclose(mixed, by * x + (1 - by) * x[other], atol=1e-5)
    assert sorted(other.tolist()) == y.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_the_share_of_cutmix_is_the_area_that_is_really_its_own(seed: int) -> None:
    y = torch.arange(64)
    x = y.float().view(-1, 1, 1, 1).expand(64, 3, 30, 30).contiguous()  # each picture is its own number
    mixed, other, share = mix(x, y, ("cutmix",), drawn(seed))
    own = (mixed == x).float().mean((1, 2, 3))
    pasted = (mixed == other.view(-1, 1, 1, 1)).float().mean((1, 2, 3))
    different = other != y
    assert torch.allclose(own[different], share[different], atol=1e-6)
    assert torch.allclose(pasted[different], 1 - share[different], atol=1e-6)
    assert share.min() >= 0 and share.max() <= 1 and share.std() > 0.1


def test_mixed_labels_keep_their_sum_and_a_mixed_loss_is_the_loss_of_the_mixed_label() -> None:
    y = torch.arange(8) % 3
    _, other, share = mix(seen(noise()), y, ("mixup",), drawn())
    one_hot = torch.nn.functional.one_hot
    soft = share[:, None] * one_hot(y, 3) + (1 - share[:, None]) * one_hot(other, 3)
    assert torch.allclose(soft.sum(1), torch.ones(8))


def test_where_both_are_named_a_batch_is_mixed_in_one_way_or_the_other() -> None:
    x = torch.arange(16.0).view(-1, 1, 1, 1).expand(16, 3, 10, 10).contiguous()
    kinds = set()
    for seed in range(20):
        mixed, _, _ = mix(x, torch.arange(16), ("mixup", "cutmix"), drawn(seed))
        kinds.add("cutmix" if torch.equal(mixed, mixed.round()) else "mixup")
    assert kinds == {"mixup", "cutmix"}


def test_a_single_picture_is_mixed_with_itself() -> None:
    x = seen(noise(1))
    for kind in ("mixup", "cutmix"):
        mixed, other, share = mix(x, torch.tensor([2]), (kind,), drawn())
        assert torch.allclose(mixed, x, atol=1e-5) and other.tolist() == [2] and share.shape == (1,)


def test_samples_are_pictures_again_and_untouched_where_nothing_is_chosen() -> None:
    pixels = noise(5).numpy()
    assert np.array_equal(np.stack(samples(pixels, (), None, 0)), pixels)
    shown = samples(pixels, tuple(AUGMENTATIONS), [True, False, True, False, True], 1)
    assert len(shown) == 5 and all(one.shape == (20, 20, 3) and one.dtype == np.uint8 for one in shown)
    again = samples(pixels, tuple(AUGMENTATIONS), [True, False, True, False, True], 1)
    assert np.array_equal(np.stack(shown), np.stack(again))


def test_samples_mirror_only_what_may_be_mirrored_and_mix_among_themselves() -> None:
    ramp = same(np.tile(np.linspace(0, 255, 20), (20, 1)), 40).numpy()
    allowed = [i % 2 == 0 for i in range(40)]
    mirrored = np.array([one[0, 0, 0] > one[0, -1, 0] for one in samples(ramp, ("flip",), allowed, 3)])
    assert mirrored[::2].any() and not mirrored[1::2].any()
    two = np.stack([np.zeros((9, 9, 3)), np.full((9, 9, 3), 255)]).astype(np.uint8)
    values = {int(v) for seed in range(12) for one in samples(two, ("mixup",), None, seed) for v in one.ravel()}
    assert values - {0, 255}
