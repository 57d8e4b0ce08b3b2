"""DataFrame -> plotly figure, for what an evaluation shows; no streamlit. Colours as in charts.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages.parts.charts import AMBER, GREY, RUST, SERIES, TEAL, VIOLET, _figure, name

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure


def reliability(frame: pd.DataFrame) -> Figure:
    """How often answers of a confidence are right. Columns confidence, accuracy, low, high (0..1), images: a row a bin."""
    figure = _figure("Is its confidence honest?", 340, x="confidence it gave", y="share that was right")
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "dash": "dot"}, name="confidence equals accuracy", hoverinfo="skip"
    )  # fmt: skip
    most = max(frame["images"].max(), 1) if len(frame) else 1
    figure.add_scatter(
        x=frame["confidence"], y=frame["accuracy"], mode="markers", name="pictures of about one confidence",
        marker={"size": 7 + 17 * (frame["images"] / most) ** 0.5, "color": TEAL}, cliponaxis=False,
        error_y={"type": "data", "symmetric": False, "array": frame["high"] - frame["accuracy"],
                 "arrayminus": frame["accuracy"] - frame["low"], "color": TEAL, "thickness": 1.5, "width": 4},
        customdata=frame[["images", "low", "high"]],
        hovertemplate="%{x:.0%} sure, %{y:.0%} right (%{customdata[1]:.0%} to %{customdata[2]:.0%})<br>%{customdata[0]:,} pictures<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%")
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    return figure


def thresholds(frame: pd.DataFrame) -> Figure:
    """What a threshold buys. Columns threshold, answered, accuracy (0..1), by rising threshold."""
    figure = _figure("If only sure answers count", 340, x="least confidence that counts", y="share of pictures")
    for column, colour, called in (("accuracy", TEAL, "right, of those answered"), ("answered", AMBER, "answered")):
        figure.add_scatter(
            x=frame["threshold"], y=frame[column], mode="lines", name=called, line={"color": colour, "width": 2},
            hovertemplate=f"%{{y:.1%}} {called}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    return figure


def precision_recall(frame: pd.DataFrame, label: str) -> Figure:
    """One line a model. Columns model, precision, recall, threshold (0..1)."""
    models = list(dict.fromkeys(frame["model"]))
    figure = _figure(
        f"Finding {name(label)}", 340 + 20 * max(0, len(models) - 2), x="recall: share of its pictures found",
        y="precision: share of the found that are right",
    )  # fmt: skip
    for i, model in enumerate(models):
        rows = frame[frame["model"] == model]
        figure.add_scatter(
            x=rows["recall"], y=rows["precision"], mode="lines", name=name(model), line={"color": SERIES[i % len(SERIES)], "width": 2, "shape": "hv"},
            customdata=rows["threshold"], hovertemplate="from %{customdata:.0%} on: %{x:.0%} found, %{y:.0%} of them right<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%")
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%")
    return figure


def learned(frame: pd.DataFrame, line: pd.DataFrame, ahead: tuple[float, float, float, float] | None) -> Figure:
    """Accuracy against the number of pictures learned from, each step to the right a doubling.

    `frame`: a row a run, columns images, accuracy, low, high (0..1), run. `line`: what is read from them, columns images,
    accuracy; empty where nothing is. `ahead`: images, accuracy, low, high of what it foretells, which is ringed.
    """
    figure = _figure("Accuracy by the number of pictures learned from", 380, x="training pictures (each step twice as many)", y="validation accuracy")  # fmt: skip
    if len(line):
        figure.add_scatter(
            x=line["images"], y=line["accuracy"], mode="lines", line={"color": VIOLET, "dash": "dot", "width": 2}, name="the curve that fits", hoverinfo="skip"
        )  # fmt: skip
    figure.add_scatter(
        x=frame["images"], y=frame["accuracy"], mode="markers", name="a training", marker={"size": 10, "color": TEAL}, cliponaxis=False,
        error_y={"type": "data", "symmetric": False, "array": frame["high"] - frame["accuracy"],
                 "arrayminus": frame["accuracy"] - frame["low"], "color": TEAL, "thickness": 1.5, "width": 5},
        customdata=frame[["low", "high", "run"]],
        hovertemplate="%{x:,} pictures: %{y:.1%} (%{customdata[0]:.1%} to %{customdata[1]:.1%}), run %{customdata[2]}<extra></extra>",
    )  # fmt: skip
    at = sorted(set(frame["images"]))
    if ahead:
        images, accuracy, low, high = ahead
        figure.add_scatter(
            x=[images], y=[accuracy], mode="markers", name="twice as many, foretold", cliponaxis=False,
            marker={"size": 13, "color": VIOLET, "symbol": "circle-open", "line": {"width": 2.5}},
            error_y={"type": "data", "symmetric": False, "array": [high - accuracy], "arrayminus": [accuracy - low],
                     "color": VIOLET, "thickness": 1.5, "width": 5},
            hovertemplate=f"{images:,.0f} pictures: %{{y:.1%}} ({low:.1%} to {high:.1%}), foretold<extra></extra>",
        )  # fmt: skip
        at.append(images)
    figure.update_xaxes(type="log", tickvals=at, ticktext=[f"{value:,.0f}" for value in at])
    figure.update_yaxes(tickformat=".0%")
    return figure


def gains(frame: pd.DataFrame, first: str, second: str) -> Figure:
    """How many more of each class the first model finds. Columns class, gain, low, high (-1..1), sure (bool)."""
    figure = _figure(
        "Gain and loss by class, with the 95 % interval", 140 + 28 * len(frame),
        x=f"percentage points more found by {name(first, 40)}",
    )  # fmt: skip
    figure.add_vline(x=0, line={"color": GREY, "dash": "dot"})
    places = list(range(len(frame)))
    for sure, called in ((True, "beyond chance"), (False, "may be chance")):
        at = [i for i, one in zip(places, frame["sure"], strict=True) if bool(one) is sure]
        if not at:
            continue
        rows = frame.iloc[at]
        colours = [TEAL if gain > 0 else RUST for gain in rows["gain"]] if sure else [GREY] * len(at)
        figure.add_scatter(
            x=100 * rows["gain"], y=at, mode="markers", name=called, marker={"size": 10, "color": colours if sure else GREY},
            error_x={"type": "data", "symmetric": False, "array": 100 * (rows["high"] - rows["gain"]),
                     "arrayminus": 100 * (rows["gain"] - rows["low"]), "color": VIOLET if sure else GREY, "thickness": 1.5, "width": 5},
            customdata=[[name(label, 60), 100 * low, 100 * high] for label, low, high in rows[["class", "low", "high"]].values],
            hovertemplate="%{customdata[0]}: %{x:+.1f} (%{customdata[1]:+.1f} to %{customdata[2]:+.1f})<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(zeroline=False, ticksuffix=" ", tickformat="+d")
    figure.update_yaxes(
        tickvals=places, ticktext=[name(label) for label in frame["class"]], autorange="reversed", showgrid=False
    )
    return figure


def gaps(frame: pd.DataFrame) -> Figure:
    """GAP of each model in several ways. Columns model, how, gap, low, high (0..1): a row each, the ways in one order."""
    models, ways = list(dict.fromkeys(frame["model"])), list(dict.fromkeys(frame["how"]))
    figure = _figure("GAP, with the 95 % interval", 150 + 52 * len(models), x="global average precision")
    for i, (how, colour) in enumerate(zip(ways, (GREY, RUST, TEAL), strict=False)):
        rows = frame[frame["how"] == how]
        figure.add_scatter(
            y=[models.index(model) + 0.22 * (i - (len(ways) - 1) / 2) for model in rows["model"]], x=rows["gap"], mode="markers", name=how,
            marker={"size": 10, "color": colour}, customdata=rows[["low", "high"]],
            error_x={"type": "data", "symmetric": False, "array": rows["high"] - rows["gap"],
                     "arrayminus": rows["gap"] - rows["low"], "color": colour, "thickness": 2, "width": 5},
            hovertemplate=f"{how}: %{{x:.3f}} (%{{customdata[0]:.3f}} to %{{customdata[1]:.3f}})<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(len(models))), ticktext=[name(model) for model in models], range=[len(models) - 0.5, -0.5], showgrid=False, zeroline=False
    )  # fmt: skip
    return figure
