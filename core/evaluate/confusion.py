"""Which cells of a confusion matrix count most. `counts`: a row for each true class, a column for what was said."""

from __future__ import annotations


def pairs(counts: list[list[int]]) -> list[tuple[int, int]]:
    """The cells that are mistakes, as (row, column), the one with the most pictures first."""
    cells = [(r, c) for r, row in enumerate(counts) for c, number in enumerate(row) if number and r != c]
    return sorted(cells, key=lambda at: -counts[at[0]][at[1]])


def ordered(counts: list[list[int]], found: list[tuple[int, int]], most: int) -> list[int]:
    """At most so many classes, those that are taken for each other side by side, the most confused first."""
    between: dict[tuple[int, int], int] = {}
    for r, c in found:
        both = (min(r, c), max(r, c))
        between[both] = between.get(both, 0) + counts[r][c]
    one_after_another = [place for both in sorted(between, key=lambda both: -between[both]) for place in both]
    return list(dict.fromkeys([*one_after_another, *range(len(counts))]))[:most]


def most_confused(counts: list[list[int]], most: int) -> list[int]:
    """Which rows to draw: all, or the `most` with the most mistakes in row and column, in their order."""
    columns = [sum(column) for column in zip(*counts, strict=True)]
    mistakes = [sum(row) + columns[i] - 2 * row[i] for i, row in enumerate(counts)]
    return sorted(sorted(range(len(counts)), key=lambda i: -mistakes[i])[:most])


def worst(counts: list[list[int]]) -> tuple[int, int]:
    """The mistake with the most pictures; without any mistake, the largest cell."""
    cells = [(row, column) for row in range(len(counts)) for column in range(len(counts))]
    return max(cells, key=lambda at: (at[0] != at[1] and counts[at[0]][at[1]] > 0, counts[at[0]][at[1]]))
