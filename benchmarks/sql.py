"""The same scenarios as hand-written DuckDB SQL over the same store table, as the yardstick of the replay.

Each step is a query over the query before it, with no more columns than it needs. Money is exact here too: rates become
whole picodollars a token, sums of products are integers. The SQL knows what its author knows of the log (requests only,
no media, one time zone) and does none of the replay's accounting (coverage, evidence, breakdowns by step).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import pyarrow as pa

from llmcost.pricing.catalogue import Catalogue, ModelRef
from llmcost.pricing.resolve import Rates
from llmcost.usage.caching import PROJECT_SCOPED
from llmcost.usage.store import Store
from llmcost.workload.draw import P, coefficients

BASE: Final = """SELECT row_id, request_key, conversation_key, provider_name, coalesce(response_model, request_model) AS model,
coalesce(response_model, request_model) AS logged_model, input_tokens AS logged_input_tokens, service_tier, started_at, status,
input_tokens, cache_read_input_tokens, coalesce(cache_creation_input_tokens, 0) AS cache_creation_input_tokens,
0 AS cache_creation_1h_input_tokens, output_tokens, feature, task_type, conversation_id, file_key, line, project,
time_to_first_token_ms, duration_ms, prefix_nodes, prefix_ends, prefix_needs FROM usage"""
_CLASSES: Final = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
_TIERS: Final = ("standard", "batch", "flex", "priority")
_PEAK: Final = (
    "provider_name = 'deepseek' AND isodow(to_timestamp(started_at / 1000000) AT TIME ZONE 'UTC') <= 5 AND "
    "((started_at // 60000000) % 1440 BETWEEN 60 AND 239 OR (started_at // 60000000) % 1440 BETWEEN 360 AND 599) AND "
    "started_at // 86400000000 NOT IN ({})"
)
_DAYS_OFF: Final = ("2026-09-25", "2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06", "2026-10-07")
_OFF_PEAK_AT: Final = 1_791_936_000_000_000
"""2026-10-14 (a Wednesday) 00:00 UTC; two hours later is peak."""


@dataclass
class Query:
    """A scenario as SQL under way: the query so far, the factor on its cost, and whether rows moved from their model."""

    catalogue: Catalogue
    name: str
    sql: str = BASE
    factor: Decimal = Decimal(1)
    touched: bool = False
    place: int = 0
    keys: dict[str, str] = field(default_factory=dict)

    def model(self, key: str) -> ModelRef:
        return self.catalogue.get(key)


def setup(store: Store, catalogue: Catalogue, served: list[str], now: int) -> None:
    """The rates of every model in every tier, in and outside peak hours, as whole picodollars a token."""
    lines: list[dict[str, Any]] = []
    for key in served:
        for tier in _TIERS:
            for peak in (False, True):
                for big in (False, True):
                    line = _rate_line(catalogue, key, tier, peak, big, now)
                    lines += [line] if line else []
    store.register("bench_rates", pa.Table.from_pylist(lines))


def _rate_line(book: Catalogue, key: str, tier: str, peak: bool, big: bool, now: int) -> dict[str, Any] | None:
    model = book.get(key)
    at = _OFF_PEAK_AT + (2 if peak else 0) * 3_600_000_000
    found = book.rates(model, at=at, service_tier=tier, region=None, input_tokens=300_000 if big else 1000, now=now)
    if not isinstance(found, Rates):
        return None
    rates: Mapping[Any, Decimal] = found.per_mtok
    per = {c: rates.get(c, rates.get(found.billed_as.get(c, "input"), Decimal(0))) for c in _CLASSES}
    return {
        "model": key.partition("/")[2],
        "tier": tier,
        "peak": peak,
        "big": big,
        **{c: int(v * 10**6) for c, v in per.items()},
    }


def _fraction(book: Catalogue, source: str, target: ModelRef) -> Fraction:
    origin = next((book.get(key) for key in MODELS if key.endswith(f"/{source}")), None)
    if origin is None or origin.entry.tokenizer_factor is None or target.entry.tokenizer_factor is None:
        return Fraction(1)
    return Fraction(target.entry.tokenizer_factor) / Fraction(origin.entry.tokenizer_factor)


MODELS: Final = (
    "openai/gpt-5.1", "openai/gpt-5-mini", "openai/gpt-4o", "anthropic/claude-sonnet-4-5", "anthropic/claude-haiku-4-5",
    "google/gemini-2.5-pro", "google/gemini-2.5-flash", "deepseek/deepseek-chat",
)  # fmt: skip


def _scaled(query: Query, column: str, target: ModelRef, *, floor: bool) -> str:
    branches: dict[Fraction, list[str]] = {}
    for key in MODELS:
        name = key.partition("/")[2]
        branches.setdefault(_fraction(query.catalogue, name, target), []).append(name)
    cases = [
        f"WHEN model IN ({_quoted(names)}) THEN ({column} * {f.numerator} + {0 if floor else f.denominator // 2}) // {f.denominator}"
        for f, names in branches.items()
        if f != 1
    ]
    return f"CASE {' '.join(cases)} ELSE {column} END" if cases else column


def _quoted(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _move(query: Query, goes: dict[str, str], extra: str = "") -> None:
    """Rows on other models: ``goes`` maps a target to the condition under which a row goes there."""
    wholes, parts = ("input_tokens", "output_tokens"), ("cache_read_input_tokens", "cache_creation_input_tokens")
    replaced: dict[str, list[str]] = {}
    for key, when in goes.items():
        target = query.model(key)
        for column in (*wholes, *parts):
            replaced.setdefault(column, []).append(
                f"WHEN {when} THEN {_scaled(query, column, target, floor=column in parts)}"
            )
        replaced.setdefault("model", []).append(f"WHEN {when} THEN '{target.model}'")
        replaced.setdefault("provider_name", []).append(f"WHEN {when} THEN '{target.provider}'")
    clause = ", ".join(f"CASE {' '.join(whens)} ELSE {column} END AS {column}" for column, whens in replaced.items())
    query.sql = f"SELECT * REPLACE ({clause}){extra} FROM ({query.sql})"
    query.touched = True


def _able(query: Query, key: str) -> str:
    target = query.model(key)
    room = f"coalesce({_scaled(query, '(coalesce(input_tokens, 0) + coalesce(output_tokens, 0))', target, floor=False)}, 0)"
    return f"model <> '{target.model}' AND {room} <= {target.entry.context_window or 2**62}"


def _reprice(query: Query, parameters: Mapping[str, Any]) -> None:
    if "model" in parameters:
        _move(query, {parameters["model"]: _able(query, parameters["model"])})
    for source, key in parameters.get("models", {}).items():
        _move(query, {key: f"model = '{source.partition('/')[2]}' AND {_able(query, key)}"})
    query.factor *= Decimal(parameters.get("growth", 1)) * (1 - Decimal(parameters.get("discount", 0)))


def _route(query: Query, parameters: Mapping[str, Any]) -> None:
    branches = []
    for number, rule in enumerate(parameters["rules"]):
        a, b = coefficients(0, query.name, query.place, number)
        key = "request_key" if rule.get("by", "request") == "request" else "coalesce(conversation_key, request_key)"
        limit = int(Decimal(rule.get("share", 1)) * P)
        drawn = f" AND (({key} % {P}) * {a} + {b}) % {P} < {limit}" if limit < P else ""
        branches.append(f"WHEN ({rule.get('when', 'true')}){drawn} THEN '{rule['model']}'")
    query.sql = f"SELECT *, model AS was, CASE {' '.join(branches)} END AS goes FROM ({query.sql})"
    _move(
        query,
        {rule["model"]: f"goes = '{rule['model']}' AND {_able(query, rule['model'])}" for rule in parameters["rules"]},
    )
    window = "(PARTITION BY conversation_key ORDER BY started_at, file_key, line, row_id)"
    query.sql = (
        "SELECT * EXCLUDE (goes, was, cold) REPLACE (CASE WHEN cold THEN 0 ELSE cache_read_input_tokens END AS cache_read_input_tokens, "
        "CASE WHEN cold THEN cache_creation_input_tokens + cache_read_input_tokens ELSE cache_creation_input_tokens END AS cache_creation_input_tokens) "
        f"FROM (SELECT *, coalesce(conversation_key IS NOT NULL AND cache_read_input_tokens > 0 AND lag(model) OVER w <> model "
        f"AND lag(was) OVER w = was, false) AS cold FROM ({query.sql}) WINDOW w AS {window})"
    )


NOT_FIXED: Final = "provider_name <> 'google'"
"""The condition that leaves out the provider whose entries end a fixed time after their writing: who writes next hangs on
who wrote last, which is sequential and has no plain SQL."""


class NotInSqlError(Exception):
    """The scenario has no hand-written SQL."""


def _rules(query: Query, parameters: Mapping[str, Any]) -> str:
    """The provider's cache rules as one VALUES table."""
    long, lines = parameters.get("retention") == "long", []
    for key in MODELS:
        model = query.model(key)
        rule = max(model.entry.cache, key=lambda r: r.valid_from)
        if not rule.refresh_on_hit and parameters.get("when") != NOT_FIXED:
            raise NotInSqlError
        life = (rule.long_ttl_seconds or rule.ttl_seconds if long else rule.ttl_seconds or 0) * 1_000_000
        pays, hour = (
            rule.write_class != "input",
            rule.write_class == "cache_write_1h" or (long and rule.long_ttl_seconds == 3600),
        )
        lines.append(
            f"('{key.partition('/')[2]}', {life}, {rule.min_tokens}, {rule.increment_tokens}, {pays}, {pays and hour}, "
            f"{rule.mode == 'explicit'}, {model.provider in PROJECT_SCOPED})"
        )
    return f"(VALUES {', '.join(lines)}) AS rules(model, life, least_tokens, increment, pays, hour, own, by_project)"


