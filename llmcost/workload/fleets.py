"""What a GPU fleet comes to: the plan for a log's demand, and its charges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property, reduce
from typing import Final

import numpy as np
import pyarrow as pa

from llmcost.errors import UsageError
from llmcost.hosting.catalogue import GpuCatalogue, GpuRate
from llmcost.hosting.choose import Choice, nearest_series
from llmcost.hosting.demand import HOUR_SECONDS, WINDOW_SECONDS, Floats, Modelled, demand_of
from llmcost.hosting.fleet import Fleet, Shape, Spot, fixed, median_size, needed, reserved_size, sized
from llmcost.hosting.schema import Series
from llmcost.hosting.starts import Cold, drained, starting
from llmcost.hosting.throughput import Throughput, Work, throughput_of
from llmcost.money import EXACT, RATIO, ZERO
from llmcost.workload.contract import ASSUMED, MODELLED, FlatCharge, Stage
from llmcost.workload.durations import micros_of
from llmcost.workload.fleetparams import SelfHostParams, hours_of

WINDOW_US: Final = WINDOW_SECONDS * 1_000_000
MONTH_HOURS: Final = Decimal(730)
UNITS: Final = 1_000_000_000
"""Work of a row is counted in billionths of a GPU-second: whole numbers, the same on every engine."""
_QUANTITY: Final = Decimal("1e-9")


@dataclass(frozen=True)
class Plan:
    """The fleet for work by window (counted from 1970 in :data:`WINDOW_US`), and what it costs."""

    params: SelfHostParams
    stage: Stage
    work: Mapping[int, Work]
    firsts: Mapping[int, int] = field(default_factory=dict)
    """The first request of each window (microseconds UTC)."""
    arrived_cold: Mapping[int, float] = field(default_factory=dict)
    """Part of a window's work that arrives while nothing is up, where :attr:`cold` touches it."""
    known: Modelled | None = None
    """The demand, where it was modelled already."""

    @cached_property
    def catalogue(self) -> GpuCatalogue:
        """GPU prices and measurements, the user's on top."""
        return GpuCatalogue(self.params.files)

    @property
    def series(self) -> Series:
        """The measurements that stand for a replica."""
        return self.choice.series

    @cached_property
    def choice(self) -> Choice:
        """The series nearest to the log's lengths, of those that the parameters allow."""
        limited = self.params.ttft_ms is not None or self.params.tpot_ms is not None
        wanted = self.params.load or ("served" if limited else None)
        found = self.catalogue.measured(self.params.model, self.params.gpu, self.params.precision)
        fitting = [series for series in found if wanted in {None, series.load}]
        if not fitting or (limited and fitting[0].load != "served"):
            raise UsageError(
                f"no {wanted or 'served'} measurements of {self.params.model} on {self.params.gpu}: no latency is known",
                hint=f"known: {'; '.join(series.name for series in found)}",
            )
        return nearest_series(fitting, self.whole)

    @cached_property
    def throughput(self) -> Throughput:
        """The model of a replica."""
        return throughput_of(self.series, float(self.params.cached_cost))

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
        if self.known is not None:
            return self.known
        windows = {window * WINDOW_US: work for window, work in self.work.items()}
        found = demand_of(windows, self.throughput, self.concurrency, span=self.stage.span)
        return found.faster(self.faster)

    @property
    def faster(self) -> float:
        """Factor on the measured throughput."""
        return float(self.params.throughput)

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
    def _asked(self) -> Fleet:
        """GPUs by hour as the demand asks for them."""
        demand = self.modelled.demand
        if self.params.replicas is None:
            return sized(demand, self.shape)
        if self.params.replicas == "median":
            return fixed(demand, self.shape, median_size(demand, self.shape))
        return fixed(demand, self.shape, self.params.replicas * self.series.gpus)

    @cached_property
    def _starting(self) -> tuple[Floats, tuple[Cold, ...]]:
        """GPUs that are up by window, and the times in which nothing is; a fixed baseline never starts."""
        demand, gpus = self.modelled.demand, np.maximum(self._asked.gpus, self.reserved).astype(np.int64)
        if self.params.replicas is not None:
            return np.repeat(gpus, demand.windows_per_hour).astype(np.float64), ()
        firsts: dict[int, int] = {}
        for at in self.firsts.values():
            hour, offset = divmod(at - demand.start, HOUR_SECONDS * 1_000_000)
            firsts[hour] = min(firsts.get(hour, offset), offset)
        return starting(demand, self.shape, gpus, firsts, self.reserved)

    @property
    def cold(self) -> tuple[Cold, ...]:
        """The times in which requests find nothing up, and GPUs start for them."""
        return self._starting[1]

    @property
    def waiting(self) -> bool:
        """Whether requests wait for GPUs that start, instead of going to the API."""
        return self.params.while_starting == "wait"

    @cached_property
    def fleet(self) -> Fleet:
        """GPUs by hour: what is reserved is paid in every hour, so it serves in every hour."""
        demand = self.modelled.demand
        gpus = np.maximum(self._asked.gpus, self.reserved).astype(np.int64)
        falling = self.params.tier == "spot" and self.params.fallback == "api"
        # Only what is beyond the reservation can be taken away.
        lost = float(1 - self.spot(ZERO).available) if falling else 0.0
        away = np.maximum(gpus - self.reserved, 0) * lost
        part = np.zeros(len(demand.work))
        for window, share in self.arrived_cold.items():
            part[window - demand.start // WINDOW_US] = share
        fleet = Fleet(demand, self.shape, gpus, away, self._starting[0], part)
        if not self.waiting or not self.arrived_cold:
            return fleet
        waited = drained(demand, self.cold, demand.work * part, fleet.room - fleet.at_once, gpus)
        return replace(fleet, waited=waited)

    def room(self, units: Mapping[int, int]) -> pa.Table:
        """How much of each window's work, in the rows' own units, the fleet has room for.

        ``units`` are those of the requests that may be served: without those that find nothing up, unless they wait.
        """
        demand, first = self.modelled.demand, self.modelled.demand.start // WINDOW_US
        served = self.fleet.served
        found = {}
        for window, of in units.items():
            seconds = float(demand.work[window - first])
            if not self.waiting:
                seconds *= 1 - self.arrived_cold.get(window, 0.0)
            part = float(served[window - first]) / seconds if seconds else 1.0
            found[window] = of if part >= 1 - 1e-9 else int(of * part)
        return pa.table(
            {"window": pa.array(list(found), pa.int64()), "room": pa.array(list(found.values()), pa.int64())}
        )

    @property
    def _at(self) -> datetime:
        """The instant whose GPU prices hold."""
        last = self.stage.span[1] - 1 if self.stage.span else self.stage.now
        return datetime.fromtimestamp((last if self.stage.priced_on is None else self.stage.priced_on) / 1e6, UTC)

    @cached_property
    def rate(self) -> GpuRate | None:
        """The catalogue's price; None where the user gives one."""
        if self.params.usd_per_gpu_hour is not None:
            return None
        at = self._at
        today = datetime.fromtimestamp(self.stage.now / 1e6, UTC)
        gpu, tier, provider, region = self.params.gpu, self.params.tier, self.params.provider, self.params.region
        found = self.catalogue.offered(gpu, at, tier=tier, provider=provider, region=region)
        # A log from before the first price is known is priced at today's.
        found = found or self.catalogue.offered(gpu, today, tier=tier, provider=provider, region=region)
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
        recovery = Decimal((micros_of(self.params.recovery) or 0) // 1_000_000)
        return Spot(price, often, EXACT.add(recovery, self.redone_seconds))

    @cached_property
    def redone_seconds(self) -> Decimal:
        """GPU-seconds that an interruption of a GPU throws away: half of what its requests under way need; none where the
        measurements do not say how many are under way.
        """
        if not self.throughput.served:
            return ZERO
        load = self.load
        each = self.throughput.estimate(self.whole, load).gpu_seconds / max(self.whole.requests, 1e-9) / self.faster
        return Decimal(f"{load * each / 2:.3f}")

    def _stand_in(self) -> FlatCharge | None:
        """On-demand GPUs for the time in which spot ones are taken away."""
        if self.params.tier != "spot" or self.params.fallback != "on_demand":
            return None
        rates = self.catalogue.offered(self.params.gpu, self._at, tier="on_demand", provider=self.params.provider)
        if not rates:
            raise UsageError(
                f"no on-demand price of a {self.params.gpu} is known", hint="fallback = 'api', or give a file of prices"
            )
        over = Decimal(int(np.maximum(self.fleet.gpus - self.reserved, 0).sum()))
        hours = RATIO.multiply(over, RATIO.subtract(Decimal(1), self.spot(ZERO).available)).quantize(_QUANTITY)
        return FlatCharge(
            "gpu_hour_on_demand", hours, "GPU-hours", unit_usd=rates[0].usd_per_gpu_hour,
            note=f"{rates[0].name}, while spot GPUs are away", evidence=MODELLED,
        )  # fmt: skip

    @cached_property
    def reserved(self) -> int:
        """GPUs that are reserved."""
        price = self.params.reserved_usd_per_gpu_hour
        if price is None:
            return 0
        if self.params.reserved_gpus == "best":
            return reserved_size(self._asked.gpus, price, self.usd_per_gpu_hour, self.series.gpus)
        return int(self.params.reserved_gpus)

    @property
    def hours(self) -> Decimal:
        """Hours that the fleet runs for: those of the demand."""
        return Decimal(self.modelled.demand.hours)

    def charges(self) -> Iterator[FlatCharge]:
        """GPU-hours by tier, and the months of what is paid by the month."""
        # Reserved GPUs never start: they are there.
        flexible = replace(self.fleet, gpus=np.maximum(self.fleet.gpus - self.reserved, 0)).gpu_hours
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
        if (extra := self._stand_in()) is not None and extra.quantity:
            yield extra
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
            "throughput_off": Decimal(f"{self.modelled.off:.3f}"),
            "usd_per_gpu_hour": self.usd_per_gpu_hour,
            "median_replicas": Decimal(median_size(self.modelled.demand, self.shape) // self.series.gpus),
            "peak_replicas": Decimal(int(needed(self.modelled.demand, self.shape).max()) // self.series.gpus),
        }

    @cached_property
    def latency(self) -> dict[str, str]:
        """What users wait at the load that the plan counts on, where the measurements say; empty where they do not."""
        if not self.throughput.served:
            return {}
        (first, each), load = self.waits, self.load
        found = {"time to first token": first, "time per output token": each}
        told = {name: f"{value:,.0f} ms" for name, value in found.items() if value is not None}
        return {**told, "at": f"{load:.1f} requests at once per GPU (median, full batches)"} if told else {}

    @property
    def load(self) -> float:
        """Requests at once per GPU that the plan counts on, where loads were measured."""
        return self.concurrency or max((p.concurrency or 0) / self.series.gpus for p in self.series.points)

    @cached_property
    def waits(self) -> tuple[float | None, float | None]:
        """Milliseconds to the first token and per token at that load; None: unknown."""
        return self.throughput.latency_ms(self.whole, self.load) if self.throughput.served else (None, None)

    @property
    def outside(self) -> float:
        """Part of the work that lies outside the measurements."""
        whole = float(self.modelled.demand.work.sum())
        return self.modelled.outside_seconds / whole if whole else 0.0
