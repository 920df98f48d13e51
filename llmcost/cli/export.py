"""``llmcost export``: the store's usage rows as a file that any llmcost reads again, or its charges as FOCUS."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from llmcost.cli import options as opt
from llmcost.cli.diagnostics import say, warn
from llmcost.cli.options import StoreOption, command_app
from llmcost.cli.output import check_spared, spare
from llmcost.config import DEFAULT_STORE
from llmcost.errors import StrictGapError, UsageError

COMMAND = command_app()


class Form(StrEnum):
    """Forms of an export."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    FOCUS = "focus"


class FocusVersion(StrEnum):
    """Versions of FOCUS that are written."""

    V1_2 = "1.2"
    V1_3 = "1.3"


class FocusGrain(StrEnum):
    """What a row of a FOCUS file stands for, beside its charge class."""

    REQUEST = "request"
    HOUR = "hour"
    DAY = "day"


@COMMAND.command()
def export(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.")],
    store: StoreOption = None,
    form: Annotated[
        Form | None, typer.Option("--format", "-f", help="Default: what the file's suffix says, else jsonl.")
    ] = None,
    focus_version: Annotated[
        FocusVersion | None, typer.Option("--focus-version", show_default="1.2", help="Version of FOCUS.")
    ] = None,
    focus_grain: Annotated[
        FocusGrain | None,
        typer.Option(
            "--focus-grain", show_default="request", help="A FOCUS row for each request, hour or day, and class."
        ),
    ] = None,
    prices: opt.PricesOption = None,
    since: opt.SinceOption = None,
    until: opt.UntilOption = None,
    month: opt.MonthOption = None,
    where: opt.WhereOption = None,
    strict: opt.StrictOption = False,
    memory_limit: opt.MemoryOption = None,
    quiet: opt.QuietOption = False,
) -> None:
    """Write the store's usage rows to a file, or its charges as FOCUS.

    Usage rows are JSONL, CSV or Parquet; llmcost ingest reads them again and gets the same. Content keys (prompt_key, response_key, prefix_keys) are
    hashes under your secret and are hashed once more when they are read, so they still compare among themselves, but
    not with keys made from the original logs. Billed lines are not usage rows and are left out.

    --format focus prices the rows and writes a FOCUS dataset: one row for each request (or hour, or day) and charge class,
    as .csv, .csv.gz, .csv.zst or .parquet. Amounts are in USD; BilledCost is what the log recorded, else the cost by
    contract. The options on prices, period and conditions are for FOCUS only.
    """
    spare(store or DEFAULT_STORE, *(prices or ()))
    check_spared(out)
    given = {
        "--focus-version": focus_version, "--focus-grain": focus_grain, "--prices": prices, "--since": since,
        "--until": until, "--month": month, "--where": where, "--strict": strict,
    }  # fmt: skip
    if form is Form.FOCUS:
        choice = (focus_version or FocusVersion.V1_2, focus_grain or FocusGrain.REQUEST)
        span = opt.span_of(since, until, month, opt.zone_of("UTC"))
        _focus(
            out,
            store or Path(DEFAULT_STORE),
            choice,
            prices or [],
            span,
            where,
            opt.memory(memory_limit),
            strict=strict,
            quiet=quiet,
        )
        return
    for name, value in given.items():
        if value:
            raise UsageError(f"{name} is for FOCUS", where="--format", hint="add --format focus, or leave it out")
    _rows(out, store or Path(DEFAULT_STORE), form, quiet=quiet)


def _rows(out: Path, store: Path, form: Form | None, *, quiet: bool) -> None:
    from llmcost.usage.export import export_rows
    from llmcost.usage.store import Store

    named = next((each for each in (Form.JSONL, Form.CSV, Form.PARQUET) if out.suffix == f".{each}"), Form.JSONL)
    chosen: Literal["jsonl", "csv", "parquet"] = (form or named).value  # type: ignore[assignment]  # focus went another way
    with Store(store, read_only=True) as opened:
        done = export_rows(opened, out, chosen)
    say(f"wrote {out}: {done.rows:,} rows", quiet=quiet)
    if done.billed:
        warn(f"{done.billed:,} billed lines are not usage rows and were left out")
    if done.defused:
        warn(
            f"{done.defused:,} texts that a spreadsheet would run got a ' in front; jsonl and parquet keep them as they are"
        )


def _focus(
    out: Path,
    store: Path,
    choice: tuple[FocusVersion, FocusGrain],
    prices: list[Path],
    span: tuple[int | None, int | None],
    where: str | None,
    memory: str,
    *,
    strict: bool,
    quiet: bool,
) -> None:
    from llmcost import api
    from llmcost.money import usd
    from llmcost.results.options import ReplayOptions

    options = ReplayOptions(now=opt.now(), since=span[0], until=span[1], where=where)
    version: Literal["1.2", "1.3"] = "1.3" if choice[0] is FocusVersion.V1_3 else "1.2"
    grain: Literal["request", "hour", "day"] = choice[1].value
    done = api.export_focus(
        out, store=store, prices=prices, options=options, version=version, grain=grain, memory_limit=memory
    )
    say(f"wrote {out}: {done.rows:,} FOCUS {version} rows, {usd(done.contracted_cost)} by contract", quiet=quiet)
    gaps = []
    if done.unpriced:
        gaps.append(
            f"{done.unpriced:,} requests without a price are adjustments without quantity and price; their cost is unknown, or what was recorded"
        )
    if done.timeless:
        gaps.append(
            f"{done.timeless:,} rows without a time ({usd(done.timeless_cost)}) are left out: a charge needs a period"
        )
    for gap in gaps:
        warn(gap)
    if done.billed_lines:
        lines = "line of a bill is" if done.billed_lines == 1 else "lines of bills are"
        warn(
            f"{done.billed_lines:,} {lines} not in it: the file holds what the log's calls cost (llmcost reconcile compares)"
        )
    if gaps and strict:
        raise StrictGapError(
            gaps[0], why="--strict allows no gap", hint="--prices FILE gives a model a price of your own"
        )
