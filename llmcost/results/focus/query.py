"""The query that turns priced rows into FOCUS rows: the engine multiplies whole quantities by exact decimals.

A decimal of no places times a price of n places has n places: such a product is exact or an overflow, never rounded.

Validators take ListUnitPrice x PricingQuantity in double precision and compare without tolerance. Where the product of
the doubles is not the double of the exact cost, a charge is written as two rows whose quantities add up to its own; a
power of two never rounds, so a split always exists, in powers of two at the latest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from llmcost.pricing.grid import PRICE_KEYS
from llmcost.results.focus.columns import NUMBER, TEXT, TIME, Version, columns
from llmcost.usage.formulas import begins_formula_sql

Grain = Literal["request", "hour", "day"]
SECOND: Final = 1_000_000
_SPANS: Final = {"request": SECOND, "hour": 3600 * SECOND, "day": 86_400 * SECOND}
TAGGED: Final = ("team", "feature", "environment", "user_id", "api_key_id", "conversation_id")
"""Owners that have no column in FOCUS; at a coarser grain than requests only the first three divide rows."""
COARSE_TAGS: Final = ("team", "feature", "environment")
_ACTING: Final = r"[\x00-\x1f\x7f-\x{9f}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{2069}\x{feff}]"
_EXACT_DOUBLE: Final = 9_007_199_254_740_992


@dataclass(frozen=True, slots=True)
class Shape:
    """What a query depends on."""

    rows: str
    """The view of keyed rows."""
    known: frozenset[str]
    """Usage columns that any row knows."""
    counters: tuple[str, ...]
    """Counters that some line multiplies."""
    grain: Grain
    version: Version
    csv: bool
    time_digits: int
    places: int
    whole: int
    discounted: bool
    billed: bool

    @property
    def width(self) -> str:
        """The type of a quantity: as many digits as a product of 38 leaves it."""
        return f"DECIMAL({38 - self.whole - self.places}, 0)"


def query(shape: Shape) -> str:
    """The whole dataset as one SELECT over ``focus_keys`` and ``focus_lines``."""
    parts = [f"keyed AS ({_keyed(shape)})", f"charges AS ({_charges(shape)})", f"parts AS ({_parts(shape)})"]
    parts += [f"costs AS ({_costs(shape)})", f"paid AS ({_billed(shape)})"]
    return f"WITH {', '.join(parts)} SELECT {_selected(shape)} FROM paid"


def _text(shape: Shape, column: str) -> str:
    """A name as a value: without signs that act, null where nothing is left, and no formula in a CSV."""
    if column not in shape.known:
        return "NULL::VARCHAR"
    return safe(f'r."{column}"', csv=shape.csv)


def safe(value: str, *, csv: bool) -> str:
    """SQL of a text as it may stand in the file."""
    clean = f"nullif(trim(regexp_replace({value}, '{_ACTING}', ' ', 'g')), '')"
    if not csv:
        return clean
    return f"CASE WHEN {begins_formula_sql(clean)} THEN concat('''', {clean}) ELSE {clean} END"


def _keyed(shape: Shape) -> str:
    """Rows with their group and period, or sums of them; what has no time has no charge period and is not here."""
    span = _SPANS[shape.grain]
    start = f"r.started_at - (r.started_at % {span})"
    bucket_start = f"r.started_at - (r.started_at % {SECOND})"
    bucket_end = f"r.ended_at + ((-r.ended_at) % {SECOND} + {SECOND}) % {SECOND}"
    last = "r.started_at + coalesce(r.duration_ms, 0) * 1000" if "duration_ms" in shape.known else "r.started_at"
    end = f"greatest(({last}) + ((-({last})) % {SECOND} + {SECOND}) % {SECOND}, ({start}) + {SECOND})"
    end = end if shape.grain == "request" else f"({start}) + {span}"
    inside = f"r.ended_at IS NULL OR ({shape.grain != 'request'} AND {start} = (r.ended_at - 1) - ((r.ended_at - 1) % {span}))"
    tags = TAGGED if shape.grain == "request" else COARSE_TAGS
    own = {name: _text(shape, name) for name in ("organization", "project", "region", "service_tier", "operation_name")}
    own |= {"tags": _tags(shape, tags)}
    if shape.grain == "request":
        own["request_id"] = _text(shape, "request_id")
    periods = {
        "starts": f"CASE WHEN {inside} THEN {start} ELSE {bucket_start} END",
        "ends": f"CASE WHEN {inside} THEN {end} ELSE greatest({bucket_end}, ({bucket_start}) + {SECOND}) END",
    }
    named = ", ".join(f"{sql} AS {name}" for name, sql in {**periods, **own}.items())
    joined = " AND ".join(f'r."{key}" IS NOT DISTINCT FROM k."{key}"' for key in (*PRICE_KEYS, "branch"))
    source = f'FROM "{shape.rows}" r JOIN focus_keys k ON {joined} WHERE r.paid AND r.started_at IS NOT NULL'
    told = "r.billed_cost" if shape.billed else "NULL::DECIMAL(38, 18)"
    counted = "".join(f', {_counter(shape, name)} AS "{name}"' for name in shape.counters)
    rows = f"SELECT k.grp, {named}, {told} AS told{counted} {source}"
    if shape.grain != "request":
        keys = ", ".join(("grp", *periods, *own))
        added = "".join(f', sum("{name}")::BIGINT AS "{name}"' for name in shape.counters)
        rows = (
            f"SELECT {keys}, NULL::VARCHAR AS request_id, sum(told)::DECIMAL(38, 18) AS told{added} "
            f"FROM ({rows}) GROUP BY {keys}, (told IS NULL)"
        )
    return f"SELECT *, row_number() OVER () AS row FROM ({rows})" if shape.billed else rows


def _counter(shape: Shape, name: str) -> str:
    if name == "requests":
        return "r.unit"
    if name in {"input_audio_seconds", "output_audio_seconds", "input_video_seconds"}:
        return f'(coalesce(r."{name}", 0) * {10**shape.time_digits})::BIGINT'
    return f'coalesce(r."{name}", 0)'


def _tags(shape: Shape, names: Sequence[str]) -> str:
    """Tags as a JSON object: the log's own, and owners without a column; null where there are none."""
    known = [name for name in names if name in shape.known]
    pairs = [f"""'"{name}":' || to_json(r."{name}")::VARCHAR""" for name in known]
    owners = f"concat('{{', concat_ws(',', {', '.join(pairs)}), '}}')" if pairs else "'{}'"
    if "tags" in shape.known and shape.grain == "request":
        owners = f"CASE WHEN r.tags IS NULL THEN {owners} ELSE json_merge_patch(r.tags::VARCHAR, {owners})::VARCHAR END"
    # JSON escapes what is below 0x20 and leaves signs that act, such as those that turn the direction of text.
    return f"nullif(regexp_replace({owners}, '{_ACTING}', ' ', 'g'), '{{}}')"


