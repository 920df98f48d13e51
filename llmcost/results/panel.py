"""Levers that a page lets its reader move: exact sums as data, which the page's script weighs. No other format shows them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Lever:
    """A slider in whole steps of its unit. ``start`` None: there is a position below the least at which it is off.

    ``toml`` is its step in a scenario file; the last ``{value}`` stands for the position as a fraction. ``spread`` is
    that of :class:`llmcost.results.model.WhatIfLever`.
    """

    key: str
    label: str
    note: str
    least: int
    most: int
    step: int
    start: int | None
    toml: str
    spread: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """What one line of the panel's table is made of: (places, amount) of every state, exact; see ``WhatIfLine``."""

    name: str
    lines: tuple[tuple[str, Decimal, Decimal], ...]
    """Places, quantity, unit price."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One position of a fleet: its text, and three amounts: calls left to providers, the fleet, what stays as it is."""

    value: Decimal
    text: str
    calls: Decimal
    fleet: Decimal
    fixed: Decimal


@dataclass(frozen=True, slots=True)
class Fleet:
    """Own GPUs, off at first; with them the levers of the calls rest."""

    label: str
    note: str
    start: int
    """Place of the stop that the scenario itself names."""
    stops: tuple[Stop, ...]
    toml: str


@dataclass(frozen=True, slots=True)
class Panel:
    """The levers in the order in which they act, and what they act on.

    Amounts are scaled to a month by ``month_days / days`` where ``days`` are known, and shown with ``places`` decimals.
    """

    key: str
    title: str
    before: str
    """Key of the section that it stands before."""
    intro: str
    levers: tuple[Lever, ...]
    sums: tuple[Sums, ...]
    fixed: Decimal
    fixed_name: str
    places: int
    days: Decimal | None
    month_days: Decimal
    fleet: Fleet | None = None
    remarks: tuple[str, ...] = ()
    now: str = ""
    """What it costs as it is, as text."""
