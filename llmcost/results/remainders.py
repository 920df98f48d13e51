"""What is left of usage buckets beyond the traffic that better rows tell of: charged once, and never lost.

A log of requests beside an export of buckets may hold all of the traffic or a part of it. Where the two cover the same
provider, owner, model and span, each counter of a bucket is reduced by what the requests there account for. A bucket of
which no more than ``TOLERANCE`` is left is left out; of any other the remainder is charged as a bucket of its own, and
the requests stay available to every strategy. So the total of a counter is never below the larger side and never above
it by traffic that both sides tell of alike. The buckets of one export are reduced by those of another in the same way.

Requests and buckets are compared by the hour at least: a log dates a call when it was sent, a provider when it counted
it. A request that could belong to several buckets goes to the one whose labels agree most. A request that tells too
little to be priced (no model, no tokens) accounts for nothing: a remainder stands for it, and the request is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeAlias

import pyarrow as pa

from llmcost.pricing.grid import SUMMED
from llmcost.results.agreement import SAME
from llmcost.usage.columns import BY_NAME
from llmcost.usage.store import Store

TOLERANCE: Final = Decimal("0.001")
"""The share of every counter of a bucket that may be missing in the requests for them to stand for all of it."""
COUNTED: Final = ("requests", *SUMMED, "billed_cost")
"""What buckets are compared by; a charge that the log reports goes with its row and decides nothing."""
REST: Final = "llmcost_rest"
"""The table of buckets with what is left of them."""
PART: Final = "llmcost_part"
"""The table of the same buckets with what was told of elsewhere."""
OWNERS: Final = ("provider_name", "key", "organization", "project")
FINER: Final = ("service_tier", "region", "api_key_id", "user_id")
"""Labels that choose between buckets and exclude none: each source has its own words for keys and users."""
_LABELS: Final = (*OWNERS, *FINER)
_HOUR: Final = 3_600_000_000
Quantity: TypeAlias = "int | Decimal"
Labels: TypeAlias = "tuple[str | None, ...]"


@dataclass
class Cell:
    """Traffic that is told of with certainty: its labels, and what of it is not yet matched with a bucket."""

    labels: Labels
    counts: dict[str, Quantity | None]
    order: str
    left: dict[str, Quantity] = field(init=False)

    def __post_init__(self) -> None:
        self.left = {name: value for name, value in self.counts.items() if value}

    def tells(self, holders: Iterable[Holder]) -> bool:
        """Whether its price can be known: it has a model, and the tokens that buckets of its kind count."""
        if self.labels[OWNERS.index("key")] is None:
            return False
        unknown = [name for name in ("input_tokens", "output_tokens") if self.counts.get(name) is None]
        return not any(holder.counts.get(name) for holder in holders for name in unknown)


@dataclass
class Holder:
    """A bucket, and what is left of each counter that it knows."""

    labels: Labels
    counts: dict[str, Quantity | None]
    order: str
    left: dict[str, Quantity] = field(init=False)
    touched: bool = False

    def __post_init__(self) -> None:
        self.left = {name: value for name, value in self.counts.items() if value is not None}

    def take(self, cell: Cell) -> None:
        """Moves what both still have from one account of the traffic to the other."""
        before = dict(self.left)
        for name, amount in cell.left.items():
            taken = min(amount, self.left.get(name, 0))
            if taken:
                self.touched = True
                self.left[name] -= taken
                cell.left[name] = amount - taken
        if before != self.left and cell.counts.get("billed_cost") is None:
            # What was charged for the part is unknown, so what was charged for the rest is too.
            self.left.pop("billed_cost", None)

    @property
    def remains(self) -> bool:
        """Whether more than the tolerance is left of any counter."""
        return any(
            amount > TOLERANCE * Decimal(self.counts[name] or 0)
            for name, amount in self.left.items()
            if name != "billed_cost"
        )

    def rest(self) -> dict[str, Quantity]:
        """What is left, each finer counter no larger than what it is a part of."""
        left = dict(self.left)
        _limit(left, "cache_read_audio_tokens", left.get("input_audio_tokens", 0))
        if "input_tokens" in left:
            room = left["input_tokens"]
            for name in ("cache_read_input_tokens", "cache_creation_input_tokens"):
                room -= _limit(left, name, room)
            inside = _limit(left, "cache_read_audio_tokens", left.get("cache_read_input_tokens", 0))
            room -= _limit(left, "input_audio_tokens", room + inside) - inside
            for name in ("input_image_tokens", "input_video_tokens"):
                room -= _limit(left, name, room)
        _limit(left, "cache_creation_1h_input_tokens", left.get("cache_creation_input_tokens", 0))
        if "output_tokens" in left:
            room = left["output_tokens"]
            for name in ("reasoning_output_tokens", "output_audio_tokens", "output_image_tokens"):
                room -= _limit(left, name, room)
        return left


def _limit(left: dict[str, Quantity], name: str, most: Quantity) -> Quantity:
    if name not in left:
        return 0
    left[name] = min(left[name], max(most, 0))
    return left[name]


def _agreement(cell: Labels, holder: Labels) -> int:
    """How well labels agree: known and equal, unknown, contradictory. A tier that nobody names is the standard one."""
    score = 0
    for name, a, b in zip(_LABELS, cell, holder, strict=True):
        if name == "service_tier":
            a, b = a or "standard", b or "standard"  # noqa: PLW2901  # what a missing tier is priced as
        score += 2 if a is not None and a == b else 1 if a is None or b is None else 0
    return score


def account(cells: Sequence[Cell], holders: Sequence[Holder], pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Reduces ``holders`` by the ``cells`` they are paired with; gives the numbers of cells that a remainder stands for.

    Pairs whose labels agree most come first, then cells with the fewest choices: the order of rows decides nothing.
    """
    of: defaultdict[int, list[int]] = defaultdict(list)
    for number, place in pairs:
        of[number].append(place)
    silent = [n for n, places in of.items() if not cells[n].tells(holders[place] for place in places)]
    for number in silent:
        cells[number].left.clear()
    ranked = sorted(
        (-_agreement(cells[n].labels, holders[p].labels), len(places), cells[n].order, holders[p].order, n, p)
        for n, places in of.items()
        for p in places
    )
    for *_, n, p in ranked:
        if cells[n].left:
            holders[p].take(cells[n])
    return sorted(n for n in silent if any(holders[p].remains for p in of[n]))


