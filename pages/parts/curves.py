"""One chart of loss, accuracy or macro F1 over the epochs, of one run or many."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core import runs as trained
from core.model import Run
from pages.parts import charts, wording

SHOWN = {"accuracy": "Accuracy", "loss": "Loss", "macro_f1": "Macro F1"}
LOSS = "How wrong the model is, and how sure of it: it falls as long as the model learns."


def show(runs: Sequence[Run], key: str, expected: int = 0, before: int = 0) -> None:
    """The chart with its two switches. `expected`: how many runs there will be, so that it keeps its height; `before`: how
    many there were that are shown no longer, so that each keeps its colour."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"{key}-switches"):
        what = st.segmented_control(
            "Curve",
            list(SHOWN),
            default="accuracy",
            required=True,
            format_func=SHOWN.__getitem__,
            key=f"{key}-what",
            label_visibility="collapsed",
        )
        also = st.toggle(
            "training pictures too (dotted)",
            True,
            key=f"{key}-train",
            help="The same on the pictures it learns from. Where that goes on getting better and validation does "
            f"not, the model learns by heart. **Loss**: {LOSS} **Macro F1**: {wording.FIGURE['macro_f1'][1]}",
        )
    what = what or "accuracy"
    data = frame(runs, what, also, before)
    st.plotly_chart(
        charts.curve(data, what, max(expected, len(runs))),
        key=f"{key}-chart",
        config={"displayModeBar": False},
        alt=f"{SHOWN[what]} of each run over the epochs",
    )
    st.caption("A ring marks the best epoch of a run: the one that is kept.")
    if runs and not len(data) and any(run.epochs for run in runs):
        st.caption("These runs were trained before macro F1 was measured after each epoch.")


def frame(runs: Sequence[Run], what: str, also_train: bool = True, before: int = 0) -> pd.DataFrame:
    """Rows of run, epoch, part, value, best, place for charts.curve, as far as the epochs have the figure."""
    rows = []
    for place, (name, run) in enumerate(zip(trained.names(runs), runs, strict=True), before):
        place = place % len(charts.SERIES) if before else place
        best = max((epoch["epoch"] for epoch in run.epochs if epoch.get("best")), default=run.result.get("best_epoch"))
        for epoch in run.epochs:
            at = epoch["epoch"]
            values = {"train": epoch.get(what) if also_train else None, "validation": epoch.get(f"val_{what}")}
            rows += [(name, at, part, value, at == best, place) for part, value in values.items() if value is not None]
    return pd.DataFrame(rows, columns=["run", "epoch", "part", "value", "best", "place"])
