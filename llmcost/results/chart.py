"""The charts of a report as exact numbers, with the texts that the tables show; drawing them is a format's own affair.

A chart says nothing that no table says: its ``label`` (for those who hear a page) names the table. Keys come from code,
never from a log.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from llmcost.results.cube import View

Tone = Literal["", "saving", "loss", "muted"]
Colour = Literal["", "rest", "measured", "modelled", "assumed", "saving", "loss", "total"]
"""A series' colour by its meaning; the empty one takes the next of the palette."""
Axis = Literal["USD", "share", "count", "number", "date"]


@dataclass(frozen=True, slots=True)
class Chart:
    """What all charts have: a key that is unique in the document, and a label in words."""

    key: str
    label: str
    view: View | None = field(default=None, kw_only=True)
    """What its lines are of, where a page can draw them for a part of the spend."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a waterfall between two displayed totals; ``text`` is what it stands for, in dollars."""

    label: str
    start: Decimal
    end: Decimal
    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Waterfall(Chart):
    """How one amount becomes another, bar by bar; ``caption`` heads the bars where they are shown as a table."""

    caption: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One value and its text for each place of the chart; None leaves a gap."""

    name: str
    values: tuple[Decimal | None, ...]
    texts: tuple[str, ...]
    colour: Colour = ""


@dataclass(frozen=True, slots=True)
class Days(Chart):
    """Series stacked over calendar days (ISO dates)."""

    days: tuple[str, ...]
    series: tuple[Series, ...]
    unit: Axis = "USD"


@dataclass(frozen=True, slots=True)
class Bars(Chart):
    """Lying bars by name, the series of each stacked or grouped; with a ``base`` they span from it to their value."""

    names: tuple[str, ...]
    series: tuple[Series, ...]
    grouped: bool = False
    unit: Axis = "USD"
    base: Decimal | None = None
    base_name: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A place on a line; ``x`` is a number, or an ISO date or instant on an axis of time. ``text`` says both values."""

    x: Decimal | str
    y: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """Points joined in order, straight or by steps; ``dashed`` is for what is expected, not known."""

    name: str
    points: tuple[Point, ...]
    steps: bool = False
    dashed: bool = False
    colour: Colour = ""


@dataclass(frozen=True, slots=True)
class Band:
    """The room between a low and a high line over the same places: a range, an interval."""

    name: str
    low: tuple[Point, ...]
    high: tuple[Point, ...]
    colour: Colour = ""


@dataclass(frozen=True, slots=True)
class Lines(Chart):
    """Lines and bands over a numeric axis or time, with points that are marked and named: where two lines cross."""

    x_title: str
    lines: tuple[Line, ...]
    marks: tuple[Point, ...] = ()
    bands: tuple[Band, ...] = ()
    x_unit: Axis = "number"
    unit: Axis = "USD"


@dataclass(frozen=True, slots=True)
class HeatMap(Chart):
    """A value for each column (an hour, say) of each row (a weekday); None is empty, not nothing."""

    columns: tuple[str, ...]
    rows: tuple[Series, ...]
