"""SGLang: ``python -m sglang.bench_serving --output-file``, one JSON line a run.

Tokens per second are the whole server's, latencies are milliseconds; ``concurrency`` is the mean of requests under way (sum of
latencies / duration). The answer's tokens are those the server was asked for; ``.._retokenized`` are another count and not used.
``request_rate`` Infinity without ``max_concurrency`` sends everything at once: an offline run.
Read in https://github.com/sgl-project/sglang/blob/main/python/sglang/bench_serving.py, 2026-11-24. The model is known only where
``server_info`` was answered; GPUs only by its parallel sizes, which are not taken for the number of GPUs.
"""

from __future__ import annotations

from llmcost.hosting.benchmark import BenchFile, Record, Run, check_failures, needed, number, part, rate, text


def claims(record: Record) -> bool:
    """Whether the record is SGLang's."""
    return (
        "model_id" not in record
        and {"backend", "duration", "completed", "total_output_tokens"} <= record.keys()
        and bool({"total_output_tokens_retokenized", "mean_e2e_latency_ms"} & record.keys())
    )


def read(record: Record) -> Run:
    """The run of a record."""
    completed, seconds = needed(record, "completed"), needed(record, "duration")
    check_failures(number(record, "num_prompts"), completed)
    output = needed(record, "total_output_tokens")
    server = part(record, "server_info")
    return Run(
        model=text(record, "model", "model_path") or text(server, "model_path", "served_model_name"),
        input_tokens=needed(record, "total_input_tokens") / completed,
        output_tokens=output / completed,
        output_tokens_per_second=rate(output, seconds, number(record, "output_throughput")),
        concurrency=_load(record),
        stack=" ".join(("SGLang", *([v] if (v := text(server, "version")) else []))),
        precision=text(server, "quantization"),
        ttft_ms=number(record, "median_ttft_ms"),
        tpot_ms=number(record, "median_tpot_ms"),
    )


def _load(record: Record) -> float | None:
    """Requests under way on average; the limit where the file has no mean; None: all at once."""
    limit = number(record, "max_concurrency")
    at_once = str(record.get("request_rate", "inf")).lower() in {"inf", "infinity"}
    if limit is None and at_once:
        return None
    if limit is not None and at_once:
        return min(limit, needed(record, "completed"))
    return needed(record, "concurrency")


BENCHFILE = BenchFile(
    title="SGLang: bench_serving --output-file",
    claims=claims,
    read=read,
    url="https://github.com/sgl-project/sglang/blob/main/python/sglang/bench_serving.py",
    checked="2026-11-24",
)
