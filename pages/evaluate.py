"""How good each model is, for which classes it is not, and the pictures behind each mistake."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import evaluation_report
from core.evaluate.words import ENSEMBLES
from core.model import Evaluation, Project, Run
from pages.parts import (
    against,
    causes,
    confused,
    gallery,
    head,
    house,
    more_pictures,
    others,
    progress,
    scored,
    trusted,
)

PARTS = {"val": "Validation", "test": "Test"}
CHAPTERS = ["Figures", "Confusion", "Mistakes", "Comparison", "Confidence", "More pictures"]  # worked out when open


def choose(shown: head.Head, runs: list[Run], opened: list[Evaluation]) -> None:
    """What is to be evaluated, and its start; `opened` are the looks at the test part so far."""
    names = {run.id: f"run {run.id}: {run.name}, split {run.split}" for run in runs}
    part = st.segmented_control(
        "Part",
        list(PARTS),
        default="val",
        required=True,
        format_func=lambda p: PARTS[p],
        key="part",
        help="Validation is for choosing between models, as often as you like. Test is for the final figure.",
    )
    chosen = st.multiselect(
        "Models",
        list(names),
        [],
        format_func=lambda r: names[r],
        key="runs",
        placeholder="the newest run of each recipe",
        help="Runs of one split. Left empty: the newest of each recipe.",
    )
    distractors = others.choose(shown.project)
    if part == "test":
        so_far = (
            "It has not been looked at yet"
            if not opened
            else f"It has been looked at {house.count(len(opened), 'time')} so far"
        )
        looked = [one for one in opened if set(one.runs) == set(chosen)]
        if looked:
            so_far += (
                f", and these runs on {looked[0].created:%Y-%m-%d}: their figures are below, no second look is needed"
            )
        st.warning(
            f"The test part is for the end. {so_far}; each look by which you choose something makes its figures too good. Each is logged."
        )
    if st.button("Evaluate", type=shown.emphasis("evaluate"), key="run"):  # type: ignore[arg-type]
        house.start("evaluate", runs=[int(run) for run in chosen], part=part, distractors=distractors)
        st.rerun()


def pick(evaluations: list[Evaluation]) -> Evaluation:
    if len(evaluations) == 1:
        return evaluations[0]
    names = {e.id: f"{PARTS[e.part]}, {e.created:%Y-%m-%d %H:%M} UTC, {house.count(len(e.runs), 'model')} "
                   f"(run {', '.join(map(str, e.runs))}){', with pictures of something else' if 'distractors' in e.result else ''}" for e in evaluations}  # fmt: skip
    number = st.selectbox("Which evaluation", list(names), format_func=lambda i: names[i])
    return next(e for e in evaluations if e.id == number)


def main() -> None:
    shown = head.show("evaluate")
    project, store = shown.project, house.store()
    busy = progress.watch(project, "evaluate")
    runs = store.runs(project.id, done=True)
    if not runs:
        st.info("There is no trained model yet.")
        house.link("train", "Go to Train")
        return
    evaluations = store.evaluations(project.id)
    opened = [one for one in evaluations if one.part == "test"]
    if not busy:
        with st.container(border=True):
            choose(shown, runs, opened)
    if not evaluations:
        if not busy:
            st.caption("Accuracy, the confusion matrix and every mistake appear here.")
        return
    evaluation = pick(evaluations)
    models = evaluation.models
    classes = list(evaluation.result.get("classes") or next(iter(models.values()))["per_class"])
    st.subheader(f"On the {PARTS[evaluation.part].lower()} part", anchor=False)
    figures, confusion, mistakes, beside, confidence, more = st.tabs(CHAPTERS, key="chapter", bind="query-params")
    with figures:
        if figures.open:
            scored.overview(models, evaluation.result.get("images"))
            st.caption("  \n".join(_ensemble(name, evaluation) for name in ENSEMBLES if name in models))
            st.subheader("Class by class", anchor=False)
            scored.per_class(models, classes)
            scored.per_source(models)
    with confusion:
        if confusion.open:
            confused.show(project, evaluation, classes)
    with mistakes:
        if mistakes.open:
            st.subheader("Where mistakes come from", anchor=False)
            causes.show(project, evaluation)
            st.subheader("Picture by picture", anchor=False)
            gallery.show(project, evaluation)
    with beside:
        if beside.open:
            against.show(evaluation)
    with confidence:
        if confidence.open:
            trusted.show(evaluation, classes)
            others.show(evaluation)
    with more:
        if more.open:
            more_pictures.show(project, store.runs(project.id))
    openings(opened)
    report(project, evaluation)


def report(project: Project, evaluation: Evaluation) -> None:
    st.download_button(
        "Download as a report",
        lambda: evaluation_report.write(house.store(), house.blobs(), house.settings(), project, evaluation.id).encode(),
        f"evaluation {project.name}.html", "text/html", key="report", on_click="ignore", icon=":material/download:",
        help="All of this page as one HTML file to send or print, with the worst mistakes as small pictures. Nothing in it is fetched.",
    )  # fmt: skip


def _ensemble(name: str, evaluation: Evaluation) -> str:
    weights = evaluation.result.get("weights", {})
    told = ", ".join(f"{house.text(model, 40)} {weight:.0%}" for model, weight in weights.items())
    return f"{name} (ensemble): {ENSEMBLES[name]}" + (f": {told}" if name == "weighted" and told else "")


def openings(every: list[Evaluation]) -> None:
    """The log of the test part: each look by which something is chosen makes its figures too good."""
    if not every:
        return
    with st.expander(f"The test part was opened {house.count(len(every), 'time')}: the log"):
        rows = []
        for one in every:
            best = max(one.result["models"], key=lambda name: one.result["models"][name]["accuracy"])
            runs = ", ".join(map(str, one.runs))
            rows.append((f"{one.created:%Y-%m-%d %H:%M} UTC", one.result.get("split"), runs, f"{one.result['models'][best]['accuracy']:.1%} ({best})"))  # fmt: skip
        st.dataframe(pd.DataFrame(rows, columns=["opened", "split", "runs", "highest accuracy"]), hide_index=True)


main()
