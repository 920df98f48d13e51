"""GPU prices and throughput measurements: shipped files and the user's own on top, found by names and day."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from llmcost.errors import UsageError, line_of, nearest, quoted
from llmcost.hosting.schema import GpuFile, GpuPrice, Offer, Series, ThroughputFile, Tier
from llmcost.pricing.catalogue import price_folder

Form = TypeVar("Form", bound=BaseModel)


@dataclass(frozen=True)
class GpuRate:
    """One price of one offer, as a fleet buys it."""

    provider: str
    offer: Offer
    price: GpuPrice

    @property
    def usd_per_gpu_hour(self) -> Decimal:
        """USD per GPU and hour."""
        return self.price.usd_per_gpu_hour

    @property
    def name(self) -> str:
        """Provider, instance, region and tier."""
        return f"{self.provider} {self.offer.instance} {self.price.region} {self.price.tier}"


class GpuCatalogue:
    """What GPUs cost and what they serve. ``overlays`` are files of either form; theirs come first."""

    def __init__(self, overlays: Sequence[Path] = (), folder: Path | None = None) -> None:
        self.folder, self.overlays = folder or price_folder(), tuple(overlays)

    @cached_property
    def files(self) -> tuple[GpuFile, ...]:
        """GPU price files, the user's first."""
        own = [found for path in self.overlays if isinstance(found := read(path), GpuFile)]
        return (*own, *(_read(path, GpuFile) for path in sorted((self.folder / "gpu").glob("*.toml"))))

    @cached_property
    def series(self) -> tuple[Series, ...]:
        """Every throughput series, the user's first."""
        own = [found for path in self.overlays if isinstance(found := read(path), ThroughputFile)]
        shipped = [_read(path, ThroughputFile) for path in sorted((self.folder / "throughput").glob("*.toml"))]
        return tuple(series for file in (*own, *shipped) for series in file.series)

    def rates(
        self,
        gpu: str,
        at: datetime,
        *,
        tier: Tier = "on_demand",
        provider: str | None = None,
        region: str | None = None,
    ) -> list[GpuRate]:
        """The prices of a GPU that hold at ``at``, the cheapest first; a provider's latest entry of each offer and region."""
        found: dict[tuple[str, str, str], GpuRate] = {}
        for file in self.files:
            if provider is not None and file.provider != provider:
                continue
            for offer in file.offers:
                if offer.gpu.lower() != self.gpu(gpu).lower():
                    continue
                for price in offer.prices:
                    ended = price.valid_to is not None and at >= price.valid_to
                    elsewhere = region is not None and price.region not in {region, "any"}
                    if price.tier != tier or ended or elsewhere or price.valid_from > at:
                        continue
                    key = (file.provider, offer.instance, price.region)
                    if key not in found or found[key].price.valid_from < price.valid_from:
                        found[key] = GpuRate(file.provider, offer, price)
        return sorted(found.values(), key=lambda rate: (rate.usd_per_gpu_hour, rate.name))

    def offered(
        self, gpu: str, at: datetime, *, tier: Tier, provider: str | None = None, region: str | None = None
    ) -> list[GpuRate]:
        """The rates that somebody would rent it out at: an average over the market is none, unless no other is known."""
        found = self.rates(gpu, at, tier=tier, provider=provider, region=region)
        return [rate for rate in found if rate.provider != "owned" or tier == "owned"] or found

    def gpu(self, name: str) -> str:
        """The canonical name of a GPU; UsageError with the nearest one."""
        known = {offer.gpu for file in self.files for offer in file.offers} | {series.gpu for series in self.series}
        wanted = name.lower()
        for candidate in (wanted, f"{wanted}-sxm"):
            if match := next((gpu for gpu in sorted(known) if gpu.lower() == candidate), None):
                return match
        raise UsageError(f"no GPU is called {name!r}", hint=nearest(name, known))

    def measured(self, model: str, gpu: str | None = None, precision: str | None = None) -> list[Series]:
        """The series of a model, the user's first; UsageError with the nearest name when there is none."""
        wanted = [series for series in self.series if series.model.lower() == model.lower()]
        if not wanted:
            raise UsageError(
                f"no throughput of {model!r} is known", hint=nearest(model, {series.model for series in self.series})
            )
        name = self.gpu(gpu) if gpu else None
        chosen = [
            s for s in wanted
            if (name is None or s.gpu == name) and (precision is None or s.precision.lower() == precision.lower())
        ]  # fmt: skip
        if not chosen:
            raise UsageError(
                f"no throughput of {model} on {' '.join(x for x in (gpu, precision) if x)} is known",
                hint=f"measured: {'; '.join(sorted({f'{s.gpu} {s.precision}' for s in wanted}))}",
            )
        return chosen


def read(path: Path) -> GpuFile | ThroughputFile:
    """A user's file of either form: GPU prices (``offer``) or throughput (``series``)."""
    return _either(path, _state(path))


def _state(path: Path) -> tuple[int, int, int]:
    """What changes when a file is written: a plan is made for every replay, and none should read a file again."""
    try:
        found = path.stat()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path)) from error
    return found.st_mtime_ns, found.st_size, found.st_ino


@lru_cache(maxsize=64)
def _either(path: Path, state: tuple[int, int, int]) -> GpuFile | ThroughputFile:
    del state
    data = _parsed(path)
    if "series" in data:
        return _checked(path, data, ThroughputFile)
    return _checked(path, data, GpuFile)


def _read(path: Path, form: type[Form]) -> Form:
    found = read(path)
    if not isinstance(found, form):
        raise UsageError(f"is no {form.__name__}", where=str(path))
    return found


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"is no TOML: {error}", where=str(path)) from error


def _checked(path: Path, data: dict[str, Any], form: type[Form]) -> Form:
    try:
        return form.model_validate(data)
    except ValidationError as error:
        fault = error.errors()[0]
        names: Iterable[str] = [str(part) for part in reversed(fault["loc"]) if isinstance(part, str)]
        text = path.read_text(encoding="utf-8")
        number = line_of(text, names)
        raise UsageError(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}",
            where=f"{path}:{number}" if number else str(path),
            excerpt=quoted(text, number),
            hint="llmcost schema gpu and llmcost schema throughput show the forms",
        ) from error
