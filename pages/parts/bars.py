"""What became of candidates, as bars of plain HTML: drawn anew every few seconds, each keeps its place."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence

import streamlit as st

from pages.parts.charts import GREY, RUST, TEAL

WORDS = {"fetched": "new", "duplicate": "already there", "failed": "failed", "pending": "still to fetch"}
COLOURS = {
    "fetched": TEAL, "duplicate": GREY, "failed": RUST,
    "pending": "color-mix(in srgb, currentColor 15%, transparent)",
}  # fmt: skip
ROW = 26  # px a row takes
TALL = 12  # rows; more of them scroll inside a box, so that what stands below keeps its place
REST = re.compile(r"[\d,]+ more class(es)?")  # the row of core.scrape.tally for all that have no row of their own

ENDING = 8  # characters at the end of a name that are never cut: "Air Jordan 11" and "Air Jordan 12" begin alike

NAME = """<style>
.cut { display: flex; overflow: hidden; white-space: pre; }
.cut s { text-decoration: none; overflow: hidden; text-overflow: ellipsis; }
.cut em { font-style: normal; flex: none; }
</style>"""
STYLE = (
    NAME
    + """<style>
.tallied { display: grid; grid-template-columns: minmax(3rem, max-content) 1fr auto; column-gap: 0.6rem;
  font-size: 0.8rem; line-height: 26px; }
.tallied > div { display: contents; }
.tallied span { max-width: 11rem; }
.tallied b { font-weight: 400; text-align: right; font-variant-numeric: tabular-nums; min-width: 6em; }
.tallied i { align-self: center; height: 16px; display: flex; border-radius: 3px; overflow: hidden; }
.tallied u { display: block; height: 100%; }
.legend { font-size: 0.8rem; margin: 0; display: flex; flex-wrap: wrap; column-gap: 1rem; }
.legend i { display: inline-block; width: 0.7em; height: 0.7em; border-radius: 2px; margin-right: 0.4em; }
@media (max-width: 640px) { .tallied span { max-width: 7rem; } }
</style>"""
)


def legend() -> None:
    """What the colours mean."""
    marks = (f'<span><i style="background:{colour}"></i>{WORDS[status]}</span>' for status, colour in COLOURS.items())
    st.html(f'{STYLE}<p class="legend">{"".join(marks)}</p>')


def draw(rows: Mapping[str, Mapping[str, int]], title: str, key: str) -> None:
    """Name -> status -> how many, in their order: a bar for each."""
    st.markdown(f"**{title}** :small[:gray[(new of found)]]")
    with st.container(height=ROW * TALL + 8 if len(rows) > TALL else "content", border=False, key=key):
        st.html(STYLE + table(rows))


def table(rows: Mapping[str, Mapping[str, int]]) -> str:
    """The longest bar takes all the room there is. What sums up many classes has no bar: it would leave none to others."""
    longest = max((sum(row.values()) for name, row in rows.items() if not REST.fullmatch(name)), default=0)
    return f'<div class="tallied" role="list">{"".join(_row(name, row, longest) for name, row in rows.items())}</div>'


def _row(name: str, row: Mapping[str, int], longest: int) -> str:
    said = ", ".join(f"{row.get(status, 0):,} {word}" for status, word in WORDS.items())
    parts = "" if REST.fullmatch(name) else "".join(
        f'<u style="background:{colour};width:{100 * row[status] / longest:.2f}%"></u>'
        for status, colour in COLOURS.items() if row.get(status)
    )  # fmt: skip
    return (
        f'<div role="listitem" title="{html.escape(name)}: {said}"><span class="cut">{cut(name)}</span><i>{parts}</i>'
        f"<b>{row.get('fetched', 0):,} of {sum(row.values()):,}</b></div>"
    )


def cut(name: str) -> str:
    """A name as HTML for an element of the class `cut`, which leaves out the middle of what is too long."""
    return f"<s>{html.escape(name[:-ENDING])}</s><em>{html.escape(name[-ENDING:])}</em>"


def ordered(rows: Mapping[str, Mapping[str, int]], names: Sequence[str]) -> dict[str, Mapping[str, int]]:
    """In the order of `names`, so that no bar changes its place while numbers grow; other names come after them."""
    place = {name: number for number, name in enumerate(names)}
    return dict(sorted(rows.items(), key=lambda item: place.get(item[0], len(place))))
