"""The pictures fetched last, in cells that stay where they are whatever their shape."""

from __future__ import annotations

import html
from base64 import b64encode

import streamlit as st

from core.errors import Missing
from core.model import ImageRecord, Project
from pages.parts import bars, house

MOST = 12
STYLE = """<style>
.latest { display: grid; grid-template-columns: repeat(6, 1fr); gap: 0.5rem; }
.latest a, .latest section { display: block; margin: 0; color: inherit; text-decoration: none; min-width: 0; }
.latest div { height: 6rem; border-radius: 0.35rem; overflow: hidden;
  background: color-mix(in srgb, currentColor 5%, transparent); }
.latest img { width: 100%; height: 100%; object-fit: contain; }
.latest span { height: 1.4em; font-size: 0.75rem; line-height: 1.4; opacity: 0.75;
  justify-content: center; }
@media (max-width: 640px) { .latest { grid-template-columns: repeat(4, 1fr); } .latest div { height: 4.5rem; } }
</style>"""


def show(project: Project, more: bool = False) -> None:
    """The last dozen, newest first, each linked to its place in the review; with `more` to come, empty cells for them."""
    records = house.store().latest(project.id, MOST)
    if not records and not more:
        st.caption("Pictures appear here as soon as the first one is fetched.")
        return
    empty = '<section><div></div><span class="cut"></span></section>' * (MOST - len(records)) if more else ""
    st.html(f'{bars.NAME}{STYLE}<div class="latest">{"".join(_cell(record) for record in records)}{empty}</div>')


def _cell(record: ImageRecord) -> str:
    label = html.escape(record.label)
    try:
        data = b64encode(house.blobs().thumb(record.facts.sha256)).decode()
    except Missing as error:
        inside = html.escape(str(error))
    else:
        inside = f'<img src="data:image/jpeg;base64,{data}" alt="{label}, picture {record.id}">'
    link = html.escape(house.address("review", ids=str(record.id), show="any"))
    return f'<a href="{link}" title="{label}"><div>{inside}</div><span class="cut">{bars.cut(record.label)}</span></a>'
