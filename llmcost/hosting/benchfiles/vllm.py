"""vLLM: ``vllm bench serve --save-result`` (earlier ``benchmark_serving.py``), one JSON object a run.

Tokens per second are the whole server's, latencies are milliseconds (``median_ttft_ms``, ``median_tpot_ms``); input and output
are totals over the completed requests. ``request_rate`` "inf" without ``max_concurrency`` sends everything at once: an offline
run. With a finite rate the requests under way are throughput x latency (Little's law).
Read in https://github.com/vllm-project/vllm/blob/main/vllm/benchmarks/serve.py, 2026-11-24. What the file leaves out: GPUs,
precision, parallelism, tokens that a prefix cache served.
"""

from __future__ import annotations

from llmcost.hosting.benchmark import (
    BenchFile,
    NoMeasurementError,
    Record,
    Run,
    arrived,
    check_failures,
    needed,
    number,
    rate,
    text,
)


def claims(record: Record) -> bool:
    """Whether the record is vLLM's."""
    return {"model_id", "num_prompts", "duration", "total_output_tokens"} <= record.keys() and (
        "median_ttft_ms" in record or "mean_ttft_ms" in record
    )


def read(record: Record) -> Run:
    """The run of a record."""
    completed, seconds = needed(record, "completed"), needed(record, "duration")
    check_failures(number(record, "num_prompts"), completed)
    output = needed(record, "total_output_tokens")
    each = output / completed
    return Run(
        model=text(record, "model_id"),
        input_tokens=needed(record, "total_input_tokens") / completed,
        output_tokens=each,
        output_tokens_per_second=rate(output, seconds, number(record, "output_throughput")),
        concurrency=_load(record, completed, seconds, each),
        stack="vLLM",
        ttft_ms=number(record, "median_ttft_ms"),
        tpot_ms=number(record, "median_tpot_ms"),
    )


def _load(record: Record, completed: float, seconds: float, output_tokens: float) -> float | None:
    """Requests under way: the limit; with a rate of arrivals what latency makes of it, at most the limit; None: all at once."""
    limit = number(record, "max_concurrency")
    if str(record.get("request_rate", "inf")).lower() in {"inf", "infinity"}:
        return None if limit is None else min(limit, completed)
    whole = number(record, "mean_e2el_ms")
    first, each = number(record, "mean_ttft_ms"), number(record, "mean_tpot_ms")
    latency = whole or (None if first is None or each is None else first + each * (output_tokens - 1))
    if latency is None:
        raise NoMeasurementError("no mean latency: how many requests were under way is unknown")
    found = arrived(completed / seconds, latency)
    return found if limit is None else min(limit, found)


BENCHFILE = BenchFile(
    title="vLLM: vllm bench serve --save-result",
    claims=claims,
    read=read,
    url="https://github.com/vllm-project/vllm/blob/main/vllm/benchmarks/serve.py",
    checked="2026-11-24",
)
