"""``llmcost breakeven self-host`` without a log: clusters from the command line or from what was measured and priced."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, get_args

from llmcost.cli import options as opt
from llmcost.errors import UsageError
from llmcost.money import EXACT, decimal_of, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from llmcost.hosting.schema import Series
    from llmcost.hosting.throughput import Estimate
    from llmcost.results.gpu_limit import Cluster, GpuLimit
    from llmcost.results.model import Assumption

KNOWN: Final = frozenset(
    {"model", "gpu", "precision", "provider", "region", "tier", "utilisation", "staff_usd_per_month"}
)
"""Parameters of ``self-host`` that mean something without a log."""
_LEAST, _MOST = Decimal("1e-12"), Decimal("1e18")


def limit(
    given: Mapping[str, Any],
    tokens_per_second: str | None,
    usd_per_hour: Sequence[str],
    api_usd_per_mtok: Sequence[str],
    mtok_per_day: str | None,
    lengths: str,
    month_days: Decimal,
    gpus: Sequence[Path],
    title: str,
) -> GpuLimit:
    """The answer; UsageError where a number is missing."""
    from llmcost.results.gpu_limit import Question, gpu_limit

    unknown = sorted(given.keys() - KNOWN)
    if unknown:
        raise UsageError(
            f"{unknown[0]} means nothing without a log", where="--set", hint=f"known here: {', '.join(sorted(KNOWN))}"
        )
    ranged = next((name for name, value in given.items() if isinstance(value, dict)), None)
    if ranged is not None:
        raise UsageError(
            f"{ranged} is a range, and without a log nothing is replayed",
            where="--set",
            hint="give a number, or name a log",
        )
    if not api_usd_per_mtok:
        raise UsageError("without a log the API's price is needed", hint="--api-usd-per-mtok 0.90, or name a log")
    question = Question(
        [_number(text, "--api-usd-per-mtok") for text in api_usd_per_mtok],
        None if mtok_per_day is None else _number(mtok_per_day, "--mtok-per-day"),
        _share(given.get("utilisation", 1)),
        _staff(given.get("staff_usd_per_month", 0)),
        month_days,
    )
    if tokens_per_second is not None:
        if not usd_per_hour:
            raise UsageError("what the cluster costs an hour is needed", hint="--usd-per-hour 40")
        speed = _number(tokens_per_second, "--tokens-per-second")
        clusters = [_own(text, speed) for text in usd_per_hour]
        return gpu_limit(clusters, question, title=title)
    found, assumptions, warnings = _measured(given, usd_per_hour, lengths, gpus)
    return gpu_limit(found, question, title=title, assumptions=assumptions, warnings=warnings)


def _number(text: str, name: str) -> Decimal:
    """A number above zero that a cluster could have."""
    found = opt.positive(text, name)
    if not _LEAST <= found <= _MOST:
        raise UsageError(f"{name}: {text} is beyond anything", hint=f"between {_LEAST:.0e} and {_MOST:.0e}")
    return found


def _staff(value: Any) -> Decimal:
    try:
        found = decimal_of(str(value))
    except ValueError as error:
        raise UsageError(f"staff_usd_per_month is {value!r}: no number", where="--set") from error
    if not 0 <= found <= _MOST:
        raise UsageError(f"staff_usd_per_month is {value}: it cannot be", where="--set", hint="0 or more")
    return found


def _text(given: Mapping[str, Any], name: str, default: str | None = None) -> str | None:
    """A parameter that is a name."""
    value = given.get(name, default)
    if value is not None and not isinstance(value, str):
        raise UsageError(f"{name} is {value!r}: no name", where="--set")
    return value


def _own(text: str, speed: Decimal) -> Cluster:
    from llmcost.results.gpu_limit import Cluster

    price = _number(text, "--usd-per-hour")
    return Cluster(f"A cluster at ${plain(price)} an hour", price, speed)


def _share(value: Any) -> Decimal:
    found = opt.positive(str(value), "--set utilisation")
    if found > 1:
        raise UsageError(f"utilisation is {value}: it is a part of 1", where="--set")
    return found


def _measured(
    given: Mapping[str, Any], usd_per_hour: Sequence[str], lengths: str, gpus: Sequence[Path]
) -> tuple[list[Cluster], list[Assumption], list[str]]:
    """Replicas of a measured model, at the prices given or at each cloud's cheapest."""
    from llmcost.hosting.catalogue import GpuCatalogue
    from llmcost.hosting.choose import nearest_series
    from llmcost.hosting.throughput import Throughput, Work
    from llmcost.results.gpu_limit import Cluster
    from llmcost.results.model import Assumption

    model = _text(given, "model")
    if model is None:
        raise UsageError(
            "neither what the cluster puts through nor a measured model is given",
            hint="--tokens-per-second 2000, or --set model=Llama-3.3-70B",
        )
    catalogue = GpuCatalogue(gpus)
    gpu = catalogue.gpu(_text(given, "gpu") or "H100-SXM")
    work = Work.one(*_lengths(lengths))
    series = nearest_series(catalogue.measured(model, gpu, _text(given, "precision")), work).series
    found = Throughput(series).estimate(work)
    each = Decimal(f"{(work.input_tokens + work.output_tokens) / found.gpu_seconds:.3f}")
    prices = [(f"{series.gpus} {gpu} at ${text} a GPU", _number(text, "--usd-per-hour")) for text in usd_per_hour]
    speed, size = EXACT.multiply(each, Decimal(series.gpus)), Decimal(series.gpus)
    clusters = [
        Cluster(name, EXACT.multiply(price, size), speed) for name, price in prices or _cheapest(catalogue, gpu, given)
    ]
    notes = [
        Assumption(name="throughput", value=series.name, unit="", source=f"{series.source} ({series.confidence})"),
        Assumption(name="tokens of a request", value=lengths, unit="input/output", source="command line"),
        Assumption(name="tokens a second of a busy GPU", value=plain(each), unit="", source="model of a replica"),
    ]
    return clusters, notes, list(_warnings(series, found))


