"""A call that a provider's log and a gateway's both tell of: one row, with the charge that one of them names."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from llmcost.ingest.run import ingest
from llmcost.usage.digest import store_digest
from llmcost.usage.store import Store
from tests.ingest.support import ROWS, balanced, write

ROW = {
    "request_id": "r-1",
    "provider_name": "openai",
    "request_model": "gpt-5",
    "input_tokens": 100,
    "output_tokens": 20,
    "status": "ok",
}
PROVIDER = {**ROW, "cache_read_input_tokens": 40, "reasoning_output_tokens": 5, "started_at": "2026-10-01T00:00:00Z"}
GATEWAY = {**ROW, "billed_cost": "0.25", "feature": "search", "started_at": "2026-10-01T00:00:01Z"}
OTHER = {**ROW, "billed_cost": "0.5", "feature": "chat"}
CUT = {**ROW, "output_tokens": 3, "billed_cost": "9", "status": "partial"}
UNRELATED = {**ROW, "request_id": "r-2", "billed_cost": "0.125"}


@pytest.mark.parametrize(
    ("versions", "charge"),
    [
        ([PROVIDER, GATEWAY], "0.25"),
        ([PROVIDER, GATEWAY, OTHER], "0.5"),
        ([PROVIDER, GATEWAY, CUT], "0.25"),
        ([PROVIDER, CUT], None),
        ([{**PROVIDER, "billed_cost": "0.2"}, GATEWAY, OTHER], "0.2"),
        ([{**PROVIDER, "cache_creation_input_tokens": 0}, PROVIDER, GATEWAY], "0.25"),
        ([PROVIDER, {**PROVIDER, "cache_creation_input_tokens": 0, "billed_cost": "0.75"}, OTHER, CUT], "0.75"),
        ([PROVIDER, {**PROVIDER, "output_tokens": 21}, GATEWAY], None),
    ],
)
def test_the_charge_and_only_the_charge_is_kept_in_every_order(
    versions: list[dict[str, Any]], charge: str | None, tmp_path: Path
) -> None:
    files = [write(tmp_path / f"{n}.jsonl", [row, UNRELATED]) for n, row in enumerate(versions)]
    seen = set()
    for place, order in enumerate(permutations(files)):
        # Four files one after the other in all orders are a hundred ingests: every third order is read like that.
        for at_once in (True, False) if len(files) < 4 or place % 3 == 0 else (True,):
            with Store(threads=1) as store:
                for group in [list(order)] if at_once else [[file] for file in order]:
                    balanced(ingest(store, [str(file) for file in group], ROWS))
                found = store.rows(
                    "SELECT billed_cost, cache_read_input_tokens, feature FROM usage WHERE request_id = 'r-1'"
                )
                assert [(None if cost is None else Decimal(cost), read, feature) for cost, read, feature in found] == [
                    (None if charge is None else Decimal(charge), 40, None)
                ], (order, at_once)
                assert store.value("SELECT sum(billed_cost) FROM usage WHERE request_id = 'r-2'") == Decimal("0.125")
                seen.add(store_digest(store))
    assert len(seen) == 1
