"""Each fault planted in a picture is found, the untouched picture has none, and any size and shape can be measured."""

from __future__ import annotations

import importlib
import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from core.clean import look
from core.clean.lettering import lettering
from core.clean.sharpness import edge_width

quality = importlib.import_module("core.clean.quality")


def found(image: Image.Image) -> set[str]:
    scores = quality.measure(image)
    return {kind for kind, score in scores.items() if score >= quality.KINDS[kind].threshold}


def photo(width: int = 480, height: int = 360) -> Image.Image:
    """Shaded discs and slanted bands with a little noise: what a photo is to these measures."""
    rng = np.random.default_rng(3)
    across, down = np.meshgrid(np.linspace(0, 1, width * 2), np.linspace(0, 1, height * 2))
    pixels = np.stack([90 + 90 * down, 120 + 60 * across, 170 - 90 * down * across], axis=2)
    for _ in range(40):
        x, y, radius, turn = rng.random(4)
        inside = (across - x) ** 2 + (down - y) ** 2 < (0.02 + radius * 0.12) ** 2
        shade = 0.35 + 0.65 * np.clip(0.5 + 4 * ((across - x) * np.cos(6 * turn) + (down - y) * np.sin(6 * turn)), 0, 1)
        pixels[inside] = rng.uniform(20, 250, 3) * shade[inside][:, None]
    pixels += rng.normal(0, 3, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).reduce(2)


def product(side: int = 300) -> Image.Image:
    """A shaded thing on pure white that takes an eighth of the picture."""
    on = Image.new("RGB", (side, side), "white")
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).ellipse([side * 0.2, side * 0.38, side * 0.8, side * 0.62], fill=255)
    on.paste(photo(side, side), mask=mask.filter(ImageFilter.GaussianBlur(0.7)))
    return on


def words(on: Image.Image, ink: str = "white") -> Image.Image:
    on, font = on.copy(), ImageFont.load_default(on.height / 6)
    for row, line in enumerate(("GIVEAWAY", "RETRO 17", "REVIEW")):
        at = (on.width / 2, on.height * (0.2 + 0.28 * row))
        ImageDraw.Draw(on).text(at, line, fill=ink, font=font, anchor="mm", stroke_width=1)
    return on


def gamma(image: Image.Image, power: float, low: float = 0.0, high: float = 1.0) -> Image.Image:
    return image.point([round(255 * (low + (high - low) * (level / 255) ** power)) for level in range(256)] * 3)


def test_an_untouched_photo_has_no_finding() -> None:
    assert found(photo()) == set()


