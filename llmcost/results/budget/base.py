"""What a check is held against: a saved check, or a saved simulation, told apart by what is in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from llmcost.errors import UsageError, nearest
from llmcost.money import RATIO, ZERO
from llmcost.results.budget.check_model import BasisName, Check
from llmcost.results.budget.rules import Rule
from llmcost.results.model import Result, Slice, Totals
from llmcost.results.priced import add
from llmcost.workload.budgets import MODEL, OWNERS

Measure = tuple[Decimal | None, str]
"""A measure, or None and why it is not known."""
_DIMENSIONS: Final = {"provider_name": "provider"}
"""Usage columns that a breakdown names otherwise."""
UNASKED: Final = "what it was held against does not have this limit"


class Base(Protocol):
    """What was passed before."""

    @property
    def name(self) -> str:
        """The file, and what of it counts."""
        ...

    @property
    def basis(self) -> BasisName:
        """How its month was projected."""
        ...

    @property
    def month_usd(self) -> Decimal | None:
        """What a month cost."""
        ...

    def measured(self, rule: Rule, owner: Mapping[str, str]) -> Measure:
        """What a limit measured of an owner; an owner that it does not know had nothing."""
        ...


@dataclass(frozen=True)
class CheckBase:
    """A saved check: every limit as it was measured then."""

    name: str
    check: Check

    @property
    def basis(self) -> BasisName:
        """As the check says; one of before this was said is a run-rate."""
        return self.check.basis.kind

    @property
    def month_usd(self) -> Decimal | None:
        """A month after the change that was checked."""
        return self.check.after_usd

    def measured(self, rule: Rule, owner: Mapping[str, str]) -> Measure:
        """The finding of the same limit and owner."""
        of_limit = [found for found in self.check.findings if found.limit == rule.held.name]
        same = next((found for found in of_limit if found.owner == owner), None)
        if same is not None:
            return same.after, same.reason
        return (ZERO, "") if of_limit else (None, UNASKED)


@dataclass(frozen=True)
class ResultBase:
    """A saved simulation: the log as it was, or one of its scenarios. Limits are measured on its breakdown."""

    name: str
    result: Result
    totals: Totals

    @property
    def basis(self) -> BasisName:
        """A simulation scales the log's pace."""
        return "run-rate"

    @property
    def month_usd(self) -> Decimal | None:
        """The simulation's own monthly cost."""
        return self.totals.monthly_cost_usd

    def measured(self, rule: Rule, owner: Mapping[str, str]) -> Measure:
        """The measure of the slices that are the owner's."""
        if rule.held.measure == "per_success":
            return None, "a saved simulation does not say which requests were a success"
        if rule.when is not None:
            return None, "a saved simulation cannot be asked for a condition (save a check)"
        found = self._slices(owner)
        if isinstance(found, str):
            return None, found
        priced = [line for line in found if line.cost_usd is not None]
        if found and not priced and rule.held.measure != "tokens":
            return None, "nothing of it had a price"
        # What no token causes is in no slice and belongs to the whole.
        usd = add(line.cost_usd or ZERO for line in priced) if owner else self.totals.cost_usd
        match rule.held.measure:
            case "per_request":
                requests = sum(line.requests - line.unpriced_requests for line in found)
                return (RATIO.divide(usd, Decimal(requests)), "") if requests else (None, "there were no requests")
            case "tokens":
                tokens = sum((line.input_tokens or 0) + (line.output_tokens or 0) for line in found)
                return self._month(Decimal(tokens))
            case _:
                return self._month(usd)

    def _month(self, amount: Decimal) -> Measure:
        days, month = self.result.period.days, self.result.period.month_days
        if not days or self.totals.monthly_cost_usd is None:
            return None, "the saved simulation has no month: less than a day of log"
        return amount * (month / days), ""  # in the order of the check's own, so that equal amounts stay equal

    def _slices(self, owner: Mapping[str, str]) -> list[Slice] | str:
        known = {name for line in self.totals.breakdown for name in line.dimensions}
        found = list(self.totals.breakdown)
        for name, value in owner.items():
            column = OWNERS.get(name, name)
            dimension = _DIMENSIONS.get(column, column)
            if known and name != MODEL and dimension not in known:
                return f"the saved simulation is not broken down by {name} (simulate --by {column}, or save a check)"
            found = [
                line for line in found if value == (_model(line) if name == MODEL else line.dimensions.get(dimension))
            ]
        return found


def _model(line: Slice) -> str:
    return f"{line.dimensions.get('provider') or ''}/{line.dimensions.get('model') or ''}"


def base_of(saved: Check | Result, file: str, scenario: str | None) -> Base:
    """What a check is held against; of a simulation it is the log as it was, or the scenario that is named."""
    if isinstance(saved, Check):
        if scenario is not None:
            raise UsageError(
                "names a scenario of a saved simulation", where="--against-scenario", why=f"{file} is a check"
            )
        return CheckBase(file, saved)
    if scenario is None:
        return ResultBase(f"{file} (the log as it was)", saved, saved.baseline)
    found = next((each for each in saved.scenarios if each.name == scenario), None)
    if found is None:
        raise UsageError(
            f"there is no scenario {scenario!r} in {file}", where="--against-scenario",
            hint=nearest(scenario, [each.name for each in saved.scenarios]) if saved.scenarios else "it has none",
        )  # fmt: skip
    return ResultBase(f"{file} (scenario {scenario})", saved, found)
