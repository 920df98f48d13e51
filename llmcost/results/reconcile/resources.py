"""Two exports of one cloud bill, with a line for each resource and without: where both say the same, it is charged once.

AWS makes reports with and without resource ids (https://docs.aws.amazon.com/cur/latest/userguide/dataexports-migrate.html) and
Google a standard and a detailed table (https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/detailed-usage,
2026-11-24); nothing in a line names its export. So a file that knows resources is of the finer one, and of the files that know
none a day's item is left out only if its amount is that of the finer ones: shards and accounts that differ stay.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from decimal import Decimal
from typing import Final

import ibis.expr.types as ir

from llmcost.money import EXACT, ZERO
from llmcost.results.stage import Engine

_RESOURCE: Final = '"resource_id":'
"""In canonical JSON no value holds this text: quotes inside of values are escaped."""
_RELATIVE: Final = Decimal("1e-6")
_A_LINE: Final = Decimal("1e-9")
"""Lines are rounded each by itself: AWS writes ten digits behind the point."""


def detailed_files(engine: Engine, table: ir.Table) -> frozenset[int]:
    """Keys of the files with a line that names its resource, where there are others beside them; else none."""
    known = table.tags.contains(_RESOURCE).fill_null(False).ifelse(1, 0).max()
    files = engine.rows(table.filter(table.file_key.notnull()).group_by("source", "file_key").agg(known=known))
    kinds: defaultdict[str, set[int]] = defaultdict(set)
    for file in files:
        kinds[file["source"] or ""].add(file["known"])
    return frozenset(int(f["file_key"]) for f in files if f["known"] and len(kinds[f["source"] or ""]) > 1)


def told_twice(lines: Iterable[tuple[Hashable, bool, Decimal, int]]) -> set[Hashable]:
    """Of lines (item, whether its file knows resources, amount, number): the items that come to the same with and without."""
    sums: defaultdict[Hashable, dict[bool, tuple[Decimal, int]]] = defaultdict(dict)
    for item, detailed, amount, number in lines:
        before, count = sums[item].get(detailed, (ZERO, 0))
        sums[item][detailed] = EXACT.add(before, amount), count + number
    return {item for item, sides in sums.items() if len(sides) == 2 and _alike(sides[True], sides[False])}


def _alike(fine: tuple[Decimal, int], coarse: tuple[Decimal, int]) -> bool:
    slack = abs(fine[0]) * _RELATIVE + _A_LINE * (fine[1] + coarse[1])
    return abs(EXACT.subtract(fine[0], coarse[0])) <= slack
