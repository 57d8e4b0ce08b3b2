"""Every kind of picture becomes one upright RGB frame, every other file a reason; hashes equal imagehash's."""

from __future__ import annotations

import hashlib
import io
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageCms

from core.errors import Permanent
from core.phash import FLIPS
from core.pixels import BYTES_MAX, decode, ingest, square, squares, tensor

RED, GREEN, BLUE, WHITE = (220, 30, 20), (20, 200, 40), (30, 40, 210), (255, 255, 255)


def corners(width: int = 48, height: int = 32) -> Image.Image:
    """Four coloured quarters, so that a turn shows."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    image.paste(WHITE, (width // 2, height // 2, width, height))
    return image


def photo(width: int = 320, height: int = 200, seed: int = 0) -> Image.Image:
    """A soft random picture: it has detail, and JPEG keeps it."""
    noise = np.random.default_rng(seed).integers(0, 256, (9, 14, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def saved(image: Image.Image, kind: str, **options) -> bytes:
    to = io.BytesIO()
    image.save(to, kind, **options)
    return to.getvalue()


def apart(one: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference, 0..255; inf where the sizes differ."""
    if one.size != other.size:
        return float("inf")
    return float(np.abs(np.asarray(one, dtype=float) - np.asarray(other, dtype=float)).mean())


def refused(data: bytes) -> Permanent:
    with pytest.raises(Permanent) as error:
        ingest(data)
    assert str(error.value).endswith(".")
    return error.value


def png_header(width: int, height: int, bits: int = 8, colour: int = 2, data: bytes = b"") -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


# one upright RGB frame -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_undone(kind, orientation):
    turns = [
        None, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_90, Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_270,
    ]  # fmt: skip
    turn = turns[orientation - 1]
    stored = corners() if turn is None else corners().transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if kind in ("JPEG", "WEBP", "AVIF") else {}
    data = saved(stored, kind, exif=exif, **options)
    assert decode(data).size == (48, 32)
    assert apart(decode(data), corners()) < 6
    assert apart(Image.fromarray(squares(data, [40])[0]), corners().resize((40, 40))) < 7
    facts, _ = ingest(data)
    assert (facts.width, facts.height, facts.format) == (48, 32, kind)


def test_broken_exif_does_not_fail_the_image():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = bytearray(saved(photo(), "JPEG", exif=exif))
    start = data.index(b"Exif\0\0") + 6
    for end in range(start, start + 20):
        data[end] = 0xFF
    assert decode(bytes(data)).size == (320, 200)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF", "TIFF"])
def test_the_first_frame_of_an_animation_is_taken(kind):
    data = saved(corners(), kind, save_all=True, append_images=[Image.new("RGB", (48, 32), "black")])
    assert apart(decode(data), corners()) < 9


def test_alpha_is_laid_on_white():
    rgba = corners().convert("RGBA")
    rgba.putalpha(Image.new("L", rgba.size, 0))
    half = Image.new("RGBA", (4, 4), (0, 0, 0, 128))
    for kind in ("PNG", "WEBP", "TIFF"):
        assert apart(decode(saved(rgba, kind)), Image.new("RGB", (48, 32), "white")) < 1
    assert decode(saved(half, "PNG")).getpixel((1, 1)) == (127, 127, 127)
    assert decode(saved(half.convert("LA"), "PNG")).getpixel((1, 1)) == (127, 127, 127)


def test_transparent_palette_and_transparent_grey_and_rgb_are_laid_on_white():
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([9, 9, 9, 200, 0, 0])
    palette.putpixel((0, 0), 0)
    for kind in ("PNG", "GIF"):
        image = decode(saved(palette, kind, transparency=0))
        assert (image.getpixel((0, 0)), image.getpixel((3, 3))) == (WHITE, (200, 0, 0))
    assert decode(saved(Image.new("L", (4, 4), 7), "PNG", transparency=7)).getpixel((0, 0)) == WHITE
    assert decode(saved(Image.new("RGB", (4, 4), BLUE), "PNG", transparency=BLUE)).getpixel((0, 0)) == WHITE


