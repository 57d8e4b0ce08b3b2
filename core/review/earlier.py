"""What was rejected in earlier projects, as a start before anybody has decided here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.errors import BadInput
from core.review.described import Described, vectors_of, views

if TYPE_CHECKING:
    from core.model import Project
    from db.store import Store

COUNT = 60  # rejects, and kept ones, that those of all earlier projects count as; see tests/bench/README.md
TAKEN = 2_000  # of each of a project, at most
KIN = 0.3, 1.0  # apart by so much of their spread: from all to nothing of what an earlier project says counts here


@dataclass(frozen=True, slots=True)
class Earlier:
    """R pictures of earlier projects that were looked at there."""

    rows: np.ndarray  # (R, D) float32, among this project's rows
    bad: np.ndarray  # (R,) bool: rejected there
    mass: np.ndarray  # (R,) float32: decisions that each counts as
    used: tuple[str, ...]  # names of these projects
    left_out: tuple[str, ...]  # a sentence for each other one: why it is not used


def usable(store: Store, project: Project) -> list[tuple[Project, int]]:
    """Other projects whose pictures the same network has described, with how many rejects say something elsewhere."""
    main = views(store, project)[:1]
    there = [one for one in store.projects() if one.id != project.id and set(main) & set(store.embedded(one.id))]
    return [(one, number) for one in there if (number := store.rejects(one.id))]


def choose(store: Store, project: Project, names: Sequence[str]) -> Project:
    """From now on the project starts from what was rejected in these; none: from nothing.

    Raises BadInput for a name that is no project's, and for its own.
    """
    if project.name in names:
        raise BadInput(f"{project.name} cannot be an earlier project of itself.")
    chosen = tuple(dict.fromkeys(store.project(name).id for name in names))
    held = store.project(project.name).reviewing
    return store.set_reviewing(project.id, replace(held, references=chosen))


def earlier(store: Store, project: Project, of: Described, usual: np.ndarray) -> Earlier | None:
    """What the project's references tell of its pictures; None where it has none. `usual`: places of usual pictures."""
    references, there = project.reviewing.references, {one.id: one for one in store.projects()}
    if not references:
        return None
    rows, bad, mass, used, left_out = [], [], [], [], []
    for number in references:
        if number not in there:
            left_out.append("An earlier project that was chosen is not there any more.")
            continue
        name, said = there[number].name, store.examples(number)
        if not any(rejected for _, rejected in said):
            left_out.append(f"{name} has no rejects that say something here: wrong classes and copies do not.")
            continue
        found = _rows(store, project, there[number], of, said)
        if found is None:
            left_out.append(_differs(store, there[number], of))
            continue
        kin = _kin(of.rows[usual], found[0][~found[1]]) if (~found[1]).any() else 0.0
        if not kin:
            left_out.append(f"The rejects of {name} are not used: what is kept there looks unlike the pictures here.")
            continue
        used.append(name)
        rows.append(found[0])
        bad.append(found[1])
        mass.append(np.full(len(found[1]), kin, np.float32))
    if not used:
        none = np.zeros(0, np.float32)
        return Earlier(np.zeros((0, of.rows.shape[1]), np.float32), none.astype(bool), none, (), tuple(left_out))
    each, weight = np.concatenate(bad), np.concatenate(mass)
    most = min(COUNT, int(each.sum())) * float(weight.max())
    for side in (each, ~each):
        weight[side] *= most / weight[side].sum()
    return Earlier(np.concatenate(rows), each, weight, tuple(used), tuple(left_out))


def _rows(
    store: Store, project: Project, other: Project, of: Described, said: Sequence[tuple[int, bool]]
) -> tuple[np.ndarray, np.ndarray] | None:
    """(R, D) rows of an earlier project's pictures among this one's, and (R,) which were rejected; None where the network
    did not describe them. A view that only this project has says nothing of them."""
    ids, bad = np.array([image for image, _ in said], np.int64), np.array([rejected for _, rejected in said], bool)
    some = np.sort(np.concatenate([_spread(np.flatnonzero(bad)), _spread(np.flatnonzero(~bad))]))
    ids, bad = ids[some], bad[some]
    blocks = []
    for by in of.by.split(" and ") if of.frame else ():
        there, vectors = vectors_of(store, other.id, by, ids)
        if not there.any():
            if not blocks:
                return None
            width = len(next(iter(store.embeddings(project.id, by)))[1]) // 2
            vectors = np.zeros((len(ids), width), np.float32)
        vectors = vectors.astype(np.float32)
        vectors[~there] = np.nan
        blocks.append(vectors)
    if not blocks or of.frame is None:
        return None
    known = ~np.isnan(blocks[0][:, 0])
    components = of.frame.of([one[known] for one in blocks])
    rows = np.zeros((len(components), of.rows.shape[1]), np.float32)
    rows[:, : components.shape[1]] = components
    return (rows, bad[known]) if bad[known].any() else None


def _spread(places: np.ndarray) -> np.ndarray:
    return places[:: -(-len(places) // TAKEN) or 1]


def _kin(here: np.ndarray, kept: np.ndarray) -> float:
    """0..1, how much of one kind usual pictures (n, D) and those kept elsewhere (m, D) are: by the distance of their means,
    squared, in shares of their mean spread."""
    apart = float(((here.mean(0) - kept.mean(0)) ** 2).sum())
    spread = float(here.var(0).sum() + kept.var(0).sum()) / 2
    near, far = KIN
    return float(np.clip((far - apart / max(spread, 1e-9)) / (far - near), 0, 1))


def _differs(store: Store, other: Project, of: Described) -> str:
    by = " and ".join(views(store, other)) or " and ".join(store.embedded(other.id))
    if not by:
        return f"The rejects of {other.name} cannot be used: its pictures were not described yet; clean it once."
    if not of.by:
        return f"The rejects of {other.name} cannot be used yet: the pictures here were not described; clean them once."
    return f"The rejects of {other.name} cannot be used: its pictures were described by {by}, these by {of.by}."
