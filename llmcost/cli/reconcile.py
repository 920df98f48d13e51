"""``llmcost reconcile``: what the log costs at list prices beside what was billed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmcost.cli import options as opt
from llmcost.cli.ingest import check_strict, options_of, tell
from llmcost.cli.options import OnProblem, Owners, command_app
from llmcost.cli.output import chosen, spare, write
from llmcost.cli.progress import reading
from llmcost.config import DEFAULT_STORE
from llmcost.errors import GateError, StrictGapError, UsageError
from llmcost.money import decimal_of

if TYPE_CHECKING:
    from llmcost.ingest.run import IngestSummary
    from llmcost.results.reconcile.model import Reconciliation

COMMAND = command_app()


@COMMAND.command()
def reconcile(
    paths: opt.PathsArgument = None,
    threshold: Annotated[
        str,
        typer.Option(
            "--threshold", metavar="SHARE", help="Exit with 1 when the gap is a larger share of what was billed."
        ),
    ] = "5%",
    rate: Annotated[
        list[str] | None,
        typer.Option(
            "--rate", metavar="CUR=USD", help="Dollars for one unit of a currency, e.g. EUR=1.08; repeatable."
        ),
    ] = None,
    store: opt.StoreOption = None,
    since: opt.SinceOption = None,
    until: opt.UntilOption = None,
    month: opt.MonthOption = None,
    where: opt.WhereOption = None,
    timezone: opt.TimezoneOption = "UTC",
    format: opt.FormatOption = None,
    out: opt.OutOption = None,
    prices: opt.PricesOption = None,
    primary: opt.PrimaryOption = "requests",
    source: opt.SourceOption = None,
    mapping: opt.MappingOption = None,
    on_problem: opt.OnProblemOption = OnProblem.KEEP,
    owners: opt.OwnersOption = Owners.KEEP,
    memory_limit: opt.MemoryOption = None,
    title: opt.TitleOption = "",
    strict: opt.StrictOption = False,
    quiet: opt.QuietOption = False,
) -> None:
    """Hold list prices against the bill: gaps and their causes.

    PATHs are logs or usage exports together with bills (cost exports); a gateway's log that records its own charges needs
    no bill. Without PATHs it covers the store. Exits with 1 when the gap is over the threshold.
    """
    zone = opt.zone_of(timezone)
    first, last = opt.span_of(since, until, month, zone)
    limit, rates = opt.share_of(threshold, "--threshold"), rates_of(rate or [])
    formats = chosen(format, out)
    spare(*(paths or ()), *(prices or ()), mapping, store or (None if paths else DEFAULT_STORE))

    from llmcost import api
    from llmcost.results.options import ReplayOptions
    from llmcost.results.outcome import outcome

    accounts: list[IngestSummary] = []
    with reading(quiet=quiet) as progress:
        found = api.reconcile(
            *(paths or ()),
            rates=rates,
            threshold=limit,
            store=store or (None if paths else Path(DEFAULT_STORE)),
            prices=prices or (),
            options=ReplayOptions(
                now=opt.now(),
                since=first,
                until=last,
                where=where,
                timezone=timezone,
                title=title,
                primary=opt.primary_of(primary),
            ),
            reading=options_of(source, mapping, on_problem, owners),
            memory_limit=opt.memory(memory_limit),
            progress=progress,
            ingested=accounts.append,
        )
    for account in accounts:
        tell(account, quiet=quiet)
    write(formats, outcome(found), out, title, quiet=quiet)
    if strict:
        for account in accounts:
            check_strict(account)
        check_compared(found)
    if found.verdict.over:
        raise GateError(found.verdict.reason, hint="the report names the causes; --threshold sets the limit")


def rates_of(texts: list[str]) -> dict[str, Decimal]:
    """``EUR=1.08`` and the like, by currency; UsageError for anything else."""
    found: dict[str, Decimal] = {}
    for text in texts:
        currency, equals, value = text.partition("=")
        code = currency.strip().upper()
        try:
            amount = decimal_of(value.strip()) if equals else None
        except ValueError:
            amount = None
        if amount is None or amount <= 0 or len(code) != 3 or not code.isalpha() or code == "USD":
            raise UsageError(f"{text!r} is no rate", where="--rate", hint="write the dollars for one unit: EUR=1.08")
        found[code] = amount
    return found


def check_compared(found: Reconciliation) -> None:
    """StrictGapError where something billed or used is compared with nothing."""
    gaps = [f"{line.provider}: {line.what}" for line in found.left_out if not line.twice]
    gaps += [
        f"{part.total.unpriced_requests:,} requests have no price"
        for part in found.parts
        if part.total.unpriced_requests
    ]
    if found.verdict.over is None:
        gaps.insert(0, found.verdict.reason)
    if gaps:
        raise StrictGapError(
            gaps[0],
            excerpt="\n  ".join(gaps[1:]) or None,
            why="--strict allows no gap",
            hint="the report lists what is not compared",
        )
