"""The verbs that make and ask models: train, recipes, runs, evaluate, explain, predict."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.submit import inside, submit
from core.errors import BadInput
from core.model import ENSEMBLES

if TYPE_CHECKING:
    from core.model import Project, Recipe, Run
    from db.store import Store


def train(args: argparse.Namespace) -> dict[str, Any]:
    names = ("epochs", "batch", "lr", "patience", "seed")
    changes = {key: value for key in names if (value := getattr(args, key)) is not None}
    if args.sweep:
        from core.recipes import spelled
        from core.sweep import load, recipes

        if args.recipe or changes or args.find_lr:
            raise BadInput("--sweep stands alone: write the recipes, and what is to be tried of them, into its file.")
        space = load(Path(args.sweep))
        named = space.get("recipe")
        named = [named] if isinstance(named, str) else named
        if isinstance(named, list) and all(isinstance(text, str) for text in named):
            saved = _saved(args)
            space["recipe"] = [spelled(text, saved) for text in named]
        recipes(space)  # what is wrong with it is said before anything is queued
        return submit(args, "sweep", {"space": space}, need="gpu")
    if not args.recipe:
        raise BadInput("train wants --recipe, once or more, such as vgg75-bn or mobilenetv2_100:train=head.")
    from dataclasses import asdict

    from core.backbones import look
    from core.recipes import BASELINES, read

    saved = _saved(args)
    wanted = [read(text, saved, **changes) for text in args.recipe]
    for recipe in wanted:
        if recipe.size:
            look(recipe)  # a size that the network cannot take is said before anything is queued
    recipes = [asdict(recipe) for recipe in wanted]
    if args.find_lr:
        if len(recipes) != 1:
            raise BadInput("--find-lr wants one --recipe.")
        if wanted[0].head in BASELINES:
            raise BadInput(f"--find-lr: head={wanted[0].head} is computed at once, without a learning rate.")
        return submit(args, "rate", {"recipe": recipes[0]}, need="gpu")
    return submit(args, "train", {"recipes": recipes}, need="gpu")


def _saved(args: argparse.Namespace) -> dict[str, Recipe]:
    """The recipes that the project keeps, by their names."""
    from core.recipes import by_name

    store, _, project = inside(args)
    return by_name(store.saved_recipes(project.id))


def recipes(args: argparse.Namespace) -> dict[str, Any]:
    from core.recipes import PRESETS, by_name, own_name, read, written

    given = (args.name is not None, args.text is not None)
    wanted = {"list": (False, False), "save": (True, True), "remove": (True, False)}[args.what]
    if given != wanted:
        about = {"list": "nothing more", "save": "a name and a recipe", "remove": "the name of a saved one"}[args.what]
        raise BadInput(f"recipes {args.what} wants {about}; `recipes` lists all there are.")
    store, _, project = inside(args)
    saved = store.saved_recipes(project.id)
    if args.what == "remove":
        return {"removed": store.remove_recipe(project.id, args.name).name}
    if args.what == "save":
        name, recipe = own_name(args.name), read(args.text, by_name(saved))
        before = store.save_recipe(project.id, name, args.about, recipe, args.reviewer)
        return {"name": name, "recipe": written(recipe), "replaced": before.created.isoformat() if before else None}
    rows = [(one.name, one.about, _written(one.recipe), one.created.isoformat(), one.by) for one in saved]
    rows += [(name, preset.about, written(read(name)), None, None) for name, preset in PRESETS.items()]
    return {"recipes": [dict(zip(("name", "about", "recipe", "saved", "by"), row, strict=True)) for row in rows]}


def _written(recipe: Recipe) -> str:
    """As a line that `--recipe` reads; by its name where its network is no longer there."""
    from core.recipes import written

    try:
        return written(recipe)
    except BadInput as error:
        return f"{recipe.name}: {error}"


def runs(args: argparse.Namespace) -> dict[str, Any]:
    store, settings, project = inside(args)
    if args.what == "list":
        if args.run_number is not None:
            raise BadInput("runs lists every run of the project; with a number it wants rename, note or delete.")
        pictures = store.part_sizes(project.id, "val")
        return {"runs": [_row(run, pictures.get(run.split, 0)) for run in store.runs(project.id)]}
    wanted = {"rename": "a run and its name", "note": "a run and a text", "delete": "a run", "curve": "a run"}[
        args.what
    ]
    if args.run_number is None or (args.text is None) != (args.what in ("delete", "curve")):
        raise BadInput(f"runs {args.what} wants {wanted}; `runs` lists their numbers.")
    if args.what == "curve":
        return _curve(store, project, args.run_number)
    if args.what == "delete":
        from core.runs import delete_files

        freed = delete_files(store, settings, project.id, args.run_number)
        return {"run": args.run_number, "freed": freed}
    change = {"rename": store.rename_run, "note": store.note_run}[args.what]
    run = change(project.id, args.run_number, args.text)
    return {"run": run.id, "name": run.name, "note": run.note}


def _curve(store: Store, project: Project, number: int) -> dict[str, Any]:
    """Accuracy against the number of pictures of the runs that differ from this one in that alone, and what twice as many
    would bring; `missing`: what `train --recipe` is to be given for that."""
    from dataclasses import asdict

    from core import learning_curve as curve

    run = store.run(project.id, number)
    runs = curve.curves(store.runs(project.id)).get((run.split, curve.whole_of(run.recipe)))
    if not runs:
        raise BadInput(f"Run {number} ({run.name}) is not trained to its end with all pictures: choose one that is.")
    split = store.split(project.id, run.split)
    found = curve.points(runs, split)
    told = curve.outlook(found, len(split.parts["val"]), len(split.classes))
    return {
        "sentence": curve.sentence(told), "outlook": {key: value for key, value in asdict(told).items() if key != "line"} if told else None, "points": [asdict(one) for one in found],
        "classes": curve.by_class(runs, split.classes), "missing": [_written(one) for one in curve.missing(runs)],
    }  # fmt: skip


def _row(run: Run, validation: int) -> dict[str, Any]:
    """`validation` is the number of validation pictures of its split."""
    from core.runs import interval

    between, told = interval(run, validation), run.result.get
    return {
        "run": run.id, "name": run.name, "recipe": _written(run.recipe), "status": run.status, "epochs": told("epochs"),
        "val_accuracy": told("val_accuracy"), "val_accuracy_interval": list(between) if between else None,
        **{name: told(name) for name in ("val_macro_f1", "parameters", "bytes", "latency", "seconds")},
        "note": run.note, "error": told("error"), "deleted": run.deleted.isoformat() if run.deleted else None,
    }  # fmt: skip


def evaluate(args: argparse.Namespace) -> dict[str, Any]:
    result = submit(args, "evaluate", {
        "runs": args.runs, "part": args.part, **({"distractors": args.distractors} if args.distractors else {}),
    })  # fmt: skip
    if args.ensemble and "models" in result:
        for other in ENSEMBLES:
            if other != args.ensemble:
                result["models"].pop(other, None)
    return result


def explain(args: argparse.Namespace) -> dict[str, Any]:
    from core.explain_sets import EACH, check

    explainers = list(dict.fromkeys(name.strip() for name in args.explainer.split(",") if name.strip()))
    check(explainers, args.part or "val", args.per_class or EACH)
    if bool(args.images) == bool(args.part or args.per_class):
        raise BadInput(
            "explain wants either image files, or --part val or train and --per-class N for a set of the split."
        )
    if args.images:
        return _images(args, explainers)
    params = {"runs": [args.of], "explainers": explainers, "part": args.part or "val", "samples": args.samples,
              "classes": [args.label] if args.label else [], "each": args.per_class or EACH}  # fmt: skip
    return submit(args, "explain", params)


def _images(args: argparse.Namespace, explainers: list[str]) -> dict[str, Any]:
    from core import explain, runs
    from core.predict import cropper

    store, settings, project = inside(args)
    run = runs.choose(store, project.id, [args.of])[0]
    [(name, model)] = runs.load_models(settings, [run]).items()
    crop, folder = cropper([model], settings), runs.run_folder(settings, run.id)
    rows = list(
        explain.files(model, name, run.id, folder, args.images, explainers, args.label, args.to, args.samples, crop)
    )
    if any("picture" in row for row in rows):
        return {"images": rows}
    error = f"No image could be explained: {rows[0]['error'] if rows else 'the folders given hold no file.'}"
    print(error, file=sys.stderr)
    return {"images": rows, "error": error, "_failed": True}


def predict(args: argparse.Namespace) -> dict[str, Any]:
    if bool(args.images) == bool(args.table):
        raise BadInput("predict wants either image files, folders and .zip files, or --table with addresses.")
    if args.to and args.to.suffix.lower() != ".csv":
        raise BadInput(f"--to {str(args.to)!r} is no .csv: the answers are a table.")
    if args.table:
        return _table(args)
    from core import predict, runs
    from core.predict import answers

    store, settings, project = inside(args)
    models = runs.load_models(settings, runs.choose(store, project.id, args.runs))
    crop = None if args.whole else predict.cropper(models.values(), settings)
    predictor = predict.Predictor(models, args.ensemble, crop)
    if args.to:
        said = answers.file(predictor, args.images, args.to)
        first = said["error"]
    else:
        said = answers.files(predictor, args.images)
        first = said["failed"][0]["error"] if said["failed"] else ""
    if said["images"]:
        return said
    error = f"No picture could be asked about: {first or 'the folders given hold no file.'}"
    print(error, file=sys.stderr)
    return {**said, "error": error, "_failed": True}


def _table(args: argparse.Namespace) -> dict[str, Any]:
    from core.predict.addresses import addresses

    if not args.to:
        raise BadInput("--table wants --to, the CSV that the answers go into.")
    if args.to.absolute() == args.table.absolute():
        raise BadInput(f"--to {str(args.to)!r} is the table itself: the answers go into another file.")
    addresses(args.table)  # what is wrong with it is said before there is a job
    where = {"table": str(args.table.absolute()), "to": str(args.to.absolute())}
    return submit(args, "predict", {**where, "runs": args.runs, "ensemble": args.ensemble, "whole": args.whole})
