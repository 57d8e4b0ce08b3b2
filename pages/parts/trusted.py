"""Whether a model's confidence can be trusted: reliability, thresholds, and precision against recall for each class."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.model import Evaluation
from core.runs import evaluation_folder
from pages.parts import diagrams, house, scored

SHOWN = {"displayModeBar": False}


def show(evaluation: Evaluation, classes: list[str]) -> None:
    models = evaluation.models
    if "reliability" not in next(iter(models.values())):
        st.info("This evaluation was made by an earlier release: evaluate again to see its confidence.")
        return
    names = list(models)
    model = scored.pick(evaluation, "trusted")
    left, right = st.columns(2)
    with left:
        bins = pd.DataFrame(models[model]["reliability"])
        bins[["low", "high"]] = bins["interval"].tolist()
        st.plotly_chart(diagrams.reliability(bins), key="reliability", config=SHOWN, alt="Accuracy against confidence")
        st.caption(
            "How to read it: on the dotted line an answer that is 80 % sure is right in 80 of 100 cases; below it the model is too sure "
            "of itself. Larger points stand for more pictures, lines for 95 % intervals."
        )
    with right:
        steps = pd.DataFrame(models[model]["thresholds"])
        st.plotly_chart(
            diagrams.thresholds(steps), key="thresholds", config=SHOWN, alt="Answered and right by threshold"
        )
        st.caption(
            "How to read it: go right to the confidence you ask for; the upper line tells how many of the answers are right then, the "
            "other one how many pictures get an answer at all."
        )
    _precision_recall(evaluation, classes, names)


def _precision_recall(evaluation: Evaluation, classes: list[str], names: list[str]) -> None:
    from core.evaluate import kept

    label = st.selectbox("Class to be found", classes, key="found", format_func=lambda c: c)
    said = kept.read(evaluation_folder(house.settings(), evaluation.result["kept"]))
    if said is None:
        st.info("What each model said of each picture is no longer on this disk: evaluate again to see these curves.")
        return
    place, rows, areas = classes.index(label), [], {}
    for n, name in enumerate(names):
        scores = said.probabilities[n, :, place]
        precision, recall, threshold, areas[name] = kept.precision_recall(scores, said.labels == place)
        rows += [(name, *each) for each in zip(precision, recall, threshold, strict=True)]
    if not rows:
        st.info(f"There is no picture of {house.text(label, 60)} in this part, so nothing can be said of it.")
        return
    frame = pd.DataFrame(rows, columns=["model", "precision", "recall", "threshold"])
    st.plotly_chart(diagrams.precision_recall(frame, label), key="pr", config=SHOWN, alt="Precision against recall")
    st.caption(
        "How to read it: the further up and to the right, the better. Each point is a least probability that counts as this class: a lower "
        "one finds more of its pictures and takes in more that are none. Average precision (area below the line): "
        + ", ".join(f"{house.text(name, 40)} {area:.3f}" for name, area in areas.items()) + "."
    )  # fmt: skip
