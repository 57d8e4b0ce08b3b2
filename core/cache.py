"""Decode once: the pixels a training sees, as one uint8 array on disk for each list of views and size.

A view is an image, or the part of it that counts, as text: its SHA-256, or with a box `<sha256>@left,top,right,bottom`.
`<key>-<size>.npy` holds (N, size, size, 3); `<key>.json` beside it says which views, in order, and which failed. The
JSON is written last, by rename: without it the arrays do not count and are made again.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import orphans
from core.errors import Damaged, Missing, Permanent
from core.model import Progress
from core.whole import write

if TYPE_CHECKING:
    import numpy as np

    from core.model import Box, Part, Split
    from core.train.feed import Pictures
    from db.store import Store

DECODED = "2"  # how a view becomes pixels (core.pixels.squares); another way, another number, and all is decoded again
BLOCK = 2**24  # bytes of pictures that are copied at once
RECORDS = 10_000  # records read at once: a view is a tenth of the memory of one

Map = Callable[..., Iterable[tuple[Any, Any, BaseException | str | None]]]  # an engine's `map`


def view(sha256: str, box: Box | None = None) -> str:
    return f"{sha256}@{','.join(f'{at:g}' for at in box)}" if box else sha256


def views_of(store: Store, project: int, split: Split, part: Part) -> list[str]:
    """What is learned from of each image of the part of a split."""
    images, views = [image for image, _ in split.parts[part]], []
    for start in range(0, len(images), RECORDS):
        records = store.images_by_id(project, images[start : start + RECORDS])
        views += [view(record.facts.sha256, split.boxes.get(record.id)) for record in records]
    return views


def cache(
    read: Callable[[str], bytes], views: Sequence[str], sizes: Sequence[int], folder: Path, map: Map
) -> Iterator[Progress]:
    """Decode every view once into all `sizes` (px), through an engine's `map`; nothing is done where it was done before.

    `read` gives the bytes of a sha256 and has to cross processes (`Blobs(root).get` does). An image that fails is
    counted and named in the JSON; `cached` says which rows are good. One that failed for a reason that may pass is tried
    again the next time. Raises Missing where that is so of all of them.
    """
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    orphans.remove(folder)
    key, total = _key(views), len(views)
    facts = _facts(folder, key)
    known, again = facts.get("sizes", {}), set(facts.get("again", ()))
    made = [size for size in sizes if str(size) in known and _array(folder, key, size, total) is not None]
    missing = sorted(set(sizes) - set(made))
    later = sorted(again & {one for size in made for one in known[str(size)]})
    if not missing and not later:
        yield Progress(total, total, f"{total} pictures are decoded already")
        return
    temporary = {size: folder / f"{key}-{size}.{uuid.uuid4().hex}.part" for size in missing}
    rows = {one: i for i, one in enumerate(views)}
    told: dict[str, BaseException | str] = {}
    failed: dict[str, list[str]] = {}
    try:
        new = {size: mapped(path, np.dtype(np.uint8), (total, size, size, 3)) for size, path in temporary.items()}
        # Of an array that is there those rows are written that nobody has taken for good, so nobody reads them.
        there = {size: np.load(folder / f"{key}-{size}.npy", mmap_mode="r+") for size in (made if later else ())}
        for wanted, arrays in ((views, new), (later, there)):
            if not arrays:
                continue
            errors = yield from _fill(read, wanted, arrays, rows, map)
            if wanted is views and total and sum(_may_pass(one) for one in errors.values()) == total:
                raise Missing(f"None of the {total:,} pictures can be read just now: {next(iter(errors.values()))}")
            told |= errors
            for size, array in arrays.items():
                array.flush()
                failed[str(size)] = sorted({*known.get(str(size), ())} - {*wanted} | errors.keys())
        new.clear()
        for size, path in temporary.items():
            os.replace(path, folder / f"{key}-{size}.npy")
    finally:
        for path in temporary.values():
            path.unlink(missing_ok=True)
    passing = {one for one, error in told.items() if _may_pass(error)}
    with _alone(folder):  # another process may make another size meanwhile
        facts = _facts(folder, key)
        _write(
            folder, views, {**facts.get("sizes", {}), **failed},
            {**facts.get("failures", {}), **{one: str(error) for one, error in told.items()}},
            (again | passing) - (told.keys() - passing),
        )  # fmt: skip


def _fill(
    read: Callable[[str], bytes],
    views: Sequence[str],
    arrays: Mapping[int, np.ndarray],
    rows: Mapping[str, int],
    map: Map,
) -> Generator[Progress, None, dict[str, BaseException | str]]:
    """Decode those views into their rows of the array of each size; returns what was wrong with those that failed."""
    errors: dict[str, BaseException | str] = {}
    yield Progress(0, len(views), "decoding")
    for n, (one, squares, error) in enumerate(
        map(functools.partial(_squares, read, list(arrays)), views, need="cpu"), 1
    ):
        if error is not None:
            errors[one] = error
        else:
            for size, square in zip(arrays, squares, strict=True):
                arrays[size][rows[one]] = square
        yield Progress(n, len(views), f"decoding, {len(errors)} failed" if errors else "decoding")
    return errors


def _may_pass(error: BaseException | str) -> bool:
    """It was not the picture's fault for sure: the disk was away, the machine busy, the process killed."""
    return not isinstance(error, Permanent) or error.reason in ("crashed", "timeout")


