"""Benchmark files: recognised, units right, what is no measurement told with its reason."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmcost.errors import UsageError
from llmcost.hosting.benchfiles import BENCHFILES
from llmcost.hosting.catalogue import read
from llmcost.hosting.importing import Imported, Replica, dumps, read_benchmark
from llmcost.hosting.schema import Point, ThroughputFile
from tests.support import shared_data

DAY = date(2026, 11, 20)
OURS = Replica(gpu="H100-SXM", gpus=2, precision="FP8")
VLLM: dict[str, Any] = {
    "date": "20261101-101010", "backend": "openai-chat", "label": None, "model_id": "acme/Big-70B", "tokenizer_id": "acme/Big-70B",
    "num_prompts": 200, "request_rate": "inf", "burstiness": 1.0, "max_concurrency": 64, "duration": 100.0, "completed": 200,
    "failed": 0, "total_input_tokens": 200_000, "total_output_tokens": 40_000, "request_throughput": 2.0, "request_goodput": None,
    "output_throughput": 400.0, "total_token_throughput": 2400.0, "max_concurrent_requests": 70, "mean_ttft_ms": 310.5,
    "median_ttft_ms": 300.0, "std_ttft_ms": 9.0, "p99_ttft_ms": 700.0, "mean_tpot_ms": 40.0, "median_tpot_ms": 39.0,
    "mean_itl_ms": 40.1, "median_itl_ms": 38.0,
}  # fmt: skip
SGLANG: dict[str, Any] = {
    "tag": None, "backend": "sglang", "dataset_name": "random", "request_rate": 4.0, "max_concurrency": None,
    "sharegpt_output_len": None, "random_input_len": 1024, "random_output_len": 256, "random_range_ratio": 0.0, "duration": 50.0,
    "completed": 200, "total_input_tokens": 100_000, "total_output_tokens": 20_000, "total_output_tokens_retokenized": 19_500,
    "request_throughput": 4.0, "input_throughput": 2000.0, "output_throughput": 400.0, "mean_e2e_latency_ms": 5000.0,
    "median_e2e_latency_ms": 4900.0, "mean_ttft_ms": 120.0, "median_ttft_ms": 110.0, "mean_tpot_ms": 49.0, "median_tpot_ms": 48.0,
    "concurrency": 20.0, "accept_length": None, "server_info": {"model_path": "acme/Big-70B", "version": "0.5.4", "quantization": "fp8"},
}  # fmt: skip
TRT: dict[str, Any] = {
    "engine": {"model": "acme/Big-70B", "version": "1.2.0", "backend": "Pytorch", "dtype": "bfloat16", "quantization": "FP8"},
    "machine": {"name": "NVIDIA H100 80GB HBM3"},
    "world_info": {"tp_size": 2, "pp_size": 1, "ep_size": None, "world_size": 2, "max_batch_size": 256, "issue_rate": 9e9},
    "request_info": {"num_requests": 3000, "avg_num_concurrent_requests": 1400.5, "avg_input_length": 1000.0, "avg_output_length": 500.0},
    "performance": {"system_output_throughput_tok_s": 6000.0, "output_throughput_per_gpu_tok_s": 3000.0, "total_latency_ms": 250_000.0},
    "streaming_metrics": {"avg_ttft_ms": 90.0, "avg_tpot_ms": 21.0, "ttft_percentiles": {"p50": 80.0}, "tpot_percentiles": {"p50": 20.0}},
}  # fmt: skip
INFX: dict[str, Any] = {
    "hw": "h200", "conc": 16, "model": "acme/Big-70B", "framework": "sglang", "precision": "fp8", "tp": 8, "ep": 1, "isl": 1024,
    "osl": 1024, "spec_decoding": "none", "disagg": False, "tput_per_gpu": 210.0, "output_tput_per_gpu": 100.0,
    "input_tput_per_gpu": 110.0, "median_ttft": 0.25, "median_tpot": 0.0125,
}  # fmt: skip
SPLIT: dict[str, Any] = {
    "hardware": "gb200", "model": "m", "framework": "dynamo-trt", "precision": "fp4", "isl": 1024, "osl": 1024, "conc": 512, "disagg": True,
    "num_prefill_gpu": 4, "num_decode_gpu": 12, "prefill_tp": 4, "decode_tp": 4,
    "metrics": {"tput_per_gpu": 250.0, "input_tput_per_gpu": 100.0, "output_tput_per_gpu": 150.0},
}  # fmt: skip
AIPERF: dict[str, Any] = {
    "input_config": {"endpoint": {"model_names": ["acme/Big-70B"]}, "loadgen": {"concurrency": 8}},
    "request_throughput": {"unit": "requests/sec", "avg": 2.0}, "request_latency": {"unit": "ms", "avg": 4000.0, "p50": 3900.0},
    "time_to_first_token": {"unit": "s", "avg": 0.3, "p50": 0.25}, "inter_token_latency": {"unit": "us", "avg": 21000, "p50": 20000},
    "output_token_throughput": {"unit": "tokens/sec", "avg": 500.0}, "request_count": {"unit": "requests", "avg": 100.0},
    "input_sequence_length": {"unit": "tokens", "avg": 550.0}, "output_sequence_length": {"unit": "tokens", "avg": 250.0},
}  # fmt: skip
ALL = {"vllm": VLLM, "sglang": SGLANG, "tensorrt-llm": TRT, "inferencex": INFX, "aiperf": AIPERF}


def imported(folder: Path, *records: Mapping[str, Any], replica: Replica = OURS) -> Imported:
    path = folder / "bench.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in records))
    return read_benchmark(path, replica, DAY)


def point(found: Imported) -> Point:
    ((only,),) = (series.points for series in found.file.series)
    return only


def numbers(found: Imported) -> tuple[float | None, ...]:
    p = point(found)
    return (
        p.input_tokens, p.output_tokens, p.concurrency, p.output_tokens_per_second_per_gpu, p.time_to_first_token_ms,
        p.time_per_output_token_ms,
    )  # fmt: skip


@pytest.mark.parametrize("name", BENCHFILES.names())
def test_exactly_one_format_claims_a_record(name: str) -> None:
    assert [other for other, found in BENCHFILES if found.claims(ALL[name])] == [name]


def test_vllm_is_a_whole_server_in_milliseconds(tmp_path: Path) -> None:
    found = imported(tmp_path, VLLM)
    assert numbers(found) == (1000, 200, 64, 200, 300, 39)
    series = found.file.series[0]
    assert (series.model, series.gpu, series.gpus, series.precision, series.load) == (
        "acme/Big-70B",
        "H100-SXM",
        2,
        "FP8",
        "served",
    )


def test_load_is_what_was_under_way(tmp_path: Path) -> None:
    """No limit and no rate: all at once, offline. A rate: throughput x latency. A limit above the number sent: that number."""
    assert point(imported(tmp_path, VLLM | {"max_concurrency": None})).concurrency is None
    slow = imported(tmp_path, VLLM | {"request_rate": 2.0, "max_concurrency": None})
    assert point(slow).concurrency == pytest.approx(2.0 * (0.3105 + 0.040 * 199), rel=1e-5)
    assert point(imported(tmp_path, VLLM | {"request_rate": 2.0, "max_concurrency": 4})).concurrency == 4
    assert point(imported(tmp_path, VLLM | {"max_concurrency": 512})).concurrency == 200


def test_sglang_tells_the_mean_under_way_and_its_server(tmp_path: Path) -> None:
    found = imported(tmp_path, SGLANG, replica=Replica(gpu="H200-SXM", gpus=4))
    assert numbers(found) == (500, 100, 20, 100, 110, 48)
    assert (found.file.series[0].stack, found.file.series[0].precision) == ("SGLang 0.5.4", "fp8")


def test_tensorrt_llm_knows_its_gpus_and_was_full(tmp_path: Path) -> None:
    found = imported(tmp_path, TRT, replica=Replica(gpu="H100-SXM"))
    assert numbers(found) == (1000, 500, None, 3000, 80, 20)
    assert (found.file.series[0].gpus, found.file.series[0].parallelism, found.file.series[0].load) == (
        2,
        "TP2",
        "offline",
    )
    light = TRT | {"request_info": TRT["request_info"] | {"avg_num_concurrent_requests": 32.0}}
    assert point(imported(tmp_path, light)).concurrency == 32


def test_inferencex_is_by_gpu_and_in_seconds(tmp_path: Path) -> None:
    found = imported(tmp_path, INFX, replica=Replica())
    assert numbers(found) == (1024, 1024, 16, 100, 250, 12.5)
    assert (found.file.series[0].gpus, found.file.series[0].precision) == (8, "FP8")


def test_experts_lie_on_the_same_gpus(tmp_path: Path) -> None:
    """A dashboard multiplies tensor by expert parallelism; rate x latency / concurrency says 8, not 64."""
    row = {name: value for name, value in INFX.items() if name not in {"tp", "ep"}}
    wide = row | {"num_prefill_gpu": 64, "num_decode_gpu": 64, "prefill_tp": 8, "decode_tp": 8, "decode_ep": 8}
    found = imported(tmp_path, wide, replica=Replica()).file.series[0]
    assert (found.gpus, found.parallelism) == (8, "TP8 EP8")
    data = row | {"num_prefill_gpu": 16, "num_decode_gpu": 16, "decode_tp": 8, "decode_ep": 1}
    assert imported(tmp_path, data | {"conc": 32}, replica=Replica()).file.series[0].gpus == 16


def test_split_replicas_count_all_their_gpus(tmp_path: Path) -> None:
    """By all GPUs as it stands; by decode GPU in older results, which the sum tells: (4 x 100 + 12 x 150) / 16 = 137.5."""
    new = imported(tmp_path, SPLIT, replica=Replica())
    assert (new.file.series[0].gpus, point(new).output_tokens_per_second_per_gpu) == (16, 150)
    older = SPLIT | {"metrics": SPLIT["metrics"] | {"tput_per_gpu": 137.5}}
    assert point(imported(tmp_path, older, replica=Replica())).output_tokens_per_second_per_gpu == 112.5


def test_aiperf_converts_by_unit(tmp_path: Path) -> None:
    assert numbers(imported(tmp_path, AIPERF)) == (550, 250, 8, 250, 250, 20)
    free = AIPERF | {"input_config": {"model": ["acme/Big-70B"]}}
    assert point(imported(tmp_path, free)).concurrency == 8  # 2 a second x 4 s


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (VLLM | {"completed": 100}, "only 100 of 200 requests were answered"),
        (VLLM | {"output_throughput": 800.0}, "the file says 800.0"),
        (VLLM | {"duration": 0}, "duration is 0"),
        (VLLM | {"total_output_tokens": "nan"}, "total_output_tokens is 'nan'"),
        (VLLM | {"request_rate": 1, "max_concurrency": None, "mean_ttft_ms": None}, "under way is unknown"),
        (
            TRT | {"performance": {"system_output_throughput_tok_s": 6e3, "output_throughput_per_gpu_tok_s": 6e3}},
            "are not the 6000.0",
        ),
        (SPLIT | {"metrics": SPLIT["metrics"] | {"tput_per_gpu": 999.0}}, "do not add up"),
        (INFX | {"isl": None}, "isl is None"),
        (INFX | {"output_tput_per_gpu": 4.0}, "are 0.407 requests under way, the file says 16"),
        (AIPERF | {"output_token_throughput": {"unit": "tokens/min", "avg": 9.0}}, "is in 'tokens/min'"),
    ],
)
def test_what_is_no_measurement_is_told(tmp_path: Path, record: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        imported(tmp_path, record)


def test_one_bad_run_leaves_the_others(tmp_path: Path) -> None:
    found = imported(tmp_path, VLLM, VLLM | {"completed": 100}, SGLANG)
    assert (found.runs, len(found.rejected)) == (1, 2)
    assert found.rejected[0].startswith("bench.jsonl:2: only 100")
    assert found.rejected[1] == "bench.jsonl:3: it is no result of vLLM"


def test_runs_of_one_replica_are_one_series(tmp_path: Path) -> None:
    loads = [VLLM | {"max_concurrency": n, "duration": 100.0 / n, "output_throughput": 400.0 * n} for n in (8, 1, 4)]
    found = imported(tmp_path, *loads, VLLM | {"max_concurrency": None})
    assert [(s.load, [p.concurrency for p in s.points]) for s in found.file.series] == [
        ("served", [1, 4, 8]),
        ("offline", [None]),
    ]


@pytest.mark.parametrize(
    ("record", "replica", "said"),
    [
        (VLLM, Replica(gpu="H100-SXM"), "does not say it: --gpus"),
        (AIPERF | {"input_config": {}, "request_latency": AIPERF["request_latency"]}, OURS, "--name"),
        (TRT, Replica(gpu="H100-SXM", gpus=8), "it ran on 2 GPUs, not 8"),
        ({"hello": 1}, OURS, "no benchmark result that is known"),
    ],
)
def test_what_the_file_does_not_say_is_asked_for(
    tmp_path: Path, record: dict[str, Any], replica: Replica, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        imported(tmp_path, record, replica=replica)


def test_json_csv_and_parquet_say_the_same(tmp_path: Path) -> None:
    whole, table, columns = tmp_path / "a.json", tmp_path / "a.csv", tmp_path / "a.parquet"
    whole.write_text(json.dumps({"rows": [INFX]}, indent=1))
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, INFX)
        writer.writeheader()
        writer.writerow(INFX)
    pq.write_table(pa.Table.from_pylist([INFX]), columns)
    points = {str(point(read_benchmark(path, Replica(), DAY))) for path in (whole, table, columns)}
    assert len(points) == 1


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    odd = 'a"b\\c\n\x7f ] # [[series]] \u20ac'
    found = imported(
        tmp_path, VLLM, VLLM | {"max_concurrency": None}, replica=Replica(gpu="H100-SXM", gpus=2, model=odd)
    )
    path = tmp_path / "own.toml"
    path.write_text(dumps(found.file))
    back = read(path)
    assert isinstance(back, ThroughputFile)
    assert back == found.file
    assert back.series[0].model == odd


def test_real_results_of_inferencex() -> None:
    """1,897 rows: nearly all are measurements, of 9 kinds of GPU."""
    found = read_benchmark(shared_data("gpu", "inferencex_dsr1.parquet"), Replica(), DAY)
    assert found.runs + len(found.rejected) == 1897
    assert len(found.rejected) < 20
    assert sum("do not add up" in reason for reason in found.rejected) == 8
    assert sum("requests under way" in reason for reason in found.rejected) == 5
    replicas = {(s.gpus, s.parallelism) for s in found.file.series if "prefill" not in s.parallelism}
    assert replicas == {(4, "TP4"), (8, "TP8"), (4, "TP4 EP4"), (8, "TP8 EP8")}
    assert len({series.gpu for series in found.file.series}) == 9
