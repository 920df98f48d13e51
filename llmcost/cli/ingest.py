"""``llmcost ingest``: files into the store, with an account of every record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from llmcost.cli.diagnostics import say, visible
from llmcost.cli.options import (
    MappingOption,
    MemoryOption,
    OnProblem,
    OnProblemOption,
    Owners,
    OwnersOption,
    QuietOption,
    SourceOption,
    StoreOption,
    StrictOption,
    TextFormat,
    TextFormatOption,
    command_app,
    memory,
)
from llmcost.cli.output import to_stdout
from llmcost.cli.progress import reading
from llmcost.config import DEFAULT_STORE
from llmcost.errors import StrictGapError

if TYPE_CHECKING:
    from llmcost.ingest.run import IngestedFile, IngestOptions, IngestSummary

COMMAND = command_app()
_SHOWN: Final = 5
"""Files of one kind that a command beside ``ingest`` names: folders hold much that is no log."""


@COMMAND.command()
def ingest(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH", help="Files, folders, globs, - for standard input, or postgresql:// for LiteLLM's table."
        ),
    ],
    store: StoreOption = None,
    source: SourceOption = None,
    mapping: MappingOption = None,
    on_problem: OnProblemOption = OnProblem.KEEP,
    owners: OwnersOption = Owners.KEEP,
    memory_limit: MemoryOption = None,
    strict: StrictOption = False,
    quiet: QuietOption = False,
    output: TextFormatOption = TextFormat.TEXT,
) -> None:
    """Read usage exports and request logs into the store.

    Formats are recognised (llmcost sources lists them). What was ingested before adds nothing; a later export of an
    open day replaces the earlier one. Prompts and answers are never stored.

    postgresql://user@host/db reads LiteLLM's table LiteLLM_SpendLogs where it is, and later only what is new;
    env:NAME takes the connection string from a variable. ?table=, ?schema= and ?overlap=1h are llmcost's own, all
    others (sslmode ..) are the driver's. It needs the extra: pip install 'llmcost-cli[postgres]'.
    """
    from llmcost.api import ingest_files
    from llmcost.usage.store import Store

    options = options_of(source, mapping, on_problem, owners)
    with (
        Store(store or Path(DEFAULT_STORE), memory_limit=memory(memory_limit)) as opened,
        reading(quiet=quiet) as progress,
    ):
        summary = ingest_files(opened, *paths, options=options, progress=progress)
    if output is TextFormat.JSON:
        to_stdout(json.dumps(as_json(summary), indent=2, ensure_ascii=False) + "\n")
    elif not quiet:
        to_stdout(visible(as_text(summary, store or Path(DEFAULT_STORE))))
    if strict:
        check_strict(summary)


def options_of(source: str | None, mapping: Path | None, on_problem: OnProblem, owners: Owners) -> IngestOptions:
    """How to read, with the mapping file parsed and the source's name checked."""
    from llmcost.ingest.run import IngestOptions
    from llmcost.records.mapfile import load_mapping
    from llmcost.sources import SOURCES

    if source is not None:
        SOURCES.load(source)
    parsed = load_mapping(mapping) if mapping is not None else None
    return IngestOptions(source, parsed, on_problem.value, owners.value)


def check_strict(summary: IngestSummary) -> None:
    """StrictGapError when a record was rejected or a file was not known."""
    unknown = _unknown(summary)
    gaps = [f"{summary.rejected:,} of {summary.read:,} records were rejected"] if summary.rejected else []
    if unknown:
        first = f"{unknown[0].name}: {unknown[0].note or 'no source knows it'}"
        gaps.append(f"{len(unknown)} of {len(summary.files)} files were not read ({first})")
    if gaps:
        examples = [example for _, rejected, _, example in summary.problems if rejected]
        raise StrictGapError(
            "; ".join(gaps),
            excerpt=examples[0] if examples else None,
            why="--strict allows no gap; the rest was ingested",
            hint="llmcost sources --file FILE tells what is wrong with a file",
        )


def tell(summary: IngestSummary, *, quiet: bool) -> None:
    """The account of an ingest in a line or two on stderr."""
    say(_totals(summary), quiet=quiet)
    by_note: dict[str, list[str]] = {}
    for file in _unknown(summary):
        by_note.setdefault(file.note or "no source knows it", []).append(file.name)
    for note, names in by_note.items():
        for name in names[:_SHOWN]:
            say(f"  not read: {name}: {note}", quiet=quiet)
        if len(names) > _SHOWN:
            say(f"  not read: {len(names) - _SHOWN:,} more: {note} (llmcost ingest lists every file)", quiet=quiet)


def as_text(summary: IngestSummary, store: Path) -> str:
    """The account of an ingest: files, totals, problems."""
    width = max(len(file.source or "?") for file in summary.files)
    lines = [f"{(file.source or '?'):<{width}}  {file.name}: {_outcome(file)}" for file in summary.files]
    lines += ["", _totals(summary)]
    if summary.replaced:
        lines.append(f"{summary.replaced:,} rows of the store gave way to better versions")
    for source, key, superseded, number in summary.repeated:
        what = "superseded" if superseded else "duplicates"
        lines.append(f"{number:,} {what} of {source}, the same by {key}")
    if summary.skipped:
        lines.append(f"{summary.skipped:,} records are no calls and were skipped")
    if summary.problems:
        lines += ["", "problems"]
        for kind, rejected, count, example in summary.problems:
            lines += [f"  {count:,} x {kind}{' (rejected)' if rejected else ''}", f"    {example}"]
    return "\n".join([*lines, "", f"in {store}", ""])


def _outcome(file: IngestedFile) -> str:
    if file.source is None:
        return file.note or "no source knows it"
    if file.known:
        return f"{file.read:,} records, ingested before"
    return f"{file.read:,} records" + (f", {file.rejected:,} rejected" if file.rejected else "")


def _totals(summary: IngestSummary) -> str:
    return (
        f"{summary.read:,} read = {summary.ingested:,} ingested + {summary.duplicates:,} duplicates + "
        f"{summary.superseded:,} superseded + {summary.rejected:,} rejected"
    )


def _unknown(summary: IngestSummary) -> list[IngestedFile]:
    return [file for file in summary.files if file.source is None]


def as_json(summary: IngestSummary) -> dict[str, Any]:
    """The account of an ingest as JSON values."""
    counts = ("read", "ingested", "duplicates", "superseded", "rejected", "skipped", "replaced", "billed")
    return {
        "schema_version": 1,
        **{name: getattr(summary, name) for name in counts},
        "files": [
            {
                "name": f.name,
                "source": f.source,
                "read": f.read,
                "rejected": f.rejected,
                "skipped": f.skipped,
                "known": f.known,
                "note": f.note,
            }
            for f in summary.files
        ],
        "repeated": [
            {"source": source, "key": key, "superseded": superseded, "count": number}
            for source, key, superseded, number in summary.repeated
        ],
        "problems": [
            {"kind": kind, "rejected": rejected, "count": count, "example": example}
            for kind, rejected, count, example in summary.problems
        ],
    }