def _array(folder: Path, key: str, size: int, count: int) -> np.ndarray | None:
    """The pixels that are there; None where there are none, or not all of them."""
    pixels = opened(folder / f"{key}-{size}.npy")
    fits = pixels is not None and pixels.shape == (count, size, size, 3) and pixels.dtype == "uint8"
    return pixels if fits else None


def opened(path: Path) -> np.ndarray | None:
    """The array in a file, mapped from disk and read-only; None where there is none, or not a whole one."""
    import numpy as np

    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError):
        return None


def mapped(path: Path, dtype: np.dtype, shape: tuple[int, ...]) -> np.memmap:
    """A new array in a file, to be written to. All the room it needs is taken from the disk here: where that is full a write
    through a map would kill the process. Raises OSError."""
    import numpy as np

    array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    if hasattr(os, "posix_fallocate"):  # macOS has none
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def cached(views: Sequence[str], size: int, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """What `cache` made: (N, size, size, 3) uint8, mapped from disk and read-only, and (N,) bool, False where it failed.

    Raises Damaged where it was not made, or the array's shape does not fit.
    """
    import numpy as np

    key = _key(views)
    failed, path = _facts(folder, key).get("sizes", {}).get(str(size)), folder / f"{key}-{size}.npy"
    if failed is None or not path.exists():
        raise Damaged(f"{path} is not there: decode the {len(views)} pictures first.")
    pixels = _array(folder, key, size, len(views))
    if pixels is None:
        raise Damaged(f"{path} is damaged: it is made again when the pictures are decoded next, as a training does.")
    bad = set(failed)
    return pixels, np.array([one not in bad for one in views], dtype=bool)


def pictures(
    views: Sequence[str], size: int, folder: Path, members: Sequence[tuple[int, str]], classes: Sequence[str],
    without: Collection[int] = (),
) -> tuple[Pictures, list[int]]:  # fmt: skip
    """What `cached` gives, without the images that could not be read and those of the numbers `without`, and the number of
    each image that is left.

    `members` are (image, label) of each view. Raises Damaged as `cached` does.
    """
    import numpy as np

    from core.train.feed import Pictures

    good = cached(views, size, folder)[1] & np.array([image not in without for image, _ in members], dtype=bool)
    labels = np.array([classes.index(label) for _, label in members], dtype=np.int64)
    rows = np.flatnonzero(good).tolist()
    left = [views[i] for i in rows]
    return Pictures(picked(views, size, folder, rows), labels[good], _key(left)), [members[i][0] for i in rows]


def picked(views: Sequence[str], size: int, folder: Path, rows: Sequence[int]) -> np.ndarray:
    """(K, size, size, 3) uint8: those rows of what `cache` made, in that order, mapped from disk and read-only.

    All of them are no more than that array. Some are copied once, beside it, as `cache` would have made them; a copy that
    is not whole is made again. Raises Damaged as `cached` does.
    """
    pixels, _ = cached(views, size, folder)
    if len(rows) == len(views):
        return pixels
    left = [views[i] for i in rows]
    with suppress(Damaged):
        copied, good = cached(left, size, folder)
        if good.all():
            return copied
    _copy(pixels, rows, folder, left)
    return cached(left, size, folder)[0]


def _copy(pixels: np.ndarray, rows: Sequence[int], folder: Path, views: Sequence[str]) -> None:
    """Those rows, which are `views`, as an array of their own, a block of them in memory at a time."""
    import numpy as np

    key, size = _key(views), pixels.shape[1]
    part = folder / f"{key}-{size}.{uuid.uuid4().hex}.part"
    step = max(1, BLOCK // (3 * size**2))
    try:
        with part.open("wb") as file:  # no map: on a full disk a map kills the process
            shape = (len(views), *pixels.shape[1:])
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for start in range(0, len(rows), step):
                file.write(pixels[rows[start : start + step]].data)
        os.replace(part, folder / f"{key}-{size}.npy")
    finally:
        part.unlink(missing_ok=True)
    with _alone(folder):
        done = _facts(folder, key)
        _write(folder, views, {**done.get("sizes", {}), str(size): []}, done.get("failures", {}))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other process changes a JSON there meanwhile; the system lets go of the lock where this one ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(
    folder: Path,
    views: Sequence[str],
    sizes: dict[str, list[str]],
    failures: dict[str, str],
    again: Collection[str] = (),
) -> None:
    """The JSON of an array that is there; `again` are those of the failed views that are worth another try."""
    told = {"views": list(views), "sizes": sizes, "failures": failures, "again": sorted(again)}
    write(folder / f"{_key(views)}.json", json.dumps(told).encode())


def _squares(read: Callable[[str], bytes], sizes: Sequence[int], view: str) -> list[np.ndarray]:
    from core.pixels import squares

    sha256, _, box = view.partition("@")
    left, top, right, bottom = map(float, box.split(",")) if box else (0.0, 0.0, 0.0, 0.0)
    return squares(read(sha256), sizes, (left, top, right, bottom) if box else None)


def _key(views: Sequence[str]) -> str:
    return hashlib.sha256("\n".join([DECODED, *views]).encode()).hexdigest()[:16]


def _facts(folder: Path, key: str) -> dict[str, Any]:
    try:
        return json.loads((folder / f"{key}.json").read_text())
    except (FileNotFoundError, ValueError):  # a damaged JSON counts as none: all is decoded again
        return {}
