"""The mix of requests in a log or a store, for ``prices list --mix``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from llmcost.usage.columns import USAGE

if TYPE_CHECKING:
    from llmcost.pricing.catalogue import Catalogue
    from llmcost.pricing.listing import Group
    from llmcost.usage.store import Store


def groups_of(path: str, catalogue: Catalogue) -> tuple[list[Group], int]:
    """Summed counters by service tier and context tier, and how many rows have no counts to sum."""
    from llmcost.api import ingest_files
    from llmcost.usage.store import Store

    if _is_store(path):
        with Store(Path(path), read_only=True) as store:
            return _groups(store, catalogue)
    with Store() as store:
        ingest_files(store, path)
        return _groups(store, catalogue)


def _is_store(path: str) -> bool:
    """DuckDB files carry ``DUCK`` behind an 8-byte checksum: https://duckdb.org/docs/stable/internals/storage, 2026-11-23."""
    file = Path(path)
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        return opened.read(12)[8:] == b"DUCK"


def _groups(store: Store, catalogue: Catalogue) -> tuple[list[Group], int]:
    from llmcost.pricing.listing import Group

    counted = [c.name for c in USAGE if c.group in {"counter", "media"} and c.type in {"count", "decimal"}]
    steps = sorted(
        {
            t.from_input_tokens
            for p in catalogue.providers()
            for m in catalogue.file(p).models
            for e in m.prices
            for t in e.tiers
        }
    )
    size = "(input_tokens // greatest(coalesce(requests, 1), 1))"
    place = " + ".join([f"({size} >= {int(step)})::INT" for step in steps]) or "0"
    sums = ", ".join(f'sum("{name}")' for name in counted)
    rows = store.rows(
        f"SELECT service_tier, {place} AS place, min({size}), {sums} FROM usage "
        "WHERE input_tokens IS NOT NULL AND output_tokens IS NOT NULL GROUP BY 1, 2 ORDER BY ALL"
    )
    groups = [
        Group({name: _whole(value) for name, value in zip(counted, values, strict=True)}, least, tier)
        for tier, _, least, *values in rows
    ]
    left = int(store.value("SELECT count(*) FROM usage WHERE input_tokens IS NULL OR output_tokens IS NULL"))
    return groups, left


def _whole(value: object) -> object:
    return int(value) if isinstance(value, int) else value
