"""A seed: what the fuzzer begins with and changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from llmcost.records.contract import Form


@dataclass(frozen=True)
class Seed:
    """A small whole file of one source. ``rows`` are the records of a table that is written as Parquet."""

    source: str
    name: str
    form: Form
    data: bytes
    rows: tuple[Any, ...] = field(default=(), repr=False)
