"""Makes the benchmark's logs: seeded usage rows without bodies (JSONL and Parquet), and OpenAI chat logs with bodies.

Six in ten rows are turns of conversations, whose prompts extend one another; a quarter are questions that many users
repeat; the rest are single calls and a nightly job. The same arguments give the same rows; a file that is there is used
again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

Ints = NDArray[np.int64]

SEED: Final = 20261001
START_US: Final = int(datetime(2026, 10, 1, tzinfo=UTC).timestamp()) * 1_000_000
DAYS: Final = 30
CHUNK_ROWS: Final = 250_000
_DAY_US: Final = 86_400_000_000
_SYSTEM_BLOCKS: Final = 4
_MAX_BLOCKS: Final = 12


@dataclass(frozen=True)
class Served:
    """A model of the made-up traffic: its share, and the tokens in one block of its prefix keys."""

    provider: str
    model: str
    share: float
    block: int


SERVED: Final = (
    Served("openai", "gpt-5.1", 0.14, 256),
    Served("openai", "gpt-5-mini", 0.22, 128),
    Served("openai", "gpt-4o", 0.14, 256),
    Served("anthropic", "claude-sonnet-4-5", 0.16, 512),
    Served("anthropic", "claude-haiku-4-5", 0.08, 512),
    Served("google", "gemini-2.5-pro", 0.08, 512),
    Served("google", "gemini-2.5-flash", 0.12, 256),
    Served("deepseek", "deepseek-chat", 0.06, 128),
)
FEATURES: Final = (
    "chat", "search", "support", "summaries", "coding", "classification", "extraction", "translation", "agents", "nightly-report",
)  # fmt: skip
_NIGHTLY: Final = len(FEATURES) - 1
_TASKS: Final = (
    "chat",
    "search",
    "chat",
    "summary",
    "code",
    "classification",
    "extraction",
    "translation",
    "agent",
    "summary",
)


def _mixed(*parts: Ints | int) -> Ints:
    """A 63-bit key of some numbers (splitmix64)."""
    state = np.zeros(1, np.uint64)
    with np.errstate(over="ignore"):
        for part in parts:
            state = (state ^ np.asarray(part).astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return (state >> np.uint64(1)).astype(np.int64)


@dataclass(frozen=True)
class _Talks:
    """The rows of a chunk, talk by talk: which talk, which turn, what the talk is rooted in."""

    talk: Ints
    turn: Ints
    root: Ints
    kind: Ints
    """0 conversation, 1 repeated question, 2 single call, 3 nightly job."""


def _talks(rng: np.random.Generator, rows: int, chunk: int) -> _Talks:
    kinds = rng.choice(4, size=rows, p=[0.26, 0.48, 0.16, 0.10])
    turns = np.where(kinds == 0, rng.integers(1, 9, rows), 1)
    number = int(np.searchsorted(np.cumsum(turns), rows)) + 1
    kinds, turns = kinds[:number], turns[:number]
    talk = np.repeat(np.arange(number), turns)[:rows]
    first = np.cumsum(turns) - turns
    # A pool of questions far smaller than their number: nearly all of them are repeats.
    asked = rng.zipf(1.3, number) % max(1, rows // 40)
    root = np.where(kinds == 1, _mixed(1, asked), _mixed(2, chunk, np.arange(number)))
    return _Talks(talk + 0, np.arange(rows) - first[talk], root[talk], kinds[talk])


def _starts(rng: np.random.Generator, talks: _Talks) -> Ints:
    """Instants: busy days and quiet nights, turns one to four minutes apart, the nightly job from 02:00 on."""
    number = int(talks.talk[-1]) + 1
    day = rng.integers(0, DAYS, number)
    hour = rng.choice(24, size=number, p=_daily())
    within = rng.integers(0, 3_600_000_000, number)
    start = START_US + day * _DAY_US + hour * 3_600_000_000 + within
    nightly = START_US + day * _DAY_US + 2 * 3_600_000_000 + within // 2
    gaps = np.where(talks.turn == 0, 0, rng.integers(60_000_000, 240_000_000, len(talks.talk)))
    running = np.cumsum(gaps)
    first = np.maximum.accumulate(np.where(talks.turn == 0, np.arange(len(gaps)), 0))
    at = np.where(talks.kind == 3, nightly[talks.talk], start[talks.talk]) + running - running[first]
    within_span: Ints = np.minimum(at, START_US + DAYS * _DAY_US - 1)
    return within_span


def _daily() -> NDArray[np.float64]:
    weights = np.array([1.2 + math.sin((hour - 8) / 24 * 2 * math.pi) for hour in range(24)])
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def _keys(system: Ints, root: Ints, blocks: Ints) -> pl.Series:
    """Prefix keys: the first blocks of a feature's system prompt, then the talk's own, one list a row."""
    row = np.repeat(np.arange(len(blocks)), blocks)
    depth = np.arange(len(row)) - np.repeat(np.cumsum(blocks) - blocks, blocks)
    keys = np.where(depth < _SYSTEM_BLOCKS, _mixed(3, system[row], depth), _mixed(4, root[row], system[row], depth))
    return pl.DataFrame({"row": row, "key": keys}).group_by("row", maintain_order=True).agg("key")["key"]


def usage_chunk(rows: int, chunk: int) -> pl.DataFrame:
    """One chunk of usage rows under llmcost's own column names."""
    rng = np.random.default_rng([SEED, chunk])
    talks = _talks(rng, rows, chunk)
    pick = _mixed(5, talks.root)  # what belongs to a talk, or to a repeated question, hangs on its root
    model = np.searchsorted(np.cumsum([s.share for s in SERVED])[:-1], (pick % 10_000) / 10_000, side="right")
    feature = np.where(talks.kind == 3, _NIGHTLY, _mixed(6, talks.root) % _NIGHTLY)
    block = np.array([s.block for s in SERVED])[model]
    blocks = np.minimum(_SYSTEM_BLOCKS + 1 + talks.turn + _mixed(7, talks.root) % 3, _MAX_BLOCKS)
    tail = _mixed(8, talks.root, talks.turn) % block
    tokens = blocks * block + tail
    output = np.maximum(1, rng.lognormal(5.3, 0.9, rows).astype(np.int64)) % 8000 + 1
    latency = 200 + _mixed(9, talks.root, talks.turn) % 1800
    failed = rng.random(rows) < 0.004
    told = rng.random(rows) < 0.35
    cached = np.where(talks.turn > 0, np.maximum(0, (blocks - 2) * block), 0)
    anthropic = np.isin(model, [i for i, s in enumerate(SERVED) if s.provider == "anthropic"])
    written = np.where(anthropic, (blocks * block) - cached, 0)
    number = np.arange(rows, dtype=np.int64) + chunk * CHUNK_ROWS
    names = {
        "provider_name": [s.provider for s in SERVED], "request_model": [s.model for s in SERVED],
    }  # fmt: skip

    def chosen(words: list[str] | tuple[str, ...], index: Ints) -> pl.Series:
        return pl.Series(words, dtype=pl.String).gather(pl.Series(index))

    frame = pl.DataFrame(
        {
            "request_id": number,
            "started_at": _starts(rng, talks),
            **{name: chosen(words, model) for name, words in names.items()},
            "service_tier": pl.Series(["standard"]).new_from_index(0, rows),
            "status": chosen(["ok", "error"], failed.astype(np.int64)),
            "duration_ms": latency + output * 12,
            "time_to_first_token_ms": latency,
            "input_tokens": tokens,
            "cache_read_input_tokens": pl.Series(cached).set(pl.Series(~told), None),
            "cache_creation_input_tokens": pl.Series(written).set(pl.Series(~told | ~anthropic), None),
            "output_tokens": pl.Series(output).set(pl.Series(failed), None),
            "feature": chosen(FEATURES, feature),
            "task_type": chosen(_TASKS, feature),
            "project": _mixed(10, feature, talks.root) % 200,
            "user_id": np.where(talks.kind == 3, 0, _mixed(11, talks.talk, chunk) % 200 + 1),
            "environment": chosen(["production", "batch"], (talks.kind == 3).astype(np.int64)),
            "conversation_id": pl.Series(_mixed(12, talks.talk, chunk)).set(pl.Series(talks.kind != 0), None),
            "temperature": pl.Series(np.where(_mixed(13, talks.root) % 10 < 4, 0.0, 0.7)),
            "prompt_key": _mixed(14, talks.root, talks.turn, model),
            "prefix_block_tokens": block,
            "prefix_keys": _keys(feature * 100 + model, talks.root, blocks),
        }
    )
    return frame.with_columns(
        pl.format("req_{}", pl.col("request_id")).alias("request_id"),
        pl.format("project-{}", pl.col("project")).alias("project"),
        pl.format("user-{}", pl.col("user_id")).alias("user_id"),
        pl.when(pl.col("conversation_id").is_not_null())
        .then(pl.format("talk-{}", pl.col("conversation_id")))
        .alias("conversation_id"),
    )


