"""``llmcost reconcile``: what the log costs at list prices beside what was billed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from llmcost.cli import options as opt
from llmcost.cli.groups import Logs, Shown, Span, grouped
from llmcost.cli.ingest import check_strict
from llmcost.cli.options import command_app
from llmcost.errors import GateError, StrictGapError, UsageError
from llmcost.money import decimal_of

if TYPE_CHECKING:
    from llmcost.results.reconcile.model import Reconciliation

COMMAND = command_app()


@COMMAND.command()
@grouped
def reconcile(
    *,
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
    span: Span,
    timezone: opt.TimezoneOption = "UTC",
    primary: opt.PrimaryOption = "requests",
    logs: Logs,
    shown: Shown,
    strict: opt.StrictOption = False,
) -> None:
    """Hold list prices against the bill: gaps and their causes.

    PATHs are logs or usage exports together with bills (cost exports); a gateway's log that records its own charges needs
    no bill. Without PATHs it covers the store. Exits with 1 when the gap is over the threshold.
    """
    zone = opt.zone_of(timezone)
    first, last = span.instants(zone)
    limit, rates = opt.share_of(threshold, "--threshold"), rates_of(rate or [])
    formats = shown.formats()
    logs.spare()

    from llmcost import api
    from llmcost.results.options import ReplayOptions
    from llmcost.results.outcome import outcome

    choice = ReplayOptions(
        now=opt.now(), since=first, until=last, where=span.where, timezone=timezone, title=shown.title,
        primary=opt.primary_of(primary),
    )  # fmt: skip
    found, accounts = logs.ask(api.reconcile, choice, "reconciling", rates=rates, threshold=limit)
    shown.write(formats, outcome(found), quiet=logs.quiet)
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
