"""How good each model is, for which classes it is not, and the pictures behind each mistake."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.model import Evaluation, Project, Run
from pages.parts import charts, head, house, progress

DRAWN = 60  # classes in the confusion matrix; with more its cells could not be told apart
PARTS = {"val": "Validation", "test": "Test"}
ENSEMBLES = {
    "average": "average (ensemble): the mean of the models' calibrated probabilities",
    "priority": "priority (ensemble): for each picture the model speaks that was better at the class it names",
}
HELP = {
    "accuracy": "Share of the pictures named rightly. The interval holds the true share in 95 of 100 cases.",
    "macro": "F1 averaged over the classes: each class counts the same, however many pictures it has.",
    "weighted": "F1 averaged over the pictures.",
    "gap": "Global average precision: right answers should also be the surest ones. 1 is perfect.",
    "precision": "Of the pictures the model gave this class, the share that really has it.",
    "recall": "Of the pictures that really have this class, the share the model found.",
    "f1": "The harmonic mean of precision and recall.",
    "support": "How many pictures of this class were looked at.",
}


def choose(shown: head.Head, runs: list[Run]) -> None:
    store, project = house.store(), shown.project
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
    if part == "test":
        opened = store.openings(project.id)
        so_far = (
            "It has not been looked at yet"
            if not opened
            else f"It has been looked at {house.count(opened, 'time')} so far"
        )
        st.warning(
            f"The test part is for the end. {so_far}; each look by which you choose something makes its figures too good. Each is logged."
        )
    if st.button("Evaluate", type=shown.emphasis("evaluate"), key="run"):  # type: ignore[arg-type]
        house.start("evaluate", runs=[int(run) for run in chosen], part=part)
        st.rerun()


def pick(evaluations: list[Evaluation]) -> Evaluation:
    if len(evaluations) == 1:
        return evaluations[0]
    names = {e.id: f"{PARTS[e.part]}, {e.created:%Y-%m-%d %H:%M} UTC, {house.count(len(e.runs), 'model')} "
                   f"(run {', '.join(map(str, e.runs))})" for e in evaluations}  # fmt: skip
    number = st.selectbox("Which evaluation", list(names), format_func=lambda i: names[i])
    return next(e for e in evaluations if e.id == number)


def overview(models: dict[str, Any], images: int | None) -> None:
    rows = [
        (name, m["accuracy"], *m["accuracy_interval"], m["macro_f1"], m["weighted_f1"], m["gap"])
        for name, m in models.items()
    ]
    frame = pd.DataFrame(rows, columns=["model", "accuracy", "low", "high", "macro", "weighted", "gap"])
    st.plotly_chart(
        charts.scores(frame),
        key="scores",
        config={"displayModeBar": False},
        alt="Accuracy of each model with its interval",
    )
    share = st.column_config.NumberColumn
    shown = frame.assign(
        accuracy=100 * frame["accuracy"],
        interval=[f"{low:.1%} to {high:.1%}" for low, high in zip(frame["low"], frame["high"], strict=True)],
    )
    st.dataframe(
        shown[["model", "accuracy", "interval", "macro", "weighted", "gap"]], hide_index=True,
        column_config={"accuracy": share(format="%.1f%%", help=HELP["accuracy"]), "interval": "95 % interval",
                       "macro": share("macro F1", format="%.3f", help=HELP["macro"]),
                       "weighted": share("weighted F1", format="%.3f", help=HELP["weighted"]),
                       "gap": share("GAP", format="%.3f", help=HELP["gap"])},
    )  # fmt: skip
    best = frame.loc[frame["accuracy"].idxmax()]
    close = frame[(frame["high"] >= best["low"]) & (frame["model"] != best["model"])]
    of = f" of {house.count(images, 'picture')}" if images else ""
    tie = (
        " The intervals of the others overlap with it, so the difference may be chance."
        if len(close) == len(frame) - 1 > 0
        else ""
    )
    st.caption(f"{house.text(best['model'])} names most pictures rightly: {best['accuracy']:.1%}{of}.{tie}")


def confusion(project: Project, evaluation: Evaluation, classes: list[str]) -> None:
    models = evaluation.result["models"]
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    model = left.selectbox("Model", list(models), len(models) - 2 if len(models) > 2 else 0, key="model") or next(
        iter(models)
    )
    how = right.segmented_control(
        "Show",
        ["counts", "share of each row"],
        default="counts",
        required=True,
        key="how",
        help="A row is a true class; its cells say what the model called those pictures.",
    )
    counts = models[model]["confusion"]
    drawn = most_confused(counts, DRAWN)
    true_key, said_key = f"true-{evaluation.id}", f"said-{evaluation.id}"

    def clicked() -> None:
        points = st.session_state["confusion"]["selection"]["points"]
        if points:
            row, column = points[0]["customdata"][:2]
            st.session_state[true_key], st.session_state[said_key] = classes[drawn[row]], classes[drawn[column]]

    part = [[counts[r][c] for c in drawn] for r in drawn]
    figure = charts.confusion(part, [classes[i] for i in drawn], how != "counts", st.context.theme.type == "dark")
    st.plotly_chart(
        figure,
        key="confusion",
        on_select=clicked,
        selection_mode="points",
        config={"displayModeBar": False, "doubleClickDelay": 0},  # of two cells pressed quickly both count
        alt="Confusion matrix: true classes against what the model said",
    )
    some = (
        f" Drawn are the {DRAWN} of {len(classes)} classes with the most mistakes." if len(drawn) < len(classes) else ""
    )
    st.caption(f"Press a cell to see its pictures, or choose it here.{some}")
    row, column = worst(counts)
    st.session_state.setdefault(true_key, classes[row])
    st.session_state.setdefault(said_key, classes[column])
    left, right = st.columns(2)
    true = left.selectbox("True class", classes, key=true_key)
    said = right.selectbox("The model said", classes, key=said_key)
    cell(project, evaluation, model, true, said)


def most_confused(counts: list[list[int]], most: int) -> list[int]:
    """Which rows to draw: all, or the `most` with the most mistakes in row and column, in their order."""
    columns = [sum(column) for column in zip(*counts, strict=True)]
    mistakes = [sum(row) + columns[i] - 2 * row[i] for i, row in enumerate(counts)]
    return sorted(sorted(range(len(counts)), key=lambda i: -mistakes[i])[:most])


def worst(counts: list[list[int]]) -> tuple[int, int]:
    """The mistake with the most pictures; without any mistake, the largest cell."""
    cells = [(row, column) for row in range(len(counts)) for column in range(len(counts))]
    return max(cells, key=lambda at: (at[0] != at[1] and counts[at[0]][at[1]] > 0, counts[at[0]][at[1]]))


def cell(project: Project, evaluation: Evaluation, model: str, true: str, said: str) -> None:
    """The pictures of one cell, the surest first, and the way into the review with all of them."""
    found = house.store().predicted(evaluation.id, model, true, said)
    if not found:
        st.info(f"No picture of {house.text(true, 60)} was called {house.text(said, 60)} by {house.text(model, 60)}.")
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(
            f"**{house.count(len(found), 'picture')}** of {house.text(true, 60)} called {house.text(said, 60)}, the surest first"
        )
        house.link("review", "Review them", ids=",".join(str(image) for image, _ in found), show="any")
    records = house.store().images_by_id(project.id, [image for image, _ in found[:12]])
    house.thumbnails(records, {image: f"{confidence:.0%} sure" for image, confidence in found[:12]})


def per_class(models: dict[str, Any], classes: list[str]) -> None:
    what = st.segmented_control(
        "Show of each model",
        ["f1", "precision", "recall"],
        default="f1",
        required=True,
        key="what",
        format_func=lambda w: "F1" if w == "f1" else w,
        help=" ".join(f"**{k}**: {HELP[k]}" for k in ("f1", "precision", "recall")),
    )
    first = next(iter(models.values()))["per_class"]
    frame = pd.DataFrame({"class": classes, "pictures": [first[label]["support"] for label in classes],
                          **{name: [model["per_class"][label][what] for label in classes] for name, model in models.items()}})  # fmt: skip
    column = st.column_config
    st.dataframe(frame, hide_index=True, column_config={
        "pictures": column.NumberColumn(help=HELP["support"]),
        **{name: column.ProgressColumn(name, min_value=0, max_value=1, format="%.3f", help=HELP[what]) for name in models},
    })  # fmt: skip


def main() -> None:
    shown = head.show("evaluate")
    project, store = shown.project, house.store()
    busy = progress.watch(project, "evaluate")
    runs = store.runs(project.id, done=True)
    if not runs:
        st.info("There is no trained model yet.")
        house.link("train", "Go to Train")
        return
    if not busy:
        with st.container(border=True):
            choose(shown, runs)
    evaluations = store.evaluations(project.id)
    if not evaluations:
        if not busy:
            st.caption("Accuracy, the confusion matrix and every mistake appear here.")
        return
    evaluation = pick(evaluations)
    models = evaluation.result["models"]
    classes = list(evaluation.result.get("classes") or next(iter(models.values()))["per_class"])
    st.subheader(f"On the {PARTS[evaluation.part].lower()} part", anchor=False)
    overview(models, evaluation.result.get("images"))
    st.caption("  \n".join(about for name, about in ENSEMBLES.items() if name in models))
    st.subheader("What is taken for what", anchor=False)
    confusion(project, evaluation, classes)
    st.subheader("Class by class", anchor=False)
    per_class(models, classes)


main()
