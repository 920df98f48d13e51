"""What happened in the month, a sentence each with its money: price changes, storms, mix shifts, anomalies, budgets."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from llmcost.money import ZERO, rounded
from llmcost.results.monthly.effects import Side
from llmcost.results.monthly.model import Anomaly, Budget, Finding, Headline, Movers, PriceChange, Storm
from llmcost.results.present import clean, counted, money, name, percent
from llmcost.results.spend_tables import dimension_title

_LEAST: Final = Decimal("0.01")
"""Share of the month's cost from which on a shift of the mix is told."""
MATERIAL: Final = Decimal("0.01")
"""Share of the month's cost from which on an anomaly is among what happened."""
_SHOWN: Final = 20
Cells = Mapping[Hashable, tuple[Side, Side]]


def findings(
    headline: Headline,
    changes: Sequence[PriceChange],
    storms: Sequence[Storm],
    shifts: Sequence[Finding],
    anomalies: Sequence[Anomaly],
) -> list[Finding]:
    """All of them, the largest amount first; anomalies that the month does not feel are in their own section only."""
    least = (headline.this.cost_usd or ZERO) * MATERIAL
    found = [
        *_prices(changes),
        *_storms(storms),
        *shifts,
        *(_anomaly(a) for a in anomalies if a.part_of is None and abs(a.excess_usd) >= least),
        *_budgets(headline),
        *_gaps(headline),
    ]
    return ranked(found)


def ranked(found: Sequence[Finding]) -> list[Finding]:
    """The largest first, as many as a report holds."""
    return sorted(found, key=lambda f: (f.amount_usd is None, -abs(f.amount_usd or ZERO), f.kind, f.text))[:_SHOWN]


def _prices(changes: Sequence[PriceChange]) -> Iterator[Finding]:
    for change in changes:
        if not change.effect_usd:
            continue
        rates = ", ".join(f"{clean(c).replace('_', ' ')} ${a} to ${b}" for c, (a, b) in sorted(change.rates.items()))
        more = "more" if change.effect_usd > 0 else "less"
        yield Finding(
            kind="price-change",
            dimension="model",
            value=change.model,
            amount_usd=change.effect_usd,
            start=change.on,
            text=(
                f"{name(change.model)} changed its price on {change.on.isoformat()} ({rates}): "
                f"{money(abs(change.effect_usd))} {more} for {counted(change.requests, 'call')}"
            ),
        )


def _storms(storms: Sequence[Storm]) -> Iterator[Finding]:
    for storm in storms:
        where = f"{name(storm.feature)} on {name(storm.model)}" if storm.feature else name(storm.model)
        yield Finding(
            kind="retry-storm",
            dimension="feature" if storm.feature else "model",
            value=storm.feature or storm.model,
            amount_usd=storm.wasted_usd,
            start=storm.first.date(),
            end=storm.last.date(),
            text=(
                f"retry storm of {where}, {storm.first:%Y-%m-%d %H:%M} to {storm.last:%H:%M} UTC: {counted(storm.attempts, 'attempt')}, "
                f"{storm.failed:,} failed; attempts that gave way to another cost {money(storm.wasted_usd)}"
            ),
        )


def shifts(movers: Movers, cells: Mapping[str | None, Cells], cost: Decimal) -> list[Finding]:
    """Values whose calls went to other models, with what that alone changed."""
    found = []
    for line in movers.lines:
        if line.rest or not line.last_usd or not line.this_usd or abs(line.mix_usd) < cost * _LEAST:
            continue
        up, down = _moved(cells.get(line.value, {}))
        more = "more" if line.mix_usd > 0 else "less"
        what = f"{dimension_title(movers.dimension)} {name(line.value)}"
        found.append(
            Finding(
                kind="mix-shift",
                dimension=movers.dimension,
                value=line.value,
                amount_usd=line.mix_usd,
                text=f"{what} moved its calls: {up}{down}: {money(abs(line.mix_usd))} {more} for the same calls",
            )
        )
    return found


def _moved(cells: Cells) -> tuple[str, str]:
    """The model whose share of calls rose most and the one whose fell most, in words."""
    calls = [(cell, last.calls, this.calls) for cell, (last, this) in cells.items()]
    before, now = sum(last for _, last, _ in calls) or Decimal(1), sum(this for *_, this in calls) or Decimal(1)
    moved = sorted(
        ((rounded(this / now - last / before, 6), _cell(cell)) for cell, last, this in calls),
        key=lambda m: (m[0], m[1]),
    )
    if not moved:
        return "", ""
    share = {_cell(cell): (last / before, this / now) for cell, last, this in calls}
    up, down = moved[-1][1], moved[0][1]
    told = f"{up} from {percent(share[up][0], 0)} to {percent(share[up][1], 0)}"
    return told, f", {down} from {percent(share[down][0], 0)} to {percent(share[down][1], 0)}" if down != up else ""


def _cell(cell: Hashable) -> str:
    model, tier, region, *_ = cell if isinstance(cell, tuple) else (cell, None, None)
    more = [str(part) for part in (tier, region) if part not in {None, "standard", "global"}]
    return clean(" ".join([str(model), *more]))


def _anomaly(found: Anomaly) -> Finding:
    what = (
        "the whole spend" if found.dimension == "total" else f"{dimension_title(found.dimension)} {name(found.value)}"
    )
    days = found.start.isoformat() + (f" to {found.end.isoformat()}" if found.end != found.start else "")
    more = "more" if found.excess_usd > 0 else "less"
    changed = (
        f"; in part by the new price of {', '.join(clean(c) for c in found.price_changes)}"
        if found.price_changes
        else ""
    )
    return Finding(
        kind="anomaly",
        dimension=found.dimension,
        value=found.value,
        amount_usd=found.excess_usd,
        start=found.start,
        end=found.end,
        text=(
            f"{what}, {days}: {money(found.cost_usd)} instead of {money(found.expected_usd)}, "
            f"{money(abs(found.excess_usd))} {more} than such days cost{changed}"
        ),
    )


def _budgets(headline: Headline) -> Iterator[Finding]:
    for budget in headline.budgets:
        if budget.left >= 0:
            continue
        over = budget_text(-budget.left, budget)
        yield Finding(
            kind="budget",
            value=budget_name(budget),
            amount_usd=-budget.left if budget.unit == "USD" else None,
            text=f"the budget {budget_name(budget)}{' ' if budget_name(budget) else ''}of {budget_text(budget.amount, budget)} is overspent by {over}",
        )


def budget_name(budget: Budget) -> str:
    """A budget's name, and whose it is where each has its own."""
    return clean(f"{budget.name} ({budget.owner})" if budget.owner is not None else budget.name)


def budget_text(value: Decimal, budget: Budget) -> str:
    """Dollars or tokens."""
    return money(value) if budget.unit == "USD" else f"{value:,} tokens"


def _gaps(headline: Headline) -> Iterator[Finding]:
    missing = headline.this.unpriced_requests
    if missing:
        yield Finding(
            kind="unpriced",
            amount_usd=None,
            text=f"{counted(missing, 'call')} of the month have no price and are in no amount",
        )
