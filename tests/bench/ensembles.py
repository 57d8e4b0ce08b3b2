"""Is an ensemble better than both of its members, and where? On the test part of several splits, each opened once.

    WINNOW_HOME=DIR python tests/bench/ensembles.py sneakers:17+18 sneakers:19+20 ... [--json]

Each argument is a project and the numbers of two trained runs of one split. The pictures of several splits are pooled:
intervals of one seed stand in the app, and here the paired test has the pictures of all seeds (some picture may be in the
test part of two splits, so its p is a little too small).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from core import settings  # noqa: E402
from core.evaluate.compare import differences  # noqa: E402
from core.model import ENSEMBLES, Paired  # noqa: E402
from db import open_store  # noqa: E402


def evaluated(project: str, runs: list[str]) -> dict:
    """The figures on the test part; what was opened before is not opened again."""
    store = open_store(settings.load().database)
    before = [e for e in store.evaluations(store.project(project).id, "test") if set(e.runs) == {int(r) for r in runs} and "kept" in e.result]  # fmt: skip
    if before:
        return {**before[0].result, "evaluation": before[0].id}
    said = subprocess.run(
        [sys.executable, "-m", "core", "evaluate", "--project", project, "--run", *runs, "--part", "test", "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(said.stdout)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pairs", nargs="+", metavar="PROJECT:RUN+RUN")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    pooled: dict[tuple[str, str, str], dict[str, Paired]] = {}
    for pair in args.pairs:
        project, runs = pair.split(":")
        result = evaluated(project, runs.split("+"))
        store = open_store(settings.load().database)
        for name, figures in result["models"].items():
            found[project][name].append(
                (figures["accuracy"], figures["log_loss"], figures["ece"], figures["gap"], result["images"])
            )
        for name in ENSEMBLES:
            for member in result["runs"]:
                seen = pooled.setdefault((project, name, member), {})
                for label, one in store.paired(result["evaluation"], name, member).items():
                    so_far = seen.get(label, Paired(0, 0, 0, 0))
                    seen[label] = Paired(*(getattr(so_far, key) + getattr(one, key) for key in Paired.__slots__))
    told: dict[str, dict] = {}
    for project, models in found.items():
        told[project] = {}
        for name, rows in models.items():
            accuracy, loss, ece, gap = ([row[n] for row in rows] for n in range(4))
            told[project][name] = {"accuracy": accuracy, "log_loss": loss, "ece": ece, "gap": gap}
            each = " ".join(f"{value:.3f}" for value in accuracy)
            means = [sum(values) / len(values) for values in (accuracy, loss, ece, gap)]
            print(
                f"{project:10} {name:24} accuracy {each} mean {means[0]:.3f}  log loss {means[1]:.3f}  ece {means[2]:.3f}  GAP {means[3]:.3f}"
            )
        for (of, name, member), pairs in pooled.items():
            if of == project:
                overall, classes = differences(pairs)
                sure = [f"{row.label} {100 * row.gain:+.1f}" for row in classes if row.sure]
                told[project][f"{name} - {member}"] = {
                    "gain": overall.gain,
                    "low": overall.low,
                    "high": overall.high,
                    "p": overall.p,
                    "classes": sure,
                }
                print(
                    f"{project:10} {name:9} - {member:10} {100 * overall.gain:+.1f} points ({100 * overall.low:+.1f} to {100 * overall.high:+.1f}), p {overall.p:.2g}; beyond chance: {', '.join(sure) or 'no class'}"
                )
    if args.json:
        print(json.dumps(told))


if __name__ == "__main__":
    main()
