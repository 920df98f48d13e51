"""A request that one log names without its provider is the request that another names with it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from llmcost.ingest.run import ingest
from llmcost.usage.store import Store
from tests.ingest.support import ROWS, balanced, filled, write

CALL: dict[str, Any] = {"request_id": "a", "request_model": "gpt-5-mini", "input_tokens": 100, "output_tokens": 9}
NAMED = CALL | {"provider_name": "openai"}


def files(folder: Path, *contents: list[dict[str, Any]]) -> list[Path]:
    return [write(folder / f"{number}.jsonl", rows) for number, rows in enumerate(contents)]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"output_tokens": 20},
        {"started_at": "2026-10-01T00:00:00Z"},
        {"prefix_keys": [1, 2], "prefix_block_tokens": 16},
    ],
)
def test_any_order_gives_one_row_with_the_provider(tmp_path: Path, more: dict[str, Any]) -> None:
    contents = files(tmp_path, [CALL | more], [NAMED], [NAMED | {"request_id": "b"}])
    digests = set()
    for at_once in (True, False):
        for order in (contents, contents[::-1], contents[1:] + contents[:1]):
            digests.add(filled(order, at_once=at_once))
    assert len(digests) == 1
    with Store() as store:
        balanced(ingest(store, [str(path) for path in contents], ROWS))
        assert store.rows("SELECT request_id, provider_name FROM usage ORDER BY 1") == [
            ("a", "openai"),
            ("b", "openai"),
        ]
        keys = store.rows("SELECT request_key, (identity & 9223372036854775807::UHUGEINT)::BIGINT FROM usage")
        assert all(key == of_identity for key, of_identity in keys)


def test_a_stored_row_learns_its_provider_and_keeps_its_files(tmp_path: Path) -> None:
    first, second, third = files(tmp_path, [CALL], [CALL, CALL | {"request_id": "c"}], [NAMED])
    with Store() as store:
        for path in (first, second, third):
            balanced(ingest(store, [str(path)], ROWS))
        assert store.rows("SELECT request_id, provider_name FROM usage ORDER BY 1") == [("a", "openai"), ("c", None)]
        held = store.value(
            "SELECT count(DISTINCT file_key) FROM (SELECT identity, file_key FROM usage UNION SELECT * FROM membership) "
            "WHERE identity = (SELECT identity FROM usage WHERE request_id = 'a')"
        )
        assert held == 3


def test_an_id_that_two_providers_gave_out_is_nobodys(tmp_path: Path) -> None:
    (path,) = files(tmp_path, [CALL, NAMED, CALL | {"provider_name": "azure"}])
    with Store() as store:
        assert balanced(ingest(store, [str(path)], ROWS)).ingested == 3


def test_logs_at_random(tmp_path: Path) -> None:
    chance = random.Random(7)
    for trial in range(6):
        contents = []
        for number in range(3):
            rows = [
                CALL
                | {"request_id": chance.choice("abcd"), "output_tokens": chance.choice([1, 5])}
                | chance.choice([{}, {"provider_name": "openai"}])
                for _ in range(4)
            ]
            contents.append(write(tmp_path / f"{trial}-{number}.jsonl", rows))
        shuffled = chance.sample(contents, 3)
        assert filled(contents) == filled(shuffled, at_once=False)
