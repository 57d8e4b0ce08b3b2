"""What an evaluation came to, as a page to send: one HTML file with all that the page Evaluate shows, and nothing to fetch."""

from __future__ import annotations

import html
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import evaluation_drawn as drawn
from core import sheet
from core.errors import BadInput
from core.evaluate import compare, kept
from core.evaluate.words import BEST, ENSEMBLES, FIGURES
from core.model import Evaluation, Project
from core.recipes import as_read
from core.runs import differing, evaluation_folder

if TYPE_CHECKING:
    from core.blobs import Blobs
    from core.settings import Settings
    from db.store import Store

PARTS = {"train": "training", "val": "validation", "test": "test"}
CLASSES, GAINS, SOURCES = 300, 40, 15  # rows of a table
FOUND = 60  # classes whose average precision is told


def write(store: Store, blobs: Blobs, settings: Settings, project: Project, number: int | None = None) -> str:
    """The report on the evaluation of that number, by default the newest. Raises BadInput where there is none."""
    every = store.evaluations(project.id)
    if not every:
        raise BadInput("There is nothing to report yet: evaluate models on the page Evaluate, or with `evaluate`.")
    found = next((one for one in every if number in (None, one.id)), None)
    if found is None:
        raise BadInput(f"There is no evaluation {number} in this project.")
    models = found.models
    classes = list(found.result.get("classes") or next(iter(models.values()))["per_class"])
    usual = "average" if len(found.runs) > 1 and "average" in models else next(iter(models))
    opened = [one for one in every if one.part == "test"]
    sections = [
        drawn.STYLE + _scores(found, models),
        drawn.confusion(models[usual], usual, classes),
        _classes(models, classes),
        _sources(models),
        _against(store, found, usual),
        drawn.trusted(models[usual], usual),
        _found(settings, found, classes),
        _others(found),
        drawn.mistakes(store, blobs, project, found, usual),
        _made(store, project, found),
        _openings(opened),
    ]
    about = "\n".join(f"<p>{line}</p>" for line in _about(found, models, len(classes), opened))
    return sheet.document(f"Evaluation report: {project.name}", about, sections)


def save(store: Store, blobs: Blobs, settings: Settings, project: Project, folder: Path) -> Path:
    """Write it as evaluation.html into the folder, and say where. Raises BadInput where that cannot be."""
    return sheet.save(write(store, blobs, settings, project), folder, "evaluation.html")


def _about(found: Evaluation, models: Mapping[str, Any], classes: int, opened: Sequence[Evaluation]) -> list[str]:
    best = max(models, key=lambda name: models[name]["accuracy"])
    low = models[best]["accuracy_interval"][0]
    close = [name for name, m in models.items() if name != best and m["accuracy_interval"][1] >= low]
    tie = " The intervals of the others overlap with it, so the difference may be chance." if close and len(close) == len(models) - 1 else ""  # fmt: skip
    images = found.result.get("images")
    unreadable = found.result.get("unreadable")
    on = f"{images:,} pictures" if images else "pictures"
    out = f", {unreadable:,} more could not be read" if unreadable else ""
    honest = (
        "These are pictures that no model learned from and by which none was chosen, as long as nothing was chosen by an"
        f" earlier look: the test part was opened {len(opened):,} {'time' if len(opened) == 1 else 'times'} so far."
        if found.part == "test"
        else "The models were chosen by these pictures, so all figures are a little too good; the test part is for the final one."
    )  # fmt: skip
    return [
        f"{classes:,} classes, {on} of the {PARTS[found.part]} part{out}. Evaluated on {found.created:%d %B %Y, %H:%M} UTC, written on"
        f" {datetime.now(UTC):%d %B %Y}.",
        f"<strong>{sheet.name(best)}</strong> names most pictures rightly: {_share(models[best]['accuracy'], models[best]['accuracy_interval'])}.{tie}",
        honest,
    ]  # fmt: skip


