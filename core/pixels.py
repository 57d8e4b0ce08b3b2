"""bytes -> image -> crop -> tensor: the only preprocessing there is.

Train, evaluate, explain and predict take their pixels from `squares`, then `tensor`; ingest takes facts and thumbnail
from one decode of the same kind. Content decides what is an image, never a file's name or a server's header, and only
a full decode counts: a file cut short is refused, never padded with grey.

Whatever comes in (EXIF orientation, palette, alpha, CMYK, 16 bits, 1 bit, animation), one upright 8-bit RGB frame
comes out: the first frame, alpha laid on white, 16 bits scaled (Pillow's own `convert` clips them). Colour profiles
are not applied: the numbers in the file are the pixels. `simplejpeg` decodes plain JPEG (the same pixels as Pillow,
tested); whatever it refuses goes to Pillow, which decides.
"""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import simplejpeg
from PIL import Image

from core.errors import Permanent
from core.model import Box, ImageFacts
from core.phash import dihedral_hashes

if TYPE_CHECKING:
    import torch

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF", "TIFF")
BYTES_MAX = 20 * 1024 * 1024
PIXELS_MAX = 50_000_000  # a 9 KB PNG can ask for 9000 x 9000 = 243 MB of RGB
THUMB = 256  # px, longest side
# What Pillow's readers raise on hostile or broken bytes.
BROKEN = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, OverflowError,
          ZeroDivisionError, RuntimeError, AssertionError, struct.error, zlib.error)  # fmt: skip
_ORIENTATION = 0x0112
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
# Pillow warns above 89 megapixels, where PIXELS_MAX is stricter and an error, and of broken metadata, which scraped
# files are full of and which does not fail an image.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def decode(data: bytes) -> Image.Image:
    """One upright 8-bit RGB frame, fully decoded.

    Raises Permanent with reason "not an image", "too large" (bytes), "too many pixels", "truncated", "damaged" or
    "out of memory".
    """
    return _decode(data)[0]


def dimensions(data: bytes) -> tuple[int, int]:
    """Width and height of the upright picture, px, from its header alone. Raises Permanent as `decode` does."""
    image, kind = _open(data)
    turned = kind == "JPEG" and _orientation(image) > 4
    return (image.height, image.width) if turned else image.size


def ingest(data: bytes) -> tuple[ImageFacts, bytes]:
    """All that is known of an image from its bytes, and its thumbnail (JPEG, longest side at most 256 px), in one pass.

    `hashes[0]` equals `imagehash.phash` of the decoded picture bit for bit; `core.phash.FLIPS` has the other seven.
    Raises Permanent as `decode` does.
    """
    image, kind, array = _decode(data)
    try:
        facts = ImageFacts(
            sha256=hashlib.sha256(data).hexdigest(), pixels=_pixels_sha256(image, array), width=image.width,
            height=image.height, format=kind, size=len(data), hashes=dihedral_hashes(image),
        )  # fmt: skip
        return facts, _thumbnail(image)
    except MemoryError:
        raise _no_memory() from None


def squares(data: bytes, sizes: Sequence[int], box: Box | None = None) -> list[np.ndarray]:
    """The pixels models see: one (S, S, 3) uint8 array for each S in `sizes`, from as few decodes as possible.

    `box` None takes the whole picture. The aspect ratio is not kept. A large JPEG is decoded at a half, a quarter or an
    eighth, which every decoder can (an exported model's script too); which one depends on S and the box alone, never on
    which other sizes are asked for: training and prediction see equal pixels.
    Raises Permanent as `decode` does, or with reason "empty box".
    """
    frames: dict[int, tuple[Image.Image, Box | None]] = {}
    for need in {frame_side(size) for size in sizes}:
        frames[need] = _reduced(data, need, box)
    return [square(frames[frame_side(size)][0], size, frames[frame_side(size)][1]) for size in sizes]


def square(image: Image.Image, size: int, box: Box | None = None) -> np.ndarray:
    """An RGB picture, or its `box` (left, top, right, bottom; px), as (size, size, 3) uint8: bicubic, antialiased."""
    return np.array(image.resize((size, size), Image.Resampling.BICUBIC, box=box))


