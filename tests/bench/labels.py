"""How many planted faults of labels are found: python tests/bench/labels.py [--sheets DIR] [--cache DIR] [--plain] [--json]

Wrong labels (5 and 10 %, to any class or to the one most alike) and strangers (3 %, pictures of another set under a
label of this one, or of a class held out) are planted in sneakers, porsche (what its reviewer kept) and fashion. Porsche
also has its reviewer's real rejects. Then the sets as they are: `--sheets` draws the surest findings, to be looked at.
`--speed` takes 10,000 and 50,000 (and `--large` 100,000) made-up vectors of 1,280 numbers instead.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from core.clean import classes, labels, outliers  # noqa: E402

SHARED = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")).resolve()
SETS = ("sneakers", "porsche", "fashion")
SEEDS = (1, 2, 3)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sheets", type=Path, help="draw the 40 surest findings of each kind and set here")
    parser.add_argument("--cache", type=Path, help="keep the vectors here")
    parser.add_argument("--plain", action="store_true", help="vectors of the plain descriptor")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    figures = speed(args.large) if args.speed else faults(args)
    print(json.dumps(figures) if args.json else json.dumps(figures, indent=1))


def faults(args: argparse.Namespace) -> dict[str, Any]:
    sets = {name: embedded(name, "plain" if args.plain else "mobilenetv2_100", args.cache) for name in SETS}
    vectors, of, files = sets["porsche"]
    rejected = rejects(files)
    kept = (vectors[~rejected], of[~rejected], files[~rejected])
    figures: dict[str, Any] = {"wrong labels": {}, "strangers": {}, "untouched": {}}
    for name in SETS:
        rows, names, _ = kept if name == "porsche" else sets[name]
        for kind in ("random", "confusable"):
            for share in (0.05, 0.1):
                runs = [wrong(rows, names, share, kind, seed) for seed in SEEDS]
                figures["wrong labels"][f"{name}, {kind}, {share:.0%}"] = mean(runs)
        other = {"sneakers": "porsche", "porsche": "sneakers", "fashion": "porsche"}[name]
        runs = [strangers(rows, names, sets[other][0], seed) for seed in SEEDS]
        figures["strangers"][f"{name} with {other}"] = mean(runs)
        runs = [held(rows, names, label) for label in np.unique(names)]
        figures["strangers"][f"{name} with a class held out"] = mean(runs)
        figures["untouched"][name] = untouched(name, *sets[name], args.sheets)
    figures["strangers"]["porsche, its rejects"] = scored(rejected, *strange(vectors, of))
    return figures


def embedded(name: str, by: str, cache: Path | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, D) float16 vectors, (N,) labels, (N,) files of a set, each picture once."""
    from core.embed import embedder
    from core.pixels import squares

    folder = SHARED / "data" / name
    kept = cache / f"{name}-{by}.npy" if cache else None
    files = sorted(folder.rglob("*.jpg"))
    if kept and kept.exists():
        vectors = np.load(kept)
    else:
        one = embedder(by, SHARED / "weights", "cpu")
        pieces = (files[i : i + 32] for i in range(0, len(files), 32))
        vectors = np.concatenate(
            [one(np.stack([squares(p.read_bytes(), [one.size])[0] for p in some])) for some in pieces]
        )
        vectors = vectors.astype(np.float16)
        if kept:
            np.save(kept, vectors)
    vectors, first = np.unique(vectors, axis=0, return_index=True)  # exact copies are another check's
    order = np.argsort(first)
    first = first[order]
    return vectors[order], np.array([files[i].parent.name for i in first]), np.array([str(files[i]) for i in first])


def rejects(files: np.ndarray) -> np.ndarray:
    with (SHARED / "data" / "porsche" / "manifest.csv").open() as file:
        bad = {(label, name) for label, name, verdict in csv.reader(file) if verdict == "reject"}
    return np.array([(Path(one).parent.name, Path(one).name) in bad for one in files])


