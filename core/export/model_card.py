"""What exported models are, in words (after Mitchell et al. 2019, "Model cards for model reporting"): how good, on what,
learned from what, and where they end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core import credits
from core.evaluate import Ensemble, score, softmax
from core.evaluate.strange import FALSE_ALARMS
from core.export.markdown import joined, plain, table
from core.jobs.watch import duration
from core.model import PARTS, Evaluation, Project, Run, Split
from core.recipes import written
from core.runs import names

if TYPE_CHECKING:
    from core.checkpoint import Model
    from db.store import Store

PARTS_IN_WORDS = {"train": "train", "val": "validation", "test": "test"}


def text(
    store: Store, project: Project, runs: Sequence[Run], models: Mapping[str, Model], facts: Mapping[str, Any],
    same: Mapping[str, Any],
) -> str:  # fmt: skip
    """The card as Markdown; `facts` is `labels.json`, `same` what `core.export.same` found."""
    split = store.split(project.id, runs[0].split)
    scores = validation(models)
    sections = [
        _head(project, models, facts), _use(facts), _figures(scores, split, "validation"),
        _test(store.evaluations(project.id, "test"), runs, split), _classes(*(facts["ensemble"], scores[facts["ensemble"]]) if len(models) > 1 else next(iter(scores.items()))),
        _trained(runs, models), _data(store, project, split), _same(same), _limits(models, facts),
    ]  # fmt: skip
    return joined(sections)


def validation(models: Mapping[str, Model]) -> dict[str, dict[str, Any]]:
    """Name of model or ensemble -> its figures on the validation pictures, as each training measured them."""
    import numpy as np

    said = {name: softmax(one.val_logits, one.temperature) for name, one in models.items()}
    together = Ensemble(models).combine(np.stack(list(said.values())))
    first = next(iter(models.values()))
    every = {**said, **together} if len(models) > 1 else said  # one alone is its own ensemble
    return {name: score(first.val_labels, p, first.classes) for name, p in every.items()}


def _head(project: Project, models: Mapping[str, Model], facts: Mapping[str, Any]) -> str:
    classes = facts["classes"]
    shown = ", ".join(plain(label) for label in classes[:30]) + (" …" if len(classes) > 30 else "")
    named = ", ".join(plain(name) for name in models)
    they = (
        f"They are {named}; together they speak as {plain(facts['ensemble'])}."
        if len(models) > 1
        else f"It is {named}."
    )
    return (
        f"# Model: {plain(project.name)}\n\nSays which of {len(classes):,} classes a picture shows: {shown}.\n\n"
        f"{they} Trained with Winnow.\n"
    )


def _use(facts: Mapping[str, Any]) -> str:
    rows = [
        (plain(m["file"]), plain(m["name"]), f"{m['size']} x {m['size']} px", plain(m["recipe"]))
        for m in facts["members"]
    ]
    return (
        "## How to use it\n\n```\npip install onnxruntime numpy pillow\npython predict.py photo.jpg another.jpg\n```\n\n"
        "prints one line of JSON: for each picture `label`, `confidence`, `probabilities` (of the classes; they sum to 1), "
        "`known` (false: rather none of these classes), `strangeness` (the share of the validation pictures that are less strange) and `models`, what each network and each ensemble says. A file that is "
        "no picture stands under `failed`.\n\n"
        + table(["file", "network", "sees", "recipe"], rows)
        + "\n`<run>.onnx` (onnxruntime), `<run>.pt` (TorchScript: `torch.jit.load`) and `<run>.safetensors` (the weights alone, "
        "to go on training) hold the same network. The first two take `pixels`, (B, S, S, 3) uint8 RGB, and give "
        "`probabilities`, (B, classes) float32, and `strange`, (B,), by which `known` is judged: mean, deviation and temperature are inside. The picture is upright (EXIF), alpha "
        "lies on white, and it is resized to the square with bicubic, antialiased interpolation, whatever its aspect ratio. "
        "Labels and preprocessing also stand in each file: `metadata_props` of ONNX, `labels.json` in the extra files of "
        "TorchScript, the metadata of safetensors.\n"
    )  # fmt: skip


def _figures(scores: Mapping[str, Mapping[str, Any]], split: Split, part: str) -> str:
    rows = [(plain(name), *_row(figures)) for name, figures in scores.items()]
    count = len(split.parts["val" if part == "validation" else "test"])
    return (
        f"## How good: {part}\n\n"
        + table(["model", "accuracy", "95 % interval", "macro F1 (95 %)", "weighted F1"], rows)
        + (
            f"\nOn the {count:,} validation pictures. By these the best epoch, the temperature and the ensembles were chosen, so the "
            "figures are a little better than on pictures that nobody has seen.\n"
            if part == "validation"
            else ""
        )
    )


def _row(figures: Mapping[str, Any]) -> tuple[str, ...]:
    low, high = figures["accuracy_interval"]
    between = figures.get("intervals", {}).get("macro_f1")  # early evaluations have none
    f1 = f"{figures['macro_f1']:.3f}" + (f" ({between[0]:.3f} to {between[1]:.3f})" if between else "")
    return (
        f"{figures['accuracy']:.1%}",
        f"{low:.1%} to {high:.1%}",
        f1,
        f"{figures['weighted_f1']:.3f}",
    )


def _test(evaluations: Sequence[Evaluation], runs: Sequence[Run], split: Split) -> str:
    """Figures of the newest opening of the test part for each run, and for the ensembles where all were asked together."""
    wanted, called = {run.id for run in runs}, dict(zip((run.id for run in runs), names(runs), strict=True))
    opened = [
        each for each in evaluations if wanted & set(each.runs) and each.result.get("split", split.id) == split.id
    ]
    rows: dict[str, tuple[str, ...]] = {}
    for each in sorted(opened, key=lambda one: one.id, reverse=True):
        for name, figures in each.result["models"].items():
            run = each.result.get("runs", {}).get(name)
            together = name if len(wanted) > 1 and set(each.runs) == wanted else ""
            shown = called.get(run, "") if run else together
            if shown and shown not in rows:
                rows[shown] = (plain(shown), *_row(figures))
    if not rows:
        return (
            "## How good: test\n\nThe test part was never opened for these models, so there is no figure on pictures that nothing "
            "was chosen by.\n"
        )
    times = len(opened)
    return (
        "## How good: test\n\n"
        + table(["model", "accuracy", "95 % interval", "macro F1 (95 %)", "weighted F1"], rows.values())
        + f"\nOn the {len(split.parts['test']):,} test pictures, which were opened {'once' if times == 1 else f'{times:,} times'} "
        "for these models. Each opening makes the figure a little less honest.\n"
    )


def _classes(name: str, figures: Mapping[str, Any]) -> str:
    rows = [
        (plain(label), _share(f, "precision"), _share(f, "recall"), f"{f['f1']:.2f}", f"{f['support']:,}")
        for label, f in figures["per_class"].items()
    ]
    return (
        f"## By class\n\n{plain(name)}, on validation:\n\n"
        + table(["class", "precision", "recall", "F1", "pictures"], rows)
        + "\nPrecision: of the pictures given this name, the share that deserve it. Recall: of the pictures of this class, the share "
        "that get its name. F1: their harmonic mean. In brackets: 95 % intervals.\n"
    )


def _share(of: Mapping[str, Any], name: str) -> str:
    low, high = of[f"{name}_interval"]
    return f"{of[name]:.2f} ({low:.2f} to {high:.2f})"


def _trained(runs: Sequence[Run], models: Mapping[str, Model]) -> str:
    lines = []
    for run, (name, one) in zip(runs, models.items(), strict=True):
        told = run.result
        parts = [f"recipe `{written(run.recipe).replace('`', '')}`", f"{told.get('epochs', len(run.epochs))} epochs"]
        parts += [f"the best was {told['best_epoch']}"] if told.get("best_epoch") else []
        parts += [f"{duration(told['seconds'])} on {plain(told.get('device', 'cpu'))}"] if told.get("seconds") else []
        parts += [f"{told['parameters']:,} parameters"] if told.get("parameters") else []
        parts += [f"temperature {one.temperature:.3f}"]
        lines.append(f"- {plain(name)} (run {run.id}, {run.created:%Y-%m-%d}): {', '.join(parts)}\n")
    return (
        "## How it was trained\n\n" + "".join(lines)
        + "\nThe temperature divides the logits, so that a confidence of 80 % is right four times in five on validation (Guo et al. "
        "2017). A pretrained network brings what it learned elsewhere, under its own licence: see its page at timm.\n"
    )  # fmt: skip


def _data(store: Store, project: Project, split: Split) -> str:
    parts = ", ".join(f"{len(split.parts[part]):,} {PARTS_IN_WORDS[part]}" for part in PARTS)
    counts = store.kept_licences(project.id)
    rights = credits.rights(counts)
    rows = [
        (plain(name), f"{n:,}", credits.allows(name))
        for name, n in sorted(counts.items(), key=lambda each: -each[1])[:30]
    ]
    return (
        f"## What it learned from\n\nSplit {split.id} of {plain(project.name)} (seed {split.seed}, {split.created:%Y-%m-%d}): {parts}. "
        f"Near-duplicates of validation and test in another part (leak): {split.leak:,}.\n\n"
        "Licences of the project's kept pictures, as their sources state them:\n\n"
        + table(["licence", "pictures", "what it allows"], rows)
        + (f"\nOf {rights['unknown']:,} nobody stated a licence: whether a model made from them may be passed on is for you to judge.\n"
           if rights["unknown"] else "")
        + "\n`python -m core export --format card` writes the data set's own card.\n"
    )  # fmt: skip


def _same(same: Mapping[str, Any]) -> str:
    count, limits = same["images"], same["limits"]
    rows = [(plain(file), f"{apart:.1e}" if apart else "0") for file, apart in same["largest_difference"].items()]
    return (
        f"## That it says the same as the app\n\nThe largest difference of a probability on {count:,} real pictures "
        f"({PARTS_IN_WORDS[same['part']]}), when this was exported:\n\n"
        + table(["file", "largest difference"], rows)
        + f"\nNetworks: from equal pixels, at most {limits['equal pixels']:g} was allowed. predict.py: from the picture files, at most "
        f"{limits['files']:g}; it named the same class on {same['labels_equal']:,} of {count:,} and agreed on `known` on "
        f"{same['known_equal']:,}.\n"
    )


def _limits(models: Mapping[str, Model], facts: Mapping[str, Any]) -> str:
    crop = next(iter(models.values())).crop
    cropped = (
        f"- **It learned from crops**: the detector {plain(crop.detector)} cut out {plain(', '.join(crop.want))} first. predict.py has "
        "no detector and takes the whole picture, so it is less sure than the app: cut the picture out yourself first.\n"
        if crop.detector != "none"
        else ""
    )
    return (
        "## Limits\n\n"
        f"- It knows its classes only. `known` is false where a picture lies further from {_judged(models)} than nearly all "
        f"validation pictures do: {100 * FALSE_ALARMS:.0f} of 100 pictures that belong are called so as well, and a picture of something "
        "else can still be taken for a class.\n"
        f"{cropped}"
        "- It is as good as above on pictures like those it learned from: other cameras, backgrounds or years may be harder.\n"
        "- predict.py reads what Pillow reads. Pictures of 32-bit or floating-point grey are scaled by the app alone.\n"
        "- Nothing about people is to be decided by it.\n"
    )


def _judged(models: Mapping[str, Model]) -> str:
    """What "none of these" is judged by."""
    by_logits = [plain(name) for name, one in models.items() if one.familiar is None]
    words = "the training pictures of the nearest class (Mahalanobis distance before the last layer)"
    if not by_logits:
        return words
    energy = "what the logits of validation pictures come to (their energy)"
    return energy if len(by_logits) == len(models) else f"{words}, of {', '.join(by_logits)} from {energy},"
