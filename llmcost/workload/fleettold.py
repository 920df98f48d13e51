"""What a reader is told of a fleet: what the plan found, what it assumes, what must not be overlooked."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from llmcost.hosting.demand import HOUR_SECONDS
from llmcost.hosting.evidence import AIM
from llmcost.hosting.fleet import median_size
from llmcost.money import ZERO, plain
from llmcost.workload.contract import Exhibit, Noted
from llmcost.workload.fleets import Plan

_LONG_WAIT = 10_000
"""Milliseconds beyond which people turn to something else: Nielsen's third limit
(https://lettersremain.com/the-three-important-response-time-limits/, 2026-11-24)."""


def percent(share: float) -> str:
    """A share of a fleet as reports show it; one above nothing never reads as nothing."""
    return "<0.1%" if 0 < share < 0.0005 else f"{share * 100:.1f}%"


def facts(plan: Plan) -> dict[str, str]:
    """What the plan found."""
    gpus, demand = plan.fleet.gpus, plan.modelled.demand
    found = {
        "replica": plan.series.name,
        "GPUs": f"{int(gpus.min())} to {int(gpus.max())}, {float(gpus.mean()):.1f} on average",
        "GPU-hours": plain(plan.fleet.gpu_hours.quantize(Decimal("0.1"))),
        "use of the GPUs": percent(plan.fleet.used),
        "busiest hour needs": f"{float(demand.peak.max()):.2f} GPUs",
        "median hour needs": f"{median_size(demand, plan.shape)} GPUs",
        "GPUs started": str(plan.fleet.started),
        "throughput may be off by": f"{percent(plan.modelled.off)} either way",
        "work outside the measurements": f"{percent(plan.outside)}, at most {plan.modelled.farthest:.1f} x away",
    }
    if plan.reserved:
        found["GPUs reserved"] = str(plan.reserved)
    if plan.concurrency is not None:
        found["requests at once per GPU"] = f"{plan.concurrency:.1f}"
    found |= {name: value for name, value in plan.latency.items() if name != "at"}
    return found


def notes(plan: Plan) -> Iterator[Noted]:
    """The numbers that the log does not hold."""

    def said(name: str) -> str:
        return "scenario" if name in plan.params.model_fields_set else "default"

    yield Noted("throughput", plan.series.name, "", f"{plan.series.source} ({plan.series.confidence})")
    into, out = plan.whole.mean
    yield Noted(
        "tokens of the mean request", f"{into:,.0f}/{out:,.0f}", "in/out",
        f"log; nearest measured {plan.choice.nearest.input_tokens:,.0f}/{plan.choice.nearest.output_tokens:,.0f}, "
        f"{plan.choice.distance:.1f} x away; replicas measured: {plan.choice.of}",
    )  # fmt: skip
    if plan.rate is not None:
        price = plan.rate.price
        yield Noted(
            "GPU-hour",
            plain(price.usd_per_gpu_hour),
            "USD",
            f"{plan.rate.name}, {price.source}, seen {price.valid_from:%Y-%m-%d}",
        )
    else:
        yield Noted("GPU-hour", plain(plan.params.usd_per_gpu_hour or ZERO), "USD", "scenario")
    if plan.params.throughput != 1:
        yield Noted("factor on the measured throughput", plain(plan.params.throughput), "x", said("throughput"))
    yield Noted("target utilisation", plain(plan.params.utilisation), "", said("utilisation"))
    yield Noted("cached input", plain(plan.params.cached_cost), "of a new token's prefill", said("cached_cost"))
    yield Noted("prefixes the fleet finds", plan.params.own_cache, "", said("own_cache"))
    yield Noted("cold start", plan.params.cold_start, "", said("cold_start"))
    if plan.params.egress_usd_per_gb:
        each = plan.params.bytes_per_output_token
        yield Noted("bytes of an answer's token", plain(each), "bytes", said("bytes_per_output_token"))
    if plan.cold:
        where = "wait" if plan.waiting else "go to the API"
        yield Noted("requests while GPUs start and none is up", where, "", said("while_starting"))
    if plan.params.tier == "spot":
        yield Noted(
            "spot interruptions",
            plain(plan.spot(ZERO).interruptions_per_hour),
            "an hour",
            said("interruptions_per_hour"),
        )
        yield Noted("while spot GPUs are away", plan.params.fallback.replace("_", " "), "serves", said("fallback"))
        redone = "unknown" if not plan.throughput.served else plain(plan.redone_seconds)
        yield Noted("work redone after an interruption", redone, "GPU-seconds a GPU", "half of what is under way")
    if plan.params.as_model is None:
        yield Noted("tokens of the hosted model", "1", "x the log's", "default: as_model names no tokenizer")


def warnings(plan: Plan) -> Iterator[str]:
    """What a reader must not overlook."""
    if plan.outside:
        nearest = plan.series.points
        yield (
            f"{percent(plan.outside)} of the work lies outside the measurements ({len(nearest)} points, at most "
            f"{plan.modelled.farthest:.1f} x away): its throughput is the model's alone"
        )
    elif plan.modelled.off > AIM:
        yield (
            f"the measurements around this log's requests disagree: throughput may be {percent(plan.modelled.off)} off either way "
            "(a server that fills up in between, or runs that contradict each other)"
        )
    if plan.outside and not plan.throughput.told_apart:
        yield "the measurements do not tell what a token in costs beside one out: both are taken to cost the same in a full batch"
    wait = plan.waits[0]
    if wait is not None and wait > _LONG_WAIT and plan.concurrency is None:
        yield (
            f"at the load that is counted on ({plan.load:.0f} requests at once per GPU) a first token takes {wait / 1000:,.0f} s: "
            "where somebody waits for it give ttft_ms or tpot_ms"
        )
    missing = [n for n in ("staff", "storage", "egress") if not getattr(plan.params, f"{n}_usd_per_month")]
    missing = [n for n in missing if n != "egress" or not plan.params.egress_usd_per_gb]
    if missing:
        yield f"not counted, because none was given: {', '.join(missing)}"
    if plan.series.load == "offline":
        yield "throughput is an offline maximum: nobody waits for a first token; utilisation alone stands for latency"


def exhibit(plan: Plan) -> Exhibit:
    """Demand and fleet by hour."""
    demand = plan.modelled.demand
    hour = HOUR_SECONDS * 1_000_000
    at = tuple(demand.start + hour * number for number in range(demand.hours))

    def line(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[Decimal, ...]:
        return tuple(Decimal(f"{float(value):.4f}") for value in values)

    burst = (demand.work - plan.fleet.served).reshape(demand.hours, -1).sum(axis=1) / HOUR_SECONDS
    lines = {
        "demand, mean of the hour": line(demand.busy),
        "demand, busiest minutes": line(demand.peak),
        "GPUs": line(plan.fleet.gpus.astype(np.float64)),
        "served by the fleet": line(demand.busy - burst),
        "left to the API": line(burst),
    }
    week = ("demand, mean of the hour", *(["left to the API"] if float(burst.sum()) > 0 else []))
    return Exhibit("Demand and fleet by hour", "GPUs", at, lines, frozenset({"GPUs"}), week)
