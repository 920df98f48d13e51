"""Two results side by side: what changed in total, by scenario and by dimension, as a small model of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from llmcost.money import EXACT, ZERO, rounded
from llmcost.results.model import Period, PricesUsed, Result, Scenario, Slice, Totals
from llmcost.results.present import by_dimension, dimensions_of
from llmcost.results.shape import Shape, Usd


class Side(Shape):
    """Where one of the two results comes from."""

    title: str
    sources: list[str]
    period: Period
    prices: PricesUsed
    requests: int
    priced_share: Usd | None


class Change(Shape):
    """An amount before and after; None where that side does not know or have it."""

    before_usd: Usd | None
    after_usd: Usd | None
    change_usd: Usd | None = Field(description="after - before; None unless both are known.")
    change_share: Usd | None = Field(description="change / before to 12 digits; None where that has no meaning.")


class TotalChange(Change):
    measure: Literal["period", "month"] = Field(description="Cost of the whole period, or of a month of it.")


class ScenarioChange(Change):
    """A scenario that one result or both hold, by name."""

    name: str
    saving_before_usd: Usd | None
    saving_after_usd: Usd | None
    status: Literal["both", "added", "removed"]


class Mover(Change):
    """One value of a dimension. Its change is volume_usd + rate_usd, exactly, where both sides know their cost."""

    dimension: str
    label: str
    requests_before: int
    requests_after: int
    volume_usd: Usd | None = Field(description="More or fewer requests at the cost per request of before.")
    rate_usd: Usd | None = Field(description="Another cost per request: prices, mix or tokens per request.")
    status: Literal["both", "added", "removed"]


class Comparison(Shape):
    """What lies between two results."""

    kind: ClassVar[str] = "comparison"
    schema_version: Literal[1] = 1
    before: Side
    after: Side
    totals: list[TotalChange]
    scenarios: list[ScenarioChange]
    movers: list[Mover] = Field(description="By dimension, the largest change first; unknown changes last.")
    warnings: list[str] = Field(description="What makes the two hard to compare.")


def compare(before: Result, after: Result) -> Comparison:
    """What changed from ``before`` to ``after``."""
    return Comparison(
        before=_side(before),
        after=_side(after),
        totals=_totals(before.baseline, after.baseline),
        scenarios=_scenarios(before.scenarios, after.scenarios),
        movers=_movers(before.baseline.breakdown, after.baseline.breakdown),
        warnings=_warnings(before, after),
    )


def _side(result: Result) -> Side:
    coverage = result.coverage
    return Side(
        title=result.title,
        sources=result.sources,
        period=result.period,
        prices=result.prices,
        requests=coverage.requests,
        priced_share=coverage.priced_share,
    )


def _difference(before: Decimal | None, after: Decimal | None) -> tuple[Decimal | None, Decimal | None]:
    """(change, share of before); a share of nothing has no meaning and is None."""
    if before is None or after is None:
        return None, None
    change = EXACT.subtract(after, before)
    return change, rounded(change / before, 12) if before > 0 else None


def _totals(before: Totals, after: Totals) -> list[TotalChange]:
    whole = _total("period", before.cost_usd, after.cost_usd)
    if before.monthly_cost_usd is None and after.monthly_cost_usd is None:
        return [whole]
    return [whole, _total("month", before.monthly_cost_usd, after.monthly_cost_usd)]


def _total(measure: Literal["period", "month"], before: Decimal | None, after: Decimal | None) -> TotalChange:
    change, share = _difference(before, after)
    return TotalChange(measure=measure, before_usd=before, after_usd=after, change_usd=change, change_share=share)


def _scenarios(before: Sequence[Scenario], after: Sequence[Scenario]) -> list[ScenarioChange]:
    old, new = {s.name: s for s in before}, {s.name: s for s in after}
    names = [*new, *(name for name in old if name not in new)]
    return [_scenario(name, old.get(name), new.get(name)) for name in names]


def _scenario(name: str, old: Scenario | None, new: Scenario | None) -> ScenarioChange:
    before, after = old.cost_usd if old else None, new.cost_usd if new else None
    change, share = _difference(before, after)
    return ScenarioChange(
        name=name,
        before_usd=before,
        after_usd=after,
        change_usd=change,
        change_share=share,
        saving_before_usd=old.saving_usd if old else None,
        saving_after_usd=new.saving_usd if new else None,
        status=_status(old is not None, new is not None),
    )


def _status(in_before: bool, in_after: bool) -> Literal["both", "added", "removed"]:
    return "both" if in_before and in_after else "added" if in_after else "removed"


def _movers(before: Sequence[Slice], after: Sequence[Slice]) -> list[Mover]:
    """Along every dimension that both sides break their cost down by; an empty side has nothing to say against it."""
    old, new = dimensions_of(before), dimensions_of(after)
    shared = [key for key in new or old if not old or key in old]
    return [mover for key in shared for mover in _along(key, before, after)]


def _along(dimension: str, before: Iterable[Slice], after: Iterable[Slice]) -> list[Mover]:
    old, new = dict(by_dimension(before, dimension)), dict(by_dimension(after, dimension))
    movers = [_mover(dimension, label, old.get(label), new.get(label)) for label in {**old, **new}]
    return sorted(movers, key=lambda m: (m.change_usd is None, -abs(m.change_usd or ZERO), m.label))


def _mover(dimension: str, label: str, old: Slice | None, new: Slice | None) -> Mover:
    """A value absent on one side cost nothing there; one present without a price is unknown."""
    before, after = old.cost_usd if old else ZERO, new.cost_usd if new else ZERO
    change, share = _difference(before, after)
    requests = (old.requests if old else 0, new.requests if new else 0)
    volume = _volume(before, (_priced(old), _priced(new))) if change is not None else None
    return Mover(
        dimension=dimension,
        label=label,
        before_usd=before,
        after_usd=after,
        change_usd=change,
        change_share=share,
        requests_before=requests[0],
        requests_after=requests[1],
        volume_usd=volume,
        rate_usd=EXACT.subtract(change, volume) if change is not None and volume is not None else None,
        status=_status(old is not None, new is not None),
    )


def _priced(line: Slice | None) -> int:
    return line.requests - line.unpriced_requests if line else 0


def _volume(before: Decimal | None, requests: tuple[int, int]) -> Decimal | None:
    if before is None or not requests[0]:
        return None
    return rounded((requests[1] - requests[0]) * before / requests[0], 12)


def _warnings(before: Result, after: Result) -> list[str]:
    lines = []
    if before.period.days != after.period.days:
        lines.append("The periods differ in length: compare the months, not the periods.")
    if before.period.timezone != after.period.timezone:
        lines.append("The time zones differ: days and months have other edges.")
    if before.period.month_days != after.period.month_days:
        lines.append("A month is scaled to another number of days.")
    if before.prices != after.prices:
        lines.append("The prices differ: part of the change is the catalogue, its overlay or the price day.")
    if before.coverage.priced_share != after.coverage.priced_share:
        lines.append("Another share of the requests is priced: part of the change is coverage.")
    return lines
