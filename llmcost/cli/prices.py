"""``llmcost prices``: look prices up, import other catalogues, and see what they would change."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmcost.cli import options as opt
from llmcost.cli._text import aligned, show, show_json
from llmcost.cli.diagnostics import say
from llmcost.cli.options import TextFormat, command_app
from llmcost.cli.output import replace, to_stdout
from llmcost.errors import UsageError

if TYPE_CHECKING:
    from llmcost.pricing.catalogue import Catalogue
    from llmcost.pricing.importers import Imported

COMMAND = command_app(no_args_is_help=True)
AtOption = Annotated[
    str | None, typer.Option("--at", metavar="WHEN", show_default="now", help="Day or instant whose prices are meant.")
]
CatalogueArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="LiteLLM's price JSON or genai-prices' data.json.")
]


class Origin(StrEnum):
    """Catalogues that can be imported."""

    LITELLM = "litellm"
    GENAI_PRICES = "genai-prices"


@COMMAND.callback()
def prices() -> None:
    """Look prices up, import and compare catalogues."""


def _file_name(provider: str) -> str:
    """A provider's name as a file's name; UsageError for one that a foreign catalogue made a path of."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", provider):
        raise UsageError(
            f"the catalogue names a provider {provider!r}, which can be no file", hint="remove it from the catalogue"
        )
    return provider


@COMMAND.command("list")
def list_(
    model: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATTERN", show_default=False, help="Shell patterns of provider/model, or a provider."),
    ] = None,
    provider: Annotated[
        str | None, typer.Option("--provider", metavar="NAME", help="Only this provider's models.")
    ] = None,
    at: AtOption = None,
    tier: Annotated[
        str, typer.Option("--service-tier", metavar="TIER", help="standard, batch, flex, priority or fast.")
    ] = "standard",
    mix: Annotated[
        str | None,
        typer.Option(
            "--mix", metavar="PATH", help="A log or a store: what each model would cost on this mix of requests."
        ),
    ] = None,
    overlays: opt.PricesOption = None,
    output: opt.TextFormatOption = TextFormat.TEXT,
) -> None:
    """List models and their rates in USD per million tokens."""
    from llmcost.pricing import listing

    moment = _instant(at)
    catalogue = _catalogue(overlays, moment)
    patterns = [*(model or []), *([_provider(catalogue, provider)] if provider else [])]
    found = listing.select(catalogue, patterns)
    if not found:
        raise UsageError(f"no model matches {' '.join(patterns)!r}", hint="llmcost prices list shows all")
    if mix is None:
        rows = [_rates_row(row) for row in listing.rows(catalogue, found, at=moment, service_tier=tier)]
        head = ("model", "tier", "input", "cache_read", "output", "remark")
    else:
        from llmcost.cli._mix import groups_of

        groups, left_out = groups_of(mix, catalogue)
        if left_out:
            say(f"{left_out:,} rows without token counts are left out of the mix")
        exact = output is TextFormat.JSON
        rows = [_mix_row(row, exact=exact) for row in listing.mix(catalogue, found, groups, at=moment)]
        head = ("model", "tier", "cost_usd", "usd_per_mtok", "times_cheapest", "remark")
    if output is TextFormat.JSON:
        show_json([dict(zip(head, [cell or None for cell in row], strict=True)) for row in rows])
    else:
        show(
            aligned(
                [tuple(cell or "-" if i < 5 else cell for i, cell in enumerate(row)) for row in rows],
                head,
                right=(2, 3, 4),
            )
        )


@COMMAND.command("show")
def show_model(
    model: Annotated[
        str, typer.Argument(metavar="PROVIDER/MODEL", help="A model, under any name that logs use for it.")
    ],
    at: AtOption = None,
    overlays: opt.PricesOption = None,
    output: opt.TextFormatOption = TextFormat.TEXT,
) -> None:
    """Show every dated price of one model, with its source."""
    from llmcost.cli._model import model_facts, model_text

    moment = _instant(at)
    catalogue = _catalogue(overlays, moment)
    facts = model_facts(catalogue, catalogue.get(model), moment)
    show_json(facts) if output is TextFormat.JSON else show(model_text(facts))