_LABELLED: Final = ", ".join(_LABELS)
_SUMS: Final = ", ".join(f"sum({name}) AS {name}" for name in COUNTED)
# A bucket is compared with all traffic of its hours.
_FROM: Final = f"CASE WHEN ended_at - started_at < {_HOUR} THEN started_at - started_at % {_HOUR} ELSE started_at END"
_TO: Final = f"CASE WHEN ended_at - started_at < {_HOUR} THEN ended_at + (-ended_at % {_HOUR} + {_HOUR}) % {_HOUR} ELSE ended_at END"


class Remainders:
    """The buckets of a replay while other rows are compared with them; ``buckets`` is the table that holds them."""

    def __init__(self, store: Store, buckets: str) -> None:
        self.store, self.buckets = store, buckets
        self._holders: dict[int, Holder] = {}

    def reduce(self, told: str, among: str) -> list[int]:
        """Reduces the buckets of the query ``among`` by the rows of the query ``told`` (labels, span, counters).

        Gives the row ids of ``told`` that tell too little and for which a remainder stands.
        """
        store = self.store
        store.execute(
            f"CREATE OR REPLACE TEMP TABLE llmcost_side AS SELECT *, {_FROM} AS opens, {_TO} AS closes FROM ({told})"
        )
        store.execute(
            f"CREATE OR REPLACE TEMP TABLE llmcost_among AS SELECT *, {_FROM} AS opens, {_TO} AS closes FROM ({among})"
        )
        store.execute(
            "CREATE OR REPLACE TEMP TABLE llmcost_touching AS WITH spans AS (SELECT DISTINCT opens, closes FROM llmcost_among) "
            "SELECT a.opens, a.closes, list({'opens': s.opens, 'closes': s.closes} ORDER BY s.opens, s.closes) AS spans "
            "FROM (SELECT DISTINCT opens, closes FROM llmcost_side) a "
            "JOIN spans s ON a.opens < s.closes AND a.closes > s.opens GROUP BY ALL"
        )
        known = "input_tokens IS NULL AS no_input, output_tokens IS NULL AS no_output, billed_cost IS NULL AS no_charge"
        store.execute(
            "CREATE OR REPLACE TEMP TABLE llmcost_cells AS SELECT row_number() OVER () - 1 AS cell, * FROM ("
            f"SELECT {_LABELLED}, spans, {known}, {_SUMS} FROM llmcost_side JOIN llmcost_touching USING (opens, closes) GROUP BY ALL)"
        )
        pairs = store.rows(
            "SELECT a.cell, b.row_id FROM (SELECT *, unnest(spans) AS span FROM llmcost_cells) a JOIN llmcost_among b "
            f"ON a.span.opens = b.opens AND a.span.closes = b.closes AND {SAME}"
        )
        found = self._account(pairs)
        rows = self._rows_of(found)
        store.drop_temporary(["llmcost_side", "llmcost_among", "llmcost_touching", "llmcost_cells"])
        return rows

    def _account(self, pairs: Sequence[tuple[Any, ...]]) -> list[int]:
        cells = [
            Cell(tuple(row[: len(_LABELS)]), dict(zip(COUNTED, row[len(_LABELS) + 1 :], strict=True)), repr(row))
            for row in self.store.rows(
                f"SELECT {_LABELLED}, spans, {', '.join(COUNTED)} FROM llmcost_cells ORDER BY cell"
            )
        ]
        wanted = {int(row_id) for _, row_id in pairs} - self._holders.keys()
        for row in self.store.rows(
            f"SELECT row_id, {_LABELLED}, started_at, ended_at, source, {', '.join(COUNTED)} FROM {self.buckets}"
        ):
            if row[0] in wanted:
                labels, counts = (
                    tuple(row[1 : len(_LABELS) + 1]),
                    dict(zip(COUNTED, row[len(_LABELS) + 4 :], strict=True)),
                )
                self._holders[row[0]] = Holder(labels, counts, repr(row[1:]))
        ids = sorted({int(row_id) for _, row_id in pairs})
        places = {row_id: place for place, row_id in enumerate(ids)}
        holders = [self._holders[row_id] for row_id in ids]
        return account(cells, holders, [(int(cell), places[int(row_id)]) for cell, row_id in pairs])

    def _rows_of(self, cells: Sequence[int]) -> list[int]:
        if not cells:
            return []
        self.store.register("llmcost_silent", pa.table({"cell": pa.array(cells, pa.int64())}))
        same = " AND ".join(f"s.{name} IS NOT DISTINCT FROM c.{name}" for name in _LABELS)
        rows = self.store.rows(
            "SELECT s.row_id FROM llmcost_side s JOIN llmcost_touching t USING (opens, closes) "
            "JOIN (SELECT * FROM llmcost_cells SEMI JOIN llmcost_silent USING (cell)) c ON c.spans = t.spans AND "
            f"c.no_input = (s.input_tokens IS NULL) AND c.no_output = (s.output_tokens IS NULL) AND {same} ORDER BY 1"
        )
        self.store.drop_temporary(["llmcost_silent"])
        return [int(row_id) for (row_id,) in rows]

    def settle(self) -> tuple[list[int], list[int]]:
        """Row ids of the buckets that are told of wholly, and of those with a remainder; makes the tables of the latter."""
        touched = {row_id: holder for row_id, holder in self._holders.items() if holder.touched}
        rest = {row_id: holder.rest() for row_id, holder in sorted(touched.items()) if holder.remains}
        part = {
            row_id: {name: (touched[row_id].counts[name] or 0) - left for name, left in counts.items()}
            for row_id, counts in rest.items()
        }
        if rest:
            self._table(REST, rest)
            self._table(PART, part)
        return sorted(touched.keys() - rest.keys()), sorted(rest)

    def _table(self, name: str, counts: Mapping[int, Mapping[str, Quantity]]) -> None:
        """Usage rows with other counters."""
        columns: dict[str, pa.Array] = {"row_id": pa.array(counts, pa.int64())}
        for counter in COUNTED:
            kind = pa.decimal128(38, 18) if BY_NAME[counter].type == "decimal" else pa.int64()
            columns[counter] = pa.array([each.get(counter) for each in counts.values()], kind)
        self.store.register("llmcost_counts", pa.table(columns))
        replaced = ", ".join(f"c.{counter} AS {counter}" for counter in COUNTED)
        self.store.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT u.* REPLACE ({replaced}) FROM usage u JOIN llmcost_counts c USING (row_id)"
        )
        self.store.drop_temporary(["llmcost_counts"])
