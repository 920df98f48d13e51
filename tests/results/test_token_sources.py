"""Who counted the tokens: nobody is not the provider."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llmcost.results.trust_tables import coverage_table
from tests.strategies.support import world

_CALL: dict[str, Any] = {"provider_name": "openai", "request_model": "big"}


def test_calls_that_nobody_counted_are_told_apart(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {**_CALL, "request_id": "a", "input_tokens": 9, "output_tokens": 1},
        {**_CALL, "request_id": "b", "input_tokens": 9, "output_tokens": 1, "token_source": "estimate"},
        {**_CALL, "request_id": "c"},
        {**_CALL, "request_id": "d", "output_tokens": 1},
        {**_CALL, "request_id": "e", "status": "error"},
    ]
    with world(tmp_path, rows) as here:
        coverage = here.result().coverage
    assert coverage.token_sources == {"estimate": 1, "provider": 2, "unknown": 1}
    named = {row[0].text for row in coverage_table(coverage).rows}
    assert {"tokens unknown", "tokens from provider", "tokens from estimate"} <= named