def tensor(pixels: np.ndarray | torch.Tensor, mean: Sequence[float], std: Sequence[float], device: Any) -> torch.Tensor:
    """(B, S, S, 3) uint8 -> (B, 3, S, S) float32 on `device`, (x / 255 - mean) / std for each of the 3 channels."""
    import torch

    batch = torch.as_tensor(pixels).to(device).permute(0, 3, 1, 2).to(torch.float32)  # stays channels-last in memory
    shape = (1, 3, 1, 1)
    centre = torch.tensor(mean, dtype=torch.float32, device=device).view(shape) * 255
    return (batch - centre) / (torch.tensor(std, dtype=torch.float32, device=device).view(shape) * 255)


def _decode(data: bytes) -> tuple[Image.Image, str, np.ndarray | None]:
    """The frame, Pillow's name of the format, and the frame's pixels (H, W, 3) where the decoder made such an array."""
    image, kind = _open(data)
    if kind == "JPEG" and image.mode in ("RGB", "L"):
        array = _jpeg(data)
        if array is not None:
            frame = Image.fromarray(array)
            upright = _upright(frame, image)
            return upright, kind, array if upright is frame else None
    try:
        image.load()
        return _upright(_rgb(image), image), kind, None
    except MemoryError:
        raise _no_memory() from None
    except BROKEN as error:
        raise _broken(error) from None


def _open(data: bytes) -> tuple[Image.Image, str]:
    """Header only: the unread image, and its format ("MPO" is a JPEG with more frames)."""
    if len(data) > BYTES_MAX:
        most = BYTES_MAX // 2**20
        raise Permanent("too large", f"The file has {len(data) / 2**20:.1f} MB; at most {most} MB are read.")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise Permanent("too many pixels", _TOO_MANY) from None
    except MemoryError:
        raise _no_memory() from None
    except BROKEN as error:
        raise _unreadable(data, error) from None
    if image.width * image.height > PIXELS_MAX:
        raise Permanent("too many pixels", f"{image.width} x {image.height} px: {_TOO_MANY}")
    return image, "JPEG" if image.format == "MPO" else str(image.format)


_TOO_MANY = f"The picture has more pixels than the {PIXELS_MAX // 10**6} million that are decoded."


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1..8; broken EXIF counts as none, as in every browser.

    Pillow turns TIFF itself, on load. Of a PNG the EXIF may stand after the pixels: call this once it is loaded.
    """
    if image.format == "TIFF":
        return 1
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except BROKEN:
        return 1
    return value if value in _UPRIGHT else 1


def _upright(frame: Image.Image, image: Image.Image) -> Image.Image:
    """The frame turned as the EXIF of the image it came from says."""
    orientation = _orientation(image)
    return frame.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else frame


def _jpeg(data: bytes, height: int = 0, width: int = 0) -> np.ndarray | None:
    """(H, W, 3) uint8, as small as `height` and `width` still fit in, by 1/2 or less; None where Pillow must decide."""
    try:
        return simplejpeg.decode_jpeg(data, min_height=height, min_width=width, min_factor=2)
    except MemoryError:
        raise _no_memory() from None
    except ValueError:
        return None


def frame_side(size: int) -> int:
    """Shorter side, px, that a reduced frame keeps for squares of `size` px: at least twice, in doubling levels."""
    side = 224
    while side < 2 * size:
        side *= 2
    return side


def _reduced(data: bytes, need: int, box: Box | None) -> tuple[Image.Image, Box | None]:
    """The frame that squares are cut from, and the box in its px."""
    image, kind = _open(data)
    turned = kind == "JPEG" and _orientation(image) > 4
    width, height = image.size[::-1] if turned else image.size
    frame = None
    if kind == "JPEG" and image.mode in ("RGB", "L"):
        wide, high = (need, need) if box is None else (_whole(need, box, 0, width), _whole(need, box, 1, height))
        scale = next((by for by in (8, 4, 2) if width >= by * wide and height >= by * high), 0)
        if scale:
            wide, high = -(-width // scale), -(-height // scale)
            array = _jpeg(data, wide, high) if turned else _jpeg(data, high, wide)
            frame = None if array is None else _upright(Image.fromarray(array), image)
    if frame is None:
        frame = decode(data)
        width, height = frame.size
    if box is None:
        return frame, None
    left, top, right, bottom = (max(0.0, min(at, side)) for at, side in zip(box, (width, height) * 2, strict=True))
    if right - left <= 0 or bottom - top <= 0:
        raise Permanent("empty box", f"The crop box {box} holds no pixel of {width} x {height}.")
    across, down = frame.width / width, frame.height / height
    return frame, (left * across, top * down, right * across, bottom * down)


def _whole(need: int, box: Box, axis: int, side: int) -> int:
    """Px that the whole side must have for the box to have `need`."""
    return int(np.ceil(need * side / max(box[axis + 2] - box[axis], 1)))


def _rgb(image: Image.Image) -> Image.Image:
    """Any mode Pillow has -> RGB; alpha on white, more than 8 bits scaled."""
    if image.mode.startswith(("I", "F")):
        return _eight_bits(image).convert("RGB")
    if image.has_transparency_data:
        over = image.convert("RGBA")
        white = Image.new("RGBA", over.size, "white")
        white.alpha_composite(over)
        return white.convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float grey -> 8 bits. White is 65535, or 2^32 - 1; 1.0 for floats, or their highest."""
    grey = np.asarray(image).astype(np.float64)
    if image.mode.startswith("I"):
        top = 65535.0 if grey.max(initial=0) <= 65535 else 2.0**32 - 1
        low = 0.0
    else:
        grey = np.nan_to_num(grey)
        low, top = min(grey.min(initial=0), 0.0), max(grey.max(initial=0), 1.0)
    return Image.fromarray(np.clip((grey - low) * (255 / (top - low)) + 0.5, 0, 255).astype(np.uint8))


