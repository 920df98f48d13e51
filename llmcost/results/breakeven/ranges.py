"""A break-even whose parameters are ranges: asked at the mode, and again with each range at its ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal

from llmcost.errors import UsageError
from llmcost.results.breakeven.model import BreakEven, RangeEnd
from llmcost.results.breakeven.plays import Subject
from llmcost.results.ranged import Ranged

_MOST: Final = 3
"""Ranges of one break-even: each asks for two more, and a break-even is some thirty replays."""

EndName = Literal["low", "mode", "high"]


@dataclass(frozen=True)
class End:
    """A range at one of its values, and the subject with that value in its place."""

    subject: Subject
    span: Ranged
    end: EndName
    value: Decimal

    @property
    def is_mode(self) -> bool:
        """Whether this is the break-even itself."""
        return self.value == self.span.mode

    def line(self, found: BreakEven) -> RangeEnd:
        """What the break-even found there."""
        return RangeEnd(
            parameter=self.span.name, end=self.end, value=self.value, saving_usd=found.saving_usd,
            verdict=found.verdict, crossings=found.crossings,
        )  # fmt: skip


def ends_of(subject: Subject) -> Iterator[End]:
    """Every range at its values; UsageError where there are too many, or where both sides would vary."""
    shared = next((step for step in subject.before if step.ranges), None)
    if shared is not None:
        raise UsageError(
            f"{shared.name}: {shared.ranges[0].name} is a range in a step that both sides share",
            why="a break-even varies the strategy that it is about",
            hint="give it a plain number; llmcost simulate shows the range of the whole scenario",
        )
    if len(subject.step.ranges) > _MOST:
        raise UsageError(
            f"{subject.step.name} has {len(subject.step.ranges)} ranges",
            why=f"a break-even is asked again at both ends of each, at most {_MOST}",
            hint="give a plain number to what matters least; llmcost simulate takes more",
        )
    for span in subject.step.ranges:
        values: tuple[tuple[EndName, Decimal], ...] = (("low", span.low), ("mode", span.mode), ("high", span.high))
        for end, value in values:
            yield End(replace(subject, step=subject.step.at({span.place: value})), span, end, value)


def without_ranges(subject: Subject) -> Subject:
    """The subject at its modes."""
    return replace(subject, step=replace(subject.step, ranges=()))
