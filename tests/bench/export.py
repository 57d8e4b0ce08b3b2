"""Exported models beside the app, and how fast a data set is written: python tests/bench/export.py [--home H] [--json]

Models: every trained run or pair named by `--models PROJECT:RUN[+RUN],...` of the home folder `--home` is exported into a
temporary folder (which compares it with the app on 100 real pictures), then onnxruntime and torch take turns on single
pictures and on batches of 32, decoded beforehand, with the same number of threads.

Data sets: a project of `--pictures` JPEGs (real ones, each with another comment, so that every file differs) is exported
in each form, in a process of its own that says how much memory it took at most; a quarter as many are exported as well,
and the difference is what memory grows by.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")).resolve() / "data"
FORMS = ("imagefolder", "csv", "parquet", "coco", "huggingface")


def ended(step):
    while True:
        try:
            next(step)
        except StopIteration as over:
            return over.value


def models(home: Path, wanted: str, threads: int) -> dict:
    os.environ["WINNOW_HOME"] = str(home)
    from core import settings as s
    from core.blobs import Blobs
    from core.export.model import model
    from core.runs import choose, load_models
    from db import open_store

    settings = s.load()
    store, blobs, told = open_store(settings.database), Blobs(settings.storage), {}
    for each in wanted.split(","):
        name, numbers = each.split(":")
        runs, project = [int(run) for run in numbers.split("+")], store.project(name)
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            result = ended(model(store, blobs, settings, project, Path(folder), runs))
            seconds = time.perf_counter() - start
            loaded = load_models(settings.model_copy(update={"device": "cpu"}), choose(store, project.id, runs))
            speeds = {
                run: speed(Path(folder) / f"{run}.onnx", one, threads)
                for run, one in zip(runs, loaded.values(), strict=True)
            }
        told[each] = {**result["same"], "export_seconds": round(seconds, 1), "speed": speeds}
    return told


def speed(path: Path, one, threads: int) -> dict:
    """ms per picture by onnxruntime and by torch (fp32, and as the app evaluates), taking turns; medians."""
    import onnxruntime
    import torch

    torch.set_num_threads(threads)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # it would take torch's turn away
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    ways = {
        "onnxruntime": lambda x: session.run(None, {"pixels": x}),
        "torch_fp32": lambda x: one.probabilities(x),
    }
    told: dict = {}
    for count in (1, 32):
        pictures = np.resize(one.background, (count, *one.background.shape[1:]))
        times: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(33 if count == 1 else 13):
            for name, ask in ways.items():
                start = time.perf_counter()
                ask(pictures)
                if turn >= 3:
                    times[name].append((time.perf_counter() - start) * 1000 / count)
        told[f"{count} at once"] = {name: round(statistics.median(took), 2) for name, took in times.items()}
        took = told[f"{count} at once"]
        took["torch_fp32_over_onnxruntime"] = round(took["torch_fp32"] / took["onnxruntime"], 2)
    return told


def filled(home: Path, count: int) -> None:
    """A project of so many different pictures, split."""
    from core import pixels
    from core.blobs import Blobs
    from core.model import Candidate
    from db import open_store
    from tests.pages.filled import begin

    store, blobs = open_store(f"sqlite:///{home / 'winnow.db'}"), Blobs(str(home))
    photos = sorted((DATA / "sneakers").rglob("*.jpg"))
    random.Random(0).shuffle(photos)
    classes = tuple(f"class {i}" for i in range(8))
    project = store.add_project("bench", classes)
    _, claim = begin(store, project, "scrape")
    for start in range(0, count, 500):
        found, outcomes = [], []
        for i in range(start, min(start + 500, count)):
            photo = photos[i % 500].read_bytes()
            comment = str(i).zfill(8).encode()
            data = photo[:2] + b"\xff\xfe\x00\x0a" + comment + photo[2:]  # a JPEG's comment
            facts, thumb = pixels.ingest(data)
            blobs.put(facts.sha256, data, thumb)
            url = f"https://example.org/{i}.jpg"
            found.append(
                Candidate(url, classes[i % 8], "urls", f"https://example.org/{i}", "A shoe", "Ann", "CC BY 4.0")
            )
            outcomes.append((url, facts, ""))
        store.add_candidates(claim, project.id, start, found)
        store.add_fetched(claim, project.id, outcomes)
    kept = [(record.id, record.label) for record in store.images(project.id)]
    cut = (len(kept) * 8 // 10, len(kept) * 9 // 10)
    parts = {"train": kept[: cut[0]], "val": kept[cut[0] : cut[1]], "test": kept[cut[1] :]}
    store.add_split(claim, project.id, 0, parts, classes, {}, 0)
    store.close()


def written(home: Path, form: str, to: Path) -> dict:
    """One export, in this process: pictures a second, and the memory it took at most, in MB."""
    from core.blobs import Blobs
    from core.export.dataset import dataset
    from db import open_store

    store = open_store(f"sqlite:///{home / 'winnow.db'}")
    start = time.perf_counter()
    result = ended(dataset(store, Blobs(str(home)), store.project("bench"), form, to))
    seconds = time.perf_counter() - start
    again = time.perf_counter()
    ended(dataset(store, Blobs(str(home)), store.project("bench"), form, to))
    return {
        "images": result["images"], "images_per_second": round(result["images"] / seconds),
        "again_images_per_second": round(result["images"] / (time.perf_counter() - again)),
        "peak_mb": peak_mb(),
    }  # fmt: skip


def peak_mb() -> int:
    """VmHWM: unlike ru_maxrss it does not begin with what the process had that started this one."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


def data_sets(count: int) -> dict:
    told: dict = {}
    for pictures in (count // 4, count):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            filled(home, pictures)
            start = time.perf_counter()
            for path in sorted((home / "images").rglob("*")):
                if path.is_file():
                    (home / "copy").write_bytes(path.read_bytes())
            plain = pictures / (time.perf_counter() - start)
            told[f"{pictures} pictures"] = {"plain_copy_images_per_second": round(plain)}
            for form in FORMS:
                args = [sys.executable, __file__, "--written", form, "--home", str(home), "--to", str(home / form)]
                ran = subprocess.run(args, capture_output=True, text=True, check=True)
                told[f"{pictures} pictures"][form] = json.loads(ran.stdout)
    few, many = (told[f"{n} pictures"] for n in (count // 4, count))
    told["peak_grows_by_mb"] = {form: many[form]["peak_mb"] - few[form]["peak_mb"] for form in FORMS}
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, help="a home folder with trained runs; without it models are left out")
    parser.add_argument("--models", default="sneakers:17+18,sneakers:69,porsche:25+26,porsche:68")
    parser.add_argument("--pictures", type=int, default=4000, help="0 leaves the data sets out")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--written", help=argparse.SUPPRESS)
    parser.add_argument("--to", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.written:
        print(json.dumps(written(args.home, args.written, args.to)))
        return
    if not DATA.is_dir():
        sys.exit(f"{DATA} is not there: set WINNOW_TEST_DATA to the folder with the test images.")
    result: dict = {"load": round(os.getloadavg()[0], 1)}
    if args.home:
        result["models"] = models(args.home.resolve(), args.models, args.threads)
    if args.pictures:
        result["data_sets"] = data_sets(args.pictures)
    print(json.dumps(result) if args.json else json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