def _warnings(series: Series, found: Estimate) -> list[str]:
    told = []
    if not found.inside:
        told.append(
            f"these lengths lie outside the measurements ({found.distance:.1f} x away): the throughput is the model's alone"
        )
    if series.load == "offline":
        told.append("throughput is an offline maximum: nobody waits for a first token")
    return told


def _cheapest(catalogue: Any, gpu: str, given: Mapping[str, Any]) -> list[tuple[str, Decimal]]:
    """The cheapest price of each cloud."""
    from llmcost.hosting.schema import Tier

    at = datetime.fromtimestamp(opt.now() / 1e6, UTC)
    tier = _text(given, "tier") or "on_demand"
    if tier not in get_args(Tier):
        raise UsageError(f"no tier is called {tier!r}", where="--set", hint=f"known: {', '.join(get_args(Tier))}")
    where = {"provider": _text(given, "provider"), "region": _text(given, "region")}
    rates = catalogue.offered(gpu, at, tier=tier, **where)
    if not rates:
        raise UsageError(f"no price of a {gpu} is known", hint="--usd-per-hour gives one")
    found: dict[str, Decimal] = {}
    for rate in rates:
        found.setdefault(rate.provider, rate.usd_per_gpu_hour)
    return [(f"{gpu} of {provider} at ${plain(price)}", price) for provider, price in found.items()]


def _lengths(text: str) -> tuple[int, int]:
    first, slash, last = text.partition("/")
    if not slash or not first.strip().isdigit() or not last.strip().isdigit() or not int(first) or not int(last):
        raise UsageError(f"{text!r} is no INPUT/OUTPUT", where="--lengths", hint="--lengths 1000/1000")
    return int(first), int(last)
