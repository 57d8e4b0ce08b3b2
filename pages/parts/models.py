"""Trained models, loaded once and kept; torch is imported with the first of them, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import runs as trained
from core.model import Project, Run
from core.neighbours import FAMILIAR
from pages.parts import house

if TYPE_CHECKING:
    from core.checkpoint import Model
    from core.neighbours import Neighbours
    from core.predict import Cropper, Predictor


def choose(project: Project, key: str) -> list[Run]:
    """The runs to ask: the newest of each recipe unless others are picked. Raises BadInput where there is none."""
    usual = trained.choose(house.store(), project.id)
    runs = {run.id: run for run in house.store().runs(project.id, done=True)}
    with st.expander(f"Models: {', '.join(house.text(name, 60) for name in trained.names(usual))}"):
        picked = st.multiselect(
            "Runs of one split",
            list(runs),
            [run.id for run in usual],
            key=key,
            format_func=lambda r: f"run {r}: {runs[r].name}, split {runs[r].split}",
        )
    return trained.choose(house.store(), project.id, picked)


def load(runs: list[Run]) -> dict[str, Model]:
    """name -> model. Raises Missing or Damaged where a checkpoint is not as it was written."""
    current = house.settings()
    return _load(str(current.home.absolute()), current.device, key(runs), runs)


def key(runs: list[Run]) -> tuple[tuple, ...]:
    """What was loaded is known by: a run that is given another name answers under it, one that was stopped and went on has
    another checkpoint, and one whose pictures were looked at since says otherwise what is none of these."""
    home = house.settings()
    return tuple(
        (run.id, run.name, run.status, run.result.get("epochs"), run.result.get("seconds"),
         (trained.run_folder(home, run.id) / FAMILIAR).exists())
        for run in runs
    )  # fmt: skip


@st.cache_resource(max_entries=4, show_spinner="Loading the models (the first time takes some seconds) …")
def _load(home: str, device: str, key: tuple[tuple, ...], _runs: list[Run]) -> dict[str, Model]:
    return trained.load_models(house.settings(), _runs)


def neighbours(run: Run) -> Neighbours | None:
    """What the run sees of its training pictures, read once; None as of `core.neighbours.load`. Raises as `load`."""
    return _neighbours(str(house.settings().home.absolute()), key([run]), run)


@st.cache_resource(max_entries=4, show_spinner=False)
def _neighbours(home: str, key: tuple[tuple, ...], _run: Run) -> Neighbours | None:
    from core import neighbours

    [model] = load([_run]).values()
    return neighbours.load(model, trained.run_folder(house.settings(), _run.id))


def predictor(runs: list[Run], ensemble: str, whole: bool = False) -> Predictor:
    """`whole`: it will be asked about whole pictures alone, so no detector is loaded."""
    current = house.settings()
    load(runs)  # here, so that it says that it loads: within what is kept it would not
    return _predictor(str(current.home.absolute()), current.device, key(runs), ensemble, whole, runs)


@st.cache_resource(max_entries=8, show_spinner=False)
def _predictor(
    home: str, device: str, key: tuple[tuple, ...], ensemble: str, whole: bool, _runs: list[Run]
) -> Predictor:
    from core.predict import Predictor

    return Predictor(load(_runs), ensemble, None if whole else cropper(_runs))


def cropper(runs: list[Run]) -> Cropper | None:
    """What crops a picture as the pictures were cropped that these runs learned from: see `core.predict.cropper`."""
    current = house.settings()
    return _cropper(str(current.home.absolute()), current.device, key(runs), runs)


@st.cache_resource(max_entries=4, show_spinner="Loading the detector …")
def _cropper(home: str, device: str, key: tuple[tuple, ...], _runs: list[Run]) -> Cropper | None:
    from core import predict

    return predict.cropper(load(_runs).values(), house.settings())
