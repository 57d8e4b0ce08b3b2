"""What training came to, as a page to send: one HTML file, light and dark, with nothing to fetch.

All figures are on the validation part, by which models are chosen; how often the test part was opened is told.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import sheet
from core.backbones import BACKBONES
from core.errors import BadInput
from core.jobs.watch import duration
from core.model import Evaluation, Job, Project, Recipe, Run, Split
from core.recipes import BASELINES, OURS, as_read
from core.runs import differing, interval, names
from core.sweep import TOP, told_apart, top

if TYPE_CHECKING:
    from db.store import Store

CURVES = len(sheet.COLOURS)  # runs whose curves are drawn
HARDEST = 8  # classes
WORDS = {  # field of a recipe -> what a reader calls it; the others are called as they are
    "augment": "augmentation", "backbone": "network", "ema": "mean of weights", "fixed_sides": "never mirrored", "gray": "grey",
    "lr": "learning rate", "scratch": "from scratch", "share": "share of the pictures", "size": "picture size", "train": "what learns", "watch": "best by",
}  # fmt: skip


def write(store: Store, project: Project) -> str:
    """The report on the newest split that has runs. Raises BadInput where nothing was trained yet."""
    every = [run for run in store.runs(project.id) if "val_accuracy" in run.result]
    if not every:
        raise BadInput("There is nothing to report yet: train a model on the page Train, or with `train`.")
    split = store.split(project.id, every[0].split)
    every = [run for run in every if run.split == split.id]
    sweeps = [job for job in store.jobs(project.id, "sweep", limit=1000) if any(run.job == job.id for run in every)]
    trials = {job.id for job in sweeps}
    final = [run for run in every if run.job not in trials and run.recipe.head not in BASELINES]
    beside = {run.recipe.name: run for run in reversed(every) if run.recipe.head in BASELINES}  # the newest of each
    final = sorted(final, key=lambda run: run.result["val_loss"])
    scored = [e for e in store.evaluations(project.id, "val") if e.result.get("split") == split.id]
    val = len(split.parts["val"])
    trained = final or top(every, len(every))  # where none was trained to its end, short runs of a sweep
    short = [] if final else top((run for run in trained if run.kept), 1)
    final = final or short
    models = [*final, *beside.values()] or every
    best = _best(final or models)
    called = dict(zip([run.id for run in models], names(models), strict=True))  # the same in every section
    of = "of the short runs" if short else "of the trained models" if final else "model"
    curves = [run for run in final if run.result.get("epochs", 0) > 1]
    drawn = [store.run(project.id, run.id) for run in curves[:CURVES]]
    parts = [
        _models(final, list(beside.values()), called, val),
        _curves(drawn, len(curves), called),
        *([_sweep(sweeps[0], store.runs(project.id, job=sweeps[0].id), val)] if sweeps else []),
        *([_classes(scored, best, called)] if scored else []),
        _made(final or models, best, called, split),
    ]
    about = "\n".join(
        f"<p>{text}</p>"
        for text in (
            _pictures(split),
            *(
                ["No model was trained to its end yet: of the short runs of sweeps the best one is shown."]
                if short
                else []
            ),
            _headline(best, trained if final else models, list(beside.values()), called, val, of),
            _honest(store, project),
        )
    )
    return sheet.document(f"Training report: {project.name}", about, parts)


def save(store: Store, project: Project, folder: Path) -> Path:
    """Write it as report.html into the folder, and say where. Raises BadInput where that cannot be."""
    return sheet.save(write(store, project), folder, "report.html")


def _best(runs: Sequence[Run]) -> Run:
    """The one with the lowest loss on validation, among those that can still be asked where there is one."""
    return min(runs, key=lambda run: (not run.kept, run.result["val_loss"]))


def _pictures(split: Split) -> str:
    train, val, test = (len(split.parts[part]) for part in ("train", "val", "test"))
    return (
        f"{len(split.classes)} classes, {train + val + test:,} pictures: {train:,} to learn from, {val:,} to choose by"
        f" (validation), {test:,} to test with. No near-duplicates stand in two parts"
        f"{'' if not split.leak else f', but for {split.leak:,}'}. Written on {datetime.now(UTC):%d %B %Y}."
    )


def _headline(
    best: Run, among: Sequence[Run], beside: Sequence[Run], called: Mapping[int, str], val: int, of: str
) -> str:
    """Which model is the best `among` these, which are called `of`, how good it is, and whether a baseline beats it."""
    baseline = min(beside, key=lambda run: run.result["val_loss"], default=best)
    beaten = (
        f" The baseline {sheet.name(called[baseline.id])}, computed without training, has a lower loss and names"
        f" {_share(baseline, val)} rightly."
        if baseline.result["val_loss"] < best.result["val_loss"]
        else ""
    )
    gone = any(run.result["val_loss"] < best.result["val_loss"] for run in among)
    return (
        f"The best {of}{' that can still be asked' if gone else ''}, by its loss on validation, is"
        f" <strong>{sheet.name(called[best.id])}</strong>: it names {_share(best, val)} of the validation"
        f" pictures rightly.{beaten} An interval holds the true share in 95 of 100 cases; where two intervals overlap,"
        " the difference may be chance."
    )


def _honest(store: Store, project: Project) -> str:
    opened = store.openings(project.id)
    return (
        "All figures here are on the validation part, by which the models were chosen, so they are a little too good. "
        + (
            "The test part has not been opened."
            if not opened
            else f"The project's test part was opened {opened:,} {'time' if opened == 1 else 'times'} so far."
        )
    )


def _models(final: Sequence[Run], beside: Sequence[Run], called: Mapping[int, str], val: int) -> str:
    runs = [*final, *beside]
    if not runs:
        return ""
    low = min((interval(run, val) or (0.0, 1.0))[0] for run in runs)
    rows = [
        (
            sheet.name(called[run.id]) + _state(run), _share(run, val), _bar(run, val, low), f"{run.result['val_loss']:.3f}", f"{run.result.get('val_macro_f1', float('nan')):.3f}",
            _amount(run.result.get("parameters"), 1e6, "M"), _amount(run.result.get("bytes"), 1e6, "MB"),
            _amount(run.result.get("latency"), 1e-3, "ms"), duration(run.result["seconds"]) or "0 s",
        )
        for run in runs
    ]  # fmt: skip
    head = ("model", "accuracy (95&nbsp;%)", "", "loss", "macro F1", "parameters", "on disk", "a picture", "trained in")
    note = (
        "<p><small>Baselines (head=logistic, nearest-mean, knn) are computed on a pretrained network that stays as it is:"
        " what a training has to beat.</small></p>"
        if beside
        else ""
    )
    return f"<section>\n<h2>Models</h2>\n{sheet.table(head, rows, numbers=range(3, 9))}{note}\n</section>"


def _state(run: Run) -> str:
    """What a reader has to know of a model beside its name."""
    told = [*(["stopped"] if run.status == "stopped" else []), *(["files deleted"] if run.deleted else [])]
    return f" <small>{', '.join(told)}</small>" if told else ""


def _bar(run: Run, val: int, low: float) -> str:
    """The interval as a line with its middle, on the same scale for all: from a little below the lowest to 100 %."""
    left, right = interval(run, val) or (0.0, 1.0)
    start = max(0.0, low - 0.02)

    def at(share: float) -> float:
        return 4 + 102 * (share - start) / max(1 - start, 1e-9)

    middle = at(run.result["val_accuracy"])
    return (
        f'<svg viewBox="0 0 110 14" width="110" height="14" role="img" aria-label="{left:.1%} to {right:.1%}"><path d="M{at(left):.1f} 7H{at(right):.1f}"'
        f' stroke="{sheet.COLOURS[0]}" stroke-width="2"/><circle cx="{middle:.1f}" cy="7" r="4" fill="{sheet.COLOURS[0]}"/></svg>'
    )


def _curves(runs: Sequence[Run], of: int, called: Mapping[int, str]) -> str:
    """Validation accuracy over the epochs, of the best runs `of` so many."""
    runs = [run for run in runs if len(run.epochs) > 1]
    if not runs:
        return ""
    longest = max(len(run.epochs) for run in runs)
    shares = sheet.marks(min(row["val_accuracy"] for run in runs for row in run.epochs))
    width, height, left = 640, 240, 40

    def x(epoch: int) -> float:
        return left + (width - left - 8) * (epoch - 1) / max(longest - 1, 1)

    def y(share: float) -> float:
        return 8 + (height - 36) * (1 - share) / (1 - shares[0])

    lines, keys = [], []
    for colour, run in zip(sheet.COLOURS, runs, strict=False):
        points = " L".join(f"{x(row['epoch']):.1f} {y(row['val_accuracy']):.1f}" for row in run.epochs)
        lines.append(f'<path d="M{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        keys.append(f'<span><i style="background:{colour}"></i>{sheet.name(called[run.id])}</span>')
    ticks = "".join(
        f'<line x1="{left}" x2="{width - 8}" y1="{y(share):.1f}" y2="{y(share):.1f}"/>'
        f'<text x="0" y="{y(share) + 4:.1f}">{share:.0%}</text>'
        for share in shares
    )
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, longest) if longest / step <= 8)
    axis = f'<text x="{left}" y="{height - 6}">epoch 1</text>' + "".join(
        f'<text x="{x(epoch):.1f}" y="{height - 6}" text-anchor="{"end" if epoch == longest else "middle"}">{epoch}</text>'
        for epoch in range(step, longest + 1, step)
        if x(epoch) > left + 48  # px: where "epoch 1" ends
    )
    best = f", the {len(runs)} best of {of:,} models" if of > len(runs) else ""
    return (
        f"<section>\n<h2>How they learned <span>accuracy on validation{best}</span></h2>\n"
        f'<figure><svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="Validation accuracy over the epochs">'
        f'{ticks}{axis}{"".join(lines)}</svg></figure>\n<div class="key">{"".join(keys)}</div>\n</section>'
    )


def _sweep(job: Job, runs: Sequence[Run], val: int) -> str:
    """What was tried in short runs, the ten best of them, and what each choice was worth."""
    space: Mapping[str, Any] = job.params["space"]
    tried = [run for run in runs if run.recipe.head not in BASELINES]
    broken = sum("error" in run.result for run in tried)
    counts = [
        f"{len(tried):,} short runs",
        f"{sum(run.status == 'pruned' for run in tried) - broken:,} stopped early",
        *([f"{broken:,} could not be trained"] if broken else []),
        *(["stopped before all were tried"] if job.status in ("stopped", "failed") else []),
    ]
    axes = {key: value for key, value in space.items() if isinstance(value, list) and len(value) > 1}
    best = top(tried)
    told = told_apart(axes)
    rows = [
        (
            sheet.name(run.recipe.name), f"{run.result['val_loss']:.3f}", _share(run, val),
            *(sheet.name(_choice(run.recipe, key, axes)) for key in told), f"{run.result['epochs']} of {run.recipe.epochs}",
        )
        for run in best
    ]  # fmt: skip
    head = ("recipe", "validation loss", "accuracy (95 %)", *map(_word, told), "epochs")
    return (
        f"<section>\n<h2>What was tried <span>{', '.join(counts)}</span></h2>\n"
        f"<p>{'Some combinations' if space.get('mode') == 'random' else 'Every combination'} of {html.escape(', '.join(map(_word, axes)) or 'one recipe')} for a few epochs; after the first,"
        f" the second, the fourth and so on the worse half stopped. The {min(TOP, len(best))} best by validation loss:</p>\n{sheet.table(head, rows)}\n"
        f"<p>The lowest validation loss with each choice:</p>\n{_worth(tried, axes)}\n</section>"
    )


def _worth(runs: Sequence[Run], axes: Collection[str]) -> str:
    rows = []
    for axis in axes:
        of: dict[str, list[float]] = {}
        for run in runs:
            if "val_loss" in run.result:
                of.setdefault(_choice(run.recipe, axis, axes), []).append(run.result["val_loss"])
        rows += [
            (html.escape(_word(axis)), sheet.name(value), f"{min(losses):.3f}", f"{len(losses):,}")
            for value, losses in sorted(of.items(), key=lambda item: min(item[1]))
        ]
    return sheet.table(("choice", "value", "lowest loss", "runs"), rows)


def _choice(recipe: Recipe, axis: str, axes: Collection[str]) -> str:
    """What was chosen of an axis of a sweep that has these."""
    if axis == "recipe":  # its name as it was begun with: without what other axes made of it
        return replace(recipe, **{key: getattr(OURS, key) for key in Recipe.NAMED if key in axes}).name
    if axis == "head" and not recipe.head and recipe.backbone not in BACKBONES:
        return "linear"  # a network of timm has that of itself
    return as_read(axis, getattr(recipe, axis))


def _classes(scored: Sequence[Evaluation], best: Run, called: Mapping[int, str]) -> str:
    """The classes that the best model finds hardest, and what they are taken for; `scored`: evaluations, the newest first."""
    evaluation, name = _measured(scored, best)
    run = evaluation.result.get("runs", {}).get(name)
    shown = sheet.name(called.get(run) or (f"{name} (run {run})" if run else f"the ensemble {name}"))
    missing = (
        ""
        if run == best.id
        else f"<p>{sheet.name(called[best.id])} was not evaluated yet: these are of the best model of the newest evaluation.</p>\n"
    )
    classes, model = list(evaluation.result["classes"]), evaluation.result["models"][name]
    rows = []
    for label in sorted(classes, key=lambda each: model["per_class"][each]["f1"])[:HARDEST]:
        counts, at, of = model["confusion"][classes.index(label)], classes.index(label), model["per_class"][label]
        other = max((i for i in range(len(classes)) if i != at), key=lambda i: counts[i])
        taken = f"{classes[other]} ({counts[other]:,} of {of['support']:,})" if counts[other] else "nothing else"
        rows.append(
            (html.escape(label), f"{of['f1']:.3f}", f"{of['precision']:.3f}", f"{of['recall']:.3f}", html.escape(taken))
        )
    some = f", {HARDEST} of {len(classes):,} classes" if len(classes) > HARDEST else ""
    return (
        f"<section>\n<h2>Hardest classes <span>of {shown}{some}</span></h2>\n{missing}"
        "<p>Recall is the share of a class's pictures that were found, precision the share of those given to the class that"
        " belong there; F1 joins both, and 1 is perfect.</p>\n"
        f"{sheet.table(('class', 'F1', 'precision', 'recall', 'most often taken for'), rows, numbers=range(1, 4))}\n</section>"
    )


def _measured(scored: Sequence[Evaluation], best: Run) -> tuple[Evaluation, str]:
    """The newest evaluation that holds this run, and what it is called there; where none does, the best model of the newest."""
    for evaluation in scored:
        for name, run in evaluation.result.get("runs", {}).items():
            if run == best.id:
                return evaluation, name
    models: Mapping[str, Any] = scored[0].result["models"]
    return scored[0], max(models, key=lambda each: models[each]["accuracy"])


def _made(runs: Sequence[Run], best: Run, called: Mapping[int, str], split: Split) -> str:
    fields = differing(runs)
    same = best.recipe
    told = [
        ("optimiser", same.optimiser), ("learning rate", f"{same.lr:g}"), ("schedule", same.schedule), ("batch", as_read("batch", same.batch)),
        ("augmentation", ", ".join(same.augment) or "none"), ("best by", same.watch), ("seed", same.seed),
    ]  # fmt: skip
    how = "; ".join(f"{key} {value}" for key, value in told)
    of = f" The recipe of {sheet.name(called[best.id])}: {html.escape(how)}." if same.head not in BASELINES else ""
    rows = [
        (
            sheet.name(called[run.id]),
            *(sheet.name(as_read(field, values[i])) for field, values in fields.items()),
            html.escape(_where(run)),
        )
        for i, run in enumerate(runs)
    ]
    return (
        "<section>\n<h2>How it was made</h2>\n"
        f"<p>Split {split.id}, seed {split.seed}, frozen on {split.created:%d %B %Y}.{of}"
        f"{' What differs between the models:' if fields else ''}</p>\n"
        f"{sheet.table(('model', *map(_word, fields), 'trained on'), rows)}\n</section>"
    )


def _word(field: str) -> str:
    return WORDS.get(field, field.replace("_", " "))


def _where(run: Run) -> str:
    return " ".join(str(run.result[key]) for key in ("device", "precision") if key in run.result)


def _share(run: Run, val: int) -> str:
    low, high = interval(run, val) or (0.0, 1.0)
    return f"{run.result['val_accuracy']:.1%} <span>({low:.1%} to {high:.1%})</span>"


def _amount(value: float | None, unit: float, name: str) -> str:
    return f"{value / unit:,.1f} {name}" if value is not None else ""
