"""Options that several commands share, and how their texts become values."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from llmcost.config import DEFAULT_STORE
from llmcost.errors import UsageError, nearest
from llmcost.money import decimal_of
from llmcost.reports import REPORTS


class OnProblem(StrEnum):
    """What becomes of a record with a problem."""

    KEEP = "keep"
    REJECT = "reject"
    FAIL = "fail"


class Owners(StrEnum):
    """What becomes of user and API key ids."""

    KEEP = "keep"
    HASH = "hash"
    DROP = "drop"


class TextFormat(StrEnum):
    """The forms of commands that print one thing."""

    TEXT = "text"
    JSON = "json"


PathsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH", show_default=False, help="Files, folders, globs, or - for standard input."),
]
StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store", metavar="FILE", show_default=DEFAULT_STORE, help="The DuckDB file that holds what was ingested."
    ),
]
SourceOption = Annotated[
    str | None, typer.Option("--source", metavar="NAME", help="Read every file as this format (llmcost sources).")
]
MappingOption = Annotated[
    Path | None,
    typer.Option("--mapping", metavar="FILE", help="A mapping file for any other CSV, JSONL, JSON or Parquet."),
]
OnProblemOption = Annotated[
    OnProblem,
    typer.Option(
        "--on-problem", help="A row whose counts contradict each other: keep what still prices it, reject it, or fail."
    ),
]
OwnersOption = Annotated[Owners, typer.Option("--owners", help="User and API key ids: keep, hash or drop them.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no remarks on stderr.")]
StrictOption = Annotated[
    bool,
    typer.Option("--strict", help="Exit with 4 when anything is left out: rejects, unknown files, missing prices."),
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="First day or instant that is charged (2026-10-01 or RFC 3339)."),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="WHEN", help="First day or instant that is not charged any more.")
]
MonthOption = Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="Charge one calendar month.")]
WhereOption = Annotated[
    str | None,
    typer.Option("--where", metavar="SQL", help="Charge only rows for which this condition over usage columns holds."),
]
TimezoneOption = Annotated[
    str, typer.Option("--timezone", metavar="ZONE", help="Where days and months begin, e.g. Europe/Berlin.")
]
MonthDaysOption = Annotated[
    str, typer.Option("--month-days", metavar="DAYS", help="Days of the month that costs are scaled to.")
]
ExtrapolateOption = Annotated[
    bool, typer.Option("--extrapolate", help="Scale to a month even from less than 24 hours.")
]
ByOption = Annotated[
    list[str] | None,
    typer.Option(
        "--by", metavar="COLUMN", show_default="feature", help="Break costs down by this column too; repeatable."
    ),
]
FormatOption = Annotated[
    list[str] | None,
    typer.Option(
        "--format", "-f", metavar="FORMAT", show_default="terminal", help=f"{', '.join(REPORTS.names())}; repeatable."
    ),
]
OutOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--out", "-o", metavar="PATH", help="File to write (repeatable, by suffix), or folder for several formats."
    ),
]
PrimaryOption = Annotated[
    str,
    typer.Option(
        "--primary",
        metavar="WHICH",
        help="What is charged where several tell of the same traffic: requests, buckets, or a source (llmcost sources).",
    ),
]
PricesOption = Annotated[
    list[Path] | None,
    typer.Option("--prices", metavar="FILE", help="A price file of your own on top of the shipped ones; repeatable."),
]
GpusOption = Annotated[
    list[Path] | None,
    typer.Option("--gpus", metavar="FILE", help="Your own GPU prices or measurements (TOML); repeatable."),
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, metavar="NUMBER", help="Seed of all draws: the same seed gives the same bytes.")
]
MemoryOption = Annotated[
    str | None,
    typer.Option(
        "--memory-limit",
        metavar="SIZE",
        show_default="70%",
        help="Memory for the engine, e.g. 4GB; beyond it, it spills.",
    ),
]
TitleOption = Annotated[str, typer.Option("--title", metavar="TEXT", help="Title of the report.")]
TextFormatOption = Annotated[TextFormat, typer.Option("--format", "-f", help="Text to read, or JSON.")]

MICROSECONDS: Final = 1_000_000
_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")
_MEMORY: Final = re.compile(r"\d+(\.\d+)?\s?([KMGT]i?B|%)", re.IGNORECASE)


def command_app(**settings: Any) -> typer.Typer:
    """A command's Typer with the settings that all commands share."""
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        **settings,
    )


