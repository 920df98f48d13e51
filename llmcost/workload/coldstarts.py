"""Requests that arrive while nothing is up and GPUs start for them: which they are, what they wait, what the API takes for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from llmcost.hosting.starts import Cold
from llmcost.money import ZERO, plain
from llmcost.workload.branching import counted, shown
from llmcost.workload.capacity import weighted, windows
from llmcost.workload.contract import Stage, Workload, with_rows
from llmcost.workload.fleets import UNITS, WINDOW_US, Plan

COLD: Final = "_cold"
_JOINED: Final = ("cold_window", "cold_from", "cold_until", "cold_place")


@dataclass(frozen=True)
class Arrived:
    """What arrives in one time in which nothing is up: requests, their work, seconds after its start on average."""

    requests: float = 0.0
    gpu_seconds: float = 0.0
    offset_seconds: float = 0.0

    def and_(self, requests: float, gpu_seconds: float, offset_seconds: float) -> Arrived:
        """With more requests; ``offset_seconds`` is their sum."""
        number = self.requests + requests
        offset = (self.offset_seconds * self.requests + offset_seconds) / number if number else 0.0
        return Arrived(number, self.gpu_seconds + gpu_seconds, offset)


@dataclass(frozen=True)
class ColdStarts:
    """Cold arrivals by time, and their part of each window's work in the rows' own units."""

    arrived: Mapping[int, Arrived]
    units: Mapping[int, int]

    def waits(self, plan: Plan) -> tuple[float, float]:
        """Mean and longest wait in seconds: until GPUs are there, and behind those that came before."""
        total = number = longest = 0.0
        for place, arrived in self.arrived.items():
            time = plan.cold[place]
            pace = time.gpus * plan.shape.utilisation
            start, behind = (time.end - time.start) / 1e6, arrived.gpu_seconds / pace if pace else 0.0
            total += arrived.requests * (start - arrived.offset_seconds + behind / 2)
            number, longest = number + arrived.requests, max(longest, start, behind)
        return (total / number if number else 0.0), longest


def marked(rows: ir.Table, cold: tuple[Cold, ...], stage: Stage) -> ir.Table:
    """``rows`` with the columns :data:`COLD` (asks, and finds nothing up) and ``cold_place``: in which of the times."""
    if not cold:
        return rows.mutate(**{COLD: ibis.literal(False), "cold_place": ibis.null("int64")})
    lines = [
        (window, time.start, time.end, place)
        for place, time in enumerate(cold)
        for window in range(time.start // WINDOW_US, (time.end - 1) // WINDOW_US + 1)
    ]
    columns = [pa.array(column, pa.int64()) for column in zip(*lines, strict=True)]
    times = stage.register(pa.table(dict(zip(_JOINED, columns, strict=True))))
    asking = rows.mutate(_at=windows(rows, WINDOW_US))
    found = asking.left_join(times, asking._at == times.cold_window)
    within = (found.started_at >= found.cold_from) & (found.started_at < found.cold_until)
    found = found.mutate(**{COLD: (found._asks & within).fill_null(False)})
    return stage.view(found.select(*rows.columns, COLD, "cold_place"))


def found(rows: ir.Table, work: ir.IntegerValue, plan: Plan, counts: Mapping[int, Decimal], stage: Stage) -> ColdStarts:
    """What of the marked ``rows`` arrives cold. ``work``: what a row takes, in the rows' own units."""
    if not plan.cold:
        return ColdStarts({}, {})
    narrow = rows.mutate(_units=weighted(work, rows, counts)).filter(rows[COLD])
    sums = narrow.group_by("branch", "cold_place", window=windows(narrow, WINDOW_US)).agg(
        requests=narrow.count(), units=narrow._units.sum(),
        late=(narrow.started_at % WINDOW_US).cast("float64").sum(),
    )  # fmt: skip
    arrived: dict[int, Arrived] = {}
    units: dict[int, int] = {}
    for line in stage.collect(sums).to_pylist():
        place, window, number = int(line["cold_place"]), int(line["window"]), float(counts.get(int(line["branch"]), 1))
        begins = (window * WINDOW_US - plan.cold[place].start) / 1e6
        offset = (float(line["late"]) / 1e6 + float(line["requests"]) * begins) * number
        held = arrived.get(place, Arrived())
        arrived[place] = held.and_(float(line["requests"]) * number, float(line["units"]) / UNITS, offset)
        units[window] = units.get(window, 0) + int(line["units"])
    return ColdStarts(arrived, units)


def facts(
    rows: ir.Table, workload: Workload, columns: tuple[str, ...], plan: Plan, starts: ColdStarts, stage: Stage
) -> Iterator[tuple[str, str]]:
    """What cold starts come to: how many requests saw one, and their wait or their price at the API."""
    if not plan.cold:
        return
    number = counted(stage, workload.branches, rows, {"cold": rows[COLD]})[()]["cold"]
    yield "times nothing was up", str(len(plan.cold))
    yield "requests while nothing was up", shown(number)
    if plan.waiting:
        mean, longest = starts.waits(plan)
        yield "wait for GPUs that start", f"{mean:,.0f} s on average, {longest:,.0f} s at most"
        return
    labelled = rows.mutate(_label=rows[COLD].ifelse("cold", "warm")).select(*columns, "_label")
    costs = stage.costs(with_rows(workload, labelled), "_label")
    told = f"{plain(costs.usd.get('cold', ZERO).quantize(Decimal('1e-6')))} USD"
    unpriced = costs.unpriced.get("cold", ZERO)
    yield "the API takes for them", told + (f", {shown(unpriced)} have no price" if unpriced else "")
