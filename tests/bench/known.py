"""How well does a rule tell pictures of something else from pictures of the classes? Several rules on the same networks.

    WINNOW_HOME=DIR python tests/bench/known.py sneakers:17+18 sneakers:19+20 porsche:25+26 fashion:31+32 ... [--json]

Each argument is a project and trained runs of one split (one or several). Pictures that belong are those of the test part;
pictures of something else are drawn, by a fixed seed, from other projects of the home, and from the project's own rejects.
`NEAR` says which of them look alike. Thresholds come from validation, where 5 of 100 are to be called "none of these";
nothing else is chosen there. Vectors have to be there: evaluate the runs first, on validation.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from core import settings  # noqa: E402
from core.blobs import Blobs  # noqa: E402
from core.cache import cache, cached, view, views_of  # noqa: E402
from core.engine import engine  # noqa: E402
from core.evaluate.calibration import softmax  # noqa: E402
from core.evaluate.strange import Familiar, energy, learn, limit  # noqa: E402
from core.neighbours import features, load, unit  # noqa: E402
from core.runs import cache_folder, choose, load_models, run_folder  # noqa: E402
from db import open_store  # noqa: E402

SHOES = ("Casual Shoes", "Sports Shoes", "Heels")
NEAR = {"sneakers": {"fashion": SHOES, "sneakers": ()}, "porsche": {"seat": (), "porsche": ()}}
NOT = {("fashion", "sneakers")}  # fashion has a class of sports shoes
EACH = 300
WAYS = (
    "probability",
    "energy",
    "mahalanobis",
    "class mean",
    "kNN 1",
    "kNN 10",
    "energy + kNN 10",
    "energy + mahalanobis",
)
SHOWN = ("near", "far", "false alarms", "near caught", "far caught")  # areas under the curve first


def others(store: Any, project: Any) -> dict[str, list[str]]:
    """ "near" and "far" -> views of pictures of something else, EACH of a project at most."""
    found: dict[str, list[str]] = {"near": [], "far": []}
    for other in store.projects():
        if (project.name, other.name) in NOT:
            continue
        own = other.id == project.id
        records = list(store.images(other.id, ("reject",) if own else ("keep", "undecided")))
        wanted = NEAR.get(project.name, {}).get(other.name)
        for kind in ("near", "far"):
            of = [
                r for r in records if ((wanted is not None) and (not wanted or r.label in wanted)) == (kind == "near")
            ]
            drawn = random.Random(0).sample(of, min(EACH, len(of)))
            found[kind] += [view(r.facts.sha256) for r in drawn]
    return found


def rules(model: Any, bank: Any, known: Familiar, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """Each rule's (N,) strangeness: larger is stranger."""
    seen = features(model, pixels)
    last = list(model.net.children())[-1]
    out = seen @ last.weight.numpy().T + last.bias.numpy()
    probability = -softmax(out, model.temperature).max(axis=1)
    return {"probability": probability, "energy": energy(out)} | of_vectors(unit(seen), bank, known)


def of_vectors(seen: np.ndarray, bank: Any, known: Familiar) -> dict[str, np.ndarray]:
    train = bank.vectors.astype(np.float32)
    means = np.stack([train[bank.labels == c].mean(axis=0) for c in np.unique(bank.labels)])
    likeness = np.sort(seen @ train.T, axis=1)[:, ::-1]
    return {
        "mahalanobis": known.distance(seen),
        "class mean": -(seen @ unit(means).T).max(axis=1),
        "kNN 1": -likeness[:, 0],
        "kNN 10": -likeness[:, 9],
    }


def auroc(known: np.ndarray, strange: np.ndarray) -> float:
    every = np.sort(known)
    below, upto = np.searchsorted(every, strange), np.searchsorted(every, strange, "right")
    return float((below + upto).mean() / 2 / len(known))


def interval(known: np.ndarray, strange: np.ndarray, draws: int = 200) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    drawn = [auroc(rng.choice(known, len(known)), rng.choice(strange, len(strange))) for _ in range(draws)]
    return tuple(np.quantile(drawn, (0.025, 0.975)))  # type: ignore[return-value]


