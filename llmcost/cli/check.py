"""``llmcost check``: the gate for CI."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmcost.cli import options as opt
from llmcost.cli.diagnostics import warn
from llmcost.cli.groups import Logs, Shown, Span, grouped
from llmcost.cli.ingest import check_strict
from llmcost.cli.options import command_app
from llmcost.errors import GateError, StrictGapError, UsageError

if TYPE_CHECKING:
    from datetime import date

    from llmcost.ingest.run import IngestSummary
    from llmcost.results.budget.check_model import Check
    from llmcost.results.scenario import BoundScenario

COMMAND = command_app()


class BasisChoice(StrEnum):
    """How a month is made of the log."""

    AUTO = "auto"
    RUN_RATE = "run-rate"
    FORECAST = "forecast"


@COMMAND.command()
@grouped
def check(
    *,
    budget: Annotated[
        Path, typer.Option("--budget", "-b", metavar="FILE", help="The budget file (llmcost init writes one).")
    ] = Path("budget.toml"),
    scenario: Annotated[
        Path | None,
        typer.Option(
            "--scenario", "-s", metavar="FILE", help="The proposed change: a scenario file with one scenario."
        ),
    ] = None,
    preset: Annotated[
        str | None, typer.Option("--preset", metavar="NAME", help="The proposed change: a ready-made scenario.")
    ] = None,
    growth: Annotated[
        str | None, typer.Option("--growth", metavar="FACTOR", help="Traffic after the change, as a factor: 1.5.")
    ] = None,
    prompt: Annotated[
        list[str] | None,
        typer.Option(
            "--prompt",
            metavar="OLD=F,NEW=F",
            help="A prompt or tool file before and after (and FEATURE=name); repeatable.",
        ),
    ] = None,
    changed: Annotated[
        list[Path] | None,
        typer.Option(
            "--changed", metavar="FILE", help="A prompt or tool file that differs from --base-ref; repeatable."
        ),
    ] = None,
    base_ref: Annotated[
        str, typer.Option("--base-ref", metavar="REF", help="The git commit or branch that --changed is compared with.")
    ] = "HEAD",
    feature: Annotated[
        str | None,
        typer.Option(
            "--feature", metavar="NAME", help="The feature whose calls carry the changed prompts; else all calls do."
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            metavar="BASE.json",
            help="A saved check or simulation (--format json): only what is new since blocks.",
        ),
    ] = None,
    against_scenario: Annotated[
        str | None,
        typer.Option(
            "--against-scenario",
            metavar="NAME",
            show_default="the log as it was",
            help="The scenario of a saved simulation that counts.",
        ),
    ] = None,
    basis: Annotated[
        BasisChoice,
        typer.Option("--basis", help="A month is the log's pace, a forecast, or (auto) a forecast where days suffice."),
    ] = BasisChoice.AUTO,
    span: Span,
    timezone: opt.TimezoneOption = "UTC",
    month_days: opt.MonthDaysOption = "30.4375",
    extrapolate: opt.ExtrapolateOption = False,
    prices_on: Annotated[
        str | None, typer.Option("--prices-on", metavar="DATE", help="The proposed change: this day's rates.")
    ] = None,
    seed: opt.SeedOption = 0,
    tag: Annotated[
        str, typer.Option("--tag", metavar="NAME", help="Tells several comments of one pull request apart.")
    ] = "check",
    logs: Logs,
    shown: Shown,
    strict: opt.StrictOption = False,
) -> None:
    """Hold what a month would cost to a budget file.

    Projects the logs, as they are or after a proposed change, and exits with 1 when a limit would be passed that was not
    passed before; with 4 when no limit could be evaluated. The report comes first.
    """
    zone = opt.zone_of(timezone)
    first, last = span.instants(zone)
    days = opt.positive(month_days, "--month-days")
    formats = shown.formats()
    logs.spare(*(changed or ()), scenario, budget, against)

    from llmcost import api
    from llmcost.results.options import ReplayOptions
    from llmcost.results.outcome import outcome

    day = opt.day_of(prices_on, "--prices-on") if prices_on else None
    file = api.load_budgets(budget)
    change = _change(scenario, preset, growth, prompt or [], changed or [], base_ref, feature, day)
    choice = ReplayOptions(
        now=opt.now(), since=first, until=last, where=span.where, timezone=timezone, month_days=days, extrapolate=extrapolate,
        dimensions=(), seed=seed, title=shown.title,
    )  # fmt: skip
    found, accounts = logs.ask(
        api.check,
        choice,
        budget=file,
        change=change,
        against=against,
        against_scenario=against_scenario,
        basis=basis.value,
    )
    found = found.model_copy(update={"budget_file": budget.name})
    shown.write(formats, outcome(found), quiet=logs.quiet, tag=tag)
    _decide(found, accounts, strict=strict)


def _change(
    scenario: Path | None, preset: str | None, growth: str | None, prompts: list[str], changed: list[Path], base_ref: str,
    feature: str | None, day: date | None,
) -> BoundScenario | None:  # fmt: skip
    from llmcost import api
    from llmcost.results.budget.change import changed_file, prompt_of, proposed

    if feature is not None and not (prompts or changed):
        raise UsageError(
            "names the calls of a changed prompt, and none is given",
            where="--feature",
            hint="--prompt or --changed gives one; --where selects calls",
        )
    given = (
        api.scenarios_of([scenario] if scenario else [], [preset] if preset else [], day) if scenario or preset else []
    )
    texts = [prompt_of(text, feature) for text in prompts] + [changed_file(path, base_ref, feature) for path in changed]
    return proposed(given or [], texts, opt.positive(growth, "--growth") if growth else None, day)


def _decide(found: Check, accounts: list[IngestSummary], *, strict: bool) -> None:
    """The exit code, after the report: the gate's no first, then what could not be judged, then gaps."""
    if found.verdict == "FAIL":
        raise GateError(found.reason, hint="the report has every limit; the budget file sets them")
    if found.verdict == "NOT-EVALUATED":
        raise StrictGapError(
            found.reason,
            why="a check that judged nothing is no pass",
            hint="the report says what is missing for each limit",
        )
    if strict:
        for account in accounts:
            check_strict(account)
        unjudged = [line for line in found.findings if line.state == "not evaluated"]
        gaps = [*found.gaps, *(f"{line.limit} could not be evaluated: {line.reason}" for line in unjudged)]
        if gaps:
            raise StrictGapError(
                gaps[0],
                excerpt="\n  ".join(gaps[1:]) or None,
                why="--strict allows no gap",
                hint="the report lists every gap",
            )
    if found.verdict == "WARN":
        warn(found.reason)
