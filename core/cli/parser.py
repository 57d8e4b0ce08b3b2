"""Every verb of the command line with its arguments."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.cli import data, jobs, models, project, scrape
from core.errors import NotYet
from core.licences import FILTERS
from core.model import ENSEMBLES

Run = Callable[[argparse.Namespace], dict[str, Any] | None]
Verb = Callable[..., argparse.ArgumentParser]  # name, what runs, one line about it, project=False where it needs none


def parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON object on one line to stdout")
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    inside = argparse.ArgumentParser(add_help=False, parents=[common])
    inside.add_argument("--project", help="or WINNOW_PROJECT")
    top = argparse.ArgumentParser(
        prog="python -m core",
        description=(
            "Winnow: from a list of class names to a clean image data set and an explained, live image classifier."
        ),
    )
    verbs = top.add_subparsers(metavar="VERB", required=True)

    def verb(name: str, run: Run, about: str, project: bool = True) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=about, description=about, parents=[inside if project else common])
        made.set_defaults(run=run)
        return made

    _data(verb)
    _models(verb)
    _jobs(verb)
    return top


def _data(verb: Verb) -> None:
    v = verb("project", project.project, "make a project or show one", project=False)
    project.arguments(v)

    v = verb("scrape", scrape.scrape, "find and fetch images")
    scrape.arguments(v, _positive)

    v = verb(
        "clean",
        data.clean,
        "find duplicates, wrong labels and bad pictures, and where to crop; what is not given is as the last time",
    )
    v.add_argument("--likeness", type=float, help="0.5 to 1: from here on two pictures count as one photo; at first .9")
    v.add_argument("--embedder", help="auto, plain, or the name of a timm network")
    v.add_argument("--detector", choices=("yolo", "torchvision", "none"), help="what finds the part to crop")
    v.add_argument("--want", help="what it looks for, by COCO's names: car,truck")
    v.add_argument("--margin", type=float, help="share of the box added on each side; at first .05")
    v.add_argument("--least", type=float, help="share of the picture that the box has to fill; at first .05")

    v = verb("findings", data.findings, "what clean found, a row for each image")
    v.add_argument("--kind", default="")
    v.add_argument("--table", type=Path, help="write the rows to this CSV")

    v = verb("review", data.review, "what to look at next, and what was decided")
    v.add_argument("what", choices=("next", "decide", "undo", "status", "accept", "certificate", "references"))
    v.add_argument("--projects", help="references: earlier projects to start from, as in sneakers,porsche; '' for none")
    v.add_argument("--size", type=_positive, default=100)
    v.add_argument("--table", type=Path, help="decide: a CSV with columns image, verdict, reason, label")
    v.add_argument("--queue", choices=("mixed", "likely", "unsure", "random", "findings", "labels"), default="mixed",
                   help="next: what the learner holds to be bad, what it is unsure of, a random sample, or a mix of these; "
                        "what clean noticed, or what looks like another class")  # fmt: skip
    v.add_argument("--label", default="", help="next, accept: only pictures of this class")
    v.add_argument("--kind", default="", help="next: only pictures with this finding")
    v.add_argument(
        "--rate", type=float, default=0.01, help="certificate: the share of bad pictures that may be left; .01"
    )
    v.add_argument("--above", type=float, default=0.98,
                   help="accept: keep, without a look at each, what nobody has seen and is likelier good than this; .98")  # fmt: skip
    v.add_argument(
        "--dry-run", action="store_true", help="accept: only tell how many these are, and how many of them bad"
    )
    v.add_argument("--reviewer", default="command line")

    v = verb("split", data.split, "freeze train, val and test")
    v.add_argument("--parts", default="80/10/10", help="per cent")
    v.add_argument("--seed", type=int, default=0)
    v.add_argument("--min-per-class", type=_positive, default=50)
    v.add_argument("--keep-source-parts", action="store_true", help="train/val/test as the source's folders say")
    v.add_argument("--by", default="", help="learn a parent of the classes instead of them, such as make")


def _models(verb: Verb) -> None:
    v = verb("train", models.train, "train each recipe on the newest split")
    v.epilog = (
        "A training that was stopped or failed goes on where it was with `python -m core again JOB`; "
        "`python -m core jobs` shows the number of its job."
    )
    v.add_argument("--recipe", action="append", default=[], metavar="NAME[:OPTION=VALUE,...]",
                   help="a preset such as vgg75-bn, a saved recipe or a network of timm, and what is to be otherwise; "
                        "may be repeated")  # fmt: skip
    v.add_argument("--epochs", type=_positive)
    v.add_argument("--batch", type=_positive)
    v.add_argument("--lr", type=float)
    v.add_argument("--patience", type=_positive)
    v.add_argument("--seed", type=_seed)
    v.add_argument("--sweep", help="a TOML file: what to try in short runs; see core/sweep.py")
    v.add_argument("--find-lr", action="store_true", help="only look for a learning rate for the recipe")

    v = verb("recipes", models.recipes, "the recipes there are; save one of your own under a name, remove a saved one")
    v.add_argument("what", nargs="?", choices=("list", "save", "remove"), default="list")
    v.add_argument("name", metavar="NAME", nargs="?")
    v.add_argument("text", metavar="RECIPE", nargs="?", help="save: as for train; it may begin with a saved one's name")
    v.add_argument("--about", default="", help="save: a sentence about it")
    v.add_argument("--reviewer", default="command line", help="save: who it is from")

    v = verb(
        "runs",
        models.runs,
        "the trained runs with their figures; rename one, note something, delete its files, ask if more pictures would help",
    )
    v.add_argument("what", nargs="?", choices=("list", "rename", "note", "delete", "curve"), default="list",
                   help="delete: only the files; what is known of the run stays. curve: would more pictures help")  # fmt: skip
    v.add_argument("run_number", metavar="RUN", nargs="?", type=int)
    v.add_argument(
        "text", metavar="NAME_OR_TEXT", nargs="?", help="rename: '' for its recipe's name; note: '' for none"
    )

    v = verb("evaluate", models.evaluate, "score the newest run of each recipe, and their ensembles")
    _runs(v, "+")  # no image follows that could be taken for a run
    v.add_argument("--ensemble", choices=ENSEMBLES)
    v.add_argument("--part", choices=("val", "test"), default="val")
    v.add_argument("--distractors", metavar="PROJECT", nargs="+", default=[],
                   help="pictures of something else, that are not to be taken for a class: other projects, or `rejected` "
                        "for what this one rejected")  # fmt: skip

    v = verb("explain", models.explain, "which pixels spoke for a class, in images or in a set of the split")
    v.add_argument("--run", dest="of", type=int, required=True)
    v.add_argument("--explainer", default="shap",
                   help="one, or several with commas, such as shap,gradcam; of a name that is none, all are told")  # fmt: skip
    v.add_argument("--label", default="", help="the class to explain; default: the predicted one, of a set every one")
    v.add_argument("--samples", type=_positive, default=50, help="training pictures that SHAP compares with, up to 200")
    v.add_argument("--to", type=Path, default=Path("."), help="folder for the pictures")
    v.add_argument("--part", choices=("train", "val"), help="a set: of this part of the split; val")
    v.add_argument("--per-class", type=_positive, help="a set: so many pictures of each class; 10")
    v.add_argument("images", nargs="*", metavar="IMAGE")

    v = verb("predict", models.predict, "ask the newest run of each recipe, and their ensembles")
    _runs(v)
    v.add_argument("--ensemble", choices=ENSEMBLES, default="average")
    v.add_argument("--table", type=Path, help="a table of addresses, with the columns id and url, or url alone")
    v.add_argument("--to", type=Path, help="the CSV that the answers go into: id, label, confidence, known, error")
    v.add_argument("--whole", action="store_true", help="ask about whole pictures, where the models learned from crops")
    v.add_argument("images", nargs="*", metavar="IMAGE_FOLDER_OR_ZIP")

    v = verb("export", data.export, "data set and models to go, credits, cards, and reports on training and evaluation")
    v.add_argument("--to", type=Path, required=True, help="folder; made where it is missing")
    v.add_argument("--format", choices=data.FORMATS, required=True)
    v.add_argument("--licence", choices=tuple(FILTERS), default="", help="only pictures of such a licence")
    _runs(v)
    v.add_argument("--ensemble", choices=ENSEMBLES, default="average", help="model: whose word counts")


def _jobs(verb: Verb) -> None:
    verb("jobs", jobs.jobs, "what runs, waits and ended").add_argument("--limit", type=_positive, default=20)
    for name, run, about in (
        ("run", jobs.run, "run a job here"),
        ("stop", jobs.stop, "ask a job to stop"),
        ("again", jobs.again, "try a failed or stopped job again"),
    ):
        v = verb(name, run, about, project=False)
        v.add_argument("job", type=int)
        if name == "run":
            v.add_argument("--fence", type=int, help="given by the worker that claimed the job")
    verb("worker", jobs.worker, "run the jobs of this machine; started by itself when there is one", project=False)
    verb("demo", jobs.demo, "the whole path on drawn cars, with no network", project=False)
    v = verb("doctor", jobs.doctor, "what is in force, what is missing and how to get it", project=False)
    v.add_argument("--verify", action="store_true", help="read every image and compare its SHA-256")
    for name, what in (
        ("move", "Moving a project to another database"),
        ("backup", "The backup"),
        ("restore", "The restore"),
    ):
        v = verb(name, _later(name, what), what.lower(), project=False)
        v.add_argument("--to" if name == "move" else "file")


def _runs(v: argparse.ArgumentParser, many: str | int = 1) -> None:
    about = "a run's number; may be repeated"
    v.add_argument("--run", dest="runs", type=int, action="extend", nargs=many, default=[], metavar="R", help=about)


def _positive(value: str) -> int:
    number = int(value)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{value} is not a number from 1 up")
    return number


def _seed(value: str) -> int:
    number = int(value)
    if not 0 <= number < 2**32:
        raise argparse.ArgumentTypeError(f"{value} is not a number from 0 to {2**32 - 1}")
    return number


def _later(verb: str, what: str) -> Run:
    def run(args: argparse.Namespace) -> None:
        raise NotYet(f"{what} (`{verb}`) comes with a later release of Winnow.")

    return run
