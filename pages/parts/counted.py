"""How many rows a table, a folder or an archive has of each label, before anything of it is fetched."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from pages.parts import house

FEW = 40  # labels that are shown in one list, all of them
ENDS = 10  # labels at either end of more


def labels(found: Mapping[str, Any]) -> None:
    """Of few labels each, of many the ends and how they are spread."""
    said = f"**{house.count(found['rows'], 'row')}** with **{house.count(found['labels'], 'label')}**"
    wrong = found["unusable"]
    st.markdown(f"{said}; {house.count(wrong, 'row')} cannot be used." if wrong else f"{said}.")
    if found["labels"] <= FEW:
        if rows := [(row["label"], row["rows"]) for row in found["some"]]:
            _bars(rows, "label", "rows", max(number for _, number in rows))
        return
    most, least, spread = st.columns(3)
    largest = max(number for _, number in found["most"])
    with most:
        st.markdown("**Most frequent**")
        _bars(found["most"][:ENDS], "label", "rows", largest)
    with least:
        st.markdown("**Least frequent**")
        _bars(found["least"][:ENDS], "label", "rows", largest)
    with spread:
        st.markdown("**How they are spread**")
        sizes = list(itertools.dropwhile(lambda size: not size[1], found["sizes"]))
        _bars(sizes, "rows of a label", "labels", max(number for _, number in sizes))


def _bars(rows: Sequence[tuple[str, int]], name: str, number: str, largest: int) -> None:
    """Bars that carry their number, in the order given; the table behind them can be sorted, searched and read aloud."""
    st.dataframe(
        pd.DataFrame(rows, columns=[name, number]), hide_index=True, height="content" if len(rows) <= 15 else 540,
        column_config={
            name: st.column_config.TextColumn(name),
            number: st.column_config.ProgressColumn(number, format="localized", min_value=0, max_value=largest),
        },
    )  # fmt: skip
