"""What a page needs to show tables and charts of a part of the spend: sums by every combination of a few dimensions.

A table or chart says by its :class:`View` which dimension its lines are of; a page can then filter all of them to a
value of any dimension. Labels are those that the tables show, so that a value has one name on a page.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Measure = Literal[
    "cost", "share", "requests", "unpriced", "input", "cached", "output", "last", "change", "last_requests", ""
]
"""What a column shows of the lines under it: a sum, the cost's share of the whole, cached input's share of input; the month
before and the change since; "" what no cube knows."""


@dataclass(frozen=True, slots=True)
class View:
    """``dimension`` of ``cube`` names the lines, ``measures`` are those of the columns behind the first.

    At most ``top`` lines, the rest in one; amounts with ``places`` decimals. ``across`` is a chart's other axis.
    """

    cube: str
    dimension: str
    measures: tuple[Measure, ...]
    top: int
    places: int
    across: str = ""


@dataclass(frozen=True, slots=True)
class Cube:
    """Sums by combination of dimensions. ``cells``: for each the places of its labels, then cost, requests and the rest.

    A measure that is not known is None and stays out of sums.
    """

    key: str
    dimensions: tuple[str, ...]
    titles: tuple[str, ...]
    """What people call each dimension."""
    labels: tuple[tuple[str, ...], ...]
    measures: tuple[Measure, ...]
    cells: tuple[tuple[tuple[int, ...], tuple[Decimal | int | None, ...]], ...]
    folded: tuple[str, ...] = ()
    """Of each dimension the label of the values that are kept together, "" where all have their names; () of none."""
