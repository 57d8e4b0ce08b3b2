"""Decode once: the pixels a training sees, as one uint8 array on disk for each list of views and size.

A view is an image, or the part of it that counts, as text: its SHA-256, or with a box `<sha256>@left,top,right,bottom`.
`<key>-<size>.npy` holds (N, size, size, 3); `<key>.json` beside it says which views, in order, and which failed. The
JSON is written last, by rename: without it the arrays do not count and are made again.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import Damaged
from core.model import Progress

if TYPE_CHECKING:
    import numpy as np

    from core.model import Box, Part, Split
    from core.train.feed import Pictures
    from db.store import Store

Map = Callable[..., Iterable[tuple[Any, Any, BaseException | str | None]]]  # an engine's `map`


def view(sha256: str, box: Box | None = None) -> str:
    return f"{sha256}@{','.join(f'{at:g}' for at in box)}" if box else sha256


def views_of(store: Store, project: int, split: Split, part: Part) -> list[str]:
    """What is learned from of each image of the part of a split."""
    records = store.images_by_id(project, [image for image, _ in split.parts[part]])
    return [view(record.facts.sha256, split.boxes.get(record.id)) for record in records]


def cache(
    read: Callable[[str], bytes], views: Sequence[str], sizes: Sequence[int], folder: Path, map: Map
) -> Iterator[Progress]:
    """Decode every view once into all `sizes` (px), through an engine's `map`; nothing is done where it was done before.

    `read` gives the bytes of a sha256 and has to cross processes (`Blobs(root).get` does). An image that fails is
    counted and named in the JSON; `cached` says which rows are good.
    """
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    key, total = _key(views), len(views)
    done = _facts(folder, key)
    made = {size for size in sizes if str(size) in done.get("sizes", {}) and (folder / f"{key}-{size}.npy").exists()}
    missing = sorted(set(sizes) - made)
    if not missing:
        yield Progress(total, total, f"{total} pictures are decoded already")
        return
    temporary = {size: folder / f"{key}-{size}.{uuid.uuid4().hex}.part" for size in missing}
    try:
        arrays = {
            size: np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(total, size, size, 3))
            for size, path in temporary.items()
        }
        rows = {one: i for i, one in enumerate(views)}
        failed: dict[str, str] = {}
        yield Progress(0, total, "decoding")
        for n, (one, squares, error) in enumerate(
            map(functools.partial(_squares, read, missing), views, need="cpu"), 1
        ):
            if error is not None:
                failed[one] = str(error)
            else:
                for size, square in zip(missing, squares, strict=True):
                    arrays[size][rows[one]] = square
            yield Progress(n, total, f"decoding, {len(failed)} failed" if failed else "decoding")
        for size, path in temporary.items():
            arrays.pop(size).flush()
            os.replace(path, folder / f"{key}-{size}.npy")
    finally:
        for path in temporary.values():
            path.unlink(missing_ok=True)
    sizes_now = {**done.get("sizes", {}), **{str(size): sorted(failed) for size in missing}}
    facts = {"views": list(views), "sizes": sizes_now, "failures": {**done.get("failures", {}), **failed}}
    part = folder / f"{key}.{uuid.uuid4().hex}.part"
    part.write_text(json.dumps(facts))
    os.replace(part, folder / f"{key}.json")


def cached(views: Sequence[str], size: int, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """What `cache` made: (N, size, size, 3) uint8, mapped from disk and read-only, and (N,) bool, False where it failed.

    Raises Damaged where it was not made, or the array's shape does not fit.
    """
    import numpy as np

    key = _key(views)
    failed = _facts(folder, key).get("sizes", {}).get(str(size))
    path = folder / f"{key}-{size}.npy"
    if failed is None or not path.exists():
        raise Damaged(f"{path} is not there: decode the {len(views)} pictures first.")
    try:
        pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError):
        pixels = np.empty(0)
    if pixels.shape != (len(views), size, size, 3) or pixels.dtype != np.uint8:
        raise Damaged(f"{path} is damaged: delete it, and it is made again.")
    bad = set(failed)
    return pixels, np.array([one not in bad for one in views], dtype=bool)


def pictures(
    views: Sequence[str], size: int, folder: Path, members: Sequence[tuple[int, str]], classes: Sequence[str]
) -> tuple[Pictures, list[int]]:
    """What `cached` gives, without the images that could not be read, and the number of each image that is left.

    `members` are (image, label) of each view. Raises Damaged as `cached` does.
    """
    import numpy as np

    from core.train.feed import Pictures

    pixels, good = cached(views, size, folder)
    labels = np.array([classes.index(label) for _, label in members], dtype=np.int64)
    images = [image for (image, _), ok in zip(members, good, strict=True) if ok]
    if good.all():
        return Pictures(pixels, labels, _key(views)), images
    left = [view for view, ok in zip(views, good, strict=True) if ok]
    return Pictures(pixels[good], labels[good], _key(left)), images


def _squares(read: Callable[[str], bytes], sizes: Sequence[int], view: str) -> list[np.ndarray]:
    from core.pixels import squares

    sha256, _, box = view.partition("@")
    left, top, right, bottom = map(float, box.split(",")) if box else (0.0, 0.0, 0.0, 0.0)
    return squares(read(sha256), sizes, (left, top, right, bottom) if box else None)


def _key(views: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(views).encode()).hexdigest()[:16]


def _facts(folder: Path, key: str) -> dict[str, Any]:
    try:
        return json.loads((folder / f"{key}.json").read_text())
    except (FileNotFoundError, ValueError):  # a damaged JSON counts as none: all is decoded again
        return {}
