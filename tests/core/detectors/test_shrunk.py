"""Pictures on their way to a detector, and boxes on their way back."""

from __future__ import annotations

import hashlib
import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.blobs import Blobs
from core.detectors import Shrunk, in_the_original, shrink
from core.errors import Missing, Permanent
from core.model import Detection


def kept(folder: Path, data: bytes) -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    Blobs(str(folder)).put(sha256, data, b"")
    return sha256


def jpeg(width: int, height: int, orientation: int = 1) -> bytes:
    out, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (width, height), "red").save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_a_large_picture_comes_small_with_the_size_it_had(tmp_path: Path) -> None:
    picture, size = Shrunk(str(tmp_path), 480)(kept(tmp_path, jpeg(1200, 600)))
    assert (picture.shape, picture.dtype, size) == ((240, 480, 3), np.uint8, (1200, 600))


def test_a_picture_on_its_side_comes_upright(tmp_path: Path) -> None:
    picture, size = Shrunk(str(tmp_path), 480)(kept(tmp_path, jpeg(1200, 600, orientation=6)))
    assert (picture.shape, size) == ((480, 240, 3), (600, 1200))


def test_a_small_picture_is_not_enlarged() -> None:
    assert shrink(Image.new("RGB", (100, 50)), 480).shape == (50, 100, 3)


def test_a_very_long_picture_keeps_one_pixel() -> None:
    assert shrink(Image.new("RGB", (5000, 2)), 480).shape == (1, 480, 3)


def test_what_is_no_picture_has_its_reason(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="web page"):
        Shrunk(str(tmp_path), 480)(kept(tmp_path, b"<html></html>"))
    with pytest.raises(Missing):
        Shrunk(str(tmp_path), 480)("0" * 64)


def test_it_travels_to_a_child_process(tmp_path: Path) -> None:
    again = pickle.loads(pickle.dumps(Shrunk(str(tmp_path), 480)))
    assert again(kept(tmp_path, jpeg(10, 10)))[1] == (10, 10)


def test_boxes_come_back_in_px_of_the_original() -> None:
    (one,) = in_the_original([Detection("car", 0.9, (10, 20, 30, 40))], (480, 240), (1200, 480))
    assert one == Detection("car", 0.9, (25, 40, 75, 80))
