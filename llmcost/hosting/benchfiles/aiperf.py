"""NVIDIA AIPerf and GenAI-Perf: ``profile_export_aiperf.json`` and ``profile_export_genai_perf.json``, one JSON object a run.

Every metric is a record with its unit: ``output_token_throughput`` is the whole server's, latencies are converted by their unit.
Requests under way are the configured concurrency, else throughput x latency (Little's law).
Read in https://docs.nvidia.com/aiperf/reference/json-export-schema, 2026-11-24. What it leaves out: GPUs, precision, server.
"""

from __future__ import annotations

from typing import Any, Final

from llmcost.hosting.benchmark import (
    BenchFile,
    NoMeasurementError,
    Record,
    Run,
    arrived,
    check_failures,
    needed,
    number,
    part,
)

_MS: Final = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1000.0, "sec": 1000.0}
_PER_SECOND: Final = frozenset({"tokens/sec", "tokens/s", "requests/sec", "requests/s", "tokens/second"})
_LENGTHS: Final = ("input_sequence_length", "output_sequence_length")


def claims(record: Record) -> bool:
    """Whether the record is AIPerf's or GenAI-Perf's."""
    return all("avg" in part(record, name) for name in (*_LENGTHS, "output_token_throughput"))


def read(record: Record) -> Run:
    """The run of a record."""
    done, failed = number(part(record, "request_count"), "avg"), number(part(record, "error_request_count"), "avg") or 0
    if done is not None:
        check_failures(done + failed, done)
    lengths = [needed(part(record, name), "avg") for name in _LENGTHS]
    return Run(
        model=_model(part(record, "input_config")),
        input_tokens=lengths[0],
        output_tokens=lengths[1],
        output_tokens_per_second=_per_second(record, "output_token_throughput"),
        concurrency=_load(record),
        ttft_ms=_ms(record, "time_to_first_token", "p50"),
        tpot_ms=_ms(record, "inter_token_latency", "p50"),
    )


def _per_second(record: Record, name: str) -> float:
    metric = part(record, name)
    if metric.get("unit") not in _PER_SECOND:
        raise NoMeasurementError(f"{name} is in {metric.get('unit')!r}, not by second")
    return needed(metric, "avg")


def _ms(record: Record, name: str, statistic: str) -> float | None:
    metric = part(record, name)
    value, unit = number(metric, statistic) or number(metric, "avg"), metric.get("unit")
    if value is None:
        return None
    if unit not in _MS:
        raise NoMeasurementError(f"{name} is in {unit!r}, which is no unit of time here")
    return value * _MS[unit]


def _load(record: Record) -> float:
    """The configured concurrency, else what latency makes of the rate."""
    config = part(record, "input_config")
    stimulus = part(part(config, "perf_analyzer"), "stimulus")
    for place in (part(config, "loadgen"), stimulus, config):
        if (limit := number(place, "concurrency")) is not None:
            return limit
    latency = _ms(record, "request_latency", "avg")
    if latency is None:
        raise NoMeasurementError("neither a concurrency nor a request latency is said")
    return arrived(_per_second(record, "request_throughput"), latency)


def _model(config: Record) -> str | None:
    found: Any = part(config, "endpoint").get("model_names") or config.get("model") or config.get("model_names")
    if isinstance(found, list | tuple):
        found = found[0] if len(found) == 1 else None
    return found if isinstance(found, str) else None


BENCHFILE = BenchFile(
    title="AIPerf and GenAI-Perf: profile export JSON",
    claims=claims,
    read=read,
    url="https://docs.nvidia.com/aiperf/reference/json-export-schema",
    checked="2026-11-24",
)
