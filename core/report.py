"""What training came to, as a page to send: one HTML file, light and dark, with nothing to fetch.

All figures are on the validation part, by which models are chosen; how often the test part was opened is told.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.backbones import BACKBONES
from core.credits.page import HEAD
from core.errors import BadInput
from core.jobs.watch import duration
from core.model import Evaluation, Job, Project, Recipe, Run, Split
from core.recipes import BASELINES, as_read
from core.runs import differing, interval, names
from core.sweep import TOP, top

if TYPE_CHECKING:
    from db.store import Store

COLOURS = ("#14a08d", "#7c6fe0", "#e0a100", "#d9622b", "#3b82c4", "#c2569b")
CURVES = len(COLOURS)  # runs whose curves are drawn
HARDEST = 8  # classes
STYLE = """<style>
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9rem; }
th, td { text-align: left; padding: 0.3rem 0.9rem 0.3rem 0; border-bottom: 1px solid var(--edge); white-space: nowrap; }
th { font-weight: 600; color: var(--quiet); } td.number, th.number { text-align: right; }
figure { margin: 0; } figure svg { max-width: 100%; height: auto; } svg text { fill: var(--quiet); font: 11px system-ui, sans-serif; }
.key { display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; font-size: 0.85rem; }
.key i { display: inline-block; width: 1.1rem; height: 3px; vertical-align: middle; margin-right: 0.4rem; }
</style>
"""


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
    drawn = [store.run(project.id, run.id) for run in final[:CURVES]]
    val = len(split.parts["val"])
    short = (
        [] if final else [run for run in top(every, 1) if run.kept]
    )  # of a sweep: it stands for one trained to its end
    final = final or short
    models = [*final, *beside.values()] or every
    called = dict(zip([run.id for run in models], names(models), strict=True))  # the same in every section
    parts = [
        _models(final, list(beside.values()), called, val),
        _curves(drawn, called),
        *([_sweep(sweeps[0], store.runs(project.id, job=sweeps[0].id), val)] if sweeps else []),
        *([_classes(scored[0])] if scored else []),
        _made(final or models, called, split),
    ]
    about = "\n".join(
        f"<p>{text}</p>" for text in _about(store, project, split, final, bool(short), models, called, val)
    )
    title = html.escape(f"Training report: {project.name}")
    return (
        HEAD % {"title": title, "about": about}
        + STYLE
        + "<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def save(store: Store, project: Project, folder: Path) -> Path:
    """Write it as report.html into the folder, and say where. Raises BadInput where that cannot be."""
    page = write(store, project)
    path = folder / "report.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"The report cannot be written to {str(path)!r}: {error.strerror}.") from None
    return path


def _about(
    store: Store, project: Project, split: Split, final: Sequence[Run], short: bool, models: Sequence[Run], called: Mapping[int, str],
    val: int,
) -> Iterator[str]:  # fmt: skip
    train, test = len(split.parts["train"]), len(split.parts["test"])
    yield (
        f"{len(split.classes)} classes, {train + val + test:,} pictures: {train:,} to learn from, {val:,} to choose by"
        f" (validation), {test:,} to test with. No near-duplicates stand in two parts"
        f"{'' if not split.leak else f', but for {split.leak:,}'}. Written on {datetime.now(UTC):%d %B %Y}."
    )
    least = min(models, key=lambda run: run.result["val_loss"])
    best = final[0] if final else least
    beaten = (
        f" The baseline {html.escape(called[least.id])}, computed without training, has a lower loss and names"
        f" {_share(least, val)} rightly."
        if least.result["val_loss"] < best.result["val_loss"]
        else ""
    )
    if short:
        yield "No model was trained to its end yet: of the short runs of sweeps the best one is shown."
    of = "of the short runs" if short else "of the trained models" if final else "model"
    yield (
        f"The best {of}, by its loss on validation, is"
        f" <strong>{html.escape(called[best.id])}</strong>: it names {_share(best, val)} of the validation"
        f" pictures rightly.{beaten} An interval holds the true share in 95 of 100 cases; where two intervals overlap,"
        " the difference may be chance."
    )
    opened = store.openings(project.id)
    yield (
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
            html.escape(called[run.id]) + (" <small>stopped</small>" if run.status == "stopped" else ""), _share(run, val), _bar(run, val, low), f"{run.result['val_loss']:.3f}", f"{run.result.get('val_macro_f1', float('nan')):.3f}",
            _amount(run.result.get("parameters"), 1e6, "M"), _amount(run.result.get("bytes"), 1e6, "MB"),
            _amount(run.result.get("latency"), 1e-3, "ms"), duration(run.result["seconds"]) or "0 s",
        )
        for run in runs
    ]  # fmt: skip
    head = ("model", "accuracy (95 %)", "", "loss", "macro F1", "parameters", "on disk", "a picture", "trained in")
    note = (
        "<p><small>Baselines (head=logistic, nearest-mean, knn) are computed on a pretrained network that stays as it is:"
        " what a training has to beat.</small></p>"
        if beside
        else ""
    )
    return f"<section>\n<h2>Models</h2>\n{_table(head, rows, numbers=range(3, 9))}{note}\n</section>"


def _bar(run: Run, val: int, low: float) -> str:
    """The interval as a line with its middle, on the same scale for all: from a little below the lowest to 100 %."""
    left, right = interval(run, val) or (0.0, 1.0)
    start = max(0.0, low - 0.02)

    def at(share: float) -> float:
        return 4 + 152 * (share - start) / max(1 - start, 1e-9)

    middle = at(run.result["val_accuracy"])
    return (
        f'<svg width="160" height="14" role="img" aria-label="{left:.1%} to {right:.1%}"><path d="M{at(left):.1f} 7H{at(right):.1f}"'
        f' stroke="{COLOURS[0]}" stroke-width="2"/><circle cx="{middle:.1f}" cy="7" r="4" fill="{COLOURS[0]}"/></svg>'
    )


def _curves(runs: Sequence[Run], called: Mapping[int, str]) -> str:
    """Validation accuracy over the epochs."""
    runs = [run for run in runs if len(run.epochs) > 1]
    if not runs:
        return ""
    longest = max(len(run.epochs) for run in runs)
    lowest = min(row["val_accuracy"] for run in runs for row in run.epochs)
    width, height, left = 640, 240, 40

    def place(epoch: int, value: float) -> str:
        x = left + (width - left - 8) * (epoch - 1) / max(longest - 1, 1)
        return f"{x:.1f} {8 + (height - 36) * (1 - value) / max(1 - lowest, 1e-9):.1f}"

    lines, keys = [], []
    for colour, run in zip(COLOURS, runs, strict=False):
        points = " L".join(place(row["epoch"], row["val_accuracy"]) for row in run.epochs)
        lines.append(f'<path d="M{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        keys.append(f'<span><i style="background:{colour}"></i>{html.escape(called[run.id])}</span>')
    ticks = "".join(
        f'<text x="0" y="{8 + (height - 36) * (1 - value) / max(1 - lowest, 1e-9) + 4:.1f}">{value:.0%}</text>'
        for value in (1.0, (1 + lowest) / 2, lowest)
    )
    axis = f'<text x="{left}" y="{height - 6}">epoch 1</text><text x="{width - 8}" y="{height - 6}" text-anchor="end">{longest}</text>'
    return (
        "<section>\n<h2>How they learned <span>accuracy on validation</span></h2>\n"
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
    told = [key for key in axes if key not in ("recipe", "head", "train", "size", "gray", "scratch")]
    rows = [
        (
            html.escape(run.recipe.name), *(html.escape(_choice(run.recipe, key)) for key in told),
            f"{run.result['val_loss']:.3f}", _share(run, val), f"{run.result['epochs']} of {run.recipe.epochs}",
        )
        for run in best
    ]  # fmt: skip
    head = ("recipe", *told, "validation loss", "accuracy (95 %)", "epochs")
    return (
        f"<section>\n<h2>What was tried <span>{', '.join(counts)}</span></h2>\n"
        f"<p>{'Some combinations' if space.get('mode') == 'random' else 'Every combination'} of {html.escape(', '.join(axes) or 'one recipe')} for a few epochs; after the first,"
        f" the second, the fourth and so on the worse half stopped. The {min(TOP, len(best))} best by validation loss:</p>\n{_table(head, rows)}\n"
        f"<p>The lowest validation loss with each choice:</p>\n{_worth(tried, axes)}\n</section>"
    )


def _worth(runs: Sequence[Run], axes: Iterable[str]) -> str:
    rows = []
    for axis in axes:
        of: dict[str, list[float]] = {}
        for run in runs:
            if "val_loss" in run.result:
                of.setdefault(_choice(run.recipe, axis), []).append(run.result["val_loss"])
        rows += [
            (html.escape(axis), html.escape(value), f"{min(losses):.3f}", f"{len(losses):,}")
            for value, losses in sorted(of.items(), key=lambda item: min(item[1]))
        ]
    return _table(("choice", "value", "lowest loss", "runs"), rows)


def _choice(recipe: Recipe, axis: str) -> str:
    """What was chosen of an axis of a sweep."""
    if axis == "recipe":
        return recipe.backbone + (f":train={recipe.train}" if recipe.train != "all" else "")
    if axis == "head" and not recipe.head and recipe.backbone not in BACKBONES:
        return "linear"  # a network of timm has that of itself
    return as_read(axis, getattr(recipe, axis))


def _classes(evaluation: Evaluation) -> str:
    """The classes that the best model of the newest evaluation finds hardest, and what they are taken for."""
    models: Mapping[str, Any] = evaluation.result["models"]
    name = max(models, key=lambda each: models[each]["accuracy"])
    classes, model = list(evaluation.result["classes"]), models[name]
    rows = []
    for label in sorted(classes, key=lambda each: model["per_class"][each]["f1"])[:HARDEST]:
        counts, at, of = model["confusion"][classes.index(label)], classes.index(label), model["per_class"][label]
        other = max((i for i in range(len(classes)) if i != at), key=lambda i: counts[i])
        taken = f"{classes[other]} ({counts[other]:,} of {of['support']:,})" if counts[other] else "nothing else"
        rows.append(
            (html.escape(label), f"{of['f1']:.3f}", f"{of['precision']:.3f}", f"{of['recall']:.3f}", html.escape(taken))
        )
    return (
        f"<section>\n<h2>Hardest classes <span>of {html.escape(name)}</span></h2>\n"
        f"{_table(('class', 'F1', 'precision', 'recall', 'most often taken for'), rows, numbers=range(1, 4))}\n</section>"
    )


def _made(runs: Sequence[Run], called: Mapping[int, str], split: Split) -> str:
    fields = differing(runs)
    same = runs[0].recipe
    told = [
        ("optimiser", same.optimiser), ("learning rate", f"{same.lr:g}"), ("schedule", same.schedule), ("batch", as_read("batch", same.batch)),
        ("augmentation", ", ".join(same.augment) or "none"), ("best by", same.watch), ("seed", same.seed),
    ]  # fmt: skip
    how = "; ".join(f"{key} {value}" for key, value in told)
    first = f" Of the first model: {html.escape(how)}." if same.head not in BASELINES else ""
    rows = [
        (
            html.escape(called[run.id]),
            *(html.escape(as_read(field, values[i])) for field, values in fields.items()),
            html.escape(_where(run)),
        )
        for i, run in enumerate(runs)
    ]
    return (
        "<section>\n<h2>How it was made</h2>\n"
        f"<p>Split {split.id}, seed {split.seed}, frozen on {split.created:%d %B %Y}.{first}"
        f"{' What differs between the models:' if fields else ''}</p>\n"
        f"{_table(('model', *(key.replace('_', ' ') for key in fields), 'trained on'), rows)}\n</section>"
    )


def _where(run: Run) -> str:
    return " ".join(str(run.result[key]) for key in ("device", "precision") if key in run.result)


def _share(run: Run, val: int) -> str:
    low, high = interval(run, val) or (0.0, 1.0)
    return f"{run.result['val_accuracy']:.1%} ({low:.1%} to {high:.1%})"


def _amount(value: float | None, unit: float, name: str) -> str:
    return f"{value / unit:,.1f} {name}" if value is not None else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    """Cells are HTML; `numbers` are the columns that stand to the right."""
    right = set(numbers)

    def line(cells: Sequence[str], tag: str) -> str:
        return "".join(f"<{tag}{' class=number' if i in right else ''}>{c}</{tag}>" for i, c in enumerate(cells))

    body = "\n".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return f'<div class="wide"><table>\n<tr>{line(head, "th")}</tr>\n{body}\n</table></div>'
