"""Writes the baseline of a store as a FOCUS file: prices by group, rows by the engine, streamed in flat memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import ibis.expr.types as ir
import pyarrow as pa

from llmcost.errors import UsageError
from llmcost.money import plain
from llmcost.pricing.catalogue import Catalogue
from llmcost.pricing.grid import PRICE_KEYS
from llmcost.pricing.resolve import Unpriced
from llmcost.pricing.table import Group
from llmcost.results.focus.columns import Version
from llmcost.results.focus.prices import SELLERS, SERVICES, TIMED, Line, lines_of, places_of
from llmcost.results.focus.query import TAGGED, Grain, Shape, query
from llmcost.results.options import ReplayOptions
from llmcost.results.present import clean
from llmcost.results.priced import add
from llmcost.results.replay import Replaying
from llmcost.usage.formulas import begins_formula
from llmcost.usage.store import Store

SUFFIXES: Final = (".csv", ".csv.gz", ".csv.zst", ".parquet")
_WANTED: Final = (
    "request_id", "organization", "project", "operation_name", "duration_ms", "tags", *TAGGED,
)  # fmt: skip
_ALWAYS: Final = frozenset({"provider_name", "region", "service_tier"})
_POWERS: Final = 22
"""Powers of ten that a double holds exactly."""
_MONEY_PLACES: Final = 18
"""Places of recorded charges."""


@dataclass(frozen=True, slots=True)
class Focused:
    """What was written, and what could not be."""

    rows: int
    contracted_cost: Decimal
    """Of all priced charges in the file."""
    unpriced: int
    """Requests whose cost is unknown: in the file, as adjustments without quantity and price."""
    timeless: int
    """Rows without a time: not in the file, since a charge needs a period."""
    timeless_cost: Decimal
    billed_lines: int = 0
    """Lines of bills in the store: not in the file, which holds what the log's calls cost; see docs/focus.md."""


def export_focus(
    store: Store,
    catalogue: Catalogue,
    options: ReplayOptions,
    path: Path,
    *,
    version: Version = "1.2",
    grain: Grain = "request",
) -> Focused:
    """Writes ``path`` (CSV, plain or compressed, or Parquet, by its suffix), whole or not at all."""
    if not path.name.endswith(SUFFIXES):
        raise UsageError(
            "a FOCUS file is CSV or Parquet", where=str(path), hint=f"end its name in {', '.join(SUFFIXES)}"
        )
    replaying = Replaying(store, catalogue, options)
    try:
        return _Export(replaying, path, version, grain).run()
    finally:
        store.drop_temporary(["focus_keys", "focus_lines"])
        replaying.engine.close()


