"""Looks for what is wrong, or unusual, in the price files: dates, pairs, ratios and names that catch look-alikes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final, Literal

from llmcost.pricing.catalogue import Catalogue
from llmcost.pricing.entries import ModelEntry, Price, PriceFile, TokenClass, moment, parse
from llmcost.pricing.resolve import spans_of

Severity = Literal["wrong", "unusual"]
_LOOK_ALIKES: Final = (
    "{}-mini",
    "{}-pro",
    "{}-7",
    "{}.5",
    "{}x",
    "x-{}",
    "my-{}",
    "{}-turbo",
    "{}-lite",
    "{}-vision-private",
)
_READ_RATIOS: Final[dict[str, tuple[str, str]]] = {
    "anthropic": ("0.025", "0.12"), "openai": ("0.05", "0.5"), "google": ("0.05", "0.25"), "mistral": ("0.1", "0.1"), "xai": ("0.1", "0.25"),
    "deepseek": ("0.02", "0.27"), "groq": ("0.5", "0.5"),
}  # fmt: skip
"""Least and most that cache reads cost of input, by provider, as both public catalogues had it on 2026-11-23."""
_BATCH_RATIOS: Final[dict[str, Decimal]] = {"xai": Decimal("0.8")}
_WRITE_RATIOS: Final = {"cache_write_5m": (Decimal(1), Decimal("1.25")), "cache_write_1h": (Decimal(2),)}
"""A 5-minute write costs the input rate or 1.25 times it, a 1-hour write twice (claude-3-haiku's rounded 1.2 is unusual)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at. ``wrong`` must be mended; ``unusual`` lies outside what the catalogues showed."""

    severity: Severity
    place: str
    message: str


def audit(catalogue: Catalogue, providers: Iterable[str] | None = None) -> list[Finding]:
    """All findings over the shipped files and overlays of the wanted providers (None: all)."""
    found: list[Finding] = []
    for provider in providers or catalogue.providers():
        found += _form(catalogue, provider)
        if not any(f.severity == "wrong" for f in found if f.place.startswith(f"{provider}.toml")):
            file = catalogue.file(provider)
            found += _names(provider, file)
            for model in file.models:
                found += _model(f"{provider}/{model.id}", provider, model)
    return found


def _form(catalogue: Catalogue, provider: str) -> Iterator[Finding]:
    from pydantic import ValidationError

    from llmcost.pricing.schema import PriceFile as Form

    path = catalogue.folder / f"{provider}.toml"
    if not path.is_file():
        return
    try:
        form = Form.model_validate(parse(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        for fault in error.errors():
            yield Finding("wrong", f"{path.name}: {'.'.join(str(p) for p in fault['loc'])}", fault["msg"])
        return
    except ValueError as error:
        yield Finding("wrong", path.name, str(error))
        return
    if form.provider != provider:
        yield Finding("wrong", path.name, f"names provider {form.provider!r}")


def _names(provider: str, file: PriceFile) -> Iterator[Finding]:
    owners = Counter(name.lower() for m in file.models for name in {m.id, *m.aliases})
    for name, times in sorted(owners.items()):
        if times > 1:
            yield Finding("wrong", f"{provider}/{name}", f"{times} models have this name")
    spans = sorted((s.alias.lower(), s.valid_from, s.valid_to, m.id) for m in file.models for s in m.alias_history)
    for first, second in pairwise(spans):
        if first[0] == second[0] and (first[2] is None or first[2] > second[1]):
            yield Finding("wrong", f"{provider}/{first[0]}", f"means {first[3]} and {second[3]} at the same time")
    for alias in sorted({s[0] for s in spans} & owners.keys()):
        yield Finding("wrong", f"{provider}/{alias}", "is a moving name and an exact one: its history is never used")
    for model in file.models:
        yield from _patterns(provider, model, file.models)


def _patterns(provider: str, model: ModelEntry, models: Iterable[ModelEntry]) -> Iterator[Finding]:
    place = f"{provider}/{model.id}"
    own = {name.lower() for name in (model.id, *model.aliases)}
    known = {name.lower() for m in models for name in (m.id, *m.aliases, *(s.alias for s in m.alias_history))}
    for text in model.patterns:
        try:
            pattern = re.compile(text, re.IGNORECASE)
        except re.error as error:
            yield Finding("wrong", place, f"pattern {text!r}: {error}")
            continue
        strange = {like.format(name) for name in own for like in _LOOK_ALIKES}
        caught = sorted(name for name in (known - own) | (strange - known) if pattern.fullmatch(name))
        if caught:
            yield Finding("wrong", place, f"pattern {text!r} catches {', '.join(caught[:3])}")


def _model(place: str, provider: str, model: ModelEntry) -> Iterator[Finding]:
    if not model.prices:
        yield Finding("wrong", place, "has no price")
    yield from _dates(place, model)
    yield from _writing(place, model)
    for price in model.prices:
        where = f"{place} {price.service} {price.region} from {moment(price.valid_from).date()}"
        yield from _pairs(where, model, price)
        yield from _ratios(where, provider, price)
        yield from _tiers(where, price)
        if price.service in {"batch", "flex"}:
            yield from _discounted(where, provider, model, price)
        for window in price.windows:
            if window.start.second or window.end.second or window.start.microsecond or window.end.microsecond:
                yield Finding("wrong", where, "a window starts or ends inside a minute")


def _writing(place: str, model: ModelEntry) -> Iterator[Finding]:
    """A cache rule by which writing is input like the rest, beside a price of writing that is more."""
    free = any(rule.mode != "none" and rule.write_class == "input" for rule in model.cache)
    listed = [p for p in model.prices if p.rates.get("cache_write_5m", 0) > p.rates.get("input", 0)]
    if free and listed:
        rate = listed[0].rates["cache_write_5m"]
        yield Finding("unusual", place, f"its cache rule writes at the input rate, its prices at {rate}")


def _dates(place: str, model: ModelEntry) -> Iterator[Finding]:
    kinds: dict[tuple[object, ...], list[Price]] = {}
    for price in model.prices:
        kinds.setdefault((price.service, price.region, spans_of(price)), []).append(price)
        if price.valid_to is not None and price.valid_to <= price.valid_from:
            yield Finding("wrong", place, f"an entry ends before it starts ({moment(price.valid_from).date()})")
    for (service, region, spans), prices in kinds.items():
        where = f"{place} {service} {region}"
        for first, second in pairwise(sorted(prices, key=lambda p: p.valid_from)):
            day = moment(second.valid_from).date()
            if first.valid_from == second.valid_from:
                yield Finding("wrong", where, f"two entries start on {day}")
            elif first.valid_to is not None and first.valid_to > second.valid_from:
                yield Finding("wrong", where, f"an entry goes on after the one of {day} starts")
            elif first.valid_to is not None and first.valid_to < second.valid_from and not spans:
                yield Finding("unusual", where, f"no price between {moment(first.valid_to).date()} and {day}")


def _pairs(where: str, model: ModelEntry, price: Price) -> Iterator[Finding]:
    if not price.rates and not price.per_unit:
        yield Finding("wrong", where, "has no rates")
    needs: list[tuple[TokenClass, TokenClass]] = [
        ("cache_read", "input"), ("cache_write_5m", "input"), ("cache_write_1h", "cache_write_5m"), ("cache_write_5m", "cache_read"),
        ("cache_read_audio", "audio_input"),
    ]  # fmt: skip
    if model.operation == "chat" and price.rates:
        needs += [("input", "output"), ("output", "input")]
    for has, lacks in needs:
        if has in price.rates and lacks not in price.rates:
            yield Finding("unusual", where, f"{has} without {lacks}")


def _ratios(where: str, provider: str, price: Price) -> Iterator[Finding]:
    for name, rates in (
        ("", price.rates),
        *((f" from {t.from_input_tokens}", {**price.rates, **t.rates}) for t in price.tiers),
    ):
        entry = rates.get("input")
        read = rates.get("cache_read")
        if not entry:
            continue
        if read is not None and read > entry:
            yield Finding("wrong", where + name, f"a read costs {read}, dearer than input {entry}")
        elif read is not None:
            least, most = _READ_RATIOS.get(provider, ("0", "0.75"))
            # in a batch some providers keep the standard read rate, which doubles the ratio
            factor = 2 if price.service in {"batch", "flex"} else 1
            if not Decimal(least) <= read / entry <= Decimal(most) * factor:
                yield Finding("unusual", where + name, f"a read costs {read / entry:.3f} of input")
        for written, known in _WRITE_RATIOS.items():
            rate = rates.get(written)  # type: ignore[call-overload]  # the keys are token classes
            if rate is not None and provider in {"anthropic", "openai"} and rate / entry not in known:
                yield Finding("unusual", where + name, f"{written} costs {rate / entry:.3f} of input")
        output = rates.get("output")
        if output and not Decimal("0.5") <= output / entry <= 10:
            yield Finding("unusual", where + name, f"output costs {output / entry:.2f} of input")


def _tiers(where: str, price: Price) -> Iterator[Finding]:
    thresholds = [t.from_input_tokens for t in price.tiers]
    if len(set(thresholds)) < len(thresholds):
        yield Finding("wrong", where, "two tiers start at the same count")
    for tier in price.tiers:
        for token_class, rate in tier.rates.items():
            if token_class not in price.rates:
                yield Finding("wrong", where, f"tier {tier.from_input_tokens} has {token_class}, the base has not")
            elif rate < price.rates[token_class]:
                yield Finding(
                    "unusual", where, f"tier {tier.from_input_tokens}: {token_class} is cheaper than below it"
                )
        lacking = sorted(
            c
            for c in price.rates.keys() - tier.rates.keys()
            if c in {"input", "output", "cache_read", "cache_write_5m", "cache_write_1h"}
        )
        if lacking:
            yield Finding(
                "unusual", where, f"tier {tier.from_input_tokens} keeps the base rate of {', '.join(lacking)}"
            )


def _discounted(where: str, provider: str, model: ModelEntry, price: Price) -> Iterator[Finding]:
    """A batch or flex entry against the standard one of the same region that holds when it starts."""
    standard = [
        p
        for p in model.prices
        if p.service == "standard" and p.region == price.region and not p.windows and p.holds(price.valid_from)
    ]
    if not standard:
        yield Finding("unusual", where, "no standard price on the first day")
        return
    base = max(standard, key=lambda p: p.valid_from)
    for token_class, rate in price.rates.items():
        full = base.rates.get(token_class)
        if full is None:
            yield Finding("unusual", where, f"{token_class} has no standard rate")
        elif rate > full:
            yield Finding("wrong", where, f"{token_class} costs {rate}, dearer than standard {full}")
        elif full and token_class in {"input", "output"} and rate / full != _BATCH_RATIOS.get(provider, Decimal("0.5")):
            yield Finding("unusual", where, f"{token_class} costs {rate / full:.3f} of standard")
    lacking = sorted(base.rates.keys() - price.rates.keys())
    if lacking:
        yield Finding("unusual", where, f"no rate for {', '.join(lacking)}")
