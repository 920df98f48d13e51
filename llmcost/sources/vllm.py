"""vLLM's server log: the throughput lines of its engines, V0 and V1.

From: what ``vllm serve`` writes to its standard error (https://docs.vllm.ai, 2026-11-24). A row is a bucket: a line says how
many prompt and output tokens a second an engine did since the line before, and tokens = throughput x interval. **The
interval is assumed**: the time since the engine's line before where it is near the usual one, else the usual one (5 seconds in
V0, 10 in V1), since an idle engine writes nothing. Lines without any throughput are no buckets. ``requests`` is known where
the log has access lines: answers of 200 since the line before. The stamps have neither year nor zone: they are taken as
UTC; the year is that of another date on the line, else of the file's name, else the latest that does not lie behind the
file's last change, and which of these it was is told once.

The provider is ``vllm``, which has no price: what it costs are GPU hours, a flat charge or a price file of your own. Cached
prefixes are inside the prompt tokens; the hit rate on the line is one of the last thousand requests and is not used. Left
out: single requests (``--enable-log-requests`` names them without counts). The JSON of ``vllm bench`` measures a server and is
no usage.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.rows import known, tags_of
from llmcost.records.serverlog import Years, year_on, years_of
from llmcost.records.values import count

_STATS: Final = re.compile(
    r"INFO (?P<month>\d\d)-(?P<day>\d\d) (?P<clock>\d\d:\d\d:\d\d) .*?(?:Engine (?P<engine>\d+): )?"
    r"Avg prompt throughput: (?P<prompt>\d+(?:\.\d+)?) tokens/s, Avg generation throughput: (?P<made>\d+(?:\.\d+)?) tokens/s"
)
_MODEL: Final = re.compile(r"\b(?:served_model_name|model)[=:'\" ]+\[?'?([\w./:-]+)'?")
_CONFIG: Final = ("Initializing a", "Initializing an LLM engine", "non-default args")
_ANSWERED: Final = re.compile(r'"POST /v1/(?:chat/completions|completions|embeddings|responses|messages)[^"]*" 200\b')
_USUAL: Final = {False: 5, True: 10}
"""Seconds between two lines, by whether the engine is V1 (``VLLM_LOG_STATS_INTERVAL``)."""


@dataclass
class _Server:
    """What the lines so far say of the server."""

    years: Years
    model: str | None = None
    answered: int = 0
    has_access_lines: bool = False
    latest: dict[str, int] = field(default_factory=dict)
    told: bool = False


def sniff(sample: Sample) -> bool:
    """Claims a text with a throughput line."""
    return sample.form == "text" and _STATS.search(sample.head) is not None


def read_file(records: Iterable[Record], context: Context) -> Iterator[Reading]:
    """The buckets of one log in order."""
    server = _Server(years_of(context.name, context.changed_at))
    for record in records:
        line = record.value
        if not isinstance(line, str):
            yield Problem("no-line", "not a line of text")
        elif (stats := _STATS.search(line)) is not None:
            yield from _bucket(server, line, stats)
        else:
            _learn(server, line)
            yield Skip("no line of throughput")


def _learn(server: _Server, line: str) -> None:
    if _ANSWERED.search(line):
        server.has_access_lines = True
        server.answered += 1
    elif any(mark in line for mark in _CONFIG) and (named := _MODEL.findall(line)):
        server.model = named[-1] if "served_model_name" in line else named[0]


def _bucket(server: _Server, line: str, stats: re.Match[str]) -> Iterator[Reading]:
    engine, is_v1 = stats["engine"] or "", "metrics.py" not in line
    on_line = year_on(line[: stats.start("month")])
    ended = server.years.instant(int(stats["month"]), int(stats["day"]), stats["clock"], on_line)
    if ended is None:
        yield Problem("no-time", f"the line has no year, or no day of the calendar: {server.years.told}")
        return
    seconds = _interval(server.latest.get(engine), ended, _USUAL[is_v1])
    server.latest[engine] = ended
    answered, server.answered = server.answered, 0
    given, made = (
        count((Decimal(stats[name]) * seconds).to_integral_value(ROUND_HALF_EVEN), f"{name} throughput")
        for name in ("prompt", "made")
    )
    if not given and not made:
        server.answered = answered
        yield Skip("nothing was done since the line before")
        return
    yield Row(known({
        "started_at": ended - seconds * 1_000_000, "ended_at": ended, "provider_name": "vllm", "request_model": server.model,
        "operation_name": "chat", "status": "ok", "requests": answered if server.has_access_lines else None, "input_tokens": given,
        "output_tokens": made, "tags": tags_of({"engine": engine}) if engine else None, "token_source": "estimate",
    }))  # fmt: skip
    if on_line is None and not server.told:
        server.told = True
        yield Problem(
            "year-assumed", f"stamps have no year; taken: {server.years.told}", rejected=False, informative=True
        )


def _interval(before: int | None, now: int, usual: int) -> int:
    """Seconds that a line covers: since the line before if about as many as usual, else the usual ones."""
    passed = (now - before) // 1_000_000 if before is not None else 0
    return passed if usual <= 2 * passed <= 3 * usual else usual


SOURCE: Final = Source(
    title="vLLM server log",
    grain="buckets",
    forms=("text",),
    sniff=sniff,
    read_file=read_file,
    knows=frozenset({
        "started_at", "ended_at", "provider_name", "request_model", "operation_name", "status", "requests", "input_tokens", "output_tokens", "tags",
        "token_source",
    }),
    url="https://docs.vllm.ai",
    checked="2026-11-24",
)  # fmt: skip