def test_sixteen_bits_are_scaled_and_not_clipped():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, axis=0)
    for data in (saved(Image.fromarray(ramp), "PNG"), saved(Image.fromarray(ramp), "TIFF")):
        grey = np.asarray(decode(data))
        assert np.abs(grey[0, :, 0].astype(int) - np.arange(256)).max() <= 1
        assert (grey[..., 0] == grey[..., 2]).all()
    row = b"\0" + struct.pack(">6H", 0, 32768, 65535, 65535, 257, 0)  # two 16-bit RGB pixels
    image = decode(png_header(2, 1, 16, 2, row))
    assert [image.getpixel((x, 0)) for x in (0, 1)] == [(0, 128, 255), (255, 1, 0)]


def test_floats_and_32_bits_fill_the_range():
    floats = Image.fromarray(np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8))
    assert np.asarray(decode(saved(floats, "TIFF"))).max() == 255
    wide = Image.fromarray((np.arange(64, dtype=np.int32) * 1040).reshape(8, 8))
    assert np.asarray(decode(saved(wide, "TIFF"))).max() == 255


def test_one_bit_and_grey_become_rgb():
    mask = Image.new("1", (8, 8), 0)
    mask.putpixel((2, 2), 1)
    for kind in ("PNG", "TIFF", "BMP", "GIF"):
        image = decode(saved(mask, kind))
        assert (image.mode, image.getpixel((2, 2)), image.getpixel((0, 0))) == ("RGB", WHITE, (0, 0, 0))
    grey = photo().convert("L")
    assert apart(decode(saved(grey, "JPEG", quality=95)), grey.convert("RGB")) < 1


def test_cmyk_comes_out_in_its_colours():
    for kind in ("JPEG", "TIFF"):
        data = saved(photo().convert("CMYK"), kind)
        assert apart(decode(data), photo()) < 5
        assert apart(Image.fromarray(squares(data, [75])[0]), photo().resize((75, 75), Image.Resampling.BICUBIC)) < 5


def test_a_colour_profile_changes_no_pixel():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for kind in ("PNG", "JPEG"):
        with_profile, without = saved(photo(), kind, icc_profile=profile), saved(photo(), kind)
        assert np.array_equal(decode(with_profile), decode(without))


def test_a_jpeg_with_more_frames_is_a_jpeg():
    facts, _ = ingest(saved(photo(), "MPO", save_all=True, append_images=[photo(seed=1)]))
    assert facts.format == "JPEG"


def test_a_single_pixel_is_an_image():
    facts, thumb = ingest(saved(Image.new("RGB", (1, 1), RED), "PNG"))
    assert (facts.width, facts.height) == (1, 1)
    assert Image.open(io.BytesIO(thumb)).size == (1, 1)


# what is no image ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"), (b"<!DOCTYPE html><html><img src=x></html>", "web page"), (b"\n<html></html>", "web page"),
        (b'{"error": 404}', "JSON"), (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"), (b"plain text", "No picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "No picture"), (b"\0" * 4096, "No picture"),
    ],
)  # fmt: skip
def test_what_is_no_image_is_refused_in_a_sentence(data, word):
    error = refused(data)
    assert error.reason == "not an image"
    assert word in str(error)
    assert not error.retryable


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_file_that_was_cut_short_is_refused(kind, share):
    data = saved(photo(), kind)
    assert refused(data[: int(len(data) * share)]).reason in ("truncated", "damaged")


