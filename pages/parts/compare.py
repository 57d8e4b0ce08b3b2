"""Several runs side by side: in what their recipes differ, their figures, what accuracy costs, their curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from core import runs as trained
from core.model import Project, Run
from core.recipes import as_read
from pages.parts import charts, curves, figures, house, wording

COSTS = {"latency": "Latency", "bytes": "Size on disk", "parameters": "Parameters"}
TIMES = {"latency": 1e3, "bytes": 1e-6, "parameters": 1e-6}  # into the units of charts.COSTS


def show(project: Project, runs: Sequence[Run], pictures: Mapping[int, int]) -> None:
    """`runs` with their epochs, in the order of their colours; `pictures`: split -> how many in validation."""
    if len({run.split for run in runs}) > 1:
        st.warning(
            "These runs learned from different splits, so their validation pictures differ: the figures do not compare."
        )
    differences(runs, pictures)
    cost(runs, pictures)
    if any(run.epochs for run in runs):
        curves.show(runs, "compare")


def differences(runs: Sequence[Run], pictures: Mapping[int, int]) -> None:
    """A table: how good they are, the fields of their recipes that differ, what they cost."""
    fields = trained.differing(runs)
    found = figures.columns(runs, pictures)
    columns = {
        "run": [run.id for run in runs],
        "name": [run.name for run in runs],
        **{name: found[name] for name in ("accuracy", "interval", "macro_f1")},
        **{f"recipe {field}": [as_read(field, value) for value in values] for field, values in fields.items()},
    }
    columns = columns | {name: values for name, values in found.items() if name not in columns}
    told = [name for name, values in columns.items() if any(value not in (None, "") for value in values)]
    st.dataframe(
        pd.DataFrame(columns)[told],
        hide_index=True,
        placeholder="",
        key="compared",
        column_config={
            **figures.headings(),
            **{
                f"recipe {field}": st.column_config.TextColumn(called, help=about)
                for field in fields
                for called, about in [wording.RECIPE.get(field, (field, ""))]
            },
        },
        alt="What differs between the compared runs, and their figures",
    )
    devices = {run.result["latency_device"] for run in runs if "latency_device" in run.result}
    told_of = " Latency was measured on different devices, so it does not compare." if len(devices) > 1 else ""
    same = "Their recipes are the same, seed included." if not fields else ""
    if same or told_of:
        st.caption(f"{same}{told_of}".strip())


def cost(runs: Sequence[Run], pictures: Mapping[int, int]) -> None:
    """Accuracy against what it costs; nothing where no run tells what that is."""
    known = [name for name in COSTS if sum(name in run.result and "val_accuracy" in run.result for run in runs) > 1]
    if not known:
        return
    what = st.segmented_control(
        "Cost", known, default=known[0], required=True, format_func=COSTS.__getitem__, key="cost",
        label_visibility="collapsed", help=" ".join(f"**{COSTS[name]}**: {wording.FIGURE[name][1]}" for name in known),
    )  # fmt: skip
    what = what if what in known else known[0]
    rows, without = [], 0
    for place, (name, run) in enumerate(zip(trained.names(runs), runs, strict=True)):
        between = trained.interval(run, pictures.get(run.split, 0))
        if what in run.result and between:
            rows.append((name, run.result[what] * TIMES[what], run.result["val_accuracy"], *between, place))
        else:
            without += 1
    frame = pd.DataFrame(rows, columns=["run", "cost", "accuracy", "low", "high", "place"])
    st.plotly_chart(
        charts.trade(frame, what),
        key="trade",
        config={"displayModeBar": False},
        alt=f"Validation accuracy of each run with its interval, against {COSTS[what].lower()}",
    )
    if without:
        st.caption(
            f"{house.count(without, 'run')} cannot be drawn: this was not measured for {'it' if without == 1 else 'them'}."
        )
