"""What ``self-host`` is asked: which model on which GPUs, how the fleet follows the demand, what it costs."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, field_validator, model_validator

from llmcost.hosting.fleet import Mode
from llmcost.hosting.schema import Tier
from llmcost.hosting.throughput import CACHED_COST
from llmcost.money import ZERO
from llmcost.workload.contract import Selecting
from llmcost.workload.durations import Finite

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN: Final = re.compile(r"^(mon|tue|wed|thu|fri|sat|sun)(?:-(mon|tue|wed|thu|fri|sat|sun))? (\d{1,2})-(\d{1,2})$")


class SelfHostParams(Selecting):
    """Which model runs on which GPUs, how the fleet follows the demand, and what it costs."""

    model: str = Field(description="Model whose throughput is known (llmcost gpus).")
    gpu: str = Field(default="H100-SXM", description="GPU.")
    precision: str | None = Field(default=None, description="FP8, FP4 .., where several were measured.")
    load: Literal["offline", "served"] | None = Field(
        default=None, description="Which measurements; absent: served ones where latency is limited, else offline ones."
    )
    files: tuple[Path, ...] = Field(default=(), description="Your own GPU prices and measurements (TOML).")
    throughput: Decimal = Field(
        default=Decimal(1),
        gt=0,
        le=100,
        description="Factor on the measured throughput: 0.8 where yours is a fifth slower.",
    )
    as_model: str | None = Field(
        default=None, description="provider/model of the hosted model in the price catalogue: its tokenizer and window."
    )
    provider: str | None = Field(default=None, description="Cloud that rents the GPUs; absent: the cheapest.")
    region: str | None = Field(default=None, description="Its region.")
    tier: Tier = Field(default="on_demand", description="How GPUs beyond reserved ones are bought.")
    usd_per_gpu_hour: Decimal | None = Field(
        default=None, ge=0, description="USD per GPU and hour in place of the catalogue's."
    )
    reserved_gpus: int | Literal["best"] = Field(
        default=0, description="GPUs that are reserved all the time, or best: as many as cost least."
    )
    reserved_usd_per_gpu_hour: Decimal | None = Field(default=None, ge=0, description="USD per reserved GPU and hour.")
    interruptions_per_hour: Decimal = Field(
        default=Decimal("0.01"), ge=0, le=60, description="Spot: interruptions of a GPU an hour, where no price says."
    )
    recovery: Finite = Field(default="5m", description="Spot: from an interruption until the GPU works again.")
    replicas: int | Literal["median"] | None = Field(
        default=None, description="A fixed baseline of so many replicas; the rest bursts. Absent: all are served."
    )
    fallback: Literal["api", "on_demand"] = Field(
        default="api", description="Spot: who serves while GPUs are taken away."
    )
    mode: Mode = Field(default="autoscale", description="Whether the fleet follows the demand.")
    active: str | None = Field(default=None, description="Hours of an active-window fleet, UTC: 'mon-fri 8-20'.")
    min_replicas: int = Field(default=1, ge=0, description="Replicas that always run: 2 where one may fail.")
    utilisation: Decimal = Field(
        default=Decimal("0.7"), gt=0, le=1, description="Part of a GPU's time that may be used before latency suffers."
    )
    ttft_ms: int | None = Field(default=None, gt=0, description="Longest time to first token, ms (median).")
    tpot_ms: int | None = Field(default=None, gt=0, description="Longest time per output token, ms (median).")
    lead_hours: int = Field(default=1, ge=0, le=24, description="Hours ahead that capacity is ordered.")
    cold_start: Finite = Field(default="2m", description="From starting a GPU to its first token.")
    while_starting: Literal["api", "wait"] = Field(
        default="api",
        description="Requests that arrive while no GPU is up, and GPUs start (scale-to-zero, lead_hours 0): go to the API or wait.",
    )
    own_cache: Literal["log", "none"] = Field(
        default="log",
        description="log: the fleet finds the prefixes that the log read from a cache; none: it finds none.",
    )
    cached_cost: Decimal = Field(
        default=Decimal(str(CACHED_COST)),
        ge=0,
        le=1,
        description="Prefill of a cached token, as a part of a new one's.",
    )
    staff_usd_per_month: Decimal = Field(default=ZERO, ge=0, description="People who run it, USD a month.")
    storage_usd_per_month: Decimal = Field(default=ZERO, ge=0, description="Weights, logs, images, USD a month.")
    egress_usd_per_month: Decimal = Field(default=ZERO, ge=0, description="Traffic out of the cloud, USD a month.")
    egress_usd_per_gb: Decimal = Field(
        default=ZERO, ge=0, description="Traffic out of the cloud, USD per GB of answers, in place of a sum a month."
    )
    bytes_per_output_token: Decimal = Field(
        default=Decimal(4),
        gt=0,
        description="Bytes that an output token is on the wire: 4 of English text, some 200 where each is an event of a stream.",
    )
    licence_usd_per_month: Decimal = Field(default=ZERO, ge=0, description="Licences, USD a month.")

    @field_validator("active")
    @classmethod
    def _hours(cls, value: str | None) -> str | None:
        if value is not None:
            hours_of(value)
        return value

    @field_validator("replicas", "reserved_gpus")
    @classmethod
    def _some(cls, value: int | str | None) -> int | str | None:
        if isinstance(value, int) and value < 0:
            raise ValueError(f"{value} is less than none")
        return value

    @model_validator(mode="after")
    def _fitting(self) -> SelfHostParams:
        if self.reserved_gpus and self.reserved_usd_per_gpu_hour is None:
            raise ValueError("reserved_gpus needs reserved_usd_per_gpu_hour")
        if self.egress_usd_per_gb and self.egress_usd_per_month:
            raise ValueError("egress is given by the month and by GB: leave one out")
        if self.active is not None and self.mode != "active-window":
            raise ValueError("active belongs to mode = 'active-window'")
        return self


def hours_of(text: str) -> frozenset[int]:
    """Hours of the week (0 is Monday 00:00 UTC) of ``mon-fri 8-20, sat 10-14``; ValueError for anything else."""
    found: set[int] = set()
    for span in text.lower().split(","):
        match = _SPAN.match(span.strip())
        if match is None or not int(match[3]) < int(match[4]) <= 24:
            raise ValueError("hours are written like 'mon-fri 8-20, sat 10-14'")
        first = _DAYS.index(match[1])
        last = _DAYS.index(match[2] or match[1])
        for day in range(first, (last if last >= first else last + 7) + 1):
            found.update(day % 7 * 24 + hour for hour in range(int(match[3]), int(match[4])))
    return frozenset(found)
