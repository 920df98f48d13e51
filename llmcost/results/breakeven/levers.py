"""What decides it: each uncertain number at its ends, everything else as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from llmcost.errors import UsageError
from llmcost.money import EXACT, RATIO, ZERO, plain
from llmcost.results.breakeven.model import LeverLine
from llmcost.results.breakeven.plays import Plays, Subject, flat_cost, scaled
from llmcost.results.model import FlatChargeLine, Scenario, Step
from llmcost.results.scenario import BoundScenario
from llmcost.workload.contract import Lever

VOLUMES: Final = (Decimal("0.5"), Decimal(2))
"""Volumes that the lever *volume* stands for: they must have been replayed."""
_API_PRICES: Final = (Decimal("0.7"), Decimal("1.3"))


@dataclass(frozen=True)
class End:
    """One end of a lever: what the log's period then saves, and the flat charges of it."""

    saving_usd: Decimal
    flat: Sequence[FlatChargeLine]


@dataclass(frozen=True)
class Pulled:
    """A lever with what its ends give."""

    name: str
    values: Mapping[str, str]
    ends: Mapping[str, End]

    def line(self, now: Decimal, month: Decimal) -> LeverLine:
        """The lever by the month; an end that cannot be is as it is."""

        def saving(end: str) -> Decimal:
            return scaled(self.ends[end].saving_usd if end in self.ends else now, month)

        low, high = (self.values.get(end, "as it is") for end in ("low", "high"))
        return LeverLine(
            name=self.name, low=low, high=high, saving_low_usd=saving("low"), saving_high_usd=saving("high")
        )


def lever_plays(subject: Subject, step: Step) -> Iterable[tuple[str, BoundScenario]]:
    """What must be replayed for the strategy's levers, by name."""
    for lever in subject.step.strategy.levers:
        for end, value in _values(subject, lever, step):
            yield f"lever {lever.name} {end}", subject.scenario("", **{lever.name: value})
    if by_spend(step):
        for factor in _API_PRICES:
            yield f"volume {plain(factor)}", subject.scenario("", factor)


def by_spend(step: Step) -> bool:
    """Whether what is bought is an amount of spend: then dearer prices are to it what more volume is."""
    return "break_even_utilisation" in step.measures


def _values(subject: Subject, lever: Lever, step: Step) -> Iterable[tuple[str, Any]]:
    """The ends of a lever that the parameters allow; none where a relative one has nothing to start from."""
    ends = {"low": lever.low, "high": lever.high}
    if lever.off:
        now, part = getattr(subject.step.params, lever.name), step.measures.get(lever.off, ZERO)
        more = EXACT.add(Decimal(1), part)
        ends = {"low": _short(RATIO.divide(now, more)), "high": _short(RATIO.multiply(now, more))}
    if lever.relative:
        now = getattr(subject.step.params, lever.name)
        now = step.measures.get(lever.name) if now is None else now
        if not now:
            return
        whole = isinstance(now, int)
        ends = {end: _times(Decimal(now), Decimal(str(by)), whole=whole) for end, by in ends.items()}
    for end, value in ends.items():
        try:
            subject.scenario("", **{lever.name: value})
        except UsageError:
            continue
        yield end, value


def _short(value: Decimal) -> str:
    return plain(value.quantize(Decimal("0.001")))


def _times(now: Decimal, by: Decimal, *, whole: bool) -> str:
    product = EXACT.multiply(now, by)
    return plain(product.quantize(Decimal(1) if whole else Decimal("1e-9")))


def pulled(subject: Subject, plays: Plays, own: Scenario) -> list[Pulled]:
    """Every lever that moves anything: the strategy's own, the API's prices and the volume."""
    now = own.steps[-1].saving_usd
    found = [_own(lever, subject, plays, own) for lever in subject.step.strategy.levers]
    moving = [lever for lever in found if any(end.saving_usd != now for end in lever.ends.values())]
    return [*moving, *_shared(plays, own)]


def _own(lever: Lever, subject: Subject, plays: Plays, own: Scenario) -> Pulled:
    values = dict(_values(subject, lever, own.steps[-1]))
    ends = {end: _end(plays.found[f"lever {lever.name} {end}"]) for end in values}
    return Pulled(lever.name, {end: str(value) for end, value in values.items()}, ends)


def _shared(plays: Plays, own: Scenario) -> Iterator[Pulled]:
    # Rates scale what is paid by the token, not what is paid by the hour.
    flat = flat_cost(own)
    avoided = EXACT.add(own.steps[-1].saving_usd, flat)
    ends = [End(EXACT.subtract(EXACT.multiply(avoided, by), flat), own.flat_charges) for by in _API_PRICES]
    if by_spend(own.steps[-1]):
        ends = [_end(plays.at(by)) for by in _API_PRICES]
    yield _pair("API prices", _API_PRICES, ends)
    yield _pair("volume", VOLUMES, [_end(plays.at(factor)) for factor in VOLUMES])


def _pair(name: str, factors: Sequence[Decimal], ends: Sequence[End]) -> Pulled:
    sides = ("low", "high")
    told = {side: f"{plain(factor)} x" for side, factor in zip(sides, factors, strict=True)}
    return Pulled(name, told, dict(zip(sides, ends, strict=True)))


def _end(scenario: Scenario) -> End:
    return End(scenario.steps[-1].saving_usd, scenario.flat_charges)
