"""After clean and split: is any picture of validation or test in training as well? An independent check by embedding.

    python tests/bench/leak.py [--sets sneakers,porsche,fashion] [--pairs FILE.csv] [--json]

Each set goes through the command line (scrape, clean, split 80/10/10) in a home of its own. Then every picture of the
split is embedded anew, at another size than cleaning does it, and each one of validation and test is held against all
pictures of the other parts: pairs above each cosine, the nearest ones by name. Nothing of what cleaning stored is used.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")).resolve()
STRICT = 0.99  # cosine; different photos of one thing on white stay below it, copies saved again are above
STEPS = (0.99, 0.98, 0.97, 0.95)


def core(home: Path, *words: str) -> dict[str, Any]:
    env = {**os.environ, "WINNOW_HOME": str(home), "WINNOW_WEIGHTS": str(DATA / "weights")}
    done = subprocess.run(
        [sys.executable, "-m", "core", *words, "--json"], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def vectors(files: list[Path]) -> np.ndarray:
    """(N, D), of length 1: MobileNetV2's features of the middle 192 of 216 px."""
    import torch
    from PIL import Image

    from core.pixels import tensor
    from core.weights import known, timm_file, timm_network

    name = "mobilenetv2_100"
    net, cfg = timm_network(name, timm_file(name, DATA / "weights")), known(name)
    found = []
    with torch.inference_mode():
        for start in range(0, len(files), 64):
            seen = [
                np.asarray(Image.open(file).convert("RGB").resize((216, 216)).crop((12, 12, 204, 204)))
                for file in files[start : start + 64]
            ]
            found.append(net(tensor(np.stack(seen), cfg.mean, cfg.std, "cpu")).numpy())
    out = np.concatenate(found)
    return out / np.linalg.norm(out, axis=1, keepdims=True)


def across(home: Path) -> dict[str, Any]:
    """Pairs of one picture of validation or test and one of another part, by cosine."""
    from db import open_store

    store = open_store(f"sqlite:///{home / 'winnow.db'}")
    project = store.projects()[0]
    split = store.split(project.id)
    part = {image: part for part, members in split.parts.items() for image, _ in members}
    records = store.images_by_id(project.id, sorted(part))
    parts = np.array([part[r.id] for r in records])
    found = vectors([Path(r.origin) for r in records])
    alike = found @ found.T
    other = (parts[:, None] != parts[None, :]) & np.triu(np.ones(alike.shape, bool), 1)
    alike = np.where(other, alike, -1)
    nearest = np.argsort(alike, axis=None)[::-1][:20]
    return {
        "images": len(records), "leak": split.leak,
        **{f"pairs from {step}": int((alike >= step).sum()) for step in STEPS},
        "nearest": [
            (round(float(alike.flat[k]), 4), parts[k // len(records)], records[k // len(records)].origin,
             parts[k % len(records)], records[k % len(records)].origin) for k in nearest
        ],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default="sneakers,porsche,fashion")
    parser.add_argument("--pairs", type=Path, help="write the nearest pairs of each set to this CSV, to look at")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    answer: dict[str, Any] = {}
    for name in args.sets.split(","):
        with tempfile.TemporaryDirectory(prefix="winnow-leak-") as folder:
            home, at = Path(folder), DATA / "data" / name
            classes = ",".join(sorted(p.name for p in at.iterdir() if p.is_dir()))
            core(home, "project", name, "--classes", classes)
            core(home, "scrape", "--project", name, "--source", "folder", "--path", str(at))
            core(home, "clean", "--project", name)
            core(home, "split", "--project", name)
            answer[name] = across(home)
        if not args.json:
            print(name, {k: v for k, v in answer[name].items() if k != "nearest"}, flush=True)
    if args.pairs:
        with args.pairs.open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow(["set", "cosine", "part", "image", "other part", "other image"])
            out.writerows([name, *pair] for name, one in answer.items() for pair in one["nearest"])
    if args.json:
        print(json.dumps(answer))


if __name__ == "__main__":
    main()
