"""``llmcost gpus``: what GPUs cost, what they were measured to serve, and measurements of one's own."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmcost.cli import options as opt
from llmcost.cli._text import aligned, show, show_json
from llmcost.cli.diagnostics import say
from llmcost.cli.options import TextFormat, command_app
from llmcost.cli.output import replace, spare, to_stdout
from llmcost.errors import UsageError

if TYPE_CHECKING:
    from llmcost.hosting.catalogue import GpuCatalogue, GpuRate
    from llmcost.hosting.evidence import Checked, Errors
    from llmcost.hosting.schema import Series

COMMAND = command_app(no_args_is_help=True)
AtOption = Annotated[
    str | None, typer.Option("--at", metavar="DAY", show_default="today", help="Day (UTC) whose prices are meant.")
]
ProviderOption = Annotated[str | None, typer.Option("--provider", metavar="NAME", help="Only this cloud.")]
RegionOption = Annotated[str | None, typer.Option("--region", metavar="NAME", help="Only this region.")]


class TierName(StrEnum):
    """How GPUs are bought."""

    ON_DEMAND = "on_demand"
    RESERVED = "reserved"
    SPOT = "spot"
    OWNED = "owned"


TierOption = Annotated[TierName | None, typer.Option("--tier", help="Only GPUs that are bought like this.")]


@COMMAND.callback()
def gpus() -> None:
    """GPU prices and throughput; import your own benchmarks."""


@COMMAND.command("list")
def list_(
    gpu: Annotated[
        str | None, typer.Argument(metavar="GPU", show_default=False, help="Only this GPU (H100, B200 ..).")
    ] = None,
    provider: ProviderOption = None,
    region: RegionOption = None,
    tier: TierOption = None,
    at: AtOption = None,
    files: opt.GpusOption = None,
    output: opt.TextFormatOption = TextFormat.TEXT,
) -> None:
    """List prices by GPU, cloud, tier and region, the cheapest first."""
    catalogue, moment = _catalogue(files), _moment(at)
    names = [catalogue.gpu(gpu)] if gpu else sorted({o.gpu for f in catalogue.files for o in f.offers})
    tiers = [tier] if tier else list(TierName)
    found = [rate for name in names for rate in _rates(catalogue, name, moment, tiers, provider, region)]
    if not found:
        raise UsageError("no price is known that fits", hint="llmcost gpus list shows all")
    rows = [_rate(rate) for rate in found]
    if output is TextFormat.JSON:
        show_json(rows)
    else:
        head = ("gpu", "provider", "instance", "region", "tier", "usd_per_gpu_hour", "from", "checked")
        show(aligned([tuple(str(row[name]) for name in head) for row in rows], head, right=(5,)))


@COMMAND.command("show")
def show_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A GPU, or a model that was measured.")],
    at: AtOption = None,
    files: opt.GpusOption = None,
    output: opt.TextFormatOption = TextFormat.TEXT,
) -> None:
    """Show a GPU's prices and models, or a model's measurements."""
    catalogue, moment = _catalogue(files), _moment(at)
    series = [s for s in catalogue.series if s.model.lower() == name.lower()]
    rates: list[GpuRate] = []
    if not series:
        gpu = _gpu_or_model(catalogue, name)
        series = [s for s in catalogue.series if s.gpu == gpu]
        rates = _rates(catalogue, gpu, moment, list(TierName), None, None)
    facts = {"prices": [_rate(rate) for rate in rates], "series": [_measured(s) for s in series]}
    if output is TextFormat.JSON:
        show_json(facts)
        return
    head = ("tier", "usd_per_gpu_hour", "provider", "instance", "region", "from", "source")
    prices = (
        aligned([tuple(str(row[key]) for key in head) for row in facts["prices"]], head, right=(1,)) if rates else ""
    )
    show("\n\n".join(part for part in (prices, *(_series_text(s) for s in series)) if part))


@COMMAND.command("check")
def check(files: opt.GpusOption = None, output: opt.TextFormatOption = TextFormat.TEXT) -> None:
    """Show how well measurements are predicted by the others.

    Each is left out and predicted: inside the hull of the others, and outside it, where the model stands alone.
    """
    from llmcost.hosting.evidence import AIM, Checked, together

    checked = [Checked(series) for series in _catalogue(files).series]
    if output is TextFormat.JSON:
        show_json([_checked_row(each) for each in checked])
        return
    head = ("series", "points", "inside", "median", "p90", "worst", "outside", "median", "p90", "worst")
    rows = [
        (each.series.name, str(len(each.series.points)), *_errors(each.inside), *_errors(each.outside))
        for each in checked
    ]
    whole = [together(each.inside for each in checked), together(each.outside for each in checked)]
    rows.append(("all", str(sum(len(each.series.points) for each in checked)), *_errors(whole[0]), *_errors(whole[1])))
    show(aligned(rows, head, right=range(1, 10)))
    say(f"{whole[0].within} of {len(whole[0].values)} inside stay within {AIM:.0%}")


@COMMAND.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="vLLM, SGLang, TensorRT-LLM, AIPerf or InferenceX results.")
    ],
    gpu: Annotated[str | None, typer.Option("--gpu", metavar="NAME", help="GPU it ran on.")] = None,
    number: Annotated[int | None, typer.Option("--gpus", min=1, metavar="NUMBER", help="GPUs of the replica.")] = None,
    precision: Annotated[str | None, typer.Option("--precision", metavar="NAME", help="FP8, FP4, BF16 ..")] = None,
    name: Annotated[
        str | None, typer.Option("--name", "--model", metavar="NAME", help="Name of the model, else the file's.")
    ] = None,
    stack: Annotated[str | None, typer.Option("--stack", metavar="TEXT", help="Server and version.")] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="DAY", show_default="today", help="Day of the measurement.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="File to write; else stdout.")] = None,
    quiet: opt.QuietOption = False,
) -> None:
    """Turn a benchmark's results into a file for --gpus.

    The format is told from the file. Throughput becomes tokens per second and GPU, latencies milliseconds.
    """
    from llmcost.hosting.importing import Replica, dumps, read_benchmark

    spare(file)
    known = _catalogue(None)
    given = Replica(_canonical(known, gpu), number, precision, name, stack)
    found = read_benchmark(file, given, _day(at))
    text = dumps(found.file)
    to_stdout(text) if out is None else replace(out, text.encode())
    for reason in found.rejected:
        say(f"left out: {reason}", quiet=quiet)
    for series in found.file.series:
        if _canonical(known, series.gpu) not in {o.gpu for f in known.files for o in f.offers}:
            say(f"no price of a {series.gpu} is known: give usd_per_gpu_hour", quiet=quiet)
    told = f"{found.runs} runs in {len(found.file.series)} series ({found.format})"
    say(
        f"{told}{f', {len(found.rejected)} left out' if found.rejected else ''}{f': {out}' if out else ''}", quiet=quiet
    )


def _catalogue(files: list[Path] | None) -> GpuCatalogue:
    from llmcost.hosting.catalogue import GpuCatalogue

    return GpuCatalogue(files or ())


def _day(text: str | None) -> date:
    return opt.day_of(text, "--at") if text else datetime.fromtimestamp(opt.now() / 1e6, tz=opt.zone_of("UTC")).date()


def _moment(text: str | None) -> datetime:
    """The end of the day: prices that were seen on it hold."""
    return datetime.combine(_day(text), datetime.min.time(), opt.zone_of("UTC")) + timedelta(days=1, microseconds=-1)


def _canonical(catalogue: GpuCatalogue, name: str | None) -> str | None:
    if name is None:
        return None
    try:
        return catalogue.gpu(name)
    except UsageError:
        return name


def _gpu_or_model(catalogue: GpuCatalogue, name: str) -> str:
    from llmcost.errors import nearest

    try:
        return catalogue.gpu(name)
    except UsageError as error:
        known = {s.model for s in catalogue.series} | {o.gpu for f in catalogue.files for o in f.offers}
        raise UsageError(f"neither a GPU nor a measured model is called {name!r}", hint=nearest(name, known)) from error


def _rates(
    catalogue: GpuCatalogue, gpu: str, moment: datetime, tiers: list[TierName], provider: str | None, region: str | None
) -> list[GpuRate]:
    return [
        rate for tier in tiers for rate in catalogue.rates(gpu, moment, tier=tier.value, provider=provider, region=region)
    ]  # fmt: skip


def _rate(rate: GpuRate) -> dict[str, Any]:
    from llmcost.money import plain

    price = rate.price
    return {
        "gpu": rate.offer.gpu, "provider": rate.provider, "instance": rate.offer.instance, "region": price.region,
        "tier": price.tier, "usd_per_gpu_hour": plain(price.usd_per_gpu_hour), "from": f"{price.valid_from:%Y-%m-%d}",
        "checked": price.checked.isoformat(), "source": price.source, "note": price.note,
    }  # fmt: skip


def _measured(series: Series) -> dict[str, Any]:
    from llmcost.hosting.evidence import hull

    ranges = {name: [span.low, span.high] for name, span in hull(series).items()}
    return series.model_dump(mode="json", exclude={"points"}) | {"measured": ranges, "points": len(series.points)}


def _series_text(series: Series) -> str:
    from llmcost.hosting.evidence import hull

    ranges = "; ".join(f"{name} {span}" for name, span in hull(series).items())
    head = ("input", "output", "at once", "tok/s/GPU", "TTFT ms", "TPOT ms")
    rows = [
        tuple("-" if value is None else f"{value:,.6g}" for value in (
            p.input_tokens, p.output_tokens, p.concurrency, p.output_tokens_per_second_per_gpu, p.time_to_first_token_ms,
            p.time_per_output_token_ms,
        ))
        for p in series.points
    ]  # fmt: skip
    return f"{series.name}\n{ranges}\n{series.source} ({series.confidence})\n{aligned(rows, head, right=range(6))}"


def _errors(errors: Errors) -> tuple[str, ...]:
    found = (errors.median, errors.ninth, errors.worst)
    return (str(len(errors.values)), *("-" if value is None else f"{value:.1%}" for value in found))


def _checked_row(each: Checked) -> dict[str, Any]:
    def told(errors: Errors) -> dict[str, Any]:
        return {
            "points": len(errors.values),
            "median": errors.median,
            "p90": errors.ninth,
            "worst": errors.worst,
            "within_aim": errors.within,
        }

    return {"series": each.series.name, "inside": told(each.inside), "outside": told(each.outside)}
