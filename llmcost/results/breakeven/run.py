"""When a strategy pays: its cost over volume, price and use, by replaying the log at each of them.

Everything is priced by the replay itself; nothing here multiplies a rate. Volumes are factors on the log's own traffic, a
step ``reprice growth`` before the strategy, so the shape of the demand stays. A crossing is bracketed by two volumes that
were replayed and given as their middle where the cost is a staircase.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from llmcost.errors import UsageError
from llmcost.money import EXACT, plain
from llmcost.results.breakeven.curve import VOLUMES, crossings_of, replayed, verdict_of
from llmcost.results.breakeven.levers import VOLUMES as LEVER_VOLUMES
from llmcost.results.breakeven.levers import lever_plays, pulled
from llmcost.results.breakeven.model import BreakEven
from llmcost.results.breakeven.plays import Play, Plays, Subject, cost_before, month_of, scaled
from llmcost.results.breakeven.quick import Look, Quick
from llmcost.results.breakeven.ranges import ends_of, without_ranges
from llmcost.results.breakeven.sizes import sizes_of
from llmcost.results.breakeven.worth import most_used, once_of, price_factor_of, use_of
from llmcost.results.model import Result, Scenario

__all__ = ["VOLUMES", "Play", "Subject", "break_even"]


def break_even(
    subject: Subject, play: Play, volumes: Sequence[Decimal] = VOLUMES, look: Look | None = None
) -> BreakEven:
    """When ``subject`` pays. ``play`` replays scenarios over the log; UsageError where the log has no time or no price.

    Ranged parameters are at their modes, and the whole is asked again at their ends. With ``look`` the replays of a fleet that
    differ in its numbers alone are made out of one look at the log.
    """

    def quick(of: Subject) -> Play:
        return play if look is None or of.before else Quick(play, look, of.step)

    ends = list(ends_of(subject))
    middle = without_ranges(subject)
    found = _at_modes(middle, quick(middle), volumes)
    lines = [
        each.line(found if each.is_mode else _at_modes(each.subject, quick(each.subject), volumes)) for each in ends
    ]
    return found.model_copy(update={"ranges": lines})


def _at_modes(subject: Subject, play: Play, volumes: Sequence[Decimal]) -> BreakEven:
    plays = Plays(play)
    for volume in dict.fromkeys((*volumes, *LEVER_VOLUMES, Decimal(1))):
        plays.volume(subject, volume)
    result = plays.run()
    own = plays.at(Decimal(1))
    if not own.comparable_baseline_usd:
        raise UsageError(
            "no request of the log has a price before and after the strategy, so nothing can be compared",
            hint="llmcost prices list shows what is priced; --prices FILE gives a model a price of your own",
        )
    step = own.steps[-1]
    month = month_of(result)
    for key, scenario in lever_plays(subject, step):
        plays.ask(key, scenario)
    plays.run()
    use = use_of(own, result)
    curve = replayed(subject, plays, result, upward=use is None or use.break_even is None or use.break_even <= 1)
    sizes = sizes_of(subject, step, plays, month)
    if use is not None:
        use = use.model_copy(update={"most": most_used(plays)})
    crossings, levers = list(crossings_of(curve)), pulled(subject, plays, own)
    baseline, saving = cost_before(own), step.saving_usd
    lines = [lever.line(saving, month) for lever in levers]
    return BreakEven(
        generated_with=result.generated_with, title=result.title, sources=result.sources, period=result.period,
        prices=result.prices, strategy=step.strategy, option=step.title, verdict=verdict_of(curve, crossings),
        requests=result.baseline.requests, baseline_usd=scaled(baseline, month),
        option_usd=scaled(EXACT.subtract(baseline, saving), month), saving_usd=scaled(saving, month),
        price_factor=price_factor_of(own, crossings), curve=curve, crossings=crossings, sizes=sizes,
        size_name=subject.step.strategy.sweep.name if sizes and subject.step.strategy.sweep else "",
        levers=sorted(lines, key=lambda line: (-line.swing, line.name)), use=use,
        once=once_of(own, month, result.period, levers), facts=step.facts, exhibits=step.exhibits,
        assumptions=step.assumptions, warnings=[*result.warnings, *step.warnings, *_remarks(own, result)],
        unpriced_requests=own.not_comparable.requests,
    )  # fmt: skip


def _remarks(own: Scenario, result: Result) -> Iterable[str]:
    days = result.period.days
    if days is not None and days < 7:
        yield f"a month is scaled from {plain(days.quantize(Decimal('0.01')))} days: its weekday and night hours are assumed to repeat"
    # What has no price at all is told by the result already.
    if own.not_comparable.requests not in {0, result.coverage.requests - result.coverage.priced_requests}:
        yield f"{own.not_comparable.requests} requests have no price on one of the sides and are left out"
    for line in own.flat_charges:
        told = any(line.sku in warning for warning in own.steps[-1].warnings)
        if line.cost_usd is None and not told:
            yield f"{line.sku.replace('_', ' ')} has no price and is in no total"
