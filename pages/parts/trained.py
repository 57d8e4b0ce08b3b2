"""All runs of a project in one table; what is picked in it is shown below: one run, or several side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from core import report
from core.model import Project, Run
from pages.parts import compare, figures, house, one_run

BEST = 4  # runs that are compared where none is picked
PICKED = "picked-runs"  # key: the numbers of those that are picked; their rows move when another run begins


def show(project: Project, runs: Sequence[Run], busy: bool) -> None:
    """The table and what is picked in it; `busy` while a job trains: then nothing is shown that was not picked.

    `runs` are all of the project, the newest first.
    """
    store = house.store()
    pictures = store.part_sizes(project.id, "val")
    jobs = [job for job in house.under_way(project) if job.verb in ("train", "sweep")]
    active = {run.id for run in runs for job in jobs if run.job == job.id or run.id in (job.params.get("runs") or ())}
    st.subheader("All runs", anchor=False)
    picked = table(runs, pictures, active)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(
            "Pick one run to rename it, note something or look at it closely, or several to compare them. All figures are "
            "on the validation part; the test part stays closed until you open it on the page Evaluate.",
            width="stretch",
        )
        if any("val_accuracy" in run.result for run in runs):
            st.download_button(
                "Report", lambda: report.write(store, project).encode(), f"training report {project.name}.html", "text/html",
                key="report", on_click="ignore", icon=":material/download:",
                help="One page to send: the models with intervals, their curves, what was tried, the hardest classes.",
            )  # fmt: skip
    chosen = picked[::-1] or ([] if busy else best(runs))
    chosen = [store.run(project.id, run.id) for run in chosen]
    if len(chosen) > 1:
        st.subheader(f"{'Compare' if picked else 'The best'} {len(chosen)} runs", anchor=False)
        if not picked:
            st.caption("None is picked: these have the lowest loss on validation.")
        compare.show(project, chosen, pictures)
    elif chosen:
        one_run.show(project, chosen[0], state(chosen[0], active), pictures.get(chosen[0].split, 0), busy)


def best(runs: Sequence[Run]) -> list[Run]:
    """Those with the lowest validation loss on the newest split that has figures, the best first; `runs`: the newest first."""
    known = [run for run in runs if "val_accuracy" in run.result]
    known = [run for run in known if run.split == known[0].split]
    return sorted(known, key=lambda run: run.result.get("val_loss", math.inf))[:BEST]


def state(run: Run, active: set[int]) -> str:
    """What became of it, in a word or two; `active` are the runs that a job trains or waits for."""
    if run.status in ("started", "stopped") and run.id in active:
        told = "training"
    elif "error" in run.result:
        told = "broke off" if run.kept else "could not be trained"
    else:
        told = {"started": "not finished", "done": "trained", "stopped": "stopped", "pruned": "stopped by sweep"}[
            run.status
        ]
    return f"{told}, files deleted" if run.deleted else told


def table(runs: Sequence[Run], pictures: Mapping[int, int], active: set[int]) -> list[Run]:
    """Draws it; returns what is picked in it. Columns that say nothing of any run are left out."""
    found = figures.columns(runs, pictures)
    columns = {
        "run": [run.id for run in runs],
        "name": [run.name for run in runs],
        "accuracy": found["accuracy"],
        "state": [state(run, active) for run in runs],
        **{name: values for name, values in found.items() if name != "accuracy"},
        **({"split": [run.split for run in runs]} if len({run.split for run in runs}) > 1 else {}),
        "note": [" ".join(run.note.split()) for run in runs],
        **({"recipe": [run.recipe.name for run in runs]} if any(run.title for run in runs) else {}),
    }
    data = pd.DataFrame(columns)
    told = [
        name for name in data if name in ("run", "name", "state") or any(one not in (None, "") for one in columns[name])
    ]
    key, numbers = f"runs-{runs[0].id}-{len(runs)}", [run.id for run in runs]  # another run makes it another table
    before = st.session_state.get(PICKED, ())
    event = st.dataframe(
        data[told],
        hide_index=True,
        placeholder="",
        key=key,
        on_select=partial(_pick, key, numbers),  # what is picked in a table that is drawn anew by now counts as well
        selection_default={"selection": {"rows": [i for i, number in enumerate(numbers) if number in before]}},
        selection_mode="multi-row",
        column_config=figures.headings(),
        alt="Every run of the project with its figures",
    )
    picked = [runs[row] for row in event["selection"]["rows"] if row < len(runs)]
    st.session_state[PICKED] = [run.id for run in picked]
    return picked


def _pick(key: str, numbers: Sequence[int]) -> None:
    """Keep what is picked in the table of that key, whose rows are these runs."""
    rows = st.session_state[key]["selection"]["rows"]
    st.session_state[PICKED] = [numbers[row] for row in rows if row < len(numbers)]