def _scores(found: Evaluation, models: Mapping[str, Any]) -> str:
    lowest = min(m["accuracy_interval"][0] for m in models.values())
    bars = [
        (sheet.name(name), _share(m["accuracy"], m["accuracy_interval"]), _bar(m["accuracy"], m["accuracy_interval"], lowest))
        for name, m in models.items()
    ]  # fmt: skip
    known = [key for key in FIGURES if key in next(iter(models.values())) and key != "accuracy"]
    known.sort(key=lambda key: key not in BEST)  # stable: those that tell most come first
    rows = [(FIGURES[key][0], *(_figure(key, m) for m in models.values()), f"<small>{html.escape(FIGURES[key][1])}</small>") for key in known]  # fmt: skip
    weights = found.result.get("weights", {})
    told = ", ".join(f"{sheet.name(model)} {weight:.0%}" for model, weight in weights.items())
    about = [
        f"{name}: {words}{f' ({told})' if name == 'weighted' and told else ''}" for name, words in ENSEMBLES.items() if name in models
    ]  # fmt: skip
    note = f"<p><small>Ensembles. {'; '.join(about)}.</small></p>" if about else ""
    body = (
        f"{sheet.table(('model', 'accuracy (95&nbsp;%)', ''), bars)}{note}"
        "<p>In brackets stands the interval that holds the true figure in 95 of 100 cases: Wilson's for accuracy, for the others by"
        " drawing the pictures again, near-duplicates together (bootstrap).</p>"
        f"{sheet.table(('figure', *map(sheet.name, models), 'what it is'), rows)}"
    )
    return sheet.section("How good each model is", body)


def _figure(key: str, model: Mapping[str, Any]) -> str:
    if key not in model:
        return ""
    share, between = FIGURES[key][2], model.get("intervals", {}).get(key)

    def put(number: float) -> str:
        return f"{100 * number:.1f}" if share else f"{number:.3f}"

    told = f"{put(model[key])}{'&nbsp;%' if share else ''}"
    return told + (f" <span>({put(between[0])} to {put(between[1])})</span>" if between else "")


def _classes(models: Mapping[str, Any], classes: Sequence[str]) -> str:
    first = next(iter(models.values()))["per_class"]
    there = [label for label in classes if first[label]["support"]]
    empty = [label for label in classes if not first[label]["support"]]
    rows = []
    for label in there[:CLASSES]:
        told = [_of_class(model["per_class"][label]) for model in models.values()]
        rows.append((sheet.name(label), f"{first[label]['support']:,}", *told))
    none = f"<p>No picture in this part, so nothing can be said: {html.escape(', '.join(empty[:30]))}{' and others' if len(empty) > 30 else ''}.</p>" if empty else ""  # fmt: skip
    some = f"{CLASSES} of {len(there):,} classes" if len(there) > CLASSES else ""
    body = (
        "<p>F1 of each model, then recall (the share of a class's pictures that was found, with its 95&nbsp;% interval) and precision (of"
        " the pictures given to a class, the share that belongs there).</p>\n"
        f"{sheet.table(('class', 'pictures', *map(sheet.name, models)), rows, numbers=(1,))}{none}"
    )
    return sheet.section("Class by class", body, some)


def _of_class(figures: Mapping[str, Any]) -> str:
    """F1, recall and precision of a class in a cell."""
    between = figures.get("recall_interval")
    interval = f" ({100 * between[0]:.0f} to {100 * between[1]:.0f})" if between else ""
    return f"{figures['f1']:.3f}<small>recall {100 * figures['recall']:.0f}&nbsp;%{interval}, precision {100 * figures['precision']:.0f}&nbsp;%</small>"


def _sources(models: Mapping[str, Any]) -> str:
    first = next(iter(models.values())).get("per_source", {})
    if len(first) < 2:
        return ""
    rows = [
        (sheet.name(source or "not known"), f"{of['images']:,}", *(_share(m["per_source"][source]["accuracy"], m["per_source"][source]["interval"]) for m in models.values()))
        for source, of in list(first.items())[:SOURCES]
    ]  # fmt: skip
    body = (
        "<p>Where one source is named much worse than the others, its pictures differ, and the model may have learned the source.</p>\n"
        f"{sheet.table(('source', 'pictures', *map(sheet.name, models)), rows, numbers=(1,))}"
    )
    return sheet.section("Source by source", body, f"the {SOURCES} largest of {len(first):,}" if len(first) > SOURCES else "")  # fmt: skip


