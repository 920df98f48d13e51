"""How a result's numbers and names are shown: rounding that sums, ordering, labels. No format knows these twice."""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from llmcost.money import EXACT, ZERO, plain, rounded, usd
from llmcost.results.model import Scenario, Slice
from llmcost.wording import counted as _counted

EVIDENCE: Final = ("measured", "modelled", "assumed")
UNKNOWN: Final = "unknown"
NO_NAME: Final = "(unknown)"
DIMENSIONS: Final = (
    "model",
    "feature",
    "team",
    "project",
    "provider",
    "operation_name",
    "service_tier",
    "region",
    "organization",
    "environment",
    "user_id",
    "api_key_id",
    "conversation_id",
)
"""The order in which breakdowns are shown; other dimensions (tags) follow by name."""
_COUNTERS: Final = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
_WHOLE: Final = re.compile(r"-?[0-9]{1,18}")
_SHARE: Final = re.compile(r"([01]\.[0-9]{1,9})(?: \(([0-9]{1,18}) of ([0-9]{1,18})\))?")
_WHOLE_APART: Final = 3
_HIDDEN: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})
_JOINERS: Final = "\u200c\u200d"


def clean(text: str) -> str:
    """``text`` on one line, with every control, direction and line character replaced: harmless on any screen."""
    if text.isascii() and text.isprintable():
        return text
    hidden = {c for c in set(text) if unicodedata.category(c) in _HIDDEN and c not in _JOINERS}
    return text.translate({ord(c): _stand_in(c) for c in hidden})


def _stand_in(char: str) -> str:
    return " " if char in "\t\n\r\u2028\u2029" else "\ufffd"


def name(value: str | None) -> str:
    """A dimension's value as a label; a missing one says so."""
    if value is None:
        return NO_NAME
    return clean(value) or "(empty)"


