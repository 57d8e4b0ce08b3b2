"""DataFrame -> plotly figure; no streamlit. Colours keep apart for colour-blind eyes and on both themes."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from plotly.graph_objects import Figure

TEAL, AMBER, VIOLET, RUST, GREY = "#14a08d", "#e0a100", "#7c6fe0", "#d9622b", "#94a3b8"
VERDICTS = {"keep": TEAL, "undecided": GREY, "reject": RUST}
PARTS = {"train": TEAL, "val": AMBER, "test": VIOLET}
SERIES = (TEAL, VIOLET, AMBER, RUST, "#3b82c4", "#c2569b", "#6b8e23", GREY)
LINE = 26  # px a bar takes
SCALES = {  # empty cell -> full cell, one hue: only lightness speaks
    False: ((0.0, "#f3f7f6"), (0.5, "#63bfb1"), (1.0, "#0b5b53")),
    True: ((0.0, "#1f2624"), (0.5, "#1c7a6f"), (1.0, "#7fe3d4")),
}


def name(label: str, longest: int = 28) -> str:
    """A name as plotly may show it: plotly reads a little HTML, so it is escaped. A long one is cut in its middle, for the
    names of runs, and of classes, are often alike at the start."""
    end = longest // 2
    return html.escape(label if len(label) <= longest else f"{label[: longest - 1 - end]}…{label[-end:]}", quote=False)


def _figure(title: str, height: int, x: str = "", y: str = "", **more: Any) -> Figure:
    from plotly.graph_objects import Figure

    layout = {
        "title": {"text": title, "font": {"size": 15}, "x": 0, "xref": "container", "pad": {"l": 4}},
        "height": height, "margin": {"l": 8, "r": 12, "t": 44, "b": 48},
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "yref": "container", "y": 0, "yanchor": "bottom", "title": {"text": ""}, "traceorder": "normal"},
        "xaxis": {"title": {"text": x, "font": {"size": 12}}, "automargin": True, "fixedrange": True},
        "yaxis": {"title": {"text": y, "font": {"size": 12}}, "automargin": True, "fixedrange": True},
        "hoverlabel": {"align": "left"}, "dragmode": False,
    }  # fmt: skip
    return Figure(layout=layout | more)


def _stacked(frame: pd.DataFrame, by: str, colours: Mapping[str, str], title: str, names: Mapping[str, str]) -> Figure:
    """Horizontal bars, one for each class, in the frame's order from the top."""
    labels = list(dict.fromkeys(frame["class"]))
    figure = _figure(title, 130 + LINE * len(labels), x="pictures", barmode="stack", bargap=0.3)
    found = {(row[0], row[1]): int(row[2]) for row in frame[["class", by, "images"]].itertuples(index=False)}
    for kind, colour in colours.items():
        numbers = [found.get((label, kind), 0) for label in labels]
        if not any(numbers):
            continue
        figure.add_bar(
            y=list(range(len(labels))), x=numbers, orientation="h", name=names.get(kind, kind), marker_color=colour,
            customdata=[name(label, 100) for label in labels], hovertemplate=f"%{{customdata}}: %{{x:,}} {names.get(kind, kind)}<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(len(labels))),
        ticktext=[name(label) for label in labels],
        autorange="reversed",
        showgrid=False,
    )
    return figure


def verdicts(frame: pd.DataFrame) -> Figure:
    """Images of each class by what was decided. Columns class, verdict (keep, undecided, reject), images."""
    names = {"keep": "kept", "undecided": "undecided", "reject": "rejected"}
    return _stacked(frame, "verdict", VERDICTS, "Pictures of each class", names)


def parts(frame: pd.DataFrame) -> Figure:
    """Images of each class by part of the split. Columns class, part (train, val, test), images."""
    names = {"train": "to learn from (train)", "val": "to choose by (validation)", "test": "to test with (test)"}
    return _stacked(frame, "part", PARTS, "Pictures of each class and part", names)


CURVES = {  # what -> title, unit
    "loss": ("Loss on validation (lower is better)", "cross-entropy, nats"),
    "accuracy": ("Accuracy on validation (higher is better)", "share of pictures named rightly"),
    "macro_f1": ("Macro F1 on validation (higher is better)", "mean over the classes"),
}


