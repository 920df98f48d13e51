"""Counts spans that nest: a call once, whoever told of it, and no sum of calls beside them.

An agent's, a chain's or an outer wrapper's span repeats the sum of the calls below it: a span with counts is a roll-up
when a span below it has counts too, and counts itself when none has. Children usually come first, because they end
first; where a call comes after the call around it was counted already, the inner one is left out instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from llmcost.records.contract import Problem, Reading, Row, Skip
from llmcost.records.genai import genai_row, has_counts, has_model, leaves_cache_out, operation, tokens
from llmcost.records.labels import Notes
from llmcost.records.nesting import Waiting
from llmcost.records.otlp import Span
from llmcost.records.rows import known
from llmcost.records.values import count, instant, text
from llmcost.usage.columns import Usage

REMEMBERED: Final = 200_000
"""Spans whose place in their trace is remembered while the file is read."""
_LATER: Final = "decided at the end of the file"


class Seen:
    """What was seen of the traces of a file so far."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}
        self._covered: dict[str, None] = {}
        self._counted: dict[str, None] = {}
        self._outside: set[str] = set()
        self._around: dict[str, None] = {}
        self._sums, self._uncounted = Waiting(), Waiting()

    def spans(self, found: list[Span], line: int) -> Iterator[Reading]:
        """The readings of one record's spans; sums without a call below them, and calls without counts, wait."""
        for span in found:
            if not span.is_log and span.span_id:
                self._parents[_key(span)] = f"{span.trace_id}:{span.parent_id}" if span.parent_id else ""
            if leaves_cache_out(span.attributes):
                self._outside.add(_dialect(span))
        for span in found:
            if not span.is_log and (has_counts(span.attributes) or _key(span) in self._covered):
                self._cover(_key(span))
        for span in found:
            yield from self._span(span, line)
        for key, readings in self._sums.overdue():
            yield from self._of_sum(key, readings)
        for key, readings in self._uncounted.overdue():
            yield from self._of_uncounted(key, readings)
        for remembered in (self._parents, self._covered, self._counted, self._around):
            _trim(remembered)

    def rest(self) -> Iterator[Reading]:
        """The sums that no later span explained, and the calls without counts for which no other span stands."""
        for key, readings in self._sums.rest():
            yield from self._of_sum(key, readings)
        for key, readings in self._uncounted.rest():
            yield from self._of_uncounted(key, readings)

    def _of_sum(self, key: str, readings: list[Reading]) -> Iterator[Reading]:
        if key not in self._covered:
            self._counted[key] = None
            yield from readings

    def _of_uncounted(self, key: str, readings: list[Reading]) -> Iterator[Reading]:
        if not (key in self._covered or key in self._around or self._inside_counted(key)):
            yield from readings

    def _inside_counted(self, key: str) -> bool:
        return any(above in self._counted for above in self._above(key))

    def _span(self, span: Span, line: int) -> Iterator[Reading]:
        if span.is_log:
            told = span.span_id and _key(span) in self._counted
            yield from [Skip("a log record of a span that was counted")] if told else _log(span, self._outside)
            return
        if not has_counts(span.attributes):
            yield from self._without_counts(span, line)
        elif _key(span) in self._covered:
            yield Skip("a sum of the calls below it")
        elif self._inside_counted(_key(span)):
            yield Skip("a call inside a call that was counted")
        elif operation(span.attributes) is None:
            self._sums.add(_key(span), _call(span, self._outside), line)
            yield Skip(f"a sum, {_LATER}")
        else:
            self._counted[_key(span)] = None
            yield from _call(span, self._outside)

    def _without_counts(self, span: Span, line: int) -> Iterator[Reading]:
        """A call that another span around or inside it may count; a failed one is nobody's."""
        if operation(span.attributes) is None or not has_model(span.attributes):
            yield Skip("a span without model or counts")
        elif span.failed or not span.span_id:
            yield from _call(span, self._outside)
        else:
            self._around.update(dict.fromkeys(self._above(_key(span))))
            self._uncounted.add(_key(span), _call(span, self._outside), line)
            yield Skip(f"a call without counts, {_LATER}")

    def _cover(self, key: str) -> None:
        self._covered.update(dict.fromkeys(self._above(key)))

    def _above(self, key: str) -> Iterator[str]:
        for _ in range(1000):
            key = self._parents.get(key, "")
            if not key:
                return
            yield key