def shorten(text: str, width: int) -> str:
    """``text`` cut in its middle to ``width`` characters, so that both ends stay readable."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 3
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :] if tail else ''}"


def count(value: int | None) -> str:
    """A whole number with thousands separators; a missing one is unknown, never 0."""
    return UNKNOWN if value is None else f"{value:,}"


def counted(value: int, noun: str) -> str:
    """A count with its noun: ``1 request``, ``2 requests``."""
    return _counted(value, noun)


def rest_note(left: int, noun: str) -> str:
    """What a cut list says below itself; nothing where nothing was cut."""
    return f"Left out: {counted(left, noun)}." if left > 0 else ""


def number(value: Decimal, places: int = 2) -> str:
    """A quantity with separators and at most ``places`` decimals, more where it would read as zero."""
    if value and rounded(abs(value), places) == 0:
        return plain(value)
    whole, _, fraction = plain(rounded(value, places)).partition(".")
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}{int(whole.lstrip('-')):,}{'.' + fraction if fraction else ''}"


def told(name: str, fact: str) -> str:
    """What a step found, for reading: counts with separators, shares as percentages; other texts as they are.

    ``14460634`` is ``14,460,634``, ``0.5658 (14460634 of 25557748)`` is ``56.6% (14,460,634 of 25,557,748)``.
    """
    if _WHOLE.fullmatch(fact):
        return count(int(fact))
    if found := _SHARE.fullmatch(fact):
        share, above, below = found.groups()
        of = f" ({count(int(above))} of {count(int(below))})" if above else ""
        return f"{percent(Decimal(share))}{of}" if above or "share" in name else fact
    return fact


def percent(share: Decimal | None, places: int = 1) -> str:
    """A share as a percentage; a share near but not at 0 or 1 never reads as 0 % or 100 %."""
    if share is None:
        return UNKNOWN
    shown = rounded(share * 100, places)
    edge = Decimal(1).scaleb(-places)
    if shown == 0 and share != 0:
        return f"<{edge}%" if share > 0 else f">-{edge}%"
    if abs(shown) == 100 and 0 < share < 1:
        return f">{100 - edge}%"
    return f"{shown:,}%"


def money(value: Decimal | None, places: int | None = None) -> str:
    """Dollars; None is unknown, and an amount too small for ``places`` says so instead of reading as zero."""
    if value is None:
        return UNKNOWN
    digits = places_of([value]) if places is None else places
    return tiny(value, rounded(value, digits), digits)


def tiny(value: Decimal, shown: Decimal, places: int) -> str:
    """``shown`` as dollars, or the bound that ``value`` stays under where it was rounded away to nothing."""
    if shown != 0 or value == 0:
        return usd(shown, places)
    edge = usd(Decimal(1).scaleb(-places), places)
    return f"<{edge}" if value > 0 else f">-{edge}"


def span(low: Decimal, high: Decimal) -> str:
    """Two amounts as ``$18 to $22``: whole dollars where that tells them apart, one amount where nothing does."""
    whole = rounded(high, 0) - rounded(low, 0) >= _WHOLE_APART
    places = 0 if whole else places_of([low, high])
    first, last = usd(rounded(low, places), places), usd(rounded(high, places), places)
    return first if first == last else f"{first} to {last}"


def places_of(values: Iterable[Decimal | None]) -> int:
    """Decimals for amounts shown together: cents from a dollar up, else three digits of the largest."""
    largest = max((abs(v) for v in values if v is not None), default=ZERO)
    return 2 if largest >= 1 or largest == 0 else min(8, max(2, 2 - largest.adjusted()))


def running(values: Sequence[Decimal], places: int, start: Decimal = ZERO) -> list[Decimal]:
    """Values rounded so that their sum is exactly the rounded end less the rounded start.

    The running total is rounded and the differences are shown: no cent appears or disappears on a page.
    """
    shown, total, before = [], start, rounded(start, places)
    for value in values:
        total = EXACT.add(total, value)
        after = rounded(total, places)
        shown.append(after - before)
        before = after
    return shown


def apportioned(values: Sequence[Decimal], places: int) -> list[Decimal]:
    """Values rounded so that they sum to their rounded sum, each as near to itself as that allows.

    Each is rounded by itself; the units that the sum then lacks or has too many go where they distort least (largest
    remainder), so an amount reads the same in every table unless it must not.
    """
    unit = Decimal(1).scaleb(-places)
    shown = [rounded(value, places) for value in values]
    missing = int(EXACT.divide(EXACT.subtract(rounded(_summed(values), places), _summed(shown)), unit))
    sign = 1 if missing > 0 else -1
    nearest = sorted(range(len(values)), key=lambda place: sign * (shown[place] - values[place]))
    for place in nearest[: abs(missing)]:
        shown[place] += sign * unit
    return shown


def _summed(values: Iterable[Decimal]) -> Decimal:
    return functools.reduce(EXACT.add, values, ZERO)


def moneys(values: Sequence[Decimal | None], places: int) -> list[str]:
    """Amounts of one column as text, rounded so that what is shown sums to the shown total."""
    shown = iter(apportioned([v for v in values if v is not None], places))
    return [UNKNOWN if value is None else tiny(value, next(shown), places) for value in values]


@dataclass(frozen=True, slots=True)
class ShownStep:
    """One step of a waterfall as displayed: the totals before and after, their difference and its evidence."""

    before: Decimal
    after: Decimal
    saving: Decimal
    evidence: tuple[Decimal, Decimal, Decimal]


def shown_steps(scenario: Scenario, places: int) -> list[ShownStep]:
    """The steps of ``scenario`` rounded at running totals, from the comparable baseline down to its cost."""
    total, steps = scenario.comparable_baseline_usd, []
    for step in scenario.steps:
        parts = (step.evidence.measured_usd, step.evidence.modelled_usd, step.evidence.assumed_usd)
        measured, modelled, assumed = (-v for v in running([-p for p in parts], places, total))
        left = EXACT.subtract(total, step.saving_usd)
        before, after = rounded(total, places), rounded(left, places)
        steps.append(ShownStep(before, after, before - after, (measured, modelled, assumed)))
        total = left
    return steps


def shown_saving(scenario: Scenario, places: int) -> Decimal:
    """The saving as displayed: the difference of the two rounded totals it lies between."""
    start = scenario.comparable_baseline_usd
    return rounded(start, places) - rounded(EXACT.subtract(start, scenario.saving_usd), places)


def evidence_of(scenario: Scenario) -> tuple[Decimal, Decimal, Decimal]:
    """Measured, modelled and assumed dollars of a scenario's saving, exactly."""
    steps = [step.evidence for step in scenario.steps]
    parts = ([e.measured_usd for e in steps], [e.modelled_usd for e in steps], [e.assumed_usd for e in steps])
    measured, modelled, assumed = (total_of(part) or ZERO for part in parts)
    return measured, modelled, assumed


