"""python -m core VERB ...: the command line, each page's twin. The only file here that knows db.

Progress goes to stderr; with --json one JSON object on one line, and nothing else, goes to stdout.
Exit 0: the job ran to its end (single items may have failed, they are counted); 1: the job failed, one sentence;
2: wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import BadInput, BadSetting, NotYet, WinnowError

if TYPE_CHECKING:
    from core.model import Project
    from core.settings import Settings
    from db.store import Store

WRONG_USAGE = (BadInput, BadSetting, NotYet)


def main(argv: list[str] | None = None) -> int:
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        result = args.run(args)
    except KeyboardInterrupt:
        print("Left. A job that was started goes on; `python -m core jobs` shows it.", file=sys.stderr)
        return 130
    except WinnowError as error:
        if args.debug:
            traceback.print_exc()
        print(error, file=sys.stderr)
        return 2 if isinstance(error, WRONG_USAGE) else 1
    if result is not None:
        failed = bool(result.pop("_failed", False))
        print(json.dumps(result, ensure_ascii=False) if args.json else _plain(result))
        return int(failed)
    return 0


# the parser ---------------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON object on one line to stdout")
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    inside = argparse.ArgumentParser(add_help=False, parents=[common])
    inside.add_argument("--project", default=os.environ.get("WINNOW_PROJECT", ""), help="or WINNOW_PROJECT")
    parser = argparse.ArgumentParser(
        prog="python -m core",
        description=(
            "Winnow: from a list of class names to a clean image data set and an explained, live image classifier."
        ),
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)

    def verb(name: str, run: Any, about: str, parent: argparse.ArgumentParser = inside) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=about, description=about, parents=[parent])
        made.set_defaults(run=run)
        return made

    v = verb("project", _project, "make a project or show one", common)
    v.add_argument("name", nargs="?", default="")
    v.add_argument("--classes", help="'sedan,coupe,suv' or 'air jordan {1..23}'")
    v.add_argument("--classes-file", type=Path)
    v.add_argument("--vpic", help="classes from the NHTSA catalogue: car, truck or mpv")
    v.add_argument("--years")

    v = verb("scrape", _scrape, "find and fetch images")
    v.add_argument("--source", default="", help="folder, urls, openverse or demo")
    v.add_argument("--path", help="folder: DIR/<class>/<image>, or DIR/<part>/<class>/<image>")
    v.add_argument("--table", help="urls: a CSV, TSV or Parquet file")
    for column in ("url", "label", "page", "creator", "licence"):
        v.add_argument(f"--{column}-column", default=column if column in ("url", "label") else "")
    v.add_argument("--query", default="{class}", help="what is searched for; {class} stands for the class name")
    v.add_argument("--limit", type=_positive, default=400, help="images a class")
    v.add_argument("--retry", action="store_true", help="only what failed and may be tried again")
    v.add_argument("--add-classes", action="store_true", help="labels outside the class list become classes")
    v.add_argument("--map", help="a CSV that maps labels to classes")

    v = verb("clean", _job_verb("clean"), "find duplicates, label conflicts and pictures that are too small")
    v.add_argument("--detector", choices=("yolo", "torchvision", "none"), default="none")
    v.add_argument("--want")

    v = verb("findings", _findings, "what clean found, a row for each image")
    v.add_argument("--kind", default="")
    v.add_argument("--table", type=Path, help="write the rows to this CSV")

    v = verb("review", _review, "what to look at next, and what was decided")
    v.add_argument("what", choices=("next", "decide", "undo", "status", "certificate"))
    v.add_argument("--size", type=_positive, default=100)
    v.add_argument("--table", type=Path, help="decide: a CSV with columns image, verdict, reason, label")
    v.add_argument("--label", default="")
    v.add_argument("--kind", default="")
    v.add_argument("--reviewer", default="command line")

    v = verb(
        "split", _job_verb("split", "parts", "seed", "min_per_class", "keep_source_parts"), "freeze train, val and test"
    )
    v.add_argument("--parts", default="80/10/10", help="per cent")
    v.add_argument("--seed", type=int, default=0)
    v.add_argument("--min-per-class", type=_positive, default=50)
    v.add_argument("--keep-source-parts", action="store_true", help="train/val/test as the source's folders say")

    v = verb("train", _train, "train each recipe on the newest split")
    v.add_argument("--recipe", action="append", default=[], help="vgg75, vgg100, vgg75-bn, vgg100-bn; may be repeated")
    v.add_argument("--epochs", type=_positive)
    v.add_argument("--batch", type=_positive)
    v.add_argument("--lr", type=float)
    v.add_argument("--patience", type=_positive)
    v.add_argument("--seed", type=int)
    v.add_argument("--sweep", help="a TOML file of recipes to compare")

    v = verb("evaluate", _evaluate, "score the newest run of each recipe, and their ensembles")
    _runs(v)
    v.add_argument("--ensemble", choices=("average", "priority"))
    v.add_argument("--part", choices=("val", "test"), default="val")

    v = verb("explain", _explain, "which pixels spoke for a class")
    v.add_argument("--run", dest="of", type=int, required=True)
    v.add_argument("--explainer", default="shap")
    v.add_argument("--label", default="", help="the class to explain; default: the predicted one")
    v.add_argument("--to", type=Path, default=Path("."), help="folder for the pictures")
    v.add_argument("images", nargs="+", metavar="IMAGE")

    v = verb("predict", _predict, "ask the newest run of each recipe, and their ensembles")
    _runs(v)
    v.add_argument("--ensemble", choices=("average", "priority"), default="average")
    v.add_argument("images", nargs="+", metavar="IMAGE_OR_FOLDER")

    v = verb("export", _later("export", "The export of data sets and models"), "data set and model, to go")
    v.add_argument("--to")
    v.add_argument("--format")
    verb("jobs", _jobs, "what runs, waits and ended").add_argument("--limit", type=_positive, default=20)
    for name, run, about in (
        ("run", _run, "run a job here"),
        ("stop", _stop, "ask a job to stop"),
        ("again", _again, "try a failed or stopped job again"),
    ):
        v = verb(name, run, about, common)
        v.add_argument("job", type=int)
        if name == "run":
            v.add_argument("--fence", type=int, help="given by the worker that claimed the job")
    verb("worker", _worker, "run the jobs of this machine; started by itself when there is one", common)
    verb("demo", _demo, "the whole path on drawn cars, with no network", common)
    v = verb("doctor", _doctor, "what is in force, what is missing and how to get it", common)
    v.add_argument("--verify", action="store_true", help="read every image and compare its SHA-256")
    for name, what in (
        ("move", "Moving a project to another database"),
        ("backup", "The backup"),
        ("restore", "The restore"),
    ):
        v = verb(name, _later(name, what), what.lower(), common)
        v.add_argument("--to" if name == "move" else "file")
    return parser


def _runs(v: argparse.ArgumentParser) -> None:
    v.add_argument("--run", dest="runs", type=int, action="append", default=[], help="a run's number; may be repeated")


def _positive(value: str) -> int:
    number = int(value)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{value} is not a number from 1 up")
    return number


def _later(verb: str, what: str) -> Any:
    def run(args: argparse.Namespace) -> None:
        raise NotYet(f"{what} (`{verb}`) comes with a later release of Winnow.")

    return run


# verbs --------------------------------------------------------------------------------------------------------------


def _open() -> tuple[Store, Settings]:
    from core import settings
    from db import open_store

    found = settings.load()
    return open_store(found.database), found


def _inside(args: argparse.Namespace) -> tuple[Store, Settings, Project]:
    if not args.project:
        raise BadInput("Which project? Give --project NAME, or set WINNOW_PROJECT.")
    store, settings = _open()
    return store, settings, store.project(args.project)


def _submit(args: argparse.Namespace, verb: str, params: dict[str, Any], need: str = "cpu") -> dict[str, Any]:
    """Queue the job, wait for it, give its result."""
    store, settings, project = _inside(args)
    return _wait(store, settings, store.submit(verb, params, project.id, need).id)


def _wait(store: Store, settings: Settings, number: int) -> dict[str, Any]:
    from core import jobs

    jobs.ensure_worker(settings)
    job = jobs.wait(store, settings, number, _show(number))
    if job.status != "done":
        print(job.error or f"Job {number} was stopped.", file=sys.stderr)
        return {"job": number, "error": job.error or "stopped", **job.result, "_failed": True}
    return dict(job.result)


def _show(number: int) -> Any:
    """Progress on stderr: one line that is rewritten on a terminal, one line for each change elsewhere."""
    from core.jobs import eta

    terminal, last = sys.stderr.isatty(), [""]

    def show(job: Any) -> None:
        line = (
            f"job {number} {job.verb}: {job.done}{f'/{job.total}' if job.total else ''} {job.note} {eta(job)}".rstrip()
        )
        if line != last[0]:
            print(f"\r\033[K{line}" if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True)
            last[0] = line
        if terminal and job.status not in ("queued", "running"):
            print(file=sys.stderr)

    return show


def _job_verb(verb: str, *names: str) -> Any:
    def run(args: argparse.Namespace) -> dict[str, Any]:
        if verb == "clean" and (args.detector != "none" or args.want):
            raise NotYet(
                f"--detector {args.detector} comes with a later release of Winnow: leave it out, or give none."
            )
        return _submit(args, verb, {name: getattr(args, name) for name in names})

    return run


def _project(args: argparse.Namespace) -> dict[str, Any]:
    from dataclasses import asdict

    from core.project import classes, name

    if args.vpic or args.years:
        raise NotYet(
            "Classes from the vPIC catalogue (--vpic) come with a later release: give --classes or --classes-file."
        )
    text = args.classes
    if args.classes_file:
        try:
            text = args.classes_file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"--classes-file {str(args.classes_file)!r} cannot be read: {error}.") from None
    store, _ = _open()
    if not args.name:
        return {"projects": [p.name for p in store.projects()]}
    given = classes(text) if text is not None else ()
    if given and args.name not in {p.name for p in store.projects()}:
        project = store.add_project(name(args.name, "project name"), given)
    else:
        project = store.project(args.name)
        project = store.add_classes(project.id, given) if given else project
    return {
        "project": project.name,
        "classes": list(project.classes),
        "funnel": asdict(store.funnel(project.id)),
        "counts": store.counts(project.id),
    }


def _scrape(args: argparse.Namespace) -> dict[str, Any]:
    from core.sources import SOURCES

    if args.map:
        raise NotYet("--map comes with a later release: rename the labels in the table, or give --add-classes.")
    if not args.retry and args.source not in SOURCES:
        known = ", ".join(SOURCES)
        later = {"commons", "flickr", "ddgs", "page", "archive"}
        if args.source in later:
            raise NotYet(f"The source {args.source!r} comes with a later release; there are {known}.")
        raise BadInput(f"--source {args.source!r} is no source: wanted one of {known}, or --retry.")
    options = {key: str(Path(value).absolute()) for key, value in (("path", args.path), ("table", args.table)) if value}
    options |= {
        f"{c}_column": value
        for c in ("url", "label", "page", "creator", "licence")
        if (value := getattr(args, f"{c}_column")) and args.source == "urls"
    }
    return _submit(
        args,
        "scrape",
        {
            "source": args.source,
            "limit": args.limit,
            "query": args.query,
            "options": options,
            "add_classes": args.add_classes,
            "retry": args.retry,
        },
    )


def _findings(args: argparse.Namespace) -> dict[str, Any]:
    from core.steps import finding_rows

    store, _, project = _inside(args)
    rows = list(finding_rows(store, project.id, args.kind))
    if args.table:
        from core.export import write_csv

        write_csv(args.table, ["image", "origin", "label", "kind", "score", "group"], rows)
    return {"findings": rows}


def _review(args: argparse.Namespace) -> dict[str, Any]:
    from dataclasses import asdict

    from core import review
    from core.export import read_csv
    from db.store.queue import Filter

    store, _, project = _inside(args)
    if args.what == "certificate":
        raise NotYet("The certificate comes with a later release of Winnow.")
    if args.what == "status":
        return {
            "funnel": asdict(store.funnel(project.id)),
            "decisions": store.decision_count(project.id),
            "counts": store.counts(project.id),
        }
    if args.what == "next":
        wanted = Filter(args.label, "undecided", args.kind, "score")
        tiles, _ = review.queue(store, project.id, wanted, size=args.size)
        return {
            "images": [
                {"image": t.image, "origin": t.origin, "label": t.label, "score": t.score, "why": t.why} for t in tiles
            ]
        }
    reviewer, refused = review.reviewer_name(args.reviewer), []
    if args.what == "undo":
        last = store.last_operation(project.id, reviewer)
        if not last:
            raise BadInput(f"There is nothing to undo: {reviewer!r} decided nothing that still stands.")
        operation = review.undo(last, reviewer)
    elif args.table:
        operation, refused = review.decide(read_csv(args.table, ("image", "verdict")), reviewer, project.classes)
    else:
        raise BadInput("review decide wants --table F.csv with the columns image, verdict, reason, label.")
    applied = store.apply(project.id, operation)
    return {"operation": applied.id, "stored": applied.stored, "conflicts": list(applied.conflicts), "refused": refused}


def _train(args: argparse.Namespace) -> dict[str, Any]:
    if args.sweep:
        raise NotYet("--sweep comes with a later release: repeat --recipe instead.")
    if not args.recipe:
        raise BadInput("train wants --recipe, once or more: vgg75, vgg100, vgg75-bn, vgg100-bn.")
    from dataclasses import asdict

    from core.backbones import backbone
    from core.model import Recipe

    names = ("epochs", "batch", "lr", "patience", "seed")
    changes = {key: value for key in names if (value := getattr(args, key)) is not None}
    for name in args.recipe:
        backbone(name)
    recipes = [asdict(Recipe(name, **changes)) for name in args.recipe]
    return _submit(args, "train", {"recipes": recipes}, need="gpu")


def _evaluate(args: argparse.Namespace) -> dict[str, Any]:
    result = _submit(args, "evaluate", {"runs": args.runs, "part": args.part})
    if args.ensemble and "models" in result:
        other = {"average": "priority", "priority": "average"}[args.ensemble]
        result["models"].pop(other, None)
    return result


def _explain(args: argparse.Namespace) -> dict[str, Any]:
    from core import explain, steps

    store, settings, project = _inside(args)
    run = steps.choose(store, project.id, [args.of])[0]
    [(name, model)] = steps.load_models(settings, [run]).items()
    return {"images": list(explain.files(model, name, run.id, args.images, args.explainer, args.label, args.to))}


def _predict(args: argparse.Namespace) -> dict[str, Any]:
    from core import predict, steps

    store, settings, project = _inside(args)
    models = steps.load_models(settings, steps.choose(store, project.id, args.runs))
    return predict.files(predict.Predictor(models, args.ensemble), args.images)


def _jobs(args: argparse.Namespace) -> dict[str, Any]:
    store, _ = _open()
    project = store.project(args.project).id if args.project else None
    return {
        "jobs": [
            {
                "job": j.id,
                "verb": j.verb,
                "status": j.status,
                "done": j.done,
                "total": j.total,
                "note": j.note,
                "error": j.error,
                "created": j.created.isoformat(),
            }
            for j in store.jobs(project, limit=args.limit)
        ]
    }


def _run(args: argparse.Namespace) -> dict[str, Any] | None:
    from core import jobs, steps

    store, settings = _open()
    if args.fence is None:
        return _wait(
            store,
            settings,
            args.job if store.job(args.job).status in ("queued", "running") else store.again(args.job).id,
        )
    jobs.run(store, settings, args.job, args.fence, steps.STEPS)
    return None


def _stop(args: argparse.Namespace) -> dict[str, Any]:
    store, _ = _open()
    store.job(args.job)
    store.cancel(args.job)
    return {"job": args.job, "status": store.job(args.job).status}


def _again(args: argparse.Namespace) -> dict[str, Any]:
    store, settings = _open()
    return _wait(store, settings, store.again(args.job).id)


def _worker(args: argparse.Namespace) -> None:
    from core import jobs

    store, settings = _open()
    jobs.worker(store, settings)


def _demo(args: argparse.Namespace) -> dict[str, Any]:
    from core import demo

    store, settings = _open()
    project = demo.project(store)
    return {"project": project.name, **_wait(store, settings, store.submit("demo", {}, project.id).id)}


def _doctor(args: argparse.Namespace) -> dict[str, Any]:
    from core import doctor

    if args.verify:
        raise NotYet(
            "doctor --verify comes with a later release; reading an image for training checks its SHA-256 already."
        )
    store, settings = _open()
    return doctor.report(store, settings)


def _plain(result: dict[str, Any], indent: int = 0) -> str:
    """A result for reading: one line a value, nested ones indented."""
    lines = []
    for key, value in result.items():
        if isinstance(value, dict) and value:
            lines += [f"{' ' * indent}{key}:", _plain(value, indent + 2)]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            lines += [
                f"{' ' * indent}{key}:",
                *(" " * (indent + 2) + "  ".join(f"{k}={v}" for k, v in row.items()) for row in value),
            ]
        else:
            lines.append(f"{' ' * indent}{key}: {value}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
