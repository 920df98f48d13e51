"""What a GPU fleet is asked for and what it comes to: the parameters of ``self-host``, and the plan for a log's demand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property, reduce
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from llmcost.errors import UsageError
from llmcost.hosting.catalogue import GpuCatalogue, GpuRate
from llmcost.hosting.demand import HOUR_SECONDS, WINDOW_SECONDS, Modelled, demand_of
from llmcost.hosting.fleet import Fleet, Mode, Shape, Spot, fixed, median_size, needed, reserved_size, sized
from llmcost.hosting.schema import Series, Tier
from llmcost.hosting.throughput import CACHED_COST, Throughput, Work
from llmcost.money import EXACT, RATIO, ZERO, plain
from llmcost.workload.contract import ASSUMED, MODELLED, Exhibit, FlatCharge, Noted, Selecting, Stage
from llmcost.workload.durations import Finite, micros_of

WINDOW_US: Final = WINDOW_SECONDS * 1_000_000
MONTH_HOURS: Final = Decimal(730)
UNITS: Final = 1_000_000_000
"""Work of a row is counted in billionths of a GPU-second: whole numbers, the same on every engine."""
_QUANTITY: Final = Decimal("1e-9")
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
    licence_usd_per_month: Decimal = Field(default=ZERO, ge=0, description="Licences, USD a month.")

    @field_validator("active")
    @classmethod
    def _hours(cls, value: str | None) -> str | None:
        if value is not None:
            hours_of(value)
        return value

    @model_validator(mode="after")
    def _fitting(self) -> SelfHostParams:
        if self.reserved_gpus and self.reserved_usd_per_gpu_hour is None:
            raise ValueError("reserved_gpus needs reserved_usd_per_gpu_hour")
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


@dataclass(frozen=True)
class Plan:
    """The fleet for work by window (counted from 1970 in :data:`WINDOW_US`), and what it costs."""

    params: SelfHostParams
    stage: Stage
    work: Mapping[int, Work]

    @cached_property
    def catalogue(self) -> GpuCatalogue:
        """GPU prices and measurements, the user's on top."""
        return GpuCatalogue(self.params.files)

    @cached_property
    def series(self) -> Series:
        """The measurements that stand for a replica."""
        limited = self.params.ttft_ms is not None or self.params.tpot_ms is not None
        wanted = self.params.load or ("served" if limited else None)
        found = self.catalogue.measured(self.params.model, self.params.gpu, self.params.precision)
        fitting = [series for series in found if wanted in {None, series.load}]
        if not fitting or (limited and fitting[0].load != "served"):
            raise UsageError(
                f"no {wanted or 'served'} measurements of {self.params.model} on {self.params.gpu}: no latency is known",
                hint=f"known: {'; '.join(series.name for series in found)}",
            )
        # Offline ones cover more lengths, and utilisation stands for latency.
        return min(fitting, key=lambda series: (series.confidence != "user", series.load == "served"))

    @cached_property
    def throughput(self) -> Throughput:
        """The model of a replica."""
        return Throughput(self.series, float(self.params.cached_cost))

    @cached_property
    def concurrency(self) -> float | None:
        """Requests at once per GPU that the latency limits allow; None: no limit is set."""
        if self.params.ttft_ms is None and self.params.tpot_ms is None:
            return None
        found = self.throughput.concurrency_within(self.whole, self.params.ttft_ms, self.params.tpot_ms)
        if found is None:
            raise UsageError("no measured load stays within the latency limits", hint=f"measured: {self.series.name}")
        return found

    @cached_property
    def whole(self) -> Work:
        """All work together."""
        return reduce(Work.__add__, self.work.values())

    @cached_property
    def modelled(self) -> Modelled:
        """The demand in GPU-seconds."""
        windows = {window * WINDOW_US: work for window, work in self.work.items()}
        return demand_of(windows, self.throughput, self.concurrency, span=self.stage.span)

    @cached_property
    def shape(self) -> Shape:
        """How the fleet may grow."""
        return Shape(
            gpus_per_replica=self.series.gpus,
            min_replicas=self.params.min_replicas,
            utilisation=float(self.params.utilisation),
            mode=self.params.mode,
            lead_hours=self.params.lead_hours,
            cold_start_seconds=(micros_of(self.params.cold_start) or 0) // 1_000_000,
            active_hours=hours_of(self.params.active) if self.params.active else frozenset(),
        )

    @cached_property
    def fleet(self) -> Fleet:
        """GPUs by hour."""
        demand = self.modelled.demand
        if self.params.replicas is None:
            return sized(demand, self.shape)
        if self.params.replicas == "median":
            return fixed(demand, self.shape, median_size(demand, self.shape))
        return fixed(demand, self.shape, self.params.replicas * self.series.gpus)

    def room(self, units: Mapping[int, int]) -> pa.Table:
        """How much of each window's work, in the rows' own units, the fleet has room for."""
        demand, first = self.modelled.demand, self.modelled.demand.start // WINDOW_US
        served = self.fleet.served
        found = {}
        for window, of in units.items():
            seconds = float(demand.work[window - first])
            part = float(served[window - first]) / seconds if seconds else 1.0
            found[window] = of if part >= 1 - 1e-9 else int(of * part)
        return pa.table(
            {"window": pa.array(list(found), pa.int64()), "room": pa.array(list(found.values()), pa.int64())}
        )

    @cached_property
    def rate(self) -> GpuRate | None:
        """The catalogue's price; None where the user gives one."""
        if self.params.usd_per_gpu_hour is not None:
            return None
        last = self.stage.span[1] - 1 if self.stage.span else self.stage.now
        at = datetime.fromtimestamp((last if self.stage.priced_on is None else self.stage.priced_on) / 1e6, UTC)
        today = datetime.fromtimestamp(self.stage.now / 1e6, UTC)
        gpu, tier, provider, region = self.params.gpu, self.params.tier, self.params.provider, self.params.region
        found = self.catalogue.rates(gpu, at, tier=tier, provider=provider, region=region)
        # A log from before the first price is known is priced at today's.
        found = found or self.catalogue.rates(gpu, today, tier=tier, provider=provider, region=region)
        if not found:
            raise UsageError(
                f"no price of a {gpu} is known ({' '.join(part for part in (tier, provider, region) if part)})",
                hint="give usd_per_gpu_hour, or a file of your own prices",
            )
        whole = [rate for rate in found if rate.offer.gpus >= self.series.gpus] or found
        return whole[0]

    @property
    def usd_per_gpu_hour(self) -> Decimal:
        """USD per GPU-hour that works; spot pays for the hours that interruptions cost."""
        given = self.params.usd_per_gpu_hour
        price = given if given is not None else self.rate.usd_per_gpu_hour if self.rate else ZERO
        return self.spot(price).effective_usd_per_gpu_hour if self.params.tier == "spot" else price

    def spot(self, price: Decimal) -> Spot:
        """Spot capacity at a price."""
        known = self.rate.price.interruptions_per_hour if self.rate else None
        often = Decimal(str(known)) if known is not None else self.params.interruptions_per_hour
        return Spot(price, often, Decimal((micros_of(self.params.recovery) or 0) // 1_000_000))

    @cached_property
    def reserved(self) -> int:
        """GPUs that are reserved."""
        price = self.params.reserved_usd_per_gpu_hour
        if price is None:
            return 0
        if self.params.reserved_gpus == "best":
            return reserved_size(self.fleet.gpus, price, self.usd_per_gpu_hour, self.series.gpus)
        return int(self.params.reserved_gpus)

    @property
    def hours(self) -> Decimal:
        """Hours that the fleet runs for: those of the demand."""
        return Decimal(self.modelled.demand.hours)

    def charges(self) -> Iterator[FlatCharge]:
        """GPU-hours by tier, and the months of what is paid by the month."""
        over = np.maximum(self.fleet.gpus - self.reserved, 0)
        flexible = EXACT.add(
            Decimal(int(over.sum())), EXACT.subtract(self.fleet.gpu_hours, Decimal(int(self.fleet.gpus.sum())))
        )
        known = ASSUMED if self.params.usd_per_gpu_hour is not None else MODELLED
        where = self.rate.name if self.rate else f"{self.params.tier}, price given"
        if self.reserved:
            hours = EXACT.multiply(Decimal(self.reserved), self.hours)
            yield FlatCharge(
                "gpu_hour_reserved", hours, "GPU-hours", unit_usd=self.params.reserved_usd_per_gpu_hour,
                note=f"{self.reserved} {self.params.gpu}, all the time", evidence=ASSUMED,
            )  # fmt: skip
        if flexible:
            yield FlatCharge(
                f"gpu_hour_{self.params.tier}",
                flexible,
                "GPU-hours",
                unit_usd=self.usd_per_gpu_hour,
                note=where,
                evidence=known,
            )
        months = RATIO.divide(self.hours, MONTH_HOURS).quantize(_QUANTITY)
        for name in ("staff", "storage", "egress", "licence"):
            usd = getattr(self.params, f"{name}_usd_per_month")
            if usd:
                yield FlatCharge(name, months, "months", unit_usd=usd, evidence=ASSUMED)

    def measures(self) -> dict[str, Decimal]:
        """The plan's numbers: use of the GPUs, tokens a second of a GPU that is never idle, GPUs by hour."""
        seconds = float(self.modelled.demand.work.sum())
        tokens = self.whole.input_tokens + self.whole.output_tokens
        return {
            "utilisation": Decimal(f"{self.fleet.used:.6f}"),
            "target_utilisation": self.params.utilisation,
            "tokens_per_gpu_second": Decimal(f"{tokens / seconds:.3f}") if seconds else ZERO,
            "usd_per_gpu_hour": self.usd_per_gpu_hour,
            "median_replicas": Decimal(median_size(self.modelled.demand, self.shape) // self.series.gpus),
            "peak_replicas": Decimal(int(needed(self.modelled.demand, self.shape).max()) // self.series.gpus),
        }

    def facts(self) -> dict[str, str]:
        """What the plan found."""
        gpus, demand = self.fleet.gpus, self.modelled.demand
        found = {
            "replica": self.series.name,
            "GPUs": f"{int(gpus.min())} to {int(gpus.max())}, {float(gpus.mean()):.1f} on average",
            "GPU-hours": plain(self.fleet.gpu_hours.quantize(Decimal("0.1"))),
            "use of the GPUs": f"{self.fleet.used * 100:.1f} %",
            "busiest hour needs": f"{float(demand.peak.max()):.2f} GPUs",
            "median hour needs": f"{median_size(demand, self.shape)} GPUs",
            "GPUs started": str(self.fleet.started),
            "work outside the measurements": f"{self._outside * 100:.1f} %, at most {self.modelled.farthest:.1f} x away",
        }
        if self.reserved:
            found["GPUs reserved"] = str(self.reserved)
        if self.concurrency is not None:
            found["requests at once per GPU"] = f"{self.concurrency:.1f}"
        return found

    @property
    def _outside(self) -> float:
        whole = float(self.modelled.demand.work.sum())
        return self.modelled.outside_seconds / whole if whole else 0.0

    def notes(self) -> Iterator[Noted]:
        """The numbers that the log does not hold."""

        def said(name: str) -> str:
            return "scenario" if name in self.params.model_fields_set else "default"

        yield Noted("throughput", self.series.name, "", f"{self.series.source} ({self.series.confidence})")
        if self.rate is not None:
            price = self.rate.price
            yield Noted(
                "GPU-hour",
                plain(price.usd_per_gpu_hour),
                "USD",
                f"{self.rate.name}, {price.source}, seen {price.valid_from:%Y-%m-%d}",
            )
        else:
            yield Noted("GPU-hour", plain(self.params.usd_per_gpu_hour or ZERO), "USD", "scenario")
        yield Noted("target utilisation", plain(self.params.utilisation), "", said("utilisation"))
        yield Noted("cached input", plain(self.params.cached_cost), "of a new token's prefill", said("cached_cost"))
        yield Noted("prefixes the fleet finds", self.params.own_cache, "", said("own_cache"))
        yield Noted("cold start", self.params.cold_start, "", said("cold_start"))
        if self.params.tier == "spot":
            yield Noted(
                "spot interruptions",
                plain(self.spot(ZERO).interruptions_per_hour),
                "an hour",
                said("interruptions_per_hour"),
            )
        if self.params.as_model is None:
            yield Noted("tokens of the hosted model", "1", "x the log's", "default: as_model names no tokenizer")

    def warnings(self) -> Iterator[str]:
        """What a reader must not overlook."""
        if self._outside:
            nearest = self.series.points
            yield (
                f"{self._outside * 100:.1f} % of the work lies outside the measurements ({len(nearest)} points, at most "
                f"{self.modelled.farthest:.1f} x away): its throughput is the model's alone"
            )
        missing = [n for n in ("staff", "storage", "egress") if not getattr(self.params, f"{n}_usd_per_month")]
        if missing:
            yield f"not counted, because none was given: {', '.join(missing)}"
        if self.series.load == "offline":
            yield "throughput is an offline maximum: nobody waits for a first token; utilisation alone stands for latency"

    def exhibit(self) -> Exhibit:
        """Demand and fleet by hour."""
        demand = self.modelled.demand
        hour = HOUR_SECONDS * 1_000_000
        at = tuple(demand.start + hour * number for number in range(demand.hours))

        def line(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[Decimal, ...]:
            return tuple(Decimal(f"{float(value):.4f}") for value in values)

        burst = (demand.work - self.fleet.served).reshape(demand.hours, -1).sum(axis=1) / HOUR_SECONDS
        lines = {
            "demand, mean of the hour": line(demand.busy),
            "demand, busiest minutes": line(demand.peak),
            "GPUs": line(self.fleet.gpus.astype(np.float64)),
            "left to the API": line(burst),
        }
        return Exhibit("Demand and fleet by hour", "GPUs", at, lines, frozenset({"GPUs"}))
