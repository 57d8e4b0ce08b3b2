"""The verbs that make a data set: clean, findings, review, split, export."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from core.cli.submit import inside, submit
from core.errors import BadInput

if TYPE_CHECKING:
    from core.model import Project
    from core.settings import Settings
    from db.store import Store

FORMATS = (
    "imagefolder",
    "coco",
    "csv",
    "parquet",
    "huggingface",
    "model",
    "credits",
    "card",
    "report",
    "evaluation",
)  # of an export


def clean(args: argparse.Namespace) -> dict[str, Any]:
    names = ("likeness", "embedder", "detector", "margin", "least")
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    if args.want is not None:
        given["want"] = [name.strip() for name in args.want.split(",") if name.strip()]
    from core.clean import changed

    changed(inside(args)[2].cleaning, given)  # a slip is said here, before there is a job
    return submit(args, "clean", given)


def findings(args: argparse.Namespace) -> dict[str, Any]:
    from core.export import finding_rows, write_csv

    _known_kind(args.kind)
    store, _, project = inside(args)
    rows = list(finding_rows(store, project.id, args.kind))
    if args.table:
        write_csv(args.table, ["image", "origin", "label", "kind", "score", "group"], rows)
    return {"findings": rows}


def review(args: argparse.Namespace) -> dict[str, Any]:
    store, settings, project = inside(args)
    if args.what == "next":
        return _next(args, store, settings, project)
    if args.what == "status":
        return _status(store, project)
    if args.what == "certificate":
        return _certificate(args, store, project)
    if args.what == "accept":
        return _accept(args, store, settings, project)
    if args.what == "references":
        return _references(args, store, settings, project)
    return _decide(args, store, project)


def _references(args: argparse.Namespace, store: Store, settings: Settings, project: Project) -> dict[str, Any]:
    """Which earlier projects the review starts from; `--projects` chooses others."""
    from core import review
    from core.review.earlier import choose
    from core.review.learner import learner

    if args.projects is not None:
        names = [name.strip() for name in args.projects.split(",") if name.strip()]
        project = choose(store, project, names)
    found = learner(store, project, review.cache(settings)).earlier
    used, left_out = (found.used, found.left_out) if found else ((), ())
    return {"references": list(used), "left_out": list(left_out)}


def _next(args: argparse.Namespace, store: Store, settings: Settings, project: Project) -> dict[str, Any]:
    from core import review
    from core.review.learner import learner
    from db.store.queue import Filter

    _known_kind(args.kind, "any")
    if args.label and args.label not in project.classes:
        raise BadInput(f"--label {args.label!r} is no class of {project.name}: {', '.join(project.classes)}.")
    order = "score" if args.queue == "findings" else args.queue
    wanted = Filter(args.label, "undecided", args.kind, order)
    if order in ("score", "labels"):
        tiles, _ = review.queue(store, project.id, wanted, size=args.size)
    else:
        who = review.reviewer_name(args.reviewer)
        learns = learner(store, project, review.cache(settings))
        tiles = review.next_page(store, learns, project, wanted, who, args.size, growing=False)
    return {
        "images": [
            {"image": t.image, "origin": t.origin, "label": t.label, "score": round(t.score, 4), "why": t.why}
            for t in tiles
        ]
    }


def _status(store: Store, project: Project) -> dict[str, Any]:
    from dataclasses import asdict

    from core.review import agreement
    from core.review.certificate import standing

    return {
        "funnel": asdict(store.funnel(project.id)),
        "decisions": store.decision_count(project.id),
        "counts": store.counts(project.id),
        "left": standing(store, project),
        "reviewers": store.reviewers(project.id),
        **agreement.standing(store, project),
    }


def _certificate(args: argparse.Namespace, store: Store, project: Project) -> dict[str, Any]:
    """It is stored where the review may stop; else the result says what is missing."""
    from core import review
    from core.review.certificate import certify, missing, sentence, standing

    who, now = review.reviewer_name(args.reviewer), standing(store, project, args.rate)
    said = {"certificate": None, "sentence": sentence(now), "missing": missing(now), **now}
    if not now["done"]:
        return said
    made = certify(store, project, who, args.rate)
    return said | {
        "certificate": made.id,
        "reviewer": made.reviewer,
        "created": made.created.isoformat(),
        **made.result,
    }


def _accept(args: argparse.Namespace, store: Store, settings: Settings, project: Project) -> dict[str, Any]:
    from core import review
    from core.review import together
    from core.review.learner import learner

    who, learns = review.reviewer_name(args.reviewer), learner(store, project, review.cache(settings))
    if args.dry_run:
        judged = store.judged(project.id)
        found = together.rest(learns.of, learns.rank(judged), judged, args.label, args.above)
        done = {"operation": "", "stored": 0}
    else:
        found, applied = together.accept(store, learns, project, who, args.label, args.above)
        done = {"operation": applied.id, "stored": applied.stored, "conflicts": list(applied.conflicts)}
    return {
        "images": len(found.images), "bad": found.bad, "low": found.low, "high": found.high, "draws": found.draws,
        "bad_draws": found.bad_draws, "sentence": together.sentence(found, args.label, args.above), **done,
    }  # fmt: skip


def _decide(args: argparse.Namespace, store: Store, project: Project) -> dict[str, Any]:
    from functools import partial

    from core import review
    from core.export import read_csv

    reviewer, refused = review.reviewer_name(args.reviewer), []
    if args.what == "undo":
        last = store.last_operation(project.id, reviewer)
        if not last:
            raise BadInput(f"There is nothing to undo: {reviewer!r} decided nothing that still stands.")
        operation = review.undo(last, reviewer)
    elif args.table:
        rows = read_csv(args.table, ("image", "verdict"))
        operation, refused = review.decide(rows, reviewer, project.classes, partial(store.held, project.id))
    else:
        raise BadInput("review decide wants --table F.csv with the columns image, verdict, reason, label.")
    applied = store.apply(project.id, operation)
    return {"operation": applied.id, "stored": applied.stored, "conflicts": list(applied.conflicts), "refused": refused}


def split(args: argparse.Namespace) -> dict[str, Any]:
    from core.split import shares

    shares(args.parts)  # a slip in writing it is said here, before there is a job
    names = ("parts", "seed", "min_per_class", "keep_source_parts", "by")
    return submit(args, "split", {name: getattr(args, name) for name in names})


def export(args: argparse.Namespace) -> dict[str, Any]:
    """Small tables and pages at once; pictures and models by a job, which is waited for."""
    from core import credits, evaluation_report, report
    from core.blobs import Blobs
    from core.export import card, dataset, model, place
    from core.export.chosen import Chosen
    from core.review import certificate
    from core.runs import choose

    store, settings, project = inside(args)
    folder = args.to.absolute()
    if args.runs and args.format != "model":
        raise BadInput("--run goes with --format model.")
    if args.licence and args.format in ("model", "report", "evaluation"):
        raise BadInput("--licence goes with the pictures: credits, card and the forms of a data set.")
    if args.format == "report":
        return {"files": [str(report.save(store, project, args.to))]}
    if args.format == "evaluation":
        blobs = Blobs(settings.storage)
        return {"files": [str(evaluation_report.save(store, blobs, settings, project, folder))]}
    if args.format == "credits":
        written = credits.write(store.kept_origins(project.id), args.to, project.name, args.licence)
        return written | {"files": [*written["files"], *certificate.export(store, project, args.to)]}
    if args.format == "card":
        text = card.text(store, told := card.counted(Chosen(store, project, args.licence)), 0)
        return {"files": [place.page(folder, "DATASET_CARD.md", text), *certificate.export(store, project, folder)],
                "images": told.pictures, "left_out": dict(told.chosen.left_out)}  # fmt: skip
    if args.format == "model":  # what is wrong is said here, before there is a job
        model.check(folder, project.name, choose(store, project.id, args.runs))
        return submit(
            args, "export", {"format": "model", "to": str(folder), "runs": args.runs, "ensemble": args.ensemble}
        )
    dataset.check(folder, args.format, Chosen(store, project, args.licence))
    return submit(args, "export", {"format": args.format, "to": str(folder), "licence": args.licence})


def _known_kind(kind: str, *more: str) -> None:
    from core.clean import KINDS

    known = (*KINDS, *more)
    if kind and kind not in known:
        raise BadInput(f"--kind {kind!r} is no kind of finding: wanted one of {', '.join(known)}.")
