"""Would more pictures help? A recipe trained with shares of them, and what the next doubling would bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd
import streamlit as st

from core import learning_curve as curve
from core.jobs.watch import duration
from core.model import Project, Recipe, Run, Split
from pages.parts import diagrams, house, progress

TOLD = (
    "The error falls as a power of the number of pictures (Hestness et al. 2017), down to an end that wrong labels and look-alikes make. All "
    "such curves that fit count together, for a few trainings do not tell which is right. No more than one doubling is foretold: further ones "
    "come out too high (Mahmood et al. 2022)."
)
NAMES = {0.125: "an eighth", 0.25: "a quarter", 0.5: "a half", 1.0: "all"}


def show(project: Project, runs: Sequence[Run]) -> None:
    """The section; `runs` are all of the project, the newest first."""
    every = curve.curves(runs)
    if not every:
        return
    st.subheader("Would more pictures help?", anchor=False)
    training = any(job.verb in ("train", "sweep", "rate") for job in house.under_way(project))
    if training:
        progress.watch(project, "train", "sweep", "rate")
    key = _pick(every)
    split, of = house.split(project, key[0]), every[key]
    found = curve.points(of, split)
    told = curve.outlook(found, len(split.parts["val"]), len(split.classes))
    if len({point.images for point in found}) > 1:
        _drawn(found, told)
    _said(told, found, len(split.classes))
    _classes(of, split)
    _start(of, training)


def _pick(every: dict[tuple[int, Recipe], list[Run]]) -> tuple[int, Recipe]:
    """One of the curves: of the newest split the one that is furthest, unless another one is chosen."""
    newest = max(split for split, _ in every)

    def far(key: tuple[int, Recipe]) -> tuple[bool, int, float]:
        return (
            key[0] == newest,
            len({run.recipe.share for run in every[key]}),
            max(run.result["val_accuracy"] for run in every[key]),
        )

    keys = sorted(every, key=far, reverse=True)
    if len(keys) == 1:
        return keys[0]

    def called(at: int) -> str:
        split, recipe = keys[at]
        return f"{recipe.name}, {house.count(recipe.epochs, 'epoch')} at most, split {split}: {house.count(len(every[keys[at]]), 'training')}"

    return keys[st.selectbox("Recipe", range(len(keys)), format_func=called, key="curve-of") or 0]


def _drawn(found: Sequence[curve.Point], told: curve.Outlook | None) -> None:
    line = pd.DataFrame(told.line if told else (), columns=["images", "accuracy"])
    ahead = (2.0 * told.images, told.accuracy + told.gain, *told.then) if told else None
    frame = pd.DataFrame([asdict(point) for point in found])
    st.plotly_chart(
        diagrams.learned(frame, line, ahead), key="learning-curve", config={"displayModeBar": False},
        alt="Validation accuracy against the number of training pictures",
    )  # fmt: skip
    st.caption(
        "How to read it: each point is a training with its 95 % interval, each step to the right twice as many pictures. A line that still "
        "climbs on its right means that more pictures help; a flat one, that better labels or another network would help more.",
        help=TOLD,
    )


def _said(told: curve.Outlook | None, found: Sequence[curve.Point], classes: int) -> None:
    if told is None:
        st.caption(
            "The same recipe, trained with an eighth, a quarter and a half of the pictures, tells from how its accuracy grows what twice as "
            "many would bring. Only the validation part is asked; the test part stays closed."
        )
        return
    st.markdown(f"**{house.text(curve.sentence(told), 600)}**")
    checked = ""
    if told.foretold:
        before, low, high, now = told.foretold
        checked = (
            f" A check: from the smaller shares alone {before:.0%} ({low:.0%} to {high:.0%}) would have been foretold for all pictures; "
            f"it became {now:.0%}."
        )
    guessing = sum(point.low <= 1 / classes for point in found)
    out = f" {house.count(guessing, 'training')} no better than guessing left out." if guessing else ""
    st.caption(
        f"By {house.count(len(found), 'training')}, measured on the validation part.{out} The foretold figure holds for pictures like those that are "
        f"there: other sources and angles can bring more, more of the same less.{checked}"
    )


def _classes(runs: Sequence[Run], split: Split) -> None:
    rows = curve.by_class(runs, split.classes)
    if not rows:
        return
    shares = sorted(rows[0]["found"])
    with st.expander("Class by class: which one would gain most?"):
        frame = pd.DataFrame([
            {"class": row["class"], **{NAMES.get(s, f"{s:g}"): 100 * row["found"][s] for s in shares}, "gain": 100 * row["gain"],
             "pictures": row["support"]}
            for row in rows
        ])  # fmt: skip
        column = st.column_config
        st.dataframe(frame, hide_index=True, column_config={
            **{NAMES.get(s, f"{s:g}"): column.NumberColumn(format="%.0f %%", help="Share of the class's validation pictures that were found (recall), with so many of the training pictures.") for s in shares},
            "gain": column.NumberColumn("gain, points", format="%+.1f", help="Percentage points more by the last doubling."),
            "pictures": column.NumberColumn("validation pictures", help="The fewer there are, the more of a gain may be chance."),
        })  # fmt: skip
        st.caption(
            "The classes that still gain by the last doubling stand first: there more pictures are likeliest to help. With few validation "
            "pictures a single class's gain is often chance; look for one that climbs from column to column."
        )


def _start(runs: Sequence[Run], training: bool) -> None:
    """The button that trains what is missing."""
    seeds = st.segmented_control(
        "Trainings for each share", [1, 3], default=1, required=True, key="curve-seeds",
        help="They differ in their seed. One is enough to begin with; three show how much of it is chance, and make the interval narrower.",
    )  # fmt: skip
    wanted = curve.missing(runs, seeds or 1)
    if not wanted:
        three = not curve.missing(runs, 3)
        more = "" if three else " Three for each share would show how much of it is chance."
        st.caption(f"All of them are there{', three for each share' if three else ''}.{more}")
        return
    took = [run.result["seconds"] for run in runs if run.recipe.share == 1 and "seconds" in run.result]
    about = f", about {duration(len(wanted) * sum(took) / len(took))} at the speed of the last time" if took else ""
    if st.button(f"Train {house.count(len(wanted), 'missing run')}", key="curve-train", disabled=training):
        house.start("train", need="gpu", recipes=[asdict(recipe) for recipe in wanted])
        st.rerun()
    shares = ", ".join(NAMES.get(share, f"{share:g}") for share in dict.fromkeys(recipe.share for recipe in wanted))
    st.caption(
        f"They learn from {shares} of the training pictures of each class{about}. Few pictures are gone through more often, so that each training "
        "takes as many steps as the whole one. Each is a run like any other: it can be stopped and goes on, and stands in the table on Train. "
        "Predict, Evaluate and Export leave it aside unless you choose it."
    )
