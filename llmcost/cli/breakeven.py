"""``llmcost breakeven``: at which volume, price and use a strategy pays."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from llmcost.cli import options as opt
from llmcost.cli.groups import Logs, Shown, Span, grouped
from llmcost.cli.options import command_app
from llmcost.errors import UsageError

COMMAND = command_app()
_SHORT = {"cache": "prompt-cache"}
"""Names that users say -> names of strategies."""


@COMMAND.command()
@grouped
def breakeven(
    *,
    strategy: Annotated[
        str,
        typer.Argument(
            metavar="STRATEGY", help="self-host, fine-tune, commitment, batch, cache or any other strategy."
        ),
    ],
    scenario: Annotated[
        Path | None,
        typer.Option(
            "--scenario",
            "-s",
            metavar="FILE",
            help="A scenario file with a step of this strategy; steps before it hold for both sides.",
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A parameter of the strategy, as in a scenario file; repeatable."
        ),
    ] = None,
    span: Span,
    timezone: opt.TimezoneOption = "UTC",
    month_days: opt.MonthDaysOption = "30.4375",
    gpus: opt.GpusOption = None,
    prices_on: Annotated[
        str | None, typer.Option("--prices-on", metavar="DATE", help="Price both sides at this day's rates.")
    ] = None,
    seed: opt.SeedOption = 0,
    tokens_per_second: Annotated[
        str | None,
        typer.Option(
            "--tokens-per-second", metavar="NUMBER", help="Without a log: tokens that the cluster puts through."
        ),
    ] = None,
    usd_per_hour: Annotated[
        list[str] | None,
        typer.Option("--usd-per-hour", metavar="USD", help="Without a log: what it costs an hour; repeatable."),
    ] = None,
    api_usd_per_mtok: Annotated[
        list[str] | None,
        typer.Option(
            "--api-usd-per-mtok", metavar="USD", help="Without a log: the API's price per million tokens; repeatable."
        ),
    ] = None,
    mtok_per_day: Annotated[
        str | None, typer.Option("--mtok-per-day", metavar="NUMBER", help="Without a log: million tokens a day.")
    ] = None,
    lengths: Annotated[
        str, typer.Option("--lengths", metavar="IN/OUT", help="Without a log: tokens of a request (--set model=..).")
    ] = "1000/1000",
    logs: Logs,
    shown: Shown,
) -> None:
    """Show when a strategy pays, and what decides it.

    The log is replayed at many volumes with the strategy and without. Its parameters come from --scenario, else from its
    ready-made scenario; --set changes them. self-host also answers without a log, from --api-usd-per-mtok and either
    --tokens-per-second with --usd-per-hour, or a measured model (--set model=Llama-3.3-70B).
    """
    zone = opt.zone_of(timezone)
    first, last = span.instants(zone)
    days = opt.positive(month_days, "--month-days")
    formats = shown.formats()
    logs.spare(scenario, *(gpus or ()))

    if api_usd_per_mtok or tokens_per_second or usd_per_hour or mtok_per_day:
        _without_log(strategy, logs.paths, scenario)
        from llmcost.cli._limit import limit
        from llmcost.results.outcome import outcome

        found_limit = limit(
            parameters_of(set_ or []), tokens_per_second, usd_per_hour or (), api_usd_per_mtok or (), mtok_per_day, lengths, days,
            gpus or (), shown.title,
        )  # fmt: skip
        shown.write(formats, outcome(found_limit), quiet=logs.quiet)
        return

    from llmcost import api
    from llmcost.results.options import ReplayOptions
    from llmcost.results.outcome import outcome

    day = opt.day_of(prices_on, "--prices-on") if prices_on else None
    subject = api.subject_of(_SHORT.get(strategy, strategy), parameters_of(set_ or []), scenario, day, gpus or ())
    choice = ReplayOptions(
        now=opt.now(), since=first, until=last, where=span.where, timezone=timezone, month_days=days, extrapolate=True,
        dimensions=(), seed=seed, title=shown.title,
    )  # fmt: skip
    found, _ = logs.ask(api.break_even, choice, subject=subject)
    shown.write(formats, outcome(found), quiet=logs.quiet)


def _without_log(strategy: str, paths: list[str] | None, scenario: Path | None) -> None:
    """UsageError where a question without a log names one, or another strategy."""
    if strategy != "self-host":
        raise UsageError(
            f"{strategy} cannot be judged without a log", hint="name a log, and leave the cluster's numbers out"
        )
    if paths or scenario:
        raise UsageError(
            "a log and the numbers of a cluster are two questions",
            hint="with a log the API's price is the log's own: leave --api-usd-per-mtok and its like out",
        )


def parameters_of(texts: list[str]) -> dict[str, Any]:
    """``name=value`` as TOML has it; a value that is no TOML is text. UsageError for anything else."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise UsageError(f"{text!r} is no NAME=VALUE", where="--set", hint="--set replicas=2 --set gpu=H200")
        try:
            found[name.strip()] = tomllib.loads(f"value = {value}")["value"]
        except (tomllib.TOMLDecodeError, KeyError):
            found[name.strip()] = value.strip()
    return found
