from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pages.parts import charts


def test_a_class_name_is_escaped_and_cut_because_plotly_reads_html() -> None:
    assert charts.name("<a href='x'>b</a>") == "&lt;a href='x'&gt;b&lt;/a&gt;"
    assert charts.name("mobilenetv2_100:head=bn-dropout (run 7)") == "mobilenetv2_1…ropout (run 7)"
    assert charts.name("x" * 28) == "x" * 28


def test_verdicts_keep_the_order_of_the_classes_and_every_image() -> None:
    frame = pd.DataFrame(
        [("suv", "keep", 5), ("suv", "reject", 2), ("coupe", "undecided", 3)], columns=["class", "verdict", "images"]
    )
    figure = charts.verdicts(frame)
    assert {bar.name: list(bar.x) for bar in figure.data} == {"kept": [5, 0], "undecided": [0, 3], "rejected": [2, 0]}
    assert list(figure.layout.yaxis.ticktext) == ["suv", "coupe"]
    assert figure.layout.yaxis.autorange == "reversed"


def test_parts_without_a_picture_draw_no_bar() -> None:
    frame = pd.DataFrame([("suv", "train", 5), ("suv", "val", 0)], columns=["class", "part", "images"])
    assert [bar.name for bar in charts.parts(frame).data] == ["to learn from (train)"]


def curves(runs: list[str], epochs: int = 3, best: int = 2) -> pd.DataFrame:
    return pd.DataFrame([(run, epoch, part, 0.5, epoch == best, place) for place, run in enumerate(runs) for epoch in range(1, epochs + 1)
                         for part in ("train", "validation")], columns=["run", "epoch", "part", "value", "best", "place"])  # fmt: skip


def test_curves_have_one_colour_for_a_run_and_a_dotted_line_for_train() -> None:
    lines = charts.curve(curves(["a", "b"]), "accuracy").data
    assert [(line.name, line.line.dash) for line in lines] == [
        ("a, train", "dot"), ("a", "solid"), ("b, train", "dot"), ("b", "solid")]  # fmt: skip
    assert lines[0].line.color == lines[1].line.color != lines[2].line.color
    assert [line.showlegend for line in lines] == [False, True] * 2
    assert lines[0].legendgroup == lines[1].legendgroup, "one press takes both away"


def test_a_ring_marks_the_best_epoch_of_validation_alone() -> None:
    train, validation = charts.curve(curves(["a"], epochs=4, best=3), "loss").data
    assert list(validation.marker.size) == [0, 0, 9, 0]
    assert not any(train.marker.size)


def test_points_have_the_colour_of_their_run_and_are_whole_at_the_edge() -> None:
    for line in charts.curve(curves(["a", "b"], epochs=1, best=1), "accuracy").data:
        assert line.marker.line.color == line.marker.color == line.line.color
        assert line.cliponaxis is False


def test_the_ninth_run_has_the_colour_of_the_first_on_a_broken_line() -> None:
    lines = [line for line in charts.curve(curves([f"r{i}" for i in range(9)]), "loss").data if line.showlegend]
    assert lines[8].line.color == lines[0].line.color
    assert (lines[0].line.dash, lines[8].line.dash) == ("solid", "dash")


def test_curves_keep_their_height_while_the_runs_of_a_job_begin_one_by_one() -> None:
    heights = {charts.curve(curves([f"r{i}" for i in range(n)]), "accuracy", 6).layout.height for n in (0, 1, 3, 6)}
    assert len(heights) == 1


def test_macro_f1_is_drawn_as_a_share_and_loss_as_it_is() -> None:
    assert charts.curve(curves(["a"]), "macro_f1").layout.yaxis.tickformat == ".0%"
    assert charts.curve(curves(["a"]), "loss").layout.yaxis.tickformat is None


def test_curves_of_nothing_are_an_empty_chart_that_says_so() -> None:
    figure = charts.curve(curves([]), "loss")
    assert not figure.data
    assert "No epoch has this figure yet" in figure.layout.annotations[0].text
    assert charts.curve(curves([]), "accuracy").layout.yaxis.range == (0, 1)


def trade(*costs: float) -> pd.DataFrame:
    rows = [(f"<b>r{i}", cost, 0.8, 0.7, 0.85, 2 * i) for i, cost in enumerate(costs)]
    return pd.DataFrame(rows, columns=["run", "cost", "accuracy", "low", "high", "place"])


def test_accuracy_against_cost_has_intervals_and_the_colours_of_the_curves() -> None:
    first, second = charts.trade(trade(2, 5), "latency").data
    assert [first.error_y.array[0], first.error_y.arrayminus[0]] == pytest.approx([0.05, 0.1])
    assert (first.marker.color, second.marker.color) == (charts.SERIES[0], charts.SERIES[2])
    assert first.name == "&lt;b&gt;r0"


