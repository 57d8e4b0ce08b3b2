"""What a data set is, in words (after Gebru et al. 2021, "Datasheets for datasets"): what is in it, where it comes from,
what was left out and why, what it is good for and where its limits are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from core import credits
from core.credits.attribution import licence
from core.export.chosen import Chosen, Picture
from core.export.markdown import joined, plain, table
from core.licences import FILTERS
from core.review import certificate
from core.scrape.failures import meaning

if TYPE_CHECKING:
    from core.model import Split
    from db.store import Store

NAMES = {"train": "train", "val": "validation", "test": "test"}
OPT_OUTS = ("robots", "robots unreachable", "noai", "tdm reserved")  # reasons under which candidates failed
MOST = 50  # rows of a table of licences or sources; classes are all there


class Told:
    """What the card tells, counted while the pictures pass."""

    def __init__(self, chosen: Chosen) -> None:
        self.chosen = chosen
        self.counts: Counter[tuple[str, str]] = Counter()  # (part, label)
        self.licences: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        self.pictures = self.bytes = self.boxes = self.undecided = self.relabelled = 0

    def add(self, picture: Picture) -> None:
        record, first = picture.record, picture.origins[0].candidate
        self.counts[picture.part, picture.label] += 1
        self.licences[licence(first.licence)] += 1
        self.sources[first.source or "unknown"] += 1
        self.pictures += 1
        self.bytes += record.facts.size
        self.boxes += picture.box is not None
        self.undecided += record.verdict == "undecided"
        self.relabelled += bool(self.chosen.split and not self.chosen.split.by and record.label != picture.label)

    def parts(self) -> dict[str, int]:
        """part -> pictures, in the order of the parts."""
        return {part: sum(n for (of, _), n in self.counts.items() if of == part) for part in self.chosen.parts}


def counted(chosen: Chosen) -> Told:
    """The same without an export: every picture is looked up, none is read."""
    told = Told(chosen)
    for picture in chosen:
        told.add(picture)
    return told


def text(store: Store, told: Told, failed: int, form: str = "") -> str:
    """The card as Markdown; `failed` pictures could not be read. All that strangers wrote is text in it."""
    chosen = told.chosen
    sections = [
        _head(told, form), _classes(told), _origin(told), _opt_outs(store.failures(chosen.project.id)),
        _cleaning(store, chosen), _left_out(chosen, failed), _review(store, chosen), _use(told),
    ]  # fmt: skip
    return joined(sections)


def _head(told: Told, form: str) -> str:
    chosen, split = told.chosen, told.chosen.split
    parts = ", ".join(f"{n:,} {NAMES[part]}" for part, n in told.parts().items())
    lines = [
        f"# Data set: {plain(chosen.project.name)}\n",
        f"{told.pictures:,} pictures ({told.bytes / 1e6:,.1f} MB) of {len(chosen.classes):,} classes, for image classification: "
        f"{parts}. Made with Winnow.\n",
    ]
    if split:
        lines.append(
            f"The parts are those of split {split.id}, frozen on {split.created:%Y-%m-%d} with seed {split.seed}; each "
            f"picture has the class and the crop box that it had then.\n"
        )
    else:
        lines.append(
            "There is no split yet: all pictures that are kept stand in one part, named train. Make a split before you "
            "measure anything.\n"
        )
    if told.relabelled:
        lines.append(f"{told.relabelled:,} of them were given another class since the split.\n")
    if chosen.wanted:
        lines.append(f"Only pictures that pass this filter by their licence: {FILTERS[chosen.wanted]}.\n")
    lines.append(
        "Pictures are the files as they were fetched, byte for byte, named by their SHA-256; none was altered. "
        f"{told.boxes:,} have a crop box beside them, in pixels of the picture as it is seen (EXIF orientation applied).\n"
    )
    if form in ("imagefolder", "csv"):
        lines.append(
            "In `images.csv` a value that begins with = + - @ has an apostrophe before it, so that no spreadsheet runs it.\n"
        )
    return "\n".join(lines)


def _classes(told: Told) -> str:
    parts = told.chosen.parts
    rows = [
        (plain(label), *(f"{told.counts[part, label]:,}" for part in parts), f"{sum(told.counts[p, label] for p in parts):,}")
        for label in told.chosen.classes
    ]  # fmt: skip
    out = "## Classes\n\n" + table(["class", *(NAMES[part] for part in parts), "all"], rows)
    split = told.chosen.split
    if split and split.by:
        out += f"\nA class is the {plain(split.by)} of what was searched for.\n"
    if split and split.left_out:
        why = "".join(f"- {plain(label)}: {plain(reason)}\n" for label, reason in list(split.left_out.items())[:MOST])
        out += f"\nClasses left out of the split:\n\n{why}"
    return out


def _origin(told: Told) -> str:
    sources = [(plain(name), f"{n:,}") for name, n in told.sources.most_common(MOST)]
    licences = [(plain(name), f"{n:,}", credits.allows(name)) for name, n in told.licences.most_common(MOST)]
    rights = credits.rights(told.licences)
    unknown = (
        f"\n**Of {rights['unknown']:,} pictures nobody stated a licence.** They may be protected: using them is for you to "
        "judge, passing them on may need the author's permission.\n"
        if rights["unknown"]
        else ""
    )
    more = len(told.licences) - MOST
    return (
        "\n## Where the pictures come from\n\n" + table(["source", "pictures"], sources)
        + "\n## Licences\n\n" + table(["licence", "pictures", "what it allows"], licences)
        + (f"\n… and {more:,} more, all in `credits.csv`.\n" if more > 0 else "") + unknown
        + "\nA licence is what the source stated; Winnow clears no rights. `credits.csv` and `credits.html` name the author, "
        "the page and the licence of every picture, with a ready attribution: pass them on with it.\n"
    )  # fmt: skip


def _opt_outs(failures: Mapping[str, int]) -> str:
    found = {reason: failures[reason] for reason in OPT_OUTS if failures.get(reason)}
    out = (
        "\n## Opt-outs\n\nOf what came from the web, robots.txt, `X-Robots-Tag` (noai, noimageai, noindex, noimageindex) and `TDM-Reservation` were asked "
        "before a picture was taken; where a host says no, nothing of it is in here.\n"
    )
    if not found:
        return out + "\nNo address was left alone for such a reason.\n"
    rows = [(reason, f"{n:,}", meaning(reason)) for reason, n in found.items()]
    return out + "\n" + table(["reason", "addresses left alone", "what it means"], rows)


def _cleaning(store: Store, chosen: Chosen) -> str:
    found, split = store.finding_counts(chosen.project.id), chosen.split
    exact, near = found.get("exact_duplicate", 0), found.get("near_duplicate", 0)
    out = (
        f"\n## Copies of one photo\n\nIdentical files are there once. Of what was fetched, {exact:,} pictures have an exact and "
        f"{near:,} a near copy (resized, saved again, mirrored, turned, slightly cut) under these classes, from a likeness of "
        f"{chosen.project.cleaning.likeness:g} on; those that a person did not take out are in here.\n"
    )
    return out + (f"\n{_leak(split)}\n" if split else "")


def _leak(split: Split) -> str:
    kept = "A split never cuts a group of near-duplicates: all of it stands in one part."
    if not split.leak:
        return f"{kept} **Leak: 0** pictures of validation or test have a near-duplicate in another part."
    return (
        f"**Leak: {split.leak:,}** pictures of validation or test have a near-duplicate in another part, because the parts came "
        "with the source: accuracy measured on them looks better than it is."
    )


def _left_out(chosen: Chosen, failed: int) -> str:
    words = {
        "rejected": "rejected by a person", "not in the split": "kept, but not in the split: they came later, or their class is left out",
        "licence": "of a licence that was not asked for",
    }  # fmt: skip
    lines = [f"- {n:,} {words[why]}\n" for why, n in chosen.left_out.items() if n]
    lines += [f"- {failed:,} that could not be read when this was exported\n"] if failed else []
    out = "\n## What was left out\n\n" + ("".join(lines) or "Nothing.\n")
    reasons = chosen.rejections()
    if reasons:
        rows = [(plain(reason), f"{n:,}") for reason, n in reasons.most_common()]
        out += "\nWhy pictures were rejected:\n\n" + table(["reason", "pictures"], rows)
    return out


def _review(store: Store, chosen: Chosen) -> str:
    made = store.certificate(chosen.project.id)
    if made is None:
        return (
            "\n## Review\n\nThere is no certificate: nobody has shown how many bad pictures are left, so expect some.\n"
        )
    since = store.newest_image(chosen.project.id) > made.newest
    later = " **Pictures came since then, which it does not cover.**" if since else ""
    return (
        f"\n## Review\n\n{certificate.sentence(made.result)} Signed by {plain(made.reviewer)} on {made.created:%Y-%m-%d}; the "
        f"whole certificate is `certificate.json`. {certificate.METHOD}{later}\n"
    )


def _use(told: Told) -> str:
    undecided = (
        f"- Nobody decided on {told.undecided:,} of the {told.pictures:,} pictures: they are kept because nobody rejected them.\n"
        if told.undecided
        else ""
    )
    return (
        "\n## What it is for, and its limits\n\n"
        "- Meant for training and measuring classifiers that tell these classes apart, one for each picture.\n"
        "- It shows what its sources show: how often a class, a place or a look occurs here says nothing about the world, and "
        "what is missing there is missing here.\n"
        f"{undecided}"
        "- Classes come from the words that were searched for or from the source's labels, corrected by people where they "
        "looked: some are wrong.\n"
        "- People, number plates and places may be recognisable; nothing was made unrecognisable.\n"
    )
