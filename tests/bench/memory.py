"""What a training holds in memory: what a step needs, and what the allocator, precision and validation add to it.

    WINNOW_WEIGHTS=... python tests/bench/memory.py [--recipe mobilenetv2_100:train=all,batch=32] [--images 188] [--steps 6] [--json]

Each case trains in a process of its own: `kept` as Winnow does (`core.device.keep_memory`), `freed` with the C library's
own settings, `<N>` with pieces above N MiB handed back to the system at once and smaller ones kept. `most` is the most that
the process held until the end of that phase apart from mapped files (RssAnon), `now` what it holds at the end of it, in MB;
`saved` what one step keeps from its forward for its backward pass; `cpu` processor seconds a step, which other programs on
the machine lengthen less than time. Batches are uneven, as they are in a training.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import multiprocessing
import os
import random
import re
import statistics
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core.device import keep_memory  # noqa: E402

DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")) / "data"
VALIDATION = 128  # pictures


def held() -> float:
    """MB that are not mapped from a file."""
    return int(re.search(r"RssAnon:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


OWN = 2**25, 2**26  # what the C library's own limits grow to


def settle(case: str) -> None:
    """The allocator's settings of that case, for this process."""
    mallopt = ctypes.CDLL(None).mallopt
    if case == "kept":
        keep_memory()
    else:
        above, trim = OWN if case == "freed" else (int(case) * 2**20, 2**31 - 1)
        mallopt(-3, above), mallopt(-1, trim)


def train(pipe: Connection, case: str, file: Path, options: argparse.Namespace) -> None:
    most, rows, over = [0.0], [], threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            most[0] = max(most[0], held())

    def note(phase: str, **more: float) -> None:
        rows.append({"phase": phase, "most": round(max(most[0], held())), "now": round(held()), **more})
        print(case, rows[-1], file=sys.stderr)

    threading.Thread(target=watch, daemon=True).start()
    import torch

    from core import device as devices
    from core.recipes import read
    from core.train import Pictures, optimise
    from core.train.feed import Feed
    from core.train.training import Training

    devices.keep_memory = lambda: settle(case)
    if options.precision:
        devices.precision = lambda *_: options.precision
    pixels, labels = np.load(file, mmap_mode="r"), np.load(file.with_suffix(".labels.npy"))
    many, few = (Pictures(pixels[part], labels[part]) for part in (slice(VALIDATION, None), slice(VALIDATION)))
    classes, recipe = tuple(map(str, range(labels.max() + 1))), read(options.recipe, epochs=10_000)
    weights = Path(os.environ.get("WINNOW_WEIGHTS", ROOT.parent / "shared" / "weights"))
    note("libraries")
    with tempfile.TemporaryDirectory() as folder:
        training = Training(recipe, classes, many, few, Path(folder), torch.device("cpu"), 2, weights)
        training.resume()
        note(f"network, {training.precision}{'' if options.precision else ' chosen'}")
        draw, feed, saved, spent = torch.Generator().manual_seed(0), Feed(many.pixels, training.device), {}, []
        optimise.learning(training.net)

        def steps(count: int) -> float:
            """Processor seconds of one."""
            began = time.process_time()
            while count > 0:
                for rows in training._order(draw)[:count]:
                    training._step(*training._batch(next(feed([rows])), rows, draw), draw, len(rows))
                    count -= 1
            return time.process_time() - began

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        if options.turns:
            times: dict[str, list[float]] = {each: [] for each in options.cases}
            for turn in range(options.turns + 1):
                for each in options.cases:
                    settle(each)
                    ctypes.CDLL(None).malloc_trim(0)
                    steps(2)
                    seconds = steps(options.steps) / options.steps
                    times[each] += [seconds] if turn else []
            over.set()
            pipe.send({each: round(statistics.median(seconds), 4) for each, seconds in times.items()})
            return
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            steps(1)
        note("the first step", saved=round(sum(saved.values()) / 2**20))
        spent.append(steps(options.steps) / options.steps)
        note("steps", cpu=round(spent[-1], 2))
        training._validate(training.inputs[1])
        note("validation")
        optimise.learning(training.net)
        spent.append(steps(options.steps) / options.steps)
        note("steps again", cpu=round(spent[-1], 2))
    over.set()
    pipe.send(rows)


def decoded(folder: Path, options: argparse.Namespace) -> Path:
    from core.backbones import look
    from core.pixels import squares
    from core.recipes import read

    data, size, file = DATA / options.set, look(read(options.recipe)).size, folder / "pixels.npy"
    if not data.is_dir():
        sys.exit(f"{data} is not there: set WINNOW_TEST_DATA to the folder with the test images.")
    classes = sorted(path.name for path in data.iterdir() if path.is_dir())
    files = [(file, i) for i, name in enumerate(classes) for file in sorted((data / name).iterdir())]
    random.Random(0).shuffle(files)
    files = files[: options.images + VALIDATION]
    np.save(file, np.stack([squares(path.read_bytes(), [size])[0] for path, _ in files]))
    np.save(file.with_suffix(".labels.npy"), np.array([label for _, label in files]))
    return file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="mobilenetv2_100:train=all,batch=32")
    parser.add_argument("--set", default="fashion")
    parser.add_argument("--images", type=int, default=188)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--precision", default="fp32", help="fp32, bf16; empty: chosen as a training does")
    parser.add_argument("--cases", nargs="+", default=["kept", "freed"])
    parser.add_argument(
        "--turns", type=int, default=0, help="only processor seconds a step, the cases in turn in one process"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    spawn, found = multiprocessing.get_context("spawn"), {}
    with tempfile.TemporaryDirectory() as folder:
        file = decoded(Path(folder), options)
        for case in options.cases[:1] if options.turns else options.cases:
            pipe, other = spawn.Pipe()
            process = spawn.Process(target=train, args=(other, case, file, options))
            process.start()
            other.close()
            found["turns" if options.turns else case] = pipe.recv()
            process.join()
    result = {"recipe": options.recipe, "cases": found, "load": round(os.getloadavg()[0], 1), "at": time.strftime("%F")}
    rows = [
        f"{case}: {row}" for case in found for row in (found[case] if isinstance(found[case], list) else [found[case]])
    ]
    print(json.dumps(result) if options.json else "\n".join(rows))


if __name__ == "__main__":
    main()
