"""The money of problems, and of records that came more than once."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import llmcost
from llmcost.ingest.run import IngestOptions, ingest
from llmcost.results.options import ReplayOptions
from llmcost.usage.store import Store
from tests.ingest.support import ROWS, balanced
from tests.results.test_overlap import CALL, DAY, PRICE, START, bucket, call


def logs(folder: Path, *contents: list[dict[str, Any]]) -> list[Path]:
    paths = [folder / f"{number}.jsonl" for number in range(len(contents))]
    for path, rows in zip(paths, contents, strict=True):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return paths


def simulated(paths: list[Path], **options: Any) -> llmcost.Result:
    return llmcost.simulate(*paths, scenarios=[], options=ReplayOptions(now=START, **options))


def told(result: llmcost.Result) -> dict[tuple[str, bool], tuple[int, Decimal | None]]:
    return {(each.key, each.superseded): (each.count, each.cost_usd) for each in result.coverage.repeated}


PARTIAL = call(1, output_tokens=0, input_tokens=600)
NO_ID = {key: value for key, value in call(3).items() if key != "request_id"}


def test_duplicates_are_told_by_their_key_with_what_charging_them_would_add(tmp_path: Path) -> None:
    paths = logs(
        tmp_path, [call(1), call(2), PARTIAL, NO_ID, bucket(48, 72)], [call(1), call(2), NO_ID, bucket(48, 72, 9)]
    )
    result = simulated(paths)
    assert told(result) == {
        ("response id", False): (2, 2 * PRICE),
        ("response id", True): (1, PRICE * 600 / 1000),
        ("content and occurrence", False): (1, PRICE),
        ("bucket dimensions", True): (1, 9 * PRICE),
    }
    coverage = result.coverage
    assert sum(each.count for each in coverage.repeated) == coverage.duplicates + coverage.superseded
    assert result.baseline.cost_usd == 13 * PRICE


@pytest.mark.parametrize("at_once", [True, False])
def test_any_order_tells_the_same(tmp_path: Path, at_once: bool) -> None:
    contents = [[call(1), call(2), NO_ID], [PARTIAL, call(2), bucket(48, 72)], [call(2), NO_ID, bucket(48, 72, 9)]]
    paths = logs(tmp_path, *contents)
    found = []
    for number, order in enumerate((paths, paths[::-1])):
        store = tmp_path / f"{number}.duckdb"
        with Store(store) as opened:
            for group in [order] if at_once else [[path] for path in order]:
                balanced(ingest(opened, [str(path) for path in group], ROWS))
        found.append(told(llmcost.simulate(store=store, scenarios=[], options=ReplayOptions(now=START))))
    assert found[0] == found[1]
    assert sum(count for count, _ in found[0].values()) == 5


def test_without_repeats_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert simulated(logs(tmp_path, [call(1), call(2)])).coverage.repeated == []


def test_repeats_without_a_price_have_no_cost(tmp_path: Path) -> None:
    odd = call(1, request_model="nobody-sells-this")
    assert told(simulated(logs(tmp_path, [odd, odd]))) == {("response id", False): (1, None)}


def test_only_repeats_of_the_period_count(tmp_path: Path) -> None:
    later = call(30)
    result = simulated(logs(tmp_path, [call(1), call(1), later, later]), since=START + DAY)
    assert told(result) == {("response id", False): (1, PRICE)}


def test_owners_of_repeats_are_hidden_like_others(tmp_path: Path) -> None:
    (path,) = logs(tmp_path, [call(1, user_id="ann"), call(1, user_id="ann", output_tokens=5)])
    with Store() as store:
        ingest(store, [str(path)], IngestOptions(source="usage-rows", owners="hash"))
        assert str(store.value("SELECT user_id FROM repeated")).startswith("h_")


def test_a_problem_shows_what_the_rows_it_touches_cost(tmp_path: Path) -> None:
    too_many = [call(number, cache_read_input_tokens=2000) for number in (1, 2, 5)]
    strange = call(7, temperature="hot", prompt="hello")
    bad = call(8, input_tokens=-1)
    timeless = CALL | {"request_id": "t"}
    result = simulated(logs(tmp_path, [*too_many, call(6), strange, bad, timeless]))
    costs = {each.kind: (each.count, each.cost_usd, each.rejected) for each in result.problems}
    assert costs == {
        "cache-read-exceeds-input": (3, 3 * PRICE, False),
        "not-a-number": (1, PRICE, False),
        "field-left-out": (1, PRICE, False),
        "negative-count": (1, None, True),
        "no-time": (1, PRICE, False),
    }


def test_a_problem_of_every_line_is_one_run(tmp_path: Path) -> None:
    (path,) = logs(tmp_path, [call(number, prompt="hello") for number in range(500)])
    with Store() as store:
        ingest(store, [str(path)], ROWS)
        assert store.rows("SELECT kind, first_line, last_line FROM touched") == [("field-left-out", 1, 500)]
