"""The budget file: budgets of windows and limits on what a change may cost, in one place for all commands."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationError, model_validator

from llmcost.config import exact_toml
from llmcost.errors import UsageError, line_of, quoted
from llmcost.money import EXACT
from llmcost.results.scenario import explain
from llmcost.workload.budgets import FOR, WHEN, Budget, Budgets, Owners, Zone
from llmcost.workload.contract import Params

Measure = Literal["monthly", "increase", "increase_percent", "per_request", "per_success"]
IN_MONEY: Final = frozenset({"monthly", "increase", "per_request", "per_success"})


class Limit(Params):
    """What the check holds a change to; above ``warn`` it warns, above ``block`` it says no."""

    name: str = Field(min_length=1, max_length=120, description="Name shown in reports.")
    owners: Owners = FOR
    when: str | None = WHEN
    measure: Measure = Field(
        description="monthly: cost a month after the change; increase: what the change adds a month; increase_percent: the "
        "same in percent of before; per_request: cost of a request; per_success: cost of a request whose quality_score is good."
    )
    warn: Decimal | None = Field(default=None, ge=0, le=10**12, description="Above it the check warns.")
    block: Decimal | None = Field(default=None, ge=0, le=10**12, description="Above it the check fails.")
    success_at: Decimal = Field(
        default=Decimal("0.5"), description="quality_score from which a request is a success, for per_success."
    )

    @model_validator(mode="after")
    def _limits(self) -> Limit:
        if self.warn is None and self.block is None:
            raise ValueError(f"limit {self.name!r} needs warn, block or both")
        if self.warn is not None and self.block is not None and self.warn > self.block:
            raise ValueError(f"limit {self.name!r}: warn is above block")
        return self


class BudgetFile(Params):
    """A budget file (TOML 1.0): budgets and limits, amounts in USD or in the currency that it names."""

    timezone: Zone = Field(default="UTC", description="Where hours, days, weeks and months begin, e.g. Europe/Berlin.")
    currency: str = Field(
        default="USD",
        pattern="^[A-Z]{3}$",
        description="Currency of amount and of limits; budgets in usd stay dollars.",
    )
    usd_per_unit: Decimal | None = Field(
        default=None, gt=0, le=10**6, description="Dollars for one unit of currency; needed unless that is USD."
    )
    budget: tuple[Budget, ...] = Field(default=(), max_length=500, description="Budgets of windows.")
    limit: tuple[Limit, ...] = Field(default=(), max_length=500, description="Limits for llmcost check.")

    @model_validator(mode="after")
    def _whole(self) -> BudgetFile:
        if not self.budget and not self.limit:
            raise ValueError("there is neither a [[budget]] nor a [[limit]]")
        if (self.currency == "USD") != (self.usd_per_unit is None):
            raise ValueError("usd_per_unit belongs to a currency other than USD, and such a currency needs it")
        names = [*(part.name for part in self.budget), *(part.name for part in self.limit)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"two budgets or limits are called {twice!r}")
        return self

    @property
    def rate(self) -> Decimal:
        """Dollars for one unit of the file's currency."""
        return self.usd_per_unit or Decimal(1)

    def budgets(self) -> Budgets:
        """The budgets in dollars and tokens; there must be one at least."""
        return Budgets(budgets=tuple(self._in_usd(budget) for budget in self.budget), timezone=self.timezone)

    def _in_usd(self, budget: Budget) -> Budget:
        if budget.amount is None:
            return budget
        return budget.model_copy(update={"usd": EXACT.multiply(budget.amount, self.rate), "amount": None})

    def limits(self) -> tuple[Limit, ...]:
        """The limits, money in dollars."""
        return tuple(self._dollars(limit) for limit in self.limit)

    def _dollars(self, limit: Limit) -> Limit:
        if limit.measure not in IN_MONEY:
            return limit
        given = {name: getattr(limit, name) for name in ("warn", "block")}
        return limit.model_copy(
            update={name: None if value is None else EXACT.multiply(value, self.rate) for name, value in given.items()}
        )


def read_budgets(path: Path) -> BudgetFile:
    """The budget file at ``path``; UsageError with the place of whatever is wrong."""
    hint = "llmcost schema budget prints the form, llmcost init writes an example"
    try:
        text = path.read_text(encoding="utf-8")
        data = exact_toml(text)
    except FileNotFoundError as error:
        raise UsageError(
            "there is no such budget file", where=str(path), hint="llmcost init writes one to start from"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(str(error), where=str(path), why="this is no TOML", hint=hint) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the budget file cannot be read: {error}", where=str(path)) from error
    try:
        return BudgetFile.model_validate(data)
    except ValidationError as error:
        loc = [str(part) for part in error.errors()[0]["loc"]]
        number = line_of(text, [*reversed(loc)]) if loc else None
        raise UsageError(
            explain(error, BudgetFile),
            where=f"{path}:{number}" if number else str(path),
            excerpt=quoted(text, number),
            hint=hint,
        ) from error
