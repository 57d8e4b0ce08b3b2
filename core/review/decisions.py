"""What a person said: `parse` and `decide` turn what comes in from a browser or a table into nouns, and believe none of
it."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeGuard

from core.errors import BadInput
from core.model import DUPLICATE, REASONS, Box, Decision, Operation

DECISIONS_MAX = 5000  # in one operation from a browser; a page has a few hundred at most
NAME_MAX = 60  # characters of a reviewer's name
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_INT_MAX = 2**63 - 1
_FAR = 1e9  # px; a crop's edge lies nearer, which leaves out inf and nan too


def reviewer_name(text: str) -> str:
    """The name as it is stored. Raises BadInput for an empty one, one over 60 characters, or control characters."""
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if not name or len(name) > NAME_MAX:
        raise BadInput(f"The reviewer's name {text[:80]!r} does not fit: wanted 1 to {NAME_MAX} characters.")
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in name):
        raise BadInput(f"The reviewer's name {text[:80]!r} holds an invisible character: wanted plain text.")
    return name


def parse(sent: object, reviewer: str, classes: Collection[str]) -> tuple[list[Operation], dict[str, str]]:
    """Operations out of a browser's message, in its order, and why others were refused: id -> sentence.

    Each operation stands or falls alone and as a whole. One without a usable id is refused under "".
    """
    operations: list[Operation] = []
    refused: dict[str, str] = {}
    if not isinstance(sent, list):
        return [], {"": f"Wanted a list of operations, not {type(sent).__name__}."}
    for item in sent:
        key = item.get("id") if isinstance(item, Mapping) else None
        if not isinstance(key, str) or not _UUID.fullmatch(key):
            refused[""] = f"An operation has the id {str(key)[:50]!r}: wanted a UUID."
            continue
        try:
            operations.append(_operation(key, item, reviewer, classes))
        except BadInput as error:
            refused[key] = str(error)
    return operations, refused


def _operation(key: str, item: Mapping[str, Any], reviewer: str, classes: Collection[str]) -> Operation:
    undoes, sent = item.get("undoes", ""), item.get("decisions", [])
    if undoes:
        if not isinstance(undoes, str) or not _UUID.fullmatch(undoes) or sent:
            raise BadInput(f"An undo names {str(undoes)[:50]!r}: wanted the UUID of one operation, and no decisions.")
        return Operation(key, reviewer, undoes=undoes)
    if not isinstance(sent, list) or not 0 < len(sent) <= DECISIONS_MAX:
        raise BadInput(f"An operation holds 1 to {DECISIONS_MAX} decisions, or it undoes another one.")
    decisions = tuple(_decision(one, classes) for one in sent)
    _once(decisions)
    return Operation(key, reviewer, decisions)


def _decision(one: Any, classes: Collection[str]) -> Decision:
    """A decision from anything with the keys image, verdict, reason, label, version, box. Raises BadInput."""
    if not isinstance(one, Mapping):
        raise BadInput(f"A decision is {str(one)[:50]!r}: wanted image, verdict, reason, label.")
    image, version = one.get("image"), one.get("version")
    if not _number(image, 1):
        raise BadInput(f"image={str(image)[:50]!r} is no image: wanted its number.")
    if version is not None and not _number(version, 0):
        raise BadInput(f"version={str(version)[:50]!r} of image {image} is not one: wanted a number from 0.")
    verdict, reason, label = (one.get(name) or "" for name in ("verdict", "reason", "label"))
    if verdict not in ("keep", "reject"):
        raise BadInput(f"verdict={str(verdict)[:50]!r} of image {image} is unknown: wanted keep or reject.")
    if reason not in ("", *REASONS, DUPLICATE) or (reason and verdict == "keep"):
        raise BadInput(
            f"reason={str(reason)[:50]!r} of image {image} does not fit {verdict}: "
            f"a reject may have one of {', '.join((*REASONS, DUPLICATE))}."
        )
    if label and (not isinstance(label, str) or label not in classes):
        raise BadInput(f"label={str(label)[:50]!r} of image {image} is not a class of this project.")
    return Decision(image, verdict, reason, label, version, _box(one.get("box"), image))


def _box(sent: object, image: int) -> Box | None:
    """A crop, still unclipped: the store knows how large its picture is. Raises BadInput."""
    if sent is None:
        return None
    if isinstance(sent, list) and len(sent) == 4 and all(map(_place, sent)):
        left, top, right, bottom = (float(at) for at in sent)
        if left < right and top < bottom:
            return left, top, right, bottom
    raise BadInput(
        f"box={str(sent)[:50]!r} of image {image} is no crop: wanted the four numbers left, top, right, bottom in "
        "pixels, with left < right and top < bottom."
    )


def _place(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_FAR < value < _FAR


def _number(value: object, least: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= _INT_MAX


def _once(decisions: Sequence[Decision]) -> None:
    seen: set[int] = set()
    for decision in decisions:
        if decision.image in seen:
            raise BadInput(f"Image {decision.image} is decided twice in one operation.")
        seen.add(decision.image)


def decide(
    rows: Iterable[Mapping[str, Any]],
    reviewer: str,
    classes: Collection[str],
    there: Callable[[Sequence[int]], Collection[int]] | None = None,
) -> tuple[Operation, list[str]]:
    """One operation out of a table with the columns image, verdict, reason, label, and a sentence per row refused.

    `verdict` is keep, reject or relabel; relabel, or a label with no verdict, keeps the image under that class. The
    whole table is one operation: one undo takes it back. `there` says which of some images the project has; without it
    all are taken for its own. Raises BadInput where not one row can be used.
    """
    decisions: dict[int, Decision] = {}
    lines: dict[int, int] = {}
    refusals: dict[int, str] = {}
    for line, row in enumerate(rows, start=2):  # line 1 is the head of the table
        try:
            decision = _decision(_cells(row), classes)
            if decision.image in decisions:
                raise BadInput(f"image {decision.image} stands in the table twice; its first row counts.")
            decisions[decision.image], lines[decision.image] = decision, line
        except BadInput as error:
            refusals[line] = str(error)
    for image in set(decisions).difference(there(list(decisions)) if there else decisions):
        refusals[lines[image]] = f"there is no image {image} in this project."
        del decisions[image]
    refused = [f"Line {line}: {refusals[line]}" for line in sorted(refusals)]
    if not decisions:
        first = f" {refused[0]}" if refused else " It has no rows."
        raise BadInput(f"The table holds no decision: wanted the columns image, verdict, reason, label.{first}")
    return Operation(str(uuid.uuid4()), reviewer, tuple(decisions.values())), refused


def undo(operation: str, reviewer: str) -> Operation:
    """The operation that takes another one back."""
    return Operation(str(uuid.uuid4()), reviewer, undoes=operation)


def _cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """A table's row with its text trimmed, its image a number, and relabel spelled out."""
    found = [row.get(name) for name in ("image", "verdict", "reason", "label")]
    image, verdict, reason, label = ("" if cell is None or cell != cell else str(cell).strip() for cell in found)  # NaN
    if verdict == "relabel" and not label:
        raise BadInput(f"image {image} is to be relabelled, but its label is empty.")
    if verdict == "relabel" or (label and not verdict):
        verdict = "keep"
    number = int(image) if image.isascii() and image.isdigit() and len(image) < 19 else image
    return {"image": number, "verdict": verdict, "reason": reason, "label": label}
