"""The verb project: make one, show one, add classes: written, from a file, or from the car catalogue."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.submit import opened
from core.errors import BadInput

if TYPE_CHECKING:
    from core.catalogue import Step
    from core.model import ClassInfo
    from core.settings import Settings

EVERY = 1.0  # seconds between two lines of progress
Named = tuple[tuple[str, ...], dict[str, "ClassInfo"]]


def arguments(v: argparse.ArgumentParser) -> None:
    v.add_argument("name", nargs="?", default="")
    v.add_argument("--classes", help="'sedan,coupe,suv' or 'air jordan {1..23}'")
    about = "one name a line; or a .csv or .tsv with the columns class, queries, synonyms and any parents"
    v.add_argument("--classes-file", type=Path, help=about)
    about = "classes from the NHTSA catalogue: car, truck or mpv; may be repeated"
    v.add_argument("--vpic", action="append", metavar="TYPE", help=about)
    v.add_argument("--years", help="--vpic: the model years, 2000-2018 or 2008,2010")
    v.add_argument("--makes", help="--vpic: 'BMW,Audi', or all")


def project(args: argparse.Namespace) -> dict[str, Any]:
    from dataclasses import asdict

    from core.project import name

    _check(args)
    store, settings = opened()
    if not args.name:
        return {"projects": [p.name for p in store.projects()]}
    there = {p.name: p for p in store.projects()}
    called = name(args.name, "project name") if args.name not in there else args.name
    catalogue: dict[str, Any] = {}
    given, infos = _from_catalogue(args, settings, catalogue) if args.vpic else _written(args)
    if given and called not in there:
        project = store.add_project(called, given, infos)
    else:
        project = store.project(called)
        project = store.add_classes(project.id, given, infos=infos) if given else project
    return {
        "project": project.name,
        "classes": list(project.classes),
        "infos": {label: asdict(info) for label, info in project.infos.items()},
        "funnel": asdict(store.funnel(project.id)),
        "counts": store.counts(project.id),
        **catalogue,
    }


def _check(args: argparse.Namespace) -> None:
    ways = {"--classes": args.classes is not None, "--classes-file": bool(args.classes_file), "--vpic": bool(args.vpic)}
    if sum(ways.values()) > 1:
        raise BadInput(f"{' and '.join(way for way, given in ways.items() if given)}: give one of them.")
    if not args.name and any(ways.values()):
        raise BadInput("The project has no name: wanted `project NAME`.")
    if args.vpic and not args.years:
        raise BadInput("--vpic wants the model years: --years 2000-2018.")
    if not args.vpic and (args.years or args.makes):
        raise BadInput("--years and --makes go with --vpic car, truck or mpv.")


def _written(args: argparse.Namespace) -> Named:
    from core.project import class_file, classes, decoded

    if not args.classes_file:
        return (classes(args.classes) if args.classes is not None else ()), {}
    try:
        data = args.classes_file.read_bytes()
    except OSError as error:
        raise BadInput(f"--classes-file {str(args.classes_file)!r} cannot be read: {error.strerror}.") from None
    return class_file(args.classes_file.name, decoded(args.classes_file.name, data))


def _from_catalogue(args: argparse.Namespace, settings: Settings, told: dict[str, Any]) -> Named:
    """The classes; into `told` goes what the result says of the catalogue."""
    from core import catalogue
    from core.web import Web, blocking

    types = catalogue.kinds(word for given in args.vpic for word in given.split(","))
    wanted = catalogue.years(args.years)
    makes = [name.strip() for name in (args.makes or "").split(",") if name.strip()]
    cache, base = catalogue.folder(settings.home), settings.source_url("vpic")
    with blocking(Web(settings.allow_hosts, settings.host_rate, settings.contact)) as get:
        found = _followed(catalogue.look({"types": types, "years": wanted, "makes": makes}, get, cache, base))
    if not makes:
        raise BadInput(_too_many(found["makes"], wanted, types))
    infos, nameless = catalogue.classes(catalogue.entries(found["entries"]))
    failed = found["failed"]
    if failed:
        print(
            f"{catalogue.sentence(failed, found['requests'])}. The same command asks for them again.", file=sys.stderr
        )
    told["catalogue"] = {"requests": found["requests"], "failed": failed, "skipped": found["skipped"] + len(nameless)}
    if not infos:
        raise BadInput(
            f"The catalogue has no model of {args.makes} in the years {args.years} (--vpic {', '.join(types)})."
        )
    return tuple(infos), infos


def _too_many(makes: list[dict[str, Any]], wanted: tuple[int, ...], types: tuple[str, ...]) -> str:
    from core import catalogue
    from core.jobs.watch import duration

    known = [catalogue.Make(make["id"], make["name"], tuple(make["types"])) for make in makes]
    requests = len(catalogue.asks(known, wanted, types))
    return (
        f"All {len(makes):,} makes of --vpic {', '.join(types)} would take {requests:,} requests to the catalogue, "
        f'{duration(requests)} at one a second: narrow them by --makes "BMW,Audi", or give --makes all.'
    )


def _followed(step: Step) -> dict[str, Any]:
    """Run the step here, with its progress on stderr: a line rewritten on a terminal, a line a second elsewhere."""
    terminal, due = sys.stderr.isatty(), 0.0
    try:
        while True:
            progress = next(step)
            line = f"{progress.done}/{progress.total} {progress.note}".rstrip()
            if terminal:
                print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
            elif time.monotonic() >= due or progress.done == progress.total:
                print(line, file=sys.stderr, flush=True)
                due = time.monotonic() + EVERY
    except StopIteration as end:
        return end.value
    finally:
        if terminal:
            print(file=sys.stderr)
