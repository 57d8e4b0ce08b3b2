"""The validation pictures that a model gets most wrong, in cells that stay where they are."""

from __future__ import annotations

import html
import io
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.errors import Missing
from core.model import Box, ImageRecord, Project, Run
from pages.parts import bars, house

MOST = 12
STYLE = """<style>
.worst { display: grid; grid-template-columns: repeat(6, 1fr); gap: 0.75rem 0.5rem; }
.worst a, .worst a:hover { display: block; color: inherit; text-decoration: none; min-width: 0; }
.worst div { height: 6rem; border-radius: 0.35rem; overflow: hidden; background: color-mix(in srgb, currentColor 5%, transparent); }
.worst a:hover div { outline: 2px solid color-mix(in srgb, currentColor 40%, transparent); }
.worst img { width: 100%; height: 100%; object-fit: contain; }
.worst p { margin: 0; font-size: 0.75rem; line-height: 1.45; height: 1.45em; white-space: nowrap; overflow: hidden; justify-content: flex-start; }
.worst p + p { opacity: 0.75; }
.st-key-worst-later { min-height: 1.625rem; }
.worst p b { font-weight: 600; flex: none; }
@media (max-width: 640px) { .st-key-worst-later { min-height: 5.4rem; } .worst { grid-template-columns: repeat(3, 1fr); } .worst div { height: 5.5rem; } }
</style>"""


def show(project: Project, run: Run, name: str, boxes: Mapping[int, Box]) -> None:
    """Those of its last epoch, the worst first, each linked to its place in the review; nothing where none are known.

    `boxes`: what of each picture the model saw, where that is not all of it.
    """
    last, best = run.epochs[-1], run.result.get("best_epoch")
    rows = last.get("worst", [])[:MOST]
    if not rows:
        return
    late = f", its last one; the model is that of epoch {best}" if best not in (None, last["epoch"]) else ""
    records = {r.id: r for r in house.store().images_by_id(project.id, [row["image"] for row in rows])}
    rows = [row for row in rows if row["image"] in records]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(
            f"**{heading(len(rows))}** · {house.text(name, 60)}, epoch {last['epoch']}{late}",
            help="The validation pictures with the highest loss: the model was surest of something else. Each shows its "
            "class, what the model said, and the chance that it gave the truth. Often the class is wrong, not the model.",
        )
        house.link("review", "Review these", ids=",".join(str(row["image"]) for row in rows), show="any")
    cells = "".join(_cell(row, records[row["image"]], boxes.get(row["image"])) for row in rows)
    st.html(f'{bars.NAME}{STYLE}<div class="worst">{cells}</div>')


def later() -> None:
    """Their places, as long as the first epoch is under way: what stands below does not move when they come."""
    with st.container(horizontal=True, vertical_alignment="center", key="worst-later"):
        st.markdown("**The worst validation pictures** · after the first epoch")
    st.html(f'{STYLE}<div class="worst">{"<a><div></div><p></p><p></p><p></p></a>" * MOST}</div>')


def heading(number: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    return "The worst validation picture" if number == 1 else f"The {words[number]} worst validation pictures"


def _cell(row: Mapping[str, Any], record: ImageRecord, box: Box | None) -> str:
    label, said = str(row["label"]), str(row["said"])
    try:
        thumb = house.blobs().thumb(record.facts.sha256)
    except Missing as error:
        inside = html.escape(str(error))
    else:
        data = b64encode(_seen(thumb, record.facts.width, box) if box else thumb).decode()
        inside = f'<img src="data:image/jpeg;base64,{data}" alt="{html.escape(label)}, picture {record.id}">'
    link = html.escape(house.address("review", ids=str(record.id), show="any"))
    answer = "said so" if said == label else "said"
    called = "" if said == label else bars.cut(said)
    title = html.escape(f"It is {label}; the model said {said} and gave the truth {chance(row['chance'])}.")
    return (
        f'<a href="{link}" title="{title}"><div>{inside}</div><p class="cut"><b>{bars.cut(label)}</b></p>'
        f'<p class="cut">{answer}&nbsp;{called}</p><p>{html.escape(chance(row["chance"]))} for the truth</p></a>'
    )


def chance(share: float) -> str:
    """`12%`, `0.3%`, and never a plain 0%: `<0.1%`."""
    return f"{share:.0%}" if share >= 0.01 else f"{share:.1%}" if share >= 0.001 else "<0.1%"


def _seen(thumb: bytes, width: int, box: Box) -> bytes:
    """The part of the thumbnail, of a picture `width` px wide, that the box (px of the picture) holds, as JPEG."""
    from PIL import Image

    with Image.open(io.BytesIO(thumb)) as opened:
        scale = opened.width / width
        left, top, right, bottom = (round(side * scale) for side in box)
        part = opened.convert("RGB").crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    out = io.BytesIO()
    part.save(out, "JPEG", quality=85)
    return out.getvalue()
