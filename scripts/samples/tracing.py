"""Traces of the shop's assistant as three tools export them: Langfuse, LangSmith and Phoenix. Agents repeat their calls' sums."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from scripts.samples.dice import Dice, at, stamp
from scripts.samples.files import Expected, Folder, dumps, expect, folder, jsonl, packed, pretty, table

Json = dict[str, Any]
MODELS: tuple[tuple[tuple[str, str, str, str, str], int], ...] = (
    (("openai", "gpt-4o-mini", "0.15", "0.075", "0.6"), 3),
    (("anthropic", "claude-haiku-4-5", "1", "0.1", "5"), 2),
)
"""Provider, model, USD per million tokens of input, cache read and output."""


@dataclass(frozen=True)
class Call:
    """One model call of a trace."""

    provider: str
    model: str
    at: datetime
    took: timedelta
    id: str
    rest: int
    read: int
    made: int
    thought: int
    cost: Decimal
    failed: bool

    @property
    def end(self) -> datetime:
        """When the answer was complete."""
        return self.at + self.took

    @property
    def whole(self) -> int:
        """All input tokens, cached ones included."""
        return self.rest + self.read

    def row(self) -> Json:
        """What the call means, in our columns."""
        counts = {
            "input_tokens": self.whole,
            "cache_read_input_tokens": self.read,
            "output_tokens": self.made,
            "reasoning_output_tokens": self.thought,
        }
        return {"request_model": self.model} | ({} if self.failed else counts)


@dataclass(frozen=True)
class Trace:
    """A turn of the assistant: an agent and the calls it made."""

    id: str
    root: str
    user: str
    session: str
    at: datetime
    calls: tuple[Call, ...]


def traces(name: str, day: int, number: int) -> Iterator[Trace]:
    """One day's turns of one to three calls."""
    dice = Dice(f"tracing {name}")
    for turn in range(number):
        start = at(day, 8 * 3600 + turn * 1500 + dice.whole(0, 900))
        moment, calls = start, []
        for step in range(dice.whole(1, 3)):
            provider, model, rate, cheap, dear = dice.weighted(MODELS)
            rest, read, made = dice.around(150, 2400), 1024 if step else 0, dice.around(20, 400)
            failed = dice.chance(0.05)
            cost = (Decimal(rate) * rest + Decimal(cheap) * read + Decimal(dear) * made) / 1_000_000
            took = timedelta(milliseconds=dice.around(400, 4000))
            calls.append(
                Call(
                    provider,
                    model,
                    moment,
                    took,
                    dice.token("", 16),
                    rest,
                    read,
                    made,
                    dice.around(0, 15) if step else 0,
                    Decimal(0) if failed else cost,
                    failed,
                )
            )
            moment += took + timedelta(milliseconds=120)
        yield Trace(
            dice.token("", 32),
            dice.token("", 16),
            f"u-{dice.whole(1, 30):03d}",
            f"chat-{turn // 3}",
            start,
            tuple(calls),
        )


def _told(source: str, made: list[Trace], *, spend: bool) -> Expected:
    calls = [call for trace in made for call in trace.calls]
    more = {"spend_usd": str(sum((call.cost for call in calls), Decimal(0)))} if spend else {}
    return expect(source, [call.row() for call in calls], skipped=len(made), **more)


def _observations(trace: Trace) -> list[Json]:
    whole = [c for c in trace.calls if not c.failed]
    rows: list[Json] = [{
        "id": trace.root, "traceId": trace.id, "projectId": "larkspur", "type": "AGENT", "environment": "production", "parentObservationId": None,
        "startTime": stamp(trace.at), "endTime": stamp(trace.calls[-1].end), "name": "assistant", "level": "DEFAULT", "model": None,
        "usageDetails": {"input": sum(c.whole for c in whole), "output": sum(c.made for c in whole), "total": sum(c.whole + c.made for c in whole)},
        "costDetails": {"total": float(sum((c.cost for c in whole), Decimal(0)))},
    }]  # fmt: skip
    for call in trace.calls:
        buckets = {
            "input": call.rest, "input_cached_tokens": call.read, "output": call.made - call.thought, "output_reasoning_tokens": call.thought,
            "total": call.whole + call.made,
        }  # fmt: skip
        rows.append({
            "id": call.id, "traceId": trace.id, "projectId": "larkspur", "type": "GENERATION", "environment": "production", "parentObservationId": trace.root,
            "startTime": stamp(call.at), "endTime": stamp(call.end), "name": f"chat {call.model}", "level": "ERROR" if call.failed else "DEFAULT",
            "model": call.model, "modelParameters": {"temperature": 0.3}, "usageDetails": {} if call.failed else buckets,
            "costDetails": {} if call.failed else {"total": float(call.cost)}, "totalCost": float(call.cost),
            "metadata": {"attributes": {"gen_ai.provider.name": call.provider}},
        })  # fmt: skip
    return rows


def _trace(trace: Trace) -> Json:
    own = {
        "id": trace.id, "projectId": "larkspur", "name": "assistant", "timestamp": stamp(trace.at), "environment": "production", "tags": ["shop"],
        "userId": trace.user, "sessionId": trace.session, "metadata": None,
    }  # fmt: skip
    return {"trace": own, "observations": _observations(trace)}


def _blob(row: Json) -> Json:
    names = {
        "id": "id", "trace_id": "traceId", "project_id": "projectId", "environment": "environment", "type": "type", "parent_observation_id": "parentObservationId",
        "start_time": "startTime", "end_time": "endTime", "name": "name", "metadata": "metadata", "level": "level", "provided_model_name": "model",
        "model_parameters": "modelParameters", "usage_details": "usageDetails", "cost_details": "costDetails", "total_cost": "totalCost",
    }  # fmt: skip
    return {snake: row.get(camel) for snake, camel in names.items()}


