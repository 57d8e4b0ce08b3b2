"""The ensembles: what several models say together. Learned on validation alone."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from core.errors import BadInput
from core.evaluate.calibration import softmax
from core.evaluate.figures import Answers, f_scores
from core.evaluate.strange import Strange
from core.model import Progress

if TYPE_CHECKING:
    from core.checkpoint import Model

AT_ONCE = 1024  # pictures that all models are asked about before the next ones: memory does not grow with the part
ROUNDS = 500  # of fitting the weights: far more than it takes


class Ensemble:
    """What several models say together. Learned on validation alone.

    `average` is the mean of the calibrated probabilities. `weighted` is a mean, too, in which each model has the weight that
    makes the true classes of the validation pictures likeliest. `priority` lets one model speak for each picture: each model
    names a class, and of those pairs the one with the highest F1 of that model for that class on validation wins (a tie
    goes to the model with the higher validation accuracy, then to the first). With one model all equal it.
    When all of them call a picture "none of these" `strange` knows: one rule, whichever of the three speaks.
    """

    def __init__(self, models: Mapping[str, Model]) -> None:
        """Raises BadInput where the models are none, or do not share classes and validation pictures."""
        if not models:
            raise BadInput("There is no trained model yet: train one first.")
        self.names = tuple(models)
        members = list(models.values())
        first = members[0]
        for name, model in models.items():
            if model.classes != first.classes:
                raise BadInput(
                    f"{name} and {self.names[0]} were trained on different classes: choose runs of one split."
                )
            if not np.array_equal(model.val_labels, first.val_labels):
                if model.split == first.split:
                    raise BadInput(
                        f"{name} and {self.names[0]} were validated on different pictures, as some could not be read when"
                        " one of them was trained: choose one of them, or train it again."
                    )
                raise BadInput(f"{name} and {self.names[0]} come from different splits: choose runs of one split.")
        validation = np.stack([softmax(m.val_logits, m.temperature) for m in members])  # (M, N, C)
        count = len(first.classes)
        tables = [
            np.bincount(first.val_labels * count + p.argmax(axis=1), minlength=count * count).reshape(count, count)
            for p in validation
        ]
        self.f1 = np.stack([f_scores(table) for table in tables])  # (M, C)
        self.weights = weights(validation[:, np.arange(len(first.val_labels)), first.val_labels])  # (M,)
        self._order = np.argsort([-table.trace() for table in tables], kind="stable")
        self.strange = Strange(models)

    def combine(self, probabilities: np.ndarray) -> dict[str, np.ndarray]:
        """(M, N, C) calibrated probabilities, in the order of the models -> {ensemble: (N, C)}."""
        guess = probabilities.argmax(axis=2)  # (M, N)
        trust = np.take_along_axis(self.f1, guess, axis=1)[self._order]  # (M, N), the generally better model first
        speaker = self._order[trust.argmax(axis=0)]  # (N,); argmax takes the first of equals
        return {
            "average": probabilities.mean(axis=0),
            "priority": probabilities[speaker, np.arange(probabilities.shape[1])],
            "weighted": np.einsum("m,mnc->nc", self.weights, probabilities),
        }


def weights(truth: np.ndarray) -> np.ndarray:
    """(M, N) probabilities that M models gave to the true class of N pictures -> (M,) weights, from 0 on, with sum 1, of the
    mixture that makes these classes likeliest: expectation maximisation (Dempster et al. 1977), which climbs to the one
    optimum there is. Equal ones where there is no picture to learn from."""
    found = np.full(len(truth), 1 / len(truth))
    for _ in range(ROUNDS if truth.size else 0):
        share = found[:, None] * np.maximum(truth, 1e-300)
        better = (share / share.sum(axis=0)).mean(axis=1)
        if np.abs(better - found).max() < 1e-6:
            break
        found = better
    return found


def answer(
    models: Mapping[str, Model], ensemble: Ensemble, pixels: Mapping[int, np.ndarray]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What each model and each ensemble says of N pictures: {name: (N, C) calibrated probabilities}; and how strange they are
    to each model, (M, N).

    `ensemble` was made of the models; `pixels` holds, for each size that a model sees, the same N pictures as
    (N, S, S, 3) uint8.
    """
    seen = [model.seen(pixels[model.size]) for model in models.values()]
    said = np.stack(
        [softmax(logits, of.temperature) for (logits, _), of in zip(seen, models.values(), strict=True)]
    )  # (M, N, C)
    return {**dict(zip(models, said, strict=True)), **ensemble.combine(said)}, np.stack([how for _, how in seen])


def ask(
    models: Mapping[str, Model], ensemble: Ensemble, pixels: Mapping[int, np.ndarray], labels: np.ndarray,
    table: np.ndarray | None = None,
) -> Generator[Progress, None, tuple[dict[str, Answers], np.ndarray]]:  # fmt: skip
    """The same of many pictures, AT_ONCE at a time, written into the (M, N, C) `table`: what the figures need of it,
    {name: Answers}. `labels` is (N,) int, 0..C-1, or -1 for something else."""
    parts: dict[str, list[Answers]] = {}
    strange = np.empty((len(models), len(labels)))
    note = f"asking {len(models)} {'model' if len(models) == 1 else 'models'}"
    for start in range(0, len(labels), AT_ONCE):
        yield Progress(start, len(labels), note)
        some = slice(start, start + AT_ONCE)
        said, strange[:, some] = answer(models, ensemble, {size: of[some] for size, of in pixels.items()})
        for place, (name, probabilities) in enumerate(said.items()):
            if table is not None:
                table[place, some] = probabilities
            parts.setdefault(name, []).append(Answers.of(labels[some], probabilities))
    return {name: Answers.joined(of) for name, of in parts.items()}, strange
