"""Time per epoch and memory of a training as the pictures grow from 1,000 to 100,000.

    python tests/bench/growth.py [--images 1000,10000,100000] [--recipe simplecnn:size=48] [--json]

The pictures are made up (blocks of colour on noise, drawn once into a file as the cache makes it) and mapped from disk, as
those of a real training are; each number of them trains two epochs in a process of its own, and the second one counts.
`memory` is what the process holds apart from mapped files, at its most (RssAnon), in MB.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core.backbones import look  # noqa: E402
from core.recipes import read  # noqa: E402

CLASSES = ("red", "green", "blue", "grey")


def draw(path: Path, count: int, size: int) -> None:
    pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(count, size, size, 3))
    rng = np.random.default_rng(0)
    for start in range(0, count, 1000):
        part = rng.integers(0, 200, (min(1000, count - start), size, size, 3), dtype=np.uint8)
        for i in range(len(part)):
            if (start + i) % 4 < 3:
                part[i, size // 4 : -size // 4, size // 4 : -size // 4, (start + i) % 4] = 230
        pixels[start : start + len(part)] = part
    pixels.flush()


def anonymous() -> float:
    """MB that are not mapped from a file."""
    return int(re.search(r"RssAnon:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def train(pipe: Connection, text: str, path: Path, folder: Path) -> None:
    from core.train import Pictures, fit

    most, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            most[0] = max(most[0], anonymous())

    threading.Thread(target=watch, daemon=True).start()
    pixels = np.load(path, mmap_mode="r")
    pictures = Pictures(pixels, np.arange(len(pixels)) % 4)
    few = Pictures(np.array(pixels[:200]), pictures.labels[:200])
    recipe = read(text, epochs=2, patience=9)
    rows = [row for row in fit(recipe, CLASSES, pictures, few, folder, "cpu", 2) if "val_loss" in row]
    over.set()
    pipe.send((len(pixels) / rows[-1]["images_per_second"], most[0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", default="1000,10000,100000")
    parser.add_argument("--recipe", default="simplecnn:size=48")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    spawn, rows = multiprocessing.get_context("spawn"), []
    for count in map(int, options.images.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pixels.npy"
            draw(path, count, look(read(options.recipe)).size)
            pipe, other = spawn.Pipe()
            process = spawn.Process(target=train, args=(other, options.recipe, path, Path(folder) / "run"))
            process.start()
            seconds, memory = pipe.recv()
            process.join()
        rows.append({"images": count, "seconds": seconds, "memory": round(memory)})
        print(rows[-1], file=sys.stderr)
    first = rows[0]
    for row in rows:
        row["time_per_picture_against_the_first"] = round(
            row["seconds"] / row["images"] / (first["seconds"] / first["images"]), 2
        )
        row["seconds"] = round(row["seconds"], 1)
    result = {"recipe": options.recipe, "rows": rows, "load": round(os.getloadavg()[0], 1), "at": time.strftime("%F")}
    print(json.dumps(result) if options.json else "\n".join(map(str, rows)))


if __name__ == "__main__":
    main()
