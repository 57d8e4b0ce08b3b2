"""Splits, runs with their epochs, evaluations."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from types import MappingProxyType
from typing import Any

from sqlalchemy import and_, case, func, insert, select, update

from core.errors import BadInput
from core.model import (
    ENSEMBLES,
    KEPT,
    Answer,
    Box,
    Claim,
    Cropping,
    Evaluation,
    Paired,
    Part,
    Recipe,
    Run,
    RunStatus,
    Split,
)
from db.store.base import Base, Row, chunks, now, text
from db.tables import epochs, evaluations, jobs, predictions, runs, split_images, splits

LONGEST_NAME = 200  # characters
LONGEST_NOTE = 10_000


class Training(Base):
    # splits --------------------------------------------------------------------------------------------------------

    def add_split(
        self,
        claim: Claim,
        project: int,
        seed: int,
        parts: Mapping[Part, Sequence[tuple[int, str]]],
        classes: Sequence[str],
        left_out: Mapping[str, str],
        leak: int,
        by: str = "",
        boxes: Mapping[int, Box] = MappingProxyType({}),
        crop: Cropping = Cropping(),
    ) -> Split:
        """Freeze a split. A job that is run again gets the one it made."""
        with self._write(claim) as c:
            row = c.execute(select(splits.c.id).where(splits.c.job == claim.job)).one_or_none()
            if row is None:
                row = c.execute(
                    insert(splits)
                    .values(
                        project=project,
                        seed=seed,
                        classes=list(classes),
                        left_out=dict(left_out),
                        leak=leak,
                        by=by,
                        crop=asdict(crop),
                        job=claim.job,
                        created=now(),
                    )
                    .returning(splits.c.id)
                ).one()
                c.execute(
                    insert(split_images),
                    [
                        {"split": row.id, "image": image, "part": part, "label": label, "box": boxes.get(image)}
                        for part, members in parts.items()
                        for image, label in members
                    ],
                )
        return self.split(project, row.id)

    def newest_split(self, project: int) -> int | None:
        """Its number; None where there is none."""
        with self._read() as c:
            return c.execute(select(func.max(splits.c.id)).where(splits.c.project == project)).scalar_one()

    def split(self, project: int, split: int | None = None) -> Split:
        """The split of that number, or the newest. Raises BadInput where there is none."""
        wanted = select(splits).where(splits.c.project == project)
        wanted = wanted.where(splits.c.id == split) if split else wanted.order_by(splits.c.id.desc()).limit(1)
        with self._read() as c:
            row = c.execute(wanted).one_or_none()
            if row is None:
                raise BadInput("There is no split yet: make one on the page Split, or with `split`.")
            members = c.execute(
                select(split_images).where(split_images.c.split == row.id).order_by(split_images.c.image)
            ).all()
        parts: dict[str, list[tuple[int, str]]] = {"train": [], "val": [], "test": []}
        for member in members:
            parts[member.part].append((member.image, member.label))
        return Split(
            row.id,
            row.seed,
            row.created,
            {k: tuple(v) for k, v in parts.items()},
            tuple(row.classes),
            row.left_out,
            row.leak,
            row.by,
            {member.image: tuple(member.box) for member in members if member.box},
            Cropping(**row.crop),
        )

    def part_sizes(self, project: int, part: Part) -> dict[int, int]:
        """split -> how many pictures its part holds; splits without any are left out."""
        wanted = (
            select(split_images.c.split, func.count())
            .join(splits, splits.c.id == split_images.c.split)
            .where(splits.c.project == project, split_images.c.part == part)
            .group_by(split_images.c.split)
        )
        with self._read() as c:
            return {split: number for split, number in c.execute(wanted)}

    # runs ----------------------------------------------------------------------------------------------------------

    def start_run(self, claim: Claim, project: int, split: int, recipe: Recipe, position: int) -> Run:
        """The run of this job's recipe number `position`; found again when the job goes on after a stop."""
        with self._write(claim) as c:
            c.execute(
                self._insert_new(runs)
                .values(
                    project=project,
                    split=split,
                    job=claim.job,
                    position=position,
                    recipe=asdict(recipe),
                    status="started",
                    result={},
                    created=now(),
                )
                .on_conflict_do_nothing(index_elements=["job", "position"])
            )
            row = c.execute(select(runs.c.id).where(runs.c.job == claim.job, runs.c.position == position)).one()
        return self.run(project, row.id)

    def add_epoch(self, claim: Claim, run: int, epoch: int, metrics: Mapping[str, Any]) -> None:
        """Store an epoch's figures; one that is trained again after a stop replaces itself."""
        statement = self._insert_new(epochs).values(run=run, epoch=epoch, metrics=dict(metrics))
        with self._write(claim) as c:
            c.execute(
                statement.on_conflict_do_update(
                    index_elements=["run", "epoch"], set_={"metrics": statement.excluded.metrics}
                )
            )

    def finish_run(self, claim: Claim, run: int, result: Mapping[str, Any], status: RunStatus = "done") -> None:
        """Store how it ended. Its files are there again, should an earlier attempt's have been deleted."""
        with self._write(claim) as c:
            c.execute(update(runs).where(runs.c.id == run).values(status=status, result=dict(result), deleted=None))

    def rename_run(self, project: int, run: int, name: str) -> Run:
        """Give it a name of its own; "" and its recipe's name take that away. Returns the run.

        Raises BadInput for a name that another run of the project has, or that would be taken for something else.
        """
        name = unicodedata.normalize("NFC", " ".join(text(name, "name").split()))
        if len(name) > LONGEST_NAME:
            raise BadInput(f"A name of {len(name)} characters is too long: at most {LONGEST_NAME} were wanted.")
        if name.casefold() in ENSEMBLES:
            raise BadInput(f"{name!r} is what an ensemble is called: choose another name.")
        if re.search(r"\(run \d+\)$", name):
            raise BadInput(f"{name!r} ends as runs of one recipe do, which are told apart by it: choose another name.")
        with self._write() as c:
            every = [_run(row, ()) for row in c.execute(select(runs).where(runs.c.project == project))]
            own = next((each for each in every if each.id == run), None)
            if own is None:
                raise BadInput(f"There is no run {run} in this project.")
            title = "" if name == own.recipe.name else name
            taken = next((o for o in every if o.id != run and title and o.name.casefold() == title.casefold()), None)
            if taken:
                raise BadInput(f"Run {taken.id} is called {taken.name!r} already: choose another name.")
            c.execute(update(runs).where(runs.c.id == run).values(name=title))
        return self.run(project, run)

    def note_run(self, project: int, run: int, note: str) -> Run:
        """Keep what a person says of it, in the place of what was said before. Raises BadInput for one too long."""
        if len(text(note, "note")) > LONGEST_NOTE:
            raise BadInput(f"A note of {len(note):,} characters is too long: at most {LONGEST_NOTE:,} were wanted.")
        self.run(project, run)
        with self._write() as c:
            c.execute(update(runs).where(runs.c.id == run).values(note=note.strip()))
        return self.run(project, run)

    def mark_deleted(self, project: int, run: int) -> Run:
        """Write down that its files are deleted, now, and nobody asks for them from here on; a first mark stays.

        Raises BadInput while a job trains it, or is to read its files.
        """
        self.run(project, run)
        with self._write() as c:
            row = c.execute(select(runs.c.job, runs.c.deleted).where(runs.c.id == run)).one()
            active = select(jobs.c.id, jobs.c.verb, jobs.c.params).where(
                jobs.c.project == project, jobs.c.status.in_(("queued", "running"))
            )
            for job in c.execute(active):
                if job.id == row.job or run in (job.params.get("runs") or ()):
                    raise BadInput(f"Job {job.id} ({job.verb}) needs the files of run {run}: wait for it, or stop it.")
            if row.deleted is None:
                c.execute(update(runs).where(runs.c.id == run).values(deleted=now()))
        return self.run(project, run)

    def run(self, project: int, run: int) -> Run:
        """Raises BadInput for a number that is no run's of this project."""
        with self._read() as c:
            row = c.execute(select(runs).where(runs.c.project == project, runs.c.id == run)).one_or_none()
            if row is None:
                raise BadInput(f"There is no run {run} in this project.")
            steps = (
                c.execute(select(epochs.c.metrics).where(epochs.c.run == run).order_by(epochs.c.epoch)).scalars().all()
            )
        return _run(row, tuple(steps))

    def runs(self, project: int, split: int | None = None, done: bool = False, job: int | None = None) -> list[Run]:
        """The newest first, without their epochs; with `done`, only those that have a checkpoint to ask."""
        wanted = select(runs).where(runs.c.project == project).order_by(runs.c.id.desc())
        if split is not None:
            wanted = wanted.where(runs.c.split == split)
        if job is not None:
            wanted = wanted.where(runs.c.job == job)
        if done:
            wanted = wanted.where(runs.c.status.in_(KEPT), runs.c.deleted.is_(None))
        with self._read() as c:
            return [_run(row, ()) for row in c.execute(wanted)]

    # evaluations ---------------------------------------------------------------------------------------------------

    def add_evaluation(
        self,
        claim: Claim,
        project: int,
        of: Sequence[int],
        part: Part,
        result: Mapping[str, Any],
        predicted: Iterable[Mapping[str, Any]] = (),
    ) -> int:
        """Keep an evaluation and what each model said of each image: rows of model, image, label, predicted, confidence,
        truth. A job that is run again finds its own. Returns the evaluation's number."""
        with self._write(claim) as c:
            new = c.execute(
                self._insert_new(evaluations)
                .values(
                    project=project,
                    job=claim.job,
                    runs=list(of),
                    part=part,
                    result=dict(result),
                    created=now(),
                )
                .on_conflict_do_nothing(index_elements=["job"])
                .returning(evaluations.c.id)
            ).scalar_one_or_none()
            if new is None:
                return c.execute(select(evaluations.c.id).where(evaluations.c.job == claim.job)).scalar_one()
            rows = ({**row, "evaluation": new} for row in predicted)
            while some := list(islice(rows, 10_000)):  # of 100,000 pictures and five models half a million
                c.execute(insert(predictions), some)
        return new

    def predicted(
        self, evaluation: int, model: str, label: str, predicted: str, limit: int = 500
    ) -> list[tuple[int, float]]:
        """(image, confidence) of one cell of the confusion matrix, the surest first."""
        with self._read() as c:
            return [
                (image, confidence)
                for image, confidence in c.execute(
                    select(predictions.c.image, predictions.c.confidence)
                    .where(
                        predictions.c.evaluation == evaluation,
                        predictions.c.model == model,
                        predictions.c.label == label,
                        predictions.c.predicted == predicted,
                    )
                    .order_by(predictions.c.confidence.desc(), predictions.c.image)
                    .limit(limit)
                )
            ]

    def paired(self, evaluation: int, first: str, second: str) -> dict[str, Paired]:
        """True class -> how two models of an evaluation did on its pictures."""
        a, b = predictions.alias(), predictions.alias()
        one, two = (each.c.predicted == each.c.label for each in (a, b))
        kinds = (and_(one, two), and_(one, ~two), and_(~one, two), and_(~one, ~two))
        counts = [func.sum(case((kind, 1), else_=0)) for kind in kinds]
        wanted = (
            select(a.c.label, *counts)
            .join(b, and_(a.c.evaluation == b.c.evaluation, a.c.image == b.c.image))
            .where(a.c.evaluation == evaluation, a.c.model == first, b.c.model == second)
            .group_by(a.c.label)
        )
        with self._read() as c:
            return {label: Paired(*map(int, found)) for label, *found in c.execute(wanted)}

    def answers(self, evaluation: int, model: str, wrong: bool = False, limit: int = 100) -> list[Answer]:
        """What a model said: the worst mistakes first, which gave the least to the true class; with `wrong` no others.

        Of an early evaluation, which did not keep that: the surest mistakes first.
        """
        right = predictions.c.predicted == predictions.c.label
        wanted = select(predictions).where(predictions.c.evaluation == evaluation, predictions.c.model == model)
        wanted = wanted.where(~right) if wrong else wanted
        order = (case((right, 1), else_=0), predictions.c.truth, predictions.c.confidence.desc(), predictions.c.image)
        with self._read() as c:
            return [_answer(row) for row in c.execute(wanted.order_by(*order).limit(limit))]

    def answered(self, evaluation: int, model: str, images: Sequence[int]) -> list[Answer]:
        """What a model said of these images, in their order."""
        found: dict[int, Answer] = {}
        with self._read() as c:
            for some in chunks(images):
                of = predictions.c.evaluation == evaluation, predictions.c.model == model
                for row in c.execute(select(predictions).where(*of, predictions.c.image.in_(some))):
                    found[row.image] = _answer(row)
        return [found[image] for image in images if image in found]

    def evaluations(self, project: int, part: str = "") -> list[Evaluation]:
        """The newest first; those of "test" are the log of its openings."""
        wanted = select(evaluations).where(evaluations.c.project == project).order_by(evaluations.c.id.desc())
        if part:
            wanted = wanted.where(evaluations.c.part == part)
        with self._read() as c:
            return [Evaluation(r.id, tuple(r.runs), r.part, r.created, r.result) for r in c.execute(wanted)]

    def measured(self, project: int) -> set[int]:
        """The runs that were scored on some part. (Their figures, with every class against every other, are long.)"""
        with self._read() as c:
            found = c.execute(select(evaluations.c.runs).where(evaluations.c.project == project)).scalars()
            return {run for runs in found for run in runs}

    def openings(self, project: int) -> int:
        """How often the test part was read."""
        with self._read() as c:
            return c.execute(
                select(func.count()).where(evaluations.c.project == project, evaluations.c.part == "test")
            ).scalar_one()


def _answer(row: Row) -> Answer:
    return Answer(row.image, row.label, row.predicted, row.confidence, row.truth)


def _run(row: Row, steps: tuple) -> Run:
    recipe = Recipe.stored(row.recipe)
    return Run(
        row.id, row.split, recipe, row.job, row.created, row.status, steps, row.result, row.name, row.note, row.deleted
    )
