"""The mix of requests in a store: summed counters by service tier and prompt size."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from llmcost.usage.columns import USAGE
from llmcost.usage.store import Store


def mix(store: Store, sizes: Iterable[int]) -> list[tuple[str | None, int | None, dict[str, int | Decimal | None]]]:
    """(service tier, smallest input of a request, summed counters) of every group of rows that prices treat alike.

    ``sizes``: input counts from which another rate may hold. Rows without token counts are left out.
    """
    counted = [c.name for c in USAGE if c.group in {"counter", "media"} and c.type in {"count", "decimal"}]
    each = "(input_tokens // greatest(coalesce(requests, 1), 1))"
    place = " + ".join([f"({each} >= {int(size)})::INT" for size in sorted(sizes)]) or "0"
    sums = ", ".join(f'sum("{name}")' for name in counted)
    rows = store.rows(
        f"SELECT service_tier, {place} AS place, min({each}), {sums} FROM usage "
        "WHERE input_tokens IS NOT NULL AND output_tokens IS NOT NULL GROUP BY 1, 2 ORDER BY ALL"
    )
    return [(tier, least, dict(zip(counted, values, strict=True))) for tier, _, least, *values in rows]


def uncounted(store: Store) -> int:
    """Rows that :func:`mix` leaves out."""
    return int(store.value("SELECT count(*) FROM usage WHERE input_tokens IS NULL OR output_tokens IS NULL"))