def _chunks(rows: int) -> Iterator[pl.DataFrame]:
    for chunk, start in enumerate(range(0, rows, CHUNK_ROWS)):
        yield usage_chunk(min(CHUNK_ROWS, rows - start), chunk)


def usage_jsonl(folder: Path, rows: int) -> Path:
    """The usage rows as JSONL."""
    path = folder / f"usage-{rows}.jsonl"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            for frame in _chunks(rows):
                frame.write_ndjson(file)
        part.replace(path)
    return path


def usage_parquet(folder: Path, rows: int) -> Path:
    """The same rows as Parquet (zstd)."""
    import pyarrow.parquet as pq

    path = folder / f"usage-{rows}.parquet"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    part, writer = path.with_suffix(".part"), None
    for frame in _chunks(rows):
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        writer = writer or pq.ParquetWriter(part, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()
    part.replace(path)
    return path


_WORDS: Final = tuple(
    word
    for line in (
        "the order was shipped late and customer asks for refund of item because delivery did not arrive before holiday please check ",
        "status in system then answer with short polite text that names next step which policy applies account invoice contract date ",
        "number amount product warranty replacement return label address country payment card error message screen version update",
    )
    for word in line.split()
)


def bodies_jsonl(folder: Path, megabytes: int) -> Path:
    """OpenAI chat requests with their answers: a few system prompts, conversations whose prompts extend one another."""
    path = folder / f"bodies-{megabytes}mb.jsonl"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([SEED, 77])
    systems = [_text(rng, 900) for _ in range(6)]
    part, written, talk = path.with_suffix(".part"), 0, 0
    with part.open("wb") as file:
        while written < megabytes * 1_000_000:
            for line in _conversation(rng, systems, talk):
                written += file.write(line)
            talk += 1
    part.replace(path)
    return path


def _text(rng: np.random.Generator, words: int) -> str:
    return " ".join(_WORDS[i] for i in rng.integers(0, len(_WORDS), words))


def _conversation(rng: np.random.Generator, systems: list[str], talk: int) -> Iterator[bytes]:
    system = systems[talk % len(systems)]
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}]
    at = START_US // 1_000_000 + int(rng.integers(0, DAYS * 86_400))
    for turn in range(int(rng.integers(1, 8))):
        messages.append({"role": "user", "content": _text(rng, int(rng.integers(20, 300)))})
        answer = _text(rng, int(rng.integers(30, 250)))
        words = sum(len(message["content"]) for message in messages) // 5
        yield orjson.dumps(_logged(talk, turn, at, messages, answer, words)) + b"\n"
        messages.append({"role": "assistant", "content": answer})
        at += int(rng.integers(30, 240))


def _logged(talk: int, turn: int, at: int, messages: list[dict[str, Any]], answer: str, words: int) -> dict[str, Any]:
    request = {"model": "gpt-4o-mini", "messages": messages, "temperature": 0}
    choice = {"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}
    usage = {"prompt_tokens": words, "completion_tokens": len(answer) // 5, "total_tokens": words + len(answer) // 5}
    response = {
        "id": f"chatcmpl-{talk}-{turn}", "object": "chat.completion", "created": at, "model": "gpt-4o-mini-2024-07-18",
        "choices": [choice], "usage": usage,
    }  # fmt: skip
    return {"request": request, "response": response}
