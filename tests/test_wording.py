"""Small texts and signs that many parts share."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcost.usage.formulas import SIGNS, begins_formula, begins_formula_sql
from llmcost.usage.store import Store
from llmcost.wording import counted


def test_a_count_agrees_with_its_noun() -> None:
    assert [counted(n, "request") for n in (0, 1, 2, 12_345)] == [
        "0 requests",
        "1 request",
        "2 requests",
        "12,345 requests",
    ]


@pytest.mark.parametrize("before", ["", " ", "'", " '' "])
def test_every_sign_is_seen_in_python_and_in_sql(tmp_path: Path, before: str) -> None:
    texts = (
        [f"{before}{sign}1" for sign in SIGNS]
        + [f"{before}a{sign}1" for sign in SIGNS]
        + ["", before, "]1", "\\1", "^1"]
    )
    with Store(tmp_path / "s.duckdb") as store:
        for text in texts:
            found = store.rows(f"SELECT {begins_formula_sql('$1')}", [text])[0][0]
            assert found == begins_formula(text), repr(text)
    assert sum(map(begins_formula, texts)) == len(SIGNS)
