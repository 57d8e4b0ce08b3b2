"""What of an evaluation's report is drawn: the confusion matrix, confidence, the worst mistakes as small pictures."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core import sheet
from core.errors import Missing
from core.evaluate.confusion import most_confused, pairs
from core.model import Answer, Evaluation, Project

if TYPE_CHECKING:
    from core.blobs import Blobs
    from db.store import Store

CELLS = 20  # classes in a confusion matrix; with more the most confused ones
PAIRS = 20  # that are listed
MISTAKES, SIDE = 24, 112  # pictures, px of their longer side: 100 KB
SHADE = "background:color-mix(in srgb,%s %d%%,transparent)"
STYLE = """<style>
table.cells { font-size: 0.75rem; } table.cells td, table.cells th { padding: 0.25rem 0.4rem; min-width: 2.2rem; text-align: right; border: 0; max-width: 9rem; }
table.cells th:first-child { text-align: left; min-width: 5rem; } table.cells tr:first-child th { vertical-align: bottom; overflow-wrap: anywhere; }
.pictures { display: flex; flex-wrap: wrap; gap: 0.8rem; padding: 0; } .pictures li { content-visibility: visible; width: 8.2rem; font-size: 0.75rem; line-height: 1.35; break-inside: avoid; }
.pictures img { display: block; max-width: 100%; max-height: 7rem; border: 2px solid #d63031; margin-bottom: 0.2rem; }
.pictures i { display: block; height: 5rem; border: 2px dashed var(--edge); margin-bottom: 0.2rem; }
td small { min-width: 11rem; } td:last-child { min-width: 4rem; }
.two { display: flex; flex-wrap: wrap; gap: 0 2rem; } .two figure { flex: 1 1 20rem; max-width: 34rem; }
h3 { font-size: 0.95rem; margin: 1.2rem 0 0.3rem; } figcaption { font-size: 0.85rem; color: var(--quiet); }
</style>
"""


def confusion(model: Mapping[str, Any], name: str, classes: Sequence[str]) -> str:
    counts: list[list[int]] = model["confusion"]
    drawn = most_confused(counts, CELLS)
    table = np.array(counts, float)
    shares = {
        "How many pictures": table,
        "Shares by row: what the pictures of a class were called (recall on the diagonal)": table / np.maximum(table.sum(axis=1, keepdims=True), 1),
        "Shares by column: what the pictures that were called so are (precision on the diagonal)": table / np.maximum(table.sum(axis=0), 1),
    }  # fmt: skip
    parts = [f"<h3>{title}</h3>\n{_cells(of[np.ix_(drawn, drawn)], [classes[i] for i in drawn], at > 0)}" for at, (title, of) in enumerate(shares.items())]  # fmt: skip
    found = pairs(counts)
    rows = [(sheet.name(classes[r]), sheet.name(classes[c]), f"{counts[r][c]:,}", f"{counts[r][c] / sum(counts[r]):.1%}") for r, c in found[:PAIRS]]  # fmt: skip
    more = f" The {len(drawn)} of {len(classes):,} classes with the most mistakes." if len(drawn) < len(classes) else ""
    listed = (
        "<p>No picture was taken for another class.</p>"
        if not rows
        else f"<h3>The mistakes, most frequent first{f' ({PAIRS} of {len(found):,} pairs)' if len(found) > PAIRS else ''}</h3>\n"
        + sheet.table(("true class", "the model said", "pictures", "share of the class"), rows, numbers=(2, 3))
    )
    read = f"<p>A row is a true class, a column what the model said; right answers lie on the diagonal.{more}</p>"
    return sheet.section("What is taken for what", "\n".join([read, *parts, listed]), f"of {name}")


def _cells(values: np.ndarray, classes: Sequence[str], share: bool) -> str:
    """(C, C) counts or shares as a table, the larger the darker: right ones in teal, mistakes in rust."""
    most = 1.0 if share else max(float(values.max(initial=0)), 1.0)

    def cell(r: int, c: int) -> str:
        value = float(values[r, c])
        shade = SHADE % (sheet.COLOURS[0] if r == c else sheet.COLOURS[3], round(75 * (value / most) ** 0.7))
        return f'<td style="{shade}">{"" if not value else f"{value:.0%}" if share else f"{value:,.0f}"}</td>'

    head = "".join(f"<th>{html.escape(_short(label))}</th>" for label in classes)
    rows = "\n".join(
        f"<tr><th>{html.escape(_short(label))}</th>{''.join(cell(r, c) for c in range(len(classes)))}</tr>"
        for r, label in enumerate(classes)
    )
    return f'<div class="wide"><table class="cells">\n<tr><th>true \\ said</th>{head}</tr>\n{rows}\n</table></div>'


def _short(label: str, longest: int = 24) -> str:
    return label if len(label) <= longest else f"{label[: longest - 1]}…"


def trusted(model: Mapping[str, Any], name: str) -> str:
    if "reliability" not in model:
        return ""
    size, left = 300, 36

    def x(share: float) -> float:
        return left + (size - left - 8) * share

    def y(share: float) -> float:
        return 8 + (size - 40) * (1 - share)

    ticks = "".join(
        f'<line x1="{x(0):.0f}" x2="{x(1):.0f}" y1="{y(s):.0f}" y2="{y(s):.0f}"/><text x="0" y="{y(s) + 4:.0f}">{s:.0%}</text>'
        for s in (0, 0.25, 0.5, 0.75, 1)
    ) + "".join(
        f'<text x="{x(s):.0f}" y="{size - 12}" text-anchor="{"end" if s == 1 else "middle"}">{s:.0%}</text>' for s in (0, 0.5, 1)
    )  # fmt: skip
    most = max(row["images"] for row in model["reliability"])
    dots = "".join(
        f'<path d="M{x(row["confidence"]):.1f} {y(row["interval"][0]):.1f}V{y(row["interval"][1]):.1f}" stroke="{sheet.COLOURS[0]}"/>'
        f'<circle cx="{x(row["confidence"]):.1f}" cy="{y(row["accuracy"]):.1f}" r="{2.5 + 6 * (row["images"] / most) ** 0.5:.1f}" fill="{sheet.COLOURS[0]}"/>'
        for row in model["reliability"]
    )  # fmt: skip
    even = (
        f'<path d="M{x(0):.0f} {y(0):.0f}L{x(1):.0f} {y(1):.0f}" stroke="#94a3b8" stroke-dasharray="3 4" fill="none"/>'
    )

    def line(key: str, colour: str) -> str:
        points = " L".join(f"{x(row['threshold']):.1f} {y(row[key]):.1f}" for row in model["thresholds"])
        return f'<path d="M{points}" fill="none" stroke="{colour}" stroke-width="2"/>'

    lines = line("accuracy", sheet.COLOURS[0]) + line("answered", sheet.COLOURS[2])

    def figure(inside: str, title: str, about: str) -> str:
        return (
            f'<figure><h3>{title}</h3><svg viewBox="0 0 {size} {size}" width="{size + 60}" role="img" aria-label="{title}">{ticks}{inside}</svg>'
            f"<figcaption>{about}</figcaption></figure>"
        )

    rows = [
        (f"{row['threshold']:.0%}", f"{row['answered']:.1%}", f"{row['accuracy']:.1%}")
        for row in model["thresholds"][::5]
    ]
    key = (
        f'<div class="key"><span><i style="background:{sheet.COLOURS[0]}"></i>right, of those answered</span>'
        f'<span><i style="background:{sheet.COLOURS[2]}"></i>answered</span></div>'
    )
    body = (
        '<div class="two">'
        + figure(even + dots, "Share that was right, by the confidence it gave", "On the dotted line an answer that is 80 % sure is right in 80 of 100 cases; below it the model is too sure of itself. Larger points stand for more pictures, lines for 95 % intervals.")
        + figure(lines, "If only answers of a least confidence count", "Go right to the confidence you ask for: how many of the answers are right then, and how many pictures get one.")
        + f"</div>\n{key}\n" + sheet.table(("least confidence", "answered", "right, of those"), rows, numbers=range(3))
    )  # fmt: skip
    return sheet.section("Can its confidence be trusted?", body, f"of {name}")


def mistakes(store: Store, blobs: Blobs, project: Project, found: Evaluation, model: str) -> str:
    wrong = store.answers(found.id, model, wrong=True, limit=MISTAKES)
    if not wrong:
        return sheet.section("The worst mistakes", "<p>It made none on these pictures.</p>", f"of {model}")
    shas = {one.id: one.facts.sha256 for one in store.images_by_id(project.id, [answer.image for answer in wrong])}
    items = "\n".join(f"<li>{_picture(blobs, shas.get(answer.image))}{_words(answer)}</li>" for answer in wrong)
    body = (
        f'<p>Those to whose true class it gave the least, the worst first.</p>\n<ul class="pictures">\n{items}\n</ul>'
    )
    return sheet.section("The worst mistakes", body, f"of {model}")


def _words(answer: Answer) -> str:
    chance = f", to which it gave {answer.truth:.1%}" if answer.truth is not None else ""
    return (
        f"is {html.escape(answer.label)}{chance}; it said {html.escape(answer.predicted)}, {answer.confidence:.0%} sure"
    )


def _picture(blobs: Blobs, sha256: str | None) -> str:
    """A small JPEG inside the page; an empty frame where the picture is gone or cannot be read."""
    from PIL import Image

    try:
        if sha256 is None:
            return "<i></i>"
        small = Image.open(io.BytesIO(blobs.thumb(sha256))).convert("RGB")
    except (Missing, OSError):
        return "<i></i>"
    small.thumbnail((SIDE, SIDE))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=80)
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}">'
