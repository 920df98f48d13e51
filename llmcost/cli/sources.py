"""``llmcost sources``: the formats that are known, and which of them claims a file."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmcost.cli._text import aligned, show, show_json, wrapped
from llmcost.cli.options import TextFormat, TextFormatOption, command_app
from llmcost.errors import UsageError

if TYPE_CHECKING:
    from llmcost.records import Sample, Source

COMMAND = command_app()


@COMMAND.command()
def sources(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", show_default=False, help="Show one format in full.")
    ] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="PATH", help="Tell which format claims this file, and why others do not."),
    ] = None,
    output: TextFormatOption = TextFormat.TEXT,
) -> None:
    """List the formats that are read, or tell which one a file has."""
    from llmcost.sources import SOURCES

    if name is not None and file is not None:
        raise UsageError("give a NAME or --file, not both")
    if file is not None:
        found = _claims(file)
        show_json(found) if output is TextFormat.JSON else show(_claims_text(found))
        return
    if name is not None:
        source = SOURCES.load(name)
        show_json(_full(name, source)) if output is TextFormat.JSON else show(_one(name, source))
        return
    listed = list(SOURCES)
    if output is TextFormat.JSON:
        show_json([_full(each, source) for each, source in listed])
        return
    rows = [(each, source.title, source.grain, " ".join(source.forms)) for each, source in listed]
    show(aligned(rows, ("name", "reads", "grain", "forms")))


def _full(name: str, source: Source) -> dict[str, Any]:
    return {
        "name": name, "title": source.title, "grain": source.grain, "forms": list(source.forms), "url": source.url,
        "checked": source.checked, "columns": sorted(source.knows), "description": _description(source),
    }  # fmt: skip


def _description(source: Source) -> str:
    return inspect.getdoc(sys.modules[source.sniff.__module__]) or ""


def _one(name: str, source: Source) -> str:
    facts = aligned(
        [
            ("grain", source.grain),
            ("forms", " ".join(source.forms)),
            ("documented at", source.url),
            ("checked", source.checked),
        ]
    )
    return f"{name}: {source.title}\n\n{_description(source)}\n\n{facts}\n\ncolumns\n{wrapped(', '.join(sorted(source.knows)), '  ')}"


def _claims(path: str) -> dict[str, Any]:
    """What each source says to a file."""
    from llmcost.ingest.recognise import claimants
    from llmcost.records import Problem
    from llmcost.records.files import expand, sample
    from llmcost.sources import SOURCES

    inputs = expand([path])
    if len(inputs) != 1:
        raise UsageError(f"{path} is {len(inputs)} files", where="--file", hint="name one file")
    found = sample(inputs[0])
    if isinstance(found, Problem):
        raise UsageError(found.detail, where=path, why=found.kind)
    claiming = claimants(found)
    verdicts = {name: None if name in claiming else _verdict(source, found) for name, source in SOURCES}
    return {
        "file": path, "form": found.form, "columns": list(found.header), "records_sampled": len(found.records),
        "claimed_by": [name for name, why in verdicts.items() if why is None],
        "not_claimed_by": {name: why for name, why in verdicts.items() if why is not None},
    }  # fmt: skip


def _verdict(source: Source, found: Sample) -> str:
    """Why the source does not claim the sample."""
    if found.form not in source.forms:
        return f"reads {', '.join(source.forms)}, not {found.form}"
    return "the first records have another shape"


def _claims_text(found: dict[str, Any]) -> str:
    claimed = found["claimed_by"]
    verdict = f"read as {claimed[0]}" if len(claimed) == 1 else f"claimed by {', '.join(claimed) or 'no source'}"
    hint = (
        ""
        if len(claimed) == 1
        else "\n\nname one with --source, or describe the file with --mapping (llmcost init writes an example)"
    )
    others = aligned([(f"  {name}", why) for name, why in found["not_claimed_by"].items()])
    return f"{found['file']}: {found['form']}, {verdict}{hint}\n\nnot claimed by\n{others}"