def _prompt_cache(query: Query, parameters: Mapping[str, Any]) -> None:
    joined = f"SELECT q.*, rules.* EXCLUDE (model) FROM ({query.sql}) q JOIN {_rules(query, parameters)} USING (model)"
    if query.touched:
        joined = _played(joined)
    else:
        joined = (
            "SELECT *, coalesce(list_max(list_filter(list_transform(list_zip(prefix_ends, prefix_needs), lambda p: "
            f"CASE WHEN p[2] <= life THEN p[1] END), lambda e: e IS NOT NULL)), 0) AS found FROM ({joined})"
        )
    # What the log shows of a cache stands, unless the scenario asks for another life.
    shown = "(cache_read_input_tokens > 0 OR cache_creation_input_tokens > 0)"
    kept = f"CASE WHEN own THEN coalesce({shown}, false) ELSE cache_read_input_tokens IS NOT NULL END"
    stands = "false" if "retention" in parameters else f"(model = logged_model AND {kept})"

    def floored(tokens: str) -> str:
        return f"CASE WHEN {tokens} >= least_tokens AND {tokens} > 0 THEN least_tokens + ({tokens} - least_tokens) // increment * increment ELSE 0 END"

    changing = f"(status IS DISTINCT FROM 'error' AND input_tokens IS NOT NULL AND ({parameters.get('when', 'true')}) AND NOT {stands})"
    query.sql = (
        "SELECT * EXCLUDE (life, least_tokens, increment, pays, hour, own, by_project, found, reads, writes, changing) REPLACE ("
        "CASE WHEN changing THEN reads ELSE cache_read_input_tokens END AS cache_read_input_tokens, "
        "CASE WHEN changing THEN writes ELSE cache_creation_input_tokens END AS cache_creation_input_tokens, "
        "CASE WHEN changing AND hour THEN writes WHEN changing THEN 0 ELSE cache_creation_1h_input_tokens END AS cache_creation_1h_input_tokens) "
        f"FROM (SELECT *, {changing} AS changing, CASE WHEN pays THEN greatest({floored('input_tokens')}, reads) - reads ELSE 0 END AS writes "
        f"FROM (SELECT *, least({floored('least(found, input_tokens)')}, input_tokens) AS reads FROM ({joined})))"
    )


