"""Cost CSV exports of Anthropic's console.

From: platform.claude.com, Cost page, Export (``claude_api_cost_<month>.csv``; https://platform.claude.com/cost,
2026-11-24). Three generations of header, the later ones with list price, place, speed and the key's id. A row is one
charge of one day, model, key, workspace and kind of token, never usage. ``model`` is the **display name** ("Claude Opus
4.6"), turned into the API's id here. Amounts are rounded to cents: a small charge reads 0.00, which is what the export
says, and sums differ from the invoice by up to half a cent a line. Left out: token counts; ``list_price_usd``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from llmcost.records.anthropic import TOKEN_CLASSES
from llmcost.records.anthropic_console import dimensions, span
from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Source
from llmcost.records.labels import Notes
from llmcost.records.rows import known_charge
from llmcost.records.values import money, text

_NAME: Final = re.compile(r"^claude ([a-z]+) (\d+(?:\.\d+)*)(?: \(.*\))?$", re.IGNORECASE)


def sniff(sample: Sample) -> bool:
    """Claims a CSV by day in UTC with a cost in dollars."""
    return sample.form == "csv" and {"usage_date_utc", "cost_usd"} <= set(sample.header)


def model_of(display: str | None) -> str | None:
    """The API's name of a model by its display name: up to 3.x the number came first (claude-3-7-sonnet)."""
    found = _NAME.match(display or "")
    if found is None:
        return display
    family, number = found[1].lower(), found[2].replace(".", "-")
    return f"claude-{number}-{family}" if number.startswith("3") else f"claude-{family}-{number}"


def read(record: Record, _context: Context) -> Iterable[Reading]:
    """The charge of one line."""
    if not isinstance(record.value, dict):
        return [Problem("no-row", "the line does not fit the header")]
    notes = Notes()
    return notes.after(_charge(record.value, notes))


def _charge(line: Mapping[str, Any], notes: Notes) -> Iterator[Reading]:
    cost = money(line.get("cost_usd"), "cost_usd")
    if cost is None:
        yield Problem("no-amount", "the charge has no amount")
        return
    start, end = span(line)
    kind = notes.soft(text, line.get("token_type"), "token_type") or notes.soft(
        text, line.get("cost_type"), "cost_type"
    )
    yield Row(
        billed=known_charge({
            **dimensions(line, notes),
            "started_at": start,
            "ended_at": end,
            "model": model_of(notes.soft(text, line.get("model"), "model")),
            "line_item": kind,
            "token_class": TOKEN_CLASSES.get(kind or ""),
            "billed_cost": cost,
            "billing_currency": "USD",
            "charge_category": "usage",
        })
    )  # fmt: skip


SOURCE: Final = Source(
    title="Anthropic console cost CSV",
    grain="billed",
    forms=("csv",),
    sniff=sniff,
    read=read,
    knows=frozenset({
        "started_at", "ended_at", "provider_name", "model", "service_tier", "region", "line_item", "token_class", "billed_cost", "billing_currency",
        "charge_category", "project", "api_key_id", "tags",
    }),
    url="https://platform.claude.com/cost",
    checked="2026-11-24",
)  # fmt: skip
