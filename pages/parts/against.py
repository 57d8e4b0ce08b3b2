"""Two models side by side, on the same pictures: which is better, for which classes, and whether that may be chance."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd
import streamlit as st

from core.evaluate import compare
from core.model import Evaluation
from pages.parts import diagrams, house


def show(evaluation: Evaluation) -> None:
    models = evaluation.models
    names = list(models)
    if len(names) < 2:
        st.info("One model was evaluated: evaluate several runs of one split together to compare them.")
        return
    best = max(evaluation.result["runs"], key=lambda name: models[name]["accuracy"], default=names[0])
    left, right = st.columns(2)
    usual = "average" if len(evaluation.runs) > 1 and "average" in names else names[0]
    first = left.selectbox("Is this model better …", names, names.index(usual), key="first") or usual
    others = [name for name in names if name != first]
    other = best if best in others else others[0]
    second = right.selectbox("… than this one?", others, others.index(other), key="second") or other
    overall, each = compare.differences(house.store().paired(evaluation.id, first, second))
    st.markdown(house.text(compare.sentence(first, second, overall, each), 1000))
    if not overall.images:
        return
    frame = pd.DataFrame([{"class": row.label, "sure": row.sure, **asdict(row)} for row in each[:40]])
    st.plotly_chart(
        diagrams.gains(frame, first, second), key="gains", config={"displayModeBar": False},
        alt="Difference by class between two models",
    )  # fmt: skip
    st.caption(
        "How to read it: right of the line the first model finds more pictures of the class, left of it the second one; a grey point may be "
        "chance.",
        help="McNemar's exact test on the pictures that one of the two alone has right (1947), corrected for the number of classes (Holm 1979); "
        "intervals by Agresti and Min 2005, not corrected.",
    )
