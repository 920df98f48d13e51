"""Runs the YAML cases of a source: records in, rows, bodies, problems and skips out, all of them exactly.

A case file has ``always`` (in every row), ``always_billed`` (in every billed row), ``samples`` (the real files that the
source claims), ``mapping`` (the mapping file's text, for the source of that name) and ``cases``. A case has ``record``
or ``records``; ``form``, ``name``, ``header`` and ``head`` of the file it stands in; and what is expected: ``rows``,
``billed``, ``problems``, ``skips``, ``body`` (of the first row), ``claims``. What is not named must not come out.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import yaml

from llmcost.ingest.recognise import claimants
from llmcost.records import BadValueError, Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.jsontext import decode
from llmcost.records.mapfile import parse_mapping
from llmcost.sources import SOURCES, read_elsewhere
from llmcost.usage.columns import BILLED, USAGE
from tests.sources.otlp import export_request
from tests.support import shared_data

FOLDER: Final = Path(__file__).parent.parent / "cases" / "sources"
_TYPES: Final = {column.name: column.type for column in (*USAGE, *BILLED)}
_READ: Final[Mapping[str, Callable[[str], Any]]] = {"json": json.loads, "decimal": Decimal}
_OTLP: Final = frozenset({"spans", "logs", "resource"})
_READ_IN: Final = frozenset({"record", "records"}) | _OTLP
_EXPECTED: Final = frozenset({"rows", "billed", "problems", "skips", "body"})
_KEYS: Final = _READ_IN | _EXPECTED | {"case", "form", "name", "header", "head", "claims"}
_TOP: Final = frozenset({"always", "always_billed", "samples", "mapping", "cases"})


@dataclass(frozen=True)
class CaseFile:
    """One file of cases: those of the source that has its name."""

    stem: str
    document: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The source's public name."""
        return self.stem.replace("_", "-")

    @property
    def cases(self) -> list[dict[str, Any]]:
        cases: list[dict[str, Any]] = self.document["cases"]
        return cases

    @property
    def samples(self) -> list[str]:
        """The real samples that the source claims, relative to the folder of formats."""
        return list(self.document.get("samples", ()))


def case_files() -> list[CaseFile]:
    """All files of cases."""
    return [case_file(path.stem) for path in sorted(FOLDER.glob("*.yaml"))]


def case_file(stem: str) -> CaseFile:
    """The file of cases called ``stem``."""
    document = yaml.safe_load((FOLDER / f"{stem}.yaml").read_text(encoding="utf-8"))
    assert document.keys() <= _TOP, f"{stem}.yaml: {set(document) - _TOP} means nothing"
    return CaseFile(stem, document)


def readings(source: Source, record: Any, line: int = 1, context: Context | None = None) -> list[Reading]:
    """What the source gives for one record."""
    return list(read_all(source, [Record(record, line)], context or Context("case", elsewhere=read_elsewhere)))


def read_all(source: Source, records: Iterable[Record], context: Context) -> Iterator[Reading]:
    """What the source gives for the records of one file; a BadValueError is the rejected problem that ingest makes of it."""
    if source.read_file is not None:
        yield from source.read_file(records, context)
        return
    assert source.read is not None
    for record in records:
        before = True
        try:
            for reading in source.read(record, context):
                before = False
                yield reading
        except BadValueError as error:
            before = False
            yield Problem(error.kind, error.detail)
        assert not before, "every record gives a reading"


def check(file: CaseFile, case: Mapping[str, Any]) -> None:
    """The case's file is claimed as it says, and its records give exactly its rows, problems and skips."""
    assert case.keys() <= _KEYS, f"{set(case) - _KEYS} means nothing in a case"
    assert "claims" in case or case.keys() & _EXPECTED, "the case expects nothing"
    source = SOURCES.load(file.name)
    sample = sample_of(source, case)
    if "claims" in case:
        _check_claim(file.name, sample, claims=case["claims"])
    if case.keys() & _EXPECTED:
        context = Context(sample.name, sample.header, _options(file), elsewhere=read_elsewhere)
        records = [Record(value, line) for line, value in enumerate(sample.records, 1)]
        _check_readings(file, case, source, list(read_all(source, records, context)))


def sample_of(source: Source, case: Mapping[str, Any]) -> Sample:
    """The file that a case stands for."""
    form = case.get("form", source.forms[0])
    raw = case["records"] if "records" in case else [_record(case)] if _READ_IN & case.keys() else []
    records = tuple(decode(json.dumps(value).encode()) for value in raw)
    is_table = form in {"csv", "parquet"}
    header = tuple(case.get("header", records[0] if is_table and records and isinstance(records[0], dict) else ()))
    if form == "csv":
        numbers = [v for record in records for v in dict(record).values() if not isinstance(v, str)]
        assert not numbers, f"cells of CSV are text: quote {numbers}"
    return Sample(case.get("name", "case"), form, case.get("head", ""), records, header)


def _record(case: Mapping[str, Any]) -> Any:
    return export_request(case) if _OTLP & case.keys() else case["record"]


def _options(file: CaseFile) -> dict[str, Any]:
    text = file.document.get("mapping")
    return {} if text is None else {"mapping": parse_mapping(tomllib.loads(text, parse_float=Decimal))}


def _check_claim(name: str, sample: Sample, *, claims: bool) -> None:
    found = claimants(sample)
    if claims:
        assert found == [name], "exactly this source claims it"
    else:
        assert name not in found


def _check_readings(file: CaseFile, case: Mapping[str, Any], source: Source, found: list[Reading]) -> None:
    usage = [row for row in found if isinstance(row, Row) and row.usage is not None]
    billed = [row.billed for row in found if isinstance(row, Row) and row.billed is not None]
    assert [_known(row.usage) for row in usage] == _expected(case.get("rows", ()), file.document.get("always"))
    assert [_known(row) for row in billed] == _expected(case.get("billed", ()), file.document.get("always_billed"))
    problems = [(p.kind, p.rejected) for p in found if isinstance(p, Problem)]
    assert problems == [(kind.rstrip("!"), kind.endswith("!")) for kind in case.get("problems", [])]
    assert sum(isinstance(r, Skip) for r in found) == case.get("skips", 0)
    filled = {name for row in (*(r.usage or {} for r in usage), *billed) for name in row}
    assert filled <= source.knows, f"{filled - source.knows} are missing from `knows`"
    if "body" in case:
        assert _body(usage[0]) == case["body"]


def _expected(rows: Iterable[Mapping[str, Any]], always: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return [_known({**(always or {}), **row}) for row in rows]


def _known(row: Any) -> dict[str, Any]:
    return {name: _plain(name, value) for name, value in row.items() if value is not None}


def _plain(name: str, value: Any) -> Any:
    """Decimals and JSON as what they mean, so that a case may write them as it likes."""
    read = _READ.get(_TYPES[name])
    if read is None or isinstance(value, dict | list):
        return value
    return read(str(value))


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