def curve(frame: pd.DataFrame, what: str, expected: int = 0) -> Figure:
    """One figure over the epochs: one colour a run, full line = validation, dotted = train, a ring = the best epoch.

    Columns run, epoch (from 1), part (train, validation), value, best (whether a run's best epoch so far is this one),
    place (of the run among those shown, for its colour).
    `what` is a key of CURVES; `expected` is how many runs there will be, for whose names room is left. From the ninth run
    on colours come again, on broken lines.
    """
    title, unit = CURVES[what]
    names = max(expected, len(set(frame["run"])))
    figure = _figure(title, 372 + 20 * max(0, names - 2), x="epoch", y=unit)
    figure.update_layout(hovermode="x unified", uirevision=what)  # a curve that was pressed away stays away
    shown = "%{y:.3f}" if what == "loss" else "%{y:.1%}"
    for run, rows in frame.groupby("run", sort=False):
        i = int(rows["place"].iloc[0])
        colour, called = SERIES[i % len(SERIES)], name(str(run))
        for part, dash in (("train", "dot"), ("validation", "solid" if i < len(SERIES) else "dash")):
            line = rows[rows["part"] == part]
            if not len(line):
                continue
            best = [9 if one else (6 if len(line) < 3 else 0) for one in line["best"] & (part == "validation")]
            figure.add_scatter(
                x=line["epoch"], y=line["value"], mode="lines+markers", name=called if part == "validation" else f"{called}, train", legendgroup=called, showlegend=part == "validation" and names > 1,
                line={"color": colour, "dash": dash, "width": 2 if part == "validation" else 1.5},
                marker={"size": best, "symbol": "circle-open" if max(best) == 9 else "circle", "line": {"width": 2, "color": colour}, "color": colour},
                hovertemplate=shown, cliponaxis=False,
            )  # fmt: skip
    figure.update_xaxes(rangemode="tozero", dtick=1 if len(set(frame["epoch"])) <= 12 else None)
    if not len(frame):
        figure.update_xaxes(range=[0, 5])
        figure.update_yaxes(range=[0, 1], showticklabels=what != "loss")  # a loss has no upper end to draw
        figure.add_annotation(
            text="No epoch has this figure yet.", showarrow=False, xref="paper", yref="paper", x=0.5, y=0.5
        )
    if what != "loss":
        figure.update_yaxes(tickformat=".0%")
    return figure


COSTS = {  # what a model costs -> title of the axis, how a value is written
    "latency": ("milliseconds for one picture", "%{x:,.1f} ms"),
    "bytes": ("megabytes on disk", "%{x:,.1f} MB"),
    "parameters": ("million parameters", "%{x:,.2f} million"),
}