class _Export:
    """One export: groups and their lines first, then the rows."""

    def __init__(self, replaying: Replaying, path: Path, version: Version, grain: Grain) -> None:
        self.replaying, self.path, self.version, self.grain = replaying, path, version, grain
        self.store = replaying.store
        self.csv = ".csv" in path.suffixes
        self.known = frozenset(replaying.present) | _ALWAYS

    def run(self) -> Focused:
        rows, priced = self.replaying.charged([name for name in _WANTED if name in self.known])
        sums = priced.rolled([])
        groups = priced.price(sums)
        models = self.replaying.engine.models
        billed = "billed_cost" in rows.columns
        digits = self._time_digits()
        lines = _with_recorded(lines_of(groups, models, digits)) if billed else lines_of(groups, models, digits)
        shape = self._shape(rows, lines, digits, billed=billed)
        self._register(sums, groups, lines, shape)
        written = self._write(query(shape))
        billed_lines = int(self.store.value("SELECT count(*) FROM billed"))
        return replace(_summary(written, groups), billed_lines=billed_lines)

    def _time_digits(self) -> int:
        """The unit of time in which all counted seconds are whole numbers."""
        timed = sorted(TIMED & self.replaying.present)
        if not timed:
            return 0
        for digits in (0, 3, 6, 9):
            whole = " AND ".join(f'coalesce(bool_and(("{n}" * {10**digits}) % 1 = 0), TRUE)' for n in timed)
            if self.store.value(f"SELECT {whole} FROM usage"):
                return digits
        raise UsageError("seconds finer than a nanosecond cannot be written as FOCUS quantities", where=str(self.path))

    def _shape(self, rows: ir.Table, lines: Sequence[Line], digits: int, *, billed: bool) -> Shape:
        prices = [p for line in lines for p in (line.list_price, line.contracted_price) if p is not None]
        whole, places = places_of(prices)
        return Shape(
            rows=rows.get_name(),
            known=self.known & frozenset(rows.columns),
            # a counter that no row knows counts nothing
            counters=tuple(sorted({name for line in lines for name in line.weights} & {"requests", *rows.columns})),
            grain=self.grain,
            version=self.version,
            csv=self.csv,
            time_digits=digits,
            places=max(places, _MONEY_PLACES if billed else 2),
            whole=whole,
            discounted=any(line.list_price != line.contracted_price for line in lines),
            billed=billed,
        )

    def _register(
        self, sums: Sequence[dict[str, Any]], groups: Sequence[Group], lines: Sequence[Line], shape: Shape
    ) -> None:
        """The tables that rows are joined with: groups by their keys, lines by their group."""
        paid = [number for number, group in enumerate(groups) if group.charge is not None]
        keys = {key: pa.array([sums[n][key] for n in paid], _key_type(key)) for key in (*PRICE_KEYS, "branch")}
        self.store.register("focus_keys", pa.table({"grp": pa.array(paid, pa.int64()), **keys}))
        names = [self._names(groups[line.group]) for line in lines]
        texts = {
            "token_class": [line.token_class for line in lines],
            "unit": [line.unit for line in lines],
            "sku": [self._safe(line.sku) for line in lines],
            "sku_price": [self._safe(line.sku_price) for line in lines],
            "meter": [line.meter for line in lines],
            "details": [line.details for line in lines],
            "description": [self._safe(line.description) for line in lines],
            "pricing_category": [line.pricing_category for line in lines],
            "seller": [self._safe(seller) for seller, _, _ in names],
            "service": [self._safe(service) for _, service, _ in names],
            "model_name": [self._safe(model) for _, _, model in names],
        }
        numbers = {
            "grp": [line.group for line in lines],
            "number": [line.number for line in lines],
            **{f"w_{name}": [line.weights.get(name, 0) for line in lines] for name in shape.counters},
        }
        arrays = {key: pa.array(values, pa.string()) for key, values in texts.items()}
        arrays |= {key: pa.array(values, pa.int64()) for key, values in numbers.items()}
        arrays["recorded"] = pa.array([line.recorded for line in lines], pa.bool_())
        arrays |= _prices("list", [line.list_price for line in lines], shape)
        arrays |= _prices("contracted", [line.contracted_price for line in lines], shape)
        self.store.register("focus_lines", pa.table(arrays))

    def _names(self, group: Group) -> tuple[str, str, str | None]:
        """Who bills, for which service, and the model."""
        if group.model is None:
            return "unknown", "unknown", None
        provider, name, model = self.replaying.engine.names[group.model]
        seller = model.provider if model else provider or "unknown"
        shown = SELLERS.get(seller, seller)
        return shown, SERVICES.get(seller, f"{shown} API"), model.model if model else name.partition("\x1f")[0] or None

    def _safe(self, text: str | None) -> str | None:
        """A name as it may stand in the file: signs do not act, and a CSV holds no formula."""
        if text is None:
            return None
        shown = clean(text).strip() or "unknown"
        return f"'{shown}" if self.csv and begins_formula(shown) else shown

    def _write(self, sql: str) -> int:
        """Copies the query's rows into a file beside the wanted one, which it then replaces."""
        form = {
            ".csv": "FORMAT csv, HEADER",
            ".gz": "FORMAT csv, HEADER, COMPRESSION gzip",
            ".zst": "FORMAT csv, HEADER, COMPRESSION zstd",
            ".parquet": "FORMAT parquet, COMPRESSION zstd",
        }[self.path.suffix]
        try:
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".llmcost-focus-")
            os.close(handle)
            try:
                quoted = name.replace("'", "''")
                written = int(self.store.value(f"COPY ({sql}) TO '{quoted}' ({form})"))
                Path(name).chmod(0o644)
                Path(name).replace(self.path)
            finally:
                Path(name).unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(
                f"cannot be written: {error.strerror}",
                where=str(self.path),
                hint="name a file in a folder that you may write to",
            ) from error
        return written


def _with_recorded(lines: Sequence[Line]) -> list[Line]:
    """The lines, and one more for each priced group: a charge was recorded for a row of which no quantity is known."""
    weights: dict[int, dict[str, int]] = {}
    for line in lines:
        if line.token_class is not None:
            of_group = weights.setdefault(line.group, {})
            for name, weight in line.weights.items():
                of_group[name] = of_group.get(name, 0) + weight
    told = "charge as recorded; the log counts nothing that it could be for"
    return [*lines, *(Line(n, -1, None, w, description=told, recorded=True) for n, w in weights.items())]


def _prices(name: str, prices: Sequence[Decimal | None], shape: Shape) -> dict[str, pa.Array]:
    """Exact prices, and what a product in double precision is compared with."""
    parts = [(None, None, None) if price is None else _double(price) for price in prices]
    mantissas, powers, doubles = (
        (pa.array(column, pa.float64()) for column in zip(*parts, strict=True))
        if parts
        else [pa.array([], pa.float64())] * 3
    )
    exact = pa.array(prices, pa.decimal128(shape.whole + shape.places, shape.places))
    return {f"{name}_price": exact, f"{name}_mantissa": mantissas, f"{name}_power": powers, f"{name}_double": doubles}


def _double(price: Decimal) -> tuple[float, float, float]:
    """(digits, power of ten that they are divided by, the nearest double); a power beyond all where these are not exact."""
    text = plain(price)
    left, _, right = text.partition(".")
    digits = int(left + right)
    exact = digits < 2**53 and len(right) <= _POWERS
    return float(digits), float(10 ** len(right)) if exact else 1e30, float(text)


def _key_type(key: str) -> pa.DataType:
    if key in {"service_tier", "region"}:
        return pa.string()
    return pa.int64() if key in {"model", "period", "size", "span", "classes", "branch"} else pa.bool_()


def _summary(written: int, groups: Iterable[Group]) -> Focused:
    timed: list[Group] = []
    timeless: list[Group] = []
    for group in groups:
        (timeless if group.key[PRICE_KEYS.index("timeless")] else timed).append(group)
    return Focused(
        rows=written,
        contracted_cost=add(group.cost for group in timed),
        unpriced=int(add(group.requests for group in timed if isinstance(group.charge, Unpriced))),
        timeless=int(add(group.rows for group in timeless)),
        timeless_cost=add(group.cost for group in timeless),
    )
