"""The verb scrape: find and fetch images, look at a dozen first, or try again what failed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from core.cli.submit import inside, opened, submit
from core.errors import BadInput

PATHS = ("path", "table", "images", "attribution")  # made absolute: the job runs in another folder
TEXTS = ("preset", "address", "selector", "licence")
COLUMNS = ("url", "label", "page", "creator", "licence")


def arguments(v: argparse.ArgumentParser, positive: Any) -> None:
    from core.licences import FILTERS

    v.add_argument("--source", default="", help="one, or several that are asked in words: openverse,commons")
    v.add_argument("--path", help="folder: DIR/<class>/<image>, or DIR/<part>/<class>/<image>; archive: the file")
    v.add_argument("--table", help="urls: a CSV, TSV or Parquet file")
    for column in COLUMNS:
        v.add_argument(f"--{column}-column", help=f"urls: the name of the column with the {column}")
    v.add_argument("--preset", default="", help="urls: landmarks-v1, landmarks-v2 or styles instead of the columns")
    v.add_argument("--images", help="urls: the folder of the images that the table names")
    v.add_argument("--attribution", help="urls: the table that says whose each image is (landmarks-v2)")
    v.add_argument("--address", default="", help="page: 'https://shop.example/{class}?page={1..9}'")
    v.add_argument("--selector", default="", help="page: a CSS selector of the part that counts")
    v.add_argument("--licence", choices=tuple(FILTERS), default="", help="only images whose licence allows this")
    v.add_argument("--query", default="{class}", help="what is searched for; {class} stands for the class name")
    v.add_argument("--only", help="only these classes, with commas")
    v.add_argument("--limit", type=positive, help="results for each class; 400 by default")
    v.add_argument("--target", type=positive, help="images for each class: searches are widened until they are there")
    v.add_argument("--deadline", type=_seconds, default=20.0, help="seconds for one download; 5 suits image search")
    v.add_argument("--min-images", type=positive, help="only labels with so many rows or more")
    v.add_argument("--max-images", type=positive, help="only labels with so many rows or fewer")
    v.add_argument("--per-class", type=positive, help="so many rows of each label at most")
    v.add_argument("--map", type=Path, help="a CSV with the columns label, class; an empty class leaves the label out")
    v.add_argument("--add-classes", action="store_true", help="labels outside the class list become classes")
    v.add_argument("--preview", action="store_true", help="only show the first dozen results, and keep nothing")
    v.add_argument("--retry", action="store_true", help="only what failed and may be tried again")


def scrape(args: argparse.Namespace) -> dict[str, Any]:
    if args.retry:
        if args.source:
            raise BadInput(f"--retry asks again as it was asked: leave --source {args.source} out.")
        return submit(args, "scrape", {"retry": True, "deadline": args.deadline})
    from core.subset import Rules

    asked = _asked(args)
    common = {"source": args.source, "query": args.query, "options": _options(args), "deadline": args.deadline}
    if args.preview:
        label = args.only.split(",")[0].strip() if args.only else ""
        result = submit(args, "preview", {**common, "label": label})
        for row in result.get("results", ()):
            row.pop("picture")
        return result
    rules = {name: value for name in ("min_images", "max_images", "per_class") if (value := getattr(args, name))}
    if not asked and args.target:
        raise BadInput("--target is for sources that are asked in words; --per-class takes so many rows of each label.")
    Rules(**rules)  # says what makes no sense
    if asked and (rules or args.map or args.add_classes):
        raise BadInput("--min-images, --max-images, --per-class, --map and --add-classes are for sources with labels.")
    return submit(args, "scrape", {**common, "limit": args.limit or 400, "target": args.target or 0,
                                   "add_classes": args.add_classes, "only": _only(args), "rules": rules,
                                   "mapping": _mapping(args.map)})  # fmt: skip


def _asked(args: argparse.Namespace) -> bool:
    """Whether the sources are asked in words. Raises BadInput where one is none, or lacks what it needs."""
    from core.scrape import asks, check
    from core.sources import SOURCES
    from core.sources.options import Options

    sources = [name.strip() for name in args.source.split(",") if name.strip()]
    if not sources:
        raise BadInput(f"--source is missing: wanted one of {', '.join(SOURCES)}, or --retry.")
    _, settings = opened()
    for source in sources:
        check(source, Options(**_options(args)), settings)
    if len(sources) > 1 and not asks(sources):
        raise BadInput(f"--source {args.source}: only sources that are asked in words go together.")
    return asks(sources)


def _options(args: argparse.Namespace) -> dict[str, Any]:
    options = {name: str(Path(value).expanduser().absolute()) for name in PATHS if (value := getattr(args, name))}
    options |= {name: value for name in TEXTS if (value := getattr(args, name))}
    columns = {f"{name}_column": getattr(args, f"{name}_column") for name in COLUMNS}
    return options | {name: value for name, value in columns.items() if value}


def _only(args: argparse.Namespace) -> list[str]:
    """The classes of --only, as the project writes them; labels that are none yet pass where they may become one."""
    if not args.only:
        return []
    from core.project import key, spellings

    _, _, project = inside(args)
    known = spellings(project.classes)
    wanted = [label.strip() for label in args.only.split(",") if label.strip()]
    for label in wanted:
        if key(label) not in known and not args.add_classes:
            raise BadInput(f"--only {label!r} is no class of {project.name}: {', '.join(project.classes[:20])}.")
    return [known.get(key(label)) or label for label in wanted]


def _mapping(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    from core.subset import read_mapping

    return read_mapping(path)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds <= 300:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds from 1 to 300")
    return seconds
