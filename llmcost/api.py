"""The Python interface: what the command line does, as functions. ``import llmcost`` reaches them without loading them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Unpack

from llmcost.errors import UsageError
from llmcost.ingest.run import IngestOptions, IngestSummary, Progress, ingest
from llmcost.pricing.catalogue import Catalogue, load
from llmcost.reports import REPORTS, Options
from llmcost.results.logs import Logs, now, opened_logs, opened_store
from llmcost.results.model import Result
from llmcost.results.options import ReplayOptions
from llmcost.results.outcome import Model, outcome
from llmcost.results.period import require_rows
from llmcost.results.replay import replay
from llmcost.results.scenario import BoundScenario, BoundStep, bind, preset, presets, read, with_gpus
from llmcost.strategies import STRATEGIES
from llmcost.usage.store import Store

if TYPE_CHECKING:  # each is loaded by the function that needs it: together they cost as much as a small replay
    from llmcost.results.breakeven.model import BreakEven
    from llmcost.results.breakeven.quick import Asked
    from llmcost.results.breakeven.run import Subject
    from llmcost.results.budget.check_model import BasisWish, Check
    from llmcost.results.budget.file import BudgetFile
    from llmcost.results.budget.status_model import BudgetStatus
    from llmcost.results.compare import Comparison, compare
    from llmcost.results.focus.columns import Version
    from llmcost.results.focus.export import Focused
    from llmcost.results.focus.query import Grain
    from llmcost.results.forecast.model import Forecast
    from llmcost.results.forecast.outlook import ForecastOptions, forecast_of
    from llmcost.results.monthly.model import Monthly
    from llmcost.results.monthly.showback import Shared
    from llmcost.results.reconcile.model import Reconciliation
    from llmcost.results.saved import load_base, load_check, load_result

__all__ = [
    "BoundScenario",
    "BreakEven",
    "BudgetFile",
    "BudgetStatus",
    "Catalogue",
    "Check",
    "Comparison",
    "Forecast",
    "ForecastOptions",
    "IngestOptions",
    "IngestSummary",
    "Logs",
    "Monthly",
    "Reconciliation",
    "ReplayOptions",
    "Result",
    "Shared",
    "Store",
    "Subject",
    "break_even",
    "budget_status",
    "check",
    "compare",
    "export_focus",
    "forecast",
    "forecast_of",
    "ingest_files",
    "load_base", "load_budgets", "load_check", "load_prices",
    "load_result",
    "reconcile",
    "render",
    "report",
    "scenarios_of",
    "simulate",
    "starters",
    "subject_of",
]  # fmt: skip

_ELSEWHERE: Final = {
    "BreakEven": "breakeven.model", "BudgetFile": "budget.file", "BudgetStatus": "budget.status",
    "Check": "budget.check_model", "Comparison": "compare", "Forecast": "forecast.model",
    "ForecastOptions": "forecast.outlook", "Monthly": "monthly.model", "Reconciliation": "reconcile.model",
    "Shared": "monthly.showback", "Subject": "breakeven.run", "compare": "compare", "forecast_of": "forecast.outlook",
    "load_base": "saved", "load_check": "saved", "load_result": "saved",
}  # fmt: skip
"""Public names that are loaded when they are used, and the module of :mod:`llmcost.results` that each is of."""

if not TYPE_CHECKING:  # a type checker is to see the names above and no others

    def __getattr__(name: str) -> Any:
        if name not in _ELSEWHERE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"llmcost.results.{_ELSEWHERE[name]}"), name)
        globals()[name] = value
        return value


def load_prices(*overlays: Path | str) -> Catalogue:
    """The dated price catalogue, with price files of your own on top."""
    return load([Path(path) for path in overlays], now=now())


def ingest_files(
    store: Store | Path | str,
    *paths: Path | str,
    options: IngestOptions | None = None,
    progress: Progress | None = None,
) -> IngestSummary:
    """Reads files, folders or globs into a store, all or nothing; see :func:`llmcost.ingest.run.ingest`."""
    with opened_store(store) as opened:
        return ingest(opened, [str(path) for path in paths], options, progress)


def simulate(
    *paths: Path | str,
    scenarios: Sequence[BoundScenario] | None = None,
    **logs: Unpack[Logs],
) -> Result:
    """Replays logs under scenarios (None: a ready-made one of every strategy).

    ``paths`` are ingested first, into a temporary store unless ``store`` is given, and only they are charged; without
    paths everything in ``store`` is. The rest that can be given: :class:`Logs`.
    """
    with opened_logs("simulate", paths, **logs) as (opened, catalogue, narrowed):
        chosen = starters() if scenarios is None else scenarios
        on = narrowed.prices_on or _shared_day(chosen) or narrowed.baseline_on
        result = _replaying(narrowed)(opened, catalogue, chosen, replace(narrowed, prices_on=on))
        require_rows(opened, result.baseline.rows, narrowed)
        return result


def _replaying(options: ReplayOptions) -> Callable[[Store, Catalogue, Sequence[BoundScenario], ReplayOptions], Result]:
    """What replays under such options; levers are loaded where they are wanted."""
    if not options.what_if:
        return replay
    from llmcost.results.whatif.run import replay as replay_with_levers

    return replay_with_levers


def export_focus(
    out: Path | str,
    *paths: Path | str,
    version: Version = "1.2",
    grain: Grain = "request",
    **logs: Unpack[Logs],
) -> Focused:
    """Writes what logs cost as a FOCUS dataset: a row for each request, hour or day and charge class.

    ``out`` ends in ``.csv``, ``.csv.gz``, ``.csv.zst`` or ``.parquet``. Logs are given as to :func:`simulate`.
    """
    from llmcost.results.focus.export import export_focus as run

    with opened_logs("export", paths, **logs) as (opened, catalogue, narrowed):
        return run(opened, catalogue, narrowed, Path(out), version=version, grain=grain)


def reconcile(
    *paths: Path | str,
    rates: Mapping[str, Decimal] | None = None,
    threshold: Decimal | None = None,
    **logs: Unpack[Logs],
) -> Reconciliation:
    """What logs cost at list prices beside what was billed: bills among ``paths`` or in the store, and charges in the logs.

    ``rates`` gives the dollars for one unit of other currencies; ``threshold`` (0.05) is the share of the billed amount
    that the gap may have. ``paths`` and the rest are those of :func:`simulate`.
    """
    from llmcost.results.reconcile.run import THRESHOLD, ReconcileOptions
    from llmcost.results.reconcile.run import reconcile as run

    wanted = ReconcileOptions(dict(rates or {}), THRESHOLD if threshold is None else threshold)
    with opened_logs("reconcile", paths, **logs) as (opened, catalogue, narrowed):
        return run(opened, catalogue, narrowed, wanted)


def report(
    *paths: Path | str,
    month: str | None = None,
    by: Sequence[str] = (),
    tags: Sequence[str] = (),
    budgets: Mapping[str, Decimal] | None = None,
    budget_file: Path | str | None = None,
    showback: Sequence[str] = (),
    shared: Sequence[Shared] = (),
    scenarios: Sequence[BoundScenario] | None = None,
    ahead: bool = True,
    **logs: Unpack[Logs],
) -> Monthly:
    """The monthly report: ``month`` (YYYY-MM; None: the last one of the log) against the one before, and budgets.

    ``budgets`` are dollars for the whole month by name, ``budget_file`` has those of owners (``llmcost schema budget``).

    ``by`` and ``tags`` add dimensions, ``showback`` names who pays, ``shared`` how shared costs are given out, ``scenarios``
    what is tried (None: the ready-made, empty: nothing), ``ahead`` whether the coming days are forecast. ``paths`` and the rest are those of :func:`simulate`.
    """
    from llmcost.results.budget.file import read_budgets
    from llmcost.results.monthly.run import MonthlyOptions, last_month
    from llmcost.results.monthly.run import monthly as run

    limits = read_budgets(Path(budget_file)) if budget_file is not None else None
    with opened_logs("report", paths, **logs) as (opened, catalogue, narrowed):
        wanted = MonthlyOptions(
            month or last_month(opened, narrowed), tuple(tags), tuple(by), dict(budgets or {}),
            limits.budgets().budgets if limits is not None and limits.budget else (),
            "UTC" if limits is None else limits.timezone,
            tuple(showback), tuple(shared), ahead,
        )  # fmt: skip
        return run(opened, catalogue, narrowed, wanted, starters() if scenarios is None else scenarios)


def forecast(
    *paths: Path | str,
    wanted: ForecastOptions | None = None,
    budget_file: BudgetFile | Path | str | None = None,
    **logs: Unpack[Logs],
) -> Forecast:
    """What logs will cost if they go on, with a band from the errors of forecasts made at their own earlier days.

    ``budget_file`` has monthly budgets of owners: each is forecast by itself, and told when it is spent. Logs are given as
    to :func:`simulate`. A daily series of your own: :func:`forecast_of`.
    """
    from llmcost.results.budget.breach import with_budgets
    from llmcost.results.forecast.outlook import ForecastOptions
    from llmcost.results.forecast.run import forecast as run

    asked = wanted or ForecastOptions()
    file = load_budgets(budget_file) if isinstance(budget_file, Path | str) else budget_file
    with opened_logs("forecast", paths, **logs) as (opened, catalogue, narrowed):
        found = run(opened, catalogue, narrowed, asked)
        return found if file is None else with_budgets(found, opened, catalogue, narrowed, asked, file)


def check(
    *paths: Path | str,
    budget: BudgetFile | Path | str,
    change: BoundScenario | None = None,
    against: Path | str | None = None,
    against_scenario: str | None = None,
    basis: BasisWish = "auto",
    **logs: Unpack[Logs],
) -> Check:
    """What logs cost a month, as they are and after ``change``, held to a budget file (see :func:`load_budgets`).

    ``against`` is a check or a simulation that was saved as JSON: then only what is new since then blocks; of a simulation it
    is the log as it was, or what ``against_scenario`` names. ``basis`` says how a month is made of the log: its pace, the
    forecast, or whichever its history allows. The rest is as in :func:`simulate`.
    """
    from llmcost.results.budget.base import base_of
    from llmcost.results.budget.file import BudgetFile
    from llmcost.results.budget.gate import CheckOptions
    from llmcost.results.budget.gate import check as run
    from llmcost.results.saved import load_base

    file, name = (
        (budget, "budget file") if isinstance(budget, BudgetFile) else (load_budgets(budget), Path(budget).name)
    )
    base = None
    if against is not None:
        base = base_of(load_base(against), Path(against).name, against_scenario)
    elif against_scenario is not None:
        raise UsageError("names a scenario of a saved simulation, and none is given", where="--against-scenario", hint="--against FILE")  # fmt: skip
    wanted = CheckOptions(file, name, change, base, basis)
    with opened_logs("check", paths, **logs) as (opened, catalogue, narrowed):
        return run(opened, catalogue, replace(narrowed, prices_on=change.prices_on if change else None), wanted)


def budget_status(
    *paths: Path | str,
    budget: BudgetFile | Path | str,
    name: str = "budget file",
    **logs: Unpack[Logs],
) -> BudgetStatus:
    """What is spent of every budget of a file, how fast, and which windows were passed; logs are given as to :func:`simulate`."""
    from llmcost.results.budget.file import BudgetFile
    from llmcost.results.budget.status import status as run

    file = budget if isinstance(budget, BudgetFile) else load_budgets(budget)
    with opened_logs("look at", paths, **logs) as (opened, catalogue, narrowed):
        return run(opened, catalogue, narrowed, file, name)


def load_budgets(path: Path | str) -> BudgetFile:
    """A budget file (TOML); UsageError with the place of whatever is wrong."""
    from llmcost.results.budget.file import read_budgets

    return read_budgets(Path(path))


def break_even(
    *paths: Path | str,
    subject: Subject,
    **logs: Unpack[Logs],
) -> BreakEven:
    """When a strategy pays: ``subject`` (see :func:`subject_of`) replayed over volumes, sizes and what decides it.

    Logs are given as to :func:`simulate`.
    """
    if subject.prices_on is not None:
        # Both sides at that day: the price drift until then is neither side's doing.
        options = logs.get("options") or ReplayOptions(now=now())
        logs["options"] = replace(options, baseline_on=subject.prices_on)
    from llmcost.results.breakeven.run import break_even as run

    with opened_logs("replay", paths, **logs) as (opened, catalogue, narrowed):

        def play(scenarios: Sequence[BoundScenario]) -> Result:
            return simulate(scenarios=scenarios, store=opened, prices=catalogue, options=narrowed)

        def looked(step: BoundStep) -> Asked | None:
            from llmcost.results.breakeven.look import look

            return look(step, opened, catalogue, narrowed)

        return run(subject, play, look=looked)


def subject_of(
    strategy: str,
    parameters: Mapping[str, Any] | None = None,
    file: Path | None = None,
    prices_on: date | None = None,
    gpus: Sequence[Path] = (),
) -> Subject:
    """A strategy to find the break-even of: from a scenario file that has it, its ready-made scenario, or its defaults.

    ``parameters`` change what is found there; the steps before it hold for both sides. ``gpus`` are files of GPU prices and
    measurements.
    """
    from llmcost.results.breakeven.run import Subject

    named = STRATEGIES.load(strategy)
    before: tuple[BoundStep, ...] = ()
    given: dict[str, Any] = {}
    if file is not None:
        found = next((s for s in read(file) if any(step.name == strategy for step in s.steps)), None)
        if found is None:
            raise UsageError(f"no scenario has a step {strategy}", where=str(file))
        place = next(n for n, step in enumerate(found.steps) if step.name == strategy)
        before, prices_on = found.steps[:place], found.prices_on or prices_on
        given = found.steps[place].given
    elif named.presets:
        given = dict(next(iter(named.presets.values()))[1])
    step = with_gpus(bind(strategy, given | dict(parameters or {})), gpus)
    return Subject(step, tuple(with_gpus(each, gpus) for each in before), prices_on)


def _shared_day(scenarios: Sequence[BoundScenario]) -> date | None:
    """The price day that all scenarios name; None where they differ or price each request at its own day."""
    days = {scenario.prices_on for scenario in scenarios}
    return days.pop() if len(days) == 1 else None


def scenarios_of(
    files: Sequence[Path], names: Sequence[str], prices_on: date | None = None, gpus: Sequence[Path] = ()
) -> list[BoundScenario] | None:
    """The scenarios of scenario files and presets, in this order; None where neither is given.

    ``prices_on`` is the price day of scenarios that name none; ``gpus`` are files of GPU prices and measurements.
    """
    if not files and not names and not prices_on and not gpus:
        return None
    if not files and not names:
        found = starters()
    else:
        found = [*(scenario for path in files for scenario in read(path)), *(preset(name) for name in names)]
    known = [scenario.name for scenario in found]
    twice = next((name for name in known if known.count(name) > 1), None)
    if twice:
        raise UsageError(f"two scenarios are called {twice!r}", hint="give each its own name")
    return [
        replace(s, prices_on=s.prices_on or prices_on, steps=tuple(with_gpus(step, gpus) for step in s.steps))
        for s in found
    ]


def starters() -> list[BoundScenario]:
    """For a newcomer: the first ready-made scenario of every strategy that has one."""
    first: dict[str, str] = {}
    for name, (strategy, _, _) in presets().items():
        first.setdefault(strategy, name)
    return [preset(first[name]) for name in STRATEGIES.names() if name in first]


def render(found: Model, name: str = "terminal", options: Options | None = None) -> bytes:
    """A result, a comparison or any other outcome in one format."""
    return REPORTS.load(name).render(outcome(found), options or Options())
