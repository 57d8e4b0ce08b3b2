"""The ways to explain: which to choose from, how to read their maps, what they take, and why one cannot be had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.backbones import BACKBONES
from core.explainers import EXPLAINERS, lacking, pace
from core.faithful import LOOKS, STEPS
from core.jobs.watch import duration
from core.model import Run
from pages.parts import house, models

if TYPE_CHECKING:
    from core.checkpoint import Model

FAITHFUL = (
    "**Deletion**: the pixels that the map holds for the most important are blurred first; the mean probability of the class "
    "meanwhile, 0 to 1, *lower* is better. **Insertion**: a blurred picture gets them back first; *higher* is better. Both by "
    f"the calibrated probability, in {STEPS} steps (Petsiuk et al. 2018). What is a good value depends on the picture: compare "
    "with the random order."
)
LONG = 2.0  # seconds, from which on it is said before how long a picture takes
BY_SAMPLES, FINER = ("shap", "shap-gradient"), 4  # these compare with each training picture; 200 instead of 50


def choose(key: str, usual: Sequence[str], runs: list[Run]) -> list[str]:
    """Which explainers; at first the `usual` ones, with SHAP in the form that networks of timm take where all are such."""
    theirs = not any(run.recipe.backbone in BACKBONES for run in runs)
    return st.multiselect(
        "Explained by",
        list(EXPLAINERS),
        ["shap-gradient" if theirs and name == "shap" else name for name in usual],
        format_func=lambda name: EXPLAINERS[name].title,
        key=f"{key}-{theirs}",
        help="Each way has its own idea of what matters. The scores beside the maps tell which one to believe.",
    )


def legend(explainers: Sequence[str]) -> None:
    """How to read the maps of these, each with its source on a tooltip."""
    signed = [name for name in explainers if EXPLAINERS[name].signed]
    plain = [name for name in explainers if not EXPLAINERS[name].signed]
    said = []
    if signed:
        said.append(f"{titles(signed)}: teal speaks for the class, rust against it, what is pale did not matter.")
    if plain:
        said.append(f"{titles(plain)}: teal mattered, what is pale did not; for or against is not told.")
    st.caption("  \n".join([*said, "The map has the square that the model sees."]), help=_sources(explainers))


def faithful() -> None:
    """What the two figures below each map are."""
    st.caption("Deletion (lower is better) and insertion (higher is better) say how faithful a map is.", help=FAITHFUL)


def titles(explainers: Sequence[str]) -> str:
    return ", ".join(EXPLAINERS[name].title for name in explainers)


def _sources(explainers: Sequence[str]) -> str:
    return "\n\n".join(
        f"**{how.title}** ({how.source}): {how.about}." for name in explainers for how in [EXPLAINERS[name]]
    )


def fitting(model: Model, explainers: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Those that can be had for the model, and of the others why not."""
    without = {name: why for name, why in lacking(model).items() if name in explainers}
    return [name for name in explainers if name not in without], without


def quick(model: Model) -> list[str]:
    """The one to show where only one is: at once, and of those the most faithful (measured: tests/bench/README.md)."""
    return fitting(model, ["shap", "gradcam", "shap-gradient"])[0][:1]


def seconds(runs: list[Run], explainers: Sequence[str], fine: bool = False) -> float:
    """About how long one class of one picture takes for all these models, scores included: measured on this computer."""
    total = 0.0
    for looks, without in _paces(str(house.settings().home.absolute()), models.key(runs), runs):
        possible = [name for name in explainers if name not in without]
        cost = sum(EXPLAINERS[name].cost * (FINER if fine and name in BY_SAMPLES else 1) for name in possible)
        total += looks * (cost + LOOKS * (len(possible) + 1))
    return total


@st.cache_data(max_entries=8, show_spinner="Seeing how fast the models are …")
def _paces(home: str, key: tuple[tuple, ...], _runs: list[Run]) -> list[tuple[float, list[str]]]:
    """Of each model the seconds of one look, and which ways cannot be had for it."""
    return [(pace(model), list(lacking(model))) for model in models.load(_runs).values()]


def warn(runs: list[Run], explainers: Sequence[str], fine: bool, classes: int) -> None:
    """Say before how long a picture takes, where that is long."""
    expected = classes * seconds(runs, explainers, fine)
    if expected > LONG:
        st.caption(f"About {duration(expected)} for each picture the first time; after that it is kept.")
