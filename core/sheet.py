"""A page of figures to send: one HTML file, light and dark, good to print, with nothing to fetch. Names in it are text."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from core.credits.page import HEAD
from core.errors import BadInput

COLOURS = ("#14a08d", "#7c6fe0", "#e0a100", "#d9622b", "#3b82c4", "#c2569b")
STYLE = """<style>
body { max-width: 76rem; } p { max-width: 60rem; } /* tables may be wider than a line that is read */
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.85rem; }
th, td { text-align: left; padding: 0.3rem 1rem 0.3rem 0; border-bottom: 1px solid var(--edge); overflow-wrap: break-word; }
td { min-width: 2.5rem; } td:first-child { min-width: 5rem; max-width: 22rem; overflow-wrap: anywhere; }
td:first-child:has(wbr) { min-width: 8rem; } /* the name of a recipe, which has places to be broken at */
th { font-weight: 600; color: var(--quiet); vertical-align: bottom; } td.number, th.number { text-align: right; }
td.number, td span { white-space: nowrap; } td svg { display: block; }
figure { margin: 0; } figure svg { max-width: 100%; height: auto; } svg text { fill: var(--quiet); font: 11px system-ui, sans-serif; }
figure line { stroke: var(--edge); }
.key { display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; font-size: 0.85rem; }
.key i { display: inline-block; width: 1.1rem; height: 3px; vertical-align: middle; margin-right: 0.4rem; }
@media screen and (max-width: 40rem) { th, td { padding-right: 0.6rem; } figure svg text { font-size: 17px; } }
@media print {
  @page { margin: 12mm; }
  body { max-width: none; padding: 0; } .wide { overflow: visible; } table { font-size: 0.65rem; }
  th, td, td:first-child:has(wbr) { min-width: 0; padding-right: 0.5rem; overflow-wrap: anywhere; } td.number { overflow-wrap: normal; }
  td:first-child { min-width: 5rem; } th { overflow-wrap: break-word; } tr:has(th:nth-child(13)) th { overflow-wrap: anywhere; } td svg { width: 60px; } tr, figure { break-inside: avoid; } h2 { break-after: avoid; }
  * { print-color-adjust: exact; } /* the colours of the key are backgrounds */
}
</style>
"""


def document(title: str, about: str, sections: Iterable[str]) -> str:
    """The whole page. `title` is text; `about` and the sections are HTML. Pictures in it are part of the file."""
    head = HEAD.replace("style-src 'unsafe-inline'", "style-src 'unsafe-inline'; img-src data:")
    told = "\n".join(section for section in sections if section)
    return f"{head % {'title': html.escape(title), 'about': about}}{STYLE}<main>\n{told}\n</main>\n</body>\n</html>\n"


def save(page: str, folder: Path, file: str) -> Path:
    """Write it under that name into the folder, and say where. Raises BadInput where that cannot be."""
    path = folder / file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"The report cannot be written to {str(path)!r}: {error.strerror}.") from None
    return path


def section(heading: str, body: str, beside: str = "") -> str:
    """`heading` and `beside`, which stands next to it in grey, are text; `body` is HTML."""
    quiet = f" <span>{html.escape(beside)}</span>" if beside else ""
    return f"<section>\n<h2>{html.escape(heading)}{quiet}</h2>\n{body}\n</section>"


def name(text: str) -> str:
    """As HTML, with places to break a long name of a recipe."""
    return re.sub("([:,=])", r"\1<wbr>", html.escape(text))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    """Cells are HTML; `numbers` are the columns that stand to the right."""
    right = set(numbers)

    def line(cells: Sequence[str], tag: str) -> str:
        return "".join(f"<{tag}{' class=number' if i in right else ''}>{c}</{tag}>" for i, c in enumerate(cells))

    body = "\n".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return f'<div class="wide"><table>\n<tr>{line(head, "th")}</tr>\n{body}\n</table></div>'


def marks(lowest: float) -> list[float]:
    """Round shares from one that is not above `lowest` up to 1, six steps at most."""
    step = next(step for step in (1, 2, 5, 10, 20) if 100 * (1 - lowest) <= 6 * step)  # in a hundred
    first = min(math.floor(100 * lowest / step) * step, 100 - step)
    return [share / 100 for share in range(first, 101, step)]
