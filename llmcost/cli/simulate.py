"""``llmcost simulate``: what the log would have cost under other strategies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmcost.cli import options as opt
from llmcost.cli.diagnostics import say
from llmcost.cli.ingest import check_strict, options_of, tell
from llmcost.cli.options import OnProblem, Owners, command_app
from llmcost.cli.output import chosen, spare, write
from llmcost.cli.progress import reading
from llmcost.config import DEFAULT_STORE
from llmcost.errors import StrictGapError

if TYPE_CHECKING:
    from llmcost.ingest.run import IngestSummary
    from llmcost.results.model import Result

COMMAND = command_app()


@COMMAND.command()
def simulate(
    paths: opt.PathsArgument = None,
    scenario: Annotated[
        list[Path] | None,
        typer.Option("--scenario", "-s", metavar="FILE", help="A scenario file (llmcost init writes one); repeatable."),
    ] = None,
    preset: Annotated[
        list[str] | None,
        typer.Option("--preset", metavar="NAME", help="A ready-made scenario (llmcost strategies); repeatable."),
    ] = None,
    store: opt.StoreOption = None,
    since: opt.SinceOption = None,
    until: opt.UntilOption = None,
    month: opt.MonthOption = None,
    where: opt.WhereOption = None,
    timezone: opt.TimezoneOption = "UTC",
    month_days: opt.MonthDaysOption = "30.4375",
    extrapolate: opt.ExtrapolateOption = False,
    by: opt.ByOption = None,
    format: opt.FormatOption = None,
    out: opt.OutOption = None,
    prices: opt.PricesOption = None,
    primary: opt.PrimaryOption = "requests",
    gpus: opt.GpusOption = None,
    prices_on: Annotated[
        str | None,
        typer.Option(
            "--prices-on", metavar="DATE", help="Price scenarios at this day's rates, not each request's own day's."
        ),
    ] = None,
    baseline_on: Annotated[
        str | None,
        typer.Option(
            "--baseline-on", metavar="DATE", help="Price the log itself at this day's rates too: both sides at one day."
        ),
    ] = None,
    seed: opt.SeedOption = 0,
    source: opt.SourceOption = None,
    mapping: opt.MappingOption = None,
    on_problem: opt.OnProblemOption = OnProblem.KEEP,
    owners: opt.OwnersOption = Owners.KEEP,
    memory_limit: opt.MemoryOption = None,
    title: opt.TitleOption = "",
    strict: opt.StrictOption = False,
    quiet: opt.QuietOption = False,
) -> None:
    """Replay logs under strategies: what each would have saved.

    With PATHs these are read into a temporary store (or into --store) and only they are charged; without, everything
    in the store is. Without a scenario or preset, a ready-made scenario of every strategy is tried.
    """
    zone = opt.zone_of(timezone)
    first, last = opt.span_of(since, until, month, zone)
    days = opt.positive(month_days, "--month-days")
    formats = chosen(format, out)
    spare(
        *(paths or ()),
        *(scenario or ()),
        *(prices or ()),
        *(gpus or ()),
        mapping,
        store or (None if paths else DEFAULT_STORE),
    )

    from llmcost import api
    from llmcost.results.options import ReplayOptions
    from llmcost.results.outcome import outcome

    day = opt.day_of(prices_on, "--prices-on") if prices_on else None
    rebased = opt.day_of(baseline_on, "--baseline-on") if baseline_on else None
    scenarios = api.scenarios_of(scenario or [], preset or [], day, gpus or ())
    choice = ReplayOptions(
        now=opt.now(), since=first, until=last, where=where, timezone=timezone, month_days=days,
        extrapolate=extrapolate, dimensions=tuple(dict.fromkeys(by or ["feature"])), seed=seed, title=title, primary=opt.primary_of(primary),
        baseline_on=rebased, what_if="html" in formats,
    )  # fmt: skip
    accounts: list[IngestSummary] = []
    with reading(quiet=quiet) as progress:

        def ingested(account: IngestSummary) -> None:
            accounts.append(account)
            if progress:
                progress("replaying", 0, None)

        result = api.simulate(
            *(paths or ()),
            scenarios=scenarios,
            store=store or (None if paths else Path(DEFAULT_STORE)),
            prices=prices or (),
            options=choice,
            reading=options_of(source, mapping, on_problem, owners),
            memory_limit=opt.memory(memory_limit),
            progress=progress,
            ingested=ingested,
        )
    for account in accounts:
        tell(account, quiet=quiet)
    result = result if scenario or preset else _only_effective(result, quiet=quiet)
    write(formats, outcome(result), out, title, quiet=quiet)
    if strict:
        for account in accounts:
            check_strict(account)
        check_result(result)


def _only_effective(result: Result, *, quiet: bool) -> Result:
    """Of scenarios that nobody asked for, those that change anything; the others are named on stderr."""
    idle = [s.name for s in result.scenarios if not any(step.requests_changed for step in s.steps) and not s.saving_usd]
    if not idle:
        return result
    say(f"nothing in this log for: {', '.join(idle)} (see llmcost strategies)", quiet=quiet)
    kept = [s for s in result.scenarios if s.name not in idle]
    return result.model_copy(update={"scenarios": kept})


def check_result(result: Result) -> None:
    """StrictGapError naming every gap of a result."""
    coverage = result.coverage
    gaps = []
    if coverage.unpriced:
        worst = coverage.unpriced[0]
        missing = coverage.requests - coverage.priced_requests
        what = f"{missing:,} of {coverage.requests:,} requests have" if missing else "usage buckets have"
        gaps.append(f"{what} no price ({worst.provider}/{worst.model}: {worst.reason} ..)")
    if coverage.rejected:
        gaps.append(f"{coverage.rejected:,} of {coverage.records_read:,} records were rejected")
    gaps += [
        f"scenario {s.name!r}: {s.not_comparable.requests:,} requests are not comparable"
        for s in result.scenarios
        if s.not_comparable.requests
    ]
    if gaps:
        raise StrictGapError(
            gaps[0],
            excerpt="\n  ".join(gaps[1:]) or None,
            why="--strict allows no gap",
            hint="--prices FILE gives a model a price of your own; the report lists every gap",
        )