def trade(frame: pd.DataFrame, cost: str) -> Figure:
    """What accuracy costs: each run's, with its 95 % interval, against its latency, size or parameters.

    Columns run, cost (in the unit of COSTS), accuracy, low, high (0..1), place (of the run among those compared, for the
    colour that its curve has). Where costs are far apart, the axis is logarithmic.
    """
    title, written = COSTS[cost]
    figure = _figure(
        "Accuracy against cost: best is up and to the left",
        372 + 20 * max(0, len(frame) - 2),
        x=title,
        y="validation accuracy",
    )
    for run, at, accuracy, low, high, place in frame[["run", "cost", "accuracy", "low", "high", "place"]].values:
        colour = SERIES[place % len(SERIES)]
        figure.add_scatter(
            x=[at], y=[accuracy], mode="markers", name=name(str(run)),
            marker={"size": 11, "color": colour, "symbol": "circle" if place < len(SERIES) else "diamond"},
            error_y={"type": "data", "symmetric": False, "array": [high - accuracy], "arrayminus": [accuracy - low],
                     "color": colour, "thickness": 1.5, "width": 5},
            customdata=[[name(str(run), 60), low, high]],
            hovertemplate=f"%{{customdata[0]}}<br>%{{y:.1%}} (%{{customdata[1]:.1%}} to %{{customdata[2]:.1%}})<br>{written}<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(tickformat=".0%")
    costs = list(frame["cost"])
    if costs and min(costs) > 0 and max(costs) > 20 * min(costs):
        low, high = min(costs) / 1.3, max(costs) * 1.3  # room for the points at both ends
        at = marks(low, high)
        figure.update_xaxes(type="log", range=[math.log10(low), math.log10(high)])
        figure.update_xaxes(tickvals=at, ticktext=[f"{value:,.10g}" for value in at])
    else:
        figure.update_xaxes(rangemode="tozero")
    return figure


def marks(low: float, high: float) -> list[float]:
    """Round numbers between the two, for a logarithmic axis: three or more, where they are half a decade apart or further."""
    tens = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: list[float] = []
    for digits in ((1,), (1, 2, 5), (1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)):
        every = (float(f"{digit}e{ten}") for ten in tens for digit in digits)
        found = [value for value in every if low <= value <= high]
        if len(found) >= 3:
            break
    return found


def rates(rates: Sequence[float], losses: Sequence[float], chosen: float | None) -> Figure:
    """The loss while the learning rate rises from step to step, and the rate that was chosen by it."""
    figure = _figure("The loss while the learning rate rises", 300, x="learning rate", y="cross-entropy, nats")
    figure.add_scatter(
        x=list(rates), y=list(losses), mode="lines", line={"color": TEAL, "width": 2}, showlegend=False,
        hovertemplate="rate %{x:.2g}: loss %{y:.3f}<extra></extra>",
    )  # fmt: skip
    if chosen:
        figure.add_vline(x=chosen, line={"color": AMBER, "dash": "dot"})
        figure.add_annotation(
            x=math.log10(chosen), y=1, yref="paper", text=f"{chosen:g}", showarrow=False, xanchor="left", xshift=4
        )
    figure.update_xaxes(type="log", dtick=1, exponentformat="power")
    return figure


def scores(frame: pd.DataFrame) -> Figure:
    """Accuracy of each model with its 95 % interval. Columns model, accuracy, low, high (0..1)."""
    import numpy as np

    figure = _figure("Accuracy, with the 95 % interval", 110 + 34 * len(frame), x="share of pictures named rightly")
    figure.add_scatter(
        y=[name(model) for model in frame["model"]], x=frame["accuracy"], mode="markers", marker={"size": 11, "color": TEAL},
        error_x={"type": "data", "symmetric": False, "array": frame["high"] - frame["accuracy"],
                 "arrayminus": frame["accuracy"] - frame["low"], "color": GREY, "thickness": 2, "width": 6},
        customdata=frame[["low", "high"]], hovertemplate="%{x:.1%} (%{customdata[0]:.1%} to %{customdata[1]:.1%})<extra></extra>",
    )  # fmt: skip
    width = float(np.ptp(frame[["low", "high"]].to_numpy()))
    figure.update_xaxes(tickformat=".0%", dtick=_step(width))
    figure.update_yaxes(autorange="reversed")
    return figure


def _step(width: float) -> float:
    """Between two ticks of an axis of shares: whole per cents, so that none stands there twice."""
    return next((step for step in (0.01, 0.02, 0.05, 0.1) if width <= 6 * step), 0.2)


Share = Literal["", "row", "column"]


def confusion(counts: Sequence[Sequence[int]], classes: Sequence[str], share: Share, dark: bool) -> Figure:
    """(C, C) counts, a row per true class, as a heat map; with `share` each row, or column, is divided by its sum.

    Every cell carries an unseen point (heat maps cannot be clicked in Streamlit) whose customdata is [row, column].
    """
    import numpy as np

    table = np.asarray(counts, dtype=float)
    along = {"row": 1, "column": 0}
    values = table / np.maximum(table.sum(axis=along[share], keepdims=True), 1) if share else table
    size, ticks = len(classes), list(range(len(classes)))
    cell = max(18, min(64, 620 // max(size, 1)))
    figure = _figure("Confusion: true class against what the model said", 150 + cell * size, x="said", y="true class")
    figure.update_layout(hoverdistance=-1)  # wherever it is pressed, the nearest cell is meant
    figure.add_heatmap(
        z=values, colorscale=SCALES[dark], zmin=0, zmax=1 if share else max(float(table.max(initial=0)), 1), showscale=False, xgap=2, ygap=2, hoverinfo="skip",
        texttemplate=("%{z:.0%}" if share else "%{z:.0f}") if size <= 20 else None,
    )  # fmt: skip
    rows, columns = np.divmod(np.arange(size * size), max(size, 1))
    figure.add_scatter(
        x=columns, y=rows, mode="markers", marker={"size": cell * 0.9, "symbol": "square", "opacity": 0}, showlegend=False,
        customdata=[[int(r), int(c), int(table[r, c]), name(classes[int(r)], 60), name(classes[int(c)], 60), values[r, c]] for r, c in zip(rows, columns, strict=True)],
        hovertemplate="true %{customdata[3]}, said %{customdata[4]}: %{customdata[2]:,} pictures"
        + (f", %{{customdata[5]:.1%}} of the {share}" if share else "") + "<extra></extra>",
        selected={"marker": {"opacity": 0}}, unselected={"marker": {"opacity": 0}},
    )  # fmt: skip
    labels = [name(label, 16) for label in classes]
    figure.update_xaxes(tickvals=ticks, ticktext=labels, showgrid=False, zeroline=False, range=[-0.5, size - 0.5])
    figure.update_xaxes(autotickangles=[0, 90])  # slanted ones on a narrow screen would lose the last names
    figure.update_yaxes(tickvals=ticks, ticktext=labels, showgrid=False, zeroline=False, range=[size - 0.5, -0.5])
    return figure


def probabilities(frame: pd.DataFrame, most: int = 5) -> Figure:
    """What each model says of one picture: the likeliest `most` classes. Columns model, class, probability (0..1)."""
    said = {(row[0], row[1]): float(row[2]) for row in frame[["model", "class", "probability"]].itertuples(index=False)}
    models = list(dict.fromkeys(model for model, _ in said))
    best: dict[str, float] = {}
    for (_, label), p in said.items():
        best[label] = max(p, best.get(label, 0.0))
    top = sorted(best, key=lambda label: -best[label])[:most]
    figure = _figure(
        "How sure each model is",
        130 + len(top) * (14 + 11 * len(models)),
        x="calibrated probability",
        barmode="group",
        bargap=0.25,
    )
    for i, model in enumerate(models):
        figure.add_bar(
            y=list(range(len(top))), x=[said.get((model, label), 0.0) for label in top], orientation="h", name=name(model), marker_color=SERIES[i % len(SERIES)],
            hovertemplate=f"{name(model)}: %{{x:.1%}}<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    figure.update_yaxes(
        tickvals=list(range(len(top))), ticktext=[name(label) for label in top], autorange="reversed", showgrid=False
    )
    return figure


def faithful(frame: pd.DataFrame, of: Sequence[str]) -> Figure:
    """How faithful explanations are: a dot with its interval for each, a colour for each model of `of`.

    Columns model, explainer (as shown), value, low, high: insertion less deletion, -1..1. Best at the top.
    """
    explainers = list(dict.fromkeys(frame.sort_values("value", ascending=False)["explainer"]))
    models = [model for model in of if model in set(frame["model"])]
    figure = _figure(
        "How well each map names the pixels that matter",
        120 + len(explainers) * (18 + 12 * len(models)),
        x="insertion less deletion, -1 to 1",
    )
    for i, model in enumerate(models):
        rows = frame[frame["model"] == model]
        figure.add_scatter(
            y=[explainers.index(one) - (i - (len(models) - 1) / 2) * -0.22 for one in rows["explainer"]], x=rows["value"],
            mode="markers", name=name(str(model)), marker={"color": SERIES[i % len(SERIES)], "size": 10},
            error_x={"type": "data", "symmetric": False, "array": rows["high"] - rows["value"], "arrayminus": rows["value"] - rows["low"],
                     "color": SERIES[i % len(SERIES)], "thickness": 2, "width": 0},
            customdata=list(zip(rows["explainer"], rows["low"], rows["high"], strict=True)), showlegend=len(models) > 1,
            hovertemplate=f"{name(str(model))}, %{{customdata[0]}}: %{{x:.2f}} (%{{customdata[1]:.2f}} to %{{customdata[2]:.2f}})<extra></extra>",
        )  # fmt: skip
    figure.add_vline(0, line={"color": GREY, "width": 1, "dash": "dot"})
    figure.update_yaxes(
        tickvals=list(range(len(explainers))), ticktext=explainers, range=[len(explainers) - 0.5, -0.5], showgrid=False,
        zeroline=False,
    )  # fmt: skip
    figure.update_xaxes(zeroline=False)
    return figure


def heat(values: np.ndarray, pixels: np.ndarray | None = None) -> np.ndarray:
    """(S, S) evidence -> (S, S, 3) uint8: teal speaks for the class, rust against it, white says nothing.

    The scale ends at the 99.5th percentile of |evidence|. `pixels`, (S, S, 3) uint8, is laid under it in grey.
    """
    import numpy as np

    from core.explain import evened

    strength = evened(values)[..., None]
    under = np.full((*values.shape, 3), 255.0)
    if pixels is not None:
        under = (255 - (255 - pixels.mean(axis=2, keepdims=True)) * 0.45).repeat(3, axis=2)
    colour = np.where(strength >= 0, np.array([15, 118, 110.0]), np.array([190, 70, 20.0]))
    weight = np.abs(strength) ** 0.7
    return (under * (1 - weight) + colour * weight).round().astype(np.uint8)
