"""``llmcost init --from FILE``: looks at an unknown file and writes a mapping for it, told line by line."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from llmcost.cli.diagnostics import say
from llmcost.cli.output import replace
from llmcost.errors import UsageError

if TYPE_CHECKING:
    from llmcost.records import Sample
    from llmcost.records.mapfile import MapFile

_ROWS: Final = 3
_LOOKED_AT: Final = 500


def propose(source: Path, folder: Path, *, quiet: bool) -> None:
    """Writes ``<folder>/<name>.mapping.toml`` for ``source``, unless a source claims it or the file is there."""
    from llmcost.config import exact_toml
    from llmcost.ingest.recognise import claimants
    from llmcost.records.guesses import best
    from llmcost.records.mapfile import parse_mapping
    from llmcost.records.proposal import left_over, mapping_text

    sample = _sample(source)
    if known := claimants(sample):
        say(f"{source} needs no mapping: it is read as {' or '.join(known)}", quiet=quiet)
        say(f"next: llmcost simulate {source}", quiet=quiet)
        return
    target = folder / f"{source.name.partition('.')[0] or 'log'}.mapping.toml"
    if target.exists():
        raise UsageError(
            "is there already",
            where=str(target),
            why="nothing is ever overwritten",
            hint="name another folder, or remove it",
        )
    path, guesses = best(_records(source, sample))
    if not guesses.found:
        raise UsageError("no field looks like usage", where=str(source), why="neither names nor values tell tokens, times, models or costs",
                         hint="write the mapping by hand: llmcost init writes one to start from")  # fmt: skip
    text = mapping_text(source.name, guesses, path)
    mapping = parse_mapping(exact_toml(text), str(target))
    replace(target, text.encode())
    say(f"wrote {target}", quiet=quiet)
    for found in guesses.found:
        say(f"  {found.column} ({found.sure}): {found.why}", quiet=quiet)
    for remark in guesses.remarks:
        say(f"  note: {remark}", quiet=quiet)
    for line in left_over(guesses.left):
        say(f"  not placed: {line}", quiet=quiet)
    _show(sample, mapping, quiet=quiet)
    say(f"next: check it, then llmcost simulate {source} --mapping {target}", quiet=quiet)


def _sample(source: Path) -> Sample:
    from llmcost.records.contract import Problem
    from llmcost.records.files import sample

    if not source.is_file():
        raise UsageError("is no file", where=str(source))
    found = sample(source)
    if isinstance(found, Problem):
        raise UsageError(found.detail, where=str(source))
    if found.form == "text":
        raise UsageError(
            "has no fields", where=str(source), why="a mapping reads CSV, JSONL, JSON and Parquet; this is text"
        )
    return found


def _records(source: Path, sample: Sample) -> tuple[Any, ...]:
    """The first records: more than recognising needs, so that ranges mean something."""
    from llmcost.records.contract import Record
    from llmcost.records.files import records

    read = records(source, sample.form, None)
    try:
        return tuple(r.value for r in itertools.islice(read, _LOOKED_AT) if isinstance(r, Record)) or sample.records
    finally:
        getattr(read, "close", tuple)()  # a generator holds the file open until it ends


def _show(sample: Sample, mapping: MapFile, *, quiet: bool) -> None:
    """The first rows as the mapping reads them, and what it makes of the rest of the sample."""
    from llmcost.records.contract import Context, Problem, Record, Row
    from llmcost.records.proposal import shown
    from llmcost.sources import SOURCES

    read = SOURCES.load("mapping").read
    if read is None:
        raise TypeError("the source 'mapping' reads record by record")
    context = Context(sample.name, sample.header, {"mapping": mapping})
    found = [reading for line, value in enumerate(sample.records, 1) for reading in read(Record(value, line), context)]
    rows = [reading.usage for reading in found if isinstance(reading, Row) and reading.usage is not None]
    say(f"the first of {len(rows)} rows, as it reads them:", quiet=quiet)
    for row in rows[:_ROWS]:
        say(f"  {shown(row)}", quiet=quiet)
    bad = [reading for reading in found if isinstance(reading, Problem)]
    for problem in bad[:_ROWS]:
        say(f"  problem: {problem.detail}", quiet=quiet)