def _trim(remembered: dict[str, Any]) -> None:
    while len(remembered) > REMEMBERED:
        del remembered[next(iter(remembered))]


def _key(span: Span) -> str:
    return f"{span.trace_id}:{span.span_id}"


def _dialect(span: Span) -> str:
    """What decides how a span counts: the instrumentation, its version, and the provider."""
    return f"{span.scope} {span.attributes.get('gen_ai.provider.name') or span.attributes.get('gen_ai.system')}"


def _call(span: Span, outside: set[str]) -> Iterator[Reading]:
    """The row of one span, or the reject of one whose counts are no counts."""
    notes = Notes()
    return notes.after(_model_call(span, outside, notes))


def _model_call(span: Span, outside: set[str], notes: Notes) -> Iterator[Reading]:
    counted = tokens(span.attributes, notes, cache_is_outside=_dialect(span) in outside)
    row = genai_row({**_shared(span), **span.attributes}, notes)
    row.update(counted)
    if "request_id" not in row and span.span_id:
        row["request_id"] = _key(span)
    row.update(_times(span, notes))
    row["status"] = "error" if span.failed or span.attributes.get("error.type") else "ok"
    if not counted and row["status"] == "ok":
        notes.append(Problem("no-usage", "the span carries no usage; its tokens are unknown", rejected=False))
    service = notes.soft(text, span.resource.get("service.name"), "service.name")
    if service is not None and not service.startswith("unknown_service"):
        row.setdefault("feature", service)
    yield Row(row)


def _shared(span: Span) -> dict[str, Any]:
    """The attributes of the resource that say something of every call."""
    return {
        key: value
        for key, value in span.resource.items()
        if key.startswith(("deployment.environment", "user.id", "enduser.id", "session.id"))
    }


def _times(span: Span, notes: Notes) -> Usage:
    def read(value: Any, field: str) -> int | None:
        return instant(value, field, "ns")

    start, end = notes.soft(read, span.start, "startTimeUnixNano"), notes.soft(read, span.end, "endTimeUnixNano")
    found = Usage()
    if start is not None:
        found["started_at"] = start
        if end is not None and end >= start:
            found["duration_ms"] = (end - start) // 1000
    elif end is not None:
        found["started_at"] = end
    return found


def _log(span: Span, outside: set[str]) -> Iterator[Reading]:
    if span.name.removeprefix("claude_code.") == "api_request" and "model" in span.attributes:
        notes = Notes()
        yield from notes.after(_claude_code(span, notes))
    elif has_counts(span.attributes):
        yield from _call(span, outside)
    else:
        yield Skip("a log record without counts")


def _claude_code(span: Span, notes: Notes) -> Iterator[Reading]:
    """Claude Code's own event (https://code.claude.com/docs/en/monitoring-usage, 2026-11-23): Anthropic's counters.

    Its ``cost_usd`` is the tool's own estimate, charged to nobody on a subscription: no ``billed_cost``, as in its sessions' logs.
    """
    own = span.attributes
    read, written = (count(own.get(f"cache_{kind}_tokens"), f"cache_{kind}_tokens") for kind in ("read", "creation"))
    rest, made = count(own.get("input_tokens"), "input_tokens"), count(own.get("output_tokens"), "output_tokens")
    row = genai_row({**_shared(span), **own}, notes)
    row.update(_times(span, notes))
    duration = notes.soft(count, own.get("duration_ms"), "duration_ms")
    if duration is not None and "started_at" in row and row["started_at"] is not None:
        row["duration_ms"], row["started_at"] = duration, row["started_at"] - duration * 1000
    facts = Usage(
        request_id=notes.soft(text, own.get("request_id"), "request_id"),
        response_model=notes.soft(text, own.get("model"), "model"),
        organization=notes.soft(text, own.get("organization.id"), "organization.id"),
        input_tokens=None if rest is None else rest + (read or 0) + (written or 0),
        cache_read_input_tokens=read,
        cache_creation_input_tokens=written,
        output_tokens=made,
    )
    row.update(known(facts))
    row.update(
        Usage(
            provider_name="anthropic",
            operation_name="chat",
            feature="claude-code",
            status="ok",
            token_source="provider",
        )
    )
    if own.get("speed") == "fast":
        row["service_tier"] = "fast"
    yield Row(row)