def _cells(row: Json) -> Json:
    return {name: dumps(value) if isinstance(value, dict) else value for name, value in row.items()}


def langfuse() -> Folder:
    """The files of sample_logs/langfuse: its four exports, each of a day of its own."""
    days = {
        name: list(traces(f"langfuse {name}", day, 16))
        for day, name in enumerate(("traces.json.gz", "page.json.gz", "table.jsonl", "blob.csv"), 12)
    }
    rows = {name: [row for trace in made for row in _observations(trace)] for name, made in days.items()}
    blob = [_cells(_blob(row)) for row in rows["blob.csv"]]
    files = {
        "traces.json.gz": pretty([_trace(trace) for trace in days["traces.json.gz"]]),
        "page.json.gz": pretty(
            {
                "data": rows["page.json.gz"],
                "meta": {"page": 1, "limit": 100, "totalItems": len(rows["page.json.gz"]), "totalPages": 1},
            }
        ),
        "table.jsonl": jsonl(rows["table.jsonl"]),
        "blob.csv": table(list(blob[0]), blob),
    }
    files = {name: packed(data) if name.endswith(".gz") else data for name, data in files.items()}
    return folder(files, {name: _told("langfuse", made, spend=True) for name, made in days.items()})


def _runs(trace: Trace) -> Iterator[Json]:
    whole = [c for c in trace.calls if not c.failed]
    yield {
        "id": trace.root, "trace_id": trace.id, "parent_run_id": None, "run_type": "chain", "name": "assistant", "start_time": stamp(trace.at),
        "end_time": stamp(trace.calls[-1].end), "status": "success", "error": None, "session_id": "larkspur", "inputs": {}, "outputs": {}, "extra": {},
        "prompt_tokens": sum(c.whole for c in whole), "completion_tokens": sum(c.made for c in whole), "total_tokens": sum(c.whole + c.made for c in whole),
        "total_cost": str(sum((c.cost for c in whole), Decimal(0))), "tags": [],
    }  # fmt: skip
    for call in trace.calls:
        usage = {
            "input_tokens": call.whole, "output_tokens": call.made, "total_tokens": call.whole + call.made, "input_token_details": {"cache_read": call.read},
            "output_token_details": {"reasoning": call.thought},
        }  # fmt: skip
        meta = {
            "ls_provider": call.provider,
            "ls_model_name": call.model,
            "ls_model_type": "chat",
            "thread_id": trace.session,
            "user_id": trace.user,
        }
        yield {
            "id": call.id, "trace_id": trace.id, "parent_run_id": trace.root, "run_type": "llm", "name": "ChatModel", "start_time": stamp(call.at),
            "end_time": stamp(call.end), "status": "error" if call.failed else "success", "error": "overloaded" if call.failed else None,
            "session_id": "larkspur", "inputs": {}, "outputs": {} if call.failed else {"usage_metadata": usage},
            "extra": {"metadata": meta, "invocation_params": {"temperature": 0.3}}, "prompt_tokens": 0 if call.failed else call.whole,
            "completion_tokens": 0 if call.failed else call.made, "total_tokens": 0 if call.failed else call.whole + call.made,
            "total_cost": None if call.failed else str(call.cost), "tags": ["shop"],
        }  # fmt: skip


def langsmith() -> Folder:
    """The file of sample_logs/langsmith: runs one a line, chains among them."""
    made = list(traces("langsmith", 16, 24))
    runs = [run for trace in made for run in _runs(trace)]
    return folder({"runs.jsonl": jsonl(runs)}, {"runs.jsonl": _told("langsmith", made, spend=True)})


def _spans(trace: Trace) -> Iterator[Json]:
    def span(
        own: str,
        kind: str,
        parent: str | None,
        begin: datetime,
        end: datetime,
        attributes: Json,
        *,
        failed: bool = False,
    ) -> Json:
        return {
            "id": own, "name": kind.lower(), "context": {"trace_id": trace.id, "span_id": own}, "span_kind": kind, "parent_id": parent,
            "start_time": begin.isoformat(), "end_time": end.isoformat(), "status_code": "ERROR" if failed else "OK", "status_message": "",
            "attributes": attributes, "events": [],
        }  # fmt: skip

    yield span(
        trace.root, "AGENT", None, trace.at, trace.calls[-1].end, {"session.id": trace.session, "user.id": trace.user}
    )
    for call in trace.calls:
        said: Json = {
            "llm.model_name": call.model,
            "llm.provider": call.provider,
            "llm.system": call.provider,
            "session.id": trace.session,
            "user.id": trace.user,
        }
        if not call.failed:
            said |= {
                "llm.token_count.prompt": call.whole, "llm.token_count.completion": call.made, "llm.token_count.total": call.whole + call.made,
                "llm.token_count.prompt_details.cache_read": call.read, "llm.token_count.completion_details.reasoning": call.thought,
            }  # fmt: skip
        yield span(call.id, "LLM", trace.root, call.at, call.end, said, failed=call.failed)


def phoenix() -> Folder:
    """The file of sample_logs/phoenix: spans as one array."""
    made = list(traces("phoenix", 17, 24))
    spans = [span for trace in made for span in _spans(trace)]
    return folder({"spans.json.gz": packed(pretty(spans))}, {"spans.json.gz": _told("phoenix", made, spend=False)})
