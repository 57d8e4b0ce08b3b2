"""The figures of runs as columns of a table, each with what it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core import runs as trained
from core.jobs.watch import duration
from core.model import Run
from pages.parts import wording

WRITTEN = {"accuracy": "%.1f%%", "macro_f1": "%.3f", "speed": "%.0f", "latency": "%.1f ms", "parameters": "compact",
           "bytes": "bytes"}  # fmt: skip
WIDTH = {"name": 200, "accuracy": 76, "state": 160}  # px: on a telephone name and accuracy are seen, no state is cut


def columns(runs: Sequence[Run], pictures: Mapping[int, int]) -> dict[str, list]:
    """The columns of figures, a value for each run; None where it has none. `pictures`: split -> how many in validation."""

    def told(name: str, times: float = 1) -> list[float | None]:
        return [times * run.result[name] if name in run.result else None for run in runs]

    between = [trained.interval(run, pictures.get(run.split, 0)) for run in runs]
    return {
        "accuracy": told("val_accuracy", 100),
        "interval": [f"{found[0]:.1%} to {found[1]:.1%}" if found else "" for found in between],
        "macro_f1": told("val_macro_f1"),
        "best": [f"{r['best_epoch']} of {r['epochs']}" if "best_epoch" in (r := run.result) else "" for run in runs],
        "speed": told("images_per_second"),
        "time": [duration(run.result["seconds"]) if "seconds" in run.result else "" for run in runs],
        "parameters": told("parameters"),
        "bytes": told("bytes"),
        "latency": told("latency", 1000),
        "device": [f"{run.result.get('device', '')} {run.result.get('precision', '')}".strip() for run in runs],
    }


def headings() -> dict:
    """How the columns are called, with what each means."""
    column = st.column_config
    return {
        "run": column.NumberColumn("no.", pinned=True, width=46, help="The run's number, by which the command line asks for it."),
        "name": column.TextColumn("run", width=WIDTH["name"], help="What the model is called: by its recipe, or as you named it."),
        "recipe": column.TextColumn("recipe", help="The network, and what of it is not as its name alone says."),
        "split": column.NumberColumn("split", help="Which split it learned from: figures on different ones do not compare."),
        "note": column.TextColumn("note", width="medium"),
        **{
            name: column.NumberColumn(called, help=about, format=WRITTEN[name], width=WIDTH.get(name)) if name in WRITTEN
            else column.TextColumn(called, help=about, width=WIDTH.get(name))
            for name, (called, about) in wording.FIGURE.items()
        },
    }  # fmt: skip
