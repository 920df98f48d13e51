"""Runs the YAML cases of a source: records in, rows, bodies, problems and skips out, all of them exactly."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmcost.records import BadValueError, Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.jsontext import decode
from tests.support import shared_data

_READ: dict[str, Callable[[str], Any]] = {"tags": json.loads, "images": json.loads, "billed_cost": Decimal}
FOLDER = Path(__file__).parent.parent / "cases" / "sources"


def cases_of(name: str) -> list[Any]:
    """The cases of ``tests/cases/sources/<name>.yaml`` as pytest parameters."""
    document = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return [pytest.param({**case, "always": document.get("always", {})}, id=case["case"]) for case in document["cases"]]


def readings(source: Source, record: Any, line: int = 1, context: Context | None = None) -> list[Reading]:
    """What the source gives for one record; a BadValueError is the rejected problem that ingest makes of it."""
    assert source.read is not None
    found: list[Reading] = []
    try:
        found.extend(source.read(Record(record, line), context or Context("case")))
    except BadValueError as error:
        found.append(Problem(error.kind, error.detail))
    return found


def check(source: Source, case: dict[str, Any]) -> None:
    """The case's record gives exactly the case's rows, problems and skips."""
    record = decode(json.dumps(case["record"]).encode())
    context = Context(case.get("name", "case"), header=tuple(record) if "name" in case else ())
    found = readings(source, record, context=context)
    rows = [r for r in found if isinstance(r, Row)]
    assert [_known(row.usage) for row in rows] == [_known({**case["always"], **row}) for row in case.get("rows", [])]
    problems = [(p.kind, p.rejected) for p in found if isinstance(p, Problem)]
    assert problems == [(kind.rstrip("!"), kind.endswith("!")) for kind in case.get("problems", [])]
    assert sum(isinstance(r, Skip) for r in found) == case.get("skips", 0)
    assert all(set(row.usage or ()) <= source.knows for row in rows)
    if "body" in case:
        assert _body(rows[0]) == case["body"]


def _known(row: Any) -> dict[str, Any]:
    plain = {k: v for k, v in row.items() if v is not None}
    return {k: _READ[k](v) if k in _READ and isinstance(v, str) else v for k, v in plain.items()}


def _body(row: Row) -> Any:
    if row.body is None:
        return None
    parts = [f"{part.role}{'|' if part.breakpoint else ''}: {part.text}" for part in row.body.parts]
    return {"parts": parts, "answer": row.body.answer, "complete": row.body.complete}


def sample_lines(folder: str, name: str = "requests.jsonl") -> Iterator[dict[str, Any]]:
    """The records of one real sample, as plain JSON (floats and all), for sums that share no code with the source."""
    with shared_data("formats", folder, name).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def rows_of(source: Source, records: Iterable[Any]) -> list[dict[str, Any]]:
    """The usage rows that the source makes of plain JSON records."""
    found = [r for n, record in enumerate(records, 1) for r in readings(source, decode(json.dumps(record).encode()), n)]
    return [dict(r.usage) for r in found if isinstance(r, Row) and r.usage is not None]


def claimed(source: Source) -> set[str]:
    """The folders of real samples that hold a file which the source claims."""
    from llmcost.records.files import sample

    folders = set()
    for path in sorted(shared_data("formats").rglob("*")):
        if path.is_file() and path.suffix != ".md":
            begun = sample(path)
            if isinstance(begun, Sample) and source.sniff(begun):
                folders.add(f"{path.parent.name}/{path.name}")
    return folders
