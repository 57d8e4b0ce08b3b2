"""The whole path on real photos, through the command line: python tests/bench/real.py sneakers|porsche [--epochs N] [--json]

The photos are served by a local web server and fetched from a URL table, cleaned, split, trained (`vgg75-bn` and
`vgg100-bn`), evaluated on validation and once on test, explained and predicted. Porsche also has one person's rejects:
`--rejects` applies them first, by `review decide`.
"""

from __future__ import annotations

import argparse
import csv
import functools
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import quote, unquote

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("WINNOW_TEST_DATA", ROOT.parent / "shared")).resolve() / "data"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("set", choices=("sneakers", "porsche", "fashion"))
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--rejects", action="store_true", help="apply the manifest's rejects before the split")
    parser.add_argument("--home", type=Path, help="keep everything here, to look at it in the app afterwards")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = args.home or Path(folder)
        figures = path(args.set, home, args.epochs, args.rejects)
    print(json.dumps(figures) if args.json else json.dumps(figures, indent=1))


def path(name: str, home: Path, epochs: int | None, rejects: bool) -> dict:
    source = DATA / name
    files = sorted(p for p in source.rglob("*.jpg"))
    classes = sorted({p.parent.name for p in files})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(source)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home.mkdir(parents=True, exist_ok=True)
    table = home / "table.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["url", "label"])
        base = f"http://127.0.0.1:{server.server_port}"
        rows.writerows([f"{base}/{quote(p.relative_to(source).as_posix())}", p.parent.name] for p in files)

    def core(*words: object) -> dict:
        env = os.environ | {
            "WINNOW_HOME": str(home / "winnow"),
            "WINNOW_ALLOW_HOSTS": "127.0.0.1",
            "WINNOW_PROJECT": name,
        }
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "core", *map(str, words), "--json"], cwd=ROOT, env=env,
                              stdout=subprocess.PIPE, text=True, check=True)  # fmt: skip
        result = json.loads(done.stdout)
        result["seconds"] = round(time.perf_counter() - started, 1)
        return result

    core("project", name, "--classes", ",".join(classes))
    figures = {"scrape": core("scrape", "--source", "urls", "--table", table), "clean": core("clean")}
    if rejects:
        figures["review"] = decide(core, source, home)
    figures["split"] = core("split")
    more = ["--epochs", epochs] if epochs else []
    figures["train"] = core("train", "--recipe", "vgg75-bn", "--recipe", "vgg100-bn", *more)
    for part in ("val", "test"):
        scored = core("evaluate", "--part", part)
        figures[part] = {
            model: {key: score[key] for key in ("accuracy", "accuracy_interval", "macro_f1", "gap")}
            for model, score in scored["models"].items()
        }
        if part == "test":
            figures["weakest"] = {
                model: min((row["f1"], label) for label, row in score["per_class"].items())
                for model, score in scored["models"].items()
            }
    examples = [str(p) for p in files[:: len(files) // 10][:10]]
    runs = [run["run"] for run in figures["train"]["runs"]]
    figures["additivity_error"] = {}
    for run in runs:
        told = core("explain", "--run", run, "--to", home / "shap", *examples)["images"]
        figures["additivity_error"][run] = max(image["additivity_error"] for image in told)
    said = core("predict", *examples)["images"]
    figures["predict_seconds"] = sorted(image["seconds"] for image in said)[len(said) // 2]
    server.shutdown()
    return figures


def decide(core: functools.partial, source: Path, home: Path) -> dict:
    """The rejects of the set's manifest, as a reviewer would give them."""
    with (source / "manifest.csv").open() as file:
        rejected = {(label, name) for label, name, verdict in csv.reader(file) if verdict == "reject"}
    shown = core("review", "next", "--size", 1_000_000)["images"]
    table = home / "decisions.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "verdict"])
        for image in shown:
            label, name = unquote(image["origin"]).split("/")[-2:]
            rows.writerow([image["image"], "reject" if (label, name) in rejected else "keep"])
    return core("review", "decide", "--table", table)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


if __name__ == "__main__":
    main()