def _against(store: Store, found: Evaluation, usual: str) -> str:
    """The usual model beside the best one alone, and the two best ones beside each other."""
    models = found.result["models"]
    alone = sorted(found.result.get("runs", {}), key=lambda name: -models[name]["accuracy"])
    couples = [(usual, name) for name in alone[:1] if name != usual] + (
        [(alone[0], alone[1])] if len(alone) > 1 else []
    )
    parts = []
    for first, second in couples:
        overall, each = compare.differences(store.paired(found.id, first, second))
        sure = sorted(each, key=lambda row: (not row.sure, -abs(row.gain)))[:GAINS]
        rows = [
            (sheet.name(row.label), f"{100 * row.gain:+.1f} <span>({100 * row.low:+.1f} to {100 * row.high:+.1f})</span>", f"{row.images:,}",
             "beyond&nbsp;chance" if row.sure else "may&nbsp;be&nbsp;chance")
            for row in sure
        ]  # fmt: skip
        parts.append(
            f"<h3>{sheet.name(first)} beside {sheet.name(second)}</h3>\n<p>{html.escape(compare.sentence(first, second, overall, each))}</p>\n"
            + sheet.table(("class", "percentage points more found by the first (95&nbsp;%)", "pictures", ""), rows, numbers=(2,))
        )  # fmt: skip
    if not parts:
        return ""
    note = (
        "<p><small>McNemar's exact test on the pictures that one of the two alone has right (1947), corrected for the number of classes"
        " (Holm 1979); intervals by Agresti and Min 2005, not corrected.</small></p>"
    )
    return sheet.section("Two models on the same pictures", "\n".join([*parts, note]))


def _found(settings: Settings, found: Evaluation, classes: Sequence[str]) -> str:
    """Precision against recall in one number for each class, as far as what was said lies on the disk still."""
    from sklearn.metrics import average_precision_score

    said = kept.read(evaluation_folder(settings, found.result["kept"])) if "kept" in found.result else None
    names = list(found.models)  # the ensembles stand last among what was kept
    if said is None or len(said.probabilities) < len(names):
        return sheet.section(
            "Finding a class",
            "<p>What each model said of each picture is no longer on the disk: evaluate again to have it here.</p>",
        )
    rows = []
    for place, label in enumerate(classes[:FOUND]):
        there = said.labels == place
        if there.any():
            areas = [average_precision_score(there, said.probabilities[n, :, place]) for n in range(len(names))]
            rows.append((sheet.name(label), f"{int(there.sum()):,}", *(f"{area:.3f}" for area in areas)))
    body = (
        "<p>Average precision: the area below precision against recall, as the probability that counts as this class falls from 1 to 0. 1 is"
        " perfect: all of its pictures are named surer than any other.</p>\n"
        f"{sheet.table(('class', 'pictures', *map(sheet.name, names)), rows, numbers=range(1, 2 + len(names)))}"
    )
    return sheet.section(
        "Finding a class", body, f"{FOUND} of {len(classes):,} classes" if len(classes) > FOUND else ""
    )


