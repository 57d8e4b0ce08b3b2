"""The figures of each model, each with its interval: all together, by class, by source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.evaluate.words import BEST, FIGURES, HELP
from core.model import Evaluation
from pages.parts import charts, house

SOURCES = 15  # that are listed


def pick(evaluation: Evaluation, key: str) -> str:
    """One of the evaluation's models: the mean of several, unless another one is chosen."""
    names = list(evaluation.models)
    usual = "average" if len(evaluation.runs) > 1 and "average" in names else names[0]
    return st.selectbox("Model", names, names.index(usual), key=key) or usual


def overview(models: Mapping[str, Any], images: int | None) -> None:
    rows = [(name, m["accuracy"], *m["accuracy_interval"]) for name, m in models.items()]
    frame = pd.DataFrame(rows, columns=["model", "accuracy", "low", "high"])
    st.plotly_chart(
        charts.scores(frame),
        key="scores",
        config={"displayModeBar": False},
        alt="Accuracy of each model with its interval",
    )
    best = frame.loc[frame["accuracy"].idxmax()]
    close = frame[(frame["high"] >= best["low"]) & (frame["model"] != best["model"])]
    of = f" of {house.count(images, 'picture')}" if images else ""
    tie = (
        " The intervals of the others overlap with it, so the difference may be chance."
        if len(close) == len(frame) - 1 > 0
        else ""
    )
    st.caption(f"{house.text(best['model'])} names most pictures rightly: {best['accuracy']:.1%}{of}.{tie}")
    every = st.toggle("Every figure", key="every", help="Precision, recall and more; otherwise the six that tell most.")
    _figures(models, list(FIGURES) if every else list(BEST))


def _figures(models: Mapping[str, Any], wanted: list[str]) -> None:
    """A row a figure, a column a model: so that a narrow screen shows the figures' names."""
    some = next(iter(models.values()))
    known = [key for key in wanted if key in some]  # early evaluations have fewer
    if len(some["per_class"]) <= 5 and "top5" in known:
        known.remove("top5")  # with five classes each picture's own is always among five
    table = {"figure": [FIGURES[key][0] for key in known]}
    for name, model in models.items():
        table[name] = [_written(key, model) for key in known]
    table["what it is"] = [FIGURES[key][1] for key in known]
    st.dataframe(pd.DataFrame(table), hide_index=True)
    st.caption(
        "In brackets stands the interval that holds the true figure in 95 of 100 cases: Wilson's for accuracy, for the others by "
        "drawing the pictures again, near-duplicates together (bootstrap).",
        help="Wilson 1927; Efron 1979. Two models whose intervals overlap may still differ: see *Two models side by side* below.",
    )


def _written(key: str, model: Mapping[str, Any]) -> str:
    value, share = model[key], FIGURES[key][2]
    low, high = model["accuracy_interval"] if key == "accuracy" else model.get("intervals", {}).get(key, (None, None))

    def put(number: float) -> str:
        return f"{100 * number:.1f}" if share else f"{number:.3f}"

    unit = " %" if share else ""
    return f"{put(value)}{unit}" if low is None else f"{put(value)}{unit} ({put(low)} to {put(high)})"


def per_class(models: Mapping[str, Any], classes: list[str]) -> None:
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
    empty = [label for label in classes if not first[label]["support"]]
    frame = pd.DataFrame({"class": classes, "pictures": [first[label]["support"] for label in classes],
                          **{name: [model["per_class"][label][what] for label in classes] for name, model in models.items()}})  # fmt: skip
    column = st.column_config
    st.dataframe(frame[~frame["class"].isin(empty)], hide_index=True, column_config={
        "pictures": column.NumberColumn(help=HELP["support"]),
        **{name: column.ProgressColumn(name, min_value=0, max_value=1, format="%.3f", help=HELP[what]) for name in models},
    })  # fmt: skip
    if empty:
        st.caption(
            f"{', '.join(house.text(label, 40) for label in empty[:10])}{' and others' if len(empty) > 10 else ''}: no picture in this "
            "part, so nothing can be said. Make a split with more in it."
        )


def per_source(models: Mapping[str, Any]) -> None:
    """Where pictures of one source are named worse than those of another, the model may have learned the source."""
    first = next(iter(models.values())).get("per_source", {})
    if len(first) < 2:
        return
    st.subheader("Source by source", anchor=False)
    rows = [
        {"source": source or "not known", "pictures": of["images"], **{name: _share(model, source) for name, model in models.items()}}
        for source, of in list(first.items())[:SOURCES]
    ]  # fmt: skip
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    st.caption(
        "Accuracy with its 95 % interval on the pictures of each source. Where one source is named much worse, its pictures differ: look "
        "at some of them." + (f" The {SOURCES} largest of {len(first)} sources." if len(first) > SOURCES else "")
    )


def _share(model: Mapping[str, Any], source: str) -> str:
    of = model["per_source"][source]
    low, high = of["interval"]
    return f"{100 * of['accuracy']:.1f} % ({100 * low:.0f} to {100 * high:.0f})"
