"""What OpenAI says it charged: pages of the organization costs API, and the dashboard's cost CSV.

From: ``GET /v1/organization/costs`` with an admin key (https://platform.openai.com/docs/api-reference/usage/costs,
2026-11-24), saved as JSON; and platform.openai.com, Usage page, Export, cost (``cost_<from>_<to>.csv``): 10 columns in
2025, 17 in 2026. A row is one charge of one UTC day, never usage. ``amount_value`` has up to 30 digits behind the point
and is exact; in newer pages it is a text. A line item names tier, model, medium and direction ("priority | gpt-5.6-sol,
output, long context", "gpt-audio-mini audio, input") or a tool ("web search tool calls"); it is null unless the query
was grouped by it. A day without charges is a bucket without results, or a CSV row with the four time columns only.
Left out: ``user_email``, which is personal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.labels import Notes
from llmcost.records.openai_pages import COSTS, kinds, read_pages
from llmcost.records.rows import known_charge, tags_of
from llmcost.records.shapes import mapping
from llmcost.records.values import instant, money, text
from llmcost.usage.columns import Billed
from llmcost.usage.names import service_tier

_TIMES: Final = ("start_time", "end_time", "start_time_iso", "end_time_iso")
_LINE: Final = re.compile(
    r"^(?:(?P<tier>[\w ]+?) \| )?(?P<model>\S+?)(?: (?P<medium>text|audio|image|video))?, (?P<way>[\w -]+)(?:, .*)?$"
)
_CLASSES: Final = {
    "input": "input", "cached input": "cache_read", "cache write": "cache_write_5m", "cached write": "cache_write_5m",
    "cache writes": "cache_write_5m", "cache writes - 12hr": "cache_write_24h", "output": "output",
    "audio input": "audio_input", "audio cached input": "cache_read_audio", "audio output": "audio_output",
    "image input": "image_input", "image cached input": "cache_read", "image output": "image_output", "video input": "video_input",
}  # fmt: skip
"""Medium and direction of a line item -> our token class; other lines keep their text only."""
_TOOLS: Final = (
    (re.compile(r"\bweb search\b.* calls?\b"), "web_search"), (re.compile(r"\bfile search\b.* calls?\b"), "file_search"),
    (re.compile(r"\bcode interpreter\b.* sessions?\b"), "code_session"),
)  # fmt: skip
"""Line items of tools ("web search tool calls", charged to no model) -> the fee they are."""


def sniff(sample: Sample) -> bool:
    """Claims pages of buckets with costs, and the CSV with the dashboard's time columns and an amount."""
    if sample.form == "csv":
        return set(_TIMES[:2]) <= set(sample.header) and "amount_value" in sample.header
    found = kinds(sample)
    return bool(found) and all(kind.startswith(COSTS) for kind in found or ())


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The charges of one page, or of one line of the CSV."""
    if "amount_value" not in context.header:
        yield from read_pages(record, "costs", _of_page)
        return
    line = record.value
    if not isinstance(line, dict):
        yield Problem("no-row", "the line does not fit the header")
    elif not any(value for key, value in line.items() if key not in _TIMES):
        yield Skip("a day without charges")
    else:
        flat = {**line, "amount": {"value": line.get("amount_value"), "currency": line.get("amount_currency")}}
        start = line.get("start_time") or line.get("start_time_iso")
        yield from _readings(flat, start, line.get("end_time") or line.get("end_time_iso"))


def _of_page(result: dict[str, Any], bucket: dict[str, Any]) -> Iterable[Reading]:
    return _readings(result, bucket.get("start_time"), bucket.get("end_time"))


def _readings(result: Mapping[str, Any], start: Any, end: Any) -> Iterable[Reading]:
    notes = Notes()
    return notes.after(_charge(result, start, end, notes))


def _charge(result: Mapping[str, Any], start: Any, end: Any, notes: Notes) -> Iterator[Reading]:
    amount = mapping(result.get("amount"))
    cost = money(amount.get("value"), "amount")
    if cost is None:
        yield Problem("no-amount", "the charge has no amount")
        return
    item = notes.soft(text, result.get("line_item"), "line_item")
    currency = text(amount.get("currency"), "currency")
    row = Billed(
        started_at=instant(start, "start_time"),
        ended_at=instant(end, "end_time"),
        provider_name="openai",
        line_item=item,
        quantity=notes.soft(money, result.get("quantity"), "quantity"),
        quantity_unit=notes.soft(text, result.get("quantity_unit"), "quantity_unit"),
        billed_cost=cost,
        billing_currency=currency.upper() if currency else None,
        charge_category="usage",
        organization=notes.soft(text, result.get("organization_id"), "organization_id"),
        project=notes.soft(text, result.get("project_id"), "project_id"),
        api_key_id=notes.soft(text, result.get("api_key_id"), "api_key_id"),
        user_id=notes.soft(text, result.get("user_id"), "user_id"),
        tags=tags_of({key: result.get(key) for key in ("organization_name", "project_name", "api_source")}),
    )
    yield Row(billed=known_charge({**row, **_line(item or "")}))


def _line(item: str) -> dict[str, str | None]:
    """Tier, model and token class that a line item names."""
    found = _LINE.match(item)
    if found is None:
        return {"token_class": next((fee for words, fee in _TOOLS if words.search(item.lower())), None)}
    tier = service_tier(found["tier"])
    if found["tier"] and tier is None:  # "assistants api | .." is a product, not a tier
        return {}
    medium = found["medium"] if found["medium"] not in {None, "text"} else None
    way = " ".join(word for word in (medium, found["way"].strip()) if word)
    return {"service_tier": tier, "model": found["model"], "token_class": _CLASSES.get(way)}


SOURCE: Final = Source(
    title="OpenAI costs (API and dashboard CSV)",
    grain="billed",
    forms=("json", "jsonl", "csv"),
    sniff=sniff,
    read=read,
    knows=frozenset({
        "started_at", "ended_at", "provider_name", "model", "service_tier", "line_item", "token_class", "quantity", "quantity_unit", "billed_cost",
        "billing_currency", "charge_category", "organization", "project", "api_key_id", "user_id", "tags",
    }),
    groupings=("line_item", "project", "api_key_id", "user_id"),
    url="https://platform.openai.com/docs/api-reference/usage/costs",
    checked="2026-11-24",
)  # fmt: skip
