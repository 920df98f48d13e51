"""What ingest makes of readings: nothing before a bad value is lost, every record is counted, notes stop nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llmcost.errors import NothingIngestedError
from llmcost.ingest.rows import readings
from llmcost.ingest.run import IngestOptions, ingest
from llmcost.ingest.stage import ProblemLog
from llmcost.records import BadValueError, Context, Problem, Reading, Record, Row, Source
from llmcost.usage.store import Store


def source(**more: Any) -> Source:
    return Source("test", "requests", ("jsonl",), lambda _: True, frozenset({"input_tokens"}), "", "", **more)


def said(found: Source, *incoming: Record | Problem) -> list[tuple[int, Any]]:
    given = readings(incoming, found, Context("x"))
    return [
        (
            line,
            r.kind if isinstance(r, Problem) else (r.usage or {}).get("input_tokens") if isinstance(r, Row) else "skip",
        )
        for line, r, _ in given
    ]


def two(record: Record, _context: Context) -> Iterator[Reading]:
    yield Row({"input_tokens": record.value})
    if record.value == 2:
        raise BadValueError("odd", "the second part")
    yield Row({"input_tokens": record.value + 10})


def test_what_came_before_a_bad_value_stays() -> None:
    assert said(source(read=two), Record(1, 1), Record(2, 5), Record(3, 6)) == [
        (1, 1),
        (1, 11),
        (5, 2),
        (5, "odd"),
        (6, 3),
        (6, 13),
    ]


def reader(records: Iterable[Record], context: Context) -> Iterator[Reading]:
    for record in records:
        yield from two(record, context)


def test_a_reader_of_files_has_the_lines_of_its_records() -> None:
    broken = Problem("bad-json", "no JSON", line=4)
    assert said(source(read_file=reader), Record(1, 3), broken, Record(5, 9)) == [
        (3, 1),
        (3, 11),
        (9, 5),
        (9, 15),
        (4, "bad-json"),
    ]


def test_what_a_reader_did_not_read_is_rejected_not_lost() -> None:
    found = said(source(read_file=reader), Record(1, 1), Record(2, 2), Record(3, 3), Record(4, 4))
    assert found == [(1, 1), (1, 11), (2, 2), (2, "odd"), (3, "not-read"), (4, "not-read")]


def test_fail_stops_on_problems_not_on_information() -> None:
    log = ProblemLog("fail")
    log.add(0, "x", "byok", "billed elsewhere", rejected=False, line=1, informative=True)
    assert [entry[0] for entry in log.counts.values()] == [1]
    with pytest.raises(NothingIngestedError, match="odd"):
        log.add(0, "x", "odd", "odd", rejected=False, line=1)


@pytest.mark.parametrize(("tier", "fails"), [("provisioned", False), ("wholesale", True)])
def test_a_prepaid_tier_is_told_and_an_unknown_one_stops(tier: str, fails: bool, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    rows = [
        {"request_model": "m", "input_tokens": 1, "started_at": "2026-03-01T10:00:00Z", "service_tier": t}
        for t in (tier, "standard")
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with Store(threads=1) as store:
        if fails:
            with pytest.raises(NothingIngestedError, match="tier"):
                ingest(store, [str(path)], IngestOptions(on_problem="fail"))
            return
        summary = ingest(store, [str(path)], IngestOptions(on_problem="fail"))
    assert [(kind, times) for kind, _, times, _ in summary.problems] == [("prepaid-tier", 1)]
