"""Teach networks, and watch them learn."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pandas as pd
import streamlit as st

from core.backbones import BACKBONES, backbone
from core.jobs.watch import duration
from core.model import Job, Project, Recipe, Run
from pages.parts import augmented, charts, head, house, progress

BOTH = ("vgg75-bn", "vgg100-bn")
DEFAULTS = Recipe(BOTH[0])
ABOUT = {
    "vgg75": "sees 75 x 75 pixels; the quickest",
    "vgg100": "sees 100 x 100 pixels; slower, finer",
    "vgg75-bn": "as vgg75, with batch norm: learns faster and better",
    "vgg100-bn": "as vgg100, with batch norm: learns faster and better",
}


def submit(names: list[str], **changes: Any) -> None:
    """One job trains them one after the other and evaluates them on the validation part."""
    recipes = [asdict(Recipe(name, **changes)) for name in names]
    house.start("train", need="gpu", recipes=recipes, evaluate_on="val")
    st.rerun()


def choose(shown: head.Head) -> None:
    with st.container(border=True):
        st.markdown(
            f"**Train both and ensemble them.** {BOTH[0]} and {BOTH[1]} learn one after the other; then both, and their two "
            "ensembles, are measured on the validation part.",
            help="An ensemble lets several models answer together; it is nearly always better than each alone.",
        )
        if st.button("Train both and ensemble them", type=shown.emphasis("train"), key="both"):  # type: ignore[arg-type]
            submit(list(BOTH))
    with st.expander("Choose recipes yourself"):
        names = st.multiselect(
            "Networks", list(BACKBONES), list(BOTH), format_func=lambda n: f"{n}: {ABOUT[n]}" if n in ABOUT else n
        )
        one, two, three, four = st.columns(4)
        epochs = one.number_input(
            "Epochs at most",
            1,
            1000,
            DEFAULTS.epochs,
            help="One epoch = every training picture was shown once. It stops earlier when it gets no better.",
        )
        patience = two.number_input(
            "Patience", 1, 200, DEFAULTS.patience, help="Epochs without a better validation loss before it stops."
        )
        batch = three.number_input("Pictures at once", 4, 1024, DEFAULTS.batch, step=4, help="The batch size.")
        lr = four.number_input(
            "Learning rate",
            1e-6,
            1.0,
            DEFAULTS.lr,
            format="%.5f",
            help="How large each step is; smaller is slower and steadier.",
        )
        seen = max((backbone(name).size for name in names), default=backbone(DEFAULTS.backbone).size)
        augment, sides = augmented.choose(shown.project, augmented.newest(shown.project), seen, "augment")
        if st.button("Train these", disabled=not names, key="these"):
            submit(
                names,
                epochs=int(epochs),
                patience=int(patience),
                batch=int(batch),
                lr=float(lr),
                augment=augment,
                fixed_sides=sides,
            )


def frame(runs: list[Run], what: str) -> pd.DataFrame:
    """Rows of run, epoch, part, value for charts.curve; several runs of one recipe get their numbers."""
    names = [run.recipe.name for run in runs]
    rows = []
    for run in runs:
        name = run.recipe.name if names.count(run.recipe.name) == 1 else f"{run.recipe.name} (run {run.id})"
        for epoch in run.epochs:
            rows += [
                (name, epoch["epoch"], "train", epoch[what]),
                (name, epoch["epoch"], "validation", epoch[f"val_{what}"]),
            ]
    return pd.DataFrame(rows, columns=["run", "epoch", "part", "value"])


def curves(runs: list[Run], key: str) -> None:
    left, right = st.columns(2)
    for column, what in ((left, "loss"), (right, "accuracy")):
        column.plotly_chart(
            charts.curve(frame(runs, what), what),
            key=f"{key}-{what}",
            config={"displayModeBar": False},
            alt=f"{what} of each run over the epochs, for train and validation",
        )


def live(project: Project, job: Job) -> None:
    """The curves of the job that runs, as far as they go."""
    store = house.store()
    mine = [store.run(project.id, run.id) for run in store.runs(project.id) if run.job == job.id]
    learning = [run for run in reversed(mine) if run.epochs]
    if learning:
        st.caption(house.text(pace(learning[-1])))
        curves(learning, "live")
    else:
        st.caption("The curves begin with the first epoch.")


def pace(run: Run) -> str:
    last = run.epochs[-1]
    device = f" on {run.result['device']}" if "device" in run.result else ""
    waiting = f", {last['waiting']:.0%} of the time waiting for data" if "waiting" in last else ""
    return f"{run.recipe.name}{device}: {last['images_per_second']:,.0f} pictures a second{waiting}"


def runs_table(runs: list[Run]) -> None:
    def row(run: Run) -> tuple:
        r = run.result
        seconds = r.get("seconds")
        return (run.id, run.recipe.name, run.split, "trained" if run.status == "done" else "not finished",
                100 * r["val_accuracy"] if "val_accuracy" in r else None, r.get("best_epoch"), r.get("epochs"), r.get("images_per_second"),
                duration(seconds) if seconds else "", f"{r.get('device', '')} {r.get('precision', '')}".strip())  # fmt: skip

    st.dataframe(
        pd.DataFrame([row(run) for run in runs], columns=["run", "recipe", "split", "state", "accuracy", "best", "epochs", "speed", "time", "device"]),
        hide_index=True,
        column_config={
            "accuracy": st.column_config.NumberColumn("validation accuracy", format="%.1f%%", help="Share of validation pictures named rightly, at the best epoch."),
            "best": st.column_config.NumberColumn("best epoch"),
            "speed": st.column_config.NumberColumn("pictures a second", format="%.0f"),
        },
    )  # fmt: skip


def main() -> None:
    shown = head.show("train")
    project, store = shown.project, house.store()
    busy = progress.watch(project, "train", beside=lambda job: live(project, job))
    if not shown.standing.split:
        st.info("There is no split yet: models learn from a frozen one.")
        house.link("split", "Go to Split")
        return
    if not busy:
        choose(shown)
    runs = store.runs(project.id)
    if not runs:
        if not busy:
            st.caption("Loss and accuracy are drawn here while a model learns.")
        return
    if not busy:
        newest = [store.run(project.id, run.id) for run in runs if run.job == runs[0].job]
        if any(run.epochs for run in newest):
            st.subheader("The newest training", anchor=False)
            curves([run for run in reversed(newest) if run.epochs], "newest")
    st.subheader("All runs", anchor=False)
    runs_table(runs)


main()