def best(scenarios: Sequence[Scenario]) -> Scenario | None:
    """The scenario that saves most (or loses least); the first of equals. What compares nothing is none of them."""
    return max(filter(compares, scenarios), key=lambda s: s.saving_usd, default=None)


def compares(scenario: Scenario) -> bool:
    """Whether any request has a price before and after every step; if not, what the scenario costs is unknown and not zero."""
    return not scenario.not_comparable.requests or bool(scenario.comparable_baseline_usd or scenario.cost_usd)


def dimensions_of(slices: Iterable[Slice]) -> list[str]:
    """The dimensions that a breakdown has, the ones people ask for first."""
    found = {key for line in slices for key in line.dimensions}
    return sorted(found, key=lambda key: (DIMENSIONS.index(key) if key in DIMENSIONS else len(DIMENSIONS), key))


def label_of(values: dict[str, str | None], dimension: str) -> str:
    """The label of a slice along one dimension; a model carries its provider."""
    value, provider = values.get(dimension), values.get("provider")
    if dimension == "model" and provider and value and not value.startswith(f"{provider}/"):
        return f"{name(provider)}/{name(value)}"
    return name(value)


def by_dimension(slices: Iterable[Slice], dimension: str) -> list[tuple[str, Slice]]:
    """A breakdown summed along one dimension: (label, line), dearest first, unknown costs last, then by label."""
    groups: dict[str, list[Slice]] = {}
    for line in slices:
        groups.setdefault(label_of(line.dimensions, dimension), []).append(line)
    lines = [(label, add_up(group)) for label, group in groups.items()]
    return sorted(lines, key=lambda pair: (pair[1].cost_usd is None, -(pair[1].cost_usd or ZERO), pair[0]))


def top(lines: Sequence[tuple[str, Slice]], limit: int) -> list[tuple[str, Slice]]:
    """The first ``limit`` lines; when more than one is left, the rest becomes one line that says how many it holds."""
    if len(lines) <= limit + 1:
        return list(lines)
    rest = [line for _, line in lines[limit:]]
    return [*lines[:limit], (f"other ({len(rest)})", add_up(rest))]


def add_up(lines: Sequence[Slice]) -> Slice:
    """The sum of some slices; a counter or cost is unknown only where no line knows it."""
    if len(lines) == 1:
        return lines[0]
    return Slice(
        requests=sum(line.requests for line in lines),
        rows=sum(line.rows for line in lines),
        **{counter: _known_sum(getattr(line, counter) for line in lines) for counter in _COUNTERS},
        reasoning_output_tokens=_known_sum(line.reasoning_output_tokens for line in lines),
        dimensions={},
        cost_usd=total_of(line.cost_usd for line in lines),
        unpriced_requests=sum(line.unpriced_requests for line in lines),
    )


def _known_sum(values: Iterable[int | None]) -> int | None:
    known = [v for v in values if v is not None]
    return sum(known) if known else None


def total_of(values: Iterable[Decimal | None]) -> Decimal | None:
    """The exact sum of the known amounts; None where none is known."""
    known = [v for v in values if v is not None]
    return functools.reduce(EXACT.add, known) if known else None


def json_text(value: object, indent: int | None = None) -> str:
    """JSON with sorted keys; characters that act on a screen stand as escapes, which lose nothing."""
    separators = (",", ": " if indent else ":")
    text = json.dumps(value, indent=indent, sort_keys=True, ensure_ascii=False, separators=separators)
    acting = {c for c in set(text) - {"\n"} if unicodedata.category(c) in _HIDDEN}
    # A long text is replaced in a fraction of the time that translating it takes.
    for char in acting:
        text = text.replace(char, _escape(char))
    return text


def _escape(char: str) -> str:
    return json.dumps(char)[1:-1] if ord(char) > 0x7F else f"\\u{ord(char):04x}"
