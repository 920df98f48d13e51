"""Logs of self-hosted servers: vLLM's throughput lines and the request lines of Text Generation Inference."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from scripts.samples.dice import Dice, at
from scripts.samples.files import Folder, expect, folder

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
ACCESS = 'INFO:     10.0.0.7:40{port:03d} - "POST /v1/chat/completions HTTP/1.1" 200 OK'
STATS = (
    "INFO {at:%m-%d %H:%M:%S} [loggers.py:127] Engine 000: Avg prompt throughput: {prompt:.1f} tokens/s, Avg generation throughput: {made:.1f} tokens/s, "
    "Running: {running} reqs, Waiting: 0 reqs, GPU KV cache usage: 4.1%, Prefix cache hit rate: 12.0%"
)


def vllm() -> Folder:
    """The files of sample_logs/vllm: some minutes of work with a pause; counts are estimates, so no sums stand beside them."""
    dice = Dice("vllm")
    moment = at(22, 9 * 3600)
    lines = [
        f"INFO {moment:%m-%d %H:%M:%S} [core.py:58] Initializing a V1 LLM engine (v0.8.2) with config: model='{MODEL}', seed=0, served_model_name={MODEL}"
    ]
    rows: list[dict[str, Any]] = []
    for number in range(60):
        moment += timedelta(seconds=1200 if number == 30 else 10)
        if number % 7 == 5:
            lines.append(STATS.format(at=moment, prompt=0, made=0, running=0))
            continue
        asked = dice.whole(0, 4)
        lines += [ACCESS.format(port=dice.whole(0, 999)) for _ in range(asked)]
        lines.append(
            STATS.format(at=moment, prompt=dice.whole(1, 9000) / 10, made=dice.whole(1, 900) / 10, running=asked)
        )
        rows.append({"request_model": MODEL, "requests": asked})
    name = "vllm-2026-10-23.log"
    return folder({name: ("\n".join(lines) + "\n").encode()}, {name: expect("vllm", rows)})


def tgi() -> Folder:
    """The files of sample_logs/tgi: requests with times in mixed units, one that failed."""
    dice = Dice("tgi")
    moment = at(23, 9 * 3600)
    lines = [
        f'{moment:%Y-%m-%dT%H:%M:%S}.000000Z  INFO text_generation_launcher: Args {{ model_id: "{MODEL}", revision: None }}'
    ]
    for number in range(40):
        moment += timedelta(seconds=dice.around(1, 90))
        each, made = dice.around(8_000, 40_000), dice.around(5, 400)
        busy = each * made
        whole = busy + dice.whole(1_000, 90_000)
        told = f"{whole / 1_000_000:.6f}s" if whole >= 1_000_000 else f"{whole / 1000:.3f}ms"
        level, end = (
            ("ERROR", "infer: router/src/infer.rs:20: Request failed")
            if number == 11
            else (" INFO", "server: router/src/server.rs:622: Success")
        )
        lines.append(
            f'{moment:%Y-%m-%dT%H:%M:%S}.{dice.whole(0, 999_999):06d}Z {level} chat_completions{{total_time="{told}" validation_time="{dice.whole(200, 990)}.5µs" '
            f'queue_time="{dice.whole(100, 900)}ns" inference_time="{busy / 1000:.3f}ms" time_per_token="{each / 1000:.3f}ms" seed="None"}}: '
            f"text_generation_router::{end}"
        )
    rows = [{"request_model": MODEL} for _ in range(40)]
    return folder({"router.log": ("\n".join(lines) + "\n").encode()}, {"router.log": expect("tgi", rows)})
