"""A long tail kept together: few combinations, the same sums of everything that keeps its name."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

import llmcost
from llmcost.results.folding import Line, folded, other_values
from llmcost.results.monthly import spend as spending
from llmcost.results.monthly.tables import cube
from llmcost.results.options import ReplayOptions

NOW = 1_793_500_000_000_000
"""2026-11-01."""


def _lines(seed: int) -> list[Line]:
    random = Random(seed)
    return [
        (
            (f"user-{user}", f"model-{random.randrange(5)}"),
            (None if user % 7 == 0 else Decimal(random.randrange(10**6)) / 10**5, user),
        )
        for user in range(2000)
    ]


def _sums(lines: list[Line], place: int) -> dict[str, tuple[Decimal, int]]:
    found: dict[str, tuple[Decimal, int]] = {}
    for labels, (cost, number) in lines:
        before = found.get(labels[place], (Decimal(0), 0))
        found[labels[place]] = (before[0] + Decimal(cost or 0), before[1] + int(number or 0))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_what_keeps_its_name_keeps_its_sums_and_the_rest_is_one(seed: int) -> None:
    lines = _lines(seed)
    made = folded(lines, 1600)
    assert made is not None
    few, rest = made
    assert len(few) <= 1600
    assert rest == ("1,000 other values", "")
    before, after = _sums(lines, 0), _sums(few, 0)
    named = set(after) - {rest[0]}
    assert len(named) == 1000
    assert all(after[label] == before[label] for label in named)
    left = [before[label] for label in set(before) - named]
    assert after[rest[0]] == (sum((cost for cost, _ in left), Decimal(0)), sum(number for _, number in left))
    assert min(before[label][0] for label in named) >= max(cost for cost, _ in left), "the cheapest are kept together"
    assert _sums(lines, 1) == _sums(few, 1), "other dimensions feel nothing of it"


def test_few_combinations_stay_as_they_are_and_no_name_is_taken_twice() -> None:
    lines = _lines(1)
    assert folded(lines, 2000) == (lines, ("", ""))
    assert folded([], 10) == ([], ())
    assert other_values(1000, {"1,000 other values"}) == "1,000 other values …"
    wide: list[Line] = [((str(n), str(m)), (Decimal(1),)) for n in range(40) for m in range(40)]
    assert folded(wide, 100) is None


def test_a_month_of_many_users_is_told_apart_by_all_dimensions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cells of the page against the tables of the report, which no tail shortens."""
    monkeypatch.setattr(spending, "_MOST_CELLS", 100)
    rows = [
        {
            "request_id": f"r{n}", "started_at": f"2026-{month}-{1 + n % 28:02d}T10:00:00Z", "provider_name": "openai",
            "request_model": ("gpt-5-mini", "gpt-5.4")[n % 2], "input_tokens": 1000 + n * n, "output_tokens": 10,
            "team": f"t{n % 3}", **({} if n % 50 == 7 else {"user_id": f"u{n % 400}"}),
        }
        for month in ("09", "10")
        for n in range(600)
    ]  # fmt: skip
    for place, row in enumerate(rows):
        row["request_id"] = f"r{place}"
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(map(json.dumps, rows)))
    month = llmcost.report(
        log, month="2026-10", scenarios=[], ahead=False, options=ReplayOptions(now=NOW, what_if=True)
    )
    cells = month.cells
    assert cells is not None
    assert len(cells.cells) <= 100
    assert {"user_id", "team", "model"} <= set(cells.dimensions)
    assert cells.kept_together[cells.dimensions.index("user_id")] > 300
    (made,) = cube(cells)
    assert f"{cells.kept_together[cells.dimensions.index('user_id')]:,} other values" in made.folded
    for found in month.spend:
        place = cells.dimensions.index(found.dimension)
        for line in found.lines:
            mine = [c for c in cells.cells if place not in c.rest and c.values[place] == line.value]
            if line.rest or not mine:
                assert found.dimension == "user_id"
                continue
            assert sum((c.cost_usd or Decimal(0) for c in mine), Decimal(0)) == line.cost_usd, (
                found.dimension,
                line.value,
            )
            assert sum(c.requests for c in mine) == line.requests
    assert sum((c.cost_usd or Decimal(0) for c in cells.cells), Decimal(0)) == month.headline.this.cost_usd