def share(validation: np.ndarray, of: np.ndarray) -> np.ndarray:
    """The share of validation pictures that are less strange."""
    return np.interp(of, np.sort(validation), np.linspace(0, 1, len(validation)))


def _of(parts: dict[str, Any], part: str, way: str) -> np.ndarray:
    """One rule's strangeness, or the sum of the ranks of two."""
    if " + " not in way:
        return parts[part][way]
    return sum(share(parts["val"][one], parts[part][one]) for one in way.split(" + "))  # type: ignore[return-value]


def judged(validation: np.ndarray, parts: dict[str, np.ndarray]) -> dict[str, Any]:
    most = limit(np.sort(validation))
    told: dict[str, Any] = {"false alarms": float((parts["test"] > most).mean())}
    for kind in ("near", "far"):
        if kind in parts:
            told[kind] = auroc(parts["test"], parts[kind])
            told[f"{kind} interval"] = interval(parts["test"], parts[kind])
            told[f"{kind} caught"] = float((parts[kind] > most).mean())
    return told


def measure(pair: str) -> dict[str, dict[str, Any]]:
    """Run (or "together", by ranks or by deviations) -> rule -> figures."""
    current, (name, runs) = settings.load(), pair.split(":")
    store = open_store(current.database)
    project = store.project(name)
    chosen = choose(store, project.id, [int(run) for run in runs.split("+")])
    models, split = load_models(current, chosen), store.split(project.id, chosen[0].split)
    read, parts = Blobs(str(current.home.absolute())).get, ("val", "test")
    folders = {part: cache_folder(current, split.id if part in parts else 0) for part in (*parts, "near", "far")}
    views = {
        "val": views_of(store, project.id, split, "val"),
        "test": views_of(store, project.id, split, "test"),
        **others(store, project),
    }
    sizes, found = sorted({model.size for model in models.values()}), {}
    for part, one in views.items():
        for _ in cache(read, one, sizes, folders[part], engine(current).map):
            pass
    for run, (called, model) in zip(chosen, models.items(), strict=True):
        bank = load(model, run_folder(current, run.id))
        assert bank is not None, f"run {run.id} has no vectors: evaluate it on validation first"
        known, parts = learn(bank.vectors, bank.labels, bank.validation), {}
        for part, one in views.items():
            pixels, good = cached(one, model.size, folders[part])
            parts[part] = rules(model, bank, known, pixels[good]) if len(one) else None
        found[called] = parts
    told: dict[str, dict[str, Any]] = {}
    members = {called: {part: of for part, of in parts.items() if of} for called, parts in found.items()}
    for called, parts in members.items():
        told[called] = {way: judged(of["val"], of) for way in WAYS if (of := {p: _of(parts, p, way) for p in parts})}
    if len(members) > 1:
        for way in WAYS:
            ranks, deviations = {}, {}
            for part in next(iter(members.values())):
                every = [(_of(parts, "val", way), _of(parts, part, way)) for parts in members.values()]
                ranks[part] = np.mean([share(v, x) for v, x in every], axis=0)
                deviations[part] = np.mean([(x - v.mean()) / v.std() for v, x in every], axis=0)
            told.setdefault("together", {})[way] = judged(deviations["val"], deviations)
            told.setdefault("together, ranks", {})[way] = judged(ranks["val"], ranks)
    return told


def _mean(of: list[dict[str, Any]], key: str) -> str:
    there = [each[key] for each in of if key in each]
    return f"{np.mean(there):.3f}" if there else "  -  "


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pairs", nargs="+", metavar="PROJECT:RUN+RUN")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    every: dict[str, Any] = {}
    pooled: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for pair in args.pairs:
        every[pair] = measure(pair)
        for who, ways in every[pair].items():
            for way, figures in ways.items():
                pooled[pair.split(":")[0], who, way].append(figures)
        print(f"{pair} measured: {json.dumps(every[pair])}" if args.json else f"{pair} measured", flush=True)
    for (project, who, way), of in pooled.items():
        print(f"{project:9} {who:22} {way:24} {' '.join(f'{key} {_mean(of, key)}' for key in SHOWN)}")
    if args.json:
        print(json.dumps(every))


if __name__ == "__main__":
    main()