def test_a_jpeg_cut_anywhere_is_truncated_for_every_reader():
    data = saved(photo(), "JPEG")
    for cut in (1, 2, 3, 10, 100, 1000, len(data) // 2):
        assert refused(data[:-cut]).reason == "truncated"
        with pytest.raises(Permanent):
            squares(data[:-cut], [75])


def test_a_png_whose_pixels_are_all_there_needs_no_end_mark():
    data = saved(photo(), "PNG")
    assert np.array_equal(decode(data[:-12]), photo())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF", "TIFF"])
def test_flipped_bits_give_an_image_or_a_reason_and_nothing_else(kind):
    data = saved(photo(90, 60), kind)
    rng = random.Random(kind)
    for _ in range(60):
        bad = bytearray(data)
        for _ in range(rng.choice((1, 5, 30))):
            bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
        try:
            facts, thumb = ingest(bytes(bad))
        except Permanent as error:
            assert error.reason in ("damaged", "truncated", "not an image", "too many pixels", "out of memory")
        else:
            assert facts.width > 0
            assert thumb


@pytest.mark.parametrize("side", [9000, 13000, 20000, 2**31 - 1])
def test_a_bomb_is_refused_by_its_header(side):
    error = refused(png_header(side, side, data=b"\0" * 1000))
    assert error.reason == "too many pixels"
    assert "50 million" in str(error)


def test_a_bomb_in_other_formats_is_refused_as_well():
    gif = bytearray(saved(Image.new("P", (16, 16)), "GIF"))
    gif[6:10] = struct.pack("<HH", 65535, 65535)
    bmp = b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 30000, 30000, 1, 24, 0, 0, 0, 0, 0, 0) + b"\0" * 99
    for data in (bytes(gif), bmp, saved(Image.new("1", (9000, 9000)), "TIFF", compression="group4")):
        assert refused(data).reason == "too many pixels"


def test_more_bytes_than_the_limit_are_not_looked_at():
    assert refused(saved(photo(), "JPEG") + b"\0" * BYTES_MAX).reason == "too large"


def test_a_picture_that_needs_too_much_memory_is_a_reason_not_a_crash():
    code = (
        "import resource, sys; from core.pixels import ingest; import scipy.fft; from core.errors import Permanent\n"
        "have = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (have + 100_000_000,) * 2)\n"
        "try: ingest(sys.stdin.buffer.read())\n"
        "except Permanent as error: print(error.reason)"
    )
    data = png_header(7000, 7000, data=b"\0" * (7000 * 3 + 1) * 7000)
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], input=data, cwd=root, capture_output=True, timeout=60)
    assert done.stdout.strip() == b"out of memory", done.stderr.decode()[-500:]


# facts -----------------------------------------------------------------------------------------------------------


def test_facts_and_thumbnail_come_in_one_pass():
    data = saved(photo(640, 400), "JPEG", quality=90)
    facts, thumb = ingest(data)
    assert facts.sha256 == hashlib.sha256(data).hexdigest()
    assert (facts.width, facts.height, facts.size, facts.format) == (640, 400, len(data), "JPEG")
    small = Image.open(io.BytesIO(thumb))
    assert (small.format, small.size) == ("JPEG", (256, 160))
    assert apart(small.convert("RGB"), photo(640, 400).resize((256, 160))) < 4


def test_equal_pixels_have_equal_sums_whatever_the_bytes():
    one, other = ingest(saved(photo(), "PNG"))[0], ingest(saved(photo(), "BMP"))[0]
    assert one.pixels == other.pixels
    assert one.sha256 != other.sha256
    same_bytes_other_shape = ingest(saved(Image.new("RGB", (20, 10)), "PNG"))[0]
    assert same_bytes_other_shape.pixels != ingest(saved(Image.new("RGB", (10, 20)), "PNG"))[0].pixels


def test_the_pixel_sum_does_not_depend_on_how_it_was_read():
    large = photo(2600, 1700)  # more than one band of rows
    digest = hashlib.sha256(struct.pack("<II", 2600, 1700) + large.tobytes()).hexdigest()
    assert ingest(saved(large, "PNG", compress_level=1))[0].pixels == digest


def hashed(image: Image.Image) -> int:
    return int(str(imagehash.phash(image)), 16)