def _played(joined: str) -> str:
    """Every cache played again: a use hits if the run of uses it stands in was answered before."""
    ready = "started_at + greatest(1, coalesce(time_to_first_token_ms * 1000, duration_ms * 1000, 1000000))"
    # One integer for (model, owner, node): a window over one key sorts twice as fast as over three.
    return (
        f"SELECT j.*, coalesce(hits.tokens, 0) AS found FROM ({joined}) j LEFT JOIN ("
        "WITH uses AS (SELECT row_id, started_at, ready, life, xor(owner, node::UBIGINT) AS place, "
        "CASE WHEN model = logged_model THEN tokens ELSE tokens * input_tokens // logged_input_tokens END AS tokens FROM ("
        f"SELECT row_id, started_at, {ready} AS ready, life, hash(model, CASE WHEN by_project THEN coalesce(project, '') ELSE '' END) AS owner, "
        "unnest(prefix_nodes) AS node, unnest(prefix_ends) AS tokens, model, logged_model, input_tokens, logged_input_tokens "
        f"FROM ({joined}) WHERE status IS DISTINCT FROM 'error')), "
        "gaps AS (SELECT *, started_at - lag(started_at) OVER (PARTITION BY place ORDER BY started_at, row_id) > life AS broken FROM uses), "
        "runs AS (SELECT *, sum(coalesce(broken, false)::INT) OVER (PARTITION BY place ORDER BY started_at, row_id ROWS UNBOUNDED PRECEDING) AS run FROM gaps), "
        "judged AS (SELECT *, min(ready) OVER (PARTITION BY place, run ORDER BY started_at, row_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS answered FROM runs) "
        "SELECT row_id, max(tokens) AS tokens FROM judged WHERE answered <= started_at GROUP BY row_id) hits USING (row_id)"
    )


