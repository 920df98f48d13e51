"""What a limit says to a measure: pure, so that every situation is a line of a table.

A limit that was passed before and does not rise never blocks: nobody can mend yesterday in today's change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from llmcost.money import rounded, usd
from llmcost.results.budget.check_model import Finding, Measure, Verdict
from llmcost.results.model import Range

News = Literal["", "new", "rises", "old"]
_ORDER: Final = {"block": 0, "warn": 1, "not evaluated": 2, "pass": 3}
HUNDRED: Final = Decimal(100)


@dataclass(frozen=True)
class Held:
    """A limit with its thresholds, ready to be held to a measure."""

    name: str
    measure: Measure
    warn: Decimal | None
    block: Decimal | None


@dataclass(frozen=True)
class Measured:
    """A measure of one owner before and after; None is not known."""

    before: Decimal | None
    after: Decimal | None
    unpriced: int = 0
    unknown: str = ""
    """Why ``after`` is not known."""
    unknown_before: str = ""
    """Why ``before`` is not known."""


def finding(held: Held, owner: dict[str, str], found: Measured, *, has_before: bool) -> Finding:
    """The limit's finding of one owner."""
    value, reason = _value(held, found, has_before=has_before)
    relative = held.measure in {"increase", "increase_percent"}
    infinite = relative and value is None and not reason
    if value is None and not infinite:
        state: Literal["pass", "warn", "block", "not evaluated"] = "not evaluated"
        news: News = ""
    else:
        before = None if relative else found.before
        blocked, warned = (_news(limit, before, value, infinite=infinite) for limit in (held.block, held.warn))
        state, news = _state(blocked, warned)
        reason = "from nothing: no percentage, and above any" if infinite else reason
    if not reason and found.unknown_before:
        reason = f"before: {found.unknown_before}"
    if not reason and found.unpriced:
        reason = "at least: some requests have no price"
    return Finding(
        limit=held.name, measure=held.measure, owner=owner, before=found.before, after=found.after, value=value,
        warn=held.warn, block=held.block, state=state, news=news, reason=reason, unpriced_requests=found.unpriced,
    )  # fmt: skip


def _value(held: Held, found: Measured, *, has_before: bool) -> tuple[Decimal | None, str]:
    """What is compared, and why not; an increase from nothing has no percentage and no reason not to be judged."""
    if found.after is None:
        return None, found.unknown or "not known"
    if held.measure not in {"increase", "increase_percent"}:
        return found.after, ""
    if not has_before:
        return None, "nothing to compare with: no change is proposed and no --against is given"
    if found.before is None:
        return None, f"what it was before is not known: {found.unknown_before or 'nothing of it has a price'}"
    before = found.before
    if held.measure == "increase":
        return found.after - before, ""
    if before:
        return ((found.after - before) * HUNDRED / before), ""
    return (None, "") if found.after else (Decimal(0), "")


def _news(limit: Decimal | None, before: Decimal | None, value: Decimal | None, *, infinite: bool) -> News:
    """Whether the limit is passed, and whether that is new."""
    if limit is None or not (infinite or (value is not None and value > limit)):
        return ""
    if infinite or value is None or before is None or before <= limit:
        return "new"
    return "rises" if value > before else "old"


def _state(blocked: News, warned: News) -> tuple[Literal["pass", "warn", "block"], News]:
    if blocked in {"new", "rises"}:
        return "block", blocked
    if blocked or warned:
        return "warn", blocked or warned
    return "pass", ""


def with_range(found: Finding, spread: Range) -> Finding:
    """The finding of a month's cost where assumptions are ranges: what holds at their modes but not at P90 warns.

    ``spread`` is that of the month's cost. Nothing blocks by it: what is less likely is worth a look, no more.
    """
    limits = [limit for limit in (found.warn, found.block) if limit is not None]
    values = [_compared(found, month) for month in (spread.p50_usd, spread.p90_usd)]
    if found.state != "pass" or not limits or values[1] is None or values[1] <= min(limits):
        return found
    likely = values[0] is not None and values[0] > min(limits)
    value = (values[0] if likely else None) or values[1]
    amount = f"{rounded(value, 1)}%" if found.measure == "increase_percent" else usd(value)
    where = "P50" if likely else "P90"
    return found.model_copy(update={"state": "warn", "reason": f"{where} of what the change assumes is {amount}"})


def _compared(found: Finding, after: Decimal) -> Decimal | None:
    """What a month's cost would be held to the limit as."""
    if found.measure == "monthly":
        return after
    if found.before is None:
        return None
    if found.measure == "increase":
        return after - found.before
    return (
        (after - found.before) * HUNDRED / found.before
        if found.measure == "increase_percent" and found.before
        else None
    )


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """Blocking ones first, then as the file and the owners' names have them."""
    return sorted(findings, key=lambda found: _ORDER[found.state])


def verdict(findings: Sequence[Finding]) -> tuple[Verdict, str]:
    """The verdict on all findings, with its sentence."""
    by_state = {state: [found for found in findings if found.state == state] for state in _ORDER}
    blocking, warning = by_state["block"], by_state["warn"]
    skipped = (
        f"; {_number(len(by_state['not evaluated']), 'limit')} could not be evaluated"
        if by_state["not evaluated"]
        else ""
    )
    if blocking:
        return "FAIL", f"{_number(len(blocking), 'limit')} would be passed: {_named(blocking)}{skipped}"
    if warning:
        old = sum(found.news == "old" for found in warning)
        told = f" ({old} passed before already)" if old else ""
        return "WARN", f"{_number(len(warning), 'limit')} worth a look{told}: {_named(warning)}{skipped}"
    if by_state["pass"]:
        return "PASS", f"{_number(len(by_state['pass']), 'limit')} held{skipped}"
    reasons = {found.reason for found in by_state["not evaluated"]}
    return (
        "NOT-EVALUATED",
        f"no limit could be evaluated: {min(reasons)}" if reasons else "no limit meets any request",
    )


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _named(findings: Sequence[Finding]) -> str:
    names = list(dict.fromkeys(label(found) for found in findings))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def label(found: Finding) -> str:
    """The limit with its owner."""
    owner = ", ".join(f"{name} {value}" for name, value in found.owner.items())
    return f"{found.limit} ({owner})" if owner else found.limit
