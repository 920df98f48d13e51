"""Whether GPUs can ever beat an API price, from three numbers and no log: the model that reports know, and how it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import ClassVar, Final, Literal

from pydantic import Field

from llmcost import __version__
from llmcost.hosting.limits import Limit
from llmcost.money import EXACT, RATIO
from llmcost.results.model import Assumption
from llmcost.results.shape import Shape, Usd

_PLACES: Final = Decimal("1e-9")
_DAY_HOURS: Final = Decimal(24)


class Volume(Shape):
    """A month of a volume, on as many clusters as it needs and at the API."""

    mtok_per_month: Usd
    clusters: int = Field(description="Whole clusters that put it through at the target use.")
    use: Usd = Field(description="Part of their time that works, 0 to 1.")
    own_usd: Usd
    api_usd: Usd


class LimitLine(Shape):
    """One cluster against one API price."""

    name: str
    usd_per_hour: Usd
    tokens_per_second: Usd = Field(description="Input and output tokens at full use.")
    api_usd_per_mtok: Usd
    full_use_usd_per_mtok: Usd = Field(description="USD per million tokens if it never idled: the floor.")
    break_even_use: Usd = Field(description="U*: use at which it costs what the API does; above 1 it never does.")
    never: bool
    break_even_mtok_per_month: Usd | None = Field(
        description="V*: volume at which one cluster costs what the API does; None: more than it can put through."
    )
    capacity_mtok_per_month: Usd = Field(description="What one cluster puts through at the target use.")
    volume: Volume | None = None


class GpuLimit(Shape):
    """Own GPUs against an API price, before any log."""

    kind: ClassVar[str] = "gpu-limit"
    schema_version: Literal[1] = 1
    generated_with: str
    title: str = ""
    utilisation: Usd = Field(description="Target use: the part of the time that may be sold.")
    fixed_usd_per_month: Usd = Field(description="Paid every month beside the GPUs.")
    hours_per_month: Usd
    lines: list[LimitLine]
    assumptions: list[Assumption] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)


@dataclass(frozen=True)
class Cluster:
    """A cluster by its price an hour and what it puts through."""

    name: str
    usd_per_hour: Decimal
    tokens_per_second: Decimal


@dataclass(frozen=True)
class Question:
    """What the clusters are held against."""

    api_usd_per_mtok: Sequence[Decimal]
    mtok_per_day: Decimal | None = None
    utilisation: Decimal = Decimal(1)
    fixed_usd_per_month: Decimal = Decimal(0)
    month_days: Decimal = Decimal("30.4375")


def gpu_limit(
    clusters: Sequence[Cluster],
    question: Question,
    *,
    title: str = "",
    assumptions: Sequence[Assumption] = (),
    warnings: Sequence[str] = (),
) -> GpuLimit:
    """Every cluster against every API price."""
    hours = EXACT.multiply(question.month_days, _DAY_HOURS)
    return GpuLimit(
        generated_with=f"llmcost {__version__}", title=title, utilisation=question.utilisation, hours_per_month=hours,
        fixed_usd_per_month=question.fixed_usd_per_month,
        lines=[_line(cluster, api, question, hours) for api in question.api_usd_per_mtok for cluster in clusters],
        assumptions=list(assumptions), warnings=list(warnings),
    )  # fmt: skip


def _line(cluster: Cluster, api: Decimal, question: Question, hours: Decimal) -> LimitLine:
    limit = Limit(cluster.usd_per_hour, cluster.tokens_per_second, api)
    fits = limit.fits(hours, question.utilisation, question.fixed_usd_per_month)
    capacity = limit.capacity_mtok_per_month(hours, question.utilisation)
    reached = limit.mtok_per_month(hours, question.fixed_usd_per_month) if fits else None
    return LimitLine(
        name=cluster.name, usd_per_hour=cluster.usd_per_hour, tokens_per_second=cluster.tokens_per_second,
        api_usd_per_mtok=api, full_use_usd_per_mtok=limit.full_use_usd_per_mtok.quantize(_PLACES),
        break_even_use=limit.utilisation.quantize(_PLACES), never=limit.utilisation > question.utilisation,
        break_even_mtok_per_month=None if reached is None else reached.quantize(_PLACES),
        capacity_mtok_per_month=capacity.quantize(_PLACES), volume=_volume(limit, capacity, question, hours),
    )  # fmt: skip


def _volume(limit: Limit, capacity: Decimal, question: Question, hours: Decimal) -> Volume | None:
    if question.mtok_per_day is None:
        return None
    month = EXACT.multiply(question.mtok_per_day, question.month_days)
    clusters = int(RATIO.divide(month, capacity).to_integral_value(ROUND_CEILING))
    paid = EXACT.multiply(EXACT.multiply(limit.usd_per_hour, hours), Decimal(clusters))
    whole = EXACT.multiply(limit.capacity_mtok_per_month(hours), Decimal(clusters))
    return Volume(
        mtok_per_month=month, clusters=clusters, use=RATIO.divide(month, whole).quantize(_PLACES) if whole else Decimal(0),
        own_usd=EXACT.add(paid, question.fixed_usd_per_month), api_usd=EXACT.multiply(month, limit.api_usd_per_mtok),
    )  # fmt: skip