def _charges(shape: Shape) -> str:
    """A row for each charge: a quantity of one class, or none where only an amount is known, or nothing at all."""
    terms = " + ".join(f'l."w_{name}" * r."{name}"' for name in shape.counters) or "0"
    joined = f"SELECT r.*, l.* EXCLUDE (grp), ({terms})::BIGINT AS q FROM keyed r JOIN focus_lines l ON r.grp = l.grp"
    wanted = "CASE WHEN token_class IS NOT NULL THEN q <> 0 WHEN recorded THEN told IS NOT NULL AND q = 0 ELSE TRUE END"
    return f"SELECT * REPLACE (CASE WHEN token_class IS NOT NULL THEN q END AS q) FROM ({joined}) WHERE {wanted}"


def _holds(quantity: str, price: str, width: str) -> str:
    """SQL of whether quantity times price is the same in doubles and in decimals.

    The exact product over a power of ten is correctly rounded where both are whole numbers below 2^53 and the power is
    one of the first 22; else the product's text is read as a double, which rounds correctly too.
    """
    product = f"({quantity})::DOUBLE * {price}_mantissa"
    return (
        f"({quantity})::DOUBLE * {price}_double = CASE WHEN {price}_power <= 1e22 AND {product} < {_EXACT_DOUBLE} "
        f"THEN {product} / {price}_power ELSE (({quantity})::{width} * {price}_price)::VARCHAR::DOUBLE END"
    )


