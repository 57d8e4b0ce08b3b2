"""What is wanted of a large table, and what its labels stand for: decided before anything is fetched.

rules.py     which classes, and how many rows of each
mapping.py   other people's labels as the project's classes
"""

from __future__ import annotations

from core.subset.mapping import mapped, propose, read_mapping
from core.subset.rules import (
    Counts,
    Distribution,
    LeftOut,
    Rules,
    chosen,
    count_table,
    counts,
    distribution,
    left_out,
)

__all__ = [
    "Counts", "Distribution", "LeftOut", "Rules", "chosen", "count_table", "counts", "distribution", "left_out",
    "mapped", "propose", "read_mapping",
]  # fmt: skip