def test_a_product_on_white_is_neither_light_nor_empty_nor_drawn() -> None:
    assert found(product()) == set()


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("too_small", lambda image: image.resize((63, 80))),
        ("odd_aspect", lambda image: image.crop((0, 0, image.width, image.height // 4))),
        ("dark", lambda image: gamma(image, 1.0, high=0.3)),
        ("light", lambda image: gamma(image, 1.0, low=0.94)),
        ("blurred", lambda image: image.filter(ImageFilter.GaussianBlur(3))),
        ("blurred", lambda image: image.resize((120, 90)).resize(image.size, Image.Resampling.BICUBIC)),
        ("low_information", lambda image: gamma(image, 1.0, low=0.5, high=0.55)),
        ("greyscale", lambda image: image.convert("L").convert("RGB")),
        ("text", words),
    ],
)
def test_a_planted_fault_is_found(kind, spoil) -> None:
    assert kind not in found(photo())
    assert kind in found(spoil(photo()))


def test_a_small_piece_on_a_flat_ground_is_almost_empty() -> None:
    piece = Image.new("RGB", (300, 300), "white")
    piece.paste(photo(40, 40), (0, 120))
    assert "almost_empty" in found(piece)


@pytest.mark.parametrize("colour", ["white", "black", "teal"])
def test_one_flat_colour_is_empty_and_says_nothing(colour: str) -> None:
    assert {"almost_empty", "low_information"} <= found(Image.new("RGB", (200, 150), colour))


def test_a_text_card_is_drawn_and_full_of_words() -> None:
    assert {"drawing", "text"} <= found(words(Image.new("RGB", (480, 360), (24, 60, 130))))


def test_the_posters_of_the_demo_are_drawn() -> None:
    import random

    from core.demo.junk import poster

    posters = [poster((480, 360), "suv", random.Random(seed)) for seed in range(8)]
    assert sum("drawing" in found(one) for one in posters) >= 7


def test_saving_a_grey_photo_as_jpeg_leaves_it_grey() -> None:
    data = io.BytesIO()
    photo().convert("L").convert("RGB").save(data, "JPEG", quality=60)
    assert "greyscale" in found(Image.open(data).convert("RGB"))


def test_a_small_file_of_a_sharp_photo_is_not_blurred_but_its_enlargement_is() -> None:
    thumbnail = photo().resize((160, 120), Image.Resampling.LANCZOS)
    assert quality.measure(thumbnail)["blurred"] < 0.3
    assert quality.measure(thumbnail.resize((480, 360), Image.Resampling.BICUBIC))["blurred"] >= 0.4


def test_out_of_focus_background_does_not_blur_a_sharp_subject() -> None:
    scene, soft = photo(), photo().filter(ImageFilter.GaussianBlur(6))
    soft.paste(scene.crop((120, 90, 360, 270)), (120, 90))
    assert quality.measure(soft)["blurred"] < 0.4


@pytest.mark.parametrize("sigma", [1.5, 2.0, 3.0])
def test_the_width_of_a_smoothed_step_is_its_sigma(sigma: float) -> None:
    from scipy.ndimage import gaussian_filter1d

    step = np.zeros((80, 80), np.float32)
    step[:, 40:] = 200
    assert edge_width(gaussian_filter1d(step, sigma, axis=1)) == pytest.approx(sigma, rel=0.15)


def test_equal_stripes_are_no_letters() -> None:
    stripes = Image.new("RGB", (256, 192), "white")
    for left in range(20, 230, 16):
        ImageDraw.Draw(stripes).rectangle([left, 40, left + 3, 150], fill="black")
    assert lettering(np.asarray(stripes.convert("L"), np.float32)) == 0


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (2, 3), (7, 9), (30, 24), (3000, 9), (5000, 5000)])
def test_any_size_is_measured(size: tuple[int, int]) -> None:
    scores = quality.measure(Image.new("RGB", size, (200, 30, 60)))
    assert scores.keys() == quality.KINDS.keys() - {"watermark"}, "one picture does not tell a mark"
    assert all(0 <= score <= 1 for score in scores.values())


def test_scores_hardly_depend_on_the_size_of_the_file() -> None:
    large, small = quality.measure(photo(1600, 1200)), quality.measure(photo(1600, 1200).resize((400, 300)))
    for kind in large.keys() - {"too_small"}:
        assert large[kind] == pytest.approx(small[kind], abs=0.12), kind


def test_the_same_picture_gives_the_same_scores() -> None:
    assert quality.measure(photo()) == quality.measure(photo())


def test_a_shorter_side_of_64_px_is_the_first_that_is_large_enough() -> None:
    assert "too_small" in found(photo().resize((63, 80)))
    assert "too_small" not in found(photo().resize((64, 80)))


def test_every_kind_says_what_is_wrong_and_what_its_score_counts() -> None:
    for kind in quality.KINDS.values():
        assert kind.sentence.endswith(".") and kind.meaning.endswith(".")
        assert 0 < kind.threshold < 1


def test_fields_are_the_rounded_mean_colours_of_the_second_look() -> None:
    data = io.BytesIO()
    photo().resize((256, 192)).save(data, "JPEG")
    fields = quality.fields(data.getvalue())
    exact = look.coarse(look.small(data.getvalue()))
    assert len(fields) == 108
    assert np.abs(np.frombuffer(fields, np.uint8).reshape(6, 6, 3) - exact).max() <= 0.5
