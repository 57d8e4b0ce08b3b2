from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pages.parts import charts


def test_a_class_name_is_escaped_and_cut_because_plotly_reads_html() -> None:
    assert charts.name("<a href='x'>b</a>") == "&lt;a href='x'&gt;b&lt;/a&gt;"
    assert charts.name("x" * 40) == "x" * 27 + "…"


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


def test_curves_have_one_colour_for_a_run_and_a_dotted_line_for_train() -> None:
    frame = pd.DataFrame([(run, epoch, part, 0.5) for run in ("a", "b") for epoch in (1, 2, 3) for part in ("train", "validation")],
                         columns=["run", "epoch", "part", "value"])  # fmt: skip
    lines = charts.curve(frame, "accuracy").data
    assert [(line.name, line.line.dash) for line in lines] == [
        ("a, train", "dot"), ("a, validation", "solid"), ("b, train", "dot"), ("b, validation", "solid")]  # fmt: skip
    assert lines[0].line.color == lines[1].line.color != lines[2].line.color


def test_curves_of_nothing_are_an_empty_chart() -> None:
    assert not charts.curve(pd.DataFrame(columns=["run", "epoch", "part", "value"]), "loss").data


def test_intervals_reach_from_low_to_high() -> None:
    frame = pd.DataFrame([("vgg75-bn", 0.8, 0.7, 0.85)], columns=["model", "accuracy", "low", "high"])
    bars = charts.scores(frame).data[0].error_x
    assert [list(bars.array), list(bars.arrayminus)] == [pytest.approx([0.05]), pytest.approx([0.1])]


@pytest.mark.parametrize("dark", [False, True])
def test_a_confusion_row_sums_to_one_as_shares_and_an_empty_row_to_none(dark: bool) -> None:
    figure = charts.confusion([[3, 1], [0, 0]], ["a", "b"], share=True, dark=dark)
    assert np.asarray(figure.data[0].z).tolist() == [[0.75, 0.25], [0, 0]]


def test_every_cell_of_the_confusion_can_be_pressed_and_knows_its_row_and_column() -> None:
    cells = charts.confusion([[3, 1], [2, 4]], ["a", "b"], share=False, dark=False).data[1]
    assert [(point[0], point[1], point[2]) for point in cells.customdata] == [
        (0, 0, 3),
        (0, 1, 1),
        (1, 0, 2),
        (1, 1, 4),
    ]
    assert list(zip(cells.y, cells.x, strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_a_hundred_classes_are_drawn_without_numbers_in_the_cells() -> None:
    figure = charts.confusion(np.eye(100).tolist(), [str(i) for i in range(100)], share=False, dark=False)
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
