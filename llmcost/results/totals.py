"""The Totals of a priced workload, and the scaling of a period to a month."""

from __future__ import annotations

from decimal import Decimal

from llmcost.results.model import Totals
from llmcost.results.options import ReplayOptions
from llmcost.results.priced import Priced


def totals(priced: Priced, days: Decimal | None, options: ReplayOptions) -> Totals:
    """The Totals of a priced workload."""
    return Totals(
        **priced.counters(),
        cost_usd=priced.cost,
        monthly_cost_usd=monthly(priced.cost, days, options),
        lines=priced.lines(),
        breakdown=priced.slices(),
        series=priced.series(),
    )


def monthly(cost: Decimal, days: Decimal | None, options: ReplayOptions) -> Decimal | None:
    """``cost`` scaled from the period to a month; None for a period under 24 hours unless asked for."""
    if days is None or days <= 0 or (days < 1 and not options.extrapolate):
        return None
    # The only inexact step: a division; 28 digits are far below a cent at any amount.
    return (cost * options.month_days / days).quantize(Decimal("1e-12"))
