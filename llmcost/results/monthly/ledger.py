"""Two months of rows in the engine, each with its exact cost as a whole number: every question is then one sum.

Rows fall into groups that are priced alike; each group's price is one exact rate for each counter
(:mod:`llmcost.pricing.rowwise`), and at the scale of the finest rate all rates are whole numbers. So the engine adds
integers and no money is rounded, however many rows there are; dollars come back where a sum leaves the engine.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from llmcost.money import EXACT
from llmcost.pricing.grid import PRICE_KEYS, SUMMED, charged
from llmcost.pricing.price import Charge, charge
from llmcost.pricing.resolve import Unpriced
from llmcost.pricing.rowwise import COUNTED, factors
from llmcost.pricing.table import Group
from llmcost.results.logrows import IBIS_TYPES
from llmcost.results.priced import whole
from llmcost.results.replay import Replaying
from llmcost.usage.columns import BY_NAME

_DECIMALS: Final = tuple(name for name in SUMMED if BY_NAME[name].type == "decimal")
_FINE: Final = 6
"""Digits of a second that are kept of audio and video billed by time."""
_NUMBERS: Final = itertools.count(1)
LAST, THIS = 0, 1
"""Values of the column ``slot``: the month before, and the month."""


@dataclass(frozen=True)
class Dimension:
    """Something that spend is broken down by: its public name and its column in the ledger."""

    name: str
    column: str


class Ledger:
    """The rows of a month and of the one before it, with their costs.

    Columns beside those of usage that were asked for: ``slot``, ``day``, ``price`` (the group's number), ``provider``,
    ``model_key``, ``paid``, ``calls``, ``counted`` (paid calls of role primary), ``unpriced`` (counted calls whose cost is
    unknown), ``cost`` in units (None: unknown), and ``tag_<n>``.
    """

    def __init__(
        self, replaying: Replaying, columns: Iterable[str], tags: Sequence[str], start: int, asked: Iterable[str] = ()
    ) -> None:
        self.replaying, self.engine, self.store = replaying, replaying.engine, replaying.engine.store
        self.present = present = replaying.present
        self.known = frozenset(name for name in columns if name in present or name in {"started_at", "status"})
        self.tags = tuple(tags)
        # What conditions of the user name is there even where no row knows it.
        wanted = {*self.known, *asked, *(["tags"] if self.tags else [])}
        rows = replaying.rows(sorted(wanted))
        priced = replaying.priced(rows, ())
        self.parts = priced.grid.summed
        self.groups = priced.total
        rates = [_rates_of(group) for group in self.groups]
        self.scale = max((-_exponent(rate) for found in rates for rate in found.values()), default=0) + _FINE
        self.names = [_name(self.engine.names[g.model]) if g.model is not None else (None, None) for g in self.groups]
        prices = self._register(rates)
        wide = charged(rows, priced.grid).mutate(
            slot=(rows.started_at >= start).ifelse(THIS, LAST).cast("int64"),
            day=replaying.clock.day_index(rows.started_at),
        )
        self.table = self._priced(wide, prices, wanted)
        self._check()

    def _register(self, rates: Sequence[Mapping[str, Decimal]]) -> str:
        """The price groups with their rates as whole numbers of units, for rows to be joined with."""
        keys = {name: [g.key[place] for g in self.groups] for place, name in enumerate(PRICE_KEYS)}
        whole_rates = {
            f"r_{name}": [str(self._units(found.get(name, Decimal(0)), name)) for found in rates]
            for name in (*self.parts, "requests")
        }
        table = pa.table(
            {
                **keys,
                "price": list(range(len(self.groups))),
                "k_paid": [g.charge is not None for g in self.groups],
                "is_priced": [not isinstance(g.charge, Unpriced) for g in self.groups],
                "provider": [provider for provider, _ in self.names],
                "model_key": [model for _, model in self.names],
                **whole_rates,
            },
            schema=pa.schema([*_key_fields(), *((name, pa.string()) for name in whole_rates)]),
        )
        name = f"llmcost_prices_{next(_NUMBERS)}"
        self.store.register(f"{name}_text", table)
        numbers = ", ".join(f'CAST("{rate}" AS HUGEINT) AS "{rate}"' for rate in whole_rates)
        self.store.execute(f'CREATE TEMP TABLE "{name}" AS SELECT * REPLACE ({numbers}) FROM "{name}_text"')
        self.engine.keep(f"{name}_text")
        self.engine.keep(name)
        return name

    def _units(self, rate: Decimal, name: str) -> int:
        return int(rate.scaleb(self.scale - (_FINE if name in _DECIMALS else 0)))

    def _priced(self, wide: ir.Table, prices: str, wanted: Iterable[str]) -> str:
        """The rows that a report asks, each with its price group and cost."""
        view = self.engine.view(wide).get_name()
        self.columns = columns = sorted({*wanted, *self.parts, "conversation_key", "row_id"} - {"tags"})
        listed = ", ".join(f'r."{name}"' for name in columns)
        tags = "".join(f', r.tags ->> ? AS "tag_{place}"' for place in range(len(self.tags)))
        cost = " + ".join(f"coalesce({_whole_number(name)}, 0) * p.r_{name}" for name in (*self.parts, "requests"))
        same = " AND ".join(f'r."{key}" IS NOT DISTINCT FROM p."{key}"' for key in PRICE_KEYS)
        counted = 'CASE WHEN r.paid AND r."primary" THEN r.unit ELSE 0 END'
        name = f"llmcost_ledger_{next(_NUMBERS)}"
        self.store.execute(
            f'CREATE TEMP TABLE "{name}" AS SELECT {listed}{tags}, r.slot, r.day, p.price, p.provider, p.model_key, r.paid, '
            f"r.unit AS calls, {counted} AS counted, CASE WHEN p.is_priced THEN 0 ELSE {counted} END AS unpriced, "
            f"CASE WHEN NOT r.paid THEN 0 WHEN p.is_priced THEN {cost} END AS cost "
            f'FROM "{view}" r JOIN "{prices}" p ON r.paid = p.k_paid AND {same}',
            [_pointer(tag) for tag in self.tags],
        )
        self.engine.keep(name)
        self.prices = prices
        return name

    def _check(self) -> None:
        """The sums of the rows are the groups' costs; seconds finer than a microsecond are the one thing that can differ."""
        found = dict(self.store.rows(f'SELECT price, sum(cost) FROM "{self.table}" GROUP BY 1'))
        self.rounded_seconds = False
        for place, group in enumerate(self.groups):
            if group.charge is None or isinstance(group.charge, Unpriced):
                continue
            if self.usd(found.get(place)) != group.charge.cost:
                if not any(group.counts.get(name) for name in _DECIMALS):
                    raise AssertionError(f"rows cost {self.usd(found.get(place))}, their group {group.charge.cost}")
                self.rounded_seconds = True

    def usd(self, units: int | Decimal | None) -> Decimal:
        """Dollars of a sum of units; a sum of nothing is zero."""
        return EXACT.scaleb(Decimal(int(units or 0)), -self.scale)

    def known_usd(self, units: int | Decimal | None) -> Decimal | None:
        """Dollars of a sum of units; None where nothing in it is known."""
        return None if units is None else self.usd(units)

    def rows(self, select: str, tail: str = "", parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """``SELECT select FROM ledger tail``; both are text of this program's."""
        return self.store.rows(f'SELECT {select} FROM "{self.table}" l {tail}', parameters)

    def named(self, name: str) -> Dimension | None:
        """The dimension called ``name`` (``tag:<key>`` for a tag); None where no row knows it."""
        if name.startswith("tag:"):
            key = name.removeprefix("tag:")
            return Dimension(name, f"tag_{self.tags.index(key)}") if key in self.tags else None
        if name in {"provider", "model"}:
            return Dimension(name, "provider" if name == "provider" else "model_key")
        return Dimension(name, name) if name in self.known else None

    def rate(self, counter: str) -> str:
        """SQL of a row's rate for a counter in units, in a query that joins the prices as ``p``."""
        return f"p.r_{counter}" if counter in self.parts else "CAST(0 AS HUGEINT)"

    @property
    def joined(self) -> str:
        """SQL that joins each row with its rates as ``p``."""
        return f'JOIN "{self.prices}" p USING (price)'

    def expression(self) -> ir.Table:
        """The ledger as a table that expressions and conditions can be built on."""
        kinds = {name: IBIS_TYPES[BY_NAME[name].type] for name in self.columns if name in BY_NAME}
        tags = {f"tag_{place}": "string" for place in range(len(self.tags))}
        own = {
            "slot": "int64",
            "day": "int64",
            "provider": "string",
            "model_key": "string",
            "paid": "boolean",
            "counted": "int64",
            "unpriced": "int64",
            "cost": "decimal(38, 0)",
        }
        return ibis.table({**kinds, **tags, **own}, name=self.table)

    def group(self, price: int) -> Group:
        """The price group of a row."""
        return self.groups[price]

    def charge(self, price: int, calls: Any, counts: Sequence[Any]) -> Charge | None:
        """What some rows of a group cost, from the sums of their calls and ``parts``; None where they have no price."""
        group = self.groups[price]
        if not isinstance(group.charge, Charge) or group.rates is None:
            return None
        found = charge(self.counts(price, calls, counts), group.rates)
        return found if isinstance(found, Charge) else None

    def counts(self, price: int, calls: Any, counts: Sequence[Any]) -> dict[str, Decimal | None]:
        """Sums of some rows of a group as pricing wants them: what no row of the group knows is None."""
        known = self.groups[price].counts
        told = {
            name: None if known.get(name) is None else Decimal(value or 0)
            for name, value in zip(self.parts, counts, strict=True)
        }
        return {**told, "requests": Decimal(calls or 0)}

    def cube(self, dimension: Dimension) -> str:
        """A small table for all questions about a dimension: sums by value, month and price group."""
        name = f"llmcost_cube_{next(_NUMBERS)}"
        sums = "".join(f', sum(l."{part}") AS "{part}"' for part in self.parts)
        self.store.execute(
            f'CREATE TEMP TABLE "{name}" AS SELECT CAST(l."{dimension.column}" AS VARCHAR) AS value, slot, price, paid, '
            f"sum(calls) AS calls, sum(counted) AS counted, sum(unpriced) AS unpriced, sum(cost) AS cost{sums} "
            f'FROM "{self.table}" l GROUP BY ALL'
        )
        self.engine.keep(name)
        return name


def _rates_of(group: Group) -> dict[str, Decimal]:
    """Counter name to USD for one more of it, all else equal: a cached token's is the difference to a plain one's."""
    if not isinstance(group.charge, Charge) or group.rates is None:
        return {}
    found = factors({name: group.counts.get(name) for name in COUNTED}, group.rates)
    if isinstance(found, Unpriced):
        raise AssertionError(f"rows of a group that has a price have none: {found.reason}")  # noqa: TRY004 - a fault of ours
    return found


def _exponent(rate: Decimal) -> int:
    exponent = rate.normalize().as_tuple().exponent
    return min(exponent, 0) if isinstance(exponent, int) else 0


def _whole_number(name: str) -> str:
    if name == "requests":
        return "CAST(r.unit AS HUGEINT)"
    if name in _DECIMALS:
        return f'CAST(round(r."{name}" * {10**_FINE}) AS HUGEINT)'
    return f'CAST(r."{name}" AS HUGEINT)'


def _key_fields() -> list[tuple[str, pa.DataType]]:
    texts, flags = (
        {"service_tier", "region"},
        {"input_unknown", "output_unknown", "unmeasured", "timeless", "bucket", "contradictory"},
    )
    keys = [
        (name, pa.string() if name in texts else pa.bool_() if name in flags else pa.int64()) for name in PRICE_KEYS
    ]
    flagged = [("k_paid", pa.bool_()), ("is_priced", pa.bool_())]
    return [*keys, ("price", pa.int64()), *flagged, ("provider", pa.string()), ("model_key", pa.string())]


def _name(found: tuple[str | None, str, Any]) -> tuple[str | None, str | None]:
    provider, name, model = found
    return (
        (model.provider, model.key)
        if model
        else (provider, f"{provider}/{name}" if provider and name else name or None)
    )


def _pointer(key: str) -> str:
    """A JSON pointer to a key, whatever is in it (RFC 6901)."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def requests_of(value: Any) -> int:
    """A sum of calls as a whole number."""
    return whole(Decimal(value or 0))