def _parts(shape: Shape) -> str:
    """Charges with quantities for which price times quantity holds in doubles; see the module."""

    def holds(quantity: str) -> str:
        both = [
            _holds(quantity, price, shape.width)
            for price in (("list", "contracted") if shape.discounted else ("list",))
        ]
        return f"({' AND '.join(both)})"

    powers = "list_transform(range(0, length(bin(q))), lambda i: 1::BIGINT << i)"
    pairs = f"list_filter({powers}, lambda p: p < q AND {holds('(q - p)')})"
    bits = f"list_filter({powers}, lambda p: (q & p) <> 0)"
    whole = f"SELECT *, q IS NULL OR {holds('q')} AS whole FROM charges"
    paired = f"SELECT *, CASE WHEN NOT whole THEN {pairs} END AS pairs FROM ({whole})"
    split = (
        f"CASE WHEN whole THEN [q] WHEN len(pairs) = 0 THEN {bits} ELSE [list_last(pairs), q - list_last(pairs)] END"
    )
    return f"SELECT * EXCLUDE (whole, pairs), unnest({split}) AS quantity FROM ({paired})"


def _costs(shape: Shape) -> str:
    """Exact products; a charge without a price costs what was recorded, which is all that is known of it."""
    money = f"DECIMAL(38, {shape.places})"
    known = f"coalesce(told::{money}, 0)::{money}"

    def cost(price: str) -> str:
        return f"coalesce(quantity::{shape.width} * {price}_price, {known})::{money}"

    return f"SELECT *, {cost('list')} AS list_cost, {cost('contracted')} AS contracted_cost FROM parts"


def _billed(shape: Shape) -> str:
    """What was billed: the amount that the log recorded, over a row's charges as they cost, else what they cost by contract.

    Running shares are rounded and their differences taken, so the parts of an amount add up to it exactly.
    """
    if not shape.billed:
        return "SELECT *, contracted_cost AS billed_cost FROM costs"
    money = f"DECIMAL(38, {shape.places})"
    running = (
        f"SELECT *, (sum(contracted_cost) OVER up)::{money} AS upto, (sum(contracted_cost) OVER (PARTITION BY row))::{money} AS total, "
        "row_number() OVER up AS place FROM costs WHERE told IS NOT NULL "
        "WINDOW up AS (PARTITION BY row ORDER BY number, quantity ROWS UNBOUNDED PRECEDING)"
    )

    def share(part: str) -> str:
        rounded = f"round(told::DOUBLE * ({part}::DOUBLE / total::DOUBLE), 12)::{money}"
        return f"CASE WHEN {part} = total THEN told::{money} ELSE {rounded} END"

    before = f"CASE WHEN place = 1 THEN 0::{money} ELSE {share('(upto - contracted_cost)')} END"
    recorded = (
        f"SELECT * EXCLUDE (upto, total, place), ({share('upto')} - {before})::{money} AS billed_cost FROM ({running})"
    )
    return f"{recorded} UNION ALL SELECT *, contracted_cost AS billed_cost FROM costs WHERE told IS NULL"


def _selected(shape: Shape) -> str:
    """The columns of the file."""
    values = _values(shape)
    found = []
    for name, (value, kind) in columns(shape.version).items():
        cast = {TEXT: "VARCHAR", TIME: "VARCHAR", NUMBER: f"DECIMAL(38, {shape.places})"}[kind]
        found.append(f'NULL::{cast} AS "{name}"' if value is None else f'{values.get(value, value)} AS "{name}"')
    return ", ".join(found)


def _values(shape: Shape) -> Mapping[str, str]:
    """What stands for a name in the table of columns where it is more than a column."""

    def instant(sql: str) -> str:
        return f"strftime({sql}, '%Y-%m-%dT%H:%M:%SZ')" if shape.csv else f"{sql}::TIMESTAMPTZ"

    start = "make_timestamp(starts)"
    month = f"date_trunc('month', {start})"
    return {
        "period_start": instant(start),
        "period_end": instant("make_timestamp(ends)"),
        "month_start": instant(f"{month}::TIMESTAMP"),
        "month_end": instant(f"({month} + INTERVAL 1 MONTH)::TIMESTAMP"),
        "account": "coalesce(organization, seller)",
        "account_type": "CASE WHEN organization IS NULL THEN 'Provider' ELSE 'Organization' END",
        "project_type": "CASE WHEN project IS NOT NULL THEN 'Project' END",
        "quantity": "quantity::DECIMAL(38, 0)",
        "category": "CASE WHEN token_class IS NULL THEN 'Adjustment' ELSE 'Usage' END",
        "status": "CASE WHEN told IS NOT NULL THEN 'recorded' WHEN token_class IS NULL THEN 'unknown' ELSE 'priced' END",
    }
