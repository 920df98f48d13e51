"""Daily series with what real ones have: weekends, trend, steps, spikes, month ends, silence; and real traces cut into slots."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Final

import zstandard

from llmcost.results.forecast.methods import from_end
from llmcost.results.forecast.series import DAY, Values

FIRST: Final = date(2026, 3, 2)
DAYS: Final = 168
Shape = Callable[[date, int, Random], float]


@dataclass(frozen=True)
class Sample:
    """A series, how it came to be, and what one value of it spans."""

    name: str
    about: str
    values: Values
    real: bool = False
    first: date = FIRST


def generated(salt: str = "llmcost") -> list[Sample]:
    """Series of 24 weeks from a seed of their own each; another ``salt`` gives others of the same kinds."""
    return [_sample(name, about, shape, salt) for name, (about, shape) in _SHAPES.items()]


def _sample(name: str, about: str, shape: Shape, salt: str) -> Sample:
    random = Random(f"{salt} {name}")
    return Sample(name, about, [shape(FIRST + DAY * n, n, random) for n in range(DAYS)])


def _noise(random: Random, spread: float = 0.15) -> float:
    return random.lognormvariate(0, spread)


def _weekend(day: date, low: float = 0.3) -> float:
    return low if day.weekday() >= 5 else 1.0


def _flat(day: date, n: int, random: Random) -> float:
    del day, n
    return 100 * _noise(random)


def _weekday(day: date, n: int, random: Random) -> float:
    del n
    return 100 * _weekend(day) * _noise(random)


def _trend(day: date, n: int, random: Random) -> float:
    return float(40 * 1.03 ** (n / 7) * _weekend(day, 0.5) * _noise(random))


def _step(day: date, n: int, random: Random) -> float:
    return (50 if n < 100 else 120) * _weekend(day, 0.5) * _noise(random)


def _spike(day: date, n: int, random: Random) -> float:
    return 80 * _weekend(day, 0.5) * _noise(random) * (8 if n in {31, 75, 130, 151} else 1)


def _month_end(day: date, n: int, random: Random) -> float:
    del n
    return 60 * _weekend(day, 0.6) * _noise(random) * (4 if from_end(day) < 2 else 1)


def _intermittent(day: date, n: int, random: Random) -> float:
    del day, n
    return random.lognormvariate(3, 0.8) if random.random() < 0.3 else 0.0


def _fading(day: date, n: int, random: Random) -> float:
    return float(120 * 0.96 ** (n / 7) * _weekend(day, 0.7) * _noise(random))


_SHAPES: Final[dict[str, tuple[str, Shape]]] = {
    "flat": ("no season, noise of 15 %", _flat),
    "weekday": ("weekends at 30 %", _weekday),
    "trend": ("3 % more a week, weekends at 50 %", _trend),
    "fading": ("4 % less a week, weekends at 70 %", _fading),
    "step": ("2.4 times as much from day 100 on", _step),
    "spike": ("four days at 8 times", _spike),
    "month-end": ("the last two days of a month at 4 times", _month_end),
    "intermittent": ("seven days in ten without a call", _intermittent),
}


def real(folder: Path | None = None) -> list[Sample]:
    """Real traces as series of slots; none where the samples are not here. A slot stands for a day, so no weekday is real."""
    given = folder or Path(os.environ.get("LLMCOST_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data")
    traces = given / "traces"
    return list(_real(traces)) if traces.is_dir() else []


def _real(traces: Path) -> Iterator[Sample]:
    def slots(name: str, about: str, events: Iterator[tuple[float, float]], width: float) -> Sample:
        return Sample(name, about, _slots(events, width), real=True)

    azure = traces / "azure_llm_2023_code" / "AzureLLMInferenceTrace_code.csv.gz"
    yield slots("azure-code", "Azure LLM inference 2023, code: cost of a minute", _azure(azure), 60)
    mooncake = traces / "mooncake_conversation" / "conversation_trace.first8000.jsonl.gz"
    yield slots("mooncake", "Mooncake conversation: cost of half a minute", _mooncake(mooncake), 30)
    session = traces / "claude_code_cache_session" / "session_a.csv"
    yield slots("coding-session", "one Claude Code session: cost of 10 seconds", _session(session), 10)
    for chunk in (15, 30, 65):
        path = traces / "servegen_deepseek-r1" / f"chunk-{chunk}-trace.csv.zst"
        yield Sample(f"servegen-{chunk}", "ServeGen, one client: requests of ten minutes", _rates(path), real=True)


def _slots(events: Iterator[tuple[float, float]], width: float) -> Values:
    """Sums by slot; the first and the last, which may not be whole, are left out."""
    sums: dict[int, float] = {}
    for at, amount in events:
        sums[int(at // width)] = sums.get(int(at // width), 0.0) + amount
    return [sums.get(slot, 0.0) for slot in range(min(sums) + 1, max(sums))]


def _cost(fresh: float, answer: float, cached: float = 0.0, written: float = 0.0) -> float:
    """What tokens are worth beside one another: an answer's four times, a cached one's a tenth."""
    return (fresh * 2.5 + answer * 10 + cached * 0.25 + written * 3.125) / 1_000_000


def _azure(path: Path) -> Iterator[tuple[float, float]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["TIMESTAMP"][:26]).replace(tzinfo=UTC)
            yield at.timestamp(), _cost(float(row["ContextTokens"]), float(row["GeneratedTokens"]))


def _mooncake(path: Path) -> Iterator[tuple[float, float]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield row["timestamp"] / 1000, _cost(row["input_length"], row["output_length"])


def _session(path: Path) -> Iterator[tuple[float, float]]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            written = float(row["cache_creation_5m"]) + float(row["cache_creation_1h"])
            cost = _cost(
                float(row["input_tokens"]), float(row["output_tokens"]), float(row["cache_read_input_tokens"]), written
            )
            yield datetime.fromisoformat(row["timestamp"]).timestamp(), cost


def _rates(path: Path) -> Values:
    with path.open("rb") as file:
        text = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        return [float(row[1]) * 600 for row in csv.reader(text) if row]