@pytest.mark.parametrize("image", [photo(), corners(), Image.new("RGB", (30, 20), "white"), photo(7, 900)],
                         ids=["photo", "corners", "white", "narrow"])  # fmt: skip
def test_the_hash_of_a_drawn_picture_equals_imagehash(image):
    assert ingest(saved(image, "PNG"))[0].hashes[0] == hashed(image)


def photos(folder: Path, count: int) -> list[bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    return [path.read_bytes() for path in random.Random(2).sample(paths, min(count, len(paths)))]


@pytest.mark.parametrize("name", ["sneakers", "porsche", "fashion", "seat"])
def test_the_hash_of_real_photos_equals_imagehash_bit_for_bit_and_the_turned_ones_nearly(test_data, name):
    off = []
    for data in photos(test_data / "data" / name, 120):
        hashes = ingest(data)[0].hashes
        upright = Image.open(io.BytesIO(data)).convert("RGB")  # Pillow's own decoder, not ours
        assert hashes[0] == hashed(upright)
        if len(off) < 40 * 7:
            off += [(hashes[k] ^ hashed(upright.transpose(FLIPS[k]))).bit_count() for k in range(1, 8)]
    assert max(off) <= 4
    assert np.mean(off) < 0.5


# squares and tensors ---------------------------------------------------------------------------------------------


def test_a_square_does_not_depend_on_the_sizes_asked_for_with_it():
    data = saved(photo(1600, 1200), "JPEG")
    together = squares(data, [75, 100, 224])
    for size, pixels in zip((75, 100, 224), together, strict=True):
        assert pixels.shape == (size, size, 3)
        assert pixels.dtype == np.uint8
        assert np.array_equal(pixels, squares(data, [size])[0])


def test_a_reduced_decode_is_as_good_as_a_whole_one(test_data):
    for data in photos(test_data / "data" / "seat", 30):
        whole = decode(data)
        for size, pixels in zip((75, 100), squares(data, [75, 100]), strict=True):
            assert np.abs(pixels.astype(int) - square(whole, size)).mean() < 2.5


@pytest.mark.parametrize("size", [(450, 500), (700, 800), (899, 901), (1600, 1200), (1791, 2000), (4000, 3000)])
def test_a_reduced_decode_is_one_that_every_decoder_can(size):
    """A half, a quarter or an eighth: what Pillow's own draft gives, so that an exported model sees equal pixels."""
    data = saved(photo(*size), "JPEG")
    with Image.open(io.BytesIO(data)) as image:
        image.draft(None, (224, 224))
        assert np.array_equal(squares(data, [100])[0], square(image.convert("RGB"), 100))


def test_a_box_is_cut_from_the_upright_picture():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(corners(1600, 1200).transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95)
    for box, colour in (((0, 0, 700, 500), RED), ((900, 0, 1600, 500), GREEN), ((900, 700, 1600, 1200), WHITE)):
        pixels = squares(data, [75], box)[0]
        assert np.abs(pixels.astype(int) - colour).max() < 12
    with pytest.raises(Permanent, match="holds no pixel"):
        squares(data, [75], (50, 50, 50, 90))


def test_a_tensor_is_normalised_by_channel():
    pixels = np.zeros((2, 4, 4, 3), dtype=np.uint8)
    pixels[1] = 255
    batch = tensor(pixels, (0.5, 0.4, 0.3), (0.5, 0.2, 0.1), "cpu")
    assert tuple(batch.shape) == (2, 3, 4, 4)
    assert batch[0, :, 0, 0].tolist() == pytest.approx([-1, -2, -3])
    assert batch[1, :, 0, 0].tolist() == pytest.approx([1, 3, 7], rel=1e-5)


def test_the_module_is_light_enough_for_a_child_process():
    code = "import sys, core.pixels; print([m for m in ('torch', 'numba', 'pandas', 'streamlit') if m in sys.modules])"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