def zone_of(name: str) -> tzinfo:
    """The time zone called ``name``; UsageError for an unknown one."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"there is no time zone {name!r}", where="--timezone", hint="use a name like Europe/Berlin or UTC"
        ) from error


def instant_of(text: str, option: str, zone: tzinfo = UTC) -> int:
    """A day (its midnight in ``zone``) or an RFC 3339 instant, as microseconds since 1970."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is neither a day nor an instant", where=option, hint="2026-10-01 or 2026-10-01T08:00:00Z"
        ) from error
    return _micros(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def _micros(moment: datetime) -> int:
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * MICROSECONDS + delta.microseconds


def month_of(text: str, zone: tzinfo = UTC) -> tuple[int, int]:
    """First instant of a month ``YYYY-MM`` in ``zone``, and first instant after it."""
    match = _MONTH.fullmatch(text)
    if not match or not 1 <= int(match[2]) <= 12 or not date.min.year <= int(match[1]) < date.max.year:
        raise UsageError(f"{text!r} is no month", where="--month", hint="write it as 2026-10")
    year, month = int(match[1]), int(match[2])
    first = datetime(year, month, 1, tzinfo=zone)
    last = datetime(year, month, calendar.monthrange(year, month)[1], tzinfo=zone)
    following = datetime.fromordinal(last.toordinal() + 1).replace(tzinfo=zone)
    return _micros(first), _micros(following)


_FIRST_INSTANT: Final = 1_420_000_000_000_000
_LAST_INSTANT: Final = 4_102_531_200_000_000
"""The ends of what a row's time may be, and a day for zones: every hour of a period is looked at by what is billed by hours."""


def span_of(
    since: str | None, until: str | None, month: str | None, zone: tzinfo = UTC
) -> tuple[int | None, int | None]:
    """The span that ``--since``, ``--until`` and ``--month`` name: first instant, and first instant behind it."""
    if month is not None:
        if since is not None or until is not None:
            raise UsageError(
                "it already says what --since and --until would", where="--month", hint="give the one or the others"
            )
        return month_of(month, zone)
    first = instant_of(since, "--since", zone) if since is not None else None
    last = instant_of(until, "--until", zone) if until is not None else None
    for told, at, option in ((since, first, "--since"), (until, last, "--until")):
        if at is not None and not _FIRST_INSTANT <= at <= _LAST_INSTANT:
            raise UsageError(
                f"{told} is outside 2015 to 2099", where=option, hint="no log is from there; leave it out for no limit"
            )
    if first is not None and last is not None and last <= first:
        raise UsageError(
            f"{until} is not after {since}", where="--until", hint="--until names the first day that is left out"
        )
    return first, last


def day_of(text: str, option: str) -> date:
    """A calendar day."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no day", where=option, hint="write it as 2026-10-01") from error


def positive(text: str, option: str) -> Decimal:
    """A positive number, exactly."""
    try:
        value = decimal_of(text)
    except ValueError as error:
        raise UsageError(str(error), where=option, hint="write a number like 30.4375") from error
    if value <= 0:
        raise UsageError(f"{text} is not above zero", where=option, hint="write a number like 30.4375")
    return value


def primary_of(text: str) -> str:
    """``requests``, ``buckets`` or the name of a source; UsageError with the nearest for anything else."""
    from llmcost.sources import SOURCES

    known = ("requests", "buckets", *SOURCES.names())
    if text not in known:
        raise UsageError(f"{text!r} is neither a grain nor a source", where="--primary", hint=nearest(text, known))
    return text


def share_of(text: str, option: str) -> Decimal:
    """A share, written ``5%`` or ``0.05``, exactly; not below zero."""
    number = text.strip()
    try:
        value = decimal_of(number.removesuffix("%").strip())
    except ValueError as error:
        raise UsageError(str(error), where=option, hint="write a share like 5% or 0.05") from error
    if value < 0:
        raise UsageError(f"{text} is below zero", where=option, hint="write a share like 5% or 0.05")
    return value / 100 if number.endswith("%") else value


def growth_of(text: str, option: str) -> Decimal:
    """A change, written ``5%``, ``-3%`` or ``0.05``, exactly; it cannot take away all there is."""
    number = text.strip()
    sign = -1 if number.startswith("-") else 1
    value = sign * share_of(number.lstrip("+-"), option)
    if not -1 < value <= 10:
        raise UsageError(f"{text} is no growth a month", where=option, hint="write it as 5%, -3% or 0.05")
    return value


def memory(text: str | None) -> str:
    """DuckDB's memory limit; 70 % of what there is when the user does not say."""
    from llmcost.config import default_memory_limit, memory_available

    if text is None:
        return f"{default_memory_limit()}B"
    if not _MEMORY.fullmatch(text.strip()):
        raise UsageError(f"{text!r} is no amount of memory", where="--memory-limit", hint="write it as 4GB or 50%")
    if text.strip().endswith("%"):
        return f"{int(memory_available() * decimal_of(text.strip()[:-1].strip()) / 100)}B"
    return text.strip()


def budget_of(text: str | None) -> tuple[Decimal | None, Path | None]:
    """An amount, or the file that holds budgets."""
    if text is None:
        return None, None
    try:
        amount = decimal_of(text.strip().removeprefix("$").replace(",", ""))
    except ValueError:
        return None, Path(text)
    if amount <= 0:
        raise UsageError(f"{text} is not above zero", where="--budget", hint="write the dollars of a month: 5000")
    return amount, None


def now() -> int:
    """This instant in microseconds: what "today's prices" means in this run."""
    return _micros(datetime.now(UTC))
