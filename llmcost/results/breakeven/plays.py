"""The replays behind a break-even: asked for by name, played together, and the few sums that all of its parts need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from llmcost.errors import UsageError
from llmcost.money import EXACT, RATIO, ZERO, plain
from llmcost.results.model import Result, Scenario
from llmcost.results.scenario import BoundScenario, BoundStep, bind

_PLACES: Final = Decimal("1e-6")
_LARGEST: Final = Decimal(1000)
Play = Callable[[Sequence[BoundScenario]], Result]


@dataclass(frozen=True)
class Subject:
    """A strategy with parameters, and the steps before it that both sides share."""

    step: BoundStep
    before: tuple[BoundStep, ...] = ()
    prices_on: date | None = None

    def scenario(self, name: str, growth: Decimal = Decimal(1), **changed: Any) -> BoundScenario:
        """The subject at a volume, with some parameters changed."""
        step = self.step
        if changed:
            given = step.params.model_dump(exclude_unset=True) | changed
            step = bind(step.name, given)
        return BoundScenario(name, (*self.before, *_grown(growth), step), self.prices_on)


def _grown(growth: Decimal) -> Iterator[BoundStep]:
    """Steps that multiply the volume; one alone may not do more than :data:`_LARGEST`."""
    while growth > _LARGEST:
        yield bind("reprice", {"growth": plain(_LARGEST)})
        growth = RATIO.divide(growth, _LARGEST)
    if growth != 1:
        yield bind("reprice", {"growth": plain(growth)})


@dataclass
class Plays:
    """Replays asked for by name, played together."""

    play: Play
    asked: dict[str, BoundScenario] = field(default_factory=dict)
    found: dict[str, Scenario] = field(default_factory=dict)
    result: Result | None = None

    def ask(self, key: str, scenario: BoundScenario) -> None:
        """Notes a scenario for the next run."""
        if key not in self.found:
            self.asked[key] = replace(scenario, name=key)

    def run(self) -> Result:
        """Plays what was asked since the last run."""
        if self.asked or self.result is None:
            self.result = self.play(list(self.asked.values()))
            self.found |= {scenario.name: scenario for scenario in self.result.scenarios}
            self.asked = {}
        return self.result

    def volume(self, subject: Subject, factor: Decimal) -> None:
        """Notes a volume for the next run."""
        self.ask(f"volume {plain(factor)}", subject.scenario("", factor))

    def at(self, factor: Decimal) -> Scenario:
        """What was played at a volume."""
        return self.found[f"volume {plain(factor)}"]


def month_of(result: Result) -> Decimal:
    """Months in the log's period, as a factor on its amounts."""
    days = result.period.days
    if not days:
        raise UsageError("no row of the log has a time, so there is no volume a month", hint="map a time column")
    return RATIO.divide(result.period.month_days, days)


def scaled(amount: Decimal, month: Decimal) -> Decimal:
    """An amount of the log's period as one of a month."""
    return RATIO.multiply(amount, month).quantize(_PLACES)


def cost_before(scenario: Scenario) -> Decimal:
    """What the comparable rows cost before the last step."""
    saved = ZERO
    for step in scenario.steps[:-1]:
        saved = EXACT.add(saved, step.saving_usd)
    return EXACT.subtract(scenario.comparable_baseline_usd, saved)


def cost_after(scenario: Scenario) -> Decimal:
    """What they cost with it."""
    return EXACT.subtract(cost_before(scenario), scenario.steps[-1].saving_usd)


def flat_cost(scenario: Scenario) -> Decimal:
    """What is paid whether tokens flow or not."""
    total = ZERO
    for line in scenario.flat_charges:
        total = EXACT.add(total, line.cost_usd or ZERO)
    return total
