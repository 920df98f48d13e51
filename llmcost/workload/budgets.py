"""What a budget is: an amount of money or tokens, whose it is, for which window, and what happens at its end.

One model for the budget file, the strategy ``budget`` and the check; the budget file adds limits on changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import ibis
import ibis.expr.types as ir
from pydantic import AfterValidator, ConfigDict, Field, model_validator

from llmcost.errors import nearest
from llmcost.money import plain
from llmcost.workload.clock import Per
from llmcost.workload.contract import Params, Stage

OWNERS: Final[Mapping[str, str]] = {
    "organization": "organization", "project": "project", "team": "team", "user": "user_id", "user_id": "user_id",
    "api_key": "api_key_id", "api_key_id": "api_key_id", "feature": "feature", "environment": "environment",
    "provider": "provider_name", "provider_name": "provider_name", "task_type": "task_type",
}  # fmt: skip
"""What a budget can be for -> the usage column; beside these ``model`` (``provider/model``) and ``tag.NAME``."""
MODEL: Final = "model"
TAG: Final = "tag."
EACH: Final = "*"
"""In place of a value: every value has a budget of its own."""
_ANY_TEXT: Final = r'"((?:[^"\\]|\\.)*)"'


def _owners(given: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in given.items():
        if name not in OWNERS and name != MODEL and not (name.startswith(TAG) and len(name) > len(TAG)):
            raise ValueError(f"a budget cannot be for {name!r}; {nearest(name, [*OWNERS, MODEL, 'tag.NAME'])}")
        if not value:
            raise ValueError(f"{name} is empty: write a value, or '*' for one budget each")
    return given


Owners = Annotated[Mapping[str, str], AfterValidator(_owners)]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}; use a name like Europe/Berlin or UTC") from error
    return name


Zone = Annotated[str, AfterValidator(_zone)]
FOR: Final[Any] = Field(
    default_factory=dict,
    alias="for",
    description="Whose calls count: column = value, all of them; '*' gives every value a budget of its own. Columns: "
    "organization, project, team, user, api_key, feature, environment, provider, model (provider/model), task_type, "
    "tag.NAME. Absent: all calls.",
)
WHEN: Final[Any] = Field(default=None, description="SQL condition over the usage columns that calls must meet too.")


class Budget(Params):
    """An amount for a window, and what happens when a call would pass it."""

    name: str = Field(min_length=1, max_length=120, description="Name shown in reports.")
    owners: Owners = FOR
    when: str | None = WHEN
    usd: Decimal | None = Field(default=None, ge=0, le=10**12, description="Dollars for a window.")
    amount: Decimal | None = Field(
        default=None, ge=0, le=10**12, description="The same in the currency that a budget file names, in place of usd."
    )
    tokens: int | None = Field(default=None, ge=0, le=10**18, description="Input and output tokens for a window.")
    per: Per = Field(default="month", description="Calendar window in the file's time zone; weeks begin on Monday.")
    action: Literal["block", "warn", "downgrade"] = Field(
        default="block", description="What happens to a call that would pass it."
    )
    model: str | None = Field(default=None, description="provider/model that calls go to, for downgrade.")
    warn_at: Decimal = Field(
        default=Decimal("0.8"), gt=0, le=1, description="Share of the amount that is worth a word."
    )

    @model_validator(mode="after")
    def _whole(self) -> Budget:
        if sum(value is not None for value in (self.usd, self.amount, self.tokens)) != 1:
            raise ValueError(f"budget {self.name!r} needs one of usd and tokens")
        if (self.action == "downgrade") != (self.model is not None):
            raise ValueError(f"budget {self.name!r}: a model belongs to action = 'downgrade', and only there")
        return self

    @property
    def each(self) -> tuple[str, ...]:
        """What every value of has a budget of its own."""
        return tuple(name for name, value in self.owners.items() if value == EACH)

    @property
    def limit_text(self) -> str:
        """The amount in words."""
        amount = f"${plain(self.usd)}" if self.usd is not None else f"{self.tokens:,} tokens"
        return f"{amount} per {self.per}"


class Budgets(Params):
    """Budgets and the zone of their windows."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", populate_by_name=True)
    budgets: tuple[Budget, ...] = Field(min_length=1, max_length=500, description="The budgets; all of them apply.")
    timezone: Zone = Field(default="UTC", description="Where hours, days, weeks and months begin, e.g. Europe/Berlin.")

    @model_validator(mode="after")
    def _named(self) -> Budgets:
        names = [budget.name for budget in self.budgets]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"two budgets are called {twice!r}")
        foreign = next((budget.name for budget in self.budgets if budget.amount is not None), None)
        if foreign:
            raise ValueError(f"budget {foreign!r}: amount is for budget files that name a currency; write usd")
        return self


def columns(owners: Mapping[str, str]) -> frozenset[str]:
    """Usage columns that owners are told by."""
    return frozenset(
        "tags" if name.startswith(TAG) else OWNERS[name]
        for name in owners
        if name != MODEL and OWNERS.get(name) != "provider_name"
    )


def value_of(name: str, rows: ir.Table, stage: Stage) -> ir.StringValue:
    """The owner's value in each row, unknown where the log does not say."""
    if OWNERS.get(name) == "provider_name":
        # Of the model that the call is on now: a step may have moved it.
        found = [(number, model.provider if model else provider) for number, model, provider, _ in stage.models()]
        cases = [(rows.model == number, provider) for number, provider in found if provider]
        return ibis.cases(*cases, else_=ibis.null("string")) if cases else ibis.null("string")
    if name == MODEL:
        keys = [
            (number, model.key if model else f"{provider or ''}/{logged}")
            for number, model, provider, logged in stage.models()
        ]
        branches = [(rows.model == number, key) for number, key in keys]
        return ibis.cases(*branches, else_=ibis.null("string")) if branches else ibis.null("string")
    if name.startswith(TAG):
        # Canonical JSON escapes quotes inside of texts, so this can match a key and nothing inside a value.
        pattern = f'[{{,]"{re.escape(name.removeprefix(TAG))}":{_ANY_TEXT}'
        return rows.tags.re_extract(pattern, 1).nullif("")
    return rows[OWNERS[name]]


def matching(owners: Mapping[str, str], rows: ir.Table, stage: Stage) -> ir.BooleanValue:
    """Rows that are one of the owners'; of those that are told apart, the rows that say whose they are."""
    found: ir.BooleanValue = ibis.literal(True)
    for name, value in owners.items():
        told = value_of(name, rows, stage)
        found = found & (told.notnull() if value == EACH else (told == value))
    return found.fill_null(False)