def _others(found: Evaluation) -> str:
    """What the models make of pictures of something else, where the evaluation had some."""
    told = found.result.get("distractors")
    if not told:
        return ""
    rules = [
        (sheet.name(name), *(_share(of[key], of[f"{key}_interval"]) for key in ("auroc", "caught", "false_alarms")))
        for name, of in told["rule"].items()
    ]
    gaps = [
        (sheet.name(name), *(_share(of[key], of[f"{key}_interval"]) for key in ("without", "with", "rule")))
        for name, of in told["models"].items() if name in found.models
    ]  # fmt: skip
    sources = [
        (sheet.name(one["name"]), f"{one['drawn'] - one['unreadable']:,}", _share(one["caught"], one["caught_interval"]) if "caught" in one else "")
        for one in told["sources"]
    ]  # fmt: skip
    body = (
        "<p>How many are found out as none of these, how many pictures that do show a class are called so by mistake, and the chance that a"
        " picture of something else is stranger to the models than one that belongs (AUROC: 50&nbsp;% is guessing).</p>\n"
        f"{sheet.table(('judged by', 'told apart', 'found out', 'called so by mistake'), rules)}"
        f"{sheet.table(('from', 'pictures', 'found out'), sources, numbers=(1,))}"
        "<p>GAP without them, with them, and with them where what is none of these gets no answer; 100&nbsp;% is perfect.</p>\n"
        f"{sheet.table(('model', 'without', 'with', 'held back'), gaps)}"
    )
    return sheet.section("Pictures of something else", body, f"{told['images']:,} pictures")


def _made(store: Store, project: Project, found: Evaluation) -> str:
    runs = [store.run(project.id, number) for number in found.runs]
    split = store.split(project.id, found.result["split"]) if found.result.get("split") else None
    fields = differing(runs)
    rows = [
        (f"{run.id}", sheet.name(run.name), *(sheet.name(as_read(field, values[i])) for field, values in fields.items()),
         f"{run.created:%Y-%m-%d}", html.escape(f"{run.result.get('device', '')} {run.result.get('precision', '')}".strip()))
        for i, run in enumerate(runs)
    ]  # fmt: skip
    frozen = (
        f"Split {split.id}, seed {split.seed}, frozen on {split.created:%d %B %Y}: "
        + ", ".join(f"{len(split.parts[part]):,} {PARTS[part]}" for part in PARTS)
        + f" pictures; {'no near-duplicates stand in two parts' if not split.leak else f'{split.leak:,} pictures have a near-duplicate in another part'}."
        if split
        else ""
    )
    versions = ", ".join(f"{name} {_version(name)}" for name in ("torch", "timm", "numpy"))
    return sheet.section(
        "How it was made",
        f"<p>{frozen} Evaluation {found.id}. Python {platform.python_version()}, {versions}.</p>\n"
        + sheet.table(("run", "model", *(field.replace("_", " ") for field in fields), "trained", "on"), rows),
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _openings(opened: Sequence[Evaluation]) -> str:
    if not opened:
        return sheet.section("The log of the test part", "<p>It has not been opened.</p>")
    rows = []
    for one in opened:
        models = one.result["models"]
        best = max(models, key=lambda name: models[name]["accuracy"])
        rows.append((f"{one.created:%Y-%m-%d %H:%M} UTC", f"{one.result.get('split', '')}", ", ".join(map(str, one.runs)), f"{models[best]['accuracy']:.1%} ({sheet.name(best)})"))  # fmt: skip
    body = (
        "<p>Each look by which something was chosen makes its figures a little too good.</p>\n"
        f"{sheet.table(('opened', 'split', 'runs', 'highest accuracy'), rows)}"
    )
    return sheet.section("The log of the test part", body, f"opened {len(opened):,} {'time' if len(opened) == 1 else 'times'}")  # fmt: skip


def _share(value: float, between: Sequence[float]) -> str:
    return f"{value:.1%} <span>({between[0]:.1%} to {between[1]:.1%})</span>"


def _bar(value: float, between: Sequence[float], lowest: float) -> str:
    """The interval as a line with its middle, on one scale for all: from a little below the lowest to 100 %."""
    start = max(0.0, lowest - 0.02)

    def at(share: float) -> float:
        return 4 + 142 * (share - start) / max(1 - start, 1e-9)

    low, high = between
    return (
        f'<svg viewBox="0 0 150 14" width="150" height="14" role="img" aria-label="{low:.1%} to {high:.1%}"><path d="M{at(low):.1f} 7H{at(high):.1f}"'
        f' stroke="{sheet.COLOURS[0]}" stroke-width="2"/><circle cx="{at(value):.1f}" cy="7" r="4" fill="{sheet.COLOURS[0]}"/></svg>'
    )