def test_costs_far_apart_are_drawn_on_a_logarithmic_axis() -> None:
    assert charts.trade(trade(1, 19), "bytes").layout.xaxis.type is None
    assert charts.trade(trade(1, 21), "bytes").layout.xaxis.type == "log"
    assert charts.trade(trade(0, 21), "bytes").layout.xaxis.type is None, "nothing is at 0 on such an axis"
    assert not charts.trade(trade(), "bytes").data


@pytest.mark.parametrize("decades", [0.5, 1, 1.4, 2, 3, 4])
@pytest.mark.parametrize("low", [0.0123, 1, 3.3, 600])
def test_a_logarithmic_axis_carries_three_numbers_or_more_and_not_too_many(low: float, decades: float) -> None:
    high = low * 10**decades
    at = charts.marks(low, high)
    assert 3 <= len(at) <= 9
    assert all(low <= value <= high for value in at)


def test_the_numbers_on_a_logarithmic_axis_are_written_out() -> None:
    axis = charts.trade(trade(4, 90), "latency").layout.xaxis
    assert list(axis.ticktext) == ["5", "10", "20", "50", "100"]
    assert axis.range[0] < 0.7 and axis.range[1] > 1.95


def test_intervals_reach_from_low_to_high() -> None:
    frame = pd.DataFrame([("vgg75-bn", 0.8, 0.7, 0.85)], columns=["model", "accuracy", "low", "high"])
    bars = charts.scores(frame).data[0].error_x
    assert [list(bars.array), list(bars.arrayminus)] == [pytest.approx([0.05]), pytest.approx([0.1])]


@pytest.mark.parametrize("dark", [False, True])
def test_a_confusion_row_sums_to_one_as_shares_and_an_empty_row_to_none(dark: bool) -> None:
    figure = charts.confusion([[3, 1], [0, 0]], ["a", "b"], share="row", dark=dark)
    assert np.asarray(figure.data[0].z).tolist() == [[0.75, 0.25], [0, 0]]


def test_every_cell_of_the_confusion_can_be_pressed_and_knows_its_row_and_column() -> None:
    cells = charts.confusion([[3, 1], [2, 4]], ["a", "b"], share="", dark=False).data[1]
    assert [(point[0], point[1], point[2]) for point in cells.customdata] == [
        (0, 0, 3),
        (0, 1, 1),
        (1, 0, 2),
        (1, 1, 4),
    ]
    assert list(zip(cells.y, cells.x, strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_a_hundred_classes_are_drawn_without_numbers_in_the_cells() -> None:
    figure = charts.confusion(np.eye(100).tolist(), [str(i) for i in range(100)], share="", dark=False)
    assert figure.data[0].texttemplate is None
    assert len(figure.data[1].x) == 10_000


def test_probabilities_show_the_likeliest_classes_first_for_every_model() -> None:
    frame = pd.DataFrame([(model, f"c{i}", p) for model in ("m", "average") for i, p in enumerate((0.1, 0.6, 0.05, 0.25))],
                         columns=["model", "class", "probability"])  # fmt: skip
    figure = charts.probabilities(frame, most=2)
    assert list(figure.layout.yaxis.ticktext) == ["c1", "c3"]
    assert [(bar.name, list(bar.x)) for bar in figure.data] == [("m", [0.6, 0.25]), ("average", [0.6, 0.25])]


def test_heat_is_teal_for_rust_against_and_white_where_nothing_speaks() -> None:
    values = np.zeros((10, 10), np.float32)
    values[0, 0], values[0, 1] = 2.0, -2.0
    shown = charts.heat(values)
    assert shown.dtype == np.uint8
    assert shown.shape == (10, 10, 3)
    assert shown[5, 5].tolist() == [255, 255, 255]
    assert shown[0, 0, 1] > shown[0, 0, 0]
    assert shown[0, 1, 0] > shown[0, 1, 1]


def test_heat_of_nothing_at_all_is_white() -> None:
    assert (charts.heat(np.zeros((4, 4), np.float32)) == 255).all()


def test_explanations_stand_with_the_most_faithful_one_first_and_a_colour_for_each_model() -> None:
    rows = [
        ("b", "SHAP", 0.5, 0.4, 0.6),
        ("b", "Grad-CAM", 0.1, 0.0, 0.2),
        ("<a>", "Grad-CAM", 0.2, 0.1, 0.4),
        ("<a>", "SHAP", 0.3, 0.2, 0.4),
    ]
    figure = charts.faithful(pd.DataFrame(rows, columns=["model", "explainer", "value", "low", "high"]), ["<a>", "b"])
    assert list(figure.layout.yaxis.ticktext) == ["SHAP", "Grad-CAM"]
    first, second = figure.data
    assert (first.name, second.name) == ("&lt;a&gt;", "b") and first.marker.color != second.marker.color
    assert list(first.x) == [0.2, 0.3] and list(first.error_x.array) == pytest.approx([0.2, 0.1])
    assert list(first.error_x.arrayminus) == pytest.approx([0.1, 0.1])
    assert all(round(y) == place for y, place in zip(first.y, [1, 0], strict=True)), "each on its explainer's line"
    assert first.y[0] != second.y[1], "beside the other model's"
