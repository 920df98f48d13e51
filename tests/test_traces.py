"""Replays of real traces: the published cache hits of one, the provider's own counters of the other."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from llmcost.ingest.run import IngestOptions, ingest
from llmcost.records.mapfile import parse_mapping
from tests.strategies.playing import Log, scenario
from tests.support import shared_data

MOONCAKE: Final = """
[mapping]
name = "mooncake trace"
provider_name = "moonshot"

[columns]
started_at = { field = "timestamp", unit = "ms", epoch = "2026-10-01T00:00:00Z" }
request_model = { value = "kimi-k2" }
input_tokens = "input_length"
output_tokens = "output_length"
prefix_keys = "hash_ids"
prefix_block_tokens = { value = 512 }
"""
SESSION: Final = """
[mapping]
name = "agent session"
provider_name = "anthropic"

[columns]
request_id = "message_id"
started_at = "timestamp"
request_model = "model"
service_tier = { value = "standard" }
input_tokens = { add = ["input_tokens", "cache_creation_5m", "cache_creation_1h", "cache_read_input_tokens"] }
cache_read_input_tokens = "cache_read_input_tokens"
cache_creation_input_tokens = { add = ["cache_creation_5m", "cache_creation_1h"] }
cache_creation_1h_input_tokens = "cache_creation_1h"
output_tokens = "output_tokens"
conversation_id = "chain"
"""


EVERYTHING: Final = {
    "ttl": "unlimited", "min_tokens": 0, "increment_tokens": 1, "write_latency": "0s", "observed": "replace",
}  # fmt: skip


def logged(folder: Path, path: Path, mapping: str) -> Log:
    log = Log(folder)
    ingest(log.store, [str(path)], IngestOptions(mapping=parse_mapping(tomllib.loads(mapping))))
    return log


@pytest.fixture
def mooncake(tmp_path: Path) -> Iterator[Log]:
    path = next(shared_data("traces", "mooncake_conversation").glob("*.jsonl.gz"))
    with logged(tmp_path, path, MOONCAKE) as log:
        yield log


def test_an_unlimited_cache_finds_what_the_trace_is_known_to_share(mooncake: Log) -> None:
    """Of the publisher's first 8,000 rows 35.75 % of the tokens and 35.08 % of the blocks; ties in the file's order."""
    with mooncake.playing(("prompt-cache", EVERYTHING)) as play:
        rows = play.steps[-1].workload.rows
        read = rows.cache_read_input_tokens
        sums = play.answers(rows.agg(
            requests=rows.count(), tokens=rows.input_tokens.sum(), read=read.sum(),
            hits=((read + 511) // 512).sum(), blocks=((rows.input_tokens + 511) // 512).sum(),
        ))[0]  # fmt: skip
    assert (sums["requests"], sums["tokens"], sums["read"]) == (8000, 99_164_774, 35_450_673)
    assert round(Decimal(int(sums["hits"])) / int(sums["blocks"]), 4) == Decimal("0.3508")


def test_what_is_shared_between_calls_of_one_instant_needs_answers_first(mooncake: Log) -> None:
    """The trace bins its arrivals: with a second until an entry can be read, tied calls no longer help each other."""
    late = {**EVERYTHING, "write_latency": "1s"}
    result = mooncake.replay(
        scenario(("prompt-cache", EVERYTHING), name="at once"),
        scenario(("prompt-cache", late), name="late"),
        extrapolate=True,
    )
    at_once, later = (played.cache_read_input_tokens for played in result.scenarios)
    assert at_once == 35_450_673
    assert later is not None
    assert 34_000_000 < later < at_once


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Log]:
    """The session with its chains told apart: the main one, and one for each agent that ran beside it."""
    given = shared_data("traces", "claude_code_cache_session", "session_a.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(given.splitlines()))
    chain = 0
    for last, row in zip([None, *rows[:-1]], rows, strict=True):
        if last is not None and (row["is_sidechain"] != last["is_sidechain"] or row["timestamp"] < last["timestamp"]):
            chain += 1
        row["chain"] = "main" if row["is_sidechain"] == "False" else f"agent {chain}"
    path = tmp_path / "session.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with logged(tmp_path, path, SESSION) as log:
        yield log


def test_the_baseline_is_the_providers_own_count(session: Log) -> None:
    """818 uncached tokens at $3, 137,976 written at $3.75, 3,647,854 read at $0.30, 51,933 out at $15 a million."""
    baseline = session.replay(extrapolate=True).baseline
    read, written, everything = 3_647_854, 137_976, 818 + 137_976 + 3_647_854
    assert (baseline.requests, baseline.input_tokens, baseline.output_tokens) == (170, everything, 51_933)
    assert (baseline.cache_read_input_tokens, baseline.cache_creation_input_tokens) == (read, written)
    assert baseline.cost_usd == Decimal("0.002454") + Decimal("0.51741") + Decimal("1.0943562") + Decimal("0.778995")


REPLAY: Final = {"ttl": "5m", "observed": "replace"}


def distance(session: Log) -> dict[str, int]:
    """Tokens that the replay by conversation finds beyond what the provider read, by the reason that explains each row."""
    provider = session.rows(columns=["conversation_id"])
    model = session.rows(("prompt-cache", REPLAY))
    found = {"first calls": 0, "tails behind the breakpoint": 0, "unexplained rows": 0}
    last: dict[str, dict[str, Any]] = {}
    for row in sorted(provider.values(), key=lambda row: (row["started_at"], row["line"])):
        before = last.get(row["conversation_id"])
        last[row["conversation_id"]] = row
        more = model[row["request_id"]]["cache_read_input_tokens"] - row["cache_read_input_tokens"]
        if before is None:
            found["first calls"] += more
        elif more == before["input_tokens"] - before["cache_read_input_tokens"] - before["cache_creation_input_tokens"]:
            found["tails behind the breakpoint"] += more
        else:
            found["unexplained rows"] += 1
    return found


def test_the_replay_by_conversation_differs_from_the_provider_by_what_it_cannot_know(session: Log) -> None:
    """One percent too little: first calls find a system prompt that other sessions left; the rest is tails of a few tokens."""
    assert distance(session) == {"first calls": -37_636, "tails behind the breakpoint": 805, "unexplained rows": 0}
    played = session.replay(scenario(("prompt-cache", REPLAY)), extrapolate=True).scenarios[0]
    assert played.cache_read_input_tokens == 3_647_854 - 37_636 + 805
    assert played.cache_creation_input_tokens == 3_786_648 - (3_647_854 - 37_636 + 805)
    assert -played.saving_usd / Decimal("2.3932152") < Decimal("0.054")


def test_what_the_log_shows_was_cached_already_is_no_saving(session: Log) -> None:
    played = session.replay(scenario(("prompt-cache", {})), extrapolate=True).scenarios[0]
    assert played.cache_read_input_tokens is not None
    assert 0 <= played.cache_read_input_tokens - 3_647_854 <= 805
    assert 0 <= played.saving_usd < Decimal("0.01")
