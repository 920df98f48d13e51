"""From bytes to records: what every source is handed, and what it gives back."""

from __future__ import annotations

from llmcost.records.contract import Body, Context, Part, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.labels import Notes
from llmcost.records.rows import known, tags_of
from llmcost.records.values import BadValueError, as_json, count, flag, instant, money, number, text

__all__ = [
    "BadValueError",
    "Body",
    "Context",
    "Notes",
    "Part",
    "Problem",
    "Reading",
    "Record",
    "Row",
    "Sample",
    "Skip",
    "Source",
    "as_json",
    "count",
    "flag",
    "instant",
    "known",
    "money",
    "number",
    "tags_of",
    "text",
]