@COMMAND.command("import")
def import_(
    file: CatalogueArgument,
    origin: Annotated[
        Origin | None, typer.Option("--from", help="Whose catalogue it is; told from its form by default.")
    ] = None,
    provider: Annotated[
        list[str] | None, typer.Option("--provider", metavar="NAME", help="Only this provider's models; repeatable.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="DATE", show_default="today", help="The day from which the prices hold."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="PATH", help="File for one provider, folder for several; else stdout."),
    ] = None,
    quiet: opt.QuietOption = False,
) -> None:
    """Turn another project's catalogue into price files for --prices."""
    found = _imported(file, origin, provider, at)
    if not found.models:
        raise UsageError("nothing in it could be imported", where=str(file), why=_left_out(found))
    if out is None or (len(found.models) == 1 and out.suffix):
        text = _joined(found)
        to_stdout(text) if out is None else replace(out, text.encode())
    else:
        for name in found.models:
            replace(out / f"{_file_name(name)}.toml", found.text(name).encode())
    models = sum(len(entries) for entries in found.models.values())
    say(f"{models:,} models of {len(found.models)} providers{f' in {out}' if out else ''}", quiet=quiet)
    if found.left_out:
        say(f"left out: {_left_out(found)}", quiet=quiet)


@COMMAND.command()
def diff(
    file: CatalogueArgument,
    origin: Annotated[
        Origin | None, typer.Option("--from", help="Whose catalogue it is; told from its form by default.")
    ] = None,
    provider: Annotated[
        list[str] | None, typer.Option("--provider", metavar="NAME", help="Only this provider's models; repeatable.")
    ] = None,
    at: AtOption = None,
    new: Annotated[
        bool, typer.Option("--new", help="List models and services that only the other catalogue has, too.")
    ] = False,
    overlays: opt.PricesOption = None,
    output: opt.TextFormatOption = TextFormat.TEXT,
) -> None:
    """Show what another catalogue says otherwise than ours."""
    from llmcost.pricing.diff import diff as differences

    moment = _instant(at)
    found = differences(_catalogue(overlays, moment), _imported(file, origin, provider, at), at=moment)
    shown = [d for d in found if new or not d.kind.endswith("is new") or d.kind == "rate is new"]
    rows = [
        (
            d.kind,
            f"{d.provider}/{d.model}",
            d.service,
            d.region,
            d.item or "",
            _number(d.ours),
            _number(d.theirs),
            d.when or "",
        )
        for d in shown
    ]
    head = ("difference", "model", "service", "region", "item", "ours", "theirs", "when")
    if output is TextFormat.JSON:
        show_json([dict(zip(head, [cell or None for cell in row], strict=True)) for row in rows])
        return
    show(aligned(rows, head, right=(5, 6)) if rows else "no differences")
    if len(shown) < len(found):
        say(f"{len(found) - len(shown):,} models and services are new there (--new lists them)")


@COMMAND.command()
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", show_default=False, help="Price files of your own; without, the shipped ones."),
    ] = None,
    unusual: Annotated[bool, typer.Option("--unusual", help="List what is only unusual, too.")] = False,
) -> None:
    """Look for faults in price files; exits with 1 when there are any."""
    from llmcost.pricing.audit import audit
    from llmcost.pricing.catalogue import load
    from llmcost.pricing.entries import read

    catalogue = load(files or ())
    providers = None
    if files:  # what a file touches is looked at together with what it touches
        read_files = [read(path.read_text(encoding="utf-8"), str(path)) for path in files]
        named = {m.provider or f.provider for f in read_files for m in f.models}
        providers = sorted(name for name in named if name is not None)
    found = audit(catalogue, providers) if providers != [] else []
    wrong = [f for f in found if f.severity == "wrong"]
    shown = found if unusual else wrong
    if shown:
        show("\n".join(f"{f.severity}: {f.place}: {f.message}" for f in shown))
    rest = len(found) - len(wrong)
    say(f"{len(wrong)} faults" + (f", {rest} unusual things (--unusual lists them)" if rest and not unusual else ""))
    if wrong:
        raise typer.Exit(1)


@COMMAND.command()
def path() -> None:
    """Print the folder of the shipped price files."""
    from llmcost.pricing.catalogue import price_folder

    show(str(price_folder()))


def _instant(at: str | None) -> int:
    return opt.now() if at is None else opt.instant_of(at, "--at")


def _catalogue(overlays: list[Path] | None, moment: int) -> Catalogue:
    from llmcost.pricing.catalogue import load

    return load(overlays or (), now=moment)


def _provider(catalogue: Catalogue, name: str) -> str:
    from llmcost.errors import nearest
    from llmcost.usage.names import provider

    canonical = provider(name) or name
    if canonical not in catalogue.providers():
        raise UsageError(
            f"no provider is called {name!r}", where="--provider", hint=nearest(name, catalogue.providers())
        )
    return canonical


def _imported(file: Path, origin: Origin | None, providers: list[str] | None, at: str | None) -> Imported:
    from llmcost.pricing import importers
    from llmcost.pricing.entries import moment

    read = {Origin.LITELLM: importers.litellm, Origin.GENAI_PRICES: importers.genai_prices, None: importers.recognised}[
        origin
    ]
    return read(file, on=moment(_instant(at)).date(), providers=providers or None)


def _left_out(found: Imported) -> str:
    return "; ".join(f"{count} x {reason}" for reason, count in found.left_out.most_common())


def _joined(found: Imported) -> str:
    """All providers in one price file: each model names its own."""
    from msgspec.structs import replace as changed

    from llmcost.pricing.entries import PriceFile
    from llmcost.pricing.toml import dumps

    models = [changed(m, provider=name) for name, entries in sorted(found.models.items()) for m in entries]
    return f"# imported from {found.source}\n" + dumps(PriceFile(models=tuple(models)))


def _number(value: Any) -> str:
    from llmcost.money import plain

    return "" if value is None else plain(value)


def _rates_row(row: Any) -> tuple[str, ...]:
    from llmcost.pricing.resolve import Unpriced

    if isinstance(row.rates, Unpriced):
        return (row.model.key, "", "", "", "", row.rates.reason)
    rates = row.rates.per_mtok
    per_unit = ", ".join(f"{unit} {_number(price)}" for unit, price in row.rates.per_unit.items())
    return (
        row.model.key,
        row.tier or "",
        *(_number(rates.get(c)) for c in ("input", "cache_read", "output")),
        per_unit,
    )


def _mix_row(row: Any, *, exact: bool) -> tuple[str, ...]:
    places = ((row.cost, 4), (row.blended_per_mtok, 4), (row.spread, 1))
    numbers = (_number(value) if exact else _rounded(value, digits) for value, digits in places)
    return (row.model.key, row.tier or "", *numbers, row.reason or "")


def _rounded(value: Any, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"
