"""What the models look at over whole classes: a job's form, how faithful each way to explain is, and the mean maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import BadInput
from core.explain_sets import EACH, MOST, USUAL, check, means, pick, title
from core.explained import FOLDER
from core.explainers import EXPLAINERS
from core.faithful import RANDOM
from core.jobs.watch import duration
from core.model import Job, Project, Run, Split
from core.runs import run_folder
from pages.parts import charts, evidence, house, methods

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.delta_generator import DeltaGenerator

NAMES = {"val": "Validation", "train": "Train"}
AT_ONCE = 8  # classes on the screen
KEPT = 10  # jobs to choose from
HELP = {
    "both": "Insertion less deletion: about 0 for a random order, higher is better. In brackets the 95 % interval.",
    "gain": "Whether insertion less deletion is above that of the random order, picture by picture, by more than chance.",
    "seconds": "Of one map, without its scores: the median.",
}


def show(project: Project, split: Split, runs: list[Run], busy: bool) -> None:
    """The form, unless such a job is `busy`, and what the jobs before it came to."""
    estimate = None
    if not busy:
        with st.container(border=True):
            estimate = _form(split, runs)
    _results(project)
    if estimate:  # last: it loads the models, and what is known already need not wait for that
        slot, images, explainers = estimate
        slot.caption(
            f"{house.count(images, 'picture')}, {house.count(len(runs), 'model')}: about "
            f"{duration(images * methods.seconds(runs, explainers))}, as a job that goes on when the browser is closed."
        )


def _results(project: Project) -> None:
    done = [job for job in house.store().jobs(project.id, "explain", limit=KEPT) if job.status == "done"]
    if not done:
        st.caption("What the models look at, class by class, and which way to explain is to be believed, appear here.")
        return
    job = _pick(done)
    result, part = job.result, NAMES[job.result["part"]].lower()
    st.subheader("Which explanation to believe", anchor=False)
    _unread(result)
    _faithful(result, part)
    st.subheader("What it looks at, class by class", anchor=False)
    _classes(result, part)


def _form(split: Split, runs: list[Run]) -> tuple[DeltaGenerator, int, list[str]] | None:
    """What a job is to do, and its start; (where it is to be said how long that takes, pictures, explainers)."""
    explainers = methods.choose("set-explainers", USUAL, runs)
    classes = st.multiselect(
        "Classes",
        list(split.classes),
        [],
        placeholder="every class",
        key="set-classes",
        help="Left empty: all of them.",
    )
    left, right = st.columns(2, vertical_alignment="bottom")
    each = int(left.number_input("Pictures of each class", 1, MOST, EACH, key="set-each"))
    part = right.selectbox(
        "Part", [p for p in NAMES if split.parts[p]], format_func=lambda p: NAMES[p], key="set-part",
        help="Pictures the models did not learn from tell more. The test part stays closed: it is for the final figure.",
    )  # fmt: skip
    try:
        check(explainers, part, each)
        images = len(pick(split, part, classes, each).images)
    except BadInput as error:
        st.caption(house.text(error))
        st.button("Look at them", disabled=True, key="set-run")
        return None
    slot = st.empty()
    slot.caption(f"{house.count(images, 'picture')}, {house.count(len(runs), 'model')}")
    if st.button("Look at them", key="set-run"):
        house.start(
            "explain", runs=[run.id for run in runs], explainers=explainers, part=part, classes=classes, each=each
        )
        st.rerun()
    return slot, images, explainers


def _pick(done: list[Job]) -> Job:
    if len(done) == 1:
        return done[0]
    names = {job.id: f"job {job.id}: {NAMES[job.result['part']].lower()}, {house.count(job.result['images'], 'picture')}, "
                     f"{', '.join(job.result['models'])}" for job in done}  # fmt: skip
    number = st.selectbox("Which job", list(names), format_func=lambda n: names[n], key="set-job")
    return next(job for job in done if job.id == number)


def _unread(result: Mapping[str, Any]) -> None:
    if result["unreadable"]:
        st.warning(
            f"{house.count(result['unreadable'], 'picture')} could not be read and {'is' if result['unreadable'] == 1 else 'are'}"
            f" left out: {house.text(' '.join(result['reasons']))}"
        )


def _faithful(result: Mapping[str, Any], part: str) -> None:
    rows = [
        {"model": name, "explainer": explainer, "title": title(explainer), **{k: told[k] for k in ("deletion", "insertion", "both", "gain", "seconds")}}
        for name, model in result["models"].items() for explainer, told in model["explainers"].items() if "why" not in told
    ]  # fmt: skip
    rows.sort(key=lambda row: -row["both"]["mean"])
    frame = pd.DataFrame(
        [(r["model"], r["title"], r["both"]["mean"], r["both"]["low"], r["both"]["high"]) for r in rows],
        columns=["model", "explainer", "value", "low", "high"],
    )
    st.plotly_chart(
        charts.faithful(frame, list(result["models"])), key="faithful", config={"displayModeBar": False},
        alt="Insertion less deletion of each way to explain, with its interval",
    )  # fmt: skip
    st.caption(
        "The further right a dot, the better the map names the pixels that matter; a random order is at about 0. The line holds "
        f"the true mean in 95 of 100 cases. {house.count(result['images'], 'picture')} of the {part} part, each explained for its true class.",
        help=methods.FAITHFUL,
    )
    for name, model in result["models"].items():
        st.markdown(_sentence(name, [row for row in rows if row["model"] == name]))
        for explainer, told in model["explainers"].items():
            if "why" in told:
                st.caption(f"{title(explainer)} is not there for {house.text(name, 60)}: {house.text(told['why'])}")
    _table(rows)


def _sentence(name: str, rows: list[dict[str, Any]]) -> str:
    """Which one to believe of this model, and which are no better than chance, in words."""
    by = [row for row in rows if row["explainer"] != RANDOM]
    if not by:
        return f"**{house.text(name, 60)}**: none of these ways can be had for it."
    best, chance = by[0], [row["title"] for row in by if row["gain"]["low"] <= 0]
    if best["title"] in chance:
        return f"**{house.text(name, 60)}**: on these pictures none is surely better than a random order; take more pictures."
    said = f"**{house.text(name, 60)}**: on these pictures **{best['title']}** names the pixels that matter best"
    close = [row["title"] for row in by[1:] if row["both"]["high"] >= best["both"]["low"]]
    said += f"; {', '.join(close)} may be as good" if close else ""
    return f"{said}. No surer than a random order: {', '.join(chance)}." if chance else f"{said}."


def _table(rows: list[dict[str, Any]]) -> None:
    def between(told: Mapping[str, float]) -> str:
        return f"{told['mean']:.2f} ({told['low']:.2f} to {told['high']:.2f})"

    several = len({row["model"] for row in rows}) > 1
    frame = pd.DataFrame([
        {**({"model": row["model"]} if several else {}), "explained by": row["title"], "both": between(row["both"]),
         "deletion": between(row["deletion"]), "insertion": between(row["insertion"]),
         "gain": "" if row["explainer"] == RANDOM else "yes" if row["gain"]["low"] > 0 else "no", "seconds": row["seconds"]}
        for row in rows
    ])  # fmt: skip
    column = st.column_config
    st.dataframe(frame, hide_index=True, column_config={
        "both": column.TextColumn("insertion − deletion", help=HELP["both"]),
        "deletion": column.TextColumn("deletion ↓", help=methods.FAITHFUL),
        "insertion": column.TextColumn("insertion ↑", help=methods.FAITHFUL),
        "gain": column.TextColumn("better than chance", help=HELP["gain"]),
        "seconds": column.NumberColumn("seconds", format="%.3f s", help=HELP["seconds"]),
    })  # fmt: skip


def _classes(result: Mapping[str, Any], part: str) -> None:
    there = [
        n for n in EXPLAINERS if any("why" not in m["explainers"].get(n, {"why"}) for m in result["models"].values())
    ]
    if not there:
        st.caption("None of these ways can be had for these models.")
        return
    explainer = st.segmented_control(
        "Explained by",
        there,
        default=there[0],
        required=True,
        format_func=lambda n: EXPLAINERS[n].title,
        key="set-shown",
    )
    classes = result["classes"]
    first = 0
    if len(classes) > AT_ONCE:
        starts = list(range(0, len(classes), AT_ONCE))
        first = st.selectbox(
            "Classes", starts, key="set-first",
            format_func=lambda at: f"{classes[at]} to {classes[min(at + AT_ONCE, len(classes)) - 1]}",
        )  # fmt: skip
    maps = {}
    for name, model in result["models"].items():
        if (found := means(run_folder(house.settings(), model["run"]) / FOLDER / model["set"], [explainer])) is None:
            st.warning(f"The maps of {house.text(name, 60)} are gone, as its files were deleted. Its figures stay.")
        elif explainer in found[1]:
            maps[name] = (found[0], found[1][explainer])
    if not maps:
        return
    colours = (
        "teal spoke for the class most often, rust against it"
        if EXPLAINERS[explainer].signed
        else "teal mattered most often"
    )
    st.caption(
        f"Each map is the mean over the class's pictures of the {part} part, drawn smooth on the mean of these pictures in grey: "
        f"{colours}. A place that is teal for a class, and never lies on what you want told apart, is a warning: it may be a "
        "background, a frame or a watermark that the class shares.",
        help=f"{EXPLAINERS[explainer].about} ({EXPLAINERS[explainer].source}).",
    )
    with st.container(horizontal=True, gap="large"):
        for at in range(first, min(first + AT_ONCE, len(classes))):
            with st.container(width="content"):
                _row(at, classes[at], maps)


def _row(at: int, label: str, maps: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    st.markdown(f"**{house.text(label, 60)}**")
    with st.container(horizontal=True):
        largest = max((pictures for pictures, _ in maps.values()), key=lambda pictures: pictures.shape[1])
        evidence.square(largest[at], "the mean picture", f"The mean picture of {label}")
        for name, (pictures, heats) in maps.items():
            painted = charts.heat(heats[at], pictures[at])
            evidence.square(painted, house.text(name, 40), f"What {name} looks at for {label}")