def _pixels_sha256(image: Image.Image, array: np.ndarray | None) -> str:
    """Of width and height (u32, little endian) and the RGB bytes row by row; in bands, to save memory.

    `array` holds the same pixels where there is such an array already.
    """
    digest = hashlib.sha256(struct.pack("<II", *image.size))
    if array is not None:
        digest.update(array.data)
        return digest.hexdigest()
    band = max(1, 4_000_000 // image.width)
    for top in range(0, image.height, band):
        rows = (0, top, image.width, min(top + band, image.height))
        digest.update((image if rows[3] - top == image.height else image.crop(rows)).tobytes())
    return digest.hexdigest()


def _thumbnail(image: Image.Image) -> bytes:
    longest = max(image.size)
    if longest > THUMB:
        width, height = (max(1, round(side * THUMB / longest)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=1.0)
    return simplejpeg.encode_jpeg(np.asarray(image), quality=85, colorsubsampling="420")


def _no_memory() -> Permanent:
    return Permanent("out of memory", "The picture needs more memory than one image may have.")


def _broken(error: Exception) -> Permanent:
    if "truncated" in str(error).lower():
        return Permanent("truncated", "The file ends before the picture does: it was cut short on the way.")
    return Permanent("damaged", "The file starts like a picture, but its data cannot be decoded.")


def _unreadable(data: bytes, error: Exception) -> Permanent:
    """Why no reader takes these bytes: a damaged picture, or none at all."""
    webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    if webp and int.from_bytes(data[4:8], "little") + 8 > len(data):  # the length its header promises
        return _broken(OSError("truncated"))
    if webp or data.startswith(_SIGNATURES) or data[4:12] == b"ftypavif":
        return _broken(error)
    return Permanent("not an image", _what_it_is(data))


def _what_it_is(data: bytes) -> str:
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not data:
        return "The file is empty."
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "This is a web page, not an image: the address of the picture itself is wanted."
    if start.startswith((b"<svg", b"<?xml")):
        return "This is SVG or XML, not a photo; wanted is one of " + ", ".join(FORMATS) + "."
    if start.startswith((b"{", b"[")):
        return "This is JSON, not an image."
    return "No picture could be read from these bytes; wanted is one of " + ", ".join(FORMATS) + "."
