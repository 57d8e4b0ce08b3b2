"""Tables that are known: which files they come in, and which column holds what; and what an unknown one may hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from core.errors import BadInput
from core.project import key, spellings
from core.sources.options import Options

WIKIMEDIA = "://upload.wikimedia.org/"


@dataclass(frozen=True, slots=True)
class Preset:
    title: str
    wants: str  # which files, in words for the screen
    columns: Mapping[str, str]  # an option that names a column -> the name it has here
    marks: frozenset[str]  # columns by which such a table is known
    nothing: str = ""  # what stands in a cell that holds nothing
    images: str = ""  # the folder of the images, beside the table; "" = the table holds addresses
    files: str = ""  # the column that names the files, where the user has them in a folder instead of addresses
    suffix: str = ""  # of the images' file names, after what stands in the table
    attribution: str = ""  # the table that says whose each image is, beside the table


LANDMARKS = {"url_column": "url", "label_column": "landmark_id"}
PRESETS = {
    "landmarks-v1": Preset(
        "Google Landmarks, first edition",
        "train.csv with the columns id, url and landmark_id. It does not say whose the images are.",
        LANDMARKS, frozenset({"id", "url", "landmark_id"}), nothing="None", files="id", suffix=".jpg",
    ),
    "landmarks-v2": Preset(
        "Google Landmarks v2",
        "train.csv with the columns id, url and landmark_id, and beside it train_attribution.csv (id, url, author, "
        "license, title), which says whose each image is.",
        LANDMARKS, frozenset({"id", "url", "landmark_id"}), nothing="None", files="id", suffix=".jpg",
        attribution="train_attribution.csv",
    ),
    "styles": Preset(
        "Fashion articles (styles.csv)",
        "styles.csv with the columns id, gender, masterCategory, subCategory, articleType, baseColour, season, year, "
        "usage and productDisplayName, and a folder of images with the files <id>.jpg.",
        {"url_column": "id", "label_column": "articleType"}, frozenset({"id", "articleType", "productDisplayName"}),
        images="images", suffix=".jpg",
    ),
}  # fmt: skip


def settled(options: Options) -> Options:
    """The options as the preset has them, wherever the user left them as they are.

    Raises BadInput where there is no such preset.
    """
    if not options.preset:
        return options
    known = PRESETS.get(options.preset)
    if known is None:
        raise BadInput(f"There is no preset named {options.preset!r} (there are: {', '.join(PRESETS)}).")
    usual = {field.name: field.default for field in fields(Options)}
    given = {name: value for name, value in known.columns.items() if getattr(options, name) == usual[name]}
    if known.files and options.images and options.url_column == usual["url_column"]:
        given["url_column"] = known.files
    if known.images and not options.images:
        given["images"] = str(Path(options.table).expanduser().parent / known.images)
    beside = Path(options.table).expanduser().parent / known.attribution
    if known.attribution and not options.attribution and beside.is_file():
        given["attribution"] = str(beside)
    return replace(options, **given)


def preset(names: Sequence[str], rows: Sequence[Sequence[str]] = ()) -> str:
    """Which preset a table with columns of these names fits, "" for none.

    Both editions of Google Landmarks have the same columns; the second has its images at Wikimedia.
    """
    found = [name for name, each in PRESETS.items() if each.marks <= set(names)]
    if len(found) < 2:
        return found[0] if found else ""
    return found[-1] if any(WIKIMEDIA in cell for row in rows for cell in row) else found[0]


def guess(names: Sequence[str], rows: Sequence[Sequence[str]], classes: Sequence[str]) -> tuple[str, str]:
    """Which column holds the addresses and which the classes, from what stands in them.

    Names decide between equals; then, for the classes, how often what stands there comes again.
    """
    known = spellings(classes)

    def likely(name: str, fits: Callable[[str], bool], usual: Sequence[str]) -> tuple[int, bool]:
        at = names.index(name)
        return sum(fits(row[at]) for row in rows), name.lower() in usual

    def address(cell: str) -> bool:
        return cell.lower().startswith(("http://", "https://"))

    url = max(names, key=lambda name: likely(name, address, ("url", "image_url", "image", "link")))
    others = [name for name in names if name != url] or [url]
    return url, max(
        others,
        key=lambda name: (
            *likely(name, lambda cell: key(cell) in known, ("label", "class", "category")),
            -len({row[names.index(name)] for row in rows}),
        ),
    )