def wrong(vectors: np.ndarray, names: np.ndarray, share: float, kind: str, seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    every, of = np.unique(names, return_inverse=True)
    middles = np.stack([vectors[of == c].astype(np.float32).mean(0) for c in range(len(every))])
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    alike = middles @ middles.T - 2 * np.eye(len(every))
    given, planted = of.copy(), np.zeros(len(of), bool)
    for i in rng.choice(len(of), round(share * len(of)), replace=False):
        others = np.delete(np.arange(len(every)), of[i])
        given[i] = alike[of[i]].argmax() if kind == "confusable" else rng.choice(others)
        planted[i] = True
    rows = classes.reduced(vectors)
    said = classes.probabilities(rows, classes.whitened(rows), given, np.arange(len(of)))
    chances = np.concatenate([some for _, some, _ in said])
    own = chances[np.arange(len(of)), given]
    chances[np.arange(len(of)), given] = -1
    lead = chances.max(1) - own
    return scored(planted, lead, lead >= labels.LEAD) | {
        "suggested right": float((chances.argmax(1) == of)[planted].mean())
    }


def strangers(vectors: np.ndarray, names: np.ndarray, others: np.ndarray, seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    some = others[rng.choice(len(others), round(0.03 * len(vectors)), replace=False)]
    mixed = np.concatenate([names, rng.choice(np.unique(names), len(some))])
    planted = np.arange(len(mixed)) >= len(names)
    return scored(planted, *strange(np.concatenate([vectors, some]), mixed))


def held(vectors: np.ndarray, names: np.ndarray, label: str) -> dict[str, float]:
    """A sister class, 3 % of the rest, under their labels."""
    return strangers(vectors[names != label], names[names != label], vectors[names == label], 1)


def strange(vectors: np.ndarray, names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows, of = classes.reduced(vectors), np.unique(names, return_inverse=True)[1]
    score = outliers.strangeness(rows, classes.whitened(rows), of, np.arange(len(of)))
    return score, score >= outliers.LIMIT


def scored(truth: np.ndarray, score: np.ndarray, flagged: np.ndarray) -> dict[str, float]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    return {
        "auroc": float(roc_auc_score(truth, score)), "average precision": float(average_precision_score(truth, score)),
        "flagged": int(flagged.sum()), "planted": int(truth.sum()),
        "precision": float(truth[flagged].mean()) if flagged.any() else 0.0, "recall": float(flagged[truth].mean()),
    }  # fmt: skip


def mean(runs: list[dict[str, float]]) -> dict[str, float]:
    return {key: round(float(np.mean([run[key] for run in runs])), 3) for key in runs[0]}


def untouched(name: str, vectors: np.ndarray, names: np.ndarray, files: np.ndarray, to: Path | None) -> dict[str, Any]:
    found = list(labels.issues(vectors, names.tolist(), list(range(len(names)))))
    figures: dict[str, Any] = {"images": len(names)}
    for kind in ("label_issue", "far_from_class"):
        some = sorted((one for one in found if one.kind == kind), key=lambda one: -one.score)
        figures[kind] = len(some)
        if name == "porsche":
            figures[f"{kind}, rejected by its reviewer"] = int(rejects(files[[one.image for one in some]]).sum())
        if to:
            sheet([(files[one.image], one.note) for one in some[:40]], to / f"{name}-{kind}.png")
    return figures


def sheet(rows: list[tuple[str, str]], to: Path) -> None:
    from PIL import Image, ImageDraw, ImageOps

    to.parent.mkdir(parents=True, exist_ok=True)
    page = Image.new("RGB", (8 * 200, -(-len(rows) // 8) * 210 or 1), "white")
    draw = ImageDraw.Draw(page)
    for i, (file, note) in enumerate(rows):
        x, y = i % 8 * 200, i // 8 * 210
        page.paste(ImageOps.contain(Image.open(file).convert("RGB"), (194, 150)), (x, y))
        words = f"{i + 1} {Path(file).parent.name}: {note}".replace("looks more like", ">").replace(
            "the other pictures of", ""
        )
        for line in range(3):
            draw.text((x, y + 152 + 14 * line), words[line * 33 : line * 33 + 33], fill="black")
    page.save(to)
    to.with_suffix(".txt").write_text("\n".join(f"{i + 1} {file}: {note}" for i, (file, note) in enumerate(rows)))


def speed(large: bool) -> dict[str, Any]:
    figures = {}
    for count in (10_000, 50_000, *([100_000] if large else [])):
        rng = np.random.default_rng(0)
        of = rng.integers(0, 100, count)
        middles = rng.normal(size=(100, 1280)).astype(np.float32)
        vectors = np.empty((count, 1280), np.float16)
        for start in range(0, count, 1000):
            some = middles[of[start : start + 1000]] + 3 * rng.normal(size=(len(of[start : start + 1000]), 1280))
            vectors[start : start + 1000] = some / np.linalg.norm(some, axis=1, keepdims=True)
        seconds, busy, found = timed(
            lambda v=vectors, y=of: list(labels.issues(v, [f"class {c}" for c in y], range(len(y))))
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        figures[count] = {
            "seconds": round(seconds, 1), "processor seconds": round(busy, 1), "vectors MB": vectors.nbytes >> 20,
            "peak MB": round(peak), "found": len(found),
        }  # fmt: skip
    return figures


def timed(what: Callable[[], Any]) -> tuple[float, float, Any]:
    started, busy = time.perf_counter(), time.process_time()
    result = what()
    return time.perf_counter() - started, time.process_time() - busy, result


if __name__ == "__main__":
    main()
