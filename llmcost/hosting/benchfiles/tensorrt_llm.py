"""TensorRT-LLM: ``trtllm-bench throughput --report_json`` (and ``latency``), one JSON object a run.

``system_output_throughput_tok_s`` is the whole engine's, of ``world_info.world_size`` GPUs (``output_throughput_per_gpu_tok_s`` is
the same by GPU); lengths are means of tokens; streaming metrics are milliseconds. Requests count as under way while they wait
for room: where more were under way than ``max_batch_size`` the engine was full, and the run is an offline maximum.
Read in https://github.com/NVIDIA/TensorRT-LLM/blob/main/tensorrt_llm/bench/dataclasses/reporting.py, 2026-11-24.
"""

from __future__ import annotations

from llmcost.hosting.benchmark import BenchFile, NoMeasurementError, Record, Run, needed, number, part, text


def claims(record: Record) -> bool:
    """Whether the record is trtllm-bench's."""
    return {"engine", "world_info", "request_info", "performance"} <= record.keys()


def read(record: Record) -> Run:
    """The run of a record."""
    engine, world, asked, done = (
        part(record, name) for name in ("engine", "world_info", "request_info", "performance")
    )
    streaming = part(record, "streaming_metrics")
    gpus, whole = int(needed(world, "world_size")), needed(done, "system_output_throughput_tok_s")
    each = number(done, "output_throughput_per_gpu_tok_s")
    if each is not None and abs(each * gpus / whole - 1) > 0.01:
        raise NoMeasurementError(
            f"{whole:.1f} tokens a second on {gpus} GPUs are not the {each:.1f} a GPU that it says"
        )
    load, most = number(asked, "avg_num_concurrent_requests"), number(world, "max_batch_size")
    full = load is None or (most is not None and load > most)
    sizes = {name: int(number(world, f"{name}_size") or 1) for name in ("tp", "pp", "ep")}
    version = text(engine, "version")
    return Run(
        model=text(engine, "model"),
        input_tokens=needed(asked, "avg_input_length"),
        output_tokens=needed(asked, "avg_output_length"),
        output_tokens_per_second=whole,
        concurrency=None if full else load,
        gpus=gpus,
        gpu=text(part(record, "machine"), "name"),
        precision=text(engine, "quantization", "dtype"),
        parallelism=" ".join(f"{name.upper()}{size}" for name, size in sizes.items() if size > 1),
        stack=f"TensorRT-LLM {version}" if version else "TensorRT-LLM",
        ttft_ms=_middle(streaming, "ttft"),
        tpot_ms=_middle(streaming, "tpot"),
    )


def _middle(streaming: Record, name: str) -> float | None:
    """The median; the mean where the report has no percentiles."""
    return number(part(streaming, f"{name}_percentiles"), "p50") or number(streaming, f"avg_{name}_ms")


BENCHFILE = BenchFile(
    title="TensorRT-LLM: trtllm-bench --report_json",
    claims=claims,
    read=read,
    url="https://github.com/NVIDIA/TensorRT-LLM/blob/main/tensorrt_llm/bench/dataclasses/reporting.py",
    checked="2026-11-24",
)