def _service_tier(query: Query, parameters: Mapping[str, Any]) -> None:
    tier, when = parameters["tier"], parameters.get("when", "true")
    sold = f"model IN (SELECT model FROM bench_rates WHERE tier = '{tier}') AND service_tier NOT IN ('{tier}', 'batch')"
    query.sql = f"SELECT * REPLACE (CASE WHEN ({when}) AND {sold} THEN '{tier}' ELSE service_tier END AS service_tier) FROM ({query.sql})"


TRANSLATE: Final[dict[str, Callable[[Query, Mapping[str, Any]], None]]] = {
    "reprice": _reprice, "route": _route, "prompt-cache": _prompt_cache, "service-tier": _service_tier,
}  # fmt: skip
"""Strategies whose scenarios have hand-written SQL."""


def total_of(query: Query, by: tuple[str, ...] = ()) -> str:
    """SQL of the exact cost in picodollars, by some columns."""
    days = ", ".join(f"date_diff('day', DATE '1970-01-01', DATE '{day}')" for day in _DAYS_OFF)
    names = "".join(f", {column}" for column in by)
    return (
        "WITH sums AS (SELECT model, service_tier AS tier, started_at // 86400000000 AS day, feature, "
        f"coalesce({_PEAK.format(days)}, false) AS peak, input_tokens > 200000 AS big, sum(input_tokens) AS i, "
        "sum(cache_read_input_tokens) AS r, sum(cache_creation_input_tokens) AS w, sum(cache_creation_1h_input_tokens) AS h, "
        f"sum(output_tokens) AS o FROM ({query.sql}) WHERE NOT (status = 'error' AND output_tokens IS NULL) GROUP BY ALL) "
        "SELECT sum((i - coalesce(r, 0) - coalesce(w, 0)) * input + coalesce(r, 0) * cache_read + (coalesce(w, 0) - coalesce(h, 0)) * cache_write_5m "
        f"+ coalesce(h, 0) * cache_write_1h + o * output){names} FROM sums JOIN bench_rates USING (model, tier, peak, big) GROUP BY ALL"
    )


def cost(store: Store, query: Query) -> Decimal:
    """The scenario's cost in USD, with the breakdown by day, feature and model that the replay makes as well."""
    lines = store.rows(total_of(query, ("day", "feature", "model")))
    return Decimal(sum(int(line[0]) for line in lines)).scaleb(-12) * query.factor


def scenario(catalogue: Catalogue, name: str, steps: tuple[tuple[str, Mapping[str, Any]], ...]) -> Query | None:
    """The scenario as SQL; None when a step has none."""
    query = Query(catalogue, name)
    for place, (strategy, parameters) in enumerate(steps):
        if strategy not in TRANSLATE:
            return None
        query.place = place
        try:
            TRANSLATE[strategy](query, parameters)
        except NotInSqlError:
            return None
    return query
