"""The panel of a page from the sums of a what-if."""

from __future__ import annotations

from typing import Final

from llmcost.money import rounded
from llmcost.results.model import Period
from llmcost.results.panel import Fleet, Lever, Panel, Stop, Sums
from llmcost.results.present import clean, counted, money, name, number, places_of
from llmcost.results.what_if_model import WhatIf, WhatIfFleet, WhatIfGroup

_INTRO: Final = (
    "Move a lever: the page weighs the log's own sums at the catalogue's prices, as a replay would. The levers act in "
    "the order in which they stand."
)


def panel(found: WhatIf | None, period: Period, before: str) -> Panel | None:
    """The panel before the section ``before``; None without sums."""
    if found is None:
        return None
    days = period.days if period.days and (period.days >= 1 or period.extrapolated) else None
    monthly = found.cost_usd * period.month_days / days if days else found.cost_usd
    places = places_of([monthly])
    levers = (
        Lever(
            one.key,
            clean(one.label),
            clean(one.note),
            one.least,
            one.most,
            one.step,
            one.start,
            one.toml,
            one.spread_usd,
        )
        for one in found.levers
    )
    return Panel(
        key="what-if",
        title="What if",
        before=before,
        intro=_INTRO,
        levers=tuple(levers),
        sums=tuple(_sums(group) for group in found.groups),
        fixed=found.fixed_usd,
        fixed_name=_fixed_name(found),
        places=places,
        days=days,
        month_days=period.month_days,
        fleet=None if found.fleet is None else _fleet(found.fleet),
        remarks=tuple(_remarks(found)),
        now=money(rounded(monthly, places), places),
    )


def _sums(group: WhatIfGroup) -> Sums:
    label = f"{name(group.provider)}/{name(group.model)}" if group.provider else name(group.model)
    return Sums(label, tuple((line.places, line.quantity, line.unit_price_usd) for line in group.lines))


def _fixed_name(found: WhatIf) -> str:
    return f"other ({counted(found.fixed_models, 'model')})" if found.fixed_models else "not comparable"


def _remarks(found: WhatIf) -> list[str]:
    remarks = []
    if found.fixed_models:
        remarks.append(f"{counted(found.fixed_models, 'cheaper model')} only follow traffic and discount.")
    if found.not_comparable:
        remarks.append(
            f"{counted(found.not_comparable, 'request')} without a price in some position only follow traffic and discount."
        )
    return remarks


def _fleet(found: WhatIfFleet) -> Fleet:
    stops = tuple(
        Stop(stop.utilisation, f"{number(stop.utilisation * 100)}%", stop.calls_usd, stop.fleet_usd, stop.fixed_usd)
        for stop in found.stops
    )
    return Fleet(
        label="GPU utilisation",
        note=f"{clean(found.title)}: each stop was replayed for the log's own traffic; of the other levers only the discount acts with it",
        start=next(place for place, stop in enumerate(stops) if stop.value == found.start),
        stops=stops,
        toml=found.toml,
    )
