"""Who pays for what: spend by owner, with the cost of what all use given out by rules; what nobody gets is shown."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

import ibis
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from llmcost.config import exact_toml
from llmcost.errors import UsageError
from llmcost.money import EXACT, ZERO, rounded
from llmcost.results.monthly.ledger import THIS, Dimension, Ledger
from llmcost.results.monthly.model import SharedRule, Showback, ShowbackLine
from llmcost.results.monthly.spend import share_of
from llmcost.results.priced import add
from llmcost.results.scenario import explain
from llmcost.workload.select import condition

_DIGITS: Final = 12
_NOBODY: Final = -1


class Shared(BaseModel):
    """One rule: what is shared, and how it is given out."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")
    name: str = Field(min_length=1, max_length=120, description="Name shown in reports.")
    by: str = Field(
        default="team", description="Whose spend it belongs to: the column, or tag:KEY, that --showback names."
    )
    when: str | None = Field(
        default=None, description="SQL condition over the usage columns: calls whose cost is shared."
    )
    amount_usd: Decimal | None = Field(
        default=None, ge=0, description="A month's cost that is in no log: a gateway's fee .."
    )
    split: Literal["proportional", "even", "fixed"] = Field(
        default="proportional", description="By each owner's own spend, to all alike, or by the shares given."
    )
    shares: dict[str, Decimal] = Field(default_factory=dict, description="Owner to share (0 to 1), for split fixed.")
    among: tuple[str, ...] = Field(default=(), description="Owners that take part; absent: all that spent something.")

    @model_validator(mode="after")
    def _whole(self) -> Shared:
        if (self.when is None) == (self.amount_usd is None):
            raise ValueError("give either when or amount_usd")
        if (self.split == "fixed") != bool(self.shares):
            raise ValueError("shares belong to split fixed, and only there")
        if any(share < 0 for share in self.shares.values()) or add(self.shares.values()) > 1:
            raise ValueError("shares are not below 0, and not above 1 together")
        return self


class SharedFile(BaseModel):
    """A file of shared-cost rules (TOML 1.0)."""

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True)
    shared: tuple[Shared, ...] = Field(
        min_length=1, description="The rules; a call belongs to the first that names it."
    )


def read(path: Path) -> tuple[Shared, ...]:
    """The rules of a file; UsageError saying what is wrong with it."""
    try:
        return SharedFile.model_validate(exact_toml(path.read_text(encoding="utf-8"))).shared
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"the file of shared costs cannot be read: {error}", where=str(path)) from error
    except ValidationError as error:
        raise UsageError(
            explain(error, SharedFile), where=str(path), hint="llmcost schema shared prints the form"
        ) from error


def showback(ledger: Ledger, dimension: Dimension, rules: Sequence[Shared]) -> Showback:
    """The month by owner: own calls, and the part of what is shared."""
    direct, calls, taken = _direct(ledger, dimension, rules)
    owners = {owner: amount for owner, amount in direct.items() if owner is not None}
    got: dict[str, Decimal] = {}
    told: list[SharedRule] = []
    left = direct.get(None, ZERO)
    for place, rule in enumerate(rules):
        amount = rule.amount_usd if rule.amount_usd is not None else taken.get(place, (ZERO, 0))[0]
        given = _given(rule, amount, owners)
        allocated = add(given.values())
        for owner, part in given.items():
            got[owner] = EXACT.add(got.get(owner, ZERO), part)
        left = EXACT.add(left, EXACT.subtract(amount, allocated))
        told.append(
            SharedRule(
                name=rule.name, split=rule.split, amount_usd=amount, allocated_usd=allocated,
                requests=None if rule.when is None else taken.get(place, (ZERO, 0))[1],
            )
        )  # fmt: skip
    names = {*owners, *got}
    whole = add([*direct.values(), *(rule.amount_usd for rule in told)])
    lines = [_line(name, owners.get(name, ZERO), got.get(name, ZERO), whole, calls.get(name, (0, 0))) for name in names]
    lines.sort(key=lambda line: (-line.total_usd, str(line.owner)))
    return Showback(
        by=dimension.name,
        lines=lines,
        rules=told,
        allocated_usd=add(line.total_usd for line in lines),
        unallocated_usd=left,
        total_usd=whole,
    )


def _line(owner: str, direct: Decimal, shared: Decimal, whole: Decimal, calls: tuple[int, int]) -> ShowbackLine:
    total = EXACT.add(direct, shared)
    return ShowbackLine(
        owner=owner,
        direct_usd=direct,
        shared_usd=shared,
        total_usd=total,
        share=share_of(total, whole),
        requests=calls[0],
        unpriced_requests=calls[1],
    )


def _direct(
    ledger: Ledger, dimension: Dimension, rules: Sequence[Shared]
) -> tuple[dict[str | None, Decimal], dict[str | None, tuple[int, int]], dict[int, tuple[Decimal, int]]]:
    """Cost and calls by owner of what no rule takes, and what each rule takes."""
    rows = ledger.expression()
    branches = [(condition(rule.when, rows), place) for place, rule in enumerate(rules) if rule.when is not None]
    taken_by = ibis.cases(*branches, else_=_NOBODY) if branches else ibis.literal(_NOBODY)
    rows = rows.filter(rows.slot == THIS).mutate(taken_by=taken_by.cast("int64"))
    found = ledger.engine.rows(
        rows.group_by([dimension.column, "taken_by"]).agg(
            spent=rows.cost.sum(), calls=rows.counted.sum(), gaps=rows.unpriced.sum()
        )
    )
    direct: dict[str | None, Decimal] = {}
    calls: dict[str | None, tuple[int, int]] = {}
    taken: dict[int, tuple[Decimal, int]] = {}
    for row in found:
        amount, number = ledger.usd(row["spent"]), int(row["calls"] or 0)
        if row["taken_by"] == _NOBODY:
            owner = None if row[dimension.column] is None else str(row[dimension.column])
            direct[owner] = amount
            calls[owner] = (number, int(row["gaps"] or 0))
        else:
            had = taken.get(row["taken_by"], (ZERO, 0))
            taken[row["taken_by"]] = (EXACT.add(had[0], amount), had[1] + number)
    return direct, calls, taken


def _given(rule: Shared, amount: Decimal, owners: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Owner to part. Shares that never end are rounded at the 12th decimal; the largest part takes what that leaves."""
    if rule.split == "fixed":
        return {owner: EXACT.multiply(amount, share) for owner, share in rule.shares.items()}
    names = sorted(rule.among or (owner for owner, spent in owners.items() if spent > 0))
    if not names:
        return {}
    weights = {name: Decimal(1) if rule.split == "even" else owners.get(name, ZERO) for name in names}
    whole = add(weights.values())
    if not whole:
        return {}
    parts = {name: rounded(amount * weight / whole, _DIGITS) for name, weight in weights.items()}
    largest = max(names, key=lambda name: (weights[name], name))
    parts[largest] = EXACT.add(parts[largest], EXACT.subtract(amount, add(parts.values())))
    return parts
