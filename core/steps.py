"""The whole program on one page: store -> verb -> store.

A step is a generator of Progress, and what it returns is the job's result (the JSON of the command line). The job
runner alone writes the job's row; it closes the generator to stop it. Whatever a step stores, it stores under its
claim, in units that have a key: run again, it skips what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from core.errors import BadInput, Damaged, Missing
from core.model import ENSEMBLES, PARTS, Candidate, Claim, Cropping, Job, Part, Progress, Project, Recipe, Run, Split
from core.runs import cache_folder, choose, evaluation_folder, load_models, run_folder, summary

if TYPE_CHECKING:
    from core.blobs import Blobs
    from core.engine import Engine
    from core.settings import Settings
    from db.store import Store

Step = Generator[Progress, None, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Context:
    """What a step works with."""

    store: Store
    blobs: Blobs
    engine: Engine
    settings: Settings
    job: Job
    claim: Claim
    project: Project


def scrape(
    ctx: Context, source: str = "", limit: int = 400, query: str = "{class}", options: Mapping[str, Any] | None = None,
    add_classes: bool = False, retry: bool = False, target: int = 0, deadline: float = 20.0, only: Sequence[str] = (),
    rules: Mapping[str, int] | None = None, mapping: Mapping[str, str] | None = None,
) -> Step:  # fmt: skip
    """Find candidates, fetch each URL once, keep every image with its facts and every failure with its reason.

    `source`: one, or several with commas, asked in words one after the other for up to `limit` results a class, or with
    a `target` until each class has so many images; or one with labels of its own, all of whose rows count that pass
    `only`, the `rules` (core.subset) and the `mapping` (label -> class). With `retry` all that failed and may pass is
    tried once more: addresses, and whole searches as they were asked.
    """
    from core import scrape as s
    from core.sources.options import Options

    store, project, sources = ctx.store, ctx.project, [name.strip() for name in source.split(",") if name.strip()]
    asked, archives = [ctx.job], []
    if retry:
        store.retry(ctx.claim, project.id)
        finders, asked = store.finders(ctx.job.id), store.jobs(project.id, "scrape", limit=1000)
        again = {*(source for source, _ in finders), *(search.source for search in store.failed_searches(project.id))}
        sources = ["demo"] if "demo" in again else []  # its own server has to be there
        archives = [job.params["options"]["path"] for job in asked if ("archive", job.id) in finders]
    tally, wanted = s.Tally(store.tally(ctx.job.id)), Options(**(options or {}))
    with s.reach(
        ctx.settings, "demo" in sources, deadline, s.roots(job.params for job in asked), ctx.job.id, project.id
    ) as through:
        if retry:
            yield from s.reopened(archives, through)
            yield from s.fetch(ctx, through, s.asked_again(ctx, through, tally), tally)
            s.closed(ctx, through)
            return tally.result()
        if s.asks(sources):
            plan = s.Plan(
                ctx.settings, through, list(only) or project.classes, project.infos, sources, wanted, query,
                target or limit, bool(target), ctx.job.id, store.searches(ctx.job.id),
            )  # fmt: skip
            yield from s.asked(ctx, through, plan, target, tally)
            have = s.kept(store.counts(project.id)) if target else None
            return tally.result() | s.asked_for(plan, store.searches(ctx.job.id), have)
        yield Progress(0, None, "counting what there is")
        wanted = yield from s.opened(sources, wanted, through)
        choose = partial(s.choose, sources, wanted, ctx.settings, only, rules or {}, mapping or {})
        chosen = choose()

        def from_the_start() -> Iterator[Candidate]:
            nonlocal chosen
            chosen = choose()
            return chosen.rows

        rest = s.rest(ctx, chosen.rows, from_the_start)
        rows = s.labelled(rest, project.classes, add_classes, wanted.licence, through.roots)
        yield from s.fetch(ctx, through, s.rows(ctx, rows, add_classes, tally), tally, chosen.about)
        s.closed(ctx, through)
    return tally.result() | {"left_out": chosen.left_out}


def preview(
    ctx: Context, source: str, label: str = "", query: str = "{class}", options: Mapping[str, Any] | None = None,
    deadline: float = 5.0,
) -> Step:  # fmt: skip
    """The first dozen results of a source, with small pictures; nothing of it is kept."""
    from core.scrape import closed, opened, reach, roots
    from core.scrape import preview as p
    from core.sources.options import Options

    with reach(ctx.settings, source == "demo", deadline, roots([ctx.job.params]), ctx.job.id) as through:
        try:
            yield Progress(0, None, "asking")
            wanted = yield from opened([source], Options(**(options or {})), through)
            label = label or ctx.project.classes[0]
            found, looked = p.results(source, ctx.project, label, query, wanted, ctx.settings, through), []
            for each in p.look(ctx.engine, through, found):
                looked.append(each)
                yield Progress(len(looked), len(found), "fetching small pictures")
            yield Progress(len(found), len(found), "counting its labels")
            labels = p.labels(source, wanted, ctx.project.classes)
        finally:
            closed(ctx, through)
    return {"results": p.rows(found, looked), **({"labels": labels} if labels else {})}


def catalogue(ctx: Context, types: Sequence[str], years: Sequence[int] = (), makes: Sequence[str] = ()) -> Step:
    """Look into the car catalogue: the makes of these types, or the models of some makes; it belongs to no project."""
    from core import catalogue as c
    from core import scrape as s
    from core.web import blocking

    with s.reach(ctx.settings) as through, blocking(through.web()) as get:
        asked = {"types": types, "years": years, "makes": makes}
        return (yield from c.look(asked, get, c.folder(ctx.settings.home), ctx.settings.source_url("vpic")))


def health(ctx: Context) -> Step:
    """Ask every source for one word: does it answer now?"""
    from core.doctor import sources

    said = []
    for each in sources(ctx.settings):
        said.append(each)
        yield Progress(len(said), None, f"{each['source']}: {each['sentence']}")
    return {"sources": {each["source"]: each for each in said}}


def clean(
    ctx: Context, likeness: float | None = None, embedder: str | None = None, detector: str | None = None,
    want: Sequence[str] | None = None, margin: float | None = None, least: float | None = None,
) -> Step:  # fmt: skip
    """Look at what is new: files, quality, copies, labels, and where to crop. What is not given is as the last time."""
    from core import clean as c

    changes = {"likeness": likeness, "embedder": embedder, "detector": detector, "want": want, "margin": margin}
    how = c.changed(ctx.project.cleaning, changes | {"least": least})
    how = replace(how, checked=ctx.store.newest_image(ctx.project.id))
    yield Progress(0, None, "getting ready")
    network, sees = c.embedder(ctx, how.embedder), c.load(how.crop.detector, ctx.settings)
    stages = [
        ("reading every new picture once", c.measure(ctx)),
        ("describing the pictures", c.embed(ctx, network)),
        ("comparing them", c.compare(ctx, network.key)),
        ("looking for what to crop", c.detect(ctx, how.crop, sees)),
        ("putting it together", c.judge(ctx, how, (network.key, network.about), sees.key if sees else "")),
    ]
    del network, sees  # each goes with the stage that asks it
    return (yield from c.told(stages))


def split(
    ctx: Context, parts: str = "80/10/10", seed: int = 0, min_per_class: int = 50, keep_source_parts: bool = False,
    by: str = "",
) -> Step:  # fmt: skip
    """Freeze what is kept into train, val and test; a near-duplicate group is never cut, so they are looked for first.

    `by`: a parent of the classes, such as "make", that is learned instead of them.
    """
    from core import split as s
    from core.clean import cleaned
    from core.clean.look import ALIKE

    store, project = ctx.store, ctx.project
    seen = {} if cleaned(store, project) else (yield from clean(ctx))
    yield Progress(0, None, "reading what is kept", {})
    checked = store.project(project.name).cleaning.checked  # what a scrape beside it brought since has no groups yet
    kept = [one for one in store.images(project.id, ("keep", "undecided")) if one.id <= checked]
    if not kept:
        raise BadInput("Nothing is kept: fetch images first, or take back some rejections.")
    groups, (classes, label) = _groups(store, project), s.level(project.classes, project.infos, by)
    if keep_source_parts:
        made = s.keep_source_parts([(r.id, label(r.label), r.part) for r in kept], classes, min_per_class)
    else:  # what is only perhaps one photo stays together as well: that costs nothing
        images = [(r.id, label(r.label)) for r in kept]
        perhaps = ((link.likeness, link.image, link.other) for link in store.links(project.id, ALIKE))
        together = s.extended(groups, perhaps, images)
        made = s.split(images, together, classes, s.shares(parts), seed, min_per_class)
    left = s.leak(made.parts, groups)
    boxes = {record.id: record.box for record in kept if record.box}
    crop = project.cleaning.crop if boxes else Cropping()
    frozen = store.add_split(
        ctx.claim, project.id, seed, made.parts, made.classes, made.left_out, left, by, boxes, crop
    )  # fmt: skip
    sizes = {part: len(frozen.parts[part]) for part in PARTS}
    return {
        **sizes,
        "classes": list(frozen.classes),
        "leak": frozen.leak,
        "left_out": dict(frozen.left_out),
        "split": frozen.id,
        **({"clean": seen} if seen else {}),
    }


def _groups(store: Store, project: Project) -> dict[int, str]:
    """image -> group, for everything that may not be cut: exact copies, near ones, and chains of them.

    A group of cleaning is what is like its middle; here all that hangs together by sure links stays together.
    """
    from core.clean import groups as g
    from core.split import joined

    chains = g.components(g.both_ways(store.links(project.id, project.cleaning.likeness)))
    of_a_chain = {image: f"chain {chain[0]}" for chain in chains for image in chain}
    kinds = ("exact_duplicate", "near_duplicate")
    return joined([of_a_chain, *(store.groups(project.id, kind) for kind in kinds)])


def train(
    ctx: Context, recipes: Sequence[Mapping[str, Any]] = (), split: int | None = None,
    evaluate_on: Part | Literal[""] = "", runs: Sequence[int] = (),
) -> Step:  # fmt: skip
    """Train each recipe on the split (the newest one by default); what an earlier attempt finished is not done again.

    `runs` that were stopped go on where they were. With `evaluate_on`, a part, the trained runs and their ensembles are
    scored on it at the end.
    """
    from core.neighbours import remember
    from core.recipes import check
    from core.train.runner import Runner

    store, project = ctx.store, ctx.project
    wanted, stopped = [Recipe.stored(recipe) for recipe in recipes], [store.run(project.id, run) for run in runs]
    if not wanted and not stopped:
        raise BadInput("There is no recipe to train: choose one or more.")

    def deleted(run: Run) -> str:
        return f"The files of run {run.id} ({run.name}) were deleted, so it cannot go on: train it anew."

    for recipe in wanted:
        check(recipe)
    for run in stopped:
        if run.deleted:
            raise BadInput(deleted(run))
    if stopped:
        wanted = [run.recipe for run in stopped]
    frozen = store.split(project.id, stopped[0].split) if stopped else _split_of(ctx, split)
    yield Progress(0, None, "getting ready", {})  # in the place of what an earlier attempt told last
    runner = Runner(ctx, frozen, wanted)
    yield from runner.decode()
    results, failed = {}, []

    def trained(position: int, gpu: int | None) -> Generator[Progress | None]:
        if stopped:
            run = stopped[position]
        else:
            run = store.start_run(ctx.claim, project.id, frozen.id, wanted[position], position)
            if run.deleted and run.status != "done":
                failed.append(deleted(run))
                return
        try:
            yield from runner.train(run, gpu=gpu)
        except (BadInput, Damaged, Missing) as error:  # the others can be trained nevertheless
            failed.append(str(error))
            runner.broke(run, error)
        else:
            results[position] = summary(store.run(project.id, run.id))

    yield from runner.side_by_side(trained, len(wanted))
    if failed and not results:
        raise BadInput(failed[0])
    runs_now = [results[position] for position in sorted(results)]
    told = {"runs": runs_now, "split": frozen.id, "unreadable": runner.unreadable()}
    if failed:  # measured once all are trained: a job is measured once
        sentence = f"{len(results)} of {len(wanted)} were trained. {' '.join(failed)}"
        yield Progress(len(results), len(wanted), sentence, told)
        raise BadInput(sentence)
    there = [run["run"] for run in runs_now if store.run(project.id, run["run"]).kept]  # the rest was deleted meanwhile
    if there and evaluate_on:
        scored = yield from evaluate(ctx, there, evaluate_on)
        return told | {"evaluation": scored["evaluation"]}
    if there:
        chosen = choose(store, project.id, there)
        models = load_models(ctx.settings, chosen)
        yield from remember(ctx, frozen, dict(zip(models, chosen, strict=True)), models)
    return told


def _split_of(ctx: Context, split: int | None) -> Split:
    """The split of that number, or the newest one; a job that goes on stays with the one it began with."""
    begun = ctx.store.runs(ctx.project.id, job=ctx.job.id)
    return ctx.store.split(ctx.project.id, begun[0].split if begun else split)


def sweep(ctx: Context, space: Mapping[str, Any], split: int | None = None) -> Step:
    """Try the recipes of a sweep in short runs and stop the worse half early; then the baselines, to compare with."""
    from core import sweep as s
    from core.train.runner import Runner

    store, project = ctx.store, ctx.project
    wanted = s.recipes(space)
    count, frozen = len(wanted), _split_of(ctx, split)
    wanted += s.baselines(wanted)
    yield Progress(0, None, "getting ready", {})
    runner, halving = Runner(ctx, frozen, wanted), s.Halving()
    yield from runner.decode()

    def tried(position: int, gpu: int | None) -> Generator[Progress | None]:
        run = store.start_run(ctx.claim, project.id, frozen.id, wanted[position], position)
        trial = halving.begin() if run.recipe.head not in s.BASELINES else None
        try:
            yield from runner.train(run, trial and trial.worse, gpu)
        except (BadInput, Damaged, Missing) as error:  # one combination that does not train is a result as well
            runner.give_up(run, error)
        if trial:
            trial.over(store.run(project.id, run.id))

    yield from runner.side_by_side(tried, len(wanted))
    runs = store.runs(project.id, job=ctx.job.id)
    best, broken = s.top(runs), [run for run in runs if "error" in run.result]
    if not best:
        raise BadInput(f"None of the {count} combinations could be trained. {broken[-1].result['error']}")
    return {
        "runs": [summary(run) for run in reversed(runs)], "split": frozen.id, "top": [run.id for run in best],
        "stopped_early": sum(run.status == "pruned" for run in runs) - len(broken), "broken": len(broken),
        "unreadable": runner.unreadable(),
    }  # fmt: skip


def rate(ctx: Context, recipe: Mapping[str, Any], split: int | None = None) -> Step:
    """Find a learning rate for a recipe: a short run in which it rises. Nothing is kept of what it learns."""
    from core.recipes import BASELINES, check
    from core.train.runner import Runner

    wanted = Recipe.stored(recipe)
    check(wanted)
    if wanted.head in BASELINES:
        raise BadInput(f"head={wanted.head} is computed at once, without a learning rate.")
    runner = Runner(ctx, ctx.store.split(ctx.project.id, split), [wanted])
    yield from runner.decode()
    found = yield from runner.find_rate(wanted)
    return {**found, "recipe": wanted.name}


def evaluate(ctx: Context, runs: Sequence[int] = (), part: Part = "val", distractors: Sequence[str] = ()) -> Step:
    """Score runs (the newest of each recipe by default) and their ensembles on a part; each opening of test is logged.

    `distractors`: other projects, or "rejected" for this one's own: how often are their pictures taken for a class?
    """
    import numpy as np

    from core import evaluate as e
    from core.cache import cache, cached, picked, views_of
    from core.evaluate.distractors import check
    from core.evaluate.others import measure
    from core.neighbours import remember

    store, project = ctx.store, ctx.project
    check(store, project, distractors)
    chosen = choose(store, project.id, runs)
    models = load_models(ctx.settings, chosen)
    frozen = store.split(project.id, chosen[0].split)
    members = frozen.parts[part]
    if not members:
        raise BadInput(f"The part {part!r} of split {frozen.id} holds no image: make a split with more in it.")
    models = yield from remember(ctx, frozen, dict(zip(models, chosen, strict=True)), models)
    views, folder = views_of(store, project.id, frozen, part), cache_folder(ctx.settings, frozen.id)
    sizes = sorted({model.size for model in models.values()})
    yield from cache(ctx.blobs.get, views, sizes, folder, ctx.engine.map)
    readable = [cached(views, size, folder)[1] for size in sizes]
    rows = [i for i in range(len(views)) if all(good[i] for good in readable)]
    if not rows:
        raise BadInput(
            f"None of the {len(views):,} pictures of the part {part!r} can be read, so there is nothing to evaluate."
        )
    pixels = {size: picked(views, size, folder, rows) for size in sizes}
    images, labels = [members[i][0] for i in rows], np.array([frozen.classes.index(members[i][1]) for i in rows])
    ensemble, kept = e.Ensemble(models), evaluation_folder(ctx.settings, ctx.job.id)
    with e.keep(kept, np.array(images), labels, len(models) + len(ENSEMBLES), len(frozen.classes)) as table:
        answers, strange = yield from e.ask(models, ensemble, pixels, labels, table)
    photo, source = _groups(store, project), store.sources(images)
    photos = np.unique([photo.get(image, f"image {image}") for image in images], return_inverse=True)[1]
    sources = [source.get(image, "") for image in images]
    scores = {}
    for name, of in answers.items():
        yield Progress(len(rows), len(rows), f"working out the figures of {name}")
        scores[name] = e.scored(of, frozen.classes, photos, sources)
    result = {
        "models": scores, "part": part, "split": frozen.id, "classes": list(frozen.classes), "images": len(rows),
        "unreadable": len(views) - len(rows), "runs": {name: run.id for name, run in zip(models, chosen, strict=True)},
        "weights": dict(zip(models, ensemble.weights.tolist(), strict=True)), "kept": ctx.job.id,
    }  # fmt: skip
    if distractors:
        result["distractors"] = yield from measure(ctx, frozen, models, ensemble, distractors, answers, strange, photos)
    predictions = (
        {"model": name, "image": image, "label": frozen.classes[label], "predicted": frozen.classes[guess],
         "confidence": float(confidence), "truth": float(truth)}
        for name, of in answers.items()
        for image, label, guess, confidence, truth in zip(images, of.labels, of.guess, of.confidence, of.truth, strict=True)
    )  # fmt: skip
    number = store.add_evaluation(ctx.claim, project.id, [run.id for run in chosen], part, result, predictions)
    return {**result, "evaluation": number}


def explain(
    ctx: Context, runs: Sequence[int] = (), explainers: Sequence[str] = (), part: Part = "val", classes: Sequence[str] = (),
    each: int = 10, samples: int = 50,
) -> Step:  # fmt: skip
    """What runs (the newest of each recipe by default) look at: maps of `each` pictures a class, and how faithful they are.

    The maps' means and figures lie beside each run's checkpoint; what an earlier attempt did is not done again.
    """
    from core import explain_sets as s
    from core.clean import told

    store, project, explainers = ctx.store, ctx.project, list(dict.fromkeys(explainers or s.USUAL))
    s.check(explainers, part, each)
    yield Progress(0, None, "loading the models")
    chosen = choose(store, project.id, runs)
    models = load_models(ctx.settings, chosen)
    numbers = {name: run.id for name, run in zip(models, chosen, strict=True)}
    frozen = store.split(project.id, chosen[0].split)
    picked = s.pick(frozen, part, classes, each)
    sha256 = {record.id: record.facts.sha256 for record in store.images_by_id(project.id, picked.images)}
    folders = {name: run_folder(ctx.settings, run) for name, run in numbers.items()}
    work = s.Work(models, numbers, folders, picked, samples)
    stages = [("reading the pictures", work.read(lambda image: ctx.blobs.get(sha256[image])))]
    for name in models:
        every = (s.RANDOM, *explainers)
        stages += [(f"{name}: {s.title(explainer)}", work.look(name, explainer)) for explainer in every]
    result = yield from told([*stages, ("putting it together", work.together(explainers))])
    return {**result, "part": part, "split": frozen.id, "each": each}


def predict(
    ctx: Context, table: str, to: str, runs: Sequence[int] = (), ensemble: str = "average", whole: bool = False
) -> Step:
    """Ask runs (the newest of each recipe by default) about every picture of a table of addresses; the answers go into the
    CSV `to`. Run again, it goes on where it was."""
    from pathlib import Path

    from core.predict import Predictor, cropper
    from core.predict.addresses import answers
    from core.scrape import reach

    yield Progress(0, None, "loading the models")
    chosen = choose(ctx.store, ctx.project.id, runs)
    models = load_models(ctx.settings, chosen)
    predictor = Predictor(models, ensemble, None if whole else cropper(models.values(), ctx.settings))
    by = {"project": ctx.project.name, "runs": [run.id for run in chosen], "ensemble": ensemble}
    with reach(ctx.settings) as through:
        return (yield from answers(predictor, Path(table), Path(to), by, ctx.engine.map, through, whole))


def export(
    ctx: Context, format: str, to: str, licence: str = "", runs: Sequence[int] = (), ensemble: str = "average"
) -> Step:
    """Write the data set in a form of `core.export.layouts`, or as "model" trained runs, into the folder `to`.

    An export that was stopped or killed goes on where it was: a picture that is there is not copied again.
    """
    from pathlib import Path

    if format == "model":
        from core.export.model import model

        return (yield from model(ctx.store, ctx.blobs, ctx.settings, ctx.project, Path(to), runs, ensemble))
    from core.export.dataset import dataset

    return (yield from dataset(ctx.store, ctx.blobs, ctx.project, format, Path(to), licence))


def tell(ctx: Context, path: str, label: str, by: str, said: str, confidence: float) -> Step:
    """A picture that models were asked about comes into the project, as what a person says that it is: a class, or "" for
    none of them. The models had `said` another class."""
    from core import tell as t

    yield Progress(0, None, "fetching the picture")
    image, new = yield from t.bring(ctx, path, label or said, by)
    return t.noted(ctx, image, new, label, by, said, confidence)


def demo(ctx: Context) -> Step:
    """The demo: fetch the drawn cars from their own little Openverse, then clean."""
    fetched = yield from scrape(ctx, source="demo")
    cleaned = yield from clean(ctx)
    return {**fetched, **cleaned}


STEPS: dict[str, Callable[..., Step]] = {
    "catalogue": catalogue, "scrape": scrape, "preview": preview, "health": health, "clean": clean, "split": split, "train": train, "sweep": sweep, "rate": rate, "evaluate": evaluate, "explain": explain, "predict": predict, "tell": tell, "export": export, "demo": demo,
}  # fmt: skip
