"""InferenceX (earlier InferenceMAX): result JSON of its runs, rows of its dashboard, or the same as CSV or Parquet.

Throughput is by GPU, latencies are *seconds*. A dashboard's row has its figures under ``metrics``; one of a single kind of worker
names the same GPUs twice (``num_prefill_gpu`` and ``num_decode_gpu``), one that splits prefill and decode has both. Where the first
also splits its experts, tensor x expert parallelism is named, while the experts lie on the same GPUs: with TP8 EP8 it says 64 of 8
(rate x latency / concurrency gives 4 and 8 GPUs in all 382 such rows of its dashboard's fixtures of 2026-08-20). In older split
results ``output_tput_per_gpu`` is by *decode* GPU: which is meant is told by ``tput_per_gpu``, the sum by GPU of all.
Read in https://github.com/SemiAnalysisAI/InferenceX/tree/main/utils, 2026-11-24.
"""

from __future__ import annotations

from typing import Final

from llmcost.hosting.benchmark import (
    BenchFile,
    NoMeasurementError,
    Record,
    Run,
    check_load,
    needed,
    number,
    part,
    text,
)

_NEAR: Final = 0.02


def claims(record: Record) -> bool:
    """Whether the record is InferenceX's."""
    names = record.keys() | part(record, "metrics").keys()
    return {"tput_per_gpu", "output_tput_per_gpu", "conc", "isl", "osl"} <= names


def read(record: Record) -> Run:
    """The run of a record."""
    row = {**record, **part(record, "metrics")}
    gpus, each = _by_gpu(row)
    ttft, tpot = (number(row, f"median_{name}") for name in ("ttft", "tpot"))
    run = Run(
        model=text(row, "model", "model_prefix", "infmax_model_prefix"),
        input_tokens=needed(row, "isl"),
        output_tokens=needed(row, "osl"),
        output_tokens_per_second=each * gpus,
        concurrency=needed(row, "conc"),
        gpus=gpus,
        gpu=text(row, "hw", "hardware"),
        precision=(text(row, "precision") or "").upper() or None,
        parallelism=_parallelism(row),
        stack=" ".join(part for part in (text(row, "framework"), _method(row)) if part),
        ttft_ms=None if ttft is None else ttft * 1000,
        tpot_ms=None if tpot is None else tpot * 1000,
    )
    check_load(run)
    return run


def _method(row: Record) -> str | None:
    found = text(row, "spec_method", "spec_decoding")
    return None if found in {None, "none"} else f"speculative {found}"


def _split(row: Record) -> bool:
    return str(row.get("disagg")).lower() in {"true", "1"}


def _by_gpu(row: Record) -> tuple[int, float]:
    """GPUs of the replica, and output tokens per second by GPU of all of them."""
    output = needed(row, "output_tput_per_gpu")
    prefill, decode = number(row, "num_prefill_gpu"), number(row, "num_decode_gpu")
    if not _split(row):
        return _together(row, prefill or decode), output
    if prefill is None or decode is None:
        raise NoMeasurementError("how many GPUs prefill and decode had is not said")
    everyone = prefill + decode
    whole, into = needed(row, "tput_per_gpu"), needed(row, "input_tput_per_gpu")
    if abs((into + output) / whole - 1) <= _NEAR:
        return int(everyone), output
    if abs((into * prefill + output * decode) / everyone / whole - 1) <= _NEAR:
        return int(everyone), output * decode / everyone
    raise NoMeasurementError(f"input {into:.1f} and output {output:.1f} by GPU do not add up to {whole:.1f}")


def _together(row: Record, stated: float | None) -> int:
    """GPUs of a replica whose workers are all alike."""
    tensor, expert = _size(row, "tp"), _size(row, "ep")
    if stated is None or (tensor and expert and expert > 1 and stated == tensor * expert):
        stated = tensor
    if stated is None:
        raise NoMeasurementError("how many GPUs it ran on is not said (tp)")
    return int(stated)


def _size(row: Record, name: str) -> float | None:
    return number(row, name) or number(row, f"decode_{name}") or number(row, f"prefill_{name}")


def _parallelism(row: Record) -> str:
    sizes = [(name.upper(), _size(row, name)) for name in ("tp", "ep")]
    found = " ".join(f"{name}{int(size)}" for name, size in sizes if size is not None and size > 1)
    if _split(row):
        return f"{int(number(row, 'num_prefill_gpu') or 0)} prefill, {int(number(row, 'num_decode_gpu') or 0)} decode {found}"
    return found


BENCHFILE = BenchFile(
    title="InferenceX: results and dashboard rows",
    claims=claims,
    read=read,
    url="https://github.com/SemiAnalysisAI/InferenceX",
    checked="2026-11-24",
)
