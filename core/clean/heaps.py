"""Heaps of copies: which pictures are surely one photo, as far as it is known while they are compared.

A thousand copies of one photo are half a million pairs. In a large heap not each is held against each: it is enough that
they hang together by sure links, for the middle one is held against all of them at the end (`compare.by_groups`).
"""

from __future__ import annotations

from collections.abc import Iterable

LARGE = 50  # pictures


class Heaps:
    """Disjoint sets of rows (Tarjan 1975)."""

    def __init__(self, linked: Iterable[tuple[int, int]] = ()) -> None:
        self._above: dict[int, int] = {}  # row -> another one of its heap, nearer to the root
        self._size: dict[int, int] = {}  # root -> rows
        for one, other in linked:
            self.join(one, other)

    def join(self, one: int, other: int) -> None:
        """They are surely one photo."""
        small, large = sorted((self._root(one), self._root(other)), key=lambda root: self._size.get(root, 1))
        if small != large:
            self._above[small] = large
            self._size[large] = self._size.get(large, 1) + self._size.pop(small, 1)

    def settled(self, one: int, other: int) -> bool:
        """Whether both lie in one large heap, so that nobody has to look at them."""
        root = self._root(one)
        return self._size.get(root, 1) >= LARGE and root == self._root(other)

    def _root(self, row: int) -> int:
        while (above := self._above.get(row)) is not None:
            self._above[row] = self._above.get(above, above)
            row = above
        return row
